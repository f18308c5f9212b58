//! Signs and verifies requests by Standard Webhooks, so that the official libraries are at home on both sides.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>. Pure: the time is an
//! argument, and which ids were seen before is asked of the caller. The key is never printed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a signature of the only scheme that is known begins with.
const SCHEME: &str = "v1,";
/// What a secret in the form of the specification begins with; base64 follows.
const PREFIX: &str = "whsec_";

/// A key, ready to sign and to verify.
#[derive(Clone)]
pub struct Signer {
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
    pub fn new(secret: &str) -> Result<Option<Signer>, String> {
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
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = self.mac.clone();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("{SCHEME}{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// Returns whether one of the signatures in a `webhook-signature` is this key's. Takes the same time for every wrong one.
    pub fn verify(&self, claim: &Claim<'_>, header: &str) -> bool {
        let mut mac = self.mac.clone();
        mac.update(format!("{}.{}.", claim.id, claim.timestamp).as_bytes());
        mac.update(claim.body);
        let signatures = header.split_ascii_whitespace().filter_map(|one| one.strip_prefix(SCHEME));
        let digests = signatures.filter_map(|one| STANDARD.decode(one).ok());
        digests.fold(false, |found, digest| mac.clone().verify_slice(&digest).is_ok() | found)
    }
}

/// What a request says of itself, and what it carries.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'c> {
    /// `webhook-id`.
    pub id: &'c str,
    /// `webhook-timestamp`, seconds since 1970.
    pub timestamp: i64,
    /// The bytes as they came, before any `Content-Encoding` is undone.
    pub body: &'c [u8],
}

/// What is thought of a signed request, in the order in which it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Too old, or from the future.
    Timestamp,
    /// Signed by no key that is known.
    Signature,
    /// Rightly signed, and seen before.
    Replay,
    /// To be believed; only now is its id remembered.
    Ok,
}

/// Judges a request by any of these keys. `now` is in seconds since 1970 and may differ from the claim's time by `tolerance_s`
/// either way; `is_seen` is asked of the id only when the signature is good.
pub fn judge(
    keys: &[Signer],
    claim: &Claim<'_>,
    header: &str,
    (now, tolerance_s): (i64, u64),
    is_seen: impl FnOnce(&str) -> bool,
) -> Verdict {
    if claim.timestamp.abs_diff(now) > tolerance_s {
        return Verdict::Timestamp;
    }
    // Every key is tried, so that the time tells nothing about which of them it was.
    if !keys.iter().fold(false, |found, key| key.verify(claim, header) | found) {
        return Verdict::Signature;
    }
    if is_seen(claim.id) { Verdict::Replay } else { Verdict::Ok }
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

    fn judged(claim: &Claim<'_>, header: &str, now: i64, seen: bool) -> Verdict {
        let keys = ["new", "old"].map(|secret| Signer::new(secret).unwrap().unwrap());
        judge(&keys, claim, header, (now, 300), |_| seen)
    }

    #[test]
    fn a_request_is_judged_by_its_time_then_its_signature_then_its_id() {
        let claim = Claim { id: "msg_1", timestamp: 1_000, body: b"{}" };
        let good = Signer::new("old").unwrap().unwrap().sign("msg_1", 1_000, b"{}");
        assert_eq!(judged(&claim, &good, 1_300, false), Verdict::Ok);
        assert_eq!(judged(&claim, &good, 700, false), Verdict::Ok);
        assert_eq!(judged(&claim, &good, 1_300, true), Verdict::Replay);
        assert_eq!(judged(&claim, "v1,AAAA", 1_000, true), Verdict::Signature);
        assert_eq!(judged(&claim, "v1,AAAA", 1_301, true), Verdict::Timestamp);
        assert_eq!(judged(&claim, &good, 699, true), Verdict::Timestamp);
        assert_eq!(judged(&claim, &good, i64::MIN, true), Verdict::Timestamp);
    }

    #[test]
    fn one_good_signature_among_others_is_enough_and_any_change_makes_it_bad() {
        let claim = Claim { id: "msg_1", timestamp: 1_000, body: b"{}" };
        let good = Signer::new("new").unwrap().unwrap().sign("msg_1", 1_000, b"{}");
        assert_eq!(judged(&claim, &format!("v1a,x v1,!! v1,AAAA {good}"), 1_000, false), Verdict::Ok);
        for bad in
            ["", "v1,", &good.replace("v1,", "v2,"), good.trim_start_matches("v1,"), &format!("{good}A")]
        {
            assert_eq!(judged(&claim, bad, 1_000, false), Verdict::Signature, "{bad}");
        }
        for other in [
            Claim { id: "msg_2", ..claim },
            Claim { timestamp: 1_001, ..claim },
            Claim { body: b"{ }", ..claim },
        ] {
            assert_eq!(judged(&other, &good, 1_000, false), Verdict::Signature, "{other:?}");
        }
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
