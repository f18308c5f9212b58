//! Lines of text with encrypted values in them, read or renewed. Pure.
//!
//! Within JSON a value becomes the JSON that it was, a number a number; elsewhere it becomes its plain text, in quotes where CSV
//! needs them. JSON that stands in a text of JSON, as a column of a flat table does, is looked through as well.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::IgnoredAny;

use crate::spec::privacy::cipher::{self, Keyring, Unread};

/// What is done with each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// It becomes readable.
    Open,
    /// It becomes what the newest key makes of it.
    Renew,
}

/// How the input is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Json,
    Text,
}

/// What became of all values so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    done: usize,
    /// Sealed by the newest key already.
    kept: usize,
    unread: BTreeMap<Unread, usize>,
}

impl Tally {
    /// Returns whether every value could be read.
    pub(super) fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// Returns what to tell, in lines; `newest` names the key of a rotation.
    pub(super) fn words(&self, newest: Option<&str>) -> Vec<String> {
        let unread = self.unread.iter().map(|(why, count)| format!("{count} could not be read: {why}"));
        let renewed =
            newest.map(|id| format!("{} under the key `{id}` now, {} were already", self.done, self.kept));
        renewed.into_iter().chain(unread).collect()
    }
}

/// Reads lines, one after the other.
pub(super) struct Reader<'a> {
    keyring: &'a Keyring,
    fields: &'a [String],
    work: Work,
    /// Told by the first line that is not empty.
    shape: Option<Shape>,
    tally: Tally,
}

impl<'a> Reader<'a> {
    pub(super) fn new((keyring, fields): (&'a Keyring, &'a [String]), work: Work) -> Reader<'a> {
        Reader { keyring, fields, work, shape: None, tally: Tally::default() }
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Returns what becomes of a line.
    pub(super) fn line<'l>(&mut self, line: &'l str) -> Cow<'l, str> {
        let first = line.trim_start().chars().next();
        let seen = first.map(|first| if matches!(first, '{' | '[') { Shape::Json } else { Shape::Text });
        self.shape = self.shape.or(seen);
        if cipher::find(line, 0).is_none() {
            return Cow::Borrowed(line);
        }
        match (self.work, self.shape) {
            (Work::Open, Some(Shape::Json)) => self.json(line).into(),
            _ => self.text(line).into(),
        }
    }

    /// Returns what a sealed value becomes; `None` when it stays as it is.
    fn value(&mut self, sealed: &str) -> Option<String> {
        let mut why = Unread::Unfit;
        for field in self.fields {
            let tried = match self.work {
                Work::Open => self.keyring.open(sealed, field),
                Work::Renew => self.keyring.renew(sealed, field),
            };
            match tried {
                Ok(value) if value == sealed => {
                    self.tally.kept += 1;
                    return None;
                }
                Ok(value) => {
                    self.tally.done += 1;
                    return Some(value);
                }
                Err(other) => why = other,
            }
        }
        *self.tally.unread.entry(why).or_default() += 1;
        None
    }

    /// Goes through the texts of a piece of JSON; none of them goes on in the next line.
    fn json(&mut self, json: &str) -> String {
        let (mut out, mut at) = (String::with_capacity(json.len()), 0);
        while let Some(place) = literal(json, at) {
            out.push_str(json.get(at..place.start).unwrap_or_default());
            let found = json.get(place.clone()).unwrap_or_default();
            at = place.end;
            let is_name = json.get(at..).is_some_and(|rest| rest.trim_start().starts_with(':'));
            match self.literal(found).filter(|_| !is_name) {
                Some(new) => out.push_str(&new),
                None => out.push_str(found),
            }
        }
        out + json.get(at..).unwrap_or_default()
    }

    /// Returns what becomes of a text with its quotes.
    fn literal(&mut self, found: &str) -> Option<String> {
        let first = cipher::find(found, 0)?;
        if first == (1..found.len().saturating_sub(1)) {
            return self.value(found.get(first)?);
        }
        let inner: String = serde_json::from_str(found).ok()?;
        let is_json =
            inner.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(&inner).is_ok();
        let new = if is_json { self.json(&inner) } else { self.plain(&inner, |text, _| text) };
        serde_json::to_string(&new).ok()
    }

    fn text(&mut self, line: &str) -> String {
        match self.work {
            Work::Renew => self.each(line, |value, _| value),
            Work::Open => self.plain(line, quoted),
        }
    }

    /// Puts the plain text of each value in its place, as `write` has it.
    fn plain(&mut self, text: &str, write: impl Fn(String, Around) -> String) -> String {
        self.each(text, |value, around| {
            let plain = serde_json::from_str::<String>(&value);
            write(plain.unwrap_or(value), around)
        })
    }

    fn each(&mut self, text: &str, write: impl Fn(String, Around) -> String) -> String {
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        while let Some(place) = cipher::find(text, at) {
            out.push_str(text.get(at..place.start).unwrap_or_default());
            let sealed = text.get(place.clone()).unwrap_or_default();
            match self.value(sealed) {
                Some(value) => out.push_str(&write(value, Around::of(text, &place))),
                None => out.push_str(sealed),
            }
            at = place.end;
        }
        out + text.get(at..).unwrap_or_default()
    }
}

/// What stands around a value in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// Nothing: the value is the line.
    Nothing,
    Quotes,
    Others,
}

impl Around {
    fn of(text: &str, place: &Range<usize>) -> Around {
        let before = text.get(..place.start).unwrap_or_default();
        let after = text.get(place.end..).unwrap_or_default();
        if before.trim().is_empty() && after.trim().is_empty() {
            return Around::Nothing;
        }
        if before.ends_with('"') && after.starts_with('"') { Around::Quotes } else { Around::Others }
    }
}

/// Writes a field of CSV (RFC 4180); a value that is the whole line is quoted only where it would be several lines.
fn quoted(text: String, around: Around) -> String {
    let is_broken = text.contains(['\n', '\r']);
    let needs = match around {
        Around::Nothing => is_broken,
        Around::Others => is_broken || text.contains([',', '"']),
        Around::Quotes => return text.replace('"', "\"\""),
    };
    if needs { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Returns the place of the next text of JSON, with its quotes.
fn literal(json: &str, from: usize) -> Option<Range<usize>> {
    let start = from + json.get(from..)?.find('"')?;
    let mut is_escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(start..at + 1),
            _ => {}
        }
    }
    None
}
