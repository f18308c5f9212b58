//! Dead letters that all routers of a topic share: `<topic>.dead`.
//!
//! A letter is in the topic before it counts as buried, so the loss of a router's disk loses none. Every router follows the
//! topic into its own files and lists from there; letters have other ids on other routers, and one key everywhere. A letter
//! that is sent again or dropped is ended by a record of its key without a value, which every router hears. Each router gives
//! up old letters by itself: their age is in them.
//!
//! Where the topic is missing or out of reach, a letter is kept here, and what the topic is still to be told waits in a file:
//! nothing is lost, and a destination waits for the topic once, a few seconds. Never decides what becomes of a letter.
//!
//! ```text
//! DIR/unsent   what the topic is still to be told      DIR/read   how far it was read
//! ```

mod book;
mod follower;
mod outbox;
mod progress;
mod sender;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use jiff::Timestamp;

use self::book::Book;
use self::follower::Follower;
use self::outbox::{Outbox, Word};
use self::progress::Progress;
use self::sender::{Parcel, Sender, Sent};
use super::immortal;
use crate::journal::{
    DeadLetter, EmbeddedJournal, Journal as _, JournalError, Letter, LetterCounts, LetterFilter, LetterId,
    LetterKey, PageLimit, Walk, letter_line,
};
use crate::spec::People;
use crate::telemetry::events::{DeadTopicHeard, DeadTopicSilent, LettersNotShared, Trouble};

/// The one partition that is used, so that there is one order.
const PARTITION: i32 = 0;
/// Letters that are read at once when the files are gone over.
const STEP: PageLimit = PageLimit { letters: 1_000, bytes: 8 << 20, seen: usize::MAX };

/// The letters that are shared.
pub(super) struct DeadTopic {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What burying and following have in common.
struct Shared {
    topic: String,
    local: Arc<EmbeddedJournal>,
    sender: Sender,
    state: Mutex<State>,
    stop: AtomicBool,
}

struct State {
    book: Book,
    outbox: Outbox,
    /// It was told that the topic cannot be written, or read.
    is_mute: bool,
    is_deaf: bool,
}

impl DeadTopic {
    /// Follows the topic into the letters of `local`, with files of its own in `dir`. `connection` holds the library's
    /// properties that say how it connects, `group` names us to the brokers. Connects in the background.
    ///
    /// # Errors
    /// `Io`: files that cannot be opened, or properties that the library does not take.
    pub(super) fn open(
        local: Arc<EmbeddedJournal>,
        dir: &Path,
        (topic, group): (&str, &str),
        connection: &BTreeMap<String, String>,
    ) -> Result<DeadTopic, JournalError> {
        fs::create_dir_all(dir)
            .map_err(|source| io_error(format!("could not create `{}`", dir.display()), source))?;
        let outbox = Outbox::open(dir.join("unsent"))?;
        let book = read_book(&local, &outbox)?;
        let sender = Sender::new(topic, connection);
        let state = State { book, outbox, is_mute: false, is_deaf: false };
        let shared = Shared {
            topic: topic.to_owned(),
            local,
            sender,
            state: Mutex::new(state),
            stop: AtomicBool::new(false),
        };
        let shared = Arc::new(shared);
        let (follows, group, connection) = (Arc::clone(&shared), group.to_owned(), connection.clone());
        let read = dir.join("read");
        let make = move || {
            let progress = Progress::new(read.clone(), &follows.topic);
            Follower::new(Arc::clone(&follows), progress, &group, &connection)
        };
        let (first, stop) = (make()?, Arc::clone(&shared));
        let rest = move |pause| {
            std::thread::park_timeout(pause);
            !stop.is_stopping()
        };
        let remake = move |ends| remade(ends, make());
        let thread = std::thread::Builder::new().name("dead letters".to_owned());
        let thread = thread.spawn(move || immortal::keep(first, Follower::run, rest, remake));
        let thread = thread.map_err(|source| io_error("could not start a thread".to_owned(), source))?;
        Ok(DeadTopic { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Shares letters and keeps them here. Returns when each is in the topic and in the files, or in the files alone while the
    /// topic is out of reach.
    ///
    /// # Errors
    /// `Io` and `Full` of the files. Some letters may be in the topic; when they are buried again, they are there twice.
    pub(super) fn bury(&self, letters: &[DeadLetter]) -> Result<(), JournalError> {
        let mut lines = Vec::with_capacity(letters.len());
        for letter in letters {
            let key = LetterKey::new(letter.at, uuid::Uuid::new_v4().as_u128());
            let line = letter_line::shared(letter, key);
            lines.push((
                key,
                line.map_err(|error| io_error("could not write a line of JSON".to_owned(), error.into()))?,
            ));
        }
        let is_busy = {
            let mut state = self.shared.state();
            lines.iter().for_each(|(key, _)| state.book.expect(*key));
            !state.outbox.is_empty()
        };
        let parcels: Vec<Parcel<'_>> =
            lines.iter().map(|(key, line)| Parcel { key: *key, line: Some(line) }).collect();
        let sent = self.shared.send(&parcels, is_busy);
        let kept = self.shared.keep_own(&lines, &sent);
        if kept.is_err() {
            let mut state = self.shared.state();
            lines.iter().for_each(|(key, _)| state.book.give_up(*key));
        }
        kept
    }

    /// Takes letters out on every router; returns how many were still here. The others hear of it when the topic can be
    /// written.
    ///
    /// # Errors
    /// `Io` and `Full` of the files; some of them may be out.
    pub(super) fn take_out(&self, letters: &[Letter]) -> Result<u64, JournalError> {
        let (keys, is_busy) = {
            let mut state = self.shared.state();
            let keys = state.book.take_out(letters.iter().filter_map(|letter| letter.key));
            (keys, !state.outbox.is_empty())
        };
        let parcels: Vec<Parcel<'_>> = keys.iter().map(|key| Parcel { key: *key, line: None }).collect();
        let sent = self.shared.send(&parcels, is_busy);
        let owed = keys.iter().zip(&sent).filter(|(_, sent)| **sent != Sent::Taken).map(|(key, _)| *key);
        let mut state = self.shared.state();
        let told = state.outbox.push(owed.map(Word::Gone));
        let taken = told.and_then(|()| self.shared.local.take_out(letters));
        if taken.is_err() {
            // They are still in the files, where a record of the topic or another attempt must find them.
            let there = letters.iter().filter_map(|letter| Some((letter.key?, letter.id)));
            there.filter(|(key, _)| keys.contains(key)).for_each(|(key, id)| state.book.kept(key, id));
        }
        taken
    }

    /// Takes the letters about these people out on every router, and forgets them here: afterwards no file of this router names
    /// them. Returns how many lines went. The topic has their texts until it has cleaned itself.
    ///
    /// # Errors
    /// As of [`take_out`](DeadTopic::take_out).
    pub(super) fn redact(&self, people: &People) -> Result<u64, JournalError> {
        let local = &self.shared.local;
        let (mut theirs, end) = (Vec::new(), local.letters_end());
        let mut from = Some(LetterId { file: 0, offset: 0 });
        while let Some(start) = from {
            let page = local.letters(&LetterFilter::default(), Walk::Forth(start, end), STEP)?;
            let is_theirs = |letter: &Letter| {
                letter.key.is_some() && people.concerns_text(&String::from_utf8_lossy(&letter.raw))
            };
            // Their place and key are enough: the texts of many letters are much memory.
            let small = |letter| Letter { raw: Bytes::new(), answer: String::new(), ..letter };
            theirs.extend(page.letters.into_iter().filter(is_theirs).map(small));
            from = page.next;
        }
        let mut gone = 0;
        for letters in theirs.chunks(STEP.letters) {
            gone += self.take_out(letters)?;
        }
        Ok(gone + local.redact(people)?)
    }

    /// Gives up letters that were buried before an instant, here; the other routers do the same.
    ///
    /// # Errors
    /// `Io`; some of them may be out.
    pub(super) fn expire(&self, before: Timestamp) -> Result<LetterCounts, JournalError> {
        let gone = self.shared.local.expire_letters(before)?;
        if !gone.is_empty() {
            self.shared.state().book.forget_before(before);
        }
        Ok(gone)
    }

    /// Stops following, after one more attempt to tell the topic what it was not told. What still waits is told after the
    /// next start.
    pub(super) fn close(&self) {
        self.shared.stop.store(true, Ordering::Release);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.thread().unpark();
            // A panic there was told by the hook; here nothing depends on it any more.
            drop(thread.join());
        }
    }
}

impl Drop for DeadTopic {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Sends records, unless others wait: those go first.
    fn send(&self, parcels: &[Parcel<'_>], is_busy: bool) -> Vec<Sent> {
        if is_busy {
            return vec![Sent::NotNow("others wait".to_owned()); parcels.len()];
        }
        let sent = self.sender.send(parcels);
        match sent.iter().find_map(|sent| if let Sent::NotNow(why) = sent { Some(why) } else { None }) {
            Some(why) => self.cannot_write(why),
            None if sent.is_empty() => {}
            None => self.can_write(0),
        }
        sent
    }

    /// Keeps letters that were buried here, and what the topic is still to be told of them.
    fn keep_own(&self, lines: &[(LetterKey, Vec<u8>)], sent: &[Sent]) -> Result<(), JournalError> {
        let mut state = self.state();
        let owed = lines.iter().zip(sent).filter(|(_, sent)| matches!(sent, Sent::NotNow(_)));
        let owed: Vec<LetterKey> = owed.map(|((key, _), _)| *key).collect();
        // Before the letter itself: a letter without this line would never be shared, a line without a letter is passed over.
        state.outbox.push(owed.iter().map(|key| Word::Letter(*key)))?;
        owed.iter().for_each(|key| state.book.owe(*key));
        self.not_shared(sent);
        // Another router may have taken one out since it is in the topic.
        let ours: Vec<_> = lines.iter().filter(|(key, _)| state.book.is_expected(*key)).collect();
        let texts: Vec<Vec<u8>> = ours.iter().map(|(_, line)| line.clone()).collect();
        if texts.is_empty() {
            return Ok(());
        }
        let ids = self.local.keep_letters(&texts)?;
        ours.iter().zip(ids).for_each(|((key, _), id)| state.book.kept(*key, id));
        Ok(())
    }

    fn not_shared(&self, sent: &[Sent]) {
        let never: Vec<&String> = sent
            .iter()
            .filter_map(|sent| if let Sent::Never(why) = sent { Some(why) } else { None })
            .collect();
        if let Some(why) = never.first() {
            LettersNotShared { topic: &self.topic, count: never.len(), why }.emit();
        }
    }

    fn cannot_write(&self, why: &str) {
        if !std::mem::replace(&mut self.state().is_mute, true) {
            DeadTopicSilent { topic: &self.topic, reading: false, why }.emit();
        }
    }

    fn can_write(&self, records: usize) {
        if std::mem::replace(&mut self.state().is_mute, false) {
            DeadTopicHeard { topic: &self.topic, records }.emit();
        }
    }
}

/// Goes over the letters in the files and over what an earlier life left to be told.
fn read_book(local: &EmbeddedJournal, outbox: &Outbox) -> Result<Book, JournalError> {
    let (mut book, end) = (Book::default(), local.letters_end());
    let mut from = Some(LetterId { file: 0, offset: 0 });
    while let Some(start) = from {
        let page = local.letters(&LetterFilter::default(), Walk::Forth(start, end), STEP)?;
        let keyed = page.letters.iter().filter_map(|letter| Some((letter.key?, letter.id)));
        keyed.for_each(|(key, id)| book.kept(key, id));
        from = page.next;
    }
    for word in outbox.words() {
        match word {
            Word::Letter(key) => book.owe(key),
            Word::Gone(key) => book.is_gone(key),
        }
    }
    Ok(book)
}

/// Says that whoever followed has failed, so many times, and passes its successor on: it goes on where that one had come to.
fn remade(ends: u32, successor: Result<Follower, JournalError>) -> Option<Follower> {
    let why = successor.as_ref().err().map_or_else(|| "it goes on".to_owned(), ToString::to_string);
    let error = format!("the thread failed {ends} times; {why}");
    Trouble { whom: "journal", doing: "follow the topic of dead letters", error: &error }.emit();
    successor.ok()
}

fn io_error(context: String, source: io::Error) -> JournalError {
    JournalError::Io { context, source }
}
