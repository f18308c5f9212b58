//! `/api/privacy/…`: people who are not to be heard of, to be forgotten, or who want to know what is kept of them.
//!
//! Ids come in a body where they are many and are never told again: an answer names a regulation by its own id.

use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde::Serialize;

use crate::actors::messages::{Export, LookUp, NotRegulated, Regulate};
use crate::privacy::{Shown, Suppression, Wish};
use crate::spec::{IdKind, People};

use super::access::{self, ADMIN, READ_OPS};
use super::answer::{self, Refusal};
use super::body::{self, Bounds};
use super::state::State;
use super::{ops, query};

/// All regulations.
pub(super) const REGULATIONS: &str = "/api/privacy/regulations";
/// One of them.
pub(super) const REGULATION: &str = "/api/privacy/regulations/{id}";
/// What is kept of one person.
pub(super) const EXPORT: &str = "/api/privacy/export";

/// 5,000 ids of 255 characters, escaped.
const MAX_BODY_BYTES: usize = 8 << 20;
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// A wish is answered when it is on disk.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Who sees to what people ask of us.
#[derive(Clone)]
pub struct PrivacyDesk {
    /// Takes wishes.
    pub regulate: Recipient<Regulate>,
    /// Tells how far they are.
    pub look_up: Recipient<LookUp>,
    /// Tells what is kept.
    pub export: Recipient<Export>,
    /// Who is not to be heard of.
    pub suppression: Arc<Suppression>,
}

#[derive(Serialize)]
struct Listed {
    regulations: Vec<Shown>,
}

/// `POST /api/privacy/regulations`
pub(super) async fn regulate(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    let regulated = take(&request, payload, &state).await;
    regulated.map_or_else(|refusal| answer::refuse(&refusal), |shown| answer::json(StatusCode::OK, &shown))
}

async fn take(request: &HttpRequest, payload: web::Payload, state: &State) -> Result<Shown, Refusal> {
    let terms = state.shared.terms();
    let patience = terms.server.body_timeout;
    if let Err(refusal) = access::check(request, &state.terms().server, ADMIN) {
        body::drain(request, payload, patience).await;
        return Err(refusal);
    }
    let no_room = Refusal::Overloaded("too much is in flight");
    let mut reservation = state.shared.budget.reserve(state.shared.wait_at_most).await.ok_or(no_room)?;
    let bounds = Bounds { max_bytes: MAX_BODY_BYTES.min(terms.server.max_body_bytes), patience };
    let body = body::read(request, payload, bounds, &mut reservation).await?;
    let wish = Wish::read(&body.text).map_err(|(name, message)| Refusal::bad_parameter(name, &message))?;
    let taken = ops::ask_within(&state.door.privacy.regulate, Regulate(wish), ANSWER_WITHIN).await?;
    taken.map_err(|why| match why {
        NotRegulated::Busy => Refusal::Overloaded("as many regulations as can are being carried out"),
        NotRegulated::Failed(_) => {
            Refusal::Overloaded("the regulation could not be written; nothing is done")
        }
    })
}

/// `GET /api/privacy/regulations`
pub(super) async fn list(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let listed = listed(&request, &state).await;
    listed.map_or_else(|refusal| answer::refuse(&refusal), |body| answer::json(StatusCode::OK, &body))
}

async fn listed(request: &HttpRequest, state: &State) -> Result<Listed, Refusal> {
    let rights = access::check(request, &state.terms().server, READ_OPS)?;
    expect_all(&rights)?;
    let mut limit = DEFAULT_LIMIT;
    for (name, value) in query::pairs(request, &[])? {
        if name != "limit" {
            return Err(query::unknown(&name));
        }
        let number = value.parse().ok().filter(|number| (1..=MAX_LIMIT).contains(number));
        let wrong = || Refusal::bad_parameter("limit", &format!("must be between 1 and {MAX_LIMIT}"));
        limit = number.ok_or_else(wrong)?;
    }
    let regulations = ops::ask(&state.door.privacy.look_up, LookUp { id: None, limit }).await?;
    Ok(Listed { regulations })
}

/// `GET /api/privacy/regulations/ID`
pub(super) async fn one(
    request: HttpRequest,
    path: web::Path<String>,
    state: web::Data<State>,
) -> HttpResponse {
    let found = found(&request, path.into_inner(), &state).await;
    found.map_or_else(|refusal| answer::refuse(&refusal), |shown| answer::json(StatusCode::OK, &shown))
}

async fn found(request: &HttpRequest, id: String, state: &State) -> Result<Shown, Refusal> {
    let rights = access::check(request, &state.terms().server, READ_OPS)?;
    expect_all(&rights)?;
    if let Some((name, _)) = query::pairs(request, &[])?.first() {
        return Err(query::unknown(name));
    }
    let question = LookUp { id: Some(id), limit: 1 };
    let found = ops::ask(&state.door.privacy.look_up, question).await?.pop();
    found.ok_or_else(|| Refusal::NoSuch("there is no regulation of this id".to_owned()))
}

/// A regulation is about every site.
fn expect_all(rights: &access::Rights) -> Result<(), Refusal> {
    if rights.sites.are_all() {
        return Ok(());
    }
    Err(Refusal::Forbidden("regulations are about every site, and the token is for some"))
}

/// `GET /api/privacy/export`
pub(super) async fn export(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    exported(&request, &state).await.unwrap_or_else(|refusal| answer::refuse(&refusal))
}

async fn exported(request: &HttpRequest, state: &State) -> Result<HttpResponse, Refusal> {
    access::check(request, &state.terms().server, ADMIN)?;
    let people = Arc::new(person(&query::pairs(request, &[])?)?);
    let lines = ops::ask(&state.door.privacy.export, Export(people)).await?;
    let lines = lines.ok_or(Refusal::Overloaded("as many exports as can are being made"))?;
    let lines = stream::unfold(lines, |mut lines| async move {
        let line = lines.recv().await?;
        Some((line.map_err(std::io::Error::other), lines))
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/x-ndjson"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(lines))
}

fn person(query: &[(String, String)]) -> Result<People, Refusal> {
    let kind = |name: &str| match name {
        "userId" => Ok(IdKind::UserId),
        "anonymousId" => Ok(IdKind::AnonymousId),
        _ => Err(query::unknown(name)),
    };
    match query {
        [(name, id)] if !id.is_empty() => Ok(People::new(kind(name)?, [id.as_str()])),
        [(name, _), ..] => {
            kind(name)?;
            Err(Refusal::bad_parameter("", "must name one `userId` or one `anonymousId`"))
        }
        [] => Err(Refusal::bad_parameter("userId", "or `anonymousId` must say of whom")),
    }
}
