//! Bodies that are not quite JSON: found out where each value ends without understanding it, and mended where the
//! meaning is beyond doubt.
//!
//! Only on the failing path, so that a body in order pays nothing. Delimiting looks at strings and brackets alone and
//! counts levels instead of recursing, so one broken element costs neither its neighbours nor the stack.

use std::ops::Range;

use bytes::Bytes;

use super::proof::end_of_string;
use super::reject::{Code, Problem};

/// Returns the members of an object that is the whole text, as ranges of key and value; `None` when they cannot be
/// delimited.
pub(super) fn members(bytes: &[u8]) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let mut scan = Scan { bytes, at: 0 };
    let mut pairs = Vec::new();
    scan.open(b'{')?;
    while !scan.closes(b'}', pairs.is_empty())? {
        let key = scan.value()?;
        if bytes.get(key.start) != Some(&b'"') {
            return None;
        }
        scan.open(b':')?;
        pairs.push((key, scan.value()?));
    }
    scan.is_at_end().then_some(pairs)
}

/// Returns the elements of an array that is the whole text, and stops behind the first one above `most`; `None` when
/// they cannot be delimited.
pub(super) fn elements(bytes: &[u8], most: usize) -> Option<Vec<Range<usize>>> {
    let mut scan = Scan { bytes, at: 0 };
    let mut found = Vec::new();
    scan.open(b'[')?;
    while !scan.closes(b']', found.is_empty())? {
        found.push(scan.value()?);
        if found.len() > most {
            return Some(found);
        }
    }
    scan.is_at_end().then_some(found)
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn open(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// Returns whether the list ends here; otherwise stands before the next item.
    fn closes(&mut self, bracket: u8, first: bool) -> Option<bool> {
        if self.peek()? == bracket {
            self.at += 1;
            return Some(true);
        }
        if !first {
            self.open(b',')?;
        }
        Some(false)
    }

    fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn value(&mut self) -> Option<Range<usize>> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => self.string()?,
            b'{' | b'[' => self.nested()?,
            _ => self.at += self.bytes.get(start..)?.iter().position(|byte| ends_scalar(*byte))?,
        }
        (self.at > start).then_some(start..self.at)
    }

    fn string(&mut self) -> Option<()> {
        let end = end_of_string(self.bytes, self.at + 1);
        self.at = end + 1;
        (end < self.bytes.len()).then_some(())
    }

    fn nested(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Some(());
            }
        }
    }
}

fn ends_scalar(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns an element's text as valid JSON, mended if need be, or why it cannot be.
pub(super) fn element(raw: Bytes) -> Result<Bytes, Box<Problem>> {
    let text = std::str::from_utf8(&raw).map_err(|error| bad(format!("invalid UTF-8: {error}")))?;
    let error = match check(text) {
        Ok(()) => return Ok(raw),
        Err(error) => error,
    };
    let mended = without_special_numbers(text.as_bytes());
    let valid = std::str::from_utf8(&mended).is_ok_and(|text| check(text).is_ok());
    if valid { Ok(Bytes::from(mended)) } else { Err(bad(error.to_string())) }
}

fn check(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<&serde_json::value::RawValue>(text).map(drop)
}

fn bad(message: String) -> Box<Problem> {
    Box::new(Problem { path: String::new(), code: Code::BadJson, message })
}

/// Python writes `NaN`, `Infinity` and `-Infinity` where JSON has no word; what JavaScript writes then is `null`.
fn without_special_numbers(bytes: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(bytes.len() + 16);
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'"' {
            let (string, tail) = rest.split_at((end_of_string(rest, 1) + 1).min(rest.len()));
            mended.extend_from_slice(string);
            rest = tail;
        } else if let Some(tail) = special(rest) {
            mended.extend_from_slice(b"null");
            rest = tail;
        } else {
            mended.push(*first);
            rest = after;
        }
    }
    mended
}

fn special(bytes: &[u8]) -> Option<&[u8]> {
    let words: [&[u8]; 4] = [b"NaN", b"-Infinity", b"Infinity", b"-NaN"];
    words.iter().find_map(|word| bytes.strip_prefix(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mended(text: &[u8]) -> Result<String, String> {
        let done = element(Bytes::copy_from_slice(text)).map_err(|problem| problem.message)?;
        Ok(String::from_utf8(done.to_vec()).unwrap())
    }

    #[test]
    fn special_numbers_become_null_outside_strings_only() {
        let text = br#"{"a":NaN,"b":[Infinity, -Infinity],"c":"NaN \" Infinity"}"#;
        assert_eq!(mended(text).unwrap(), r#"{"a":null,"b":[null, null],"c":"NaN \" Infinity"}"#);
    }

    #[test]
    fn what_cannot_be_mended_says_why() {
        assert!(mended(b"{\"a\":\"\xff\"}").unwrap_err().starts_with("invalid UTF-8"));
        assert!(mended(br#"{"a":NaNny}"#).is_err());
        assert!(mended(br#"{"a":tru}"#).unwrap_err().contains("expected"));
        assert!(mended(b"{\"a\":\"line\nbreak\"}").is_err());
    }

    #[test]
    fn a_broken_element_does_not_hide_where_its_neighbours_are() {
        let text = br#"[{"a":1},{"b":tru},{"c"},{"d":"]},{\""},5,"x"]"#;
        let texts: Vec<_> = elements(text, 9)
            .unwrap()
            .into_iter()
            .map(|range| std::str::from_utf8(&text[range]).unwrap())
            .collect();
        assert_eq!(texts, [r#"{"a":1}"#, r#"{"b":tru}"#, r#"{"c"}"#, r#"{"d":"]},{\""}"#, "5", "\"x\""]);
    }

    #[test]
    fn what_cannot_be_delimited_is_refused() {
        for text in ["", "[", "[1", "[1,", "[1,]", "[1 2]", "[,]", "[\"a]", "[{]", "[] x", "{}", "[1,,2]"] {
            assert_eq!(elements(text.as_bytes(), 99), None, "{text}");
        }
        for text in ["", "{", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "{} {}", "[]"] {
            assert_eq!(members(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(elements(&bytes, 999).is_none() || members(&bytes).is_none());
            drop(element(Bytes::from(bytes)));
        }

        #[test]
        fn any_brackets_and_quotes_are_answered(text in r#"[\[\]{}",:\\a1N ]{0,60}"#) {
            prop_assert!(elements(text.as_bytes(), 99).is_none() || members(text.as_bytes()).is_none());
            drop(element(Bytes::from(text)));
        }
    }
}
