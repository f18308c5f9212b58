//! What one series has measured: lines of values by place, their medians, and whether a line is flat.
//!
//! Separate so that all series judge in one way. Measures nothing and writes nothing.

use std::collections::BTreeMap;

use crate::chart::{Chart, Line};
use crate::figures::median;

/// A line is flat when its largest value is at most so many times its least.
const FLAT: f64 = 1.10;

/// One series.
pub(super) struct Series {
    pub(super) title: &'static str,
    /// What grows.
    pub(super) across: &'static str,
    /// Whether it grows by a factor from place to place.
    pub(super) by_ratio: bool,
    /// What is measured, and its unit.
    pub(super) up: &'static str,
    pub(super) unit: &'static str,
    pub(super) lines: Vec<Values>,
}

/// The values of one line, of all runs.
pub(super) struct Values {
    pub(super) name: &'static str,
    /// Whether the line is to be flat.
    flat: bool,
    values: BTreeMap<usize, Vec<f64>>,
}

impl Values {
    /// Returns a line that is to be flat.
    pub(super) fn flat(name: &'static str) -> Values {
        Values { name, flat: true, values: BTreeMap::new() }
    }

    /// Returns a line of which nothing is asked.
    pub(super) fn free(name: &'static str) -> Values {
        Values { flat: false, ..Values::flat(name) }
    }

    /// Adds what one run has measured at this place.
    pub(super) fn add(&mut self, place: usize, value: f64) {
        self.values.entry(place).or_default().push(value);
    }

    /// Says from where to where the medians reach, and whether that is flat.
    pub(super) fn verdict(&self, unit: &str) -> String {
        let values = || self.medians().map(|(_, value)| value);
        let (least, largest) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        let ratio = largest / least;
        let word = match (self.flat, ratio <= FLAT) {
            (false, _) => "not asked to be flat",
            (true, true) => "flat within 10 %",
            (true, false) => "NOT flat within 10 %",
        };
        format!("{least:.2} to {largest:.2} {unit}, the largest {ratio:.2} times the least: {word}")
    }

    fn medians(&self) -> impl Iterator<Item = (f64, f64)> {
        self.values.iter().map(|(place, values)| (*place as f64, median(values.clone())))
    }
}

impl From<Series> for Chart {
    fn from(series: Series) -> Chart {
        let line = |line: &Values| Line { name: line.name.to_owned(), points: line.medians().collect() };
        Chart {
            title: series.title.to_owned(),
            across: series.across.to_owned(),
            by_ratio: series.by_ratio,
            up: series.up.to_owned(),
            lines: series.lines.iter().map(line).collect(),
        }
    }
}
