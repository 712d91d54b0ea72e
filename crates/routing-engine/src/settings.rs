//! Settings of this service. `defaults.yaml` has every one of them with its meaning; here are their types, and the
//! checks that types cannot make.

use std::path::PathBuf;
use std::time::Duration;

use messaging::BrokerSettings;
use serde::Deserialize;
use service_runtime::http::HttpSettings;
use service_runtime::service::{RuntimeSettings, ServiceSettings};
use service_runtime::settings::SettingsError;
use service_runtime::telemetry::TelemetrySettings;

use crate::analysis::rules::{DEFAULT_RULES, Rules};
use crate::context::ContextSettings;
use crate::decision::{TierSpec, TierTable};
use crate::lanes::LaneLimits;
use crate::lanes::agent::AgentsSettings;
use crate::outbound::{OutboundSettings, read_address};

/// Every setting with its default and its meaning.
pub const DEFAULTS: &str = include_str!("../defaults.yaml");

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the operations endpoints listen.
    pub http: HttpSettings,
    /// Where events come from and go to.
    pub events: EventsSettings,
    /// Threads and draining.
    pub runtime: RuntimeSettings,
    /// Logs, traces, metrics.
    pub telemetry: TelemetrySettings,
    /// How tasks find their way.
    pub routing: RoutingSettings,
    /// How work by type finds its agents.
    pub agents: AgentsSettings,
}

/// Section `events`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsSettings {
    /// The broker.
    pub rabbitmq: BrokerSettings,
}

/// Section `routing`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingSettings {
    /// Address of the Agent Service, if there is one.
    pub agent_service_url: Option<String>,
    /// How it is called.
    pub agent_service: OutboundSettings,
    /// Longest wait of one task for its analysis, in seconds.
    pub analysis_timeout_seconds: u64,
    /// Address of the RAG service, if there is one.
    pub rag_service_url: Option<String>,
    /// How it is called.
    pub rag_service: OutboundSettings,
    /// What it is asked for.
    pub context: ContextSettings,
    /// Tasks that may be analysed by the Agent Service at the same time.
    pub concurrency: usize,
    /// Deliveries taken ahead of their acknowledgement.
    pub prefetch: u16,
    /// A rules file to use instead of the built-in one.
    pub rules_file: Option<PathBuf>,
    /// The tiers, weakest first.
    pub tiers: Vec<TierSpec>,
}

impl RoutingSettings {
    /// The tiers as a table.
    ///
    /// # Errors
    /// If they make no table.
    pub fn tier_table(&self) -> Result<TierTable, SettingsError> {
        TierTable::new(self.tiers.clone())
            .map_err(|error| SettingsError::invalid("routing.tiers", error.to_string()))
    }

    /// The rules: the file's, or the built-in ones.
    ///
    /// # Errors
    /// If the file cannot be read or used. Built-in rules that do not fit changed tiers count as well.
    pub fn rules(&self, tiers: &TierTable) -> Result<Rules, SettingsError> {
        let invalid = |problem: String| SettingsError::invalid("routing.rules_file", problem);
        let Some(file) = &self.rules_file else {
            return Rules::read(DEFAULT_RULES, tiers)
                .map_err(|error| invalid(format!("the built-in rules do not fit these settings: {error}")));
        };
        let text = std::fs::read_to_string(file)
            .map_err(|error| invalid(format!("{} cannot be read: {error}", file.display())))?;
        Rules::read(&text, tiers).map_err(|error| invalid(format!("{}: {error}", file.display())))
    }

    /// Address of the Agent Service; empty text counts as none.
    ///
    /// # Errors
    /// If it is no address.
    pub fn agent_service_address(&self) -> Result<Option<String>, SettingsError> {
        address("routing.agent_service_url", self.agent_service_url.as_deref())
    }

    /// Address of the RAG service; empty text counts as none.
    ///
    /// # Errors
    /// If it is no address.
    pub fn rag_service_address(&self) -> Result<Option<String>, SettingsError> {
        address("routing.rag_service_url", self.rag_service_url.as_deref())
    }

    /// What bounds the analysis by an Agent Service.
    #[must_use]
    pub const fn lane_limits(&self) -> LaneLimits {
        LaneLimits {
            concurrency: self.concurrency,
            analysis: Duration::from_secs(self.analysis_timeout_seconds),
        }
    }
}

fn address(key: &str, text: Option<&str>) -> Result<Option<String>, SettingsError> {
    text.filter(|text| !text.trim().is_empty())
        .map(|text| read_address(text).map_err(|error| SettingsError::invalid(key, error.to_string())))
        .transpose()
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

    fn validate(&self) -> Result<(), SettingsError> {
        self.agents.validate()?;
        let routing = &self.routing;
        routing.rules(&routing.tier_table()?)?;
        routing.agent_service_address()?;
        routing.rag_service_address()?;
        for (section, settings) in
            [("agent_service", &routing.agent_service), ("rag_service", &routing.rag_service)]
        {
            if let Some(limit) = settings.first_zero() {
                let key = format!("routing.{section}.{limit}");
                return Err(SettingsError::invalid(&key, "must be above 0"));
            }
        }
        for (key, value) in [
            ("routing.concurrency", routing.concurrency),
            ("routing.prefetch", usize::from(routing.prefetch)),
            ("routing.context.max_query_characters", routing.context.max_query_characters),
        ] {
            if value == 0 {
                return Err(SettingsError::invalid(key, "must be above 0"));
            }
        }
        if routing.context.is_askable() {
            Ok(())
        } else {
            Err(SettingsError::invalid("routing.context.max_tokens", "must be between 100 and 10000"))
        }
    }
}

/// The tiers of the default settings.
#[cfg(test)]
pub(crate) fn default_tiers() -> TierTable {
    tests::load(&[]).unwrap().routing.tier_table().unwrap()
}

#[cfg(test)]
mod tests {
    use service_runtime::settings::{Layers, load as load_layers};

    use super::*;

    pub(super) fn load(environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let settings: Settings = load_layers(Layers { defaults: DEFAULTS, file: None, environment })?;
        settings.validate()?;
        Ok(settings)
    }

    fn refused(key: &str, value: &str) -> String {
        load(&[(key, value)]).unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_good_and_need_no_outside_service() {
        let settings = load(&[]).unwrap();
        assert_eq!(settings.http.port, 8001);
        assert_eq!(settings.routing.agent_service_address().unwrap(), None);
        assert_eq!(settings.routing.rag_service_address().unwrap(), None);
        let limits: Vec<_> = settings.routing.tiers.iter().map(|spec| spec.safe_working_limit).collect();
        assert_eq!(limits, [22_000, 22_000, 45_000, 140_000]);
    }

    #[test]
    fn plain_names_of_the_environment_are_heard() {
        let settings = load(&[
            ("AGENT_SERVICE_URL", "http://127.0.0.1:9/api/v1/"),
            ("RABBITMQ_URL", "amqp://127.0.0.1:1/x"),
        ])
        .unwrap();
        let address = settings.routing.agent_service_address().unwrap();
        assert_eq!(address.as_deref(), Some("http://127.0.0.1:9/api/v1"));
        assert_eq!(settings.events.rabbitmq.url.unwrap().expose(), "amqp://127.0.0.1:1/x");
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_key() {
        assert!(refused("AGENT_SERVICE_URL", "agent-service:8000").contains("routing.agent_service_url"));
        assert!(refused("DATS_ROUTING__CONCURRENCY", "0").contains("routing.concurrency"));
        let refused_attempts = refused("DATS_ROUTING__AGENT_SERVICE__ATTEMPTS", "0");
        assert!(refused_attempts.contains("routing.agent_service.attempts"));
        assert!(refused("DATS_ROUTING__CONTEXT__MAX_TOKENS", "50").contains("routing.context.max_tokens"));
        assert!(refused("DATS_ROUTING__RULES_FILE", "/nowhere/rules.yaml").contains("/nowhere/rules.yaml"));
    }

    #[test]
    fn rules_that_name_a_tier_which_is_not_configured_are_refused() {
        let tiers = "[{tier: only, context_window: 10, safe_working_limit: 5}]";
        assert!(refused("DATS_ROUTING__TIERS", tiers).contains("is not one of routing.tiers"));
    }
}
