//! Carries out the changes of one table, and tells what cannot be changed from what somebody else has changed already.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::super::SchemaFault;
use super::super::errors::{Kind, Trouble};
use super::super::{ddl, tables};
use super::{Store, fault};
use crate::policy::outcome::Reason;
use crate::warehouse::{Column, SchemaDiff, Table};

/// How long a table is waited for that is there and cannot be seen yet.
const UNSEEN_WAIT: Duration = Duration::from_secs(10);

/// One change of one table.
struct Change<'a> {
    table: &'a str,
    columns: &'a [Column],
    /// What carries it out: a statement, or several with `;` and a line break between.
    ddl: String,
    kind: What,
}

/// What kind of change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Create,
    Add,
    Widen,
}

impl Change<'_> {
    fn fault(&self, trouble: &Trouble) -> SchemaFault {
        fault::of(trouble, self.table, self.ddl.clone())
    }

    /// Returns the table with what a statement has done and the table may not show yet.
    fn believed(&self, mut shown: Table) -> Table {
        for column in self.columns {
            let there = shown.columns.entry(column.name.clone()).or_insert(column.column_type);
            if self.kind == What::Widen {
                *there = column.column_type;
            }
        }
        shown
    }

    /// Returns whether somebody else has made the change. A column that was to be there may be of any type: values are cast.
    fn is_made_in(&self, table: &Table) -> bool {
        self.columns.iter().all(|column| match (table.columns.get(&column.name), self.kind) {
            (None, _) => false,
            (Some(there), What::Widen) => *there == column.column_type,
            (Some(_), What::Create | What::Add) => true,
        })
    }
}

impl Store {
    /// Carries out all changes; the first fault is the one that is told.
    ///
    /// # Errors
    /// Why a change was not made.
    pub(super) async fn change(&self, diff: SchemaDiff) -> Result<(), SchemaFault> {
        let mut changed = Ok(());
        for (table, columns) in &diff.create {
            changed = changed.and(self.create(table, columns).await);
        }
        for (table, columns) in &diff.add {
            changed = changed.and(self.add(table, columns).await);
        }
        for (table, columns) in &diff.widen {
            changed = changed.and(self.widen(table, columns).await);
        }
        changed
    }

    async fn create(&self, table: &str, columns: &[Column]) -> Result<(), SchemaFault> {
        let target = &self.api.target;
        let ddl = ddl::create_table(&target.names, table, columns, &target.options);
        if !target.management.makes_tables() {
            return Err(fault::not_ours(table, ddl, Reason::SchemaMissingTable));
        }
        let change = Change { table, columns, ddl, kind: What::Create };
        let mut created = self.library.create_table(table, columns).await;
        if kind(&created) == Some(Kind::NoDataset) {
            self.create_dataset().await.map_err(|trouble| change.fault(&trouble))?;
            created = self.library.create_table(table, columns).await;
        }
        let made_ms = match created {
            Ok(made_ms) => made_ms,
            Err(trouble) => return self.after_trouble(&trouble, &change).await,
        };
        self.made(table, made_ms);
        self.publish(table, Some(table_of(columns))).await;
        Ok(())
    }

    /// Somebody else may be making it too.
    async fn create_dataset(&self) -> Result<(), Trouble> {
        let created = self.library.create_dataset().await;
        if kind(&created) == Some(Kind::Exists) { Ok(()) } else { created }
    }

    async fn add(&self, table: &str, columns: &[Column]) -> Result<(), SchemaFault> {
        let ddl = ddl::add_columns(&self.api.target.names, table, columns);
        if !self.api.target.management.changes_tables() {
            return Err(fault::not_ours(table, ddl, Reason::SchemaMissingColumn));
        }
        let change = Change { table, columns, ddl, kind: What::Add };
        match self.with_jobs(&change.ddl).await {
            Some(Ok(())) => self.after_success(&change).await,
            Some(Err(trouble)) => self.after_trouble(&trouble, &change).await,
            None => self.patch(&change).await,
        }
    }

    async fn patch(&self, change: &Change<'_>) -> Result<(), SchemaFault> {
        match tables::add_columns(&self.api, change.table, change.columns).await {
            Ok(read) => {
                let now = read.map(|described| self.learned(change.table, &described));
                self.publish(change.table, now).await;
                Ok(())
            }
            Err(trouble) => self.after_trouble(&trouble, change).await,
        }
    }

    async fn widen(&self, table: &str, columns: &[Column]) -> Result<(), SchemaFault> {
        let ddl = ddl::widen(&self.api.target.names, table, columns);
        if !self.api.target.management.changes_tables() {
            return Err(fault::not_ours(table, ddl, Reason::SchemaMissingColumn));
        }
        let change = Change { table, columns, ddl, kind: What::Widen };
        let mut done = Ok(());
        for statement in change.ddl.split(";\n") {
            match self.with_jobs(statement).await {
                Some(run) => done = done.and(run),
                None => return Err(fault::without_jobs(table, change.ddl)),
            }
        }
        match done {
            Ok(()) => self.after_success(&change).await,
            Err(trouble) => self.after_trouble(&trouble, &change).await,
        }
    }

    /// Runs a statement; `None` when we may run none at all, which is another thing than a table that is not ours.
    async fn with_jobs(&self, statement: &str) -> Option<Result<(), Trouble>> {
        if self.is_without_jobs.load(Ordering::Relaxed) {
            return None;
        }
        let run = self.library.run(statement).await;
        if run.as_ref().is_err_and(fault::is_about_jobs) {
            self.is_without_jobs.store(true, Ordering::Relaxed);
            return None;
        }
        Some(run)
    }

    /// Reads the table, since another may have added the same column with another type, and publishes it together with
    /// what it does not show yet.
    async fn after_success(&self, change: &Change<'_>) -> Result<(), SchemaFault> {
        let read = tables::get(&self.api, change.table).await.map_err(|trouble| change.fault(&trouble))?;
        let now = read.map(|described| change.believed(self.learned(change.table, &described)));
        self.publish(change.table, now).await;
        Ok(())
    }

    /// A change that another has made is no trouble, and one of a table that has gone is for its maker to ask again.
    async fn after_trouble(&self, trouble: &Trouble, change: &Change<'_>) -> Result<(), SchemaFault> {
        let kind = trouble.kind();
        if !matches!(kind, Some(Kind::Exists | Kind::Mismatch | Kind::NoTable)) {
            return Err(change.fault(trouble));
        }
        let now = self.look(change.table).await.map_err(|trouble| change.fault(&trouble))?;
        match now {
            Some(now) if kind != Some(Kind::Mismatch) || change.is_made_in(&now) => Ok(()),
            Some(_) => Err(fault::denied(trouble, change.table, change.ddl.clone())),
            None if change.kind == What::Create => self.in_the_way(trouble, change).await,
            None => Ok(()),
        }
    }

    /// What has the name is a view, or cannot be seen yet.
    async fn in_the_way(&self, trouble: &Trouble, change: &Change<'_>) -> Result<(), SchemaFault> {
        match tables::get(&self.api, change.table).await {
            Ok(Some(_)) => Err(fault::denied(trouble, change.table, String::new())),
            Ok(None) => Err(SchemaFault::Transient {
                wait: Some(UNSEEN_WAIT),
                fault: change.fault(trouble).into_fault(),
            }),
            Err(trouble) => Err(change.fault(&trouble)),
        }
    }
}

fn kind<T>(done: &Result<T, Trouble>) -> Option<Kind> {
    done.as_ref().err().and_then(Trouble::kind)
}

fn table_of(columns: &[Column]) -> Table {
    Table { columns: columns.iter().map(|column| (column.name.clone(), column.column_type)).collect() }
}
