//! One case for each error that Google's pages name, and what is said of rows together.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::super::super::FailureKind;
use super::*;
use crate::policy::outcome::Place;

/// Remembers what a test tells it.
#[derive(Default)]
struct Told {
    tried_before: bool,
    others_flow: bool,
}

impl Memory for Told {
    fn field_wait(&self, _: &str, column: &str) -> Duration {
        Duration::from_secs(if column.is_empty() { 3 } else { 2 })
    }

    fn table_wait(&self, _: &str) -> Duration {
        Duration::from_secs(8)
    }

    fn cast_wait(&self, _: &str, _: &Row) -> Option<Duration> {
        (!self.tried_before).then_some(Duration::from_secs(1))
    }

    fn quota_wait(&self, _: Option<&str>) -> Duration {
        Duration::from_secs(30)
    }

    fn others_flow(&self, _: &str) -> bool {
        self.others_flow
    }
}

/// Rows of as many events, one each.
fn rows(events: usize) -> Arc<Rows> {
    let row = |event| Row { event, text: 0..2, insert_id: format!("i{event}") };
    Arc::new(Rows { table: "t".to_owned(), rows: (0..events).map(row).collect(), ..Rows::default() })
}

fn answer(status: u16, body: impl ToString) -> Reply {
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    Reply::Answer(Answer { status, headers: Vec::new(), body: Bytes::from(body.to_string()), at })
}

fn error(status: u16, reason: &str, message: &str) -> Reply {
    let body = json!({ "error": { "code": status, "message": message, "errors": [{ "reason": reason }] } });
    answer(status, body)
}

fn judged(request: &Request, events: usize, reply: &Reply, memory: &Told) -> Vec<Outcome> {
    let names = Names { project: "acme".to_owned(), dataset: "analytics".to_owned() };
    let bench = Bench { names: &names, makes_dataset: true, memory };
    outcomes(request, events, &hear(request, reply), &bench)
}

fn insert(events: usize, reply: &Reply) -> Vec<Outcome> {
    judged(&Request::Insert(rows(events)), events, reply, &Told::default())
}

/// What the one row of a request becomes for which this is said.
fn row(reason: &str, message: &str, memory: &Told) -> Outcome {
    let errors = json!([{ "reason": reason, "message": message, "location": "loc", "debugInfo": "" }]);
    let reply = answer(200, json!({ "insertErrors": [{ "index": 0, "errors": errors }] }));
    judged(&Request::Insert(rows(1)), 1, &reply, memory).remove(0)
}

/// The class, its wait in seconds, its reason.
fn brief(outcome: &Outcome) -> String {
    let seconds = |wait: &Duration| wait.as_secs();
    match outcome {
        Outcome::Delivered => "delivered".to_owned(),
        Outcome::Refused(fault) => format!("refused {}", fault.reason.as_str()),
        Outcome::Suspect(fault) => format!("suspect {}", fault.reason.as_str()),
        Outcome::Broken(fault) => format!("broken {}", fault.reason.as_str()),
        Outcome::Transient(fault) => format!("transient {}", fault.reason.as_str()),
        Outcome::Throttled { wait, fault } => {
            format!("throttled {:?} {}", wait.as_ref().map(seconds), fault.reason.as_str())
        }
        Outcome::Deferred { wait, fault } => format!("deferred {} {}", seconds(wait), fault.reason.as_str()),
    }
}

fn place(outcome: &Outcome) -> Place {
    let fault = match outcome {
        Outcome::Refused(fault)
        | Outcome::Suspect(fault)
        | Outcome::Broken(fault)
        | Outcome::Transient(fault) => fault,
        Outcome::Throttled { fault, .. } | Outcome::Deferred { fault, .. } => fault,
        Outcome::Delivered => panic!("delivered"),
    };
    fault.place.as_deref().cloned().unwrap_or_default()
}

#[test]
fn each_error_of_a_row_has_its_outcome() {
    let fresh = Told::default();
    for (reason, message, wanted) in [
        ("invalid", "no such field: nope.", "deferred 2 schema"),
        ("invalid", "No such field: Nope.", "deferred 2 schema"),
        ("invalid", "Cannot convert value to integer (bad value): x", "deferred 1 schema"),
        ("invalid", "Could not parse 'x' as a timestamp. Required format is", "deferred 1 schema"),
        ("invalid", "Conversion from bool to string is unsupported.", "deferred 1 schema"),
        ("invalid", "This field: x is not a record.", "deferred 1 schema"),
        ("invalid", "Array specified for non-repeated field: x.", "deferred 1 schema"),
        ("invalid", "Missing required field: Msg_0_CLOUD_QUERY_TABLE.owner.", "refused rejected"),
        ("invalid", "Maximum allowed row size exceeded. Allowed: 10485760", "refused too_large"),
        ("invalid", "Something else", "refused rejected"),
        ("stopped", "", "deferred 0 rejected"),
        ("timeout", "", "transient server_error"),
        ("backendError", "", "transient server_error"),
        ("internalError", "", "transient server_error"),
    ] {
        let outcome = row(reason, message, &fresh);
        assert_eq!(brief(&outcome), wanted, "{reason}: {message}");
        assert_eq!(place(&outcome).table, "t", "{reason}: {message}");
    }
}

#[test]
fn a_value_that_still_does_not_fit_after_another_look_is_refused_in_googles_words() {
    let tried = Told { tried_before: true, ..Told::default() };
    let Outcome::Refused(fault) = row("invalid", "Cannot convert value to integer (bad value): x", &tried)
    else {
        panic!("not refused");
    };
    assert_eq!(fault.answer, "invalid: Cannot convert value to integer (bad value): x (`loc`)");
}

#[test]
fn a_required_column_is_for_its_owner_to_relax() {
    let outcome = row("invalid", "Missing required field: Msg_0_CLOUD_QUERY_TABLE.owner.", &Told::default());
    assert_eq!(place(&outcome).ddl, "ALTER TABLE `acme.analytics.t` ALTER COLUMN `owner` DROP NOT NULL");
}

#[test]
fn each_row_is_judged_for_itself() {
    let bad = json!([{ "reason": "invalid", "message": "Something" }]);
    let both = json!([{ "reason": "stopped" }, { "reason": "invalid", "message": "no such field: a." }]);
    let body = json!({ "insertErrors": [
        { "index": 1, "errors": bad }, { "index": 2, "errors": [{ "reason": "stopped" }] }, { "index": 3, "errors": both },
    ] });
    let said: Vec<_> = insert(4, &answer(200, body)).iter().map(brief).collect();
    assert_eq!(said, ["delivered", "refused rejected", "deferred 0 rejected", "deferred 2 schema"]);
}

#[test]
fn an_event_of_two_rows_fares_as_the_worse_one_wherever_it_stands() {
    for bad in [0, 1] {
        let rows = vec![Row { event: 0, text: 0..2, insert_id: String::new() }; 2];
        let two = Rows { rows, ..Rows::default() };
        let body = json!({ "insertErrors": [{ "index": bad, "errors": [{ "reason": "invalid", "message": "x" }] }] });
        let outcomes = judged(&Request::Insert(Arc::new(two)), 1, &answer(200, body), &Told::default());
        assert_eq!(outcomes.iter().map(brief).collect::<Vec<_>>(), ["refused rejected"]);
    }
}

#[test]
fn a_success_without_errors_delivers_and_one_that_cannot_be_read_is_tried_again() {
    let kind = json!({ "kind": "bigquery#tableDataInsertAllResponse" });
    assert_eq!(insert(2, &answer(200, kind)), vec![Outcome::Delivered; 2]);
    let beyond = json!({ "insertErrors": [{ "index": 2, "errors": [] }] });
    for body in ["<html>".to_owned(), "{\"insertErrors\":[{\"ind".to_owned(), beyond.to_string()] {
        assert_eq!(brief(&insert(2, &answer(200, &body))[0]), "transient bad_answer", "{body}");
    }
}

#[test]
fn each_error_of_a_request_has_its_outcome_for_all_events() {
    let free = "Access Denied: BigQuery BigQuery: Streaming insert is not allowed in the free tier";
    for (reply, wanted) in [
        (error(400, "invalid", "too many rows present in the request"), "suspect too_large"),
        (answer(413, "<html>"), "suspect too_large"),
        (error(400, "invalid", "insertId is longer than 128"), "suspect rejected"),
        (error(400, "invalid", "The destination table has no schema."), "deferred 8 schema"),
        (error(404, "notFound", "Not found: Table acme:analytics.t"), "deferred 8 schema"),
        (error(404, "notFound", "Not found: Dataset acme:analytics"), "broken not_found"),
        (answer(404, "<html>"), "broken not_found"),
        (error(403, "rateLimitExceeded", "Exceeded rate limits"), "throttled None throttled"),
        (error(429, "rateLimitExceeded", "Exceeded rate limits"), "throttled None throttled"),
        (
            error(403, "quotaExceeded", "Quota exceeded: Your project exceeded quota"),
            "throttled Some(30) throttled",
        ),
        (error(403, "quotaExceeded", "Quota exceeded: Your table exceeded quota"), "deferred 30 throttled"),
        (error(500, "backendError", ""), "transient server_error"),
        (error(503, "internalError", ""), "transient server_error"),
        (answer(502, "<html>bad gateway</html>"), "transient server_error"),
        (answer(503, ""), "transient server_error"),
        (error(403, "accessDenied", "Access Denied: Table acme:analytics.t"), "broken forbidden"),
        (error(403, "accessDenied", free), "deferred 0 forbidden"),
        (error(403, "billingNotEnabled", "Billing has not been enabled"), "deferred 0 forbidden"),
        (error(403, "blocked", "Your account is blocked"), "broken forbidden"),
        (error(401, "authError", "Invalid Credentials"), "broken unauthorized"),
        (answer(400, r#"{"error":"invalid_grant","error_description":"x"}"#), "broken unauthorized"),
        (answer(401, r#"{"error":"invalid_client"}"#), "broken unauthorized"),
        (answer(503, r#"{"error":"token_endpoint"}"#), "transient server_error"),
        (answer(302, ""), "broken redirect"),
        (error(409, "duplicate", ""), "transient bad_answer"),
        (error(412, "conditionNotMet", ""), "transient bad_answer"),
        (Reply::failed(FailureKind::Timeout, ""), "transient timeout"),
        (Reply::failed(FailureKind::Connection, ""), "transient connection"),
        (Reply::failed(FailureKind::Dns, ""), "broken dns"),
        (Reply::failed(FailureKind::Tls, ""), "broken tls"),
        (Reply::failed(FailureKind::Credentials, ""), "broken unauthorized"),
    ] {
        let outcomes = insert(2, &reply);
        assert_eq!(outcomes.iter().map(brief).collect::<Vec<_>>(), [wanted; 2], "{reply:?}");
    }
}

#[test]
fn retry_after_is_kept() {
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    for (status, wanted) in [(429, "throttled Some(7) throttled"), (503, "throttled Some(7) throttled")] {
        let headers = vec![("retry-after", "7".to_owned())];
        let reply = Reply::Answer(Answer { status, headers, body: Bytes::new(), at });
        assert_eq!(brief(&insert(1, &reply)[0]), wanted);
    }
}

#[test]
fn the_free_tier_is_told_what_works_there_and_held_when_that_does_not_either() {
    let reply = error(403, "accessDenied", "Streaming insert is not allowed in the free tier");
    let Outcome::Deferred { fault, .. } = insert(1, &reply).remove(0) else { panic!("not to be loaded") };
    assert!(fault.answer.contains("write_method = \"load\""), "{}", fault.answer);
    let reply = error(403, "billingNotEnabled", "Billing has not been enabled");
    let outcome = judged(&Request::Load(rows(1)), 1, &reply, &Told::default()).remove(0);
    let Outcome::Broken(fault) = outcome else { panic!("not held: {outcome:?}") };
    assert!(fault.answer.contains("enable billing"), "{}", fault.answer);
}

#[test]
fn one_table_that_is_denied_holds_nobody_else_while_others_flow() {
    let memory = Told { others_flow: true, ..Told::default() };
    let reply = error(403, "accessDenied", "Access Denied: Table acme:analytics.t");
    let outcome = judged(&Request::Insert(rows(1)), 1, &reply, &memory).remove(0);
    assert_eq!((brief(&outcome).as_str(), place(&outcome).table.as_str()), ("deferred 60 forbidden", "t"));
}

#[test]
fn one_event_that_is_to_blame_is_refused_and_several_are_bisected() {
    let reply = answer(413, "<html>");
    assert_eq!(brief(&insert(1, &reply)[0]), "refused too_large");
    assert_eq!(brief(&insert(2, &reply)[0]), "suspect too_large");
}

#[test]
fn a_large_request_that_is_cut_off_is_bisected() {
    let row = |event| Row { event, text: 0..1, insert_id: String::new() };
    let text = Bytes::from(vec![b' '; 9 * 1024 * 1024]);
    let large = Rows { rows: vec![row(0), row(1)], text, ..Rows::default() };
    let reply = Reply::failed(FailureKind::Connection, "eof");
    let outcomes = judged(&Request::Insert(Arc::new(large)), 2, &reply, &Told::default());
    assert_eq!(outcomes.iter().map(brief).collect::<Vec<_>>(), ["suspect too_large"; 2]);
}

#[test]
fn a_load_job_takes_all_rows_or_none() {
    let load = |status| {
        let reply = answer(200, json!({ "status": status }));
        judged(&Request::Load(rows(2)), 2, &reply, &Told::default()).iter().map(brief).collect::<Vec<_>>()
    };
    let failed = |reason: &str, message: &str| {
        json!({ "state": "DONE", "errorResult": { "reason": reason, "message": message },
            "errors": [{ "reason": reason, "message": message }, { "reason": reason, "message": "No such field: a." }] })
    };
    let plain = |reason: &str, message: &str| json!({ "state": "DONE", "errorResult": { "reason": reason, "message": message } });
    assert_eq!(load(json!({ "state": "DONE" })), ["delivered"; 2]);
    // Some rows were skipped over, which `maxBadRecords` 0 forbids; what is in `errors` alone is a warning.
    assert_eq!(load(json!({ "state": "DONE", "errors": [{ "reason": "invalid" }] })), ["delivered"; 2]);
    assert_eq!(load(json!({ "state": "RUNNING" })), ["transient bad_answer"; 2]);
    assert_eq!(load(failed("invalid", "JSON table encountered too many errors")), ["deferred 3 schema"; 2]);
    for (reason, message, wanted) in [
        ("invalid", "Error while reading data", "suspect rejected"),
        ("notFound", "Not found: Table acme:analytics.t", "deferred 8 schema"),
        ("invalid", "Provided Schema does not match Table acme:analytics.t", "deferred 8 schema"),
        ("jobRateLimitExceeded", "", "throttled None throttled"),
        ("jobBackendError", "", "transient server_error"),
        ("jobInternalError", "", "transient server_error"),
        ("backendError", "", "transient server_error"),
        ("quotaExceeded", "Your table exceeded quota for imports per table", "deferred 30 throttled"),
        ("accessDenied", "Access Denied", "broken forbidden"),
        ("stopped", "", "transient server_error"),
    ] {
        assert_eq!(load(plain(reason, message)), [wanted; 2], "{reason}");
    }
}

#[test]
fn a_probe_is_content_without_a_dataset_that_is_made_when_it_is_needed() {
    let missing = error(404, "notFound", "Not found: Dataset acme:analytics");
    let names = Names { project: "acme".to_owned(), dataset: "analytics".to_owned() };
    for (makes_dataset, wanted) in [(true, "delivered"), (false, "broken not_found")] {
        let bench = Bench { names: &names, makes_dataset, memory: &Told::default() };
        let heard = hear(&Request::Probe, &missing);
        assert_eq!(brief(&outcomes(&Request::Probe, 1, &heard, &bench)[0]), wanted);
    }
    let probe = |reply: Reply| brief(&judged(&Request::Probe, 1, &reply, &Told::default())[0]);
    assert_eq!(probe(answer(200, "{}")), "delivered");
    assert_eq!(probe(error(403, "accessDenied", "")), "broken forbidden");
    assert_eq!(probe(error(400, "invalid", "")), "refused rejected");
}
