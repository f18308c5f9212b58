//! Money, products and what else may be said of an event.

use super::*;
use crate::destinations::meta_capi::map::{extra, money};

#[test]
fn amounts_are_read_as_people_write_them() {
    for (written, amount) in [
        (json!(12.5), Some(12.5)),
        (json!("12.50"), Some(12.5)),
        (json!("$12.50"), Some(12.5)),
        (json!("12,50 €"), Some(12.5)),
        (json!("1,299.00"), Some(1299.0)),
        (json!("1.299,00 EUR"), Some(1299.0)),
        (json!("1'299.00"), Some(1299.0)),
        (json!("1,299"), Some(1299.0)),
        (json!("1.299.000"), Some(1_299_000.0)),
        (json!("CHF 12.-"), Some(12.0)),
        (json!("-3.5"), Some(-3.5)),
        (json!("0"), Some(0.0)),
        (json!("12.50 (was 15.00)"), Some(12.5)),
        (json!("12.50 150 left"), Some(12.5)),
        (json!("1 299,00 €"), Some(1299.0)),
        (json!("1\u{202f}299\u{202f}000,50"), Some(1_299_000.5)),
        (json!("2 for 10"), Some(2.0)),
        (json!("12EUR"), Some(12.0)),
        (json!("-$12.50"), Some(-12.5)),
        (json!("$ .50"), Some(0.5)),
        (json!("Fr.50"), Some(50.0)),
        (json!("1.5e3"), None),
        (json!("1E+3"), None),
        (json!("10-20"), None),
        (json!("free"), None),
        (json!(""), None),
        (json!("1-2"), None),
        (json!(true), None),
        (json!(null), None),
        (json!([1]), None),
    ] {
        assert_eq!(money::amount(&written), amount, "{written}");
    }
}

#[test]
fn a_purchase_is_its_revenue_else_its_total_else_its_value() {
    let value = |properties: Value| custom("Order Completed", &properties)["value"].clone();
    assert_eq!(value(json!({ "currency": "EUR", "revenue": "25.00", "total": 27.5, "value": 30 })), 25);
    assert_eq!(value(json!({ "currency": "EUR", "revenue": null, "total": 27.5, "value": 30 })), 27.5);
    assert_eq!(value(json!({ "currency": "EUR", "value": 0 })), 0);
    let checkout = json!({ "currency": "EUR", "value": 30, "total": 27.5 });
    assert_eq!(custom("Checkout Started", &checkout)["value"], 30);
}

#[test]
fn a_purchase_without_value_or_currency_is_refused_in_words() {
    for (properties, settings, what) in [
        (json!({ "currency": "EUR" }), "", "needs an amount"),
        (json!({ "currency": "EUR", "revenue": "free" }), "", "needs an amount"),
        (json!({ "currency": "EUR", "revenue": -1 }), "", "must not be negative"),
        (json!({ "revenue": 1 }), "", "needs `properties.currency`"),
        (json!({ "revenue": 1, "currency": " " }), "", "needs `properties.currency`"),
        (json!({ "revenue": 1, "currency": "EURO" }), "currency = \"CHF\"", "code of ISO 4217"),
        (json!({ "revenue": 1, "currency": 978 }), "currency = \"CHF\"", "code of ISO 4217"),
    ] {
        let said = refusal(&track("Order Completed", &properties, &json!({})), settings);
        assert!(said.contains(what), "{properties}: {said}");
    }
}

#[test]
fn no_currency_is_invented_and_that_of_the_settings_is_for_events_without_one() {
    let of = |properties: Value, settings: &str| {
        mapped_as(&track("Product Added", &properties, &json!({})), settings).unwrap()["custom_data"].clone()
    };
    let money = |data: Value| (data["currency"].clone(), data["value"].clone());
    assert_eq!(money(of(json!({ "price": 2, "currency": "chf" }), "")), (json!("CHF"), json!(2)));
    assert_eq!(money(of(json!({ "price": 2 }), "")), (Value::Null, json!(2)));
    assert_eq!(money(of(json!({ "price": 2 }), "currency = \"EUR\"")), (json!("EUR"), json!(2)));
    assert_eq!(money(of(json!({ "price": 2, "currency": "GBP" }), "currency = \"EUR\"")), (json!("GBP"), json!(2)));
    // Meta would read it as an amount of another currency.
    assert_eq!(money(of(json!({ "price": 2, "currency": "points" }), "currency = \"EUR\"")), (Value::Null, Value::Null));
    assert_eq!(of(json!({}), "currency = \"EUR\""), Value::Null, "a currency of no amount");
}

#[test]
fn products_are_called_as_the_catalogue_does() {
    let product = json!({ "product_id": 17, "sku": "S", "id": "I", "price": "8,50", "quantity": "3" });
    let ids = |settings: &str, product: &Value| {
        let call = track("Product Viewed", product, &json!({}));
        mapped_as(&call, settings).unwrap()["custom_data"]["content_ids"].clone()
    };
    assert_eq!(ids("", &product), json!(["17"]));
    assert_eq!(ids("content_id = \"sku\"", &product), json!(["S"]));
    assert_eq!(ids("", &json!({ "id": "I" })), json!(["I"]));
    let data = custom("Product Viewed", &product);
    assert_eq!(data["contents"], json!([{ "id": "17", "quantity": 3, "item_price": 8.5 }]));
    assert_eq!(data["value"], 25.5);
}

#[test]
fn a_sum_that_is_no_number_is_not_sent() {
    let huge = json!({ "id": "a", "price": 1e308, "quantity": 1e308 });
    let data = custom("Product Added", &json!({ "products": [huge, huge] }));
    assert_eq!(data.get("value"), None);
    let order = json!({ "currency": "EUR", "revenue": 1, "products": [huge, huge] });
    assert_eq!(custom("Order Completed", &order).get("num_items"), None);
    let large = json!({ "id": "a", "price": 1e305 });
    assert_eq!(custom("Product Viewed", &large)["value"], 1e305, "too large to be rounded");
}

#[test]
fn an_empty_list_is_no_list() {
    let data = custom("Product Viewed", &json!({ "products": [], "product_id": "p", "price": 3 }));
    assert_eq!((&data["content_ids"], &data["value"]), (&json!(["p"]), &json!(3)));
}

#[test]
fn a_wish_is_worth_its_price() {
    let two = json!([{ "id": "a", "price": 5 }, { "id": "b", "price": 6 }]);
    let value = |properties: Value| custom("Product Added to Wishlist", &properties)["value"].clone();
    assert_eq!(value(json!({ "price": "7.50", "value": 9, "products": two })), 7.5);
    assert_eq!(value(json!({ "products": [{ "id": "a", "price": 5, "quantity": 3 }], "value": 9 })), 5);
    assert_eq!(value(json!({ "products": two, "value": 9 })), 9);
}

#[test]
fn a_product_without_an_id_counts_and_is_not_named() {
    let order = json!({
        "revenue": 9, "currency": "EUR",
        "products": [{ "name": "x" }, { "sku": "b", "quantity": 0, "price": -1 }, "odd", { "sku": "c", "quantity": 2.5 }],
    });
    let data = custom("Order Completed", &order);
    assert_eq!(data["content_ids"], json!(["b", "c"]));
    assert_eq!(data["contents"], json!([{ "id": "b", "quantity": 1 }, { "id": "c", "quantity": 2.5 }]));
    assert_eq!(data["num_items"], 4.5);
}

#[test]
fn how_a_product_comes_is_said_in_words_that_meta_knows() {
    let data = custom(
        "Product Added",
        &json!({ "delivery_category": "in_store", "products": [{ "id": 1 }, { "id": 2, "delivery_category": "drone" }] }),
    );
    let told = json!([{ "id": "1", "quantity": 1, "delivery_category": "in_store" }, { "id": "2", "quantity": 1 }]);
    assert_eq!(data["contents"], told);
}

#[test]
fn only_what_has_a_place_is_sent_and_what_the_settings_name() {
    let properties = json!({
        "revenue": 1, "currency": "EUR", "coupon": "MAY", "tax": 2, "value": 3, "nothing": null,
        "affiliation": "ann@example.com", "shop": { "name": "A", "Email": "x@y.z", "to": { "phone": 1, "floor": 2 }, "of": ["a@b.c", "d"] },
    });
    let call = track("Order Completed", &properties, &json!({}));
    let plain = mapped_as(&call, "").unwrap()["custom_data"].clone();
    assert_eq!(plain, json!({ "currency": "EUR", "value": 1 }));
    let settings = "custom_data = [\"coupon\", \"tax\", \"value\", \"nothing\", \"missing\", \"affiliation\", \"shop\"]";
    let more = mapped_as(&call, settings).unwrap()["custom_data"].clone();
    let shop = json!({ "name": "A", "to": { "floor": 2 }, "of": ["d"] });
    assert_eq!(more, json!({ "currency": "EUR", "value": 1, "coupon": "MAY", "tax": 2, "shop": shop }));
}

#[test]
fn nothing_about_a_person_is_ever_in_the_data() {
    for name in [
        "email", "firstName", "lastName", "firstname", "lastname", "first_name", "last_name", "gender", "city", "country",
        "phone", "state", "zip", "postalCode", "birthday", "E-Mail", "SSN", "phone_number", "user-name",
        "tel", "zip_code", "address",
    ] {
        assert!(extra::is_personal(name), "{name}");
    }
    assert!(extra::PERSONAL.is_sorted(), "it is searched by halves");
    assert!(!extra::is_personal("statement") && !extra::is_personal("coupon"));
    for (text, holds) in [
        ("ann@example.com", true),
        ("to <ann@example.com>, please", true),
        ("ada%40example.com", true),
        ("of ada%2540example.com", true),
        ("100% of a%20b", false),
        ("2 @ 3.50", false),
        ("@handle", false),
        ("a@b", false),
    ] {
        assert_eq!(extra::holds_email(text), holds, "{text}");
    }
    let search = custom("Products Searched", &json!({ "query": "mail of ann@example.com" }));
    assert_eq!(search, Value::Null);
    let viewed = custom("Product Viewed", &json!({ "id": "1", "name": "ann@example.com" }));
    assert_eq!(viewed["content_name"], Value::Null);
    assert_eq!(custom("Product Viewed", &json!({ "product_id": "ann@example.com" })), Value::Null);
}
