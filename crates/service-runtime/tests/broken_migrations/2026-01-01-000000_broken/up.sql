CREATE TABLE half_done (id bigint);
SELECT no_such_column;
