//! The document beside the router that it is about.

use std::collections::BTreeSet;

use actix_web::{App, HttpRequest, HttpResponse, test, web};
use regex::Regex;

use super::build;
use crate::http::routes;

/// Returns the pattern of every route, as the router itself has them.
async fn routed() -> BTreeSet<String> {
    let tell = |request: HttpRequest| async move {
        HttpResponse::Ok().body(format!("{:?}", request.resource_map()))
    };
    let app = App::new().configure(routes::register).default_service(web::to(tell));
    let app = test::init_service(app).await;
    let request = test::TestRequest::with_uri("/nowhere").to_request();
    let text = test::call_and_read_body(&app, request).await;
    let text = String::from_utf8(text.to_vec()).unwrap().replace("\\\\", "\\");
    let pattern = Regex::new(r#"patterns: Single\("((?:[^"\\]|\\.)*)"\)"#).unwrap();
    pattern.captures_iter(&text).map(|found| found[1].to_owned()).filter(|path| !path.is_empty()).collect()
}

/// Returns the form in which a route is documented.
fn documented(pattern: &str) -> Vec<String> {
    let plain = Regex::new(r"\{(\w+):[^}]*\}").unwrap().replace_all(pattern, "{$1}").into_owned();
    match plain.as_str() {
        "/tracker{rest}" => vec!["/tracker.js".to_owned()],
        "/collect/{leaf}" => vec![plain, "/collect/ecommerce/{leaf}".to_owned()],
        _ => vec![plain],
    }
}

#[actix::test]
async fn every_route_is_documented_and_everything_documented_is_a_route() {
    let routed: BTreeSet<String> = routed().await.iter().flat_map(|pattern| documented(pattern)).collect();
    let document = build::document();
    let told: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert!(routed.contains("/v1/batch") && routed.contains("/api/events/{message_id}"), "{routed:?}");
    assert_eq!(told, routed);
}

#[test]
fn every_schema_that_is_named_is_there_and_every_path_of_an_operator_names_its_scope() {
    let document = build::document();
    let text = document.to_string();
    let named = Regex::new(r##""#/components/schemas/(\w+)""##).unwrap();
    let named: BTreeSet<String> = named.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    let there: BTreeSet<String> =
        document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(named, there);
    for (path, methods) in document["paths"].as_object().unwrap() {
        let asks =
            methods.as_object().unwrap().values().all(|one| one["security"][0]["bearer"][0].is_string());
        // Logging in needs no token yet.
        if path == crate::http::session::PATH {
            continue;
        }
        let is_for_operators = path.starts_with("/api/") || path == "/presence/stream";
        assert_eq!(asks, is_for_operators, "{path}");
    }
}
