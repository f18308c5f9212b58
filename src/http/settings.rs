//! What Segment's browser library asks before it sends anything: where its events go. Without this answer it never starts.
//!
//! The address in it is the one that the library came by, since the router does not know under which names it is reached; a
//! trusted proxy tells the one that it was called by. Never holds what a page may not know, and switches off what the library would tell its maker.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, ORIGIN, REFERER};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::answer::{self, Refusal};
use super::ops;
use super::state::State;
use super::visitor::{Called, is_trusted};

/// The path, with the write key.
pub(super) const PATTERN: &str = "/v1/projects/{key}/settings";
/// Its metric label.
const LABEL: &str = "/v1/projects/KEY/settings";

/// As long as Segment's own; never in a shared cache, since the answer depends on who asks.
const FRESH: HeaderValue = HeaderValue::from_static("private, max-age=120");
/// Longer than any host.
const MAX_HOST: usize = 300;

/// Puts the path into the application.
pub(super) fn register(config: &mut web::ServiceConfig) {
    config.service(
        web::resource(PATTERN)
            .route(web::get().to(show))
            .route(web::head().to(show))
            .default_service(web::to(ops::only_get)),
    );
}

/// Returns the metric label of such a path.
pub(super) fn label(path: &str) -> Option<&'static str> {
    let key = path.strip_prefix("/v1/projects/")?.strip_suffix("/settings")?;
    (!key.is_empty() && !key.contains('/')).then_some(LABEL)
}

/// Answers with the settings of a source.
async fn show(request: HttpRequest, key: web::Path<String>, state: web::Data<State>) -> HttpResponse {
    settings(&request, &key, &state).unwrap_or_else(|refusal| answer::refuse(&refusal))
}

fn settings(request: &HttpRequest, key: &str, state: &State) -> Result<HttpResponse, Refusal> {
    check_key(request, key, state)?;
    let by_proxy = is_trusted(request, &state.shared.terms().server.trusted_proxies);
    let called = Called::of(request, by_proxy);
    let host = host(&called).ok_or_else(|| Refusal::bad_parameter("host", "is no host"))?;
    let segment = json!({
        "apiKey": key, "apiHost": format!("{host}/v1"), "protocol": protocol(request, &called, host),
        "unbundledIntegrations": [], "addBundledMetadata": true,
    });
    let all = json!({ "enabled": true, "integrations": {} });
    let mut response = answer::json(
        StatusCode::OK,
        &json!({
            "integrations": { "Segment.io": segment },
            "plan": { "track": { "__default": all }, "identify": { "__default": all }, "group": { "__default": all } },
            "edgeFunction": {}, "analyticsNextEnabled": true, "middlewareSettings": {}, "enabledMiddleware": {},
            // Counters of the library about itself would go to Segment.
            "metrics": { "sampleRate": 0 },
            "legacyVideoPluginsEnabled": false, "remotePlugins": [],
        }),
    );
    response.headers_mut().insert(CACHE_CONTROL, FRESH);
    Ok(response)
}

/// Lets a key through that a source has, from an origin that the source takes.
///
/// # Errors
/// `unauthorized`, `forbidden`.
pub(super) fn check_key(request: &HttpRequest, key: &str, state: &State) -> Result<(), Refusal> {
    let origin = request.headers().get(ORIGIN).map(HeaderValue::as_bytes);
    state.shared.terms().sources.identify(None, Some(key), origin).map(drop)
}

fn host<'a>(called: &Called<'a>) -> Option<&'a str> {
    let host = called.host?;
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (!host.is_empty() && host.len() <= MAX_HOST && host.bytes().all(is_fine)).then_some(host)
}

/// A page that came by TLS may load nothing without it, but from its own machine; so where no trusted proxy says what was
/// called, its page does.
fn protocol(request: &HttpRequest, called: &Called<'_>, host: &str) -> &'static str {
    let is_secure = |name| text(request, name).is_some_and(|from| from.starts_with("https://"));
    let of_page = || (is_secure(ORIGIN) || is_secure(REFERER)) && !is_own_machine(host);
    if called.is_https.unwrap_or_else(of_page) { "https" } else { "http" }
}

fn is_own_machine(host: &str) -> bool {
    let is =
        |name: &str| host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    ["localhost", "127.0.0.1", "[::1]"].into_iter().any(is)
}

fn text(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn protocol_of(headers: &[(&'static str, &'static str)]) -> &'static str {
        told(headers, false).1
    }

    /// Host and protocol of the answer.
    fn told(headers: &[(&'static str, &'static str)], by_proxy: bool) -> (String, &'static str) {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.insert_header(*header);
        }
        let request = request.to_http_request();
        let called = Called::of(&request, by_proxy);
        let host = host(&called).unwrap_or_default();
        (host.to_owned(), protocol(&request, &called, host))
    }

    #[test]
    fn the_protocol_is_that_of_the_page_unless_a_trusted_proxy_says_another() {
        let (far, near) = (("host", "t.example"), ("host", "localhost:3000"));
        assert_eq!(protocol_of(&[far]), "http");
        let says = ("x-forwarded-proto", "https, http");
        assert_eq!(protocol_of(&[far, says]), "http", "anybody can say so");
        assert_eq!(told(&[far, says], true).1, "https");
        let plain = [far, ("x-forwarded-proto", "http"), ("origin", "https://shop.example")];
        assert_eq!((told(&plain, true).1, told(&plain, false).1), ("http", "https"));
        assert_eq!(protocol_of(&[far, ("origin", "https://shop.example")]), "https");
        assert_eq!(protocol_of(&[far, ("referer", "https://shop.example/a")]), "https");
        assert_eq!(protocol_of(&[far, ("origin", "http://shop.example")]), "http");
        assert_eq!(protocol_of(&[near, ("origin", "https://shop.example")]), "http");
        assert_eq!(protocol_of(&[("host", "localhost.example"), ("origin", "https://a.example")]), "https");
    }

    #[test]
    fn the_host_is_the_one_that_was_called_unless_a_trusted_proxy_says_another() {
        let headers = [("host", "10.0.0.7:3000"), ("x-forwarded-host", "t.shop.example, inner.example")];
        assert_eq!(told(&headers, true).0, "t.shop.example");
        assert_eq!(told(&headers, false).0, "10.0.0.7:3000");
        assert_eq!(told(&[("host", "t.example"), ("x-forwarded-host", "a\"b")], true).0, "", "no host");
    }

    #[test]
    fn a_label_has_no_key() {
        assert_eq!(label("/v1/projects/secret/settings"), Some(LABEL));
        assert_eq!(label("/v1/projects//settings"), None);
        assert_eq!(label("/v1/projects/a/b/settings"), None);
    }
}
