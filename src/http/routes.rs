//! Every path of the router, in one list.
//!
//! A path with a slash at its end is the same path, in place: a redirect would lose the event or its key in every server
//! SDK. The pattern of a route is also its metric label, so labels stay a closed set.

use actix_web::guard::{self, Guard};
use actix_web::web;

use crate::spec::Kind;
use crate::spec::read::Endpoint;

use super::segment::Way;
use super::{
    analytics_js, collect, console, letters, live, openapi, ops, orders, pixel, privacy, schema, scripts,
    segment, session, settings, sources, stats, tap, trace,
};

/// Paths that take calls. The one-letter forms are those of browser libraries.
pub(super) const INGEST: [(&str, Endpoint); 16] = [
    ("/v1/track", Endpoint::One(Kind::Track)),
    ("/v1/identify", Endpoint::One(Kind::Identify)),
    ("/v1/page", Endpoint::One(Kind::Page)),
    ("/v1/screen", Endpoint::One(Kind::Screen)),
    ("/v1/group", Endpoint::One(Kind::Group)),
    ("/v1/alias", Endpoint::One(Kind::Alias)),
    ("/v1/t", Endpoint::One(Kind::Track)),
    ("/v1/i", Endpoint::One(Kind::Identify)),
    ("/v1/p", Endpoint::One(Kind::Page)),
    ("/v1/s", Endpoint::One(Kind::Screen)),
    ("/v1/g", Endpoint::One(Kind::Group)),
    ("/v1/a", Endpoint::One(Kind::Alias)),
    ("/v1/batch", Endpoint::Batch),
    ("/v1/import", Endpoint::Batch),
    ("/v1/b", Endpoint::Batch),
    (pixel::BEACON, Endpoint::Batch),
];

/// Where analytics-next sends counters about itself.
const CLIENT_METRICS: &str = "/v1/m";

/// Paths for operators, who do not come from pages on other origins.
const OPERATOR: [&str; 19] = [
    "/",
    "/health",
    "/ready",
    "/metrics",
    "/api/destinations",
    "/api/rejected",
    "/api/dead-letters",
    "/api/dead-letters/retry",
    "/api/dead-letters/drop",
    "/api/schema",
    privacy::REGULATIONS,
    privacy::EXPORT,
    sources::PATH,
    session::PATH,
    "/api/stats/realtime",
    "/api/live",
    "/api/openapi.json",
    trace::OF_ONE,
    "/presence/stream",
];

/// What an operator orders for one destination.
const ORDER: &str = "/api/destinations/{name}/{action}";

/// Puts every route into the application.
pub(super) fn register(config: &mut web::ServiceConfig) {
    for (path, endpoint) in INGEST {
        let way = Way::Segment(endpoint);
        let receive = move |request, payload, state| segment::receive(way, request, payload, state);
        config.service(
            web::resource(path).route(web::post().to(receive)).default_service(web::to(ops::only_post)),
        );
    }
    config.service(
        web::resource(CLIENT_METRICS)
            .route(web::post().to(segment::ignore))
            .default_service(web::to(ops::only_post)),
    );
    pixel::register(config);
    settings::register(config);
    analytics_js::register(config);
    session::register(config);
    console::register(config);
    sources::register(config);
    browsers(config);
    operators(config);
}

/// What pages load and send.
fn browsers(config: &mut web::ServiceConfig) {
    config
        .service(readable(scripts::PATTERN).route(web::route().guard(reads()).to(scripts::serve)))
        .service(readable(collect::PIXEL).route(web::route().guard(reads()).to(collect::pixel)))
        .service(
            web::resource(collect::PATTERN)
                .route(web::post().to(collect::receive))
                .default_service(web::to(collect::other_method)),
        );
}

/// What operators ask and order.
fn operators(config: &mut web::ServiceConfig) {
    config
        .service(readable("/health").route(web::route().guard(reads()).to(ops::health)))
        .service(readable("/ready").route(web::route().guard(reads()).to(ops::ready)))
        .service(readable("/metrics").route(web::route().guard(reads()).to(ops::metrics)))
        .service(readable("/api/destinations").route(web::route().guard(reads()).to(ops::destinations)))
        .service(changing(ORDER).route(web::post().to(orders::order)))
        .service(readable("/api/rejected").route(web::route().guard(reads()).to(ops::rejected)))
        .service(readable("/api/dead-letters").route(web::route().guard(reads()).to(letters::list)))
        .service(changing("/api/dead-letters/retry").route(web::post().to(letters::retry)))
        .service(changing("/api/dead-letters/drop").route(web::post().to(letters::drop_letters)))
        .service(
            web::resource(privacy::REGULATIONS)
                .route(web::route().guard(reads()).to(privacy::list))
                .route(web::post().to(privacy::regulate))
                .default_service(web::to(ops::get_or_post)),
        )
        .service(readable(privacy::REGULATION).route(web::route().guard(reads()).to(privacy::one)))
        .service(readable(privacy::EXPORT).route(web::get().to(privacy::export)))
        .service(readable("/api/stats/realtime").route(web::route().guard(reads()).to(live::realtime)))
        .service(readable("/api/openapi.json").route(web::route().guard(reads()).to(openapi::document)))
        .service(readable("/api/live").route(web::get().to(tap::watch)))
        .service(readable("/presence/stream").route(web::get().to(live::listen)))
        .service(readable("/api/schema").route(web::route().guard(reads()).to(schema::schema)))
        .service(readable(stats::PATTERN).route(web::route().guard(reads()).to(stats::report)))
        .service(readable(trace::OF_ONE).route(web::route().guard(reads()).to(trace::of_one)))
        .service(readable(trace::PATTERN).route(web::route().guard(reads()).to(trace::event)));
}

/// Returns the metric label of a path.
pub(super) fn label(path: &str) -> &'static str {
    if path.starts_with(trace::PREFIX) {
        return trace::LABEL;
    }
    if let Some(label) = stats::label(path) {
        return label;
    }
    if path.starts_with(collect::PREFIX) {
        return collect::LABEL;
    }
    if path.starts_with(scripts::PREFIX) {
        return scripts::LABEL;
    }
    if path.starts_with(console::PREFIX) {
        return console::LABEL;
    }
    let own = pixel::label(path).or_else(|| settings::label(path));
    if let Some(label) = own.or_else(|| analytics_js::label(path)) {
        return label;
    }
    let ingest = INGEST.iter().map(|(known, _)| *known);
    let known = ingest.chain([CLIENT_METRICS]).chain(OPERATOR);
    let of_destination = || path.starts_with("/api/destinations/").then_some(ORDER);
    let of_regulation = || path.starts_with("/api/privacy/regulations/").then_some(privacy::REGULATION);
    let known = known.into_iter().find(|known| *known == path);
    known.or_else(of_destination).or_else(of_regulation).unwrap_or("other")
}

/// Returns whether pages on other origins have no business here, known path or not.
pub(super) fn is_for_operators(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with(console::PREFIX) || OPERATOR.contains(&path)
}

/// Returns the path without the slashes at its end; `None` when it has none.
pub(super) fn without_trailing_slash(path: &str) -> Option<&str> {
    let trimmed = path.trim_end_matches('/');
    (trimmed.len() != path.len() && path != "/").then_some(if trimmed.is_empty() { "/" } else { trimmed })
}

fn readable(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(ops::only_get))
}

/// A path at which an operator changes something.
fn changing(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(ops::only_post))
}

fn reads() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_patterns_and_never_what_a_stranger_typed() {
        assert_eq!(label("/v1/batch"), "/v1/batch");
        assert_eq!(label("/v1/m"), "/v1/m");
        assert_eq!(label("/health"), "/health");
        assert_eq!(label("/api/destinations/crm/pause"), ORDER);
        assert_eq!(label("/api/events/an%2Fid/"), "/api/events/MESSAGE_ID");
        assert_eq!(label("/v1/../../etc/passwd"), "other");
        assert_eq!(label("/collect/what/ever"), "/collect/*");
        assert_eq!(label("/tracker.0123456789abcdef.js"), "/tracker.js");
    }

    #[test]
    fn slashes_at_the_end_do_not_count() {
        assert_eq!(without_trailing_slash("/v1/track/"), Some("/v1/track"));
        assert_eq!(without_trailing_slash("/v1/track//"), Some("/v1/track"));
        assert_eq!(without_trailing_slash("//"), Some("/"));
        assert_eq!(without_trailing_slash("/"), None);
        assert_eq!(without_trailing_slash("/v1/track"), None);
    }
}
