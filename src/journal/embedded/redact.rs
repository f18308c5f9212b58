//! Overwriting lines of files in place: whole ones, or single words in them.
//!
//! Separate from taking lines out, which leaves what they say on the disk: what was taken out before is overwritten too. A line
//! keeps its length, so that places stay what they are; its first byte goes first, which alone makes it pass for taken out.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::files::{self, failed};
use super::walk::Place;
use crate::journal::JournalError;
use crate::spec::People;

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

/// Overwrites what is to go of one file, durably; returns how many lines went that were still there. A file that is gone has
/// none.
pub(super) fn file(path: &Path, number: u64, judge: &mut Judge<'_>) -> Result<u64, JournalError> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        read => read.map_err(failed("read", path))?,
    };
    let mut writes: Vec<(u64, Vec<u8>)> = Vec::new();
    let (mut offset, mut gone) = (0_u64, 0);
    for line in text.split(|byte| *byte == b'\n') {
        let place = Place { file: number, offset };
        let is_there = line.first() == Some(&b'{');
        match judge(place, &whole(line), is_there) {
            Fate::Stays => {}
            Fate::Goes => {
                gone += u64::from(is_there);
                let blank = vec![b' '; line.len().saturating_sub(1)];
                writes.extend([(offset, vec![TAKEN_OUT]), (offset + 1, blank)]);
            }
            Fate::Loses(words) => {
                let stars = |word: Range<usize>| (offset + word.start as u64, vec![b'*'; word.len()]);
                writes.extend(words.into_iter().map(stars));
            }
        }
        offset += line.len() as u64 + 1;
    }
    if !writes.is_empty() {
        write(path, &writes)?;
    }
    Ok(gone)
}

fn write(path: &Path, writes: &[(u64, Vec<u8>)]) -> Result<(), JournalError> {
    let file = files::open(path)?;
    for (offset, bytes) in writes {
        files::write_at(&file, bytes, *offset).map_err(failed("write", path))?;
    }
    file.sync_data().map_err(failed("sync", path))
}

/// Returns a line as it was before it was taken out.
fn whole(line: &[u8]) -> Vec<u8> {
    let mut line = line.to_vec();
    if let Some(first) = line.first_mut().filter(|first| **first == TAKEN_OUT) {
        *first = b'{';
    }
    line
}

/// Returns what becomes of a line that is nobody's of these people.
pub(super) fn of_others(people: &People, line: &[u8]) -> Fate {
    let words = people.mentions(line);
    if words.is_empty() { Fate::Stays } else { Fate::Loses(words) }
}

/// Returns who judges rejected events.
pub(super) fn of_rejected(people: &People) -> impl FnMut(Place, &[u8], bool) -> Fate {
    move |_, line, _| {
        let is_theirs = std::str::from_utf8(line).is_ok_and(|line| people.concerns_rejected(line));
        if is_theirs { Fate::Goes } else { of_others(people, line) }
    }
}
