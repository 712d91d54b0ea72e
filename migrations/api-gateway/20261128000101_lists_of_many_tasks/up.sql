-- Lists of a million tasks: what they are filtered by is in the index that gives their order.

CREATE INDEX tasks_listed ON tasks (created_at DESC, task_id DESC) INCLUDE (status, phase, tier, domain);
CREATE INDEX tasks_listed_of_project ON tasks (project_id, created_at DESC, task_id DESC)
    INCLUDE (status, phase, tier, domain);

-- safe: tasks_listed has the same keys
DROP INDEX tasks_newest;
-- safe: tasks_listed_of_project has the same keys
DROP INDEX tasks_newest_of_project;

CREATE TABLE task_tags (
    tag text NOT NULL,
    created_at timestamptz NOT NULL,
    task_id uuid NOT NULL,
    project_id text NOT NULL
);
COMMENT ON TABLE task_tags IS 'The tasks of each tag in the order of lists; an index of tasks.metadata, kept by a trigger.';
COMMENT ON COLUMN task_tags.created_at IS 'As in tasks, where it never changes.';
COMMENT ON COLUMN task_tags.project_id IS 'As in tasks, where it never changes.';

-- Whoever submits while an upgrade rolls, of this version or the one before, fills it.
CREATE FUNCTION note_task_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO task_tags (tag, created_at, task_id, project_id)
    SELECT DISTINCT tag, NEW.created_at, NEW.task_id, NEW.project_id
    FROM jsonb_array_elements_text(NEW.metadata -> 'tags') AS tag;
    RETURN NULL;
END
$$;
CREATE TRIGGER tasks_tagged AFTER INSERT ON tasks
    FOR EACH ROW WHEN (jsonb_typeof(NEW.metadata -> 'tags') = 'array') EXECUTE FUNCTION note_task_tags();

INSERT INTO task_tags (tag, created_at, task_id, project_id)
SELECT DISTINCT tag, created_at, task_id, project_id
FROM tasks CROSS JOIN LATERAL jsonb_array_elements_text(metadata -> 'tags') AS tag
WHERE jsonb_typeof(metadata -> 'tags') = 'array';

CREATE UNIQUE INDEX task_tags_listed ON task_tags (tag, created_at DESC, task_id DESC) INCLUDE (project_id);
