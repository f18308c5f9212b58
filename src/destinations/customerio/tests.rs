//! Customer.io as its workspace and its operator see it: what calls become, what may share a request, what answers mean.

mod answers;
mod limits;
mod options;
mod order;
mod semantic;

use serde_json::Value;

use super::*;
use crate::destinations::kit::testing::{attempt, event, setting};
use crate::destinations::{Client, Planned};

/// Settings in TOML, of a destination called `customerio`.
fn built(settings: &str) -> (CustomerIo, Wire) {
    let config: Config =
        toml::from_str(&format!("site_id = \"site\"\napi_key = \"geheim-0123\"\n{settings}")).unwrap();
    CustomerIo::new(config, &setting("customerio", true)).unwrap()
}

fn customerio(settings: &str) -> CustomerIo {
    built(settings).0
}

fn planned(settings: &str, events: &[&str]) -> Plan<Request> {
    let events: Vec<Arc<Event>> = events.iter().map(|text| event(text)).collect();
    customerio(settings).plan(&events, &attempt(1))
}

/// The items of all requests, one after the other.
fn items(settings: &str, events: &[&str]) -> Vec<Value> {
    let plan = planned(settings, events);
    assert_eq!((plan.refused.len(), plan.skipped.len()), (0, 0), "{plan:?}");
    plan.requests.iter().flat_map(items_of).collect()
}

fn items_of(planned: &Planned<Request>) -> Vec<Value> {
    let call = &planned.request.call;
    assert_eq!((call.path.as_str(), call.content_type), ("api/v2/batch", "application/json"));
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    body["batch"].as_array().unwrap().clone()
}

/// The only item of an event.
fn item(settings: &str, event: &str) -> Value {
    let items = items(settings, &[event]);
    assert_eq!(items.len(), 1, "{items:?}");
    items.into_iter().next().unwrap()
}

/// The body of an event's only request, byte for byte.
fn body(settings: &str, event: &str) -> String {
    let mut requests = planned(settings, &[event]).requests;
    assert_eq!(requests.len(), 1);
    String::from_utf8(requests.remove(0).request.call.body.to_vec()).unwrap()
}

/// Why the only event does not go out: a reason, and words where it is refused.
fn not(settings: &str, event: &str) -> String {
    let plan = planned(settings, &[event]);
    assert!(plan.requests.is_empty(), "{plan:?}");
    match (plan.skipped.as_slice(), plan.refused.as_slice()) {
        ([(0, reason)], []) => format!("skipped {}", reason.as_str()),
        ([], [(0, fault)]) => format!("refused {}: {}", fault.reason.as_str(), fault.answer),
        other => panic!("{other:?}"),
    }
}

const ALIAS: &str = include_str!("fixtures/alias.json");
const GROUP: &str = include_str!("fixtures/group.json");
const GROUP_ANONYMOUS: &str = include_str!("fixtures/group_anonymous.json");
const GROUP_OBJECT_ATTRIBUTES: &str = include_str!("fixtures/group_object_attributes.json");
const IDENTIFY: &str = include_str!("fixtures/identify.json");
const IDENTIFY_CONTEXT_TRAITS: &str = include_str!("fixtures/identify_context_traits.json");
const PAGE: &str = include_str!("fixtures/page.json");
const PAGE_CONTEXT: &str = include_str!("fixtures/page_context.json");
const PAGE_NAMED: &str = include_str!("fixtures/page_named.json");
const SCREEN: &str = include_str!("fixtures/screen.json");
const TRACK: &str = include_str!("fixtures/track.json");

/// The body with each member of an item on a line, numbers as they were written.
fn laid_out(body: &str) -> String {
    body.replace("{\"batch\":[", "{\"batch\":[\n").replace(",\"", ",\n\"").replace("]}", "\n]}")
}

macro_rules! mapping {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            let text = include_str!(concat!("fixtures/", stringify!($name), ".json"));
            insta::assert_snapshot!(stringify!($name), laid_out(&body("", text)));
        })+
    };
}

mapping!(
    identify,
    identify_email,
    identify_cio_id,
    identify_context_traits,
    identify_object,
    track,
    track_anonymous,
    page,
    page_context,
    page_named,
    screen,
    group,
    group_object_attributes,
    group_anonymous,
    alias,
);

#[test]
fn all_six_calls_are_one_request_in_the_order_of_their_arrival() {
    let calls =
        [IDENTIFY, TRACK, PAGE, SCREEN, GROUP];
    let plan = planned("", &calls);
    let [request] = plan.requests.as_slice() else { panic!("{plan:?}") };
    assert_eq!(request.events, [0, 1, 2, 3, 4]);
    let actions: Vec<_> = items_of(request).iter().map(|item| item["action"].clone()).collect();
    assert_eq!(actions, ["identify", "event", "page", "screen", "identify"]);
}

#[test]
fn the_same_events_give_the_same_bytes_and_another_destination_another_id() {
    let bodies = [1, 2].map(|number| {
        let plan = customerio("").plan(&[event(TRACK)], &attempt(number));
        plan.requests[0].request.call.body.clone()
    });
    assert_eq!(bodies[0], bodies[1]);
    let config = Config { site_id: "site".to_owned(), ..Config::default() };
    let (other, _) = CustomerIo::new(config, &setting("other", true)).unwrap();
    let plan = other.plan(&[event(TRACK)], &attempt(1));
    assert_ne!(items_of(&plan.requests[0])[0]["id"], item("", TRACK)["id"]);
}

#[test]
fn traits_that_are_named_like_ours_are_not_there_twice() {
    let text = r#"{"type":"identify","messageId":"m","userId":"u","anonymousId":"a","traits":{"_timestamp":1,"anonymous_id":"x","created_at":null,"createdAt":"2026-01-02","":1}}"#;
    let expected = r#""attributes":{"created_at":1767312000,"anonymous_id":"a","_timestamp":1767323045}}]}"#;
    assert!(body("", text).ends_with(expected), "{}", body("", text));
    let alone = r#"{"type":"identify","messageId":"m","userId":"u","traits":{"anonymous_id":"x","createdAt":null}}"#;
    let expected = r#""attributes":{"anonymous_id":"x","created_at":null,"_timestamp":1767323045}}]}"#;
    assert!(body("", alone).ends_with(expected), "{}", body("", alone));
}

#[test]
fn nobody_and_nothing_to_merge_is_skipped() {
    let table = [
        (r#"{"type":"identify","messageId":"m","anonymousId":"a","traits":{"plan":"pro"}}"#, "no_identity"),
        (r#"{"type":"identify","messageId":"m","anonymousId":"a","traits":{"email":"n/a"}}"#, "no_identity"),
        (r#"{"type":"identify","messageId":"m","anonymousId":"a","traits":{"email":7}}"#, "no_identity"),
        (r#"{"type":"alias","messageId":"m","userId":"u","previousId":"u"}"#, "unsupported"),
        (r#"{"type":"alias","messageId":"m","userId":"u"}"#, "no_identity"),
        (r#"{"type":"alias","messageId":"m","previousId":"u"}"#, "no_identity"),
        (r#"{"type":"track","messageId":"m","event":"X"}"#, "no_identity"),
        (r#"{"type":"group","messageId":"m","groupId":"g"}"#, "no_identity"),
    ];
    for (event, reason) in table {
        assert_eq!(not("", event), format!("skipped {reason}"), "{event}");
    }
}

#[test]
fn what_has_no_name_is_refused() {
    for event in [
        r#"{"type":"track","messageId":"m","userId":"u","event":"  "}"#,
        r#"{"type":"screen","messageId":"m","userId":"u"}"#,
        r#"{"type":"page","messageId":"m","userId":"u","properties":{"url":" "}}"#,
    ] {
        let why = "refused unmappable: it has no name, which every event there needs";
        assert_eq!(not("", event), why, "{event}");
    }
}

#[test]
fn the_address_the_key_and_the_headers_are_those_of_the_region() {
    for (settings, url) in [
        ("", "https://track.customer.io/api/v2/batch"),
        ("region = \"EU\"", "https://track-eu.customer.io/api/v2/batch"),
        ("endpoint = \"http://127.0.0.1:4010/base/\"", "http://127.0.0.1:4010/base/api/v2/batch"),
    ] {
        let (customerio, wire) = built(settings);
        let plan = customerio.plan(&[event(TRACK)], &attempt(1));
        let shown = wire.show(&plan.requests[0].request).requests.remove(0);
        assert_eq!((shown.method.as_str(), shown.url.as_str()), ("POST", url));
        let header = |name: &str| shown.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(header("authorization"), Some("***"));
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(header("content-encoding"), None);
    }
}

#[test]
fn an_endpoint_that_is_no_address_is_a_problem_of_its_key() {
    let config = Config { endpoint: "ftp://x".to_owned(), ..Config::default() };
    let problems = CustomerIo::new(config, &setting("customerio", true)).map(drop).unwrap_err();
    assert_eq!(problems[0].to_string(), "`endpoint` must begin with http:// or https://");
}
