//! By what a request is known again whose sender has proved who it is: the name it has there, and what it asks for.
//!
//! Apart from the duplicate window, which knows events alone: ids of calls without a `messageId` follow from this, so that the
//! window tells a copy also after a restart. What a library writes anew at each attempt, `sentAt`, is not looked at; everything
//! else is, so that other calls under a name that was used before are another request and never taken for a copy.

use sha2::{Digest, Sha256};

use super::batch::Shared;
use super::layout::{Field, Layout};
use super::read::Call;

/// SHA-256.
pub type Print = [u8; 32];

/// A request that may come again.
#[derive(Debug, Clone)]
pub(super) struct Repeat {
    name: Box<str>,
    /// What the batch says for all of them.
    shared: Print,
    calls: Vec<Print>,
}

impl Repeat {
    pub(super) fn of(name: &str, calls: &[Call], shared: &Shared) -> Repeat {
        let texts = [&shared.context, &shared.integrations].map(|text| text.as_deref().unwrap_or_default());
        let shared = joined(texts.map(str::as_bytes));
        Repeat { name: name.into(), shared, calls: calls.iter().map(print).collect() }
    }

    /// Returns what stands for the request as a whole.
    pub(super) fn print(&self) -> Print {
        let calls = self.calls.iter().map(<[u8; 32]>::as_slice);
        joined([self.name.as_bytes(), self.shared.as_slice()].into_iter().chain(calls))
    }

    /// Returns a UUIDv8 for the call at this place, the same one whenever the request comes.
    pub(super) fn id(&self, source: &str, index: usize) -> Box<str> {
        let place = index.to_string();
        let call = self.calls.get(index).map_or(&[][..], <[u8; 32]>::as_slice);
        let parts = [source.as_bytes(), self.name.as_bytes(), place.as_bytes(), self.shared.as_slice(), call];
        let bytes = joined(parts).first_chunk().copied().unwrap_or_default();
        uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string().into_boxed_str()
    }
}

/// Each part with its length, so that no two lists are one text.
fn joined<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Print {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn print(call: &Call) -> Print {
    let sent_at = std::str::from_utf8(&call.raw).ok().filter(|text| text.starts_with('{')).map(|text| {
        let found = call.layout.as_deref().map(|layout| layout.span(Field::SentAt));
        found.unwrap_or_else(|| Layout::of(text).map(|layout| layout.span(Field::SentAt)).unwrap_or_default())
    });
    let span = sent_at.unwrap_or_default();
    let (before, rest) = call.raw.split_at_checked(span.start as usize).unwrap_or((&call.raw, &[]));
    let after = rest.get((span.end - span.start) as usize..).unwrap_or_default();
    joined([before, after])
}
