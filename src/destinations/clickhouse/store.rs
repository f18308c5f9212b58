//! Carries out schema changes of one database, and publishes what its tables look like then.
//!
//! Every statement may be run again (`IF NOT EXISTS`), so what others did meanwhile is no failure: the table is read anew and
//! published, and who asked looks again. Never decides when something is changed; that is the schema manager's.

mod fault;
mod read;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use super::super::{BoxFuture, Chore, FailureKind, Quota, Reply, SchemaCell, SchemaFault, SchemaPace, SchemaStore};
use super::api::Api;
use super::config::TableLayout;
use super::taken::Taken;
use super::{ddl, taken, views, wide};
use crate::telemetry::clock;
use crate::warehouse::{Column, Schema, SchemaDiff};

/// How long the first need of a table waits for others: one statement for all of them.
const WINDOW: Duration = Duration::from_millis(50);

/// How often all tables are read anew, since others may change them.
const REFRESH_EVERY: Duration = Duration::from_secs(15 * 60);

/// How often it is looked whether the views are there.
const VIEWS_EVERY: Duration = Duration::from_secs(3600);

/// How often it is looked whether a rollup is to be filled. Costs nothing where none is.
const FILL_EVERY: Duration = Duration::from_secs(10);

/// The chore of the views.
const VIEWS: &str = "views";

/// The chore of rollups that were made beside a table with rows.
const FILL: &str = "fill rollups";

/// What an operator asks for.
const APPLY: &str = "apply views";

/// How long filling a rollup may take.
const FILL_WITHIN: Duration = Duration::from_secs(900);

/// How much longer it is waited for than the server is at it.
const FILL_GRACE: Duration = Duration::from_secs(10);

/// Tables from which people are erased; while it is held, no rollup is filled.
pub(super) struct Erasable<'s> {
    pub(super) schema: Schema,
    _nothing_is_filled: MutexGuard<'s, BTreeSet<(String, u32)>>,
}

/// The schema of one database. See the module.
#[derive(Debug)]
pub(super) struct Store {
    api: Arc<Api>,
    cell: Arc<SchemaCell>,
    taken: Arc<Taken>,
    /// How often rollups were made, and after which of these times all were filled. Which are to be filled stands in the
    /// server, so that it outlives this process; the numbers only save a question.
    made: AtomicU64,
    filled: AtomicU64,
    /// Held by whoever fills rollups or erases people: the parts of fillings that are not done yet, by token and month.
    filling: Mutex<BTreeSet<(String, u32)>>,
}

impl Store {
    /// Returns a store that has contacted nobody.
    pub(super) fn new(api: Arc<Api>, (cell, taken): (Arc<SchemaCell>, Arc<Taken>)) -> Store {
        Store { api, cell, taken, made: AtomicU64::new(1), filled: AtomicU64::new(0), filling: Mutex::default() }
    }

    /// Reads all tables and publishes them.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn read_all(&self) -> Result<Schema, Reply> {
        let (schema, taken) = read::all(&self.api).await?;
        self.taken.store(taken);
        self.cell.store(schema.clone());
        Ok(schema)
    }

    /// Reads one table and publishes it.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn look(&self, table: &str) -> Result<(), Reply> {
        let (now, is_taken) = read::one(&self.api, table).await?;
        let now = now.map(Arc::new);
        self.taken.note(table, is_taken);
        self.cell.change(|mut schema| {
            match &now {
                Some(now) => schema.tables.insert(table.to_owned(), Arc::clone(now)),
                None => schema.tables.remove(table),
            };
            schema
        });
        Ok(())
    }

    async fn change(&self, diff: SchemaDiff) -> Result<(), SchemaFault> {
        for (table, columns) in &diff.create {
            self.create(table, columns).await?;
        }
        for (table, columns) in &diff.add {
            let statement = match self.api.target.layout {
                TableLayout::Segment => ddl::add_columns(&self.api.target.names, table, columns),
                TableLayout::Events => wide::add_columns(&self.api.target.names, columns),
            };
            self.alter(table, statement).await?;
        }
        for (table, columns) in &diff.widen {
            let statement = ddl::widen(&self.api.target.names, table, columns);
            self.alter(table, statement).await?;
        }
        Ok(())
    }

    async fn create(&self, table: &str, columns: &[Column]) -> Result<(), SchemaFault> {
        let names = &self.api.target.names;
        match self.api.target.layout {
            TableLayout::Segment => self.make(table, ddl::create_table(names, table, columns)).await?,
            TableLayout::Events => {
                self.make(table, wide::create_table(names)).await?;
                let made = self.make_rollups().await;
                made.map_err(|reply| fault::holds(fault::of(&reply, table, String::new())))?;
            }
        }
        self.publish(table).await
    }

    /// Makes a table, and the database where that is missing.
    async fn make(&self, table: &str, statement: String) -> Result<(), SchemaFault> {
        let mut made = self.run(&statement).await;
        if made.as_ref().is_err_and(fault::is_no_database) {
            let database = self.api.target.names.create_database();
            self.run(&database).await.map_err(|reply| fault::holds(fault::of(&reply, table, database.clone())))?;
            made = self.run(&statement).await;
        }
        // Without its table an event would die, and a right can be granted.
        made.map_err(|reply| fault::holds(fault::of(&reply, table, statement)))
    }

    async fn alter(&self, table: &str, statement: String) -> Result<(), SchemaFault> {
        match self.run(&statement).await {
            Ok(()) => self.publish(table).await,
            // Another has dropped it, which shows when it is read.
            Err(reply) if fault::is_no_table(&reply) => self.publish(table).await,
            Err(reply) => Err(fault::of(&reply, table, statement)),
        }
    }

    async fn publish(&self, table: &str) -> Result<(), SchemaFault> {
        self.look(table).await.map_err(|reply| fault::of(&reply, table, String::new()))?;
        if self.taken.holds(table) {
            return Err(fault::of_taken(table));
        }
        if views::is_viewed(table) {
            // Rows do not need them. What is wrong is told by the chore.
            self.make_views().await.unwrap_or_default();
        }
        Ok(())
    }

    async fn run(&self, statement: &str) -> Result<(), Reply> {
        self.api.run(statement, self.api.target.timeout).await.map(drop)
    }

    // === Views ===

    /// Makes what is missing of the views of people and groups, and those that are ours anew.
    async fn make_views(&self) -> Result<(), Reply> {
        if self.api.target.layout != TableLayout::Segment {
            return Ok(());
        }
        let mut made = Ok(());
        for (view, statement) in views::all(&self.cell.load(), &self.api.target.names) {
            if read::may_replace(&self.api, view).await? {
                made = made.and(self.run(&statement).await);
            }
        }
        made
    }

    /// Makes what is missing of the rollups.
    async fn make_rollups(&self) -> Result<(), Reply> {
        let there = read::tables(&self.api).await?;
        for rollup in wide::rollups().into_iter().filter(|rollup| !rollup.is_in(&there)) {
            self.make_rollup(&rollup).await?;
        }
        self.made.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Makes a rollup, unless another router has by now. One that rows were there before is marked before its view begins to
    /// fill it, so that its history is never forgotten.
    ///
    /// Rows are asked for before tables: whoever made the rollups meanwhile may have written rows, and then its view is seen
    /// too. Asked for the other way round, its rows would be filled in on top of themselves.
    async fn make_rollup(&self, rollup: &wide::Rollup) -> Result<(), Reply> {
        let names = &self.api.target.names;
        let is_late = read::has_rows(&self.api, wide::TABLE).await?;
        let there = read::tables(&self.api).await?;
        if rollup.is_in(&there) {
            return Ok(());
        }
        let token = is_late.then(|| format!("{}-{}", rollup.name, clock::now().as_microsecond()));
        match &token {
            _ if there.contains(rollup.name) => self.catch_up(rollup, token.as_deref()).await?,
            Some(token) => self.run(&rollup.create_marked(names, token)).await?,
            None => self.run(&rollup.create_table(names)).await?,
        }
        // What comes in between the two is filled in with what was there before.
        if let Some(statement) = rollup.drop_view_before(names) {
            self.run(&statement).await?;
        }
        self.run(&rollup.create_view(names)).await
    }

    /// Makes a table of before what it is now, and marks it with this token unless another has: the same history under two
    /// tokens would be filled in twice.
    async fn catch_up(&self, rollup: &wide::Rollup, token: Option<&str>) -> Result<(), Reply> {
        let names = &self.api.target.names;
        if let Some(statement) = rollup.catch_up(names) {
            self.run(&statement).await?;
        }
        let Some(token) = token else { return Ok(()) };
        let is_marked = read::unfilled(&self.api).await?.iter().any(|(one, _)| one.name == rollup.name);
        if is_marked { Ok(()) } else { self.run(&rollup.mark(names, token)).await }
    }

    /// Fills the rollups that were made late. A mark goes only after success, and holds the token of its filling.
    async fn fill_rollups(&self) -> Result<(), Reply> {
        let made = self.made.load(Ordering::Acquire);
        if self.api.target.layout != TableLayout::Events || self.filled.load(Ordering::Acquire) == made {
            return Ok(());
        }
        // Nobody is erased meanwhile, since what is filled in was read before.
        let mut months_filled = self.filling.lock().await;
        let names = &self.api.target.names;
        for (rollup, token) in read::unfilled(&self.api).await? {
            for month in read::months(&self.api, FILL_WITHIN).await? {
                let part = (token.clone(), month);
                if months_filled.contains(&part) {
                    continue;
                }
                let fill = rollup.fill(names, (&token, month, FILL_WITHIN.as_secs()));
                self.api.run(&fill, FILL_WITHIN + FILL_GRACE).await?;
                months_filled.insert(part);
            }
            self.run(&rollup.unmark(names)).await?;
        }
        months_filled.clear();
        self.filled.store(made, Ordering::Release);
        Ok(())
    }

    // === Erasing ===

    /// Returns what there is to erase from, while nothing that was read before can be filled in: all tables, whether or not
    /// everything that belongs to them is there, and of these rollups those that are.
    ///
    /// # Errors
    /// What was said, why nothing was, or that a rollup is still being filled, by this router or another.
    pub(super) async fn erasable(&self, rollups: &[&str]) -> Result<(Erasable<'_>, Vec<String>), Reply> {
        let nothing_is_filled = self.filling.lock().await;
        if !read::unfilled(&self.api).await?.is_empty() {
            return Err(Reply::failed(FailureKind::Store, "a rollup is still being filled with what was there before"));
        }
        let schema = read::everything(&self.api).await?;
        let there = read::tables(&self.api).await?;
        let rollups = rollups.iter().filter(|name| there.contains(**name)).map(|name| (*name).to_owned()).collect();
        Ok((Erasable { schema, _nothing_is_filled: nothing_is_filled }, rollups))
    }

    async fn do_chore(&self, chore: &str) -> Result<(), Reply> {
        match (chore, self.api.target.layout) {
            (FILL, _) => self.fill_rollups().await,
            (_, TableLayout::Segment) => self.make_views().await,
            (APPLY, TableLayout::Events) => {
                self.run(&self.api.target.names.create_database()).await?;
                self.run(&wide::create_table(&self.api.target.names)).await?;
                self.make_rollups().await?;
                self.fill_rollups().await
            }
            // They come about with the table, and are read with it.
            (_, TableLayout::Events) => Ok(()),
        }
    }
}

/// What a schema manager holds: the store, shared with the client.
#[derive(Debug, Clone)]
pub(super) struct Handle(pub(super) Arc<Store>);

impl SchemaStore for Handle {
    fn pace(&self) -> SchemaPace {
        SchemaPace { window: WINDOW, together: false, changes: Quota::NONE, creates: Quota::NONE, ..SchemaPace::default() }
    }

    fn refresh_every(&self) -> Option<Duration> {
        Some(REFRESH_EVERY)
    }

    fn apply(&self, diff: SchemaDiff) -> BoxFuture<Result<(), SchemaFault>> {
        let store = Arc::clone(&self.0);
        Box::pin(async move { store.change(diff).await })
    }

    fn refresh(&self, table: Option<String>) -> BoxFuture<Result<(), SchemaFault>> {
        let store = Arc::clone(&self.0);
        Box::pin(async move {
            let read = match &table {
                Some(table) => store.look(table).await,
                None => store.read_all().await.map(drop),
            };
            read.map_err(|reply| fault::of(&reply, table.as_deref().unwrap_or_default(), String::new()))
        })
    }

    fn taken(&self) -> Vec<(String, String)> {
        let names = self.0.taken.in_the_way().into_iter();
        names.map(|table| { let why = taken::advice(&table); (table, why) }).collect()
    }

    fn chores(&self) -> Vec<Chore> {
        vec![Chore { name: VIEWS, every: VIEWS_EVERY }, Chore { name: FILL, every: FILL_EVERY }]
    }

    fn run(&self, chore: &'static str) -> BoxFuture<Result<(), SchemaFault>> {
        let store = Arc::clone(&self.0);
        Box::pin(async move {
            store.do_chore(chore).await.map_err(|reply| fault::of(&reply, "", String::new()))
        })
    }
}

