//! The console at `/`: the files of `web/console`, as they are built into the program.
//!
//! They are the same for everybody and hold nothing of the router but its version: what the console shows it asks of the
//! operator API, under the rules of that. The policy lets it load nothing from elsewhere and run nothing that stands in the page.

use std::sync::LazyLock;

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use super::ops;
use super::packed::{IMMUTABLE, Packed};
use super::state::State;

/// The names of what the page loads.
pub(super) const PATTERN: &str = "/console.{rest:[0-9a-f]+[.](js|css)}";
/// What each begins with.
pub(super) const PREFIX: &str = "/console.";
/// The metric label of all of them.
pub(super) const LABEL: &str = "/console.js";

const PAGE: &str = include_str!("../../web/console/dist/index.html");
/// Includes a file and its packed forms.
macro_rules! built {
    ($name:literal) => {
        Packed::built(
            include_bytes!(concat!("../../web/console/dist/", $name)),
            include_bytes!(concat!("../../web/console/dist/", $name, ".gz")),
            include_bytes!(concat!("../../web/console/dist/", $name, ".br")),
        )
    };
}

/// Stands in the page for the version of this program.
const VERSION: &str = "content=\"VERSION\"";

/// The page names its files by their content, so it alone must be asked for again.
const FRESH: HeaderValue = HeaderValue::from_static("no-cache");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

static FILES: LazyLock<Files> = LazyLock::new(|| Files {
    page: Packed::new(page_text()),
    script: built!("console.js"),
    style: built!("console.css"),
});

struct Files {
    page: Packed,
    script: Packed,
    style: Packed,
}

/// Puts the paths into the application.
pub(super) fn register(config: &mut web::ServiceConfig) {
    let readable = |path| web::resource(path).default_service(web::to(ops::only_get));
    config
        .service(readable("/").route(web::get().to(page)).route(web::head().to(page)))
        .service(readable(PATTERN).route(web::get().to(file)).route(web::head().to(file)));
}

/// `GET /`
async fn page(request: HttpRequest, payload: web::Payload, state: web::Data<State>) -> HttpResponse {
    if !state.shared.terms().console.enabled {
        return ops::not_found(request, payload, state).await;
    }
    guarded(FILES.page.answer(&request, FRESH, HTML))
}

/// Serves what the page loads; under the name of other content there is nothing.
async fn file(request: HttpRequest, payload: web::Payload, state: web::Data<State>) -> HttpResponse {
    let rest = request.match_info().get("rest").unwrap_or_default();
    let (digits, ending) = rest.split_once('.').unwrap_or((rest, ""));
    let (file, kind) = if ending == "css" { (&FILES.style, CSS) } else { (&FILES.script, JAVASCRIPT) };
    if digits != file.digits() || !state.shared.terms().console.enabled {
        return ops::not_found(request, payload, state).await;
    }
    guarded(file.answer(&request, IMMUTABLE, kind))
}

fn page_text() -> Bytes {
    PAGE.replace(VERSION, concat!("content=\"", env!("CARGO_PKG_VERSION"), "\"")).into()
}

/// No other page may hold it, look at it, or learn from where it was left.
fn guarded(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(OPENER, HeaderValue::from_static("same-origin"));
    response
}
