//! Whose events are meant: people by the ids that their events name.
//!
//! An event is about a person when its `userId`, `anonymousId` or `previousId` is theirs. Which ids belong to one person is never
//! guessed: who knows more ids of somebody names them too. Never keeps an id longer than it is held.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Head;
use super::layout::{Field, Layout};

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

    /// Returns whether this is an id of one of them.
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Returns whether the text of a call is about one of them, whether or not it was believed.
    pub fn concerns_text(&self, json: &str) -> bool {
        let is_theirs = |(kind, id): &(IdKind, Cow<'_, str>)| *kind == self.kind && self.has(id);
        ids_of(json).is_some_and(|ids| ids.iter().any(is_theirs))
    }
}

/// Returns the ids of whom a call is about, read as the door reads them: of a member that is there twice the last one counts.
/// What is no text stands as it is written. The `previousId` may be of either kind. `None` for what is no JSON object.
pub fn ids_of(json: &str) -> Option<Vec<(IdKind, Cow<'_, str>)>> {
    let layout = Layout::of(json).ok()?;
    let named = [
        (IdKind::UserId, Field::UserId),
        (IdKind::AnonymousId, Field::AnonymousId),
        (IdKind::UserId, Field::PreviousId),
        (IdKind::AnonymousId, Field::PreviousId),
    ];
    let id = |(kind, field)| {
        let raw = layout.value(field, json)?;
        Some((kind, super::head::string(raw).unwrap_or(Cow::Borrowed(raw))))
    };
    Some(named.into_iter().filter_map(id).collect())
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
            r#"{"userId":"x","userId":"u-1"}"#,
            r#"{"userId":"u-1","context":{},"context":[]}"#,
            r#"{"userId":"ü\"x"}"#,
        ] {
            assert!(users.concerns_text(about), "{about}");
        }
        for other in [
            r#"{"userId":"u-12"}"#,
            r#"{"anonymousId":"u-1"}"#,
            r#"{"userId":"a","properties":{"userId":"u-1"}}"#,
            r#"{"userId":null}"#,
            r#"{"userId":"u-1","userId":"x"}"#,
            "[1",
        ] {
            assert!(!users.concerns_text(other), "{other}");
        }
        let visitors = people(IdKind::AnonymousId, &["u-1"]);
        assert!(visitors.concerns_text(r#"{"userId":"b","anonymousId":"u-1"}"#));
        assert!(!visitors.concerns_text(r#"{"userId":"u-1"}"#));
    }
}
