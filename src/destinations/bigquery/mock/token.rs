//! The token server: an assertion signed with the key of a service account becomes a token that is good for a while.
//!
//! The key is no secret: it opens nothing but this stand-in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::answer::{Answer, fine, refusal};
use super::call::{Call, decoded as unescaped};
use super::state::State;
use crate::destinations::mock::Said;

const PRIVATE_KEY: &str = include_str!("key.pem");
const PUBLIC_KEY: &[u8] = include_bytes!("key.pub.der");
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest life of an assertion, and how far its clock may be off.
const LONGEST: i64 = 3600;
const TOLERANCE: i64 = 300;

/// Returns a key file as Google's console writes it; the stand-in can be reached at `url`, which ends with a slash.
pub(super) fn key_file(project: &str, url: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": project,
        "private_key_id": "stand-in",
        "private_key": PRIVATE_KEY,
        "client_email": email(project),
        "client_id": "1",
        "auth_uri": format!("{url}auth"),
        "token_uri": format!("{url}token"),
    })
}

fn email(project: &str) -> String {
    format!("stand-in@{project}.iam.gserviceaccount.com")
}

/// `POST /token`.
pub(super) fn exchange(state: &mut State, call: &Call<'_>) -> Answer {
    let body = String::from_utf8_lossy(&call.request.body);
    let part = |name: &str| {
        let mut pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map_or(String::new(), |(_, value)| unescaped(value))
    };
    if part("grant_type") == "refresh_token" {
        return refreshed(state, &part("refresh_token"), call.at);
    }
    if part("grant_type") != GRANT {
        return Err(oauth_error("unsupported_grant_type", "Invalid grant_type"));
    }
    let claims = verified(state, &part("assertion")).map_err(|why| oauth_error("invalid_grant", why))?;
    check(state, &claims, call.at)?;
    fine(&give(state, call.at))
}

/// The token of the machine itself; the header proves that no page of a browser asks.
pub(super) fn from_metadata(state: &mut State, call: &Call<'_>) -> Answer {
    if call.request.header("metadata-flavor") != "Google" {
        return Err(Said::error(403, "Missing Metadata-Flavor:Google header."));
    }
    fine(&give(state, call.at))
}

/// What a person allowed gcloud to do: the refresh token of this stand-in is its name.
fn refreshed(state: &mut State, token: &str, at: Timestamp) -> Answer {
    if state.revoked || token != "stand-in" {
        return Err(oauth_error("invalid_grant", "Token has been expired or revoked."));
    }
    fine(&give(state, at))
}

fn give(state: &mut State, at: Timestamp) -> Value {
    let token = format!("ya29.stand-in-{}", state.number());
    let life = state.settings.token_life;
    state.tokens.retain(|_, until| *until > at);
    state.tokens.insert(token.clone(), at.checked_add(life).unwrap_or(at));
    json!({ "access_token": token, "expires_in": life.as_secs(), "token_type": "Bearer" })
}

/// Refuses a request without a token that is good.
pub(super) fn authorize(state: &State, secret: &str, call: &Call<'_>) -> Result<(), Said> {
    if !state.settings.auth {
        return Ok(());
    }
    let given = call.request.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
    if given.is_empty() {
        return Err(refusal(401, "required", "Login Required."));
    }
    let good = state.tokens.get(given).is_some_and(|until| *until > call.at);
    if good || (!secret.is_empty() && given == secret) {
        return Ok(());
    }
    let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other \
                   valid authentication credential.";
    Err(refusal(401, "authError", message))
}

/// Errors of the token server have a form of their own.
fn oauth_error(error: &str, description: &str) -> Said {
    Said::json(400, &json!({ "error": error, "error_description": description }))
}

/// Returns the claims of an assertion whose signature is right.
fn verified(state: &State, assertion: &str) -> Result<Value, &'static str> {
    const FORM: &str = "Invalid JWT: it must have a header, claims and a signature.";
    const SIGNATURE: &str = "Invalid JWT Signature.";
    let (signed, signature) = assertion.rsplit_once('.').ok_or(FORM)?;
    let (header, claims) = signed.split_once('.').ok_or(FORM)?;
    let header = decoded(header).ok_or(FORM)?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err("Invalid JWT: the algorithm must be RS256.");
    }
    let signature = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('='));
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC_KEY);
    if state.revoked || key.verify(signed.as_bytes(), &signature.map_err(|_| FORM)?).is_err() {
        return Err(SIGNATURE);
    }
    decoded(claims).ok_or(FORM)
}

fn decoded(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn check(state: &State, claims: &Value, at: Timestamp) -> Result<(), Said> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("iss") != email(&state.settings.project) {
        return Err(oauth_error("invalid_grant", "Invalid grant: account not found"));
    }
    if !text("aud").ends_with("/token") {
        return Err(oauth_error("invalid_grant", "Invalid JWT: Failed audience check."));
    }
    let time = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or_default();
    let (issued, expires, now) = (time("iat"), time("exp"), at.as_second());
    if issued > now + TOLERANCE || expires < now - TOLERANCE || !(0..=LONGEST).contains(&(expires - issued)) {
        let why = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your \
                   iat and exp values in the JWT claim.";
        return Err(oauth_error("invalid_grant", why));
    }
    if !text("scope").contains("googleapis.com/auth/") {
        return Err(oauth_error("invalid_scope", "Invalid OAuth scope or ID token audience provided."));
    }
    Ok(())
}
