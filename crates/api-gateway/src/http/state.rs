//! What handlers work with: the use cases, and what operators want to see.

use std::sync::Arc;

use service_runtime::clock::Clock;
use service_runtime::ops::OpsState;

use super::live::SocketRules;
use super::webhooks::WebhookRules;
use crate::access::Access;
use crate::agents::AgentRegistry;
use crate::dead_letters::DeadLetterOffice;
use crate::idempotency::Idempotency;
use crate::live::Hub;
use crate::provenance::ProvenanceClient;
use crate::queues::Queues;
use crate::tasks::TaskService;
use crate::tasks::queries::TaskReader;
use crate::tasks::submission::Submitter;

/// Shared by all handlers; clones are the same.
#[derive(Clone)]
pub struct AppState {
    /// The use cases around tasks.
    pub tasks: TaskService,
    /// Who may do what.
    pub access: Access,
    /// Requests that clients repeat.
    pub(crate) idempotency: Idempotency,
    /// Looks single tasks up.
    pub reader: TaskReader,
    /// Takes tasks in.
    pub submitter: Submitter,
    /// Knows the agents, and which work goes to them.
    pub agents: AgentRegistry,
    /// Lets clients watch tasks.
    pub live: Hub,
    /// What holds for every WebSocket.
    pub sockets: SocketRules,
    /// What holds for every webhook.
    pub webhooks: WebhookRules,
    /// Asks the provenance-store.
    pub provenance: ProvenanceClient,
    /// The broker's queues.
    pub queues: Queues,
    /// What nobody could handle.
    pub dead_letters: DeadLetterOffice,
    /// How long a worker may be silent before it counts as gone, in seconds.
    pub worker_silence_seconds: u64,
    /// Longest line of an import, in bytes.
    pub max_import_line_bytes: usize,
    /// Health and metrics.
    pub ops: OpsState,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The version of the service.
    pub version: &'static str,
}
