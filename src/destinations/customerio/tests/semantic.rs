//! Events that mean more than that they happened.

use serde_json::json;

use super::*;

fn call(name: &str, rest: &str) -> String {
    format!(r#"{{"type":"track","messageId":"m","userId":"u-1","event":"{name}"{rest}}}"#)
}

const DEVICE: &str = r#","context":{"device":{"token":"t-1","type":"iOS"}}"#;

#[test]
fn an_application_adds_its_device_and_is_an_event_too() {
    for name in ["Application Installed", "Application Opened"] {
        let items = items("", &[&call(name, DEVICE)]);
        let device = json!({
            "type": "person", "identifiers": { "id": "u-1" }, "action": "add_device",
            "device": { "token": "t-1", "platform": "ios", "last_used": 1_767_323_045 },
        });
        assert_eq!((items.len(), &items[0]), (2, &device), "{name}");
        assert_eq!((&items[1]["action"], &items[1]["name"]), (&json!("event"), &json!(name)));
    }
    let items = items("", &[&call("Application Uninstalled", DEVICE)]);
    let device = json!({
        "type": "person", "identifiers": { "id": "u-1" }, "action": "delete_device", "device": { "token": "t-1" },
    });
    assert_eq!((items.len(), &items[0], &items[1]["action"]), (2, &device, &json!("event")));
}

#[test]
fn an_application_without_a_device_or_a_user_is_an_event_alone() {
    let anonymous = r#"{"type":"track","messageId":"m","anonymousId":"a","event":"Application Opened","context":{"device":{"token":"t","type":"ios"}}}"#;
    for text in [
        call("Application Opened", ""),
        call("Application Opened", r#","context":{"device":{"token":"","type":"ios"}}"#),
        call("Application Opened", r#","context":{"device":{"token":"t-1","type":"toaster"}}"#),
        anonymous.to_owned(),
    ] {
        assert_eq!(item("", &text)["action"], "event", "{text}");
    }
}

#[test]
fn a_device_is_added_or_deleted_and_is_no_event() {
    for (name, action) in [
        ("Device Created", "add_device"),
        ("Device Updated", "add_device"),
        ("Device Created or Updated", "add_device"),
        ("Device Deleted", "delete_device"),
    ] {
        let item = item("", &call(name, DEVICE));
        assert_eq!((&item["action"], &item["device"]["token"]), (&json!(action), &json!("t-1")), "{name}");
        assert_eq!(not("", &call(name, "")), "refused unmappable: it has no `context.device.token`");
    }
    let by_os = r#","context":{"device":{"token":"t-1"},"os":{"name":"Android"}}"#;
    assert_eq!(item("", &call("Device Created", by_os))["device"]["platform"], "android");
    let none = r#","context":{"device":{"token":"t-1","type":"desktop"}}"#;
    let why = "refused unmappable: `context.device.type` is neither ios nor android";
    assert_eq!(not("", &call("Device Created", none)), why);
    let anonymous = call("Device Deleted", DEVICE).replace("userId", "anonymousId");
    assert_eq!(not("", &anonymous), "skipped no_identity");
}

#[test]
fn a_person_is_deleted_suppressed_and_unsuppressed() {
    for (name, action) in
        [("User Deleted", "delete"), ("User Suppressed", "suppress"), ("User Unsuppressed", "unsuppress")]
    {
        let expected = json!({ "type": "person", "identifiers": { "id": "u-1" }, "action": action });
        assert_eq!(item("", &call(name, r#","properties":{"why":"asked"}"#)), expected);
        let anonymous = call(name, "").replace("userId", "anonymousId");
        assert_eq!(not("", &anonymous), "skipped no_identity");
    }
}

#[test]
fn an_object_or_a_relationship_is_deleted_wherever_the_object_is_named() {
    for rest in [
        r#","groupId":"acme""#,
        r#","context":{"groupId":"acme"}"#,
        r#","properties":{"objectId":"acme"}"#,
        r#","properties":{"object_id":"acme"}"#,
    ] {
        let object = json!({ "object_type_id": "1", "object_id": "acme" });
        let expected = json!({ "type": "object", "identifiers": object, "action": "delete" });
        assert_eq!(item("", &call("Object Deleted", rest)), expected, "{rest}");
        let expected = json!({
            "type": "object", "identifiers": object, "action": "delete_relationships",
            "cio_relationships": [{ "identifiers": { "id": "u-1" } }],
        });
        assert_eq!(item("", &call("Relationship Deleted", rest)), expected, "{rest}");
    }
    let typed = call("Object Deleted", r#","groupId":"acme","properties":{"object_type_id":"7"}"#);
    assert_eq!(item("", &typed)["identifiers"]["object_type_id"], "7");
    let why = "refused unmappable: it has no `groupId` and no `properties.objectId`";
    assert_eq!(not("", &call("Object Deleted", "")), why);
}

#[test]
fn a_report_about_a_message_is_a_request_of_its_own_behind_the_others() {
    let properties = r#","properties":{"deliveryId":"RPIyMTM6","metric":"opened","recipient":"t-1","actionName":"ok"}"#;
    let plan = planned("", &[&call("Report Delivery Event", properties), TRACK]);
    let [batch, report] = plan.requests.as_slice() else { panic!("{plan:?}") };
    assert_eq!((&batch.events, &report.events), (&vec![1], &vec![0]));
    assert_eq!(report.request.call.path, "api/v1/metrics");
    let body: Value = serde_json::from_slice(&report.request.call.body).unwrap();
    let expected = json!({
        "delivery_id": "RPIyMTM6", "metric": "opened", "timestamp": 1_767_323_045, "recipient": "t-1",
        "metadata": { "action_name": "ok" },
    });
    assert_eq!(body, expected);
    let bare = call("Report Delivery Event", r#","properties":{"deliveryId":"d","metric":"bounced","reason":"full"}"#);
    let body = self::body("", &bare);
    assert_eq!(body, r#"{"delivery_id":"d","metric":"bounced","timestamp":1767323045,"reason":"full"}"#);
    let why = "refused unmappable: it has no `properties.deliveryId`";
    assert_eq!(not("", &call("Report Delivery Event", "")), why);
    let unknown = call("Report Delivery Event", r#","properties":{"deliveryId":"d","metric":"eaten"}"#);
    assert!(not("", &unknown).starts_with("refused unmappable: `properties.metric` is none of delivered, opened,"));
}

#[test]
fn a_report_about_content_keeps_its_properties() {
    let text = call("Report Content Event", r#","properties":{"actionType":"viewed_content","contentId":7}"#);
    let item = item("", &text);
    assert_eq!((&item["action"], &item["name"]), (&json!("viewed_content"), &json!("viewed_content")));
    assert_eq!(item["attributes"], json!({ "contentId": 7 }));
    let why = "refused unmappable: `properties.actionType` is none of viewed_content, clicked_content";
    assert_eq!(not("", &call("Report Content Event", "")), why);
}

#[test]
fn what_is_switched_off_is_an_ordinary_event() {
    for name in SEMANTIC_EVENTS {
        let text = call(name, r#","groupId":"g","context":{"device":{"token":"t","type":"ios"}}"#);
        for settings in ["semantic_events = false", "semantic_events = []"] {
            let item = item(settings, &text);
            assert_eq!((&item["action"], &item["name"]), (&json!("event"), &json!(name)), "{settings}");
        }
    }
    let only = "semantic_events = [\"User Suppressed\"]";
    assert_eq!(item(only, &call("User Suppressed", ""))["action"], "suppress");
    assert_eq!(item(only, &call("User Deleted", ""))["action"], "event");
}

#[test]
fn every_semantic_event_that_can_be_listed_has_a_meaning() {
    let rest = r#","groupId":"g","context":{"device":{"token":"t","type":"ios"}},"properties":{"deliveryId":"d","metric":"opened","actionType":"viewed_content"}"#;
    for name in SEMANTIC_EVENTS {
        let plan = planned("", &[&call(name, rest)]);
        let text = format!("{:?}", plan.requests);
        assert!(!text.contains(r#"\"action\":\"event\",\"name\":\"User"#) && plan.refused.is_empty(), "{name}: {plan:?}");
    }
}
