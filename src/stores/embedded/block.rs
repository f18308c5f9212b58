//! Events of one day, packed into one value: what reports ask of each of them, and nothing that they do not.
//!
//! A row with indexes for each event costs twenty times as much to write as its place here, and more to read. Texts are held once
//! for all events of a block. Pure; never decides which events belong together.

use std::collections::HashMap;

/// Says how a block is packed; the first byte of each.
const VERSION: u8 = 1;
/// Most events of a block: so many are unpacked to look at one.
pub(super) const MOST: usize = 4_096;

const KIND: u8 = 0b0000_0111;
const CLIENT: u8 = 0b0000_1000;
const VISIT: u8 = 0b0001_0000;
const ENGAGED: u8 = 0b0010_0000;
const ENVIRONMENT: u8 = 0b0100_0000;

/// One event; `T` is a text, or its place in the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Hit<T> {
    /// When, in milliseconds since 1970.
    pub(super) ts: i64,
    /// The number of its source.
    pub(super) site: i64,
    /// The number of its kind of call, below 8.
    pub(super) kind: u8,
    /// It comes from a person's browser or app.
    pub(super) is_client: bool,
    /// The visitor's number.
    pub(super) number: u64,
    /// The row of its visit; 0 where it belongs to none.
    pub(super) visit: i64,
    /// How long the page was looked at, in milliseconds.
    pub(super) engaged_ms: i64,
    /// The name of a track call.
    pub(super) name: T,
    /// Where.
    pub(super) path: T,
    /// `context.environment`.
    pub(super) environment: T,
}

/// Why a block cannot be read: it was cut or altered outside of this program.
#[derive(Debug, thiserror::Error)]
#[error("a block of events is damaged")]
pub(super) struct Damaged;

/// Packs events.
#[derive(Debug, Default)]
pub(super) struct Packer {
    places: HashMap<Box<str>, u64>,
    texts: Vec<u8>,
    hits: Vec<u8>,
    count: usize,
    span: Option<(i64, i64)>,
    before: (i64, i64),
}

impl Packer {
    /// Adds an event after the others.
    pub(super) fn add(&mut self, hit: &Hit<&str>) {
        let [name, path, environment] = [hit.name, hit.path, hit.environment].map(|text| self.place(text));
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = (hit.kind & KIND)
            | flag(hit.is_client, CLIENT)
            | flag(hit.visit != 0, VISIT)
            | flag(hit.engaged_ms != 0, ENGAGED)
            | flag(environment != 0, ENVIRONMENT);
        let (ts, visit) = self.before;
        self.hits.push(flags);
        put_signed(&mut self.hits, hit.ts.wrapping_sub(ts));
        put_signed(&mut self.hits, hit.site);
        self.hits.extend_from_slice(&hit.number.to_le_bytes());
        put(&mut self.hits, name);
        put(&mut self.hits, path);
        if hit.visit != 0 {
            put_signed(&mut self.hits, hit.visit.wrapping_sub(visit));
            self.before.1 = hit.visit;
        }
        if hit.engaged_ms != 0 {
            put_signed(&mut self.hits, hit.engaged_ms);
        }
        if environment != 0 {
            put(&mut self.hits, environment);
        }
        self.before.0 = hit.ts;
        let (first, last) = self.span.unwrap_or((hit.ts, hit.ts));
        self.span = Some((first.min(hit.ts), last.max(hit.ts)));
        self.count += 1;
    }

    /// Returns how many events it has.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Returns the earliest and the latest time of its events.
    pub(super) fn span(&self) -> (i64, i64) {
        self.span.unwrap_or_default()
    }

    /// Returns the block.
    pub(super) fn packed(&self) -> Vec<u8> {
        let mut block = Vec::with_capacity(self.texts.len() + self.hits.len() + 16);
        block.push(VERSION);
        put(&mut block, self.places.len() as u64);
        block.extend_from_slice(&self.texts);
        put(&mut block, self.count as u64);
        block.extend_from_slice(&self.hits);
        block
    }

    /// Returns the place of a text: 0 is the empty one.
    fn place(&mut self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.places.len() as u64 + 1;
        self.places.insert(text.into(), place);
        put(&mut self.texts, text.len() as u64);
        self.texts.extend_from_slice(text.as_bytes());
        place
    }
}

/// A block that is looked at.
#[derive(Debug)]
pub(super) struct Block<'b> {
    /// The texts; the first is empty.
    texts: Vec<&'b str>,
    count: u64,
    hits: &'b [u8],
}

impl<'b> Block<'b> {
    /// Reads the texts of a block.
    ///
    /// # Errors
    /// It is damaged.
    pub(super) fn open(data: &'b [u8]) -> Result<Block<'b>, Damaged> {
        let mut rest = match data.split_first() {
            Some((&VERSION, rest)) => rest,
            _ => return Err(Damaged),
        };
        let mut texts = vec![""];
        for _ in 0..take(&mut rest)? {
            let len = usize::try_from(take(&mut rest)?).map_err(|_| Damaged)?;
            let text = bytes(&mut rest, len)?;
            texts.push(std::str::from_utf8(text).map_err(|_| Damaged)?);
        }
        let count = take(&mut rest)?;
        Ok(Block { texts, count, hits: rest })
    }

    /// Returns the texts, by their places.
    pub(super) fn texts(&self) -> &[&'b str] {
        &self.texts
    }

    /// Returns the text at a place.
    pub(super) fn text(&self, place: usize) -> &'b str {
        self.texts.get(place).copied().unwrap_or_default()
    }

    /// Returns an event with its texts.
    pub(super) fn spelled(&self, hit: &Hit<usize>) -> Hit<&'b str> {
        let [name, path, environment] = [hit.name, hit.path, hit.environment].map(|place| self.text(place));
        let Hit { ts, site, kind, is_client, number, visit, engaged_ms, .. } = *hit;
        Hit { ts, site, kind, is_client, number, visit, engaged_ms, name, path, environment }
    }

    /// Hands out the events in the order in which they were added.
    ///
    /// # Errors
    /// It is damaged; some may have been handed out.
    pub(super) fn each(&self, mut each: impl FnMut(&Hit<usize>)) -> Result<(), Damaged> {
        let (mut rest, mut hit) = (self.hits, Hit::default());
        let mut visit = 0_i64;
        for _ in 0..self.count {
            let flags = bytes(&mut rest, 1)?.first().copied().ok_or(Damaged)?;
            hit.ts = take_signed(&mut rest)?.wrapping_add(hit.ts);
            hit.kind = flags & KIND;
            hit.is_client = flags & CLIENT != 0;
            hit.site = take_signed(&mut rest)?;
            let (number, after) = rest.split_first_chunk().ok_or(Damaged)?;
            rest = after;
            hit.number = u64::from_le_bytes(*number);
            hit.name = self.known(take(&mut rest)?)?;
            hit.path = self.known(take(&mut rest)?)?;
            hit.visit = 0;
            if flags & VISIT != 0 {
                visit = visit.wrapping_add(take_signed(&mut rest)?);
                hit.visit = visit;
            }
            hit.engaged_ms = if flags & ENGAGED == 0 { 0 } else { take_signed(&mut rest)? };
            hit.environment = if flags & ENVIRONMENT == 0 { 0 } else { self.known(take(&mut rest)?)? };
            each(&hit);
        }
        Ok(())
    }

    fn known(&self, place: u64) -> Result<usize, Damaged> {
        usize::try_from(place).ok().filter(|place| *place < self.texts.len()).ok_or(Damaged)
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Small numbers of either sign are short.
fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
}

fn take(bytes: &mut &[u8]) -> Result<u64, Damaged> {
    let (mut number, mut shift) = (0_u64, 0);
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift).ok_or(Damaged)?;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
        shift += 7;
    }
    Err(Damaged)
}

fn take_signed(bytes: &mut &[u8]) -> Result<i64, Damaged> {
    let number = take(bytes)?;
    Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

fn bytes<'b>(rest: &mut &'b [u8], len: usize) -> Result<&'b [u8], Damaged> {
    let (taken, after) = rest.split_at_checked(len).ok_or(Damaged)?;
    *rest = after;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn hit()(
            (ts, site, kind, is_client) in (any::<i64>(), any::<i64>(), 0..8_u8, any::<bool>()),
            (number, visit, engaged_ms) in (any::<u64>(), prop_oneof![Just(0), any::<i64>()], prop_oneof![Just(0), any::<i64>()]),
            (name, path, environment) in ("[a-c]{0,2}", "[/ü]{0,3}", "[p]{0,1}"),
        ) -> Hit<String> {
            Hit { ts, site, kind, is_client, number, visit, engaged_ms, name, path, environment }
        }
    }

    fn borrowed(hit: &Hit<String>) -> Hit<&str> {
        let Hit { ts, site, kind, is_client, number, visit, engaged_ms, .. } = *hit;
        let (name, path, environment) = (hit.name.as_str(), hit.path.as_str(), hit.environment.as_str());
        Hit { ts, site, kind, is_client, number, visit, engaged_ms, name, path, environment }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_as_it_went_in(hits in prop::collection::vec(hit(), 0..40)) {
            let mut packer = Packer::default();
            hits.iter().for_each(|hit| packer.add(&borrowed(hit)));
            let data = packer.packed();
            let block = Block::open(&data).unwrap();
            let mut out = Vec::new();
            block.each(|hit| out.push(block.spelled(hit))).unwrap();
            prop_assert_eq!(out, hits.iter().map(borrowed).collect::<Vec<_>>());
            prop_assert_eq!(packer.len(), hits.len());
            let times = || hits.iter().map(|hit| hit.ts);
            let span = times().min().zip(times().max()).unwrap_or_default();
            prop_assert_eq!(packer.span(), span);
        }

        #[test]
        fn what_was_cut_or_altered_is_an_error_or_other_events_and_never_a_panic(
            hits in prop::collection::vec(hit(), 1..10),
            (at, byte, len) in (any::<prop::sample::Index>(), any::<u8>(), any::<prop::sample::Index>()),
        ) {
            let mut packer = Packer::default();
            hits.iter().for_each(|hit| packer.add(&borrowed(hit)));
            let mut data = packer.packed();
            let cut = &data[..len.index(data.len())];
            let whole = Block::open(cut).and_then(|block| block.each(|_| ()));
            prop_assert!(whole.is_err(), "cut at {}", cut.len());
            let at = at.index(data.len());
            data[at] = byte;
            if let Ok(block) = Block::open(&data) {
                block.each(|hit| assert!(block.spelled(hit).name.len() <= data.len())).unwrap_or_default();
            }
        }
    }

    #[test]
    fn a_usual_event_takes_less_than_thirty_bytes() {
        let mut packer = Packer::default();
        for n in 0..4_000 {
            let path = format!("/products/{}", n % 100);
            packer.add(&Hit {
                ts: 1_780_000_000_000 + n * 7,
                site: 1,
                kind: 2,
                is_client: true,
                number: u64::MAX / 3,
                visit: 1_000_000 + n % 900,
                engaged_ms: 0,
                name: "",
                path: &path,
                environment: "production",
            });
        }
        assert!(packer.packed().len() < 4_000 * 30, "{}", packer.packed().len());
    }
}
