//! What is sent to a peer that lists some views and runs every statement.

use std::sync::Arc;

use serde_json::json;

use super::super::super::super::{SchemaCell, SchemaStore};
use super::super::super::api::Api;
use super::super::super::config::{Config, DedupScope};
use super::super::super::peer::{Peer, Said, Seen, target};
use super::super::Handle;
use super::*;
use crate::warehouse::{Dialect, Schema, SchemaDiff, base_columns};

/// A dataset with two tables; `foreign` names a view of somebody else.
fn case(foreign: &'static str, runs: fn(&str) -> bool) -> (Handle, Peer) {
    let peer = Peer::new(move |seen| answer(seen, foreign, runs));
    let mut target = target(peer.url.clone());
    let config = Config { project_id: "acme".into(), dataset: "analytics".into(), ..Config::default() };
    target.views = Some(Options { dedup_scope: DedupScope::Day, ..Options::from(&config) });
    target.users_merge_every = Duration::from_secs(900);
    let cell = Arc::new(SchemaCell::default());
    let tables = ["identifies", "tracks"].map(|name| (name.to_owned(), base_columns(name, &Dialect::PLAIN)));
    cell.store(Schema::default().with(&SchemaDiff { create: tables.into(), ..SchemaDiff::default() }));
    (Handle(Arc::new(Store::new(Arc::new(Api::new(target).unwrap()), cell))), peer)
}

fn answer(seen: &Seen, foreign: &str, runs: fn(&str) -> bool) -> Said {
    let path = seen.path.trim_end_matches('?');
    if seen.method == "GET" && path.ends_with("/tables/accounts") {
        return Said::error(404, "notFound", "Not found: Table acme:analytics.accounts");
    }
    if seen.method == "GET" && path.ends_with("/tables/users") {
        let id = json!({ "name": "id", "type": "STRING" });
        return Said::json(json!({ "type": "TABLE", "schema": { "fields": [id] } }));
    }
    if seen.method == "GET" {
        let table = json!({ "tableReference": { "tableId": "tracks" }, "type": "TABLE" });
        let view =
            json!({ "tableReference": { "tableId": foreign }, "type": "VIEW", "labels": { "by": "me" } });
        return Said::json(json!({ "tables": [table, view] }));
    }
    if !runs(&statement(seen)) {
        return Said::error(403, "accessDenied", "Access Denied: Table acme:analytics.users_view");
    }
    Said::json(json!({ "jobComplete": true, "jobReference": { "jobId": "j", "projectId": "acme" } }))
}

fn statement(seen: &Seen) -> String {
    if seen.method == "GET" {
        return String::new();
    }
    seen.json()["query"].as_str().unwrap_or_default().to_owned()
}

/// The first line of every statement since the last look, without the questions.
fn statements(peer: &Peer, from: usize) -> Vec<String> {
    let seen = peer.seen();
    let posted = seen.iter().skip(from).filter(|seen| seen.method == "POST").map(statement);
    let changes = posted.filter(|sql| !sql.starts_with("SELECT"));
    changes.filter_map(|sql| sql.lines().next().map(str::to_owned)).collect()
}

/// Lets time pass while nothing is under way.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// All requests since the last look.
fn since(peer: &Peer, from: usize) -> usize {
    peer.seen().len() - from
}

#[tokio::test]
async fn views_are_made_when_asked_for_and_never_over_one_of_somebody_else() {
    let (store, peer) = case("tracks_view", |_| true);
    store.run(VIEWS).await.unwrap();
    assert_eq!(statements(&peer, 0), Vec::<String>::new(), "nobody asked");
    let before = peer.seen().len();
    store.run(VIEWS).await.unwrap();
    assert_eq!(since(&peer, before), 0, "and it was looked a moment ago");

    store.run(APPLY_VIEWS).await.unwrap();
    let wanted =
        ["identifies_view", "users_view", "all_events_view", "sessions_view", "daily_active_users_view"];
    let wanted: Vec<String> =
        wanted.iter().map(|name| format!("CREATE VIEW IF NOT EXISTS `acme.analytics.{name}`")).collect();
    assert_eq!(statements(&peer, 0), wanted);
    let before = peer.seen().len();
    store.run(VIEWS).await.unwrap();
    assert_eq!(since(&peer, before), 0, "a quiet minute costs no call");
}

#[tokio::test]
async fn a_view_that_is_denied_is_told_once_and_tried_again_after_ten_minutes() {
    let (store, peer) = case("other", |sql| !sql.contains("users_view"));
    let fault = store.run(APPLY_VIEWS).await.unwrap_err().into_fault();
    assert!(fault.answer.contains("users_view"), "{fault:?}");
    assert_eq!(statements(&peer, 0).len(), 6, "all are tried");
    let before = peer.seen().len();
    store.run(APPLY_VIEWS).await.unwrap();
    let denied = |from| statements(&peer, from).iter().any(|sql| sql.contains(".users_view`"));
    assert!(!denied(before), "{:?}", statements(&peer, before));
    pass(DENIED_FOR).await;
    store.run(APPLY_VIEWS).await.unwrap_err();
    assert!(denied(before));
}

#[tokio::test]
async fn users_are_merged_from_everything_first_and_then_from_the_last_merge_on_when_something_came() {
    let (store, peer) = case("other", |_| true);
    store.run(USERS).await.unwrap();
    let first = statements(&peer, 0);
    assert_eq!(
        first,
        ["CREATE TABLE IF NOT EXISTS `acme.analytics.users` (", "MERGE `acme.analytics.users` AS u"]
    );
    let before = peer.seen().len();
    let whole = "t.`received_at` >= TIMESTAMP '1970";
    assert!(peer.seen().iter().any(|seen| statement(seen).contains(whole)));
    store.run(USERS).await.unwrap();
    store.0.has_rows("tracks");
    store.run(USERS).await.unwrap();
    assert_eq!(since(&peer, before), 0, "no call has come that says anything of a user");
    store.0.has_rows("identifies");
    store.run(USERS).await.unwrap();
    let text: Vec<String> = peer.seen()[before..].iter().map(statement).collect();
    assert!(text.iter().any(|sql| sql.starts_with("MERGE")), "{text:?}");
    assert!(text.iter().all(|sql| !sql.contains(whole)), "{text:?}");
}

#[tokio::test]
async fn a_merge_that_is_denied_is_told_once_and_tried_again_after_ten_minutes() {
    let (store, peer) = case("other", |sql| !sql.starts_with("MERGE"));
    assert_eq!(store.run(USERS).await.unwrap_err().as_str(), "denied");
    let before = peer.seen().len();
    store.run(USERS).await.unwrap();
    assert_eq!(since(&peer, before), 0, "it is passed over");
    pass(DENIED_FOR).await;
    store.run(USERS).await.unwrap_err();
    assert!(since(&peer, before) > 0);
}

#[test]
fn where_somebody_else_keeps_the_tables_there_is_nothing_to_do() {
    let peer = Peer::saying(vec![Said::new(200, "{}")]);
    let api = Arc::new(Api::new(target(peer.url.clone())).unwrap());
    assert_eq!(Store::new(api, Arc::new(SchemaCell::default())).all_chores(), []);
    let (store, _) = case("other", |_| true);
    let names: Vec<&str> = store.chores().iter().map(|chore| chore.name).collect();
    assert_eq!(names, [VIEWS, USERS]);
}
