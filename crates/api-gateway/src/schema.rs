//! The gateway's tables as diesel sees them; `migrations/api-gateway` is the source.
//! Only what the queries of this crate name is declared: outbox and inbox belong to `messaging`.
#![allow(missing_docs, reason = "columns are documented where they are made: in the migrations")]

diesel::table! {
    projects (project_id) {
        project_id -> Text,
        name -> Text,
        description -> Text,
        repo_url -> Nullable<Text>,
        config -> Jsonb,
        constitution -> Nullable<Jsonb>,
        max_concurrent -> Nullable<Integer>,
        active -> BigInt,
        waiting -> BigInt,
        pending -> BigInt,
        running -> BigInt,
        completed -> BigInt,
        failed -> BigInt,
        cancelled -> BigInt,
        execution_time_ms -> BigInt,
        tokens_input -> BigInt,
        tokens_output -> BigInt,
        last_activity_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        paused_at -> Nullable<Timestamptz>,
        pause_reason -> Nullable<Text>,
        paused_by -> Nullable<Text>,
        operation_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    paused_tiers (tier) {
        tier -> Text,
        paused_at -> Timestamptz,
        pause_reason -> Nullable<Text>,
        paused_by -> Nullable<Text>,
    }
}

diesel::table! {
    api_keys (key_id) {
        key_id -> Uuid,
        name -> Text,
        digest -> Bytea,
        scopes -> Array<Text>,
        projects -> Nullable<Array<Text>>,
        created_by -> Text,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit_log (sequence) {
        sequence -> BigInt,
        at -> Timestamptz,
        caller -> Text,
        caller_name -> Text,
        peer -> Nullable<Text>,
        method -> Text,
        path -> Text,
        status -> SmallInt,
        location -> Nullable<Text>,
        trace_id -> Uuid,
        request_id -> Text,
    }
}

diesel::table! {
    idempotency_keys (caller, key) {
        caller -> Text,
        key -> Text,
        fingerprint -> Bytea,
        operation_id -> Uuid,
        claim_id -> Uuid,
        lease_until -> Timestamptz,
        created_at -> Timestamptz,
        status -> Nullable<SmallInt>,
        content_type -> Nullable<Text>,
        location -> Nullable<Text>,
        body -> Nullable<Bytea>,
    }
}

diesel::table! {
    project_tiers (project_id, tier) {
        project_id -> Text,
        tier -> Text,
        tasks -> BigInt,
    }
}

diesel::table! {
    tasks (task_id) {
        task_id -> Uuid,
        project_id -> Text,
        description -> Text,
        priority -> SmallInt,
        execution_mode -> Text,
        options -> Jsonb,
        inputs -> Jsonb,
        depends_on -> Array<Uuid>,
        not_before -> Nullable<Timestamptz>,
        metadata -> Jsonb,
        constitution -> Nullable<Jsonb>,
        parent_id -> Nullable<Uuid>,
        work_type -> Nullable<Text>,
        parameters -> Nullable<Jsonb>,
        trace_id -> Uuid,
        first_request_id -> Uuid,
        created_at -> Timestamptz,
        status -> Text,
        phase -> Text,
        attempt -> Integer,
        max_attempts -> Integer,
        request_id -> Uuid,
        sequence -> BigInt,
        waiting_reason -> Nullable<Text>,
        waiting_detail -> Nullable<Text>,
        wake_at -> Nullable<Timestamptz>,
        deadline_at -> Nullable<Timestamptz>,
        phase_since -> Timestamptz,
        admitted_at -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        updated_at -> Timestamptz,
        work_mode -> Nullable<Text>,
        domain -> Nullable<Text>,
        tier -> Nullable<Text>,
        qa_profile -> Nullable<Text>,
        routing -> Nullable<Jsonb>,
        minimum_tier -> Nullable<Text>,
        rejections_at_tier -> Integer,
        worker_id -> Nullable<Text>,
        work_started_at -> Nullable<Timestamptz>,
        progress_percent -> Nullable<Double>,
        progress_message -> Nullable<Text>,
        artifacts -> Jsonb,
        model_used -> Nullable<Text>,
        tokens_input -> Nullable<BigInt>,
        tokens_output -> Nullable<BigInt>,
        execution_time_ms -> Nullable<BigInt>,
        output -> Nullable<Text>,
        exit_code -> Nullable<BigInt>,
        analysis -> Nullable<Jsonb>,
        review -> Nullable<Jsonb>,
        subtasks_total -> Integer,
        subtasks_completed -> Integer,
        subtasks_failed -> Integer,
        feedback -> Jsonb,
        errors -> Jsonb,
        error -> Nullable<Jsonb>,
    }
}

diesel::table! {
    task_dependencies (task_id, depends_on) {
        task_id -> Uuid,
        depends_on -> Uuid,
    }
}

diesel::table! {
    task_history (sequence) {
        sequence -> BigInt,
        task_id -> Uuid,
        at -> Timestamptz,
        event -> Text,
        event_id -> Nullable<Uuid>,
        from_phase -> Text,
        to_phase -> Text,
        attempt -> Integer,
        applied -> Bool,
        reason -> Nullable<Text>,
        source -> Text,
        trace_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    task_durations (tier, domain) {
        tier -> Text,
        domain -> Text,
        samples -> BigInt,
        mean_ms -> Double,
    }
}

diesel::table! {
    agents (agent_id, unnamed_type) {
        agent_id -> Uuid,
        agent_type -> Text,
        unnamed_type -> Text,
        status -> Text,
        resources -> Jsonb,
        current_task_id -> Nullable<Uuid>,
        first_seen_at -> Timestamptz,
        last_heartbeat_at -> Timestamptz,
        heartbeats -> BigInt,
        offline_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    reviews (review_id, task_id, attempt) {
        review_id -> Text,
        task_id -> Uuid,
        attempt -> Integer,
        project_id -> Text,
        priority -> SmallInt,
        summary -> Text,
        questions -> Jsonb,
        status -> Text,
        created_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    task_tags (tag, created_at, task_id) {
        tag -> Text,
        created_at -> Timestamptz,
        task_id -> Uuid,
        project_id -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    projects,
    project_tiers,
    tasks,
    task_dependencies,
    task_history
);

diesel::table! {
    webhooks (webhook_id) {
        webhook_id -> Uuid,
        project_id -> Text,
        url -> Text,
        description -> Text,
        statuses -> Array<Text>,
        secret -> Binary,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        last_success_at -> Nullable<Timestamptz>,
        failing_since -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        given_up -> BigInt,
        disabled_at -> Nullable<Timestamptz>,
        disabled_reason -> Nullable<Text>,
    }
}

diesel::table! {
    webhook_deliveries (delivery_id) {
        delivery_id -> Uuid,
        webhook_id -> Uuid,
        body -> Binary,
        created_at -> Timestamptz,
        attempts -> Integer,
        next_attempt_at -> Timestamptz,
    }
}
