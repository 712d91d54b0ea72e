-- Who may do what, and who did what.

CREATE TABLE api_keys (
    key_id uuid PRIMARY KEY,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['read', 'write', 'admin']),
    projects text[] CHECK (projects IS NULL OR (cardinality(projects) > 0 AND NOT 'admin' = ANY (scopes))),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON TABLE api_keys IS 'API keys. The key itself is shown once, when it is made, and kept nowhere.';
COMMENT ON COLUMN api_keys.digest IS 'SHA-256 of the key. It has 256 random bits, so nothing slower than a plain hash is needed.';
COMMENT ON COLUMN api_keys.projects IS 'The only projects that the key may see; empty for all. A key for administration sees all.';
COMMENT ON COLUMN api_keys.created_by IS 'Id of the key that made it, or the command line.';

CREATE TABLE audit_log (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    caller text NOT NULL,
    caller_name text NOT NULL,
    peer text,
    method text NOT NULL,
    path text NOT NULL,
    status smallint NOT NULL,
    location text,
    trace_id uuid NOT NULL,
    request_id text NOT NULL
);
COMMENT ON TABLE audit_log IS 'Every call over REST that may change something, also those that were refused.';
COMMENT ON COLUMN audit_log.caller IS 'Id of the key, or anonymous.';
COMMENT ON COLUMN audit_log.path IS 'Without the query.';
COMMENT ON COLUMN audit_log.status IS 'HTTP status of the answer; 0 when there was none in time.';
COMMENT ON COLUMN audit_log.location IS 'Where what was made is, if the answer says.';

CREATE INDEX audit_log_by_time ON audit_log (at);
CREATE INDEX audit_log_by_caller ON audit_log (caller, sequence);
