//! Every answer and what it means.

use super::*;
use crate::destinations::FailureKind;

fn error(code: i64, subcode: i64, more: &str) -> String {
    format!(
        r#"{{"error":{{"message":"why","type":"OAuthException","code":{code},"error_subcode":{subcode},"fbtrace_id":"F"{more}}}}}"#
    )
}

/// What a reply means for a request of so many events at the n-th attempt.
fn judged(count: usize, number: u32, reply: &Reply) -> Vec<Outcome> {
    let meta = meta("");
    let request = meta.plan(&signed_up(count), &attempt(number)).requests.remove(0).request;
    meta.judge(&request, count, reply)
}

fn words_of(count: usize, reply: &Reply) -> String {
    let outcomes = judged(count, 1, reply);
    assert_eq!(outcomes.len(), count);
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "a request has one fate: {outcomes:?}");
    word(&outcomes[0])
}

#[test]
fn every_code_has_its_meaning_whatever_the_status() {
    let table: &[(i64, i64, &str)] = &[
        (4, 0, "throttled throttled"),
        (17, 0, "throttled throttled"),
        (32, 0, "throttled throttled"),
        (613, 0, "throttled throttled"),
        (80_003, 0, "throttled throttled"),
        (80_004, 2_446_079, "throttled throttled"),
        (190, 0, "broken unauthorized"),
        (190, 460, "broken unauthorized"),
        (190, 463, "broken unauthorized"),
        (190, 467, "broken unauthorized"),
        (102, 0, "broken unauthorized"),
        (104, 0, "broken unauthorized"),
        (200, 0, "broken forbidden"),
        (294, 0, "broken forbidden"),
        (10, 0, "broken forbidden"),
        (3, 0, "broken forbidden"),
        (100, 33, "broken not_found"),
        (803, 0, "broken not_found"),
        (2_635, 0, "broken gone"),
        (12, 0, "broken gone"),
        (1, 0, "transient server_error"),
        (1, 99, "transient server_error"),
        (2, 0, "transient server_error"),
        (341, 0, "transient server_error"),
        (368, 0, "transient server_error"),
        (5_000, 0, "transient server_error"),
        (21_009, 0, "transient server_error"),
    ];
    for (code, subcode, expected) in table {
        for status in [200, 400, 500] {
            let reply = answered(status, &[], &error(*code, *subcode, ""));
            assert_eq!(words_of(3, &reply), *expected, "{code}/{subcode} with {status}");
        }
    }
}

#[test]
fn an_event_that_meta_refuses_is_looked_for_and_is_a_dead_letter_when_it_is_alone() {
    for subcode in [0, 2_804_001, 2_804_007, 2_804_016, 2_804_017, 2_804_019, 2_804_048, 2_804_050] {
        for code in [100, 105] {
            let reply = answered(400, &[], &error(code, subcode, ""));
            assert_eq!(words_of(2, &reply), "suspect rejected", "{code}/{subcode}");
            assert_eq!(words_of(1, &reply), "refused rejected", "{code}/{subcode}");
        }
    }
    let old = answered(400, &[], &error(100, 2_804_003, ""));
    assert_eq!((words_of(2, &old), words_of(1, &old)), ("suspect too_old".to_owned(), "refused too_old".to_owned()));
}

#[test]
fn what_meta_says_will_pass_is_tried_again_whatever_the_code() {
    for code in [100, 1, 99_999] {
        let reply = answered(400, &[], &error(code, 99, ",\"is_transient\":true"));
        assert_eq!(words_of(1, &reply), "transient server_error", "{code}");
    }
    let limit = answered(400, &[], &error(4, 0, ",\"is_transient\":true"));
    assert_eq!(words_of(1, &limit), "throttled throttled");
}

#[test]
fn an_error_that_meta_does_not_know_is_tried_ten_times_and_then_looked_for() {
    let reply = answered(500, &[], &error(1, 99, ""));
    let at = |count: usize, number: u32| word(&judged(count, number, &reply)[0]);
    assert_eq!(at(2, 10), "transient server_error");
    assert_eq!((at(2, 11), at(1, 11)), ("suspect rejected".to_owned(), "refused rejected".to_owned()));
    // Meta says of it that it passes, and it does not.
    let passing = answered(500, &[], &error(1, 99, ",\"is_transient\":true"));
    assert_eq!(word(&judged(1, 10, &passing)[0]), "transient server_error");
    assert_eq!(word(&judged(2, 11, &passing)[0]), "suspect rejected");
}

#[test]
fn a_code_that_is_not_known_is_judged_by_the_status() {
    for (status, one, two) in [
        (400, "refused rejected", "suspect rejected"),
        (401, "broken unauthorized", "broken unauthorized"),
        (403, "broken forbidden", "broken forbidden"),
        (404, "broken not_found", "broken not_found"),
        (429, "throttled throttled", "throttled throttled"),
        (500, "transient server_error", "transient server_error"),
        (200, "transient server_error", "transient server_error"),
    ] {
        let reply = answered(status, &[], &error(77_777, 0, ""));
        assert_eq!((words_of(1, &reply), words_of(2, &reply)), (one.to_owned(), two.to_owned()), "{status}");
    }
}

#[test]
fn a_limit_waits_as_long_as_meta_says_in_its_header() {
    let wait = |headers: &[(&'static str, &str)]| words_of(2, &answered(400, headers, &error(80_004, 0, "")));
    let usage = |minutes: &str| {
        format!(
            r#"{{"1":[{{"type":"a","call_count":3,"estimated_time_to_regain_access":0}}],"2":[{{"estimated_time_to_regain_access":{minutes}}}]}}"#
        )
    };
    let header = "x-business-use-case-usage";
    assert_eq!(wait(&[(header, &usage("2"))]), "throttled throttled 120s");
    assert_eq!(wait(&[(header, &usage("0"))]), "throttled throttled");
    assert_eq!(wait(&[(header, &usage("9999999999"))]), "throttled throttled 3600s");
    assert_eq!(wait(&[(header, &usage("-3"))]), "throttled throttled");
    assert_eq!(wait(&[(header, "{"), ("retry-after", "7")]), "throttled throttled 7s");
    assert_eq!(wait(&[]), "throttled throttled");
}

#[test]
fn only_what_meta_has_counted_is_delivered() {
    for (body, expected) in [
        (r#"{"events_received":2,"messages":[],"fbtrace_id":"F"}"#, "delivered"),
        (r#"{"events_received":3}"#, "delivered"),
        (r#"{"events_received":1,"messages":["x"]}"#, "suspect bad_answer"),
        (r#"{"events_received":0}"#, "transient bad_answer"),
        (r#"{"messages":[]}"#, "transient bad_answer"),
        ("{}", "transient bad_answer"),
        ("", "transient bad_answer"),
        ("<html>captive portal</html>", "transient bad_answer"),
        ("}{ \u{0}", "transient bad_answer"),
    ] {
        assert_eq!(words_of(2, &answered(200, &[], body)), expected, "{body}");
    }
}

#[test]
fn what_is_no_answer_of_meta_kills_no_event() {
    for (status, expected) in [
        (302, "broken redirect"),
        (400, "transient bad_answer"),
        (403, "broken forbidden"),
        (404, "broken not_found"),
        (408, "transient server_error"),
        (413, "suspect too_large"),
        (418, "transient bad_answer"),
        (429, "throttled throttled"),
        (500, "transient server_error"),
        (502, "transient server_error"),
        (503, "transient server_error"),
    ] {
        for body in ["<html>no</html>", r#"{"error":"bad"}"#, ""] {
            assert_eq!(words_of(2, &answered(status, &[], body)), expected, "{status} {body}");
        }
    }
}

#[test]
fn every_transport_failure_has_its_meaning() {
    for (kind, expected) in [
        (FailureKind::Timeout, "transient timeout"),
        (FailureKind::Connection, "transient connection"),
        (FailureKind::Dns, "broken dns"),
        (FailureKind::Tls, "broken tls"),
        (FailureKind::PrivateAddress, "broken private_address"),
    ] {
        assert_eq!(words_of(2, &Reply::failed(kind, "why")), expected, "{kind:?}");
    }
}

#[test]
fn the_words_are_those_for_people_with_what_support_asks_for_and_without_the_token() {
    let more = format!(r#","error_user_title":"Invalid parameter","error_user_msg":"Bad {TOKEN}.""#);
    let outcomes = judged(1, 1, &answered(400, &[], &error(100, 2_804_019, &more)));
    let Outcome::Refused(fault) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(fault.answer, "Invalid parameter: Bad ***.: why (code 100, subcode 2804019, fbtrace_id F)");
    assert_eq!(fault.status, Some(400));
    let bare = judged(1, 1, &answered(400, &[], &error(190, 463, "")));
    let Outcome::Broken(fault) = &bare[0] else { panic!("{bare:?}") };
    assert_eq!(fault.answer, "why (code 190, subcode 463, fbtrace_id F)");
}

#[test]
fn a_probe_tells_a_wrong_token_a_missing_right_and_an_unknown_pixel() {
    let meta = meta("");
    let [probe] = meta.probe().try_into().unwrap();
    let table = [
        (200, r#"{"id":"1234567890","name":"Shop"}"#.to_owned(), "delivered"),
        (200, r#"{"name":"Shop"}"#.to_owned(), "transient bad_answer"),
        (400, error(190, 0, ""), "broken unauthorized"),
        (400, error(200, 0, ""), "broken forbidden"),
        (400, error(10, 0, ""), "broken forbidden"),
        (400, error(100, 33, ""), "broken not_found"),
        (400, error(100, 0, ""), "refused rejected"),
        (500, "<html>".to_owned(), "transient server_error"),
    ];
    for (status, body, expected) in table {
        let outcomes = meta.judge(&probe, 1, &answered(status, &[], &body));
        assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), [expected], "{body}");
    }
}
