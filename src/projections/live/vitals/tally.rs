//! What is known of vitals, as it is added up and shown: the same of one router and of several together.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::projections::sketch::{Bin, Sketch};
use crate::projections::vitals::{self, Metric, Rating};

/// A metric and a class of device, by their names.
pub type Group = (&'static str, &'static str);

/// How the values of one group are spread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread {
    /// The values.
    pub sketch: Sketch,
    /// How many were good, in between and poor: exact.
    pub rated: [u64; 3],
}

impl Spread {
    /// Takes everything that another one has taken.
    pub fn merge(&mut self, other: &Spread) {
        self.sketch.merge(&other.sketch);
        self.rated.iter_mut().zip(other.rated).for_each(|(mine, theirs)| *mine += theirs);
    }

    fn rate(&mut self, rating: Rating, change: impl Fn(u64) -> u64) {
        self.rated.get_mut(rating as usize).into_iter().for_each(|count| *count = change(*count));
    }
}

/// All groups of a page or a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups(pub BTreeMap<Group, Spread>);

impl Groups {
    /// Takes a value. Returns whether it needed a bin more.
    pub(super) fn add(&mut self, group: Group, bin: Bin, rating: Rating) -> bool {
        let spread = self.0.entry(group).or_default();
        spread.rate(rating, |count| count + 1);
        spread.sketch.add(bin)
    }

    /// Takes back a value that was taken. Returns whether it needs a bin less.
    pub(super) fn take_back(&mut self, group: Group, bin: Bin, rating: Rating) -> bool {
        let Some(spread) = self.0.get_mut(&group) else { return false };
        spread.rate(rating, |count| count.saturating_sub(1));
        spread.sketch.take_back(bin)
    }

    /// Takes everything that others have taken.
    pub fn merge(&mut self, other: &Groups) {
        for (group, spread) in &other.0 {
            self.0.entry(*group).or_default().merge(spread);
        }
    }

    pub(super) fn bins(&self) -> usize {
        self.0.values().map(|spread| spread.sketch.bins()).sum()
    }

    fn samples(&self) -> u64 {
        self.0.values().map(|spread| spread.sketch.count()).sum()
    }

    fn of_metric(&self, metric: &str) -> Spread {
        let mut sum = Spread::default();
        let wanted = self.0.iter().filter(|((named, _), _)| *named == metric);
        wanted.for_each(|(_, spread)| sum.merge(spread));
        sum
    }
}

/// What is known of one site, or of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// On all pages.
    pub all: Groups,
    /// On some of them, those with the most values first.
    pub pages: Vec<(String, Groups)>,
}

impl Tally {
    /// Adds what is known of another site.
    pub fn merge(&mut self, other: &Tally) {
        self.all.merge(&other.all);
        self.pages.extend(other.pages.iter().cloned());
    }

    /// Keeps the pages with the most values.
    pub fn keep_largest(&mut self, most: usize) {
        self.pages.retain(|(_, groups)| groups.samples() > 0);
        self.pages.sort_by(|(one, some), (other, more)| {
            more.samples().cmp(&some.samples()).then_with(|| one.cmp(other))
        });
        self.pages.truncate(most);
    }

    /// Returns what is shown: each metric, then each by device, then each by page.
    pub fn rows(&self) -> Vec<VitalNow> {
        let metrics = || vitals::names();
        let all = metrics().map(|metric| row((metric, None, None), &self.all.of_metric(metric)));
        let devices = self
            .all
            .0
            .iter()
            .map(|((metric, device), spread)| row((metric, Some((*device).to_owned()), None), spread));
        let pages = self.pages.iter().flat_map(|(path, groups)| {
            metrics().map(move |metric| row((metric, None, Some(path.clone())), &groups.of_metric(metric)))
        });
        all.chain(devices).chain(pages).flatten().collect()
    }
}

/// One metric of today, on a class of device or on a page where one is named.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VitalNow {
    /// `LCP`, `INP`, `CLS`, `FCP` or `TTFB`.
    pub metric: &'static str,
    /// The class of device; null for all.
    pub device: Option<String>,
    /// The page; null for all.
    pub path: Option<String>,
    /// How many values.
    pub samples: u64,
    /// The 75th percentile, within one in a hundred: milliseconds, but for CLS.
    pub p75: f64,
    /// What is thought of it: that of the exact one.
    pub rating: Rating,
    /// The share of good values, from 0 to 1.
    pub good: f64,
    /// Of those in between.
    pub needs_improvement: f64,
    /// Of poor ones.
    pub poor: f64,
}

/// Returns the row of a spread; none where nothing was measured.
fn row(
    (metric, device, path): (&'static str, Option<String>, Option<String>),
    of: &Spread,
) -> Option<VitalNow> {
    let samples = of.sketch.count();
    let limits = Metric::named(metric)?;
    // Ratings are in the order of values, so that of the exact percentile is known.
    let rating = rating_at((samples * 3).div_ceil(4), &of.rated);
    let p75 = short(limits.within(rating, of.sketch.p75()?));
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 values")]
    let share = |count: u64| (count as f64 / samples as f64 * 1e6).round() / 1e6;
    let [good, needs_improvement, poor] = of.rated.map(share);
    Some(VitalNow { metric, device, path, samples, p75, rating, good, needs_improvement, poor })
}

fn rating_at(rank: u64, [good, middle, _]: &[u64; 3]) -> Rating {
    match rank {
        _ if rank <= *good => Rating::Good,
        _ if rank <= good + middle => Rating::NeedsImprovement,
        _ => Rating::Poor,
    }
}

/// Returns the number in six digits: more of them would claim what is not known.
fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
