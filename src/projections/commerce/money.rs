//! Decimal numbers of events: how they are read, and what an event amounts to.
//!
//! A number is read by its digits, so that 0.1 is a tenth; what no 28 digits hold is no number. A text that is a number counts
//! as one, with white space around it.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Number, Value};

/// Returns the number that a value is.
pub fn read(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => parse(&number.to_string()),
        Value::String(text) => parse(text.trim()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn parse(text: &str) -> Option<Decimal> {
    // The library takes `1_000` for a thousand, and so does nobody else.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number = || text.parse().ok().or_else(|| Decimal::from_scientific(text).ok());
    is_plain.then(number).flatten()
}

/// Returns `revenue`, else `total`, else `value`, else the sum of price times quantity over `products`; zero when nothing is
/// said.
pub fn amount(properties: &Map<String, Value>) -> Decimal {
    let said = ["revenue", "total", "value"].iter().find_map(|name| read(properties.get(*name)?));
    said.unwrap_or_else(|| of_products(properties).unwrap_or_default())
}

/// `None` where the sum has more digits than there are.
fn of_products(properties: &Map<String, Value>) -> Option<Decimal> {
    let products = properties.get("products").and_then(Value::as_array).into_iter().flatten();
    products.filter_map(Value::as_object).try_fold(Decimal::ZERO, |sum, product| {
        let Some(price) = product.get("price").and_then(read) else { return Some(sum) };
        sum.checked_add(price.checked_mul(quantity(product))?)
    })
}

/// Returns `quantity` of a product, one when nothing is said.
pub fn quantity(product: &Map<String, Value>) -> Decimal {
    product.get("quantity").and_then(read).unwrap_or(Decimal::ONE)
}

/// Returns the currency that an event names, in capitals.
pub fn currency(properties: &Map<String, Value>) -> Option<String> {
    let named = properties.get("currency").and_then(Value::as_str).map(|text| text.trim().to_uppercase());
    named.filter(|text| !text.is_empty())
}

/// Returns `order_id`: a text that is not empty, or a number.
pub fn order_id(properties: &Map<String, Value>) -> Option<String> {
    text(properties.get("order_id")?)
}

/// Returns an identifier as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Rounds to so many digits after the point, half away from zero, as bookkeepers do.
pub fn rounded(amount: Decimal, digits: u32) -> Decimal {
    amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
}

/// Returns the amount with exactly two digits after the point.
pub(super) fn cents(amount: Decimal) -> String {
    let rounded = rounded(amount, 2);
    // No bookkeeper writes -0.00.
    format!("{:.2}", if rounded.is_zero() { Decimal::ZERO } else { rounded })
}

/// Returns the number as JSON: whole where it is whole.
pub fn number(amount: Decimal) -> Number {
    let text = amount.normalize().to_string();
    serde_json::from_str(&text).unwrap_or_else(|_| Number::from(0))
}
