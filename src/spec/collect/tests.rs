//! Which body becomes which call.

use proptest::prelude::*;
use serde_json::Value;

use super::super::read::{Arrival, Intake, Limits};
use super::*;

fn intake(envelope: Envelope) -> Intake {
    let arrival = Arrival {
        received_at: "2026-01-31T12:00:00Z".parse().unwrap(),
        source: "web".into(),
        ip: None,
        client_side: true,
        signals: Default::default(),
    };
    envelope.believe(&arrival, &Limits { max_event_bytes: 1 << 20 })
}

fn calls(leaf: &str, body: &str) -> Vec<Value> {
    let envelope = Leaf::named(leaf).unwrap().read(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    let intake = intake(envelope);
    assert!(intake.rejected.is_empty(), "{leaf}: {:?}", intake.rejected);
    let text = |event: &crate::spec::Event| {
        let mut value: Value = serde_json::from_slice(&event.raw).unwrap();
        value["kind"] = event.head.kind.as_str().into();
        value
    };
    intake.events.iter().map(text).collect()
}

fn call(leaf: &str, body: &str) -> Value {
    calls(leaf, body).remove(0)
}

#[test]
fn every_path_is_a_call_of_its_kind_and_name() {
    let body = r#"{"anonymousId":"a","event":"Own","groupId":"g","userId":"u","previousId":"p"}"#;
    let found: Vec<String> = Leaf::names()
        .filter(|leaf| *leaf != "batch")
        .map(|leaf| {
            let call = call(leaf, body);
            let name = call["event"].as_str().filter(|_| call["kind"] == "track").unwrap_or("");
            format!("{leaf} {} {name}", call["kind"].as_str().unwrap())
        })
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    page page 
    pageview page 
    screen screen 
    track track Own
    event track Own
    identify identify 
    group group 
    alias alias 
    click track Element Clicked
    error track Error Occurred
    vitals track Web Vital
    engagement track Page Engaged
    consent track Segment Consent Preference Updated
    ecommerce/product-viewed track Product Viewed
    ecommerce/product-added track Product Added
    ecommerce/product-removed track Product Removed
    ecommerce/cart-viewed track Cart Viewed
    ecommerce/checkout-started track Checkout Started
    ecommerce/checkout-step track Checkout Step Viewed
    ecommerce/payment-info track Payment Info Entered
    ecommerce/order-completed track Order Completed
    ecommerce/order-refunded track Order Refunded
    ");
}

#[test]
fn what_is_no_member_of_the_call_becomes_a_property() {
    let flat = r#"{"anonymousId":"a","messageId":"m","timestamp":"2026-01-31T11:00:00Z","context":{"locale":"de"},
        "writeKey":"wk","title":"Home","url":"https://shop.example/","name":"Start"}"#;
    let page = call("page", flat);
    assert_eq!(page["properties"], serde_json::json!({"title": "Home", "url": "https://shop.example/"}));
    assert_eq!(
        (&page["name"], &page["messageId"], &page["context"]["locale"]),
        (&"Start".into(), &"m".into(), &"de".into())
    );
    let order = call(
        "ecommerce/order-completed",
        r#"{"userId":"u","order_id":"1","name":"x","type":"gift","event":"e"}"#,
    );
    let properties = serde_json::json!({"order_id": "1", "name": "x", "type": "gift", "event": "e"});
    assert_eq!((&order["properties"], &order["event"]), (&properties, &"Order Completed".into()));
    let person = call("identify", r#"{"userId":"u","email":"a@shop.example","name":"A"}"#);
    assert_eq!(person["traits"], serde_json::json!({"email": "a@shop.example", "name": "A"}));
    let group = call("group", r#"{"userId":"u","groupId":"g","plan":"pro"}"#);
    assert_eq!(group["traits"], serde_json::json!({"plan": "pro"}));
}

#[test]
fn a_body_in_segments_form_stays_as_it_is() {
    let body = r#"{"anonymousId":"a","properties":{"a":1},"extra":[2]}"#;
    let envelope = Leaf::named("page").unwrap().read(Bytes::from(body)).unwrap();
    assert_eq!(intake(envelope).events[0].raw[..], *body.as_bytes());
    let click = call("click", r#"{"anonymousId":"a","event":"Own","properties":{"tag":"a"}}"#);
    assert_eq!(
        (&click["event"], &click["properties"]),
        (&"Element Clicked".into(), &serde_json::json!({"tag": "a"}))
    );
}

#[test]
fn numbers_keep_every_digit() {
    let body = r#"{"anonymousId":"a","total":42.00,"big":12345678901234567890123,"e":"\u00fc"}"#;
    let envelope = Leaf::named("ecommerce/order-completed").unwrap().read(Bytes::from(body)).unwrap();
    let event = intake(envelope).events.remove(0);
    let text = std::str::from_utf8(&event.raw).unwrap();
    assert!(text.contains(r#""total":42.00,"big":12345678901234567890123,"e":"\u00fc""#), "{text}");
}

#[test]
fn an_event_may_be_called_by_its_name() {
    assert_eq!(call("event", r#"{"userId":"u","name":"Signed Up","plan":"pro"}"#)["event"], "Signed Up");
    assert_eq!(call("track", r#"{"userId":"u","name":"Signed Up","properties":{}}"#)["event"], "Signed Up");
    let both = call("track", r#"{"userId":"u","event":"Viewed","name":"Shirt"}"#);
    assert_eq!((&both["event"], &both["properties"]["name"]), (&"Viewed".into(), &"Shirt".into()));
}

#[test]
fn a_step_of_the_checkout_is_completed_when_it_says_so() {
    for (body, name) in [
        (r#"{"userId":"u","step":2,"completed":true}"#, "Checkout Step Completed"),
        (r#"{"userId":"u","properties":{"completed":true}}"#, "Checkout Step Completed"),
        (r#"{"userId":"u","step":2,"completed":"true"}"#, "Checkout Step Viewed"),
        (r#"{"userId":"u","properties":{"completed":false},"completed":true}"#, "Checkout Step Viewed"),
    ] {
        assert_eq!(call("ecommerce/checkout-step", body)["event"], name, "{body}");
    }
}

#[test]
fn an_answer_about_consent_is_also_stated_by_its_call() {
    let stated = |body: &str| call("consent", body)["context"]["consent"]["categoryPreferences"].clone();
    let expected = serde_json::json!({"analytics": true, "advertising": false});
    assert_eq!(
        stated(r#"{"anonymousId":"a","analytics":true,"advertising":false,"method":"banner"}"#),
        expected
    );
    assert_eq!(
        stated(r#"{"anonymousId":"a","categories":{"analytics":true,"advertising":false}}"#),
        expected
    );
    assert_eq!(
        stated(
            r#"{"anonymousId":"a","context":{"ip":"1.1.1.1"},"properties":{"analytics":true,"advertising":false}}"#
        ),
        expected
    );
    let own =
        r#"{"anonymousId":"a","analytics":true,"context":{"consent":{"categoryPreferences":{"ads":false}}}}"#;
    assert_eq!(stated(own), serde_json::json!({"ads": false}));
}

#[test]
fn a_batch_takes_flat_calls_and_a_bare_list() {
    let list = r#"[{"type":"page","anonymousId":"a","title":"T"},{"type":"track","anonymousId":"a","event":"E","n":1}]"#;
    for body in [list.to_owned(), format!(r#"{{"batch":{list}}}"#)] {
        let calls = calls("batch", &body);
        assert_eq!(
            (&calls[0]["properties"]["title"], &calls[1]["properties"]["n"]),
            (&"T".into(), &1.into())
        );
    }
}

#[test]
fn what_is_no_object_or_no_json_is_told_as_on_every_path() {
    let leaf = Leaf::named("page").unwrap();
    assert_eq!(leaf.read(Bytes::from("{\"a\":")).unwrap_err().code(), "invalid_json");
    let number = intake(leaf.read(Bytes::from("7")).unwrap());
    assert_eq!(number.rejected[0].problems[0].code, Code::NotAnObject);
    let wrong = intake(leaf.read(Bytes::from(r#"{"anonymousId":"a","properties":"x"}"#)).unwrap());
    assert_eq!(wrong.rejected[0].problems[0].code, Code::WrongType);
    let batch = Leaf::named("batch").unwrap().read(Bytes::from(r#"[{"userId":"u"}]"#)).unwrap();
    assert_eq!(intake(batch).rejected[0].problems[0].code, Code::UnknownType);
    assert_eq!(Leaf::named("unknown"), None);
}

#[test]
fn a_picture_takes_json_and_base64_and_keeps_what_it_cannot_read() {
    let json = r#"{"type":"track","userId":"u","event":"Mail Opened","writeKey":"wk","mail":"?>"}"#;
    let forms = [
        json.to_owned(),
        base64::engine::general_purpose::STANDARD.encode(json),
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json),
        base64::engine::general_purpose::STANDARD.encode(json).replace('+', " "),
    ];
    for data in forms {
        let (envelope, _) = read_pixel(data.as_bytes());
        assert_eq!(envelope.write_key.as_deref(), Some("wk"));
        let event = intake(envelope).events.remove(0);
        assert_eq!(event.head.name.as_deref(), Some("Mail Opened"));
        assert_eq!(event.properties().unwrap()["mail"], "?>");
    }
    let kind = |json: &str| intake(read_pixel(json.as_bytes()).0).events.remove(0).head.kind;
    assert_eq!(kind(r#"{"userId":"u","event":"E"}"#), Kind::Track);
    assert_eq!(kind(r#"{"userId":"u","title":"T"}"#), Kind::Page);
    for bad in ["", "%%%", "bm8ganNvbg==", "{\"a\"", "[1]", "/w=="] {
        let rejected = intake(read_pixel(bad.as_bytes()).0).rejected;
        assert_eq!((rejected.len(), rejected[0].problems[0].code), (1, Code::BadJson), "{bad}");
        assert_eq!(rejected[0].problems[0].path, "data");
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-zü\"\\\\]{0,6}".prop_map(Value::from)
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,5}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever a flat body holds beside the members of a call is in the properties afterwards, with the same values.
    #[test]
    fn nothing_of_a_flat_body_is_lost(
        leaf in proptest::sample::select(LEAVES.map(|(name, _)| name).to_vec()),
        body in proptest::collection::btree_map("[a-z_\"ü]{1,8}", json(), 0..6),
    ) {
        prop_assume!(!["properties", "traits", "event", "name", "category", "type", "context", "categories"]
            .iter().any(|taken| body.contains_key(*taken)));
        let Some(bag) = Leaf::named(leaf).unwrap().endpoint_bag() else { return Ok(()) };
        let text = Value::Object(body.clone().into_iter().collect()).to_string();
        let envelope = Leaf::named(leaf).unwrap().read(Bytes::from(text)).unwrap();
        let shaped: Value = serde_json::from_slice(&envelope.calls[0].raw).unwrap();
        let expected = Value::Object(body.into_iter().collect());
        prop_assert_eq!(&shaped[bag], &expected);
    }

    #[test]
    fn no_body_and_no_picture_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[\\[\\]{}\",:a-e0-9 ]{0,40}") {
        for leaf in Leaf::names() {
            drop(Leaf::named(leaf).unwrap().read(Bytes::from(bytes.clone())));
            drop(Leaf::named(leaf).unwrap().read(Bytes::from(text.clone())));
        }
        drop(intake(read_pixel(&bytes).0));
        drop(intake(read_pixel(text.as_bytes()).0));
    }
}

impl Leaf {
    fn endpoint_bag(self) -> Option<&'static str> {
        match self.endpoint() {
            Endpoint::One(Kind::Identify | Kind::Group) => Some("traits"),
            Endpoint::One(Kind::Alias) | Endpoint::Batch => None,
            Endpoint::One(_) => Some("properties"),
        }
    }
}
