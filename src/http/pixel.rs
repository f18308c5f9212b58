//! Calls that come as images, for e-mails and pages without scripts, and batches that a page sends when it is left.
//!
//! An image is answered with 200 and one transparent pixel whatever happens, since nobody reads its answer: what is wrong
//! with the call is set aside like any other, and what is wrong with the request is counted and named in a header. Never
//! reads a query by itself.

use std::borrow::Cow;

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::spec::{Kind, pixel};
use crate::telemetry::events::PixelRefused;

use super::answer::{self, Refusal};
use super::state::State;
use super::{ops, segment};

/// Paths of images, Segment's and RudderStack's.
pub(super) const IMAGES: [(&str, Kind); 8] = [
    ("/v1/pixel/identify", Kind::Identify),
    ("/v1/pixel/group", Kind::Group),
    ("/v1/pixel/alias", Kind::Alias),
    ("/v1/pixel/page", Kind::Page),
    ("/v1/pixel/screen", Kind::Screen),
    ("/v1/pixel/track", Kind::Track),
    ("/pixel/v1/track", Kind::Track),
    ("/pixel/v1/page", Kind::Page),
];

/// RudderStack's path of a batch whose key is in the query: `sendBeacon` sends no headers.
pub(super) const BEACON: &str = "/beacon/v1/batch";

/// A GIF of one transparent pixel (GIF89a).
const GIF: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\
    \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";
/// An image that is kept is not asked for again, and the next opening would not be seen.
const NEVER_KEPT: HeaderValue = HeaderValue::from_static("no-store");
/// Says why nothing was taken, to whoever looks.
const REFUSED: HeaderName = HeaderName::from_static("x-opentrack-refused");

/// Puts the images into the application.
pub(super) fn register(config: &mut web::ServiceConfig) {
    for (path, kind) in IMAGES {
        let show = move |request, state| show(kind, request, state);
        config.service(
            web::resource(path)
                .route(web::get().to(show))
                .route(web::head().to(image))
                .default_service(web::to(ops::only_get)),
        );
    }
}

/// Returns the metric label of an image's path.
pub(super) fn label(path: &str) -> Option<&'static str> {
    IMAGES.iter().map(|(known, _)| *known).find(|known| *known == path)
}

/// Returns whether this is the path of an image: whoever loads one is a browser or reads mail.
pub(super) fn is_image(path: &str) -> bool {
    label(path).is_some()
}

/// Takes the call of an image.
async fn show(kind: Kind, request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let mut response = image().await;
    if let Err(refusal) = take(kind, &request, &mut response, &state).await {
        refused(&refusal, &mut response, &state);
    }
    response
}

/// Says in a header and in the metrics why the call of an image was not taken; whoever looks at the image sees nothing of it.
pub(super) fn refused(refusal: &Refusal, response: &mut HttpResponse, state: &State) {
    let reason = refusal.code();
    PixelRefused { reason }.emit(&state.door.metrics);
    response.headers_mut().insert(REFUSED, HeaderValue::from_static(reason));
}

async fn take(
    kind: Kind,
    request: &HttpRequest,
    response: &mut HttpResponse,
    state: &State,
) -> Result<(), Refusal> {
    let query = request.query_string();
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query);
    let pairs = pairs.map_err(|_| Refusal::bad_parameter("", "the query cannot be read"))?.into_inner();
    let (envelope, text) = pixel::read(kind, query, pairs).map_err(Refusal::Unreadable)?;
    segment::take_quietly(request, (envelope, &text), response, state).await
}

/// One pixel and nothing else; to ask for its head is no call.
async fn image() -> HttpResponse {
    let mut response = answer::text("image/gif", GIF);
    response.headers_mut().insert(CACHE_CONTROL, NEVER_KEPT);
    response
}

/// Puts the key of a beacon's query where every other path has it, unless there is one already.
pub(super) fn give_key(request: &mut ServiceRequest) {
    let is_beacon = request.path() == BEACON && request.method() == Method::POST;
    if !is_beacon || request.headers().contains_key(AUTHORIZATION) {
        return;
    }
    let Some(key) = query_key(request.query_string()) else { return };
    if let Ok(value) = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{key}:")))) {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

fn query_key(query: &str) -> Option<String> {
    let pairs = web::Query::<Vec<(Cow<'_, str>, String)>>::from_query(query).ok()?.into_inner();
    pairs.into_iter().find(|(name, key)| name == "writeKey" && !key.is_empty()).map(|(_, key)| key)
}
