//! The main data type: one believed call, immutable for ever, shared by all destinations behind an `Arc`.
//!
//! `raw` is the truth and is never rewritten; `tree` is a view of it. What the server knows and the client does not is
//! in the [`Receipt`], which is stored beside the raw text, so that a replay gives every destination the same event.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::consent::Signals;
use super::glance::Places;
use super::head::Draft;
use super::layout::{Layout, Mark, Span};
use super::reject::{Code, Problem};
use super::{Integrations, Kind, Raw, compose};

/// One believed call.
#[derive(Debug)]
pub struct Event {
    /// The exact text of this one event: a slice of the request body, no copy. In a view, what the destination sees.
    pub raw: Raw,
    /// The typed fields that routing and every destination need.
    pub head: OwnHead,
    /// What we know and the client does not.
    pub receipt: Receipt,
    /// Which parts of what was sent the server may say again.
    marks: Vec<Mark>,
    /// Where the door has put something between the client's own bytes; empty in what was stored once or is a view.
    added: Span,
    tree: OnceLock<Value>,
    /// What a glance at it has found.
    pub(super) places: OnceLock<Box<Places>>,
}

impl Event {
    /// Makes an event of parts that were checked elsewhere; `raw` must be one JSON object.
    pub fn new(raw: Bytes, head: Head, receipt: Receipt) -> Event {
        match std::str::from_utf8(&raw) {
            Ok(text) => {
                let marks = Layout::of(text).map(|layout| layout.marks).unwrap_or_default();
                Event::assemble(raw, head, receipt, marks)
            }
            Err(_) => Event::assemble(Bytes::new(), head, receipt, Vec::new()),
        }
    }

    pub(super) fn assemble(raw: Bytes, head: Head, receipt: Receipt, marks: Vec<Mark>) -> Event {
        let (raw, head) = (raw.into(), OwnHead(Whose::Own(head)));
        Event {
            raw,
            head,
            receipt,
            marks,
            added: Span::default(),
            tree: OnceLock::new(),
            places: OnceLock::new(),
        }
    }

    pub(super) fn with_added(self, added: Span) -> Event {
        Event { added, ..self }
    }

    /// Returns the same event with another text, which says the same about its head, and another address. What was read of
    /// the text is not copied.
    pub(super) fn seen_as(self: &Arc<Event>, raw: Raw, ip: Option<IpAddr>) -> Event {
        let receipt = Receipt { ip, ..self.receipt.clone() };
        let head = OwnHead(Whose::Shown(Arc::clone(self)));
        Event {
            raw,
            head,
            receipt,
            marks: Vec::new(),
            added: Span::default(),
            tree: OnceLock::new(),
            places: OnceLock::new(),
        }
    }

    /// Makes the event of a stored record again: the head is read from `raw`, the rest is as it was received.
    ///
    /// # Errors
    /// The text is not an event that could have been stored.
    pub fn restore(raw: impl Into<Bytes>, receipt: Receipt) -> Result<Event, Problem> {
        Event::reread(raw.into(), receipt, Layout::of)
    }

    /// As [`restore`](Event::restore), of a record whose checksum shows that its text is the one that was proved when it was
    /// accepted: proves nothing of its JSON again. Of a text that never was proved the members mean nothing.
    ///
    /// # Errors
    /// The text is not UTF-8, or not an event that could have been stored.
    pub fn restore_proven(raw: impl Into<Bytes>, receipt: Receipt) -> Result<Event, Problem> {
        Event::reread(raw.into(), receipt, Layout::proven_before)
    }

    fn reread(
        raw: Bytes,
        receipt: Receipt,
        layout: fn(&str) -> Result<Layout, serde_json::Error>,
    ) -> Result<Event, Problem> {
        let damaged = |message: String| Problem { path: String::new(), code: Code::BadJson, message };
        let text = std::str::from_utf8(&raw).map_err(|error| damaged(error.to_string()))?;
        let layout = layout(text).map_err(|error| damaged(error.to_string()))?;
        let draft = Draft::trusted(receipt.kind, &layout, text)?;
        if draft.message_id.is_none() && receipt.message_id.is_none() {
            return Err(damaged("the stored event has no message id".to_owned()));
        }
        let head = draft.into_head(receipt.message_id.as_deref(), receipt.sent_at);
        Ok(Event::assemble(raw, head, receipt, layout.marks))
    }

    /// Copies the text out of the request's body, which it would otherwise keep in memory as a whole.
    pub(super) fn detach(&mut self) {
        self.raw = Bytes::copy_from_slice(&self.raw).into();
    }

    /// Returns the complete event, with what the server adds, as [`write_json`](Event::write_json) writes it. Parsed at
    /// most once; numbers that no float holds lose digits here.
    pub fn tree(&self) -> &Value {
        self.tree.get_or_init(|| {
            let mut text = Vec::new();
            self.write_json(&mut text);
            // The door has proved that it can be parsed.
            serde_json::from_slice(&text).unwrap_or_else(|_| Value::Object(Map::new()))
        })
    }

    /// Appends the complete event as one JSON object: `type`, `messageId` when it was made here, `sentAt` when only the
    /// batch had it, `originalTimestamp` as sent, `timestamp` corrected, `receivedAt` with microseconds, `context.ip`
    /// when the client's address is kept and the client gave none; then the client's other members byte for byte.
    /// `writeKey` is left out.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        compose::write(self, out);
    }

    /// Returns the stretch of the raw text that the door has put between the client's own bytes, where that is known: the rest is
    /// what the client sent. Empty when nothing was added.
    pub fn added(&self) -> Range<usize> {
        self.added.start as usize..self.added.end as usize
    }

    /// Returns the length of the raw text in bytes.
    pub fn size(&self) -> usize {
        self.raw.len()
    }

    /// Returns a hash of each id that the event is about; events that share one must be delivered in order.
    ///
    /// The same id gives the same hash whichever member it stands in, in every process.
    pub fn order_keys(&self) -> impl Iterator<Item = u64> + use<> {
        let ids = [&self.head.user_id, &self.head.anonymous_id, &self.head.previous_id];
        ids.map(|id| id.as_deref().map(hash)).into_iter().flatten()
    }

    /// Returns `properties`.
    pub fn properties(&self) -> Option<&Map<String, Value>> {
        self.object("properties")
    }

    /// Returns `context`.
    pub fn context(&self) -> Option<&Map<String, Value>> {
        self.object("context")
    }

    /// Returns `traits`, or `context.traits` when those are absent or empty (RudderStack's Python library sends them
    /// there alone).
    pub fn traits(&self) -> Option<&Map<String, Value>> {
        let own = self.object("traits");
        if own.is_some_and(|traits| !traits.is_empty()) {
            return own;
        }
        self.context().and_then(|context| context.get("traits")?.as_object()).or(own)
    }

    fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.tree().get(name)?.as_object()
    }

    pub(super) fn marks(&self) -> &[Mark] {
        match &self.head.0 {
            Whose::Own(_) => &self.marks,
            Whose::Shown(event) => event.marks(),
        }
    }

    /// Returns the text as it was sent, to which the marks belong. UTF-8, but to say so takes a look at every byte.
    pub(super) fn sent(&self) -> &[u8] {
        self.raw.sent()
    }

    /// Returns the text as it was sent.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(self.sent()).unwrap_or_default()
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// The head of an event; that of a view is the head of the event that it shows. Not behind a pointer of its own: it is
/// looked at for every event and destination, and a view is made for few.
pub struct OwnHead(Whose);

enum Whose {
    Own(Head),
    Shown(Arc<Event>),
}

impl Deref for OwnHead {
    type Target = Head;

    fn deref(&self) -> &Head {
        match &self.0 {
            Whose::Own(head) => head,
            Whose::Shown(event) => &event.head,
        }
    }
}

impl PartialEq for OwnHead {
    fn eq(&self, other: &OwnHead) -> bool {
        **self == **other
    }
}

impl fmt::Debug for OwnHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The typed part of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Which call.
    pub kind: Kind,
    /// The client's id, or the one made at the door. 1 to 255 characters.
    pub message_id: Box<str>,
    /// Absent when missing, null or empty.
    pub user_id: Option<Box<str>>,
    /// Absent when missing, null or empty.
    pub anonymous_id: Option<Box<str>>,
    /// Only for group calls.
    pub group_id: Option<Box<str>>,
    /// Only for alias calls.
    pub previous_id: Option<Box<str>>,
    /// `event` of a track call, `name` of a page or screen call.
    pub name: Option<Box<str>>,
    /// The instant that the client named, before any correction.
    pub original_timestamp: Option<Timestamp>,
    /// The event's own `sentAt`, else the batch's.
    pub sent_at: Option<Timestamp>,
    /// Which destinations the sender wants.
    pub integrations: Integrations,
}

/// What the door adds. Stored in the record beside the raw text.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// The call kind, decided by the path or by `type`.
    pub kind: Kind,
    /// Arrival in milliseconds plus the index in the batch as microseconds, so that order within a batch is kept.
    pub received_at: Timestamp,
    /// The corrected instant: never later than `received_at`.
    pub timestamp: Timestamp,
    /// `sentAt` of the batch, when the event has none of its own.
    pub sent_at: Option<Timestamp>,
    /// The id made at the door, when the client sent none.
    pub message_id: Option<Box<str>>,
    /// Name of the source that sent it.
    pub source: Arc<str>,
    /// The client's address, for client-side events only.
    pub ip: Option<IpAddr>,
    /// What the client's browser said about tracking.
    pub signals: Signals,
    /// Set when the event was stored once more, for one destination. Boxed: next to no event has it.
    pub redelivery: Option<Box<Redelivery>>,
}

/// Why an event is in the journal again: its id is known, and only this destination is to have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redelivery {
    /// Configured name of the one destination that it is for.
    pub destination: Arc<str>,
    /// Position of the record that it repeats, where that is known.
    pub previous: Option<u64>,
}

impl Receipt {
    /// Returns whether the record is for this destination: it was accepted for all, or is stored again for this one.
    pub fn is_for(&self, destination: &str) -> bool {
        self.redelivery.as_ref().is_none_or(|redelivery| &*redelivery.destination == destination)
    }
}
