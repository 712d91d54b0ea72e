//! Keys and their digests. A key is shown once; what is kept, looked up and compared is its digest, so how long a
//! lookup takes tells nothing of any key.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

/// What every key begins with, so that scanners for leaked secrets know one.
const PREFIX: &str = "dats_";

/// A key. It has no `Debug` and no `Display`, so that it gets into no log.
pub(crate) struct ApiKey(String);

impl ApiKey {
    /// A new one of 256 random bits.
    pub(crate) fn generate() -> Self {
        let secret: [u8; 32] = rand::random();
        let mut key = PREFIX.to_owned();
        for byte in secret {
            // Writing to a text cannot fail.
            let _ = write!(key, "{byte:02x}");
        }
        Self(key)
    }

    /// Its text, for the one who may know it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn digest(&self) -> KeyDigest {
        KeyDigest::of(&self.0)
    }
}

/// SHA-256 of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// Of a text that may be a key.
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// As it is stored.
    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyDigest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_differ_and_are_known_by_their_digest() {
        let (one, other) = (ApiKey::generate(), ApiKey::generate());
        assert_eq!(one.reveal().len(), PREFIX.len() + 64);
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.digest(), KeyDigest::of(one.reveal()));
        assert_ne!(one.digest(), other.digest());
        assert_eq!(format!("{:?}", one.digest()), "KeyDigest", "no digest gets into a log");
    }
}
