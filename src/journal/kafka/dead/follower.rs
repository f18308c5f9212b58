//! The thread that follows the topic of dead letters into the files, and tells the topic what it was not told.
//!
//! Alone in reading; burying and taking out go on beside it. What waits is told only after everything in the topic was read,
//! since the topic may have it already.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;

use super::book::{Changes, Told};
use super::outbox::Word;
use super::progress::Progress;
use super::sender::{Ears, Parcel, Sent, client_config};
use super::{PARTITION, Shared, State, io_error};
use crate::journal::{
    Journal as _, JournalError, LetterFilter, LetterId, LetterKey, PageLimit, Walk, letter_line,
};
use crate::telemetry::events::{DeadTopicSilent, OddDeadRecord, Trouble};

/// What the library is told on top of how it connects.
const PROPERTIES: &[(&str, &str)] = &[
    ("client.id", "opentrack-dead-letters"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // A place that is not there any more, since the topic was made anew or is shorter: everything, what is here is passed over.
    ("auto.offset.reset", "earliest"),
    ("allow.auto.create.topics", "false"),
    ("fetch.wait.max.ms", "500"),
    ("queued.max.messages.kbytes", "8192"),
    // A topic that is made later is noticed soon.
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("reconnect.backoff.max.ms", "2000"),
];
/// How long a look for the next record takes; also how long a stop waits.
const LOOK: Duration = Duration::from_millis(100);
/// Records and bytes that are taken in at once.
const CHUNK: (usize, usize) = (1_000, 4 << 20);
/// Records that are told at once.
const WORDS: usize = 500;
/// How long brokers may take to say where the topic ends.
const QUESTION: Duration = Duration::from_secs(5);
/// How soon what waits is tried again, doubled up to the second.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// How soon the files are tried again.
const DISK: Duration = Duration::from_secs(1);

/// Follows.
pub(super) struct Follower {
    shared: Arc<Shared>,
    progress: Progress,
    consumer: BaseConsumer<Ears>,
    /// The offset of the next record; `None` for the beginning.
    next: Option<i64>,
    /// When what waits is tried again, and how long after that.
    again: (Instant, Duration),
}

impl Follower {
    /// Begins where an earlier life had come to.
    pub(super) fn new(
        shared: Arc<Shared>,
        progress: Progress,
        group: &str,
        connection: &BTreeMap<String, String>,
    ) -> Result<Follower, JournalError> {
        let next = progress.load();
        // The library wants a group; nothing is committed in it.
        let config =
            client_config(connection, PROPERTIES).set("group.id", format!("{group}.dead")).to_owned();
        let failed = |error: KafkaError| {
            io_error("could not read dead letters".to_owned(), std::io::Error::other(error))
        };
        let consumer: BaseConsumer<Ears> = config.create_with_context(Ears).map_err(failed)?;
        let mut places = TopicPartitionList::new();
        let place = next.map_or(Offset::Beginning, Offset::Offset);
        places.add_partition_offset(&shared.topic, PARTITION, place).map_err(failed)?;
        consumer.assign(&places).map_err(failed)?;
        Ok(Follower { shared, progress, consumer, next, again: (Instant::now(), AGAIN.0) })
    }

    /// Follows until the end of the process.
    pub(super) fn run(&mut self) {
        while !self.shared.is_stopping() {
            let before = self.next;
            let told = self.read();
            if self.take_in(told) && self.next != before {
                self.remember();
            }
            if Instant::now() >= self.again.0 {
                self.tell();
            }
        }
        self.tell();
    }

    /// Reads what is there, waiting a moment for the first.
    fn read(&mut self) -> Vec<Told> {
        let (mut told, mut bytes, mut wait) = (Vec::new(), 0, LOOK);
        while told.len() < CHUNK.0 && bytes < CHUNK.1 {
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    self.next = Some(message.offset() + 1);
                    bytes += message.payload_len();
                    told.extend(self.said(&message));
                }
                Some(Err(error)) => {
                    self.cannot_read(&error.to_string());
                    break;
                }
            }
            wait = Duration::ZERO;
        }
        if !told.is_empty() {
            self.shared.state().is_deaf = false;
        }
        told
    }

    fn said(&self, message: &BorrowedMessage<'_>) -> Option<Told> {
        let told = said(message);
        if told.is_none() {
            OddDeadRecord { topic: &self.shared.topic, offset: message.offset() }.emit();
        }
        told
    }

    fn cannot_read(&self, why: &str) {
        if !std::mem::replace(&mut self.shared.state().is_deaf, true) {
            DeadTopicSilent { topic: &self.shared.topic, reading: true, why }.emit();
        }
    }

    /// Brings the files to what was read, as often as it takes; false when it stops before that.
    fn take_in(&self, told: Vec<Told>) -> bool {
        let mut changes = self.shared.state().book.hear(told);
        while let Err(why) = self.shared.carry_out(&mut changes) {
            trouble("keep dead letters of other routers", &why);
            std::thread::park_timeout(DISK);
            if self.shared.is_stopping() {
                return false;
            }
        }
        true
    }

    fn remember(&self) {
        let stored = self.next.map_or(Ok(()), |next| self.progress.store(next));
        if let Err(why) = stored {
            trouble("remember how far dead letters were read", &why);
        }
    }

    /// Tells the topic what waits, if anything does.
    fn tell(&mut self) {
        let waiting = self.shared.state().outbox.len();
        if waiting == 0 {
            return;
        }
        let told =
            self.has_read_everything().and_then(|read| if read { self.shared.tell_all() } else { Ok(()) });
        match told {
            Ok(()) => {
                self.again = (Instant::now() + AGAIN.0, AGAIN.0);
                if self.shared.state().outbox.is_empty() {
                    self.shared.can_write(waiting);
                }
            }
            Err(why) => {
                self.shared.cannot_write(&why);
                self.again = (Instant::now() + self.again.1, (self.again.1 * 2).min(AGAIN.1));
            }
        }
    }

    fn has_read_everything(&self) -> Result<bool, String> {
        let ends = self.consumer.fetch_watermarks(&self.shared.topic, PARTITION, QUESTION);
        let (low, high) = ends.map_err(|error| error.to_string())?;
        // What the topic gave up before it was read is not to be read any more.
        Ok(self.next.unwrap_or(low).max(low) >= high)
    }
}

impl Shared {
    /// Does with the files what the topic says; what is done is taken from `changes`.
    fn carry_out(&self, changes: &mut Changes) -> Result<(), JournalError> {
        let mut state = self.state();
        if !changes.keep.is_empty() {
            let lines: Vec<Vec<u8>> = changes.keep.iter().map(|(_, line)| line.clone()).collect();
            let ids = self.local.keep_letters(&lines)?;
            changes.keep.drain(..).zip(ids).for_each(|((key, _), id)| state.book.kept(key, id));
        }
        while let Some(id) = changes.take_out.last() {
            let filter = LetterFilter { id: Some(*id), ..LetterFilter::default() };
            let begin = LetterId { file: 0, offset: 0 };
            let found = self.local.letters(&filter, Walk::Forth(begin, *id), PageLimit::of(1))?;
            self.local.take_out(&found.letters)?;
            changes.take_out.pop();
        }
        Ok(())
    }

    /// Tells the topic what waits, in order.
    fn tell_all(&self) -> Result<(), String> {
        loop {
            let words = self.state().outbox.first(WORDS);
            if words.is_empty() {
                return Ok(());
            }
            let lines = self.lines_of(&words).map_err(|why| why.to_string())?;
            let parcels: Vec<Parcel<'_>> =
                lines.iter().map(|(_, key, line)| Parcel { key: *key, line: line.as_deref() }).collect();
            let sent = self.sender.send(&parcels);
            self.not_shared(&sent);
            let failed = sent.iter().position(|sent| matches!(sent, Sent::NotNow(_)));
            let told = failed.and_then(|index| lines.get(index)).map_or(words.len(), |(place, _, _)| *place);
            self.state().told(&words, told).map_err(|why| why.to_string())?;
            if let Some(Sent::NotNow(why)) = failed.and_then(|index| sent.get(index)) {
                return Err(why.clone());
            }
        }
    }

    /// Returns what there is to be sent for these words: the place among them, the key and the line. A letter that the topic
    /// has meanwhile, or that was taken out since, is left out.
    #[expect(clippy::type_complexity, reason = "three plain values")]
    fn lines_of(&self, words: &[Word]) -> Result<Vec<(usize, LetterKey, Option<Vec<u8>>)>, JournalError> {
        let state = self.state();
        let mut lines = Vec::with_capacity(words.len());
        for (place, word) in words.iter().enumerate() {
            match word {
                Word::Gone(key) => lines.push((place, *key, None)),
                Word::Letter(key) => {
                    let id = state.book.place(*key).filter(|_| state.book.owes(*key));
                    let line = id.map_or(Ok(None), |id| self.local.letter_line(id))?;
                    lines.extend(line.map(|line| (place, *key, Some(line))));
                }
            }
        }
        Ok(lines)
    }
}

impl State {
    /// The first words were told.
    fn told(&mut self, words: &[Word], count: usize) -> Result<(), JournalError> {
        words.iter().take(count).for_each(|word| self.book.settle(word.key()));
        self.outbox.told(count)
    }
}

fn trouble(doing: &'static str, why: &JournalError) {
    Trouble { whom: "journal", doing, error: &why.to_string() }.emit();
}

/// Returns what a record says; `None` when it is no dead letter.
fn said(message: &BorrowedMessage<'_>) -> Option<Told> {
    let key = std::str::from_utf8(message.key()?).ok()?.parse().ok()?;
    match message.payload() {
        None => Some(Told::Gone(key)),
        Some(line) => (letter_line::key(line) == Some(key)).then(|| Told::Letter(key, line.to_vec())),
    }
}
