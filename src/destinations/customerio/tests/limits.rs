//! What Customer.io takes at most, and what becomes of more.

use serde_json::{Map, json};

use super::*;
use crate::telemetry::Metrics;

fn identify(traits: &Value) -> String {
    json!({ "type": "identify", "messageId": "m", "userId": "u", "traits": traits }).to_string()
}

fn track(name: &str, properties: &Value) -> String {
    json!({ "type": "track", "messageId": "m", "userId": "u", "event": name, "properties": properties }).to_string()
}

#[test]
fn a_value_of_1000_bytes_is_taken_and_a_longer_one_is_cut_between_characters() {
    let traits = json!({ "fits": "x".repeat(1000), "long": "é".repeat(501), "in": { "deep": ["y".repeat(1001)] } });
    let person = item("", &identify(&traits))["attributes"].clone();
    assert_eq!(person["fits"], traits["fits"]);
    assert_eq!(person["long"], "é".repeat(500));
    assert_eq!(person["in"]["deep"][0], "y".repeat(1000));
    let escaped = json!({ "fits": "\u{1}".repeat(1000), "long": "\n".repeat(1001) });
    let event = item("", &track("X", &escaped))["attributes"].clone();
    assert_eq!((&event["fits"], &event["long"]), (&escaped["fits"], &json!("\n".repeat(1000))));
}

#[test]
fn a_name_of_150_bytes_is_taken_and_a_longer_one_is_cut_between_characters() {
    let (fits, long) = ("n".repeat(150), "ü".repeat(76));
    let traits = json!({ fits.clone(): 1, long.clone(): 2, "in": { long: 3 } });
    let person = item("", &identify(&traits))["attributes"].clone();
    assert_eq!(person[&fits], 1);
    assert_eq!((&person["ü".repeat(75)], &person["in"]["ü".repeat(75)]), (&json!(2), &json!(3)));
}

#[test]
fn an_event_name_of_100_bytes_is_taken_and_a_longer_one_is_cut() {
    assert_eq!(item("", &track(&"n".repeat(100), &json!({})))["name"], "n".repeat(100));
    assert_eq!(item("", &track(&format!("x{}", "é".repeat(50)), &json!({})))["name"], format!("x{}", "é".repeat(49)));
    let screen = json!({ "type": "screen", "messageId": "m", "userId": "u", "name": "n".repeat(101) }).to_string();
    assert_eq!(item("", &screen)["name"], "n".repeat(100));
}

#[test]
fn an_address_of_a_page_is_cut_at_1000_bytes_and_never_a_reason_to_refuse() {
    let page = |length: usize| {
        let url = format!("https://x.example/{}", "p".repeat(length));
        json!({ "type": "page", "messageId": "m", "userId": "u", "name": url }).to_string()
    };
    for settings in ["", "oversize = \"reject\""] {
        let length = |text: &str| item(settings, text)["name"].as_str().unwrap().len();
        assert_eq!((length(&page(200)), length(&page(982)), length(&page(983))), (218, 1000, 1000));
    }
}

#[test]
fn with_reject_what_is_too_long_is_a_dead_letter_that_says_what() {
    let reject = "oversize = \"reject\"";
    let long = "x".repeat(1001);
    let value = identify(&json!({ "bio": long }));
    assert!(not(reject, &value).starts_with("refused too_large: the value `xxx"), "{}", not(reject, &value));
    assert!(not(reject, &value).ends_with("` is longer than 1000 bytes"));
    let name = identify(&json!({ "n".repeat(151): 1 }));
    assert!(not(reject, &name).starts_with("refused too_large: the name `nnn"));
    let event = track(&"n".repeat(101), &json!({}));
    assert!(not(reject, &event).starts_with("refused too_large: the event's name `nnn"));
    assert_eq!(item(reject, &track("X", &json!({ "a": "x".repeat(1000) })))["name"], "X");
}

#[test]
fn an_id_that_is_too_long_is_refused_and_never_cut() {
    let long = "i".repeat(151);
    let why = |kind: &str| format!("refused too_large: the {kind} is longer than 150 bytes, and ids are never cut");
    for (event, kind) in [
        (json!({ "type": "identify", "messageId": "m", "userId": long }), "id"),
        (json!({ "type": "track", "messageId": "m", "anonymousId": long, "event": "X" }), "anonymous_id"),
        (json!({ "type": "group", "messageId": "m", "userId": "u", "groupId": long }), "object_id"),
        (json!({ "type": "alias", "messageId": "m", "userId": "u", "previousId": long }), "id"),
    ] {
        assert_eq!(not("", &event.to_string()), why(kind));
    }
    let person = json!({ "type": "identify", "messageId": "m", "userId": "u", "anonymousId": long }).to_string();
    assert!(item("", &person)["attributes"].get("anonymous_id").is_none(), "the person is worth more");
}

fn numbered(count: usize) -> Value {
    (0..count).map(|n| (format!("a{n}"), json!(n))).collect::<Map<_, _>>().into()
}

/// The attributes of several items together, and how many each has.
fn together(items: &[Value]) -> (Map<String, Value>, Vec<usize>) {
    let attributes: Vec<_> = items.iter().map(|item| item["attributes"].as_object().unwrap().clone()).collect();
    let counts = attributes.iter().map(Map::len).collect();
    (attributes.into_iter().flatten().collect(), counts)
}

#[test]
fn more_than_300_attributes_are_several_identifies_of_one_event_side_by_side() {
    // One of the 300 is `_timestamp`, which each of them has.
    assert_eq!(items("", &[&identify(&numbered(299))]).len(), 1);
    let three = items("", &[&identify(&numbered(700)), TRACK]);
    let (all, counts) = together(&three[..3]);
    assert_eq!((counts, all.len()), (vec![300, 300, 103], 701));
    assert_eq!(three[3]["action"], "event");
    let ids: Vec<_> = three[..3].iter().map(|item| (&item["identifiers"], &item["attributes"]["_timestamp"])).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    let plan = planned("", &[&identify(&numbered(700)), TRACK]);
    assert_eq!(plan.requests[0].events, [0, 1]);
    let Holds::Items(whose) = &plan.requests[0].request.holds else { panic!("{plan:?}") };
    assert_eq!(whose.iter().map(|item| item.event).collect::<Vec<_>>(), [0, 0, 0, 1]);
}

#[test]
fn a_relationship_is_told_once_when_an_object_needs_several_items() {
    let group = json!({ "type": "group", "messageId": "m", "userId": "u", "groupId": "g", "traits": numbered(301) });
    let two = items("", &[&group.to_string()]);
    let (all, counts) = together(&two);
    assert_eq!((counts, all.len()), (vec![300, 1], 301));
    assert!(two[0]["cio_relationships"].is_array() && two[1].get("cio_relationships").is_none());
}

#[test]
fn an_identify_of_more_than_32_kilobytes_is_several_and_none_is_larger() {
    let traits: Map<String, Value> = (0..90).map(|n| (format!("a{n}"), json!("x".repeat(1000)))).collect();
    let plan = planned("", &[&identify(&traits.into())]);
    let items = items_of(&plan.requests[0]);
    let (all, counts) = together(&items);
    assert_eq!((items.len(), counts.len(), all.len()), (3, 3, 91));
    let largest = items.iter().map(|item| item.to_string().len()).max().unwrap();
    assert!((32_000..=32 * 1024).contains(&largest), "{largest}");
}

/// A list that no cutting makes small enough.
fn huge(elements: usize) -> Value {
    (0..elements).map(|n| format!("{n}{}", "x".repeat(900))).collect()
}

#[test]
fn an_attribute_that_alone_is_too_large_is_left_out_and_the_others_go() {
    let traits = json!({ "a": 1, "many": huge(40), "more": huge(41), "z": 2 });
    let group = json!({ "type": "group", "messageId": "m", "userId": "u", "groupId": "g", "traits": traits });
    for event in [identify(&traits), group.to_string(), track("X", &traits)] {
        let mut left = item("", &event)["attributes"].as_object().unwrap().clone();
        left.remove("_timestamp");
        assert_eq!(Value::from(left), json!({ "a": 1, "z": 2 }), "{event}");
    }
    assert_eq!(item("", &track("X", &json!({ "many": huge(40) })))["attributes"], json!({}));
    let alone = item("", &identify(&json!({ "many": huge(40) })))["attributes"].clone();
    assert_eq!(alone, json!({ "_timestamp": 1_767_323_045 }));
}

#[test]
fn an_event_that_is_too_large_loses_its_largest_properties_until_it_fits() {
    let properties = json!({ "first": 1, "small": huge(12), "largest": huge(20), "large": huge(15), "last": 2 });
    let mut expected = properties.clone();
    expected.as_object_mut().unwrap().remove("largest");
    assert_eq!(item("", &track("X", &properties))["attributes"], expected);
}

#[test]
fn what_is_left_out_is_counted() {
    let metrics = Arc::new(Metrics::new());
    let mut setting = setting("crm", true);
    setting.meter = Meter::new("crm", Arc::clone(&metrics));
    let (customerio, _) = CustomerIo::new(Config::default(), &setting).unwrap();
    let large = json!({ "many": huge(40), "more": huge(41) });
    drop(customerio.plan(&[event(&identify(&large)), event(&track("X", &large))], &attempt(1)));
    let page = metrics.encode();
    assert!(page.contains("opentrack_truncated_values_total{destination=\"crm\"} 4"), "{page}");
}

#[test]
fn what_cannot_be_made_smaller_is_refused() {
    let reject = "oversize = \"reject\"";
    for event in [track("X", &json!({ "many": huge(40) })), identify(&json!({ "many": huge(40), "other": 1 }))] {
        assert!(not(reject, &event).starts_with("refused too_large: it would be "), "{}", not(reject, &event));
        assert!(not(reject, &event).ends_with(" bytes there, and 32768 are taken"));
    }
}

#[test]
fn no_request_is_larger_than_500000_bytes() {
    let event = track("X", &json!({ "a": "x".repeat(999), "b": "y".repeat(999), "c": vec!["z".repeat(999); 7] }));
    let plan = planned("", &vec![event.as_str(); 100]);
    let sizes: Vec<usize> = plan.requests.iter().map(|planned| planned.request.call.body.len()).collect();
    assert!(sizes.len() >= 2 && sizes.iter().all(|size| *size <= 500_000), "{sizes:?}");
    assert!(sizes[0] > 490_000, "it is filled: {sizes:?}");
    let events: Vec<usize> = plan.requests.iter().flat_map(|planned| planned.events.clone()).collect();
    assert_eq!(events, (0..100).collect::<Vec<_>>());
}

#[test]
fn what_is_cut_is_counted_once_however_often_it_is_tried() {
    let metrics = Arc::new(Metrics::new());
    let mut setting = setting("crm", true);
    setting.meter = Meter::new("crm", Arc::clone(&metrics));
    let (customerio, _) = CustomerIo::new(Config::default(), &setting).unwrap();
    let events = [event(&identify(&json!({ "a": "x".repeat(1001), "n".repeat(151): "y".repeat(1001) })))];
    for number in 1..4 {
        drop(customerio.plan(&events, &attempt(number)));
    }
    let page = metrics.encode();
    assert!(page.contains("opentrack_truncated_values_total{destination=\"crm\"} 3"), "{page}");
}
