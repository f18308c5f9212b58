//! How one value is understood: text, numbers, durations, sizes, words of a closed list, lists.
//!
//! What the environment gave has no types, so `"5"` from a variable is an integer where one is wanted and `a,b` a list.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use super::node::{Node, Value};
use super::problem::did_you_mean;
use super::section::Wrong;

/// Reads a string.
pub(super) fn text(node: &Node) -> Result<String, Wrong> {
    match (&node.value, &node.raw) {
        (Value::Text(text), _) => Ok(text.clone()),
        (Value::List(_) | Value::Table(_), _) | (_, None) => Err(not_a(node, "a string")),
        (_, Some(raw)) => Ok(raw.clone()),
    }
}

/// Reads a boolean.
pub(super) fn boolean(node: &Node) -> Result<bool, Wrong> {
    match typed(node) {
        Value::Boolean(truth) => Ok(truth),
        _ => Err(not_a(node, "true or false")),
    }
}

/// Reads a whole number of at least `min`.
pub(super) fn integer<T>(min: T) -> impl Fn(&Node) -> Result<T, Wrong>
where
    T: TryFrom<i64> + PartialOrd + Display,
{
    move |node| match typed(node) {
        Value::Integer(number) => match T::try_from(number) {
            Ok(fitting) if fitting >= min => Ok(fitting),
            Err(_) if number > 0 => Err(Wrong::at(node, format!("is too large: {number}"))),
            _ => Err(Wrong::at(node, format!("must be at least {min}, not {number}"))),
        },
        _ => Err(not_a(node, "an integer")),
    }
}

/// Reads a number of things, at least one.
pub(super) fn count(node: &Node) -> Result<NonZeroUsize, Wrong> {
    let number = integer::<usize>(1)(node)?;
    NonZeroUsize::new(number).ok_or_else(|| Wrong::at(node, "must be at least 1"))
}

/// Reads a duration as humantime writes it: `500ms`, `7d`, `1h 30m`.
pub(super) fn duration(node: &Node) -> Result<Duration, Wrong> {
    let Ok(text) = text(node) else {
        return Err(not_a(node, "a duration like \"30s\""));
    };
    let deserializer: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
    humantime_serde::deserialize(deserializer).map_err(|_| {
        Wrong::at(node, format!("must be a duration like \"500ms\", \"30s\" or \"7d\", not \"{text}\""))
    })
}

/// Reads a duration that is not zero.
pub(super) fn some_duration(node: &Node) -> Result<Duration, Wrong> {
    let read = duration(node)?;
    if read.is_zero() { Err(Wrong::at(node, "must be longer than zero")) } else { Ok(read) }
}

/// Reads a number of bytes, `"4MiB"`, `"5MB"` or an integer, of at least `min`.
pub(super) fn size<T>(min: u64) -> impl Fn(&Node) -> Result<T, Wrong>
where
    T: TryFrom<u64>,
{
    move |node| {
        let bytes = match typed(node) {
            Value::Integer(bytes) => u64::try_from(bytes).ok(),
            Value::Text(text) => bytes_of(&text),
            _ => None,
        };
        let Some(bytes) = bytes else {
            let found =
                text(node).map_or_else(|_| node.value.type_name().to_owned(), |text| format!("\"{text}\""));
            return Err(Wrong::at(
                node,
                format!("must be a size like \"4MiB\", \"5MB\" or a number of bytes, not {found}"),
            ));
        };
        if bytes < min {
            return Err(Wrong::at(node, format!("must be at least {}", size_text(min))));
        }
        T::try_from(bytes).map_err(|_| Wrong::at(node, "is larger than this machine can hold"))
    }
}

fn bytes_of(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|character: char| !character.is_ascii_digit() && character != '.');
    let (number, unit) = text.split_at_checked(split.unwrap_or(text.len()))?;
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor),
        Err(_) => Some((number.parse::<f64>().ok()? * factor as f64) as u64),
    }
}

/// Writes a number of bytes as an operator would: `1MiB`.
pub(super) fn size_text(bytes: u64) -> String {
    let units = [(1_u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fitting = units.into_iter().find(|(factor, _)| bytes >= *factor && bytes.is_multiple_of(*factor));
    fitting.map_or_else(|| format!("{bytes}B"), |(factor, unit)| format!("{}{unit}", bytes / factor))
}

/// Reads one word of a closed list.
pub(super) fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Node) -> Result<T, Wrong> {
    move |node| {
        let text = text(node)?;
        let known = words.iter().find(|(word, _)| *word == text);
        known.map(|(_, value)| *value).ok_or_else(|| {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            let message = format!("must be {}, not \"{text}\"", all.join(" or "));
            let suggestion = did_you_mean(&text, words.iter().map(|(word, _)| *word));
            Wrong { suggestion, ..Wrong::at(node, message) }
        })
    }
}

/// Reads a list whose elements `element` understands.
pub(super) fn list<T>(
    element: impl Fn(&Node) -> Result<T, Wrong>,
) -> impl Fn(&Node) -> Result<Vec<T>, Wrong> {
    move |node| match (&node.value, &node.raw) {
        (Value::List(items), _) => each(items, &element),
        (_, Some(raw)) => each(&split(node, raw), &element),
        _ => Err(not_a(node, "an array")),
    }
}

/// Reads every element, also behind a wrong one, so that all of them are told at once.
fn each<T>(items: &[Node], element: impl Fn(&Node) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    let mut read = Vec::with_capacity(items.len());
    let mut wrongs = Vec::new();
    for item in items {
        match element(item) {
            Ok(value) => read.push(value),
            Err(wrong) => wrongs.push(wrong),
        }
    }
    let mut wrongs = wrongs.into_iter();
    match wrongs.next() {
        None => Ok(read),
        Some(first) => Err(Wrong { others: wrongs.collect(), ..first }),
    }
}

/// Returns the parts of a comma-separated text as nodes of their own.
pub(super) fn split(node: &Node, raw: &str) -> Vec<Node> {
    let parts = raw.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| Node { value: Value::Text(part.to_owned()), raw: Some(part.to_owned()), ..node.clone() })
        .collect()
}

/// Reads an address with a port.
pub(super) fn address(node: &Node) -> Result<SocketAddr, Wrong> {
    let text = text(node)?;
    text.parse().map_err(|_| {
        Wrong::at(node, format!("must be an address and a port like \"127.0.0.1:3000\", not \"{text}\""))
    })
}

/// Reads a network, or an address that stands for itself.
pub(super) fn network(node: &Node) -> Result<IpNet, Wrong> {
    let text = text(node)?;
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| alone()).map_err(|_| {
        Wrong::at(node, format!("must be a network like \"10.0.0.0/8\" or an address, not \"{text}\""))
    })
}

/// Returns the value with the type that its text has, where it came from the environment.
pub(super) fn typed(node: &Node) -> Value {
    match (&node.value, &node.raw) {
        (Value::Text(_), Some(raw)) => match Node::of_variable("", raw).value {
            Value::Table(_) | Value::List(_) | Value::Instant(_) => node.value.clone(),
            value => value,
        },
        _ => node.value.clone(),
    }
}

fn not_a(node: &Node, wanted: &str) -> Wrong {
    Wrong::at(node, format!("must be {wanted}, not {}", node.value.type_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_families_of_units() {
        for (text, bytes) in [
            ("4MiB", Some(4 << 20)),
            ("5MB", Some(5_000_000)),
            ("512 KiB", Some(512 << 10)),
            ("1.5GiB", Some(3 << 29)),
            ("10", Some(10)),
            ("7b", Some(7)),
            ("", None),
            ("MiB", None),
            ("4 M", None),
            ("-1MiB", None),
            ("1.2.3MB", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(bytes_of(text), bytes, "{text}");
        }
    }

    #[test]
    fn a_size_is_written_in_its_largest_whole_unit() {
        assert_eq!(size_text(1 << 20), "1MiB");
        assert_eq!(size_text(1536), "1536B");
        assert_eq!(size_text(0), "0B");
    }
}
