-- Webhooks: who wants to hear of status changes, and what they have not been told yet.

CREATE TABLE webhooks (
    webhook_id uuid PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    url text NOT NULL,
    description text NOT NULL DEFAULT '',
    statuses text[] NOT NULL DEFAULT '{}',
    secret bytea NOT NULL CHECK (octet_length(secret) BETWEEN 24 AND 64),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_success_at timestamptz,
    failing_since timestamptz,
    last_error text,
    given_up bigint NOT NULL DEFAULT 0 CHECK (given_up >= 0),
    disabled_at timestamptz,
    disabled_reason text,
    CONSTRAINT webhooks_disabled_has_reason CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
CREATE INDEX webhooks_of_project ON webhooks (project_id, created_at);
COMMENT ON TABLE webhooks IS 'Subscriptions of a project''s owners to the status changes of its tasks.';
COMMENT ON COLUMN webhooks.statuses IS 'Statuses to be told of; none means all.';
COMMENT ON COLUMN webhooks.secret IS 'Key of the signatures. Signing needs it as it is, so it cannot be kept as a hash.';
COMMENT ON COLUMN webhooks.failing_since IS 'First failure since the last success.';
COMMENT ON COLUMN webhooks.given_up IS 'Deliveries that were never taken and are not tried any more.';

CREATE TABLE webhook_deliveries (
    delivery_id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at);
CREATE INDEX webhook_deliveries_oldest ON webhook_deliveries (created_at);
COMMENT ON TABLE webhook_deliveries IS 'What is still to be told; written with the status change, deleted when it was taken.';
COMMENT ON COLUMN webhook_deliveries.next_attempt_at IS 'When it is due; while it is on its way, when it counts as lost.';
