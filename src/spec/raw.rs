//! The text of one event: what the client sent, in which a view may have replaced one value.
//!
//! Separate because most views are copied into a body once and thrown away: such a copy goes around the replaced value, and
//! only who wants the text in one piece pays for making it. Outside `spec` nobody can see what was replaced.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::OnceLock;

use bytes::Bytes;

/// The bytes of one JSON object, as they are to be seen.
#[derive(Clone)]
pub struct Raw {
    sent: Bytes,
    /// Boxed: what is stored has none.
    patch: Option<Box<Patch>>,
}

/// Another value for one place of the text.
#[derive(Clone)]
struct Patch {
    place: Range<usize>,
    shown: Vec<u8>,
    whole: OnceLock<Bytes>,
}

impl Raw {
    /// Returns the length in bytes; makes no text for it.
    pub fn len(&self) -> usize {
        let grown = self.patch.as_ref().map_or(0, |patch| patch.shown.len());
        self.sent.len() + grown - self.patch.as_ref().map_or(0, |patch| patch.place.len())
    }

    /// Returns whether there is no byte in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the same text with another value at a place of what was sent; a replacement made before is forgotten.
    pub(super) fn patched(&self, place: Range<usize>, shown: Vec<u8>) -> Raw {
        let end = place.end.min(self.sent.len());
        let place = place.start.min(end)..end;
        let patch = Patch { place, shown, whole: OnceLock::new() };
        Raw { sent: self.sent.clone(), patch: Some(Box::new(patch)) }
    }

    pub(super) fn is_patched(&self) -> bool {
        self.patch.is_some()
    }

    /// Returns what the client sent, replaced values included.
    pub(super) fn sent(&self) -> &Bytes {
        &self.sent
    }

    /// Appends a stretch of the text, given by its place in what was sent. A replaced value stands where it begins.
    pub(super) fn write(&self, stretch: Range<usize>, out: &mut Vec<u8>) {
        let sent = |range: Range<usize>| self.sent.get(range).unwrap_or_default();
        let Some(patch) = &self.patch else { return out.extend_from_slice(sent(stretch)) };
        out.extend_from_slice(sent(stretch.start..stretch.end.min(patch.place.start)));
        if stretch.contains(&patch.place.start) {
            out.extend_from_slice(&patch.shown);
        }
        out.extend_from_slice(sent(stretch.start.max(patch.place.end)..stretch.end));
    }

    fn whole(&self) -> &Bytes {
        let Some(patch) = &self.patch else { return &self.sent };
        patch.whole.get_or_init(|| {
            let mut whole = Vec::with_capacity(self.len());
            self.write(0..self.sent.len(), &mut whole);
            whole.into()
        })
    }
}

impl From<Bytes> for Raw {
    fn from(sent: Bytes) -> Raw {
        Raw { sent, patch: None }
    }
}

impl From<Raw> for Bytes {
    fn from(raw: Raw) -> Bytes {
        raw.whole().clone()
    }
}

impl Deref for Raw {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.whole()
    }
}

impl AsRef<[u8]> for Raw {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Raw {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whole().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_replaced_is_seen_by_nobody() {
        let sent = Bytes::from_static(b"{\"ip\":\"1.2.3.4\",\"a\":1}");
        let raw = Raw::from(sent.clone()).patched(6..15, b"null".to_vec());
        let expected = "{\"ip\":null,\"a\":1}";
        assert_eq!(raw.len(), expected.len(), "before the text is made");
        assert_eq!((&raw, raw[1], raw.is_empty()), (&Raw::from(Bytes::from(expected)), b'"', false));
        assert_eq!(format!("{raw:?}"), format!("{:?}", Bytes::from(expected)));
        assert_eq!(Bytes::from(raw.clone()), expected);
        let part = |range| {
            let mut out = Vec::new();
            raw.write(range, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!([part(0..6), part(1..16), part(15..22)], ["{\"ip\":", "\"ip\":null,", ",\"a\":1}"]);
        assert_eq!([part(0..8), part(8..12), part(8..16)], ["{\"ip\":null", "", ","], "no part of it either");
        assert_eq!(raw.sent().as_ptr(), sent.as_ptr(), "nothing is copied");
    }
}
