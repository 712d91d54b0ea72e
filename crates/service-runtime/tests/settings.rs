//! Layers of settings, and what is said when one of them is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use service_runtime::http::HttpSettings;
use service_runtime::settings::{Layers, Secret, SettingsError, load};
use service_runtime::telemetry::{LogFormat, TelemetrySettings};

const DEFAULTS: &str = "
http:
  host: 127.0.0.1
  port: 8000
telemetry:
  log_level: info
  otlp_endpoint: null
storage:
  database_url: null
events:
  rabbitmq:
    url: null
    host: localhost
    port: 5672
routing:
  tiers: [tiny, small]
  weights: { tiny: 1 }
  enabled: true
";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    http: HttpSettings,
    telemetry: TelemetrySettings,
    storage: Storage,
    events: Events,
    routing: Routing,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Storage {
    database_url: Secret,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Events {
    rabbitmq: Broker,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Broker {
    url: Option<Secret>,
    host: String,
    port: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Routing {
    tiers: Vec<String>,
    weights: BTreeMap<String, u32>,
    enabled: bool,
}

fn read(file: Option<(&str, &str)>, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let folder = std::env::temp_dir().join(format!("settings-{}-{}", std::process::id(), next_number()));
    let path = file.map(|(name, text)| {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name)
    });
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings = load(Layers { defaults: DEFAULTS, file: path.as_deref(), environment });
    let _ = std::fs::remove_dir_all(&folder);
    settings
}

fn next_number() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn complaint(file: Option<(&str, &str)>, environment: &[(&str, &str)]) -> String {
    let complaint = read(file, environment).unwrap_err().to_string();
    assert!(!complaint.contains('\n'), "more than one line: {complaint}");
    complaint
}

const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://u:hunter2@h/d");

#[test]
fn each_layer_wins_over_the_one_below() {
    let file =
        "http: { port: 1, host: 0.0.0.0 }\nevents: { rabbitmq: { port: 1 } }\ntelemetry: { log_level: warn }";
    let environment = [
        DATABASE,
        ("DATS_HTTP__PORT", "2"),
        ("DATS_EVENTS__RABBITMQ__PORT", "2"),
        ("RABBITMQ_PORT", "3"),
        ("DATS_TELEMETRY__LOG_FORMAT", "json"),
    ];
    let settings = read(Some(("a.yaml", file)), &environment).unwrap();
    assert_eq!((settings.http.host.as_str(), settings.http.port), ("0.0.0.0", 2));
    assert_eq!((settings.events.rabbitmq.host.as_str(), settings.events.rabbitmq.port), ("localhost", 3));
    assert_eq!(settings.telemetry.log_level, "warn");
    assert_eq!(settings.telemetry.log_format, LogFormat::Json);
    assert_eq!(settings.storage.database_url.expose(), DATABASE.1);
}

#[test]
fn a_toml_file_does_as_well() {
    let settings =
        read(Some(("a.TOML", "[http]\nport = 9\n[routing]\ntiers = ['one']")), &[DATABASE]).unwrap();
    assert_eq!((settings.http.port, settings.routing.tiers), (9, vec!["one".to_owned()]));
}

#[test]
fn lists_booleans_and_tables_can_be_given_in_the_environment() {
    let read = |value| read(None, &[DATABASE, ("DATS_ROUTING__TIERS", value)]).unwrap().routing.tiers;
    assert_eq!(read("one, two,"), ["one", "two"]);
    assert_eq!(read("[one, \"two, three\"]"), ["one", "two, three"]);
    let more = [
        DATABASE,
        ("DATS_ROUTING__ENABLED", "false"),
        ("DATS_ROUTING__WEIGHTS", "{small: 2}"),
        ("DATS_ROUTING__WEIGHTS__LARGE", "3"),
    ];
    let routing = self::read(None, &more).unwrap().routing;
    assert!(!routing.enabled);
    assert_eq!(
        routing.weights,
        BTreeMap::from([("tiny".into(), 1), ("small".into(), 2), ("large".into(), 3)])
    );
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let settings = read(None, &[DATABASE, ("DATS_HTTP__PORT", ""), ("LOG_LEVEL", "")]).unwrap();
    assert_eq!((settings.http.port, settings.telemetry.log_level.as_str()), (8000, "info"));
}

#[test]
fn a_host_in_the_environment_wins_over_a_url_in_the_file() {
    let file = Some(("a.yaml", "events: { rabbitmq: { url: 'amqp://file' } }"));
    assert!(read(file, &[DATABASE]).unwrap().events.rabbitmq.url.is_some());
    let settings = read(file, &[DATABASE, ("RABBITMQ_HOST", "broker")]).unwrap();
    assert_eq!((settings.events.rabbitmq.host.as_str(), settings.events.rabbitmq.url), ("broker", None));
    let both = [DATABASE, ("RABBITMQ_HOST", "broker"), ("RABBITMQ_URL", "amqp://env")];
    assert_eq!(read(file, &both).unwrap().events.rabbitmq.url.unwrap().expose(), "amqp://env");
}

#[test]
fn variables_that_are_no_settings_of_ours_are_passed_over() {
    let environment = [
        DATABASE,
        ("DATS_CONFIG", "/x"),
        ("DATS_API_URL", "http://x"),
        ("DATS_LOCAL_DIR", "/y"),
        ("PATH", "/bin"),
        ("AGENT_SERVICE_URL", "http://not-a-setting-of-this-service"),
    ];
    assert!(read(None, &environment).is_ok());
}

#[test]
fn an_unknown_key_is_named_with_its_layer() {
    assert_eq!(
        complaint(None, &[DATABASE, ("DATS_HTTP__PROT", "1")]),
        "bad settings: http.prot: no such setting (in environment variable DATS_HTTP__PROT)"
    );
    assert_eq!(
        complaint(None, &[DATABASE, ("DATS_ROUTNG__ENABLED", "1")]),
        "bad settings: routng: no such setting (in environment variable DATS_ROUTNG__ENABLED)"
    );
    let complaint = complaint(Some(("a.yaml", "events: { rabbitmq: { hots: x } }")), &[DATABASE]);
    assert!(
        complaint.starts_with("bad settings: events.rabbitmq.hots: no such setting (in /"),
        "{complaint}"
    );
    assert!(complaint.ends_with("a.yaml)"), "{complaint}");
}

#[test]
fn a_value_of_the_wrong_kind_is_told_with_its_layer() {
    assert_eq!(
        complaint(None, &[DATABASE, ("SERVICE_PORT", "eighty")]),
        "bad settings: http.port: invalid value: string \"eighty\", expected an integer (in environment variable SERVICE_PORT)"
    );
    let too_big = complaint(Some(("a.yaml", "http: { port: 70000 }")), &[DATABASE]);
    assert!(too_big.starts_with("bad settings: http.port: invalid value: "), "{too_big}");
    let no_variant = complaint(None, &[DATABASE, ("DATS_TELEMETRY__LOG_FORMAT", "xml")]);
    assert_eq!(
        no_variant,
        "bad settings: telemetry.log_format: invalid value: \"xml\" (in environment variable DATS_TELEMETRY__LOG_FORMAT)"
    );
}

#[test]
fn a_missing_value_says_how_to_set_it() {
    assert_eq!(
        complaint(None, &[]),
        "bad settings: storage.database_url: not set: set it in the settings file or as DATS_STORAGE__DATABASE_URL"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = load::<Settings>(Layers {
        defaults: DEFAULTS,
        file: Some(Path::new("/nowhere/dats.yaml")),
        environment: std::iter::empty(),
    });
    let complaint = error.unwrap_err().to_string();
    assert!(complaint.starts_with("bad settings: cannot read the file: "), "{complaint}");
    assert!(complaint.ends_with("(in /nowhere/dats.yaml)"), "{complaint}");
    let broken = self::complaint(Some(("a.yaml", "http: [1\nb: c: d")), &[DATABASE]);
    assert!(broken.ends_with("a.yaml)"), "{broken}");
    let scalar = self::complaint(Some(("a.yaml", "just text")), &[DATABASE]);
    assert!(scalar.ends_with("a.yaml)"), "{scalar}");
}

#[test]
fn secrets_do_not_show() {
    let settings = read(None, &[DATABASE, ("RABBITMQ_URL", "amqp://u:hunter2@h")]).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}
