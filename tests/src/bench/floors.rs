//! Floors: what PostgreSQL, RabbitMQ and an HTTP server do at best on this machine, without any of our services.

mod broker;
mod http;
mod postgres;

use super::figures::Floor;
use super::scale::Scale;

/// Measures a floor, in operations a second. `None` when its tool is missing, which is said on standard error.
pub async fn measure(floor: Floor, scale: &Scale) -> Option<f64> {
    match floor {
        Floor::SerialCommit => postgres::insert(1, scale.floor_time).await,
        Floor::SingleInsert => postgres::insert(scale.connections, scale.floor_time).await,
        Floor::TaskAndOutbox => postgres::task_and_outbox(scale.connections, scale.floor_time).await,
        Floor::TaskAndOutboxAtOnce => {
            postgres::task_and_outbox_at_once(scale.connections, scale.floor_time).await
        }
        Floor::PointSelect => postgres::point_select(scale.connections, scale.floor_time).await,
        Floor::QuorumPublish => Some(broker::publish(scale.floor_time).await),
        Floor::StaticAnswer => Some(http::answer(scale).await),
    }
}
