//! The rules of the six kinds, run on borrowed ids, and their errors in the contract's codes.
//!
//! Each kind's rules are in the file of its name; a rule's error code is the contract's own, so that nothing has to be
//! translated twice. Types and instants are checked before, by `head`.

use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

use super::Kind;
use super::alias::Alias;
use super::group::Group;
use super::identify::Identify;
use super::page::Page;
use super::reject::{Code, Problem};
use super::screen::Screen;
use super::track::Track;

/// Longest message id, in characters. Segment says 100, but ids of other libraries are longer.
pub(super) const MAX_MESSAGE_ID: u64 = 255;
/// Longest user, anonymous, group and previous id, event and page name, in characters: far beyond every honest one, and
/// small enough for a key in every store.
pub(super) const MAX_TEXT: u64 = 8192;

/// Returns the part of a message id that is as long as one may be: what is set aside may have an id of any length.
pub fn beginning_of_id(id: &str) -> &str {
    let most = usize::try_from(MAX_MESSAGE_ID).unwrap_or(usize::MAX);
    let end = id.char_indices().nth(most).map_or(id.len(), |(end, _)| end);
    id.get(..end).unwrap_or(id)
}

/// The texts that the rules look at; null and empty are absent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids<'a> {
    pub(super) message_id: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) anonymous_id: Option<&'a str>,
    pub(super) group_id: Option<&'a str>,
    pub(super) previous_id: Option<&'a str>,
    /// `event` or `name`.
    pub(super) name: Option<&'a str>,
}

/// Who a call is about: what every kind but alias needs.
#[derive(Debug, Validate)]
#[validate(schema(function = "has_identity"))]
pub(super) struct Sender<'a> {
    #[validate(length(max = MAX_MESSAGE_ID, code = "too_long"))]
    message_id: Option<&'a str>,
    #[validate(length(max = MAX_TEXT, code = "too_long"))]
    user_id: Option<&'a str>,
    #[validate(length(max = MAX_TEXT, code = "too_long"))]
    anonymous_id: Option<&'a str>,
}

impl<'a> From<&Ids<'a>> for Sender<'a> {
    fn from(ids: &Ids<'a>) -> Self {
        Sender { message_id: ids.message_id, user_id: ids.user_id, anonymous_id: ids.anonymous_id }
    }
}

fn has_identity(sender: &Sender<'_>) -> Result<(), ValidationError> {
    let known = sender.user_id.or(sender.anonymous_id).is_some();
    if known { Ok(()) } else { Err(ValidationError::new("missing_identity")) }
}

/// Appends what the kind's rules say against these ids.
pub(super) fn check(kind: Kind, ids: &Ids<'_>, problems: &mut Vec<Problem>) {
    let checked = match kind {
        Kind::Track => Track::from(ids).validate(),
        Kind::Identify => Identify::from(ids).validate(),
        Kind::Page => Page::from(ids).validate(),
        Kind::Screen => Screen::from(ids).validate(),
        Kind::Group => Group::from(ids).validate(),
        Kind::Alias => Alias::from(ids).validate(),
    };
    if let Err(errors) = checked {
        collect(&errors, problems);
    }
}

fn collect(errors: &ValidationErrors, problems: &mut Vec<Problem>) {
    for (field, kind) in errors.errors() {
        match kind {
            ValidationErrorsKind::Struct(nested) => collect(nested, problems),
            ValidationErrorsKind::Field(list) => {
                problems.extend(list.iter().map(|error| problem(field, error)))
            }
            // No rule is about a list.
            ValidationErrorsKind::List(_) => {}
        }
    }
}

fn problem(field: &str, error: &ValidationError) -> Problem {
    let path = wire_name(field);
    let code = Code::ALL.into_iter().find(|code| code.as_str() == error.code);
    let message = match code {
        Some(Code::MissingIdentity) => "one of `userId` and `anonymousId` must be given".to_owned(),
        Some(Code::TooLong) if path == "messageId" => {
            format!("`{path}` is longer than {MAX_MESSAGE_ID} characters")
        }
        Some(Code::TooLong) => format!("`{path}` is longer than {MAX_TEXT} characters"),
        _ => format!("`{path}` is missing"),
    };
    Problem { path: path.to_owned(), code: code.unwrap_or(Code::WrongType), message }
}

/// Returns the member that a rule's field stands for; the rule about identity is told at `userId`.
fn wire_name(field: &str) -> &str {
    match field {
        "message_id" => "messageId",
        "user_id" | "__all__" => "userId",
        "anonymous_id" => "anonymousId",
        "group_id" => "groupId",
        "previous_id" => "previousId",
        same => same,
    }
}
