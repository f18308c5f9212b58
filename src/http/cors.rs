//! What browsers on other origins may do with the ingest paths.
//!
//! Own code because errors need these headers too: without them a 4xx looks like a network error and is sent again. The
//! headers are named one by one, since `*` does not cover `Authorization`, which analytics-next sends on every path.
//! The preflight carries no key, so it is answered for all sources together; whether a source takes an origin is decided
//! in `auth`. The operator API never gets these headers.

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use actix_web::{HttpRequest, HttpResponse};

use crate::config::settings::Source;

const NAMED: &str = "authorization, content-type, x-retry-count";
/// More than any client asks for; a longer list is not echoed.
const MAX_ASKED: usize = 1024;
const TRUE: HeaderValue = HeaderValue::from_static("true");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");
const EXPOSED: HeaderValue = HeaderValue::from_static("Retry-After");
/// Two hours, to which Chromium cuts what is longer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Marks an answer whose headers about origins are as they are to be.
pub(super) struct Decided;

/// The origins that browsers may send from, over all sources.
pub(super) struct Origins {
    /// `None`: every origin.
    listed: Option<Vec<String>>,
}

impl Origins {
    /// A source without origins, or no source at all, lets every origin in.
    pub(super) fn new(sources: &[Source]) -> Self {
        let open = sources.iter().all(|source| source.origins.is_empty())
            || sources.iter().any(|source| source.origins.is_empty());
        let listed = sources.iter().flat_map(|source| source.origins.iter().cloned());
        Origins { listed: (!open).then(|| listed.collect()) }
    }

    /// Adds what every answer to a browser needs.
    pub(super) fn mark(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_name(ORIGIN));
        let Some(origin) = origin.filter(|origin| self.admit(origin.as_bytes())) else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }

    /// Adds what the answer to a preflight needs beyond that.
    pub(super) fn mark_preflight(request: &HttpRequest, headers: &mut HeaderMap) {
        let asked = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(asked));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }

    fn admit(&self, origin: &[u8]) -> bool {
        let Some(listed) = &self.listed else { return true };
        listed.iter().any(|listed| same_origin(listed, origin))
    }
}

/// Takes the headers of origins from an answer: the source that it is about does not list the origin, whatever others do.
pub(super) fn hide(response: &mut HttpResponse) {
    response.headers_mut().insert(VARY, HeaderValue::from_name(ORIGIN));
    response.extensions_mut().insert(Decided);
}

/// Returns whether a configured origin is the one that a browser sent. Scheme and host have no case; a slash at the end
/// of the configured one is a habit. `https://*.shop.example` is every origin below that domain, not the domain itself.
pub(super) fn same_origin(configured: &str, sent: &[u8]) -> bool {
    let configured = configured.strip_suffix('/').unwrap_or(configured);
    match configured.split_once("://*.") {
        Some((scheme, domain)) => is_below(scheme, domain, sent),
        None => configured == "*" || configured.as_bytes().eq_ignore_ascii_case(sent),
    }
}

fn is_below(scheme: &str, domain: &str, sent: &[u8]) -> bool {
    let Some((sent_scheme, host)) = std::str::from_utf8(sent).ok().and_then(|sent| sent.split_once("://"))
    else {
        return false;
    };
    let host = host.to_ascii_lowercase();
    let label = host.strip_suffix(&domain.to_ascii_lowercase()).and_then(|rest| rest.strip_suffix('.'));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    sent_scheme.eq_ignore_ascii_case(scheme)
        && label
            .is_some_and(|label| !label.is_empty() && !label.starts_with('.') && label.bytes().all(is_name))
}

/// Returns the named headers and, behind them, those that were asked for and are valid names.
fn allowed_headers(asked: Option<&HeaderValue>) -> HeaderValue {
    let asked = asked.and_then(|asked| asked.to_str().ok()).filter(|asked| asked.len() <= MAX_ASKED);
    let mut allowed = NAMED.to_owned();
    for name in asked.unwrap_or_default().split(',').map(str::trim).filter(|name| is_token(name)) {
        if !NAMED.split(", ").any(|named| named.eq_ignore_ascii_case(name)) {
            allowed.push_str(", ");
            allowed.push_str(name);
        }
    }
    HeaderValue::try_from(allowed).unwrap_or_else(|_| HeaderValue::from_static(NAMED))
}

/// A header name in the sense of RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(origins: &[&str]) -> Source {
        Source {
            name: "web".into(),
            write_keys: Vec::new(),
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            enforce_origin: false,
            require_signature: false,
            signing_secrets: Vec::new(),
        }
    }

    fn echoed(sources: &[Source], origin: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        Origins::new(sources).mark(Some(&HeaderValue::from_static(origin)), &mut headers);
        headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(|echo| echo == origin)
    }

    #[test]
    fn every_origin_is_echoed_when_none_is_listed() {
        assert!(echoed(&[], "https://a.example"));
        assert!(echoed(&[source(&["https://b.example"]), source(&[])], "https://a.example"));
        assert!(echoed(&[], "null"));
    }

    #[test]
    fn only_listed_origins_are_echoed_when_every_source_lists_some() {
        let sources = [source(&["https://a.example/"]), source(&["https://B.example"])];
        assert!(echoed(&sources, "https://a.example"));
        assert!(echoed(&sources, "https://b.example"));
        assert!(!echoed(&sources, "https://a.example.evil"));
        assert!(!echoed(&sources, "http://a.example"));
    }

    #[test]
    fn a_star_is_every_name_below_a_domain_and_nothing_else() {
        for (origin, same) in [
            ("https://eu.shop.example", true),
            ("https://A.b.SHOP.example", true),
            ("https://shop.example", false),
            ("https://.shop.example", false),
            ("https://evilshop.example", false),
            ("http://eu.shop.example", false),
            ("https://eu.shop.example:8443", false),
            ("https://eu.shop.example.evil", false),
            ("https://evil/eu.shop.example", false),
            ("https://user@eu.shop.example", false),
            ("null", false),
        ] {
            assert_eq!(same_origin("https://*.shop.example", origin.as_bytes()), same, "{origin}");
        }
        assert!(same_origin("http://*.shop.example:8080", b"http://eu.shop.example:8080"));
        assert!(!same_origin("https://*.shop.example", b"https://\xff.shop.example"));
    }

    #[test]
    fn caches_learn_that_answers_differ_by_origin_even_without_one() {
        let mut headers = HeaderMap::new();
        Origins::new(&[]).mark(None, &mut headers);
        assert_eq!(headers.get(VARY).unwrap(), "origin");
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }

    #[test]
    fn asked_headers_are_added_when_they_are_names() {
        let asked = HeaderValue::from_static("Authorization, x-custom,, bad name, x:y");
        assert_eq!(allowed_headers(Some(&asked)), format!("{NAMED}, x-custom"));
        assert_eq!(allowed_headers(None), NAMED);
    }
}
