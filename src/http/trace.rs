//! `GET /api/events/MESSAGE_ID`: the journey of one event.
//!
//! Separate because an id may hold any character: it is everything behind the last fixed slash, percent-encoded.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::actors::messages::{TraceEvent, Traced, UNKNOWN_ID};

use super::access::{self, READ_OPS};
use super::answer::{self, Refusal};
use super::ops;
use super::state::State;

/// What every such path begins with.
pub(super) const PREFIX: &str = "/api/events/";
/// The route.
pub(super) const PATTERN: &str = "/api/events/{message_id:.+}";
/// The metric label.
pub(super) const LABEL: &str = "/api/events/MESSAGE_ID";

/// Looking through files of notes may take a while; a browser waits longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// `GET /api/events/MESSAGE_ID`
pub(super) async fn event(
    request: HttpRequest,
    message_id: web::Path<String>,
    state: web::Data<State>,
) -> HttpResponse {
    let found = find(&request, message_id.into_inner(), &state).await;
    found.map_or_else(|refusal| answer::refuse(&refusal), |found| answer::json(StatusCode::OK, &found))
}

async fn find(request: &HttpRequest, message_id: String, state: &State) -> Result<Traced, Refusal> {
    let rights = access::check(request, &state.door.settings.server, READ_OPS)?;
    let traced = ops::ask_within(&state.door.trace, TraceEvent { message_id }, ANSWER_WITHIN)
        .await?
        .map_err(|_| Refusal::Overloaded("the journal cannot be read now"))?
        .ok_or_else(|| Refusal::NoSuch(UNKNOWN_ID.to_owned()))?;
    // Whether there is one of another site is not told either.
    rights.sites.expect(traced.source()).map_err(|_| Refusal::NoSuch(UNKNOWN_ID.to_owned()))?;
    Ok(traced)
}
