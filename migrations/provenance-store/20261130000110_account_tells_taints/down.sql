DROP INDEX taint_events_of_nobody;
ALTER TABLE taint_events DROP COLUMN taint;
