//! Every number that is shown is defined: each name in an answer of `/api/stats` occurs in `docs/analytics.md`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::history::History;
use super::tests::{query, rules, track};
use super::{Name, make};
use crate::projections::live::{Live, Options};
use crate::spec::{Event, Kind, Receipt};

/// Returns the words that are set as code there.
fn defined() -> BTreeSet<&'static str> {
    let page = include_str!("../../../docs/analytics.md");
    let code = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    code.flat_map(|code| code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')).collect()
}

/// Puts in the names of all members, but for those that are currencies.
fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            into.extend(Some(name.clone()).filter(|name| name != "EUR"));
            names(value, into);
        }),
        Value::Array(all) => all.iter().for_each(|one| names(one, into)),
        _ => {}
    }
}

fn expect_defined(whose: &str, names: &BTreeSet<String>) {
    let defined = defined();
    let missing: Vec<&String> = names.iter().filter(|name| !defined.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/analytics.md does not say what {missing:?} of `{whose}` means");
}

#[test]
fn every_name_in_a_report_is_defined() {
    let rows = History::of([track(0, 1, 1, "Clicked")], &rules());
    let more = [
        (Name::Vitals, "vitals", "by=path"),
        (Name::Revenue, "revenue", "by=first_touch"),
        (Name::Revenue, "revenue", "by=last_touch"),
    ];
    let all = Name::ALL.into_iter().map(|(report, name)| (report, name, "")).chain(more);
    for (report, name, text) in all {
        let query = query(report, text);
        let made = make::answer(&query, &rows).unwrap();
        let mut found: BTreeSet<String> = made.columns.iter().map(|column| (*column).to_owned()).collect();
        names(&made.to_json(&query), &mut found);
        assert!(found.len() > 4, "{found:?}");
        expect_defined(name, &found);
    }
}

#[test]
fn every_live_number_is_defined() {
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    let event = |id: &str, name: &str, properties: Value| {
        let json = json!({ "type": "track", "event": name, "anonymousId": "a", "messageId": id, "properties": properties,
            "context": { "page": { "path": "/a" } } });
        let receipt = Receipt {
            kind: Kind::Track,
            received_at: at,
            timestamp: at,
            sent_at: None,
            message_id: None,
            source: "shop".into(),
            ip: None,
            signals: Default::default(),
            redelivery: None,
        };
        Event::restore(json.to_string(), receipt).unwrap()
    };
    let mut live = Live::new(Options::default());
    live.take(&event("1", "Order Completed", json!({ "revenue": 1, "currency": "EUR" })));
    live.take(&event("2", "Web Vital", json!({ "name": "LCP", "value": 1 })));
    let mut found = BTreeSet::new();
    for view in live.views() {
        names(&serde_json::to_value(live.report(view)).unwrap(), &mut found);
    }
    assert!(["aov", "p75", "step_conversion", "pages"].iter().all(|name| found.contains(*name)), "{found:?}");
    expect_defined("realtime", &found);
}
