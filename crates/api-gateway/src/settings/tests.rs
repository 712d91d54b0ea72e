//! The defaults are complete, and settings that make no sense are refused by their key.

use service_runtime::settings::{Layers, load};

use super::*;
use crate::tasks::lifecycle::Rules;

const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://127.0.0.1/g");

fn read(environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let settings: Settings = load(Layers { defaults: DEFAULTS, file: None, environment })?;
    settings.validate()?;
    Ok(settings)
}

#[test]
fn the_defaults_are_the_rules_that_the_life_cycle_is_tested_with() {
    assert!(read(&[]).unwrap_err().to_string().contains("storage.database_url"));
    let settings = read(&[DATABASE]).unwrap();
    assert_eq!(settings.http.port, 8000);
    assert_eq!(settings.task_management.rules(), Rules::default());
}

#[test]
fn the_outside_is_not_served_without_keys_unless_that_is_meant() {
    for host in ["0.0.0.0", "::", "192.168.1.2", "gateway.example"] {
        let refused = read(&[DATABASE, ("DATS_HTTP__HOST", host)]).unwrap_err();
        assert!(refused.to_string().contains("auth.allow_anonymous"), "{refused}");
        let meant = ("DATS_AUTH__ALLOW_ANONYMOUS", "true");
        assert!(read(&[DATABASE, ("DATS_HTTP__HOST", host), meant]).is_ok());
        let with_keys = ("DATS_AUTH__ENABLED", "true");
        assert!(read(&[DATABASE, ("DATS_HTTP__HOST", host), with_keys]).is_ok());
    }
    for host in ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"] {
        assert!(read(&[DATABASE, ("DATS_HTTP__HOST", host)]).is_ok(), "{host}");
    }
}

#[test]
fn values_that_make_no_sense_are_refused_by_their_key() {
    for (variable, value, key) in [
        ("DATS_EVENTS__MAX_BATCH", "0", "events.max_batch"),
        ("DATS_TASK_MANAGEMENT__SUBMISSION__MAX_BATCH", "0", "task_management.submission.max_batch"),
        ("DATS_TASK_MANAGEMENT__SUBMISSION__WRITERS", "0", "task_management.submission.writers"),
        ("DATS_TASK_MANAGEMENT__RETRY__JITTER", "1.5", "task_management.retry.jitter"),
        ("DATS_TASK_MANAGEMENT__RETRY__FACTOR", "NaN", "task_management.retry.factor"),
        ("DATS_TASK_MANAGEMENT__DEFAULT_PRIORITY", "urgent", "task_management.default_priority"),
        ("DATS_AUTH__RATE_LIMIT__REQUESTS_PER_SECOND", "0", "auth.rate_limit.requests_per_second"),
        ("DATS_AUTH__RATE_LIMIT__BURST", "0", "auth.rate_limit.burst"),
    ] {
        let refused = read(&[DATABASE, (variable, value)]).unwrap_err();
        assert!(refused.to_string().contains(key), "{refused}");
    }
}

#[test]
fn the_work_types_are_those_of_the_routing_engine() {
    let table = |defaults: &str| -> Vec<String> {
        let lines = defaults.lines().map(str::trim).skip_while(|line| *line != "work_types:").skip(1);
        lines.take_while(|line| line.contains(": ")).map(ToOwned::to_owned).take(14).collect()
    };
    let ours = table(DEFAULTS);
    assert_eq!(ours, table(include_str!("../../../routing-engine/defaults.yaml")));
    let settings = read(&[DATABASE]).unwrap();
    assert_eq!(settings.agents.work_types().names().len(), ours.len());
}

#[test]
fn agents_settings_that_make_no_sense_are_refused_by_their_key() {
    for (variable, value, key) in [
        ("DATS_AGENTS__ONLINE_SECONDS", "0", "agents.online_seconds"),
        ("DATS_AGENTS__FORGET_AFTER_SECONDS", "10", "agents.forget_after_seconds"),
        ("DATS_AGENTS__WORK_TYPES__CANCEL", "infra", "agents.work_types.cancel"),
        ("DATS_AGENTS__WORK_TYPES__ECHO", "orchestrator", "agents.work_types.echo"),
        ("DATS_AGENTS__WORK_TYPES__ECHO", "kitchen", "agents"),
    ] {
        let refused = read(&[DATABASE, (variable, value)]).unwrap_err();
        assert!(refused.to_string().contains(key), "{refused}");
    }
    let added = read(&[DATABASE, ("DATS_AGENTS__WORK_TYPES__BAKE", "desktop")]).unwrap();
    assert!(added.agents.work_types().contains("bake") && added.agents.work_types().contains("echo"));
}
