//! The wire to one database: a transaction goes out, and a reply comes back.
//!
//! The statements of a transaction are sent without waiting for each other's answer. When an answer says that the tables
//! are not what we thought, they are read anew before the reply is handed on, so that the next plan sees what is there.

use std::collections::HashSet;
use std::sync::Arc;

use deadpool_postgres::Transaction;
use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, IsolationLevel, Statement as Ready};

use super::super::{Erase, Failure, FailureKind, Reply, SchemaStore};
use super::erase::Eraser;
use super::keeper::Keeper;
use super::plan::{Load, Statement};
use super::pool::Pool;
use super::prepared::Prepared;
use super::sqlstate::{Class, class, code_of};
use super::store::Store;
use crate::telemetry::clock;
use crate::warehouse::Schema;

/// See the module.
#[derive(Debug)]
pub struct Wire {
    pool: Pool,
    store: Store,
    eraser: Eraser,
    prepared: Prepared,
    /// Nothing where no live tables are kept.
    keeper: Option<Keeper>,
}

impl Wire {
    /// Returns a wire that has contacted nobody.
    pub(super) fn new(pool: Pool, (store, eraser): (Store, Eraser), keeper: Option<Keeper>) -> Wire {
        Wire { pool, store, eraser, prepared: Prepared::default(), keeper }
    }

    /// Publishes the schema.
    ///
    /// # Errors
    /// Why it could not be read.
    pub(super) async fn open(&self) -> Result<(), Reply> {
        self.store.publish_all().await.map_err(Reply::Failed)
    }

    /// Returns the tables as they are.
    ///
    /// # Errors
    /// In words.
    pub(super) async fn look(&self) -> Result<Schema, String> {
        self.store.read(None).await.map_err(|failure| failure.message)
    }

    /// Returns what carries out changes of the tables.
    pub(super) fn changes(&self) -> Arc<dyn SchemaStore> {
        Arc::new(self.store.clone())
    }

    /// Returns what erases people.
    pub(super) fn forgets(&self) -> Arc<dyn Erase> {
        Arc::new(self.eraser.clone())
    }

    /// Writes one transaction.
    pub(super) async fn write(&self, load: &Load) -> Reply {
        match self.keep(load).await {
            Ok(()) => Reply::stored(clock::now()),
            Err(failure) => {
                if is_about_tables(&failure) {
                    self.keeper.iter().for_each(Keeper::forget);
                    // Where that fails too, the next attempt says why.
                    self.store.publish_all().await.unwrap_or_default();
                }
                Reply::Failed(failure)
            }
        }
    }

    async fn keep(&self, load: &Load) -> Result<(), Failure> {
        let keeper = self.keeper.as_ref().filter(|_| !load.facts.is_empty());
        let Some(keeper) = keeper else { return self.transact(load, None).await };
        let is_kept = keeper.ready().await?;
        self.transact(load, Some(keeper).filter(|_| is_kept)).await
    }

    async fn transact(&self, load: &Load, keeper: Option<&Keeper>) -> Result<(), Failure> {
        let mut lease = self.pool.get().await?;
        let client = lease.client()?;
        if self.prepared.is_full(load.statements.iter().map(|statement| statement.sql.as_str())) {
            self.pool.forget_prepared();
        }
        // What is read behind a lock must be what the one before has committed, whatever the server's default is.
        let begun = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await;
        let transaction = begun.map_err(|error| self.pool.trouble(&error))?;
        let ended = match self.carry_out(&transaction, load, keeper).await {
            Ok(()) => transaction.commit().await.map_err(|error| self.pool.trouble(&error)),
            // A closed connection needs no rollback, and any other failure is worth more than that of a rollback.
            Err(failure) => {
                let _is_undone = transaction.rollback().await.is_ok();
                Err(failure)
            }
        };
        lease.done();
        ended
    }

    async fn carry_out(
        &self,
        transaction: &Transaction<'_>,
        load: &Load,
        keeper: Option<&Keeper>,
    ) -> Result<(), Failure> {
        let new = write_rows(transaction, load).await.map_err(|error| self.pool.trouble(&error))?;
        match keeper {
            Some(keeper) => keeper.keep(transaction, &load.facts, new).await,
            None => Ok(()),
        }
    }
}

/// Writes the rows of events. Returns the table and id of those that are new, as far as their statements tell.
async fn write_rows<'a>(transaction: &Transaction<'_>, load: &'a Load) -> Result<HashSet<(&'a str, String)>, Error> {
    let mut prepared = Vec::with_capacity(load.statements.len());
    for statement in &load.statements {
        prepared.push(transaction.prepare_cached(&statement.sql).await?);
    }
    let sends = load.statements.iter().zip(&prepared);
    let new = try_join_all(sends.map(|(statement, prepared)| send(transaction, statement, prepared))).await?;
    Ok(new.into_iter().flatten().collect())
}

async fn send<'a>(
    transaction: &Transaction<'_>,
    statement: &'a Statement,
    prepared: &Ready,
) -> Result<Vec<(&'a str, String)>, Error> {
    let columns = statement.columns.iter().map(|(_, array)| array as &(dyn ToSql + Sync));
    if !statement.tells {
        return transaction.execute_raw(prepared, columns).await.map(|_| Vec::new());
    }
    let rows = transaction.query_raw(prepared, columns).await?;
    rows.and_then(async |row| Ok((statement.table.as_str(), row.try_get(0)?))).try_collect().await
}

fn is_about_tables(failure: &Failure) -> bool {
    failure.kind == FailureKind::Store && code_of(&failure.message).map(class) == Some(Class::Schema)
}
