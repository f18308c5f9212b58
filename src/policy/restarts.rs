//! How often a child actor may come back: with growing waits, and parked after too many panics in a short time.

use std::collections::VecDeque;
use std::time::Duration;

use super::Moment;

/// Panics within [`WINDOW`] after which a child is parked.
pub const LIMIT: usize = 5;
/// The window in which panics are counted.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The panics of one child within the last minute.
#[derive(Debug, Clone, Default)]
pub struct Restarts {
    recent: VecDeque<Moment>,
}

/// What to do about a child that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this wait.
    After(Duration),
    /// Leave it parked until the process is restarted.
    Park,
}

impl Restarts {
    /// Records a panic and decides.
    pub fn panicked(&mut self, now: Moment) -> Verdict {
        self.recent.retain(|at| now.saturating_sub(*at) < WINDOW);
        self.recent.push_back(now);
        if self.recent.len() >= LIMIT {
            return Verdict::Park;
        }
        let doublings = u32::try_from(self.recent.len() - 1).unwrap_or(u32::MAX).min(8);
        Verdict::After(Duration::from_millis(100) * 2u32.pow(doublings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_panic_in_a_minute_parks_the_child() {
        let mut restarts = Restarts::default();
        let verdicts: Vec<Verdict> =
            (0..5).map(|second| restarts.panicked(Duration::from_secs(second))).collect();
        let after = |ms| Verdict::After(Duration::from_millis(ms));
        assert_eq!(verdicts, [after(100), after(200), after(400), after(800), Verdict::Park]);
    }

    #[test]
    fn panics_that_are_long_ago_do_not_count() {
        let mut restarts = Restarts::default();
        for minute in 0..20 {
            assert_eq!(
                restarts.panicked(Duration::from_secs(60 * minute)),
                Verdict::After(Duration::from_millis(100))
            );
        }
    }
}
