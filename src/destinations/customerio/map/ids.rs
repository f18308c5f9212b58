//! Who an item is about, and the id by which Customer.io knows an event again.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::values::Values;
use super::{MAX_ID_BYTES, Not};
use crate::policy::outcome::Reason;
use crate::spec::Event;

/// What a `userId` begins with that is Customer.io's own id of a person.
const OWN_ID: &str = "cio_";
/// Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// One identifier of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Person<'a> {
    kind: &'static str,
    value: &'a str,
}

impl<'a> Person<'a> {
    /// Returns the person of a `userId`: Customer.io's own id, an e-mail address, or any other id.
    ///
    /// # Errors
    /// It is too long. It is never cut: two people would become one.
    pub(super) fn of_user(user_id: &'a str) -> Result<Person<'a>, Not> {
        let own = user_id.strip_prefix(OWN_ID).filter(|own| !own.is_empty());
        let (kind, value) = match own {
            Some(own) => ("cio_id", own),
            None if is_email(user_id) => ("email", user_id),
            None => ("id", user_id),
        };
        checked(kind, value)
    }

    /// Returns the person of an e-mail address, `None` when it does not look like one.
    pub(super) fn of_email(email: &'a str) -> Option<Result<Person<'a>, Not>> {
        is_email(email).then(|| checked("email", email))
    }

    /// Returns who did something: the user, else the visitor.
    ///
    /// # Errors
    /// There is nobody, or the id is too long.
    pub(super) fn of_actor(event: &'a Event) -> Result<Person<'a>, Not> {
        match (&event.head.user_id, &event.head.anonymous_id) {
            (Some(user), _) => Person::of_user(user),
            (None, Some(visitor)) => checked("anonymous_id", visitor),
            (None, None) => Err(Not::Skipped(Reason::NoIdentity)),
        }
    }

    /// Returns the user, for what cannot be done to a visitor.
    ///
    /// # Errors
    /// There is none, or the id is too long.
    pub(super) fn of_known(event: &'a Event) -> Result<Person<'a>, Not> {
        let user = event.head.user_id.as_deref().ok_or(Not::Skipped(Reason::NoIdentity))?;
        Person::of_user(user)
    }

    /// Appends `{"id":"…"}`.
    pub(super) fn write(self, to: &mut Values<'_>) {
        to.raw("{\"");
        to.raw(self.kind);
        to.raw("\":");
        to.string(self.value);
        to.raw("}");
    }
}

fn checked<'a>(kind: &'static str, value: &'a str) -> Result<Person<'a>, Not> {
    short(kind, value).map(|value| Person { kind, value })
}

/// Returns an id that is not too long.
pub(super) fn short<'a>(kind: &str, value: &'a str) -> Result<&'a str, Not> {
    if value.len() > MAX_ID_BYTES {
        return Err(Not::too_large(format!("the {kind} is longer than {MAX_ID_BYTES} bytes, and ids are never cut")));
    }
    Ok(value)
}

/// Says whether a text has the form of an e-mail address: something, `@`, and a name with a dot in it. Letters of every
/// script are letters (RFC 6531).
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else { return false };
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_of_atom);
    let is_label = |label: &str| {
        let is_inner = |letter: char| letter.is_alphanumeric() || letter == '-';
        !label.is_empty() && label.chars().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    local.split('.').all(is_atom) && host.contains('.') && host.split('.').all(is_label)
}

/// Atoms of RFC 5322, section 3.2.3.
fn is_of_atom(letter: char) -> bool {
    letter.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(letter)
}

/// Returns the ULID of an event: its instant in milliseconds, then 80 bits of the SHA-256 of its message id and the
/// destination's name. The same event always gets the same one, so that Customer.io takes it once.
pub(super) fn ulid(message_id: &str, destination: &str, at: Timestamp) -> [u8; 26] {
    let hash = Sha256::new().chain_update(message_id).chain_update(destination).finalize();
    let random = hash.iter().take(10).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let millisecond = u64::try_from(at.as_millisecond()).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
    let number = u128::from(millisecond) << 80 | random;
    std::array::from_fn(|place| {
        let digit = number >> (5 * (25 - place)) & 31;
        DIGITS.get(digit as usize).copied().unwrap_or(b'0')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(user_id: &str) -> String {
        let rules = Default::default();
        let mut values = Values::new(&rules, 0);
        Person::of_user(user_id).unwrap().write(&mut values);
        String::from_utf8(values.out).unwrap()
    }

    #[test]
    fn a_user_is_known_by_customer_ios_id_by_address_or_by_id() {
        for (user_id, expected) in [
            ("cio_03000001", r#"{"cio_id":"03000001"}"#),
            ("cio_", r#"{"id":"cio_"}"#),
            ("ada@example.com", r#"{"email":"ada@example.com"}"#),
            ("grüße+東京@köln.example", r#"{"email":"grüße+東京@köln.example"}"#),
            ("ada@localhost", r#"{"id":"ada@localhost"}"#),
            ("42", r#"{"id":"42"}"#),
            ("a\"b\\c", r#"{"id":"a\"b\\c"}"#),
        ] {
            assert_eq!(shown(user_id), expected);
        }
    }

    #[test]
    fn only_what_has_the_form_of_an_address_is_one() {
        for text in ["a@b.c", "a.b+c@d-e.co", "o'neil@x.example"] {
            assert!(is_email(text), "{text}");
        }
        for text in
            ["", "@", "a@", "@b.c", "a@b", "a b@c.d", "a@b.c d", "a@@b.c", "a@b@c.d", ".a@b.c", "a@.b", "a@-b.c", "n/a"]
        {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn an_id_of_150_bytes_is_taken_and_a_longer_one_is_refused_and_never_cut() {
        assert!(Person::of_user(&"x".repeat(150)).is_ok());
        let Err(Not::Refused(fault)) = Person::of_user(&"é".repeat(76)) else { panic!("it is taken") };
        assert_eq!(fault.answer, "the id is longer than 150 bytes, and ids are never cut");
        assert!(Person::of_user(&format!("cio_{}", "x".repeat(150))).is_ok(), "the prefix does not count");
    }

    #[test]
    fn a_ulid_is_made_of_instant_message_id_and_destination_and_of_nothing_else() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let id = |message: &str, name: &str, time: &str| {
            String::from_utf8(ulid(message, name, at(time)).to_vec()).unwrap()
        };
        // By another hand: 1767323045678, then hashlib.sha256(b"m-1customerio").digest()[:10], in Crockford's base 32.
        let first = id("m-1", "customerio", "2026-01-02T03:04:05.678Z");
        assert_eq!(first, "01KDYAK3SE69QXXRWZ1XNDN6T6");
        assert_eq!(first, id("m-1", "customerio", "2026-01-02T03:04:05.678999Z"));
        assert_ne!(first, id("m-2", "customerio", "2026-01-02T03:04:05.678Z"));
        assert_ne!(first, id("m-1", "other", "2026-01-02T03:04:05.678Z"));
        assert!(id("m-1", "customerio", "1969-01-02T03:04:05Z").starts_with("0000000000"));
        let later = id("m-1", "customerio", "2026-01-02T03:04:05.679Z");
        assert_eq!(later.split_at(10).1, first.split_at(10).1);
    }
}
