//! What is wanted of one table, or of a whole store whose tables are changed together: joined while it waits for its turn.

use super::Ticket;
use super::pace::Quota;
use super::quota::Used;
use crate::policy::Moment;
use crate::policy::outcome::Fault;
use crate::warehouse::SchemaDiff;

/// After so many failures in a row nothing is tried for which nobody has asked again.
const UNASKED: u32 = 5;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    /// What is wanted and was not yet asked of the store.
    pub(super) wanted: SchemaDiff,
    /// Who waits for that.
    pub(super) tickets: Vec<Ticket>,
    /// When the window closes, or the wait after a failure ends.
    pub(super) due: Moment,
    /// The store is at work on it.
    pub(super) busy: bool,
    /// Failures in a row.
    pub(super) failures: u32,
    /// The last failure, until the next try.
    pub(super) fault: Option<Fault>,
    pub(super) used: Used,
    /// Failures since somebody asked.
    unasked: u32,
}

impl Lane {
    /// Joins a need to those that wait. The first one opens the window, which `closes` then.
    pub(super) fn join(&mut self, diff: SchemaDiff, closes: Moment, now: Moment) {
        if self.wanted.is_empty() && self.due <= now {
            (self.due, self.fault) = (closes, None);
        }
        self.unasked = 0;
        self.wanted = std::mem::take(&mut self.wanted).merge(diff);
    }

    /// Returns the last failure while it is too early to try again.
    pub(super) fn trouble(&self, now: Moment) -> Option<&Fault> {
        self.fault.as_ref().filter(|_| self.due > now)
    }

    /// Puts back what could not be done, to be tried again at `due`.
    pub(super) fn put_back(&mut self, diff: SchemaDiff, fault: &Fault, due: Moment) {
        self.unasked = self.unasked.saturating_add(1);
        self.fault = Some(fault.clone());
        self.due = due;
        self.wanted = diff.merge(std::mem::take(&mut self.wanted));
        if self.unasked >= UNASKED {
            self.wanted = SchemaDiff::default();
        }
    }

    /// Returns from when on the store may be asked, as far as this lane alone is concerned; `None` when nothing is wanted or
    /// the store is at work on it.
    pub(super) fn ready_at(&self, quota: Quota) -> Option<Moment> {
        let waits = !self.busy && !self.wanted.is_empty();
        waits.then(|| self.due.max(self.used.ready_at(quota)))
    }

    /// Returns whether nothing need be remembered of it.
    pub(super) fn is_idle(&mut self, quota: Quota, now: Moment) -> bool {
        !self.busy && self.wanted.is_empty() && self.trouble(now).is_none() && self.used.forget(quota, now)
    }
}
