//! What holds for every request and every answer, whatever the path: slashes, preflights, CORS, headers that guard,
//! counting, its id and trace, and the audit of what operators do.

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CROSS_ORIGIN_RESOURCE_POLICY, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use tokio::time::Instant;

use crate::telemetry::clock;
use crate::telemetry::events::{RequestAnswered, RequestTraced};
use crate::telemetry::request::{self, RequestId};

use super::answer::{self, Refusal};
use super::audit::Noted;
use super::cors::{Decided, Origins};
use super::line::Line;
use super::pixel;
use super::state::State;
use super::{routes, scripts};

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Asked all the time, by machines; their traces would be most of all.
const NEVER_TRACED: [&str; 3] = ["/health", "/ready", "/metrics"];

/// Wraps every request.
pub(super) async fn around<B: MessageBody + 'static>(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let id = RequestId::of(header(REQUEST_ID));
    let traces = &state.door.metrics.traces;
    if !traces.are_on() || NEVER_TRACED.contains(&request.path()) {
        return request::within(id.clone(), handle(&state, request, (&id, next))).await;
    }
    let (from, method) = (clock::now(), method(request.method()));
    let Some(whose) = traces.begin(header(TRACEPARENT), from) else {
        return request::within(id.clone(), handle(&state, request, (&id, next))).await;
    };
    request.extensions_mut().insert(whose.0);
    let path = routes::label(request.match_info().as_str());
    let response = request::within(id.clone(), handle(&state, request, (&id, next))).await?;
    let (status, until) = (response.status().as_u16(), clock::now());
    let request_id = id.as_str();
    RequestTraced { whose, request_id, method, path, status, from, until }.emit(&state.door.metrics);
    Ok(response)
}

/// A method that a stranger made up is no name of a span.
fn method(method: &Method) -> &'static str {
    let known = [
        (Method::GET, "GET"),
        (Method::POST, "POST"),
        (Method::HEAD, "HEAD"),
        (Method::OPTIONS, "OPTIONS"),
        (Method::PUT, "PUT"),
        (Method::DELETE, "DELETE"),
        (Method::PATCH, "PATCH"),
    ];
    known.iter().find(|(known, _)| known == method).map_or("other", |(_, name)| name)
}

async fn handle<B: MessageBody + 'static>(
    state: &State,
    mut request: ServiceRequest,
    (id, next): (&RequestId, Next<B>),
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let started = Instant::now();
    let line = request.conn_data::<Line>().cloned();
    line.iter().for_each(Line::begin);
    trim(&mut request, state);
    pixel::give_key(&mut request);
    // As the router reads it: `/%61pi/…` is `/api/…` there.
    let decoded = request.match_info().as_str();
    let path = routes::label(decoded);
    let open = !routes::is_for_operators(decoded);
    let noted = if open { None } else { Noted::of(request.request(), decoded, state) };
    let origin = request.headers().get(ORIGIN).filter(|_| open).cloned();
    let mut response = answer(request, open, next).await?;
    let is_decided = response.response().extensions().contains::<Decided>();
    noted.iter().for_each(|noted| noted.tell(response.response(), state));
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if !open {
        guard(headers);
    }
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    if open && !is_decided {
        state.shared.terms.load().origins.mark(origin.as_ref(), headers);
    }
    // A stream has no end that could be waited for, and the connection ends with it.
    if let (Some(line), false) = (line, matches!(response.response().body().size(), BodySize::Stream)) {
        line.end();
    }
    let status = response.status().as_u16();
    RequestAnswered { path, status, took: started.elapsed() }.emit(&state.door.metrics);
    Ok(response)
}

/// What operators are shown is in no frame, kept by no proxy, and tells no other site where it was. A page says more of itself.
fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (CACHE_CONTROL, "no-store"),
    ] {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    open: bool,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if open && request.method() == Method::OPTIONS {
        let mut response = answer::preflight();
        Origins::mark_preflight(request.request(), response.headers_mut());
        return Ok(request.into_response(response).map_into_right_body());
    }
    // No handler fails; what the framework itself refuses gets our form.
    let refusal = || answer::refuse(&Refusal::Overloaded("the request could not be handled"));
    let answered =
        next.call(request).await.map_err(|error| InternalError::from_response(error, refusal()))?;
    Ok(answered.map_into_left_body())
}

/// Rewrites the path before it is routed: no slash at its end, and the names that the router knows.
fn trim(request: &mut ServiceRequest, state: &State) {
    let trimmed = routes::without_trailing_slash(request.path());
    let original = scripts::original(trimmed.unwrap_or(request.path()), &state.shared.terms.load().tracker);
    let Some(path) = original.as_deref().or(trimmed) else { return };
    let target = match request.query_string() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    };
    let Ok(uri) = target.parse::<Uri>() else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}
