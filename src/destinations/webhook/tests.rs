//! The webhook as its receiver and its operator see it: planned requests, the table of answers, and requests on the wire.

use std::io::Read;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::destinations::kit::testing::{self, answered, attempt, event, setting, word};
use crate::destinations::{Answer, Client, FailureKind};
use crate::policy::outcome::Reason;
use crate::spec::signature::Signer;

fn fixtures() -> Vec<Arc<Event>> {
    vec![
        event(include_str!("fixtures/track.json")),
        event(include_str!("fixtures/identify.json")),
        event(include_str!("fixtures/page.json")),
    ]
}

fn config(url: &str) -> Config {
    Config { url: url.to_owned(), ..Config::default() }
}

fn webhook(format: Format) -> Webhook {
    Webhook::new(Config { format, ..config("https://example.com/") }, &setting("hook", true)).unwrap().0
}

fn posts(plan: Plan<Request>) -> Vec<(Post, Vec<usize>)> {
    let post = |request| match request {
        Request::Events(post) => post,
        Request::Probe => panic!("a plan probes nothing"),
    };
    plan.requests.into_iter().map(|planned| (post(planned.request), planned.events)).collect()
}

/// The plan as text, with each event's own JSON replaced by its index: how an event is written is the spec's business.
fn shown(format: Format) -> String {
    let events = fixtures();
    let mut shown = String::new();
    for (post, indexes) in posts(webhook(format).plan(&events, &attempt(2))) {
        let mut body = String::from_utf8(post.body.to_vec()).unwrap();
        for (index, event) in events.iter().enumerate() {
            let mut json = Vec::new();
            event.write_json(&mut json);
            body = body.replace(std::str::from_utf8(&json).unwrap(), &format!("<{index}>"));
        }
        let Post { id, attempt, content_type, .. } = post;
        shown += &format!("{id} attempt {attempt} {content_type} of {indexes:?}: {body:?}\n");
    }
    shown
}

#[test]
fn a_batch_is_one_request() {
    insta::assert_snapshot!(shown(Format::Batch), @r##"msg_31a6e741b81048b90f36c604259fc8e3 attempt 2 application/json of [0, 1, 2]: "{\"batch\":[<0>,<1>,<2>],\"sentAt\":\"2026-01-02T03:04:06.789Z\"}""##);
}

#[test]
fn an_array_is_one_request() {
    insta::assert_snapshot!(shown(Format::Array), @r##"msg_31a6e741b81048b90f36c604259fc8e3 attempt 2 application/json of [0, 1, 2]: "[<0>,<1>,<2>]""##);
}

#[test]
fn lines_are_one_request() {
    insta::assert_snapshot!(shown(Format::Ndjson), @r##"msg_31a6e741b81048b90f36c604259fc8e3 attempt 2 application/x-ndjson of [0, 1, 2]: "<0>\n<1>\n<2>\n""##);
}

#[test]
fn single_events_are_requests_with_ids_of_their_own() {
    insta::assert_snapshot!(shown(Format::Single), @r##"
    msg_90ace573b958e7370deb8e873127933d attempt 2 application/json of [0]: "<0>"
    msg_7a1c511a6c18be956ed1494627e2ddad attempt 2 application/json of [1]: "<1>"
    msg_0230ec6883d66017c97f77819ea7e3cd attempt 2 application/json of [2]: "<2>"
    "##);
}

#[test]
fn a_retry_has_the_same_id_and_the_same_bytes() {
    let events = fixtures();
    let [first, again] = [1, 7].map(|number| posts(webhook(Format::Batch).plan(&events, &attempt(number))).remove(0).0);
    assert_eq!((&first.id, &first.body), (&again.id, &again.body));
    assert_eq!((first.attempt, again.attempt), (1, 7));
}

#[test]
fn another_set_of_events_or_another_destination_has_another_id() {
    let events = fixtures();
    let id = |events: &[Arc<Event>], hook: &Webhook| posts(hook.plan(events, &attempt(1))).remove(0).0.id;
    let hook = webhook(Format::Batch);
    let other = Webhook { name: "other".to_owned(), ..webhook(Format::Batch) };
    assert_ne!(id(&events, &hook), id(&events[..2], &hook));
    assert_ne!(id(&events, &hook), id(&events, &other));
}

#[test]
fn an_empty_batch_plans_nothing() {
    assert!(webhook(Format::Batch).plan(&[], &attempt(1)).requests.is_empty());
}

// === Answers ===

fn judged(count: usize, reply: &Reply) -> Vec<Outcome> {
    testing::judged(&webhook(Format::Batch), &fixtures()[..count], reply)
}

/// Status, headers, the outcome for one event, the outcome for each of many.
type Row = (u16, &'static [(&'static str, &'static str)], &'static str, &'static str);

#[test]
fn every_status_has_its_meaning_for_one_event_and_for_many() {
    let table: &[Row] = &[
        (200, &[], "delivered", "delivered"),
        (204, &[], "delivered", "delivered"),
        (301, &[("location", "/x")], "broken redirect", "broken redirect"),
        (304, &[], "broken redirect", "broken redirect"),
        (400, &[], "refused rejected", "suspect rejected"),
        (401, &[], "broken unauthorized", "broken unauthorized"),
        (403, &[], "broken forbidden", "broken forbidden"),
        (404, &[], "broken not_found", "broken not_found"),
        (408, &[], "transient server_error", "transient server_error"),
        (410, &[], "broken gone", "broken gone"),
        (413, &[], "refused too_large", "suspect too_large"),
        (422, &[], "refused rejected", "suspect rejected"),
        (425, &[], "transient server_error", "transient server_error"),
        (429, &[], "throttled throttled", "throttled throttled"),
        (429, &[("retry-after", "9")], "throttled throttled 9s", "throttled throttled 9s"),
        (429, &[("retry-after", "86400")], "throttled throttled 3600s", "throttled throttled 3600s"),
        (500, &[], "transient server_error", "transient server_error"),
        (503, &[], "transient server_error", "transient server_error"),
        (503, &[("retry-after", "Fri, 02 Jan 2026 03:05:05 GMT")], "throttled throttled 60s", "throttled throttled 60s"),
        (503, &[("retry-after", "soon")], "transient server_error", "transient server_error"),
        (101, &[], "transient bad_answer", "transient bad_answer"),
        (999, &[], "transient bad_answer", "transient bad_answer"),
    ];
    for (status, headers, one, many) in table {
        let reply = answered(*status, headers, "");
        let words = |count| judged(count, &reply).iter().map(word).collect::<Vec<_>>();
        assert_eq!(words(1), [*one], "{status} {headers:?}");
        assert_eq!(words(2), [*many, *many], "{status} {headers:?}");
    }
}

#[test]
fn every_transport_failure_has_its_meaning() {
    let table = [
        (FailureKind::Timeout, "transient timeout"),
        (FailureKind::Connection, "transient connection"),
        (FailureKind::Dns, "broken dns"),
        (FailureKind::Tls, "broken tls"),
        (FailureKind::PrivateAddress, "broken private_address"),
        (FailureKind::Store, "transient store"),
    ];
    for (kind, expected) in table {
        let outcomes = judged(2, &Reply::failed(kind, "why"));
        assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), [expected, expected], "{kind:?}");
    }
}

#[test]
fn a_207_refuses_the_events_it_names_and_delivers_the_others() {
    for body in [
        r#"{"errors":[{"index":1,"message":"no such plan"}]}"#,
        r#"{"errors":[{"message_id":"msg-identify","message":"no such plan","code":7}],"more":1}"#,
        r#"{"errors":[{"messageId":"msg-identify","message":"no such plan"}]}"#,
    ] {
        let outcomes = judged(3, &answered(207, &[], body));
        assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), ["delivered", "refused rejected", "delivered"]);
        let Outcome::Refused(fault) = &outcomes[1] else { panic!("{outcomes:?}") };
        assert_eq!((fault.status, fault.answer.as_str()), (Some(207), "no such plan"));
    }
    assert_eq!(judged(2, &answered(207, &[], r#"{"errors":[]}"#)), [Outcome::Delivered, Outcome::Delivered]);
}

#[test]
fn a_207_that_cannot_be_understood_is_tried_again() {
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"errors":[{"message":"who?"}]}"#,
        r#"{"errors":[{"index":3,"message":"who?"}]}"#,
        r#"{"errors":[{"index":-1}]}"#,
        r#"{"errors":[{"message_id":"msg-else"}]}"#,
    ] {
        let outcomes = judged(3, &answered(207, &[], body));
        assert!(outcomes.iter().all(|outcome| word(outcome) == "transient bad_answer"), "{body}: {outcomes:?}");
        assert_eq!(outcomes.len(), 3);
    }
}

#[test]
fn a_probe_is_judged_by_what_it_says_about_the_address() {
    let hook = webhook(Format::Batch);
    let [probe] = hook.probe().try_into().unwrap();
    let table = [
        (200, "delivered"),
        (204, "delivered"),
        (404, "delivered"),
        (405, "delivered"),
        (501, "delivered"),
        (302, "broken redirect"),
        (401, "broken unauthorized"),
        (403, "broken forbidden"),
        (410, "broken gone"),
        (500, "transient server_error"),
    ];
    for (status, expected) in table {
        let outcomes = hook.judge(&probe, 1, &answered(status, &[], ""));
        assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), [expected], "{status}");
    }
}

#[test]
fn the_other_sides_words_are_kept_without_our_secrets() {
    let config = Config {
        secret: SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        headers: [("authorization".to_owned(), SecretString::from("Bearer geheim-geheim"))].into(),
        ..config("https://example.com/")
    };
    let (hook, _) = Webhook::new(config, &setting("hook", true)).unwrap();
    let plan = hook.plan(&fixtures(), &attempt(1));
    let said = "bad\ntoken Bearer geheim-geheim and whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let outcomes = hook.judge(&plan.requests[0].request, 3, &answered(401, &[], said));
    let Outcome::Broken(fault) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((fault.reason, fault.status), (Reason::Unauthorized, Some(401)));
    assert_eq!(fault.answer, "bad token Bearer *** and ***");
}

// === Settings ===

fn problems(config: Config, production: bool) -> Vec<String> {
    let problems = Webhook::new(config, &setting("hook", production)).map(drop).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_of_the_settings_are_said_at_once_and_without_values() {
    let config = Config {
        secret: SecretString::from("whsec_geheim!"),
        headers: [("webhook-id".to_owned(), SecretString::from("geheim"))].into(),
        ..config("ftp://geheim")
    };
    insta::assert_snapshot!(problems(config, true).join("\n"), @r##"
    `url` must begin with http:// or https://
    `secret` has no base64 after `whsec_`
    `headers` `webhook-id` is set by the router
    "##);
}

#[test]
fn a_bad_header_is_named() {
    for (name, value, expected) in [
        ("bad name", "x", "`headers` `bad name` is not a header's name"),
        ("x-key", "line\nbreak", "`headers` `x-key` has characters that no header may have"),
        ("Content-Length", "1", "`headers` `Content-Length` is set by the router"),
    ] {
        let headers = [(name.to_owned(), SecretString::from(value))].into();
        assert_eq!(problems(Config { headers, ..config("https://example.com") }, true), [expected]);
    }
}

#[test]
fn a_private_address_is_an_error_in_production_only() {
    assert!(Webhook::new(config("http://10.0.0.1/"), &setting("hook", false)).is_ok());
    let allowed = Config { allow_private_network: PrivateNetwork::Allowed, ..config("http://10.0.0.1/") };
    assert!(Webhook::new(allowed, &setting("hook", true)).is_ok());
    assert_eq!(
        problems(config("http://10.0.0.1/"), true),
        ["`url` is in a private network, which `allow_private_network` forbids"]
    );
}

// === The wire ===

/// What a receiver saw: head and body.
async fn received(config: impl FnOnce(String) -> Config, request: impl FnOnce(&Webhook) -> Request) -> (String, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (hook, wire) = Webhook::new(config(url), &setting("hook", false)).unwrap();
    let receiver = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let seen = read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        seen
    };
    let request = request(&hook);
    let (reply, seen) = tokio::join!(wire.send(&request), receiver);
    assert!(matches!(reply, Reply::Answer(Answer { status: 200, .. })), "{reply:?}");
    seen
}

async fn read_request(socket: &mut tokio::net::TcpStream) -> (String, Vec<u8>) {
    let mut seen = Vec::new();
    loop {
        assert_ne!(socket.read_buf(&mut seen).await.unwrap(), 0, "the request was cut");
        let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(seen[..end].to_vec()).unwrap();
        let length = value(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        if seen.len() >= end + 4 + length {
            return (head, seen.split_off(end + 4));
        }
    }
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn first_request(hook: &Webhook) -> Request {
    hook.plan(&fixtures(), &attempt(3)).requests.remove(0).request
}

#[tokio::test]
async fn a_request_is_signed_over_the_body_and_carries_the_attempt() {
    let signed = |url: String| Config { secret: SecretString::from("geheim"), ..config(&url) };
    let (head, body) = received(signed, first_request).await;
    assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
    let (id, stamp) = (value(&head, "webhook-id").unwrap(), value(&head, "webhook-timestamp").unwrap());
    let signer = Signer::new("geheim").unwrap().unwrap();
    let expected = signer.sign(id, stamp.parse().unwrap(), &body);
    assert_eq!(value(&head, "webhook-signature"), Some(expected.as_str()));
    assert_eq!(value(&head, "x-opentrack-attempt"), Some("3"));
    assert_eq!(value(&head, "content-type"), Some("application/json"));
    assert!(stamp.parse::<i64>().unwrap() > attempt(1).first_at.as_second(), "the stamp is of this attempt");
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed_but_the_id_is_there() {
    let (head, _) = received(|url| config(&url), first_request).await;
    assert_eq!(value(&head, "webhook-signature"), None);
    assert!(value(&head, "webhook-id").unwrap().starts_with("msg_"));
}

#[tokio::test]
async fn a_large_body_is_compressed_and_signed_as_it_was_before() {
    let signed = |url: String| Config {
        secret: SecretString::from("geheim"),
        compression: Compression::Gzip,
        ..config(&url)
    };
    let (head, body) = received(signed, first_request).await;
    assert_eq!(value(&head, "content-encoding"), Some("gzip"));
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain).unwrap();
    let Request::Events(post) = first_request(&webhook(Format::Batch)) else { panic!("a probe") };
    assert_eq!(plain, post.body);
    let (id, stamp) = (value(&head, "webhook-id").unwrap(), value(&head, "webhook-timestamp").unwrap());
    let signer = Signer::new("geheim").unwrap().unwrap();
    let expected = signer.sign(id, stamp.parse().unwrap(), &plain);
    assert_eq!(value(&head, "webhook-signature"), Some(expected.as_str()));
}

#[tokio::test]
async fn neither_a_small_body_nor_one_to_this_machine_is_compressed() {
    let (head, _) = received(|url| config(&url), first_request).await;
    assert_eq!(value(&head, "content-encoding"), None);
    let small = |hook: &Webhook| hook.plan(&fixtures()[1..2], &attempt(1)).requests.remove(0).request;
    let always = |url: String| Config { compression: Compression::Gzip, ..config(&url) };
    let (head, body) = received(always, small).await;
    assert!(body.len() < 1024, "{}", body.len());
    assert_eq!(value(&head, "content-encoding"), None);
}

#[tokio::test]
async fn a_probe_is_a_head_with_the_headers_and_without_an_event() {
    let with_key = |url: String| Config {
        headers: [("X-Key".to_owned(), SecretString::from("abc"))].into(),
        ..config(&url)
    };
    let (head, body) = received(with_key, |hook| hook.probe().remove(0)).await;
    assert!(head.starts_with("HEAD /hook HTTP/1.1\r\n"), "{head}");
    assert_eq!(value(&head, "x-key"), Some("abc"));
    assert!(body.is_empty());
}
