//! The open loop: a request is due at its moment whether or not the ones before it were answered, and its time counts
//! from then. When all connections are busy it waits, and that wait is part of what is measured.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

use super::{Connection, Load, Measured};
use crate::bench::clock::Moment;

const PATIENCE: Duration = Duration::from_secs(30);

/// A request that is due: its number and its moment.
type Due = (u64, Moment);

pub(super) async fn run(load: Load, rate: f64, warm_up: Duration, time: Duration) -> Measured {
    let begin = Moment::now().after(Duration::from_millis(50));
    let from = begin.after(warm_up);
    let total = ((warm_up + time).as_secs_f64() * rate) as u64;
    let due = pace(begin, rate, total);
    let due = Arc::new(Mutex::new(due));
    let connections = (0..load.connections).map(|_| ask_on(&load, from, &due));
    let mut measured = Measured { seconds: time.as_secs_f64(), ..Measured::default() };
    for part in join_all(connections).await {
        measured.merge(part);
    }
    measured
}

/// Tells requests when they are due. From a thread, because a sleeping thread wakes within some ten microseconds of
/// its moment and a timer of the runtime only within a millisecond.
pub(in crate::bench) fn pace(begin: Moment, rate: f64, total: u64) -> UnboundedReceiver<Due> {
    let (sender, receiver): (UnboundedSender<Due>, _) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for number in 0..total {
            let moment = begin.after(Duration::from_secs_f64(number as f64 / rate));
            std::thread::sleep(moment.remaining());
            if sender.send((number, moment)).is_err() {
                return;
            }
        }
    });
    receiver
}

async fn ask_on(load: &Load, from: Moment, due: &Mutex<UnboundedReceiver<Due>>) -> Measured {
    let mut measured = Measured::default();
    let mut connection = match Connection::open(load.address).await {
        Ok(connection) => connection,
        Err(error) => {
            measured.failed(error.to_string());
            return measured;
        }
    };
    loop {
        let next = due.lock().await.recv().await;
        let Some((number, moment)) = next else { return measured };
        let request = (load.requests)(number, moment);
        match timeout(PATIENCE, connection.ask(&request)).await {
            Ok(Ok(reply)) if reply.status == load.expected => {
                if moment >= from {
                    measured.latencies.record(moment.age());
                }
            }
            Ok(Ok(reply)) => measured.failed(format!("{}", reply.status)),
            Ok(Err(error)) => {
                measured.failed(error.to_string());
                return measured;
            }
            Err(_) => {
                measured.failed("no answer".to_owned());
                return measured;
            }
        }
    }
}
