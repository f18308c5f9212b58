//! Dead letters as they are listed, sent again and taken out: which one, which ones, how many.
//!
//! Separate because every engine answers in the same words. Pure. Never decides what becomes of a letter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{Position, letter_line};
use crate::spec::{Event, Problem, Receipt};

/// The place of a letter: the number of its file and its byte offset there, as in `3-18220`. Later letters have larger
/// ones; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterId {
    /// The file.
    pub file: u64,
    /// Where its line begins.
    pub offset: u64,
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.file, self.offset)
    }
}

/// The name of a letter wherever several routers have it: when it was buried, and chance. As text 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterKey(u128);

impl LetterKey {
    /// Bits of chance; above them are the milliseconds since 1970.
    const CHANCE: u32 = 80;

    /// Returns the key of a letter that was buried at this instant; the lower 80 bits of `chance` tell it from others.
    pub fn new(at: Timestamp, chance: u128) -> LetterKey {
        LetterKey(LetterKey::floor(at).0 | (chance & ((1 << LetterKey::CHANCE) - 1)))
    }

    /// Returns the smallest key of this instant.
    pub fn floor(at: Timestamp) -> LetterKey {
        LetterKey(u128::try_from(at.as_millisecond()).unwrap_or(0) << LetterKey::CHANCE)
    }
}

impl fmt::Display for LetterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for LetterKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<LetterKey, NotAKey> {
        let digits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(text, 16).ok().filter(|_| digits);
        number.map(LetterKey).ok_or(NotAKey)
    }
}

/// The text is not the key of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 hexadecimal digits")]
pub struct NotAKey;

/// The text is not the id of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must look like 0-18220")]
pub struct NotAnId;

impl FromStr for LetterId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<LetterId, NotAnId> {
        let (file, offset) = text.split_once('-').ok_or(NotAnId)?;
        let id = LetterId { file: number(file)?, offset: number(offset)? };
        Ok(id)
    }
}

/// Digits alone: `parse` would take `+7` too, and one letter would have two names.
fn number(text: &str) -> Result<u64, NotAnId> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(NotAnId)
}

/// Which letters are meant; every condition that is there must hold. The default means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Configured name of the destination that refused them.
    pub destination: Option<String>,
    /// From the closed list; a `*` at the end stands for any rest, see [`is_reason_of`].
    pub reason: Option<String>,
    /// Buried at this instant or later.
    pub from: Option<Timestamp>,
    /// Buried before this instant.
    pub until: Option<Timestamp>,
    /// This one alone.
    pub id: Option<LetterId>,
    /// Of events from these sources alone; letters of earlier releases do not tell theirs.
    pub sources: Option<BTreeSet<String>>,
}

impl LetterFilter {
    /// Returns whether a letter is meant.
    pub fn admits(&self, letter: &Letter) -> bool {
        self.id.is_none_or(|id| id == letter.id)
            && self.destination.as_ref().is_none_or(|name| *name == letter.destination)
            && self.reason.as_ref().is_none_or(|pattern| is_reason_of(pattern, &letter.reason))
            && self.from.is_none_or(|from| letter.at >= from)
            && self.until.is_none_or(|until| letter.at < until)
            && self.sources.as_ref().is_none_or(|sources| letter.is_from(sources))
    }
}

/// Returns whether a reason is the one that the pattern names, or one of those: `schema_*` names all that begin so.
pub fn is_reason_of(pattern: &str, reason: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == reason, |beginning| reason.starts_with(beginning))
}

/// A dead letter as it was kept.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its place.
    pub id: LetterId,
    /// Its name among all routers; `None` where one router alone has it.
    pub key: Option<LetterKey>,
    /// Configured name of the destination that refused it, or had it for too long.
    pub destination: String,
    /// The event's id.
    pub message_id: String,
    /// The record that died.
    pub position: Option<Position>,
    /// From the closed list.
    pub reason: String,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// The other side's words.
    pub answer: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was buried.
    pub at: Timestamp,
    /// The table that refused the row, where that is known.
    pub table: Option<String>,
    /// Statements that repair it, where some would.
    pub ddl: Option<String>,
    /// The event's text: as sent where there is a receipt, else complete.
    pub raw: Bytes,
    /// What the door had added.
    pub receipt: Option<Receipt>,
}

impl Letter {
    /// Makes the event again, with the same id, times and source as the first time.
    ///
    /// # Errors
    /// Its text is not an event that could have been stored.
    pub fn event(&self) -> Result<Event, Problem> {
        let lost = || Problem {
            path: "receipt".to_owned(),
            code: crate::spec::Code::BadJson,
            message: "the letter does not say what was received".to_owned(),
        };
        let received = || Some((self.raw.clone(), self.receipt.clone()?));
        let (raw, receipt) = received().or_else(|| letter_line::unfolded(&self.raw)).ok_or_else(lost)?;
        Event::restore(raw, receipt)
    }

    /// Returns whether the event came from one of these sources, as far as the letter tells.
    fn is_from(&self, sources: &BTreeSet<String>) -> bool {
        self.receipt.as_ref().is_some_and(|receipt| sources.contains(&*receipt.source))
    }

    /// Returns the event as the destination would have seen it: JSON text.
    pub fn text(&self) -> Bytes {
        let Some(Ok(event)) = self.receipt.as_ref().map(|_| self.event()) else { return self.raw.clone() };
        let mut text = Vec::with_capacity(self.raw.len() + 256);
        event.write_json(&mut text);
        text.into()
    }
}

/// Where a walk over letters goes on.
#[derive(Debug, Clone, Default)]
pub struct LetterPage {
    /// The letters, in the order that was asked for.
    pub letters: Vec<Letter>,
    /// What to go on with; `None` when nothing is left.
    pub next: Option<LetterId>,
}

/// How much of the letters one page may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit {
    /// Most letters.
    pub letters: usize,
    /// Most bytes of their lines; one letter is returned in any case.
    pub bytes: usize,
    /// Most bytes of lines that are looked at.
    pub seen: usize,
}

impl PageLimit {
    /// Returns a limit of so many letters, and bounds of memory and time that suit one answer.
    pub const fn of(letters: usize) -> PageLimit {
        PageLimit { letters, bytes: 16 << 20, seen: 256 << 20 }
    }
}

/// In which order letters are walked over, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Newest first, those before this one.
    Back(Option<LetterId>),
    /// Oldest first, from this one on, as far as (and without) the second.
    Forth(LetterId, LetterId),
}

/// How many letters there are, by destination and reason. On disk a pair that had some since the start stays with 0.
pub type LetterCounts = BTreeMap<(String, String), u64>;

/// One page of dead letters for people, newest first.
#[derive(Debug, Clone, Default)]
pub struct LetterList {
    /// One JSON object each: `{id, destination, message_id, table, reason, status, answer, ddl, attempts, at, event}`.
    pub dead_letters: Vec<Arc<RawValue>>,
    /// Where the next page starts.
    pub next: Option<String>,
}

impl From<LetterPage> for LetterList {
    fn from(page: LetterPage) -> LetterList {
        let shown = page.letters.iter().filter_map(letter_line::shown);
        LetterList { dead_letters: shown.collect(), next: page.next.map(|next| next.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_the_end_of_a_reason_stands_for_any_rest() {
        let named = |pattern: &str| {
            let reasons = ["schema", "schema_missing_table", "rejected"];
            reasons.into_iter().filter(|reason| is_reason_of(pattern, reason)).count()
        };
        let counts = ["schema", "schema_*", "schema*", "*", "", "*schema", "schema_missing"].map(named);
        assert_eq!(counts, [1, 1, 2, 3, 0, 0, 0]);
    }

    #[test]
    fn a_key_is_an_instant_and_chance() {
        let at = "2030-01-01T00:00:00.007Z".parse().unwrap();
        let key = LetterKey::new(at, u128::MAX);
        assert_eq!(key.to_string(), "01b8dac5b407ffffffffffffffffffff");
        assert_eq!(key.to_string().parse(), Ok(key));
        let later: Timestamp = "2030-01-01T00:00:00.008Z".parse().unwrap();
        assert!(LetterKey::floor(at) < key && key < LetterKey::floor(later));
        for odd in
            ["", "01b8dac5b407fffffffffffffffffff", "01B8DAC5B407FFFFFFFFFFFFFFFFFFFF", &"+".repeat(32)]
        {
            assert_eq!(odd.parse::<LetterKey>(), Err(NotAKey), "{odd}");
        }
    }

    #[test]
    fn an_id_is_two_numbers_and_nothing_else() {
        let id = LetterId { file: 3, offset: 18_220 };
        assert_eq!("3-18220".parse(), Ok(id));
        assert_eq!(id.to_string(), "3-18220");
        let odd = ["", "-", "3", "3-", "-3", "+3-1", "3-+1", "3-1-1", "3 -1", "a-b", "3-1\0", "٣-1"];
        for text in odd.into_iter().chain(["99999999999999999999-0", "../../etc/passwd"]) {
            assert_eq!(text.parse::<LetterId>(), Err(NotAnId), "{text}");
        }
    }
}
