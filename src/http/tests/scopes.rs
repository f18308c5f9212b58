//! Every path of the router: who may use it. A path that is not in the table fails the test that asks the router for its own.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{App, HttpRequest, HttpResponse, web};

use super::live;
use super::*;
use crate::actors::messages::{DestinationStatus, LastError};
use crate::http::routes;
use crate::http::sites::Sites;
use crate::http::token::{self, Order};
use crate::telemetry::clock;

/// Who may use a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Anybody who sends events: the write key decides, where there are any.
    Key,
    /// Anybody at all: it says nothing of events, or judges by itself as its own tests tell.
    Nobody,
    /// A token with this scope, or an admin's.
    Scope(&'static str),
}

use Needs::{Key, Nobody, Scope};

/// The pattern, a request that it serves, and what that needs.
const TABLE: &[(&str, &str, Needs)] = &[
    ("/", "GET /", Nobody),
    ("/health", "GET /health", Nobody),
    ("/ready", "GET /ready", Nobody),
    ("/metrics", "GET /metrics", Nobody),
    ("/api/session", "GET /api/session", Nobody),
    ("/api/destinations", "GET /api/destinations", Scope("read:ops")),
    ("/api/destinations/{name}/{action}", "POST /api/destinations/crm/pause", Scope("admin")),
    ("/api/rejected", "GET /api/rejected", Scope("read:ops")),
    ("/api/dead-letters", "GET /api/dead-letters", Scope("read:ops")),
    ("/api/dead-letters/retry", "POST /api/dead-letters/retry", Scope("admin")),
    ("/api/dead-letters/drop", "POST /api/dead-letters/drop?confirm=all", Scope("admin")),
    ("/api/sources", "GET /api/sources", Scope("read:ops")),
    ("/api/live", "GET /api/live", Scope("read:ops")),
    ("/api/openapi.json", "GET /api/openapi.json", Scope("read:ops")),
    ("/api/schema", "GET /api/schema", Scope("read:ops")),
    ("/api/events", "GET /api/events?user=anna", Scope("read:ops")),
    ("/api/privacy/regulations", "POST /api/privacy/regulations", Scope("admin")),
    ("/api/privacy/regulations/{id}", "GET /api/privacy/regulations/r", Scope("read:ops")),
    ("/api/privacy/export", "GET /api/privacy/export?userId=u", Scope("admin")),
    ("/api/events/{message_id:.+}", "GET /api/events/m1", Scope("read:ops")),
    ("/api/stats/realtime", "GET /api/stats/realtime", Scope("read:stats")),
    (crate::http::stats::PATTERN, "GET /api/stats/series", Scope("read:stats")),
    ("/presence/stream", "GET /presence/stream", Scope("read:stream")),
    (crate::http::scripts::PATTERN, "", Nobody),
    (crate::http::console::PATTERN, "", Nobody),
    ("/analytics.js/v1/{key}/analytics.min.js", "", Nobody),
    ("/v1/projects/{key}/settings", "", Nobody),
    ("/collect/pixel.gif", "", Key),
    ("/collect/{leaf:.*}", "", Key),
    ("/beacon/v1/batch", "", Key),
    ("/pixel/v1/page", "", Key),
    ("/pixel/v1/track", "", Key),
    ("/v1/pixel/alias", "", Key),
    ("/v1/pixel/group", "", Key),
    ("/v1/pixel/identify", "", Key),
    ("/v1/pixel/page", "", Key),
    ("/v1/pixel/screen", "", Key),
    ("/v1/pixel/track", "", Key),
    ("/v1/track", "", Key),
    ("/v1/identify", "", Key),
    ("/v1/page", "", Key),
    ("/v1/screen", "", Key),
    ("/v1/group", "", Key),
    ("/v1/alias", "", Key),
    ("/v1/t", "", Key),
    ("/v1/i", "", Key),
    ("/v1/p", "", Key),
    ("/v1/s", "", Key),
    ("/v1/g", "", Key),
    ("/v1/a", "", Key),
    ("/v1/batch", "", Key),
    ("/v1/import", "", Key),
    ("/v1/b", "", Key),
    ("/v1/m", "", Key),
];

/// Returns the patterns that the router has.
async fn patterns() -> BTreeSet<String> {
    let tell = |request: HttpRequest| async move {
        HttpResponse::Ok().body(format!("{:?}", request.resource_map()))
    };
    let app = App::new().configure(routes::register).default_service(web::to(tell));
    let app = actix_web::test::init_service(app).await;
    let request = actix_web::test::TestRequest::get().uri("/no/such/path").to_request();
    let body = actix_web::test::call_and_read_body(&app, request).await;
    let text = String::from_utf8(body.to_vec()).unwrap();
    let singles = text.split("patterns: Single(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let lists = text
        .split("patterns: List([")
        .skip(1)
        .flat_map(|rest| rest.split("])").next().unwrap().split(", ").map(|one| one.trim_matches('"')));
    singles.chain(lists).filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect()
}

#[actix::test]
async fn every_path_is_in_the_table_of_who_may_use_it() {
    let found = patterns().await;
    assert!(found.len() > TABLE.len() / 2, "{found:?}");
    let told: BTreeSet<String> = TABLE.iter().map(|(pattern, _, _)| (*pattern).to_owned()).collect();
    let missing: Vec<&String> = found.difference(&told).collect();
    assert!(missing.is_empty(), "say in the table who may use {missing:#?}");
    let gone: Vec<&String> = told.difference(&found).collect();
    assert!(gone.is_empty(), "the table speaks of {gone:#?}");
    for (pattern, _, needs) in TABLE {
        let is_operators = pattern.starts_with("/api/") || pattern.starts_with("/presence");
        let is_judged = matches!(needs, Scope(_)) || *pattern == crate::http::session::PATH;
        assert!(!is_operators || is_judged, "{pattern} is for operators and needs a scope");
    }
}

fn token(scope: &str) -> String {
    let issued = clock::now().as_second();
    let order = Order { scope, sites: &Sites::All, issued, expires: issued + 60 };
    token::mint_as(&settings().server.jwt_secret, &order)
}

#[actix::test]
async fn a_path_opens_for_its_scope_and_for_no_other() {
    let (plan, _broadcaster) = live::production();
    let door = plan.open();
    let ask = |request: &'static str, token: Option<String>| {
        let (method, path) = request.split_once(' ').unwrap();
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = door.client.request(method, door.url(path));
        let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        // The head alone: a stream does not end.
        async move { request.send().await.unwrap().status().as_u16() }
    };
    for (pattern, request, scope) in TABLE.iter().filter_map(|(pattern, request, needs)| match needs {
        Scope(scope) => Some((pattern, *request, *scope)),
        Key | Nobody => None,
    }) {
        assert_eq!(ask(request, None).await, 401, "{pattern} without a token");
        assert_eq!(ask(request, Some("x.y.z".to_owned())).await, 401, "{pattern} with a bad one");
        let mut statuses = BTreeMap::new();
        for other in ["read:ops", "read:stats", "read:stream", "admin", ""] {
            statuses.insert(other, ask(request, Some(token(other))).await);
        }
        for (other, status) in statuses {
            let opens = other == scope || other == "admin";
            assert_eq!(![401, 403].contains(&status), opens, "{pattern} with `{other}` says {status}");
            assert!(opens || status == 403, "{pattern} with `{other}` says {status}");
        }
    }
}

#[actix::test]
async fn a_token_for_some_sites_opens_only_what_is_of_them() {
    let mut plan = Plan::new();
    plan.settings.server.production = true;
    let mut hook = DestinationStatus::idle("hook", "webhook", true, "retrying");
    let message = "no such user: anna@example.com".to_owned();
    hook.last_error = Some(LastError { at: clock::now(), status: Some(404), message });
    plan.statuses = vec![hook];
    let door = plan.open();
    let ask = |method: &'static str, path: &str, sites: &str| {
        let names: Vec<String> = sites.split(' ').map(str::to_owned).collect();
        let (issued, sites) = (clock::now().as_second(), Sites::named(&names));
        let order = Order { scope: "admin", sites: &sites, issued, expires: issued + 60 };
        let token = token::mint_as(&settings().server.jwt_secret, &order);
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        door.send(door.client.request(method, door.url(path)).bearer_auth(token))
    };
    // The stand-in's event and its rejected one are of `web`.
    assert_eq!(ask("GET", "/api/events/m1", "web app").await.status, 200);
    assert_eq!(ask("GET", "/api/events?user=anna", "app").await.status, 200);
    let persons = door.seen(|seen| seen.persons.clone());
    assert_eq!(persons[0].sources, Some(BTreeSet::from(["app".to_owned()])));
    let (hidden, unknown) =
        (ask("GET", "/api/events/m1", "app").await, ask("GET", "/api/events/unknown", "app").await);
    assert_eq!((hidden.status, &hidden.body), (404, &unknown.body), "whether it exists is not told");
    let hook = ask("GET", "/api/destinations", "web").await.json()["destinations"][0]["last_error"].clone();
    assert_eq!((&hook["status"], &hook["message"]), (&serde_json::json!(404), &serde_json::json!("")));
    let request = door.client.get(door.url("/api/destinations")).bearer_auth(token("read:ops"));
    assert!(door.send(request).await.body.contains("anna@example.com"), "whose token is for all reads it");
    assert_eq!(ask("GET", "/api/rejected", "web").await.json()["rejected"][0]["source"], "web");
    let others = ask("GET", "/api/rejected", "app").await.json();
    assert_eq!((&others["rejected"], &others["next"]), (&serde_json::json!([]), &serde_json::json!("7")));
    assert_eq!(ask("GET", "/api/dead-letters", "web").await.status, 200);
    let filter = door.seen(|seen| seen.lists.last().unwrap().filter.sources.clone());
    assert_eq!(filter, Some(BTreeSet::from(["web".to_owned()])));
    assert_eq!(ask("GET", "/api/stats/series?site=app", "web").await.error(403), "forbidden");
    let several = ask("GET", "/api/stats/series", "web app").await;
    assert_eq!(several.error(400), "bad_parameter");
    assert!(several.body.contains("`site` must name one of `app`, `web`"), "{several:?}");
    for path in ["/api/dead-letters/retry", "/api/destinations/crm/pause"] {
        assert_eq!(ask("POST", path, "web").await.error(403), "forbidden", "{path}");
    }
}
