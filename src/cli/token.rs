//! `opentrack token`: a token for the operator API, signed with the router's own secret. Stores nothing.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::Exit;
use super::out::Out;
use crate::config::{self, Loaded};
use crate::http::token;
use crate::telemetry::clock;

/// What a token may let its bearer do.
const SCOPES: [&str; 4] = ["read:ops", "read:stats", "read:stream", "admin"];

/// Prints a token with these scopes (separated by spaces or commas) that is valid for `ttl`.
pub(super) fn mint(mut loaded: Loaded, scope: &str, ttl: Duration, out: &mut Out) -> Exit {
    let scopes: Vec<&str> = scope.split([' ', ',']).filter(|scope| !scope.is_empty()).collect();
    if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(scope)) {
        out.error(&format!("`{unknown}` is no scope; there are {}", SCOPES.join(", ")));
        return Exit::Usage;
    }
    if let Err(error) = config::generate_missing(&mut loaded) {
        out.error(&format!("could not read the generated secrets: {error}"));
        return Exit::Unavailable;
    }
    let secret = &loaded.settings.server.jwt_secret;
    if secret.expose_secret().is_empty() {
        out.error("`JWT_SECRET` is not set");
        return Exit::Secret;
    }
    let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
    let expires = clock::now().as_second().saturating_add(seconds);
    let token = token::mint(secret, &scopes.join(" "), expires);
    if out.json {
        out.value(&serde_json::json!({ "token": token, "scope": scopes.join(" "), "exp": expires }));
    } else {
        out.line(&token);
    }
    Exit::Fine
}
