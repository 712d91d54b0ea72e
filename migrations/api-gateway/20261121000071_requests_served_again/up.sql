-- Requests with an Idempotency-Key: refusals are kept too, and a project knows the request that made it.

-- safe: the new check takes all that the old one takes.
ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_status_check;
-- safe: the version before writes nothing outside of it.
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_status_check CHECK (status BETWEEN 200 AND 499);

ALTER TABLE projects ADD COLUMN operation_id uuid;
COMMENT ON COLUMN projects.operation_id IS 'The keyed request that made it: served again after a crash, it finds what it made.';
