DROP INDEX tasks_held_by_agents;
DROP TABLE agents;
