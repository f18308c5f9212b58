//! Web vitals: how fast pages felt, as the 75th percentile and as shares of good, middling and poor views.
//!
//! The limits are Google's, <https://web.dev/articles/vitals>; a value at a limit is on its good side. Exact over the values it
//! is given, and never keeps them.

use serde::Serialize;

/// The metrics that are known: name, the most that is good, the most that is not poor. Milliseconds, but for CLS.
const LIMITS: &[(&str, f64, f64)] = &[
    ("LCP", 2500.0, 4000.0),
    ("INP", 200.0, 500.0),
    ("CLS", 0.1, 0.25),
    ("FCP", 1800.0, 3000.0),
    ("TTFB", 800.0, 1800.0),
];

/// Returns the name of a metric that is known, as it is written.
pub fn known(name: &str) -> Option<&'static str> {
    LIMITS.iter().find(|(known, _, _)| *known == name).map(|(known, _, _)| *known)
}

/// Returns the names of all metrics.
pub fn names() -> impl Iterator<Item = &'static str> {
    LIMITS.iter().map(|(name, _, _)| *name)
}

/// What is thought of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rating {
    /// As it should be.
    Good,
    /// In between.
    NeedsImprovement,
    /// Felt as slow.
    Poor,
}

/// The limits of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    good: f64,
    poor: f64,
}

/// What is said of many values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The smallest value that at least three quarters of all do not exceed; none without values.
    pub p75: Option<f64>,
    /// What is thought of it.
    pub rating: Option<Rating>,
    /// Good, in between and poor, from 0 to 1.
    pub share: [f64; 3],
}

impl Metric {
    /// Returns the metric of this name; none of any other.
    pub fn named(name: &str) -> Option<Metric> {
        let (_, good, poor) = LIMITS.iter().find(|(known, _, _)| *known == name)?;
        Some(Metric { good: *good, poor: *poor })
    }

    /// Returns what is thought of one value.
    pub fn rating(&self, value: f64) -> Rating {
        match value {
            _ if value <= self.good => Rating::Good,
            _ if value <= self.poor => Rating::NeedsImprovement,
            _ => Rating::Poor,
        }
    }

    /// Returns the nearest value of which this is thought: what was estimated may be on the wrong side of a limit.
    pub fn within(&self, rating: Rating, value: f64) -> f64 {
        match rating {
            Rating::Good => value.min(self.good),
            Rating::NeedsImprovement => value.clamp(self.good, self.poor),
            Rating::Poor => value.max(self.poor),
        }
    }

    /// Returns what is said of these values, in any order.
    pub fn summary(&self, mut values: Vec<f64>) -> Summary {
        values.sort_by(f64::total_cmp);
        let rank = (values.len() * 3).div_ceil(4);
        let p75 = rank.checked_sub(1).and_then(|at| values.get(at)).copied();
        let mut counts = [0_usize; 3];
        for value in &values {
            let place = self.rating(*value) as usize;
            counts.iter_mut().skip(place).take(1).for_each(|count| *count += 1);
        }
        let all = values.len().max(1);
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 values")]
        let share = counts.map(|count| count as f64 / all as f64);
        Summary { p75, rating: p75.map(|value| self.rating(value)), share }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metric(name: &str) -> Metric {
        Metric::named(name).unwrap()
    }

    #[test]
    fn a_value_at_a_limit_is_on_its_good_side() {
        for (name, good, poor) in LIMITS {
            assert_eq!(metric(name).rating(*good), Rating::Good, "{name}");
            assert_eq!(metric(name).rating(good + 0.01), Rating::NeedsImprovement, "{name}");
            assert_eq!(metric(name).rating(*poor), Rating::NeedsImprovement, "{name}");
            assert_eq!(metric(name).rating(poor + 0.01), Rating::Poor, "{name}");
        }
        assert_eq!(Metric::named("lcp"), None);
    }

    #[test]
    fn the_percentile_is_a_value_that_was_measured() {
        let summary = metric("INP").summary(vec![600.0, 100.0, 200.0, 300.0]);
        assert_eq!((summary.p75, summary.rating), (Some(300.0), Some(Rating::NeedsImprovement)));
        assert_eq!(summary.share, [0.5, 0.25, 0.25]);
        assert_eq!(metric("INP").summary(vec![7.0]).p75, Some(7.0));
        let five = metric("CLS").summary(vec![0.5, 0.1, 0.2, 0.3, 0.4]);
        assert_eq!(five.p75, Some(0.4));
    }

    #[test]
    fn without_values_nothing_is_claimed() {
        let none = metric("LCP").summary(Vec::new());
        assert_eq!(none, Summary { p75: None, rating: None, share: [0.0; 3] });
    }

    proptest! {
        #[test]
        fn three_quarters_and_no_fewer_are_at_most_the_percentile(values in proptest::collection::vec(0.0..5e3_f64, 1..60)) {
            let summary = metric("LCP").summary(values.clone());
            let p75 = summary.p75.unwrap();
            let within = values.iter().filter(|value| **value <= p75).count();
            let below = values.iter().filter(|value| **value < p75).count();
            prop_assert!(within * 4 >= values.len() * 3 && below * 4 < values.len() * 3);
            prop_assert!((summary.share.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
