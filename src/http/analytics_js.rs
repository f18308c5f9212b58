//! Segment's browser library under the path that its snippet asks for, so that a page needs another host and nothing else.
//!
//! The file is the npm package's own, built into the program, packed beforehand (`web/vendor/analytics-next`). It finds the
//! key and, over `https`, the host in the path that it was loaded by. Never changed on its way.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::state::State;
use super::{answer, ops, settings};

/// The path, with the write key.
pub(super) const PATTERN: &str = "/analytics.js/v1/{key}/analytics.min.js";
/// Its metric label.
const LABEL: &str = "/analytics.js/v1/KEY/analytics.min.js";

const PLAIN: &[u8] = include_bytes!("../../web/vendor/analytics-next/standalone.js");
const GZIP: &[u8] = include_bytes!("../../web/vendor/analytics-next/standalone.js.gz");
const BROTLI: &[u8] = include_bytes!("../../web/vendor/analytics-next/standalone.js.br");

const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
/// It changes with the router alone. Not in shared caches, since whether a key is known is asked each time.
const FRESH: HeaderValue = HeaderValue::from_static("private, max-age=3600, stale-while-revalidate=86400");

/// How the file goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Plain,
    Gzip,
    Brotli,
}

impl Coding {
    fn word(self) -> Option<&'static str> {
        match self {
            Coding::Plain => None,
            Coding::Gzip => Some("gzip"),
            Coding::Brotli => Some("br"),
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Coding::Plain => PLAIN,
            Coding::Gzip => GZIP,
            Coding::Brotli => BROTLI,
        }
    }

    /// A tag stands for bytes, so each coding has its own.
    fn tag(self) -> String {
        static HASH: LazyLock<String> = LazyLock::new(|| {
            Sha256::digest(PLAIN).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
        });
        format!("\"{}{}\"", *HASH, self.word().map(|word| format!("-{word}")).unwrap_or_default())
    }
}

/// Puts the path into the application.
pub(super) fn register(config: &mut web::ServiceConfig) {
    config.service(
        web::resource(PATTERN)
            .route(web::get().to(serve))
            .route(web::head().to(serve))
            .default_service(web::to(ops::only_get)),
    );
}

/// Returns the metric label of such a path.
pub(super) fn label(path: &str) -> Option<&'static str> {
    let key = path.strip_prefix("/analytics.js/v1/")?.strip_suffix("/analytics.min.js")?;
    (!key.is_empty() && !key.contains('/')).then_some(LABEL)
}

/// Answers with the library, for a key that a source has.
async fn serve(request: HttpRequest, key: web::Path<String>, state: web::Data<State>) -> HttpResponse {
    match settings::check_key(&request, &key, &state) {
        Ok(()) => library(request.headers()),
        Err(refusal) => answer::refuse(&refusal),
    }
}

fn library(asked: &HeaderMap) -> HttpResponse {
    let coding = coding(asked);
    let tag = coding.tag();
    let is_known =
        lists(asked, &IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == tag);
    let mut response = match is_known {
        true => HttpResponse::new(StatusCode::NOT_MODIFIED),
        false => {
            HttpResponse::with_body(StatusCode::OK, Bytes::from_static(coding.bytes())).map_into_boxed_body()
        }
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JAVASCRIPT);
    headers.insert(CACHE_CONTROL, FRESH);
    headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    if let Some(word) = coding.word().filter(|_| !is_known) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(word));
    }
    response
}

/// Returns the smallest form that the other side takes.
fn coding(asked: &HeaderMap) -> Coding {
    let takes = |coding: Coding| {
        lists(asked, &ACCEPT_ENCODING).any(|one| is_taken(one, coding.word().unwrap_or_default()))
    };
    [Coding::Brotli, Coding::Gzip].into_iter().find(|coding| takes(*coding)).unwrap_or(Coding::Plain)
}

/// Reads one entry of `Accept-Encoding`: a name, and perhaps a weight of which only zero matters here.
fn is_taken(entry: &str, word: &str) -> bool {
    let mut parts = entry.split(';').map(str::trim);
    let is_it = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(word));
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    is_it && weight.is_none_or(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0))
}

fn lists<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn asked(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn the_smallest_form_that_is_taken_is_sent() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("GZIP;q=0.5", Coding::Gzip),
            ("br;q=0, gzip", Coding::Gzip),
            ("br;q=0.0;x=1,gzip;q=0", Coding::Plain),
            ("br;q=no", Coding::Plain),
            ("brotli, xgzip", Coding::Plain),
            ("*", Coding::Plain),
            ("", Coding::Plain),
        ] {
            assert_eq!(coding(&asked(ACCEPT_ENCODING, value)), expected, "{value}");
        }
    }

    #[test]
    fn a_known_tag_gets_no_body_and_another_form_is_another_tag() {
        let mut headers = asked(IF_NONE_MATCH, &format!("\"x\", W/{}", Coding::Plain.tag()));
        assert_eq!(library(&headers).status(), StatusCode::NOT_MODIFIED);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(library(&headers).status(), StatusCode::OK);
        assert_eq!(library(&asked(IF_NONE_MATCH, "*")).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn what_is_packed_is_the_same_file() {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(GZIP).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, PLAIN);
        assert!(BROTLI.len() < GZIP.len());
    }

    #[test]
    fn a_label_has_no_key() {
        assert_eq!(label("/analytics.js/v1/secret/analytics.min.js"), Some(LABEL));
        assert_eq!(label("/analytics.js/v1/a/b/analytics.min.js"), None);
    }
}
