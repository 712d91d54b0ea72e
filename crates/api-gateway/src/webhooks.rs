//! Webhooks: a project's owners subscribe to the status changes of its tasks. What is to be told is written in the
//! transaction of the change itself, so a change that is committed is told at least once, signed as Standard Webhooks
//! says, for as long as `give_up_after_seconds`. Receivers drop repetitions by the `webhook-id`.

pub(crate) mod addresses;
mod announcement;
mod deliveries;
pub(crate) mod dispatcher;
pub(crate) mod registry;
mod retries;
pub(crate) mod secret;
mod sender;
mod settings;
mod store;
pub(crate) mod subscription;
pub(crate) mod target;

pub(crate) use announcement::Announcement;
pub(crate) use deliveries::insert_deliveries;
pub use settings::WebhookSettings;

/// The settings as they are by default.
#[cfg(test)]
pub(crate) fn settings_of_tests() -> WebhookSettings {
    use service_runtime::settings::{Layers, load};

    let database = ("DATABASE_URL".to_owned(), "postgres://127.0.0.1/g".to_owned());
    let layers =
        Layers { defaults: crate::settings::DEFAULTS, file: None, environment: std::iter::once(database) };
    load::<crate::settings::Settings>(layers).unwrap().webhooks
}
