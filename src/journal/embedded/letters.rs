//! The dead letters on disk: kept, listed, taken out, counted.
//!
//! Separate from the files of lines because letters are data: they are synced, counted, and go one by one. A file of which
//! every letter is out is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::lines::Lines;
use super::redact::{self, Fate};
use super::walk::{self, Place};
use crate::journal::letter_line;
use crate::journal::{
    DeadLetter, JournalError, Letter, LetterCounts, LetterFilter, LetterId, LetterPage, PageLimit, Walk,
};
use crate::spec::Seeker;

/// All dead letters.
#[derive(Debug)]
pub(super) struct Letters {
    lines: Lines,
    /// Held while letters come or go, so that it always says what the files say.
    book: Mutex<Book>,
}

/// What is known of the letters without reading them.
#[derive(Debug, Default)]
struct Book {
    counts: LetterCounts,
    /// By number.
    files: BTreeMap<u64, InFile>,
}

/// The letters of one file that are not out.
#[derive(Debug, Clone, Copy)]
struct InFile {
    live: u64,
    /// When the oldest of them was buried, or earlier.
    oldest: Timestamp,
}

/// What taking a letter out needs to know of it.
struct Entry {
    offset: u64,
    destination: String,
    reason: String,
}

impl Book {
    fn add(&mut self, file: u64, destination: &str, reason: &str, at: Timestamp) {
        let of_file = self.files.entry(file).or_insert(InFile { live: 0, oldest: at });
        of_file.live += 1;
        of_file.oldest = of_file.oldest.min(at);
        *self.counts.entry((destination.to_owned(), reason.to_owned())).or_default() += 1;
    }

    fn remove(&mut self, file: u64, entry: &Entry) {
        if let Some(of_file) = self.files.get_mut(&file) {
            of_file.live = of_file.live.saturating_sub(1);
        }
        let key = (entry.destination.clone(), entry.reason.clone());
        if let Some(count) = self.counts.get_mut(&key) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Letters {
    /// Opens the files in `dir`, which exists, and counts what is in them.
    pub(super) fn open(dir: PathBuf) -> Result<Letters, JournalError> {
        let lines = Lines::open(dir, usize::MAX)?;
        let mut book = Book::default();
        let all = Place { file: 0, offset: 0 }..lines.end();
        lines.forth(all, &mut |place, line| {
            if let Some(found) = letter_line::summary(line) {
                book.add(place.file, &found.destination, &found.reason, found.at);
            }
            ControlFlow::Continue(())
        })?;
        let letters = Letters { lines, book: Mutex::new(book) };
        letters.tidy(&mut letters.book())?;
        Ok(letters)
    }

    /// Returns how many bytes the files take.
    pub(super) fn bytes(&self) -> Result<u64, JournalError> {
        self.lines.bytes()
    }

    /// Keeps letters, durably.
    pub(super) fn bury(&self, letters: &[DeadLetter]) -> Result<(), JournalError> {
        let lines = super::rendered(letter_line::kept(letters))?;
        let mut book = self.book();
        let file = self.lines.append(&lines, true)?.file;
        for letter in letters {
            book.add(file, &letter.destination, letter.reason, letter.at);
        }
        Ok(())
    }

    /// Keeps lines as they are, without their line feeds, durably; returns where each one is. The caller has seen that they
    /// are letters.
    #[cfg(feature = "kafka")]
    pub(super) fn keep(&self, lines: &[Vec<u8>]) -> Result<Vec<LetterId>, JournalError> {
        let joined: Vec<u8> = lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied().collect();
        let mut book = self.book();
        let mut place = self.lines.append(&joined, true)?;
        let mut places = Vec::with_capacity(lines.len());
        for line in lines {
            if let Some(found) = letter_line::summary(line) {
                book.add(place.file, &found.destination, &found.reason, found.at);
            }
            places.push(place);
            place.offset += line.len() as u64 + 1;
        }
        Ok(places)
    }

    /// Returns the line at a place as it is, without its line feed; `None` when it was taken out.
    #[cfg(feature = "kafka")]
    pub(super) fn line(&self, place: LetterId) -> Result<Option<Vec<u8>>, JournalError> {
        let mut found = None;
        walk::at(self.lines.dir(), place, &mut |_, line| {
            found = Some(line.to_vec());
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// See the trait.
    pub(super) fn page(
        &self,
        filter: &LetterFilter,
        walk: Walk,
        limit: PageLimit,
    ) -> Result<LetterPage, JournalError> {
        page(self.lines.dir(), &self.lines.numbers(), (filter, walk, limit))
    }

    /// See the trait.
    pub(super) fn end(&self) -> LetterId {
        self.lines.end()
    }

    /// See the trait.
    pub(super) fn counts(&self) -> LetterCounts {
        self.book().counts.clone()
    }

    /// See the trait.
    pub(super) fn take_out(&self, letters: &[Letter]) -> Result<u64, JournalError> {
        let mut by_file: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
        for letter in letters {
            by_file.entry(letter.id.file).or_default().push(Entry {
                offset: letter.id.offset,
                destination: letter.destination.clone(),
                reason: letter.reason.clone(),
            });
        }
        let mut book = self.book();
        let mut taken = 0;
        for (file, entries) in by_file {
            taken += self.take_out_of(file, &entries, &mut book)?.len() as u64;
        }
        self.tidy(&mut book)?;
        Ok(taken)
    }

    /// See the trait.
    pub(super) fn expire(&self, before: Timestamp) -> Result<LetterCounts, JournalError> {
        let mut book = self.book();
        let mut gone = LetterCounts::new();
        let due = book.files.iter().filter(|(_, of_file)| of_file.live > 0 && of_file.oldest < before);
        let due: Vec<u64> = due.map(|(file, _)| *file).collect();
        for file in due {
            let (entries, oldest) = self.older(file, before)?;
            for entry in self.take_out_of(file, &entries, &mut book)? {
                *gone.entry((entry.destination.clone(), entry.reason.clone())).or_default() += 1;
            }
            book.files.entry(file).and_modify(|of_file| of_file.oldest = oldest);
        }
        self.tidy(&mut book)?;
        Ok(gone)
    }

    /// Overwrites the letters about these people, and their ids in the answers to the others; returns how many letters went.
    pub(super) fn redact(&self, seeker: &Seeker<'_>) -> Result<u64, JournalError> {
        let mut book = self.book();
        let mut taken: Vec<(u64, Entry)> = Vec::new();
        let gone = self.lines.redact(&mut |place, line, is_there| {
            let Some(letter) = letter_line::read(place, line) else {
                return redact::of_no_letter(seeker, line);
            };
            let text = String::from_utf8_lossy(&letter.raw);
            if !seeker.people().concerns_text(&text) {
                return redact::of_others(seeker, line);
            }
            if is_there {
                let Letter { destination, reason, .. } = letter;
                taken.push((place.file, Entry { offset: place.offset, destination, reason }));
            }
            Fate::Goes
        })?;
        taken.iter().for_each(|(file, entry)| book.remove(*file, entry));
        self.tidy(&mut book)?;
        Ok(gone)
    }

    /// Returns the letters of a file that were buried before an instant, and when the oldest of the others was.
    fn older(&self, file: u64, before: Timestamp) -> Result<(Vec<Entry>, Timestamp), JournalError> {
        let mut entries = Vec::new();
        let mut oldest = Timestamp::MAX;
        let whole = Place { file, offset: 0 }..Place { file, offset: u64::MAX }.min(self.lines.end());
        self.lines.forth(whole, &mut |place, line| {
            match letter_line::summary(line) {
                Some(found) if found.at < before => entries.push(Entry {
                    offset: place.offset,
                    destination: found.destination.into_owned(),
                    reason: found.reason.into_owned(),
                }),
                Some(found) => oldest = oldest.min(found.at),
                None => {}
            }
            ControlFlow::Continue(())
        })?;
        Ok((entries, oldest))
    }

    fn take_out_of<'a>(
        &self,
        file: u64,
        entries: &'a [Entry],
        book: &mut Book,
    ) -> Result<Vec<&'a Entry>, JournalError> {
        let offsets: Vec<u64> = entries.iter().map(|entry| entry.offset).collect();
        let taken = self.lines.take_out(file, &offsets)?;
        let taken = entries.iter().zip(taken).filter(|(_, taken)| *taken).map(|(entry, _)| entry);
        Ok(taken.inspect(|entry| book.remove(file, entry)).collect())
    }

    /// Removes the files of which every letter is out.
    fn tidy(&self, book: &mut Book) -> Result<(), JournalError> {
        let numbers = self.lines.numbers();
        let current = numbers.last().copied();
        let is_live = |number: &u64| book.files.get(number).is_some_and(|of_file| of_file.live > 0);
        let empty: BTreeSet<u64> =
            numbers.iter().copied().filter(|number| Some(*number) != current && !is_live(number)).collect();
        for number in empty {
            self.lines.remove(number)?;
            book.files.remove(&number);
        }
        Ok(())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a page of the letters in a directory; see the trait.
pub(super) fn page(
    dir: &Path,
    numbers: &[u64],
    (filter, walk, limit): (&LetterFilter, Walk, PageLimit),
) -> Result<LetterPage, JournalError> {
    let mut page = LetterPage::default();
    let (mut bytes, mut seen) = (0_usize, 0_usize);
    let signs = letter_line::signs(filter);
    let mut visit = |id: LetterId, line: &[u8]| {
        let may_be = signs.iter().all(|sign| memchr::memmem::find(line, sign.as_bytes()).is_some());
        let letter = if may_be { letter_line::read(id, line) } else { None };
        let letter = letter.filter(|letter| filter.admits(letter));
        let full = page.letters.len() >= limit.letters || bytes + line.len() > limit.bytes;
        let full = full && letter.is_some() && !page.letters.is_empty();
        if full || (seen > 0 && seen + line.len() > limit.seen) {
            return ControlFlow::Break(());
        }
        seen += line.len();
        bytes += if letter.is_some() { line.len() } else { 0 };
        page.letters.extend(letter);
        ControlFlow::Continue(())
    };
    let next = match (filter.id, walk) {
        (Some(id), _) => walk::at(dir, id, &mut visit).map(|()| None)?,
        (None, Walk::Back(from)) => walk::back(dir, numbers, from, &mut visit)?,
        (None, Walk::Forth(from, until)) => walk::forth(dir, numbers, from..until, &mut visit)?,
    };
    page.next = next;
    Ok(page)
}

#[cfg(test)]
mod tests;
