//! What was read of the topic and is not in the spool yet.
//!
//! Decides what of it is stored: what was read before a rebalance only if its partition is still held since then, nothing
//! that is known already, and nothing from a record on that this router cannot read. Never asks a broker.

use std::collections::VecDeque;
use std::sync::Arc;

use rdkafka::message::{BorrowedMessage, Message as _};

use super::anchor::{self, Anchor};
use super::core::{Core, State};
use super::gaps::Gap;
use super::index::Seen;
use super::warm;
use crate::journal::embedded::alone::{self, Known};
use crate::journal::follow::Noticed;
use crate::journal::{Journal as _, JournalError};
use crate::spec::{Event, Kind};
use crate::telemetry::events;

/// A record that was read.
pub(super) struct Read {
    partition: i32,
    offset: u64,
    /// The rebalance in which it was read.
    during: u64,
    /// By which it is told from another one at its offset, where it is a record of ours.
    print: Option<u64>,
    content: Content,
}

enum Content {
    Event(Known, Arc<Event>),
    /// Known already, or none of a router.
    Nothing,
    /// None of a router, or damaged.
    Foreign,
    /// Of this version, which is newer than this router.
    Newer(u8),
}

impl Read {
    /// Reads a message; `source` remembers the last source name.
    pub(super) fn new(core: &Core, source: &mut Option<Arc<str>>, message: &BorrowedMessage<'_>) -> Read {
        let (partition, offset) = (message.partition(), u64::try_from(message.offset()).unwrap_or(0));
        let content = content(message.payload().unwrap_or_default(), source);
        Read::of((partition, offset), core.rebalance(), content)
    }

    fn of((partition, offset): (i32, u64), during: u64, content: Content) -> Read {
        let print = match &content {
            Content::Event(known, _) => Some(anchor::print(known)),
            Content::Nothing | Content::Foreign | Content::Newer(_) => None,
        };
        Read { partition, offset, during, print, content }
    }
}

fn content(payload: &[u8], source: &mut Option<Arc<str>>) -> Content {
    let known = alone::know(payload);
    match known.and_then(|known| Some((known, alone::decode(payload, source)?))) {
        Some((known, event)) => Content::Event(known, Arc::new(event)),
        None => alone::newer(payload).map_or(Content::Foreign, Content::Newer),
    }
}

/// See the module.
pub(super) struct Inbox {
    core: Arc<Core>,
    read: VecDeque<Read>,
    /// What is stored next, partition by partition.
    wanted: Vec<Read>,
}

/// What came up while records were looked at.
#[derive(Default)]
struct Found {
    noticed: Vec<Noticed>,
    blocked: Vec<i32>,
    gaps: Vec<Gap>,
    duplicates: u64,
}

impl Inbox {
    pub(super) fn new(core: Arc<Core>) -> Inbox {
        Inbox { core, read: VecDeque::new(), wanted: Vec::new() }
    }

    pub(super) fn put(&mut self, read: Read) {
        self.read.push_back(read);
    }

    /// Returns whether nothing waits to be stored.
    pub(super) fn is_empty(&self) -> bool {
        self.read.is_empty() && self.wanted.is_empty()
    }

    /// Picks what is to be stored. Returns the partitions of which nothing more is to be read.
    pub(super) fn sift(&mut self) -> Vec<i32> {
        let mut found = Found::default();
        let core = Arc::clone(&self.core);
        let mut state = core.state();
        while let Some(read) = self.read.pop_front() {
            match state.index.see(read.partition, read.offset, read.during) {
                Seen::NotOurs => {}
                Seen::Anew if self.wanted.iter().any(|wanted| wanted.partition == read.partition) => {
                    // Those are of the former offsets, and go into the spool first.
                    self.read.push_front(read);
                    break;
                }
                Seen::Anew => {
                    found.noticed.push(self.begin_anew(&mut state, &read));
                    self.read.push_front(read);
                }
                Seen::New { after } => {
                    found.gaps.extend(gap(&state, &read, after));
                    self.wanted.extend(judged(&mut state, read, &mut found));
                }
            }
        }
        drop(state);
        self.wanted.sort_by_key(|wanted| wanted.partition);
        self.tell(found)
    }

    fn begin_anew(&self, state: &mut State, read: &Read) -> Noticed {
        let (partition, offset) = (read.partition, read.offset);
        let was_at = state.index.held(partition).map_or(0, |held| held.next);
        state.index.begin_anew(partition, offset);
        // An id of the former offsets may have been read by nobody but those that were served then.
        let partitions = state.index.partitions().count();
        state.windows.insert(partition, warm::window(&self.core.options, partitions));
        Noticed::BegunAnew { partition, was_at, offset }
    }

    fn tell(&self, found: Found) -> Vec<i32> {
        for gap in found.gaps {
            if self.core.gaps.add(gap) {
                let error = "too many offsets are missing to look each up";
                events::Trouble { whom: "journal", doing: "count what the topic gave up", error }.emit();
            }
        }
        self.core.tell(|follower| {
            found.noticed.into_iter().for_each(|what| follower.noticed(what));
            if found.duplicates > 0 {
                follower.grown(&[], found.duplicates);
            }
        });
        found.blocked
    }

    /// Appends what is still ours. The index comes first: what is in the spool can be read at once.
    ///
    /// # Errors
    /// Those of the spool; everything waits as before.
    pub(super) fn append(&mut self) -> Result<(), JournalError> {
        let first = self.core.spool.extent().next.0;
        let events = self.place(first);
        let kinds: Vec<Kind> = events.iter().map(|event| event.head.kind).collect();
        let appended = if events.is_empty() { Ok(()) } else { self.core.spool.append(events).map(drop) };
        let mut state = self.core.state();
        if let Err(error) = appended {
            state.index.retract(first);
            return Err(error);
        }
        for read in self.wanted.drain(..) {
            state.index.read_to(read.partition, read.offset + 1);
            if let Some(print) = read.print {
                state.index.anchor(read.partition, Anchor { offset: read.offset, print });
            }
        }
        drop(state);
        if !kinds.is_empty() {
            self.core.tell(|follower| follower.grown(&kinds, 0));
        }
        Ok(())
    }

    /// Says where what is still ours is about to lie, and returns it.
    fn place(&mut self, first: u64) -> Vec<Arc<Event>> {
        let mut state = self.core.state();
        let index = &mut state.index;
        self.wanted.retain(|read| index.held(read.partition).is_some_and(|held| held.since <= read.during));
        let mut events = Vec::with_capacity(self.wanted.len());
        for read in &self.wanted {
            let Content::Event(_, event) = &read.content else { continue };
            index.add(first + events.len() as u64, read.partition, read.offset);
            events.push(Arc::clone(event));
        }
        events
    }
}

/// Returns what lies between a record and the one that was to come, if anything does.
fn gap(state: &State, read: &Read, after: u64) -> Option<Gap> {
    let held = state.index.held(read.partition).filter(|_| after < read.offset)?;
    Some(Gap { partition: read.partition, offsets: after..read.offset, inherited: held.inherited.clone() })
}

/// Returns what is to be stored of a record; `None` when its partition is blocked by it.
fn judged(state: &mut State, read: Read, found: &mut Found) -> Option<Read> {
    let Read { partition, offset, .. } = read;
    match read.content {
        Content::Event(known, _) => {
            let window = state.windows.get_mut(&partition).filter(|_| !known.is_redelivery);
            if window.is_none_or(|window| warm::remember(window, &known)) {
                return Some(read);
            }
            found.duplicates += 1;
        }
        Content::Foreign => found.noticed.push(Noticed::Foreign { partition, offset }),
        Content::Newer(version) => {
            state.index.block(partition, offset);
            found.noticed.push(Noticed::Newer { partition, offset, version });
            found.blocked.push(partition);
            return None;
        }
        Content::Nothing => {}
    }
    Some(Read { content: Content::Nothing, ..read })
}

#[cfg(test)]
mod tests;
