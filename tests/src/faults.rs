//! `make test-faults`: clients, workers, QA and agents at work while services, broker, database and network fail in an
//! order that a seed decides; then a checker that shares no code with the services reads everything there is to read and
//! says what was lost, done twice or left behind.

pub mod chains;
pub mod checker;
pub mod choice;
pub mod fault;
pub mod injector;
pub mod run;
pub mod scenario;
pub mod scene;
mod submitter;
pub mod watch;
pub mod workload;
