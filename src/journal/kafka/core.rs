//! What the threads of the engine share: what is held, what lies where, and who is served.
//!
//! One lock guards it; nobody waits for a disk or a broker while holding it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Options;
use super::clients::Clients;
use super::gaps::Gaps;
use super::groups::Groups;
use super::index::Index;
use crate::journal::embedded::Dedupe;
use crate::journal::follow::{Begins, Follower, Served};
use crate::journal::{Cursor, EmbeddedJournal, Journal as _, JournalError, Position};
use crate::telemetry::events;

/// See the module.
pub(super) struct Core {
    pub(super) options: Options,
    pub(super) clients: Clients,
    pub(super) groups: Groups,
    pub(super) spool: Arc<EmbeddedJournal>,
    /// Where the spool ended when this life began: what is below is not served any more.
    pub(super) born: Position,
    pub(super) follower: OnceLock<Arc<dyn Follower>>,
    /// Somebody asks how much the topic takes.
    pub(super) limits_asked: OnceLock<()>,
    /// What is wrong with the topic itself, or with us, as it is now.
    complaints: Mutex<BTreeMap<Matter, String>>,
    pub(super) gaps: Gaps,
    stopping: AtomicBool,
    /// Rung when the router stops.
    bell: (Mutex<()>, Condvar),
    state: Mutex<State>,
    rebalances: AtomicU64,
}

/// How long a router may hold nothing before that is worth a word: a group takes its time.
const IDLE: Duration = Duration::from_secs(60);

/// What a complaint is about: each has one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Matter {
    /// A thread of ours ended and was started again.
    Thread,
    /// The topic takes less than the door.
    Limit,
    /// Brokers refused several events at once for their size: batches are smaller for a while.
    Batches,
    /// The spool has no room.
    Spool,
}

/// What changes.
#[derive(Default)]
pub(super) struct State {
    /// Since when nothing is held.
    idle_since: Option<Instant>,
    /// What is held and where it lies.
    pub(super) index: Index,
    /// The message ids of each partition that is held.
    pub(super) windows: BTreeMap<i32, Dedupe>,
    /// The destinations by name.
    pub(super) served: BTreeMap<String, Service>,
}

/// A destination that is served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    pub(super) begins: Begins,
    /// What it has had of every partition held is known. Before that nothing is sent to it.
    pub(super) is_known: bool,
}

impl Core {
    pub(super) fn new(options: Options, spool: Arc<EmbeddedJournal>) -> Core {
        let clients = Clients::new(&options);
        Core {
            groups: Groups::new(clients.clone(), &options.topic, &options.group),
            clients,
            born: spool.extent().next,
            options,
            spool,
            follower: OnceLock::new(),
            limits_asked: OnceLock::new(),
            complaints: Mutex::default(),
            gaps: Gaps::default(),
            stopping: AtomicBool::new(false),
            bell: (Mutex::default(), Condvar::new()),
            state: Mutex::default(),
            rebalances: AtomicU64::new(0),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Tells everybody to end.
    pub(super) fn stop(&self) {
        let (lock, bell) = &self.bell;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopping.store(true, Ordering::Release);
        drop(guard);
        bell.notify_all();
    }

    /// Waits, unless the router stops.
    pub(super) fn rest(&self, time: Duration) {
        let (lock, bell) = &self.bell;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(bell.wait_timeout_while(guard, time, |()| !self.is_stopping()));
    }

    /// Counts what is held.
    pub(super) fn count(&self) -> u64 {
        let mut state = self.state();
        let held = state.index.partitions().count() as u64;
        state.idle_since = match held {
            0 => state.idle_since.or_else(|| Some(Instant::now())),
            _ => None,
        };
        held
    }

    /// Says what is wrong in a matter, or that nothing is any more. The log hears of it when it is news.
    pub(super) fn complain(&self, matter: Matter, problem: Option<String>) {
        let mut complaints = self.complaints();
        let is_news = complaints.get(&matter) != problem.as_ref();
        match problem {
            Some(problem) if is_news => {
                events::Trouble { whom: "journal", doing: "use its topic as it is", error: &problem }.emit();
                complaints.insert(matter, problem);
            }
            Some(_) => {}
            None => drop(complaints.remove(&matter)),
        }
    }

    fn complaints(&self) -> MutexGuard<'_, BTreeMap<Matter, String>> {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what an operator is to repair: a partition that is blocked, a topic that is not as it should be, or that nothing
    /// is held for long.
    pub(super) fn trouble(&self) -> Option<String> {
        let topic = &self.options.topic;
        // That passes by itself, and nobody may be sending anything.
        if !self.clients.batches.are_reduced() {
            self.complain(Matter::Batches, None);
        }
        let state = self.state();
        if let Some((partition, offset)) = state.index.blocked().next() {
            return Some(format!(
                "is blocked at offset {offset} of partition {partition} of `{topic}`: a router of a newer version wrote it, upgrade \
                 this one"
            ));
        }
        let complaints: Vec<String> = self.complaints().values().cloned().collect();
        if !complaints.is_empty() {
            return Some(complaints.join("; "));
        }
        let idle = state.idle_since?.elapsed();
        let words = || {
            let seconds = idle.as_secs();
            format!(
                "holds no partition of `{topic}` for {seconds} s: there are more routers than partitions, or the brokers do not \
                 answer"
            )
        };
        (idle >= IDLE).then(words)
    }

    /// Takes note that whoever read has ended without letting go, so many times, and passes its successor on: it begins as with a
    /// start. What is in the spool and not settled comes from the topic once more.
    pub(super) fn begin_again<T>(&self, ends: u32, successor: Result<T, JournalError>) -> Option<T> {
        self.next_rebalance();
        let mut state = self.state();
        state.index.clear();
        state.windows.clear();
        drop(state);
        // It may have ended while everybody stood by.
        self.tell(|follower| follower.resume());
        let is_back = if successor.is_ok() { "" } else { "cannot be " };
        let why = successor.as_ref().err().map(|error| format!(" ({error})")).unwrap_or_default();
        let words = format!(
            "whoever reads the topic has failed {ends} times and {is_back}begun again{why}: see the log"
        );
        self.complain(Matter::Thread, Some(words));
        successor.ok()
    }

    /// Returns in words why nothing is read, and whom the spool keeps most for.
    pub(super) fn without_room(&self, error: &JournalError) -> String {
        if !matches!(error, JournalError::Full(_)) {
            return format!("the spool cannot be written, and no destination gets anything new: {error}");
        }
        let names: Vec<String> = self.state().served.keys().cloned().collect();
        let mark = |name: &String| self.cursor(name).ok().flatten().map(|cursor| cursor.mark);
        let holder = names.iter().filter_map(|name| Some((mark(name)?, name))).min();
        let whom = holder.map_or_else(|| "whoever is behind".to_owned(), |(_, name)| format!("`{name}`"));
        format!(
            "the spool is full, and no destination gets anything new before {whom} has taken what waits: repair it, switch it off \
             meanwhile (its offsets stay in Kafka), or raise `journal.max_bytes`"
        )
    }

    /// Returns the number of the present rebalance.
    pub(super) fn rebalance(&self) -> u64 {
        self.rebalances.load(Ordering::Acquire)
    }

    /// Begins a rebalance and returns its number.
    pub(super) fn next_rebalance(&self) -> u64 {
        self.rebalances.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Counts what the topic gave up before it was read: the library goes on behind it without a word.
    ///
    /// # Errors
    /// `Io`: the brokers do not say how far it reaches. It is counted another time.
    pub(super) fn count_lost(&self) -> Result<(), JournalError> {
        let mut lost = BTreeMap::new();
        let counted = self.gaps.count(&mut lost, |partition| self.groups.bounds(partition));
        for (destination, events) in lost {
            self.tell(|follower| follower.lost(&destination, events));
        }
        counted
    }

    pub(super) fn tell(&self, what: impl FnOnce(&dyn Follower)) {
        if let Some(follower) = self.follower.get() {
            what(follower.as_ref());
        }
    }

    /// Replaces the destinations. Of one that is new after partitions were taken, what it has had has to be looked up; returns
    /// whether there is such a one.
    pub(super) fn serve(&self, destinations: Vec<Served>) -> bool {
        let mut state = self.state();
        let has_begun = self.rebalance() > 0;
        let before = std::mem::take(&mut state.served);
        for Served { name, begins } in destinations {
            let known = before.get(&name).map_or(!has_begun, |service| service.is_known);
            state.served.insert(name, Service { begins, is_known: known });
        }
        state.served.values().any(|service| !service.is_known)
    }

    /// Returns the positions that are none of a destination's business. Whoever is no destination, as a replay, passes over
    /// nothing that it is told to send.
    pub(super) fn passed_over(&self, cursor: &str, range: Range<u64>) -> Vec<Range<u64>> {
        let state = self.state();
        match state.served.get(cursor) {
            Some(service) if service.is_known => state.index.passed_over(cursor, range),
            Some(_) => vec![range],
            None => Vec::new(),
        }
    }

    /// Returns a destination's cursor in the spool. What an earlier life left there comes again from the topic, so that nobody
    /// goes on in it; the counts stay. A destination without a cursor begins with this life. Whoever is no
    /// destination, as a replay, has the cursor that it stored.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn cursor(&self, name: &str) -> Result<Option<Cursor>, JournalError> {
        let stored = self.spool.cursor(name)?;
        let state = self.state();
        if !state.served.contains_key(name) {
            return Ok(stored);
        }
        let Some(cursor) = stored else {
            // Not only what is held now: what has gone to another router since is to leave a word for its trace.
            let mark = self.born.max(self.spool.extent().first);
            return Ok(Some(Cursor { mark, ..Cursor::default() }));
        };
        if cursor.mark >= self.born {
            return Ok(Some(still_here(cursor, self.spool.extent().first)));
        }
        Ok(Some(Cursor { mark: self.born, settled: Vec::new(), counts: cursor.counts }))
    }
}

/// Returns the cursor of one that was away while the spool gave up what others had passed: that lies in the topic still, where it
/// is read again, and is not lost.
fn still_here(mut cursor: Cursor, first: Position) -> Cursor {
    cursor.mark = cursor.mark.max(first);
    cursor.settled.retain(|range| range.end > cursor.mark.0);
    cursor
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a set of one range is meant")]
mod tests {
    use super::*;

    #[test]
    fn what_the_spool_gave_up_while_a_destination_was_away_is_not_lost_to_it() {
        let cursor = |mark, settled: &[std::ops::Range<u64>]| Cursor {
            mark: Position(mark),
            settled: settled.to_vec(),
            ..Cursor::default()
        };
        assert_eq!(still_here(cursor(5, &[7..9, 12..14]), Position(9)), cursor(9, &[12..14]));
        assert_eq!(still_here(cursor(5, &[7..9]), Position(2)), cursor(5, &[7..9]));
    }
}
