-- What agents find out about their work, beside what they print.
ALTER TABLE tasks ADD COLUMN analysis jsonb;
COMMENT ON COLUMN tasks.analysis IS 'What the agent of the current attempt found out, as it sent it.';
