//! The service's settings. `defaults.yaml` is their manual.

use std::time::Duration;

use messaging::EventSettings;
use serde::Deserialize;
use service_runtime::database::DatabaseSettings;
use service_runtime::http::HttpSettings;
use service_runtime::service::{RuntimeSettings, ServiceSettings};
use service_runtime::settings::SettingsError;
use service_runtime::telemetry::TelemetrySettings;

use crate::checkpoints::CheckpointRules;
use crate::costs::PriceList;
use crate::marks::MarkRules;
use crate::policy::Policy;
use crate::queries::GraphLimits;

/// The defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../defaults.yaml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where operators ask.
    pub http: HttpSettings,
    /// The database.
    pub storage: DatabaseSettings,
    /// The broker and the way events take.
    pub events: EventSettings,
    /// Answering questions.
    pub queries: QuerySettings,
    /// Marks.
    pub marks: MarkSettings,
    /// What work costs.
    pub costs: PriceList,
    /// Checkpoints.
    pub checkpoints: CheckpointSettings,
    /// How long things are kept.
    pub retention: RetentionSettings,
    /// Threads and the way to the end.
    pub runtime: RuntimeSettings,
    /// Logs, metrics, traces.
    pub telemetry: TelemetrySettings,
}

/// Section `queries`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySettings {
    /// Questions answered at the same time.
    pub concurrency: u16,
    /// How long the broker keeps a question that nobody answers, in seconds.
    pub timeout_seconds: u64,
    /// Most versions of artifacts that an answer about the graph looks at.
    pub max_reached: usize,
    /// Most edges that such an answer follows from its start.
    pub max_depth: u32,
}

impl QuerySettings {
    /// How long the broker keeps a question that nobody answers.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    /// How far walks through the graph go for an answer.
    #[must_use]
    pub const fn graph_limits(&self) -> GraphLimits {
        GraphLimits { nodes: self.max_reached, depth: self.max_depth }
    }
}

/// Section `marks`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkSettings {
    /// Most edges that a suspicion runs along.
    pub max_depth: Option<u32>,
}

/// Section `checkpoints`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSettings {
    /// A project gets one after so many records.
    pub every_records: Option<u32>,
    /// A project gets one after so many hours in which there were records.
    pub every_hours: Option<u32>,
    /// How many of a project can be returned to.
    pub kept: u32,
}

impl Settings {
    /// What operators settle about marks and checkpoints.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        let CheckpointSettings { every_records, every_hours, kept } = self.checkpoints;
        Policy {
            marks: MarkRules { max_depth: self.marks.max_depth },
            checkpoints: CheckpointRules { every_records, every_hours, kept: Some(kept) },
        }
    }
}

/// Section `retention`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// How long ids of applied events are remembered, in days.
    pub inbox_days: u32,
    /// How often to look for what may be forgotten, in seconds.
    pub sweep_every_seconds: u64,
}

impl ServiceSettings for Settings {
    fn http(&self) -> &HttpSettings {
        &self.http
    }

    fn telemetry(&self) -> &TelemetrySettings {
        &self.telemetry
    }

    fn runtime(&self) -> &RuntimeSettings {
        &self.runtime
    }

    fn storage(&self) -> Option<&DatabaseSettings> {
        Some(&self.storage)
    }

    fn validate(&self) -> Result<(), SettingsError> {
        if self.costs.is_nameless() {
            return Err(SettingsError::invalid("costs.price_version", "must name the prices in costs.tiers"));
        }
        self.events.validate()?;
        let positive = [
            ("queries.concurrency", u64::from(self.queries.concurrency)),
            ("queries.timeout_seconds", self.queries.timeout_seconds),
            ("queries.max_reached", u64::try_from(self.queries.max_reached).unwrap_or(u64::MAX)),
            ("queries.max_depth", u64::from(self.queries.max_depth)),
            ("checkpoints.kept", u64::from(self.checkpoints.kept)),
            ("checkpoints.every_records", self.checkpoints.every_records.map_or(1, u64::from)),
            ("retention.inbox_days", u64::from(self.retention.inbox_days)),
            ("retention.sweep_every_seconds", self.retention.sweep_every_seconds),
        ];
        match positive.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(SettingsError::invalid(key, "must be above 0")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use service_runtime::settings::{Layers, load};

    use super::*;

    fn read(environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let settings: Settings = load(Layers { defaults: DEFAULTS, file: None, environment })?;
        settings.validate()?;
        Ok(settings)
    }

    #[test]
    fn a_database_is_all_that_the_defaults_leave_open() {
        assert!(read(&[]).unwrap_err().to_string().contains("storage.database_url"));
        let settings = read(&[("DATABASE_URL", "postgres://127.0.0.1/p")]).unwrap();
        assert_eq!(settings.http.port, 8002);
        assert_eq!(settings.queries.timeout(), Duration::from_secs(5));
    }

    #[test]
    fn prices_are_read_by_tier_and_need_a_name() {
        let database = ("DATABASE_URL", "postgres://127.0.0.1/p");
        let price =
            [("DATS_COSTS__TIERS__SMALL__INPUT", "150000"), ("DATS_COSTS__TIERS__SMALL__OUTPUT", "600000")];
        let named = ("DATS_COSTS__PRICE_VERSION", "2026-11");
        let costs = read(&[database, price[0], price[1], named]).unwrap().costs;
        assert_eq!(
            costs.cost(Some("small"), Some(1_000_000), Some(0)),
            Some((150_000, "2026-11".to_owned()))
        );
        let refused = read(&[database, price[0], price[1]]).unwrap_err();
        assert!(refused.to_string().contains("costs.price_version"), "{refused}");
        assert_eq!(read(&[database]).unwrap().costs, PriceList::default());
    }

    #[test]
    fn a_limit_of_nothing_is_refused_by_its_key() {
        let database = ("DATABASE_URL", "postgres://127.0.0.1/p");
        let refused = read(&[database, ("DATS_EVENTS__MAX_BATCH", "0")]).unwrap_err();
        assert!(refused.to_string().contains("events.max_batch"), "{refused}");
    }
}
