//! The first page that a newcomer sees: what runs here, where to look, and how to send an event.
//!
//! One file without script and without anything from elsewhere; the policy names the style sheet by its hash, so that
//! nothing else on the page could run or be loaded.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::answer;

const STYLE: &str = include_str!("home.css");
const BODY: &str = include_str!("home.html");

/// `GET /`
pub(super) async fn page() -> HttpResponse {
    let html = BODY.replace("{style}", STYLE);
    let mut response = answer::text("text/html; charset=utf-8", html);
    if let Ok(policy) = HeaderValue::try_from(policy()) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}
