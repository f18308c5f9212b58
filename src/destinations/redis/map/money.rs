//! What an order is worth, in hundredths of its currency, rounded half up. Pure.
//!
//! `revenue`, else `total`, else `value`, else the sum of price times quantity over `products`; numbers may be texts.

use serde_json::{Map, Value};

use super::digest;
use crate::spec::Event;
use crate::warehouse::decimal::plain;

/// Digits after the point while calculating.
const FINE: usize = 9;
/// 10^9.
const UNIT: i128 = 1_000_000_000;
/// 10^(9 - 2): what is rounded away.
const ROUNDED: i128 = 10_000_000;
/// The largest amount that is counted, ten billion: what is beyond is a mistake, and counters have an end.
const MOST: i128 = 1_000_000_000_000;

/// What was bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Order {
    /// A digest of `order_id`, by which an order that is told twice counts once.
    pub(in super::super) id: Option<String>,
    /// Hundredths; 0 where no amount is told that can be counted.
    pub(in super::super) cents: i64,
    /// Three capital letters; absent where none is told.
    pub(in super::super) currency: Option<String>,
}

/// Returns the order of an `Order Completed`.
pub(super) fn order(event: &Event) -> Option<Order> {
    if event.head.name.as_deref() != Some("Order Completed") {
        return None;
    }
    let none = Map::new();
    let properties = event.properties().unwrap_or(&none);
    let id = properties.get("order_id").or_else(|| properties.get("orderId")).and_then(text);
    Some(Order { id: id.map(|id| digest(&id)), cents: amount(properties).unwrap_or_default(), currency: currency(properties) })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn currency(properties: &Map<String, Value>) -> Option<String> {
    let code = properties.get("currency")?.as_str()?.trim();
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| code.to_ascii_uppercase())
}

fn amount(properties: &Map<String, Value>) -> Option<i64> {
    let given = ["revenue", "total", "value"].into_iter().find_map(|key| fine(properties.get(key)?));
    let fine = given.or_else(|| sum(properties.get("products")?.as_array()?))?;
    let half = if fine < 0 { -ROUNDED / 2 } else { ROUNDED / 2 };
    let cents = fine.checked_add(half)? / ROUNDED;
    if cents.abs() > MOST { None } else { i64::try_from(cents).ok() }
}

fn sum(products: &[Value]) -> Option<i128> {
    let prices = products.iter().filter_map(|product| Some((product, fine(product.get("price")?)?)));
    let mut parts = prices.map(|(product, price)| {
        let quantity = product.get("quantity").and_then(fine).unwrap_or(UNIT);
        price.checked_mul(quantity).map(|part| part / UNIT)
    });
    parts.try_fold(0_i128, |sum, part| sum.checked_add(part?))
}

/// Reads a number, or a text that is one, in units of 10^-9.
fn fine(value: &Value) -> Option<i128> {
    let text = text(value)?;
    let plain = plain(&text).or_else(|| {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
        plain(&format!("{number:.FINE$}"))
    })?;
    let (sign, digits) = plain.strip_prefix('-').map_or((1, plain.as_str()), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.parse::<i128>().ok()?.checked_mul(UNIT)?;
    let fraction = format!("{fraction:0<FINE$}").parse::<i128>().ok()?;
    whole.checked_add(fraction)?.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::kit::testing::event;

    fn of(properties: &str) -> (i64, Option<String>) {
        let text = format!(r#"{{"type":"track","event":"Order Completed","userId":"u","messageId":"m","properties":{properties}}}"#);
        let order = order(&event(&text)).unwrap();
        (order.cents, order.currency)
    }

    #[test]
    fn amounts_are_hundredths_rounded_half_up_from_whatever_says_them_first() {
        for (properties, cents) in [
            (r#"{"revenue":12.5,"total":1}"#, 1_250),
            (r#"{"total":"19.99"}"#, 1_999),
            (r#"{"revenue":"?","value":0.005}"#, 1),
            (r#"{"value":-0.005}"#, -1),
            (r#"{"revenue":19.990000000000002}"#, 1_999),
            (r#"{"products":[{"price":9.99,"quantity":3},{"price":"0.03"},{"name":"gift"}]}"#, 3_000),
            (r#"{"revenue":1e30}"#, 0),
            (r#"{"revenue":20000000000}"#, 0),
            ("{}", 0),
        ] {
            assert_eq!(of(properties).0, cents, "{properties}");
        }
    }

    #[test]
    fn a_currency_is_three_letters_and_anything_else_is_none() {
        for (currency, wanted) in [(r#"" eur ""#, Some("EUR")), (r#""euro""#, None), ("7", None), (r#""a:b""#, None)] {
            assert_eq!(of(&format!(r#"{{"currency":{currency}}}"#)).1.as_deref(), wanted, "{currency}");
        }
    }

    #[test]
    fn only_a_completed_order_is_one_and_its_id_is_a_digest() {
        let of = |name: &str, id: &str| {
            order(&event(&format!(r#"{{"type":"track","event":"{name}","userId":"u","messageId":"m","properties":{{"order_id":{id}}}}}"#)))
        };
        assert_eq!(of("Order Refunded", "1"), None);
        let (number, text) = (of("Order Completed", "17").unwrap().id, of("Order Completed", "\"17\"").unwrap().id);
        assert!(number == text && number.is_some_and(|id| id.len() == 32));
        assert_eq!(of("Order Completed", "\"\"").unwrap().id, None);
    }
}
