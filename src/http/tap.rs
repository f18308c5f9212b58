//! `GET /api/live`: what happens to single events, as it happens, as server-sent events without an end.
//!
//! The frames, the heartbeat and the end of a token are those of `/presence/stream`. A filter that is not understood is refused:
//! ignored, it would show everything.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::actors::messages::{NoSeat, OUTCOMES, TapFilter, Watch};
use crate::spec::Kind;

use super::access::{self, READ_OPS};
use super::answer::{self, Refusal};
use super::live::Hearing;
use super::state::State;
use super::{live, ops, query};

/// `GET /api/live`
pub(super) async fn watch(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let opened = open(&request, &state).await;
    opened.unwrap_or_else(|refusal| answer::refuse(&refusal))
}

async fn open(request: &HttpRequest, state: &State) -> Result<HttpResponse, Refusal> {
    let rights = access::check_until(request, &state.terms().server, READ_OPS)?;
    if !rights.sites.are_all() {
        return Err(Refusal::Forbidden("the tap shows every site, and the token is for some"));
    }
    let filter = filter(request)?;
    let question = Watch { last_event_id: live::last_event_id(request), filter };
    let subscription = ops::ask(&state.door.tap, question).await?.map_err(|no| match no {
        NoSeat::Full => Refusal::Overloaded("as many watch as can"),
        NoSeat::Stopping => Refusal::Overloaded("the router is stopping"),
    })?;
    let stands = rights.standing.map(|standing| standing.watched(state));
    let hearing = Hearing { until: rights.until, stands, ..Hearing::default() };
    Ok(live::stream_of(subscription, hearing, &state.door.metrics))
}

fn filter(request: &HttpRequest) -> Result<TapFilter, Refusal> {
    let mut filter = TapFilter::default();
    for (name, value) in query::pairs(request, &[])? {
        let value = Some(value).filter(|value| !value.is_empty());
        match name.as_str() {
            "type" => filter.kind = value.as_deref().map(kind).transpose()?,
            "event" => filter.event = value,
            "user" => filter.user = value,
            "destination" => filter.destination = value,
            "outcome" => filter.outcome = value.map(outcome).transpose()?,
            access::TOKEN_PARAMETER => {}
            _ => return Err(query::unknown(&name)),
        }
    }
    Ok(filter)
}

fn kind(word: &str) -> Result<Kind, Refusal> {
    let kinds = || Kind::ALL.map(Kind::as_str).join(", ");
    Kind::from_name(word)
        .ok_or_else(|| Refusal::bad_parameter("type", &format!("must be one of {}", kinds())))
}

fn outcome(word: String) -> Result<String, Refusal> {
    if OUTCOMES.contains(&word.as_str()) {
        return Ok(word);
    }
    Err(Refusal::bad_parameter("outcome", &format!("must be one of {}", OUTCOMES.join(", "))))
}
