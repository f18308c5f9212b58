//! One value hashed, encrypted or truncated.
//!
//! Nested values are treated one by one, so that the shape of the event stays as it is. `null` stays null.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::super::{address, head, layout};
use super::Treatment;
use super::cipher::{Keyring, Spot};

/// Makes hashes with the salt of the router.
#[derive(Clone)]
pub(super) struct Hasher(Option<Hmac<Sha256>>);

impl Hasher {
    pub(super) fn new(salt: &str) -> Hasher {
        // HMAC takes a key of any length.
        Hasher(Hmac::new_from_slice(salt.as_bytes()).ok())
    }

    /// Returns 64 hexadecimal digits of `kind:normalised`; `None` for what is empty when normalised.
    fn hash(&self, kind: &str, text: &str) -> Option<String> {
        let normal = normalised(kind, text.trim());
        let mut mac = self.0.clone().filter(|_| !normal.is_empty())?;
        mac.update(kind.as_bytes());
        mac.update(b":");
        mac.update(normal.as_bytes());
        let mut out = String::with_capacity(64);
        mac.finalize().into_bytes().iter().try_for_each(|byte| write!(out, "{byte:02x}")).ok()?;
        Some(out)
    }
}

/// What values are treated with, and where the one at hand stands.
pub(super) struct Hand<'h> {
    pub(super) hasher: &'h Hasher,
    pub(super) keyring: Option<&'h Keyring>,
    /// The `messageId` of the event.
    pub(super) of: &'h str,
    /// When it came, in microseconds since 1970.
    pub(super) at: i64,
    /// The JSON pointer of the rule.
    pub(super) field: String,
    /// How many values of the event were encrypted so far: what stands there twice is two texts.
    pub(super) sealed: Cell<usize>,
}

impl Hand<'_> {
    /// Returns the text in the place of a JSON value; `None` without a key, since nobody may read it then.
    fn seal(&self, raw: &str) -> Option<String> {
        let place = self.sealed.replace(self.sealed.get() + 1);
        self.keyring?.seal(raw, Spot { field: &self.field, of: self.of, at: self.at, place })
    }
}

/// Returns 64 hexadecimal digits of `kind:normalised` by this key; `None` for what is empty when normalised. Who has the key can
/// join by it, and nobody else can guess behind it.
pub fn keyed_hash(salt: &str, kind: &str, text: &str) -> Option<String> {
    Hasher::new(salt).hash(kind, text)
}

/// Returns what kind of value a member of this name holds. Spellings of the same kind give the same hash, and so do the ids
/// of a person, so that an alias still connects them. Any other name is a kind of its own.
fn kind_of(key: &str) -> &str {
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "email" => "email",
        "phone" => "phone",
        "firstname" => "first_name",
        "lastname" => "last_name",
        "gender" => "gender",
        "city" => "city",
        "state" => "state",
        "country" => "country",
        "zip" | "zipcode" | "postalcode" | "postcode" => "zip",
        "userid" | "anonymousid" | "previousid" => "id",
        _ => key,
    }
}

/// Returns the one spelling of a text that is trimmed: what two people write differently and mean alike has one hash. Kinds
/// are `email`, `phone`, `first_name`, `last_name`, `gender`, `city`, `state`, `country` and `zip`; any other stays as it is.
pub fn normalised<'t>(kind: &str, text: &'t str) -> Cow<'t, str> {
    let without_space = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    match kind {
        "email" | "first_name" | "last_name" | "state" | "country" => text.to_lowercase().into(),
        "phone" => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            digits.trim_start_matches('0').to_owned().into()
        }
        "gender" => match text.chars().next().map(|first| first.to_ascii_lowercase()) {
            Some('m') => "m".into(),
            Some('f') => "f".into(),
            _ => "".into(),
        },
        "city" => without_space(&text.to_lowercase()).into(),
        "zip" => {
            let before = text.split('-').next().unwrap_or_default();
            without_space(&before.to_lowercase()).into()
        }
        _ => text.into(),
    }
}

/// Returns the network that an address is in: /24, or /48 for version 6. An IPv4 address in IPv6 clothes counts as the former.
pub fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & (u32::MAX << 8)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 80)).into(),
    }
}

/// Appends what becomes of a JSON value that stands under this key; nothing for one that is dropped.
pub(super) fn write(raw: &str, key: &str, treatment: Treatment, hand: &Hand<'_>, out: &mut Vec<u8>) {
    match (treatment, raw.as_bytes().first()) {
        (Treatment::Drop, _) => {}
        (Treatment::Keep, _) | (_, Some(b'n')) => out.extend_from_slice(raw.as_bytes()),
        (_, Some(b'{' | b'[')) => write_each(raw, key, treatment, hand, out),
        (Treatment::Truncate, Some(b'"')) => write_short(raw, key, out),
        (Treatment::Truncate, _) => write_text(None, out),
        (Treatment::Hash, Some(b'"')) => {
            let text = serde_json::from_str::<Cow<'_, str>>(raw).unwrap_or_default();
            write_text(hand.hasher.hash(kind_of(key), &text).as_deref(), out);
        }
        // As the JSON that it is, so that a number is one again.
        (Treatment::Encrypt, _) => write_text(hand.seal(raw).as_deref(), out),
        (Treatment::Hash, _) => write_text(hand.hasher.hash(kind_of(key), raw).as_deref(), out),
    }
}

/// The elements of a list are of the kind of the list.
fn write_each(raw: &str, key: &str, treatment: Treatment, hand: &Hand<'_>, out: &mut Vec<u8>) {
    let places = layout::places(raw).or_else(|| layout::elements(raw)).unwrap_or_default();
    let is_list = raw.starts_with('[');
    let mut at = 0;
    for (name, place) in places {
        out.extend_from_slice(raw.get(at..place.start).unwrap_or_default().as_bytes());
        at = place.end;
        let key = if is_list { key } else { &name };
        write(raw.get(place).unwrap_or("null"), key, treatment, hand, out);
    }
    out.extend_from_slice(raw.get(at..).unwrap_or_default().as_bytes());
}

fn write_short(raw: &str, key: &str, out: &mut Vec<u8>) {
    let Some(text) = head::string(raw) else { return write_text(None, out) };
    match text.trim().parse::<IpAddr>() {
        Ok(ip) => {
            // Writing to memory does not fail, and nothing in an address is escaped.
            write!(out, "\"{}\"", network_of(ip)).ok();
        }
        // A list of addresses, or one with a port, must not be told by its beginning.
        Err(_) if key == address::NAME => write_text(None, out),
        Err(_) => write_text(Some(&text.trim().chars().take(1).collect::<String>()), out),
    }
}

fn write_text(text: Option<&str>, out: &mut Vec<u8>) {
    // A string always becomes JSON.
    let json = text.and_then(|text| serde_json::to_string(text).ok());
    out.extend_from_slice(json.as_deref().unwrap_or("null").as_bytes());
}
