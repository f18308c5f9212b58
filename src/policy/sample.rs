//! How much of a stream one listener is shown when there is more than it could read: whole events, by a hash of their ids.
//!
//! Pure. All that is said of one event is shown or left out together, so that what is shown still tells whole journeys. How
//! dense the sample is follows what came in the window before; within a window no more is shown than there is room for.

/// What is shown of what comes, window by window.
#[derive(Debug)]
pub struct Sample {
    /// Most that is shown in a window.
    most: u64,
    /// Of 2^`thinned` events one is shown.
    thinned: u32,
    came: u64,
    shown: u64,
}

impl Sample {
    /// Returns a sample of at most so many in a window.
    pub fn of(most: u64) -> Sample {
        Sample { most, thinned: 0, came: 0, shown: 0 }
    }

    /// Returns whether the next thing is shown; `hash` is the same for all that is said of one event.
    pub fn shows(&mut self, hash: u32) -> bool {
        self.came += 1;
        let is_chosen = hash.trailing_zeros() >= self.thinned;
        let shows = is_chosen && self.shown < self.most;
        self.shown += u64::from(shows);
        shows
    }

    /// A window is over: returns how much was left out in it.
    pub fn next_window(&mut self) -> u64 {
        let left_out = self.came - self.shown;
        self.thinned = (0..u32::BITS).find(|by| self.came >> by <= self.most).unwrap_or(u32::BITS);
        (self.came, self.shown) = (0, 0);
        left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(sample: &mut Sample, events: u32) -> Vec<u32> {
        (0..events).map(|n| n.wrapping_mul(0x9E37_79B1)).filter(|hash| sample.shows(*hash)).collect()
    }

    #[test]
    fn what_fits_is_shown_whole() {
        let mut sample = Sample::of(100);
        assert_eq!(window(&mut sample, 100).len(), 100);
        assert_eq!(sample.next_window(), 0);
        assert_eq!(window(&mut sample, 100).len(), 100);
    }

    #[test]
    fn a_flood_is_cut_first_and_then_thinned_to_whole_events() {
        let mut sample = Sample::of(100);
        assert_eq!(window(&mut sample, 1_000).len(), 100, "nobody knew that it would come");
        assert_eq!(sample.next_window(), 900);
        let (first, second) = (window(&mut sample, 500), window(&mut sample, 500));
        assert_eq!(first, second, "what is shown of an event once is shown of it again");
        assert!((50..=100).contains(&(first.len() + second.len())), "{}", first.len());
        assert_eq!(sample.next_window(), 1_000 - 2 * first.len() as u64);
        assert!(window(&mut sample, 50).len() < 50);
        sample.next_window();
        assert_eq!(window(&mut sample, 50).len(), 50, "a calm window makes it dense again");
    }
}
