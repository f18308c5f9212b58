//! Instants as Customer.io takes them: whole seconds since 1970.

use jiff::Timestamp;

use super::json::{Json, Shape};
use crate::spec::time;

/// Length of `YYYY-MM-DD`.
const DAY: usize = 10;
/// The longest text that is looked at: nanoseconds and an offset with a colon.
const LONGEST: usize = 35;
/// A number of this size or more counts milliseconds: as seconds it would be the year 5138.
const MILLISECONDS: i64 = 100_000_000_000;

/// Returns the seconds since 1970, rounded down.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(1000)
}

/// Returns the seconds of a text that is an ISO 8601 instant or day. Strict, because any text of any attribute is asked: a
/// day with its dashes, then nothing or `T` and a time. Years, numbers and telephone numbers are none.
pub(super) fn of_iso(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let is_candidate = (DAY..=LONGEST).contains(&bytes.len())
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-')
        && matches!(bytes.get(DAY), None | Some(b'T'));
    if is_candidate { time::parse(text).map(seconds) } else { None }
}

/// Returns the seconds of a value that is meant as an instant: any form that the door takes for a `timestamp`, seconds, or
/// milliseconds; `None` for anything else.
pub(super) fn of_value(value: Json<'_>) -> Option<i64> {
    let word = value.word()?;
    if value.shape() == Shape::Text
        && let Some(at) = time::parse(&word)
    {
        return Some(seconds(at));
    }
    let number = word.parse().ok().or_else(|| whole(&word))?;
    let seconds = if number >= MILLISECONDS { number / 1000 } else { number };
    // What no calendar knows is meant as something else.
    Timestamp::from_second(seconds).is_ok().then_some(seconds)
}

/// Rust reads "NaN" and "inf" as numbers too.
fn whole(word: &str) -> Option<i64> {
    let number = word.parse::<f64>().ok().filter(|number| number.is_finite())?;
    Some(number.floor() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_an_instant_becomes_seconds() {
        for (text, expected) in [
            ("2026-01-02T03:04:05.678Z", Some(1_767_323_045)),
            ("2026-01-02T03:04:05.678901234+01:00", Some(1_767_319_445)),
            ("2026-01-02T03:04:05-0800", Some(1_767_351_845)),
            ("2026-01-02T03:04", Some(1_767_323_040)),
            ("2026-01-02", Some(1_767_312_000)),
            ("1969-12-31T23:59:59.500Z", Some(-1)),
            ("2020", None),
            ("12345", None),
            ("1767323045", None),
            ("20260102", None),
            ("2026-01", None),
            ("2026-13-01", None),
            ("2026-02-30", None),
            ("2026-01-02 03:04:05", None),
            ("2026-01-02T03:04:05.678Z and more", None),
            ("2026-01-02-03", None),
            ("030-1234567", None),
            ("+49 30 1234567", None),
            ("1234-56-7890", None),
            ("5555-12-34", None),
            ("2026-W01-1", None),
            ("", None),
        ] {
            assert_eq!(of_iso(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_meant_as_an_instant_may_be_a_number_and_may_count_milliseconds() {
        for (text, expected) in [
            ("1767323045", Some(1_767_323_045)),
            ("1767323045.678", Some(1_767_323_045)),
            ("1767323045678", Some(1_767_323_045)),
            ("\"1767323045678\"", Some(1_767_323_045)),
            ("\"2026-01-02 03:04:05\"", Some(1_767_323_045)),
            ("\"yesterday\"", None),
            ("\"NaN\"", None),
            ("\"inf\"", None),
            ("\"-infinity\"", None),
            ("1e300", None),
            ("-1e300", None),
            ("9223372036854775807", None),
            ("-9223372036854775808", None),
            ("true", None),
            ("{}", None),
        ] {
            assert_eq!(of_value(Json::of(text)), expected, "{text}");
        }
    }
}
