//! What operators and their machines ask: alive, ready, metrics, destinations, rejected events; and the paths that are
//! none.

use std::sync::Arc;
use std::time::Duration;

use actix::{Message, Recipient};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::actors::messages::{DestinationStatus, ListRejected, Readiness, ReadyCheck, Snapshot};
use crate::telemetry::events::{DoorMeasured, ProcessMeasured, ReadinessSeen, StatesSeen};

use super::access::{self, READ_OPS};
use super::answer::{self, Refusal};
use super::body;
use super::letters;
use super::state::State;

/// Load balancers give up on a readiness check after a few seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const SILENT: Refusal = Refusal::Overloaded("the router did not answer in time");
/// What `Metrics::encode` writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Serialize)]
struct Alive {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    checks: Vec<ReadyCheck>,
}

#[derive(Serialize)]
struct Destinations {
    destinations: Vec<DestinationStatus>,
}

#[derive(Serialize)]
struct RejectedEvents {
    rejected: Vec<Arc<RawValue>>,
    next: Option<String>,
}

/// The process runs. Asks nobody, so that a busy journal does not get it killed.
pub(super) async fn health() -> HttpResponse {
    answer::json(StatusCode::OK, &Alive { status: "ok" })
}

/// The router can take events. A sick destination only degrades it: leaving the load balancer would not heal it.
/// What a refused configuration says is for those alone who may read what operators read.
pub(super) async fn ready(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let mut checks = checks(&state).await;
    if access::check(&request, &state.terms().server, READ_OPS).is_err() {
        let shortened = checks.iter_mut().filter_map(|check| Some((check.in_short.take()?, check)));
        shortened.for_each(|(in_short, check)| check.message = in_short);
    }
    let (code, status) = if !takes_events(&checks) {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    } else if checks.iter().any(|check| !check.ok) {
        (StatusCode::OK, "degraded")
    } else {
        (StatusCode::OK, "ready")
    };
    answer::json(code, &Ready { status, checks })
}

async fn checks(state: &State) -> Vec<ReadyCheck> {
    ask(&state.door.readiness, Readiness).await.unwrap_or_else(|_| vec![silent_router()])
}

fn takes_events(checks: &[ReadyCheck]) -> bool {
    checks.iter().all(|check| check.ok || !check.vital)
}

/// Every metric of this router. States are asked for, so that they are those of `/api/destinations`; when the router does not
/// answer the page goes without them rather than not at all.
pub(super) async fn metrics(state: web::Data<State>) -> HttpResponse {
    let metrics = &state.door.metrics;
    let budget = &state.shared.budget;
    DoorMeasured { bytes_in_flight: budget.held_bytes(), waiting: budget.waiting() }.emit(metrics);
    if let Ok(all) = ask(&state.door.snapshot, Snapshot).await {
        StatesSeen { states: all.iter().map(|one| (one.name.as_str(), one.state)) }.emit(metrics);
    }
    let checks = checks(&state).await;
    let each = checks.iter().map(|check| (check.name.as_str(), check.ok));
    ReadinessSeen { ready: takes_events(&checks), checks: each }.emit(metrics);
    let data_dir = state.door.settings.server.data_dir.clone();
    let measured = web::block(move || ProcessMeasured::take(&data_dir)).await;
    measured.unwrap_or_default().emit(metrics);
    answer::text(OPEN_METRICS, metrics.encode())
}

/// `GET /api/destinations`
pub(super) async fn destinations(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let listed = list_destinations(&request, &state).await;
    listed.map_or_else(|refusal| answer::refuse(&refusal), |body| answer::json(StatusCode::OK, &body))
}

/// `GET /api/rejected`
pub(super) async fn rejected(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let listed = list_rejected(&request, &state).await;
    listed.map_or_else(|refusal| answer::refuse(&refusal), |body| answer::json(StatusCode::OK, &body))
}

/// No such path.
pub(super) async fn not_found(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    turn_away(&request, payload, &state, Refusal::NotFound).await
}

/// Another method on a path that takes calls.
pub(super) async fn only_post(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    turn_away(&request, payload, &state, Refusal::MethodNotAllowed("POST, OPTIONS")).await
}

/// Another method on a path that is read.
pub(super) async fn only_get(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    turn_away(&request, payload, &state, Refusal::MethodNotAllowed("GET, HEAD")).await
}

/// Another method on a path that is read and posted to.
pub(super) async fn get_or_post(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    turn_away(&request, payload, &state, Refusal::MethodNotAllowed("GET, HEAD, POST")).await
}

async fn turn_away(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    refusal: Refusal,
) -> HttpResponse {
    body::drain(request, payload, state.shared.terms().server.body_timeout).await;
    answer::refuse(&refusal)
}

async fn list_destinations(request: &HttpRequest, state: &State) -> Result<Destinations, Refusal> {
    let rights = access::check(request, &state.terms().server, READ_OPS)?;
    let mut destinations = ask(&state.door.snapshot, Snapshot).await?;
    // The other side may repeat what it was sent, of whatever site.
    let errors = destinations.iter_mut().filter_map(|one| one.last_error.as_mut());
    errors.filter(|_| !rights.sites.are_all()).for_each(|error| error.message.clear());
    Ok(Destinations { destinations })
}

async fn list_rejected(request: &HttpRequest, state: &State) -> Result<RejectedEvents, Refusal> {
    let rights = access::check(request, &state.terms().server, READ_OPS)?;
    let (limit, cursor) = letters::page(request)?;
    let question = ListRejected { limit, cursor: cursor.map(|cursor| cursor.to_string()) };
    let page = ask(&state.door.rejected, question).await?;
    let page = page.map_err(|_| Refusal::Overloaded("the rejected events cannot be read now"))?;
    let mut rejected = page.rejected;
    // A page has fewer entries then, or none, and still a next one.
    rejected.retain(|line| rights.sites.are_all() || rights.sites.expect(source(line).as_deref()).is_ok());
    Ok(RejectedEvents { rejected, next: page.next })
}

/// Returns the source that a line names.
fn source(line: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Line {
        source: String,
    }
    serde_json::from_str::<Line>(line.get()).ok().map(|line| line.source)
}

pub(super) async fn ask<M>(whom: &Recipient<M>, question: M) -> Result<M::Result, Refusal>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    ask_within(whom, question, ANSWER_WITHIN).await
}

/// Asks and waits for the answer, at most so long.
///
/// # Errors
/// `overloaded` when none comes.
pub(super) async fn ask_within<M>(
    whom: &Recipient<M>,
    question: M,
    limit: Duration,
) -> Result<M::Result, Refusal>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    let asked = tokio::time::timeout(limit, whom.send(question)).await;
    asked.map_err(|_| SILENT)?.map_err(|_| SILENT)
}

fn silent_router() -> ReadyCheck {
    let message = "the router did not answer in time".to_owned();
    ReadyCheck { name: "router".to_owned(), message, vital: true, ..ReadyCheck::default() }
}
