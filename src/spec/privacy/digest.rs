//! Hashes of what is known of a person, without a key, as advertisers ask for: SHA-256 in lower-case hexadecimal of its one
//! spelling.
//!
//! Who was hashed before keeps the hash. Nothing is never hashed: all who gave nothing would be one person.

use sha2::{Digest as _, Sha256};

use super::normalised;

/// Digits of a hash.
const LENGTH: usize = 64;

/// A hash in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashed([u8; LENGTH]);

impl Hashed {
    /// Returns its 64 digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns its 64 digits as text.
    pub fn to_text(self) -> String {
        self.0.map(char::from).iter().collect()
    }
}

/// Returns the hash of a value of this kind; `None` when nothing is left of it in its one spelling.
pub fn hashed(kind: &str, text: &str) -> Option<Hashed> {
    let text = text.trim();
    if let Some(before) = as_hash(text) {
        return Some(before);
    }
    let normal = normalised(kind, text);
    (!normal.is_empty()).then(|| of(normal.as_bytes()))
}

/// Returns a text that is a hash already: 64 hexadecimal digits and nothing else.
pub fn as_hash(text: &str) -> Option<Hashed> {
    let digits: &[u8; LENGTH] = text.as_bytes().try_into().ok()?;
    digits.iter().all(u8::is_ascii_hexdigit).then(|| Hashed(digits.map(|digit| digit.to_ascii_lowercase())))
}

fn of(bytes: &[u8]) -> Hashed {
    let mut digits = [0; LENGTH];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(Sha256::digest(bytes)) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    Hashed(digits)
}

/// Of a number below 16. Counted and not looked up, so that the compiler does many at once.
const fn digit(half: u8) -> u8 {
    if half < 10 { b'0' + half } else { b'a' - 10 + half }
}
