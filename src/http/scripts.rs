//! The browser script `/tracker.js` and its variants, as they are built into the program.
//!
//! Each is packed once, at its first use, on a thread that answers nobody. A name with the hash of its content never changes
//! and may be kept for ever; the plain names are asked for again. Scripts are for every page, so no origin is named.

use std::sync::OnceLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE,
    CROSS_ORIGIN_RESOURCE_POLICY, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256, Sha384};

use crate::config::settings::Tracker;
use crate::config::{COLLECT_PATH, SCRIPT_PATH};

use super::cors::Decided;
use super::state::State;
use super::{answer, ops};

/// Every name of a script, and of their list.
pub(super) const PATTERN: &str = "/tracker{rest:[.][0-9A-Za-z.]+}";
/// What each begins with.
pub(super) const PREFIX: &str = "/tracker.";
/// The metric label of all of them.
pub(super) const LABEL: &str = "/tracker.js";

/// What stands between the stem of the name and `.js`, and the script.
const BUILT: [(&str, &[u8]); 3] = [
    ("", include_bytes!("../../web/tracker/dist/tracker.js")),
    (".core", include_bytes!("../../web/tracker/dist/tracker.core.js")),
    (".attr", include_bytes!("../../web/tracker/dist/tracker.attr.js")),
];
/// Digits of the hash in an immutable name.
const DIGITS: usize = 16;
const LIST: &str = ".json";
const STEM: &str = "/tracker";

const FRESH: HeaderValue = HeaderValue::from_static("public, max-age=3600, stale-while-revalidate=86400");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const ANY: HeaderValue = HeaderValue::from_static("*");
const TIMING: HeaderName = HeaderName::from_static("timing-allow-origin");

/// One script in its three forms.
struct Script {
    infix: &'static str,
    raw: Bytes,
    gzip: Bytes,
    brotli: Bytes,
    /// SHA-256 in hexadecimal digits.
    hash: String,
    /// As the attribute `integrity` of a script element takes it.
    integrity: String,
}

/// How a script goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Plain,
    Gzip,
    Brotli,
}

#[derive(Serialize)]
struct List<'a> {
    scripts: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    path: String,
    immutable: String,
    integrity: &'a str,
    bytes: Sizes,
}

#[derive(Serialize)]
struct Sizes {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

/// Serves a script, or the list of them with what `integrity` needs.
pub(super) async fn serve(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    let Some(scripts) = scripts().await else {
        return answer::refuse(&answer::Refusal::Overloaded("the router is stopping"));
    };
    let rest = request.match_info().get("rest").unwrap_or_default();
    if rest == LIST {
        return public(list(scripts, &state.shared.terms().tracker));
    }
    let named = scripts.iter().find_map(|script| Some((script, script.age(rest)?)));
    match named {
        Some((script, age)) => public(script.answer(&request, age)),
        None => ops::not_found(request, payload, state).await,
    }
}

/// Returns the path that a renamed one stands for; `None` for one that has no other name.
pub(super) fn original(path: &str, tracker: &Tracker) -> Option<String> {
    let behind =
        |prefix: &str, rest: &str| path.strip_prefix(prefix).filter(|behind| behind.starts_with(rest));
    if path == tracker.script_path && path != SCRIPT_PATH {
        return Some(SCRIPT_PATH.to_owned());
    }
    let stem = stem(tracker);
    if let Some(rest) = behind(stem, ".").filter(|_| stem != STEM) {
        return Some(format!("{STEM}{rest}"));
    }
    let rest = behind(&tracker.collect_path, "/").filter(|_| tracker.collect_path != COLLECT_PATH)?;
    Some(format!("{COLLECT_PATH}{rest}"))
}

fn stem(tracker: &Tracker) -> &str {
    tracker.script_path.strip_suffix(".js").unwrap_or(&tracker.script_path)
}

async fn scripts() -> Option<&'static [Script]> {
    static SCRIPTS: OnceLock<Vec<Script>> = OnceLock::new();
    if let Some(scripts) = SCRIPTS.get() {
        return Some(scripts);
    }
    let pack = || BUILT.iter().map(|(infix, raw)| Script::pack(infix, raw)).collect();
    web::block(move || SCRIPTS.get_or_init(pack).as_slice()).await.ok()
}

fn list(scripts: &[Script], tracker: &Tracker) -> HttpResponse {
    let stem = stem(tracker);
    let listed = scripts.iter().map(|script| Listed {
        path: match script.infix {
            "" => tracker.script_path.clone(),
            infix => format!("{stem}{infix}.js"),
        },
        immutable: format!("{stem}{}.{}.js", script.infix, script.digits()),
        integrity: &script.integrity,
        bytes: Sizes { raw: script.raw.len(), gzip: script.gzip.len(), brotli: script.brotli.len() },
    });
    let mut response = answer::json(StatusCode::OK, &List { scripts: listed.collect() });
    response.headers_mut().insert(CACHE_CONTROL, FRESH);
    response
}

/// Any page may load it, look at it and measure it.
fn public(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(TIMING, ANY);
    response.extensions_mut().insert(Decided);
    response
}

impl Script {
    fn pack(infix: &'static str, raw: &'static [u8]) -> Script {
        let hash = Sha256::digest(raw).iter().map(|byte| format!("{byte:02x}")).collect();
        let integrity = format!("sha384-{}", STANDARD.encode(Sha384::digest(raw)));
        Script { infix, raw: Bytes::from_static(raw), gzip: gzip(raw), brotli: brotli(raw), hash, integrity }
    }

    fn digits(&self) -> &str {
        self.hash.get(..DIGITS).unwrap_or(&self.hash)
    }

    /// Returns how long an answer under this name may be kept; `None` when it is another's name.
    fn age(&self, rest: &str) -> Option<HeaderValue> {
        let rest = rest.strip_suffix(".js")?.strip_prefix(self.infix)?;
        match rest.strip_prefix('.') {
            None => rest.is_empty().then_some(FRESH),
            Some(digits) => (digits == self.digits()).then_some(IMMUTABLE),
        }
    }

    fn answer(&self, request: &HttpRequest, age: HeaderValue) -> HttpResponse {
        let coding = coding(request);
        let (bytes, suffix) = match coding {
            Coding::Plain => (&self.raw, ""),
            Coding::Gzip => (&self.gzip, "-gzip"),
            Coding::Brotli => (&self.brotli, "-br"),
        };
        let mut response = if self.is_known(request) {
            HttpResponse::new(StatusCode::NOT_MODIFIED)
        } else {
            HttpResponse::with_body(StatusCode::OK, bytes.clone()).map_into_boxed_body()
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}{suffix}\"", self.hash)) {
            headers.insert(ETAG, tag);
        }
        headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
        headers.insert(CACHE_CONTROL, age);
        if !self.is_known(request) {
            headers.insert(CONTENT_TYPE, JAVASCRIPT);
            if let Some(name) = suffix.strip_prefix('-') {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
            }
        }
        response
    }

    /// Of whichever form: they are one script.
    fn is_known(&self, request: &HttpRequest) -> bool {
        let lines = request.headers().get_all(IF_NONE_MATCH).filter_map(|line| line.to_str().ok());
        let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
        tags.any(|tag| {
            let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
            let form = tag.strip_prefix(self.hash.as_str());
            tag == "*" || matches!(form, Some("" | "-gzip" | "-br"))
        })
    }
}

/// The smallest form that the browser takes.
fn coding(request: &HttpRequest) -> Coding {
    let lines = request.headers().get_all(ACCEPT_ENCODING).filter_map(|line| line.to_str().ok());
    let offers: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let takes = |wanted: &str| offers.iter().any(|offer| is_offer(offer, wanted));
    if takes("br") {
        Coding::Brotli
    } else if takes("gzip") {
        Coding::Gzip
    } else {
        Coding::Plain
    }
}

/// A weight of zero is a refusal.
fn is_offer(offer: &str, wanted: &str) -> bool {
    let (name, parameters) = offer.split_once(';').unwrap_or((offer, ""));
    let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), |weight| weight.trim().parse::<f32>());
    name.trim().eq_ignore_ascii_case(wanted) && weight.is_ok_and(|weight| weight > 0.0)
}

fn gzip(raw: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(raw, flate2::Compression::best());
    std::io::Read::read_to_end(&mut encoder, &mut packed).map_or_else(|_| Bytes::new(), |_| packed.into())
}

fn brotli(raw: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    let mut encoder = brotli::CompressorReader::new(raw, 4096, 11, 22);
    std::io::Read::read_to_end(&mut encoder, &mut packed).map_or_else(|_| Bytes::new(), |_| packed.into())
}
