//! The signed statement with which a service account asks for a token (RFC 7523), RS256.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::credentials::AccountKey;

/// What BigQuery asks for; it also covers load jobs.
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/bigquery";

/// Google allows an hour.
const LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// Returns the statement, signed.
///
/// # Errors
/// A sentence about the key, without any of it.
pub(super) fn signed(key: &AccountKey, now: Timestamp) -> Result<SecretString, String> {
    let issued = now.as_second();
    let lifetime = i64::try_from(LIFETIME.as_secs()).unwrap_or_default();
    let claims = Claims {
        iss: &key.client_email,
        scope: SCOPE,
        aud: &key.token_uri,
        iat: issued,
        exp: issued.saturating_add(lifetime),
    };
    let header = Header { alg: "RS256", typ: "JWT", kid: key.private_key_id.as_deref() };
    let mut text = format!("{}.{}", part(&header)?, part(&claims)?);
    let signature = signature(&key.private_key, text.as_bytes())?;
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(SecretString::from(text))
}

fn part(value: &impl Serialize) -> Result<String, String> {
    let text =
        serde_json::to_vec(value).map_err(|error| format!("could not write a token request: {error}"))?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

fn signature(pem: &SecretString, text: &[u8]) -> Result<Vec<u8>, String> {
    let pair = RsaKeyPair::from_pkcs8(&der(pem)?)
        .map_err(|error| format!("`private_key` is no RSA key in PKCS #8: {error}"))?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature)
        .map_err(|_| "could not sign with `private_key`".to_owned())?;
    Ok(signature)
}

/// Takes a key out of its envelope of text.
fn der(pem: &SecretString) -> Result<Vec<u8>, String> {
    let body: String =
        pem.expose_secret().lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    STANDARD.decode(body).map_err(|_| "`private_key` is not in PEM form".to_owned())
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::super::credentials::{Key, read};
    use super::*;

    #[test]
    fn the_statement_says_who_asks_whom_for_what_and_is_signed() {
        let Ok(Key::Account(key)) = read(include_bytes!("../fixtures/service_account.json")) else {
            panic!("not a service account");
        };
        let text = signed(&key, "2026-01-01T00:00:00Z".parse().unwrap()).unwrap();
        let (said, signature) = text.expose_secret().rsplit_once('.').unwrap();
        let public = include_bytes!("../fixtures/public_key.der");
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        public.verify(said.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let parts: Vec<_> = said.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        assert_eq!(parts[0], br#"{"alg":"RS256","typ":"JWT","kid":"k1"}"#);
        let claims: serde_json::Value = serde_json::from_slice(&parts[1]).unwrap();
        let wanted = serde_json::json!({
            "iss": "router@acme.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/bigquery",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": 1_767_225_600,
            "exp": 1_767_229_200,
        });
        assert_eq!(claims, wanted);
    }

    #[test]
    fn a_bad_key_is_named_and_not_quoted() {
        let key = |private: &str| AccountKey {
            client_email: "a".to_owned(),
            private_key: SecretString::from(private.to_owned()),
            private_key_id: None,
            token_uri: "http://localhost/".to_owned(),
        };
        for (private, words) in [("geheim!", "not in PEM"), ("Z2VoZWlt", "no RSA key")] {
            let message = signed(&key(private), Timestamp::UNIX_EPOCH).unwrap_err();
            assert!(message.contains(words) && !message.contains("geheim"), "{message}");
        }
    }
}
