//! The wire to the file: a thread of its own that owns the connection, behind a bounded channel.
//!
//! SQLite blocks, and a connection belongs to one thread. The thread starts with the first use and ends when the last
//! handle is dropped; if it should die, the next use starts another. Never holds more than a few requests.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::super::reply::Answer;
use super::super::{BoxFuture, Erase, Fault, FailureKind, Reply, SchemaCell, SchemaDiff, SchemaFault, SchemaStore};
use super::judge::Partial;
use super::plan::Request;
use super::store::{Store, StoreError, look};
use crate::policy::outcome::Reason;
use crate::spec::People;
use crate::telemetry::clock;
use crate::warehouse::Schema;

/// Requests that may wait for the thread; the delivery sends one at a time.
const WAITING: usize = 4;

/// Tables that are changed in one transaction. SQLite reads its whole schema again for each column that is added, 12 ms among a
/// thousand tables: what is done is to count when the time is up, and rows of other tables go in between.
const PORTION: usize = 32;

enum Job {
    Open(oneshot::Sender<Result<(), StoreError>>),
    Write(Request, oneshot::Sender<Result<Partial, StoreError>>),
    Erase(Arc<People>, oneshot::Sender<Result<u64, StoreError>>),
    Apply(SchemaDiff, oneshot::Sender<Result<(), StoreError>>),
}

/// The handle of the thread.
#[derive(Debug, Clone)]
pub struct Wire(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    path: PathBuf,
    cell: Arc<SchemaCell>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
}

impl Wire {
    /// Returns a handle without a thread yet.
    pub(super) fn new(path: PathBuf, cell: Arc<SchemaCell>) -> Wire {
        Wire(Arc::new(Handle { path, cell, jobs: Mutex::new(None) }))
    }

    /// Opens the file and publishes its schema.
    pub(super) async fn open(&self) -> Result<(), Reply> {
        self.ask(Job::Open).await.map_err(|words| Reply::failed(FailureKind::Store, words))
    }

    /// Writes one transaction.
    pub(super) async fn write(&self, request: Request) -> Reply {
        match self.ask(|answer| Job::Write(request, answer)).await {
            Ok(partial) => answer(&partial),
            Err(words) => Reply::failed(FailureKind::Store, words),
        }
    }

    /// Reads the tables as they are; none where there is no file yet. Makes nothing.
    pub(super) async fn look(&self) -> Result<Schema, String> {
        let path = self.0.path.clone();
        let read = tokio::task::spawn_blocking(move || look(&path)).await;
        read.unwrap_or_else(|error| Err(format!("the file could not be read: {error}")))
    }

    /// Returns what carries out schema changes.
    pub(super) fn ddl(&self) -> Arc<dyn SchemaStore> {
        Arc::new(self.clone())
    }

    /// Returns what erases people from the file.
    pub(super) fn eraser(&self) -> Arc<dyn Erase> {
        Arc::new(self.clone())
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job) -> Result<T, String> {
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs().map_err(|error| format!("failed: could not start a thread: {error}"))?;
        jobs.send(job(answer)).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?.map_err(|error| error.words())
    }

    /// Returns the way to the thread, and starts one when there is none.
    fn jobs(&self) -> std::io::Result<mpsc::Sender<Job>> {
        let mut jobs = self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(alive) = jobs.as_ref().filter(|jobs| !jobs.is_closed()) {
            return Ok(alive.clone());
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        let store = Store::new(self.0.path.clone(), Arc::clone(&self.0.cell));
        std::thread::Builder::new().name("sqlite".to_owned()).spawn(move || run(store, receiver))?;
        *jobs = Some(sender.clone());
        Ok(sender)
    }
}

fn ended() -> String {
    "failed: the thread of the database file has ended".to_owned()
}

fn run(mut store: Store, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.blocking_recv() {
        // Who asked may have stopped waiting; the work counts all the same.
        let _is_heard = match job {
            Job::Open(answer) => answer.send(store.open()).is_ok(),
            Job::Write(request, answer) => answer.send(store.write(request.load())).is_ok(),
            Job::Erase(people, answer) => answer.send(store.erase(&people)).is_ok(),
            Job::Apply(diff, answer) => answer.send(store.apply(&diff)).is_ok(),
        };
    }
}

fn answer(partial: &Partial) -> Reply {
    let at = clock::now();
    if partial.rows.is_empty() {
        return Reply::stored(at);
    }
    let body = serde_json::to_vec(partial).unwrap_or_default().into();
    Reply::Answer(Answer { status: 207, headers: Vec::new(), body, at })
}

impl Erase for Wire {
    fn erase(&self, people: Arc<People>) -> BoxFuture<Result<u64, String>> {
        let wire = self.clone();
        Box::pin(async move { wire.ask(|answer| Job::Erase(people, answer)).await })
    }
}

impl SchemaStore for Wire {
    fn apply(&self, diff: SchemaDiff) -> BoxFuture<Result<(), SchemaFault>> {
        let wire = self.clone();
        Box::pin(async move {
            for portion in diff.portions(PORTION) {
                let applied = wire.ask(|answer| Job::Apply(portion, answer)).await;
                applied.map_err(|words| SchemaFault::Transient { wait: None, fault: Fault::new(Reason::Store, None, words) })?;
            }
            Ok(())
        })
    }
}
