//! What an order is worth, in hundredths of its currency, rounded half up. Pure.
//!
//! What an event amounts to is not decided here but in `projections::commerce::money`, for every store alike.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value};

use super::digest;
use crate::projections::commerce::money;
use crate::spec::Event;

/// The largest amount that is counted, ten billion: what is beyond is a mistake, and counters have an end.
const MOST: i64 = 1_000_000_000_000;

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
    let id = money::order_id(properties).map(|id| digest(&id));
    Some(Order { id, cents: cents(properties).unwrap_or_default(), currency: currency(properties) })
}

/// A name of a counter holds no more than a code.
fn currency(properties: &Map<String, Value>) -> Option<String> {
    let is_code = |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    money::currency(properties).filter(is_code)
}

fn cents(properties: &Map<String, Value>) -> Option<i64> {
    let cents = money::rounded(money::amount(properties), 2).checked_mul(Decimal::ONE_HUNDRED)?.to_i64()?;
    Some(cents).filter(|cents| cents.abs() <= MOST)
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
