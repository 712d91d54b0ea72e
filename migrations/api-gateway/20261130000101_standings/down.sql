DROP VIEW distrusted_artifacts;
DROP TABLE asked_taints;
DROP TABLE artifact_standings;
