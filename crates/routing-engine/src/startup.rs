//! The engine as a service: its tasks, its health, its operations endpoints.

use messaging::BrokerHealth;
use service_runtime::health::{CheckResult, Importance};
use service_runtime::service::ServiceContext;
use service_runtime::shutdown::Stage;

use crate::engine::{Engine, Stops};
use crate::measurements;
use crate::outbound::breaker::BreakerState;
use crate::settings::Settings;

/// Sets everything going.
///
/// # Errors
/// If settings cannot be used, or the operations endpoints cannot listen. A broker that is away is no error: it is
/// waited for.
pub async fn start(context: ServiceContext<Settings>) -> anyhow::Result<()> {
    measurements::describe();
    let stops = Stops {
        intake: context.shutdown.token(Stage::Intake),
        output: context.shutdown.token(Stage::Output),
    };
    let engine = Engine::start(&context.settings, &context.clock, &stops)?;
    let broker_health = engine.broker_health();
    context.health.register("rabbitmq", Importance::Required, move || {
        std::future::ready(broker_check(&broker_health()))
    });
    let agent_health = engine.agents.health();
    // Described tasks need no agents.
    context.health.register("agent_brokers", Importance::Degrading, move || {
        std::future::ready(broker_check(&agent_health()))
    });
    for (name, breaker) in engine.breakers {
        // The rules stand in for these services: without them we do less well, but we do it.
        context.health.register(name, Importance::Degrading, move || {
            std::future::ready(service_check(breaker.state()))
        });
    }
    for publishing in engine.agents.publishing {
        context.tasks.adopt(Stage::Output, "agent publisher", publishing);
    }
    for consuming in engine.agents.consuming {
        context.tasks.adopt(Stage::Intake, "agent replies", consuming);
    }
    context.tasks.adopt(Stage::Output, "publisher", engine.publishing);
    context.tasks.adopt(Stage::Intake, "consumer", engine.consuming);
    context.serve_ops()?;
    Ok(())
}

fn broker_check(health: &[BrokerHealth]) -> CheckResult {
    if health.iter().any(|health| !health.connected) {
        Err("not connected".to_owned())
    } else if health.iter().any(|health| health.stalled) {
        Err("connected, but nothing moves".to_owned())
    } else {
        Ok(())
    }
}

fn service_check(state: BreakerState) -> CheckResult {
    match state {
        BreakerState::Closed { .. } => Ok(()),
        BreakerState::Open { .. } | BreakerState::Probing => {
            Err("it failed repeatedly and is left alone for a while".to_owned())
        }
    }
}
