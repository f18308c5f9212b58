//! Whose events are meant: people by the ids that their events name.
//!
//! An event is about a person when its `userId`, `anonymousId` or `previousId` is theirs. Which ids belong to one person is never
//! guessed: who knows more ids of somebody names them too. Never keeps an id longer than it is held.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Head;

/// A shorter id is not looked for in the words of others: it would be found in every second line.
const SHORTEST_MENTION: usize = 6;

/// What an id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IdKind {
    /// A `userId`.
    UserId,
    /// An `anonymousId`.
    AnonymousId,
}

impl IdKind {
    /// Returns the word that requests and answers have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            IdKind::UserId => "USER_ID",
            IdKind::AnonymousId => "ANONYMOUS_ID",
        }
    }
}

/// Some people, by ids of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    kind: IdKind,
    ids: BTreeSet<Box<str>>,
}

impl People {
    /// Returns the people with these ids.
    pub fn new(kind: IdKind, ids: impl IntoIterator<Item = impl Into<Box<str>>>) -> People {
        People { kind, ids: ids.into_iter().map(Into::into).collect() }
    }

    /// Returns what their ids are.
    pub fn kind(&self) -> IdKind {
        self.kind
    }

    /// Returns their ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(AsRef::as_ref)
    }

    /// Returns the same people under more names.
    #[must_use]
    pub fn also_as(&self, name: impl Fn(&str) -> Option<String>) -> People {
        let more = self.ids().filter_map(name).map(String::into_boxed_str);
        People { kind: self.kind, ids: self.ids.iter().cloned().chain(more).collect() }
    }

    /// Returns whether an event is about one of them.
    pub fn concerns(&self, head: &Head) -> bool {
        let own = match self.kind {
            IdKind::UserId => &head.user_id,
            IdKind::AnonymousId => &head.anonymous_id,
        };
        [own, &head.previous_id].into_iter().flatten().any(|id| self.ids.contains(id.as_ref()))
    }

    /// Returns whether the text of a call is about one of them, whether or not it was believed.
    pub fn concerns_text(&self, json: &str) -> bool {
        let Ok(ids) = serde_json::from_str::<Ids<'_>>(json) else { return false };
        let own = match self.kind {
            IdKind::UserId => &ids.user_id,
            IdKind::AnonymousId => &ids.anonymous_id,
        };
        [own, &ids.previous_id].into_iter().flatten().any(|id| self.ids.contains(id.0.as_ref()))
    }

    /// Returns whether a line about a rejected event is about one of them. The text of one that is no JSON is a text in it.
    pub fn concerns_rejected(&self, line: &str) -> bool {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            event: &'a serde_json::value::RawValue,
        }
        let Ok(line) = serde_json::from_str::<Line<'_>>(line) else { return false };
        let text = line.event.get();
        match serde_json::from_str::<String>(text) {
            Ok(broken) => self.ids().any(|id| {
                serde_json::to_string(id).is_ok_and(|id| broken.contains(&id)) || self.is_mentioned(&broken)
            }),
            Err(_) => self.concerns_text(text),
        }
    }

    /// Returns where one of their ids stands in somebody else's words. It is no part of a longer word there, and not a whole text
    /// in quotation marks: those are names of ours, or ids that another event is about.
    pub fn mentions(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for id in self.ids().filter(|id| id.len() >= SHORTEST_MENTION) {
            let places = memchr::memmem::find_iter(text, id.as_bytes());
            let ranges = places.map(|start| start..start + id.len());
            found.extend(ranges.filter(|range| is_word(text, range) && !is_quoted(text, range)));
        }
        found
    }

    fn is_mentioned(&self, text: &str) -> bool {
        !self.mentions(text.as_bytes()).is_empty()
    }
}

/// Returns the ids of whom a call is about, as far as its text can be read.
pub fn ids_of(json: &str) -> Vec<(IdKind, String)> {
    let Ok(ids) = serde_json::from_str::<Ids<'_>>(json) else { return Vec::new() };
    let named = [(IdKind::UserId, ids.user_id), (IdKind::AnonymousId, ids.anonymous_id)];
    named.into_iter().filter_map(|(kind, id)| Some((kind, id?.0.into_owned()))).collect()
}

/// The ids of a call, whatever else is in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids<'a> {
    #[serde(default, borrow)]
    user_id: Option<Id<'a>>,
    #[serde(default, borrow)]
    anonymous_id: Option<Id<'a>>,
    #[serde(default, borrow)]
    previous_id: Option<Id<'a>>,
}

/// A text, or whatever stands in the place of one.
struct Id<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw: &'a serde_json::value::RawValue = Deserialize::deserialize(from)?;
        let text = super::head::string(raw.get());
        Ok(Id(text.unwrap_or(Cow::Borrowed(raw.get()))))
    }
}

fn is_word(text: &[u8], range: &Range<usize>) -> bool {
    let is_part = |at: Option<usize>| {
        at.and_then(|at| text.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80)
    };
    !is_part(range.start.checked_sub(1)) && !is_part(Some(range.end))
}

fn is_quoted(text: &[u8], range: &Range<usize>) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| text.get(at));
    before == Some(&b'"') && text.get(range.end) == Some(&b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(kind: IdKind, ids: &[&str]) -> People {
        People::new(kind, ids.iter().copied())
    }

    #[test]
    fn a_call_is_about_who_is_named_in_its_ids_and_nowhere_else() {
        let users = people(IdKind::UserId, &["u-1", "7", "ü\"x"]);
        for about in [
            r#"{"userId":"u-1"}"#,
            r#"{"type":"alias","userId":"other","previousId":"u-1"}"#,
            r#"{"userId":"\u0075-1"}"#,
            r#"{"userId":7,"event":3}"#,
            r#"{"userId":"ü\"x"}"#,
        ] {
            assert!(users.concerns_text(about), "{about}");
        }
        for other in [
            r#"{"userId":"u-12"}"#,
            r#"{"anonymousId":"u-1"}"#,
            r#"{"userId":"a","properties":{"userId":"u-1"}}"#,
            r#"{"userId":null}"#,
            "[1",
        ] {
            assert!(!users.concerns_text(other), "{other}");
        }
        let visitors = people(IdKind::AnonymousId, &["u-1"]);
        assert!(visitors.concerns_text(r#"{"userId":"b","anonymousId":"u-1"}"#));
        assert!(!visitors.concerns_text(r#"{"userId":"u-1"}"#));
    }

    #[test]
    fn an_id_is_found_in_the_words_of_others_and_not_in_names_or_longer_words() {
        let users = people(IdKind::UserId, &["user-123", "7"]);
        let text = br#"{"destination":"user-123","answer":"no such user-123; user-1234 7 \"user-123\""}"#;
        let found = users.mentions(text);
        let places: Vec<usize> = found.iter().map(|range| range.start).collect();
        assert_eq!(places.len(), 2, "{found:?}");
        assert!(found.iter().all(|range| &text[range.clone()] == b"user-123"));
    }

    #[test]
    fn a_rejected_event_is_about_them_also_when_it_cannot_be_read() {
        let users = people(IdKind::UserId, &["u-1"]);
        assert!(users.concerns_rejected(r#"{"code":"wrong_type","event":{"userId":"u-1","event":3}}"#));
        assert!(users.concerns_rejected(r#"{"code":"bad_json","event":"{\"userId\":\"u-1\","}"#));
        assert!(!users.concerns_rejected(r#"{"code":"bad_json","event":"{\"userId\":\"u-10\","}"#));
    }
}
