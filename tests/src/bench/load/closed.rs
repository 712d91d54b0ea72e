//! The closed loop: every connection asks again as soon as it is answered. Measured are the requests that begin in the
//! measured time; that time is taken to last until the last of them is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{Connection, Load, Measured};
use crate::bench::clock::Moment;

/// Longest wait for one answer, and for a permit once the time is over.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(load: Load, warm_up: Duration, time: Duration) -> Measured {
    let from = Moment::now().after(warm_up);
    let until = from.after(time);
    let numbers = Arc::new(AtomicU64::new(0));
    let connections = (0..load.connections).map(|_| ask_on(&load, from, until, &numbers));
    let mut measured = Measured::default();
    for part in join_all(connections).await {
        measured.merge(part);
    }
    measured.seconds = from.age().max(time).as_secs_f64();
    measured
}

async fn ask_on(load: &Load, from: Moment, until: Moment, numbers: &AtomicU64) -> Measured {
    let mut measured = Measured::default();
    let mut connection = match Connection::open(load.address).await {
        Ok(connection) => connection,
        Err(error) => {
            measured.failed(error.to_string());
            return measured;
        }
    };
    while permitted(load, until).await {
        let begun = Moment::now();
        // However slow the machine is: a connection measures at least one request.
        if begun >= until && measured.latencies.count() > 0 {
            break;
        }
        let request = (load.requests)(numbers.fetch_add(1, Ordering::Relaxed), begun);
        match timeout(PATIENCE, connection.ask(&request)).await {
            Ok(Ok(reply)) if reply.status == load.expected => {
                if begun >= from {
                    measured.latencies.record(begun.age());
                }
            }
            Ok(Ok(reply)) => {
                let body = String::from_utf8_lossy(reply.body).into_owned();
                measured.failed(format!("{} {body}", reply.status));
            }
            Ok(Err(error)) => {
                measured.failed(error.to_string());
                break;
            }
            Err(_) => {
                measured.failed("no answer".to_owned());
                break;
            }
        }
    }
    measured
}

/// Waits for a permit, where there are any; false when none came in time.
async fn permitted(load: &Load, until: Moment) -> bool {
    let Some(permits) = &load.permits else { return true };
    match timeout(until.remaining(), permits.acquire()).await {
        Ok(Ok(permit)) => {
            permit.forget();
            true
        }
        Ok(Err(_)) | Err(_) => false,
    }
}
