-- Questions to people: they outlive the wait of their task, so that who asks about an answered one is told the answer.

CREATE TABLE reviews (
    review_id text NOT NULL CHECK (length(review_id) BETWEEN 1 AND 255),
    task_id uuid NOT NULL REFERENCES tasks ON DELETE CASCADE,
    attempt integer NOT NULL CHECK (attempt >= 1),
    project_id text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 4),
    summary text NOT NULL,
    questions jsonb NOT NULL DEFAULT '[]',
    status text NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'changes_requested', 'withdrawn')),
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (review_id, task_id, attempt),
    CONSTRAINT reviews_closed_has_time CHECK ((closed_at IS NULL) = (status = 'pending'))
);
COMMENT ON TABLE reviews IS 'One row per question that QA asked a person; written with the change of its task.';
COMMENT ON COLUMN reviews.review_id IS 'As QA names it; nobody promises that two tasks have different ones.';
COMMENT ON COLUMN reviews.priority IS '1 low to 4 critical: what QA said, else the task''s.';
COMMENT ON COLUMN reviews.status IS 'withdrawn: the task went on without an answer.';

CREATE INDEX reviews_pending ON reviews (priority DESC, created_at, review_id) WHERE status = 'pending';
CREATE INDEX reviews_of_task ON reviews (task_id);

INSERT INTO reviews (review_id, task_id, attempt, project_id, priority, summary, status, created_at)
SELECT left(review ->> 'review_id', 255), task_id, attempt, project_id, priority, review ->> 'reason', 'pending', phase_since
FROM tasks WHERE phase = 'in_review' AND length(review ->> 'review_id') BETWEEN 1 AND 255;
