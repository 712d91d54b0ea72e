//! SQL of the tasks and nothing else. Functions take a connection: the use case owns the transaction.
//! Batches travel as arrays (`UNNEST`), one statement for any number of rows, prepared once per connection.

pub(crate) mod arrays;
pub(crate) mod dependencies;
pub(crate) mod durations;
pub(crate) mod family;
pub(crate) mod history;
pub(crate) mod in_flight;
pub(crate) mod inbox;
pub(crate) mod insert;
pub(crate) mod json;
pub(crate) mod named;
pub(crate) mod queue;
pub(crate) mod read;
pub(crate) mod row;
pub(crate) mod text;
pub(crate) mod update;
