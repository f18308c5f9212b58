//! Keeps the live tables: makes them, and takes the events of a transaction into them before it is committed.
//!
//! An event counts when its own row was new in the same transaction, so that one that comes again changes nothing, and a
//! commit whose answer is lost is no harm. Visitors and orders are locked first, always from the lowest lock up, then read,
//! folded and written: two routers wait for each other and never crosswise. Never decides what a row becomes; that is `live`'s.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::Transaction;
use futures_util::future::try_join4;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::types::ToSql;

use super::super::{Failure, FailureKind};
use super::live::{Fact, Fold, Key, Rows, TABLES, sql};
use super::pool::Pool;
use super::store::{is_taken, lock};
use super::{ddl, tables};
use crate::telemetry::{Meter, events};

/// With a number below it this is a lock of some visitors: "OpTs" as a number.
const LOCKS: i32 = 0x4F70_5473;
/// How many locks there are for the visitors and orders of a schema. The server has room for some thousands in all.
const STRIPES: u32 = 128;

/// Whether the tables are kept.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Nothing while nobody has looked.
    is_ready: Option<bool>,
    /// What was told to have the name of one.
    told: Option<String>,
}

impl Standing {
    /// Has the tables looked at again, because one may be gone, or the name of one free.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_ready = None;
    }

    fn is_ready(&self) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_ready
    }

    /// Returns whether it is news that this one is not the router's.
    fn set(&self, foreign: Option<&str>) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_ready = Some(foreign.is_none());
        let is_news = foreign.is_some() && state.told.as_deref() != foreign;
        state.told = foreign.map(str::to_owned);
        is_news
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Keeper {
    pool: Pool,
    schema: Arc<str>,
    salt: SecretString,
    standing: Arc<Standing>,
    meter: Meter,
}

impl Keeper {
    /// Returns a keeper that has contacted nobody.
    pub(super) fn new(
        (pool, schema): (Pool, &str),
        salt: SecretString,
        standing: Arc<Standing>,
        meter: Meter,
    ) -> Keeper {
        Keeper { pool, schema: schema.into(), salt, standing, meter }
    }

    /// Has the tables looked at again.
    pub(super) fn forget(&self) {
        self.standing.forget();
    }

    /// Makes the tables where they are missing. Returns false where one of their names is taken: then none is kept.
    ///
    /// # Errors
    /// Why they could not be looked at or made.
    pub(super) async fn ready(&self) -> Result<bool, Failure> {
        if let Some(is_ready) = self.standing.is_ready() {
            return Ok(is_ready);
        }
        let foreign = self.make().await?;
        if self.standing.set(foreign) {
            let table = ddl::table_name(&self.schema, foreign.unwrap_or_default());
            events::LiveTablesOff { table: &table }.emit(&self.meter);
        }
        Ok(foreign.is_none())
    }

    /// Makes what is missing, in one transaction. Returns a table that is not ours.
    async fn make(&self) -> Result<Option<&'static str>, Failure> {
        let trouble = |error: tokio_postgres::Error| self.pool.trouble(&error);
        let mut lease = self.pool.get().await?;
        let transaction = lease.client()?.transaction().await.map_err(trouble)?;
        lock(&transaction, &self.schema).await.map_err(trouble)?;
        let found = self.look(&transaction).await.map_err(trouble)?;
        let is_ours = |table: &str| found.get(table).map(|mark| mark.as_deref() == Some(sql::MARK));
        let foreign = TABLES.into_iter().find(|table| is_ours(table) == Some(false));
        let missing = TABLES.into_iter().filter(|table| foreign.is_none() && is_ours(table).is_none());
        let foreign = foreign.or(self.create_all(&transaction, missing).await?);
        if foreign.is_none() {
            self.widen(&transaction).await.map_err(trouble)?;
        }
        let ended = if foreign.is_none() { transaction.commit().await } else { transaction.rollback().await };
        ended.map_err(trouble)?;
        lease.done();
        Ok(foreign)
    }

    /// Gives tables that an earlier router has made the columns that came later. Looks first: to alter a table, even in
    /// nothing, waits for everybody who reads it.
    async fn widen(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        for later @ (table, column, _) in sql::LATER {
            if transaction.query(sql::HAS, &[&&*self.schema, &table, &column]).await?.is_empty() {
                transaction.batch_execute(&sql::add(&self.schema, later)).await?;
            }
        }
        Ok(())
    }

    /// Returns what has one of the names, and what it says of itself.
    async fn look(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<BTreeMap<String, Option<String>>, tokio_postgres::Error> {
        let rows = transaction.query(sql::LOOK, &[&&*self.schema, &&TABLES[..]]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Makes tables. Returns one whose name is taken after all, by a type or by an index.
    async fn create_all(
        &self,
        transaction: &Transaction<'_>,
        missing: impl Iterator<Item = &'static str>,
    ) -> Result<Option<&'static str>, Failure> {
        for table in missing {
            match self.create(transaction, table).await {
                Ok(()) => {}
                Err(failure) if is_taken(&failure) => return Ok(Some(table)),
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }

    async fn create(&self, transaction: &tokio_postgres::Transaction<'_>, table: &str) -> Result<(), Failure> {
        let trouble = |error: tokio_postgres::Error| self.pool.trouble(&error);
        if !tables::has_schema(transaction, &self.schema).await.map_err(trouble)? {
            transaction.batch_execute(&ddl::create_schema(&self.schema)).await.map_err(trouble)?;
        }
        for statement in sql::create(&self.schema, table) {
            transaction.batch_execute(&statement).await.map_err(trouble)?;
        }
        Ok(())
    }

    /// Takes those facts whose rows are new, by table and id, into the tables.
    ///
    /// # Errors
    /// Why it could not be done; then the transaction must not be committed.
    pub(super) async fn keep(
        &self,
        transaction: &Transaction<'_>,
        facts: &[Fact],
        mut new: HashSet<(&str, String)>,
    ) -> Result<(), Failure> {
        // Of an event that is twice in a batch the first counts.
        let new: Vec<&Fact> = facts.iter().filter(|fact| new.remove(&(fact.table, fact.id.clone()))).collect();
        if new.is_empty() {
            return Ok(());
        }
        let visitors: BTreeSet<Key> = new.iter().map(|fact| fact.key.clone()).collect();
        let orders: BTreeSet<Key> = new.iter().filter_map(|fact| fact.order()).collect();
        let buyers = new.iter().filter(|fact| fact.commerce == "Order Completed").map(|fact| fact.key.clone());
        let buyers: BTreeSet<Key> = buyers.collect();
        self.lock(transaction, &visitors, &orders).await?;
        let rows = self.read(transaction, (&visitors, &orders, &buyers)).await?;
        let mut fold = Fold::new(self.salt.expose_secret(), rows);
        new.into_iter().for_each(|fact| fold.add(fact));
        self.write(transaction, &fold.finish()).await
    }

    async fn lock(
        &self,
        transaction: &Transaction<'_>,
        visitors: &BTreeSet<Key>,
        orders: &BTreeSet<Key>,
    ) -> Result<(), Failure> {
        let base = crc32fast::hash(self.schema.as_bytes()) & !(STRIPES - 1);
        let stripe = |what: &str, (site, id): &Key| {
            let number = crc32fast::hash(format!("{what}\0{site}\0{id}").as_bytes()) & (STRIPES - 1);
            (base | number).cast_signed()
        };
        let visitors = visitors.iter().map(|key| stripe("visitor", key));
        let orders = orders.iter().map(|key| stripe("order", key));
        let locks: BTreeSet<i32> = visitors.chain(orders).collect();
        let locks: Vec<i32> = locks.into_iter().collect();
        self.query(transaction, sql::LOCK, &[&LOCKS, &locks]).await.map(drop)
    }

    async fn read(
        &self,
        transaction: &Transaction<'_>,
        (visitors, orders, buyers): (&BTreeSet<Key>, &BTreeSet<Key>, &BTreeSet<Key>),
    ) -> Result<Rows, Failure> {
        let (sessions, carts, consents) =
            (sql::sessions(&self.schema), sql::carts(&self.schema), sql::consents(&self.schema));
        let of_orders = async {
            let known = self.select(transaction, &sql::orders(&self.schema), orders).await?;
            Ok((known, self.select(transaction, &sql::touches(&self.schema), buyers).await?))
        };
        let (sessions, carts, consents, (orders, touches)) = try_join4(
            self.select(transaction, &sessions, visitors),
            self.select(transaction, &carts, visitors),
            self.select(transaction, &consents, visitors),
            of_orders,
        )
        .await?;
        Ok(Rows { sessions, carts, orders, consents, touches })
    }

    async fn select<R: DeserializeOwned>(
        &self,
        transaction: &Transaction<'_>,
        statement: &str,
        keys: &BTreeSet<Key>,
    ) -> Result<Vec<R>, Failure> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (sites, ids): (Vec<&str>, Vec<&str>) = keys.iter().map(|(site, id)| (&**site, &**id)).unzip();
        let rows = self.query(transaction, statement, &[&sites, &ids]).await?;
        rows.iter().map(|row| self.row(row)).collect()
    }

    fn row<R: DeserializeOwned>(&self, row: &tokio_postgres::Row) -> Result<R, Failure> {
        let text: String = row.try_get(0).map_err(|error| self.pool.trouble(&error))?;
        serde_json::from_str(&text).map_err(|error| unreadable(&error))
    }

    async fn write(&self, transaction: &Transaction<'_>, rows: &Rows) -> Result<(), Failure> {
        self.insert(transaction, "carts", &rows.carts).await?;
        self.insert(transaction, "consents", &rows.consents).await?;
        self.insert(transaction, "orders", &rows.orders).await?;
        self.insert(transaction, "sessions", &rows.sessions).await
    }

    async fn insert<R: Serialize>(
        &self,
        transaction: &Transaction<'_>,
        table: &str,
        rows: &[R],
    ) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let text = serde_json::to_string(rows).map_err(|error| unreadable(&error))?;
        self.query(transaction, &sql::write_to(&self.schema, table), &[&text]).await.map(drop)
    }

    async fn query(
        &self,
        transaction: &Transaction<'_>,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, Failure> {
        let found = async {
            let statement = transaction.prepare_cached(statement).await?;
            transaction.query(&statement, values).await
        };
        found.await.map_err(|error| self.pool.trouble(&error))
    }
}

/// Somebody has changed a row by hand.
fn unreadable(error: &serde_json::Error) -> Failure {
    let message = format!("a row of sessions, carts, orders or consents is not what the router wrote: {error}");
    Failure { kind: FailureKind::Store, message }
}
