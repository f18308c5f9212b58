//! What events become: once for each visitor, once for each event, and nothing for what is too old.

use super::*;
use crate::destinations::Attempt;
use crate::destinations::kit::testing::{attempt, event, setting};
use crate::policy::outcome::Reason;

/// An event of a browser, with further members.
fn here(id: &str, kind: &str, visitor: &str, more: &str) -> Arc<Event> {
    event(&format!(
        r#"{{"type":"{kind}","anonymousId":"{visitor}","messageId":"{id}","context":{{"page":{{"path":"/p"}}}}{more}}}"#
    ))
}

/// The same event as if it had happened and arrived at these times.
fn timed(event: &Arc<Event>, at: &str, received: &str) -> Arc<Event> {
    let mut receipt = event.receipt.clone();
    (receipt.timestamp, receipt.received_at) = (at.parse().unwrap(), received.parse().unwrap());
    let text = std::str::from_utf8(&event.raw).unwrap().to_owned();
    Arc::new(Event::restore(text, receipt).unwrap())
}

fn loads(events: &[Arc<Event>], attempt: &Attempt) -> Vec<Load> {
    let planned = Redis::default().plan(events, attempt).requests.into_iter();
    planned
        .map(|planned| match planned.request {
            Request::Move(load) => *load,
            Request::Probe => panic!("a probe is no part of a plan"),
        })
        .collect()
}

fn pretty(load: &Load) -> String {
    let json: serde_json::Value = serde_json::from_str(&load.json()).unwrap();
    format!("{}\n{}", load.keys().join("\n"), serde_json::to_string_pretty(&json).unwrap())
}

#[test]
fn a_batch_says_each_visitor_once_and_each_event_once() {
    let order = r#","event":"Order Completed","properties":{"order_id":"o1","revenue":"12.345","currency":"EUR"}"#;
    let batch = [
        here("m1", "page", "a", r#","properties":{"path":"/cart?coupon=x"}"#),
        timed(&here("m0", "page", "a", r#","properties":{"path":"/old"}"#), "2026-01-02T03:03:59Z", "2026-01-02T03:04:05Z"),
        event(&format!(r#"{{"type":"track","userId":"u","messageId":"m2"{order}}}"#)),
    ];
    let [load] = loads(&batch, &attempt(1)).try_into().unwrap();
    insta::assert_snapshot!(pretty(&load));
}

#[test]
fn a_retry_is_the_same_byte_for_byte() {
    let batch = [here("m1", "page", "a", ""), here("m2", "track", "b", r#","event":"E""#)];
    let later = Attempt { at: "2026-01-02T03:20:00Z".parse().unwrap(), ..attempt(7) };
    assert_eq!(loads(&batch, &attempt(1)), loads(&batch, &later));
}

#[test]
fn what_is_older_than_the_counters_is_skipped_and_what_is_older_than_the_windows_shows_nobody() {
    let old = timed(&here("m1", "page", "a", ""), "2026-01-02T01:04:06.999Z", "2026-01-02T01:04:07Z");
    let shortly = timed(&here("m2", "page", "b", ""), "2026-01-02T01:04:07Z", "2026-01-02T01:04:07Z");
    let plan = Redis::default().plan(&[old, Arc::clone(&shortly)], &attempt(1));
    assert_eq!(plan.skipped, [(0, Reason::TooOld)]);
    let [load] = loads(&[shortly], &attempt(1)).try_into().unwrap();
    let json: serde_json::Value = serde_json::from_str(&load.json()).unwrap();
    assert_eq!((json["visitors"].as_array().unwrap().len(), &json["gone"]), (0, &serde_json::Value::Null));
    assert_eq!((&json["uniques"][0]["ids"][0], json["events"].as_array().unwrap().len()), (&"b".into(), 1));
}

#[test]
fn what_arrives_more_than_half_an_hour_late_shows_nobody_and_counts() {
    let late = timed(&here("m1", "page", "a", ""), "2026-01-02T02:34:06Z", "2026-01-02T03:04:06.001Z");
    let [load] = loads(&[late], &attempt(1)).try_into().unwrap();
    let json: serde_json::Value = serde_json::from_str(&load.json()).unwrap();
    assert_eq!((json["visitors"].as_array().unwrap().len(), json["events"].as_array().unwrap().len()), (0, 1));
}

#[test]
fn robots_are_not_wanted() {
    let robot = event(r#"{"type":"page","anonymousId":"a","messageId":"m","context":{"page":{"path":"/"},"bot":true}}"#);
    assert_eq!(Redis::default().wants(&robot), Verdict::No(Reason::Unsupported));
    assert_eq!(Redis::default().wants(&here("m", "page", "a", "")), Verdict::Yes);
}

#[test]
fn each_site_is_a_call_of_its_own_and_a_brace_cannot_leave_its_slot() {
    let of = |source: &str, id: &str| {
        let event = here(id, "page", "a", "");
        let receipt = crate::spec::Receipt { source: source.into(), ..event.receipt.clone() };
        Arc::new(Event::restore(std::str::from_utf8(&event.raw).unwrap().to_owned(), receipt).unwrap())
    };
    let loads = loads(&[of("shop", "1"), of("b}log", "2"), of("shop", "3")], &attempt(1));
    let first: Vec<String> = loads.iter().map(|load| load.keys().remove(0)).collect();
    assert_eq!(first, ["ot:{b_log}:seen", "ot:{shop}:seen"]);
    assert_eq!(loads[1].json().matches("mid:").count(), 2);
}

#[test]
fn texts_without_end_are_cut_and_ids_without_end_are_hashed() {
    let long = "x".repeat(2_000);
    let event = here("m", "page", &long, &format!(r#","properties":{{"path":"/{long}"}}"#));
    let note = map::note(&event, &Options::default());
    assert_eq!((note.visitor.len(), note.page.unwrap().len()), (32, 512));
}

#[test]
fn every_problem_of_the_settings_is_told_without_the_password() {
    let new = |url: &str, ca_file: &str| {
        let config = Config { url: url.into(), ca_file: ca_file.into() };
        let problem = Redis::new(config, &setting("redis", true)).err().map(|problems| problems[0].to_string());
        problem.unwrap_or_default()
    };
    assert!(new("redis://:hunter2@h", "").is_empty() && new("rediss://h", "/ca.pem").is_empty());
    assert!(new("redis://h", "/ca.pem").starts_with("`ca_file` needs"));
    let told = new("redis://:hunter2@h/hunter2", "");
    assert!(told.starts_with("`url`") && !told.contains("hunter2"), "{told}");
}

#[test]
fn the_block_names_every_key_with_its_default() {
    let uncommented: String = config::BLOCK
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let table: toml::Table = uncommented.parse().unwrap();
    let table = table["destinations"]["redis"].as_table().unwrap().clone();
    assert_eq!(table, toml::Table::try_from(Config::default()).unwrap());
}
