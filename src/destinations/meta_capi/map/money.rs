//! Amounts and currencies as people write them.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::Value;

static CURRENCIES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("tables/currencies.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// Returns the code of a currency in capitals, `None` when there is no such currency.
pub(super) fn known(text: &str) -> Option<&'static str> {
    CURRENCIES.get(text.trim().to_ascii_uppercase().as_str()).copied()
}

/// Returns whether there is such a currency.
pub(in super::super) fn is_known(text: &str) -> bool {
    known(text).is_some()
}

/// Returns an amount: a number, or a text like "$12.50", "1,299.00", "12,50 €".
pub(super) fn amount(value: &Value) -> Option<f64> {
    let amount = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => read(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    amount.filter(|amount| amount.is_finite())
}

/// Returns what so many at this price cost. Rounded, since 3 × 19.9 is not 59.699999999999996.
pub(super) fn times(price: f64, quantity: f64) -> f64 {
    const PLACES: f64 = 1e6;
    let total = (price * quantity * PLACES).round() / PLACES;
    if total.is_finite() { total } else { price }
}

fn read(text: &str) -> Option<f64> {
    let is_part = |character: char| character.is_ascii_digit() || matches!(character, '.' | ',' | '-');
    let begin = text.find(|character: char| character.is_ascii_digit() || character == '-')?;
    let mut number: String = text.get(begin..)?.chars().filter(|character| is_part(*character)).collect();
    // A sign at the end is a dash: "12.-".
    let whole = number.trim_end_matches(['-', '.', ',']).len();
    number.truncate(whole);
    match decimal_mark(&number) {
        Some(mark) => {
            let (before, after) = number.rsplit_once(mark)?;
            format!("{}.{after}", before.replace(['.', ','], "")).parse().ok()
        }
        None => number.replace(['.', ','], "").parse().ok(),
    }
}

/// Of a point and a comma the last is the mark. A point alone is one; a comma alone is one unless three digits follow.
fn decimal_mark(number: &str) -> Option<char> {
    let (points, commas) = (number.matches('.').count(), number.matches(',').count());
    let last = number.rfind(['.', ',']).and_then(|at| number.get(at..))?;
    let mark = last.chars().next()?;
    match (mark, points, commas) {
        ('.', 1, _) => Some('.'),
        (',', 1.., 1) => Some(','),
        (',', 0, 1) if last.len() != 4 => Some(','),
        _ => None,
    }
}
