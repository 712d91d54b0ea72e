DROP INDEX tasks_failed;
DROP TABLE workers;
