//! Reads what all tables of the dataset look like: by one query where queries are granted, else one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::super::api::Call;
use super::super::errors::{Kind, Trouble};
use super::super::library::Record;
use super::super::types::understood;
use super::super::{ddl, tables};
use super::{Store, fault};
use crate::warehouse::{Schema, Table};

/// All tables, as they were read.
#[derive(Debug, Default)]
struct Tables {
    columns: BTreeMap<String, Table>,
    /// Those without partitions.
    plain: BTreeSet<String>,
    /// When each was made, as far as that is told.
    made: BTreeMap<String, Option<i64>>,
}

impl Tables {
    fn of(described: BTreeMap<String, tables::Described>) -> Tables {
        let plain = described.iter().filter(|(_, table)| !table.is_partitioned());
        let plain = plain.map(|(name, _)| name.clone()).collect();
        let made = described.iter().map(|(name, table)| (name.clone(), table.made_ms())).collect();
        let columns = described.into_iter().map(|(name, table)| (name, table.table())).collect();
        Tables { columns, plain, made }
    }
}

impl Store {
    /// Reads all tables and publishes them.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn read_all(&self) -> Result<(), Trouble> {
        let tables = match self.columns_of_all().await {
            Some(Ok(tables)) => self.with_times(tables).await,
            Some(Err(trouble)) if fault::is_of_the_whole(&trouble) => Err(trouble),
            // Not granted, or not known to an emulator: one call for each table.
            _ => tables::all(&self.api).await.map(Tables::of),
        };
        let tables = match tables {
            Err(trouble) if trouble.kind() == Some(Kind::NoDataset) => self.without_dataset(trouble).await?,
            other => other?,
        };
        let Tables { columns, plain, made } = tables;
        let tables = columns.into_iter().map(|(name, table)| (name, Arc::new(table))).collect();
        self.seen().plain = plain;
        self.note(|creations, now| creations.all_seen(&made, now));
        self.seen().is_of_file = false;
        self.cell.store(Schema { tables });
        self.remember().await;
        Ok(())
    }

    /// Adds when each table was made, which no column says. Where tables may not be listed, what is known stays.
    async fn with_times(&self, mut tables: Tables) -> Result<Tables, Trouble> {
        let listed = match tables::list(&self.api).await {
            // The first reading has nothing to compare.
            Err(trouble) if self.seen().is_open && fault::is_of_the_whole(&trouble) => return Err(trouble),
            listed => listed.unwrap_or_default(),
        };
        let time = |table: &String| (table.clone(), listed.get(table).copied().flatten());
        tables.made = tables.columns.keys().map(time).collect();
        Ok(tables)
    }

    /// Compares when tables were made with what a process before this one knew: somebody may have made one again since.
    ///
    /// # Errors
    /// Nothing was said, or what would be said to rows too. Where tables may not be listed, what is known stays.
    pub(super) async fn compare_times(&self) -> Result<(), Trouble> {
        match tables::list(&self.api).await {
            Ok(listed) => self.note(|creations, now| creations.all_seen(&listed, now)),
            Err(trouble) if trouble.kind() == Some(Kind::NoDataset) => {}
            Err(trouble) if fault::is_of_the_whole(&trouble) => return Err(trouble),
            Err(_) => {}
        }
        self.seen().is_of_file = false;
        self.remember().await;
        Ok(())
    }

    /// A dataset that is missing is made with its first table. One that lies elsewhere looks the same to a query.
    async fn without_dataset(&self, trouble: Trouble) -> Result<Tables, Trouble> {
        let url = self.api.target.url(&["datasets", &self.api.target.names.dataset]);
        match self.api.ask(Call::get(url)).await {
            Ok(dataset) => Err(fault::elsewhere(&self.api.target, &dataset)),
            Err(said) if said.kind() == Some(Kind::NoDataset) => {
                if self.api.target.management.makes_tables() { Ok(Tables::default()) } else { Err(trouble) }
            }
            Err(other) => Err(other),
        }
    }

    /// Reads all columns of all tables by one query; `None` where we may run none.
    async fn columns_of_all(&self) -> Option<Result<Tables, Trouble>> {
        if self.is_without_jobs.load(Ordering::Relaxed) {
            return None;
        }
        let names = &self.api.target.names;
        let view = |view: &str| {
            ddl::quoted(&format!("{}.{}.INFORMATION_SCHEMA.{view}", names.project, names.dataset))
        };
        let sql = format!(
            "SELECT table_name, column_name, data_type, is_partitioning_column FROM {} WHERE table_name IN (SELECT table_name FROM {} WHERE table_type = 'BASE TABLE')",
            view("COLUMNS"),
            view("TABLES"),
        );
        let read = self.library.query(&sql).await;
        if read.as_ref().is_err_and(fault::is_about_jobs) {
            self.is_without_jobs.store(true, Ordering::Relaxed);
            return None;
        }
        Some(read.map(|records| tables_of(&records)))
    }
}

/// Makes tables of the rows of a query. A table by ingestion time shows columns that nobody can write.
fn tables_of(records: &[Record]) -> Tables {
    let (mut tables, mut partitioned) = (Tables::default(), BTreeSet::new());
    for record in records {
        let text =
            |at: usize| record.get(at).and_then(Option::as_ref).and_then(Value::as_str).unwrap_or_default();
        let (table, column, kind) = (text(0), text(1), text(2));
        let columns = &mut tables.columns.entry(table.to_owned()).or_default().columns;
        if text(3) == "YES" {
            partitioned.insert(table.to_owned());
        }
        if !column.starts_with("_PARTITION") {
            columns.insert(column.to_lowercase(), understood(kind, ""));
        }
    }
    tables.plain = tables.columns.keys().filter(|table| !partitioned.contains(*table)).cloned().collect();
    tables
}
