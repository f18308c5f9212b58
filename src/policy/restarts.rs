//! How often a child actor may come back: with growing waits, and parked after too many panics in a short time.

use std::collections::VecDeque;
use std::time::Duration;

use super::Moment;

/// Panics within the window after which a child is parked.
pub const LIMIT: usize = 5;
/// The window in which panics are counted.
pub const WINDOW: Duration = Duration::from_secs(60);
/// That of a view, which reads as much as a day again after each of its panics: it comes back to an event that it cannot take
/// once in minutes and not within one.
pub const WINDOW_OF_VIEWS: Duration = Duration::from_secs(3_600);

/// The panics of one child within its window.
#[derive(Debug, Clone)]
pub struct Restarts {
    window: Duration,
    recent: VecDeque<Moment>,
}

impl Default for Restarts {
    fn default() -> Self {
        Restarts { window: WINDOW, recent: VecDeque::new() }
    }
}

/// What to do about a child that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this wait.
    After(Duration),
    /// Leave it parked until somebody asks for it.
    Park,
}

impl Restarts {
    /// Returns those of a view.
    pub fn of_view() -> Restarts {
        Restarts { window: WINDOW_OF_VIEWS, ..Restarts::default() }
    }

    /// Records a panic and decides.
    pub fn panicked(&mut self, now: Moment) -> Verdict {
        self.recent.retain(|at| now.saturating_sub(*at) < self.window);
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
    fn a_view_that_panics_once_a_minute_is_parked_and_one_that_panics_twice_an_hour_is_not() {
        let verdicts = |minutes: u64| {
            let mut restarts = Restarts::of_view();
            (0..10).map(|n| restarts.panicked(Duration::from_secs(n * minutes * 60))).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(1).iter().position(|verdict| *verdict == Verdict::Park), Some(LIMIT - 1));
        assert!(!verdicts(30).contains(&Verdict::Park));
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
