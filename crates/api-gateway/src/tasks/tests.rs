//! The use cases against a real database: what is stored, announced and counted, also under races, replays and
//! crashes between the persisted steps.

mod admission;
mod agents;
mod counters;
mod dependencies;
mod dispatch;
mod drill;
mod estimates;
mod events;
mod failures;
mod family;
mod fixture;
mod lists;
mod pauses;
mod projects;
mod queue;
mod races;
mod random;
mod replicas;
mod retention;
mod reviews;
mod rollbacks;
mod served_again;
mod submissions;
mod timers;
mod trust;
mod workers;
