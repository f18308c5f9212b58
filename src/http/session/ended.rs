//! Sessions that were logged out of before their passes end, so that a pass that was copied is worth nothing either.
//!
//! In memory: after a restart, and at another router, such a pass is valid until it ends by itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Most that are remembered: nobody logs out so often within twelve hours.
const MOST: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub(in crate::http) struct Ended(Mutex<HashMap<String, i64>>);

impl Ended {
    /// Remembers that a session is over, until its newest pass ends (seconds since 1970).
    pub(super) fn add(&self, sid: &str, until: i64, now: i64) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= MOST {
            ended.retain(|_, until| *until > now);
        }
        if ended.len() >= MOST {
            let soonest = ended.iter().min_by_key(|(_, until)| **until).map(|(sid, _)| sid.clone());
            ended.retain(|sid, _| Some(sid) != soonest.as_ref());
        }
        ended.insert(sid.to_owned(), until);
    }

    /// Returns whether a session is over.
    pub(super) fn holds(&self, sid: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(sid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_logged_out_is_remembered_within_bounds() {
        let ended = Ended::default();
        for n in 0..=MOST {
            ended.add(&n.to_string(), i64::try_from(n).unwrap() + 10, 0);
        }
        assert_eq!(ended.0.lock().unwrap().len(), MOST);
        assert!(!ended.holds("0") && ended.holds("1") && ended.holds(&MOST.to_string()));
        ended.add("late", 1 << 40, 1 << 30);
        assert!(ended.holds("late") && !ended.holds("1"));
    }
}
