//! Who may use the operator API: anyone on this machine in development, and everywhere else the bearer of a token.
//!
//! "On this machine" is the peer's address, never a forwarded one. The `Host` must be a loopback name, so that a page
//! whose own name was made to point here cannot read the answers, and an `Origin` must be that same host.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};

use crate::config::settings::Server;
use crate::telemetry::clock;

use super::answer::Refusal;
use super::{query, token};

/// Scope of everything that an operator reads.
pub(super) const READ_OPS: &str = "read:ops";

/// Scope of everything that is counted.
pub(super) const READ_STATS: &str = "read:stats";

/// Scope of what is live.
pub(super) const READ_STREAM: &str = "read:stream";

/// The parameter of a query that holds a token, where a path takes one there.
pub(super) const TOKEN_PARAMETER: &str = "access_token";

/// A token in an address may live no longer than this, in seconds: addresses are kept in places that nobody thinks of.
const LONGEST_IN_QUERY: f64 = 600.0;

/// Scope of everything that an operator changes.
pub(super) const ADMIN: &str = "admin";

/// Lets a request to the operator API through.
///
/// # Errors
/// `unauthorized` without a valid token, `forbidden` when it lacks the scope.
pub(super) fn check(request: &HttpRequest, server: &Server, scope: &str) -> Result<(), Refusal> {
    if !server.production && is_local(request) {
        return Ok(());
    }
    let token = bearer(request).ok_or(NO_TOKEN)?;
    believe(token, server, scope).map(drop)
}

/// As [`check`], for an answer that takes long: returns when the right to it ends, in seconds since 1970. A browser's
/// `EventSource` sends no header, so a short-lived token is taken from the query as well.
///
/// # Errors
/// As of [`check`].
pub(super) fn check_until(
    request: &HttpRequest,
    server: &Server,
    scope: &str,
) -> Result<Option<f64>, Refusal> {
    if !server.production && is_local(request) {
        return Ok(None);
    }
    if let Some(token) = bearer(request) {
        return believe(token, server, scope).map(Some);
    }
    let pairs = query::pairs(request, &[])?;
    let token = pairs.iter().find(|(name, _)| name == TOKEN_PARAMETER).ok_or(NO_TOKEN)?;
    let until = believe(&token.1, server, scope)?;
    #[expect(clippy::cast_precision_loss, reason = "seconds fit a double until the year 285 million")]
    let left = until - clock::now().as_second() as f64;
    if left > LONGEST_IN_QUERY {
        return Err(Refusal::Unauthorized("a token in the query must end within ten minutes"));
    }
    Ok(Some(until))
}

const NO_TOKEN: Refusal = Refusal::Unauthorized("this path needs a bearer token");

/// Returns when a token ends that grants the scope.
fn believe(token: &str, server: &Server, scope: &str) -> Result<f64, Refusal> {
    let now = clock::now().as_second();
    let grant = token::verify(token, &server.jwt_secret, now);
    let grant = grant.map_err(|_| Refusal::Unauthorized("the bearer token is not valid"))?;
    if grant.allows(scope) {
        return Ok(grant.expires());
    }
    Err(Refusal::Forbidden("the bearer token lacks the scope for this path"))
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = header(request, AUTHORIZATION)?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn is_local(request: &HttpRequest) -> bool {
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
