//! The smallest service: operations endpoints and one task. It is also what the tests of the process'
//! life start, stop and break, by the setting `probe.behaviour`.

use std::process::ExitCode;

use serde::Deserialize;
use service_runtime::http::HttpSettings;
use service_runtime::service::{self, RuntimeSettings, ServiceContext, ServiceInfo, ServiceSettings};
use service_runtime::settings::SettingsError;
use service_runtime::shutdown::Stage;
use service_runtime::telemetry::TelemetrySettings;
use tracing::{debug, info, info_span};

const DEFAULTS: &str = "
http: { host: 127.0.0.1, port: 0, ops_port: null, workers: null, keep_alive_seconds: 75 }
telemetry: { log_level: info, log_format: text, otlp_endpoint: null, trace_sample_ratio: 1.0 }
runtime: { worker_threads: null, drain_delay_seconds: 0, drain_seconds: 20 }
probe: { behaviour: serve }
";

fn main() -> ExitCode {
    let info = ServiceInfo {
        name: "minimal-service",
        version: env!("CARGO_PKG_VERSION"),
        defaults: DEFAULTS,
        migrations: None,
    };
    service::run(info, start)
}

async fn start(context: ServiceContext<Settings>) -> anyhow::Result<()> {
    context.serve_ops()?;
    let stop = context.shutdown.token(Stage::Intake);
    let behaviour = context.settings.probe.behaviour;
    if behaviour == Behaviour::RefuseToStart {
        anyhow::bail!("told to");
    }
    context.tasks.spawn(Stage::Intake, "probe", async move {
        info_span!("work", task.id = "t-1").in_scope(|| info!(attempt = 2, "at work"));
        match behaviour {
            Behaviour::Serve | Behaviour::RefuseToStart => {
                stop.cancelled().await;
                debug!("a detail");
                Ok(())
            }
            Behaviour::Fail => Err("told to"),
            Behaviour::IgnoreTheEnd => std::future::pending().await,
        }
    });
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    http: HttpSettings,
    telemetry: TelemetrySettings,
    runtime: RuntimeSettings,
    probe: Probe,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Probe {
    behaviour: Behaviour,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Behaviour {
    Serve,
    Fail,
    RefuseToStart,
    IgnoreTheEnd,
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
        match self.runtime.drain_seconds {
            Some(0) => Err(SettingsError::invalid("runtime.drain_seconds", "must be at least 1")),
            _ => Ok(()),
        }
    }
}
