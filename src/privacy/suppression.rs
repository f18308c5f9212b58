//! Who is not to be heard of any more: a list of prints, asked for every event.
//!
//! Separate from the register because it is asked on the hot path: one look at a flag while nobody is on it. It holds no id: who
//! has the file and not the salt learns nothing. Changes are appended and synced, and a start writes what is left of them anew.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::regulation::{Print, hex, print_of, prints_of, unhex};
use crate::spec::{Event, IdKind, Rejected, deletion, people};

/// The file below the register's directory.
const FILE: &str = "suppressed";

/// See the module.
#[derive(Debug, Default)]
pub struct Suppression {
    salt: String,
    is_on: AtomicBool,
    prints: ArcSwap<HashSet<Print>>,
    /// Nothing where the list is of a test.
    file: Mutex<Option<Kept>>,
}

/// Why people are not suppressed or heard again as wished, or that is not noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unenforced {
    /// The list is what it was.
    Refused(String),
    /// The list is as wished, and it could neither be noted nor taken back.
    Unnoted(String),
}

/// The list on disk: there is none while nobody was ever on it.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    /// The first line.
    mark: String,
    /// The file is there, of this salt, and ends where it should.
    is_ours: bool,
}

impl Suppression {
    /// Reads the list in `dir`, which exists.
    ///
    /// # Errors
    /// In words: the file cannot be read or written, or is of another salt, so that nobody on it would be recognised.
    pub fn open(dir: &Path, salt: &str) -> Result<Suppression, String> {
        let path = dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| format!("could not read `{}`: {error}", path.display()))?,
        };
        let mut lines = text.lines();
        let mark = mark_of(salt);
        let is_ours = lines.next().is_some_and(|first| first == mark);
        let mut is_tidy = is_ours;
        let mut prints = HashSet::new();
        for line in lines {
            let Some((sign, print)) = line.split_at_checked(1) else { continue };
            // A line that a kill has cut short was not answered.
            let Some(print) = unhex(print) else { continue };
            is_tidy &= if sign == "+" {
                prints.insert(print)
            } else {
                prints.remove(&print);
                false
            };
        }
        if !is_ours && !prints.is_empty() {
            return Err(format!(
                "who is suppressed was written to `{}` with another SITE_SALT, and would not be recognised; give that salt \
                 back, or remove the file, which suppresses nobody any more",
                path.display()
            ));
        }
        let mut file = Kept { path, mark, is_ours };
        let is_to_stay = is_tidy && !prints.is_empty();
        if !is_to_stay && !text.is_empty() {
            // On a full disk the file stays as it is: it says the same.
            file.tidy(&prints).unwrap_or_else(|error| {
                tracing::warn!(file = %file.path.display(), %error, "who is suppressed could not be written anew");
            });
        }
        Ok(Suppression {
            salt: salt.to_owned(),
            is_on: AtomicBool::new(!prints.is_empty()),
            prints: ArcSwap::from_pointee(prints),
            file: Mutex::new(Some(file)),
        })
    }

    /// Suppresses people, or has them heard again, and returns when that is durable. It holds for every event that is asked about
    /// afterwards.
    ///
    /// # Errors
    /// In words; nothing has changed then.
    pub fn change(&self, prints: &[Print], suppressed: bool) -> Result<(), String> {
        let changed = self.change_noted(|| prints.to_vec(), suppressed, || Ok(()));
        changed.map_err(|(Unenforced::Refused(why) | Unenforced::Unnoted(why))| why)
    }

    /// As [`change`](Self::change), and has it noted elsewhere, in one step for whoever else changes it: where that fails, the list
    /// is what it was. `prints` is asked when nobody else is at it.
    ///
    /// # Errors
    /// Whether it holds, and why it is not noted.
    pub fn change_noted(
        &self,
        prints: impl FnOnce() -> Vec<Print>,
        suppressed: bool,
        note: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), Unenforced> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.prints.load_full();
        let (mut prints, mut all) = (prints(), HashSet::clone(&before));
        // Who is on it for another reason stays when this is taken back.
        prints.retain(|print| if suppressed { all.insert(*print) } else { all.remove(print) });
        written(file.as_mut(), &prints, suppressed, &all).map_err(Unenforced::Refused)?;
        let noted = note();
        if let Err(why) = noted.as_ref()
            && written(file.as_mut(), &prints, !suppressed, &before).is_ok()
        {
            return Err(Unenforced::Refused(why.clone()));
        }
        let is_on = !all.is_empty();
        self.prints.store(Arc::new(all));
        self.is_on.store(is_on, Ordering::Release);
        noted.map_err(Unenforced::Unnoted)
    }

    /// Takes out the events, and what was set aside, of people who are suppressed; returns how many went. What tells a destination
    /// whom to erase stays: it is about them on purpose.
    pub fn sift(&self, events: &mut Vec<Event>, rejected: &mut Vec<Rejected>) -> usize {
        if !self.is_on.load(Ordering::Acquire) {
            return 0;
        }
        let before = events.len() + rejected.len();
        let prints = self.prints.load();
        let is_theirs =
            |event: &Event| prints_of(&self.salt, &event.head).any(|print| prints.contains(&print));
        events.retain(|event| deletion::is_told(event) || !is_theirs(event));
        rejected.retain_mut(|one| {
            let text = one.raw.clone();
            let Some(ids) = std::str::from_utf8(&text).ok().and_then(people::ids_of) else {
                // Nobody can say whose it is: what is wrong with it stays, and not its text.
                one.raw.clear();
                return true;
            };
            !ids.iter().any(|(kind, id)| prints.contains(&print_of(&self.salt, *kind, id)))
        });
        before - events.len() - rejected.len()
    }

    /// Returns how many ids are suppressed.
    pub fn len(&self) -> usize {
        self.prints.load().len()
    }

    /// Returns whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Kept {
    /// Adds a change, durably; `all` are those who are on the list then.
    fn change(&mut self, prints: &[Print], suppressed: bool, all: &HashSet<Print>) -> io::Result<()> {
        if !self.is_ours {
            return if all.is_empty() { Ok(()) } else { self.rewrite(all) };
        }
        let sign = if suppressed { '+' } else { '-' };
        let lines: String = prints.iter().map(|print| format!("\n{sign}{}", hex(print))).collect();
        let mut file = fs::OpenOptions::new().append(true).open(&self.path)?;
        let len = file.metadata()?.len();
        append(&mut file, &lines).inspect_err(|_| {
            // Whole lines of a change that was refused would hold after a start.
            self.is_ours = file.set_len(len).and_then(|()| file.sync_data()).is_ok();
        })
    }

    /// Writes what is left; nothing where that is nobody.
    fn tidy(&mut self, all: &HashSet<Print>) -> io::Result<()> {
        if !all.is_empty() {
            return self.rewrite(all);
        }
        self.is_ours = false;
        fs::remove_file(&self.path)
    }

    fn rewrite(&mut self, all: &HashSet<Print>) -> io::Result<()> {
        let lines: String = all.iter().map(|print| format!("\n+{}", hex(print))).collect();
        super::register::replace(&self.path, format!("{}{lines}", self.mark).as_bytes())?;
        self.is_ours = true;
        Ok(())
    }
}

/// Has a change written, where there is a file.
fn written(
    file: Option<&mut Kept>,
    prints: &[Print],
    suppressed: bool,
    all: &HashSet<Print>,
) -> Result<(), String> {
    let Some(file) = file.filter(|_| !prints.is_empty()) else { return Ok(()) };
    let changed = file.change(prints, suppressed, all);
    changed.map_err(|error| format!("could not write `{}`: {error}", file.path.display()))
}

/// Each line begins with its line feed, so that one that was cut short spoils none behind it.
fn append(file: &mut fs::File, lines: &str) -> io::Result<()> {
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}

/// Returns the first line, by which another salt shows.
fn mark_of(salt: &str) -> String {
    format!("opentrack suppressed 1 {}", hex(&print_of(salt, IdKind::UserId, "")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Endpoint, Kind};

    fn intake(body: &str) -> (Vec<Event>, Vec<Rejected>) {
        believed(crate::spec::read(body.to_owned().into(), Endpoint::One(Kind::Track)).unwrap())
    }

    fn believed(envelope: crate::spec::Envelope) -> (Vec<Event>, Vec<Rejected>) {
        let arrival = crate::spec::Arrival {
            received_at: jiff::Timestamp::UNIX_EPOCH,
            source: "web".into(),
            ip: None,
            client_side: false,
            signals: Default::default(),
        };
        let intake = envelope.believe(&arrival, &crate::spec::Limits { max_event_bytes: 1 << 20 });
        (intake.events, intake.rejected)
    }

    fn sifted(list: &Suppression, body: &str) -> usize {
        let (mut events, mut rejected) = intake(body);
        list.sift(&mut events, &mut rejected)
    }

    #[test]
    fn who_is_suppressed_stays_so_over_a_start_until_heard_again() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Suppression::open(dir.path(), "salt-1").unwrap();
        let print = |kind, id| print_of("salt-1", kind, id);
        let list = open();
        let anna = [print(IdKind::UserId, "anna"), print(IdKind::AnonymousId, "a-1")];
        list.change(&anna, true).unwrap();
        let by_user = r#"{"event":"Seen","userId":"anna","anonymousId":"x"}"#;
        let by_visitor = r#"{"event":"Seen","anonymousId":"a-1"}"#;
        let broken = r#"{"event":7,"userId":"anna"}"#;
        let other = r#"{"event":"Seen","userId":"a-1"}"#;
        for list in [list, open()] {
            assert_eq!([by_user, by_visitor, broken, other].map(|body| sifted(&list, body)), [1, 1, 1, 0]);
        }
        let list = open();
        list.change(&anna[..1], false).unwrap();
        assert_eq!([by_user, by_visitor].map(|body| sifted(&list, body)), [0, 1]);
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(!text.contains("anna"), "{text}");
        // A kill in the middle of a change.
        fs::write(dir.path().join(FILE), format!("{text}\n+00ff")).unwrap();
        let list = open();
        list.change(&anna[..1], true).unwrap();
        assert_eq!((open().len(), sifted(&open(), by_user)), (2, 1));
    }

    #[test]
    fn who_was_somebody_else_is_suppressed_too_and_nothing_is_kept_of_what_nobody_can_read() {
        let list = Suppression { salt: "s".to_owned(), ..Suppression::default() };
        let torn = r#"{"batch":[[1,"anna"]]}"#;
        let read = || {
            let envelope = crate::spec::read(torn.to_owned().into(), Endpoint::Batch).unwrap();
            let (_, mut rejected) = believed(envelope);
            assert_eq!((list.sift(&mut Vec::new(), &mut rejected), rejected.len()), (0, 1));
            rejected.remove(0).raw
        };
        assert_eq!(read(), r#"[1,"anna"]"#, "while nobody is on the list");
        list.change(&[print_of("s", IdKind::UserId, "anna")], true).unwrap();
        assert_eq!(read(), "");
        let alias = r#"{"userId":"new","previousId":"anna"}"#;
        let envelope = crate::spec::read(alias.to_owned().into(), Endpoint::One(Kind::Alias)).unwrap();
        let (mut events, mut rejected) = believed(envelope);
        assert_eq!((events.len(), list.sift(&mut events, &mut rejected)), (1, 1));
        let doubled = r#"{"event":7,"userId":"x","userId":"anna"}"#;
        assert_eq!(sifted(&list, doubled), 1);
    }

    #[test]
    fn a_start_needs_no_disk_and_leaves_no_file_of_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let open = || Suppression::open(dir.path(), "s").unwrap();
        let print = |id| print_of("s", IdKind::UserId, id);
        let list = open();
        assert!(!path.try_exists().unwrap());
        list.change(&[print("a"), print("b")], true).unwrap();
        let before = fs::read(&path).unwrap();
        // Nothing can be written anew.
        let blocked = path.with_extension("tmp");
        fs::create_dir(&blocked).unwrap();
        let list = open();
        assert_eq!(fs::read(&path).unwrap(), before);
        list.change(&[print("b")], false).unwrap();
        let list = open();
        assert_eq!(list.len(), 1, "what could not be tidied still holds");
        list.change(&[print("c")], true).unwrap();
        fs::remove_dir(&blocked).unwrap();
        let list = open();
        assert_eq!(list.len(), 2);
        assert!(!fs::read_to_string(&path).unwrap().contains('-'));
        list.change(&[print("a"), print("c")], false).unwrap();
        assert!(open().is_empty());
        assert!(!path.try_exists().unwrap());
    }

    #[test]
    fn what_cannot_be_noted_is_taken_back_and_who_was_on_the_list_stays() {
        let dir = tempfile::tempdir().unwrap();
        let print = |id: &str| print_of("s", IdKind::UserId, id);
        let list = Suppression::open(dir.path(), "s").unwrap();
        let refused = || Err("the disk is away".to_owned());
        let change = |ids: &[&str], suppressed| {
            let prints = || ids.iter().map(|id| print(id)).collect();
            list.change_noted(prints, suppressed, refused)
        };
        let is_on = |list: &Suppression, id: &str| list.prints.load().contains(&print(id));
        let path = dir.path().join(FILE);
        // A start makes the file tidy: it is given another one.
        let after_a_start = || {
            let beside = tempfile::tempdir().unwrap();
            fs::copy(&path, beside.path().join(FILE)).unwrap();
            Suppression::open(beside.path(), "s").unwrap()
        };
        for is_known in [false, true] {
            list.change(&[print("b")], is_known).unwrap();
            assert_eq!(change(&["a", "b"], true), Err(Unenforced::Refused("the disk is away".to_owned())));
            for list in [&list, &after_a_start()] {
                assert_eq!([is_on(list, "a"), is_on(list, "b")], [false, is_known]);
            }
        }
        assert!(change(&["a", "b"], false).is_err());
        assert!(is_on(&list, "b") && is_on(&after_a_start(), "b"), "nor is anybody heard again");
        // It can be written, and not be taken back.
        let gone = || fs::remove_file(&path).map_err(|error| error.to_string()).and_then(|()| refused());
        assert_eq!(
            list.change_noted(|| vec![print("a")], true, gone),
            Err(Unenforced::Unnoted("the disk is away".to_owned()))
        );
        assert!(is_on(&list, "a"), "what the file may say holds");
    }

    #[test]
    fn another_salt_is_refused_while_anybody_is_on_the_list() {
        let dir = tempfile::tempdir().unwrap();
        Suppression::open(dir.path(), "one").unwrap();
        let list = Suppression::open(dir.path(), "two").unwrap();
        list.change(&[print_of("two", IdKind::UserId, "u")], true).unwrap();
        let refused = Suppression::open(dir.path(), "one").unwrap_err();
        assert!(refused.contains("another SITE_SALT"), "{refused}");
        assert_eq!(Suppression::open(dir.path(), "two").unwrap().len(), 1);
    }
}
