//! What is done from time to time: reading tables anew, and the chores of a store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::pace::Chore;
use crate::policy::Moment;

/// Chores are first done so long after the start, when the first rows have had their turn.
const FIRST_CHORE: Duration = Duration::from_secs(10);
/// One table is not read more often than this, however often it is doubted.
const TABLE_PAUSE: Duration = Duration::from_secs(10);
/// What failed is done again so soon, or sooner where that is usual.
const AGAIN: Duration = Duration::from_secs(60);

/// Most tables that wait to be read alone.
const MOST_DOUBTED: usize = 1_000;

#[derive(Debug, Clone)]
struct Turn {
    chore: Chore,
    due: Moment,
    running: bool,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Rounds {
    every: Option<Duration>,
    /// When all tables are to be read; `None` while that is under way, and for never.
    due: Option<Moment>,
    reading_all: bool,
    doubted: BTreeSet<String>,
    /// When tables were last read alone.
    read: BTreeMap<String, Moment>,
    chores: Vec<Turn>,
}

impl Rounds {
    pub(super) fn new(every: Option<Duration>, chores: Vec<Chore>, now: Moment) -> Self {
        let due = now.saturating_add(FIRST_CHORE);
        Rounds {
            every,
            due: every.map(|every| now.saturating_add(every)),
            reading_all: false,
            doubted: BTreeSet::new(),
            read: BTreeMap::new(),
            chores: chores.into_iter().map(|chore| Turn { chore, due, running: false }).collect(),
        }
    }

    /// Takes the wish that a table, or all, be read anew.
    pub(super) fn wish(&mut self, table: Option<String>, now: Moment) {
        match table {
            Some(table) if self.doubted.len() < MOST_DOUBTED => {
                self.doubted.insert(table);
            }
            Some(_) => {}
            // One that is under way may have missed what the wish is about.
            None => self.due = Some(now),
        }
    }

    /// Returns whether all tables are being read.
    pub(super) fn is_reading_all(&self) -> bool {
        self.reading_all
    }

    /// Begins to read all tables, when it is time.
    pub(super) fn begin_all(&mut self, now: Moment) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        (self.due, self.reading_all) = (None, true);
        self.doubted.clear();
        true
    }

    /// All tables were read, or not. `dice` is uniform in `0.0..1.0` and spreads the next time by a tenth.
    pub(super) fn all_read(&mut self, ok: bool, dice: f64, now: Moment) {
        self.reading_all = false;
        let wait = self.every.map(|every| if ok { every } else { every.min(AGAIN) });
        let due = wait.map(|wait| now.saturating_add(wait.mul_f64(0.9 + dice / 5.0)));
        self.due = self.due.or(due);
    }

    /// Begins to read those of the doubted tables, `most` of them, that `is_free` admits and that were not read a moment ago.
    pub(super) fn begin_tables(
        &mut self,
        now: Moment,
        most: usize,
        is_free: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        self.read.retain(|_, at| at.saturating_add(TABLE_PAUSE) > now);
        let ready = |table: &&String| !self.read.contains_key(*table) && is_free(table);
        let begun: Vec<String> = self.doubted.iter().filter(ready).take(most).cloned().collect();
        for table in &begun {
            self.doubted.remove(table);
            self.read.insert(table.clone(), now);
        }
        begun
    }

    /// Begins the chores that are due.
    pub(super) fn begin_chores(&mut self, now: Moment) -> Vec<&'static str> {
        let due = self.chores.iter_mut().filter(|turn| !turn.running && turn.due <= now);
        due.map(|turn| {
            turn.running = true;
            turn.chore.name
        })
        .collect()
    }

    /// A chore has ended.
    pub(super) fn chore_done(&mut self, name: &str, ok: bool, now: Moment) {
        for turn in self.chores.iter_mut().filter(|turn| turn.chore.name == name) {
            turn.running = false;
            let every = turn.chore.every;
            turn.due = now.saturating_add(if ok { every } else { every.min(AGAIN) });
        }
    }

    /// Returns when something is due that does not wait for something else to end. `is_free` as above; all tables are read
    /// only when `all_free`.
    pub(super) fn next(&self, all_free: bool, is_free: impl Fn(&str) -> bool) -> Option<Moment> {
        let all = self.due.filter(|_| all_free);
        let table = |table: &String| {
            is_free(table)
                .then(|| self.read.get(table).map_or(Moment::ZERO, |at| at.saturating_add(TABLE_PAUSE)))
        };
        let tables = self.doubted.iter().filter_map(table);
        let chores = self.chores.iter().filter(|turn| !turn.running).map(|turn| turn.due);
        all.into_iter().chain(tables).chain(chores).min()
    }
}
