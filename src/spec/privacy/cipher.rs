//! Values that only the holder of a key can read: AES-256-GCM, and the text that stands in their place.
//!
//! `enc:v1:KEY:VALUE` names its key by eight hexadecimal digits, which tell nothing of it; `VALUE` is base64url of a nonce of 12
//! bytes, the ciphertext and its tag of 16. The field is sealed in as well, so that a text that is moved to another column cannot
//! be read there. The nonce is made of the key, the event, its arrival, the place and the value: what is sent again is the same text,
//! and the same value of another event is another one. An event's id is its sender's to choose and its arrival is not, so that nobody
//! makes the text of a guess to compare it with. Never says a key.

use std::fmt;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use memchr::memmem;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

/// Begins every sealed value.
pub const PREFIX: &str = "enc:v1:";
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Digits that name a key.
const ID_DIGITS: usize = 8;
/// What is derived from a key is told apart by these.
const FOR_PRINT: &[u8] = b"opentrack: name of a key";
const FOR_NONCES: &[u8] = b"opentrack: nonces";

/// One key, ready for use.
#[derive(Clone)]
pub struct Key {
    print: [u8; KEY_BYTES],
    cipher: LessSafeKey,
    nonces: Hmac<Sha256>,
}

impl Key {
    /// Reads 32 bytes from base64 (44 characters, or 43 without the last `=`) or from 64 hexadecimal digits.
    ///
    /// # Errors
    /// What it must be, to be read after the name of the setting. Never quotes the text.
    pub fn read(text: &str) -> Result<Key, String> {
        let bytes = bytes_of(text.trim()).ok_or("must be 32 bytes in base64 or in 64 hexadecimal digits")?;
        let count = bytes.len();
        let key = (count == KEY_BYTES).then(|| Key::of(&bytes)).flatten();
        key.ok_or_else(|| {
            format!("must be 32 bytes in base64 or in 64 hexadecimal digits, not {count} bytes")
        })
    }

    fn of(bytes: &[u8]) -> Option<Key> {
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).ok()?);
        let (print, nonces) = (derived(bytes, FOR_PRINT)?, derived(bytes, FOR_NONCES)?);
        Some(Key { print, cipher, nonces: Hmac::new_from_slice(&nonces).ok()? })
    }

    /// Returns the digits that name it in what it has sealed.
    pub fn id(&self) -> String {
        self.print.iter().take(ID_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
    }

    fn nonce(&self, parts: [&[u8]; 5]) -> [u8; NONCE_LEN] {
        let mut mac = self.nonces.clone();
        for part in parts {
            // With its length, so that no two lists of parts are one text.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let mut nonce = [0; NONCE_LEN];
        nonce.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        nonce
    }

    fn sealed(&self, nonce: [u8; NONCE_LEN], field: &str, value: &str) -> Option<String> {
        let mut body = value.as_bytes().to_vec();
        let aad = Aad::from(field.as_bytes());
        self.cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body).ok()?;
        let whole = [&nonce[..], &body].concat();
        Some(format!("{PREFIX}{}:{}", self.id(), URL_SAFE_NO_PAD.encode(whole)))
    }

    fn opened(&self, whole: &[u8], field: &str) -> Option<String> {
        let (nonce, body) = whole.split_first_chunk::<NONCE_LEN>()?;
        let (nonce, mut body) = (Nonce::assume_unique_for_key(*nonce), body.to_vec());
        let value = self.cipher.open_in_place(nonce, Aad::from(field.as_bytes()), &mut body).ok()?;
        String::from_utf8(value.to_vec()).ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.id()).finish()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.print == other.print
    }
}

impl Eq for Key {}

/// The first key seals, all of them read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    first: Key,
    others: Vec<Key>,
}

/// Why a sealed value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unread {
    /// Its key, by these digits, is not among ours.
    NoKey(String),
    /// It was sealed for another field, or was altered.
    Unfit,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::NoKey(id) => write!(f, "the key `{id}` is not here"),
            Unread::Unfit => f.write_str("sealed for another field, or altered"),
        }
    }
}

/// Where a value stands: the same value elsewhere is another text.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    /// The JSON pointer of its rule; whoever reads the value must say it.
    pub field: &'a str,
    /// The `messageId` of its event, or the text that it replaces.
    pub of: &'a str,
    /// When its event came, in microseconds since 1970 by the router's clock; 0 where a text is replaced.
    pub at: i64,
    /// Which one of that event it is.
    pub place: usize,
}

impl Keyring {
    /// Returns the ring, when there is a key at all.
    pub fn new(keys: Vec<Key>) -> Option<Keyring> {
        let mut keys = keys.into_iter();
        keys.next().map(|first| Keyring { first, others: keys.collect() })
    }

    /// Returns the digits of the key that seals.
    pub fn newest(&self) -> String {
        self.first.id()
    }

    /// Returns the text that stands in the place of a value; `None` when it is larger than what the cipher takes.
    pub fn seal(&self, value: &str, spot: Spot<'_>) -> Option<String> {
        let place = (spot.place as u64).to_be_bytes();
        let (field, of, at) = (spot.field.as_bytes(), spot.of.as_bytes(), spot.at.to_be_bytes());
        let nonce = self.first.nonce([field, of, &at, &place, value.as_bytes()]);
        self.first.sealed(nonce, spot.field, value)
    }

    /// Returns the value that was sealed for this field, as the JSON that it was.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn open(&self, sealed: &str, field: &str) -> Result<String, Unread> {
        let (id, whole) = parts(sealed).ok_or(Unread::Unfit)?;
        let mut named = self.keys().filter(|key| key.id() == id).peekable();
        if named.peek().is_none() {
            return Err(Unread::NoKey(id.to_owned()));
        }
        let mut opened = named.filter_map(|key| key.opened(&whole, field));
        opened.next().ok_or(Unread::Unfit)
    }

    /// Returns the same value as the newest key seals it; itself where that has sealed it already.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn renew(&self, sealed: &str, field: &str) -> Result<String, Unread> {
        let value = self.open(sealed, field)?;
        if parts(sealed).is_some_and(|(id, _)| id == self.newest()) {
            return Ok(sealed.to_owned());
        }
        self.seal(&value, Spot { field, of: sealed, at: 0, place: 0 }).ok_or(Unread::Unfit)
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// Returns where the next sealed value stands in the text, at or after this place.
pub fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let mut from = from;
    loop {
        let start = from + memmem::find(text.as_bytes().get(from..)?, PREFIX.as_bytes())?;
        let rest = text.get(start + PREFIX.len()..)?;
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let body = rest.get(digits..)?.strip_prefix(':').filter(|_| digits == ID_DIGITS);
        let length = body.map_or(0, |body| body.bytes().take_while(|byte| is_base64url(*byte)).count());
        if length > 0 {
            return Some(start..start + PREFIX.len() + ID_DIGITS + 1 + length);
        }
        from = start + PREFIX.len();
    }
}

/// Takes a sealed value apart: the digits of its key, and nonce, ciphertext and tag.
fn parts(sealed: &str) -> Option<(&str, Vec<u8>)> {
    let (id, body) = sealed.strip_prefix(PREFIX)?.split_once(':')?;
    Some((id, URL_SAFE_NO_PAD.decode(body).ok()?))
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Hexadecimal digits are base64 as well, but never so that they are a key: base64 of 32 bytes has 43 characters, or `=` at its end.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    if text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        return (0..text.len()).step_by(2).map(pair).collect();
    }
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    engines.into_iter().find_map(|engine| engine.decode(text).ok())
}

fn derived(key: &[u8], purpose: &[u8]) -> Option<[u8; KEY_BYTES]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(purpose);
    Some(mac.finalize().into_bytes().into())
}

#[cfg(test)]
pub(super) mod tests;
