//! SIGKILL of the router and SIGSTOP of the stand-in in the middle of a stream, while tables and columns are young and
//! requests and rows are refused: every acknowledged event is a row of `tracks` and one of its own table, or a letter.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::scene::{Scene, named};
use crate::support::{Load, Oracle, Place, Poison, until};

/// One in so many events of each sender is one that its own table never takes.
const POISON: u64 = 100;

/// Events of a sender that a test may come to.
const MOST: u64 = 5_000;

/// A stand-in that refuses much and does not see what is young for a while, and a router that writes to it.
async fn stormy(propagation: &str, cold_after: &str) -> Scene {
    let extra = format!("settle = \"1s\"\ntimeout = \"2s\"\ncold_after = \"{cold_after}\"");
    let young = [&*format!("propagation={propagation}"), "flip=50"];
    let scene = Scene::of(&young, |cloud| cloud.config(&extra)).await;
    weather(&scene, 0).await;
    for n in (POISON / 2..MOST).step_by(POISON as usize) {
        let line = json!({
            "on": "row", "reason": "invalid", "message": "Request contained a bad row.",
            "holds": format!("\"n\":{n},"),
        });
        scene.cloud.say(line).await;
    }
    scene
}

/// Every third request with rows is taken and not answered, or not answered, or refused, as the round has it.
async fn weather(scene: &Scene, round: usize) {
    let modes = [json!("half"), json!("cut"), json!(503)];
    scene.cloud.behave(json!({ "mode": modes[round % modes.len()], "on": "insert", "every": 3 })).await;
}

/// The rows of the load in one table, and its letters.
async fn place(scene: &Scene, table: &str, dead: impl IntoIterator<Item = String>, once: bool) -> Place {
    let rows = scene.cloud.rows(table).await;
    let ids = rows.iter().filter_map(|row| row["id"].as_str());
    let arrived = ids.filter(|id| id.starts_with("load-")).map(str::to_owned).collect();
    Place { name: table.to_owned(), arrived, dead: dead.into_iter().collect(), once, ordered: false }
}

/// Ends the load, lets the stand-in be itself, and holds everything against the oracle. Returns how many rows there are
/// beyond one for each event.
async fn expect_kept(scene: &Scene, load: Load, once: bool) -> usize {
    let oracle = Oracle::new(load.finish());
    scene.cloud.behave(json!({ "mode": "ok" })).await;
    let idle = async || scene.router.destination("bq").await["backlog"]["events"] == 0;
    until("everything is settled", 90, idle).await;
    let letters = scene.letters().await;
    let dead: Vec<String> = letters.keys().cloned().collect();
    assert!(letters.values().all(|letter| letter["table"] == "load_sent"), "{letters:?}");
    // The other row of a letter's event is in.
    let places = [place(scene, "tracks", [], once).await, place(scene, "load_sent", dead, once).await];
    let mut breaches = oracle.breaches(&places[0], Poison::NONE);
    breaches.extend(oracle.breaches(&places[1], Poison::one_in(POISON)));
    let metrics = scene.router.get("/metrics").await.text;
    let lost = metrics.lines().filter(|line| line.starts_with("opentrack_events_lost_total"));
    breaches.extend(lost.filter(|line| !line.ends_with(" 0")).map(str::to_owned));
    breaches.extend(wrong_rows(&oracle, &scene.cloud.rows("load_sent").await));
    assert!(breaches.is_empty(), "{} broken promises:\n{}", breaches.len(), breaches.join("\n"));
    // Rows that go by a load job are not refused by this stand-in.
    assert!(!once || !letters.is_empty(), "nothing was refused");
    places.iter().map(|place| beyond_one(&place.arrived)).sum()
}

/// Rows whose contents are not those of their event, and repetitions that the views would not drop.
fn wrong_rows(oracle: &Oracle, rows: &[Value]) -> Vec<String> {
    let mut received: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in rows {
        let (id, user) =
            (row["id"].as_str().unwrap_or_default(), row["user_id"].as_str().unwrap_or_default());
        if !oracle.is_event(id, user, row["n"].as_u64()) {
            wrong.push(format!("this row is no event that was sent: {row}"));
        }
        let first = received.entry(id).or_insert(&row["received_at"]);
        if *first != &row["received_at"] {
            wrong.push(format!("`{id}` is there twice with two times of arrival: {row}"));
        }
    }
    wrong
}

fn beyond_one(ids: &[String]) -> usize {
    let mut ids: Vec<&String> = ids.iter().collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    all - ids.len()
}

/// Sends some events with a property that is new, so that the table of these gets a column.
async fn send_news(scene: &Scene, round: usize) -> Vec<String> {
    let events: Vec<Value> = (0..5).map(|n| named("News", &json!({ (format!("c{round}")): n }))).collect();
    scene.send(&events).await
}

/// Kills the router three times in the middle of a load, each time with a column that is on its way and in other weather.
/// Returns the load, which goes on, and the events with news.
async fn kill_thrice(scene: &mut Scene) -> (Load, Vec<String>) {
    let load = Load::start(&scene.router.url(""), 3);
    let mut news = Vec::new();
    for round in 0..3 {
        load.until_more(120).await;
        news.extend(send_news(scene, round).await);
        weather(scene, round + 1).await;
        scene.router.kill9();
        scene.router.start_again().await;
    }
    load.until_more(60).await;
    (load, news)
}

#[tokio::test]
async fn kills_lose_nothing_and_what_is_streamed_again_within_a_minute_is_there_once() {
    let mut scene = stormy("1s", "1h").await;
    let (load, news) = kill_thrice(&mut scene).await;
    assert_eq!(expect_kept(&scene, load, true).await, 0);
    let rows = scene.until_in("news", &news).await;
    assert_eq!(rows.len(), news.len());
}

#[tokio::test]
async fn kills_while_late_rows_are_loaded_lose_nothing_and_repeat_only_what_the_views_drop() {
    let mut scene = stormy("5s", "1s").await;
    let (load, news) = kill_thrice(&mut scene).await;
    let events = load.acknowledged();
    let again = expect_kept(&scene, load, false).await;
    let tables = scene.cloud.tables().await;
    let loaded: u64 = ["tracks", "load_sent", "news"]
        .iter()
        .filter_map(|table| tables[format!("analytics.{table}")]["loaded"].as_u64())
        .sum();
    // A row is repeated only when its request was cut by a kill and it went by the other way afterwards.
    assert!(loaded > 0, "nothing was late");
    assert!(again as u64 <= loaded, "{again} of {events} are repeated, and {loaded} rows were loaded");
    eprintln!("{again} rows beyond one for each of {events} events, {loaded} rows loaded");
    let rows = scene.cloud.rows("news").await;
    assert!(news.iter().all(|id| rows.iter().any(|row| row["id"] == id.as_str())), "{news:?}: {rows:?}");
}

#[tokio::test]
async fn a_stand_in_that_stands_still_while_the_router_is_killed_gets_everything_afterwards() {
    let mut scene = stormy("1s", "1h").await;
    let load = Load::start(&scene.router.url(""), 3);
    for _ in 0..2 {
        load.until_more(80).await;
        scene.cloud.until_rows("load_sent", 1).await;
        scene.cloud.signal("STOP");
        load.until_more(80).await;
        let failing = |one: &Value| one["last_error"]["message"].is_string() && one["backlog"]["events"] != 0;
        scene.until_entry("the silence was noticed", failing).await;
        scene.router.kill9();
        scene.router.start_again().await;
        load.until_more(40).await;
        scene.cloud.signal("CONT");
    }
    load.until_more(40).await;
    assert_eq!(expect_kept(&scene, load, true).await, 0);
}
