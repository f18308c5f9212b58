//! The room, rendered from statuses as the router gives them.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};

use super::room::{self, View};
use crate::actors::messages::{
    Backlog, BreakerStatus, ConcurrencyStatus, DestinationStatus, HoldsJournal, LastError, Rate, ReadyCheck,
};

const STATES: [&str; 7] = ["flowing", "retrying", "throttled", "held", "paused", "draining", "off"];

fn now() -> Timestamp {
    "2026-11-26T17:04:05Z".parse().unwrap()
}

fn rendered(destinations: &[DestinationStatus], checks: &[ReadyCheck]) -> String {
    let view = View { destinations, checks, durability_os: false, refreshes: false, now: now() };
    room::render(&view).into_string()
}

/// Everything that there is to show of one destination.
fn sick() -> DestinationStatus {
    DestinationStatus {
        reason: Some("unauthorized".to_owned()),
        backlog: Backlog { events: 1204, bytes: 3500 },
        oldest_age_ms: 185_400,
        rate: Rate { incoming: 12.34, outgoing: 0.0 },
        last_error: Some(LastError {
            at: now() - 65.seconds(),
            status: Some(401),
            message: "key was revoked".to_owned(),
        }),
        breaker: BreakerStatus { state: "open", failures: 5, reopens_at: Some(now() + 12.seconds()) },
        concurrency: Some(ConcurrencyStatus { limit: 2, cap: 8 }),
        next_attempt_at: Some(now() + 30.seconds()),
        drain_eta_ms: Some(125_000),
        counts: crate::actors::messages::Counts {
            delivered: 70_001,
            skipped: BTreeMap::from([("filtered".to_owned(), 3)]),
            dead: BTreeMap::from([("rejected".to_owned(), 1), ("too_large".to_owned(), 2)]),
        },
        holds_journal: Some(HoldsJournal { percent: 83, full_in_ms: Some(7_200_000) }),
        ..DestinationStatus::idle("crm", "hook", true, "held")
    }
}

#[test]
fn each_state_is_shown_by_the_word_of_the_api() {
    for state in STATES {
        let status = DestinationStatus::idle("crm", "hook", state != "off", state);
        let json = serde_json::to_value(&status).unwrap();
        let page = rendered(&[status], &[]);
        assert_eq!(json["state"], state);
        assert!(page.contains(&format!("<span class=\"state\">{state}</span>")), "{page}");
    }
}

#[test]
fn everything_that_an_operator_wants_to_know_is_there() {
    insta::assert_snapshot!(rendered(&[sick()], &[]));
}

#[test]
fn what_a_destination_answered_cannot_become_markup() {
    let evil = "</pre><script>alert(1)</script><img src=x onerror=\"a\">\u{202e}";
    let mut status = sick();
    status.reason = Some(evil.to_owned());
    status.last_error = Some(LastError { at: now(), status: None, message: format!("{evil}{evil}") });
    status.name = format!("\"><{evil}");
    status.counts.dead = BTreeMap::from([(evil.to_owned(), 1)]);
    let checks = [ReadyCheck { name: evil.to_owned(), ok: false, message: evil.to_owned(), vital: true }];
    let page = rendered(&[status], &checks);
    for forbidden in ["<script", "<img", "onerror=\"", "\u{202e}"] {
        assert!(!page.contains(forbidden), "{forbidden} in {page}");
    }
    assert_eq!(page.matches("&lt;script&gt;").count(), 7, "{page}");
}

#[test]
fn a_reason_that_repeats_the_last_error_is_shown_once() {
    let mut status = sick();
    status.reason = Some("key was revoked".to_owned());
    assert_eq!(rendered(&[status], &[]).matches("key was revoked").count(), 1);
}

#[test]
fn what_the_router_says_of_itself_is_shown_when_it_is_not_fine() {
    let check = |name: &str, ok| ReadyCheck {
        name: name.to_owned(),
        ok,
        message: format!("about {name}"),
        vital: false,
    };
    let page = rendered(&[sick()], &[check("journal", true), check("config", false), check("crm", false)]);
    assert!(page.contains("about config"), "{page}");
    assert!(!page.contains("about journal") && !page.contains("about crm"), "{page}");
}

#[test]
fn durability_os_is_said_at_the_top() {
    let view = View { destinations: &[], checks: &[], durability_os: true, refreshes: true, now: now() };
    let page = room::render(&view).into_string();
    assert!(page.contains("durability = \"os\"") && page.contains("power cut"), "{page}");
    assert!(!rendered(&[], &[]).contains("power cut"));
}
