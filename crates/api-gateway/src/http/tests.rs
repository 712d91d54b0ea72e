//! The edge as a client meets it, in process and with everything behind it away: neither the database nor the
//! broker answers, so that a request that passes the edge ends in 503 and one that does not in 4xx.

mod app;
mod away;
mod document;
mod faults;
mod guard;
mod headers;
mod refusals;
mod transfers;
