//! Every setting of the mapping, against its default.

use serde_json::json;

use super::*;

#[test]
fn a_page_is_called_by_its_address_or_by_its_name() {
    let name = |settings: &str, event: &str| item(settings, event)["name"].clone();
    let by_name = "page_name = \"name\"";
    assert_eq!(name("", PAGE), "https://shop.example/cart?a=1&b=ü");
    assert_eq!(name("", PAGE_CONTEXT), "https://shop.example/cart");
    assert_eq!(name("", PAGE_NAMED), "Cart");
    assert_eq!(name(by_name, PAGE), "Cart");
    let nameless = r#"{"type":"page","messageId":"m","userId":"u","properties":{"url":"https://x.example/"}}"#;
    assert_eq!(name(by_name, nameless), "https://x.example/");
}

#[test]
fn an_event_gets_the_name_of_the_map_and_with_it_a_meaning_or_none() {
    let map = r#"event_map = { "Order Completed" = "purchase", "Account Closed" = "User Deleted", "User Deleted" = "Goodbye" }"#;
    let call = |name: &str| format!(r#"{{"type":"track","messageId":"m","userId":"u","event":"{name}"}}"#);
    assert_eq!(item(map, &call("Order Completed"))["name"], "purchase");
    assert_eq!(item(map, &call("Something Else"))["name"], "Something Else");
    assert_eq!(item(map, &call("Account Closed"))["action"], "delete");
    assert_eq!(item(map, &call("User Deleted"))["name"], "Goodbye");
}

#[test]
fn dropped_attributes_are_in_no_item_at_any_depth() {
    let drop = r#"drop_attributes = ["email", "address.city", "tags.deep", "created_at", "anonymous_id", "total", "products.sku", "role"]"#;
    let attributes = |event: &str| item(drop, event)["attributes"].clone();
    let person = attributes(IDENTIFY);
    for gone in ["email", "created_at", "anonymous_id"] {
        assert!(person.get(gone).is_none(), "{gone}: {person}");
    }
    assert_eq!(person["address"], json!({ "since": 1_767_323_045, "geo": { "lat": 50.9375 } }));
    assert_eq!(person["tags"][4], json!({}));
    assert_eq!(person["name"], "Zoë \"Ada\" 🚀");
    let event = attributes(TRACK);
    assert_eq!((event.get("total"), &event["products"]), (None, &json!([{ "at": 1_767_312_000 }])));
    let group = item(drop, GROUP);
    assert_eq!(group["cio_relationships"][0]["relationship_attributes"], json!({}));
    let dated = item("drop_attributes = [\"_timestamp\"]", IDENTIFY_CONTEXT_TRAITS);
    assert_eq!(dated["attributes"], json!({ "plan": "pro" }));
    let literal = r#"{"type":"identify","messageId":"m","userId":"u","traits":{"address.city":"Bonn","x":1}}"#;
    assert!(item(drop, literal)["attributes"].get("address.city").is_none());
}

#[test]
fn flattened_objects_have_dots_in_their_names_and_lists_stay() {
    let person = item("flatten = true", IDENTIFY)["attributes"].clone();
    assert_eq!(person["address.city"], "Köln");
    assert_eq!((&person["address.geo.lat"], &person["address.since"]), (&json!(50.9375), &json!(1_767_323_045)));
    assert!(person.get("address").is_none() && person["tags"].is_array(), "{person}");
    assert_eq!(item("", IDENTIFY)["attributes"]["address"]["city"], "Köln");
    let both = "flatten = true\ndrop_attributes = [\"address.geo\"]";
    assert!(item(both, IDENTIFY)["attributes"].get("address.geo.lat").is_none());
    let empty = r#"{"type":"identify","messageId":"m","userId":"u","traits":{"a":{},"b":{"c":{}}}}"#;
    let flat = item("flatten = true", empty)["attributes"].clone();
    assert_eq!((&flat["a"], &flat["b.c"]), (&json!({}), &json!({})));
}

#[test]
fn of_names_that_flattening_makes_equal_the_first_wins() {
    let text = r#"{"type":"track","messageId":"m","userId":"u","event":"X","properties":{"a.b":1,"a":{"b":2,"c":3},"d":{"e":4},"d.e":5}}"#;
    let body = body("flatten = true", text);
    assert!(body.ends_with(r#""attributes":{"a.b":1,"a.c":3,"d.e":4}}]}"#), "{body}");
}

#[test]
fn created_at_is_dropped_under_either_name() {
    for name in ["createdAt", "created_at"] {
        for sent in ["createdAt", "created_at"] {
            let text = format!(r#"{{"type":"identify","messageId":"m","userId":"u","traits":{{"{sent}":"2026-01-02","x":1}}}}"#);
            let person = item(&format!("drop_attributes = [\"{name}\"]"), &text);
            assert!(person["attributes"].get("created_at").is_none(), "{name} {sent}: {person}");
        }
    }
}

#[test]
fn instants_stay_texts_when_they_are_to_but_created_at_is_always_seconds() {
    let person = item("iso_dates = false", IDENTIFY)["attributes"].clone();
    assert_eq!((&person["born"], &person["address"]["since"]), (&json!("1990-05-01"), &json!("2026-01-02T03:04:05Z")));
    assert_eq!(person["created_at"], 1_709_251_199);
    assert_eq!(item("iso_dates = false", TRACK)["timestamp"], 1_767_323_045);
}

#[test]
fn what_overrules_a_campaign_is_kept_out_of_events_unless_it_is_wanted() {
    let event = item("", TRACK)["attributes"].clone();
    for name in ["recipient", "from_address", "reply_to"] {
        assert!(event.get(name).is_none(), "{name}");
        assert_eq!(item("strip_overrides = false", TRACK)["attributes"][name], "evil@example.com");
    }
    assert_eq!(event["shipping"]["recipient"], "Ada", "deeper down it means nothing");
    let person = r#"{"type":"identify","messageId":"m","userId":"u","traits":{"recipient":"x"}}"#;
    assert_eq!(item("", person)["attributes"]["recipient"], "x");
}

#[test]
fn an_object_has_the_configured_type_unless_it_names_one() {
    let kind = |settings: &str, event: &str| item(settings, event)["identifiers"]["object_type_id"].clone();
    assert_eq!(kind("", GROUP_ANONYMOUS), "1");
    assert_eq!(kind("object_type_id = \"9\"", GROUP_ANONYMOUS), "9");
    assert_eq!(kind("object_type_id = \"9\"", GROUP), "3");
    assert_eq!(kind("object_type_id = \"9\"", GROUP_OBJECT_ATTRIBUTES), "4");
}
