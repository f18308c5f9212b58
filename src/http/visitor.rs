//! Who is on the other end: a browser or a server, at which address, and what it called.
//!
//! A forwarding header counts only when the peer is one of `server.trusted_proxies`; it is read from the right, and the
//! first address that is not a trusted proxy is the client. Whatever stands left of it was written by the client.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, USER_AGENT};
use ipnet::IpNet;

use crate::spec::consent::Signals;

use super::pixel;

/// Global Privacy Control, section 3.2: `1` is its only value.
const GPC: HeaderName = HeaderName::from_static("sec-gpc");
/// Tracking Preference Expression, section 5.2: `1` and perhaps extensions behind it.
const DNT: HeaderName = HeaderName::from_static("dnt");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Sent by browsers alone. `Sec-Fetch-Mode` would not do: the `fetch` of Node sends it too.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// One client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visitor<'a> {
    /// A browser: its address belongs to the person whom the event is about.
    pub(super) is_browser: bool,
    /// The page's origin, when the browser sent one.
    pub(super) origin: Option<&'a HeaderValue>,
    /// The client's address.
    pub(super) ip: Option<IpAddr>,
    /// What the browser says about tracking; a proxy of one's own may pass it on.
    pub(super) signals: Signals,
}

impl<'a> Visitor<'a> {
    /// Looks at one request.
    pub(super) fn of(request: &'a HttpRequest, trusted: &[IpNet]) -> Self {
        let headers = request.headers();
        let origin = headers.get(ORIGIN);
        Visitor {
            is_browser: origin.is_some()
                || headers.contains_key(FETCH_SITE)
                || is_beacon(headers)
                || pixel::is_image(request.path()),
            origin,
            ip: request.peer_addr().map(|peer| client_address(peer, headers, trusted)),
            signals: Signals { gpc: says_yes(headers, &GPC), dnt: says_yes(headers, &DNT) },
        }
    }
}

/// Returns whether the peer of a request is a trusted proxy, so that its word counts.
pub(super) fn is_trusted(request: &HttpRequest, trusted: &[IpNet]) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    peer.is_some_and(|peer| trusted.iter().any(|net| net.contains(&peer)))
}

/// Returns whether some proxy says for whom it asks.
pub(super) fn is_forwarded(request: &HttpRequest) -> bool {
    request.headers().contains_key(&FORWARDED_FOR)
}

/// What the client called: a proxy calls the router by another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Called<'a> {
    /// Host and perhaps port.
    pub(super) host: Option<&'a str>,
    /// Whether that was https, where it is known.
    pub(super) is_https: Option<bool>,
}

impl<'a> Called<'a> {
    /// Looks at one request. What a proxy says counts only where the peer is a trusted one.
    pub(super) fn of(request: &'a HttpRequest, by_proxy: bool) -> Called<'a> {
        let forwarded = |name: &HeaderName| first(request, name).filter(|_| by_proxy);
        Called {
            host: forwarded(&FORWARDED_HOST).or_else(|| first(request, &HOST)),
            is_https: forwarded(&FORWARDED_PROTO).map(|scheme| scheme.eq_ignore_ascii_case("https")),
        }
    }
}

/// Returns the first value of a header: of several proxies the first one saw the browser.
pub(super) fn first<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    let value = request.headers().get(name)?.to_str().ok()?;
    value.split(',').next().map(str::trim).filter(|value| !value.is_empty())
}

/// `text/plain` is what browser libraries choose to avoid a preflight; a page on the same origin sends no `Origin` then.
fn is_beacon(headers: &HeaderMap) -> bool {
    let begins = |name: HeaderName, with: &[u8]| {
        headers.get(name).is_some_and(|value| value.as_bytes().starts_with(with))
    };
    begins(CONTENT_TYPE, b"text/plain") && begins(USER_AGENT, b"Mozilla/")
}

fn says_yes(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).any(|value| value.as_bytes().trim_ascii_start().starts_with(b"1"))
}

fn client_address(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut address = peer.ip().to_canonical();
    if trusted.is_empty() {
        return address;
    }
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut lines: Vec<&HeaderValue> = headers.get_all(FORWARDED_FOR).collect();
    lines.reverse();
    let hops = lines.into_iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.rsplit(','));
    for hop in hops {
        if !is_trusted(&address) {
            break;
        }
        let Some(next) = parse_hop(hop.trim()) else { break };
        address = next.to_canonical();
    }
    address
}

/// Proxies write addresses with and without a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = || hop.parse().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare().or_else(with_port).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn ip_of(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
        for line in forwarded {
            request = request.append_header((FORWARDED_FOR, *line));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        Visitor::of(&request.to_http_request(), &trusted).ip.unwrap().to_string()
    }

    fn is_browser(headers: &[(&'static str, &'static str)]) -> bool {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.insert_header(*header);
        }
        Visitor::of(&request.to_http_request(), &[]).is_browser
    }

    #[test]
    fn a_stranger_cannot_forward_an_address() {
        assert_eq!(ip_of("203.0.113.9:1", &["1.1.1.1"], &[]), "203.0.113.9");
        assert_eq!(ip_of("203.0.113.9:1", &["1.1.1.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn the_client_is_the_first_untrusted_hop_from_the_right() {
        let trusted = &["10.0.0.0/8", "::1/128"];
        assert_eq!(ip_of("10.0.0.1:1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], trusted), "203.0.113.9");
        assert_eq!(ip_of("10.0.0.1:1", &["6.6.6.6", "203.0.113.9,10.0.0.2"], trusted), "203.0.113.9");
        assert_eq!(ip_of("[::ffff:10.0.0.1]:1", &["203.0.113.9:4711"], trusted), "203.0.113.9");
        assert_eq!(ip_of("[::1]:1", &["[2001:db8::7]:443"], trusted), "2001:db8::7");
    }

    #[test]
    fn a_hop_that_is_no_address_ends_the_search() {
        assert_eq!(ip_of("10.0.0.1:1", &["203.0.113.9, unknown"], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn privacy_signals_are_read_from_their_headers() {
        let signals = |headers: &[(&'static str, &'static str)]| {
            let mut request = TestRequest::default();
            for header in headers {
                request = request.append_header(*header);
            }
            let signals = Visitor::of(&request.to_http_request(), &[]).signals;
            (signals.gpc, signals.dnt)
        };
        assert_eq!(signals(&[]), (false, false));
        assert_eq!(signals(&[("sec-gpc", "1")]), (true, false));
        assert_eq!(signals(&[("sec-gpc", "0"), ("dnt", "1")]), (false, true));
        assert_eq!(signals(&[("dnt", "0")]), (false, false));
        assert_eq!(signals(&[("sec-gpc", "0"), ("sec-gpc", "1")]), (true, false));
    }

    #[test]
    fn browsers_are_told_from_servers() {
        assert!(is_browser(&[("origin", "https://shop.example")]));
        assert!(is_browser(&[("sec-fetch-site", "same-origin")]));
        assert!(is_browser(&[("content-type", "text/plain"), ("user-agent", "Mozilla/5.0 (X11)")]));
        assert!(!is_browser(&[("sec-fetch-mode", "cors"), ("user-agent", "node")]));
        assert!(!is_browser(&[("content-type", "text/plain"), ("user-agent", "curl/8")]));
        assert!(!is_browser(&[("content-type", "application/json")]));
    }
}
