//! Overwriting lines of files in place: whole ones, or single words in them.
//!
//! Separate from taking lines out, which leaves what they say on the disk: what was taken out before is overwritten too. A line
//! keeps its length, so that places stay what they are; its first byte goes first, which alone makes it pass for taken out.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::path::Path;

use serde_json::value::RawValue;

use super::files::{self, failed};
use super::walk::Place;
use crate::journal::JournalError;
use crate::spec::{People, Seeker};

/// What is to become of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays.
    Stays,
    /// Nothing of it stays.
    Goes,
    /// It stays without these words.
    Loses(Vec<Range<usize>>),
}

/// Says what is to become of a line at a place, which is as it was before it was taken out; whether it is still there comes
/// with it.
pub(super) type Judge<'a> = dyn FnMut(Place, &[u8], bool) -> Fate + 'a;

const TAKEN_OUT: u8 = b'-';

/// Returns who looks for these people.
pub(super) fn seeker(people: &People) -> Result<Seeker<'_>, JournalError> {
    let context = "could not look for people".to_owned();
    Seeker::of(people).map_err(|why| JournalError::Io { context, source: io::Error::other(why) })
}

/// What of a rejected event's line may hold an id: the event, which nobody sends anywhere, and our words about it.
const REJECTED: &[&str] = &["event", "message", "message_id", "path"];
/// What of a letter or a note may hold an id of others: the other side's words. The event of a letter is somebody's, who gets it as
/// it is when it is sent again; everything else is ours.
const ANSWERS: &[&str] = &["answer"];

/// Overwrites what is to go of the lines of one file that begin in `within`, durably; returns how many lines went that were still
/// there. A file that is gone has none. What was being overwritten when a process ended goes whole.
pub(super) fn file(
    path: &Path,
    (number, within): (u64, Range<u64>),
    judge: &mut Judge<'_>,
) -> Result<u64, JournalError> {
    let Some(text) = text(path, &within)? else { return Ok(0) };
    let mut writes: Vec<(u64, Vec<u8>)> = Vec::new();
    let (mut offset, mut gone) = (within.start, 0);
    for line in text.split(|byte| *byte == b'\n') {
        let place = Place { file: number, offset };
        let is_there = line.first() == Some(&b'{');
        let fate = if is_half_gone(line) { Fate::Goes } else { judge(place, &whole(line), is_there) };
        match fate {
            Fate::Stays => {}
            Fate::Goes => {
                gone += u64::from(is_there);
                let blank = vec![b' '; line.len().saturating_sub(1)];
                writes.extend([(offset, vec![TAKEN_OUT]), (offset + 1, blank)]);
            }
            Fate::Loses(words) => writes.extend(without(line, &words).map(|(at, text)| (offset + at, text))),
        }
        offset += line.len() as u64 + 1;
    }
    if !writes.is_empty() {
        write(path, &writes)?;
    }
    Ok(gone)
}

fn text(path: &Path, within: &Range<u64>) -> Result<Option<Vec<u8>>, JournalError> {
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed("open", path))?,
    };
    let end = file.metadata().map_err(failed("inspect", path))?.len().min(within.end);
    let mut text = vec![0; usize::try_from(end.saturating_sub(within.start)).unwrap_or(0)];
    let read = files::read_at(&file, &mut text, within.start).map_err(failed("read", path))?;
    text.truncate(read);
    Ok(Some(text))
}

/// Returns the stretch of a line that the words are in, with stars in their places, and where in the line it begins: one write,
/// however many words.
fn without(line: &[u8], words: &[Range<usize>]) -> Option<(u64, Vec<u8>)> {
    let start = words.iter().map(|word| word.start).min()?;
    let end = words.iter().map(|word| word.end).max()?;
    let mut text = line.get(start..end)?.to_vec();
    for word in words {
        text.get_mut(word.start - start..word.end - start)?.fill(b'*');
    }
    Some((start as u64, text))
}

/// Returns whether a kill has left the rest of a line that was being overwritten. One that was only taken out is whole behind its
/// first byte.
fn is_half_gone(line: &[u8]) -> bool {
    let rest = line.strip_prefix(&[TAKEN_OUT]).unwrap_or_default();
    let is_blank = rest.iter().all(|byte| *byte == b' ');
    !is_blank && serde_json::from_slice::<&RawValue>(&whole(line)).is_err()
}

fn write(path: &Path, writes: &[(u64, Vec<u8>)]) -> Result<(), JournalError> {
    let file = files::open(path)?;
    for (offset, bytes) in writes {
        files::write_at(&file, bytes, *offset).map_err(failed("write", path))?;
    }
    file.sync_data().map_err(failed("sync", path))
}

/// Returns a line as it was before it was taken out.
fn whole(line: &[u8]) -> Cow<'_, [u8]> {
    match line.strip_prefix(&[TAKEN_OUT]) {
        Some(rest) => Cow::Owned([b"{", rest].concat()),
        None => Cow::Borrowed(line),
    }
}

/// Returns what becomes of a letter or a note that is nobody's of these people.
pub(super) fn of_others(seeker: &Seeker<'_>, line: &[u8]) -> Fate {
    without_mentions(seeker, line, ANSWERS)
}

/// Returns what becomes of a line that is no letter: what a kill has left of one goes when an id stands in it.
pub(super) fn of_no_letter(seeker: &Seeker<'_>, line: &[u8]) -> Fate {
    let is_torn = serde_json::from_slice::<&RawValue>(line).is_err();
    if is_torn && seeker.concerns_broken(&String::from_utf8_lossy(line)) { Fate::Goes } else { Fate::Stays }
}

/// Returns who judges rejected events.
pub(super) fn of_rejected(seeker: &Seeker<'_>) -> impl FnMut(Place, &[u8], bool) -> Fate {
    move |_, line, _| {
        let is_theirs = seeker.concerns_rejected(&String::from_utf8_lossy(line));
        if is_theirs { Fate::Goes } else { without_mentions(seeker, line, REJECTED) }
    }
}

fn without_mentions(seeker: &Seeker<'_>, line: &[u8], members: &[&str]) -> Fate {
    let words = std::str::from_utf8(line).map(|line| seeker.mentions(line, members)).unwrap_or_default();
    if words.is_empty() { Fate::Stays } else { Fate::Loses(words) }
}
