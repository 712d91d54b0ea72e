//! `/dispatch`, `/status` and `/cancel`: the paths of clients that hand in work by its type. Behind them are tasks like
//! any other; only the words and codes are those that these clients know.

pub(crate) mod cancel;
pub(crate) mod create;
mod progress;
pub(crate) mod status;
