//! A call is believed and becomes an event, or is set aside with every reason at once.
//!
//! The one place where the order of the checks stands: form, size, the layout, what the batch adds, the promise of a
//! tree, the kind, the head. Each call stands alone; nothing here can spoil its neighbours.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use memchr::memmem::Finder;
use uuid::Uuid;

use super::additions::{self, Adds, Caller, Grown, Room};
use super::head::{self, Draft};
use super::layout::{self, Field, Layout};
use super::read::{Arrival, Call, Endpoint, Envelope, Intake, Limits};
use super::reject::{Code, Problem};
use super::{Event, Head, Receipt, Rejected, proof, time};

/// A body up to this size may be kept alive by any event of it.
const SMALL_BODY: usize = 64 * 1024;
/// Believed events that are less than this part of a large body are copied out of it.
const SMALL_PART: usize = 8;

/// How a library that runs in the user's own app says so.
static DIRECT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"direct\""));

/// Believes or sets aside each call of a request.
pub(super) fn all(
    mut envelope: Envelope,
    (arrival, limits): (&Arrival, &Limits),
    adds: Option<&dyn Adds>,
) -> Intake {
    let calls = std::mem::take(&mut envelope.calls);
    let at = Timestamp::from_millisecond(arrival.received_at.as_millisecond()).unwrap_or(arrival.received_at);
    let grown = RefCell::new((String::new(), Room::of(calls.len())));
    let door = Door { envelope: &envelope, arrival, limits, adds, at, grown };
    let mut intake = Intake { events: Vec::with_capacity(calls.len()), ..Intake::default() };
    for (index, mut call) in calls.into_iter().enumerate() {
        match door.believe(index, &mut call) {
            Ok(Some(event)) => intake.events.push(event),
            Ok(None) => intake.unwanted += 1,
            Err(refusal) => intake.rejected.push((*refusal).about(index, call.raw, arrival)),
        }
    }
    detach(&mut intake.events, envelope.size);
    intake
}

/// Every slice keeps the whole body in memory, also long after the request. A batch whose events were mostly believed is
/// kept for good reason; a few survivors of a large body are copied instead.
fn detach(events: &mut [Event], body: usize) {
    let kept: usize = events.iter().map(Event::size).sum();
    if body > SMALL_BODY && kept.saturating_mul(SMALL_PART) < body {
        for event in events {
            event.detach();
        }
    }
}

/// Why a call is set aside.
struct Refusal {
    message_id: Option<String>,
    problems: Vec<Problem>,
}

impl Refusal {
    fn of(problem: Problem) -> Box<Refusal> {
        Box::new(Refusal { message_id: None, problems: vec![problem] })
    }

    fn about(self, index: usize, raw: Bytes, arrival: &Arrival) -> Rejected {
        Rejected {
            index,
            message_id: self.message_id,
            problems: self.problems,
            source: Arc::clone(&arrival.source),
            at: arrival.received_at,
            raw,
        }
    }
}

/// A call that is believed, before anything is added to it.
struct Believed<'t> {
    text: &'t str,
    layout: Layout,
    head: Head,
    receipt: Receipt,
}

fn whole(code: Code, message: String) -> Problem {
    Problem { path: String::new(), code, message }
}

struct Door<'a> {
    envelope: &'a Envelope,
    arrival: &'a Arrival,
    limits: &'a Limits,
    adds: Option<&'a dyn Adds>,
    /// Arrival in milliseconds.
    at: Timestamp,
    /// Where what is added is written, one call after the other, and room for the texts that it makes.
    grown: RefCell<(String, Room)>,
}

impl Door<'_> {
    /// Returns the event, or none for a call that is not to be kept.
    fn believe(&self, index: usize, call: &mut Call) -> Result<Option<Event>, Box<Refusal>> {
        if let Some(fault) = call.fault.take() {
            return Err(Refusal::of(*fault));
        }
        if !call.raw.starts_with(b"{") {
            return Err(Refusal::of(whole(Code::NotAnObject, "an event must be a JSON object".to_owned())));
        }
        let raw = proof::without_half_surrogates(&call.raw).map_or_else(|| call.raw.clone(), Bytes::from);
        // Once: to prove that bytes are text is a look at each of them.
        let text = text_of(&raw).map_err(Refusal::of)?;
        let layout = match call.layout.take() {
            Some(layout) => *layout,
            None => layout_of(text).map_err(Refusal::of)?,
        };
        if let Some(merged) = self.completed(text, &layout) {
            let layout = layout_of(&merged).map_err(Refusal::of)?;
            let (head, receipt) = self.checked(index, &merged, &layout)?;
            let believed = Believed { text: &merged, layout, head, receipt };
            return Ok(self.assembled(believed, |text| Bytes::copy_from_slice(text.as_bytes())));
        }
        let (head, receipt) = self.checked(index, text, &layout)?;
        let believed = Believed { text, layout, head, receipt };
        Ok(self.assembled(believed, |_| raw.clone()))
    }

    /// Adds what is to be added; the bytes as they are stay those of the request's body when nothing is.
    fn assembled(&self, believed: Believed<'_>, bytes: impl FnOnce(&str) -> Bytes) -> Option<Event> {
        let Believed { text, mut layout, head, receipt } = believed;
        let (members, room) = &mut *self.grown.borrow_mut();
        members.clear();
        let caller =
            |adds: &dyn Adds| adds.add(&Caller::of(receipt.kind, receipt.ip, text, &mut layout), members);
        if !self.adds.is_none_or(caller) {
            return None;
        }
        let grown =
            if members.is_empty() { None } else { additions::spliced(text, &mut layout, members, room) };
        Some(match grown {
            Some(Grown { text, marks, added }) => {
                Event::assemble(text, head, receipt, marks).with_added(added)
            }
            None => Event::assemble(bytes(text), head, receipt, layout.marks),
        })
    }

    /// Returns the text with what the batch and the door add to it; `None` when that is nothing.
    fn completed(&self, text: &str, layout: &Layout) -> Option<String> {
        let merged = self.envelope.shared.merge(text, layout);
        let Some(whose) = &self.envelope.whose else { return merged };
        whose.claim(merged.as_deref().unwrap_or(text)).or(merged)
    }

    fn checked(&self, index: usize, text: &str, layout: &Layout) -> Result<(Head, Receipt), Box<Refusal>> {
        let refusal = |problems| Box::new(Refusal { message_id: head::message_id(layout, text), problems });
        self.check(index, text, layout).map_err(refusal)
    }

    fn check(&self, index: usize, text: &str, layout: &Layout) -> Result<(Head, Receipt), Vec<Problem>> {
        // Before the size: what is nested a million times is also large, but its depth is what is wrong with it.
        proof::prove(text).map_err(|problem| vec![problem])?;
        let most = self.limits.max_event_bytes;
        if text.len() > most {
            let message = format!("the event has {} bytes, more than {most}", text.len());
            return Err(vec![whole(Code::TooLarge, message)]);
        }
        let kind = match self.envelope.endpoint {
            Endpoint::One(kind) => kind,
            Endpoint::Batch => head::kind(layout, text).map_err(|problem| vec![problem])?,
        };
        let draft = Draft::checked(kind, layout, text)?;
        let mut receipt = self.receipt(index, &draft);
        receipt.kind = kind;
        receipt.ip = self.arrival.ip.filter(|_| self.arrival.client_side || is_direct(layout, text));
        let head = draft.into_head(receipt.message_id.as_deref(), receipt.sent_at);
        Ok((head, receipt))
    }

    fn made_id(&self, index: usize) -> Box<str> {
        match &self.envelope.request {
            Some(request) => request.id(&self.arrival.source, index),
            None => made_id(self.at),
        }
    }

    fn receipt(&self, index: usize, draft: &Draft<'_>) -> Receipt {
        let received_at = arrival_of(self.at, index);
        let batch_sent_at = self.envelope.shared.sent_at.filter(|_| draft.sent_at.is_none());
        let sent_at = draft.sent_at.or(batch_sent_at);
        // Judged by the millisecond of the arrival, so that one instant stays one within a batch.
        let timestamp = match draft.original_timestamp {
            None => received_at,
            original => time::corrected(original, sent_at, self.at),
        };
        Receipt {
            kind: super::Kind::Track,
            received_at,
            timestamp,
            sent_at: batch_sent_at.map(time::to_microseconds),
            message_id: draft.message_id.is_none().then(|| self.made_id(index)),
            source: Arc::clone(&self.arrival.source),
            ip: None,
            signals: self.arrival.signals,
            redelivery: None,
        }
    }
}

/// The arrival with the index as microseconds, so that a query that sorts by it keeps the order of the batch. A batch of
/// thousands reaches into the next milliseconds; that is less than any clock is worth.
fn arrival_of(at: Timestamp, index: usize) -> Timestamp {
    let index = i64::try_from(index).unwrap_or(0);
    at.checked_add(SignedDuration::from_micros(index)).unwrap_or(at)
}

/// A UUIDv7 whose time is the arrival, so that ids made here sort by it.
fn made_id(at: Timestamp) -> Box<str> {
    let second = u64::try_from(at.as_second()).unwrap_or(0);
    let nanosecond = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    let stamp = uuid::Timestamp::from_unix(uuid::NoContext, second, nanosecond);
    Uuid::new_v7(stamp).to_string().into_boxed_str()
}

/// A server-side library that runs in the user's own app says so.
fn is_direct(layout: &Layout, text: &str) -> bool {
    layout.value(Field::Context, text).is_some_and(|context| {
        DIRECT.find(context.as_bytes()).is_some() && layout::member(context, "direct") == Some("true")
    })
}

fn text_of(raw: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(raw).map_err(|error| whole(Code::BadJson, format!("invalid UTF-8: {error}")))
}

/// A call without a fault is JSON, and so is what was made of it.
fn layout_of(text: &str) -> Result<Layout, Problem> {
    Layout::proven(text).map_err(|error| whole(Code::BadJson, error.to_string()))
}
