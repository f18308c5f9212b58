//! One body of `/collect`, flat or in Segment's form, in Segment's form.
//!
//! Separate from the list of paths, so that the rules of the form stand alone. A flat body has its properties beside its ids:
//! they move into `properties`, or into `traits` for identify and group.

use super::super::Kind;
use super::super::batch::{union, with_member};
use super::super::head;
use super::super::layout::{Field, Layout};
use super::{members, says};

/// How Segment's own consent managers name it.
const CONSENT: &str = "Segment Consent Preference Updated";
const STEP_COMPLETED: &str = "Checkout Step Completed";
const STEP_VIEWED: &str = "Checkout Step Viewed";
/// Members of every call that are no properties. `type` is one only where it names a call.
const OF_THE_CALL: [&str; 11] = [
    "anonymousId",
    "channel",
    "context",
    "integrations",
    "messageId",
    "originalTimestamp",
    "receivedAt",
    "sentAt",
    "timestamp",
    "userId",
    "writeKey",
];

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A call of this kind.
    Call(Kind),
    /// A track call of this name, whatever the body says.
    Named(&'static str),
    /// A track call whose name depends on `completed`.
    CheckoutStep,
    /// What a visitor agreed to: also becomes the call's `context.consent`.
    Consent,
    /// A list of calls, each with its `type`.
    Batch,
}

impl Form {
    /// Returns the kind of call; `None` for a list.
    pub(super) fn kind(self) -> Option<Kind> {
        match self {
            Form::Call(kind) => Some(kind),
            Form::Named(_) | Form::CheckoutStep | Form::Consent => Some(Kind::Track),
            Form::Batch => None,
        }
    }
}

/// Returns a call's text in Segment's form; `None` when it is left as it is.
pub(super) fn shaped(form: Form, text: &str) -> Option<String> {
    let form = match form {
        Form::Batch => Form::Call(head::kind(&Layout::of(text).ok()?, text).ok()?),
        form => form,
    };
    let kind = form.kind()?;
    let all = super::super::layout::members(text)?;
    let bag = bag(kind)?;
    let shaped = if says(&all, bag) { None } else { Some(gathered(form, kind, bag, &all)) };
    let named = name(form, shaped.as_deref().unwrap_or(text), bag);
    let whole = named.or(shaped);
    match form {
        Form::Consent => agreed(whole.as_deref().unwrap_or(text)).or(whole),
        _ => whole,
    }
}

/// Where the properties of a call of this kind go.
fn bag(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Track | Kind::Page | Kind::Screen => Some("properties"),
        Kind::Identify | Kind::Group => Some("traits"),
        Kind::Alias => None,
    }
}

/// Moves what is no member of the call into its properties.
fn gathered(form: Form, kind: Kind, bag: &str, all: &[(String, &str)]) -> String {
    let (mut own, mut rest) = (String::new(), String::new());
    let has_event = says(all, "event");
    for (name, value) in all.iter().filter(|(name, _)| name != bag) {
        let is_own = OF_THE_CALL.contains(&name.as_str())
            || (name == "type" && names_a_call(value))
            || is_member(form, kind, name, has_event);
        let side = if is_own { &mut own } else { &mut rest };
        side.push_str(&format!("{}:{value},", serde_json::Value::String(name.clone())));
    }
    format!("{{{own}\"{bag}\":{{{}}}}}", rest.strip_suffix(',').unwrap_or_default())
}

/// Where a call of this kind has such a member itself. A path that names its event leaves `name` to the product.
fn is_member(form: Form, kind: Kind, name: &str, has_event: bool) -> bool {
    match (kind, name) {
        (Kind::Page | Kind::Screen, "name" | "category") | (Kind::Group, "groupId") => true,
        (Kind::Track, "event") => matches!(form, Form::Call(_)),
        (Kind::Track, "name") => matches!(form, Form::Call(_)) && !has_event,
        _ => false,
    }
}

fn names_a_call(value: &str) -> bool {
    head::string(value).is_some_and(|name| Kind::from_name(&name).is_some())
}

/// Returns the text with the event's name; `None` when it has the right one.
fn name(form: Form, text: &str, bag: &str) -> Option<String> {
    let name = match form {
        Form::Named(name) => format!("\"{name}\""),
        Form::Consent => format!("\"{CONSENT}\""),
        Form::CheckoutStep => {
            format!("\"{}\"", if is_completed(text, bag) { STEP_COMPLETED } else { STEP_VIEWED })
        }
        Form::Call(Kind::Track) => {
            let layout = Layout::of(text).ok()?;
            let missing = layout.value(Field::Event, text).is_none();
            layout.value(Field::Name, text).filter(|_| missing)?.to_owned()
        }
        Form::Call(_) | Form::Batch => return None,
    };
    with_member(text, Field::Event, "event", &name)
}

fn is_completed(text: &str, bag: &str) -> bool {
    let all = members(text);
    let bag = all.iter().rfind(|(name, _)| name == bag).map_or("", |(_, value)| value);
    members(bag).iter().rfind(|(name, _)| name == "completed").is_some_and(|(_, value)| *value == "true")
}

/// States the categories that the properties say yes or no to, unless the context states some itself.
fn agreed(text: &str) -> Option<String> {
    let layout = Layout::of(text).ok()?;
    let properties = members(layout.value(Field::Properties, text)?);
    let listed = properties.iter().find(|(name, _)| name == "categoryPreferences" || name == "categories");
    let stated = listed.map_or_else(|| properties.clone(), |(_, value)| members(value));
    let yes_or_no = stated.iter().filter(|(_, value)| matches!(*value, "true" | "false"));
    let pairs: Vec<String> = yes_or_no
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::String(name.clone())))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let consent = format!("{{\"consent\":{{\"categoryPreferences\":{{{}}}}}}}", pairs.join(","));
    let context = union(layout.value(Field::Context, text), &consent)?;
    with_member(text, Field::Context, "context", &context)
}
