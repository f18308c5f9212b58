//! How far visitors come on the way to an order: the function `windowFunnel` of ClickHouse in its default mode, so that both
//! give the same answers.

use serde::Serialize;

/// The steps of a shop that sends Segment's ecommerce events.
const STEPS: [&str; 4] = ["Product Viewed", "Product Added", "Checkout Started", "Order Completed"];

/// Returns the steps when nothing is said.
pub fn steps() -> Vec<String> {
    STEPS.map(str::to_owned).to_vec()
}

/// One step, as it is printed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The name of its event.
    pub step: String,
    /// How many visitors came so far.
    pub visitors: u64,
    /// Their share of those at the first step.
    pub conversion: f64,
    /// Their share of those at the step before.
    pub step_conversion: f64,
}

/// The events of one visitor that are steps: their times, with the place of the step.
#[derive(Debug, Clone, Default)]
pub struct Hits(Vec<(i64, usize)>);

impl Hits {
    /// Takes an event; one that stands for several steps counts for each.
    pub fn add(&mut self, steps: &[String], event: &str, ts: i64) {
        let places = steps.iter().enumerate().filter(|(_, step)| *step == event);
        self.0.extend(places.map(|(place, _)| (ts, place)));
    }

    /// Returns how many of the steps were taken one after the other, each within the window from the first.
    pub fn level(mut self, steps: usize, window_ms: i64) -> usize {
        self.0.sort_unstable();
        let mut progress = Progress::new(steps);
        self.0.into_iter().for_each(|(ts, place)| progress.hit(ts, place, window_ms));
        progress.level()
    }
}

/// How far one visitor has come, hit by hit in the order of time: an instant for each step, however many hits there are.
#[derive(Debug, Clone)]
pub struct Progress {
    /// For each step that was reached, when the first of its chain was taken.
    begun: Box<[Option<i64>]>,
}

impl Progress {
    /// Returns the progress of somebody who has done nothing, on a way of so many steps.
    pub fn new(steps: usize) -> Progress {
        Progress { begun: vec![None; steps].into() }
    }

    /// Takes the next hit of a step, by its place. Who has arrived is not led back by what comes later.
    pub fn hit(&mut self, ts: i64, place: usize, window_ms: i64) {
        if self.level() == self.begun.len() {
            return;
        }
        let Some(first) = first_of(&self.begun, ts, place, window_ms) else { return };
        self.begun.get_mut(place).into_iter().for_each(|mine| *mine = Some(first));
    }

    /// Returns how many steps were taken.
    pub fn level(&self) -> usize {
        self.begun.iter().rposition(Option::is_some).map_or(0, |place| place + 1)
    }
}

/// Returns when the chain began that this hit goes on with, or begins.
fn first_of(begun: &[Option<i64>], ts: i64, place: usize, window_ms: i64) -> Option<i64> {
    let Some(before) = place.checked_sub(1) else { return Some(ts) };
    let first = begun.get(before).copied().flatten();
    first.filter(|first| ts <= first.saturating_add(window_ms))
}

/// Returns how many visitors came how far.
pub fn steps_of(steps: &[String], levels: impl Iterator<Item = usize>) -> Vec<Step> {
    let mut visitors = vec![0_u64; steps.len()];
    for level in levels {
        visitors.iter_mut().take(level).for_each(|count| *count += 1);
    }
    let first = visitors.first().copied().unwrap_or_default();
    let before = visitors.first().into_iter().chain(&visitors);
    let of = |((step, count), before): ((&String, &u64), &u64)| Step {
        step: step.clone(),
        visitors: *count,
        conversion: share(*count, first),
        step_conversion: share(*count, *before),
    };
    steps.iter().zip(&visitors).zip(before).map(of).collect()
}

/// Returns a share with six digits after the point, half up; zero of nothing.
#[allow(clippy::cast_precision_loss, reason = "at most a million, as a part is no more than its whole")]
fn share(part: u64, whole: u64) -> f64 {
    const PLACES: u128 = 1_000_000;
    let (part, whole) = (u128::from(part), u128::from(whole));
    let millionths = (2 * part * PLACES + whole).checked_div(2 * whole).unwrap_or_default();
    millionths as f64 / PLACES as f64
}
