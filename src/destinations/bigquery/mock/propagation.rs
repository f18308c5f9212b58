//! What streaming does not see yet: a fresh table, a fresh column, a table that was deleted and made again.
//!
//! While something is hidden the answers flip between yes and no, as those of many servers do that learn at different
//! times. Tests that must not wait count requests instead.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::settings::Settings;
use super::state::Table;

/// Who decides.
pub(super) struct Propagation<'a> {
    pub(super) settings: &'a Settings,
    pub(super) dice: &'a mut fastrand::Rng,
    pub(super) at: Timestamp,
}

impl Propagation<'_> {
    /// Returns whether this request sees the table.
    pub(super) fn sees(&mut self, table: &mut Table) -> bool {
        let since = table.created;
        !counted(&mut table.refusals) && !self.hides(since, self.settings.table_propagation)
    }

    /// Returns the names, in lower case, of the columns that this request uses and does not see.
    pub(super) fn hidden(&mut self, table: &mut Table, used: &HashSet<String>) -> HashSet<String> {
        let span = self.settings.column_propagation;
        let mut hidden = HashSet::new();
        for field in &mut table.fields {
            let name = field.name.to_lowercase();
            if !used.contains(&name) {
                continue;
            }
            if counted(&mut field.refusals) || field.added.is_some_and(|added| self.hides(added, span)) {
                hidden.insert(name);
            }
        }
        hidden
    }

    /// Returns whether the rows of this request vanish.
    pub(super) fn swallows(&self, table: &mut Table) -> bool {
        let young = self.at.duration_since(table.created) < self.settings.swallow;
        counted(&mut table.swallows) || (table.again && young)
    }

    fn hides(&mut self, since: Timestamp, span: SignedDuration) -> bool {
        self.at.duration_since(since) < span && self.dice.u8(0..100) >= self.settings.flip
    }
}

/// Counts one down.
fn counted(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}
