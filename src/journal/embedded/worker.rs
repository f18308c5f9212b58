//! The thread that prepares the next segment and writes the indexes of sealed ones, off the commit path.
//!
//! Separate so that no commit waits for it. What it fails to do is done again by the next append or the next start.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use super::files;
use super::log::{Log, Spare};
use super::segment::Shared;
use crate::journal::JournalError;

/// What there is to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Allocate the file of the next segment.
    Prepare,
    /// Write the index of a sealed segment.
    Index(Shared),
}

/// The thread; ends when dropped, after the jobs that are waiting.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread. Without one the journal works on, only slower.
    pub(super) fn start(log: Arc<Log>) -> Self {
        let (jobs, waiting) = channel();
        let name = "journal".to_owned();
        let thread = std::thread::Builder::new().name(name).spawn(move || run(&log, &waiting));
        if let Err(error) = &thread {
            tracing::warn!(%error, "the journal's housekeeping thread did not start");
        }
        Worker { jobs: Some(jobs), thread: thread.ok() }
    }

    /// Hands over a job. It is lost when the thread is gone, which costs time at the next start and nothing else.
    pub(super) fn ask(&self, job: Job) {
        if let Some(Err(_)) = self.jobs.as_ref().map(|jobs| jobs.send(job)) {
            tracing::warn!("the journal's housekeeping thread is gone");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        let ended = self.thread.take().map(JoinHandle::join);
        if let Some(Err(_)) = ended {
            tracing::error!("the journal's housekeeping thread panicked");
        }
    }
}

fn run(log: &Log, jobs: &Receiver<Job>) {
    for job in jobs {
        let done = match job {
            Job::Prepare => prepare(log),
            Job::Index(segment) => index(&segment),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the journal's housekeeping failed");
        }
    }
}

fn prepare(log: &Log) -> Result<(), JournalError> {
    let bytes = log.options.segment_bytes();
    let mut spare = log.spare.lock().unwrap_or_else(PoisonError::into_inner);
    if spare.is_some() || !log.has_room(bytes) {
        return Ok(());
    }
    let path = log.spare_path();
    let file = files::create(&path)?;
    if let Err(error) = files::allocate(&file, &path, bytes) {
        files::remove(&path)?;
        return Err(error);
    }
    log.set_spare_bytes(bytes);
    *spare = Some(Spare { file, bytes });
    Ok(())
}

fn index(segment: &Shared) -> Result<(), JournalError> {
    let written = if segment.gone.load(Ordering::Acquire) { Ok(()) } else { segment.write_index() };
    // It may have been given up in the meantime.
    if segment.gone.load(Ordering::Acquire) { segment.delete() } else { written }
}
