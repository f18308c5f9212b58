//! Instants as the text that stores without a type for them hold: RFC 3339 in UTC, of one length, so that text order
//! is time order. Written by hand because it runs several times per row.

use jiff::Timestamp;
use jiff::tz::Offset;

/// How fine an instant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Three digits of a second.
    Millis,
    /// Six digits of a second.
    Micros,
}

/// Appends `2026-03-01T12:00:00.123Z`, cut and not rounded.
pub fn write_rfc3339(out: &mut String, at: Timestamp, precision: Precision) {
    let civil = Offset::UTC.to_datetime(at);
    digits(out, i64::from(civil.year()), 4);
    for (sign, part) in [('-', civil.month()), ('-', civil.day()), ('T', civil.hour())] {
        out.push(sign);
        digits(out, i64::from(part), 2);
    }
    for part in [civil.minute(), civil.second()] {
        out.push(':');
        digits(out, i64::from(part), 2);
    }
    out.push('.');
    let nanos = i64::from(civil.subsec_nanosecond());
    match precision {
        Precision::Millis => digits(out, nanos / 1_000_000, 3),
        Precision::Micros => digits(out, nanos / 1_000, 6),
    }
    out.push('Z');
}

/// Appends a number with leading zeros. Years before 0 do not pass the door; they would keep their sign.
fn digits(out: &mut String, number: i64, width: u32) {
    if number < 0 {
        out.push('-');
    }
    for place in (0..width).rev() {
        let digit = (number.unsigned_abs() / 10_u64.pow(place)) % 10;
        out.push(char::from(b'0' + u8::try_from(digit).unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, precision: Precision) -> String {
        let mut out = String::new();
        write_rfc3339(&mut out, text.parse().unwrap(), precision);
        out
    }

    #[test]
    fn instants_have_one_length_and_end_in_z() {
        let at = "2026-03-01T13:05:09.123456789+01:00";
        assert_eq!(written(at, Precision::Millis), "2026-03-01T12:05:09.123Z");
        assert_eq!(written(at, Precision::Micros), "2026-03-01T12:05:09.123456Z");
        assert_eq!(written("0001-01-02T00:00:00Z", Precision::Millis), "0001-01-02T00:00:00.000Z");
    }
}
