//! Carries out schema changes of one dataset, and publishes what its tables look like then.
//!
//! One table a call. Whatever others did meanwhile is no failure: the table is read anew, published, and who asked looks
//! again. Never decides when something is changed; that is the schema manager's.

mod cache;
mod change;
mod chores;
mod fault;
mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::{BoxFuture, Chore, Quota, SchemaCell, SchemaFault, SchemaPace, SchemaStore};
use super::api::Api;
use super::creations::Creations;
use super::erase::IDS;
use super::errors::Trouble;
use super::jobs;
use super::library::{Library, Record};
use super::propagation::between;
use super::tables;
use crate::spec::People;
use crate::telemetry::clock;
use crate::warehouse::{Schema, SchemaDiff, Table};

/// Google's quota is 50 changes of a partitioned table in 10 s, whoever makes them; ours are all partitioned.
/// <https://cloud.google.com/bigquery/quotas#standard_tables>
const CHANGES: Quota = Quota { most: 40, per: Duration::from_secs(10) };

/// Google's quota is 5 for a table without partitions, which somebody else has made.
const CHANGES_OF_PLAIN: Quota = Quota { most: 4, per: Duration::from_secs(10) };

/// Google's quota is 10 new tables a second and dataset.
const CREATES: Quota = Quota { most: 8, per: Duration::from_secs(1) };

/// How long a change that was denied is not tried again.
const DENIED_FOR: Duration = Duration::from_secs(600);

/// How often all tables are read anew, since others may change them.
const REFRESH_EVERY: Duration = Duration::from_secs(15 * 60);

/// How often one table is looked at again because rows were refused.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The schema of one dataset. See the module.
#[derive(Debug)]
pub(super) struct Store {
    api: Arc<Api>,
    library: Library,
    cell: Arc<SchemaCell>,
    seen: Mutex<Seen>,
    cache: cache::Cache,
    /// Held while somebody asks whether the tables are still those of the file.
    comparing: tokio::sync::Mutex<()>,
    chores: chores::Memory,
    /// Statements need a right of their own; once it is known to be missing they are not tried again.
    is_without_jobs: AtomicBool,
}

/// What is remembered of tables.
#[derive(Debug, Default)]
struct Seen {
    is_open: bool,
    /// What is known comes from a file, and nobody has asked yet whether the tables are still those.
    is_of_file: bool,
    /// How often each table was published: who looked before the last time has nothing to say.
    published: HashMap<String, u64>,
    looked: HashMap<String, Instant>,
    /// Tables without partitions.
    plain: BTreeSet<String>,
    creations: Creations,
}

impl Store {
    /// Returns a store that has contacted nobody.
    pub(super) fn new(api: Arc<Api>, cell: Arc<SchemaCell>) -> Store {
        let cache = cache::Cache::new(&api.target);
        let library = Library::new(Arc::clone(&api));
        let creations = Creations::new(api.target.recreate_hold);
        let seen = Mutex::new(Seen { creations, ..Seen::default() });
        let is_without_jobs = AtomicBool::new(false);
        let (comparing, chores) = (tokio::sync::Mutex::default(), chores::Memory::default());
        Store { api, library, cell, seen, cache, comparing, chores, is_without_jobs }
    }

    /// Publishes what the dataset looked like when it was last seen, or reads it where nothing is known; nothing when that
    /// was done before.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn open(&self) -> Result<(), Trouble> {
        if self.seen().is_open {
            return Ok(());
        }
        match self.cache.read().await {
            Some(known) => {
                self.recall(known.beside);
                self.cell.store(known.schema);
            }
            None => self.read_all().await?,
        }
        self.seen().is_open = true;
        Ok(())
    }

    /// Returns the schema as it was last seen, by this process or one before it.
    pub(super) async fn known(&self) -> Option<Schema> {
        self.cache.read().await.map(|known| known.schema)
    }

    /// Reads the schema, and publishes it.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn now(&self) -> Result<Schema, Trouble> {
        let is_open = self.seen().is_open;
        if !is_open && let Some(known) = self.cache.read().await {
            self.recall(known.beside);
        }
        self.read_all().await?;
        Ok(Schema::clone(&self.cell.load()))
    }

    /// Looks at a table again, since what was said of its rows does not fit what is published; at most every 10 s. What
    /// is not done at once is left to the schema manager.
    pub(super) async fn look_again(&self, table: &str) {
        let now = Instant::now();
        let is_due = |last: &Instant| now.duration_since(*last) >= LOOK_EVERY;
        {
            let mut seen = self.seen();
            if !seen.looked.get(table).is_none_or(is_due) {
                return self.cell.doubt(table);
            }
            seen.looked.retain(|_, last| !is_due(last));
            seen.looked.insert(table.to_owned(), now);
        }
        if self.look(table).await.is_err() {
            self.cell.doubt(table);
        }
    }

    /// Says that rows may be streamed into a table now. They were planned a moment ago, and since then it may have been noticed
    /// that the table was made again; after a start it is asked for, once for all tables.
    ///
    /// # Errors
    /// The table is another one than was known, or nobody says whether it is.
    pub(super) async fn expect_streamable(&self, table: &str) -> Result<(), Trouble> {
        if self.seen().is_of_file {
            let _turn = self.comparing.lock().await;
            if self.seen().is_of_file {
                self.compare_times().await?;
            }
        }
        let again_at = self.api.target.made_again.load().get(table).copied();
        match again_at {
            Some(at) if between(at, clock::now()) < self.api.target.recreate_hold => {
                Err(fault::another(&self.api.target, table))
            }
            _ => Ok(()),
        }
    }

    /// Runs one statement: what views and merges are made with.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn run(&self, statement: &str) -> Result<(), Trouble> {
        self.library.run(statement).await
    }

    /// Runs a statement that deletes what is about these people, whose ids are its parameter; returns how many rows went.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn delete(&self, statement: &str, people: &People) -> Result<u64, Trouble> {
        let ids = people.ids().map(str::to_owned).collect();
        self.library.change(statement, (IDS, ids)).await
    }

    /// Returns whether no load job that was begun until then can bring rows any more.
    pub(super) async fn loads_have_ended(&self, until: Instant) -> bool {
        jobs::have_ended(&self.api, until).await
    }

    /// Returns the whole name of a table, quoted.
    pub(super) fn table_name(&self, table: &str) -> String {
        self.api.target.names.table(table)
    }

    /// Runs a small query and reads its whole answer.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn query(&self, sql: &str) -> Result<Vec<Record>, Trouble> {
        self.library.query(sql).await
    }

    /// Reads a table and publishes it, unless it was published meanwhile.
    async fn look(&self, table: &str) -> Result<Option<Table>, Trouble> {
        let before = self.published(table);
        let read = tables::get(&self.api, table).await?;
        let now = read.filter(tables::Described::is_writable).map(|described| self.learned(table, &described));
        if self.published(table) == before {
            self.publish(table, now.clone()).await;
        }
        Ok(now)
    }

    /// Takes note of how a table is made and when, and returns its columns.
    fn learned(&self, table: &str, described: &tables::Described) -> Table {
        {
            let plain = &mut self.seen().plain;
            match described.is_partitioned() {
                true => drop(plain.remove(table)),
                false => drop(plain.insert(table.to_owned())),
            }
        }
        self.note(|creations, now| creations.seen(table, described.made_ms(), now));
        described.table()
    }

    /// Takes note of a table that we have made.
    fn made(&self, table: &str, made_ms: Option<i64>) {
        self.seen().plain.remove(table);
        self.note(|creations, now| creations.made(table, made_ms, now));
    }

    /// Goes on where a process before this one ended.
    fn recall(&self, beside: cache::Beside) {
        let cache::Beside { plain, merged, creations } = beside;
        {
            let mut seen = self.seen();
            (seen.plain, seen.is_of_file) = (plain, true);
        }
        self.chores.has_merged(merged);
        self.note(|known, now| known.recall(creations, now));
    }

    /// Takes note of when tables were made, and tells the plan which were made again. What is published later is planned
    /// with that.
    fn note(&self, change: impl FnOnce(&mut Creations, Timestamp)) {
        let (now, mut seen) = (clock::now(), self.seen());
        change(&mut seen.creations, now);
        self.api.target.made_again.tell(seen.creations.again(now));
    }

    // === Publishing ===

    async fn publish(&self, table: &str, now: Option<Table>) {
        {
            // Two tables may change at once, and each replaces the schema as a whole.
            let mut seen = self.seen();
            let mut schema = Schema::clone(&self.cell.load());
            match now {
                Some(now) => schema.tables.insert(table.to_owned(), Arc::new(now)),
                None => {
                    seen.creations.gone(table);
                    schema.tables.remove(table)
                }
            };
            self.cell.store(schema);
            *seen.published.entry(table.to_owned()).or_default() += 1;
        }
        self.remember().await;
    }

    /// Keeps what is published for the next start.
    async fn remember(&self) {
        let merged = self.chores.merged();
        let beside = {
            let seen = self.seen();
            cache::Beside { plain: seen.plain.clone(), merged, creations: seen.creations.kept().clone() }
        };
        self.cache.write(&self.cell, beside).await;
    }

    fn published(&self, table: &str) -> u64 {
        self.seen().published.get(table).copied().unwrap_or_default()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a schema manager holds: the store, shared with the client.
#[derive(Debug, Clone)]
pub(super) struct Handle(pub(super) Arc<Store>);

impl SchemaStore for Handle {
    fn pace(&self) -> SchemaPace {
        SchemaPace {
            window: self.0.api.target.schema_window,
            together: false,
            changes: CHANGES,
            creates: CREATES,
            denied_for: DENIED_FOR,
        }
    }

    fn changes(&self, table: &str) -> Quota {
        if self.0.seen().plain.contains(table) { CHANGES_OF_PLAIN } else { CHANGES }
    }

    fn refresh_every(&self) -> Option<Duration> {
        Some(REFRESH_EVERY)
    }

    fn apply(&self, diff: SchemaDiff) -> BoxFuture<Result<(), SchemaFault>> {
        let store = Arc::clone(&self.0);
        Box::pin(async move { store.change(diff).await })
    }

    fn chores(&self) -> Vec<Chore> {
        self.0.all_chores()
    }

    fn run(&self, chore: &'static str) -> BoxFuture<Result<(), SchemaFault>> {
        let store = Arc::clone(&self.0);
        Box::pin(async move {
            store.do_chore(chore).await.map_err(|trouble| fault::of(&trouble, "", String::new()))
        })
    }

    fn refresh(&self, table: Option<String>) -> BoxFuture<Result<(), SchemaFault>> {
        let store = Arc::clone(&self.0);
        Box::pin(async move {
            match table {
                Some(table) => store
                    .look(&table)
                    .await
                    .map(drop)
                    .map_err(|trouble| fault::of(&trouble, &table, String::new())),
                None => store.read_all().await.map_err(|trouble| fault::of(&trouble, "", String::new())),
            }
        })
    }
}
