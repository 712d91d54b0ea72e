//! `/keys`: one file per endpoint.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;
mod view;

use super::body::parse_uuid;
use super::path::PathIdentifier;
use crate::access::KeyId;

impl PathIdentifier for KeyId {
    const NAME: &'static str = "key_id";

    fn from_segment(segment: &str) -> Result<Self, String> {
        parse_uuid(segment).map(Self).ok_or_else(|| "must be a UUID".to_owned())
    }
}
