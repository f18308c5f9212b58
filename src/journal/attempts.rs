//! What deliveries note about events: each attempt with its answer, and each fate that is not plainly "delivered".
//!
//! Separate from the records because it is an operator's help, not data: one note speaks of many positions, and losing one
//! changes no delivery. Pure: values, and the lines that every engine stores.

use std::borrow::Cow;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Position;

/// Most bytes of the other side's words in one note.
pub const MAX_ANSWER_BYTES: usize = 1024;
/// What every line begins with; the positions come first, so that a search need not read the rest.
const LEAD: &[u8] = b"{\"p\":[";

/// A word from a closed list: a class, a fate, a reason.
pub type Word = Cow<'static, str>;

/// Something that a delivery wants to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Which destination.
    pub destination: String,
    /// Which events: sorted, disjoint, half-open ranges of positions.
    pub ranges: Vec<Range<u64>>,
    /// When it began.
    pub at: Timestamp,
    /// What there is to say about them.
    pub matter: Matter,
}

/// What a note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matter {
    /// They were tried.
    Attempt(Attempt),
    /// They will not be tried, or not any more.
    Fate {
        /// `skipped` or `dead`.
        fate: Word,
        /// From the closed list of reasons.
        reason: Word,
    },
}

/// What one attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// `delivered`, `refused`, `broken`, `transient` or `throttled`; `deferred` where the event waits for something of ours.
    pub class: Word,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// From the closed list of reasons; `None` when delivered.
    pub reason: Option<Word>,
    /// The other side's words, or the transport error; at most [`MAX_ANSWER_BYTES`].
    pub answer: String,
    /// How long the other side took, in milliseconds; `None` when nothing was sent.
    pub latency_ms: Option<u64>,
    /// The table that it was about, where it failed and that is known.
    pub table: Option<String>,
}

impl Note {
    /// Returns the note that a range of events will not be tried.
    pub fn skipped(destination: &str, range: Range<u64>, reason: &'static str, at: Timestamp) -> Note {
        let matter = Matter::Fate { fate: Word::Borrowed("skipped"), reason: Word::Borrowed(reason) };
        Note { destination: destination.to_owned(), ranges: Vec::from([range]), at, matter }
    }

    /// Returns whether the note speaks of this position.
    pub fn covers(&self, position: Position) -> bool {
        let after = self.ranges.partition_point(|range| range.start <= position.0);
        let last = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        last.is_some_and(|range| position.0 < range.end)
    }

    /// Returns whether the note is about an event's end, which is kept as long as the event.
    pub fn is_fate(&self) -> bool {
        matches!(self.matter, Matter::Fate { .. })
    }

    /// Returns the range from the first to the last position.
    pub fn span(&self) -> Range<u64> {
        let first = self.ranges.first().map_or(0, |range| range.start);
        first..self.ranges.last().map_or(first, |range| range.end)
    }
}

/// Adds a position; cheap when it follows the one before. To be followed by [`tidy`].
pub fn push(ranges: &mut Vec<Range<u64>>, position: u64) {
    match ranges.last_mut() {
        Some(last) if last.end == position => last.end += 1,
        Some(_) | None => ranges.push(position..position + 1),
    }
}

/// Returns the ranges sorted and joined.
pub fn tidy(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let joined = next.start <= last.end;
        if joined {
            last.end = last.end.max(next.end);
        }
        joined
    });
    ranges
}

/// Returns the beginning of a text that fits into a note.
pub fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_ANSWER_BYTES)).unwrap_or(text)
}

/// One note as a line; keys that say nothing are left out, since most lines say "delivered".
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    p: Vec<(u64, u64)>,
    to: Cow<'a, str>,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fate: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    answer: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<Cow<'a, str>>,
}

impl<'a> Line<'a> {
    fn of(note: &'a Note) -> Self {
        let mut line = Line {
            p: note.ranges.iter().map(|range| (range.start, range.end)).collect(),
            to: Cow::Borrowed(&note.destination),
            at: note.at,
            class: None,
            fate: None,
            status: None,
            reason: None,
            answer: Cow::Borrowed(""),
            ms: None,
            table: None,
        };
        match &note.matter {
            Matter::Fate { fate, reason } => {
                (line.fate, line.reason) = (Some(borrowed(fate)), Some(borrowed(reason)));
            }
            Matter::Attempt(attempt) => {
                line.class = Some(borrowed(&attempt.class));
                line.reason = attempt.reason.as_ref().map(borrowed);
                line.answer = Cow::Borrowed(cut(&attempt.answer));
                (line.status, line.ms) = (attempt.status, attempt.latency_ms);
                line.table = attempt.table.as_deref().map(Cow::Borrowed);
            }
        }
        line
    }

    fn into_note(self) -> Option<Note> {
        let owned = |word: Cow<'a, str>| Word::Owned(word.into_owned());
        let matter = match (self.class, self.fate) {
            (Some(class), _) => Matter::Attempt(Attempt {
                class: owned(class),
                status: self.status,
                reason: self.reason.map(owned),
                answer: self.answer.into_owned(),
                latency_ms: self.ms,
                table: self.table.map(Cow::into_owned),
            }),
            (None, Some(fate)) => Matter::Fate { fate: owned(fate), reason: owned(self.reason?) },
            (None, None) => return None,
        };
        let ranges = self.p.into_iter().map(|(start, end)| start..end).collect();
        Some(Note { destination: self.to.into_owned(), ranges, at: self.at, matter })
    }
}

fn borrowed(word: &Word) -> Cow<'_, str> {
    Cow::Borrowed(word)
}

/// Adds the note as one line with its line feed.
///
/// # Errors
/// None that can happen with these types.
pub(super) fn write(note: &Note, out: &mut Vec<u8>) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *out, &Line::of(note))?;
    out.push(b'\n');
    Ok(())
}

/// Returns the note of a line; `None` for a torn or foreign one.
pub(super) fn read(line: &[u8]) -> Option<Note> {
    serde_json::from_slice::<Line<'_>>(line).ok()?.into_note()
}

/// Returns whether a line speaks of this position, looking at its beginning alone.
pub(super) fn line_covers(line: &[u8], position: Position) -> bool {
    let Some(mut rest) = line.strip_prefix(LEAD) else { return false };
    while let Some((start, end, after)) = pair(rest) {
        if position.0 < start {
            return false;
        }
        if position.0 < end {
            return true;
        }
        rest = after;
    }
    false
}

/// Reads `[1,2]` and the comma behind it.
fn pair(text: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (start, text) = number(text.strip_prefix(b"[")?)?;
    let (end, text) = number(text.strip_prefix(b",")?)?;
    let text = text.strip_prefix(b"]")?;
    Some((start, end, text.strip_prefix(b",").unwrap_or(text)))
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::{attempt_note as attempt, fate_note as fate};

    fn line(note: &Note) -> String {
        let mut out = Vec::new();
        write(note, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_delivered_batch_is_one_small_line() {
        let note = attempt("hook", &[(5, 105)], "delivered", "");
        insta::assert_snapshot!(line(&note), @r#"{"p":[[5,105]],"to":"hook","at":"2030-03-17T17:46:40Z","class":"delivered","status":200,"ms":12}"#);
    }

    #[test]
    fn every_note_survives_its_line() {
        let notes = [
            attempt("hook", &[(5, 6), (8, 12)], "delivered", ""),
            attempt("a \"b\" ü\n", &[(0, u64::MAX)], "transient", "line one\nline \"two\" \u{1f600}"),
            fate("hook", &[(3, 4)], "dead", "rejected"),
        ];
        let mut placed = attempt("bq", &[(1, 2)], "refused", "no such field");
        if let Matter::Attempt(one) = &mut placed.matter {
            one.table = Some("signed_up".to_owned());
        }
        for note in notes.into_iter().chain([placed]) {
            let text = line(&note);
            assert_eq!(text.matches('\n').count(), 1, "{text}");
            assert_eq!(read(text.as_bytes()), Some(note));
        }
    }

    #[test]
    fn the_beginning_of_a_line_tells_which_positions_it_is_about() {
        let note = attempt("hook", &[(5, 6), (8, 12), (20, 21)], "delivered", "");
        let text = line(&note);
        for position in 0..30 {
            let position = Position(position);
            assert_eq!(line_covers(text.as_bytes(), position), note.covers(position), "{position:?}");
        }
        for foreign in ["", "{", "{\"p\":[", "{\"p\":[[5", "{\"spans\":{\"hook\":[5,6]}}", "[5,6]"] {
            assert!(!line_covers(foreign.as_bytes(), Position(5)), "{foreign}");
        }
    }

    #[test]
    fn a_long_answer_is_cut_between_characters() {
        let text = "ü".repeat(MAX_ANSWER_BYTES);
        assert_eq!(cut(&text).len(), MAX_ANSWER_BYTES);
        let text = format!("x{text}");
        assert_eq!(cut(&text).len(), MAX_ANSWER_BYTES - 1);
        let stored = read(line(&attempt("hook", &[(0, 1)], "refused", &text)).as_bytes()).unwrap();
        assert!(matches!(stored.matter, Matter::Attempt(attempt) if attempt.answer == cut(&text)));
    }

    #[test]
    fn a_torn_line_is_no_note() {
        let text = line(&attempt("hook", &[(5, 105)], "transient", "busy"));
        for end in 0..text.len() - 2 {
            assert_eq!(read(&text.as_bytes()[..end]), None, "{end}");
        }
    }

    #[test]
    fn positions_are_joined_into_ranges() {
        let mut ranges = Vec::new();
        [7, 9, 10, 1, 2, 2, 3, 12, 11, 4].into_iter().for_each(|position| push(&mut ranges, position));
        assert_eq!(tidy(ranges), [1..5, 7..8, 9..13]);
    }
}
