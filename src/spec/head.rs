//! The typed head of an event, read from its layout and checked by the rules of its kind.
//!
//! Reading finds wrong types and bad instants, the rules of the kind find what is missing or too long; every problem is
//! told at once. Texts are borrowed until the event is believed.

use std::borrow::Cow;

use jiff::Timestamp;

use super::layout::{Field, Layout};
use super::reject::{Code, Problem};
use super::validate::{self, Ids};
use super::{Head, Integrations, Kind, time};

/// Returns the text of a raw JSON string that is not empty.
pub(super) fn key(raw: &str) -> Option<String> {
    string(raw).filter(|text| !text.is_empty()).map(Cow::into_owned)
}

/// Returns the instant of a raw JSON string.
pub(super) fn instant(raw: &str) -> Option<Timestamp> {
    time::parse(&string(raw)?)
}

/// Returns the text of a raw JSON string, borrowed when nothing in it is escaped.
pub(super) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let text = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Some(Cow::Borrowed(text));
    }
    serde_json::from_str(raw).ok().map(Cow::Owned)
}

/// A head whose texts are borrowed and whose message id may still be missing.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    kind: Kind,
    pub(super) message_id: Option<Cow<'a, str>>,
    user_id: Option<Cow<'a, str>>,
    anonymous_id: Option<Cow<'a, str>>,
    group_id: Option<Cow<'a, str>>,
    previous_id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    pub(super) original_timestamp: Option<Timestamp>,
    pub(super) sent_at: Option<Timestamp>,
    integrations: Integrations,
}

impl<'a> Draft<'a> {
    /// Reads and checks a head.
    pub(super) fn checked(kind: Kind, layout: &Layout, text: &'a str) -> Result<Draft<'a>, Vec<Problem>> {
        let mut reader = Reader { layout, text, problems: Vec::new() };
        let draft = reader.draft(kind);
        let mut problems = reader.problems;
        validate::check(kind, &draft.ids(), &mut problems);
        if problems.is_empty() {
            return Ok(draft);
        }
        problems.sort_by(|a, b| (a.code, &a.path).cmp(&(b.code, &b.path)));
        Err(problems)
    }

    /// Reads a head that was checked when it was stored.
    pub(super) fn trusted(kind: Kind, layout: &Layout, text: &'a str) -> Result<Draft<'a>, Problem> {
        let mut reader = Reader { layout, text, problems: Vec::new() };
        let draft = reader.draft(kind);
        reader.problems.pop().map_or(Ok(draft), Err)
    }

    fn ids(&self) -> Ids<'_> {
        Ids {
            message_id: self.message_id.as_deref(),
            user_id: self.user_id.as_deref(),
            anonymous_id: self.anonymous_id.as_deref(),
            group_id: self.group_id.as_deref(),
            previous_id: self.previous_id.as_deref(),
            name: self.name.as_deref(),
        }
    }

    /// Completes the head; `made` is the message id when the client sent none.
    pub(super) fn into_head(self, made: Option<&str>, batch_sent_at: Option<Timestamp>) -> Head {
        let boxed = |text: Option<Cow<'_, str>>| text.map(|text| Box::from(text.as_ref()));
        let message_id = made.or(self.message_id.as_deref()).unwrap_or_default();
        Head {
            kind: self.kind,
            message_id: message_id.into(),
            user_id: boxed(self.user_id),
            anonymous_id: boxed(self.anonymous_id),
            group_id: boxed(self.group_id),
            previous_id: boxed(self.previous_id),
            name: boxed(self.name),
            original_timestamp: self.original_timestamp,
            sent_at: self.sent_at.or(batch_sent_at),
            integrations: self.integrations,
        }
    }
}

/// Returns the `messageId` of a call that is set aside, when it can be read, or the beginning of one that is too long.
pub(super) fn message_id(layout: &Layout, text: &str) -> Option<String> {
    let id = string(layout.value(Field::MessageId, text)?).filter(|id| !id.is_empty())?;
    Some(validate::beginning_of_id(&id).to_owned())
}

/// Returns the kind that `type` names, without regard to case.
pub(super) fn kind(layout: &Layout, text: &str) -> Result<Kind, Problem> {
    let problem = |message: String| Problem { path: "type".to_owned(), code: Code::UnknownType, message };
    let raw = layout.value(Field::Type, text).ok_or_else(|| problem("`type` is missing".to_owned()))?;
    let name = string(raw).ok_or_else(|| problem("`type` must be a string".to_owned()))?;
    let known = Kind::from_name(&name).or_else(|| Kind::from_name(&name.to_ascii_lowercase()));
    known.ok_or_else(|| {
        let shown: String = name.chars().take(40).collect();
        problem(format!("`{shown}` is none of the six call types"))
    })
}

struct Reader<'l, 'a> {
    layout: &'l Layout,
    text: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Reader<'_, 'a> {
    fn draft(&mut self, kind: Kind) -> Draft<'a> {
        self.object(Field::Properties, "properties");
        self.object(Field::Traits, "traits");
        self.object(Field::Context, "context");
        self.object(Field::Integrations, "integrations");
        let original = self.instant(Field::Timestamp, "timestamp");
        // RudderStack's libraries send the client's instant under this name alone.
        let fallback = self.instant(Field::OriginalTimestamp, "originalTimestamp");
        Draft {
            kind,
            message_id: self.id(Field::MessageId, "messageId"),
            user_id: self.id(Field::UserId, "userId"),
            anonymous_id: self.id(Field::AnonymousId, "anonymousId"),
            group_id: self.id_of(kind == Kind::Group, Field::GroupId, "groupId"),
            previous_id: self.id_of(kind == Kind::Alias, Field::PreviousId, "previousId"),
            name: self.name(kind),
            original_timestamp: original.or(fallback),
            sent_at: self.instant(Field::SentAt, "sentAt"),
            integrations: self.integrations(),
        }
    }

    fn name(&mut self, kind: Kind) -> Option<Cow<'a, str>> {
        match kind {
            Kind::Track => self.id(Field::Event, "event"),
            Kind::Page | Kind::Screen => self.id(Field::Name, "name"),
            Kind::Identify | Kind::Group | Kind::Alias => None,
        }
    }

    fn integrations(&self) -> Integrations {
        self.layout.value(Field::Integrations, self.text).map(Integrations::parse).unwrap_or_default()
    }

    fn id_of(&mut self, wanted: bool, field: Field, path: &str) -> Option<Cow<'a, str>> {
        if wanted { self.id(field, path) } else { None }
    }

    /// Null and empty are absent. A value of a wrong type is told once and then counts as present.
    fn id(&mut self, field: Field, path: &str) -> Option<Cow<'a, str>> {
        let raw = self.layout.value(field, self.text)?;
        if let Some(text) = string(raw) {
            return Some(text).filter(|text| !text.is_empty());
        }
        self.tell(path, Code::WrongType, format!("`{path}` must be a string"));
        Some(Cow::Borrowed("?"))
    }

    fn object(&mut self, field: Field, path: &str) {
        if self.layout.value(field, self.text).is_some_and(|raw| !raw.starts_with('{')) {
            self.tell(path, Code::WrongType, format!("`{path}` must be an object"));
        }
    }

    fn instant(&mut self, field: Field, path: &str) -> Option<Timestamp> {
        let raw = self.layout.value(field, self.text)?;
        let at = instant(raw);
        if at.is_none() {
            let message = format!("`{path}` must be an ISO 8601 instant between the years 1 and 9999");
            self.tell(path, Code::BadTimestamp, message);
        }
        at
    }

    fn tell(&mut self, path: &str, code: Code, message: String) {
        self.problems.push(Problem { path: path.to_owned(), code, message });
    }
}
