//! A journal without files, for tests of everything above the trait.
//!
//! Separate so that no test of an actor waits for a disk. Same semantics as the embedded engine, except that space is
//! given up record by record. Never survives the process.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    Appended, Cursor, DeadLetter, Dropped, Extent, Journal, JournalError, Letter, LetterCounts, LetterFilter,
    LetterId, LetterPage, Note, Orders, PageLimit, Position, ReadLimit, Record, RejectedPage, Walk, render,
};
use crate::spec::{Event, People, Rejected, Seeker};

/// A journal in memory; every event is in its tail.
#[derive(Debug)]
pub struct MemoryJournal {
    max_bytes: u64,
    retention: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` once erased.
    records: VecDeque<Option<Arc<Event>>>,
    first: u64,
    floor: u64,
    bytes: u64,
    ids: HashSet<Box<str>>,
    cursors: HashMap<String, Cursor>,
    orders: HashMap<String, Orders>,
    /// `None` once taken out.
    dead: Vec<Option<DeadLetter>>,
    notes: Vec<Note>,
    rejected: Vec<Arc<RawValue>>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        MemoryJournal::new(u64::MAX, Duration::from_secs(7 * 24 * 3600))
    }
}

impl MemoryJournal {
    /// Begins an empty journal of at most `max_bytes` of raw text that keeps settled records for `retention`. Ids are
    /// remembered for ever.
    pub fn new(max_bytes: u64, retention: Duration) -> Self {
        MemoryJournal { max_bytes, retention, state: Mutex::default() }
    }

    /// Returns all dead letters, oldest first.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.state().dead.iter().flatten().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    fn from(&self, from: u64) -> impl Iterator<Item = Record> + '_ {
        let start = from.max(self.first);
        let skip = usize::try_from(start - self.first).unwrap_or(usize::MAX);
        let numbered = (start..).zip(self.records.iter().skip(skip));
        numbered.filter_map(|(position, event)| {
            event.as_ref().map(|event| Record { position: Position(position), event: Arc::clone(event) })
        })
    }

    fn give_up(&mut self, due: impl Fn(&State, Option<&Arc<Event>>) -> bool) -> u64 {
        let mut gone = 0;
        while self.first < self.floor {
            let Some(oldest) = self.records.front() else { break };
            if !due(self, oldest.as_ref()) {
                break;
            }
            if let Some(Some(event)) = self.records.pop_front() {
                self.bytes -= event.raw.len() as u64;
            }
            self.first += 1;
            gone += 1;
        }
        gone
    }
}

impl Journal for MemoryJournal {
    fn append(&self, events: Vec<Arc<Event>>) -> Result<Appended, JournalError> {
        let started = Instant::now();
        let mut state = self.state();
        let wanted: u64 = events.iter().map(|event| event.raw.len() as u64).sum();
        state.give_up(|state, _| state.bytes + wanted > self.max_bytes);
        if state.bytes + wanted > self.max_bytes {
            return Err(JournalError::Full(format!("{} of {} bytes used", state.bytes, self.max_bytes)));
        }
        let mut positions = Vec::with_capacity(events.len());
        for event in events {
            let next = state.next();
            let id = event.head.message_id.clone();
            if event.receipt.redelivery.is_none() && state.ids.contains(&id) {
                positions.push(None);
                continue;
            }
            if event.receipt.redelivery.is_none() {
                state.ids.insert(id);
            }
            state.bytes += event.raw.len() as u64;
            state.records.push_back(Some(event));
            positions.push(Some(Position(next)));
        }
        Ok(Appended {
            positions,
            too_large: Vec::new(),
            next: Position(state.next()),
            took: started.elapsed(),
        })
    }

    fn prepare(&self) -> Result<(), JournalError> {
        let mut state = self.state();
        state.give_up(|state, _| state.bytes >= self.max_bytes);
        let full = state.bytes >= self.max_bytes;
        if full { Err(JournalError::Full(format!("{} bytes used", state.bytes))) } else { Ok(()) }
    }

    fn read(&self, from: Position, limit: ReadLimit) -> Result<Vec<Record>, JournalError> {
        let state = self.state();
        let mut bytes = 0;
        let mut found: Vec<Record> = Vec::new();
        for record in state.from(from.0) {
            bytes += record.event.raw.len();
            let full = found.len() >= limit.records || bytes > limit.bytes;
            if full && !found.is_empty() {
                break;
            }
            found.push(record);
        }
        Ok(found)
    }

    fn tail(&self, from: Position, limit: ReadLimit) -> Option<Vec<Record>> {
        if from.0 < self.state().first {
            return None;
        }
        self.read(from, limit).ok()
    }

    fn extent(&self) -> Extent {
        let state = self.state();
        Extent {
            first: Position(state.first),
            next: Position(state.next()),
            bytes: state.bytes,
            max_bytes: self.max_bytes,
            dropped: Position(0),
        }
    }

    fn dropped(&self) -> Vec<Dropped> {
        Vec::new()
    }

    fn bytes_since(&self, from: Position) -> u64 {
        self.state().from(from.0).map(|record| record.event.raw.len() as u64).sum()
    }

    fn find(&self, message_id: &str) -> Result<Option<Record>, JournalError> {
        Ok(self.history(message_id)?.into_iter().next())
    }

    fn history(&self, message_id: &str) -> Result<Vec<Record>, JournalError> {
        let state = self.state();
        let all = state.from(0).filter(|record| *record.event.head.message_id == *message_id);
        let mut found: Vec<Record> = all.collect();
        found.reverse();
        Ok(found)
    }

    fn position_at(&self, at: Timestamp) -> Result<Position, JournalError> {
        let state = self.state();
        let found = state.from(0).find(|record| record.event.receipt.received_at >= at);
        Ok(found.map_or(Position(state.next()), |record| record.position))
    }

    fn erase(&self, positions: &[Position]) -> Result<u64, JournalError> {
        let mut state = self.state();
        for position in positions {
            let at = position.0.checked_sub(state.first).and_then(|at| usize::try_from(at).ok());
            let gone = at.and_then(|at| state.records.get_mut(at)).and_then(Option::take);
            if let Some(event) = gone {
                state.bytes -= event.raw.len() as u64;
            }
        }
        Ok(0)
    }

    fn redact(&self, people: &People) -> Result<u64, JournalError> {
        let context = "could not look for people".to_owned();
        let seeker = Seeker::of(people)
            .map_err(|why| JournalError::Io { context, source: std::io::Error::other(why) })?;
        let mut state = self.state();
        let mut gone = 0;
        for letter in &mut state.dead {
            let is_theirs = letter.as_ref().is_some_and(|letter| people.concerns(&letter.event.head));
            if is_theirs {
                *letter = None;
                gone += 1;
            }
        }
        let before = state.rejected.len();
        state.rejected.retain(|line| !seeker.concerns_rejected(line.get()));
        Ok(gone + (before - state.rejected.len()) as u64)
    }

    fn retain(&self, floor: Position, now: Timestamp) -> Result<u64, JournalError> {
        let mut state = self.state();
        state.floor = floor.0;
        let kept = i128::try_from(self.retention.as_nanos()).unwrap_or(i128::MAX);
        let old = now.as_nanosecond().saturating_sub(kept);
        let aged = |event: Option<&Arc<Event>>| {
            event.is_none_or(|event| event.receipt.received_at.as_nanosecond() < old)
        };
        let gone = state.give_up(|state, event| aged(event) || state.bytes > self.max_bytes);
        let first = state.first;
        state.notes.retain(|note| note.span().end > first);
        Ok(gone)
    }

    fn cursor(&self, destination: &str) -> Result<Option<Cursor>, JournalError> {
        Ok(self.state().cursors.get(destination).cloned())
    }

    fn commit(&self, destination: &str, cursor: &Cursor) -> Result<(), JournalError> {
        self.state().cursors.insert(destination.to_owned(), cursor.clone());
        Ok(())
    }

    fn forget(&self, destination: &str) -> Result<(), JournalError> {
        self.state().cursors.remove(destination);
        Ok(())
    }

    fn orders(&self, destination: &str) -> Result<Orders, JournalError> {
        Ok(self.state().orders.get(destination).cloned().unwrap_or_default())
    }

    fn give_orders(&self, destination: &str, orders: &Orders) -> Result<(), JournalError> {
        self.state().orders.insert(destination.to_owned(), orders.clone());
        Ok(())
    }

    fn bury(&self, letters: &[DeadLetter]) -> Result<(), JournalError> {
        self.state().dead.extend(letters.iter().cloned().map(Some));
        Ok(())
    }

    fn note(&self, notes: &[Note]) -> Result<(), JournalError> {
        self.state().notes.extend_from_slice(notes);
        Ok(())
    }

    fn notes_about(&self, position: Position) -> Result<Vec<Note>, JournalError> {
        Ok(self.state().notes.iter().filter(|note| note.covers(position)).cloned().collect())
    }

    fn letters(
        &self,
        filter: &LetterFilter,
        walk: Walk,
        limit: PageLimit,
    ) -> Result<LetterPage, JournalError> {
        let state = self.state();
        let there = (0..).zip(&state.dead).filter_map(|(offset, letter)| Some((offset, letter.as_ref()?)));
        let mut all: Vec<Letter> = there.map(|(offset, letter)| kept(offset, letter)).collect();
        all.retain(|letter| filter.admits(letter));
        match walk {
            Walk::Back(from) => {
                all.retain(|letter| from.is_none_or(|from| letter.id < from));
                all.reverse();
            }
            Walk::Forth(from, until) => all.retain(|letter| (from..until).contains(&letter.id)),
        }
        let rest = all.split_off(limit.letters.min(all.len()));
        let following = match walk {
            Walk::Back(_) => all.last(),
            Walk::Forth(..) => rest.first(),
        };
        let next = following.filter(|_| !rest.is_empty()).map(|letter| letter.id);
        Ok(LetterPage { letters: all, next })
    }

    fn letters_end(&self) -> LetterId {
        LetterId { file: 0, offset: self.state().dead.len() as u64 }
    }

    fn take_out(&self, letters: &[Letter]) -> Result<u64, JournalError> {
        let mut state = self.state();
        let places = letters.iter().filter_map(|letter| usize::try_from(letter.id.offset).ok());
        Ok(places.filter(|place| state.dead.get_mut(*place).and_then(Option::take).is_some()).count() as u64)
    }

    fn expire_letters(&self, before: Timestamp) -> Result<LetterCounts, JournalError> {
        let mut state = self.state();
        let old = state.dead.iter_mut().filter_map(|letter| letter.take_if(|letter| letter.at < before));
        Ok(counted(old.collect::<Vec<_>>().iter()))
    }

    fn letter_counts(&self) -> LetterCounts {
        counted(self.state().dead.iter().flatten())
    }

    fn keep_rejected(&self, rejected: &[Rejected]) -> Result<(), JournalError> {
        let text = render::rejected(rejected).ok().and_then(|lines| String::from_utf8(lines).ok());
        let lines = text.unwrap_or_default();
        let lines = lines.lines().filter_map(|line| RawValue::from_string(line.to_owned()).ok());
        self.state().rejected.extend(lines.map(Arc::from));
        Ok(())
    }

    fn rejected(&self, limit: usize, cursor: Option<&str>) -> Result<RejectedPage, JournalError> {
        let state = self.state();
        let end = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(usize::MAX);
        let end = end.min(state.rejected.len());
        let start = end.saturating_sub(limit);
        let page = state.rejected.get(start..end).unwrap_or_default();
        let next = (start > 0).then(|| start.to_string());
        Ok(RejectedPage { rejected: page.iter().rev().map(Arc::clone).collect(), next })
    }

    fn close(&self) -> Result<(), JournalError> {
        Ok(())
    }
}

fn kept(offset: u64, letter: &DeadLetter) -> Letter {
    Letter {
        key: None,
        id: LetterId { file: 0, offset },
        destination: letter.destination.clone(),
        message_id: letter.event.head.message_id.to_string(),
        position: Some(letter.position),
        reason: letter.reason.to_owned(),
        status: letter.status,
        answer: letter.answer.clone(),
        attempts: letter.attempts,
        at: letter.at,
        table: letter.table.clone(),
        ddl: letter.ddl.clone(),
        raw: letter.event.raw.clone().into(),
        receipt: Some(letter.event.receipt.clone()),
    }
}

fn counted<'a>(letters: impl Iterator<Item = &'a DeadLetter>) -> LetterCounts {
    let mut counts = LetterCounts::new();
    for letter in letters {
        *counts.entry((letter.destination.clone(), letter.reason.to_owned())).or_default() += 1;
    }
    counts
}
