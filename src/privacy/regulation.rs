//! A regulation: what is wished for some people, and how far it is carried out. Pure.
//!
//! The words are those of Segment's API of the same purpose, so that who speaks to that one can speak to this one.

use std::collections::BTreeMap;

use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::spec::{Head, IdKind, People};

/// Most ids of one call, as Segment has it.
pub const MOST_IDS: usize = 5_000;
/// Most characters of an id, as of those of events.
const LONGEST_ID: usize = 255;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Events of these people are accepted and not kept from now on.
    Suppress,
    /// They are kept again.
    Unsuppress,
    /// As `Suppress`, and what is kept goes.
    SuppressWithDelete,
    /// What is kept goes; what comes later is kept.
    DeleteOnly,
}

impl Kind {
    /// Returns whether something is to be erased.
    pub fn erases(self) -> bool {
        matches!(self, Kind::SuppressWithDelete | Kind::DeleteOnly)
    }

    /// Returns whether people are suppressed (`true`) or heard again (`false`).
    pub fn suppresses(self) -> Option<bool> {
        match self {
            Kind::Suppress | Kind::SuppressWithDelete => Some(true),
            Kind::Unsuppress => Some(false),
            Kind::DeleteOnly => None,
        }
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wish {
    /// What is to be done.
    #[serde(rename = "regulationType")]
    pub kind: Kind,
    /// What the ids are.
    #[serde(rename = "subjectType")]
    pub id_kind: IdKind,
    /// Whose events.
    #[serde(rename = "subjectIds")]
    pub ids: Vec<String>,
}

/// What is wrong with a wish: where, and to be read after that.
pub type Wrong = (&'static str, String);

impl Wish {
    /// Reads a wish.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(body: &[u8]) -> Result<Wish, Wrong> {
        let wish: Wish = serde_json::from_slice(body).map_err(|error| ("", error.to_string()))?;
        let wrong = |message: String| Err(("subjectIds", message));
        if wish.ids.is_empty() || wish.ids.len() > MOST_IDS {
            return wrong(format!("must be 1 to {MOST_IDS} ids, not {}", wish.ids.len()));
        }
        let is_id = |id: &String| !id.is_empty() && id.chars().count() <= LONGEST_ID;
        match wish.ids.iter().position(|id| !is_id(id)) {
            Some(at) => wrong(format!("must be texts of 1 to {LONGEST_ID} characters; number {at} is not")),
            None => Ok(wish),
        }
    }
}

/// How far something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Taken, and durable.
    Pending,
    /// Being carried out. What fails is tried again.
    Running,
    /// Carried out.
    Done,
    /// Given up.
    Failed,
}

/// How far one store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreState {
    /// Not begun.
    Pending,
    /// Begun, or to be tried again for the reason that stands beside.
    Running,
    /// Nothing is left there.
    Done,
    /// Nothing can be erased there from here; whoever runs it has to be told.
    NotErasable,
}

/// What became of one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// How far it is.
    pub state: StoreState,
    /// How many records, rows or entries went; repetitions count what they found.
    pub erased: u64,
    /// Why it is not done.
    pub reason: Option<String>,
}

/// A wish with what became of it, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regulation {
    /// By which it is asked for.
    pub id: String,
    /// What is to be done.
    pub kind: Kind,
    /// What the ids are.
    pub id_kind: IdKind,
    /// Whose events; empty when it is done.
    pub ids: Vec<String>,
    /// The HMAC of each id, in hexadecimal digits: the same as in the list of who is suppressed.
    pub hashes: Vec<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
    /// How far it is.
    pub status: Status,
    /// By store.
    pub stores: BTreeMap<String, StoreStatus>,
    /// The records that are being overwritten: those of an overwriting that was cut short cannot be told by what they say.
    pub positions: Vec<u64>,
    /// Whether who is suppressed, or heard again, is so by now. Those that were kept by earlier versions are.
    #[serde(default = "is_long_so")]
    pub is_in_force: bool,
}

fn is_long_so() -> bool {
    true
}

impl Regulation {
    /// Begins one, of which nothing is done.
    pub fn begin(wish: Wish, id: String, salt: &str, at: Timestamp) -> Regulation {
        let hashes = wish.ids.iter().map(|name| hex(&print_of(salt, wish.id_kind, name))).collect();
        Regulation {
            id,
            kind: wish.kind,
            id_kind: wish.id_kind,
            ids: if wish.kind.erases() { wish.ids } else { Vec::new() },
            hashes,
            requested_at: at,
            finished_at: None,
            status: Status::Pending,
            stores: BTreeMap::new(),
            positions: Vec::new(),
            is_in_force: wish.kind.suppresses().is_none(),
        }
    }

    /// Returns the prints that the list of who is suppressed is still to be given, or to lose, and which of both.
    pub fn to_enforce(&self) -> Option<(Vec<Print>, bool)> {
        let suppressed = self.kind.suppresses().filter(|_| !self.is_in_force)?;
        Some((self.hashes.iter().filter_map(|hash| unhex(hash)).collect(), suppressed))
    }

    /// Notes that they are on the list, or off it: all there is to do, unless something is to be erased.
    pub fn enforced(&mut self, at: Timestamp) {
        self.is_in_force = true;
        if !self.kind.erases() {
            (self.status, self.finished_at) = (Status::Done, Some(at));
        }
    }

    /// Returns whether nothing is to be done any more.
    pub fn is_over(&self) -> bool {
        matches!(self.status, Status::Done | Status::Failed)
    }

    /// Returns whose events are meant; nobody's when it is done.
    pub fn people(&self) -> People {
        People::new(self.id_kind, self.ids.iter().map(String::as_str))
    }

    /// Returns what may be told of it.
    pub fn shown(&self) -> Shown {
        Shown {
            id: self.id.clone(),
            status: self.status,
            kind: self.kind,
            id_kind: self.id_kind,
            subjects: self.hashes.len(),
            requested_at: self.requested_at,
            finished_at: self.finished_at,
            stores: self.stores.clone(),
        }
    }
}

/// What is told of a regulation: no id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// By which it is asked for.
    pub id: String,
    /// How far it is.
    pub status: Status,
    /// What is to be done.
    #[serde(rename = "regulationType")]
    pub kind: Kind,
    /// What the ids are.
    #[serde(rename = "subjectType")]
    pub id_kind: IdKind,
    /// How many ids.
    pub subjects: usize,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
    /// By store.
    pub stores: BTreeMap<String, StoreStatus>,
}

/// What stands for an id where it must not be kept.
pub type Print = [u8; 16];

/// Returns what stands for an id: the first half of its HMAC-SHA256 with the site's salt.
pub fn print_of(salt: &str, kind: IdKind, id: &str) -> Print {
    let mut mac = Hmac::<Sha256>::new(&key_of(salt));
    mac.update(kind.as_str().as_bytes());
    mac.update(b":");
    mac.update(id.as_bytes());
    let mut print = Print::default();
    print.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
    print
}

/// Returns a salt as the key of its HMAC: as long as a block, with zeros behind it, and a long one by its hash (RFC 2104).
fn key_of(salt: &str) -> Key<Hmac<Sha256>> {
    let mut key = Key::<Hmac<Sha256>>::default();
    let hash = (salt.len() > key.len()).then(|| Sha256::digest(salt));
    let bytes = hash.as_ref().map_or(salt.as_bytes(), |hash| hash.as_slice());
    key.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    key
}

/// Returns the prints of the ids that an event names; who they were before may be of either kind.
pub fn prints_of<'a>(salt: &'a str, head: &'a Head) -> impl Iterator<Item = Print> + 'a {
    let user = head.user_id.iter().map(|id| (IdKind::UserId, id));
    let visitor = head.anonymous_id.iter().map(|id| (IdKind::AnonymousId, id));
    let before = head.previous_id.iter();
    let before = before.flat_map(|id| [(IdKind::UserId, id), (IdKind::AnonymousId, id)]);
    user.chain(visitor).chain(before).map(move |(kind, id)| print_of(salt, kind, id))
}

/// Returns a print as text.
pub fn hex(print: &Print) -> String {
    print.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a print from its text.
pub fn unhex(text: &str) -> Option<Print> {
    let mut print = Print::default();
    if text.len() != print.len() * 2 {
        return None;
    }
    for (byte, at) in print.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(print)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_says_what_and_whom_and_nothing_else() {
        let read = |text: &str| Wish::read(text.as_bytes());
        let good = r#"{"regulationType":"SUPPRESS_WITH_DELETE","subjectType":"USER_ID","subjectIds":["u1"]}"#;
        assert_eq!(
            read(good),
            Ok(Wish { kind: Kind::SuppressWithDelete, id_kind: IdKind::UserId, ids: vec!["u1".to_owned()] })
        );
        let none = good.replace("[\"u1\"]", "[]");
        let (place, message) = read(&none).unwrap_err();
        assert_eq!((place, message.as_str()), ("subjectIds", "must be 1 to 5000 ids, not 0"));
        let empty = good.replace("[\"u1\"]", "[\"a\",\"\"]");
        assert!(read(&empty).unwrap_err().1.ends_with("number 1 is not"));
        let many = good.replace("[\"u1\"]", &format!("[\"a\"{}]", ",\"a\"".repeat(MOST_IDS)));
        assert_eq!(read(&many).unwrap_err().0, "subjectIds");
        for odd in ["{}", "[]", &good.replace("USER_ID", "EMAIL"), &good.replace("subjectIds", "ids")] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }

    /// What is on disk from before must be recognised.
    #[test]
    fn a_print_is_the_first_half_of_an_hmac_whatever_the_length_of_the_salt() {
        for salt in [String::new(), "salt".to_owned(), "s".repeat(64), "s".repeat(65), "s".repeat(300)] {
            let mut mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes()).unwrap();
            mac.update(b"USER_ID:anna");
            let whole = mac.finalize().into_bytes();
            assert_eq!(print_of(&salt, IdKind::UserId, "anna")[..], whole[..16], "{}", salt.len());
        }
        assert_eq!(hex(&print_of("salt", IdKind::UserId, "anna")), "aa708d410ec006352dea7201f773d9e4");
    }

    #[test]
    fn what_is_told_and_what_is_left_has_no_id() {
        let wish = |kind| Wish { kind, id_kind: IdKind::UserId, ids: vec!["anna@shop.example".to_owned()] };
        let at = Timestamp::UNIX_EPOCH;
        let suppressed = Regulation::begin(wish(Kind::Suppress), "r".to_owned(), "salt", at);
        let kept = serde_json::to_string(&suppressed).unwrap();
        assert!(!kept.contains("anna"), "{kept}");
        let erased = Regulation::begin(wish(Kind::DeleteOnly), "r".to_owned(), "salt", at);
        assert_eq!(erased.people().ids().collect::<Vec<_>>(), ["anna@shop.example"]);
        assert!(!serde_json::to_string(&erased.shown()).unwrap().contains("anna"));
        assert_eq!(unhex(&erased.hashes[0]), Some(print_of("salt", IdKind::UserId, "anna@shop.example")));
        assert_ne!(erased.hashes[0], hex(&print_of("salt", IdKind::AnonymousId, "anna@shop.example")));
    }
}
