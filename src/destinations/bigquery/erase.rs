//! Forgetting people: a `DELETE` over every table that says whom its rows are about, with the ids as parameters.
//!
//! Rows that were streamed cannot be changed for up to 90 minutes, and a statement that might touch one is refused as a whole. Then
//! what came until the wish is deleted, or what is older than those minutes, and the rest is said to be left: who asks again in time
//! finds it deletable. The tables that are merged out of others go last. Never says an id, and keeps none.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::super::{BoxFuture, Erase};
use super::ddl::{PARTITIONED_BY, quoted};
use super::errors::Trouble;
use super::store::Store;
use super::users;
use super::views::sql;
use crate::spec::People;
use crate::telemetry::clock;
use crate::warehouse::people::columns_of;
use crate::warehouse::{ColumnType, Schema, Table};

/// How long rows stay in the streaming buffer at most, and some minutes for clocks that differ.
/// <https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations>
const BUFFERED: SignedDuration = SignedDuration::from_mins(95);

/// The name of the parameter that holds the ids.
pub(super) const IDS: &str = "ids";

/// Erases from one dataset.
#[derive(Debug, Clone)]
pub(super) struct Eraser {
    store: Arc<Store>,
    /// What is not done yet, by a number that leads back to nobody.
    wishes: Arc<Mutex<HashMap<u64, Wish>>>,
}

/// A wish as this process knows it.
#[derive(Debug, Clone, Copy)]
struct Wish {
    /// When it was first heard of.
    since: Timestamp,
    /// How many rows have gone so far.
    erased: u64,
}

/// One table, and how far in time its rows are meant.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    table: &'a str,
    columns: &'a [&'static str],
    until: Option<Timestamp>,
    /// Google refuses what does not say which days it reads.
    names_days: bool,
}

/// What became of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nothing that was there when it was wished.
    Nothing,
    /// Rows may be in the streaming buffer.
    Buffered,
}

impl Eraser {
    /// Returns an eraser that has contacted nobody.
    pub(super) fn new(store: Arc<Store>) -> Eraser {
        Eraser { store, wishes: Arc::default() }
    }

    async fn erase_all(&self, people: &People) -> Result<u64, String> {
        let number = number_of(people);
        let Wish { since, mut erased } = self.wish(number);
        let schema = self.store.now().await.map_err(|trouble| reason("the dataset", &trouble))?;
        let mut left = Ok(());
        for (name, columns) in in_order(&schema, people) {
            let Some(table) = schema.tables.get(name) else { continue };
            match self.erase_table((name, table, &columns), people, since).await {
                Ok((rows, Left::Nothing)) => erased += rows,
                Ok((rows, Left::Buffered)) => {
                    erased += rows;
                    left = left.and(Err(buffered(name)));
                }
                Err(trouble) => left = left.and(Err(reason(&format!("`{name}`"), &trouble))),
            }
        }
        match left {
            Ok(()) => drop(self.lock().remove(&number)),
            Err(_) => drop(self.lock().insert(number, Wish { since, erased })),
        }
        left.map(|()| erased)
    }

    /// Deletes all rows; where streamed ones are in the way, those that came until the wish, or else those that are old enough.
    async fn erase_table(
        &self,
        (name, table, columns): (&str, &Table, &[&'static str]),
        people: &People,
        since: Timestamp,
    ) -> Result<(u64, Left), Trouble> {
        let has_time = table.columns.get(PARTITIONED_BY) == Some(&ColumnType::Timestamp);
        let names_days = has_time && self.store.names_days();
        let all = Part { table: name, columns, until: None, names_days };
        let old = clock::now().checked_sub(BUFFERED).unwrap_or(Timestamp::UNIX_EPOCH);
        for (until, left) in [(None, Left::Nothing), (Some(since), Left::Nothing), (Some(old), Left::Buffered)] {
            if until.is_some() && !has_time {
                continue;
            }
            match self.store.delete(&self.statement(Part { until, ..all }), people).await {
                Err(trouble) if is_buffered(&trouble) => {}
                done => return done.map(|rows| (rows, left)),
            }
        }
        Ok((0, Left::Buffered))
    }

    fn statement(&self, part: Part<'_>) -> String {
        let terms: Vec<String> =
            part.columns.iter().map(|column| format!("{} IN UNNEST(@{IDS})", quoted(column))).collect();
        let day = quoted(PARTITIONED_BY);
        let bound = match part.until {
            Some(until) => format!(" AND {day} <= {}", sql::instant(until)),
            None if part.names_days => format!(" AND {day} <= TIMESTAMP '9999-12-30T00:00:00Z'"),
            None => String::new(),
        };
        format!("DELETE FROM {} WHERE ({}){bound}", self.store.table_name(part.table), terms.join(" OR "))
    }

    fn wish(&self, number: u64) -> Wish {
        *self.lock().entry(number).or_insert_with(|| Wish { since: clock::now(), erased: 0 })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Wish>> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the tables with the columns that say whom a row is about; those that are merged out of others last, since a merge in
/// between brings back what the others still have.
fn in_order<'s>(schema: &'s Schema, people: &People) -> Vec<(&'s str, Vec<&'static str>)> {
    let columns = |name: &str, table: &Table| {
        columns_of(name, |column| table.columns.get(column) == Some(&ColumnType::Text), people.kind())
    };
    let all = schema.tables.iter().map(|(name, table)| (name.as_str(), columns(name, table)));
    let mut tables: Vec<_> = all.filter(|(_, columns)| !columns.is_empty()).collect();
    tables.sort_by_key(|(name, _)| users::states().contains(name));
    tables
}

fn number_of(people: &People) -> u64 {
    let mut hasher = DefaultHasher::new();
    people.kind().as_str().hash(&mut hasher);
    people.ids().for_each(|id| id.hash(&mut hasher));
    hasher.finish()
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
