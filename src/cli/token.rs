//! `opentrack token`: a token for the operator API, signed with the router's own secret. Stores nothing, and never makes a
//! secret up: a token that is signed with another one than the router's opens nothing.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::Exit;
use super::out::Out;
use crate::config::Loaded;
use crate::http::sites::Sites;
use crate::http::token::{self, Order};
use crate::telemetry::clock;

/// What a token may let its bearer do.
const SCOPES: [&str; 4] = ["read:ops", "read:stats", "read:stream", "admin"];

/// What a token is to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Separated by spaces or commas.
    pub(super) scope: &'a str,
    /// How long it is valid.
    pub(super) ttl: Duration,
    /// Of which sources; none: of all.
    pub(super) sites: &'a [String],
}

/// Prints a token as it is asked for.
pub(super) fn mint(loaded: &Loaded, asked: &Asked<'_>, out: &mut Out) -> Exit {
    let scopes: Vec<&str> = asked.scope.split([' ', ',']).filter(|scope| !scope.is_empty()).collect();
    if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(scope)) {
        out.error(&format!("`{unknown}` is no scope; there are {}", SCOPES.join(", ")));
        return Exit::Usage;
    }
    if scopes.contains(&"admin") && !asked.sites.is_empty() {
        out.error("`admin` changes what concerns every site, so that it cannot go with `--site`");
        return Exit::Usage;
    }
    let server = &loaded.settings.server;
    let secret = &server.jwt_secret;
    if secret.expose_secret().is_empty() {
        let place = server.data_dir.display();
        out.error(&format!("`JWT_SECRET` is not set here, and no router has made one up in `{place}`"));
        out.error(super::SURROUNDINGS);
        return Exit::Secret;
    }
    let seconds = i64::try_from(asked.ttl.as_secs()).unwrap_or(i64::MAX);
    let (issued, scope, sites) = (clock::now().as_second(), scopes.join(" "), Sites::named(asked.sites));
    let expires = issued.saturating_add(seconds);
    let token = token::mint_as(secret, &Order { scope: &scope, sites: &sites, issued, expires });
    if out.json {
        out.value(&serde_json::json!({ "token": token, "scope": scope, "sites": sites, "exp": expires }));
    } else {
        out.line(&token);
    }
    Exit::Fine
}
