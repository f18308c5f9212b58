//! The thread that tells Kafka how far the destinations are: about once a second, and at once when a partition goes.
//!
//! Separate because brokers may be slow, and no delivery waits for them. What was not told when the process ends is sent
//! again by whoever goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use tokio::time::Instant;

use super::core::Core;
use super::marks;
use crate::journal::{Cursor, Journal as _, JournalError};
use crate::policy::settled::Settled;
use crate::telemetry::events;

/// How often marks are told: what was settled since is sent again after a kill.
const EVERY: Duration = Duration::from_secs(1);
/// How often a mark is told that does not move: brokers forget the offsets of a group without members after seven days.
const REMIND: Duration = Duration::from_secs(12 * 60 * 60);

/// The thread; see the module.
pub(super) struct Committer {
    ask: SyncSender<Ask>,
}

/// What the thread is asked for.
enum Ask {
    /// Tell everything now, and say so.
    Tell(SyncSender<()>),
    /// Tell everything once more, say so, and end.
    End(SyncSender<()>),
}

/// The mark and its words, of each partition.
type Marks = BTreeMap<i32, (u64, String)>;

impl Committer {
    /// Starts the thread.
    ///
    /// # Errors
    /// `Io`: none can be had.
    pub(super) fn start(core: Arc<Core>) -> Result<Committer, JournalError> {
        let (ask, asked) = sync_channel(4);
        let run = move || Teller::run(&core, &asked);
        let thread = std::thread::Builder::new().name("journal marks".to_owned()).spawn(run);
        thread.map_err(|error| super::io("could not start a thread", &error))?;
        Ok(Committer { ask })
    }

    /// Tells everything now; returns when it is told, or after so long.
    pub(super) fn tell_now(&self, limit: Duration) {
        self.ask(Ask::Tell, limit);
    }

    /// Tells everything once more and ends the thread; returns when that is done, or after so long.
    pub(super) fn end(&self, limit: Duration) {
        self.ask(Ask::End, limit);
    }

    fn ask(&self, what: impl FnOnce(SyncSender<()>) -> Ask, limit: Duration) {
        let (answer, answered) = sync_channel(1);
        if self.ask.try_send(what(answer)).is_err() || answered.recv_timeout(limit).is_err() {
            let error = "the brokers did not answer in time; what is not told is sent again";
            events::Trouble { whom: "journal", doing: TELL, error }.emit();
        }
    }
}

/// What was told so far.
#[derive(Default)]
pub(super) struct Teller {
    told: BTreeMap<String, (Marks, Option<Instant>)>,
    /// What failed the last time, by what was being done.
    failing: BTreeMap<&'static str, String>,
}

/// What the thread does, in the words of the log.
const READ: &str = "read how far a destination is";
const TELL: &str = "tell how far the destinations are";
const COUNT: &str = "count what the topic gave up";

impl Teller {
    fn run(core: &Core, asked: &Receiver<Ask>) {
        let mut marks = Teller::default();
        loop {
            let ask = asked.recv_timeout(EVERY);
            // A thread that ended would tell nothing any more, and nobody would notice before the next takeover.
            let done = guarded(|| marks.tell(core));
            let is_told = done.is_ok();
            marks.note(TELL, done);
            // Brokers that do not answer are waited for once in a round.
            if is_told {
                marks.note(COUNT, guarded(|| core.count_lost()));
            }
            core.groups.listen();
            match ask {
                Ok(Ask::Tell(answer)) => said(&answer),
                Ok(Ask::End(answer)) => return said(&answer),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Tells what has changed, and gives up what nobody needs of the index. A destination whose cursor cannot be read keeps all of
    /// it, and nobody else's mark from being told.
    pub(super) fn tell(&mut self, core: &Core) -> Result<(), JournalError> {
        let served = core.state().served.clone();
        // Before the cursors are read: what comes to lie there meanwhile stays.
        let mut lowest = Some(core.spool.extent().next.0);
        let (mut read, mut told) = (Ok(()), Ok(()));
        for (destination, service) in &served {
            let cursor = core.cursor(destination);
            let mark = cursor.as_ref().ok().map(|cursor| cursor.as_ref().map_or(0, |cursor| cursor.mark.0));
            lowest = lowest.zip(mark).map(|(lowest, mark)| lowest.min(mark));
            match cursor {
                Ok(cursor) if service.is_known => {
                    told = told.and(self.tell_cursor(core, destination, &cursor.unwrap_or_default()));
                }
                Ok(_) => {}
                Err(error) => read = read.and(Err(error)),
            }
        }
        if let Some(lowest) = lowest {
            core.state().index.prune(lowest);
        }
        self.note(READ, read);
        told
    }

    fn tell_cursor(&mut self, core: &Core, destination: &str, cursor: &Cursor) -> Result<(), JournalError> {
        let cursor = Settled::new(cursor.mark.0, &cursor.settled);
        let (settled, anew) = {
            let state = core.state();
            let anew = state.index.partitions().filter(|(_, held)| held.is_anew);
            (state.index.settled(destination, &cursor), anew.map(|(partition, _)| partition).collect())
        };
        let marks: Marks = settled.iter().map(|(partition, settled)| (*partition, told(settled))).collect();
        self.tell_one(core, destination, marks, &anew)
    }

    /// Tells of one destination. What its group knows of partitions whose offsets began `anew` is of the former ones.
    fn tell_one(
        &mut self,
        core: &Core,
        destination: &str,
        marks: Marks,
        anew: &BTreeSet<i32>,
    ) -> Result<(), JournalError> {
        let (before, at) = self.told.entry(destination.to_owned()).or_default();
        let is_due = at.is_none_or(|at| at.elapsed() >= REMIND);
        let news = marks.iter().filter(|(partition, mark)| is_due || before.get(*partition) != Some(*mark));
        let news = news.map(|(partition, mark)| (*partition, mark.clone()));
        let (back, forth): (Marks, Marks) = news.partition(|(partition, _)| anew.contains(partition));
        if !back.is_empty() {
            core.groups.tell(destination, &back)?;
        }
        if !forth.is_empty() {
            core.groups.tell_forth(destination, forth)?;
        }
        if is_due {
            *at = Some(Instant::now());
        }
        // Partitions that are gone are forgotten: elsewhere others tell of them.
        *before = marks;
        Ok(())
    }

    /// Says what fails: once, and again when it fails otherwise, or after it went well. Returns whether that is news.
    fn note(&mut self, doing: &'static str, done: Result<(), JournalError>) -> bool {
        let Err(error) = done else {
            self.failing.remove(doing);
            return false;
        };
        let error = error.to_string();
        let is_news = self.failing.get(doing) != Some(&error);
        if is_news {
            events::Trouble { whom: "journal", doing, error: &error }.emit();
            self.failing.insert(doing, error);
        }
        is_news
    }
}

/// Does something, and takes a panic for an error.
fn guarded(work: impl FnOnce() -> Result<(), JournalError>) -> Result<(), JournalError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(super::io("it panicked", &"see the log")))
}

/// Says that all is told. Whoever asked may have stopped waiting.
fn said(answer: &SyncSender<()>) {
    if answer.try_send(()).is_err() {
        tracing::debug!("nobody waits any more for the marks to be told");
    }
}

/// Returns what is told of a partition.
pub(super) fn told(settled: &Settled) -> (u64, String) {
    (settled.mark(), marks::words(settled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::kafka::io;

    #[test]
    fn what_fails_is_said_once_and_again_when_it_changes() {
        let mut teller = Teller::default();
        let silent = || Err(io("could not read the bounds of a partition", &"no answer"));
        let news = [
            teller.note(COUNT, silent()),
            teller.note(COUNT, silent()),
            // Marks that cannot be told are another matter.
            teller.note(TELL, silent()),
            teller.note(TELL, Ok(())),
            teller.note(COUNT, silent()),
            teller.note(COUNT, Err(io("could not read the bounds of a partition", &"forbidden"))),
            teller.note(TELL, silent()),
        ];
        assert_eq!(news, [true, false, true, false, false, true, true]);
    }
}
