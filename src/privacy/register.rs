//! The regulations on disk, one small file each, written before anybody is told of them.
//!
//! Separate from carrying them out because they outlive the process: what is not done is done after the next start. The ids go
//! from a file when its regulation is done, and what it was before is overwritten. Every call may block.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Bound;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::regulation::{Regulation, Shown};

/// Most regulations of one answer.
const MOST_SHOWN: usize = 1_000;

/// Why a regulation could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing} `{path}`: {source}")]
pub struct RegisterError {
    doing: &'static str,
    path: String,
    source: io::Error,
}

/// See the module.
#[derive(Debug)]
pub struct Register {
    dir: PathBuf,
    /// Held while a file is written. `all` is not: who only wants to know does not wait for the disk.
    writing: Mutex<()>,
    all: Mutex<BTreeMap<String, Regulation>>,
}

impl Register {
    /// Reads what is in `dir`, which is made when missing. A file that makes no sense is reported and left alone.
    ///
    /// # Errors
    /// The directory cannot be made or read.
    pub fn open(dir: &Path) -> Result<Register, RegisterError> {
        fs::create_dir_all(dir).map_err(failed("create", dir))?;
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(dir).map_err(failed("list", dir))? {
            let path = entry.map_err(failed("list", dir))?.path();
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("json") => {}
                // What a kill has left: the file that it was to replace is there.
                Some("tmp") => {
                    wiped(&path).map_err(failed("remove", &path))?;
                    continue;
                }
                _ => continue,
            }
            let text = fs::read(&path).map_err(failed("read", &path))?;
            match serde_json::from_slice::<Regulation>(&text) {
                Ok(regulation) => drop(all.insert(regulation.id.clone(), regulation)),
                Err(error) => {
                    tracing::error!(file = %path.display(), %error, "a regulation cannot be read and is not carried out");
                }
            }
        }
        Ok(Register { dir: dir.to_owned(), writing: Mutex::default(), all: Mutex::new(all) })
    }

    /// Keeps a regulation as it is now, durably.
    ///
    /// # Errors
    /// The disk failed; it is what it was before.
    pub fn put(&self, regulation: Regulation) -> Result<(), RegisterError> {
        let path = self.dir.join(format!("{}.json", regulation.id));
        let context = failed("write", &path);
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_vec(&regulation)
            .map_err(io::Error::from)
            .and_then(|text| replace(&path, &text))
            .map_err(context)?;
        self.all().insert(regulation.id.clone(), regulation);
        Ok(())
    }

    /// Removes a regulation that is not to be carried out, durably.
    ///
    /// # Errors
    /// The disk failed; it is kept.
    pub fn withdraw(&self, id: &str) -> Result<(), RegisterError> {
        let path = self.dir.join(format!("{id}.json"));
        let context = failed("remove", &path);
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        wiped(&path).and_then(|()| File::open(&self.dir)?.sync_all()).map_err(context)?;
        self.all().remove(id);
        Ok(())
    }

    /// Changes a regulation, durably; returns what it is then, or nothing where there is none.
    ///
    /// # Errors
    /// The disk failed; it is what it was before.
    pub fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut Regulation),
    ) -> Result<Option<Regulation>, RegisterError> {
        let Some(mut regulation) = self.get(id) else { return Ok(None) };
        change(&mut regulation);
        self.put(regulation.clone())?;
        Ok(Some(regulation))
    }

    /// Returns a regulation.
    pub fn get(&self, id: &str) -> Option<Regulation> {
        self.all().get(id).cloned()
    }

    /// Returns what is told of a regulation.
    pub fn shown(&self, id: &str) -> Option<Shown> {
        self.all().get(id).map(Regulation::shown)
    }

    /// Returns what is told of the newest, at most so many, and at most 1,000. Copies no ids.
    pub fn newest(&self, most: usize) -> Vec<Shown> {
        self.all().values().rev().take(most.min(MOST_SHOWN)).map(Regulation::shown).collect()
    }

    /// Returns the ids of those that are not done, oldest first.
    pub fn unfinished(&self) -> Vec<String> {
        self.all().values().filter(|one| !one.is_over()).map(|one| one.id.clone()).collect()
    }

    /// Returns the hashes of those of whom was wished later, and is so, whether they are suppressed.
    pub fn decided_after(&self, id: &str) -> BTreeSet<String> {
        let all = self.all();
        let later = all.range::<str, _>((Bound::Excluded(id), Bound::Unbounded)).map(|(_, later)| later);
        let decided = later.filter(|later| later.is_in_force && later.kind.suppresses().is_some());
        decided.flat_map(|later| later.hashes.iter().cloned()).collect()
    }

    /// Returns how many are not done, and when the oldest of them was asked for.
    pub fn waiting(&self) -> (u64, Option<Timestamp>) {
        let all = self.all();
        let asked = || all.values().filter(|one| !one.is_over()).map(|one| one.requested_at);
        (asked().count() as u64, asked().min())
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Regulation>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts `bytes` in the place of the file at `path` in one step, durably, readable for its owner alone. What it was is overwritten.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let before = OpenOptions::new().write(true).open(path);
    fs::rename(&partial, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    match before {
        Ok(before) => blank(before),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn wiped(path: &Path) -> io::Result<()> {
    blank(OpenOptions::new().write(true).open(path)?)?;
    fs::remove_file(path)
}

fn blank(mut file: File) -> io::Result<()> {
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut io::Read::take(io::repeat(0), len), &mut file)?;
    file.sync_data()
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RegisterError + use<> {
    let path = path.display().to_string();
    move |source| RegisterError { doing, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::regulation::{Kind, Status, Wish};
    use crate::spec::IdKind;

    /// Reading does not wait for a disk that is slow.
    #[test]
    fn what_is_kept_is_told_while_something_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let register = Register::open(dir.path()).unwrap();
        let wish = Wish { kind: Kind::DeleteOnly, id_kind: IdKind::UserId, ids: vec!["user-77".to_owned()] };
        let begun = Regulation::begin(wish, "a".to_owned(), "salt", jiff::Timestamp::UNIX_EPOCH);
        register.put(begun).unwrap();
        let _writing = register.writing.lock().unwrap();
        assert_eq!(register.newest(usize::MAX)[0].id, "a");
        assert_eq!(register.shown("a").unwrap().subjects, 1);
        assert_eq!(register.unfinished(), ["a"]);
    }

    #[test]
    fn what_is_not_done_is_there_after_a_start_and_what_is_done_names_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let register = Register::open(dir.path()).unwrap();
        let wish =
            || Wish { kind: Kind::DeleteOnly, id_kind: IdKind::UserId, ids: vec!["user-77".to_owned()] };
        let begin = |id: &str| Regulation::begin(wish(), id.to_owned(), "salt", jiff::Timestamp::UNIX_EPOCH);
        register.put(begin("a")).unwrap();
        register.put(begin("b")).unwrap();
        let done = register.change("a", |one| {
            one.status = Status::Done;
            one.ids.clear();
        });
        assert_eq!(done.unwrap().unwrap().status, Status::Done);
        // A kill before the renaming.
        fs::write(dir.path().join("b.tmp"), "user-77").unwrap();
        let again = Register::open(dir.path()).unwrap();
        assert_eq!(again.unfinished(), ["b"]);
        assert_eq!(again.newest(1)[0].id, "b");
        assert!(!dir.path().join("b.tmp").try_exists().unwrap());
        let text = fs::read_to_string(dir.path().join("a.json")).unwrap();
        assert!(!text.contains("user-77") && text.contains("hashes"), "{text}");
    }
}
