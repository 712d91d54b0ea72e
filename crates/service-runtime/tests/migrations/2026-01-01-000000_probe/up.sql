CREATE TABLE probe (id bigint PRIMARY KEY, note text);
SELECT pg_sleep(0.2);
