//! What one destination sees of an event: parts of it hashed, encrypted, truncated or dropped, everything else byte for byte.
//!
//! The stored event is never changed; a view of it is made for a destination whenever a batch is planned, and the same event
//! gives the same view. Never decides whether the destination gets the event at all.

pub mod cipher;
mod digest;
mod pointer;
mod rewrite;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::address::{self, Place};
use super::layout::Field;
use super::{Event, Head, Integrations, Receipt, batch};
use cipher::Keyring;
use rewrite::{Node, Rewriter};
use value::{Hand, Hasher};

pub use digest::{Hashed, as_hash, hashed};
pub use pointer::{Pointer, Rule};
pub use value::{keyed_hash, network_of, normalised};

/// Room for an address in quotes.
const LONGEST_ADDRESS: usize = 48;

/// What is done with a value before a destination sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Seen as it is: only for `/context/ip`, which has a treatment also where nobody names it.
    Keep,
    /// A text or number becomes the hexadecimal HMAC-SHA256 of its kind and itself, null when it is empty.
    Hash,
    /// Whatever it is becomes a text that only the holder of a key can read.
    Encrypt,
    /// An address becomes its /24 or /48 network, another text its first character, everything else null.
    Truncate,
    /// It is not there.
    Drop,
}

impl Treatment {
    /// What comes of an address is a text that is no address any more.
    fn is_text(self) -> bool {
        matches!(self, Treatment::Hash | Treatment::Encrypt)
    }
}

/// Makes of a member's name what the destination makes of it, as a warehouse does with the names of its columns.
#[derive(Clone, Copy)]
pub struct Naming(pub for<'a> fn(&'a str) -> Cow<'a, str>);

impl Naming {
    /// Returns whether two names become one.
    fn is_one(self, one: &str, other: &str) -> bool {
        (self.0)(one) == (self.0)(other)
    }
}

impl fmt::Debug for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Naming")
    }
}

impl PartialEq for Naming {
    /// There is one; functions cannot be compared.
    fn eq(&self, _: &Naming) -> bool {
        true
    }
}

impl Eq for Naming {}

/// The rules of one destination, read from its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    root: Node,
    address: Treatment,
    /// The client's address is all that is treated.
    only_address: bool,
    /// The keys of what is encrypted, where anything is.
    keyring: Option<Arc<Keyring>>,
    /// How names of members are compared with those of the rules, where not letter by letter.
    naming: Option<Naming>,
}

impl Default for Privacy {
    /// Everything is seen as it is.
    fn default() -> Self {
        Privacy {
            root: Node::empty(),
            address: Treatment::Keep,
            only_address: true,
            keyring: None,
            naming: None,
        }
    }
}

impl Privacy {
    /// Returns the rules together with `address`, what becomes of the client's address where no rule says it.
    ///
    /// # Errors
    /// The two pointers, where one is within the other or both are the same.
    pub fn new(rules: &[Rule], address: Treatment) -> Result<Privacy, (Pointer, Pointer)> {
        for (index, rule) in rules.iter().enumerate() {
            let before = rules.iter().take(index).find(|before| before.pointer.meets(&rule.pointer));
            if let Some(before) = before {
                return Err((before.pointer.clone(), rule.pointer.clone()));
            }
        }
        let ip = Pointer::context_ip();
        let own = rules.iter().find(|rule| rule.pointer.contains(&ip));
        let address = own.map_or(address, |rule| rule.treatment);
        let mut root = Node::empty();
        for rule in rules.iter().filter(|rule| rule.treatment != Treatment::Keep) {
            root.insert(rule.pointer.steps(), rule.treatment);
        }
        if own.is_none() && address != Treatment::Keep {
            root.insert(ip.steps(), address);
        }
        let only_address = rules.iter().all(|rule| rule.pointer == ip);
        Ok(Privacy { root, address, only_address, keyring: None, naming: None })
    }

    /// Returns whether some rule hashes, so that the salt matters.
    pub fn hashes(&self) -> bool {
        self.root.has(Treatment::Hash)
    }

    /// Returns the pointers of what is encrypted: who reads it has to say them.
    pub fn encrypted(&self) -> Vec<String> {
        let mut fields = Vec::new();
        self.root.list(Treatment::Encrypt, "", &mut fields);
        fields
    }

    /// Gives what is encrypted its keys; without any it is null. Rules that encrypt nothing do not keep them.
    pub fn with_keys(self, keyring: Option<&Arc<Keyring>>) -> Privacy {
        let keyring = keyring.filter(|_| self.root.has(Treatment::Encrypt)).map(Arc::clone);
        Privacy { keyring, ..self }
    }

    /// Has a rule hold for every member whose name becomes the same as the one that it says: `Email` and `email` are one column.
    /// Without a naming names are compared letter by letter.
    pub fn named_by(self, naming: Option<Naming>) -> Privacy {
        Privacy { naming, ..self }
    }
}

/// The rules of one destination with the salt of the router: ready to show events.
pub struct View {
    privacy: Privacy,
    hasher: Hasher,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("privacy", &self.privacy).finish_non_exhaustive()
    }
}

impl View {
    /// Returns the view by these rules; `salt` is the key of every hash.
    pub fn new(privacy: Privacy, salt: &str) -> View {
        View { privacy, hasher: Hasher::new(salt) }
    }

    /// Returns the events as the destination sees them. Those of which it sees everything are not copied, nor is the list
    /// when that is so of all.
    pub fn of<'e>(&self, events: &'e [Arc<Event>]) -> Cow<'e, [Arc<Event>]> {
        if self.privacy.root.is_empty() {
            return Cow::Borrowed(events);
        }
        let Some((first, view)) =
            events.iter().enumerate().find_map(|(index, event)| Some((index, self.seen(event)?)))
        else {
            return Cow::Borrowed(events);
        };
        let mut seen = Vec::with_capacity(events.len());
        seen.extend(events.iter().take(first).map(Arc::clone));
        seen.push(Arc::new(view));
        let rest = events.iter().skip(first + 1);
        seen.extend(rest.map(|event| self.seen(event).map_or_else(|| Arc::clone(event), Arc::new)));
        Cow::Owned(seen)
    }

    /// Returns what is seen of the event when that is not all of it.
    fn seen(&self, event: &Arc<Event>) -> Option<Event> {
        if !self.privacy.only_address || self.privacy.address.is_text() {
            return self.rewritten(event);
        }
        match address::place(event) {
            Place::None => self.with_our_address(event),
            Place::At(place) if self.privacy.address == Treatment::Truncate => self.patched(event, place),
            Place::At(_) | Place::Unclear => self.rewritten(event),
        }
    }

    /// The usual case: the text stays, and so does the head. Nothing is copied but the receipt.
    fn with_our_address(&self, event: &Arc<Event>) -> Option<Event> {
        let ip = self.shown(event);
        (ip != event.receipt.ip).then(|| event.seen_as(event.raw.clone(), ip))
    }

    /// Returns what is seen of the address that the door has seen.
    fn shown(&self, event: &Event) -> Option<IpAddr> {
        let ip = event.receipt.ip?;
        match self.privacy.address {
            Treatment::Keep => Some(ip),
            Treatment::Truncate => Some(value::network_of(ip)),
            Treatment::Hash | Treatment::Encrypt | Treatment::Drop => None,
        }
    }

    /// Replaces one value of the text, which is not copied for it.
    fn patched(&self, event: &Arc<Event>, place: Range<usize>) -> Option<Event> {
        let old = event.sent().get(place.clone()).and_then(|old| std::str::from_utf8(old).ok())?;
        let mut shown = Vec::with_capacity(LONGEST_ADDRESS);
        value::write(old, address::NAME, Treatment::Truncate, &self.hand(event), &mut shown);
        if shown == old.as_bytes() {
            return self.with_our_address(event);
        }
        Some(event.seen_as(event.raw.patched(place, shown), self.shown(event)))
    }

    fn hand<'h>(&'h self, event: &'h Event) -> Hand<'h> {
        let keyring = self.privacy.keyring.as_deref();
        Hand {
            hasher: &self.hasher,
            keyring,
            of: &event.head.message_id,
            // As precise as a record keeps it: a retry from the disk is the same text as one from memory.
            at: event.receipt.received_at.as_microsecond(),
            field: String::new(),
            sealed: Cell::default(),
        }
    }

    /// Goes through the whole text, and reads the head of what comes of it.
    fn rewritten(&self, event: &Arc<Event>) -> Option<Event> {
        // A hash is no address any more, so it becomes the client's own member before it is hashed or encrypted.
        let with_ip = self.privacy.address.is_text().then(|| with_address(event)).flatten();
        let text = with_ip.as_deref().unwrap_or_else(|| event.text());
        let mut rewriter = Rewriter::new(self.hand(event), self.privacy.naming, text.len());
        rewriter.write(text, "", &self.privacy.root);
        let Some(out) = rewriter.finish() else {
            return self.with_our_address(event);
        };
        let receipt = Receipt { ip: self.shown(event), ..event.receipt.clone() };
        Some(Event::restore(out, receipt).unwrap_or_else(|_| nothing_of(event)))
    }
}

/// Returns the text with the address that the door has seen as `context.ip`; `None` when it has seen none, or the client gave
/// one.
fn with_address(event: &Event) -> Option<String> {
    let address = format!(r#"{{"ip":"{}"}}"#, event.receipt.ip?);
    let own = event.marks().iter().rfind(|mark| mark.field == Field::Context);
    let own = own.map(|mark| mark.value.of(event.text())).filter(|own| own.starts_with('{'));
    let context = batch::union(own, &address)?;
    batch::with_member(event.text(), Field::Context, "context", &context)
}

/// What is seen where the rest cannot be read any more. No rule leads here; if one did, nothing would leak.
fn nothing_of(event: &Event) -> Event {
    let head = Head {
        kind: event.head.kind,
        message_id: event.head.message_id.clone(),
        user_id: None,
        anonymous_id: None,
        group_id: None,
        previous_id: None,
        name: None,
        original_timestamp: None,
        sent_at: None,
        integrations: Integrations::default(),
    };
    Event::new(Bytes::from_static(b"{}"), head, Receipt { ip: None, ..event.receipt.clone() })
}
