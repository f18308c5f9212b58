//! Forgetting people, in one transaction over all tables of ours: events, users, sessions, carts and orders.
//!
//! What somebody allowed and refused stays as a proof, under a name that leads back to nobody.

use std::sync::Arc;

use deadpool_postgres::Transaction;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Error;

use super::super::{BoxFuture, Erase, Failure};
use super::ddl::{quoted, table_name};
use super::live::TABLES;
use super::pool::Pool;
use super::store::Store;
use crate::spec::privacy::keyed_hash;
use crate::spec::{IdKind, People};
use crate::warehouse::Schema;
use crate::warehouse::people::columns_of;

/// The live table that proves consent.
const CONSENTS: &str = "consents";
/// How long one statement of an erasure may take: as long as the registrar waits for one try. For this transaction alone.
const PATIENCE: &str = "SET LOCAL statement_timeout = '900s'";
/// Begins the name that stands in the place of an id there.
const ERASED: &str = "erased:";

/// Erases from one schema.
#[derive(Debug, Clone)]
pub(super) struct Eraser {
    pool: Pool,
    store: Store,
    schema: Arc<str>,
    salt: SecretString,
}

impl Eraser {
    /// Returns an eraser that has contacted nobody.
    pub(super) fn new((pool, store): (Pool, Store), schema: &str, salt: &SecretString) -> Eraser {
        Eraser { pool, store, schema: schema.into(), salt: salt.clone() }
    }

    async fn erase_all(&self, people: &People) -> Result<u64, Failure> {
        let tables = self.store.read(None).await?;
        let mut lease = self.pool.get().await?;
        let transaction = lease.client()?.transaction().await.map_err(|error| self.pool.trouble(&error))?;
        // A large table is looked through without an index: what a delivery may take would never do.
        let patience = transaction.batch_execute(PATIENCE).await;
        patience.map_err(|error| self.pool.trouble(&error))?;
        let erased = match self.within(&transaction, &tables, people).await {
            Ok(erased) => erased,
            Err(error) => {
                let _is_undone = transaction.rollback().await.is_ok();
                return Err(self.pool.trouble(&error));
            }
        };
        transaction.commit().await.map_err(|error| self.pool.trouble(&error))?;
        lease.done();
        Ok(erased)
    }

    async fn within(
        &self,
        transaction: &Transaction<'_>,
        tables: &Schema,
        people: &People,
    ) -> Result<u64, Error> {
        let ids: Vec<&str> = people.ids().collect();
        let mut erased = 0;
        for (name, table) in &tables.tables {
            let columns = columns_of(name, |column| table.columns.contains_key(column), people.kind());
            erased += self.delete(transaction, name, &columns, &ids).await?;
        }
        for name in self.live(transaction).await? {
            match (name.as_str(), people.kind()) {
                (CONSENTS, _) => self.rename(transaction, &ids).await?,
                (_, IdKind::UserId) => {
                    erased += self.delete(transaction, &name, &["user_id", "visitor"], &ids).await?;
                }
                (_, IdKind::AnonymousId) => {
                    erased += self.delete(transaction, &name, &["visitor"], &ids).await?;
                }
            }
        }
        Ok(erased)
    }

    /// Returns the live tables that are there and are ours.
    async fn live(&self, transaction: &Transaction<'_>) -> Result<Vec<String>, Error> {
        let rows = transaction.query(super::live::sql::LOOK, &[&&*self.schema, &&TABLES[..]]).await?;
        let mut names = Vec::new();
        for row in rows {
            let mark: Option<String> = row.try_get(1)?;
            if mark.as_deref() == Some(super::live::sql::MARK) {
                names.push(row.try_get(0)?);
            }
        }
        Ok(names)
    }

    async fn delete(
        &self,
        transaction: &Transaction<'_>,
        table: &str,
        columns: &[&str],
        ids: &[&str],
    ) -> Result<u64, Error> {
        if columns.is_empty() {
            return Ok(0);
        }
        let terms: Vec<String> = columns.iter().map(|column| format!("{} = ANY ($1)", quoted(column))).collect();
        let sql = format!("DELETE FROM {} WHERE {}", table_name(&self.schema, table), terms.join(" OR "));
        transaction.execute(&sql, &[&ids]).await
    }

    /// Puts a name that leads back to nobody in the place of each id.
    async fn rename(&self, transaction: &Transaction<'_>, ids: &[&str]) -> Result<(), Error> {
        let name = |id: &&str| format!("{ERASED}{}", keyed_hash(self.salt.expose_secret(), "id", id).unwrap_or_default());
        let names: Vec<String> = ids.iter().map(name).collect();
        let sql = format!(
            "UPDATE {} AS c SET \"visitor\" = w.name FROM unnest($1::text[], $2::text[]) AS w (id, name) \
             WHERE c.\"visitor\" = w.id",
            table_name(&self.schema, CONSENTS)
        );
        transaction.execute(&sql, &[&ids, &names]).await.map(drop)
    }
}

impl Erase for Eraser {
    fn erase(&self, people: Arc<People>) -> BoxFuture<Result<u64, String>> {
        let eraser = self.clone();
        Box::pin(async move { eraser.erase_all(&people).await.map_err(|failure| failure.message) })
    }
}
