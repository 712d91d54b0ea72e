//! Who may do what: API keys, made by an administrator, known by their digest alone, each with scopes and maybe bound
//! to some projects. Without keys (`auth.enabled` off) everybody who can connect is the same anonymous caller.

mod caller;
pub mod command;
mod keyring;
mod rate_limit;
mod secret;
mod settings;
mod store;

pub(crate) use caller::{Caller, KeyId, Scope};
pub(crate) use keyring::{KeyRing, NewKey, StoredKey};
pub(crate) use rate_limit::RateLimiter;
pub use settings::{AuthSettings, RateLimitSettings};

use std::sync::Arc;

use service_runtime::clock::Clock;
use service_runtime::database::Pool;
use tokio_util::sync::CancellationToken;

use crate::audit::Recorder;

/// What stands between a request and the use cases. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    /// Whether callers are asked for a key.
    pub(crate) required: bool,
    pub(crate) keys: KeyRing,
    pub(crate) limiter: Arc<RateLimiter>,
    pub(crate) audit: Recorder,
}

impl Access {
    /// What the settings ask for, and the loop that writes the audit log, for the caller to spawn; it ends after
    /// `stop`.
    pub fn new(
        pool: Pool,
        clock: Arc<dyn Clock>,
        settings: &AuthSettings,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (audit, write) = Recorder::new(pool.clone(), settings.audit, stop);
        let access = Self {
            required: settings.enabled,
            keys: KeyRing::new(pool, clock, settings.cache()),
            limiter: Arc::new(RateLimiter::new(&settings.rate_limit)),
            audit,
        };
        (access, write)
    }
}
