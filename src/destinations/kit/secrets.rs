//! Keeps configured secrets out of the other side's words.
//!
//! A receiver may well answer "unknown token abc…", and its answers go into logs, dead letters and the console. Pure.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};

use crate::destinations::{Answer, Reply};

/// Shorter words are no secrets, and hiding them would only garble answers.
const MIN_SECRET_BYTES: usize = 8;

const MASK: &[u8] = b"***";

/// What must not be repeated.
#[derive(Default)]
pub struct Secrets(Vec<Box<[u8]>>);

impl Secrets {
    /// Collects the words of these values ("Bearer abc…" is two).
    pub fn of<'a>(values: impl IntoIterator<Item = &'a SecretString>) -> Secrets {
        let words = values.into_iter().flat_map(|value| value.expose_secret().split_whitespace());
        let long = words.filter(|word| word.len() >= MIN_SECRET_BYTES);
        Secrets(long.map(|word| word.as_bytes().into()).collect())
    }
    /// Returns the reply without them.
    pub fn hide<'a>(&self, reply: &'a Reply) -> Cow<'a, Reply> {
        let Reply::Answer(answer) = reply else { return Cow::Borrowed(reply) };
        let leaks = |text: &[u8]| self.0.iter().any(|secret| memmem::find(text, secret).is_some());
        if !leaks(&answer.body) && !answer.headers.iter().any(|(_, value)| leaks(value.as_bytes())) {
            return Cow::Borrowed(reply);
        }
        let clean = |(name, value): &(&'static str, String)| {
            (*name, String::from_utf8_lossy(&self.mask(value.as_bytes())).into_owned())
        };
        Cow::Owned(Reply::Answer(Answer {
            headers: answer.headers.iter().map(clean).collect(),
            body: Bytes::from(self.mask(&answer.body)),
            ..answer.clone()
        }))
    }

    fn mask(&self, text: &[u8]) -> Vec<u8> {
        self.0.iter().fold(text.to_vec(), |text, secret| replace(&text, secret))
    }
}

fn replace(text: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, found)) = memmem::find(rest, secret).and_then(|at| rest.split_at_checked(at)) {
        out.extend_from_slice(before);
        out.extend_from_slice(MASK);
        rest = found.get(secret.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}
