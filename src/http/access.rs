//! Who may use the operator API: anyone on this machine in development, and everywhere else the bearer of a token, or of the
//! cookie that the console's login gave for one.
//!
//! "On this machine" is the peer's address, never a forwarded one, and what a proxy passes on is from elsewhere. The `Host` must be a loopback name, so that a page
//! whose own name was made to point here cannot read the answers, and an `Origin` must be that same host.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use secrecy::{ExposeSecret, SecretString};

use crate::config::settings::Server;
use crate::telemetry::clock;

use super::answer::Refusal;
use super::live::Stands;
use super::sites::Sites;
use super::state::{Shared, State};
use super::token::Grant;
use super::{query, session, token};

/// Scope of everything that an operator reads.
pub(super) const READ_OPS: &str = "read:ops";

/// Scope of everything that is counted.
pub(super) const READ_STATS: &str = "read:stats";

/// Scope of what is live.
pub(super) const READ_STREAM: &str = "read:stream";

/// Scope of everything that an operator changes.
pub(super) const ADMIN: &str = "admin";

/// All of them.
pub(super) const SCOPES: [&str; 4] = [READ_OPS, READ_STATS, READ_STREAM, ADMIN];

/// The parameter of a query that holds a token, where a path takes one there.
pub(super) const TOKEN_PARAMETER: &str = "access_token";

/// A token in an address may live no longer than this from its issue to its end, in seconds: addresses are kept in places that
/// nobody thinks of.
const LONGEST_IN_QUERY: f64 = 600.0;

/// How far the clock of whoever issues tokens may be ahead, in seconds.
const LEEWAY: f64 = 30.0;

/// What a request may have.
#[derive(Debug, Clone)]
pub(super) struct Rights {
    /// Of what.
    pub(super) sites: Sites,
    /// When they end, in seconds since 1970; `None`: with the connection.
    pub(super) until: Option<f64>,
    /// What opened it, where it is a stream; the right ends with that as well.
    pub(super) standing: Option<Standing>,
}

/// What opened a stream.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// A cookie.
    Session(session::Standing),
    /// A token.
    Token(SecretString),
}

impl Standing {
    fn of_token(token: &str) -> Standing {
        Standing::Token(token.to_owned().into())
    }

    /// Returns what tells, whenever it is asked, whether it still opens anything: sessions end, and keys are withdrawn.
    pub(super) fn watched(self, state: &State) -> Stands {
        match self {
            Standing::Session(session) => session.watched(state),
            Standing::Token(token) => token_stands(Arc::clone(&state.shared), token),
        }
    }
}

/// Returns what tells whether a token is still believed.
pub(super) fn token_stands(shared: Arc<Shared>, token: SecretString) -> Stands {
    Box::new(move || believe(token.expose_secret(), &shared.terms.load().server).is_ok())
}

/// Lets a request to the operator API through, and returns what it may have of it.
///
/// # Errors
/// `unauthorized` without a valid token, `forbidden` when it lacks the scope, and for a change by a token that is limited to
/// some sites, since changes concern all.
pub(super) fn check(request: &HttpRequest, server: &Server, scope: &str) -> Result<Rights, Refusal> {
    if is_open(request, server) {
        return Ok(Rights { sites: Sites::All, until: None, standing: None });
    }
    match grant(request, server)? {
        Some(grant) => allow(grant, scope),
        None => Err(NO_TOKEN),
    }
}

/// As [`check`], for an answer that takes long. A browser's `EventSource` sends no header, so a short-lived token is taken from
/// the query as well.
///
/// # Errors
/// As of [`check`], and `forbidden` for the cookie where the browser says that the page is of another origin.
pub(super) fn check_until(request: &HttpRequest, server: &Server, scope: &str) -> Result<Rights, Refusal> {
    let pairs = query::pairs(request, &[])?;
    let token = pairs.iter().find(|(name, _)| name == TOKEN_PARAMETER);
    match token.filter(|_| !is_open(request, server) && bearer(request).is_none()) {
        None => {
            let rights = check(request, server, scope)?;
            let standing = match bearer(request) {
                _ if rights.until.is_none() => None,
                Some(token) => Some(Standing::of_token(token)),
                None => session::standing(request)?.map(Standing::Session),
            };
            Ok(Rights { standing, ..rights })
        }
        Some((_, token)) => {
            let grant = believe(token, server)?;
            expect_short(&grant)?;
            Ok(Rights { standing: Some(Standing::of_token(token)), ..allow(grant, scope)? })
        }
    }
}

/// Returns whether nobody is asked who they are.
pub(super) fn is_open(request: &HttpRequest, server: &Server) -> bool {
    !server.production && is_local(request)
}

/// Returns what the request's token, or its cookie, grants; nothing when it has neither.
///
/// # Errors
/// `unauthorized` for a token that is not valid, `forbidden` for a cookie that a page of somebody else may have sent.
pub(super) fn grant(request: &HttpRequest, server: &Server) -> Result<Option<Grant>, Refusal> {
    match bearer(request) {
        Some(token) => believe(token, server).map(Some),
        None => session::grant(request),
    }
}

const NO_TOKEN: Refusal = Refusal::Unauthorized("this path needs a bearer token");

/// Returns what a token grants.
///
/// # Errors
/// `unauthorized`.
pub(super) fn believe(token: &str, server: &Server) -> Result<Grant, Refusal> {
    let now = clock::now().as_second();
    let grant = server.token_keys().find_map(|key| token::verify(token, key, now).ok());
    grant.ok_or(Refusal::Unauthorized("the bearer token is not valid"))
}

fn allow(grant: Grant, scope: &str) -> Result<Rights, Refusal> {
    if !grant.allows(scope) {
        return Err(Refusal::Forbidden("the bearer token lacks the scope for this path"));
    }
    if scope == ADMIN && !grant.sites.are_all() {
        return Err(Refusal::Forbidden("the token is limited to some sites, and changes concern all"));
    }
    Ok(Rights { sites: grant.sites, until: Some(grant.expires), standing: None })
}

/// A token whose issue is still to come would live from now on.
fn expect_short(grant: &Grant) -> Result<(), Refusal> {
    #[expect(clippy::cast_precision_loss, reason = "seconds fit a double until the year 285 million")]
    let now = clock::now().as_second() as f64;
    let is_short = grant
        .issued
        .is_some_and(|issued| issued <= now + LEEWAY && grant.expires - issued <= LONGEST_IN_QUERY);
    if is_short { Ok(()) } else { Err(Refusal::Unauthorized(LONG)) }
}

const LONG: &str =
    "a token in the query must say when it was issued (`iat`) and live for ten minutes at most";

/// Returns the token in the header.
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = header(request, AUTHORIZATION)?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// What proxies add: whoever asks through one may be anywhere, though the proxy itself is on this machine.
const PASSED_ON: [HeaderName; 5] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("via"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

fn is_local(request: &HttpRequest) -> bool {
    if PASSED_ON.iter().any(|name| request.headers().contains_key(name)) {
        return false;
    }
    let peer = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let Some(host) = header(request, HOST) else { return false };
    peer && is_loopback_host(host) && is_own_origin(request, host)
}

fn is_own_origin(request: &HttpRequest, host: &str) -> bool {
    if !request.headers().contains_key(ORIGIN) {
        return true;
    }
    let authority = header(request, ORIGIN).and_then(|origin| origin.split_once("://"));
    authority.is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

/// Takes `localhost`, `127.0.0.1:3000`, `[::1]:3000`.
fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(address, _)| address),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    let is_address = || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    name.eq_ignore_ascii_case("localhost") || is_address()
}

fn header(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn local(peer: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
        for header in headers {
            request = request.insert_header(*header);
        }
        is_local(&request.to_http_request())
    }

    #[test]
    fn this_machine_is_a_loopback_peer_with_a_loopback_host() {
        assert!(local("127.0.0.1:9", &[("host", "localhost:3000")]));
        assert!(local("[::1]:9", &[("host", "[::1]:3000")]));
        assert!(local("[::ffff:127.0.0.1]:9", &[("host", "127.0.0.1")]));
        assert!(!local("203.0.113.9:9", &[("host", "localhost")]));
        assert!(!local("127.0.0.1:9", &[]));
    }

    #[test]
    fn a_forwarded_loopback_address_does_not_count() {
        let headers = [("host", "localhost"), ("x-forwarded-for", "127.0.0.1")];
        assert!(!local("203.0.113.9:9", &headers));
    }

    #[test]
    fn a_name_that_points_here_does_not_count() {
        assert!(!local("127.0.0.1:9", &[("host", "rebound.example")]));
        assert!(!local("127.0.0.1:9", &[("host", "localhost.example")]));
        assert!(!local("127.0.0.1:9", &[("host", "127.0.0.1.example")]));
    }

    #[test]
    fn a_page_of_another_origin_does_not_count() {
        let host = ("host", "localhost:3000");
        assert!(local("127.0.0.1:9", &[host, ("origin", "http://localhost:3000")]));
        assert!(!local("127.0.0.1:9", &[host, ("origin", "http://localhost:8080")]));
        assert!(!local("127.0.0.1:9", &[host, ("origin", "https://evil.example")]));
        assert!(!local("127.0.0.1:9", &[host, ("origin", "null")]));
    }
}
