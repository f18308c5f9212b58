//! Numbers as people read them.

use jiff::Timestamp;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Returns a count with its thousands apart: `1,204,000`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a size, whose unit stays with its number: `812 B`, `3.4 KiB`, `12 MiB`.
pub(super) fn bytes(number: u64) -> String {
    let mut size = number as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        // Rounded, 1023.6 KiB would read as 1024.
        if size < 1023.5 {
            break;
        }
        (size, unit) = (size / 1024.0, larger);
    }
    if unit == "B" || size >= 9.95 {
        format!("{size:.0}\u{a0}{unit}")
    } else {
        format!("{size:.1}\u{a0}{unit}")
    }
}

/// Returns a span of time by its two largest units: `0s`, `3m 5s`, `2d 4h`.
pub(super) fn span(ms: u64) -> String {
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")];
    let Some(first) = units.iter().position(|(unit, _)| ms >= *unit) else { return "0s".to_owned() };
    let mut rest = ms;
    let mut parts = Vec::new();
    for (unit, name) in units.iter().skip(first).take(2) {
        if rest / unit > 0 {
            parts.push(format!("{}{name}", rest / unit));
        }
        rest %= unit;
    }
    parts.join(" ")
}

/// Returns how long it is until then, 0 when it has passed, in milliseconds.
pub(super) fn until(then: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(then.as_millisecond() - now.as_millisecond()).unwrap_or(0)
}

/// Returns a rate: `0/s`, `0.3/s`, `1,204/s`.
pub(super) fn rate(per_second: f64) -> String {
    if per_second >= 9.95 {
        format!("{}/s", count(per_second.round() as u64))
    } else if per_second < 0.05 && per_second > 0.0 {
        "<0.1/s".to_owned()
    } else if per_second == 0.0 {
        "0/s".to_owned()
    } else {
        format!("{per_second:.1}/s")
    }
}

/// Returns a moment to the second, in UTC: `2026-11-26 17:04:05 UTC`.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%F %T UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!([0, 999, 1000, 1_204_000].map(count), ["0", "999", "1,000", "1,204,000"]);
    }

    #[test]
    fn sizes_have_two_digits_that_count() {
        let sizes = [0, 812, 1023, 3500, 12 << 20, (1 << 20) - 1, 10 << 30];
        let shown = sizes.map(|size| bytes(size).replace('\u{a0}', " "));
        assert_eq!(shown, ["0 B", "812 B", "1023 B", "3.4 KiB", "12 MiB", "1.0 MiB", "10 GiB"]);
    }

    #[test]
    fn spans_have_their_two_largest_units() {
        let spans = [0, 999, 45_000, 185_400, 3_600_000, 187_200_000];
        assert_eq!(spans.map(span), ["0s", "0s", "45s", "3m 5s", "1h", "2d 4h"]);
    }

    #[test]
    fn rates_are_exact_where_they_are_small() {
        assert_eq!(
            [0.0, 0.01, 0.25, 9.94, 9.96, 1204.4].map(rate),
            ["0/s", "<0.1/s", "0.2/s", "9.9/s", "10/s", "1,204/s"]
        );
    }

    #[test]
    fn moments_are_told_in_utc_and_to_the_second() {
        let (at, now): (Timestamp, Timestamp) =
            ("2026-11-26T17:04:05.678Z".parse().unwrap(), "2026-11-26T17:04:00Z".parse().unwrap());
        assert_eq!(moment(at), "2026-11-26 17:04:05 UTC");
        assert_eq!((until(at, now), until(now, at)), (5678, 0));
    }
}
