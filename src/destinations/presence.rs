//! What several routers know together of who is there now: a store may tell it beside taking events.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::{BoxFuture, Failure};
use crate::projections::active::Counts;
use crate::projections::commerce::funnel::{self, Step};
use crate::projections::commerce::revenue::Sums;
use crate::projections::live::Orders;
use crate::projections::live::vitals::Tally;

/// Who is at one site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// Visitors of the last minutes.
    pub counts: Counts,
    /// Pages and their visitors, most first.
    pub pages: Vec<(String, u64)>,
    /// Sessions that are open.
    pub sessions: u64,
    /// How fast pages feel today.
    pub vitals: Tally,
    /// What is bought.
    pub trade: Trade,
}

/// What is bought at one site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trade {
    /// What was sold and given back today, by currency.
    pub taken: BTreeMap<String, Taken>,
    /// How many visitors took so many of the four steps to an order, from one on, within a day after another.
    pub levels: [u64; 4],
    /// How many carts have something in them.
    pub carts: u64,
}

/// What was sold and given back in one currency, in hundredths of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many orders.
    pub orders: u64,
    /// What they amount to.
    pub gross_cents: i64,
    /// What was given back.
    pub refunds_cents: i64,
}

impl Trade {
    /// Adds what is bought at another site.
    pub fn join(&mut self, other: &Trade) {
        for (currency, theirs) in &other.taken {
            let mine = self.taken.entry(currency.clone()).or_default();
            mine.orders += theirs.orders;
            mine.gross_cents = mine.gross_cents.saturating_add(theirs.gross_cents);
            mine.refunds_cents = mine.refunds_cents.saturating_add(theirs.refunds_cents);
        }
        self.levels.iter_mut().zip(other.levels).for_each(|(mine, theirs)| *mine += theirs);
        self.carts += other.carts;
    }

    /// Returns orders and revenue, as one router tells its own.
    pub fn orders(&self) -> Orders {
        let cents = |cents: i64| Decimal::new(cents, 2);
        let sums =
            |taken: &Taken| Sums::of(taken.orders, cents(taken.gross_cents), cents(taken.refunds_cents));
        Orders {
            count: self.taken.values().map(|taken| taken.orders).sum(),
            revenue: self.taken.iter().map(|(currency, taken)| (currency.clone(), sums(taken))).collect(),
        }
    }

    /// Returns how far visitors came, likewise.
    pub fn funnel(&self) -> Vec<Step> {
        let so_far = |(level, count): (usize, &u64)| {
            std::iter::repeat_n(level, usize::try_from(*count).unwrap_or(usize::MAX))
        };
        funnel::steps_of(&funnel::steps(), (1..).zip(&self.levels).flat_map(so_far))
    }
}

/// A store that knows it.
pub trait SharedPresence: Send + Sync + 'static {
    /// Returns who is at a site at `now` (milliseconds since 1970), and at most so many pages. Fails with why it is not known:
    /// then whoever asks falls back on what its own router has seen.
    fn look(&self, site: Arc<str>, now: i64, pages: usize) -> BoxFuture<Result<Present, Failure>>;
}
