//! `custom_data`: what was looked at, searched, put into the cart or bought.
//!
//! Only what has a place there is sent, and what the settings name. No currency is invented.

mod product;

use std::borrow::Cow;

use serde_json::Value;

use self::product::Product;
use super::call::{Call, word};
use super::name::Shape;
use super::write::{Object, write_text};
use super::{No, extra, money};

/// The names that this module may write.
const NAMES: [&str; 11] = [
    "search_string",
    "currency",
    "value",
    "content_ids",
    "contents",
    "content_type",
    "content_name",
    "content_category",
    "num_items",
    "order_id",
    "delivery_category",
];

/// Returns whether a name has its place in `custom_data` already.
pub(in super::super) fn is_taken(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Writes `custom_data`, unless nothing is in it.
///
/// # Errors
/// A purchase without its value or its currency.
pub(super) fn write(call: &Call<'_>, shape: Shape, event: &mut Object<'_>) -> Result<(), No> {
    event.object("custom_data", |data| fill(call, shape, data))
}

fn fill(call: &Call<'_>, shape: Shape, data: &mut Object<'_>) -> Result<(), No> {
    if shape == Shape::Search {
        write_words(data, "search_string", call.property("query").and_then(word));
    }
    if !matches!(shape, Shape::Bare | Shape::Search) {
        let is_about_one = matches!(shape, Shape::Product | Shape::Wish);
        let products = Product::all(call, is_about_one);
        write_money(call, shape, &products, data)?;
        write_products(&products, data);
        write_about(call, shape, &products, data);
    }
    if shape == Shape::Purchase {
        write_words(data, "order_id", call.property("order_id").or(call.property("orderId")).and_then(word));
    }
    extra::write(call, &NAMES, data);
    Ok(())
}

/// Writes a text, unless it is empty or holds somebody's address.
fn write_words(data: &mut Object<'_>, name: &str, words: Option<Cow<'_, str>>) {
    if let Some(words) = words.filter(|words| !extra::holds_email(words)) {
        data.text(name, &words);
    }
}

/// What the event says about its currency.
enum Currency {
    Known(&'static str),
    /// Something that is none.
    Wrong,
    /// Nothing, and the settings say nothing either.
    Missing,
}

impl Currency {
    fn of(call: &Call<'_>) -> Currency {
        match call.property("currency") {
            Some(Value::String(named)) if !named.trim().is_empty() => {
                money::known(named).map_or(Currency::Wrong, Currency::Known)
            }
            None | Some(Value::Null | Value::String(_)) => {
                call.options.currency.map_or(Currency::Missing, Currency::Known)
            }
            Some(_) => Currency::Wrong,
        }
    }
}

/// An amount whose currency is none is not sent, since Meta would read it in another one.
fn write_money(call: &Call<'_>, shape: Shape, products: &[Product<'_>], data: &mut Object<'_>) -> Result<(), No> {
    let (currency, value) = (Currency::of(call), value(call, shape, products));
    if shape == Shape::Purchase {
        check_purchase(&currency, value)?;
    }
    let value = value.filter(|value| *value >= 0.0);
    match currency {
        Currency::Known(code) if value.is_some() || call.property("currency").is_some() => data.text("currency", code),
        Currency::Wrong => return Ok(()),
        Currency::Known(_) | Currency::Missing => {}
    }
    if let Some(value) = value {
        data.amount("value", value);
    }
    Ok(())
}

/// Meta takes no purchase without both: <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/custom-data>.
fn check_purchase(currency: &Currency, value: Option<f64>) -> Result<(), No> {
    let problem = match (currency, value) {
        (_, None) => "a purchase needs an amount in `revenue`, `total` or `value`",
        (_, Some(value)) if value < 0.0 => "the amount of a purchase must not be negative",
        (Currency::Missing, _) => "a purchase needs `properties.currency`; the setting `currency` is for events without one",
        (Currency::Wrong, _) => "`properties.currency` of a purchase must be a code of ISO 4217 like \"EUR\"",
        (Currency::Known(_), Some(_)) => return Ok(()),
    };
    Err(No::Refuse(problem.to_owned()))
}

fn value(call: &Call<'_>, shape: Shape, products: &[Product<'_>]) -> Option<f64> {
    let first = |names: &[&str]| names.iter().find_map(|name| call.property(name).and_then(money::amount));
    let of_one = || products.first().filter(|_| products.len() == 1).and_then(|product| product.price);
    let price = || first(&["price"]).filter(|price| *price >= 0.0).or_else(of_one);
    match shape {
        Shape::Bare | Shape::Search | Shape::List => None,
        Shape::Product => Product::total(products).or_else(|| first(&["value", "revenue", "total"])),
        Shape::Wish => price().or_else(|| first(&["value", "revenue", "total"])),
        Shape::Checkout | Shape::Other => first(&["revenue", "value", "total"]),
        Shape::Purchase => first(&["revenue", "total", "value"]),
    }
}

fn write_products(products: &[Product<'_>], data: &mut Object<'_>) {
    let named = || products.iter().filter_map(|product| Some((product.id.as_ref()?, product)));
    if named().next().is_none() {
        return;
    }
    data.text("content_type", "product");
    let out = data.key("content_ids");
    out.push(b'[');
    for (index, (id, _)) in named().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(out, id);
    }
    out.push(b']');
    let out = data.key("contents");
    out.push(b'[');
    for (index, (id, product)) in named().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        product.write(id, out);
    }
    out.push(b']');
}

fn write_about(call: &Call<'_>, shape: Shape, products: &[Product<'_>], data: &mut Object<'_>) {
    let category = || call.property("category").and_then(category);
    match shape {
        Shape::Product | Shape::Wish => {
            write_words(data, "content_name", call.property("name").and_then(word));
            write_words(data, "content_category", category());
        }
        Shape::List => {
            if products.iter().all(|product| product.id.is_none()) {
                data.text("content_type", "product_group");
            }
            write_words(data, "content_category", category());
        }
        Shape::Checkout | Shape::Purchase if !products.is_empty() => {
            let count: f64 = products.iter().map(|product| product.quantity).sum();
            if count.is_finite() {
                data.amount("num_items", count);
            }
        }
        Shape::Checkout | Shape::Purchase | Shape::Bare | Shape::Search | Shape::Other => {}
    }
}

fn category(value: &Value) -> Option<Cow<'_, str>> {
    let Value::Array(list) = value else { return word(value) };
    let words: Vec<Cow<'_, str>> = list.iter().filter_map(word).collect();
    (!words.is_empty()).then(|| words.join(",").into())
}
