//! The page at `/`: what runs here, where to look, how to send an event; and for whoever may use the operator API, how every
//! destination is.
//!
//! One page without script and without anything from elsewhere; the policy names the style sheet by its hash, so that
//! nothing else on the page could run or be loaded. Nothing of the router's state is shown to a stranger.

mod html;
mod room;
#[cfg(test)]
mod tests;
mod words;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::actors::messages::{Readiness, Snapshot};
use crate::config::settings::Durability;
use crate::telemetry::clock;

use super::access::{self, READ_OPS};
use super::answer;
use super::ops::ask;
use super::state::State;
use html::Html;
use room::View;

const STYLE: &str = include_str!("home.css");
const HEAD: &str = include_str!("home/head.html");
const TOP: &str = include_str!("home/top.html");
const NEWCOMER: &str = include_str!("home/newcomer.html");
const REFRESH: &str = "<meta http-equiv=\"refresh\" content=\"5\">\n";
/// The query of a page that comes again by itself.
const REFRESHES: &str = "refresh=on";

/// `GET /`
pub(super) async fn page(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let refreshes = request.query_string() == REFRESHES;
    let room = room(&request, &state, refreshes).await;
    let mut html = Html::default();
    html.markup(HEAD).markup(if refreshes && room.is_some() { REFRESH } else { "" });
    html.markup("<style>").markup(STYLE).markup("</style>\n").markup(TOP);
    if let Some(room) = &room {
        html.part(room);
    }
    html.markup(NEWCOMER);
    let mut response = answer::text("text/html; charset=utf-8", html.into_string());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::try_from(policy()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Returns what an operator sees; `None` for anybody else.
async fn room(request: &HttpRequest, state: &State, refreshes: bool) -> Option<Html> {
    let settings = &state.door.settings;
    access::check(request, &settings.server, READ_OPS).ok()?;
    let asked = futures_util::future::join(
        ask(&state.door.snapshot, Snapshot),
        ask(&state.door.readiness, Readiness),
    );
    let (Ok(destinations), Ok(checks)) = asked.await else {
        let mut html = Html::default();
        html.markup("<p class=\"notice bad\" role=\"alert\">The router did not answer in time.</p>\n");
        return Some(html);
    };
    Some(room::render(&View {
        destinations: &destinations,
        checks: &checks,
        durability_os: settings.journal.durability == Durability::Os,
        refreshes,
        now: clock::now(),
    }))
}

fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}
