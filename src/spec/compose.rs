//! The complete event as text: the client's own bytes with the server's members spliced in.
//!
//! Never through a tree: a tree would be ten times slower and would change numbers that no float can hold. What the
//! server says stands first; of the client's members only those are left out that the server says again. Looks at bytes:
//! that they are UTF-8 was proved when the event was made.

use std::io::Write as _;

use super::layout::{Field, Mark};
use super::{Event, address, time};

/// Room for the server's own members.
pub(super) const EXTRA: usize = 256;

/// Appends the event as a JSON object.
pub(super) fn write(event: &Event, out: &mut Vec<u8>) {
    let text = event.sent();
    if !text.starts_with(b"{") {
        // No door lets this through; an object is still owed.
        out.extend_from_slice(b"{}");
        return;
    }
    let piece = Piece { event, text, context: context_to_fill(event, text) };
    out.reserve(text.len() + EXTRA);
    piece.write_own(out);
    piece.write_rest(out);
}

/// Where the client's address goes.
#[derive(Clone, Copy)]
enum Address {
    /// Nowhere: there is none, or the client gave one.
    Nowhere,
    /// Into the context that begins at this place.
    Into { brace: u32 },
    /// Into a context of its own.
    Alone,
}

fn context_to_fill(event: &Event, text: &[u8]) -> Address {
    // What a view replaces is the client's address.
    if event.receipt.ip.is_none() || event.raw.is_patched() {
        return Address::Nowhere;
    }
    let context = event.marks().iter().rfind(|mark| mark.field == Field::Context);
    match context.map(|mark| (mark.value.start, mark.value.bytes(text))) {
        Some((_, own)) if own.starts_with(b"{") && address::is_in(own) => Address::Nowhere,
        Some((brace, own)) if own.starts_with(b"{") => Address::Into { brace },
        _ => Address::Alone,
    }
}

struct Piece<'a> {
    event: &'a Event,
    text: &'a [u8],
    context: Address,
}

impl Piece<'_> {
    fn write_own(&self, out: &mut Vec<u8>) {
        let receipt = &self.event.receipt;
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(receipt.kind.as_str().as_bytes());
        out.push(b'"');
        if let Some(id) = &receipt.message_id {
            // Made at the door: nothing in it needs an escape.
            out.extend_from_slice(b",\"messageId\":\"");
            out.extend_from_slice(id.as_bytes());
            out.push(b'"');
        }
        if let Some(sent_at) = receipt.sent_at {
            instant(out, b",\"sentAt\":\"", |out| time::write_exact(out, sent_at));
        }
        if let Some(original) = self.original() {
            out.extend_from_slice(b",\"originalTimestamp\":");
            out.extend_from_slice(original);
        }
        instant(out, b",\"timestamp\":\"", |out| time::write_exact(out, receipt.timestamp));
        instant(out, b",\"receivedAt\":\"", |out| time::write_us(out, receipt.received_at));
        if matches!(self.context, Address::Alone) {
            out.extend_from_slice(b",\"context\":{");
            self.write_ip(out);
            out.push(b'}');
        }
    }

    fn original(&self) -> Option<&[u8]> {
        let value = |field| {
            let mark = self.event.marks().iter().rfind(|mark| mark.field == field)?;
            Some(mark.value.bytes(self.text)).filter(|raw| *raw != b"null")
        };
        value(Field::Timestamp).or_else(|| value(Field::OriginalTimestamp))
    }

    fn write_rest(&self, out: &mut Vec<u8>) {
        let mut at = 1;
        let mut comma = !self.begins_with_cut();
        for mark in self.event.marks() {
            if self.is_cut(mark) {
                comma = self.copy(out, at..mark.from, comma);
                at = mark.value.end;
            } else if matches!(self.context, Address::Into { brace } if brace == mark.value.start) {
                comma = self.copy(out, at..mark.value.start + 1, comma);
                at = mark.value.start + 1;
                self.write_ip_before(out, at);
            }
        }
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.copy(out, at..end, comma);
    }

    /// Copies a stretch of the client's text as it is to be seen; says whether a comma is still owed before the next one.
    fn copy(&self, out: &mut Vec<u8>, range: std::ops::Range<u32>, comma: bool) -> bool {
        let range = range.start as usize..range.end as usize;
        let bytes = self.text.get(range.clone()).unwrap_or_default();
        if bytes.is_empty() {
            return comma;
        }
        if comma && !bytes.trim_ascii_start().starts_with(b"}") {
            out.push(b',');
        }
        self.event.raw.write(range, out);
        false
    }

    /// The first member has no comma of its own; each later one is cut or copied together with the comma before it.
    fn begins_with_cut(&self) -> bool {
        self.event.marks().first().is_some_and(|mark| mark.from == 1 && self.is_cut(mark))
    }

    fn is_cut(&self, mark: &Mark) -> bool {
        let receipt = &self.event.receipt;
        match mark.field {
            Field::MessageId => receipt.message_id.is_some(),
            Field::SentAt => receipt.sent_at.is_some(),
            Field::Context => matches!(self.context, Address::Alone),
            // The write key is a credential and none of a destination's business.
            _ => true,
        }
    }

    /// Writes the address as the first member of the object whose text goes on at this place.
    fn write_ip_before(&self, out: &mut Vec<u8>, at: u32) {
        self.write_ip(out);
        let rest = self.text.get(at as usize..).unwrap_or_default().trim_ascii_start();
        if !rest.starts_with(b"}") {
            out.push(b',');
        }
    }

    fn write_ip(&self, out: &mut Vec<u8>) {
        if let Some(ip) = self.event.receipt.ip {
            // Writing to memory does not fail.
            write!(out, "\"ip\":\"{ip}\"").ok();
        }
    }
}

fn instant(out: &mut Vec<u8>, name: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(name);
    write(out);
    out.push(b'"');
}
