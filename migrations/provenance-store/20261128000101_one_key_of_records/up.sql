-- A record's key carries what walks through the graph look up of it, in place of a second index with the same key: every
-- record that is written or marked becomes a new row version with an entry in each index.

-- safe: it is made anew below
ALTER TABLE artifacts DROP CONSTRAINT artifacts_producer_seq_fkey;
-- safe: it is made anew below
ALTER TABLE imported_files DROP CONSTRAINT imported_files_record_seq_fkey;
-- safe: the key has the same column as before, and carries those of the index that is dropped below
ALTER TABLE provenance_records
    DROP CONSTRAINT provenance_records_pkey,
    ADD CONSTRAINT provenance_records_pkey PRIMARY KEY (seq) INCLUDE (project_id, task_id);
-- safe: the primary key has the same columns
DROP INDEX provenance_records_owned;
-- safe: the same rule as before
ALTER TABLE artifacts ADD CONSTRAINT artifacts_producer_seq_fkey
    FOREIGN KEY (producer_seq) REFERENCES provenance_records (seq);
-- safe: the same rule as before
ALTER TABLE imported_files ADD CONSTRAINT imported_files_record_seq_fkey
    FOREIGN KEY (record_seq) REFERENCES provenance_records (seq);
