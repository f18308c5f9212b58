//! The stand-in: whom it lets in, what it refuses, and what it holds afterwards.

use super::*;

fn desk(secret: &str, set: &[(&str, &str)]) -> Box<dyn Mock> {
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    new(&MockSettings { secret: secret.to_owned(), set }).unwrap()
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> Incoming {
    Incoming {
        method: method.to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.into().into(),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn batch(items: &[Value]) -> Incoming {
    request("POST", BATCH, &[], json!({ "batch": items }).to_string())
}

/// Sends items and returns the status and the body.
fn send(desk: &mut dyn Mock, items: &[Value]) -> (u16, Value) {
    let request = batch(items);
    let said = match desk.read(&request) {
        Ok(events) => desk.take(&request, &events).0,
        Err(said) => said,
    };
    (said.status, serde_json::from_str(&said.body).unwrap_or_default())
}

/// The field that an item is refused for, empty when it is taken.
fn refused(item: &Value) -> String {
    let (status, body) = send(&mut *desk("", &[]), std::slice::from_ref(item));
    match status {
        200 => String::new(),
        207 => body["errors"][0]["field"].as_str().unwrap().to_owned() + "!",
        other => panic!("{other}: {body}"),
    }
}

const ULID: &str = "01KDYAK3Q0BRR1THASY3MY5GJ1";

fn event() -> Value {
    json!({
        "type": "person", "identifiers": { "id": "u" }, "action": "event", "name": "X", "timestamp": 1_767_323_045,
        "id": ULID, "attributes": { "a": 1 },
    })
}

fn with(mut item: Value, pointer: &str, value: Value) -> Value {
    let (above, name) = pointer.rsplit_once('/').unwrap();
    item.pointer_mut(above).unwrap()[name] = value;
    item
}

#[test]
fn only_who_has_site_id_and_key_is_let_in() {
    let desk = desk("site:key", &[]);
    for (header, status) in [("Basic c2l0ZTprZXk=", None), ("Basic c2l0ZTpubw==", Some(401)), ("", Some(401))] {
        let asked = request("GET", REGION, &[("authorization", header)], "");
        assert_eq!(desk.read(&asked).err().map(|said| said.status), status, "{header}");
    }
    assert!(new(&MockSettings { secret: "one-word".to_owned(), set: Vec::new() }).is_err());
    for (name, value) in [("colour", "red"), ("region", "mars")] {
        let set = vec![(name.to_owned(), value.to_owned())];
        assert!(new(&MockSettings { secret: String::new(), set }).is_err(), "{name}");
    }
}

#[test]
fn an_account_is_told_its_region_and_is_served_at_home_alone() {
    let answer = |set: &[(&str, &str)]| {
        let mut desk = desk("", set);
        let asked = request("GET", REGION, &[], "");
        let home: Value = serde_json::from_str(&desk.take(&asked, &[]).0.body).unwrap();
        (home["region"].clone(), desk.read(&batch(&[])).err())
    };
    assert_eq!(answer(&[]), (json!("us"), None));
    assert_eq!(answer(&[("region", "eu")]), (json!("eu"), None));
    let (home, said) = answer(&[("region", "eu"), ("host", "us")]);
    assert_eq!((home, said.unwrap().headers[0].1.as_str()), (json!("eu"), "https://track-eu.customer.io/api/v2/batch"));
    let (home, said) = answer(&[("region", "us"), ("host", "eu")]);
    assert_eq!((home, said.unwrap().status), (json!("us"), 401));
    assert_eq!(answer(&[("may_send", "false")]).1.unwrap().status, 403);
}

#[test]
fn a_body_that_is_none_or_too_large_is_refused_as_a_whole() {
    for (body, status) in [
        ("{", 400),
        ("[]", 400),
        (r#"{"batch":{}}"#, 400),
        (r#"{"batch":[]}"#, 0),
    ] {
        let said = desk("", &[]).read(&request("POST", BATCH, &[], body));
        assert_eq!(said.map_or_else(|said| said.status, |_| 0), status, "{body}");
    }
    let large = format!(r#"{{"batch":[]{}}}"#, " ".repeat(500_000 - 11));
    let said = desk("", &[]).read(&request("POST", BATCH, &[], large));
    assert_eq!(said.unwrap_err().status, 413);
    let elsewhere = desk("", &[]).read(&request("POST", "/api/v2/entity", &[], "{}"));
    assert_eq!(elsewhere.unwrap_err().status, 404);
}

/// Each of these items is refused for its field.
fn expect_refused(table: impl IntoIterator<Item = (Value, &'static str)>) {
    for (item, field) in table {
        assert_eq!(refused(&item), format!("{field}!"), "{item}");
    }
}

#[test]
fn who_did_what_when_is_checked() {
    assert_eq!(refused(&event()), "");
    assert_eq!(refused(&page(&"n".repeat(1000))), "", "it is called by its address");
    expect_refused([
        (with(event(), "/type", json!("thing")), "type"),
        (with(event(), "/action", json!("purchase")), "action"),
        (with(event(), "/identifiers", json!({})), "identifiers"),
        (with(event(), "/identifiers", json!({ "id": "u", "email": "a@b.c" })), "identifiers"),
        (with(event(), "/identifiers", json!({ "phone_number": "1" })), "identifiers"),
        (with(event(), "/identifiers/id", json!("i".repeat(151))), "identifiers.id"),
        (with(event(), "/identifiers/id", json!(7)), "identifiers.id"),
        (with(event(), "/name", json!(" ")), "name"),
        (with(event(), "/name", json!("n".repeat(101))), "name"),
        (page(&"n".repeat(1001)), "name"),
        (with(event(), "/timestamp", json!(1_767_323_045_678_i64)), "timestamp"),
        (with(event(), "/timestamp", json!("2026-01-02T03:04:05Z")), "timestamp"),
        (with(event(), "/timestamp", json!(1.5)), "timestamp"),
        (with(event(), "/id", json!("m-1")), "id"),
        (with(event(), "/id", json!("81KDYAK3Q0BRR1THASY3MY5GJ1")), "id"),
        (with(event(), "/id", json!("01KDYAK3Q0BRR1THASY3MY5GJU")), "id"),
    ]);
}

fn page(name: &str) -> Value {
    with(with(event(), "/action", json!("page")), "/name", json!(name))
}

fn person() -> Value {
    json!({ "type": "person", "identifiers": { "id": "u" }, "action": "identify", "attributes": {} })
}

#[test]
fn attributes_are_checked() {
    let many = |count: usize| Value::from_iter((0..count).map(|n| (format!("a{n}"), json!(n))));
    assert_eq!(refused(&with(person(), "/attributes", many(300))), "");
    expect_refused([
        (with(event(), "/attributes", json!([])), "attributes"),
        (with(event(), "/attributes/a", json!("x".repeat(1001))), "attributes.a"),
        (with(event(), "/attributes/a", json!([{ "b": "x".repeat(1001) }])), "attributes.a.b"),
        (with(event(), "/attributes/a", json!(vec!["x".repeat(1000); 40])), ""),
        (with(person(), "/identifiers", json!({ "anonymous_id": "a" })), "identifiers"),
        (with(person(), "/attributes", many(301)), "attributes"),
        (with(person(), "/attributes", json!({ "a": { "": 1 } })), "attributes.a."),
        (with(person(), "/attributes/_timestamp", json!("now")), "attributes._timestamp"),
    ]);
    assert!(refused(&with(person(), "/attributes", json!({ "n".repeat(151): 1 }))).starts_with("attributes.nnn"));
}

#[test]
fn objects_devices_and_merges_are_checked() {
    let identifiers = json!({ "object_type_id": "1", "object_id": "g" });
    let group = json!({ "type": "object", "identifiers": identifiers, "action": "identify" });
    let device = json!({ "token": "t", "platform": "ios" });
    let device = with(with(person(), "/action", json!("add_device")), "/device", device);
    let merge =
        json!({ "type": "person", "action": "merge", "primary": { "id": "u" }, "secondary": { "email": "a@b.c" } });
    assert_eq!((refused(&group), refused(&device)), (String::new(), String::new()));
    expect_refused([
        (with(group.clone(), "/identifiers/object_type_id", json!(1)), "identifiers.object_type_id"),
        (with(group.clone(), "/identifiers/object_id", json!("")), "identifiers.object_id"),
        (with(group.clone(), "/action", json!("add_relationships")), "cio_relationships"),
        (with(group, "/cio_relationships", json!([{ "identifiers": {} }])), "cio_relationships.0.identifiers"),
        (with(device.clone(), "/device/token", json!("")), "device.token"),
        (with(device.clone(), "/device/platform", json!("toaster")), "device.platform"),
        (with(device, "/device/last_used", json!("now")), "device.last_used"),
        (with(merge.clone(), "/primary", json!({ "anonymous_id": "a" })), "primary"),
        (with(merge, "/secondary", json!(null)), "secondary"),
    ]);
}

#[test]
fn a_207_names_what_was_refused_and_the_rest_is_taken() {
    let mut desk = desk("", &[]);
    let bad = with(event(), "/name", json!(""));
    let (status, body) = send(&mut *desk, &[bad, event()]);
    let error = json!({ "batch_index": 0, "reason": "invalid", "field": "name", "message": "must be a text that is not blank" });
    assert_eq!((status, body), (207, json!({ "errors": [error] })));
    assert_eq!(desk.told()["different_events"], 1);
    let asked = batch(&[event(), with(event(), "/id", json!("01KDYAK3Q0BRR1THASY3MY5GJ2"))]);
    let events = desk.read(&asked).unwrap();
    let (said, taken) = desk.refuse_some(&asked, &events, &[1]);
    assert_eq!((said.status, taken), (207, vec![0]));
}

#[test]
fn an_event_with_a_known_id_changes_nothing() {
    let mut desk = desk("", &[]);
    for _ in 0..3 {
        assert_eq!(send(&mut *desk, &[event()]).0, 200);
    }
    let told = desk.told();
    assert_eq!((&told["different_events"], &told["duplicates"]), (&json!(1), &json!(2)));
    desk.reset();
    assert_eq!(desk.told()["different_events"], 0);
}

#[test]
fn people_objects_and_devices_become_what_the_items_say() {
    let person = |action: &str, who: &str| json!({ "type": "person", "identifiers": { "id": who }, "action": action });
    let object = |action: &str| {
        json!({
            "type": "object", "identifiers": { "object_type_id": "1", "object_id": "g" }, "action": action,
            "cio_relationships": [{ "identifiers": { "id": "u" }, "relationship_attributes": { "role": "owner" } }],
        })
    };
    let mut desk = desk("", &[]);
    let items = [
        with(person("identify", "u"), "/attributes", json!({ "plan": "pro", "old": 1 })),
        with(person("identify", "u"), "/attributes", json!({ "old": null })),
        with(person("add_device", "a"), "/device", json!({ "token": "t", "platform": "ios" })),
        with(person("identify", "a"), "/attributes", json!({ "plan": "free", "since": 1 })),
        json!({ "type": "person", "action": "merge", "primary": { "id": "u" }, "secondary": { "id": "a" } }),
        person("suppress", "u"),
        with(object("identify"), "/attributes", json!({ "name": "Acme" })),
        person("identify", "gone"),
        person("delete", "gone"),
    ];
    assert_eq!(send(&mut *desk, &items), (200, json!({})));
    let said = desk.control(&request("GET", "/_mock/world", &[], "")).unwrap();
    let world: Value = serde_json::from_str(&said.body).unwrap();
    let person = json!({
        "attributes": { "plan": "pro", "since": 1 }, "devices": { "t": { "token": "t", "platform": "ios" } }, "suppressed": true,
    });
    assert_eq!(world["people"], json!({ "id:u": person }));
    let acme = json!({ "attributes": { "name": "Acme" }, "relationships": { "id:u": { "role": "owner" } } });
    assert_eq!(world["objects"], json!({ "1:g": acme }));
    assert_eq!(world["log"].as_array().unwrap()[4], "id:u merge id:a");
    send(&mut *desk, &[object("delete_relationships")]);
    assert_eq!(desk.control(&request("GET", "/_mock/world", &[], "")).map(|said| said.body.contains("owner")), Some(false));
    let merge = json!({ "type": "person", "action": "merge", "primary": { "id": "u" }, "secondary": { "id": "nobody" } });
    let (status, body) = send(&mut *desk, &[merge]);
    assert_eq!((status, &body["errors"][0]["field"]), (207, &json!("secondary")));
}

#[test]
fn reports_are_taken_one_by_one() {
    let mut desk = desk("", &[]);
    let asked = request("POST", METRICS, &[], r#"{"delivery_id":"d","metric":"opened","timestamp":1}"#);
    let events = desk.read(&asked).unwrap();
    assert_eq!((events[0].id.as_str(), desk.take(&asked, &events).1), ("d opened", vec![0]));
    assert_eq!(desk.told()["reports"], 1);
    let blank = desk.read(&request("POST", METRICS, &[], "{}")).unwrap_err();
    assert_eq!((blank.status, blank.body.as_str()), (400, r#"{"meta":{"error":"delivery_id and metric cannot be blank"}}"#));
}
