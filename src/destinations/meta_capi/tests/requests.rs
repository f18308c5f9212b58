//! What goes over the wire.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::destinations::ShownBody;

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.call.body).unwrap()
}

#[test]
fn a_batch_is_one_request_with_the_token_in_a_header_alone() {
    let (meta, wire) = built("test_event_code = \"TEST12345\"");
    let plan = meta.plan(&signed_up(2), &attempt(1));
    let [planned] = plan.requests.try_into().unwrap();
    assert_eq!(planned.events, [0, 1]);
    let shown = wire.show(&planned.request).requests.remove(0);
    assert_eq!(shown.method, "POST");
    assert_eq!(shown.url, "https://graph.facebook.com/v25.0/1234567890/events");
    let mut headers = shown.headers.clone();
    headers.sort();
    let expected = [("authorization", "***"), ("content-type", "application/json")];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let Some(ShownBody::Json(json)) = shown.body else { panic!("a body of JSON") };
    assert!(!json.get().contains(TOKEN));
    let body: Value = serde_json::from_str(json.get()).unwrap();
    assert_eq!(body["test_event_code"], "TEST12345");
    assert_eq!(body["data"][1]["event_id"], "m-1");
}

#[test]
fn a_thousand_events_are_one_request_and_one_more_makes_two() {
    let meta = meta("");
    let sizes = |count: usize| -> Vec<usize> {
        let plan = meta.plan(&signed_up(count), &attempt(1));
        plan.requests.iter().map(|planned| body(&planned.request)["data"].as_array().unwrap().len()).collect()
    };
    assert_eq!(sizes(1_000), [1_000]);
    assert_eq!(sizes(2_001), [1_000, 1_000, 1]);
    assert!(sizes(0).is_empty());
}

#[test]
fn another_version_and_another_address_are_used() {
    let (meta, wire) = built("api_version = \"v26.1\"\nendpoint = \"http://127.0.0.1:4010/\"");
    let plan = meta.plan(&signed_up(1), &attempt(1));
    let shown = wire.show(&plan.requests[0].request).requests.remove(0);
    assert_eq!(shown.url, "http://127.0.0.1:4010/v26.1/1234567890/events");
}

#[test]
fn a_retry_has_the_same_bytes() {
    let meta = meta("");
    let events = [include_str!("../fixtures/order_completed.json"), include_str!("../fixtures/page.json")].map(event);
    let body = |number: u32| meta.plan(&events, &attempt(number)).requests.remove(0).request.call.body;
    assert_eq!(body(1), body(7));
}

#[test]
fn events_that_cannot_be_sent_leave_the_others_alone() {
    let bare = |name: &str, properties: Value| {
        event(&json!({ "type": "track", "messageId": "m", "userId": "u", "event": name, "properties": properties }).to_string())
    };
    let events = [
        bare("Signed Up", json!({})),
        bare("Order Completed", json!({ "revenue": 1 })),
        bare("Something Else", json!({})),
        bare("Lead Generated", json!({})),
    ];
    let plan = meta("").plan(&events, &attempt(1));
    assert_eq!(plan.requests.iter().map(|planned| planned.events.clone()).collect::<Vec<_>>(), [[0, 3]]);
    let [(1, fault)] = plan.refused.as_slice() else { panic!("{:?}", plan.refused) };
    assert_eq!(fault.reason, Reason::Unmappable);
    assert!(fault.answer.contains("currency"), "{}", fault.answer);
    assert_eq!(plan.skipped, [(2, Reason::Unsupported)]);
}

#[test]
fn it_wants_what_it_would_send() {
    let call = |text: Value| event(&text.to_string());
    let track = |name: &str| call(json!({ "type": "track", "messageId": "m", "userId": "u", "event": name }));
    let no = Verdict::No(Reason::Unsupported);
    assert_eq!(meta("").wants(&track("order completed")), Verdict::Yes);
    assert_eq!(meta("").wants(&track("Song Played")), no);
    assert_eq!(meta("custom_events = true").wants(&track("Song Played")), Verdict::Yes);
    assert_eq!(meta("event_map = { \"song played\" = \"ViewContent\" }").wants(&track("Song Played")), Verdict::Yes);
    assert_eq!(meta("").wants(&call(json!({ "type": "page", "messageId": "m", "userId": "u" }))), Verdict::Yes);
    for kind in ["identify", "screen", "group", "alias"] {
        let other = json!({ "type": kind, "messageId": "m", "userId": "u", "previousId": "p", "groupId": "g" });
        assert_eq!(meta("custom_events = true").wants(&call(other)), no, "{kind}");
    }
}

#[test]
fn the_probe_reads_the_pixel() {
    let (meta, wire) = built("");
    let [probe] = meta.probe().try_into().unwrap();
    let shown = wire.show(&probe).requests.remove(0);
    assert_eq!(shown.method, "GET");
    assert_eq!(shown.url, "https://graph.facebook.com/v25.0/1234567890?fields=id,name");
}

#[test]
fn all_problems_of_the_settings_are_said_at_once_and_without_values() {
    let wrong = Config {
        endpoint: "ftp://geheim".to_owned(),
        access_token: SecretString::from("geheim\ngeheim"),
        api_version: "latest".to_owned(),
        ..config("")
    };
    let problems = MetaCapi::new(wrong, &setting("meta", true)).map(drop).unwrap_err();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"), @r##"
    `api_version` must be a version like "v25.0"
    `endpoint` must begin with http:// or https://
    `access_token` has characters that no header may have
    "##);
}

fn leaf() -> impl Strategy<Value = Value> {
    let number = any::<f64>().prop_filter("JSON has no other numbers", |number| number.is_finite());
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("ann@example.com")),
        Just(json!([{ "product_id": "p", "price": "9", "quantity": 2 }])),
    ]
}

/// Members by names that mean something here, with any values.
fn members(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    proptest::collection::btree_map(proptest::sample::select(names), leaf(), 0..8)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

const PROPERTIES: &[&str] = &[
    "email", "phone", "currency", "revenue", "value", "price", "quantity", "products", "product_id", "action_source", "event_id",
    "category", "name", "query", "url", "order_id", "fbc", "x",
];
const CONTEXT: &[&str] = &["ip", "userAgent", "page", "os", "app", "fbp", "dataProcessingOptions", "consent", "lead_id"];
const TRAITS: &[&str] =
    &["email", "phone", "firstName", "name", "birthday", "gender", "address", "city", "state", "zip", "country"];

proptest! {
    /// Whatever is in an event: it is sent, skipped or refused, and what is sent is taken by a stand-in that is as strict as Meta
    /// is known to be.
    #[test]
    fn what_is_sent_is_never_refused(
        properties in members(PROPERTIES),
        mut context in members(CONTEXT),
        traits in members(TRAITS),
        name in proptest::sample::select(vec!["Order Completed", "Product Added", "Products Searched", "Signed Up", "Other \"x\""]),
    ) {
        context["traits"] = traits;
        let call = json!({
            "type": "track", "messageId": "m", "userId": "u", "event": name, "properties": properties, "context": context,
        });
        let settings = "custom_events = true\ncustom_data = [\"x\", \"category\"]";
        let (meta, wire) = built(settings);
        let plan = meta.plan(&[event(&call.to_string())], &attempt(1));
        let named: BTreeSet<usize> = plan.requests.iter().flat_map(|planned| planned.events.clone())
            .chain(plan.refused.iter().map(|(index, _)| *index))
            .chain(plan.skipped.iter().map(|(index, _)| *index))
            .collect();
        prop_assert_eq!(named.len(), 1);
        let stand_in = mock::new(&Default::default()).unwrap();
        for planned in plan.requests {
            let Some(ShownBody::Json(json)) = wire.show(&planned.request).requests.remove(0).body else { panic!("no JSON") };
            let data = body(&planned.request)["data"][0]["custom_data"].to_string();
            prop_assert!(!data.contains("ann@example.com"), "{}", data);
            let read = stand_in.read(&incoming(planned.request.call.body));
            prop_assert!(read.is_ok(), "{:?} of {}", read, json.get());
        }
    }
}

fn incoming(body: bytes::Bytes) -> crate::destinations::mock::Incoming {
    crate::destinations::mock::Incoming {
        method: "POST".to_owned(),
        path: "/v25.0/1234567890/events".to_owned(),
        query: String::new(),
        headers: vec![("authorization".to_owned(), "Bearer x".to_owned())],
        body,
        at: attempt(1).at,
    }
}
