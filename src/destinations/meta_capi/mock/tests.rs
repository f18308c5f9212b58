//! The stand-in: whom it lets in, what it takes, and what it says on command.

use super::*;

fn incoming(method: &str, path: &str, token: &str, body: &Value) -> Incoming {
    let headers = if token.is_empty() { Vec::new() } else { vec![("authorization".to_owned(), format!("Bearer {token}"))] };
    Incoming {
        method: method.to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers,
        body: body.to_string().into(),
        at: "2026-01-08T00:00:00Z".parse().unwrap(),
    }
}

fn stand_in(secret: &str, set: &[(&str, &str)]) -> Box<dyn Mock> {
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    new(&MockSettings { secret: secret.to_owned(), set }).unwrap()
}

/// Code and subcode of an answer.
fn codes(said: &Said) -> (i64, i64) {
    let body: Value = serde_json::from_str(&said.body).unwrap();
    let number = |key: &str| body["error"][key].as_i64().unwrap_or_default();
    (number("code"), number("error_subcode"))
}

/// An event that is as it must be, changed at one place; `null` takes the place away.
fn event_with(pointer: &str, value: Value) -> Value {
    let hash = "0".repeat(63) + "1";
    let mut event = json!({
        "event_name": "Purchase", "event_time": 1_767_744_000, "event_id": "e", "action_source": "website",
        "event_source_url": "https://x.y/",
        "user_data": { "em": [hash], "client_user_agent": "Mozilla", "external_id": [hash] },
        "custom_data": { "value": 1, "currency": "EUR" },
        "app_data": {},
    });
    let (object, name) = pointer.rsplit_once('/').unwrap();
    let members = event.pointer_mut(object).and_then(Value::as_object_mut).unwrap();
    match value {
        Value::Null => drop(members.remove(name)),
        value => drop(members.insert(name.to_owned(), value)),
    }
    event
}

/// The subcode of the refusal of such an event, 0 when it is taken.
fn subcode(pointer: &str, value: Value) -> i64 {
    let body = json!({ "data": [event_with("/event_id", json!("first")), event_with(pointer, value)] });
    match stand_in("", &[]).read(&incoming("POST", "/v25.0/1/events", "t", &body)) {
        Ok(events) => {
            assert_eq!(events.len(), 2);
            0
        }
        Err(said) => {
            assert_eq!((said.status, codes(&said).0), (400, 100));
            codes(&said).1
        }
    }
}

#[test]
fn it_takes_what_is_as_it_must_be_and_refuses_the_whole_request_for_one_event() {
    let hash = "ab".repeat(32);
    // SHA-256 of nothing.
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for (pointer, value, expected) in [
        ("/event_id", json!("x"), 0),
        ("/event_name", json!("é".repeat(50)), 0),
        ("/event_name", json!("é".repeat(51)), 2_804_001),
        ("/event_name", Value::Null, 2_804_001),
        ("/action_source", json!("web"), 2_804_001),
        ("/event_time", json!("now"), 2_804_001),
        // Seven days before it is asked, and a second more.
        ("/event_time", json!(1_767_225_600), 0),
        ("/event_time", json!(1_767_225_599), 2_804_003),
        ("/event_time", json!(1_767_830_460), 0),
        ("/event_time", json!(1_767_830_461), 2_804_004),
        ("/user_data", json!({}), 2_804_050),
        ("/user_data", json!({ "client_user_agent": "Mozilla", "ct": hash }), 2_804_050),
        ("/user_data/em", json!(hash), 0),
        ("/user_data/em", json!("ann@example.com"), 2_804_016),
        ("/user_data/ph", json!([hash, "0791234567"]), 2_804_016),
        ("/user_data/em", json!([empty]), 2_804_016),
        ("/user_data/fn", json!(hash.to_uppercase()), 2_804_016),
        ("/user_data/client_user_agent", Value::Null, 2_804_017),
        ("/event_source_url", Value::Null, 2_804_017),
        ("/action_source", json!("app"), 2_804_017),
        ("/action_source", json!("business_messaging"), 2_804_017),
        ("/custom_data/currency", json!("eur"), 2_804_007),
        ("/custom_data/value", json!("1"), 2_804_008),
        ("/custom_data/value", json!(-1), 2_804_008),
        ("/custom_data/value", Value::Null, 2_804_009),
        ("/custom_data/currency", Value::Null, 2_804_009),
        ("/custom_data/email", json!("x"), 2_804_048),
        ("/data_processing_options", json!([]), 0),
        ("/data_processing_options", json!(["LDU"]), 2_804_001),
    ] {
        assert_eq!(subcode(pointer, value.clone()), expected, "{pointer} {value}");
    }
}

#[test]
fn an_app_tells_sixteen_things_of_itself() {
    let places = |first: &str| json!([first, "", "", "", "17", "", "", "", "", "", "", "", "", "", "", ""]);
    let app = |places: Value| {
        let mut event = event_with("/action_source", json!("app"));
        event["app_data"] = json!({ "advertiser_tracking_enabled": 0, "application_tracking_enabled": 1, "extinfo": places });
        event::read(&event, "2026-01-08T00:00:00Z".parse().unwrap()).is_ok()
    };
    assert!(app(places("i2")) && !app(places("x1")) && !app(json!(["i2", "", "", "", "17"])));
}

#[test]
fn a_sale_in_a_shop_may_be_62_days_old() {
    let mut event = event_with("/action_source", json!("physical_store"));
    let mut age = |seconds: i64| {
        event["event_time"] = (1_767_830_400 - seconds).into();
        event::read(&event, "2026-01-08T00:00:00Z".parse().unwrap()).is_ok()
    };
    assert!(age(62 * 86_400) && !age(62 * 86_400 + 1));
}

#[test]
fn only_the_token_in_the_header_opens_it() {
    let graph = stand_in("EAAgood", &[("pixel", "17")]);
    let body = json!({ "data": [event_with("/event_id", json!("x"))] });
    let read = |request: &Incoming| graph.read(request).map(|events| events.len()).map_err(|said| codes(&said));
    assert_eq!(read(&incoming("POST", "/v25.0/17/events", "EAAgood", &body)), Ok(1));
    assert_eq!(read(&incoming("POST", "/v25.0/17/events", "EAAbad", &body)), Err((190, 0)));
    assert_eq!(read(&incoming("POST", "/v25.0/17/events", "", &body)), Err((190, 0)));
    let in_url = Incoming {
        query: "access_token=EAAgood".to_owned(),
        ..incoming("POST", "/v25.0/17/events", "EAAgood", &body)
    };
    assert_eq!(read(&in_url), Err((190, 0)));
    assert_eq!(read(&incoming("POST", "/v25.0/18/events", "EAAgood", &body)), Err((100, 33)));
    assert_eq!(read(&incoming("GET", "/v25.0/17", "EAAgood", &Value::Null)), Ok(0));
    assert_eq!(read(&incoming("GET", "/v25.0/18", "EAAgood", &Value::Null)), Err((100, 33)));
    assert_eq!(read(&incoming("POST", "/v25.0/17", "EAAgood", &body)), Err((100, 0)));
    assert_eq!(read(&incoming("POST", "/in", "EAAgood", &body)), Err((2_500, 0)));
}

#[test]
fn a_request_has_one_to_a_thousand_events() {
    let read = |count: usize| {
        let events: Vec<Value> = (0..count).map(|n| event_with("/event_id", json!(n.to_string()))).collect();
        let body = json!({ "data": events });
        stand_in("", &[]).read(&incoming("POST", "/v25.0/1/events", "t", &body)).map(|events| events.len()).ok()
    };
    assert_eq!([0, 1, 1_000, 1_001].map(read), [None, Some(1), Some(1_000), None]);
    let no_json = Incoming { body: "{".into(), ..incoming("POST", "/v25.0/1/events", "t", &Value::Null) };
    assert_eq!(stand_in("", &[]).read(&no_json).map_err(|said| codes(&said)), Err((100, 0)));
}

/// Tells it what to say; returns the status of its answer.
fn tell(graph: &mut Box<dyn Mock>, text: &str) -> u16 {
    let order = Incoming { body: text.to_owned().into(), ..incoming("POST", "/_mock/say", "", &Value::Null) };
    graph.control(&order).unwrap().status
}

/// A request with one event, and that event.
fn one() -> (Incoming, Vec<MockEvent>) {
    let body = json!({ "data": [event_with("/event_id", json!("one"))] });
    let request = incoming("POST", "/v25.0/1/events", "t", &body);
    let events = stand_in("", &[]).read(&request).unwrap();
    (request, events)
}

#[test]
fn it_says_what_it_is_told() {
    let (mut graph, (request, events)) = (stand_in("", &[]), one());
    let line = r#"{"code":80004,"subcode":7,"minutes":3,"status":403,"times":1,"event":"one"}"#;
    assert_eq!(tell(&mut graph, line), 200);
    let (said, taken) = graph.take(&request, &events);
    assert_eq!((said.status, codes(&said), taken.len()), (403, (80_004, 7), 0));
    let (name, usage) = &said.headers[1];
    assert_eq!(*name, "x-business-use-case-usage");
    assert!(usage.contains("\"estimated_time_to_regain_access\":3"), "{usage}");
    assert_eq!(graph.take(&request, &events).1, [0], "it was to be said once");
    assert_eq!(tell(&mut graph, r#"{"code":1,"transient":true,"event":"two"}"#), 200);
    assert_eq!(graph.take(&request, &events).0.status, 200, "it is about another event");
    assert_eq!(tell(&mut graph, r#"{"code":0,"received":0}"#), 200);
    assert!(graph.take(&request, &events).0.body.contains("\"events_received\":0"));
    assert_eq!((tell(&mut graph, r#"{"colour":1}"#), tell(&mut graph, "")), (400, 200));
    assert!(graph.take(&request, &events).0.body.contains("\"events_received\":1"));
}

#[test]
fn it_keeps_what_it_took_until_it_forgets() {
    let (mut graph, (request, events)) = (stand_in("", &[]), one());
    let kept = |graph: &mut Box<dyn Mock>| {
        let asked = incoming("GET", "/_mock/events", "", &Value::Null);
        graph.control(&asked).unwrap().body.matches("\"event_id\":\"one\"").count()
    };
    graph.take(&request, &events);
    graph.take(&request, &events);
    assert_eq!(kept(&mut graph), 2);
    graph.reset();
    assert_eq!(kept(&mut graph), 0);
}

#[test]
fn it_can_be_told_before_it_starts() {
    let mut graph = stand_in("", &[("code", "190"), ("subcode", "463"), ("times", "1"), ("transient", "false")]);
    let probe = incoming("GET", "/v25.0/1", "t", &Value::Null);
    assert_eq!(codes(&graph.take(&probe, &[]).0), (190, 463));
    assert_eq!(graph.take(&probe, &[]).0.body, r#"{"id":"1","name":"Stand-in"}"#);
    let wrong = |name: &str| {
        let set = vec![("code".to_owned(), "4".to_owned()), (name.to_owned(), "x".to_owned())];
        new(&MockSettings { secret: String::new(), set }).map(drop).unwrap_err()
    };
    assert!(wrong("colour").contains("colour"), "{}", wrong("colour"));
    assert!(wrong("times").contains("cannot be set"), "{}", wrong("times"));
}

#[test]
fn a_failure_has_the_form_of_the_graph_api() {
    let graph = stand_in("", &[]);
    for (status, code) in [(401, 190), (403, 200), (404, 803), (429, 4), (500, 2), (503, 2), (400, 100)] {
        let said = graph.fail(status);
        assert_eq!((said.status, codes(&said).0), (status, code));
    }
    let events = [MockEvent { id: "a".to_owned(), name: "Lead".to_owned() }];
    let said = graph.refuse_all(&events, 0);
    assert!(said.body.contains("The event \\\"Lead\\\" is not valid."), "{}", said.body);
    assert_eq!(codes(&said), (100, 2_804_019));
}

#[test]
fn it_tells_how_to_connect_to_it() {
    let lines = stand_in("EAAgood", &[("pixel", "17")]).greeting("http://127.0.0.1:4010/");
    assert_eq!(lines[1..], ["pixel_id = \"17\"", "access_token = \"EAAgood\"", "endpoint = \"http://127.0.0.1:4010/\""]);
}
