CREATE INDEX provenance_records_owned ON provenance_records (seq) INCLUDE (project_id, task_id);
ALTER TABLE artifacts DROP CONSTRAINT artifacts_producer_seq_fkey;
ALTER TABLE imported_files DROP CONSTRAINT imported_files_record_seq_fkey;
ALTER TABLE provenance_records DROP CONSTRAINT provenance_records_pkey, ADD CONSTRAINT provenance_records_pkey PRIMARY KEY (seq);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_producer_seq_fkey
    FOREIGN KEY (producer_seq) REFERENCES provenance_records (seq);
ALTER TABLE imported_files ADD CONSTRAINT imported_files_record_seq_fkey
    FOREIGN KEY (record_seq) REFERENCES provenance_records (seq);
