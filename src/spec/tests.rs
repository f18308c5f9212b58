//! The contract of the door, told as bodies and what becomes of them.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const AT: &str = "2026-11-20T12:00:00.250Z";

fn arrival() -> Arrival {
    Arrival {
        received_at: AT.parse().unwrap(),
        source: Arc::from("web"),
        ip: None,
        client_side: false,
        signals: Default::default(),
    }
}

fn browser() -> Arrival {
    Arrival { ip: Some("203.0.113.9".parse().unwrap()), client_side: true, ..arrival() }
}

const LIMITS: Limits = Limits { max_event_bytes: 1 << 20 };

fn take(body: impl Into<Vec<u8>>, endpoint: Endpoint) -> Intake {
    read(Bytes::from(body.into()), endpoint).unwrap().believe(&arrival(), &LIMITS)
}

fn batch(elements: &[&str]) -> Intake {
    take(format!("{{\"batch\":[{}]}}", elements.join(",")), Endpoint::Batch)
}

fn one(kind: Kind, body: &str) -> Event {
    let mut intake = take(body, Endpoint::One(kind));
    assert!(intake.rejected.is_empty(), "{body}: {:?}", intake.rejected);
    intake.events.remove(0)
}

fn problems(kind: Kind, body: &str) -> Vec<(&'static str, String)> {
    let intake = take(body, Endpoint::One(kind));
    let found = intake.rejected.first().map(|rejected| rejected.problems.clone()).unwrap_or_default();
    found.into_iter().map(|problem| (problem.code.as_str(), problem.path)).collect()
}

fn composed(event: &Event) -> String {
    let mut out = Vec::new();
    event.write_json(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), event.tree());
    text
}

/// What the composed event must be, made the slow way.
fn oracle(event: &Event) -> Value {
    let mut tree: Value = serde_json::from_slice(&event.raw).unwrap();
    let object = tree.as_object_mut().unwrap();
    let sent = |name: &str| object.get(name).filter(|value| !value.is_null()).cloned();
    let original = sent("timestamp").or_else(|| sent("originalTimestamp"));
    object.remove("writeKey");
    object.remove("originalTimestamp");
    object.insert("type".into(), json!(event.head.kind.as_str()));
    object.insert("messageId".into(), json!(event.head.message_id));
    object.insert("receivedAt".into(), json!(time::format_us(event.receipt.received_at)));
    object.insert("timestamp".into(), json!(time::format_exact(event.receipt.timestamp)));
    if let Some(original) = original {
        object.insert("originalTimestamp".into(), original);
    }
    if let Some(at) = event.receipt.sent_at {
        object.insert("sentAt".into(), json!(time::format_exact(at)));
    }
    if let Some(ip) = event.receipt.ip {
        let context = object.entry("context").or_insert(Value::Null);
        if context.is_null() {
            *context = json!({});
        }
        context.as_object_mut().unwrap().entry("ip").or_insert(json!(ip.to_string()));
    }
    tree
}

const TRACK: &str = r#"{"type":"track","event":"A","userId":"u"}"#;

// === The request ===

#[test]
fn a_body_that_is_no_json_is_refused_as_a_whole_and_one_that_is_no_object_by_its_code() {
    for endpoint in [Endpoint::Batch, Endpoint::One(Kind::Track)] {
        for body in ["", "  \n", "nope", "{", "{\"batch\":[", "{}}", "[{]"] {
            let error = read(Bytes::from(body), endpoint).unwrap_err();
            assert_eq!((error.code(), error.path()), ("invalid_json", ""), "{body}");
        }
    }
    for body in ["[]", "5", "\"x\"", "null"] {
        let error = read(Bytes::from(body), Endpoint::Batch).unwrap_err();
        assert_eq!((error.code(), error.path()), ("invalid_json", ""), "{body}");
        let intake = read(Bytes::from(body), Endpoint::One(Kind::Track)).unwrap();
        let intake = intake.believe(&arrival(), &LIMITS);
        assert_eq!(intake.rejected[0].problems[0].code, Code::NotAnObject, "{body}");
    }
    let error = read(Bytes::from_static(b"\xff\xfe{\x00}\x00"), Endpoint::Batch).unwrap_err();
    assert_eq!(error.code(), "bad_encoding");
    let error = read(Bytes::from_static(b"{\"userId\": tru}"), Endpoint::One(Kind::Track)).unwrap_err();
    assert_eq!(error.code(), "invalid_json");
}

#[test]
fn a_batch_that_is_missing_or_no_list_is_named() {
    for body in [
        "{}",
        r#"{"batch":null}"#,
        r#"{"batch":5}"#,
        r#"{"batch":-5.5}"#,
        r#"{"batch":"x"}"#,
        r#"{"batch":true}"#,
        r#"{"batch":{"a":[{"b":1}]}}"#,
        r#"{"a":NaN}"#,
        r#"{"a":NaN,"batch":{}}"#,
    ] {
        let error = read(Bytes::from(body), Endpoint::Batch).unwrap_err();
        assert_eq!((error.code(), error.path()), ("invalid_json", "batch"), "{body}");
    }
}

#[test]
fn a_batch_of_more_calls_than_a_request_may_cost_is_refused_as_a_whole() {
    for element in ["1", "NaN"] {
        let most = [element; 100_000].join(",");
        assert_eq!(take(format!("{{\"batch\":[{most}]}}"), Endpoint::Batch).rejected.len(), 100_000);
        let more = format!("{{\"batch\":[{most},{element},{element}],\"sentAt\":1}}");
        let refused = read(Bytes::from(more), Endpoint::Batch).unwrap_err();
        assert_eq!((refused.code(), refused.path()), ("body_too_large", "batch"), "{element}");
    }
}

#[test]
fn an_empty_batch_and_unknown_members_are_fine() {
    let body = r#"{"x":[{"batch":5}],"batch":[],"timestamp":"never","sentAt":17}"#;
    let envelope = read(Bytes::from(body), Endpoint::Batch).unwrap();
    assert!(envelope.is_empty() && envelope.write_key.is_none());
    assert_eq!(read(Bytes::from(format!("\u{feff} {body}\n")), Endpoint::Batch).unwrap().len(), 0);
}

#[test]
fn the_write_key_is_known_before_belief() {
    let key = |body: &str, endpoint| read(Bytes::from(body.to_owned()), endpoint).unwrap().write_key;
    assert_eq!(key(r#"{"writeKey":"k","batch":[{"writeKey":"e"}]}"#, Endpoint::Batch).as_deref(), Some("k"));
    assert_eq!(key(r#"{"batch":[5,{"a":1},{"writeKey":"e"}]}"#, Endpoint::Batch).as_deref(), Some("e"));
    assert_eq!(key(r#"{"writeKey":"","batch":[{"writeKey":null}]}"#, Endpoint::Batch), None);
    assert_eq!(key(r#"{"a":NaN,"writeKey":"k","batch":[]}"#, Endpoint::Batch).as_deref(), Some("k"));
    assert_eq!(key(r#"{"writeKey":"k"}"#, Endpoint::One(Kind::Track)).as_deref(), Some("k"));
    assert_eq!(key(r#"{"a":NaN,"writeKey":"k"}"#, Endpoint::One(Kind::Track)).as_deref(), Some("k"));
    assert_eq!(key(r#"{"properties":{"writeKey":"k"}}"#, Endpoint::One(Kind::Track)), None);
}

// === The rules ===

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_kind_needs_what_its_file_says() {
    use Kind::*;
    for (kind, body, expected) in [
        (Track, r#"{"event":"A"}"#, vec![("missing_identity", "userId")]),
        (Track, r#"{"userId":"u"}"#, vec![("missing_event", "event")]),
        (Track, r#"{"userId":"u","event":""}"#, vec![("missing_event", "event")]),
        (Track, "{}", vec![("missing_identity", "userId"), ("missing_event", "event")]),
        (Identify, r#"{"userId":null,"anonymousId":""}"#, vec![("missing_identity", "userId")]),
        (Page, r#"{"anonymousId":"a","name":5}"#, vec![("wrong_type", "name")]),
        (Screen, "{}", vec![("missing_identity", "userId")]),
        (Group, r#"{"userId":"u"}"#, vec![("missing_group_id", "groupId")]),
        (
            Alias,
            r#"{"anonymousId":"a"}"#,
            vec![("missing_previous_id", "previousId"), ("missing_user_id", "userId")],
        ),
        (Track, r#"{"userId":5,"event":["A"]}"#, vec![("wrong_type", "event"), ("wrong_type", "userId")]),
        (
            Track,
            r#"{"userId":"u","event":"A","properties":[],"context":"x","traits":1,"integrations":false}"#,
            vec![
                ("wrong_type", "context"),
                ("wrong_type", "integrations"),
                ("wrong_type", "properties"),
                ("wrong_type", "traits"),
            ],
        ),
        (
            Identify,
            r#"{"userId":"u","timestamp":"0000-01-01T00:00:00Z","sentAt":"99999-01-01","originalTimestamp":5}"#,
            vec![
                ("bad_timestamp", "originalTimestamp"),
                ("bad_timestamp", "sentAt"),
                ("bad_timestamp", "timestamp"),
            ],
        ),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(code, path)| (code, path.to_owned())).collect();
        assert_eq!(problems(kind, body), expected, "{body}");
    }
    for (kind, body) in [
        (
            Track,
            r#"{"event":"A","userId":null,"anonymousId":"a","properties":null,"context":null,"timestamp":null}"#,
        ),
        (Identify, r#"{"userId":"u","event":5,"groupId":7}"#),
        (Page, r#"{"anonymousId":"a","name":null}"#),
        (Screen, r#"{"userId":"u","name":""}"#),
        (Group, r#"{"anonymousId":"a","groupId":"g"}"#),
        (Alias, r#"{"userId":"u","previousId":"p"}"#),
    ] {
        assert_eq!(problems(kind, body), [], "{body}");
    }
}

#[test]
fn what_is_too_long_is_named() {
    let long = |name: &str, length: usize| {
        format!(r#"{{"userId":"u","event":"A","{name}":"{}"}}"#, "é".repeat(length))
    };
    assert_eq!(problems(Kind::Track, &long("messageId", 255)), []);
    assert_eq!(problems(Kind::Track, &long("messageId", 256)), [("too_long", "messageId".to_owned())]);
    assert_eq!(problems(Kind::Track, &long("messageId", 10_240)), [("too_long", "messageId".to_owned())]);
    assert_eq!(problems(Kind::Track, &long("anonymousId", 8192)), []);
    assert_eq!(problems(Kind::Track, &long("anonymousId", 8193)), [("too_long", "anonymousId".to_owned())]);
    assert_eq!(problems(Kind::Track, &long("event", 8193)), [("too_long", "event".to_owned())]);
}

#[test]
fn a_missing_null_or_empty_message_id_is_made_from_the_arrival() {
    for body in
        [r#"{"userId":"u"}"#, r#"{"messageId":null,"userId":"u"}"#, r#"{"userId":"u","messageId":""}"#]
    {
        let event = one(Kind::Identify, body);
        let id = uuid::Uuid::parse_str(&event.head.message_id).unwrap();
        let (second, nanosecond) = id.get_timestamp().unwrap().to_unix();
        let made_at = Timestamp::new(second.cast_signed(), nanosecond.cast_signed()).unwrap();
        assert_eq!(made_at.as_millisecond(), AT.parse::<Timestamp>().unwrap().as_millisecond());
        assert_eq!(event.receipt.message_id.as_ref(), Some(&event.head.message_id));
        assert_eq!(event.tree()["messageId"], json!(event.head.message_id));
        assert_eq!(composed(&event).matches("messageId").count(), 1);
    }
}

#[test]
fn the_type_of_a_batch_element_is_required_and_friendly() {
    let intake = batch(&[
        TRACK,
        r#"{"type":"IDENTIFY","userId":"u"}"#,
        r#"{"userId":"u","messageId":"m"}"#,
        r#"{"type":"buy","userId":"u"}"#,
        r#"{"type":7,"userId":"u"}"#,
    ]);
    assert_eq!(intake.events[1].tree()["type"], "identify");
    let rejected: Vec<_> = intake.rejected.iter().map(|r| (r.index, r.problems[0].code)).collect();
    assert_eq!(rejected, [(2, Code::UnknownType), (3, Code::UnknownType), (4, Code::UnknownType)]);
    assert_eq!(intake.rejected[0].message_id.as_deref(), Some("m"));
    assert_eq!(one(Kind::Page, r#"{"type":"buy","userId":"u"}"#).tree()["type"], "page");
}

// === Bad neighbours ===

#[test]
fn of_a_call_that_is_set_aside_no_more_of_the_message_id_is_kept_than_one_may_have() {
    let long = "é".repeat(100_000);
    let intake = batch(&[&format!(r#"{{"type":"track","event":"e","userId":"u","messageId":"{long}"}}"#)]);
    assert_eq!(intake.rejected[0].message_id, Some("é".repeat(255)));
}

#[test]
fn one_bad_element_costs_only_itself() {
    let deep = format!(
        r#"{{"type":"track","userId":"u","event":"A","properties":{}{}}}"#,
        "[".repeat(1_000_000),
        "]".repeat(1_000_000)
    );
    let deep = deep.replacen("\"properties\":[", "\"properties\":{\"a\":[", 1) + "}";
    let large = format!(r#"{{"type":"track","userId":"u","event":"A","x":"{}"}}"#, "x".repeat(1 << 20));
    for (bad, code) in [
        ("5", Code::NotAnObject),
        ("null", Code::NotAnObject),
        ("[]", Code::NotAnObject),
        (r#"{"type":"track","x":tru}"#, Code::BadJson),
        (r#"{"type":"track" "x":1}"#, Code::BadJson),
        (r#"{"type":"track","userId":"u","event":"A","x":1e400}"#, Code::BadJson),
        (deep.as_str(), Code::TooDeep),
        (large.as_str(), Code::TooLarge),
        (r#"{"type":"track","event":"A"}"#, Code::MissingIdentity),
    ] {
        let intake = batch(&[TRACK, bad, TRACK]);
        let name: String = bad.chars().take(60).collect();
        assert_eq!(intake.events.len(), 2, "{name}");
        assert_eq!((intake.rejected[0].index, intake.rejected[0].problems[0].code), (1, code), "{name}");
        assert_eq!(intake.rejected[0].raw, bad.as_bytes());
        assert!(intake.events.iter().all(|event| event.raw == TRACK.as_bytes()));
    }
}

#[test]
fn invalid_utf_8_spoils_only_its_event() {
    let mut body = format!("{{\"batch\":[{TRACK},").into_bytes();
    let bad = b"{\"type\":\"track\",\"event\":\"\xc3\x28\",\"userId\":\"u\"}";
    body.extend_from_slice(bad);
    body.extend_from_slice(format!(",{TRACK}]}}").as_bytes());
    let intake = take(body, Endpoint::Batch);
    assert_eq!(intake.events.len(), 2);
    assert_eq!(intake.rejected[0].problems[0].code, Code::BadJson);
    assert!(intake.rejected[0].problems[0].message.starts_with("invalid UTF-8"));
    assert_eq!(intake.rejected[0].raw, bad[..]);
    let single = take(bad.to_vec(), Endpoint::One(Kind::Track));
    assert_eq!(single.rejected[0].problems[0].code, Code::BadJson);
}

#[test]
fn python_floats_without_a_json_form_become_null() {
    let body = r#"{"sentAt":"2026-11-20T12:00:00Z","batch":[{"type":"track","event":"NaN","userId":"u","properties":{"a":NaN,"b":-Infinity}}]}"#;
    let intake = take(body, Endpoint::Batch);
    assert_eq!(intake.events[0].properties().unwrap()["b"], Value::Null);
    assert_eq!(intake.events[0].head.name.as_deref(), Some("NaN"));
    assert!(intake.events[0].receipt.sent_at.is_some());
    assert_eq!(one(Kind::Track, r#"{"event":"A","userId":"u","x":Infinity}"#).tree()["x"], Value::Null);
}

#[test]
fn half_surrogates_are_repaired_wherever_they_stand() {
    let event = one(Kind::Track, r#"{"event":"cut \ud83d","userId":"\ud83d\ude00","\ude00":"\ud83d\u0041"}"#);
    assert_eq!(event.head.name.as_deref(), Some("cut \u{fffd}"));
    assert_eq!(event.head.user_id.as_deref(), Some("😀"));
    assert_eq!(event.tree()["\u{fffd}"], "\u{fffd}A");
}

#[test]
fn a_number_out_of_range_is_told() {
    let intake = take(r#"{"event":"A","userId":"u","x":[1e400]}"#, Endpoint::One(Kind::Track));
    assert_eq!(intake.rejected[0].problems[0].message, "the number `1e400` is out of range");
}

// === What is kept and added ===

#[test]
fn the_client_s_text_is_kept_byte_for_byte() {
    let body = r#"{ "event":"A" , "userId":"u","properties":{"n":1000000000000000000000000000000,"f":42.00,"e":"\u00e9"}, "_metadata":{"x":1},"anonymousId":null,"messageId":"m"}"#;
    let event = one(Kind::Track, body);
    assert_eq!(event.raw, body.as_bytes());
    let rest = body.strip_prefix('{').unwrap();
    assert!(composed(&event).ends_with(rest), "{}", composed(&event));
    assert_eq!(event.head.anonymous_id, None);
}

#[test]
fn the_composed_event_has_what_the_server_says() {
    let body = r#"{"writeKey":"secret","type":"x","timestamp":"2026-11-20T11:59:00.123456Z","event":"A","receivedAt":"forged","userId":"u","messageId":"m","context":{"library":{}}}"#;
    let mut intake =
        read(Bytes::from(body), Endpoint::One(Kind::Track)).unwrap().believe(&browser(), &LIMITS);
    let event = intake.events.remove(0);
    insta::assert_snapshot!(composed(&event), @r#"{"type":"track","originalTimestamp":"2026-11-20T11:59:00.123456Z","timestamp":"2026-11-20T11:59:00.123456Z","receivedAt":"2026-11-20T12:00:00.250000Z","event":"A","userId":"u","messageId":"m","context":{"ip":"203.0.113.9","library":{}}}"#);
    assert_eq!(event.tree(), &oracle(&event));
}

#[test]
fn the_address_is_kept_for_client_side_events_only() {
    let ip = |body: &str, arrival: &Arrival| {
        let body = Bytes::from(body.to_owned());
        let intake = read(body, Endpoint::One(Kind::Page)).unwrap().believe(arrival, &LIMITS);
        composed(&intake.events[0]);
        assert_eq!(intake.events[0].tree(), &oracle(&intake.events[0]));
        intake.events[0].tree()["context"]["ip"].clone()
    };
    let server = Arrival { client_side: false, ..browser() };
    for body in [
        r#"{"userId":"u"}"#,
        r#"{"userId":"u","context":null}"#,
        r#"{"context":{ },"userId":"u"}"#,
        r#"{"context":{"a":1},"userId":"u"}"#,
    ] {
        assert_eq!(ip(body, &browser()), "203.0.113.9", "{body}");
        assert_eq!(ip(body, &server), Value::Null, "{body}");
    }
    assert_eq!(ip(r#"{"userId":"u","context":{"direct":true}}"#, &server), "203.0.113.9");
    assert_eq!(ip(r#"{"userId":"u","context":{"direct":false}}"#, &server), Value::Null);
    assert_eq!(ip(r#"{"userId":"u","context":{"ip":"1.1.1.1"}}"#, &browser()), "1.1.1.1");
}

#[test]
fn times_follow_the_contract() {
    let body = r#"{"sentAt":"2026-11-20T11:59:50.250Z","timestamp":"2000-01-01","batch":[
        {"type":"track","event":"A","userId":"u","timestamp":"2026-11-20T11:59:40.250Z"},
        {"type":"track","event":"A","userId":"u","originalTimestamp":"2026-11-20T11:59:40.250+00:00","sentAt":"2026-11-20T12:00:00.100Z"},
        {"type":"track","event":"A","userId":"u","sentAt":null},
        {"type":"track","event":"A","userId":"u","timestamp":"2031-01-01T00:00:00Z"}]}"#;
    let intake = take(body, Endpoint::Batch);
    let stored: Vec<_> = intake.events.iter().map(|e| time::format_us(e.receipt.timestamp)).collect();
    assert_eq!(
        stored,
        [
            "2026-11-20T11:59:50.250000Z",
            "2026-11-20T11:59:40.250000Z",
            "2026-11-20T12:00:00.250002Z",
            "2026-11-20T12:00:00.250000Z"
        ]
    );
    assert_eq!(intake.events[1].tree()["originalTimestamp"], "2026-11-20T11:59:40.250+00:00");
    assert_eq!(intake.events[1].tree()["sentAt"], "2026-11-20T12:00:00.100Z");
    assert_eq!(intake.events[2].tree()["sentAt"], "2026-11-20T11:59:50.250Z");
    for event in &intake.events {
        composed(event);
        assert_eq!(event.tree(), &oracle(event));
    }
}

#[test]
fn a_large_batch_keeps_its_order() {
    let element = TRACK.to_owned();
    let intake = batch(&vec![element.as_str(); 2500]);
    assert_eq!(intake.events.len(), 2500);
    let times: Vec<_> = intake.events.iter().map(|event| event.receipt.received_at).collect();
    assert!(times.is_sorted());
    assert!(times[..1000].windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(time::format_us(times[2499]), "2026-11-20T12:00:00.252499Z");
}

#[test]
fn what_the_batch_says_once_is_merged_into_each_element() {
    let body = r#"{"context":{"library":{"name":"l","v":1},"app":"x"},"integrations":{"All":false},"batch":[
        {"type":"track","event":"A","userId":"u"},
        {"type":"track","event":"A","userId":"u","context":{"library":{"name":"own"}},"integrations":{"All":true,"B":false}},
        {"context":null,"type":"track","event":"A","userId":"u","integrations":{ }}]}"#;
    let intake = take(body, Endpoint::Batch);
    assert_eq!(intake.events[0].tree()["context"], json!({"library":{"name":"l","v":1},"app":"x"}));
    assert_eq!(intake.events[1].tree()["context"], json!({"app":"x","library":{"name":"own"}}));
    assert_eq!(intake.events[2].tree()["context"], json!({"library":{"name":"l","v":1},"app":"x"}));
    assert_eq!(intake.events[2].tree()["integrations"], json!({"All":false}));
    let all: Vec<_> = intake.events.iter().map(|event| event.head.integrations.all).collect();
    assert_eq!(all, [Some(false), Some(true), Some(false)]);
}

#[test]
fn of_a_member_that_is_there_twice_the_last_one_counts() {
    let event = one(
        Kind::Track,
        r#"{"userId":"a","event":"A","userId":"b","timestamp":"2020-01-01","x":1,"timestamp":"2021-01-01"}"#,
    );
    assert_eq!(event.head.user_id.as_deref(), Some("b"));
    assert_eq!(event.tree()["timestamp"], "2021-01-01T00:00:00.000Z");
    composed(&event);
    assert_eq!(event.tree(), &oracle(&event));
}

#[test]
fn traits_in_the_context_alone_are_found() {
    let event =
        one(Kind::Identify, r#"{"userId":"u","channel":"server","context":{"traits":{"plan":"pro"}}}"#);
    assert_eq!(event.traits().unwrap()["plan"], "pro");
    let event = one(Kind::Identify, r#"{"userId":"u","traits":{},"context":{"traits":{"plan":"pro"}}}"#);
    assert_eq!(event.traits().unwrap()["plan"], "pro");
    let event =
        one(Kind::Identify, r#"{"userId":"u","traits":{"plan":"free"},"context":{"traits":{"plan":"pro"}}}"#);
    assert_eq!(event.traits().unwrap()["plan"], "free");
}

#[test]
fn events_of_one_user_share_an_order_key() {
    let alias = one(Kind::Alias, r#"{"userId":"u","previousId":"a"}"#);
    let page = one(Kind::Page, r#"{"anonymousId":"a"}"#);
    let keys: Vec<_> = alias.order_keys().collect();
    assert_eq!(keys.len(), 2);
    assert!(page.order_keys().all(|key| keys.contains(&key)));
}

#[test]
fn a_stored_record_is_the_same_event_again() {
    let body = r#"{"sentAt":"2026-11-20T11:00:00Z","batch":[{"type":"Group","groupId":"g","anonymousId":"a","timestamp":"2026-11-20T10:59:59.123456789Z","integrations":{"All":false}},{"type":"track","event":"A","userId":"u","messageId":"m"}]}"#;
    for event in take(body, Endpoint::Batch).events {
        let again = Event::restore(event.raw.clone(), event.receipt.clone()).unwrap();
        assert_eq!(again.head, event.head);
        assert_eq!(composed(&again), composed(&event));
    }
    let receipt = one(Kind::Track, r#"{"event":"A","userId":"u","messageId":"m"}"#).receipt;
    assert!(Event::restore(Bytes::from_static(b"{}"), receipt.clone()).is_err());
    assert!(Event::restore(Bytes::from_static(b"\xff"), receipt).is_err());
}

#[test]
fn believed_calls_are_slices_of_the_body_unless_few_survive() {
    let filler = format!(r#"{{"type":"x","x":"{}"}}"#, "x".repeat(100_000));
    for (elements, shared) in [(vec![TRACK; 3], true), (vec![TRACK, filler.as_str()], false)] {
        let body = Bytes::from(format!("{{\"batch\":[{}]}}", elements.join(",")));
        let events = read(body.clone(), Endpoint::Batch).unwrap().believe(&arrival(), &LIMITS).events;
        let inside = body.as_ptr_range().contains(&events[0].raw.as_ptr());
        assert_eq!(inside, shared);
    }
}

#[test]
fn a_hundred_kilobytes_are_an_ordinary_event() {
    let body = format!(r#"{{"event":"A","userId":"u","properties":{{"x":"{}"}}}}"#, "x".repeat(100_000));
    assert_eq!(one(Kind::Track, &body).size(), body.len());
}

// === Properties ===

/// Texts that are nearly events.
#[expect(clippy::too_many_lines, reason = "a table")]
fn nearly() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("NaN".to_owned()),
        Just("1e400".to_owned()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just(r#""\ud83d""#.to_owned()),
        Just(r#""2026-11-20T10:00:00Z""#.to_owned()),
        Just(r#""track""#.to_owned()),
        Just(r#"{"ip":"1.1.1.1"}"#.to_owned()),
        Just(r#"{"a":{"b":[1,2]}, "c":3}"#.to_owned()),
        Just(r#""u""#.to_owned()),
        Just("-0.10E+2".to_owned()),
        Just("tru".to_owned()),
        Just(r#""é\n""#.to_owned()),
    ];
    let name = proptest::sample::select(vec![
        "type",
        "messageId",
        "userId",
        "anonymousId",
        "event",
        "name",
        "groupId",
        "previousId",
        "timestamp",
        "originalTimestamp",
        "sentAt",
        "receivedAt",
        "properties",
        "traits",
        "context",
        "integrations",
        "writeKey",
        "x",
        r"\u0074imestamp",
    ]);
    let space = proptest::sample::select(vec!["", " ", "\n\t"]);
    let member = (name, value, space)
        .prop_map(|(name, value, space)| format!("{space}\"{name}\"{space}:{value}{space}"));
    proptest::collection::vec(member, 0..10).prop_map(|members| format!("{{{}}}", members.join(",")))
}

fn sound(intake: &Intake) {
    for event in &intake.events {
        composed(event);
        assert_eq!(event.tree(), &oracle(event));
        let again = Event::restore(event.raw.clone(), event.receipt.clone()).unwrap();
        assert_eq!(again.head, event.head);
    }
    assert!(intake.rejected.iter().all(|rejected| !rejected.problems.is_empty()));
}

#[test]
fn the_fuzzer_s_corpus_is_answered() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");
    let mut believed = 0;
    for (folder, endpoint) in [("call", Endpoint::One(Kind::Track)), ("batch", Endpoint::Batch)] {
        for file in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
            let body = std::fs::read(file.unwrap().path()).unwrap();
            if let Ok(envelope) = read(Bytes::from(body), endpoint) {
                let intake = envelope.believe(&browser(), &LIMITS);
                sound(&intake);
                believed += intake.events.len();
            }
        }
    }
    assert!(believed >= 8, "{believed}");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for endpoint in [Endpoint::Batch, Endpoint::One(Kind::Alias)] {
            if let Ok(envelope) = read(Bytes::from(bytes.clone()), endpoint) {
                sound(&envelope.believe(&browser(), &LIMITS));
            }
        }
    }

    #[test]
    fn nearly_an_event_is_answered(text in nearly(), kind in proptest::sample::select(Kind::ALL.to_vec())) {
        if let Ok(envelope) = read(Bytes::from(text), Endpoint::One(kind)) {
            sound(&envelope.believe(&browser(), &LIMITS));
        }
    }

    #[test]
    fn an_event_with_any_members_is_composed_as_the_slow_way_does(text in nearly()) {
        let identified = text.replacen('{', r#"{"type":"track","#, 1)
            .replace(",}", "}")
            .trim_end_matches('}').to_owned() + r#","userId":"u","event":"A","properties":{},"context":{"a":[]}}"#;
        let body = format!(r#"{{"sentAt":"2026-11-20T09:00:00Z","integrations":{{"All":true}},"batch":[{identified}]}}"#);
        if let Ok(envelope) = read(Bytes::from(body), Endpoint::Batch) {
            sound(&envelope.believe(&browser(), &LIMITS));
        }
    }

    #[test]
    fn each_element_is_counted_once_and_good_ones_keep_their_bytes(texts in proptest::collection::vec(nearly(), 0..8)) {
        let body = Bytes::from(format!("{{\"batch\":[{}]}}", texts.join(" ,")));
        let intake = read(body, Endpoint::Batch).unwrap().believe(&arrival(), &LIMITS);
        prop_assert_eq!(intake.events.len() + intake.rejected.len(), texts.len());
        let mut rejected = intake.rejected.iter().map(|rejected| rejected.index).peekable();
        let mut events = intake.events.iter();
        for (index, text) in texts.iter().enumerate() {
            if rejected.next_if_eq(&index).is_none() {
                let event = events.next().unwrap();
                let mended = text.contains("NaN") || text.contains("ud83d");
                prop_assert!(mended || event.raw == text.as_bytes());
            }
        }
        sound(&intake);
    }
}
