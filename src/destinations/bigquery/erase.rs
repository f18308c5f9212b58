//! Forgetting people: a `DELETE` over every table that says whom its rows are about, with the ids as parameters.
//!
//! Rows that were streamed cannot be changed for up to 90 minutes, and a statement that might touch one is refused as a whole. Then
//! what came until the wish is deleted, or what is older than those minutes, and the rest is said to be left: who asks again in time
//! finds it deletable. What is done is remembered table by table, since a try may be cut short. Load jobs from before the wish end
//! first. The tables that are merged out of others go last, while nothing is merged. Never says an id, and keeps none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::super::{BoxFuture, Erase};
use super::ddl::{PARTITIONED_BY, quoted};
use super::errors::Trouble;
use super::store::Store;
use super::users;
use super::views::sql;
use crate::spec::{IdKind, People};
use crate::telemetry::clock;
use crate::warehouse::people::columns_of;
use crate::warehouse::{ColumnType, Schema, Table};

/// How long rows stay in the streaming buffer at most, and some minutes for clocks that differ.
/// <https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations>
const BUFFERED: SignedDuration = SignedDuration::from_mins(95);

/// The name of the parameter that holds the ids.
pub(super) const IDS: &str = "ids";

/// What Google calls the time of arrival, where a table is partitioned by it. No table has such a column otherwise, and a statement
/// that names it is refused there.
/// <https://cloud.google.com/bigquery/docs/querying-partitioned-tables#query_an_ingestion-time_partitioned_table>
const ARRIVED: &str = "_PARTITIONTIME";

/// An instant behind all others: a bound that leaves nothing out still names the partitions that are read.
const EVER: &str = "TIMESTAMP '9999-12-30T00:00:00Z'";

const LOADING: &str = "rows are being loaded that may be theirs; it is tried again when that has ended";
const MERGING: &str =
    "`users` and `accounts`: a merge whose end is not known may bring them back for up to six hours; it is done again then";

/// Erases from one dataset.
#[derive(Debug, Clone)]
pub(super) struct Eraser {
    store: Arc<Store>,
    /// What is not done yet, by where the people are in memory: two wishes may be about the same ones.
    wishes: Arc<Mutex<HashMap<usize, Wish>>>,
}

/// A wish as this process knows it.
#[derive(Debug)]
struct Wish {
    /// Keeps their place from being anybody else's, and them from nothing.
    people: Weak<People>,
    /// When it was first heard of, by both clocks.
    since: Timestamp,
    begun: Instant,
    /// How many rows have gone so far.
    erased: u64,
    /// What became of the tables that were asked.
    tables: HashMap<String, Left>,
    /// When every merge has ended that may have read the people before they were erased; `None` until they were.
    settled: Option<Instant>,
}

/// A table, and how people are looked for in it.
#[derive(Debug)]
struct Sought<'s> {
    name: &'s str,
    /// What is compared with the ids: any of them.
    ids: Vec<String>,
    /// Its rows say when they came.
    has_time: bool,
}

/// What became of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nothing that was there when it was wished.
    Nothing,
    /// Rows may be in the streaming buffer.
    Buffered,
}

impl Wish {
    fn new(people: &Arc<People>) -> Wish {
        let (people, tables) = (Arc::downgrade(people), HashMap::new());
        Wish { people, since: clock::now(), begun: Instant::now(), erased: 0, tables, settled: None }
    }

    /// Returns what became of a table; `None` where it is to be asked. What was in the buffer stays there for its time, and asking
    /// sooner costs statements that are refused.
    fn known(&self, table: &str) -> Option<Left> {
        let left = self.tables.get(table).copied()?;
        let is_due = left == Left::Buffered && self.begun.elapsed() >= BUFFERED.unsigned_abs();
        (!is_due).then_some(left)
    }

    fn note(&mut self, table: &str, (rows, left): (u64, Left)) {
        self.erased += rows;
        self.tables.insert(table.to_owned(), left);
    }
}

impl Eraser {
    /// Returns an eraser that has contacted nobody.
    pub(super) fn new(store: Arc<Store>) -> Eraser {
        Eraser { store, wishes: Arc::default() }
    }

    async fn erase_all(&self, people: &Arc<People>) -> Result<u64, String> {
        // Before anything is asked: what comes while it is asked is not meant.
        let begun = self.with_wish(people, |wish| wish.begun);
        if !self.store.loads_have_ended(begun).await {
            return Err(LOADING.to_owned());
        }
        let schema = self.store.now().await.map_err(|trouble| reason("the dataset", &trouble))?;
        let (states, others): (Vec<_>, Vec<_>) =
            sought(&schema, people.kind()).into_iter().partition(|table| users::states().contains(&table.name));
        self.erase_each(&others, people).await?;
        self.erase_states(&states, people).await?;
        Ok(self.lock().remove(&place_of(people)).map_or(0, |wish| wish.erased))
    }

    /// Last: a merge brings back what the others still have. One that has read it before they were asked ends first, or, where its
    /// end is not known, what it may bring is deleted when it must be over.
    async fn erase_states(&self, tables: &[Sought<'_>], people: &Arc<People>) -> Result<(), String> {
        let (_held, unsettled) = self.store.no_merge().await;
        self.erase_each(tables, people).await?;
        let now = Instant::now();
        let known = self.with_wish(people, |wish| wish.settled);
        let settled = known.or(unsettled).unwrap_or(now);
        if settled > now {
            self.with_wish(people, |wish| wish.settled = Some(settled));
            return Err(MERGING.to_owned());
        }
        if known.is_none() {
            return Ok(());
        }
        self.with_wish(people, |wish| {
            wish.settled = None;
            wish.tables.retain(|name, _| !tables.iter().any(|table| table.name == name));
        });
        self.erase_each(tables, people).await
    }

    /// Asks each table, also after one that failed; the first fault is the one that is told.
    async fn erase_each(&self, tables: &[Sought<'_>], people: &Arc<People>) -> Result<(), String> {
        let mut left = Ok(());
        for table in tables {
            left = left.and(self.erase_once(table, people).await);
        }
        left
    }

    async fn erase_once(&self, table: &Sought<'_>, people: &Arc<People>) -> Result<(), String> {
        let (since, known) = self.with_wish(people, |wish| (wish.since, wish.known(table.name)));
        let left = match known {
            Some(left) => left,
            None => {
                let erased = self.erase_table(table, people, since).await;
                let erased = erased.map_err(|trouble| reason(&format!("`{}`", table.name), &trouble))?;
                self.with_wish(people, |wish| wish.note(table.name, erased));
                erased.1
            }
        };
        if left == Left::Nothing { Ok(()) } else { Err(buffered(table.name)) }
    }

    /// Deletes all rows; where streamed ones are in the way, those that came until the wish, or else those that are old enough.
    async fn erase_table(
        &self,
        table: &Sought<'_>,
        people: &People,
        since: Timestamp,
    ) -> Result<(u64, Left), Trouble> {
        let old = clock::now().checked_sub(BUFFERED).unwrap_or(Timestamp::UNIX_EPOCH);
        for (until, left) in [(None, Left::Nothing), (Some(since), Left::Nothing), (Some(old), Left::Buffered)] {
            if until.is_some() && !table.has_time {
                continue;
            }
            match self.delete(table, people, until).await {
                Err(trouble) if is_buffered(&trouble) => {}
                done => return done.map(|rows| (rows, left)),
            }
        }
        Ok((0, Left::Buffered))
    }

    /// How a table is partitioned is not known here: where Google wants the time of arrival bounded, it says so.
    async fn delete(
        &self,
        table: &Sought<'_>,
        people: &People,
        until: Option<Timestamp>,
    ) -> Result<u64, Trouble> {
        let deleted = self.store.delete(&self.statement(table, until, false), people).await;
        match deleted {
            Err(trouble) if wants_arrival(&trouble) => {
                self.store.delete(&self.statement(table, until, true), people).await
            }
            deleted => deleted,
        }
    }

    fn statement(&self, table: &Sought<'_>, until: Option<Timestamp>, by_arrival: bool) -> String {
        let ids: Vec<String> = table.ids.iter().map(|id| format!("{id} IN UNNEST(@{IDS})")).collect();
        let mut bounds = String::new();
        if table.has_time {
            let until = until.map_or_else(|| EVER.to_owned(), sql::instant);
            bounds.push_str(&bound(&quoted(PARTITIONED_BY), &until));
        }
        if by_arrival {
            bounds.push_str(&bound(ARRIVED, EVER));
        }
        format!("DELETE FROM {} WHERE ({}){bounds}", self.store.table_name(table.name), ids.join(" OR "))
    }

    /// Has the wish looked at or changed; it begins where it is not known. Those that nobody can ask for any more are forgotten.
    fn with_wish<T>(&self, people: &Arc<People>, then: impl FnOnce(&mut Wish) -> T) -> T {
        let mut wishes = self.lock();
        wishes.retain(|_, wish| wish.people.strong_count() > 0);
        then(wishes.entry(place_of(people)).or_insert_with(|| Wish::new(people)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Wish>> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the tables that say whom their rows are about.
fn sought(schema: &Schema, kind: IdKind) -> Vec<Sought<'_>> {
    let tables = schema.tables.iter().map(|(name, table)| Sought {
        name,
        ids: ids_of(name, table, kind),
        has_time: table.columns.get(PARTITIONED_BY) == Some(&ColumnType::Timestamp),
    });
    tables.filter(|table| !table.ids.is_empty()).collect()
}

fn ids_of(name: &str, table: &Table, kind: IdKind) -> Vec<String> {
    let columns = columns_of(name, |column| table.columns.contains_key(column), kind);
    columns.into_iter().filter_map(|column| compared(column, *table.columns.get(column)?)).collect()
}

/// Returns what of a column is compared with texts; `None` where nothing of ours is ever written to it.
fn compared(column: &str, kind: ColumnType) -> Option<String> {
    let column = quoted(column);
    match kind {
        ColumnType::Text => Some(column),
        ColumnType::Json => Some(format!("JSON_VALUE({column})")),
        ColumnType::Other => None,
        _ => Some(format!("CAST({column} AS STRING)")),
    }
}

/// Returns a condition that names the partitions of a column. A row without a time is never newer than any.
fn bound(column: &str, until: &str) -> String {
    format!(" AND ({column} <= {until} OR {column} IS NULL)")
}

fn place_of(people: &Arc<People>) -> usize {
    Arc::as_ptr(people).addr()
}

fn wants_arrival(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Said(said) if said.speaks_of(&["without a filter over"]) && said.speaks_of(&["'_partition"]))
}

fn is_buffered(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Said(said) if said.speaks_of(&["streaming buffer"]))
}

fn buffered(table: &str) -> String {
    format!("`{table}`: rows that were streamed cannot be deleted for up to 90 minutes; it is tried again")
}

/// Returns why something failed, in Google's word alone: a sentence may repeat a value.
fn reason(what: &str, trouble: &Trouble) -> String {
    match trouble {
        Trouble::Said(said) => match said.status {
            Some(status) => format!("{what}: BigQuery answered {status} {}", said.reason),
            None => format!("{what}: BigQuery answered {}", said.reason),
        },
        Trouble::Silent(failure) => format!("{what}: {}", failure.message),
    }
}

impl Erase for Eraser {
    fn erase(&self, people: Arc<People>) -> BoxFuture<Result<u64, String>> {
        let eraser = self.clone();
        Box::pin(async move { eraser.erase_all(&people).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_text_in_the_end_is_compared_with_texts() {
        assert_eq!(compared("a`b", ColumnType::Text).unwrap(), r"`a\`b`");
        assert_eq!(compared("id", ColumnType::Int).unwrap(), "CAST(`id` AS STRING)");
        assert_eq!(compared("id", ColumnType::Json).unwrap(), "JSON_VALUE(`id`)");
        assert_eq!(compared("id", ColumnType::Other), None, "lists and records have no cast");
    }
}
