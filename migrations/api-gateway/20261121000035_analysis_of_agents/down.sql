ALTER TABLE tasks DROP COLUMN analysis;
