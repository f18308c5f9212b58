//! `GET /api/stats/NAME`: the reports, as JSON or as CSV.
//!
//! An answer is kept for a moment, so that a wall of screens costs as much as one. What a report says is its store's.

mod together;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use tokio::time::Instant;

use crate::stores::reports::query::{Problem, REPEATED};
use crate::stores::reports::{Asked, Fault, Name, Query};
use crate::stores::zones;
use crate::telemetry::{clock, events};

use super::access::{self, READ_STATS};
use super::answer::{self, Refusal};
use super::query;
use super::sites::Sites;
use super::state::State;

/// The route.
pub(super) const PATTERN: &str =
    "/api/stats/{report:series|pages|sources|geo|devices|events|funnel|revenue|vitals|sessions}";
/// What every such path begins with.
const PREFIX: &str = "/api/stats/";
/// The metric label.
const LABEL: &str = "/api/stats/NAME";
const STORE: HeaderName = HeaderName::from_static("x-store");
const SAMPLED: HeaderName = HeaderName::from_static("x-sampled");

/// How long an answer is given again: less than anybody sees a number change.
const FRESH: Duration = Duration::from_secs(2);
/// Most answers that are kept.
const KEPT: usize = 256;
/// Most bytes of one that is kept.
const KEPT_BYTES: usize = 256 << 10;

const JSON: &str = "application/json";
const CSV: &str = "text/csv; charset=utf-8";

/// Returns the metric label of a report's path.
pub(super) fn label(path: &str) -> Option<&'static str> {
    let name = path.strip_prefix(PREFIX)?;
    Name::named(name.trim_end_matches('/')).map(|_| LABEL)
}

/// An answer as it was sent.
#[derive(Debug, Clone)]
struct Sent {
    body: Bytes,
    content_type: &'static str,
    store: &'static str,
    sampled: bool,
}

/// Answers of a moment ago, by the question.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<HashMap<String, (Instant, Sent)>>);

impl Recent {
    fn get(&self, question: &str, now: Instant) -> Option<Sent> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |(at, _): &&(Instant, Sent)| now.duration_since(*at) < FRESH;
        kept.get(question).filter(is_fresh).map(|(_, sent)| sent.clone())
    }

    fn keep(&self, question: String, sent: &Sent, now: Instant) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, (at, _)| now.duration_since(*at) < FRESH);
        }
        if kept.len() < KEPT && sent.body.len() <= KEPT_BYTES {
            kept.insert(question, (now, sent.clone()));
        }
    }
}

/// `GET /api/stats/NAME`
pub(super) async fn report(
    request: HttpRequest,
    name: web::Path<String>,
    state: web::Data<State>,
) -> HttpResponse {
    match answered(&request, &name, &state).await {
        Ok(sent) => {
            let mut response = answer::text(sent.content_type, sent.body);
            let headers = response.headers_mut();
            headers.insert(STORE, HeaderValue::from_static(sent.store));
            headers.insert(SAMPLED, HeaderValue::from_static(if sent.sampled { "true" } else { "false" }));
            response
        }
        Err(refusal) => answer::refuse(&refusal),
    }
}

/// What is said where each router has read a part of the topic, and some of it twice.
const SCATTERED: &str = "with a journal that routers share, reports need a ClickHouse destination";

async fn answered(request: &HttpRequest, name: &str, state: &State) -> Result<Sent, Refusal> {
    let rights = access::check(request, &state.terms().server, READ_STATS)?;
    let report = Name::named(name).ok_or(Refusal::NotFound)?;
    let mut pairs = query::pairs(request, &REPEATED)?;
    limit_to(&rights.sites, &mut pairs)?;
    let is_csv = takes_csv(&mut pairs)?;
    let question = format!("{name}?{is_csv}&{pairs:?}");
    if let Some(sent) = state.shared.reports.get(&question, Instant::now()) {
        return Ok(sent);
    }
    let door = &state.door;
    let asked = Asked {
        now: clock::now().as_millisecond(),
        zone: &door.reports.zone,
        zones: &zones::named,
        currency: &door.reports.currency,
    };
    let query = Query::read(report, &pairs, asked).map_err(refusal)?;
    let store = door.reports.store.as_ref().ok_or_else(|| Refusal::NoSuch(SCATTERED.to_owned()))?;
    let cache = together::Cache::of(door, state.shared.beside.load_full(), &question);
    if let Some(sent) = cache.recall().await {
        state.shared.reports.keep(question, &sent, Instant::now());
        return Ok(sent);
    }
    let made = store.answer(query.clone()).await.map_err(fault)?;
    let (body, content_type) = match is_csv {
        true => (made.to_csv(), CSV),
        false => (made.to_json(&query).to_string(), JSON),
    };
    let sent = Sent { body: body.into(), content_type, store: store.name(), sampled: made.sampled };
    cache.keep(&sent).await;
    state.shared.reports.keep(question, &sent, Instant::now());
    Ok(sent)
}

/// Puts the site into the question that it is about; the answer that is kept is then that of this site.
fn limit_to(sites: &Sites, pairs: &mut Vec<(String, String)>) -> Result<(), Refusal> {
    let asks = pairs.iter().position(|(name, _)| name == "site").map(|place| pairs.remove(place).1);
    let site = sites.choose(asks.filter(|site| !site.is_empty() || !sites.are_all()))?;
    pairs.extend(site.map(|site| ("site".to_owned(), site)));
    Ok(())
}

/// What a store's words say of its inside is for the log; that a question is too large is for whoever asked it.
fn fault(fault: Fault) -> Refusal {
    match fault {
        Fault::TooMuch(words) => Refusal::bad_parameter("from", &words),
        Fault::Failed(words) => {
            events::Trouble { whom: "reports", doing: "make a report", error: &words }.emit();
            Refusal::Overloaded("the report cannot be made now")
        }
    }
}

fn refusal(problem: Problem) -> Refusal {
    Refusal::BadParameter { name: problem.name, message: problem.message }
}

/// Takes `format` out of the parameters.
fn takes_csv(pairs: &mut Vec<(String, String)>) -> Result<bool, Refusal> {
    let Some(place) = pairs.iter().position(|(name, _)| name == "format") else { return Ok(false) };
    match pairs.remove(place).1.as_str() {
        "json" => Ok(false),
        "csv" => Ok(true),
        other => Err(Refusal::bad_parameter("format", &format!("must be json or csv, not \"{other}\""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(body: &str) -> Sent {
        Sent { body: body.to_owned().into(), content_type: JSON, store: "s", sampled: false }
    }

    #[test]
    fn an_answer_is_kept_for_two_seconds_and_no_longer() {
        let (recent, now) = (Recent::default(), Instant::now());
        recent.keep("a".to_owned(), &sent("1"), now);
        let body =
            |question: &str, ms| recent.get(question, now + Duration::from_millis(ms)).map(|sent| sent.body);
        assert_eq!(body("a", 1_999).as_deref(), Some(b"1".as_slice()));
        assert_eq!((body("a", 2_000), body("b", 0)), (None, None));
    }

    #[test]
    fn no_more_answers_are_kept_than_there_is_room_for_and_none_that_is_large() {
        let (recent, now) = (Recent::default(), Instant::now());
        recent.keep("large".to_owned(), &sent(&"x".repeat(KEPT_BYTES + 1)), now);
        assert!(recent.get("large", now).is_none());
        for n in 0..=KEPT {
            recent.keep(n.to_string(), &sent("1"), now);
        }
        assert!(recent.get(&KEPT.to_string(), now).is_none(), "there is no room, and all are fresh");
        let later = now + FRESH;
        recent.keep("later".to_owned(), &sent("2"), later);
        assert!(recent.get("later", later).is_some(), "what is not fresh makes room");
        assert_eq!(recent.0.lock().unwrap().len(), 1);
    }
}
