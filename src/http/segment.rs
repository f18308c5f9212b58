//! The ingest paths: one request's calls become one message, and its answer an answer.
//!
//! A 200 promises that every believed event of the request is durable, and that every other one is kept with its reason.
//! Nothing is promised about a destination. A 503 promises nothing: the events may still become durable, and because a
//! client sends the same `messageId` again the second copy is recognised.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use tokio::time::Instant;

use crate::actors::messages::{Accept, Accepted, NotAccepted};
use crate::spec::collect::Leaf;
use crate::spec::read::{self, Endpoint, Envelope, Intake, RequestError};
use crate::spec::{Code, Rejected};
use crate::telemetry::clock;
use crate::telemetry::events::{AppendTraced, EventsRejected, EventsSuppressed, EventsUnwanted};
use crate::telemetry::traces::Context;

use super::admit::Entrance;
use super::answer::{self, Refusal};
use super::body::{self, Body, Bounds};
use super::budget::Reservation;
use super::state::State;

/// A commit gets at least this part of the time for an answer, also when the body took most of it.
const COMMIT_SHARE: u32 = 4;

/// What a call takes in memory beside its text until it is durable: an event with its ids, or the reasons against it.
const CALL_BYTES: usize = 512;

const NO_ROOM: Refusal = Refusal::Overloaded("too much is in flight");

/// Which paths a request came by.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// Segment's own.
    Segment(Endpoint),
    /// A page's.
    Collect(Leaf),
}

impl Way {
    fn endpoint(self) -> Endpoint {
        match self {
            Way::Segment(endpoint) => endpoint,
            Way::Collect(leaf) => leaf.endpoint(),
        }
    }

    fn read(self, body: Bytes) -> Result<Envelope, RequestError> {
        match self {
            Way::Segment(endpoint) => read::read(body, endpoint),
            Way::Collect(leaf) => leaf.read(body),
        }
    }
}

/// Takes one call, or a batch of them.
pub(super) async fn receive(
    way: Way,
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    let answered = take(way, &request, payload, &state).await;
    answered.unwrap_or_else(|refusal| answer::refuse(&refusal))
}

/// Takes what a browser library counts about itself, and forgets it.
pub(super) async fn ignore(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    body::drain(&request, payload, state.shared.terms().server.body_timeout).await;
    answer::success()
}

async fn take(
    way: Way,
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
) -> Result<HttpResponse, Refusal> {
    let deadline = Instant::now() + state.shared.answer_within;
    let terms = state.shared.terms();
    let bounds = Bounds { max_bytes: terms.server.max_body_bytes, patience: terms.server.body_timeout };
    // While there is no room nothing is read, and what found none in time is not parsed.
    let Some(mut reservation) = state.shared.budget.reserve(state.shared.wait_at_most).await else {
        body::drain(request, payload, bounds.patience).await;
        return Err(NO_ROOM);
    };
    let Body { sent, text } = body::read(request, payload, bounds, &mut reservation).await?;
    let envelope = way.read(text.clone()).map_err(Refusal::Unreadable)?;
    if !reservation.cover(text.len() + envelope.len() * CALL_BYTES).await {
        return Err(NO_ROOM);
    }
    let is_for_pages = matches!(way, Way::Collect(_));
    let entrance = Entrance { request, state, terms: &terms, sent: &sent, text: &text, is_for_pages };
    let (intake, pass) = entrance.admit(envelope).await?;
    drop(sent);
    let (accepted, rejected) = (intake.events.len(), intake.rejected.clone());
    let traced = traced(request);
    let stored = keep(intake, (reservation, traced), deadline, state).await;
    let mut response = conclude(way.endpoint(), accepted, &rejected, stored)?;
    pass.mark(&mut response);
    Ok(response)
}

/// Takes the calls of a request without a body, and keeps what became of them to itself. `text` is that of the calls; what
/// was sent, and what a signature covers, is the query.
pub(super) async fn take_quietly(
    request: &HttpRequest,
    (envelope, text): (Envelope, &[u8]),
    response: &mut HttpResponse,
    state: &State,
) -> Result<(), Refusal> {
    let deadline = Instant::now() + state.shared.answer_within;
    let terms = state.shared.terms();
    let mut reservation = state.shared.budget.reserve(state.shared.wait_at_most).await.ok_or(NO_ROOM)?;
    if !reservation.cover(text.len() + CALL_BYTES).await {
        return Err(NO_ROOM);
    }
    let sent = request.query_string().as_bytes();
    let entrance = Entrance { request, state, terms: &terms, sent, text, is_for_pages: true };
    let (intake, pass) = entrance.admit(envelope).await?;
    let traced = traced(request);
    keep(intake, (reservation, traced), deadline, state).await?;
    pass.mark(response);
    Ok(())
}

/// Returns the span of the request, where it is traced.
fn traced(request: &HttpRequest) -> Option<Context> {
    request.extensions().get::<Context>().copied()
}

/// Counts what is set aside and hands everything over.
async fn keep(
    mut intake: Intake,
    (reservation, traced): (Reservation<'_>, Option<Context>),
    deadline: Instant,
    state: &State,
) -> Result<Accepted, Refusal> {
    let suppressed = state.door.privacy.suppression.sift(&mut intake.events, &mut intake.rejected);
    EventsSuppressed { count: suppressed as u64 }.emit(&state.door.metrics);
    count_rejected(&intake.rejected, state);
    EventsUnwanted { count: intake.unwanted as u64 }.emit(&state.door.metrics);
    let ledger = &state.shared.ledger;
    ledger.refused(&intake.rejected);
    let first =
        intake.events.first().map(|event| (Arc::clone(&event.receipt.source), event.receipt.received_at));
    let metrics = &state.door.metrics;
    let events = intake.events.len();
    if let Some(request) = traced {
        let ids = intake.events.iter().map(|event| &*event.head.message_id);
        metrics.traces.remember(request, ids);
    }
    let from = traced.map(|_| clock::now());
    let stored = hand_over(intake, reservation, deadline, state).await;
    if let (Some(request), Some(from)) = (traced, from) {
        let duplicates = stored.as_ref().map_or(0, |accepted| accepted.duplicates);
        let error = stored.as_ref().err().map(Refusal::code);
        AppendTraced { request, events, duplicates, error, from, until: clock::now() }.emit(metrics);
    }
    let accepted = stored?;
    if let Some((source, at)) = first {
        ledger.took(&source, accepted.stored as u64, at);
    }
    Ok(accepted)
}

/// Sends everything in one message and waits until it is durable. A message that still waits when the time is up is
/// taken back with its permit; one that is being written goes on.
async fn hand_over(
    intake: Intake,
    reservation: Reservation<'_>,
    deadline: Instant,
    state: &State,
) -> Result<Accepted, Refusal> {
    if intake.events.is_empty() && intake.rejected.is_empty() {
        return Ok(Accepted { stored: 0, duplicates: 0 });
    }
    let permit = Some(reservation.into_permit());
    let accept = Accept { events: intake.events, rejected: intake.rejected, permit, is_sifted: true };
    let deadline = deadline.max(Instant::now() + state.shared.answer_within / COMMIT_SHARE);
    match tokio::time::timeout_at(deadline, state.door.accept.send(accept)).await {
        Ok(Ok(Ok(accepted))) => Ok(accepted),
        Ok(Ok(Err(NotAccepted::Full(_)))) => Err(Refusal::JournalFull),
        Ok(Ok(Err(NotAccepted::TooLarge))) => Err(Refusal::EventTooLarge),
        Ok(Ok(Err(NotAccepted::Unavailable(_)))) => Err(Refusal::Overloaded("the journal cannot write now")),
        Ok(Err(_)) => Err(Refusal::Overloaded("the router is starting or stopping")),
        Err(_) => Err(Refusal::Overloaded("the journal did not answer in time")),
    }
}

fn conclude(
    endpoint: Endpoint,
    accepted: usize,
    rejected: &[Rejected],
    stored: Result<Accepted, Refusal>,
) -> Result<HttpResponse, Refusal> {
    match (endpoint, rejected) {
        // It can never succeed, so it is refused even when it could not be kept.
        (Endpoint::One(_), [bad, ..]) => Ok(answer::bad_event(bad)),
        (Endpoint::One(_), []) => stored.map(|_| answer::success()),
        (Endpoint::Batch, rejected) => stored.map(|_| answer::batch(accepted, rejected)),
    }
}

fn count_rejected(rejected: &[Rejected], state: &State) {
    let Some(first) = rejected.first() else { return };
    for reason in Code::ALL {
        let is_reason = |one: &&Rejected| one.problems.first().is_some_and(|problem| problem.code == reason);
        let count = rejected.iter().filter(is_reason).count() as u64;
        if count > 0 {
            EventsRejected { source: &first.source, reason, count }.emit(&state.door.metrics);
        }
    }
}
