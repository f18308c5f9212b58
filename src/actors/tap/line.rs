//! The line to the tap: how the journal writer and the deliveries tell it what happens, without ever waiting for it.
//!
//! Separate from the tap because it is held by everybody. While nobody watches, a group costs one atomic load. While somebody
//! does, what is told waits in bounded room; what finds none is counted and forgotten.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use actix::Recipient;
use tokio::sync::Semaphore;

use crate::actors::messages::{Seen, Tapped};

/// How much of what happened may wait for the tap, in KiB of events: they stay in memory as long.
const ROOM_KIB: usize = 16 * 1024;

/// See the module. Clones are the same line.
#[derive(Clone, Default)]
pub struct TapLine(Arc<Line>);

struct Line {
    watchers: AtomicUsize,
    room: Arc<Semaphore>,
    lost: AtomicU64,
    /// One address for everybody: each clone of an address gets one more message into a full mailbox.
    tap: OnceLock<Recipient<Tapped>>,
}

impl Default for Line {
    fn default() -> Self {
        let room = Arc::new(Semaphore::new(ROOM_KIB));
        Line { watchers: AtomicUsize::new(0), room, lost: AtomicU64::new(0), tap: OnceLock::new() }
    }
}

impl TapLine {
    /// Returns whether it makes sense to tell anything.
    pub fn is_watched(&self) -> bool {
        self.0.watchers.load(Ordering::Relaxed) > 0
    }

    /// Tells what has happened, unless there is no room for it. Never waits.
    pub fn tell(&self, seen: Vec<Seen>) {
        let Some(tap) = self.0.tap.get().filter(|_| self.is_watched()) else { return };
        let (count, kib) = seen.iter().map(weight).fold((0, 1), |(n, kib), (m, more)| (n + m, kib + more));
        let room = u32::try_from(kib.min(ROOM_KIB)).unwrap_or(u32::MAX);
        let told = Arc::clone(&self.0.room).try_acquire_many_owned(room).ok();
        let told = told.and_then(|permit| tap.try_send(Tapped { seen, permit }).ok());
        if told.is_none() {
            self.0.lost.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(super) fn lead_to(&self, tap: Recipient<Tapped>) {
        // A second tap on one line would hear nothing; there is none.
        drop(self.0.tap.set(tap));
    }

    pub(super) fn watched_by(&self, watchers: usize) {
        self.0.watchers.store(watchers, Ordering::Relaxed);
    }

    /// Returns how much found no room since the last question.
    pub(super) fn take_lost(&self) -> u64 {
        self.0.lost.swap(0, Ordering::Relaxed)
    }
}

/// Returns how many things happened, and how many KiB they hold in memory.
fn weight(seen: &Seen) -> (u64, usize) {
    let (count, bytes): (usize, usize) = match seen {
        Seen::Accepted(events) => (events.len(), events.iter().map(|event| event.size()).sum()),
        Seen::Rejected(rejected) => (rejected.len(), rejected.iter().map(|one| one.raw.len()).sum()),
        Seen::Tried { events, .. } => (events.len(), events.iter().map(|(_, event)| event.size()).sum()),
        Seen::Settled { ends, .. } => (ends.len(), ends.iter().map(|end| end.event.size()).sum()),
    };
    (count as u64, bytes / 1024)
}
