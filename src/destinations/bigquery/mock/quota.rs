//! Quotas: how much may be changed in a while.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::answer::refusal;
use super::state::{Place, State};
use crate::destinations::mock::Said;

/// Changes of one table's description in ten seconds, by
/// <https://cloud.google.com/bigquery/quotas#standard_tables> and `#partitioned_tables`.
const UPDATES: usize = 5;
const UPDATES_PARTITIONED: usize = 50;
const UPDATES_WINDOW: SignedDuration = SignedDuration::from_secs(10);
/// Tables made in a second.
const CREATES: usize = 10;
const CREATES_WINDOW: SignedDuration = SignedDuration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// When something was done, of late.
#[derive(Debug, Default)]
pub(super) struct Window {
    times: VecDeque<Timestamp>,
    /// How often it was done at all.
    pub(super) total: u64,
}

impl Window {
    /// Does it once more, unless it was done this often within the span.
    fn take(&mut self, at: Timestamp, most: usize, span: SignedDuration) -> bool {
        while self.times.front().is_some_and(|first| at.duration_since(*first) >= span) {
            self.times.pop_front();
        }
        if self.times.len() >= most {
            return false;
        }
        self.times.push_back(at);
        self.total += 1;
        true
    }
}

/// Counts one change of a table's description.
pub(super) fn update(state: &mut State, place: &Place, partitioned: bool, at: Timestamp) -> Result<(), Said> {
    let most = if partitioned { UPDATES_PARTITIONED } else { UPDATES };
    let most = if state.settings.quotas { most } else { usize::MAX };
    if state.quotas.updates.entry(place.clone()).or_default().take(at, most, UPDATES_WINDOW) {
        return Ok(());
    }
    let message = "Exceeded rate limits: too many table update operations for this table. For more information, see \
                   https://cloud.google.com/bigquery/docs/troubleshoot-quotas";
    Err(refusal(403, "rateLimitExceeded", message))
}

/// Counts one table made.
pub(super) fn create(state: &mut State, at: Timestamp) -> Result<(), Said> {
    let most = if state.settings.quotas { CREATES } else { usize::MAX };
    if state.quotas.creates.take(at, most, CREATES_WINDOW) {
        return Ok(());
    }
    let message = "Exceeded rate limits: too many api requests per user per method for this user_method. For more \
                   information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas";
    Err(refusal(403, "rateLimitExceeded", message))
}

/// Counts one load job, also one that fails.
pub(super) fn load(state: &mut State, place: &Place, at: Timestamp) -> Result<(), Said> {
    let most = if state.settings.quotas { state.settings.loads_a_day as usize } else { usize::MAX };
    if state.quotas.loads.entry(place.clone()).or_default().take(at, most, DAY) {
        return Ok(());
    }
    let message = "Quota exceeded: Your table exceeded quota for imports or query appends per table. For more information, \
                   see https://cloud.google.com/bigquery/docs/troubleshoot-quotas";
    Err(refusal(403, "quotaExceeded", message))
}
