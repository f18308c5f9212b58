//! A call that comes as the query of an image: `data` with the call's JSON in base64, or its members one by one under dotted
//! names.
//!
//! Separate because everything that can be wrong with a query must become a call that is set aside with its reason: nobody
//! reads the answer of an image. Values that come one by one stay texts, since a query cannot say what is a number; but for
//! what a user allows, which is no consent, and no refusal, as a text. Never decides whether a call is believed.
//! Segment: <https://segment.com/docs/connections/sources/catalog/libraries/server/pixel-tracking-api/>; the paths of
//! RudderStack take the same members.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::read::{self, Call, Endpoint, Envelope, RequestError};
use super::{Code, Kind, Problem};

/// Objects inside each other that a dotted name may make.
const MOST_PARTS: usize = 32;
/// Characters of a name that a message repeats.
const SHOWN: usize = 100;

/// What begins a name whose value is a yes or a no.
const PREFERENCE: &str = "context.consent.categoryPreferences.";
/// Another such name.
const COOKIELESS: &str = "context.cookieless";

const FORGIVING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, FORGIVING);

/// Reads the call of a query: `query` as it stood in the address, and the same taken apart and decoded. Returns the call's text
/// beside it, or the query where there is none.
///
/// # Errors
/// None that a query can cause: what is wrong with it is set aside with the call.
pub fn read(
    kind: Kind,
    query: &str,
    pairs: Vec<(String, String)>,
) -> Result<(Envelope, Bytes), RequestError> {
    let mut key = None;
    let mut members = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        match name.as_str() {
            "writeKey" => key = Some(value).filter(|key| !key.is_empty()),
            _ => members.push((name, value)),
        }
    }
    let data = members.iter().find(|(name, _)| name == "data").map(|(_, value)| value.as_str());
    let body = match data {
        Some(data) => decoded(data),
        None => object(members).map(|object| Value::Object(object).to_string().into()),
    };
    let mut envelope = match body {
        Err(problem) => aside(kind, query, problem)?,
        Ok(body) => match read::read(body, Endpoint::One(kind)) {
            Ok(envelope) => envelope,
            Err(error) => aside(kind, query, problem("data", Code::BadJson, error.to_string()))?,
        },
    };
    envelope.write_key = envelope.write_key.or(key);
    let text = envelope.calls.first().map(|call| call.raw.clone()).unwrap_or_default();
    Ok((envelope, text))
}

/// A call that is set aside, whose text is the query.
fn aside(kind: Kind, query: &str, problem: Problem) -> Result<Envelope, RequestError> {
    let mut envelope = read::read(Bytes::from_static(b"{}"), Endpoint::One(kind))?;
    let raw = Bytes::copy_from_slice(query.as_bytes());
    envelope.calls = vec![Call { raw, fault: Some(Box::new(problem)), layout: None }];
    Ok(envelope)
}

/// Takes both alphabets, with padding and without, a plus that became a space on its way, and JSON that nobody encoded.
fn decoded(data: &str) -> Result<Bytes, Problem> {
    if data.trim_start().starts_with('{') {
        return Ok(Bytes::copy_from_slice(data.as_bytes()));
    }
    let standard: Vec<u8> = data
        .trim()
        .bytes()
        .map(|byte| match byte {
            b'-' | b' ' => b'+',
            b'_' => b'/',
            byte => byte,
        })
        .collect();
    let decoded = BASE64.decode(standard).map(Bytes::from);
    decoded.map_err(|error| problem("data", Code::BadJson, format!("`data` is not base64: {error}")))
}

fn object(members: Vec<(String, String)>) -> Result<Map<String, Value>, Problem> {
    let mut object = Map::new();
    for (name, value) in members {
        // RudderStack's script writes this one with its quotes.
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = unquoted.filter(|_| name == "anonymousId").map_or(value.clone(), str::to_owned);
        insert(&mut object, &name, value)?;
    }
    Ok(object)
}

/// Puts a value where its dotted name says.
fn insert(object: &mut Map<String, Value>, name: &str, value: String) -> Result<(), Problem> {
    let wrong = |code, words: &str| {
        let shown: String = name.chars().take(SHOWN).collect();
        problem(&shown, code, format!("`{shown}` {words}"))
    };
    let mut parts: Vec<&str> = name.splitn(MOST_PARTS + 1, '.').collect();
    if parts.len() > MOST_PARTS {
        return Err(wrong(Code::TooDeep, "has too many parts"));
    }
    if parts.iter().any(|part| part.is_empty()) {
        return Err(wrong(Code::WrongType, "has an empty part"));
    }
    let Some(last) = parts.pop() else { return Ok(()) };
    let mut place = object;
    for part in parts {
        let inner = place.entry(part).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = inner else {
            return Err(wrong(Code::WrongType, "is below a name that has a value of its own"));
        };
        place = inner;
    }
    if place.contains_key(last) {
        return Err(wrong(Code::WrongType, "stands twice in the query"));
    }
    place.insert(last.to_owned(), yes_or_no(name, &value).map_or(Value::String(value), Value::Bool));
    Ok(())
}

/// Returns what a value says that can only be a yes or a no.
fn yes_or_no(name: &str, value: &str) -> Option<bool> {
    if name != COOKIELESS && !name.starts_with(PREFERENCE) {
        return None;
    }
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn problem(path: &str, code: Code, message: String) -> Problem {
    Problem { path: path.to_owned(), code, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Arrival, Intake, Limits};
    use proptest::prelude::*;

    fn believe(pairs: &[(&str, &str)]) -> (Option<String>, Intake) {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (envelope, _) = read(Kind::Track, "the=query", pairs).unwrap();
        let arrival = Arrival {
            received_at: "2030-01-01T00:00:00Z".parse().unwrap(),
            source: "web".into(),
            ip: None,
            client_side: true,
            signals: Default::default(),
        };
        (envelope.write_key.clone(), envelope.believe(&arrival, &Limits { max_event_bytes: 10_000 }))
    }

    fn event(pairs: &[(&str, &str)]) -> (Option<String>, Value) {
        let (key, intake) = believe(pairs);
        assert!(intake.rejected.is_empty(), "{:?}", intake.rejected);
        (key, serde_json::from_slice(&intake.events[0].raw).unwrap())
    }

    fn reason(pairs: &[(&str, &str)]) -> (Code, String) {
        let (_, intake) = believe(pairs);
        assert!(intake.events.is_empty());
        let first = &intake.rejected[0].problems[0];
        (first.code, first.path.clone())
    }

    #[test]
    fn names_with_dots_become_objects_and_values_stay_texts() {
        let (key, event) = event(&[
            ("userId", "007"),
            ("event", "Email Opened"),
            ("properties.subject", "The Electric Daily"),
            ("properties.deep.er", "1"),
            ("writeKey", "wk"),
        ]);
        assert_eq!(key.as_deref(), Some("wk"));
        let properties = serde_json::json!({ "subject": "The Electric Daily", "deep": { "er": "1" } });
        assert_eq!(
            event,
            serde_json::json!({ "userId": "007", "event": "Email Opened", "properties": properties })
        );
    }

    #[test]
    fn data_is_base64_of_either_alphabet_or_plain_json() {
        let json = r#"{"writeKey":"wk","userId":"u","event":"é?>~~~","n":42.00}"#;
        let padded = base64::engine::general_purpose::STANDARD.encode(json);
        let safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
        for data in [padded.as_str(), &padded.replace('+', " "), padded.trim_end_matches('='), &safe, json] {
            let (key, intake) = believe(&[("data", data)]);
            assert_eq!(
                (key.as_deref(), intake.events[0].raw.as_ref()),
                (Some("wk"), json.as_bytes()),
                "{data}"
            );
        }
    }

    #[test]
    fn the_key_of_the_call_wins_over_the_one_beside_it() {
        let both = [("data", r#"{"writeKey":"a","userId":"u","event":"e"}"#), ("writeKey", "b")];
        assert_eq!(event(&both).0.as_deref(), Some("a"));
        assert_eq!(
            event(&[("data", r#"{"userId":"u","event":"e"}"#), ("writeKey", "b")]).0.as_deref(),
            Some("b")
        );
    }

    #[test]
    fn an_anonymous_id_in_quotes_loses_them() {
        assert_eq!(event(&[("anonymousId", "\"a\""), ("event", "\"e\"")]).1["anonymousId"], "a");
    }

    #[test]
    fn what_is_wrong_with_a_query_is_named_with_its_place() {
        let named = |code, path: &str| (code, path.to_owned());
        let deep = vec!["a"; 4000].join(".");
        let shown: String = deep.chars().take(SHOWN).collect();
        for (pairs, code, path) in [
            (vec![("data", "%%%")], Code::BadJson, "data"),
            (vec![("data", "e30x")], Code::BadJson, "data"),
            (vec![("data", "{\"a\":")], Code::BadJson, "data"),
            (vec![("userId", "u"), ("userId", "v")], Code::WrongType, "userId"),
            (vec![("a", "1"), ("a.b", "2")], Code::WrongType, "a.b"),
            (vec![("a.b", "1"), ("a", "2")], Code::WrongType, "a"),
            (vec![("a..b", "1")], Code::WrongType, "a..b"),
            (vec![("", "1")], Code::WrongType, ""),
            (vec![(deep.as_str(), "1")], Code::TooDeep, &shown),
            (vec![("userId", "u")], Code::MissingEvent, "event"),
        ] {
            assert_eq!(reason(&pairs), named(code, path), "{:?}", pairs[0].1);
        }
        let (_, intake) = believe(&[("data", "%%%")]);
        assert_eq!(intake.rejected[0].raw, "the=query", "what was sent is kept");
        assert_eq!(reason(&[]).0, Code::MissingIdentity);
    }

    proptest! {
        #[test]
        fn whatever_a_query_holds_is_one_call_believed_or_set_aside(
            pairs in prop::collection::vec(("(data|userId|event|a(\\.b){0,3}|\\PC{0,8})", "\\PC{0,40}"), 0..6),
        ) {
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let (_, intake) = believe(&pairs);
            prop_assert_eq!(intake.events.len() + intake.rejected.len(), 1);
        }
    }
}
