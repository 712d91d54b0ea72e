//! The lane to agents: work by its type, through the agents' own protocol. That protocol is known in here and nowhere
//! else; the rest of the product sees `task.created` go in and events come out.

mod cancel;
mod dispatch;
mod lines;
mod settings;
mod topology;
mod translation;
pub mod wire;
mod wording;

pub use lines::{LinePlan, SendError, plan};
pub use settings::{AgentsSettings, Persistence, RouteSettings, WorkTypes};
pub use translation::ReplyReader;

use std::collections::BTreeMap;
use std::sync::Arc;

use messaging::{Outgoing, PublishError, Publisher};
use protocol::events::{TaskCancelled, TaskCreated, TaskDispatched};
use protocol::topology::BROADCAST_EXCHANGE;
use protocol::vocabulary::AgentType;
use protocol::{Event, EventData};
use service_runtime::clock::Clock;

use super::refuse;
use crate::measurements;
use lines::Line;

/// No agent does work of that type.
const INVALID_WORK_TYPE: &str = "INVALID_WORK_TYPE";

/// Hands work to agents.
pub struct AgentLane {
    work_types: WorkTypes,
    persistence: Persistence,
    routes: BTreeMap<AgentType, Route>,
    clock: Arc<dyn Clock>,
}

/// The way to one kind of agent.
struct Route {
    line: Line,
    queue: String,
}

impl AgentLane {
    /// A lane over lines that are open: each plan with the publisher to its broker.
    #[must_use]
    pub fn new(settings: &AgentsSettings, lines: Vec<(LinePlan, Publisher)>, clock: Arc<dyn Clock>) -> Self {
        let mut routes = BTreeMap::new();
        for (plan, publisher) in lines {
            let line = Line::new(publisher);
            for (agent_type, queue) in plan.agents {
                routes.insert(agent_type, Route { line: line.clone(), queue });
            }
        }
        Self { work_types: settings.work_types(), persistence: settings.persistence, routes, clock }
    }

    /// Puts the work into its agents' queue and tells so, or tells why there is none for it. When this returns, the
    /// broker has the request safely.
    ///
    /// # Errors
    /// When the request did not reach its queue; the same call again repeats it word for word.
    pub async fn dispatch(
        &self,
        cause: &Event,
        task: &TaskCreated,
        work_type: &str,
    ) -> Result<EventData, SendError> {
        let Some((agent_type, route)) = self.route_for(work_type) else {
            let message = format!("no agent does {work_type:?}; known work types: {}", self.work_types);
            return Ok(refuse(task, INVALID_WORK_TYPE, message));
        };
        let request = dispatch::request(cause, task, work_type, agent_type);
        let mut message = self.written(&request, task.task_id, ("", &route.queue))?;
        message.properties.expiration = dispatch::expiration(task, self.clock.now());
        route.line.publish(message).await?;
        measurements::dispatched(agent_type);
        Ok(TaskDispatched {
            task_id: task.task_id,
            attempt: task.attempt,
            request_id: task.request_id,
            agent_type,
            queue: route.queue.clone(),
        }
        .into())
    }

    /// Asks the agents to stop: the one that takes it from the queue, and all that listen to announcements.
    ///
    /// # Errors
    /// When the request reached neither, or not both.
    pub async fn cancel(
        &self,
        cause: &Event,
        cancelled: &TaskCancelled,
        work_type: &str,
    ) -> Result<(), SendError> {
        let Some((agent_type, route)) = self.route_for(work_type) else { return Ok(()) };
        let request = cancel::request(cause, cancelled, agent_type);
        let about = cancelled.task_id;
        route.line.publish(self.written(&request, about, ("", &route.queue))?).await?;
        let announced = self.written(&request, about, (BROADCAST_EXCHANGE, ""))?;
        match route.line.publish(announced).await {
            // Usually nobody listens there.
            Err(SendError::Publish(PublishError::Unroutable)) => Ok(()),
            published => published,
        }
    }

    fn route_for(&self, work_type: &str) -> Option<(AgentType, &Route)> {
        let agent_type = self.work_types.agent_type(work_type)?;
        Some((agent_type, self.routes.get(&agent_type)?))
    }

    fn written(
        &self,
        request: &wire::WorkRequest,
        about: protocol::TaskId,
        address: (&str, &str),
    ) -> Result<Outgoing, SendError> {
        dispatch::message(request, about, self.persistence, address)
            .map_err(|error| SendError::Unwritable(error.to_string()))
    }
}
