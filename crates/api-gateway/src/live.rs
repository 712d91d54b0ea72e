//! Changes of tasks as they happen, for whoever watches a trace, on whichever replica. Every committed change is
//! published (`feed`), unreliably and cheaply, under its trace; a replica listens to the traces that its own
//! subscribers watch (`hub`), puts what it hears in order (`sequencer`) and hands it out (`switchboard`).
//! The database is the truth: a snapshot opens every subscription, and looking again closes what was missed.

mod feed;
mod hub;
mod sequencer;
mod settings;
mod store;
mod subscription;
mod switchboard;
#[cfg(test)]
pub(crate) mod tests;
mod update;
mod watch;

pub use feed::LiveFeed;
pub use hub::{Hub, SubscribeError};
pub use settings::LiveSettings;
pub use subscription::{Ending, Opened, Subscription};
pub use update::TaskUpdate;
pub use watch::Watch;

use messaging::{Broker, Listener, Publisher, PublisherSettings};
use protocol::topology::{ExchangeKind, ExchangeSpec, Topology};
use service_runtime::database::Pool;
use service_runtime::shutdown::{Shutdown, Stage, TaskGroup};

/// Where changes are published, by trace id. What nobody listens to, the broker drops.
pub const EXCHANGE: ExchangeSpec =
    ExchangeSpec { name: "dats.live", kind: ExchangeKind::Direct, durable: true, alternate: None };

/// Starts what live updates need.
pub fn start(
    broker: &Broker,
    publisher: &PublisherSettings,
    pool: &Pool,
    settings: &LiveSettings,
    tasks: &TaskGroup,
    shutdown: &Shutdown,
) -> (LiveFeed, Hub) {
    let topology = Topology { exchanges: vec![EXCHANGE], ..Topology::default() };
    let stop = shutdown.token(Stage::Output);
    // A connection of its own: watching must not take its turn with the events that do the work.
    let (publisher, publishing) = Publisher::start(broker, topology, publisher, stop.clone());
    tasks.adopt(Stage::Output, "live publisher", publishing);
    let (feed, feeding) = LiveFeed::new(publisher, stop);
    tasks.spawn(Stage::Output, "live feed", feeding);

    let stop = shutdown.token(Stage::Intake);
    let (listener, heard, listening) = Listener::start(broker, EXCHANGE, stop.clone());
    tasks.adopt(Stage::Intake, "live listener", listening);
    let (hub, watching) = Hub::new(listener, heard, pool.clone(), settings, stop);
    tasks.spawn(Stage::Intake, "live hub", watching);
    (feed, hub)
}
