//! The key that a webhook and its receiver share, and the signatures made with it (Standard Webhooks, `v1`).

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::RngCore;

/// How a key begins in its text form.
const PREFIX: &str = "whsec_";
/// Bytes of a key that we make.
const OWN_BYTES: usize = 32;
/// Fewest bytes of a key.
const FEWEST_BYTES: usize = 24;
/// Most bytes of a key.
const MOST_BYTES: usize = 64;

/// A key. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    /// A new random key.
    pub(crate) fn generate() -> Self {
        let mut bytes = vec![0; OWN_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Reads a key in its text form, `whsec_` and base64.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rule = || format!("must be {PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} bytes in base64");
        let bytes =
            text.strip_prefix(PREFIX).and_then(|encoded| BASE64.decode(encoded).ok()).ok_or_else(rule)?;
        if (FEWEST_BYTES..=MOST_BYTES).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(rule()) }
    }

    /// The key in its text form.
    pub(crate) fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    /// A key as it is stored.
    pub(super) const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The key as it is stored.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Value of `webhook-signature` for a message; `timestamp` is in seconds since 1970.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", BASE64.encode(context.sign()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_survives_its_text_form_and_is_not_shown_by_accident() {
        let secret = Secret::generate();
        assert_eq!(Secret::parse(&secret.reveal()).unwrap(), secret);
        assert_ne!(Secret::generate(), secret);
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }

    #[test]
    fn keys_of_the_wrong_form_or_length_are_refused() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"] {
            assert!(Secret::parse(text).is_err(), "{text}");
        }
        assert!(Secret::parse(&format!("whsec_{}", BASE64.encode([0; 65]))).is_err());
    }
}
