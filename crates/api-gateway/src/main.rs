//! Entry point.

use std::process::ExitCode;

use api_gateway::settings::{DEFAULTS, Settings};
use api_gateway::{MIGRATIONS, startup};
use service_runtime::service::{ServiceInfo, run};

fn main() -> ExitCode {
    let info = ServiceInfo {
        name: "api-gateway",
        version: env!("CARGO_PKG_VERSION"),
        defaults: DEFAULTS,
        migrations: Some(&MIGRATIONS),
    };
    run::<Settings, _, _>(info, startup::start)
}
