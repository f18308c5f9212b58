//! One record as bytes: encoding, checking and decoding.
//!
//! Separate from the files so that the format can be read, and tested, in one place. Never does I/O.
//!
//! ```text
//! length u32 │ crc32 u32 │ version u8 │ flags u8 │ id hash [16] │ received_at i64 µs │ timestamp │ sent_at? │ source │
//! message_id? │ ip? │ signals? │ redelivery? │ added? │ raw
//! ```
//! `length` counts what follows the checksum; the checksum covers all of that and the record's position, so that stale
//! bytes of another place never pass for a record. Little-endian; instants are zigzag varints of the time
//! before `received_at`; texts carry a varint length. A version is one more than the sum of what a record has: 1 for a redelivery
//! (destination, and one more than the position that it repeats, 0 for none), 2 for the signals of the client's browser (a byte,
//! bit 0 for GPC and bit 1 for DNT), 4 for what the door has added: a varint of its place in the text, and its short form
//! (`phrases`) as a text; `raw` is then without it.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::phrases;
use crate::spec::consent::Signals;
use crate::spec::{Event, Kind, Receipt, Redelivery};

/// First 16 bytes of the SHA-256 of a message id. All zero stands for an erased record.
pub(in crate::journal) type IdHash = [u8; 16];

/// The hash of no message id.
pub(super) const NO_ID: IdHash = [0; 16];

/// Bytes before the body: length and checksum.
pub(super) const HEADER: usize = 8;

/// Versions are this and what a record has beyond the usual.
const VERSION: u8 = 1;
/// It is for one destination alone.
const REDELIVERY: u8 = 1;
/// The client's browser said something about tracking.
const SIGNALS: u8 = 2;
/// What the door has added stands in its short form.
const ADDED: u8 = 4;
const NEWEST: u8 = VERSION + REDELIVERY + SIGNALS + ADDED;
const GPC: u8 = 1;
const DNT: u8 = 2;
/// About how many times as long as its short form a text is.
const GROWTH: usize = 8;
const FIXED: usize = 26;
const KIND_MASK: u8 = 0b0000_0111;
const ERASED: u8 = 0b0000_1000;
const SENT_AT: u8 = 0b0001_0000;
const MESSAGE_ID: u8 = 0b0010_0000;
const IPV4: u8 = 0b0100_0000;
const IPV6: u8 = 0b1000_0000;

/// What recovery and indexes need of a record, read without touching its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary {
    /// Hash of the message id; [`NO_ID`] when erased.
    pub(super) id: IdHash,
    /// Microseconds since the epoch.
    pub(super) received_at: i64,
    /// The id is that of an earlier record.
    pub(super) is_redelivery: bool,
}

/// Returns the hash under which a message id is remembered and indexed.
pub(super) fn id_hash(message_id: &str) -> IdHash {
    let digest: [u8; 32] = Sha256::digest(message_id.as_bytes()).into();
    let mut hash = NO_ID;
    hash.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    hash
}

/// Appends the record of `event` at `position` to `out` and returns its length. `added` is the short form of what the door has
/// added to it; empty to store the text as it is. Fails only for more than 4 GiB.
pub(super) fn encode(
    out: &mut Vec<u8>,
    position: u64,
    id: &IdHash,
    event: &Event,
    added: &[u8],
) -> Option<usize> {
    let start = out.len();
    let receipt = &event.receipt;
    out.extend_from_slice(&[0; HEADER]);
    out.push(version(receipt) + when(!added.is_empty(), ADDED));
    out.push(flags(receipt));
    out.extend_from_slice(id);
    let received_at = receipt.received_at.as_microsecond();
    out.extend_from_slice(&received_at.to_le_bytes());
    put_instant(out, received_at, receipt.timestamp);
    if let Some(sent_at) = receipt.sent_at {
        put_instant(out, received_at, sent_at);
    }
    put_text(out, &receipt.source);
    if let Some(message_id) = &receipt.message_id {
        put_text(out, message_id);
    }
    match receipt.ip {
        Some(IpAddr::V4(ip)) => out.extend_from_slice(&ip.octets()),
        Some(IpAddr::V6(ip)) => out.extend_from_slice(&ip.octets()),
        None => {}
    }
    if receipt.signals.any() {
        out.push(when(receipt.signals.gpc, GPC) | when(receipt.signals.dnt, DNT));
    }
    if let Some(redelivery) = &receipt.redelivery {
        put_text(out, &redelivery.destination);
        put_varint(out, redelivery.previous.map_or(0, |previous| u128::from(previous) + 1));
    }
    put_raw(out, event, added)?;
    seal(out.get_mut(start..)?, position)?;
    Some(out.len() - start)
}

fn put_raw(out: &mut Vec<u8>, event: &Event, added: &[u8]) -> Option<()> {
    if added.is_empty() {
        out.extend_from_slice(&event.raw);
        return Some(());
    }
    let place = event.added();
    put_varint(out, place.start as u128);
    put_varint(out, added.len() as u128);
    out.extend_from_slice(added);
    out.extend_from_slice(event.raw.get(..place.start)?);
    out.extend_from_slice(event.raw.get(place.end..)?);
    Some(())
}

/// Returns the length that the whole record claims, header included; `None` for a length that no record has.
pub(super) fn claimed_len(header: &[u8]) -> Option<usize> {
    let length = u32_at(header, 0)? as usize;
    (length >= FIXED).then_some(length + HEADER)
}

/// Returns what a whole record says about itself when its checksum holds at `position`.
pub(super) fn check(record: &[u8], position: u64) -> Option<Summary> {
    let body = record.get(HEADER..)?;
    let version = *body.first()?;
    if u32_at(record, 4)? != checksum(body, position) || !(VERSION..=NEWEST).contains(&version) {
        return None;
    }
    let mut id = NO_ID;
    id.copy_from_slice(body.get(2..18)?);
    Some(Summary { id, received_at: i64_at(body, 18)?, is_redelivery: has(version, REDELIVERY) })
}

/// Returns the version of a whole record whose checksum holds at `position`, and that this build cannot read.
pub(super) fn newer(record: &[u8], position: u64) -> Option<u8> {
    let body = record.get(HEADER..)?;
    let version = *body.first()?;
    (version > NEWEST && u32_at(record, 4)? == checksum(body, position)).then_some(version)
}

/// Returns a record as a build with another version would have written it.
#[cfg(test)]
pub(super) fn of_version(mut record: Vec<u8>, version: u8, position: u64) -> Vec<u8> {
    record[HEADER] = version;
    seal(&mut record, position).unwrap();
    record
}

/// Returns the receipt and the raw text of a checked record; `Ok(None)` when it is erased, `Err` when it makes no sense.
///
/// `source` remembers the last source name, so that a run of records of one source shares one text.
pub(super) fn decode(record: &[u8], source: &mut Option<Arc<str>>) -> Result<Option<(Receipt, Bytes)>, ()> {
    let body = record.get(HEADER..).ok_or(())?;
    let flags = *body.get(1).ok_or(())?;
    if flags & ERASED != 0 {
        return Ok(None);
    }
    let received_at = i64_at(body, 18).ok_or(())?;
    let mut rest = Input(body.get(FIXED..).ok_or(())?);
    let mut receipt = receipt(&mut rest, flags, received_at, source).ok_or(())?;
    let version = *body.first().ok_or(())?;
    if has(version, SIGNALS) {
        let [signals] = rest.array::<1>().ok_or(())?;
        receipt.signals = Signals { gpc: signals & GPC != 0, dnt: signals & DNT != 0 };
    }
    if has(version, REDELIVERY) {
        receipt.redelivery = Some(Box::new(rest.redelivery().ok_or(())?));
    }
    if has(version, ADDED) {
        return Ok(Some((receipt, rest.grown().ok_or(())?.into())));
    }
    // A copy: a slice would keep the whole chunk alive for as long as one event of it waits.
    Ok(Some((receipt, Bytes::copy_from_slice(rest.0))))
}

/// Overwrites everything in a record but its length and its time of arrival.
pub(super) fn erase(record: &mut [u8], position: u64) -> Option<()> {
    let received_at = i64_at(record, HEADER + 18)?;
    let body = record.get_mut(HEADER..)?;
    body.fill(0);
    *body.first_mut()? = VERSION;
    *body.get_mut(1)? = ERASED;
    body.get_mut(18..FIXED)?.copy_from_slice(&received_at.to_le_bytes());
    seal(record, position)
}

fn version(receipt: &Receipt) -> u8 {
    VERSION + (when(receipt.redelivery.is_some(), REDELIVERY) | when(receipt.signals.any(), SIGNALS))
}

fn has(version: u8, what: u8) -> bool {
    version.wrapping_sub(VERSION) & what != 0
}

const fn when(on: bool, bit: u8) -> u8 {
    if on { bit } else { 0 }
}

fn flags(receipt: &Receipt) -> u8 {
    let ip = match receipt.ip {
        Some(IpAddr::V4(_)) => IPV4,
        Some(IpAddr::V6(_)) => IPV6,
        None => 0,
    };
    receipt.kind as u8
        | when(receipt.sent_at.is_some(), SENT_AT)
        | when(receipt.message_id.is_some(), MESSAGE_ID)
        | ip
}

fn receipt(
    rest: &mut Input<'_>,
    flags: u8,
    received_at: i64,
    source: &mut Option<Arc<str>>,
) -> Option<Receipt> {
    let timestamp = rest.instant(received_at)?;
    let sent_at = if flags & SENT_AT != 0 { Some(rest.instant(received_at)?) } else { None };
    let name = rest.text()?;
    let message_id = if flags & MESSAGE_ID != 0 { Some(Box::from(rest.text()?)) } else { None };
    let ip = if flags & IPV4 != 0 {
        Some(IpAddr::from(rest.array::<4>()?))
    } else if flags & IPV6 != 0 {
        Some(IpAddr::from(rest.array::<16>()?))
    } else {
        None
    };
    Some(Receipt {
        kind: Kind::from_number(flags & KIND_MASK)?,
        received_at: Timestamp::from_microsecond(received_at).ok()?,
        timestamp,
        sent_at,
        message_id,
        source: shared(name, source),
        ip,
        signals: Signals::default(),
        redelivery: None,
    })
}

fn shared(name: &str, last: &mut Option<Arc<str>>) -> Arc<str> {
    match last {
        Some(known) if known.as_ref() == name => Arc::clone(known),
        _ => Arc::clone(last.insert(Arc::from(name))),
    }
}

fn seal(record: &mut [u8], position: u64) -> Option<()> {
    let body = record.get(HEADER..)?;
    let length = u32::try_from(body.len()).ok()?;
    let crc = checksum(body, position);
    record.get_mut(..4)?.copy_from_slice(&length.to_le_bytes());
    record.get_mut(4..HEADER)?.copy_from_slice(&crc.to_le_bytes());
    Some(())
}

fn checksum(body: &[u8], position: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    hasher.update(&position.to_le_bytes());
    hasher.finalize()
}

/// Whole microseconds, the usual case, take a byte less than nanoseconds; the lowest bit tells which it is.
fn put_instant(out: &mut Vec<u8>, base: i64, instant: Timestamp) {
    let before = i128::from(base) * 1_000 - instant.as_nanosecond();
    let (before, unit) = if before % 1_000 == 0 { (before / 1_000, 0) } else { (before, 1) };
    put_varint(out, ((((before << 1) ^ (before >> 127)) as u128) << 1) | unit);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u128);
    out.extend_from_slice(text.as_bytes());
}

fn put_varint(out: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn i64_at(bytes: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// What is left of a body.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn varint(&mut self) -> Option<u128> {
        let mut number = 0_u128;
        for shift in (0..119).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = usize::try_from(self.varint()?).ok()?;
        std::str::from_utf8(self.take(len)?).ok()
    }

    fn redelivery(&mut self) -> Option<Redelivery> {
        let destination = Arc::from(self.text()?);
        let previous = u64::try_from(self.varint()?).ok()?.checked_sub(1);
        Some(Redelivery { destination, previous })
    }

    /// Returns the text with what the door has added to it.
    fn grown(&mut self) -> Option<Vec<u8>> {
        let place = usize::try_from(self.varint()?).ok()?;
        let len = usize::try_from(self.varint()?).ok()?;
        let added = self.take(len)?;
        let (before, after) = self.0.split_at_checked(place)?;
        let mut raw = Vec::with_capacity(self.0.len() + added.len() * GROWTH);
        raw.extend_from_slice(before);
        phrases::unpack(added, &mut raw);
        raw.extend_from_slice(after);
        Some(raw)
    }

    fn instant(&mut self, base: i64) -> Option<Timestamp> {
        let coded = self.varint()?;
        let (coded, unit) = (coded >> 1, if coded & 1 == 0 { 1_000 } else { 1 });
        let before = (coded >> 1) as i128 ^ -((coded & 1) as i128);
        let nanoseconds = (i128::from(base) * 1_000).checked_sub(before.checked_mul(unit)?)?;
        Timestamp::from_nanosecond(nanoseconds).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::{event_with, receipt};
    use crate::spec::{Arrival, Endpoint, Limits};

    fn round_trip(event: &Event, position: u64) -> (Receipt, Bytes) {
        let mut out = Vec::new();
        let id = id_hash(&event.head.message_id);
        let len = encode(&mut out, position, &id, event, &[]).unwrap();
        assert_eq!(claimed_len(&out), Some(len));
        assert_eq!(check(&out, position).unwrap().id, id);
        decode(&out, &mut None).unwrap().unwrap()
    }

    #[test]
    fn a_record_gives_back_receipt_and_text_unaltered() {
        let mut full = receipt("m1");
        full.sent_at = Some("2031-01-01T00:00:00.000000001Z".parse().unwrap());
        full.timestamp = "0001-01-01T00:00:00Z".parse().unwrap();
        full.ip = Some("2001:db8::1".parse().unwrap());
        let event = event_with(full.clone(), 10);
        let (got, raw) = round_trip(&event, 7);
        assert_eq!(got, full);
        assert_eq!(event.raw, raw);
        full.message_id = Some("x".into());
        full.sent_at = None;
        full.ip = Some("10.0.0.1".parse().unwrap());
        full.kind = Kind::Alias;
        assert_eq!(round_trip(&event_with(full.clone(), 0), 0).0, full);
    }

    #[test]
    fn a_record_for_one_destination_says_so_and_may_name_what_it_repeats() {
        for previous in [None, Some(0), Some(u64::MAX - 1)] {
            let mut receipt = receipt("m1");
            receipt.ip = Some("10.0.0.1".parse().unwrap());
            receipt.redelivery = Some(Box::new(Redelivery { destination: "crm ü".into(), previous }));
            let event = event_with(receipt.clone(), 3);
            assert_eq!(round_trip(&event, 7), (receipt, event.raw.clone().into()));
            let mut out = Vec::new();
            encode(&mut out, 7, &id_hash("m1"), &event, &[]).unwrap();
            assert!(check(&out, 7).unwrap().is_redelivery);
            erase(&mut out, 7).unwrap();
            assert_eq!(decode(&out, &mut None), Ok(None));
        }
    }

    #[test]
    fn what_the_browser_said_is_kept_and_a_record_of_a_silent_one_is_as_it_always_was() {
        for (gpc, dnt) in [(true, false), (false, true), (true, true)] {
            let mut receipt = receipt("m1");
            receipt.ip = Some("10.0.0.1".parse().unwrap());
            receipt.signals = Signals { gpc, dnt };
            assert_eq!(round_trip(&event_with(receipt.clone(), 3), 7).0, receipt);
            receipt.redelivery = Some(Box::new(Redelivery { destination: "crm".into(), previous: Some(3) }));
            let event = event_with(receipt.clone(), 3);
            assert_eq!(round_trip(&event, 7), (receipt, event.raw.clone().into()));
        }
        // Read by routers that know no signals, and they by this one.
        let mut quiet = receipt("m1");
        let first_byte = |receipt: &Receipt| {
            let mut out = Vec::new();
            encode(&mut out, 7, &id_hash("m1"), &event_with(receipt.clone(), 3), &[]).unwrap();
            out[HEADER]
        };
        assert_eq!(first_byte(&quiet), 1);
        quiet.redelivery = Some(Box::new(Redelivery { destination: "crm".into(), previous: None }));
        assert_eq!(first_byte(&quiet), 2);
    }

    /// An event of a page view to which something was added.
    fn grown() -> Event {
        struct Adds;
        impl crate::spec::additions::Adds for Adds {
            fn add(&self, _: &crate::spec::additions::Caller<'_>, members: &mut String) -> bool {
                members.push_str(r#""bot":false,"geo":{"country":"DE","city":"Köln"}"#);
                true
            }
        }
        let body = r#"{"context":{"a":1},"anonymousId":"v","messageId":"m1","type":"page"}"#;
        let envelope = crate::spec::read(body.into(), Endpoint::One(Kind::Page)).unwrap();
        let (received_at, source) = (receipt("m1").received_at, Arc::from("web"));
        let signals = Signals { gpc: true, dnt: false };
        let arrival = Arrival { received_at, source, ip: None, client_side: false, signals };
        let limits = Limits { max_event_bytes: 1 << 20 };
        envelope.believe_and_add(&arrival, &limits, &Adds).events.remove(0)
    }

    #[test]
    fn what_the_door_has_added_comes_back_in_its_place() {
        let mut event = grown();
        let text = event.raw.clone();
        let added = r#","bot":false,"geo":{"country":"DE","city":"Köln"}"#;
        assert_eq!(text.get(event.added()), Some(added.as_bytes()));
        for redelivery in [None, Some(Box::new(Redelivery { destination: "crm".into(), previous: None }))] {
            event.receipt.redelivery = redelivery;
            let mut packer = phrases::Packer::new();
            let short = packer.pack(text.get(event.added()).unwrap());
            let mut out = Vec::new();
            let len = encode(&mut out, 7, &id_hash("m1"), &event, short).unwrap();
            let plain = encode(&mut Vec::new(), 7, &id_hash("m1"), &event, &[]).unwrap();
            assert!(len + 20 < plain, "{len} instead of {plain}");
            check(&out, 7).unwrap();
            let (receipt, raw) = decode(&out, &mut None).unwrap().unwrap();
            assert_eq!((&receipt, &raw[..]), (&event.receipt, &text[..]));
            let again = Event::restore(raw, receipt).unwrap();
            assert_eq!((again.tree(), again.added()), (event.tree(), 0..0));
        }
    }

    #[test]
    fn the_overhead_stays_within_fifty_bytes() {
        let mut receipt = receipt("m1");
        receipt.message_id = None;
        receipt.sent_at = Some(receipt.timestamp);
        let mut event = event_with(receipt.clone(), 0);
        event.receipt.message_id = None;
        let mut out = Vec::new();
        let len = encode(&mut out, 0, &NO_ID, &event, &[]).unwrap();
        assert!(len - event.raw.len() <= 50, "{}", len - event.raw.len());
    }

    #[test]
    fn a_flipped_bit_or_another_position_fails_the_check() {
        let event = event_with(receipt("m1"), 3);
        let mut out = Vec::new();
        encode(&mut out, 5, &id_hash("m1"), &event, &[]).unwrap();
        assert_eq!(check(&out, 6), None);
        for at in 4..out.len() {
            out[at] ^= 1;
            assert_eq!(check(&out, 5), None, "byte {at}");
            out[at] ^= 1;
        }
        assert!(check(&out, 5).is_some());
    }

    #[test]
    fn an_erased_record_keeps_its_length_and_time_alone() {
        let event = event_with(receipt("m1"), 3);
        let mut out = Vec::new();
        encode(&mut out, 5, &id_hash("m1"), &event, &[]).unwrap();
        let before = check(&out, 5).unwrap();
        let len = out.len();
        erase(&mut out, 5).unwrap();
        assert_eq!(out.len(), len);
        assert_eq!(
            check(&out, 5),
            Some(Summary { id: NO_ID, received_at: before.received_at, is_redelivery: false })
        );
        assert_eq!(decode(&out, &mut None), Ok(None));
        assert!(!out.windows(2).any(|pair| pair == b"m1"));
    }

    proptest::proptest! {
        #[test]
        fn garbage_never_panics(bytes: Vec<u8>, position: u64) {
            claimed_len(&bytes);
            check(&bytes, position);
            decode(&bytes, &mut None).ok();
        }
    }
}
