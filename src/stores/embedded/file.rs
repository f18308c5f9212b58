//! The file: how it is opened, its tables, and their version.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::migrate;
use crate::stores::reports::Fault;

/// The version of the tables. One more needs a step from the one before: the journal does not go back as far as reports do.
const VERSION: i64 = 2;
/// How long one waits for the other.
const BUSY: Duration = Duration::from_secs(5);

/// What is the same in every version.
const TABLES: &str = "
CREATE TABLE position (id INTEGER PRIMARY KEY CHECK (id = 1), next INTEGER NOT NULL, visits INTEGER NOT NULL DEFAULT 0,
    latest INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO position (id, next) VALUES (1, 0);
CREATE TABLE sites (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE days (day INTEGER PRIMARY KEY, hits INTEGER NOT NULL, rolled INTEGER NOT NULL) STRICT;
CREATE TABLE visits (id INTEGER PRIMARY KEY, site INTEGER NOT NULL, number INTEGER NOT NULL, visitor TEXT NOT NULL,
    name TEXT NOT NULL, start INTEGER NOT NULL, last INTEGER NOT NULL, pageviews INTEGER NOT NULL,
    events INTEGER NOT NULL, interactions INTEGER NOT NULL, engaged INTEGER NOT NULL, conversions INTEGER NOT NULL,
    entry_ts INTEGER, entry TEXT NOT NULL, exit_ts INTEGER, exit TEXT NOT NULL, pairs_ts INTEGER, pairs TEXT NOT NULL,
    referrer TEXT NOT NULL, channel TEXT NOT NULL, source TEXT NOT NULL, medium TEXT NOT NULL, campaign TEXT NOT NULL,
    country TEXT NOT NULL, region TEXT NOT NULL, city TEXT NOT NULL, device TEXT NOT NULL, browser TEXT NOT NULL,
    os TEXT NOT NULL, folded INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX visits_number ON visits (site, number);
CREATE INDEX visits_start ON visits (start);
CREATE TABLE rollups (unit INTEGER NOT NULL, at INTEGER NOT NULL, site INTEGER NOT NULL, key TEXT NOT NULL,
    hits INTEGER NOT NULL, engaged INTEGER NOT NULL, visitors BLOB NOT NULL,
    PRIMARY KEY (unit, at, site, key)) STRICT, WITHOUT ROWID;
";
/// Events in blocks of a day, and apart from them what is asked for alone.
pub(super) const EVENTS: &str = "
CREATE TABLE blocks (id INTEGER PRIMARY KEY, day INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    hits INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE INDEX blocks_day ON blocks (day, first, last, hits);
CREATE TABLE deals (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, site INTEGER NOT NULL, number INTEGER NOT NULL,
    visit INTEGER NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, environment TEXT NOT NULL, refund INTEGER NOT NULL,
    order_id TEXT, currency TEXT NOT NULL, amount TEXT NOT NULL) STRICT;
CREATE INDEX deals_ts ON deals (ts);
CREATE UNIQUE INDEX deals_order ON deals (site, order_id) WHERE refund = 0 AND order_id IS NOT NULL;
CREATE TABLE measures (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, site INTEGER NOT NULL, number INTEGER NOT NULL,
    visit INTEGER NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, environment TEXT NOT NULL, metric TEXT NOT NULL,
    value REAL NOT NULL) STRICT;
CREATE INDEX measures_ts ON measures (ts);
PRAGMA user_version = 2;
";

/// Returns what a failure of the database means for who asked.
pub(super) fn fault(error: rusqlite::Error) -> Fault {
    Fault::Failed(format!("the store of reports failed: {error}"))
}

/// Makes an empty file that nobody else may read, where there is none: SQLite gives the files beside it the same rights.
fn make_private(path: &Path) {
    // What is wrong here, SQLite says when it opens the file.
    drop(OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path));
}

/// Opens the file to write, and makes it where it is missing.
///
/// # Errors
/// It cannot be opened, or is of a newer version.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, Fault> {
    make_private(path);
    let mut connection = Connection::open(path).map_err(fault)?;
    prepare(&mut connection).map_err(fault)?;
    let version = version(&connection).map_err(fault)?;
    if version != VERSION {
        return Err(Fault::Failed(format!(
            "`{}` is of version {version}, and this program knows {VERSION}",
            path.display()
        )));
    }
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // After a power cut the last transactions may be missing, and the position with them: the journal has both.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // What is deleted or written anew leaves nothing of what it was: it may be about somebody who is erased later.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    // The pages that a batch changes, most of which hold open visits: with the usual 2 MB they are written and read again.
    connection.pragma_update(None, "cache_size", -8_192)?;
    // A page that many batches change goes into the file once for all of them. The log takes up to 16 MB.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    // It may grow beyond while a report is made, and is cut again then.
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    // What is sorted is about people: no temporary file keeps it on the disk.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Else a statement whose plan might depend on a value is compiled again each time that it is given values.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    match version(connection)? {
        0 => {
            let making = connection.transaction()?;
            making.execute_batch(TABLES)?;
            making.execute_batch(EVENTS)?;
            making.commit()
        }
        1 => {
            migrate::to_blocks(connection)?;
            // The log holds every page of the former tables, overwritten.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        }
        _ => Ok(()),
    }
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Opens the file to read.
///
/// # Errors
/// It is not there yet, or cannot be opened.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    // Not mapped: a file that somebody cuts, or a disk that fails, must stay an error and not end the process.
    connection.pragma_update(None, "mmap_size", 0).map_err(fault)?;
    connection.pragma_update(None, "cache_size", -65_536).map_err(fault)?;
    if version(&connection).map_err(fault)? != VERSION {
        return Err(Fault::Failed("the store of reports is not ready yet".to_owned()));
    }
    Ok(connection)
}
