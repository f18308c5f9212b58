//! From when to when, in which time zone, and the hours or days in between. Pure.
//!
//! A day is a day of the zone's calendar and may have 23 or 25 hours. Names of zones are looked up by whoever asks.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::query::Problem;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// Longest time that a report is about: 25 months, as long as anything is kept.
const LONGEST_MS: i64 = 763 * DAY_MS;

/// A half-open stretch of time in a time zone, in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    /// Its first instant.
    pub from: i64,
    /// The first instant after it.
    pub to: i64,
    /// Where days begin.
    pub zone: TimeZone,
    /// The zone's name as it was asked for.
    pub zone_name: String,
}

impl Period {
    /// Reads `from` and `to`: instants, or days of the zone, of which the last one is included. Left out they are the end of
    /// today and the beginning of the day 29 days before.
    ///
    /// # Errors
    /// The parameter that cannot be read, and why.
    pub fn read(
        (from, to): (Option<&str>, Option<&str>),
        (zone, zone_name): (TimeZone, &str),
        now: i64,
    ) -> Result<Period, Problem> {
        let today = zoned(now, &zone).date();
        let to = match to {
            Some(text) => instant("to", text, &zone, 1)?,
            None => begin_of(today, 1, &zone),
        };
        let from = match from {
            Some(text) => instant("from", text, &zone, 0)?,
            None => begin_of(zoned(to - 1, &zone).date(), -29, &zone),
        };
        if from >= to {
            return Err(Problem::new("from", "must be before `to`"));
        }
        if to - from > LONGEST_MS {
            return Err(Problem::new("from", "must not be more than 25 months before `to`"));
        }
        Ok(Period { from, to, zone, zone_name: zone_name.to_owned() })
    }

    /// Returns an instant as it is written in the zone.
    pub fn shown(&self, at: i64) -> String {
        let zoned = zoned(at, &self.zone);
        zoned.timestamp().display_with_offset(zoned.offset()).to_string()
    }

    /// Returns where the days begin that the period touches, each with the first after it.
    pub fn days(&self) -> Vec<i64> {
        let mut begins = Vec::new();
        let first = zoned(self.from, &self.zone).date();
        for day in 0_i64.. {
            let begin = begin_of(first, day, &self.zone);
            // A zone may have left a day out.
            if begin >= self.to || day > 800 {
                break;
            }
            if begins.last() != Some(&begin) {
                begins.push(begin);
            }
        }
        begins
    }

    /// Returns where the hours begin that the period touches, by the clock of the zone.
    pub fn hours(&self) -> Vec<i64> {
        let aligned = |at: i64| {
            let offset = i64::from(zoned(at, &self.zone).offset().seconds()) * 1_000;
            at - (at + offset).rem_euclid(HOUR_MS)
        };
        let mut begins = vec![aligned(self.from)];
        while let Some(last) = begins.last().copied() {
            let next = aligned(last + HOUR_MS).max(last + 1);
            if next >= self.to {
                break;
            }
            begins.push(next);
        }
        begins
    }
}

fn zoned(at: i64, zone: &TimeZone) -> jiff::Zoned {
    Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(zone.clone())
}

/// Returns the first instant of the day so many days after another.
fn begin_of(day: Date, after: i64, zone: &TimeZone) -> i64 {
    let day = day.checked_add(after.days()).unwrap_or(day);
    day.to_zoned(zone.clone()).map_or(0, |begin| begin.timestamp().as_millisecond())
}

fn instant(name: &'static str, text: &str, zone: &TimeZone, after: i64) -> Result<i64, Problem> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_millisecond());
    }
    let day = || text.parse::<Date>().ok().filter(|_| text.len() == "2030-01-31".len());
    let is_sane = |day: &Date| (1970..9999).contains(&day.year());
    let words =
        format!("must be a day like 2030-01-31 or an instant like 2030-01-31T08:00:00Z, not \"{text}\"");
    day().filter(is_sane).map(|day| begin_of(day, after, zone)).ok_or_else(|| Problem::new(name, &words))
}
