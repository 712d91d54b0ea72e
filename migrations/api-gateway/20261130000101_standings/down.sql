DROP VIEW distrusted_artifacts;
DROP TABLE asked_taints;
DROP TABLE artifact_standings;
COMMENT ON TABLE tainted_artifacts IS 'Artifacts whose newest version is tainted, as events told. A task that would use one is held.';
