//! `GET /api/events/MESSAGE_ID`: the journey of one event. `GET /api/events?user=ID`: the events of one user or visitor.
//!
//! Separate because an id may hold any character: it is everything behind the last fixed slash, percent-encoded. An operator's
//! question about a person reads the journal, never a warehouse.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::actors::messages::{TellTimeline, Timeline, TraceEvent, Traced, UNKNOWN_ID, Whose};

use super::access::{self, READ_OPS};
use super::answer::{self, Refusal};
use super::sites::Sites;
use super::state::State;
use super::{ops, query};

/// What every such path begins with.
pub(super) const PREFIX: &str = "/api/events/";
/// The route.
pub(super) const PATTERN: &str = "/api/events/{message_id:.+}";
/// The metric label.
pub(super) const LABEL: &str = "/api/events/MESSAGE_ID";

/// The path of a person's events.
pub(super) const OF_ONE: &str = "/api/events";
/// Events of a page, unless another number is asked for.
const DEFAULT_LIMIT: usize = 50;
/// Most events of a page.
const MAX_LIMIT: usize = 500;
/// No id that the door takes is longer.
const LONGEST_ID: usize = 1_024;

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
    let rights = access::check(request, &state.terms().server, READ_OPS)?;
    let traced = ops::ask_within(&state.door.trace, TraceEvent { message_id }, ANSWER_WITHIN)
        .await?
        .map_err(|_| Refusal::Overloaded("the journal cannot be read now"))?
        .ok_or_else(|| Refusal::NoSuch(UNKNOWN_ID.to_owned()))?;
    // Whether there is one of another site is not told either.
    rights.sites.expect(traced.source()).map_err(|_| Refusal::NoSuch(UNKNOWN_ID.to_owned()))?;
    Ok(traced)
}

/// `GET /api/events?user=ID`
pub(super) async fn of_one(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let told = timeline(&request, &state).await;
    told.map_or_else(|refusal| answer::refuse(&refusal), |told| answer::json(StatusCode::OK, &told))
}

async fn timeline(request: &HttpRequest, state: &State) -> Result<Timeline, Refusal> {
    let rights = access::check(request, &state.terms().server, READ_OPS)?;
    let mut whose = whose(&query::pairs(request, &[])?)?;
    if let Sites::Only(names) = rights.sites {
        whose.sources = Some(names);
    }
    ops::ask_within(&state.door.timeline, TellTimeline(whose), ANSWER_WITHIN)
        .await?
        .map_err(|_| Refusal::Overloaded("the journal cannot be read now"))
}

fn whose(pairs: &[(String, String)]) -> Result<Whose, Refusal> {
    let mut whose = Whose { limit: DEFAULT_LIMIT, ..Whose::default() };
    for (name, value) in pairs {
        match name.as_str() {
            "user" => value.clone_into(&mut whose.id),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                let message = format!("must be a number from 1 to {MAX_LIMIT}, not \"{value}\"");
                whose.limit = limit.ok_or_else(|| Refusal::bad_parameter("limit", &message))?;
            }
            "cursor" => {
                let message = format!("must be `next` of the page before, not \"{value}\"");
                let before = value.parse().map_err(|_| Refusal::bad_parameter("cursor", &message))?;
                whose.before = Some(before);
            }
            other => return Err(query::unknown(other)),
        }
    }
    if whose.id.is_empty() || whose.id.len() > LONGEST_ID {
        return Err(Refusal::bad_parameter("user", "must be a userId or an anonymousId"));
    }
    Ok(whose)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_events_are_asked_for_by_their_id_and_nothing_is_ignored() {
        let read = |query: &[(&str, &str)]| {
            let pairs: Vec<_> = query.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            whose(&pairs)
        };
        let asked = read(&[("user", "anna"), ("limit", "7"), ("cursor", "12")]).unwrap();
        assert_eq!(asked, Whose { id: "anna".to_owned(), sources: None, limit: 7, before: Some(12) });
        assert_eq!(read(&[("user", "anna")]).unwrap().limit, DEFAULT_LIMIT);
        let long = "x".repeat(LONGEST_ID + 1);
        for (wrong, query) in [
            ("user", &[][..]),
            ("user", &[("user", "")]),
            ("user", &[("user", &long)]),
            ("limit", &[("user", "anna"), ("limit", "0")]),
            ("limit", &[("user", "anna"), ("limit", "501")]),
            ("cursor", &[("user", "anna"), ("cursor", "-1")]),
            ("visitor", &[("visitor", "anna")]),
        ] {
            let Err(Refusal::BadParameter { name, .. }) = read(query) else { panic!("{query:?} was taken") };
            assert_eq!(name, wrong);
        }
    }
}
