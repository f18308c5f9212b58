//! What must hold for any headers of a request: for fuzzers, and for what fuzzers once found.
//!
//! Not in the router that is published. A check fails by a panic.

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderName, HeaderValue, ORIGIN};
use actix_web::test::TestRequest;

use crate::config::settings::{Consent, Source, Tracker};

use super::auth::Sources;
use super::cookie::Jar;
use super::token;
use super::visitor::{Visitor, is_trusted};
use super::{access, cors, pixel, query, routes, scripts};

/// Reads `bytes` as lines: a path with its query, then `name: value` of headers. Nothing is believed that was not shown, and what
/// is answered fits into a header.
pub fn request(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let target = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let Some(request) = built(target, lines) else { return };
    let tracker = tracker();
    let trusted = ["10.0.0.0/8".parse().ok()].into_iter().flatten().collect::<Vec<_>>();
    let visitor = Visitor::of(&request, &trusted);
    if let Some(jar) = Jar::of(&request, &visitor, is_trusted(&request, &trusted), &tracker) {
        for id in [jar.id.as_deref().unwrap_or_default(), target, "5a1e"] {
            let kept = jar.keep(id);
            let text = kept.as_ref().map(|kept| kept.to_str());
            assert!(text.is_none_or(|text| text.is_ok_and(|text| text.starts_with("ot_aid="))), "{kept:?}");
        }
    }
    credentials(&request);
    let path = request.path();
    assert!(routes::label(path).len() < 64, "a label is of the closed list");
    drop((query::pairs(&request, &[]), pixel::is_image(path), scripts::original(path, &tracker)));
    if let Some(origin) = request.headers().get(ORIGIN) {
        assert!(!cors::same_origin("https://shop.example", origin.as_bytes()) || ends_well(origin));
    }
}

/// Any port, path or case of another name is another origin.
fn ends_well(origin: &HeaderValue) -> bool {
    origin.as_bytes().eq_ignore_ascii_case(b"https://shop.example")
        || origin.as_bytes().eq_ignore_ascii_case(b"https://shop.example:443")
}

fn credentials(request: &HttpRequest) {
    let source = Source {
        name: "web".into(),
        write_keys: vec!["a-key-that-nobody-guesses-0123456789".to_owned().into()],
        origins: Vec::new(),
        enforce_origin: false,
        require_signature: false,
        signing_secrets: Vec::new(),
    };
    let secret = "a-secret-that-nobody-guesses-0123456789".to_owned().into();
    let sources = Sources::new(&[source], &secret);
    let shown = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    assert!(sources.identify(shown, None, None).is_err(), "a key was guessed: {shown:?}");
    let token = access::bearer(request).unwrap_or_default();
    assert!(token::verify(token, &secret, 1_795_000_000).is_err(), "a token was forged: {token}");
}

fn built<'a>(target: &str, lines: impl Iterator<Item = &'a [u8]>) -> Option<HttpRequest> {
    let uri: actix_web::http::Uri = target.parse().ok()?;
    let mut request = TestRequest::with_uri(&uri.to_string()).peer_addr(([10, 0, 0, 1], 9).into());
    for line in lines {
        let at = memchr::memchr(b':', line)?;
        let (name, value) = line.split_at_checked(at)?;
        let name = HeaderName::from_bytes(name).ok()?;
        let value = HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?;
        request = request.append_header((name, value));
    }
    Some(request.to_http_request())
}

fn tracker() -> Tracker {
    Tracker {
        script_path: crate::config::SCRIPT_PATH.to_owned(),
        collect_path: crate::config::COLLECT_PATH.to_owned(),
        cookie_domain: None,
        cookie_http_only: true,
        exclude_automatic: false,
        storage: Consent::to(&["storage".to_owned()], Default::default()),
    }
}
