//! Dead letters over HTTP: `/api/dead-letters`, and what can be done with them.
//!
//! Without a filter, everything is sent again, or dropped; so a parameter that is not understood is never ignored.

use actix::Recipient;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

use crate::actors::messages::{
    self, LetterFilter, LetterId, LetterTrouble, ListLetters, SettleLetters, Settled, Settling,
};

use super::access::{self, ADMIN, READ_OPS};
use super::answer::{self, Refusal};
use super::query::{self, instant, unknown};
use super::sites::Sites;
use super::state::State;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// Whom the door asks about dead letters.
#[derive(Clone)]
pub struct LetterDesk {
    /// Lists them.
    pub list: Recipient<ListLetters>,
    /// Sends them again or drops them.
    pub settle: Recipient<SettleLetters>,
}

#[derive(Serialize)]
struct Page {
    dead_letters: Vec<Arc<RawValue>>,
    next: Option<String>,
}

/// `GET /api/dead-letters`
pub(super) async fn list(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let listed = listed(&request, &state).await;
    listed.map_or_else(|refusal| answer::refuse(&refusal), |page| answer::json(StatusCode::OK, &page))
}

/// `POST /api/dead-letters/retry`
pub(super) async fn retry(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    settle(&request, &state, Settling::Retry).await
}

/// `POST /api/dead-letters/drop`
pub(super) async fn drop_letters(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    settle(&request, &state, Settling::Drop).await
}

async fn settle(request: &HttpRequest, state: &State, how: Settling) -> HttpResponse {
    let settled = settled(request, state, how).await;
    settled.map_or_else(|refusal| answer::refuse(&refusal), |body| answer::json(StatusCode::OK, &body))
}

async fn listed(request: &HttpRequest, state: &State) -> Result<Page, Refusal> {
    let rights = access::check(request, &state.terms().server, READ_OPS)?;
    let mut asked = Asked::of(request)?;
    if let Sites::Only(names) = rights.sites {
        asked.filter.sources = Some(names);
    }
    if asked.confirm.is_some() {
        return Err(unknown("confirm"));
    }
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT);
    let question = ListLetters { filter: asked.filter, limit, before: asked.cursor };
    let page = state.door.letters.list.send(question).await;
    let page = page.map_err(|_| SILENT)?.map_err(refusal)?;
    Ok(Page { dead_letters: page.dead_letters, next: page.next })
}

async fn settled(request: &HttpRequest, state: &State, how: Settling) -> Result<Settled, Refusal> {
    access::check(request, &state.terms().server, ADMIN)?;
    query::expect_no_body(request)?;
    let asked = Asked::of(request)?;
    asked.expect_everything()?;
    match (how, &asked.confirm) {
        (Settling::Drop, _) => asked.expect_confirmation()?,
        (Settling::Retry, Some(_)) => return Err(unknown("confirm")),
        (Settling::Retry, None) => {}
    }
    let command = SettleLetters { filter: asked.filter, how };
    // No limit of time: whoever is tired of waiting may hang up, and it is done all the same.
    state.door.letters.settle.send(command).await.map_err(|_| SILENT)?.map_err(refusal)
}

const SILENT: Refusal = Refusal::Overloaded("the router is stopping");
const NO_ROOM: &str = "too much waits in the journal; letters that were not sent again yet are still there";

fn refusal(trouble: LetterTrouble) -> Refusal {
    match trouble {
        LetterTrouble::NotFound(what) => Refusal::NoSuch(what),
        LetterTrouble::Full(_) => Refusal::Overloaded(NO_ROOM),
        LetterTrouble::Unavailable(_) => Refusal::Overloaded("the dead letters cannot be reached now"),
    }
}

/// What the query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    filter: LetterFilter,
    limit: Option<usize>,
    cursor: Option<LetterId>,
    confirm: Option<String>,
}

impl Asked {
    fn of(request: &HttpRequest) -> Result<Asked, Refusal> {
        let mut asked = Asked::default();
        for (name, value) in query::pairs(request, &[])? {
            asked.take(&name, &value)?;
        }
        Ok(asked)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "destination" => self.filter.destination = Some(value.to_owned()),
            "reason" => self.filter.reason = Some(reason(value)?),
            "from" => self.filter.from = Some(instant(name, value)?),
            "until" => self.filter.until = Some(instant(name, value)?),
            "id" => self.filter.id = Some(letter_id(name, value)?),
            "cursor" => self.cursor = Some(letter_id(name, value)?),
            "limit" => self.limit = Some(limit(value)?),
            "confirm" => self.confirm = Some(value.to_owned()),
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// Retry and drop know no pages: half of what was asked for would look like all of it.
    fn expect_everything(&self) -> Result<(), Refusal> {
        match (self.limit, self.cursor) {
            (Some(_), _) => Err(unknown("limit")),
            (_, Some(_)) => Err(unknown("cursor")),
            (None, None) => Ok(()),
        }
    }

    fn expect_confirmation(&self) -> Result<(), Refusal> {
        let wanted = self.filter.destination.as_deref().unwrap_or("all");
        if self.confirm.as_deref() == Some(wanted) {
            return Ok(());
        }
        let message = format!("must be `{wanted}`: dropped letters are gone for good");
        Err(Refusal::bad_parameter("confirm", &message))
    }
}

fn reason(word: &str) -> Result<String, Refusal> {
    if messages::is_reason(word) {
        return Ok(word.to_owned());
    }
    Err(Refusal::bad_parameter(
        "reason",
        &format!("must be one of {}, or the beginning of some with a `*` behind it", messages::reasons()),
    ))
}

fn letter_id(name: &str, text: &str) -> Result<LetterId, Refusal> {
    text.parse().map_err(|_| Refusal::bad_parameter(name, "must look like 0-18220"))
}

/// Returns the page that a list without filters is asked for: how many entries, and before which.
pub(super) fn page(request: &HttpRequest) -> Result<(usize, Option<LetterId>), Refusal> {
    let Asked { filter, limit, cursor, confirm } = Asked::of(request)?;
    if filter != LetterFilter::default() || confirm.is_some() {
        return Err(Refusal::bad_parameter("", "this list takes `limit` and `cursor` alone"));
    }
    Ok((limit.unwrap_or(DEFAULT_LIMIT), cursor))
}

/// Reads a number of entries: 1 to 1000.
fn limit(text: &str) -> Result<usize, Refusal> {
    let number = text.parse().ok().filter(|number| (1..=MAX_LIMIT).contains(number));
    number.ok_or_else(|| Refusal::bad_parameter("limit", &format!("must be between 1 and {MAX_LIMIT}")))
}
