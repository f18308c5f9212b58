//! What the door adds to an event, in a fifth of its bytes: its own turns of phrase stand as one byte each.
//!
//! A text of JSON has no control characters and no bytes that UTF-8 does not have, so these stand for what the door writes again
//! and again. Each record can be read for itself, whatever becomes of its neighbours. The list is part of the format of a record:
//! it is never changed, and another one is another version (`codec`). Never does I/O.

use std::sync::LazyLock;

/// The phrases. What is added by a door of today is made of them; what is not among them is written as it is.
const PHRASES: [(u8, &str); 45] = [
    (0x00, r#""browser":{"name":""#),
    (0x01, r#""},"os":{"name":""#),
    (0x02, r#"","version":""#),
    (0x03, r#""},"device":{"type":"desktop"},"bot":false"#),
    (0x04, r#""},"device":{"type":"mobile","brand":""#),
    (0x05, r#""},"device":{"type":""#),
    (0x06, r#"","brand":""#),
    (0x07, r#"","model":""#),
    (0x08, r#"","family":""#),
    (0x09, r#""},"bot":false"#),
    (0x0a, r#""},"bot":true"#),
    (0x0b, r#""geo":{"country":""#),
    (0x0c, r#"","region":""#),
    (0x0d, r#"","city":""#),
    (0x0e, r#"","timezone":""#),
    (0x0f, r#""},"attribution":{"source":""#),
    (0x10, r#"","medium":""#),
    (0x11, r#"","campaign":""#),
    (0x12, r#"","channel":""#),
    (0x13, r#"","click_id":""#),
    (0x14, r#"(direct)","medium":"(none)","channel":"Direct"}"#),
    (0x15, r#"organic","channel":"Organic Search"}"#),
    (0x16, r#"referral","channel":"Referral"}"#),
    (0x17, r#"social","channel":"Organic Social"}"#),
    (0x18, r#"cpc","channel":"Paid Search"#),
    (0x19, r#""}"#),
    (0x1a, "Chrome"),
    (0x1b, "Chrome Mobile"),
    (0x1c, "Mobile Safari"),
    (0x1d, "Firefox"),
    (0x1e, "Windows"),
    (0x1f, "Android"),
    (0xc0, "Mac OS X"),
    (0xc1, "iOS"),
    (0xf5, r#"Apple","model":"iPhone","family":"iPhone"#),
    (0xf6, r#"Apple","model":"Mac","family":"Mac"#),
    (0xf7, "Samsung"),
    (0xf8, "Europe/"),
    (0xf9, "America/"),
    (0xfa, "Asia/"),
    (0xfb, ".0.0"),
    (0xfc, "Linux"),
    (0xfd, "google"),
    (0xfe, r#""context":{"#),
    (0xff, " UI/WKWebView"),
];

/// Texts of which the short form is remembered. What one browser in one place is said to be comes again with each of its events.
const REMEMBERED: usize = 512;

/// The phrases by the bytes that stand for them, and by those that they begin with, the longest first.
struct Book {
    meaning: [Option<&'static str>; 256],
    beginning: [Vec<(u8, &'static str)>; 256],
}

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let mut book = Book { meaning: [None; 256], beginning: [const { Vec::new() }; 256] };
    for (code, phrase) in PHRASES {
        if let Some(meaning) = book.meaning.get_mut(usize::from(code)) {
            *meaning = Some(phrase);
        }
        let first = phrase.bytes().next().unwrap_or_default();
        if let Some(beginning) = book.beginning.get_mut(usize::from(first)) {
            beginning.push((code, phrase));
            beginning.sort_by_key(|(_, phrase)| std::cmp::Reverse(phrase.len()));
        }
    }
    book
});

/// Returns the short form of a text; `None` for one that has a byte by which a phrase would be meant.
fn packed(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4);
    let mut rest = text;
    while let Some(first) = rest.first() {
        let phrases = BOOK.beginning.get(usize::from(*first))?;
        let found = phrases.iter().find(|(_, phrase)| rest.starts_with(phrase.as_bytes()));
        let (code, len) = match found {
            Some((code, phrase)) => (*code, phrase.len()),
            None if is_code(*first) => return None,
            None => (*first, 1),
        };
        out.push(code);
        rest = rest.get(len..)?;
    }
    Some(out)
}

fn is_code(byte: u8) -> bool {
    matches!(byte, 0x00..=0x1f | 0xc0 | 0xc1 | 0xf5..)
}

/// Appends the text of which this is the short form.
pub(super) fn unpack(packed: &[u8], out: &mut Vec<u8>) {
    for byte in packed {
        match BOOK.meaning.get(usize::from(*byte)).copied().flatten() {
            Some(phrase) => out.extend_from_slice(phrase.as_bytes()),
            None => out.push(*byte),
        }
    }
}

/// A text and its short form.
type Pair = (Box<[u8]>, Box<[u8]>);

/// Makes short forms, and remembers the last ones.
#[derive(Debug)]
pub(super) struct Packer {
    /// By a checksum of the text.
    known: Vec<Option<Pair>>,
}

impl Packer {
    /// Remembers nothing yet.
    pub(super) fn new() -> Packer {
        Packer { known: vec![None; REMEMBERED] }
    }

    /// Returns the short form of a text; empty for one that has none, or is empty.
    pub(super) fn pack(&mut self, text: &[u8]) -> &[u8] {
        if text.is_empty() {
            return &[];
        }
        let place = crc32fast::hash(text) as usize % REMEMBERED;
        let Some(known) = self.known.get_mut(place) else { return &[] };
        if known.as_ref().is_none_or(|(own, _)| **own != *text) {
            *known = Some((text.into(), packed(text).unwrap_or_default().into()));
        }
        known.as_ref().map_or(&[], |(_, packed)| packed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(text: &str) -> Option<usize> {
        let packed = packed(text.as_bytes())?;
        let mut out = Vec::new();
        unpack(&packed, &mut out);
        assert_eq!(out, text.as_bytes());
        Some(packed.len())
    }

    #[test]
    fn what_a_door_adds_takes_a_fifth() {
        let text = concat!(
            r#","browser":{"name":"Chrome","version":"140.0.0"},"os":{"name":"Windows","version":"10"},"#,
            r#""device":{"type":"desktop"},"bot":false,"geo":{"country":"DE","timezone":"Europe/Berlin"},"#,
            r#""attribution":{"source":"(direct)","medium":"(none)","channel":"Direct"}"#,
        );
        let len = round_trip(text).unwrap();
        assert!(len * 5 <= text.len(), "{len} of {}", text.len());
        let mut packer = Packer::new();
        assert_eq!(packer.pack(text.as_bytes()).len(), len);
        assert_eq!(packer.pack(text.as_bytes()).len(), len, "remembered");
        assert_eq!(packer.pack(b""), b"");
        assert_eq!(packer.pack(b"a\x01b"), b"");
    }

    #[test]
    fn the_list_is_part_of_the_format_and_does_not_change() {
        let all: Vec<u8> =
            PHRASES.iter().flat_map(|(code, phrase)| [&[*code], phrase.as_bytes()].concat()).collect();
        assert_eq!(
            crc32fast::hash(&all),
            0xdae0_006f,
            "stored records are read by this list: a new one needs a new version"
        );
        assert!(PHRASES.iter().all(|(code, _)| is_code(*code)));
        assert_eq!(BOOK.meaning.iter().flatten().count(), PHRASES.len());
    }

    proptest! {
        #[test]
        fn whatever_the_text_it_comes_back(
            parts in prop::collection::vec(prop_oneof![
                prop::sample::select(&PHRASES[..]).prop_map(|(_, phrase)| phrase.to_owned()),
                "[a-zé\"{},:中\u{1f600}]{0,6}",
            ], 0..12)
        ) {
            prop_assert!(round_trip(&parts.concat()).is_some());
        }

        #[test]
        fn garbage_never_panics(bytes: Vec<u8>) {
            unpack(&bytes, &mut Vec::new());
            packed(&bytes);
        }
    }
}
