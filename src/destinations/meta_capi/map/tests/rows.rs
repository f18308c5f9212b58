//! A snapshot for each row of the tables.

use super::*;

macro_rules! row {
    ($name:ident, $file:literal) => {
        #[test]
        fn $name() {
            let event = event(include_str!(concat!("../../fixtures/", $file, ".json")));
            insta::assert_snapshot!($file, serde_json::to_string_pretty(&mapped(&event)).unwrap());
        }
    };
}

row!(a_page_is_a_page_view, "page");
row!(products_searched_is_a_search, "products_searched");
row!(a_product_list_is_content_of_its_products, "product_list_viewed");
row!(a_product_list_without_products_is_content_of_its_category, "product_list_viewed_without_products");
row!(a_product_viewed_is_content_at_its_price, "product_viewed");
row!(a_product_added_costs_its_price_times_how_many, "product_added");
row!(a_wish_costs_its_price, "product_added_to_wishlist");
row!(a_checkout_is_of_its_revenue_and_products, "checkout_started");
row!(payment_info_is_nothing_but_that, "payment_info_entered");
row!(an_order_is_a_purchase, "order_completed");
row!(a_sign_up_says_nothing_of_the_person_in_its_data, "signed_up");
row!(a_lead_has_its_value, "lead_generated");
row!(an_order_in_an_app_has_what_meta_wants_of_apps, "app");
row!(a_person_is_normalised_and_hashed, "person");

#[test]
fn names_are_compared_without_regard_to_case_and_blanks() {
    for name in ["order completed", "ORDER COMPLETED", "  Order Completed "] {
        let order = track(name, &json!({ "revenue": 1, "currency": "EUR" }), &json!({}));
        assert_eq!(mapped(&order)["event_name"], "Purchase", "{name}");
    }
}

#[test]
fn an_event_map_comes_first_and_brings_the_form_of_its_name() {
    let map = "event_map = { \"Trial Ended\" = \"Purchase\", \"order completed\" = \"Subscribe\", \"PLAN\" = \"MyPlan\" }";
    let properties = json!({ "revenue": 5, "currency": "EUR", "order_id": "o", "products": [{ "sku": "s" }] });
    let call = |name: &str| mapped_as(&track(name, &properties, &json!({})), map).unwrap();
    let trial = call("trial ended");
    assert_eq!((&trial["event_name"], &trial["custom_data"]["order_id"]), (&json!("Purchase"), &json!("o")));
    assert_eq!(call("Order Completed")["event_name"], "Subscribe");
    let plan = call("Plan");
    assert_eq!(plan["event_name"], "MyPlan");
    let data = json!({ "currency": "EUR", "value": 5, "content_type": "product", "content_ids": ["s"],
                       "contents": [{ "id": "s", "quantity": 1 }] });
    assert_eq!(plan["custom_data"], data);
}

#[test]
fn other_names_are_sent_only_when_custom_events_are_on() {
    let call = track("Plan Changed", &json!({ "plan": "pro", "value": 3, "currency": "EUR" }), &json!({}));
    assert_eq!(mapped_as(&call, ""), Err(No::Skip(Reason::Unsupported)));
    let sent = mapped_as(&call, "custom_events = true").unwrap();
    assert_eq!(sent["event_name"], "Plan Changed");
    assert_eq!(sent["custom_data"], json!({ "currency": "EUR", "value": 3 }));
    let long = "é".repeat(51);
    assert!(refusal(&track(&long, &json!({}), &json!({})), "custom_events = true").contains("50 characters"));
    assert!(mapped_as(&track(&"é".repeat(50), &json!({}), &json!({})), "custom_events = true").is_ok());
}

#[test]
fn no_other_kind_of_call_is_sent() {
    for kind in ["identify", "screen", "group", "alias"] {
        let call = json!({ "type": kind, "messageId": "m", "userId": "u", "previousId": "p", "groupId": "g", "name": "Home" });
        assert_eq!(mapped_as(&event(&call.to_string()), "custom_events = true"), Err(No::Skip(Reason::Unsupported)), "{kind}");
    }
}

#[test]
fn the_id_is_that_which_the_page_gave_its_pixel_else_the_message_id() {
    for (properties, id) in [
        (json!({ "event_id": "shared-1" }), "shared-1"),
        (json!({ "eventId": "shared-2" }), "shared-2"),
        (json!({ "event_id": "" }), "m-1"),
        (json!({ "event_id": null }), "m-1"),
        (json!({}), "m-1"),
    ] {
        assert_eq!(mapped(&track("Signed Up", &properties, &json!({})))["event_id"], id, "{properties}");
    }
}
