//! Operator tokens: JWT with HS256, and nothing else of that standard.
//!
//! Written by hand because one algorithm, one audience and six claims are all there is; a token that names another
//! algorithm is refused before its signature is looked at. Comparing is left to `hmac`, which takes constant time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::sites::Sites;

/// Who a token must be meant for.
const AUDIENCE: &str = "opentrack";

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64url, not JSON, or another algorithm than HS256.
    #[error("the token is not a JWT with HS256")]
    Malformed,
    /// Signed with another secret.
    #[error("the token's signature is wrong")]
    Forged,
    /// Meant for someone else.
    #[error("the token is not for opentrack")]
    Foreign,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is still to come.
    #[error("the token is not valid yet")]
    Early,
}

/// What a valid token lets its bearer do.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Each a word.
    pub scopes: Vec<String>,
    /// Of what.
    pub sites: Sites,
    /// Seconds since 1970; `None` when the token does not say.
    pub issued: Option<f64>,
    /// Seconds since 1970.
    pub expires: f64,
}

impl Grant {
    /// Returns whether the scope is granted; `admin` implies every other.
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope || granted == "admin")
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    /// RFC 7515, section 4.1.11: extensions that must be understood, and none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Claims {
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    sites: Sites,
}

/// RFC 7519, section 4.1.3: one name or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Returns what the token grants at `now` (seconds since 1970).
///
/// # Errors
/// The first reason not to believe it.
pub fn verify(token: &str, secret: &SecretString, now: i64) -> Result<Grant, TokenError> {
    let claims: Claims = signed_by(secret, token)?;
    check(&claims, now)?;
    let scopes = claims.scope.split_ascii_whitespace().map(str::to_owned).collect();
    Ok(Grant { scopes, sites: claims.sites, issued: claims.iat, expires: claims.exp })
}

/// Returns the claims of a token that this secret has signed, whatever they say.
///
/// # Errors
/// `Malformed` or `Forged`.
pub(super) fn signed_by<T: DeserializeOwned>(secret: &SecretString, token: &str) -> Result<T, TokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let header: Header = decode(header)?;
    if header.alg != "HS256" || header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
    mac(secret, signed).verify_slice(&signature).map_err(|_| TokenError::Forged)?;
    decode(claims)
}

/// Signs claims.
pub(super) fn sign(secret: &SecretString, claims: &impl Serialize) -> String {
    let signed = format!("{}.{}", encode(&Header { alg: "HS256".to_owned(), crit: None }), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(mac(secret, &signed).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// What a new token says.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// Separated by spaces.
    pub scope: &'a str,
    /// Of what.
    pub sites: &'a Sites,
    /// Seconds since 1970.
    pub issued: i64,
    /// Seconds since 1970.
    pub expires: i64,
}

/// Makes a token as it is ordered.
pub fn mint_as(secret: &SecretString, order: &Order<'_>) -> String {
    let Order { scope, sites, issued, expires } = order;
    let mut claims = serde_json::json!({ "aud": AUDIENCE, "iat": issued, "exp": expires, "scope": scope });
    if let (Sites::Only(_), Some(claims)) = (sites, claims.as_object_mut()) {
        claims.insert("sites".to_owned(), serde_json::json!(sites));
    }
    sign(secret, &claims)
}

/// Makes a token with these scopes (separated by spaces), for all sites, that is valid until `expires` (seconds since 1970).
/// It does not say since when, and so is not taken in an address.
pub fn mint(secret: &SecretString, scope: &str, expires: i64) -> String {
    sign(secret, &serde_json::json!({ "aud": AUDIENCE, "exp": expires, "scope": scope }))
}

fn check(claims: &Claims, now: i64) -> Result<(), TokenError> {
    let ours = match &claims.aud {
        Audience::One(name) => name == AUDIENCE,
        Audience::Many(names) => names.iter().any(|name| name == AUDIENCE),
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds fit a double until the year 285 million")]
    let now = now as f64;
    if !ours {
        return Err(TokenError::Foreign);
    }
    if claims.exp <= now {
        return Err(TokenError::Expired);
    }
    if claims.nbf.is_some_and(|begin| begin > now) { Err(TokenError::Early) } else { Ok(()) }
}

/// Returns the keyed hash of a text, to be written out or compared in constant time.
pub(super) fn mac(secret: &SecretString, signed: &str) -> Hmac<Sha256> {
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    mac
}

fn encode<T: Serialize>(part: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("text and numbers can be written"))
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> SecretString {
        "your-256-bit-secret-for-tests-only".to_owned().into()
    }

    fn signed(header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(mac(&secret(), &signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    #[test]
    fn a_minted_token_grants_its_scopes_until_it_expires() {
        let token = mint(&secret(), "read:ops read:stats", 1000);
        let grant = verify(&token, &secret(), 999).unwrap();
        assert!(grant.allows("read:ops") && grant.allows("read:stats") && !grant.allows("admin"));
        assert_eq!(verify(&token, &secret(), 1000), Err(TokenError::Expired));
    }

    #[test]
    fn a_minted_token_ends_at_a_whole_second_as_most_readers_expect() {
        let token = mint(&secret(), "read:ops", 1000);
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        assert_eq!(
            String::from_utf8(claims).unwrap(),
            r#"{"aud":"opentrack","exp":1000,"scope":"read:ops"}"#
        );
    }

    #[test]
    fn admin_implies_the_others() {
        let grant = verify(&mint(&secret(), "admin", 10), &secret(), 0).unwrap();
        assert!(grant.allows("read:ops"));
    }

    #[test]
    fn a_changed_claim_or_another_secret_is_a_forgery() {
        let token = mint(&secret(), "read:ops", 10);
        assert_eq!(verify(&token, &"another".to_owned().into(), 0), Err(TokenError::Forged));
        let mut parts: Vec<&str> = token.split('.').collect();
        let claims = URL_SAFE_NO_PAD.encode(r#"{"aud":"opentrack","exp":10,"scope":"admin"}"#);
        parts[1] = &claims;
        assert_eq!(verify(&parts.join("."), &secret(), 0), Err(TokenError::Forged));
    }

    #[test]
    fn no_other_algorithm_is_taken() {
        let claims = r#"{"aud":"opentrack","exp":10,"scope":"admin"}"#;
        for alg in ["none", "HS512", "RS256", "hs256"] {
            let token = signed(&format!("{{\"alg\":\"{alg}\"}}"), claims);
            assert_eq!(verify(&token, &secret(), 0), Err(TokenError::Malformed), "{alg}");
        }
        assert!(verify(&signed(r#"{"typ":"JWT","alg":"HS256"}"#, claims), &secret(), 0).is_ok());
    }

    #[test]
    fn a_token_for_someone_else_or_without_an_end_is_not_taken() {
        let hs256 = r#"{"alg":"HS256"}"#;
        let foreign = signed(hs256, r#"{"aud":"other","exp":10,"scope":"admin"}"#);
        assert_eq!(verify(&foreign, &secret(), 0), Err(TokenError::Foreign));
        let endless = signed(hs256, r#"{"aud":"opentrack","scope":"admin"}"#);
        assert_eq!(verify(&endless, &secret(), 0), Err(TokenError::Malformed));
        let listed = signed(hs256, r#"{"aud":["x","opentrack"],"exp":10.5,"scope":""}"#);
        assert!(verify(&listed, &secret(), 10).is_ok());
    }

    #[test]
    fn a_token_that_is_not_valid_yet_or_asks_for_extensions_is_not_taken() {
        let later = r#"{"aud":"opentrack","exp":10,"nbf":5,"scope":"admin"}"#;
        let token = signed(r#"{"alg":"HS256"}"#, later);
        assert_eq!(verify(&token, &secret(), 4), Err(TokenError::Early));
        assert!(verify(&token, &secret(), 5).is_ok());
        let critical = signed(r#"{"alg":"HS256","crit":["exp"]}"#, later);
        assert_eq!(verify(&critical, &secret(), 5), Err(TokenError::Malformed));
    }

    #[test]
    fn garbage_is_malformed() {
        for token in ["", ".", "..", "a.b", "a.b.c", "Zm9v.Zm9v.Zm9v", "\u{1f600}.x.y"] {
            assert_eq!(verify(token, &secret(), 0), Err(TokenError::Malformed), "{token}");
        }
    }
}
