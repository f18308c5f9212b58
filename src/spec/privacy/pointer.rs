//! JSON pointers (RFC 6901) into an event, and which of them a rule of a destination may have.

use std::fmt;

use super::Treatment;

/// Members without which an event cannot be delivered, or which the server says itself.
const NEEDED: [&str; 9] = [
    "type",
    "messageId",
    "event",
    "timestamp",
    "originalTimestamp",
    "sentAt",
    "receivedAt",
    "integrations",
    "writeKey",
];
/// Members that say whom the event is about: another text is as good, none is not.
const IDS: [&str; 4] = ["userId", "anonymousId", "groupId", "previousId"];

/// A JSON pointer with at least one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(pub(super) Vec<Box<str>>);

impl Pointer {
    pub(super) fn context_ip() -> Pointer {
        Pointer(vec!["context".into(), "ip".into()])
    }

    pub(super) fn steps(&self) -> &[Box<str>] {
        &self.0
    }

    /// Returns whether the other one leads to the same place or within it.
    pub(super) fn contains(&self, other: &Pointer) -> bool {
        other.0.starts_with(&self.0)
    }

    pub(super) fn meets(&self, other: &Pointer) -> bool {
        self.contains(other) || other.contains(self)
    }
}

impl std::str::FromStr for Pointer {
    type Err = String;

    /// The error is to be read after the pointer.
    fn from_str(text: &str) -> Result<Pointer, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err("must be a JSON pointer like \"/traits/email\"".to_owned());
        };
        rest.split('/').map(step).collect::<Result<_, _>>().map(Pointer)
    }
}

fn step(text: &str) -> Result<Box<str>, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        out.push(match character {
            '~' => match rest.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err("must write `~` as `~0` and `/` within a name as `~1`".to_owned()),
            },
            other => other,
        });
    }
    Ok(out.into())
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", escaped(step)))
    }
}

/// Returns one step as it is written.
pub(super) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// What is done with one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(super) pointer: Pointer,
    pub(super) treatment: Treatment,
}

impl Rule {
    /// Returns the rule, when an event can still be delivered with it.
    ///
    /// # Errors
    /// Why not, to be read after the pointer.
    pub fn new(pointer: Pointer, treatment: Treatment) -> Result<Rule, String> {
        let first = pointer.0.first().map_or("", |step| step);
        let is_whole = pointer.0.len() == 1;
        if NEEDED.contains(&first) {
            return Err("is needed for the delivery itself and stays as it is".to_owned());
        }
        if IDS.contains(&first) && !(is_whole && treatment == Treatment::Hash) {
            return Err("can be hashed, nothing else: events are kept apart by it".to_owned());
        }
        if treatment == Treatment::Keep && pointer != Pointer::context_ip() {
            return Err(
                "is kept as it is by having no rule; \"keep\" is for \"/context/ip\" alone".to_owned()
            );
        }
        Ok(Rule { pointer, treatment })
    }

    /// Returns the place that it is about.
    pub fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// Returns whether it encrypts, so that there must be a key.
    pub fn encrypts(&self) -> bool {
        self.treatment == Treatment::Encrypt
    }

    /// Returns whether everything that the other rule is about is treated by this one.
    pub fn covers(&self, other: &Rule) -> bool {
        self.pointer.contains(&other.pointer)
    }
}
