DROP TRIGGER tasks_tagged ON tasks;
DROP FUNCTION note_task_tags();
DROP TABLE task_tags;
CREATE INDEX tasks_newest_of_project ON tasks (project_id, created_at DESC, task_id DESC);
CREATE INDEX tasks_newest ON tasks (created_at DESC, task_id DESC);
DROP INDEX tasks_listed_of_project;
DROP INDEX tasks_listed;
