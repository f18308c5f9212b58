//! The moving average of active users, and the samples that `eval` gives: the definition of the module `ema`.
//!
//! `S0 = x0`, then `S = S + (1 - 2^(-dt/h)) (x - S)` with the real time `dt` between two samples, so that a late sample gives
//! what the ones that it replaces would have given. Pure: times are integer milliseconds, and whoever samples brings them.

use serde::{Deserialize, Serialize};

use super::active::{Active, MAX_LATE_MS, MAX_VISITORS};

/// Most samples of one case: a day of every second is a tenth of it.
const MAX_SAMPLES: i64 = 1_000_000;

/// The half-life of the average, where nothing else is said: 30 s, with a sample every 5 s.
pub const HALF_LIFE_MS: i64 = 30_000;

/// An exponentially weighted average of samples that come at any times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Average {
    half_life_ms: i64,
    last: Option<(i64, f64)>,
}

impl Average {
    /// Returns an average of nothing; after `half_life_ms` half of a difference is left, and with 0 nothing is.
    pub fn new(half_life_ms: i64) -> Average {
        Average { half_life_ms, last: None }
    }

    /// Takes the sample `x` at time `t`, and returns the average. A time before the last one counts as the last one's.
    pub fn add(&mut self, t: i64, x: f64) -> f64 {
        let (t, value) = match self.last {
            None => (t, x),
            Some((before, value)) => (t.max(before), value + self.gain(t.max(before) - before) * (x - value)),
        };
        self.last = Some((t, value));
        value
    }

    /// Returns the average, 0 of nothing.
    pub fn value(&self) -> f64 {
        self.last.map_or(0.0, |(_, value)| value)
    }

    #[expect(clippy::cast_precision_loss, reason = "a span of milliseconds is far below 2^53")]
    fn gain(&self, dt: i64) -> f64 {
        if self.half_life_ms <= 0 { 1.0 } else { 1.0 - (-(dt as f64) / self.half_life_ms as f64).exp2() }
    }
}

/// What `eval ema` is asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Half-life of the average.
    pub half_life_ms: i64,
    /// Time between two samples, at least 1.
    pub step_ms: i64,
    /// The first sample.
    pub start: i64,
    /// No sample is after it.
    pub end: i64,
    /// An event that arrives later than this after it happened is ignored.
    #[serde(default = "max_late_ms")]
    pub max_late_ms: i64,
    /// In order of arrival.
    pub events: Vec<Arrival>,
}

fn max_late_ms() -> i64 {
    MAX_LATE_MS
}

/// One event of a visitor.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Arrival {
    /// When it arrived.
    pub at: i64,
    /// When it happened.
    pub ts: i64,
    /// Whose it is.
    pub visitor: String,
}

/// What is known at one sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// When.
    pub t: i64,
    /// Active within a minute.
    pub m1: u64,
    /// Active within 5 minutes.
    pub m5: u64,
    /// Active within 30 minutes.
    pub m30: u64,
    /// The average of `m5`, rounded to 6 places.
    pub ema: f64,
}

/// Returns the samples from `start` to `end`, both included where a step ends there. An event is taken before the sample of
/// its arrival.
///
/// # Errors
/// A `step_ms` below 1, a `half_life_ms` below 1, more than a million samples, or events that are not in order of arrival, in
/// a sentence that names the member.
pub fn eval(input: &Input) -> Result<Vec<Sample>, String> {
    let count = check(input)?;
    let mut active = Active::new(input.max_late_ms, MAX_VISITORS);
    let mut average = Average::new(input.half_life_ms);
    let mut events = input.events.iter().peekable();
    let samples = (0..count).map(|n| {
        let t = input.start + n * input.step_ms;
        while let Some(event) = events.next_if(|event| event.at <= t) {
            active.add(&event.visitor, event.ts, event.at);
        }
        sample(&active, &mut average, t)
    });
    Ok(samples.collect())
}

#[expect(clippy::cast_precision_loss, reason = "a number of visitors is far below 2^53")]
fn sample(active: &Active, average: &mut Average, t: i64) -> Sample {
    let counts = active.counts(t);
    let ema = average.add(t, counts.m5 as f64);
    Sample { t, m1: counts.m1, m5: counts.m5, m30: counts.m30, ema: (ema * 1e6).round() / 1e6 }
}

/// Returns the number of samples.
fn check(input: &Input) -> Result<i64, String> {
    for (name, value) in [("step_ms", input.step_ms), ("half_life_ms", input.half_life_ms)] {
        if value < 1 {
            return Err(format!("`{name}` must be at least 1, not {value}"));
        }
    }
    let disorder = input.events.windows(2).position(|pair| matches!(pair, [one, next] if one.at > next.at));
    if let Some(place) = disorder {
        return Err(format!(
            "`events` must be sorted by `at`; number {} (from 0) arrives before the one in front of it",
            place + 1
        ));
    }
    let span = input.end.checked_sub(input.start).ok_or("`start` and `end` are too far apart")?;
    let count = if span < 0 { 0 } else { (span / input.step_ms).saturating_add(1) };
    if count > MAX_SAMPLES {
        return Err(format!("`end` - `start` is {count} steps of `step_ms`, more than {MAX_SAMPLES}"));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn samples(input: serde_json::Value) -> Result<Vec<Sample>, String> {
        eval(&serde_json::from_value(input).unwrap())
    }

    #[test]
    fn after_a_half_life_half_of_a_step_is_made_good() {
        let mut average = Average::new(30_000);
        assert_eq!(
            (average.add(0, 0.0), average.add(30_000, 100.0), average.add(60_000, 100.0)),
            (0.0, 50.0, 75.0)
        );
    }

    proptest! {
        #[test]
        fn a_late_sample_is_worth_those_that_it_replaces(x in 0.0..1e6, then in 0.0..1e6, one in 1..90_000_i64, two in 1..90_000_i64) {
            let (mut often, mut late) = (Average::new(30_000), Average::new(30_000));
            often.add(0, x);
            late.add(0, x);
            often.add(one, then);
            let (often, late) = (often.add(one + two, then), late.add(one + two, then));
            prop_assert!((often - late).abs() <= 1e-9 * x.max(then).max(1.0), "{often} {late}");
        }
    }

    #[test]
    fn events_are_taken_before_the_sample_of_their_arrival_and_late_ones_never() {
        let found = samples(json!({
            "half_life_ms": 30_000, "step_ms": 30_000, "start": 3_600_000, "end": 3_660_000,
            "events": [
                { "at": 3_599_999, "ts": 1, "visitor": "late" },
                { "at": 3_600_000, "ts": 3_700_000, "visitor": "a" },
                { "at": 3_630_000, "ts": 3_300_001, "visitor": "b" },
                { "at": 3_630_001, "ts": 3_630_001, "visitor": "c" },
            ],
        }));
        let text = serde_json::to_string(&found.unwrap()).unwrap().replace("},", "},\n");
        insta::assert_snapshot!(text, @r#"
        [{"t":3600000,"m1":1,"m5":1,"m30":1,"ema":1.0},
        {"t":3630000,"m1":1,"m5":1,"m30":2,"ema":1.0},
        {"t":3660000,"m1":1,"m5":2,"m30":3,"ema":1.5}]
        "#);
    }

    #[test]
    fn what_cannot_be_evaluated_is_told_by_its_member() {
        let case = |step: i64, end: i64, events: serde_json::Value| {
            samples(json!({ "half_life_ms": 1, "step_ms": step, "start": 0, "end": end, "events": events }))
        };
        assert!(case(0, 1, json!([])).unwrap_err().contains("`step_ms`"));
        assert!(case(1, i64::MAX, json!([])).unwrap_err().contains("`end`"));
        let events = json!([{ "at": 2, "ts": 2, "visitor": "v" }, { "at": 1, "ts": 1, "visitor": "v" }]);
        assert!(case(1, 9, events).unwrap_err().contains("number 1"));
        assert_eq!(case(1, -1, json!([])), Ok(Vec::new()));
    }
}
