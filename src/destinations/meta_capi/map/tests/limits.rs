//! Where, when and by whose leave: what would fail a whole request is found before it is sent.

use super::*;
use crate::spec::consent::Signals;
use crate::spec::{Kind, Receipt};

const BROWSER: &str = "Mozilla/5.0";

fn website() -> Value {
    json!({ "userAgent": BROWSER, "page": { "url": "https://shop.example/" } })
}

#[test]
fn the_source_is_what_the_event_says_else_what_it_looks_like_else_what_is_set() {
    let phone = json!({ "app": { "version": "1" }, "os": { "name": "Android", "version": "14" } });
    for (properties, context, settings, source) in [
        (json!({ "action_source": "email" }), website(), "", "email"),
        (json!({}), website(), "action_source = \"chat\"", "website"),
        (json!({}), phone.clone(), "action_source = \"chat\"", "app"),
        (json!({}), json!({}), "action_source = \"chat\"", "chat"),
        (json!({}), json!({}), "", "system_generated"),
        (json!({ "action_source": "the web" }), json!({}), "", "system_generated"),
        (json!({}), json!({ "page": { "url": "https://x.y/" } }), "", "system_generated"),
        (json!({}), json!({ "userAgent": BROWSER }), "", "system_generated"),
        (json!({}), json!({ "app": {}, "os": { "name": "Windows", "version": "11" } }), "", "system_generated"),
        (json!({ "action_source": "other" }), phone, "", "other"),
    ] {
        let call = track("Signed Up", &properties, &context);
        assert_eq!(mapped_as(&call, settings).unwrap()["action_source"], source, "{properties} {context} {settings}");
    }
}

#[test]
fn a_source_that_is_said_needs_what_meta_wants_of_it() {
    for (source, context, what) in [
        ("website", json!({ "userAgent": BROWSER }), "context.page.url"),
        ("website", json!({ "page": { "url": "https://x.y/" } }), "context.userAgent"),
        ("app", json!({}), "context.os.name"),
        ("app", json!({ "os": { "name": "Windows", "version": "11" } }), "context.os.name"),
        ("app", json!({ "os": { "name": "iOS" } }), "context.os.version"),
        ("business_messaging", json!({}), "messaging_channel"),
    ] {
        let said = track("Signed Up", &json!({ "action_source": source }), &context);
        assert!(refusal(&said, "").contains(what), "{source}");
        let set = track("Signed Up", &json!({}), &context);
        assert!(refusal(&set, &format!("action_source = \"{source}\"")).contains(what), "{source}");
    }
    let chat = track("Signed Up", &json!({ "action_source": "business_messaging", "messaging_channel": "whatsapp" }), &json!({}));
    assert_eq!(mapped(&chat)["messaging_channel"], "whatsapp");
}

#[test]
fn the_id_is_the_one_that_the_page_shares_with_the_pixel() {
    for (properties, id) in [
        (json!({ "event_id": "e-7" }), "e-7"),
        (json!({ "event_id": 12345 }), "12345"),
        (json!({ "event_id": " ", "eventId": 7 }), "7"),
        (json!({ "event_id": null }), "m-1"),
    ] {
        assert_eq!(mapped(&track("Signed Up", &properties, &json!({})))["event_id"], id, "{properties}");
    }
}

#[test]
fn the_address_of_a_page_is_that_of_the_context_or_of_a_page_call() {
    let product = track("Product Viewed", &json!({ "url": "https://shop.example/product" }), &json!({ "userAgent": BROWSER }));
    assert_eq!(mapped(&product)["event_source_url"], Value::Null, "that is where the product is");
    let page = json!({ "type": "page", "messageId": "m", "userId": "u", "properties": { "url": "https://shop.example/" },
                       "context": { "userAgent": BROWSER } });
    let page = mapped(&event(&page.to_string()));
    assert_eq!((&page["event_source_url"], &page["action_source"]), (&json!("https://shop.example/"), &json!("website")));
}

#[test]
fn the_address_of_a_page_tells_nothing_about_a_person() {
    for (url, sent) in [
        (
            "https://shop.example/thanks?email=ada@example.com&phone=4912345678&utm_source=x",
            "https://shop.example/thanks?utm_source=x",
        ),
        ("https://shop.example/?u=ada%40example.com&e%2Dmail=x&id=7", "https://shop.example/?id=7"),
        ("https://shop.example/?u=ada%2540example.com", "https://shop.example/"),
        ("https://shop.example/?billing[phone]=7&user_email=x&ada@example.com", "https://shop.example/"),
        ("https://shop.example/?a=1&&b&fbclid=Z", "https://shop.example/?a=1&b&fbclid=Z"),
        ("https://ada:secret@shop.example:8443/a/?b=1#ada@example.com", "https://shop.example:8443/a/?b=1"),
        ("https://ada@shop.example?b=1", "https://shop.example?b=1"),
        ("https://shop.example/off/ada%40example.com/now", "https://shop.example/off/now"),
        ("HTTP://shop.example/größe", "HTTP://shop.example/größe"),
    ] {
        let context = json!({ "userAgent": BROWSER, "page": { "url": url } });
        assert_eq!(mapped(&track("Signed Up", &json!({}), &context))["event_source_url"], sent, "{url}");
    }
    for url in ["javascript:alert(1)", "file:///home/ada/x.html", "shop.example/a", "/a", "https://", "https://ada@/a"] {
        let context = json!({ "userAgent": BROWSER, "page": { "url": url } });
        let sent = mapped(&track("Signed Up", &json!({}), &context));
        assert_eq!((&sent["event_source_url"], &sent["action_source"]), (&Value::Null, &json!("system_generated")), "{url}");
    }
}

#[test]
fn no_advertising_id_and_no_switch_are_sent_as_such() {
    let device = json!({ "advertisingId": "00000000-0000-0000-0000-000000000000", "adTrackingEnabled": false });
    let context = json!({ "app": {}, "os": { "name": "ios", "version": "17" }, "device": device });
    let sent = mapped(&track("Signed Up", &json!({}), &context));
    let app = &sent["app_data"];
    assert_eq!((&app["advertiser_tracking_enabled"], &app["madid"]), (&json!(0), &Value::Null));
    assert_eq!(app["extinfo"].as_array().unwrap().len(), 16);
    assert_eq!(sent["user_data"]["madid"], Value::Null);
}

// === Time ===

fn aged(source: &str, at: &str, first_at: &str, timestamp: &str) -> Result<Value, No> {
    let text = json!({ "type": "track", "messageId": "m", "userId": "u", "event": "Signed Up",
                       "properties": { "action_source": source } });
    let receipt = Receipt { timestamp: timestamp.parse().unwrap(), ..receipt() };
    let event = Event::restore(text.to_string(), receipt).unwrap();
    let attempt = Attempt { number: 3, first_at: first_at.parse().unwrap(), at: at.parse().unwrap() };
    let json = write(&event, &options(""), &attempt)?;
    Ok(serde_json::from_slice::<Value>(&json).unwrap()["event_time"].clone())
}

fn receipt() -> Receipt {
    Receipt {
        kind: Kind::Track,
        received_at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        timestamp: "2026-01-02T03:04:05.600Z".parse().unwrap(),
        sent_at: None,
        message_id: None,
        source: "test".into(),
        ip: None,
        signals: Signals::default(),
        redelivery: None,
    }
}

#[test]
fn the_age_is_judged_when_it_is_sent_and_not_when_it_came() {
    let (then, first) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
    let too_old = Err(No::Skip(Reason::TooOld));
    let time = Ok(json!(1_767_225_600));
    assert_eq!(aged("other", first, first, then), time);
    assert_eq!(aged("other", "2026-01-07T23:58:59Z", first, then), time, "after an outage of nearly a week");
    assert_eq!(aged("other", "2026-01-07T23:59:01Z", first, then), too_old, "it would be when it arrives");
    assert_eq!(aged("other", "2026-01-09T00:00:00Z", first, then), too_old);
    assert_eq!(aged("physical_store", "2026-03-03T23:58:59Z", first, then), time);
    assert_eq!(aged("physical_store", "2026-03-03T23:59:01Z", first, then), too_old);
}

#[test]
fn an_event_from_the_future_is_one_of_now() {
    let (first, at) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z");
    for (timestamp, seconds) in [
        ("2025-12-31T23:59:59.9Z", 1_767_225_599),
        ("2026-01-01T00:00:10Z", 1_767_225_600),
        ("2026-01-05T00:00:00Z", 1_767_225_600),
    ] {
        assert_eq!(aged("other", at, first, timestamp), Ok(json!(seconds)), "{timestamp}");
    }
}

// === Limited data use ===

fn rights(context: Value, gpc: bool, settings: &str) -> Value {
    let text = json!({ "type": "track", "messageId": "m", "userId": "u", "event": "Signed Up", "context": context });
    let receipt = Receipt { signals: Signals { gpc, dnt: false }, ..receipt() };
    let sent = mapped_as(&Event::restore(text.to_string(), receipt).unwrap(), settings).unwrap();
    let keys = ["data_processing_options", "data_processing_options_country", "data_processing_options_state"];
    keys.map(|key| sent[key].clone()).into_iter().collect()
}

#[test]
fn data_processing_options_are_what_the_event_says_else_what_its_consent_says() {
    let consent = |preferences: Value| json!({ "consent": { "categoryPreferences": preferences } });
    let limited = json!([["LDU"], 0, 0]);
    let none = json!([null, null, null]);
    for (context, gpc, expected) in [
        (json!({ "dataProcessingOptions": [["LDU"], 1, 1000] }), false, json!([["LDU"], 1, 1000])),
        (json!({ "dataProcessingOptions": [["LDU"]] }), false, limited.clone()),
        (json!({ "dataProcessingOptions": ["LDU"] }), false, limited.clone()),
        (json!({ "dataProcessingOptions": ["LDU", 1, 1000] }), false, json!([["LDU"], 1, 1000])),
        (json!({ "dataProcessingOptions": [["LDU", "FOO"], 99, 1] }), false, limited.clone()),
        (json!({ "dataProcessingOptions": [["LDU"], 1, 7] }), false, limited.clone()),
        (json!({ "dataProcessingOptions": [["LDU"], 1, 1000] }), true, json!([["LDU"], 1, 1000])),
        (json!({ "dataProcessingOptions": [["FOO"], 99, 1] }), false, none.clone()),
        (json!({ "dataProcessingOptions": [["FOO"], 99, 1] }), true, limited.clone()),
        (json!({ "dataProcessingOptions": [[], 0, 0] }), false, json!([[], null, null])),
        (json!({ "dataProcessingOptions": [] }), false, json!([[], null, null])),
        (json!({ "dataProcessingOptions": [[], 0, 0] }), true, limited.clone()),
        (
            json!({ "dataProcessingOptions": [[], 0, 0], "consent": { "categoryPreferences": { "advertising": false } } }),
            false,
            limited.clone(),
        ),
        (json!({ "dataProcessingOptions": "LDU" }), false, none.clone()),
        (json!({}), false, none.clone()),
        (json!({}), true, limited.clone()),
        (consent(json!({ "Advertising": false })), false, limited.clone()),
        (consent(json!({ "sale_of_data": "no", "analytics": true })), false, limited.clone()),
        (consent(json!({ "advertising": true, "analytics": false })), false, none.clone()),
        (consent(json!({ "advertising": null })), false, none.clone()),
    ] {
        assert_eq!(rights(context.clone(), gpc, ""), expected, "{context} {gpc}");
    }
    assert_eq!(rights(json!({}), false, "limited_data_use = \"always\""), limited);
    let unlimited = json!({ "dataProcessingOptions": [[], 0, 0] });
    assert_eq!(rights(unlimited, false, "limited_data_use = \"always\""), limited);
    assert_eq!(rights(json!({}), true, "limited_data_use = \"never\""), none);
    let own = json!({ "dataProcessingOptions": [["LDU"], 1, 1000] });
    assert_eq!(rights(own, false, "limited_data_use = \"never\""), json!([["LDU"], 1, 1000]));
}
