//! Entry point.

use std::process::ExitCode;

use routing_engine::settings::{DEFAULTS, Settings};
use routing_engine::startup;
use service_runtime::service::{ServiceInfo, run};

fn main() -> ExitCode {
    let info = ServiceInfo {
        name: "routing-engine",
        version: env!("CARGO_PKG_VERSION"),
        defaults: DEFAULTS,
        migrations: None,
    };
    run::<Settings, _, _>(info, startup::start)
}
