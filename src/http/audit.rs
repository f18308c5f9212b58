//! Which requests are an operator's doing, and what is kept of them.
//!
//! Every change below `/api/` is, whoever asks and whatever becomes of it, and so is what hands out somebody's data. It is
//! looked at around all paths, so that no handler can forget it. A token or a session is named by a print of it, which opens
//! nothing.

use actix_web::body::MessageBody;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

use crate::telemetry::audit::Entry;
use crate::telemetry::clock;

use super::access;
use super::session;
use super::state::State;
use super::visitor::Visitor;

/// Paths where reading is told as well.
const TOLD_WHEN_READ: &str = "/api/privacy/";
/// Longer actions are cut.
const MOST_BYTES: usize = 1024;

/// A request that is told once it is answered.
#[derive(Debug)]
pub(super) struct Noted {
    actor: String,
    address: String,
    action: String,
}

impl Noted {
    /// Returns what is told of a request to this path; nothing where it is no operator's doing.
    pub(super) fn of(request: &HttpRequest, path: &str, state: &State) -> Option<Noted> {
        let is_change = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if !path.starts_with("/api/") || !(is_change || path.starts_with(TOLD_WHEN_READ)) {
            return None;
        }
        let trusted = &state.shared.terms.load().server.trusted_proxies;
        let address = Visitor::of(request, trusted).ip.map(|ip| ip.to_string()).unwrap_or_default();
        Some(Noted { actor: actor(request, state), address, action: action(request, path) })
    }

    /// Tells it with its outcome.
    pub(super) fn tell(&self, response: &HttpResponse<impl MessageBody>, state: &State) {
        let status = response.status();
        let outcome = match status.as_u16() {
            ..=399 => "done",
            401 | 403 | 429 => "refused",
            _ => "failed",
        };
        let Noted { actor, address, action } = self;
        let given =
            session::given(response.headers(), state).filter(|_| action.split('?').next() == Some(LOGIN));
        let actor = given.map_or_else(|| actor.clone(), |id| format!("session:{}", print(&id)));
        let entry =
            Entry { at: clock::now(), actor: &actor, address, action, status: status.as_u16(), outcome };
        state.shared.audit.add(&entry);
    }
}

/// Names who asks by what was shown and is valid.
fn actor(request: &HttpRequest, state: &State) -> String {
    let terms = state.terms();
    let server = &terms.server;
    if let Some(token) = access::bearer(request) {
        let is_valid = access::believe(token, server).is_ok();
        if is_valid {
            return format!("token:{}", print(token));
        }
    } else if let Some(id) = session::id(request, state) {
        return format!("session:{}", print(&id));
    }
    if access::is_open(request, server) { "local".to_owned() } else { NOBODY.to_owned() }
}

const NOBODY: &str = "nobody";
/// Whoever did that has a session from then on.
const LOGIN: &str = "POST /api/session";

/// Twelve digits of the hash: enough to tell one from another, and no way back.
fn print(secret: &str) -> String {
    Sha256::digest(secret).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// A parameter that may hold a token, or whom a question is about, has its name alone.
fn action(request: &HttpRequest, path: &str) -> String {
    let mut action = format!("{} {path}", request.method());
    let pairs = request.query_string().split('&').filter(|pair| !pair.is_empty());
    for (at, pair) in pairs.enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_shown = SHOWN.contains(&name);
        action.push(if at == 0 { '?' } else { '&' });
        action.push_str(name);
        action.push('=');
        action.push_str(if is_shown { value } else { "…" });
    }
    // A path may be of any bytes, and a line of the log is one line.
    let mut action: String =
        action.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect();
    if action.len() > MOST_BYTES {
        action.truncate(action.floor_char_boundary(MOST_BYTES));
        action.push('…');
    }
    action
}

/// Parameters of orders, whose values are names, times, numbers and reasons.
const SHOWN: [&str; 12] = [
    "confirm",
    "destination",
    "filter",
    "from",
    "from_offset",
    "id",
    "limit",
    "rate",
    "reason",
    "stop",
    "until",
    "until_offset",
];

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn acted(uri: &str) -> String {
        let request = TestRequest::post().uri(uri).to_http_request();
        action(&request, request.path())
    }

    #[test]
    fn an_action_says_what_was_asked_for_and_repeats_no_token() {
        let replay = acted("/api/destinations/crm/replay?from=2026-11-01T00:00:00Z&rate=5");
        assert_eq!(replay, "POST /api/destinations/crm/replay?from=2026-11-01T00:00:00Z&rate=5");
        let hidden = acted("/api/x?access_token=geheim&userId=ada&confirm=crm");
        assert_eq!(hidden, "POST /api/x?access_token=…&userId=…&confirm=crm");
        assert!(acted(&format!("/api/x?reason={}", "x".repeat(2000))).len() <= MOST_BYTES + "…".len());
    }
}
