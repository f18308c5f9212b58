//! Makes JSON texts such that a `jsonb` column takes them, with as little change as there can be. Pure.
//!
//! `jsonb` holds no NUL, no half of a surrogate pair and no number beyond its decimal type, all of which JSON itself
//! allows: <https://www.postgresql.org/docs/current/datatype-json.html>. Never decides whether that is worth a word.

use std::borrow::Cow;

use memchr::memmem;

/// What stands for half of a surrogate pair.
const REPLACEMENT: &str = "\\ufffd";

/// `numeric` holds 131,072 digits before the point and 16,383 after it; a number near that is kept as a string.
const MOST_DIGITS: usize = 10_000;

/// Returns the text as `jsonb` takes it; borrowed when nothing had to change.
pub(super) fn storable(json: &str) -> Cow<'_, str> {
    let has_escapes = memmem::find(json.as_bytes(), b"\\u").is_some();
    let may_be_huge = json.len() > MOST_DIGITS || memchr::memchr2(b'e', b'E', json.as_bytes()).is_some();
    if !has_escapes && !may_be_huge {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'"' => string(rest, &mut out),
            b'-' | b'0'..=b'9' => number(rest, &mut out),
            _ => plain(rest, &mut out),
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    if out == json { Cow::Borrowed(json) } else { Cow::Owned(out) }
}

/// Copies what is neither string nor number: brackets, commas, words.
fn plain(rest: &str, out: &mut String) -> usize {
    let is_other = |byte: &u8| matches!(byte, b'"' | b'-' | b'0'..=b'9');
    let length = rest.bytes().position(|byte| is_other(&byte)).unwrap_or(rest.len());
    out.push_str(rest.get(..length).unwrap_or_default());
    length
}

fn number(rest: &str, out: &mut String) -> usize {
    let is_part = |byte: u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
    let length = rest.bytes().position(|byte| !is_part(byte)).unwrap_or(rest.len());
    let digits = rest.get(..length).unwrap_or_default();
    let exponent = digits.split(['e', 'E']).nth(1).map(|text| text.trim_start_matches(['-', '+']).parse::<usize>());
    let is_huge = digits.len() > MOST_DIGITS
        || exponent.is_some_and(|exponent| exponent.map_or(true, |exponent| exponent > MOST_DIGITS));
    let quote = if is_huge { "\"" } else { "" };
    out.extend([quote, digits, quote]);
    length
}

/// Copies a string with both of its quotes.
fn string(rest: &str, out: &mut String) -> usize {
    out.push('"');
    let mut at = 1;
    loop {
        let tail = rest.get(at..).unwrap_or_default();
        let Some(stop) = memchr::memchr2(b'"', b'\\', tail.as_bytes()) else {
            out.push_str(tail);
            return rest.len();
        };
        out.push_str(tail.get(..stop).unwrap_or_default());
        let special = tail.get(stop..).unwrap_or_default();
        if special.starts_with('"') {
            out.push('"');
            return at + stop + 1;
        }
        at += stop + escape(special, out);
    }
}

/// Copies one escape, or what stands for it.
fn escape(text: &str, out: &mut String) -> usize {
    match unit(text) {
        None => {
            let length = text.len().min(2);
            out.push_str(text.get(..length).unwrap_or_default());
            length
        }
        Some(0) => 6,
        Some(0xD800..=0xDBFF) if matches!(text.get(6..).and_then(unit), Some(0xDC00..=0xDFFF)) => {
            out.push_str(text.get(..12).unwrap_or_default());
            12
        }
        Some(0xD800..=0xDFFF) => {
            out.push_str(REPLACEMENT);
            6
        }
        Some(_) => {
            out.push_str(text.get(..6).unwrap_or_default());
            6
        }
    }
}

/// Returns the number of an escape `\uXXXX`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_jsonb_refuses_is_replaced_and_the_rest_stays() {
        let huge = "9".repeat(MOST_DIGITS + 1);
        for (json, wanted) in [
            (r#"{"a":"x\u0000y"}"#, r#"{"a":"xy"}"#),
            (r#"{"\u0000k":1}"#, r#"{"k":1}"#),
            (r#"["\ud83d\ude00","\ud83d","\ude00x","\ud83d\u0041"]"#, r#"["\ud83d\ude00","\ufffd","\ufffdx","\ufffd\u0041"]"#),
            (r#"{"n":1e20000,"m":-1E-20000,"k":1e300}"#, r#"{"n":"1e20000","m":"-1E-20000","k":1e300}"#),
            (r#"{"n":1e99999999999999999999999}"#, r#"{"n":"1e99999999999999999999999"}"#),
            (r#"["a\\u0000","\"\u0000","e1e99999"]"#, r#"["a\\u0000","\"","e1e99999"]"#),
            (&format!("[{huge}]"), &format!("[\"{huge}\"]")),
        ] {
            assert_eq!(storable(json), wanted);
        }
        let fine = r#"{"a":[true,null,-1.5e3,"é\n\u00e9"]}"#;
        assert!(matches!(storable(fine), Cow::Borrowed(text) if text == fine));
    }

    proptest! {
        #[test]
        fn any_text_without_nul_means_the_same_afterwards(text in "\\PC{0,40}", number in any::<f64>()) {
            let value = serde_json::json!({ text.clone(): [text, number] });
            let json = value.to_string();
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&storable(&json)).unwrap(), value);
        }
    }
}
