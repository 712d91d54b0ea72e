-- Lists of marked records have a table of their own. A record's row then has no index on what a mark changes: PostgreSQL
-- writes the new version beside the old one and leaves all indexes alone, where it wrote an entry in each of eight.

CREATE TABLE marked_records (
    status text NOT NULL CHECK (status IN ('tainted', 'suspect')),
    seq bigint NOT NULL,
    PRIMARY KEY (status, seq)
);
COMMENT ON TABLE marked_records IS
    'Which records are tainted or suspect, by record order. Kept by triggers, so that whatever changes a record''s marks keeps it right.';

CREATE FUNCTION list_marked_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO marked_records (status, seq)
        SELECT status, seq FROM added WHERE status IN ('tainted', 'suspect')
        ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM marked_records USING (
            SELECT status, seq FROM removed WHERE status IN ('tainted', 'suspect')
            EXCEPT SELECT status, seq FROM added WHERE status IN ('tainted', 'suspect')
        ) gone
        WHERE marked_records.status = gone.status AND marked_records.seq = gone.seq;
        INSERT INTO marked_records (status, seq)
        SELECT status, seq FROM added WHERE status IN ('tainted', 'suspect')
        EXCEPT SELECT status, seq FROM removed WHERE status IN ('tainted', 'suspect')
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER provenance_records_marked_added AFTER INSERT ON provenance_records
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION list_marked_records();
CREATE TRIGGER provenance_records_marked_moved AFTER UPDATE ON provenance_records
    REFERENCING NEW TABLE AS added OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION list_marked_records();

INSERT INTO marked_records (status, seq)
SELECT status, seq FROM provenance_records WHERE status IN ('tainted', 'suspect');

CREATE INDEX provenance_records_verdict_newest ON provenance_records (verdict, created_at, seq);
-- safe: lists by status of the version before are slower without it until that version is gone, and right
DROP INDEX provenance_records_status_newest;
