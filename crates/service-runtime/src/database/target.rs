//! Reads a database URL: which servers, with or without TLS, and with which session settings.
//!
//! `sslmode` has two meanings here. `require`, `verify-ca` and `verify-full` encrypt and verify the
//! server, since encryption to an unknown peer protects from nobody. Without it, and with `disable`,
//! `allow` or `prefer`, the connection is plain.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::settings::DatabaseSettings;
use crate::tls::TlsError;

/// How long a connection may be silent before the kernel asks the other side whether it is there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// How long sent bytes may stay unacknowledged: bounds what a vanished server costs.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);
/// How long after the end of a statement's time its answer may still be on its way.
const ANSWER_GRACE: Duration = Duration::from_secs(10);
/// A client that stops in the middle of a transaction must not hold its locks for ever.
const IDLE_IN_TRANSACTION_MS: u32 = 60_000;

/// Why a database URL cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It is not a PostgreSQL URL.
    #[error("storage.database_url: {0}")]
    Url(String),
    /// TLS cannot be set up.
    #[error("storage.ca_file: {0}")]
    Tls(#[from] TlsError),
}

/// Where and how to connect.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) config: Config,
    /// Whether to use TLS, and with which authorities.
    pub(super) tls: Option<TlsTarget>,
    /// How long the server may be silent after it was asked; `None` where statements may take any time.
    pub(super) answer_within: Option<Duration>,
}

/// TLS to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsTarget {
    /// The authorities; those of the machine when not set.
    pub(super) ca_file: Option<PathBuf>,
}

/// Compiling statements that take a millisecond costs more than it saves.
const PLANNING: &str = "-c jit=off";

impl Target {
    /// Reads the URL. `limited` sessions have the statement timeout; migrations take their time.
    pub(super) fn new(settings: &DatabaseSettings, limited: bool) -> Result<Self, TargetError> {
        let url = settings.database_url.expose();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(TargetError::Url("must start with postgres://".to_owned()));
        }
        let parts = split_tls_parameters(url)?;
        let mut config = Config::from_str(&parts.url).map_err(|error| TargetError::Url(describe(&error)))?;
        let tls = parts.encrypt.then(|| TlsTarget { ca_file: settings.ca_file.clone().or(parts.ca_file) });
        config
            .ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable })
            .connect_timeout(settings.connect_timeout())
            .keepalives_idle(KEEPALIVE_IDLE)
            .tcp_user_timeout(SILENCE_LIMIT);
        let statement_timeout = if limited { settings.statement_timeout_ms } else { 0 };
        let ours = format!(
            "-c statement_timeout={statement_timeout} \
             -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} {PLANNING}"
        );
        let answer_within = answer_within(&config, statement_timeout);
        // Later options win, so what the URL says stays in force.
        let options = config.get_options().map_or_else(|| ours.clone(), |theirs| format!("{ours} {theirs}"));
        config.options(options);
        Ok(Self { config, tls, answer_within })
    }

    /// How many servers the URL names; each may take the connect timeout.
    pub(super) fn host_count(&self) -> usize {
        self.config.get_hosts().len().max(1)
    }
}

/// Follows the statement timeout that we set ourselves; a URL with its own, or with a socket in the file system, is
/// left to its own devices.
fn answer_within(config: &Config, statement_timeout_ms: u64) -> Option<Duration> {
    let has_own = config.get_options().is_some_and(|options| options.contains("statement_timeout"));
    let by_network = config.get_hosts().iter().all(|host| matches!(host, Host::Tcp(_)));
    let is_limited = statement_timeout_ms > 0 && !has_own && by_network;
    is_limited.then(|| Duration::from_millis(statement_timeout_ms) + ANSWER_GRACE)
}

struct UrlParts {
    url: String,
    encrypt: bool,
    ca_file: Option<PathBuf>,
}

/// Takes out the parameters about TLS, some of which the driver does not know.
fn split_tls_parameters(url: &str) -> Result<UrlParts, TargetError> {
    let Some((base, query)) = url.split_once('?') else {
        return Ok(UrlParts { url: url.to_owned(), encrypt: false, ca_file: None });
    };
    let mut parts = UrlParts { url: String::new(), encrypt: false, ca_file: None };
    let mut kept = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", mode)) => parts.encrypt = wants_encryption(mode)?,
            Some(("sslrootcert", path)) => {
                let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
                parts.ca_file = (path != "system").then(|| path.into());
            }
            _ => kept.push(parameter),
        }
    }
    parts.url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    Ok(parts)
}

fn wants_encryption(mode: &str) -> Result<bool, TargetError> {
    match mode {
        "disable" | "allow" | "prefer" => Ok(false),
        "require" | "verify-ca" | "verify-full" => Ok(true),
        _ => Err(TargetError::Url(format!("unknown sslmode '{mode}'"))),
    }
}

/// The driver's error with its cause; neither repeats the URL.
fn describe(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::TargetSessionAttrs;

    use super::*;

    fn target(url: &str) -> Result<Target, TargetError> {
        Target::new(&DatabaseSettings::new(url), true)
    }

    #[test]
    fn a_password_may_hold_percent_encoded_characters() {
        let target = target("postgres://us%40er:p%2Fw%3A%25d@localhost:5433/tasks").unwrap();
        assert_eq!(target.config.get_user(), Some("us@er"));
        assert_eq!(target.config.get_password(), Some(&b"p/w:%d"[..]));
        assert_eq!(target.config.get_dbname(), Some("tasks"));
        assert_eq!(target.config.get_ports(), [5433]);
    }

    #[test]
    fn several_hosts_and_what_to_look_for_reach_the_driver() {
        let target =
            target("postgresql://u:p@one:5432,two:5433/tasks?target_session_attrs=read-write").unwrap();
        let hosts = [Host::Tcp("one".into()), Host::Tcp("two".into())];
        assert_eq!(target.config.get_hosts(), hosts);
        assert_eq!(target.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(target.host_count(), 2);
    }

    #[test]
    fn encryption_is_on_only_when_asked_for() {
        for (query, encrypted) in [
            ("", false),
            ("?sslmode=disable", false),
            ("?sslmode=prefer", false),
            ("?sslmode=require", true),
            ("?sslmode=verify-full", true),
        ] {
            let target = target(&format!("postgres://u:p@h/d{query}")).unwrap();
            assert_eq!(target.tls.is_some(), encrypted, "{query}");
        }
        let target =
            target("postgres://u:p@h/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&application_name=x")
                .unwrap();
        assert_eq!(target.tls, Some(TlsTarget { ca_file: Some("/etc/ca.pem".into()) }));
        assert_eq!(target.config.get_application_name(), Some("x"));
    }

    #[test]
    fn an_answer_is_waited_for_as_long_as_statements_may_take_and_a_little_longer() {
        let settings =
            |url: &str| DatabaseSettings { statement_timeout_ms: 2_000, ..DatabaseSettings::new(url) };
        let plain = Target::new(&settings("postgres://u:p@h/d"), true).unwrap();
        assert_eq!(plain.answer_within, Some(Duration::from_secs(12)));
        let unlimited = Target::new(&settings("postgres://u:p@h/d"), false).unwrap();
        let own = "postgres://u:p@h/d?options=-c%20statement_timeout%3D0";
        let own = Target::new(&settings(own), true).unwrap();
        let by_file = Target::new(&settings("postgres://%2Frun/d?user=u"), true).unwrap();
        assert_eq!((unlimited.answer_within, own.answer_within, by_file.answer_within), (None, None, None));
    }

    #[test]
    fn options_in_the_url_come_after_ours_and_so_win() {
        let target = target("postgres://u:p@h/d?options=-c%20statement_timeout%3D5").unwrap();
        let options = target.config.get_options().unwrap();
        assert!(
            options.starts_with("-c statement_timeout=30000") && options.ends_with("-c statement_timeout=5"),
            "{options}"
        );
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_without_repeating_it() {
        for url in [
            "mysql://u:topsecret@h/d",
            "postgres://u:topsecret@h:port/d",
            "postgres://u:topsecret@h/d?sslmode=maybe",
            "postgres://u:topsecret@h/d?colour=red",
        ] {
            let error = target(url).unwrap_err().to_string();
            assert!(error.starts_with("storage.database_url: ") && !error.contains("topsecret"), "{error}");
        }
    }
}
