//! `dats queues`: what waits where, and for whom.

use super::Session;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table};

/// Lists queues.
pub(super) async fn run(session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.get("/queues", &[]).await?;
    session.output.answer(&answer, || {
        let mut table = Table::new(["queue", "waiting", "consumers"]);
        for queue in answer.list("queues") {
            let (depth, consumers) = (queue.count("depth"), queue.count("consumers"));
            let is_dead = queue.text("name").ends_with(".dead");
            let waiting = match (depth, consumers) {
                (0, _) => Paint::Plain,
                (_, _) if is_dead => Paint::Bad,
                (_, 0) => Paint::Warn,
                _ => Paint::Busy,
            };
            table.row([
                queue.text("name").into(),
                Cell::painted(depth.to_string(), waiting),
                consumers.to_string().into(),
            ]);
        }
        session.output.table(&table)
    })
}
