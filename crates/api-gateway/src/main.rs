//! Entry point.

use std::process::ExitCode;

use api_gateway::access::command::run_if_asked;
use api_gateway::settings::{DEFAULTS, Settings};
use api_gateway::{MIGRATIONS, startup};
use service_runtime::service::{ServiceInfo, run};

fn main() -> ExitCode {
    if let Some(code) = run_if_asked(std::env::args_os()) {
        return code;
    }
    let info = ServiceInfo {
        name: "api-gateway",
        version: env!("CARGO_PKG_VERSION"),
        defaults: DEFAULTS,
        migrations: Some(&MIGRATIONS),
    };
    run::<Settings, _, _>(info, startup::start)
}
