//! What the topic of dead letters is still to be told: a small file, so that a stop in between forgets nothing.
//!
//! A first in, first out queue of lines `+KEY` (here is a letter, its text is in the files of letters) and `-KEY` (it is
//! gone). The file is emptied when everything is told; a kill before that has it told again, which changes nothing.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::journal::{JournalError, LetterKey};

/// A sign, a key, a line feed.
const LINE: usize = 34;

/// One thing to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Here is a letter.
    Letter(LetterKey),
    /// A letter is gone.
    Gone(LetterKey),
}

impl Word {
    pub(super) fn key(self) -> LetterKey {
        match self {
            Word::Letter(key) | Word::Gone(key) => key,
        }
    }

    fn read(line: &[u8]) -> Option<Word> {
        let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
        let letter = || Some(Word::Letter(text.strip_prefix('+')?.parse().ok()?));
        let gone = || Some(Word::Gone(text.strip_prefix('-')?.parse().ok()?));
        letter().or_else(gone)
    }

    fn write(self) -> String {
        match self {
            Word::Letter(key) => format!("+{key}\n"),
            Word::Gone(key) => format!("-{key}\n"),
        }
    }
}

/// The queue.
#[derive(Debug)]
pub(super) struct Outbox {
    path: PathBuf,
    file: File,
    /// Whole lines of the file.
    lines: u64,
    waiting: VecDeque<Word>,
}

impl Outbox {
    /// Opens the file, or begins one. What a kill left of a line is cut.
    pub(super) fn open(path: PathBuf) -> Result<Outbox, JournalError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(failed("open", &path))?;
        let bytes = std::fs::read(&path).map_err(failed("read", &path))?;
        let lines = bytes.chunks_exact(LINE);
        let waiting: VecDeque<Word> = lines.map_while(Word::read).collect();
        let lines = waiting.len() as u64;
        file.set_len(lines * LINE as u64).map_err(failed("cut", &path))?;
        Ok(Outbox { path, file, lines, waiting })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns how much waits.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds words at the end, durably.
    pub(super) fn push(&mut self, words: impl IntoIterator<Item = Word>) -> Result<(), JournalError> {
        let words: Vec<Word> = words.into_iter().collect();
        if words.is_empty() {
            return Ok(());
        }
        let text: String = words.iter().map(|word| word.write()).collect();
        let end = self.lines * LINE as u64;
        let written = self.file.write_all_at(text.as_bytes(), end).and_then(|()| self.file.sync_data());
        written.map_err(failed("append to", &self.path))?;
        self.lines += words.len() as u64;
        self.waiting.extend(words);
        Ok(())
    }

    /// Returns the first words.
    pub(super) fn first(&self, most: usize) -> Vec<Word> {
        self.waiting.iter().take(most).copied().collect()
    }

    /// The first words were told; the file is emptied after the last one.
    pub(super) fn told(&mut self, count: usize) -> Result<(), JournalError> {
        self.waiting.drain(..count.min(self.waiting.len()));
        if !self.waiting.is_empty() || self.lines == 0 {
            return Ok(());
        }
        self.file.set_len(0).and_then(|()| self.file.sync_data()).map_err(failed("empty", &self.path))?;
        self.lines = 0;
        Ok(())
    }

    /// Returns all that waits.
    pub(super) fn words(&self) -> impl Iterator<Item = Word> {
        self.waiting.iter().copied()
    }
}

fn failed(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let context = format!("could not {doing} `{}`", path.display());
    move |source| JournalError::Io { context, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::at;

    fn key(n: u128) -> LetterKey {
        LetterKey::new(at(0), n)
    }

    #[test]
    fn what_waits_is_still_there_after_a_kill_and_a_torn_line_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("unsent");
        let words = [Word::Letter(key(1)), Word::Gone(key(1)), Word::Letter(key(2))];
        Outbox::open(path.clone()).unwrap().push(words).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut outbox = Outbox::open(path.clone()).unwrap();
            let left = &words[..cut / LINE];
            assert_eq!(outbox.first(9), left, "cut at {cut}");
            outbox.push([Word::Gone(key(9))]).unwrap();
            let again = Outbox::open(path.clone()).unwrap();
            assert_eq!(again.first(9), [left, &[Word::Gone(key(9))]].concat(), "cut at {cut}");
        }
    }

    #[test]
    fn the_file_is_empty_when_everything_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("unsent");
        let mut outbox = Outbox::open(path.clone()).unwrap();
        outbox.push([Word::Letter(key(1)), Word::Letter(key(2))]).unwrap();
        outbox.told(1).unwrap();
        assert_eq!((outbox.len(), outbox.first(9)), (1, vec![Word::Letter(key(2))]));
        outbox.told(1).unwrap();
        assert!(outbox.is_empty() && Outbox::open(path.clone()).unwrap().is_empty());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        outbox.push([Word::Gone(key(3))]).unwrap();
        assert_eq!(Outbox::open(path).unwrap().first(9), [Word::Gone(key(3))]);
    }
}
