//! Instants on the wire: the ISO 8601 forms that clients send, the correction of their clocks, and RFC 3339 output.
//!
//! Written by hand because every event passes here several times and a general parser costs more than the rest of its
//! head. Pure: the arrival is an argument, the clock is never read.

use jiff::{SignedDuration, Timestamp};

/// Below this difference between `sentAt` and the arrival the client's clock counts as right.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(1);
/// Seconds of 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;
/// Seconds of 10000-01-01T00:00:00Z.
const END_SECOND: i64 = 253_402_300_800;
const DAY: i64 = 86_400;

/// Returns the instant that an ISO 8601 text names, or `None` when it is none of the years 1 to 9999.
///
/// Accepts `T`, `t` or a space between date and time, a date alone (midnight), no seconds, any number of fractional
/// digits (cut to nanoseconds), and `Z`, `±hh`, `±hhmm`, `±hh:mm` or nothing (UTC) as the offset. The last hours of
/// 9999, which the time type cannot hold, become its last instant.
pub fn parse(text: &str) -> Option<Timestamp> {
    let mut digits = Cursor { rest: text.as_bytes() };
    let day = digits.date()?;
    let (second, nanosecond, offset) = if digits.rest.is_empty() { (0, 0, 0) } else { digits.time()? };
    let at = day * DAY + second - offset;
    if !digits.rest.is_empty() || !(FIRST_SECOND..END_SECOND).contains(&at) {
        return None;
    }
    Some(Timestamp::new(at, nanosecond).unwrap_or(Timestamp::MAX))
}

/// What is left of the text.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.take()? == wanted).then_some(())
    }

    fn skip(&mut self, wanted: u8) -> bool {
        let found = self.rest.first() == Some(&wanted);
        if found {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        found
    }

    fn digit(&mut self) -> Option<i64> {
        let byte = self.take()?;
        byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
    }

    fn two(&mut self, most: i64) -> Option<i64> {
        let number = self.digit()? * 10 + self.digit()?;
        (number <= most).then_some(number)
    }

    /// Days since 1970-01-01.
    fn date(&mut self) -> Option<i64> {
        let year = self.two(99)? * 100 + self.two(99)?;
        self.expect(b'-')?;
        let month = self.two(12)?;
        self.expect(b'-')?;
        let day = self.two(31)?;
        let valid = month >= 1 && day >= 1 && day <= days_of(year, month);
        valid.then(|| days_from_civil(year, month, day))
    }

    /// Second of the day, nanosecond, and the offset in seconds.
    fn time(&mut self) -> Option<(i64, i32, i64)> {
        if !matches!(self.take()?, b'T' | b't' | b' ') {
            return None;
        }
        let hour = self.two(23)?;
        self.expect(b':')?;
        let mut second = hour * 3600 + self.two(59)? * 60;
        let mut nanosecond = 0;
        if self.skip(b':') {
            // A leap second is the last one of its minute.
            second += self.two(60)?.min(59);
            nanosecond = self.fraction()?;
        }
        Some((second, nanosecond, self.offset()?))
    }

    fn fraction(&mut self) -> Option<i32> {
        if !self.skip(b'.') && !self.skip(b',') {
            return Some(0);
        }
        let (mut number, mut unit) = (i32::try_from(self.digit()?).ok()? * 100_000_000, 10_000_000);
        while let Some(digit) = self.rest.first().filter(|byte| byte.is_ascii_digit()) {
            number += i32::from(digit - b'0') * unit;
            unit /= 10;
            self.take();
        }
        Some(number)
    }

    fn offset(&mut self) -> Option<i64> {
        let sign = match self.take() {
            None | Some(b'Z' | b'z') => return Some(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        let hours = self.two(23)?;
        let separated = self.skip(b':');
        let minutes = if self.rest.is_empty() && !separated { 0 } else { self.two(59)? };
        Some(sign * (hours * 3600 + minutes * 60))
    }
}

/// Returns the instant to store for an event: the client's own, moved by the error of its clock.
///
/// The clock is judged by `sent_at` against the arrival: within one second it is right and the instant stays exact.
/// Without a client's instant the answer is `received_at`, and it is never later than that. Cut to microseconds, which
/// is what a stored record keeps, so that a replay says the same as the first time.
pub fn corrected(
    original: Option<Timestamp>,
    sent_at: Option<Timestamp>,
    received_at: Timestamp,
) -> Timestamp {
    let Some(original) = original else { return received_at };
    let at = match sent_at {
        Some(sent) if received_at.duration_since(sent).abs() >= TOLERANCE => {
            let age = sent.duration_since(original);
            received_at.checked_sub(age).unwrap_or(if age.is_negative() { Timestamp::MAX } else { FIRST })
        }
        _ => original,
    };
    to_microseconds(at.clamp(FIRST, received_at.max(FIRST)))
}

const FIRST: Timestamp = Timestamp::constant(FIRST_SECOND, 0);

/// Returns the instant without what lies below a microsecond.
pub fn to_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Returns RFC 3339 text with milliseconds and `Z`, cut and not rounded.
pub fn format_ms(at: Timestamp) -> String {
    formatted(at, 3)
}

/// Returns RFC 3339 text with microseconds and `Z`.
pub fn format_us(at: Timestamp) -> String {
    formatted(at, 6)
}

/// Returns milliseconds, or microseconds when the instant has any.
pub fn format_exact(at: Timestamp) -> String {
    formatted(at, exact_digits(at))
}

/// Appends what [`format_us`] returns.
pub(super) fn write_us(out: &mut Vec<u8>, at: Timestamp) {
    write(out, at, 6);
}

/// Appends what [`format_exact`] returns.
pub(super) fn write_exact(out: &mut Vec<u8>, at: Timestamp) {
    write(out, at, exact_digits(at));
}

fn exact_digits(at: Timestamp) -> usize {
    if at.as_microsecond().rem_euclid(1000) == 0 { 3 } else { 6 }
}

fn formatted(at: Timestamp, digits: usize) -> String {
    let mut out = Vec::with_capacity(27);
    write(&mut out, at, digits);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends `YYYY-MM-DDThh:mm:ss.` with so many digits and `Z`.
fn write(out: &mut Vec<u8>, at: Timestamp, digits: usize) {
    let at = at.as_microsecond();
    let (second, fraction) = (at.div_euclid(1_000_000), at.rem_euclid(1_000_000));
    let (day, second) = (second.div_euclid(DAY), second.rem_euclid(DAY));
    let (year, month, day) = civil_from_days(day);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    put(&mut text, 0..4, year.clamp(0, 9999));
    put(&mut text, 5..7, month);
    put(&mut text, 8..10, day);
    put(&mut text, 11..13, second / 3600);
    put(&mut text, 14..16, second / 60 % 60);
    put(&mut text, 17..19, second % 60);
    put(&mut text, 20..26, fraction);
    out.extend_from_slice(text.get(..20 + digits).unwrap_or(&text));
    out.push(b'Z');
}

fn put(text: &mut [u8], place: std::ops::Range<usize>, mut number: i64) {
    for digit in text.get_mut(place).unwrap_or_default().iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

// Both ways between days and dates: https://howardhinnant.github.io/date_algorithms.html
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_seen_on_the_wire_is_read() {
        for (text, exact) in [
            ("2026-11-20T10:11:12.678Z", "2026-11-20T10:11:12.678Z"),
            ("2026-11-20T10:11:12.123456+00:00", "2026-11-20T10:11:12.123456Z"),
            ("2026-11-20T10:11:12.789+00:00", "2026-11-20T10:11:12.789Z"),
            ("2026-11-20T10:11:12.279209509Z", "2026-11-20T10:11:12.279209509Z"),
            ("2026-11-20T10:11:12.2792095099Z", "2026-11-20T10:11:12.279209509Z"),
            ("2026-11-20T10:11:12+0000", "2026-11-20T10:11:12Z"),
            ("2026-11-20T10:11:12+05:30", "2026-11-20T04:41:12Z"),
            ("2026-11-20T10:11:12-08", "2026-11-20T18:11:12Z"),
            ("2026-11-20 10:11:12", "2026-11-20T10:11:12Z"),
            ("2026-11-20T10:11Z", "2026-11-20T10:11:00Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse(text), Some(at(exact)), "{text}");
        }
        assert_eq!(parse("9999-12-31T23:59:59Z"), Some(Timestamp::MAX));
    }

    #[test]
    fn what_is_no_instant_of_the_years_1_to_9999_is_refused() {
        for text in [
            "",
            "now",
            "1732099872",
            "0000-01-01T00:00:00Z",
            "99999-01-01T00:00:00Z",
            "+002026-11-20",
            "-0001-01-01",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "2026-11-31",
            "2026-11-00",
            "2026-11-20T",
            "2026-11-20T24:00:00Z",
            "2026-11-20T10:60:00Z",
            "2026-11-20T10:11:61Z",
            "2026-11-20T10:11:12.Z",
            "2026-11-20T10:11:12+",
            "2026-11-20T10:11:12+5",
            "2026-11-20T10:11:12+05:",
            "2026-11-20T10:11:12Zz",
            "2026-11-20T10:11:12 ",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "2026-1-1",
            "２026-01-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_within_a_second_is_believed() {
        let received = at("2026-11-20T12:00:00.500Z");
        let original = at("2026-11-01T00:00:00.123456Z");
        assert_eq!(corrected(Some(original), Some(at("2026-11-20T12:00:01.499Z")), received), original);
        assert_eq!(corrected(Some(original), None, received), original);
    }

    #[test]
    fn a_wrong_clock_is_corrected_by_its_error() {
        let received = at("2026-11-20T12:00:00Z");
        let (original, sent) = (at("2020-01-01T00:00:00Z"), at("2020-01-01T00:00:05Z"));
        assert_eq!(corrected(Some(original), Some(sent), received), at("2026-11-20T11:59:55Z"));
        assert_eq!(
            corrected(Some(original), Some(at("2026-11-20T12:00:01Z")), received),
            at("2019-12-31T23:59:59Z")
        );
    }

    #[test]
    fn the_stored_instant_is_never_later_than_the_arrival() {
        let received = at("2026-11-20T12:00:00Z");
        let future = at("2031-01-01T00:00:00Z");
        assert_eq!(corrected(Some(future), None, received), received);
        assert_eq!(corrected(Some(future), Some(at("2026-01-01T00:00:00Z")), received), received);
        assert_eq!(corrected(None, None, received), received);
    }

    #[test]
    fn a_difference_that_overflows_is_clamped() {
        let received = at("2026-11-20T12:00:00Z");
        let first = corrected(Some(FIRST), Some(Timestamp::MAX), received);
        assert_eq!(first, FIRST);
        assert_eq!(corrected(Some(Timestamp::MAX), Some(FIRST), received), received);
    }

    #[test]
    fn output_has_the_digits_asked_for() {
        let instant = at("2026-01-02T03:04:05.006007008Z");
        assert_eq!(format_ms(instant), "2026-01-02T03:04:05.006Z");
        assert_eq!(format_us(instant), "2026-01-02T03:04:05.006007Z");
        assert_eq!(format_exact(at("2026-01-02T03:04:05.006Z")), "2026-01-02T03:04:05.006Z");
        assert_eq!(format_us(at("1969-12-31T23:59:59.999999Z")), "1969-12-31T23:59:59.999999Z");
        assert_eq!(format_ms(FIRST), "0001-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(microsecond in FIRST_SECOND * 1_000_000..253_402_207_200_000_000_i64) {
            let instant = Timestamp::from_microsecond(microsecond).unwrap();
            prop_assert_eq!(parse(&format_us(instant)), Some(instant));
            prop_assert_eq!(format_us(instant), format!("{instant:.6}"));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn a_correction_stays_between_the_year_1_and_the_arrival(
            original in FIRST_SECOND..END_SECOND - DAY, sent in FIRST_SECOND..END_SECOND - DAY,
            received in 0..4_102_444_800_i64,
        ) {
            let second = |at| Timestamp::from_second(at).unwrap();
            let stored = corrected(Some(second(original)), Some(second(sent)), second(received));
            prop_assert!(stored <= second(received) && stored >= FIRST);
        }
    }
}
