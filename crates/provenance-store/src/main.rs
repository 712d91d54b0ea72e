//! Entry point.

use std::process::ExitCode;

use provenance_store::settings::{DEFAULTS, Settings};
use provenance_store::{MIGRATIONS, startup};
use service_runtime::service::{ServiceInfo, run};

fn main() -> ExitCode {
    let info = ServiceInfo {
        name: "provenance-store",
        version: env!("CARGO_PKG_VERSION"),
        defaults: DEFAULTS,
        migrations: Some(&MIGRATIONS),
    };
    run::<Settings, _, _>(info, startup::start)
}
