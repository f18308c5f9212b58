//! A dead letter as a line of JSON: how it is kept, how it is read back, how it is shown.
//!
//! Kept is what was received (`event` as sent, beside its `receipt`), so that the same event can be made again when its
//! record is long gone; shown is the complete event. Pure.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::letters::{Letter, LetterFilter, LetterId, LetterKey};
use super::render::{self, Text};
use super::{DeadLetter, Position};
use crate::spec::consent::Signals;
use crate::spec::{Kind, Receipt};

#[derive(Serialize)]
struct Kept<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    message_id: &'a str,
    destination: &'a str,
    position: Option<u64>,
    reason: &'static str,
    status: Option<u16>,
    answer: &'a str,
    attempts: u32,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ddl: Option<&'a str>,
    receipt: Received<'a>,
    event: Text<'a>,
}

/// What the door had added; see [`Receipt`].
#[derive(Serialize, Deserialize)]
struct Received<'a> {
    kind: Kind,
    received_at: Timestamp,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sent_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default, borrow)]
    message_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    gpc: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    dnt: bool,
}

impl<'a> From<&'a Receipt> for Received<'a> {
    fn from(receipt: &'a Receipt) -> Received<'a> {
        Received {
            kind: receipt.kind,
            received_at: receipt.received_at,
            timestamp: receipt.timestamp,
            sent_at: receipt.sent_at,
            message_id: receipt.message_id.as_deref().map(Cow::Borrowed),
            source: Cow::Borrowed(&receipt.source),
            ip: receipt.ip,
            gpc: receipt.signals.gpc,
            dnt: receipt.signals.dnt,
        }
    }
}

impl From<Received<'_>> for Receipt {
    fn from(received: Received<'_>) -> Receipt {
        Receipt {
            kind: received.kind,
            received_at: received.received_at,
            timestamp: received.timestamp,
            sent_at: received.sent_at,
            message_id: received.message_id.map(|id| id.into_owned().into_boxed_str()),
            source: Arc::from(&*received.source),
            ip: received.ip,
            signals: Signals { gpc: received.gpc, dnt: received.dnt },
            redelivery: None,
        }
    }
}

/// Returns one line, with its line feed, for each dead letter.
///
/// # Errors
/// None that can happen with these types.
pub(super) fn kept(letters: &[DeadLetter]) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::new();
    for letter in letters {
        render::push(&mut out, &line(letter, None))?;
    }
    Ok(out)
}

/// Returns the line of a dead letter that several routers have, without a line feed.
///
/// # Errors
/// None that can happen with these types.
#[cfg(feature = "kafka")]
pub(super) fn shared(letter: &DeadLetter, key: LetterKey) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&line(letter, Some(key)))
}

fn line(letter: &DeadLetter, key: Option<LetterKey>) -> Kept<'_> {
    Kept {
        key: key.map(|key| key.to_string()),
        message_id: &letter.event.head.message_id,
        destination: &letter.destination,
        // A position means something on one router alone.
        position: key.is_none().then_some(letter.position.0),
        reason: letter.reason,
        status: letter.status,
        answer: &letter.answer,
        attempts: letter.attempts,
        at: letter.at,
        table: letter.table.as_deref(),
        ddl: letter.ddl.as_deref(),
        receipt: Received::from(&letter.event.receipt),
        event: render::text(&letter.event.raw, usize::MAX),
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message_id: Cow<'a, str>,
    #[serde(borrow)]
    destination: Cow<'a, str>,
    position: Option<u64>,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    status: Option<u16>,
    #[serde(borrow)]
    answer: Cow<'a, str>,
    attempts: u32,
    at: Timestamp,
    table: Option<String>,
    ddl: Option<String>,
    #[serde(borrow, default)]
    receipt: Option<Received<'a>>,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// Reads a line back, without its line feed; `None` for what is no dead letter.
pub(super) fn read(id: LetterId, line: &[u8]) -> Option<Letter> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    Some(Letter {
        id,
        key: line.key.and_then(|key| key.parse().ok()),
        destination: line.destination.into_owned(),
        message_id: line.message_id.into_owned(),
        position: line.position.map(Position),
        reason: line.reason.into_owned(),
        status: line.status,
        answer: line.answer.into_owned(),
        attempts: line.attempts,
        at: line.at,
        table: line.table,
        ddl: line.ddl,
        raw: Bytes::copy_from_slice(line.event.get().as_bytes()),
        receipt: line.receipt.map(Receipt::from),
    })
}

/// Returns texts that the line of each letter holds that the filter admits: to look for them costs a fraction of reading the
/// line.
pub(super) fn signs(filter: &LetterFilter) -> Vec<String> {
    let sign = |name: &str, value: &str| Some(format!("\"{name}\":{}", serde_json::to_string(value).ok()?));
    let destination = filter.destination.as_ref().and_then(|name| sign("destination", name));
    let reason = filter.reason.as_ref().and_then(|pattern| match pattern.strip_suffix('*') {
        None => sign("reason", pattern),
        // Without the quotation mark that would end it.
        Some(beginning) => sign("reason", beginning).map(|sign| sign.trim_end_matches('"').to_owned()),
    });
    destination.into_iter().chain(reason).collect()
}

/// What counting needs of a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Summary<'a> {
    /// Configured name.
    #[serde(borrow)]
    pub(super) destination: Cow<'a, str>,
    /// From the closed list.
    #[serde(borrow)]
    pub(super) reason: Cow<'a, str>,
    /// When it was buried.
    pub(super) at: Timestamp,
}

/// Reads what counting needs of a line; `None` for what is no dead letter.
pub(super) fn summary(line: &[u8]) -> Option<Summary<'_>> {
    serde_json::from_slice(line).ok()
}

/// Returns the key of a line that is a dead letter; `None` for anything else, several lines included.
#[cfg(feature = "kafka")]
pub(super) fn key(line: &[u8]) -> Option<LetterKey> {
    let anywhere = LetterId { file: 0, offset: 0 };
    let is_one_line = line.first() == Some(&b'{') && memchr::memchr2(b'\n', b'\r', line).is_none();
    is_one_line.then(|| read(anywhere, line)).flatten()?.key
}

/// Makes of a complete event what was received, as far as it says so: letters of earlier releases have no receipt. The
/// source is not known then.
pub(super) fn unfolded(text: &[u8]) -> Option<(Bytes, Receipt)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Complete {
        r#type: Kind,
        timestamp: Timestamp,
        received_at: Timestamp,
    }
    // The first one is the server's, which is said again; what the client had said is `originalTimestamp`.
    const OWN: &str = ",\"timestamp\":\"";
    let text = std::str::from_utf8(text).ok()?;
    let complete: Complete = serde_json::from_str(text).ok()?;
    let (before, rest) = text.split_once(OWN)?;
    let (_, after) = rest.split_once('"')?;
    let receipt = Receipt {
        kind: complete.r#type,
        received_at: complete.received_at,
        timestamp: complete.timestamp,
        sent_at: None,
        message_id: None,
        source: Arc::from(""),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Some((Bytes::from(format!("{before}{after}")), receipt))
}

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    destination: &'a str,
    message_id: &'a str,
    table: Option<&'a str>,
    reason: &'a str,
    status: Option<u16>,
    answer: &'a str,
    ddl: Option<&'a str>,
    attempts: u32,
    at: Timestamp,
    event: Text<'a>,
}

/// Returns a letter as the operator API shows it.
pub(super) fn shown(letter: &Letter) -> Option<Arc<RawValue>> {
    let text = letter.text();
    let shown = Shown {
        id: letter.id.to_string(),
        destination: &letter.destination,
        message_id: &letter.message_id,
        table: letter.table.as_deref(),
        reason: &letter.reason,
        status: letter.status,
        answer: &letter.answer,
        ddl: letter.ddl.as_deref(),
        attempts: letter.attempts,
        at: letter.at,
        event: render::text(&text, usize::MAX),
    };
    serde_json::value::to_raw_value(&shown).ok().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::{event_with, letter, receipt};

    const ID: LetterId = LetterId { file: 1, offset: 7 };

    fn back(letter: &DeadLetter) -> Letter {
        let line = kept(std::slice::from_ref(letter)).unwrap();
        read(ID, line.strip_suffix(b"\n").unwrap()).unwrap()
    }

    #[test]
    fn a_letter_gives_back_the_event_as_it_was_received() {
        let mut full = receipt("made-here");
        full.sent_at = Some("2031-01-01T00:00:00.000000001Z".parse().unwrap());
        full.received_at = "2031-01-01T00:00:02.000017Z".parse().unwrap();
        full.ip = Some("2001:db8::1".parse().unwrap());
        full.signals = Signals { gpc: true, dnt: false };
        full.source = Arc::from("shop \"ü\"");
        full.kind = Kind::Page;
        let event = Arc::new(event_with(full, 10));
        let got = back(&letter("crm", "rejected", Arc::clone(&event), 0)).event().unwrap();
        assert_eq!((&got.raw, &got.receipt, &got.head), (&event.raw, &event.receipt, &event.head));
        assert_eq!(got.tree(), event.tree());
    }

    #[test]
    fn the_signs_of_a_filter_stand_in_the_lines_that_it_admits() {
        let name = "crm \"ü\"\n\\";
        let line = kept(&[letter(name, "gave_up", Arc::new(event_with(receipt("m"), 1)), 0)]).unwrap();
        let line = String::from_utf8(line).unwrap();
        for (reason, is_there) in [("gave_up", true), ("gave*", true), ("*", true), ("up*", false)] {
            let filter = LetterFilter {
                destination: Some(name.to_owned()),
                reason: Some(reason.to_owned()),
                ..LetterFilter::default()
            };
            assert_eq!(signs(&filter).len(), 2);
            assert_eq!(signs(&filter).iter().all(|sign| line.contains(sign)), is_there, "{line}");
        }
    }

    #[cfg(feature = "kafka")]
    #[test]
    fn the_line_of_a_shared_letter_has_its_key_and_nothing_else_has_one() {
        let one = letter("crm", "rejected", Arc::new(event_with(receipt("m1"), 1)), 0);
        let key = LetterKey::new(one.at, 7);
        let line = shared(&one, key).unwrap();
        assert_eq!(super::key(&line), Some(key));
        assert_eq!(read(ID, &line).unwrap().event().unwrap().raw, one.event.raw);
        let own = kept(std::slice::from_ref(&one)).unwrap();
        let twice = [&line[..], &line[..]].join(&b'\n');
        let padded = [b" ", &line[..]].concat();
        for odd in [own.strip_suffix(b"\n").unwrap(), &twice, &padded, &line[1..], b"{}", b""] {
            assert_eq!(super::key(odd), None);
        }
    }

    #[test]
    fn a_letter_is_shown_with_the_complete_event() {
        let mut receipt = receipt("m1");
        receipt.ip = Some("10.0.0.1".parse().unwrap());
        let event = Arc::new(event_with(receipt, 1));
        let shown = shown(&back(&letter("crm", "rejected", event, 0))).unwrap();
        insta::assert_snapshot!(shown.get(), @r#"{"id":"1-7","destination":"crm","message_id":"m1","table":null,"reason":"rejected","status":422,"answer":"no such \"thing\"","ddl":null,"attempts":1,"at":"2030-03-17T17:46:40Z","event":{"type":"track","messageId":"m1","timestamp":"2030-03-17T17:46:39.000Z","receivedAt":"2030-03-17T17:46:40.000000Z","context":{"ip":"10.0.0.1"},"event":"Seen","userId":"u1","properties":{"pad":"x"}}}"#);
    }

    #[test]
    fn a_letter_says_which_table_refused_the_row_and_what_would_repair_it() {
        let event = Arc::new(event_with(receipt("m1"), 1));
        let placed = DeadLetter {
            table: Some("signed_up".to_owned()),
            ddl: Some("ALTER TABLE `signed_up`\nADD COLUMN `n` INT64;".to_owned()),
            ..letter("bq", "schema_missing_column", event, 0)
        };
        let back = back(&placed);
        assert_eq!((&back.table, &back.ddl), (&placed.table, &placed.ddl));
        let shown: serde_json::Value = serde_json::from_str(shown(&back).unwrap().get()).unwrap();
        assert_eq!(
            (shown["table"].as_str(), shown["ddl"].as_str()),
            (placed.table.as_deref(), placed.ddl.as_deref())
        );
    }

    #[test]
    fn a_line_of_an_earlier_release_is_shown_as_it_is() {
        let event = r#"{"type":"track","messageId":"m","sentAt":"2030-01-01T00:00:01.000Z","originalTimestamp":"2029-12-31T23:00:00+01:00","timestamp":"2029-12-31T22:00:00.000Z","receivedAt":"2030-01-01T00:00:01.000007Z","context":{"ip":"10.0.0.1","timestamp":"x"},"event":"Seen","userId":"u","properties":{"n":42.00}}"#;
        let line = |event: &str| {
            format!(
                r#"{{"message_id":"m","destination":"crm","position":4,"reason":"rejected","status":422,"answer":"no","attempts":1,"at":"2030-01-01T00:00:00Z","event":{event}}}"#
            )
        };
        let letter = read(ID, line(event).as_bytes()).unwrap();
        assert_eq!(letter.text(), event);
        let again = letter.event().unwrap();
        let mut text = Vec::new();
        again.write_json(&mut text);
        let value = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&text), value(event.as_bytes()), "the same event to the last member");
        assert_eq!(again.receipt.received_at.subsec_microsecond(), 7);
        let odd = read(ID, line(r#"{"type":"track","n":42.00}"#).as_bytes()).unwrap();
        assert_eq!(odd.text(), &br#"{"type":"track","n":42.00}"#[..]);
        assert!(odd.event().is_err());
    }
}
