//! One case for each error that a server is known for.

use std::sync::Arc;

use super::super::super::FailureKind;
use super::super::super::kit::testing::{answered, word};
use super::super::request::Insert;
use super::*;

fn insert(events: usize, status: u16, body: &str) -> String {
    let request = Request::Insert(Arc::new(Insert { table: "t".to_owned(), ..Insert::default() }));
    let outcomes = judge(&request, events, &answered(status, &[], body));
    assert_eq!(outcomes.len(), events);
    word(&outcomes[0])
}

fn coded(events: usize, code: u32) -> String {
    insert(events, 500, &format!("Code: {code}. DB::Exception: said. (NAME) (version 26.9.2.1)"))
}

#[test]
fn an_empty_answer_delivers_and_any_other_success_came_from_somebody_else() {
    assert_eq!(insert(3, 200, ""), "delivered");
    assert_eq!(insert(3, 200, "\n"), "delivered");
    assert_eq!(insert(3, 200, "<html>captive portal</html>"), "transient bad_answer");
    assert_eq!(insert(3, 200, "Code: 241. DB::Exception: Memory limit"), "transient server_error");
}

#[test]
fn rows_that_do_not_fit_are_looked_for_and_refused_alone() {
    for code in [6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 130, 349, 469] {
        assert_eq!(coded(2, code), "suspect rejected", "{code}");
        assert_eq!(coded(1, code), "refused rejected", "{code}");
    }
}

#[test]
fn a_schema_that_is_not_what_we_think_is_looked_at_again() {
    for code in [8, 10, 16, 47, 60, 81] {
        assert_eq!(coded(1, code), "transient schema", "{code}");
    }
}

#[test]
fn what_passes_is_tried_again_and_so_is_what_nobody_knows() {
    for code in [159, 160, 203, 209, 210, 225, 236, 242, 285, 286, 319, 425, 439, 473, 999, 1000, 1001, 7777] {
        assert_eq!(coded(1, code), "transient server_error", "{code}");
    }
}

#[test]
fn a_server_that_asks_for_less_is_waited_for() {
    assert_eq!(coded(5, 202), "throttled throttled 10s");
    assert_eq!(coded(5, 201), "throttled throttled 10s");
    assert_eq!(coded(5, 252), "throttled throttled 30s");
}

#[test]
fn a_large_request_is_halved_when_memory_is_short_and_a_small_one_waits() {
    assert_eq!(coded(LARGE + 1, 241), "suspect server_error");
    assert_eq!(coded(LARGE, 241), "transient server_error");
    assert_eq!(coded(1, 241), "transient server_error");
}

#[test]
fn what_an_operator_must_repair_holds_and_no_event_dies() {
    for code in [192, 193, 194, 195, 516] {
        assert_eq!(coded(1, code), "broken unauthorized", "{code}");
    }
    for code in [164, 497] {
        assert_eq!(coded(1, code), "broken forbidden", "{code}");
    }
    for code in [62, 115, 452] {
        assert_eq!(coded(1, code), "broken bad_answer", "{code}");
    }
}

#[test]
fn a_view_of_somebody_else_that_refuses_rows_holds_and_is_named() {
    let pushing = |code: u32, view: &str| {
        insert(1, 500, &format!("Code: {code}. DB::Exception: said: while pushing to view d.{view} (a-b-c). (NAME)"))
    };
    for code in [6, 27, 41, 47, 60, 153, 43] {
        assert_eq!(pushing(code, "mine"), "broken rejected", "{code}");
    }
    assert_eq!(pushing(159, "mine"), "transient server_error");
    assert_eq!(pushing(252, "mine"), "throttled throttled 30s");
    assert_eq!(pushing(497, "mine"), "broken forbidden");
    for view in ["rollup_pages_mv2", "rollup_pages_mv", "rollup_vitals_mv"] {
        assert_eq!(pushing(60, view), "transient schema", "ours are made anew: {view}");
        assert_eq!(pushing(6, view), "refused rejected", "{view}");
    }
    assert_eq!(pushing(60, "rollup_pages_mine"), "broken rejected");
}

#[test]
fn a_proxy_is_judged_by_its_status() {
    for (status, wanted) in [
        (401, "broken unauthorized"),
        (403, "broken forbidden"),
        (404, "broken not_found"),
        (408, "transient server_error"),
        (413, "suspect too_large"),
        (429, "throttled throttled"),
        (502, "transient server_error"),
        (503, "transient server_error"),
        (504, "transient server_error"),
    ] {
        assert_eq!(insert(2, status, "<html>nginx</html>"), wanted, "{status}");
    }
}

#[test]
fn silence_is_judged_like_everywhere() {
    for (kind, wanted) in [
        (FailureKind::Timeout, "transient timeout"),
        (FailureKind::Connection, "transient connection"),
        (FailureKind::Dns, "broken dns"),
        (FailureKind::Tls, "broken tls"),
    ] {
        assert_eq!(word(&judge(&Request::Probe, 1, &Reply::failed(kind, "x"))[0]), wanted);
    }
}

#[test]
fn a_fault_names_its_table() {
    let request = Request::Insert(Arc::new(Insert { table: "pages".to_owned(), ..Insert::default() }));
    let Some(Outcome::Refused(fault)) = judge(&request, 1, &answered(400, &[], "Code: 27. DB::Exception: x")).pop()
    else {
        panic!("not refused");
    };
    assert_eq!(fault.place.unwrap().table, "pages");
}
