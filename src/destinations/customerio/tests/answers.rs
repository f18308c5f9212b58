//! What answers mean for each event.

use super::*;
use crate::destinations::FailureKind;
use crate::destinations::kit::testing::{answered, word};

const MERGE: &str = ALIAS;

/// The outcome of each of these events, which share one request, in words.
fn judged(events: &[&str], status: u16, headers: &[(&'static str, &str)], body: &str) -> Vec<String> {
    outcomes(events, &answered(status, headers, body)).iter().map(word).collect()
}

fn outcomes(events: &[&str], reply: &Reply) -> Vec<Outcome> {
    let plan = planned("", events);
    let [planned] = plan.requests.as_slice() else { panic!("{plan:?}") };
    customerio("").judge(&planned.request, planned.events.len(), reply)
}

/// What is said about the first event.
fn words(outcomes: &[Outcome]) -> String {
    match &outcomes[0] {
        Outcome::Refused(fault) | Outcome::Suspect(fault) | Outcome::Broken(fault) | Outcome::Transient(fault) => {
            fault.answer.clone()
        }
        other => panic!("{other:?}"),
    }
}

/// Status, headers, the outcome for one event, the outcome for each of many.
type Row = (u16, &'static [(&'static str, &'static str)], &'static str, &'static str);

#[test]
fn every_status_has_its_meaning_for_one_event_and_for_many() {
    let table: &[Row] = &[
        (200, &[], "delivered", "delivered"),
        (204, &[], "delivered", "delivered"),
        (301, &[("location", "https://elsewhere.example/")], "broken redirect", "broken redirect"),
        (400, &[], "refused rejected", "suspect rejected"),
        (401, &[], "broken unauthorized", "broken unauthorized"),
        (403, &[], "broken forbidden", "broken forbidden"),
        (404, &[], "broken not_found", "broken not_found"),
        (408, &[], "transient server_error", "transient server_error"),
        (413, &[], "refused too_large", "suspect too_large"),
        (425, &[], "transient server_error", "transient server_error"),
        (429, &[], "throttled throttled", "throttled throttled"),
        (429, &[("retry-after", "9")], "throttled throttled 9s", "throttled throttled 9s"),
        (500, &[], "transient server_error", "transient server_error"),
        (502, &[], "transient server_error", "transient server_error"),
        (503, &[("retry-after", "7")], "throttled throttled 7s", "throttled throttled 7s"),
    ];
    for (status, headers, one, many) in table {
        assert_eq!(judged(&[TRACK], *status, headers, ""), [*one], "{status}");
        assert_eq!(judged(&[TRACK, PAGE], *status, headers, ""), [*many; 2], "{status}");
    }
}

#[test]
fn every_transport_failure_has_its_meaning() {
    for (kind, expected) in [
        (FailureKind::Timeout, "transient timeout"),
        (FailureKind::Connection, "transient connection"),
        (FailureKind::Dns, "broken dns"),
        (FailureKind::Tls, "broken tls"),
    ] {
        let outcomes = outcomes(&[TRACK], &Reply::failed(kind, "why"));
        assert_eq!(word(&outcomes[0]), expected);
    }
}

#[test]
fn a_207_refuses_the_items_that_it_names_and_delivers_the_others() {
    let body = r#"{"errors":[{"batch_index":1,"reason":"invalid","field":"attributes.plan","message":"must not be blank"}]}"#;
    let calls = [IDENTIFY, TRACK, PAGE];
    for status in [200, 207] {
        assert_eq!(judged(&calls, status, &[], body), ["delivered", "refused rejected", "delivered"]);
    }
    let said = words(&outcomes(&calls, &answered(207, &[], body))[1..]);
    assert_eq!(said, "attributes.plan: must not be blank (invalid)");
    for (body, said) in [
        (r#"{"errors":[{"batch_index":0,"message":"no"}]}"#, "no"),
        (r#"{"errors":[{"batch_index":0,"field":"name"}]}"#, "name"),
        (r#"{"errors":[{"batch_index":0,"reason":"required","field":"name"}]}"#, "name (required)"),
    ] {
        assert_eq!(words(&outcomes(&calls, &answered(207, &[], body))), said);
    }
}

#[test]
fn an_event_of_several_items_is_refused_when_one_of_them_is() {
    let traits: Vec<String> = (0..400).map(|n| format!("\"a{n}\":{n}")).collect();
    let large = format!(r#"{{"type":"identify","messageId":"m","userId":"u","traits":{{{}}}}}"#, traits.join(","));
    let calls = [TRACK, &large, PAGE];
    for (index, expected) in [
        (0, ["refused rejected", "delivered", "delivered"]),
        (1, ["delivered", "refused rejected", "delivered"]),
        (2, ["delivered", "refused rejected", "delivered"]),
        (3, ["delivered", "delivered", "refused rejected"]),
    ] {
        let body = format!(r#"{{"errors":[{{"batch_index":{index},"message":"no"}}]}}"#);
        assert_eq!(judged(&calls, 207, &[], &body), expected, "{index}");
    }
}

#[test]
fn an_error_without_field_reason_or_message_refuses_its_item_alone() {
    let calls = [IDENTIFY, TRACK, PAGE];
    let body = r#"{"errors":[{"batch_index":1,"reason":null,"field":null,"message":"no"}],"meta":null}"#;
    assert_eq!(judged(&calls, 207, &[], body), ["delivered", "refused rejected", "delivered"]);
    assert_eq!(words(&outcomes(&calls, &answered(207, &[], body))[1..]), "no");
    let bare = r#"{"errors":[{"batch_index":2,"reason":7,"field":["a"],"message":null}]}"#;
    assert_eq!(judged(&calls, 207, &[], bare), ["delivered", "delivered", "refused rejected"]);
}

#[test]
fn a_200_that_cannot_be_read_is_tried_again() {
    let calls = [IDENTIFY, TRACK];
    for body in ["<html>log in</html>", "}{", "[]", "7"] {
        assert_eq!(judged(&calls, 200, &[], body), ["transient bad_answer"; 2], "{body}");
        assert_eq!(judged(&[TRACK], 200, &[], body), ["transient bad_answer"], "{body}");
    }
    for body in ["", "{}", " {\"errors\":[]} ", "{\"errors\":null}"] {
        assert_eq!(judged(&calls, 200, &[], body), ["delivered"; 2], "{body}");
    }
}

#[test]
fn a_207_that_names_no_item_is_halved_until_it_can_only_mean_one_event() {
    let calls = [IDENTIFY, TRACK];
    for body in ["", "{", "{}", "[]", "<html>", r#"{"errors":[]}"#, r#"{"errors":null}"#] {
        assert_eq!(judged(&calls, 207, &[], body), ["suspect bad_answer"; 2], "{body}");
        assert_eq!(judged(&[TRACK], 207, &[], body), ["refused bad_answer"], "{body}");
        assert_eq!(judged(&[MERGE], 207, &[], body), ["refused bad_answer"], "{body}");
    }
    for body in [
        r#"{"errors":[{"message":"who?"}]}"#,
        r#"{"errors":[{"batch_index":0,"message":"no"},{"batch_index":2,"message":"who?"}]}"#,
        r#"{"errors":[{"batch_index":-1,"message":"who?"}]}"#,
        r#"{"errors":[{"batch_index":"x","message":"who?"}]}"#,
    ] {
        assert_eq!(judged(&calls, 207, &[], body), ["suspect rejected"; 2], "{body}");
        assert_eq!(judged(&[TRACK], 207, &[], body), ["refused rejected"], "{body}");
        assert!(words(&outcomes(&[TRACK], &answered(207, &[], body))).ends_with("who?"), "{body}");
    }
    let said = words(&outcomes(&[TRACK], &answered(207, &[], "<html>")));
    assert_eq!(said, "207 with an answer that is not Customer.io's: <html>");
}

#[test]
fn a_merge_with_somebody_unknown_is_done_and_any_other_refusal_of_one_is_one() {
    let done = [
        r#"{"errors":[{"batch_index":0,"reason":"invalid","field":"secondary","message":"not found"}]}"#,
        r#"{"errors":[{"field":"secondary.id","message":null}]}"#,
        r#"{"errors":[{"message":"Secondary customer not found"}]}"#,
    ];
    let refused = [
        r#"{"errors":[{"batch_index":0,"reason":"invalid","field":"primary.id","message":"not found"}]}"#,
        r#"{"errors":[{"reason":"invalid","message":"no such person"}]}"#,
        r#"{"errors":[{"field":"secondary"},{"field":"primary.id"}]}"#,
        r#"{"errors":[{"message":"primary is suppressed, secondary is kept"}]}"#,
    ];
    for status in [207, 400] {
        for body in done {
            assert_eq!(judged(&[MERGE], status, &[], body), ["delivered"], "{status} {body}");
        }
        for body in refused {
            assert_eq!(judged(&[MERGE], status, &[], body), ["refused rejected"], "{status} {body}");
        }
    }
    let v1 = |said: &str| judged(&[MERGE], 400, &[], &format!(r#"{{"meta":{{"error":"{said}"}}}}"#));
    assert_eq!(v1("secondary customer not found"), ["delivered"]);
    assert_eq!(v1("primary customer is suppressed"), ["refused rejected"]);
    for body in ["", "{}", "[]", "<html>", r#"{"error":"a proxy says no"}"#, r#"{"meta":{}}"#] {
        assert_eq!(judged(&[MERGE], 400, &[], body), ["refused rejected"], "{body}");
    }
    let other = r#"{"type":"track","messageId":"m","userId":"somebody","event":"X"}"#;
    assert_eq!(judged(&[MERGE, other], 400, &[], ""), ["suspect rejected"; 2], "it may be the other one");
}

#[test]
fn a_400_is_told_in_the_words_of_its_errors() {
    let body = r#"{"errors":[{"reason":"required","field":"name","message":"must be set"},{"message":"and more"}]}"#;
    let said = words(&outcomes(&[TRACK], &answered(400, &[], body)));
    assert_eq!(said, "name: must be set (required); and more");
    let v1 = r#"{"meta":{"error":"name cannot be blank"}}"#;
    assert_eq!(words(&outcomes(&[TRACK], &answered(400, &[], v1))), "name cannot be blank");
}

#[test]
fn a_redirect_to_the_other_region_says_which_to_set() {
    let headers = [("location", "https://track-eu.customer.io/api/v2/batch")];
    let said = words(&outcomes(&[TRACK], &answered(301, &headers, "")));
    assert!(said.starts_with("the account is in the EU data center: set `region = \"EU\"`"), "{said}");
}

#[test]
fn a_report_about_a_message_is_judged_by_its_status() {
    let report = r#"{"type":"track","messageId":"m","userId":"u","event":"Report Delivery Event","properties":{"deliveryId":"d","metric":"opened"}}"#;
    for (status, expected) in [(200, "delivered"), (400, "refused rejected"), (401, "broken unauthorized"), (500, "transient server_error")] {
        assert_eq!(judged(&[report], status, &[], ""), [expected]);
    }
}

fn asked(customerio: &CustomerIo, probe: usize, status: u16, body: &str) -> Outcome {
    customerio.judge(&customerio.probe()[probe], 1, &answered(status, &[], body)).remove(0)
}

#[test]
fn a_probe_tells_the_wrong_region() {
    let (us, eu) = (customerio(""), customerio("region = \"EU\""));
    let home =
        |region: &str| format!(r#"{{"url":"https://track.customer.io","region":"{region}","environment_id":3}}"#);
    assert_eq!(asked(&us, 0, 200, &home("us")), Outcome::Delivered);
    assert_eq!(asked(&eu, 0, 200, &home("eu")), Outcome::Delivered);
    for (customerio, there, region) in [(&us, "eu", "EU"), (&eu, "us", "US")] {
        let outcome = asked(customerio, 0, 200, &home(there));
        assert_eq!(word(&outcome), "broken redirect");
        let expected = format!("the account is in the {region} data center: set `region = \"{region}\"`");
        assert_eq!(words(&[outcome]), expected);
    }
}

#[test]
fn a_probe_tells_the_wrong_key_and_the_missing_right() {
    let us = customerio("");
    let outcome = asked(&us, 0, 401, r#"{"message":"Unauthorized"}"#);
    assert_eq!(word(&outcome), "broken unauthorized");
    assert!(words(&[outcome]).ends_with("`site_id` and `api_key` must be a pair of the Track API"));
    for (probe, status, body, expected) in [
        (0, 200, "<html>", "transient bad_answer"),
        (0, 500, "", "transient server_error"),
        (1, 200, "", "delivered"),
        (1, 400, "", "delivered"),
        (1, 401, "", "broken unauthorized"),
        (1, 403, "", "broken forbidden"),
        (1, 404, "", "broken not_found"),
    ] {
        assert_eq!(word(&asked(&us, probe, status, body)), expected, "{probe} {status}");
    }
    let bodies: Vec<_> = us.probe().into_iter().map(|request| request.call.body).collect();
    assert_eq!(bodies, [&b""[..], br#"{"batch":[]}"#]);
}

#[test]
fn the_other_sides_words_are_kept_without_the_key() {
    let said = words(&outcomes(&[TRACK], &answered(401, &[], "bad key geheim-0123")));
    assert_eq!(said, "bad key ***");
    // site:geheim-0123, as it goes out.
    let echo = "{\"authorization\":\"Basic c2l0ZTpnZWhlaW0tMDEyMw==\"}";
    let said = words(&outcomes(&[TRACK], &answered(401, &[], echo)));
    assert_eq!(said, "{\"authorization\":\"Basic ***\"}");
}

#[tokio::test]
async fn an_answer_that_refuses_a_thousand_items_is_read_whole() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (customerio, wire) = built(&format!("endpoint = \"http://{}/\"", listener.local_addr().unwrap()));
    let words = "x".repeat(500);
    let errors: Vec<String> =
        (0..1000).map(|index| format!(r#"{{"batch_index":{index},"message":"{words}"}}"#)).collect();
    let body = format!(r#"{{"errors":[{}]}}"#, errors.join(","));
    let peer = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        assert!(socket.read(&mut [0; 1024]).await.unwrap() > 0);
        let head = format!("HTTP/1.1 207 Multi-Status\r\nContent-Length: {}\r\n\r\n", body.len());
        socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    };
    let question = &customerio.probe()[0];
    let (reply, ()) = tokio::join!(wire.send(question), peer);
    let Reply::Answer(answer) = reply else { panic!("{reply:?}") };
    assert_eq!(answer.body.len(), body.len());
}
