//! What holds for every request and every answer, whatever the path: slashes, preflights, CORS, `nosniff`, counting.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderValue, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use tokio::time::Instant;

use crate::telemetry::events::RequestAnswered;

use super::answer::{self, Refusal};
use super::cors::{Decided, Origins};
use super::pixel;
use super::state::State;
use super::{routes, scripts};

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Wraps every request.
pub(super) async fn around<B: MessageBody + 'static>(
    state: web::Data<State>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let started = Instant::now();
    trim(&mut request, &state);
    pixel::give_key(&mut request);
    // As the router reads it: `/%61pi/…` is `/api/…` there.
    let decoded = request.match_info().as_str();
    let path = routes::label(decoded);
    let open = !routes::is_for_operators(decoded);
    let origin = request.headers().get(ORIGIN).filter(|_| open).cloned();
    let mut response = answer(request, open, next).await?;
    let is_decided = response.response().extensions().contains::<Decided>();
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if open && !is_decided {
        state.shared.terms.load().origins.mark(origin.as_ref(), headers);
    }
    let status = response.status().as_u16();
    RequestAnswered { path, status, took: started.elapsed() }.emit(&state.door.metrics);
    Ok(response)
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
