//! Signed requests, by Standard Webhooks: who knows a source's secret can prove that a body is theirs, and when they sent it.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>. Pure: what is signed, and
//! now, are arguments. Whether an id was seen before is not known here. A key is never printed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret in the form of the specification begins with; base64 follows.
const PREFIX: &str = "whsec_";
/// How far the sender's clock may be from ours, both ways, in seconds. The official libraries take the same.
pub const TOLERANCE_SECONDS: i64 = 300;
/// A longer id is no id of a library.
const LONGEST_ID: usize = 255;
/// More signatures than a rotation ever needs; each costs an HMAC over the body.
const MOST_SIGNATURES: usize = 8;

/// A secret, ready to prove with.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// The three headers of a signed request.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// `webhook-id`: the same for every try of one request.
    pub id: &'a str,
    /// `webhook-timestamp`, in seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more, separated by spaces.
    pub signature: &'a str,
}

/// Why a signed request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The timestamp is no number, or too far from now.
    Timestamp,
    /// No signature fits a key.
    Signature,
}

impl Key {
    /// Reads a secret.
    ///
    /// # Errors
    /// It is empty, or what follows `whsec_` is not base64. To be read after its name; does not repeat it.
    pub fn new(secret: &str) -> Result<Key, String> {
        let key = match secret.strip_prefix(PREFIX) {
            Some(text) => STANDARD.decode(text).map_err(|_| format!("has no base64 after `{PREFIX}`"))?,
            None => secret.as_bytes().to_vec(),
        };
        if key.is_empty() {
            return Err("is empty".to_owned());
        }
        Hmac::new_from_slice(&key).map(Key).map_err(|error| format!("cannot be a key: {error}"))
    }

    /// Returns the signature of a body, as it stands in the header.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.mac(id, timestamp, body).finalize().into_bytes()))
    }

    /// Compares in constant time.
    fn signed(&self, claim: &Claim<'_>, body: &[u8], signature: &[u8]) -> bool {
        self.mac(claim.id, claim.timestamp, body).verify_slice(signature).is_ok()
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

/// Proves that the holder of one of the keys sent this body at about this time, `now` in seconds. The body is signed as it
/// was sent, before anything is unpacked.
///
/// # Errors
/// The time is judged before the signature.
pub fn prove(claim: &Claim<'_>, body: &[u8], keys: &[Key], now: i64) -> Result<(), Fault> {
    let sent = claim.timestamp.parse::<i64>().map_err(|_| Fault::Timestamp)?;
    if now.abs_diff(sent) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(Fault::Timestamp);
    }
    if claim.id.is_empty() || claim.id.len() > LONGEST_ID {
        return Err(Fault::Signature);
    }
    let texts = claim.signature.split_ascii_whitespace().take(MOST_SIGNATURES);
    let signatures = texts.filter_map(|text| STANDARD.decode(text.strip_prefix("v1,")?).ok());
    let fits = |signature: Vec<u8>| keys.iter().any(|key| key.signed(claim, body, &signature));
    if signatures.into_iter().any(fits) { Ok(()) } else { Err(Fault::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const NOW: i64 = 1_614_265_330;

    fn keys(secrets: &[&str]) -> Vec<Key> {
        secrets.iter().map(|secret| Key::new(secret).unwrap()).collect()
    }

    /// The example of the specification.
    fn claim() -> Claim<'static> {
        Claim {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_example_of_the_specification_is_proved_and_made() {
        assert_eq!(prove(&claim(), BODY, &keys(&[SECRET]), NOW), Ok(()));
        let made = keys(&[SECRET])[0].sign(claim().id, claim().timestamp, BODY);
        assert_eq!(made, claim().signature);
    }

    #[test]
    fn any_of_two_keys_and_any_of_several_signatures_is_enough() {
        assert_eq!(prove(&claim(), BODY, &keys(&["a new one", SECRET]), NOW), Ok(()));
        let several = format!("v1a,abc v1,AAAA {} v1,", claim().signature);
        assert_eq!(prove(&Claim { signature: &several, ..claim() }, BODY, &keys(&[SECRET]), NOW), Ok(()));
    }

    #[test]
    fn another_body_key_id_or_no_signature_is_not_believed() {
        let fault = |claim: Claim<'_>, body: &[u8], secret: &str| prove(&claim, body, &keys(&[secret]), NOW);
        let wrong = Err(Fault::Signature);
        assert_eq!(fault(claim(), b"{}", SECRET), wrong);
        assert_eq!(fault(claim(), BODY, "another"), wrong);
        assert_eq!(fault(Claim { id: "msg", ..claim() }, BODY, SECRET), wrong);
        assert_eq!(fault(Claim { id: "", ..claim() }, BODY, SECRET), wrong);
        assert_eq!(fault(Claim { signature: "", ..claim() }, BODY, SECRET), wrong);
        let bare = claim().signature.strip_prefix("v1,").unwrap();
        assert_eq!(fault(Claim { signature: bare, ..claim() }, BODY, SECRET), wrong);
        assert_eq!(prove(&claim(), BODY, &[], NOW), wrong);
    }

    #[test]
    fn the_clock_may_differ_by_five_minutes_both_ways_and_is_judged_first() {
        let at = |now| prove(&claim(), BODY, &keys(&[SECRET]), now);
        assert_eq!((at(NOW - 300), at(NOW + 300)), (Ok(()), Ok(())));
        assert_eq!((at(NOW - 301), at(NOW + 301)), (Err(Fault::Timestamp), Err(Fault::Timestamp)));
        for timestamp in ["", "soon", "1614265330.5", "99999999999999999999", "-9223372036854775808"] {
            let claim = Claim { timestamp, signature: "", ..claim() };
            assert_eq!(prove(&claim, BODY, &[], NOW), Err(Fault::Timestamp), "{timestamp}");
        }
    }

    #[test]
    fn a_bad_secret_is_refused_without_being_repeated() {
        for bad in ["", "whsec_", "whsec_geheim!"] {
            assert!(!Key::new(bad).unwrap_err().contains("geheim"), "{bad}");
        }
        assert_eq!(format!("{:?}", Key::new("geheim").unwrap()), "Key(***)");
        assert!(Key::new(&"x".repeat(500)).is_ok());
    }
}
