//! The promise that an event's tree can be built later, given cheaply at the door.
//!
//! Splitting accepts half surrogates, numbers beyond every float and any depth; building a tree does not. Each of the
//! three has a filter that looks at many bytes at once and nearly always says no; only a hit costs a full parse. Never
//! keeps what it parsed.

use memchr::memchr_iter;
use serde_json::Value;

use super::reject::{Code, Problem};

/// Deepest nesting that is believed. `serde_json` parses 127 levels; one is left for what wraps an event later.
pub(super) const MAX_DEPTH: usize = 126;
/// No number with fewer digits than this is beyond an `f64` without an exponent.
const LONG_NUMBER: usize = 309;
/// A run of `LONG_NUMBER` digits has at least two neighbouring probes in it.
const PROBE: usize = 128;
const CHUNK: usize = 32;
/// How far around an exponent its number is looked for; a longer one is left to the full parse.
const NEAR: usize = 64;

/// Proves that the tree of this JSON text can be built.
pub(super) fn prove(text: &str) -> Result<(), Problem> {
    let bytes = text.as_bytes();
    let look = glance(bytes);
    if look.opened > MAX_DEPTH && depth(bytes) > MAX_DEPTH {
        let message = format!("nested more than {MAX_DEPTH} levels deep");
        return Err(Problem { path: String::new(), code: Code::TooDeep, message });
    }
    if look.huge || has_long_number(bytes) {
        return parse(text);
    }
    Ok(())
}

fn parse(text: &str) -> Result<(), Problem> {
    serde_json::from_str::<Value>(text).map(drop).map_err(|error| {
        let message = match out_of_range(text.as_bytes()) {
            Some(number) => format!("the number `{number}` is out of range"),
            None => error.to_string(),
        };
        Problem { path: String::new(), code: Code::BadJson, message }
    })
}

/// What one look over the bytes tells.
struct Glance {
    /// Opening brackets, those in strings included.
    opened: usize,
    /// Some number has an exponent that may be too great.
    huge: bool,
}

fn glance(bytes: &[u8]) -> Glance {
    let mut seen = Glance { opened: 0, huge: false };
    let mut at = 0;
    // Fixed-size chunks with two bytes of overlap, which the compiler turns into vector code.
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let (opened, exponent) = look_at(chunk);
        seen.opened += opened;
        seen.huge = seen.huge || (exponent && has_huge_exponent(bytes, at));
        at += CHUNK;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    seen.opened += rest.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    seen.huge = seen.huge || has_huge_exponent(bytes, at);
    seen
}

/// Returns how many brackets open in the chunk, and whether a digit is followed by `e` and by what begins an exponent.
fn look_at(chunk: &[u8; CHUNK + 2]) -> (usize, bool) {
    let (_, middle) = chunk.split_at(1);
    let (_, after) = chunk.split_at(2);
    let (mut opened, mut exponent) = (0_u8, 0_u8);
    for ((before, byte), next) in chunk.iter().take(CHUNK).zip(middle).zip(after) {
        // `[` and `{` differ in one bit, as do `e` and `E`.
        opened += u8::from(before | 0x20 == b'{');
        let digit = before.wrapping_sub(b'0') < 10;
        let power = (next.wrapping_sub(b'0') < 10) | (*next == b'+');
        exponent |= u8::from(digit & (byte | 0x20 == b'e') & power);
    }
    (usize::from(opened), exponent != 0)
}

/// Returns how deeply a well-formed text is nested.
fn depth(bytes: &[u8]) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at + 1),
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
        at += 1;
    }
    deepest
}

/// Returns the place of the quote that ends the string whose text begins at `at`, or the end of the bytes.
pub(super) fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(step) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        if bytes.get(at + step) == Some(&b'"') {
            return at + step;
        }
        at += step + 2;
    }
    bytes.len()
}

/// Looks at the exponents of one chunk (and two bytes beyond).
fn has_huge_exponent(bytes: &[u8], chunk: usize) -> bool {
    let end = bytes.len().min(chunk + CHUNK + 2);
    let windows = bytes.get(chunk..end).unwrap_or_default().windows(3).enumerate();
    let exponent = |window: &[u8]| matches!(window, [b'0'..=b'9', b'e' | b'E', b'0'..=b'9' | b'+']);
    let mut hits = windows.filter(|(_, window)| exponent(window));
    hits.any(|(index, _)| may_be_huge(bytes, chunk + index))
}

/// Returns whether the number characters around a place may be a number beyond an `f64`.
fn may_be_huge(bytes: &[u8], at: usize) -> bool {
    let (left, right) = bytes.split_at_checked(at).unwrap_or_default();
    // Bounded, or a long text of such characters would be read again for each of them.
    let before = left.iter().rev().take(NEAR).take_while(|byte| is_number(**byte)).count();
    let after = right.iter().take(NEAR).take_while(|byte| is_number(**byte)).count();
    if before == NEAR || after == NEAR {
        return true;
    }
    let outside = at.checked_sub(before + 1).and_then(|place| bytes.get(place));
    if outside.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'"') {
        return false;
    }
    let number = bytes.get(at - before..at + after).and_then(|number| std::str::from_utf8(number).ok());
    // A little less than the greatest float, so that two ways of rounding cannot disagree.
    number.and_then(|number| number.parse::<f64>().ok()).is_some_and(|value| value.abs() > 1e307)
}

fn has_long_number(bytes: &[u8]) -> bool {
    let mut before = false;
    let mut probes = bytes.iter().step_by(PROBE).enumerate();
    probes.any(|(index, byte)| {
        let both = before && byte.is_ascii_digit();
        before = byte.is_ascii_digit();
        both && has_long_run(bytes, index * PROBE)
    })
}

fn has_long_run(bytes: &[u8], at: usize) -> bool {
    let (left, right) = bytes.split_at_checked(at).unwrap_or_default();
    let left = left.iter().rev().take(LONG_NUMBER).take_while(|byte| byte.is_ascii_digit()).count();
    let right = right.iter().take(LONG_NUMBER).take_while(|byte| byte.is_ascii_digit()).count();
    left + right >= LONG_NUMBER
}

fn is_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

/// Returns the first number of a well-formed text that no float can hold, cut to 40 characters.
fn out_of_range(bytes: &[u8]) -> Option<String> {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'"' {
            at = end_of_string(bytes, at + 1) + 1;
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| is_number(**byte)).count();
        let number = std::str::from_utf8(rest.get(..length)?).ok()?;
        if number.parse::<f64>().is_ok_and(f64::is_infinite) {
            return Some(number.chars().take(40).collect());
        }
        at += length.max(1);
    }
    None
}

/// Returns the text with each half of a surrogate pair replaced by U+FFFD; `None` when there is none. The length stays.
///
/// Clients send halves when they cut a text inside an emoji. A whole pair is left as it is.
pub(super) fn without_half_surrogates(bytes: &[u8]) -> Option<Vec<u8>> {
    let halves = half_surrogates(bytes);
    if halves.is_empty() {
        return None;
    }
    let mut whole = bytes.to_vec();
    for at in halves {
        for (place, byte) in whole.iter_mut().skip(at).zip(b"\\ufffd") {
            *place = *byte;
        }
    }
    Some(whole)
}

fn half_surrogates(bytes: &[u8]) -> Vec<usize> {
    let mut halves = Vec::new();
    let mut next = 0;
    for at in memchr_iter(b'\\', bytes) {
        if at < next {
            continue;
        }
        next = at + 2;
        match (unit(bytes, at), unit(bytes, at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => next = at + 12,
            (Some(0xd800..=0xdfff), _) => halves.push(at),
            _ => {}
        }
    }
    halves
}

/// Returns the code unit of the escape `\uXXXX` at this place.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let hex = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> Option<(Code, String)> {
        prove(text).err().map(|problem| (problem.code, problem.message))
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        for number in ["1e400", "-1E+999", "123.5e307", "1e99999999999999999999"] {
            for text in [format!("[{number}]"), format!("{{\"a\": {number} }}"), format!("[1,{number},2]")] {
                let expected = format!("the number `{number}` is out of range");
                assert_eq!(code(&text), Some((Code::BadJson, expected)), "{text}");
            }
        }
        let long = format!("[{}]", "9".repeat(400));
        assert_eq!(code(&long).unwrap().0, Code::BadJson);
    }

    #[test]
    fn numbers_that_a_tree_can_hold_pass() {
        let digits = format!("[{}]", "9".repeat(300));
        let fraction = format!("[0.{}]", "9".repeat(900));
        for text in
            ["[1e308]", "[1e-400]", "[0e999]", "[1E5]", &digits, &fraction, "[\"1e400\", \"a 1e999 b\"]"]
        {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn the_depth_is_exact() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(code(&nested(MAX_DEPTH)), None);
        assert_eq!(code(&nested(MAX_DEPTH + 1)).unwrap().0, Code::TooDeep);
        assert_eq!(code(&nested(1_000_000)).unwrap().0, Code::TooDeep);
        assert_eq!(code(&format!("[\"{}\"]", "[".repeat(500))), None);
        assert_eq!(code(&format!("[{}1]", "[1],".repeat(500))), None);
    }

    #[test]
    fn half_surrogates_are_replaced_and_pairs_are_kept() {
        let fixed =
            |text: &str| without_half_surrogates(text.as_bytes()).map(|b| String::from_utf8(b).unwrap());
        assert_eq!(fixed(r#""a\ud83d""#).unwrap(), r#""a\ufffd""#);
        assert_eq!(fixed(r#""\uDE00b""#).unwrap(), r#""\ufffdb""#);
        assert_eq!(fixed(r#""\ud83d\ud83d\ude00""#).unwrap(), r#""\ufffd\ud83d\ude00""#);
        assert_eq!(fixed(r#""\ud83d\u0041""#).unwrap(), r#""\ufffd\u0041""#);
        for untouched in [r#""\ud83d\ude00""#, r#""\\ud83d""#, r#""plain \n \u0041""#, r#""\\\\ude00""#] {
            assert_eq!(fixed(untouched), None, "{untouched}");
        }
    }

    proptest! {
        #[test]
        fn what_is_proved_can_be_parsed(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("1e40".to_owned()), Just("1e308".to_owned()), Just("1e309".to_owned()),
                    Just("\"4e567\"".to_owned()), Just("{\"a\":2E+999}".to_owned()), Just("-9.9e999".to_owned()),
                    "[1-9][0-9]{0,2}\\.[0-9]{1,40}[eE][+-]?[0-9]{1,3}", "\"[a-f0-9e ,:]{0,40}\"",
                    "[1-9][0-9]{300,320}", "[1-9][0-9]{600,700}e-[0-9]{3}",
                ],
                0..12,
            )
        ) {
            let text = format!("[{}]", parts.join(", "));
            prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok());
            prop_assert_eq!(prove(&text).is_ok(), serde_json::from_str::<Value>(&text).is_ok());
        }
    }
}
