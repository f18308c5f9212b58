//! The events that a command is given, read as the door reads them.
//!
//! The input is split into JSON values; an event or an array of events becomes the batch body that the door would take,
//! a batch body is taken as it is. From there on everything is the door's: repair, merge, checks, limits.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::out::Out;
use crate::config::Settings;
use crate::config::settings::Source;
use crate::enrich::additions::{Additions, Request};
use crate::enrich::device::Reader;
use crate::enrich::geo::Database;
use crate::spec::additions::Adds;
use crate::spec::consent::Signals;
use crate::spec::{Arrival, Code, Endpoint, Envelope, Event, Intake, Limits, Rejected, read};

/// The source of events that come without any configured one, as at the door.
const ANY_SOURCE: &str = "default";

/// Reads the whole input: a file, or standard input for `-` and for nothing.
///
/// # Errors
/// Words for people, when it cannot be read or is empty.
pub(super) fn text(file: Option<&Path>, out: &mut Out) -> Result<Bytes, String> {
    let read = match named(file) {
        Some(file) => std::fs::read(file),
        None => standard_input(out),
    };
    let text = read.map_err(|error| format!("could not read `{}`: {error}", file_name(file)))?;
    if text.trim_ascii().is_empty() {
        return Err(format!("{}: no events, the input is empty", file_name(file)));
    }
    Ok(text.into())
}

/// Returns what people call the input.
pub(super) fn file_name(file: Option<&Path>) -> String {
    named(file).map_or("standard input".to_owned(), |file| file.display().to_string())
}

fn named(file: Option<&Path>) -> Option<&Path> {
    file.filter(|file| file.as_os_str() != "-")
}

fn standard_input(out: &mut Out) -> std::io::Result<Vec<u8>> {
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        out.error("reading events from the terminal; Ctrl-D ends them");
    }
    let mut text = Vec::new();
    input.read_to_end(&mut text)?;
    Ok(text)
}

/// What the door makes of one event.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Believed.
    Taken(Arc<Event>),
    /// Set aside, with every reason.
    Rejected(Rejected),
}

/// What was read, in the order of the input.
#[derive(Debug)]
pub(super) struct Input {
    /// When the events arrive.
    pub(super) now: Timestamp,
    /// One for each event.
    pub(super) verdicts: Vec<Verdict>,
    /// What could not be read at all.
    pub(super) faults: Vec<Fault>,
    /// How many events are of bots and would not be kept.
    pub(super) unwanted: usize,
    tables: Tables,
}

/// What the door adds is added here too, by the same tables.
#[derive(Debug, Default)]
struct Tables {
    reader: Option<Reader>,
    places: Option<Database>,
}

impl Tables {
    /// Makes what these events need.
    fn of(text: &[u8], settings: &Settings) -> Tables {
        let names_a_program = memchr::memmem::find(text, b"\"userAgent\"").is_some();
        let path = settings.additions.geo_database.as_ref();
        let content = path.and_then(|path| std::fs::read(path).ok());
        Tables {
            reader: names_a_program.then(Reader::new).and_then(Result::ok),
            places: content.and_then(|content| Database::open(content).ok()),
        }
    }

    fn additions(&self, settings: &Settings) -> Additions<'_> {
        Additions {
            reader: self.reader.as_ref(),
            reads: None,
            places: self.places.as_ref(),
            bots: settings.additions.bots,
            request: Request::default(),
        }
    }
}

/// Something in the input that is no JSON, or that the door refuses as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// From 1.
    line: usize,
    /// From 1; 0 when the line is all that is known.
    column: usize,
    message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            0 => write!(f, "{}: {}", self.line, self.message),
            column => write!(f, "{}:{column}: {}", self.line, self.message),
        }
    }
}

impl Input {
    /// Reads events that arrive now.
    pub(super) fn read(text: Bytes, settings: &Settings, now: Timestamp) -> Input {
        let text = text.strip_prefix(b"\xef\xbb\xbf").map_or(text.clone(), |rest| text.slice_ref(rest));
        let tables = Tables::of(&text, settings);
        let mut input = Input { now, verdicts: Vec::new(), faults: Vec::new(), unwanted: 0, tables };
        let (values, fault) = values(&text);
        for value in &values {
            input.take(&text, value, settings);
        }
        // What is no JSON may still be what the door mends: a library that writes `NaN`, half a character.
        if let Some(fault) = fault {
            let is_mended = values.is_empty() && input.mend(&text, settings);
            input.faults.extend((!is_mended).then_some(fault));
        }
        input
    }

    fn take(&mut self, text: &Bytes, value: &Bytes, settings: &Settings) {
        let taken = body(value).and_then(|body| self.intake(body, settings));
        match taken {
            Ok(intake) => self.extend(intake),
            Err(message) => self.faults.push(Fault { line: line_of(text, value), column: 0, message }),
        }
    }

    /// Takes what the door can read although it is no JSON; true when every event of it was mended.
    fn mend(&mut self, text: &Bytes, settings: &Settings) -> bool {
        let batch = self.intake(text.clone(), settings);
        let Ok(intake) = batch.or_else(|_| self.intake(wrapped(text), settings)) else { return false };
        let is_broken = |one: &&Rejected| one.problems.iter().any(|problem| problem.code == Code::BadJson);
        let broken = intake.rejected.iter().filter(is_broken).count();
        // One broken event is better explained by its line in the input.
        if broken < intake.events.len() + intake.rejected.len() {
            self.extend(intake);
        }
        broken == 0
    }

    fn extend(&mut self, intake: Intake) {
        self.unwanted += intake.unwanted;
        self.verdicts.extend(in_order(intake));
    }

    fn intake(&self, body: Bytes, settings: &Settings) -> Result<Intake, String> {
        intake(body, settings, (self.now, &self.tables.additions(settings)))
    }
}

/// Splits the input into its JSON values: one, or one after the other as in lines. Says where it stops being JSON.
fn values(text: &Bytes) -> (Vec<Bytes>, Option<Fault>) {
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>() {
        match value {
            Ok(value) => values.push(text.slice_ref(value.get().as_bytes())),
            Err(error) => return (values, Some(fault_of(&error))),
        }
    }
    (values, None)
}

fn fault_of(error: &serde_json::Error) -> Fault {
    let words = error.to_string();
    let message = words.split_once(" at line ").map_or(words.as_str(), |(words, _)| words).to_owned();
    Fault { line: error.line(), column: error.column().max(1), message }
}

fn line_of(text: &Bytes, value: &Bytes) -> usize {
    let before = value.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    text.iter().take(before).filter(|byte| **byte == b'\n').count() + 1
}

/// Returns the batch body in which this value would arrive.
fn body(value: &Bytes) -> Result<Bytes, String> {
    match value.first() {
        Some(b'{') if is_batch(value) => Ok(value.clone()),
        Some(b'{') => Ok(wrapped(value)),
        Some(b'[') => Ok(Bytes::from([b"{\"batch\":", value.as_ref(), b"}"].concat())),
        _ => Err("neither an event nor an array of events".to_owned()),
    }
}

fn wrapped(event: &Bytes) -> Bytes {
    Bytes::from([b"{\"batch\":[", event.as_ref(), b"]}"].concat())
}

fn is_batch(value: &[u8]) -> bool {
    let members = serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(value).unwrap_or_default();
    members.contains_key("batch") && !members.contains_key("type")
}

fn intake(body: Bytes, settings: &Settings, (now, adds): (Timestamp, &dyn Adds)) -> Result<Intake, String> {
    let (size, most) = (body.len(), settings.server.max_body_bytes);
    if size > most {
        return Err(format!("{size} bytes, more than a request may have (`server.max_body_bytes`, {most})"));
    }
    let envelope = read(body, Endpoint::Batch).map_err(|error| error.to_string())?;
    let arrival = Arrival {
        received_at: now,
        source: source(&envelope, &settings.sources),
        ip: None,
        client_side: false,
        signals: Signals::default(),
    };
    let limits = Limits { max_event_bytes: settings.server.max_event_bytes };
    Ok(envelope.believe_and_add(&arrival, &limits, adds))
}

/// Whose key it is; a header that the input cannot have may say so too, so that the first source stands for any.
fn source(envelope: &Envelope, sources: &[Source]) -> Arc<str> {
    let holds = |source: &&Source| {
        let key = envelope.write_key.as_deref();
        key.is_some_and(|key| source.write_keys.iter().any(|own| own.expose_secret() == key))
    };
    let found = sources.iter().find(holds).or(sources.first());
    found.map_or_else(|| ANY_SOURCE.into(), |source| Arc::clone(&source.name))
}

fn in_order(intake: Intake) -> Vec<Verdict> {
    let mut events = intake.events.into_iter().map(|event| Verdict::Taken(Arc::new(event)));
    let mut verdicts = Vec::new();
    for rejected in intake.rejected {
        let before = rejected.index.saturating_sub(verdicts.len());
        verdicts.extend(events.by_ref().take(before));
        verdicts.push(Verdict::Rejected(rejected));
    }
    verdicts.extend(events);
    verdicts
}
