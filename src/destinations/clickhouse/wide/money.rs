//! The amount of an order or a refund, exact to four digits after the point. Pure.
//!
//! `revenue`, else `total`, else `value`, else the sum of price times quantity over `products`. Digits are read as they were
//! sent; only a number with more than nine digits after the point goes through a float.

use std::borrow::Cow;

use crate::warehouse::decimal::plain;
use crate::warehouse::flatten::each_key;
use crate::warehouse::value::Value;

/// Digits after the point while calculating.
const FINE: usize = 9;
/// 10^9.
const UNIT: i128 = 1_000_000_000;
/// 10^(9 - 4): what is rounded away.
const ROUNDED: i128 = 100_000;
/// The largest amount of a `Decimal(18, 4)`, in its last digit.
const MOST: i128 = 999_999_999_999_999_999;

/// The texts of properties that say how much.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) revenue: Option<&'a str>,
    pub(super) total: Option<&'a str>,
    pub(super) value: Option<&'a str>,
    pub(super) products: Option<&'a str>,
}

/// Returns the amount as plain digits; nothing where none is said, or one that no column holds.
pub(super) fn amount(said: &Said<'_>) -> Option<String> {
    let given = [said.revenue, said.total, said.value].into_iter().flatten().find_map(fine);
    written(given.or_else(|| sum(said.products?))?)
}

/// Returns what a single property says, written like an amount.
pub(super) fn single(raw: &str) -> Option<String> {
    written(fine(raw)?)
}

/// Reads a number, or a text that is one, in units of 10^-9.
fn fine(raw: &str) -> Option<i128> {
    let text = match Value::from_json(raw)? {
        Value::Text(text) => Cow::Owned(text.trim().to_owned()),
        Value::Int(_) | Value::Float(..) | Value::Digits(_) => Cow::Borrowed(raw),
        Value::Bool(_) | Value::Json(_) | Value::Time(..) => return None,
    };
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

fn sum(products: &str) -> Option<i128> {
    let products: Vec<&serde_json::value::RawValue> = serde_json::from_str(products).ok()?;
    let mut sum: Option<i128> = None;
    for product in products {
        let (mut price, mut quantity) = (None, UNIT);
        each_key(product.get(), |key, value| match &*key {
            "price" => price = fine(value),
            "quantity" => quantity = fine(value).unwrap_or(UNIT),
            _ => {}
        });
        let Some(price) = price else { continue };
        let of_product = price.checked_mul(quantity)? / UNIT;
        sum = Some(sum.unwrap_or_default().checked_add(of_product)?);
    }
    sum
}

/// Rounds half up, away from zero, as bookkeepers do.
fn written(fine: i128) -> Option<String> {
    let half = if fine < 0 { -ROUNDED / 2 } else { ROUNDED / 2 };
    let rounded = fine.checked_add(half)? / ROUNDED;
    if rounded.abs() > MOST {
        return None;
    }
    let sign = if rounded < 0 { "-" } else { "" };
    Some(format!("{sign}{}.{:04}", rounded.abs() / 10_000, rounded.abs() % 10_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_are_rounded_half_up() {
        for (raw, wanted) in [
            ("42", Some("42.0000")),
            ("42.50", Some("42.5000")),
            ("\"19.99\"", Some("19.9900")),
            ("\" 7 \"", Some("7.0000")),
            ("0.1", Some("0.1000")),
            ("19.990000000000002", Some("19.9900")),
            ("1e2", Some("100.0000")),
            ("1.00005", Some("1.0001")),
            ("-1.00005", Some("-1.0001")),
            ("0", Some("0.0000")),
            ("99999999999999.9999", Some("99999999999999.9999")),
            ("100000000000000", None),
            ("\"free\"", None),
            ("true", None),
            ("null", None),
            ("[1]", None),
        ] {
            assert_eq!(single(raw).as_deref(), wanted, "{raw}");
        }
    }

    #[test]
    fn the_first_number_of_revenue_total_and_value_counts_and_products_else() {
        let all = Said { revenue: Some("1"), total: Some("2"), value: Some("3"), products: None };
        assert_eq!(amount(&all).as_deref(), Some("1.0000"));
        let text = Said { revenue: Some("\"?\""), total: Some("2"), ..Said::default() };
        assert_eq!(amount(&text).as_deref(), Some("2.0000"));
        let products = r#"[{"price": 9.99, "quantity": 3}, {"price": "0.03"}, {"name": "gift"}]"#;
        assert_eq!(amount(&Said { products: Some(products), ..Said::default() }).as_deref(), Some("30.0000"));
        assert_eq!(amount(&Said { products: Some("[]"), ..Said::default() }), None);
        assert_eq!(amount(&Said::default()), None);
    }
}
