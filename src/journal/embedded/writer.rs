//! The one writer: duplicates out, records encoded, one write and one sync for the group, then visible.
//!
//! Separate so that "nothing of a failed group stays" is kept in one place: what is not published does not exist, and a
//! segment whose write or sync failed is cut at its last durable record and never written again.

use std::fs::{self, File};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::time::Instant;

use super::codec::{self, Summary};
use super::dedupe::Dedupe;
use super::files::{self, failed};
use super::log::{Log, Spare};
use super::phrases::Packer;
use super::segment::{Segment, Shared, log_path};
use super::table::Table;
use super::worker::{Job, Worker};
use crate::journal::{Appended, JournalError, Position, Record};
use crate::spec::Event;

/// Allocated space costs a second write of file system metadata when first written. Small commits therefore write zeros
/// ahead, which costs once what it saves at each of the next commits; large ones do not gain from it.
const AHEAD: usize = 256 << 10;
const SMALL_GROUP: usize = 64 << 10;
/// A buffer that grew beyond this is given back after the commit.
const KEEP_BUFFER: usize = 8 << 20;

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Active {
    /// Its place in the log.
    pub(super) segment: Shared,
    /// Its file.
    pub(super) file: File,
    /// Bytes allocated.
    pub(super) size: u64,
    /// Up to where it was written, zeros included.
    pub(super) written: u64,
}

/// The state of the one who appends.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` until the first append and after a failure.
    pub(super) active: Option<Active>,
    /// The window of known ids.
    pub(super) dedupe: Dedupe,
    /// Ids that were remembered for the group at hand, which is not stored yet.
    pending: usize,
    buffer: Vec<u8>,
    packer: Packer,
    #[cfg(test)]
    pub(super) fault: Option<Fault>,
}

/// Where a test makes the next commit fail.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// After half of the bytes, by a disk that fails (EIO).
    Write,
    /// After half of the bytes, by a disk that has become full (ENOSPC).
    Full,
    /// After all bytes, by a disk that fails.
    Sync,
    /// By a panic of ours.
    Panic,
}

#[cfg(test)]
impl Fault {
    fn of_write(self) -> Option<rustix::io::Errno> {
        match self {
            Fault::Write => Some(rustix::io::Errno::IO),
            Fault::Full => Some(rustix::io::Errno::NOSPC),
            Fault::Sync | Fault::Panic => None,
        }
    }
}

/// A group ready to be written.
#[derive(Debug, Default)]
struct Group {
    positions: Vec<Option<Position>>,
    records: Vec<Record>,
    lens: Vec<(usize, Summary)>,
    newest: i64,
}

impl Writer {
    /// Goes on where recovery ended.
    pub(super) fn new(active: Option<Active>, dedupe: Dedupe) -> Self {
        Writer {
            active,
            dedupe,
            pending: 0,
            buffer: Vec::new(),
            packer: Packer::new(),
            #[cfg(test)]
            fault: None,
        }
    }

    /// Appends a group; see the trait.
    pub(super) fn append(
        &mut self,
        log: &Log,
        worker: &Worker,
        events: Vec<Arc<Event>>,
    ) -> Result<Appended, JournalError> {
        let started = Instant::now();
        // Left behind by a panic: ids of events that were never stored must not make their resend a duplicate.
        self.forget_pending();
        let group = self.encode(log.next(), events)?;
        if let Err(error) = self.store(log, worker) {
            self.forget_pending();
            log.note_starved(&error);
            return Err(error);
        }
        let next = log.next() + group.records.len() as u64;
        let positions = self.publish(log, worker, group);
        self.pending = 0;
        Ok(Appended { positions, too_large: Vec::new(), next: Position(next), took: started.elapsed() })
    }

    /// Begins a segment when there is none: after a failure there never is.
    pub(super) fn prepare(&mut self, log: &Log, worker: &Worker) -> Result<(), JournalError> {
        if self.active.is_some() {
            return Ok(());
        }
        self.roll(log, worker, 1).inspect_err(|error| log.note_starved(error))
    }

    /// Syncs what is there.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        let Some(active) = &self.active else { return Ok(()) };
        active.file.sync_data().map_err(failed("sync", &active.segment.path))
    }

    fn forget_pending(&mut self) {
        self.dedupe.undo(std::mem::take(&mut self.pending));
    }

    fn encode(&mut self, next: u64, events: Vec<Arc<Event>>) -> Result<Group, JournalError> {
        self.buffer.clear();
        let mut group = Group { newest: i64::MIN, ..Group::default() };
        for event in events {
            let id = codec::id_hash(&event.head.message_id);
            let received_at = event.receipt.received_at.as_microsecond();
            // What is stored once more is known, and must neither be refused nor stay known for longer.
            let is_redelivery = event.receipt.redelivery.is_some();
            if !is_redelivery && !self.dedupe.insert(id, received_at) {
                group.positions.push(None);
                continue;
            }
            self.pending += usize::from(!is_redelivery);
            let position = Position(next + group.records.len() as u64);
            let added = self.packer.pack(event.raw.get(event.added()).unwrap_or_default());
            let Some(len) = codec::encode(&mut self.buffer, position.0, &id, &event, added) else {
                self.forget_pending();
                return Err(JournalError::Full("an event of more than 4 GiB".to_owned()));
            };
            group.newest = group.newest.max(received_at);
            group.lens.push((len, Summary { id, received_at, is_redelivery }));
            group.positions.push(Some(position));
            group.records.push(Record { position, event });
        }
        Ok(group)
    }

    fn store(&mut self, log: &Log, worker: &Worker) -> Result<(), JournalError> {
        let len = self.buffer.len() as u64;
        if len == 0 {
            return Ok(());
        }
        let fits = |active: &Active| active.segment.table().end + len <= active.size;
        if !self.active.as_ref().is_some_and(fits) {
            self.roll(log, worker, len)?;
        }
        let done = self.write(log.options.fsync);
        if done.is_err() {
            self.abandon(log, worker);
        }
        done
    }

    fn write(&mut self, fsync: bool) -> Result<(), JournalError> {
        #[cfg(test)]
        let fault = self.fault.take();
        let Some(active) = &mut self.active else { return Ok(()) };
        let path = &active.segment.path;
        let start = active.segment.table().end;
        let end = start + self.buffer.len() as u64;
        if end > active.written && self.buffer.len() < SMALL_GROUP {
            let ahead = (AHEAD as u64).min(active.size.saturating_sub(end)) as usize;
            self.buffer.resize(self.buffer.len() + ahead, 0);
        }
        #[cfg(test)]
        if let Some(errno) = fault.and_then(Fault::of_write) {
            files::write_at(&active.file, &self.buffer[..(end - start) as usize / 2], start).unwrap();
            return Err(failed("write", path)(errno.into()));
        }
        files::write_at(&active.file, &self.buffer, start).map_err(failed("write", path))?;
        active.written = active.written.max(start + self.buffer.len() as u64);
        #[cfg(test)]
        assert_ne!(fault, Some(Fault::Panic), "injected");
        #[cfg(test)]
        if fault == Some(Fault::Sync) {
            return Err(failed("sync", path)(rustix::io::Errno::IO.into()));
        }
        if fsync {
            active.file.sync_data().map_err(failed("sync", path))?;
        }
        Ok(())
    }

    fn publish(&mut self, log: &Log, worker: &Worker, group: Group) -> Vec<Option<Position>> {
        if let (Some(active), false) = (&self.active, group.records.is_empty()) {
            let mut table = active.segment.table_mut();
            let half = active.size / 2;
            let before = table.end;
            group.lens.iter().for_each(|(len, summary)| table.push(*len, Some(*summary)));
            if before <= half && table.end > half {
                worker.ask(Job::Prepare);
            }
        }
        let next = log.next() + group.records.len() as u64;
        log.publish(group.records, next);
        self.dedupe.expire(group.newest);
        self.buffer.clear();
        self.buffer.shrink_to(KEEP_BUFFER);
        group.positions
    }

    /// Seals the active segment and begins one that holds at least `len` bytes.
    fn roll(&mut self, log: &Log, worker: &Worker, len: u64) -> Result<(), JournalError> {
        self.seal(log, worker)?;
        let bytes = log.options.segment_bytes().max(len);
        let first = log.next();
        let path = log_path(&log.options.dir, first);
        // Held to the end, so that the space is not given to the next spare at the same time.
        let mut spare = log.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let Spare { file, bytes: size } = match take_spare(log, &mut spare, bytes)? {
            Some(spare) => {
                fs::rename(log.spare_path(), &path).map_err(failed("rename", &path))?;
                spare
            }
            None => create(log, &path, bytes)?,
        };
        files::sync_dir(&log.options.dir)?;
        let segment = Arc::new(Segment::new(&log.options.dir, first, Table::default(), size));
        log.add(Arc::clone(&segment));
        self.active = Some(Active { segment, file, size, written: 0 });
        Ok(())
    }

    /// Seals the active segment when it holds any of these positions. In a segment that is not sealed a record that is
    /// overwritten in part would look like a torn tail to the next start, which cuts there.
    pub(super) fn seal_for(
        &mut self,
        positions: &[u64],
        log: &Log,
        worker: &Worker,
    ) -> Result<(), JournalError> {
        let Some(active) = &self.active else { return Ok(()) };
        let held = active.segment.first..active.segment.next();
        if positions.iter().any(|position| held.contains(position)) { self.seal(log, worker) } else { Ok(()) }
    }

    fn seal(&mut self, log: &Log, worker: &Worker) -> Result<(), JournalError> {
        let Some(active) = self.active.take() else { return Ok(()) };
        if active.segment.table().count == 0 {
            return log.drop_empty(&active.segment);
        }
        active.segment.sealed.store(true, Ordering::Release);
        worker.ask(Job::Index(active.segment));
        Ok(())
    }

    /// Gives up a segment whose write or sync failed: pages that the disk refused may look written from now on.
    fn abandon(&mut self, log: &Log, worker: &Worker) {
        let Some(active) = &self.active else { return };
        let end = active.segment.table().end;
        let cut = active.file.set_len(end).map_err(failed("truncate", &active.segment.path));
        active.segment.disk.store(end, Ordering::Relaxed);
        if let Err(error) = cut.and_then(|()| self.seal(log, worker)) {
            tracing::error!(%error, "a failed segment of the journal could not be cut");
        }
        self.active = None;
    }
}

/// Returns the prepared file when it is large enough; a smaller one is removed, its space is needed.
fn take_spare(log: &Log, spare: &mut Option<Spare>, bytes: u64) -> Result<Option<Spare>, JournalError> {
    log.set_spare_bytes(0);
    match spare.take() {
        Some(spare) if spare.bytes >= bytes => Ok(Some(spare)),
        Some(_) => files::remove(&log.spare_path()).map(|()| None),
        None => Ok(None),
    }
}

/// Makes the file before the room for it: should everything before it go and the process be killed, its name alone tells
/// the next start where the positions go on.
fn create(log: &Log, path: &std::path::Path, bytes: u64) -> Result<Spare, JournalError> {
    let file = while_room(log, || files::create(path))?;
    let allocate = || while_room(log, || files::allocate(&file, path, bytes));
    match log.make_room(bytes).and_then(|()| allocate()) {
        Ok(()) => Ok(Spare { file, bytes }),
        Err(error) => files::remove(path).and(Err(error)),
    }
}

/// Tries again as long as the disk is full and room can be made on it.
fn while_room<T>(log: &Log, work: impl Fn() -> Result<T, JournalError>) -> Result<T, JournalError> {
    loop {
        match work() {
            Err(JournalError::Full(_)) if log.make_room_on_disk()? => {}
            done => return done,
        }
    }
}
