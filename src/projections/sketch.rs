//! How measured values are spread, in little room: a sketch that answers quantiles within one in a hundred.
//!
//! A DDSketch (Masson, Rim and Lee, VLDB 2019): bins whose borders grow by a constant factor, so that the middle of a bin is
//! never further than [`ERROR`] from any value in it. Our own because a value can be taken out again here, which the last
//! word of a page needs, and because the bins are bounded by the range of values and never fall together: a union is exact,
//! in any order. Keeps no value. Pure.

/// The relative error of a quantile.
pub const ERROR: f64 = 0.01;
/// Smaller values, zero among them, are counted as nothing.
pub const SMALLEST: f64 = 1e-5;
/// Larger values are counted as this one.
pub const LARGEST: f64 = 1e7;
/// No sketch has more bins: `ln(LARGEST / SMALLEST) / ln(GROWTH)` are 1,382, and one for nothing.
pub const MOST_BINS: usize = 2_048;
/// Each bin is wider than the one before by this factor.
const GROWTH: f64 = (1.0 + ERROR) / (1.0 - ERROR);

/// The place of a value: the bins are numbered by the logarithm of their upper border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bin(i16);

impl Bin {
    /// What is too small to be told from zero.
    const NOTHING: Bin = Bin(i16::MIN);

    /// Returns the bin of a value; none of one that is negative or no number.
    #[expect(clippy::cast_possible_truncation, reason = "between -576 and 806 after the clamp")]
    pub fn of(value: f64) -> Option<Bin> {
        if !value.is_finite() || value < 0.0 {
            return None;
        }
        if value < SMALLEST {
            return Some(Bin::NOTHING);
        }
        Some(Bin((value.min(LARGEST).ln() / GROWTH.ln()).ceil() as i16))
    }

    /// Returns the bin of a number that was given out by [`Bin::number`]; none of any other.
    pub fn numbered(number: i16) -> Option<Bin> {
        let bin = Bin(number);
        let known = Bin::of(SMALLEST)?..=Bin::of(LARGEST)?;
        (bin == Bin::NOTHING || known.contains(&bin)).then_some(bin)
    }

    /// Returns its number, by which it is kept.
    pub fn number(self) -> i16 {
        self.0
    }

    /// Returns the value that stands for all of its bin.
    pub fn value(self) -> f64 {
        if self == Bin::NOTHING {
            return 0.0;
        }
        2.0 * GROWTH.powi(i32::from(self.0)) / (GROWTH + 1.0)
    }
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Each bin that holds something, in order.
    bins: Vec<(Bin, u32)>,
}

impl Sketch {
    /// Takes a value. Returns whether it needed a bin more.
    pub fn add(&mut self, bin: Bin) -> bool {
        self.put(bin, 1)
    }

    /// Takes back a value that was taken. Returns whether it needs a bin less.
    pub fn take_back(&mut self, bin: Bin) -> bool {
        let Ok(place) = self.find(bin) else { return false };
        let Some((_, count)) = self.bins.get_mut(place) else { return false };
        *count = count.saturating_sub(1);
        let is_empty = *count == 0;
        if is_empty {
            self.bins.remove(place);
        }
        is_empty
    }

    /// Takes so many values of one bin. Returns whether it needed a bin more.
    pub fn put(&mut self, bin: Bin, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        match self.find(bin) {
            Ok(place) => {
                self.bins.get_mut(place).into_iter().for_each(|(_, sum)| *sum = sum.saturating_add(count));
                false
            }
            Err(place) => {
                self.bins.insert(place, (bin, count));
                true
            }
        }
    }

    /// Takes everything that another one has taken.
    pub fn merge(&mut self, other: &Sketch) {
        for (bin, count) in &other.bins {
            self.put(*bin, *count);
        }
    }

    /// Returns how many values it has taken.
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Returns how many bins it needs.
    pub fn bins(&self) -> usize {
        self.bins.len()
    }

    /// Returns the smallest value that at least three quarters of all do not exceed, within [`ERROR`]; none without values.
    pub fn p75(&self) -> Option<f64> {
        self.percentile(75)
    }

    /// Returns the smallest value that at least `percent` (1 to 100) of a hundred do not exceed, within [`ERROR`]; none without
    /// values.
    pub fn percentile(&self, percent: u64) -> Option<f64> {
        let rank = (self.count() * percent).div_ceil(100);
        let mut seen = 0;
        let reached = self.bins.iter().find(|(_, count)| {
            seen += u64::from(*count);
            seen >= rank
        });
        reached.map(|(bin, _)| bin.value())
    }

    fn find(&self, bin: Bin) -> Result<usize, usize> {
        self.bins.binary_search_by_key(&bin, |(bin, _)| *bin)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sketch(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        for bin in values.iter().filter_map(|value| Bin::of(*value)) {
            sketch.add(bin);
        }
        sketch
    }

    fn united(of: &[&Sketch]) -> Sketch {
        let mut all = Sketch::default();
        of.iter().for_each(|one| all.merge(one));
        all
    }

    /// Values of every size that is told apart, and many of one size.
    fn values() -> impl Strategy<Value = Vec<f64>> {
        let any = (-5.0..7.0_f64).prop_map(|power| 10_f64.powf(power));
        let usual = prop_oneof![any, 0.0..0.5_f64, 100.0..5_000.0_f64, Just(SMALLEST), Just(LARGEST)];
        prop::collection::vec(usual.prop_map(|value| if value < SMALLEST { 0.0 } else { value }), 1..400)
    }

    proptest! {
        #[test]
        fn the_percentile_is_within_one_in_a_hundred_of_the_one_that_was_measured(mut values in values()) {
            let found = sketch(&values).p75().unwrap();
            values.sort_by(f64::total_cmp);
            let exact = values[(values.len() * 3).div_ceil(4) - 1];
            // What is lost in the last places of a logarithm.
            prop_assert!((found - exact).abs() <= exact * (ERROR + 1e-9), "{found} of {exact}");
        }

        #[test]
        fn parts_in_any_order_are_the_sketch_of_everything(one in values(), two in values(), three in values()) {
            let whole = sketch(&[one.clone(), two.clone(), three.clone()].concat());
            let (one, two, three) = (sketch(&one), sketch(&two), sketch(&three));
            prop_assert_eq!(&united(&[&united(&[&one, &two]), &three]), &whole);
            prop_assert_eq!(&united(&[&one, &united(&[&two, &three])]), &whole);
            prop_assert_eq!(&united(&[&three, &two, &one]), &whole);
        }

        #[test]
        fn what_is_taken_back_was_never_there(kept in values(), other in values()) {
            let mut sketch_of_both = sketch(&[kept.clone(), other.clone()].concat());
            for value in &other {
                sketch_of_both.take_back(Bin::of(*value).unwrap());
            }
            prop_assert_eq!(sketch_of_both, sketch(&kept));
        }
    }

    #[test]
    fn no_values_need_more_bins_than_there_may_be() {
        let mut all = Sketch::default();
        for step in 0..200_000_i32 {
            all.add(Bin::of(1e-9 * 1.000_3_f64.powi(step)).unwrap_or(Bin::NOTHING));
        }
        assert!((1_300..MOST_BINS).contains(&all.bins()), "{} bins", all.bins());
        assert_eq!(all.count(), 200_000);
    }

    #[test]
    fn what_is_no_measure_has_no_bin_and_every_bin_is_known_by_its_number() {
        for value in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Bin::of(value), None, "{value}");
        }
        for value in [0.0, 1e-300, SMALLEST, 0.1, 2_500.0, LARGEST, 1e300] {
            let bin = Bin::of(value).unwrap();
            assert_eq!(Bin::numbered(bin.number()), Some(bin), "{value}");
        }
        assert_eq!((Bin::numbered(5_000), Bin::numbered(-5_000)), (None, None));
        assert_eq!(Sketch::default().p75(), None);
    }
}
