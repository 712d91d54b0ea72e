-- Requests that were sent with an Idempotency-Key, and the answers they got.

CREATE TABLE idempotency_keys (
    caller text NOT NULL,
    key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    operation_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    lease_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    status smallint CHECK (status BETWEEN 200 AND 299),
    content_type text,
    location text,
    body bytea,
    PRIMARY KEY (caller, key),
    CHECK ((status IS NULL) = (body IS NULL))
);
COMMENT ON TABLE idempotency_keys IS 'Requests sent with an Idempotency-Key, for a day: who repeats one gets the first answer again.';
COMMENT ON COLUMN idempotency_keys.caller IS 'Id of the API key, or anonymous: each caller has idempotency keys of its own.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'SHA-256 of method, path, query and body.';
COMMENT ON COLUMN idempotency_keys.operation_id IS 'Stays the same when the request is served again after a crash; ids of what it makes follow from it.';
COMMENT ON COLUMN idempotency_keys.claim_id IS 'Who serves the request at the moment; another claim ends the right to store the answer.';
COMMENT ON COLUMN idempotency_keys.lease_until IS 'After this time without an answer, whoever served it is taken for dead.';
COMMENT ON COLUMN idempotency_keys.status IS 'HTTP status of the answer; empty while the request is served.';

CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);
