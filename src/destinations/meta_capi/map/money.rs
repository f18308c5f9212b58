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

/// Returns what so many at this price cost, `None` when that is no number any more. Rounded, since 3 × 19.9 is not
/// 59.699999999999996, unless it is too large for that.
pub(super) fn times(price: f64, quantity: f64) -> Option<f64> {
    const PLACES: f64 = 1e6;
    let total = price * quantity;
    let rounded = (total * PLACES).round() / PLACES;
    [rounded, total].into_iter().find(|total| total.is_finite())
}

/// Reads the first number of a text. It ends where something else begins: "12.50 (was 15.00)".
fn read(text: &str) -> Option<f64> {
    let (before, text) = text.split_at_checked(text.find(|character: char| character.is_ascii_digit())?)?;
    let (mut number, after) = first_number(text);
    if is_exponent(after) {
        return None;
    }
    // A sign at the end is a dash: "12.-".
    number.truncate(number.trim_end_matches(['-', '.', ',']).len());
    let amount: f64 = match decimal_mark(&number) {
        // "$.50", but not "Fr.50".
        _ if before.strip_suffix('.').is_some_and(|before| !before.ends_with(char::is_alphabetic)) => {
            format!("0.{number}").parse().ok()?
        }
        Some(mark) => {
            let (before, after) = number.rsplit_once(mark)?;
            format!("{}.{after}", before.replace(['.', ','], "")).parse().ok()?
        }
        None => number.replace(['.', ','], "").parse().ok()?,
    };
    Some(if before.contains(['-', '−']) { -amount } else { amount })
}

/// Returns the number that a text begins with, without what separates its thousands, and what follows it.
fn first_number(text: &str) -> (String, &str) {
    let mut number = String::new();
    for (at, character) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        match character {
            '0'..='9' | '.' | ',' | '-' => number.push(character),
            _ if is_separator(character) && !number.contains(['.', ',']) && is_thousand(rest) => {}
            _ => return (number, rest),
        }
    }
    (number, "")
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\'' | '’')
}

/// Whether three digits and no more follow the separator.
fn is_thousand(text: &str) -> bool {
    let digits = text.chars().skip(1).take_while(char::is_ascii_digit).count();
    digits == 3
}

/// "1.5e3" is a number of some machine and not of a person: what it means is not guessed.
fn is_exponent(text: &str) -> bool {
    let power = text.strip_prefix(['e', 'E']).map(|power| power.trim_start_matches(['+', '-']));
    power.is_some_and(|power| power.starts_with(|character: char| character.is_ascii_digit()))
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
