//! The embedded store of reports: one SQLite file beside the journal, for a router that has no other.
//!
//! [`Writer`] puts facts in, with the journal's position in the same transaction, so that each event counts exactly once
//! whatever happens in between; [`Embedded`] answers from the same file on connections of its own. Separate from the warehouse,
//! which keeps events as they were sent. What it keeps is bounded by age, by number and by bytes.

mod block;
mod erase;
mod file;
mod keep;
mod merge;
mod migrate;
mod open;
mod pending;
mod read;
mod roll;
mod scan;
mod spans;
#[cfg(test)]
mod tests;
mod visits;
mod write;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, InterruptHandle};
use tokio::sync::Semaphore;

use super::ReportStore;
use super::reports::{Fault, Query, Report, make};

pub use erase::erase;
pub use write::Writer;

/// Reports that are made at the same time; more would only wait for the same disk.
const AT_ONCE: usize = 2;
/// How long a report may wait and take.
const WITHIN: Duration = Duration::from_secs(8);

/// What `X-Store` says of its answers.
pub const NAME: &str = "embedded";

/// The store for who asks. See the module.
#[derive(Debug, Clone)]
pub struct Embedded(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Embedded {
    /// Returns the store of this file, which somebody else makes and fills.
    pub fn new(path: PathBuf) -> Embedded {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        Embedded(Arc::new(Pool { path, idle: Mutex::new(Vec::new()), permits }))
    }
}

impl Pool {
    /// Opens a file where none is idle, which may wait for a disk.
    fn connection(&self) -> Result<Connection, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| file::open_to_read(&self.path), Ok)
    }

    fn put_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// How a report that takes too long is ended, wherever it is.
#[derive(Default)]
struct Halt {
    is_over: AtomicBool,
    handle: OnceLock<InterruptHandle>,
}

impl Halt {
    /// Returns whether there is still time, now that there is something to interrupt.
    fn begin(&self, connection: &Connection) -> Result<(), Fault> {
        self.handle.get_or_init(|| connection.get_interrupt_handle());
        if self.is_over.load(Ordering::SeqCst) { Err(late()) } else { Ok(()) }
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.handle.get().into_iter().for_each(InterruptHandle::interrupt);
    }
}

#[async_trait]
impl ReportStore for Embedded {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn answer(&self, query: Query) -> Result<Report, Fault> {
        let pool = Arc::clone(&self.0);
        let waiting = tokio::time::timeout(WITHIN, Arc::clone(&pool.permits).acquire_owned());
        let Ok(Ok(permit)) = waiting.await else { return Err(late()) };
        let halt = Arc::new(Halt::default());
        let halted = Arc::clone(&halt);
        let making = tokio::task::spawn_blocking(move || {
            let connection = pool.connection()?;
            let made = halt.begin(&connection).and_then(|()| made(&connection, &query));
            pool.put_back(connection);
            drop(permit);
            made
        });
        match tokio::time::timeout(WITHIN, making).await {
            Ok(made) => made
                .unwrap_or_else(|error| Err(Fault::Failed(format!("the report could not be made: {error}")))),
            Err(_) => {
                halted.end();
                Err(late())
            }
        }
    }
}

fn late() -> Fault {
    Fault::Failed(format!("the report took longer than {} s", WITHIN.as_secs()))
}

/// Makes a report of one moment of the file, whatever is written meanwhile.
fn made(connection: &Connection, query: &Query) -> Result<Report, Fault> {
    let moment = connection.unchecked_transaction().map_err(file::fault)?;
    make::answer(query, &read::Reader(&moment))
}
