//! Columns whose type stays as it is, since changing it would write a large table anew or break a view.
//!
//! Found out when a change is carried out, and looked at by every plan after it: a value that does not fit is then kept in
//! `_unmapped`. Forgotten at the next start, and when somebody has changed the column by hand it is not asked for any more.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Most columns that are remembered; those beyond are found out again.
const MOST: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Frozen(Mutex<BTreeSet<(String, String)>>);

impl Frozen {
    /// Takes note of a column.
    pub(super) fn add(&self, table: &str, column: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.insert((table.to_owned(), column.to_owned()));
        }
    }

    /// Returns whether the column keeps its type.
    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !all.is_empty() && all.contains(&(table.to_owned(), column.to_owned()))
    }
}
