//! What Segment's browser library asks before it sends anything: where its events go. Without this answer it never starts.
//!
//! The address in it is the one that the library came by, since the router does not know under which names it is reached.
//! Never holds what a page may not know, and switches off what the library would tell its maker.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HOST, HeaderName, HeaderValue, ORIGIN, REFERER};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::answer::{self, Refusal};
use super::ops;
use super::state::State;

/// The path, with the write key.
pub(super) const PATTERN: &str = "/v1/projects/{key}/settings";
/// Its metric label.
const LABEL: &str = "/v1/projects/KEY/settings";

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
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
    let host = host(request).ok_or_else(|| Refusal::bad_parameter("host", "is no host"))?;
    let segment = json!({
        "apiKey": key, "apiHost": format!("{host}/v1"), "protocol": protocol(request, host),
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

fn host(request: &HttpRequest) -> Option<&str> {
    let host = text(request, HOST)?;
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (!host.is_empty() && host.len() <= MAX_HOST && host.bytes().all(is_fine)).then_some(host)
}

/// What a proxy says about the page's side of it is believed from anybody: it only changes the answer to whoever said it. A
/// page that came by TLS may load nothing without it, but from its own machine.
fn protocol(request: &HttpRequest, host: &str) -> &'static str {
    if let Some(said) = text(request, FORWARDED_PROTO) {
        let first = said.split(',').next().unwrap_or_default();
        return if first.trim().eq_ignore_ascii_case("https") { "https" } else { "http" };
    }
    let is_secure = |name| text(request, name).is_some_and(|from| from.starts_with("https://"));
    if (is_secure(ORIGIN) || is_secure(REFERER)) && !is_own_machine(host) { "https" } else { "http" }
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
        let mut request = TestRequest::default();
        for header in headers {
            request = request.insert_header(*header);
        }
        let request = request.to_http_request();
        protocol(&request, host(&request).unwrap_or_default())
    }

    #[test]
    fn the_protocol_is_that_of_the_page_unless_a_proxy_says_another() {
        let (far, near) = (("host", "t.example"), ("host", "localhost:3000"));
        assert_eq!(protocol_of(&[far]), "http");
        assert_eq!(protocol_of(&[far, ("x-forwarded-proto", "https, http")]), "https");
        assert_eq!(protocol_of(&[far, ("origin", "https://shop.example")]), "https");
        assert_eq!(protocol_of(&[far, ("referer", "https://shop.example/a")]), "https");
        assert_eq!(protocol_of(&[far, ("origin", "http://shop.example")]), "http");
        assert_eq!(protocol_of(&[near, ("origin", "https://shop.example")]), "http");
        assert_eq!(protocol_of(&[("host", "localhost.example"), ("origin", "https://a.example")]), "https");
    }

    #[test]
    fn a_label_has_no_key() {
        assert_eq!(label("/v1/projects/secret/settings"), Some(LABEL));
        assert_eq!(label("/v1/projects//settings"), None);
        assert_eq!(label("/v1/projects/a/b/settings"), None);
    }
}
