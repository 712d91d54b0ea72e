//! `make bench`: measures how fast the services are, beside what the machine, PostgreSQL and RabbitMQ can do at best in
//! the same run. Every request counts from the moment it was meant to be sent, so a stall cannot hide itself.

pub mod cast;
pub mod clock;
pub mod crowd;
pub mod figures;
pub mod floors;
pub mod graph;
pub mod latencies;
pub mod load;
pub mod report;
pub mod rounds;
pub mod scale;
pub mod scenarios;
pub mod stage;
