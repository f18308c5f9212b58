//! Signs requests by Standard Webhooks, so that receivers can verify them with the official libraries.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>. Pure: the time of the
//! attempt is an argument. The key is never printed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret in the form of the specification begins with; base64 follows.
const PREFIX: &str = "whsec_";

/// A key, ready to sign.
#[derive(Clone)]
pub(super) struct Signer {
    mac: Hmac<Sha256>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(***)")
    }
}

impl Signer {
    /// Reads a secret; `None` when it is empty.
    ///
    /// # Errors
    /// When what follows `whsec_` is not base64. The message does not repeat the secret.
    pub(super) fn new(secret: &str) -> Result<Option<Signer>, String> {
        let key = match secret.strip_prefix(PREFIX) {
            Some(text) => STANDARD.decode(text).map_err(|_| format!("has no base64 after `{PREFIX}`"))?,
            None => secret.as_bytes().to_vec(),
        };
        if key.is_empty() {
            return if secret.is_empty() { Ok(None) } else { Err(format!("is empty after `{PREFIX}`")) };
        }
        let mac = Hmac::new_from_slice(&key).map_err(|error| format!("cannot be a key: {error}"))?;
        Ok(Some(Signer { mac }))
    }

    /// Returns the value of `webhook-signature` for a body as it is before compression.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = self.mac.clone();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_signed_as_it_says() {
        let signer = Signer::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap().unwrap();
        let signature =
            signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_of_another_form_is_used_as_bytes() {
        let text = Signer::new("hello").unwrap().unwrap();
        let same = Signer::new("whsec_aGVsbG8=").unwrap().unwrap();
        assert_eq!(text.sign("msg_1", 1, b"{}"), same.sign("msg_1", 1, b"{}"));
    }

    #[test]
    fn no_secret_signs_nothing_and_a_bad_one_is_refused_without_being_repeated() {
        assert!(Signer::new("").unwrap().is_none());
        for bad in ["whsec_", "whsec_geheim!"] {
            let message = Signer::new(bad).unwrap_err();
            assert!(!message.contains("geheim"), "{message}");
        }
        assert_eq!(format!("{:?}", Signer::new("geheim").unwrap().unwrap()), "Signer(***)");
    }
}
