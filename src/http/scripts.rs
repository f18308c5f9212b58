//! The browser script `/tracker.js` and its variants, as they are built into the program.
//!
//! Each is packed once, at its first use, on a thread that answers nobody. A name with the hash of its content never changes
//! and may be kept for ever; the plain names are asked for again. Scripts are for every page, so no origin is named.

use std::sync::OnceLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CROSS_ORIGIN_RESOURCE_POLICY, HeaderName, HeaderValue,
};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha384};

use crate::config::settings::Tracker;
use crate::config::{COLLECT_PATH, SCRIPT_PATH};

use super::cors::Decided;
use super::packed::{IMMUTABLE, Packed};
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
const LIST: &str = ".json";
const STEM: &str = "/tracker";

const FRESH: HeaderValue = HeaderValue::from_static("public, max-age=3600, stale-while-revalidate=86400");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const ANY: HeaderValue = HeaderValue::from_static("*");
const TIMING: HeaderName = HeaderName::from_static("timing-allow-origin");

/// One script.
struct Script {
    infix: &'static str,
    file: Packed,
    /// As the attribute `integrity` of a script element takes it.
    integrity: String,
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
        Some((script, age)) => public(script.file.answer(&request, age, JAVASCRIPT)),
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
        immutable: format!("{stem}{}.{}.js", script.infix, script.file.digits()),
        integrity: &script.integrity,
        bytes: script.sizes(),
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
        let integrity = format!("sha384-{}", STANDARD.encode(Sha384::digest(raw)));
        Script { infix, file: Packed::new(Bytes::from_static(raw)), integrity }
    }

    fn sizes(&self) -> Sizes {
        let Packed { raw, gzip, brotli, .. } = &self.file;
        Sizes { raw: raw.len(), gzip: gzip.len(), brotli: brotli.len() }
    }

    /// Returns how long an answer under this name may be kept; `None` when it is another's name.
    fn age(&self, rest: &str) -> Option<HeaderValue> {
        let rest = rest.strip_suffix(".js")?.strip_prefix(self.infix)?;
        match rest.strip_prefix('.') {
            None => rest.is_empty().then_some(FRESH),
            Some(digits) => (digits == self.file.digits()).then_some(IMMUTABLE),
        }
    }
}
