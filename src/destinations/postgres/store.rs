//! Carries out changes of the tables, one transaction each, and publishes what is there afterwards.
//!
//! Several routers may want the same at the same moment: each change is made under one advisory lock, after a look at what
//! is there by then, so that the second finds it done. A lock on a table is waited for only briefly: whoever waits for one
//! keeps everybody behind it waiting. Never decides when something is changed; that is the schema manager's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Error, Transaction};

use super::super::{BoxFuture, Chore, Failure, FailureKind, SchemaCell, SchemaDiff, SchemaFault, SchemaStore};
use super::frozen::Frozen;
use super::keeper::Standing;
use super::live::TABLES;
use super::pool::Pool;
use super::sqlstate::{Class, class, code_of};
use super::{ddl, tables};
use crate::destinations::kit::answers;
use crate::policy::outcome::{Fault, Outcome, Place, Reason};
use crate::warehouse::names::BUILT_IN_TABLES;
use crate::warehouse::{Column, ColumnType, Schema, Table};

/// With the name of the schema this is the lock that routers share: "OpTr" as a number.
const LOCK: i32 = 0x4F70_5472;

/// A table up to this size is written anew in about a second; nobody can read it meanwhile.
const MOST_REWRITTEN: i64 = 64 * 1024 * 1024;

/// Others may change the tables too.
const REFRESH_EVERY: Duration = Duration::from_secs(15 * 60);

/// The chore that gives up idle connections.
const TIDY: Chore = Chore { name: "pool", every: Duration::from_secs(60) };

/// How long a change waits for a lock.
const WAIT_FOR_LOCKS: &str = "SET LOCAL lock_timeout = '2s'";

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pool: Pool,
    schema: Arc<str>,
    cell: Arc<SchemaCell>,
    frozen: Arc<Frozen>,
    /// Nothing where no live tables are kept.
    standing: Option<Arc<Standing>>,
}

/// One table with what is wanted of it.
struct Wanted {
    table: String,
    columns: Vec<Column>,
    widen: Vec<Column>,
}

impl Store {
    /// Returns a store that has contacted nobody.
    pub(super) fn new(
        pool: Pool,
        schema: &str,
        (cell, frozen): (Arc<SchemaCell>, Arc<Frozen>),
        standing: Option<Arc<Standing>>,
    ) -> Store {
        Store { pool, schema: schema.into(), cell, frozen, standing }
    }

    /// Reads all tables of events, or those of them that are named.
    ///
    /// # Errors
    /// Why they could not be read.
    pub(super) async fn read(&self, only: Option<&[&str]>) -> Result<Schema, Failure> {
        let mut lease = self.pool.get().await?;
        let read = tables::read(&**lease.client()?, &self.schema, only).await;
        let read = read.map_err(|error| self.pool.trouble(&error))?;
        lease.done();
        let (schema, mut taken) = Store::sift(read);
        match only {
            None => {
                taken.extend(self.reserved(&schema));
                self.frozen.take_only(taken);
                self.standing.iter().for_each(|standing| standing.forget());
            }
            Some(_) => taken.iter().for_each(|table| self.frozen.take(table)),
        }
        Ok(schema)
    }

    /// Returns the names that no table of events is to have: those of the live tables, where no events have one already.
    fn reserved(&self, schema: &Schema) -> impl Iterator<Item = String> {
        let names = self.standing.iter().flat_map(|_| TABLES);
        names.filter(|name| !schema.tables.contains_key(*name)).map(str::to_owned)
    }

    /// Reads all tables and publishes them.
    ///
    /// # Errors
    /// Why they could not be read.
    pub(super) async fn publish_all(&self) -> Result<(), Failure> {
        let schema = self.read(None).await?;
        self.cell.store(schema);
        Ok(())
    }

    /// Reads these tables and publishes them.
    async fn publish(&self, only: &[&str]) -> Result<(), Failure> {
        let read = self.read(Some(only)).await?;
        self.cell.change(|mut schema| {
            only.iter().for_each(|table| drop(schema.tables.remove(*table)));
            schema.tables.extend(read.tables.clone());
            schema
        });
        Ok(())
    }

    async fn carry_out(&self, diff: SchemaDiff) -> Result<(), SchemaFault> {
        let wanted = by_table(diff);
        let mut result = Ok(());
        for wanted in &wanted {
            result = self.change(wanted).await;
            if result.is_err() {
                break;
            }
        }
        // What was done before something failed counts as well.
        let names: Vec<&str> = wanted.iter().map(|wanted| wanted.table.as_str()).collect();
        let published = self.publish(&names).await.map_err(|failure| fault(&failure, None));
        result.and(published)
    }

    async fn change(&self, wanted: &Wanted) -> Result<(), SchemaFault> {
        let place = |failure: &Failure| fault(failure, Some(self.place(wanted)));
        if !wanted.columns.is_empty() {
            self.grow(wanted).await.map_err(|failure| place(&failure))?;
        }
        for column in &wanted.widen {
            self.widen(&wanted.table, column).await.map_err(|failure| place(&failure))?;
        }
        Ok(())
    }

    /// Makes a table, or adds what it lacks.
    async fn grow(&self, wanted: &Wanted) -> Result<(), Failure> {
        let mut lease = self.pool.get().await?;
        let transaction = lease.client()?.transaction().await.map_err(|error| self.pool.trouble(&error))?;
        self.lock(&transaction).await?;
        let grown = match self.there(&transaction, &wanted.table).await? {
            Some(table) if tables::is_of_events(&table) => self.add(&transaction, wanted, &table).await,
            _ => self.make(&transaction, wanted).await,
        };
        match grown {
            Ok(()) => transaction.commit().await.map_err(|error| self.pool.trouble(&error))?,
            Err(failure) if is_taken(&failure) && !BUILT_IN_TABLES.contains(&wanted.table.as_str()) => {
                transaction.rollback().await.map_err(|error| self.pool.trouble(&error))?;
                // Nobody is held up by it: whoever may send events chooses names.
                self.frozen.take(&wanted.table);
            }
            Err(failure) => return Err(failure),
        }
        lease.done();
        Ok(())
    }

    async fn add(&self, transaction: &Transaction<'_>, wanted: &Wanted, table: &Table) -> Result<(), Failure> {
        let lacks = |column: &&Column| !table.columns.contains_key(&column.name);
        let missing: Vec<Column> = wanted.columns.iter().filter(lacks).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.execute(transaction, &ddl::add_columns(&self.schema, &wanted.table, &missing)).await
    }

    async fn make(&self, transaction: &Transaction<'_>, wanted: &Wanted) -> Result<(), Failure> {
        self.refuse_taken(transaction, &wanted.table).await?;
        let has_schema = tables::has_schema(transaction, &self.schema).await;
        if !has_schema.map_err(|error| self.pool.trouble(&error))? {
            self.execute(transaction, &ddl::create_schema(&self.schema)).await?;
        }
        for statement in ddl::create_table(&self.schema, &wanted.table, &wanted.columns) {
            self.execute(transaction, &statement).await?;
        }
        // Where something still has the name the statements do nothing, and say nothing of it.
        match self.there(transaction, &wanted.table).await? {
            Some(_) => Ok(()),
            None => Err(self.taken("something else", &wanted.table)),
        }
    }

    async fn execute(&self, transaction: &Transaction<'_>, statement: &str) -> Result<(), Failure> {
        transaction.batch_execute(statement).await.map_err(|error| self.pool.trouble(&error))
    }

    /// Gives a column of integers a type that takes fractions, where that is soon done. Otherwise it keeps its type, and
    /// `_unmapped` the values.
    async fn widen(&self, table: &str, column: &Column) -> Result<(), Failure> {
        let mut lease = self.pool.get().await?;
        let transaction = lease.client()?.transaction().await.map_err(|error| self.pool.trouble(&error))?;
        self.lock(&transaction).await?;
        let there = self.there(&transaction, table).await?;
        let kind = there.and_then(|table| table.columns.get(&column.name).copied());
        let size = tables::size(&*transaction, &self.schema, table).await.map_err(|error| self.pool.trouble(&error))?;
        if kind == Some(ColumnType::Int) && size <= MOST_REWRITTEN {
            let statement = ddl::widen(&self.schema, table, std::slice::from_ref(column));
            match transaction.batch_execute(&statement).await {
                Ok(()) => {}
                // A view reads the column, it is inherited or part of a key, or the table is somebody else's.
                Err(error) if stays(&error) => {
                    self.frozen.add(table, &column.name);
                    transaction.rollback().await.map_err(|error| self.pool.trouble(&error))?;
                    lease.done();
                    return Ok(());
                }
                Err(error) => return Err(self.pool.trouble(&error)),
            }
        } else if kind == Some(ColumnType::Int) {
            self.frozen.add(table, &column.name);
        }
        transaction.commit().await.map_err(|error| self.pool.trouble(&error))?;
        lease.done();
        Ok(())
    }

    async fn lock(&self, transaction: &Transaction<'_>) -> Result<(), Failure> {
        lock(transaction, &self.schema).await.map_err(|error| self.pool.trouble(&error))
    }

    async fn there(&self, transaction: &Transaction<'_>, table: &str) -> Result<Option<Arc<Table>>, Failure> {
        let read = tables::read(transaction, &self.schema, Some(&[table])).await;
        Ok(read.map_err(|error| self.pool.trouble(&error))?.tables.remove(table))
    }

    /// Refuses to make a table whose name is taken.
    async fn refuse_taken(&self, transaction: &Transaction<'_>, name: &str) -> Result<(), Failure> {
        let holder = tables::holder(transaction, &self.schema, name).await;
        match holder.map_err(|error| self.pool.trouble(&error))? {
            Some(kind) => Err(self.taken(&format!("a {kind}"), name)),
            None => Ok(()),
        }
    }

    fn taken(&self, holder: &str, name: &str) -> Failure {
        let table = ddl::table_name(&self.schema, name);
        let message = format!(
            "42P07: {table} is {holder} that is there already and no table of events, which has \"id\" of text and \
             \"received_at\"; name another `schema`"
        );
        Failure { kind: FailureKind::Store, message }
    }

    /// Leaves out tables that are not of events, and returns their names. Those of the router's own names stay: they
    /// are refused when something is asked of them.
    fn sift(mut schema: Schema) -> (Schema, BTreeSet<String>) {
        let mut taken = BTreeSet::new();
        schema.tables.retain(|name, table| {
            let stays = tables::is_of_events(table) || BUILT_IN_TABLES.contains(&name.as_str());
            if !stays {
                taken.insert(name.clone());
            }
            stays
        });
        (schema, taken)
    }

    /// Returns the table and the statements that would do.
    fn place(&self, wanted: &Wanted) -> Place {
        let known = self.cell.load().tables.contains_key(&wanted.table);
        let columns = BTreeMap::from([(wanted.table.clone(), wanted.columns.clone())]);
        let widen = BTreeMap::from([(wanted.table.clone(), wanted.widen.clone())]);
        let (create, add) = if known { (BTreeMap::new(), columns) } else { (columns, BTreeMap::new()) };
        let mut diff = SchemaDiff { create, add, widen };
        [&mut diff.create, &mut diff.add, &mut diff.widen]
            .into_iter()
            .for_each(|tables| tables.retain(|_, columns| !columns.is_empty()));
        Place { table: wanted.table.clone(), ddl: ddl::statements(&self.schema, &diff).join(";\n") }
    }
}

/// Waits for whoever else changes the tables of a schema, and makes waiting for a table's own lock short.
///
/// # Errors
/// What the server said, or why it said nothing.
pub(super) async fn lock(transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
    transaction.batch_execute(WAIT_FOR_LOCKS).await?;
    let lock = "SELECT pg_catalog.pg_advisory_xact_lock($1, pg_catalog.hashtext($2))";
    transaction.query(lock, &[&LOCK, &schema]).await.map(drop)
}

/// What is wanted of each table; a table that is there by now gets what it lacks, and one that is gone is made.
fn by_table(diff: SchemaDiff) -> Vec<Wanted> {
    let mut tables: BTreeMap<String, (Vec<Column>, Vec<Column>)> = BTreeMap::new();
    for (table, columns) in diff.create.into_iter().chain(diff.add) {
        tables.entry(table).or_default().0.extend(columns);
    }
    for (table, columns) in diff.widen {
        tables.entry(table).or_default().1.extend(columns);
    }
    let wanted = tables.into_iter().map(|(table, (columns, widen))| Wanted { table, columns, widen });
    wanted.collect()
}

/// Returns whether the name of a table is taken: by a relation, a type, or something that an index cannot be made of.
pub(super) fn is_taken(failure: &Failure) -> bool {
    let code = code_of(&failure.message).filter(|_| failure.kind == FailureKind::Store);
    matches!(code, Some("42P07" | "42710" | "42809"))
}

/// Returns whether a column keeps its type: the server does not change it, and will not by itself.
fn stays(error: &Error) -> bool {
    let code = error.code().map(tokio_postgres::error::SqlState::code);
    code.is_some_and(|code| (code.starts_with("42") || code == "0A000") && class(code) != Class::Schema)
}

/// Returns what a failure means for a change.
fn fault(failure: &Failure, place: Option<Place>) -> SchemaFault {
    let with = |mut fault: Fault| {
        fault.place = place.map(Box::new);
        fault
    };
    let of = |reason| Fault::new(reason, None, failure.message.clone());
    let code = Some(failure).filter(|failure| failure.kind == FailureKind::Store);
    match code.and_then(|failure| code_of(&failure.message)).map(class) {
        Some(Class::Full) => SchemaFault::Full(with(of(Reason::Rejected))),
        Some(Class::Repair(reason)) => SchemaFault::Broken(with(of(reason))),
        Some(Class::Passing(reason)) => SchemaFault::Transient { wait: None, fault: with(of(reason)) },
        Some(Class::Row | Class::Schema) => SchemaFault::Transient { wait: None, fault: with(of(Reason::Schema)) },
        None => match answers::of_failure(failure) {
            Outcome::Broken(fault) => SchemaFault::Broken(with(fault)),
            _ => SchemaFault::Transient { wait: None, fault: with(of(Reason::Connection)) },
        },
    }
}

impl SchemaStore for Store {
    fn refresh_every(&self) -> Option<Duration> {
        Some(REFRESH_EVERY)
    }

    fn apply(&self, diff: SchemaDiff) -> BoxFuture<Result<(), SchemaFault>> {
        let store = self.clone();
        Box::pin(async move { store.carry_out(diff).await })
    }

    fn refresh(&self, table: Option<String>) -> BoxFuture<Result<(), SchemaFault>> {
        let store = self.clone();
        Box::pin(async move {
            let read = match &table {
                None => store.publish_all().await,
                Some(table) => store.publish(&[table]).await,
            };
            read.map_err(|failure| fault(&failure, None))
        })
    }

    fn taken(&self) -> Vec<(String, String)> {
        let names = self.frozen.in_the_way().into_iter();
        let words = |table: &str| {
            let name = ddl::table_name(&self.schema, table);
            format!("{name} is no table of events: those of its name stay in `tracks`; rename it, or give the router another `schema`")
        };
        names.map(|table| { let why = words(&table); (table, why) }).collect()
    }

    fn chores(&self) -> Vec<Chore> {
        vec![TIDY]
    }

    fn run(&self, _: &'static str) -> BoxFuture<Result<(), SchemaFault>> {
        let store = self.clone();
        Box::pin(async move {
            store.pool.tidy();
            Ok(())
        })
    }
}
