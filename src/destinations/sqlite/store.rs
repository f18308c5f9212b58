//! The database file: opened, read, changed and written by one thread that owns the connection.
//!
//! Every call blocks. Never decides what a failure means for an event: it only names the trouble.

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, TransactionBehavior};

use super::super::{SchemaCell, SchemaDiff};
use super::{ddl, erase};
use super::judge::{Partial, RefusedRow};
use super::plan::{Load, Row, Stored, TableRows};
use super::tables;
use super::trouble::Trouble;
use crate::spec::People;
use crate::warehouse::Schema;
use crate::warehouse::people::columns_of;

/// Statements kept ready: one per table that is written to.
const STATEMENTS: usize = 512;

/// How a connection of ours is set up. The cursor of the journal is written after the transaction, so a commit has to
/// be on disk: `synchronous = FULL`. 16 MiB of cache, and a log that shrinks again after a large transaction.
const PRAGMAS: &str = "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA cache_size = -16384; PRAGMA busy_timeout = 5000; PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 6000; \
     PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;";

/// A failure of the file as a whole.
#[derive(Debug)]
pub(super) struct StoreError {
    pub(super) trouble: Trouble,
    pub(super) message: String,
}

impl StoreError {
    fn new(trouble: Trouble, message: impl Into<String>) -> StoreError {
        StoreError { trouble, message: message.into() }
    }

    /// Returns the words for a reply or a fault: the kind first.
    pub(super) fn words(&self) -> String {
        format!("{}: {}", self.trouble.as_str(), self.message)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let trouble = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Trouble::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Trouble::Busy,
            Some(ErrorCode::SystemIoFailure) => Trouble::Io,
            Some(ErrorCode::DatabaseCorrupt) => Trouble::Corrupt,
            Some(ErrorCode::NotADatabase) => Trouble::NotADatabase,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Trouble::ReadOnly,
            Some(ErrorCode::CannotOpen) => Trouble::CannotOpen,
            Some(ErrorCode::SchemaChanged | ErrorCode::Unknown) => Trouble::Changed,
            _ => Trouble::Other,
        };
        StoreError::new(trouble, error.to_string())
    }
}

/// The file as it is open now.
#[derive(Debug)]
struct Open {
    connection: Connection,
    schema: Schema,
    identity: Option<(u64, u64)>,
}

/// Reads the tables of a file without changing or making anything; none where there is no file.
pub(super) fn look(path: &Path) -> Result<Schema, String> {
    if path.metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(Schema::default());
    }
    let words = |error: StoreError| format!("`{}`: {}", path.display(), error.words());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| words(error.into()))?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(|error| words(error.into()))?;
    tables::read_schema(&connection).map_err(words)
}

/// Makes an empty file that nobody else may read, where there is none: SQLite gives the files beside it the same rights.
fn make_private(path: &Path) {
    // What is wrong here, SQLite says when it opens the file.
    drop(OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path));
}

/// The one writer of the file.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    cell: Arc<SchemaCell>,
    open: Option<Open>,
}

impl Store {
    /// Returns a store that has opened nothing yet.
    pub(super) fn new(path: PathBuf, cell: Arc<SchemaCell>) -> Store {
        Store { path, cell, open: None }
    }

    /// Opens the file, makes what is missing and publishes its schema; nothing when it is open already.
    pub(super) fn open(&mut self) -> Result<(), StoreError> {
        if self.is_in_place() {
            return Ok(());
        }
        self.open = None;
        let open = Open::new(&self.path)?;
        self.cell.store(open.schema.clone());
        self.open = Some(open);
        Ok(())
    }

    /// Writes all rows in one transaction. Rows that SQLite refuses are named; the others are stored.
    pub(super) fn write(&mut self, load: &Load) -> Result<Partial, StoreError> {
        if !self.is_in_place() {
            self.open()?;
            self.expect_tables(load)?;
        }
        let written = self.opened()?.write(load);
        if let Err(error) = &written {
            let is_stale = error.trouble == Trouble::Changed;
            // Whatever it was, the next call begins with a fresh look at the file.
            self.open = None;
            return if is_stale { self.open().and(written) } else { written };
        }
        // Rows that went to a file which is deleted by now are not stored.
        if self.is_in_place() { written } else { self.open().and(Err(self.replaced())) }
    }

    /// Carries out schema changes in one transaction and publishes the result.
    pub(super) fn apply(&mut self, diff: &SchemaDiff) -> Result<(), StoreError> {
        self.open()?;
        let applied = self.opened()?.apply(diff);
        match applied {
            Ok(schema) => self.cell.store(schema),
            Err(error) => {
                self.open = None;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Erases people in one transaction, and what the log of the file says of them; returns how many rows went. A file that is
    /// not there is not made.
    pub(super) fn erase(&mut self, people: &People) -> Result<u64, StoreError> {
        if identity(&self.path).is_none() {
            return Ok(0);
        }
        self.open()?;
        let erased = self.opened()?.erase(people);
        if erased.is_err() {
            self.open = None;
        }
        erased
    }

    fn opened(&mut self) -> Result<&mut Open, StoreError> {
        self.open.as_mut().ok_or_else(|| StoreError::new(Trouble::CannotOpen, "the file is not open"))
    }

    fn is_in_place(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.identity.is_some() && open.identity == identity(&self.path))
    }

    /// A file that was opened anew may have other tables than the ones that the rows were planned for.
    fn expect_tables(&mut self, load: &Load) -> Result<(), StoreError> {
        let schema = &self.opened()?.schema;
        let is_known = |rows: &TableRows| schema.tables.get(&rows.name) == Some(&rows.table);
        if load.tables.iter().all(is_known) { Ok(()) } else { Err(self.replaced()) }
    }

    fn replaced(&self) -> StoreError {
        StoreError::new(Trouble::Changed, format!("`{}` is not the file that it was", self.path.display()))
    }
}

/// Returns what tells a file from another at the same path.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

impl Open {
    fn new(path: &Path) -> Result<Open, StoreError> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(|error| {
                StoreError::new(Trouble::CannotOpen, format!("`{}`: {error}", directory.display()))
            })?;
        }
        make_private(path);
        let mut connection = Connection::open(path)?;
        connection.execute_batch(PRAGMAS)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        tables::create_fixed_tables(&mut connection)?;
        let schema = tables::read_schema(&connection)?;
        Ok(Open { connection, schema, identity: identity(path) })
    }

    fn write(&mut self, load: &Load) -> Result<Partial, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut partial = Partial::default();
        for rows in &load.tables {
            let sql = ddl::write_row(&rows.name, &rows.table, rows.write);
            let mut statement = transaction.prepare_cached(&sql)?;
            write_rows(&mut statement, load, rows, &mut partial)?;
        }
        transaction.commit()?;
        Ok(partial)
    }

    fn erase(&mut self, people: &People) -> Result<u64, StoreError> {
        self.connection.execute_batch(erase::PREPARE)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut erased = 0;
        {
            let mut remember = transaction.prepare(erase::REMEMBER)?;
            for id in people.ids() {
                remember.execute([id])?;
            }
            for (name, table) in &self.schema.tables {
                let has = |column: &str| table.columns.contains_key(column);
                if let Some(sql) = erase::delete(name, &columns_of(name, has, people.kind())) {
                    erased += transaction.execute(&sql, [])? as u64;
                }
            }
            transaction.execute(erase::FORGET, [])?;
        }
        transaction.commit()?;
        // What was there before stands in the log of the file until that begins anew.
        let is_busy: bool = self.connection.query_row(erase::TRUNCATE, [], |row| row.get(0))?;
        if is_busy {
            return Err(StoreError::new(Trouble::Busy, "somebody reads the file, and its log cannot be emptied"));
        }
        Ok(erased)
    }

    fn apply(&mut self, diff: &SchemaDiff) -> Result<Schema, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let since = tables::now();
        let mut done = SchemaDiff::default();
        for (table, columns) in &diff.create {
            transaction.execute(&ddl::create_table(table, columns), [])?;
        }
        for (table, columns) in diff.create.iter().chain(&diff.add) {
            let added = tables::add_missing(&transaction, table, columns, &since)?;
            done.add.insert(table.clone(), added);
        }
        for (table, columns) in &diff.widen {
            for column in columns {
                tables::remember(&transaction, table, column, &since)?;
            }
        }
        transaction.commit()?;
        done.widen.clone_from(&diff.widen);
        self.schema = std::mem::take(&mut self.schema).with(&done);
        Ok(self.schema.clone())
    }
}

fn write_rows(
    statement: &mut Statement<'_>,
    load: &Load,
    rows: &TableRows,
    partial: &mut Partial,
) -> Result<(), StoreError> {
    for row in &rows.rows {
        match write_row(statement, load, row) {
            Ok(()) => {}
            Err(error) if is_of_one_row(&error) => {
                let (event, table) = (row.event, rows.name.clone());
                partial.rows.push(RefusedRow { event, table, message: error.to_string() });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn write_row(statement: &mut Statement<'_>, load: &Load, row: &Row) -> rusqlite::Result<()> {
    statement.clear_bindings();
    for cell in load.cells.get(row.cells.clone()).unwrap_or_default() {
        let parameter = cell.column + 1;
        match &cell.value {
            Stored::Int(number) => statement.raw_bind_parameter(parameter, number)?,
            Stored::Real(number) => statement.raw_bind_parameter(parameter, number)?,
            Stored::Text(range) => statement.raw_bind_parameter(parameter, load.part(range))?,
        }
    }
    statement.raw_execute().map(|_| ())
}

/// Returns whether an error speaks of one row: such a statement is undone alone and the transaction goes on.
fn is_of_one_row(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig | ErrorCode::ParameterOutOfRange)
    )
}
