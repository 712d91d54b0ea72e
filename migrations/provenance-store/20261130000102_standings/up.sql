-- What is told of how artifacts stand has a moment, so that whoever hears it in another order knows what came last.

CREATE TABLE standing_clock (
    id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    moment bigint NOT NULL
);
INSERT INTO standing_clock (moment) VALUES (0);
COMMENT ON TABLE standing_clock IS
    'The moment of the last change of which artifacts are tainted. Moved under the graph writer''s lock, so it grows in commit order.';
COMMENT ON COLUMN standing_clock.moment IS
    'Microseconds since 1970, or one more than the last: later than anything told before also after a restore.';
