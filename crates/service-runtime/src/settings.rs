//! Settings of a service: compiled-in defaults (which are the manual), then a file, then the
//! environment. Unknown keys are refused, and a problem is told in one line that names the key and
//! the layer it came from.

mod environment;
mod error;
mod layers;
mod secret;

pub use error::SettingsError;
pub use layers::{Layers, load};
pub use secret::Secret;
