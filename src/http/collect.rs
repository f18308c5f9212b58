//! `/collect/*`: what pages send to their own site, and a picture for where no script runs.
//!
//! The body's form is the business of [`crate::spec::collect`]; everything else is as on Segment's paths. A picture is always
//! answered with a picture, since nobody who asks for one reads an error.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::spec::collect::{self, Leaf};

use super::ops;
use super::pixel;
use super::segment::{self, Way};
use super::state::State;

/// Every path below.
pub(super) const PATTERN: &str = "/collect/{leaf:.*}";
/// The picture.
pub(super) const PIXEL: &str = "/collect/pixel.gif";
/// The metric label of all of them.
pub(super) const LABEL: &str = "/collect/*";
/// What is in front of a leaf.
pub(super) const PREFIX: &str = "/collect/";

/// One transparent point: header, colours, transparency, picture, end.
const GIF: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\
    \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// Takes a call by the name of what happened.
pub(super) async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    match request.match_info().get("leaf").and_then(Leaf::named) {
        Some(leaf) => segment::receive(Way::Collect(leaf), request, payload, state).await,
        None => ops::not_found(request, payload, state).await,
    }
}

/// Another method: on a leaf that exists it is the wrong one.
pub(super) async fn other_method(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> HttpResponse {
    match request.match_info().get("leaf").and_then(Leaf::named) {
        Some(_) => ops::only_post(request, payload, state).await,
        None => ops::not_found(request, payload, state).await,
    }
}

/// Takes the call in `data`, the key in `writeKey` or in the call, and answers with a picture whatever becomes of it.
pub(super) async fn pixel(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let mut response = HttpResponse::with_body(StatusCode::OK, GIF).map_into_boxed_body();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Whoever asks for the head alone looks whether there is a picture, as scanners of mail do.
    if request.method() != Method::GET {
        return response;
    }
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.map(web::Query::into_inner).unwrap_or_default();
    let find = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let data = find("data").unwrap_or_default().as_bytes();
    let (mut envelope, text) = collect::read_pixel(data);
    if let Some(key) = find("writeKey").filter(|key| !key.is_empty()) {
        envelope.write_key = Some(key.to_owned());
    }
    // Who is turned away sees the same; what was set aside is in the list of rejected events.
    let taken = segment::take_quietly(&request, (envelope, &text), &mut response, &state).await;
    if let Err(refusal) = taken {
        pixel::refused(&refusal, &mut response, &state);
    }
    response
}
