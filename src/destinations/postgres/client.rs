//! The wire to one database: a transaction goes out, and a reply comes back.
//!
//! The statements of a transaction are sent without waiting for each other's answer. When an answer says that the tables
//! are not what we thought, they are read anew before the reply is handed on, so that the next plan sees what is there.

use std::sync::Arc;

use deadpool_postgres::Transaction;
use futures_util::future::try_join_all;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement as Ready};

use super::super::{Failure, FailureKind, Reply, SchemaCell, SchemaStore};
use super::frozen::Frozen;
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
    prepared: Prepared,
}

impl Wire {
    /// Returns a wire that has contacted nobody.
    pub(super) fn new(pool: Pool, schema: &str, cell: Arc<SchemaCell>, frozen: Arc<Frozen>) -> Wire {
        let store = Store::new(pool.clone(), schema, cell, frozen);
        Wire { pool, store, prepared: Prepared::default() }
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

    /// Writes one transaction.
    pub(super) async fn write(&self, load: &Load) -> Reply {
        match self.transact(load).await {
            Ok(()) => Reply::stored(clock::now()),
            Err(failure) => {
                if is_about_tables(&failure) {
                    // Where that fails too, the next attempt says why.
                    self.store.publish_all().await.unwrap_or_default();
                }
                Reply::Failed(failure)
            }
        }
    }

    async fn transact(&self, load: &Load) -> Result<(), Failure> {
        let mut lease = self.pool.get().await?;
        let client = lease.client()?;
        if self.prepared.is_full(load.statements.iter().map(|statement| statement.sql.as_str())) {
            self.pool.forget_prepared();
        }
        let transaction = client.transaction().await.map_err(|error| self.pool.trouble(&error))?;
        let written = carry_out(&transaction, load).await;
        let ended = match written {
            Ok(()) => transaction.commit().await,
            // A closed connection needs no rollback, and any other failure is worth more than that of a rollback.
            Err(error) => {
                let _is_undone = transaction.rollback().await.is_ok();
                Err(error)
            }
        };
        lease.done();
        ended.map_err(|error| self.pool.trouble(&error))
    }
}

async fn carry_out(transaction: &Transaction<'_>, load: &Load) -> Result<(), Error> {
    let mut prepared = Vec::with_capacity(load.statements.len());
    for statement in &load.statements {
        prepared.push(transaction.prepare_cached(&statement.sql).await?);
    }
    let sends = load.statements.iter().zip(&prepared);
    try_join_all(sends.map(|(statement, prepared)| send(transaction, statement, prepared))).await.map(drop)
}

async fn send(transaction: &Transaction<'_>, statement: &Statement, prepared: &Ready) -> Result<u64, Error> {
    let columns = statement.columns.iter().map(|(_, array)| array as &(dyn ToSql + Sync));
    transaction.execute_raw(prepared, columns).await
}

fn is_about_tables(failure: &Failure) -> bool {
    failure.kind == FailureKind::Store && code_of(&failure.message).map(class) == Some(Class::Schema)
}
