//! The tables, as diesel needs to know them. The migrations are the truth; columns that only SQL touches
//! are left out.

diesel::table! {
    provenance_records (seq) {
        seq -> BigInt,
        provenance_id -> Uuid,
        task_id -> Uuid,
        attempt -> Integer,
        report_kind -> Text,
        reported_at -> Timestamptz,
        reported_by -> Uuid,
        project_id -> Nullable<Text>,
        tier -> Nullable<Text>,
        domain -> Nullable<Text>,
        model_used -> Nullable<Text>,
        worker_id -> Nullable<Text>,
        tokens_input -> Nullable<BigInt>,
        tokens_output -> Nullable<BigInt>,
        execution_time_ms -> Nullable<BigInt>,
        confidence -> Nullable<Double>,
        execution -> Jsonb,
        inputs -> Jsonb,
        inputs_read_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        filled_in -> Jsonb,
        content_digest -> Binary,
        verdict -> Text,
        verification -> Nullable<Jsonb>,
        verified_at -> Nullable<Timestamptz>,
        is_tainted -> Bool,
        tainted_at -> Nullable<Timestamptz>,
        tainted_reason -> Nullable<Text>,
        tainted_by -> Nullable<Text>,
        is_suspect -> Bool,
        suspect_since -> Nullable<Timestamptz>,
        suspect_source -> Nullable<Text>,
        cascade_id -> Nullable<Text>,
        status -> Text,
        created_at -> Timestamptz,
        mark_wave -> Nullable<BigInt>,
        mark_depth -> Nullable<Integer>,
        mark_origin -> Nullable<BigInt>,
        cleared_wave -> BigInt,
        rollback_id -> Nullable<Uuid>,
        chain_position -> Nullable<BigInt>,
        cost_micros -> Nullable<BigInt>,
        price_version -> Nullable<Text>,
    }
}

diesel::table! {
    artifacts (id) {
        id -> BigInt,
        artifact_id -> Text,
        producer_seq -> Nullable<BigInt>,
        position -> Integer,
        artifact_type -> Text,
        path -> Nullable<Text>,
        language -> Nullable<Text>,
        checksum -> Nullable<Text>,
        size_bytes -> Nullable<BigInt>,
        produced_at -> Nullable<Timestamptz>,
        reported_by -> Nullable<Uuid>,
        content_matches -> Nullable<Bool>,
    }
}

diesel::table! {
    marked_records (status, seq) {
        status -> Text,
        seq -> BigInt,
    }
}

diesel::table! {
    artifact_dependencies (input_id, output_id) {
        input_id -> BigInt,
        output_id -> BigInt,
        relationship -> Text,
        checksum -> Nullable<Text>,
        checksum_matches -> Nullable<Bool>,
    }
}

diesel::table! {
    task_attempts (task_id, attempt) {
        task_id -> Uuid,
        attempt -> Integer,
        sequence -> Nullable<BigInt>,
        project_id -> Nullable<Text>,
        tier -> Nullable<Text>,
        domain -> Nullable<Text>,
        started_at -> Nullable<Timestamptz>,
        verdict -> Nullable<Jsonb>,
        request_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    project_counters (project_id) {
        project_id -> Text,
        records -> BigInt,
        tainted -> BigInt,
        suspect -> BigInt,
    }
}

diesel::table! {
    record_chains (project_id) {
        project_id -> Text,
        length -> BigInt,
        head -> Binary,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    provenance_records,
    marked_records,
    artifacts,
    artifact_dependencies,
    task_attempts,
    project_counters,
    record_chains,
);
