//! How much the connections keep prepared: counted by distinct texts, of which each connection has some. Pure but for a lock.
//!
//! The server keeps a prepared statement until it is told otherwise, with memory for its text and for each of its columns;
//! events choose the columns, and so how many texts there are and how long each is.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// Most texts: one for each table and set of columns.
const MOST_TEXTS: usize = 1_000;

/// Most bytes of all texts.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The texts that were sent since all were forgotten.
#[derive(Debug, Default)]
pub(super) struct Prepared(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    texts: HashSet<u64>,
    bytes: usize,
}

impl Prepared {
    /// Takes note of texts that are about to be prepared. Returns true when everything must be forgotten before.
    pub(super) fn is_full<'a>(&self, texts: impl Iterator<Item = &'a str> + Clone) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.add(texts.clone());
        let is_full = known.texts.len() > MOST_TEXTS || known.bytes > MOST_BYTES;
        if is_full {
            *known = Known::default();
            known.add(texts);
        }
        is_full
    }
}

impl Known {
    fn add<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        for text in texts {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            if self.texts.insert(hasher.finish()) {
                self.bytes += text.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(prepared: &Prepared, text: &str) -> bool {
        prepared.is_full(std::iter::once(text))
    }

    #[test]
    fn a_few_long_texts_are_as_much_as_many_short_ones() {
        let prepared = Prepared::default();
        let long = |n: u8| char::from(n).to_string().repeat(MOST_BYTES / 4);
        assert!((b'a'..=b'd').all(|n| !one(&prepared, &long(n))));
        assert!(!one(&prepared, &long(b'a')), "it is known");
        assert!(one(&prepared, "x"));
        assert!(!one(&prepared, &long(b'a')), "counted anew");
        let prepared = Prepared::default();
        assert!((0..MOST_TEXTS).all(|n| !one(&prepared, &n.to_string())));
        assert!(one(&prepared, "one more"));
    }
}
