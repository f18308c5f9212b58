//! A message with places for values: `New order *{properties.order_id}* by {userId|anonymousId}`.
//!
//! The text is the operator's and is posted as it stands; the values are an event's and are escaped. It never fails on an
//! event: what is not there is a dash.

use std::borrow::Cow;
use std::str::FromStr;

use serde_json::Value;

use super::escape::{joined, value};
use crate::spec::Event;

/// What stands in the place of a value that is not there.
const ABSENT: &str = "–";

/// A compiled message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// Paths into the event, of which the first counts that leads to something.
    Value(Vec<String>),
}

impl FromStr for Template {
    type Err = &'static str;

    /// `{path}` or `{path|path}` is a value, `{{` and `}}` are the characters. The error is to be read after the setting's name.
    fn from_str(text: &str) -> Result<Template, &'static str> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, found) = rest.split_at_checked(at).unwrap_or((rest, ""));
            pieces.push(Piece::Text(before.to_owned()));
            let (piece, after) = special(found)?;
            pieces.push(piece);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        if pieces.is_empty() { Err("is an empty message") } else { Ok(Template(pieces)) }
    }
}

/// Reads what begins with a brace.
fn special(text: &str) -> Result<(Piece, &str), &'static str> {
    for (doubled, single) in [("{{", "{"), ("}}", "}")] {
        if let Some(after) = text.strip_prefix(doubled) {
            return Ok((Piece::Text(single.to_owned()), after));
        }
    }
    let inside = text.strip_prefix('{').ok_or("has a `}` without its `{`; the character is written `}}`")?;
    let (inside, after) = inside.split_once('}').ok_or("has a `{` without its `}`; the character is written `{{`")?;
    let paths: Vec<String> = inside.split('|').map(|path| path.trim().to_owned()).collect();
    let is_path = |path: &String| !path.is_empty() && path.split('.').all(|part| !part.is_empty());
    if paths.iter().all(is_path) {
        return Ok((Piece::Value(paths), after));
    }
    Err("has a `{…}` that names nothing; it is to hold a path like `properties.order_id`")
}

impl Template {
    /// Returns the message about this event.
    pub(super) fn render(&self, event: &Event) -> String {
        joined(self.0.iter().map(|piece| match piece {
            Piece::Text(text) => (Cow::Borrowed(text.as_str()), false),
            Piece::Value(paths) => {
                let value = paths.iter().find_map(|path| found(event, path));
                (value.map_or(Cow::Borrowed(ABSENT), Cow::Owned), true)
            }
        }))
    }
}

/// Returns the escaped text at this path, `None` when nothing is there. Traits may stand in the context.
fn found(event: &Event, path: &str) -> Option<String> {
    let tree = event.tree();
    let in_context = || find(tree, &format!("context.{}", Some(path).filter(|path| path.starts_with("traits."))?));
    let text = match find(tree, path).or_else(in_context)? {
        Value::Null => return None,
        Value::String(text) => value(text),
        other => value(&other.to_string()),
    };
    Some(text).filter(|text| !text.is_empty())
}

/// Returns what is at the path; a key with dots in it counts before the object that its first part names.
fn find<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(found) = member(tree, path) {
        return Some(found);
    }
    let (first, rest) = path.split_once('.')?;
    find(member(tree, first)?, rest)
}

fn member<'a>(tree: &'a Value, name: &str) -> Option<&'a Value> {
    match tree {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::kit::testing::event;

    fn rendered(text: &str) -> String {
        let event = event(
            r#"{"type":"track","messageId":"m1","userId":"u1","event":"Order Completed","context":{"traits":{"plan":"pro"}},
            "properties":{"id":"o-7","revenue":49.9,"paid":true,"none":null,"blank":"","a.b":"dotted","products":[{"sku":"s1"}],
            "bad":"<!channel> & @Here\n- New order *1*"}}"#,
        );
        Template::from_str(text).unwrap().render(&event)
    }

    #[test]
    fn values_are_found_by_their_paths() {
        for (text, expected) in [
            ("{event} {properties.id} by {userId}", "Order Completed o-7 by u1"),
            ("{properties.revenue}{properties.paid}", "49.9true"),
            ("{properties.products.0.sku} {properties.products}", "s1 [{\"sku\":\"s1\"}]"),
            ("{properties.a.b}", "dotted"),
            ("{traits.plan}", "pro"),
            ("{{{userId}}} {{", "{u1} {"),
            ("plain", "plain"),
        ] {
            assert_eq!(rendered(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_a_dash_or_the_next_path() {
        for (text, expected) in [
            ("{properties.nothing}", "–"),
            ("{properties.none}{properties.blank}", "––"),
            ("{properties.id.deeper} {properties.products.7} {properties.products.x}", "– – –"),
            ("{groupId | properties.none | userId}", "u1"),
        ] {
            assert_eq!(rendered(text), expected, "{text}");
        }
    }

    #[test]
    fn the_operators_text_may_do_what_a_value_may_not() {
        assert_eq!(
            rendered("<!here> {properties.bad}"),
            "<!here> &lt;!channel&gt; &amp; @\u{200b}Here - New order *1*"
        );
    }

    #[test]
    fn what_a_value_and_its_neighbours_say_together_is_text_too() {
        let event = event(
            r#"{"type":"track","messageId":"m1","userId":"u1","event":"E","properties":{"who":"channel","at":"@every",
            "one":"one","bang":"!here","to":"(https://evil.example)","link":"[x](https://evil.example)","ann":"ann"}}"#,
        );
        for (text, expected) in [
            ("Signup by @{properties.who}", "Signup by @\u{200b}channel"),
            ("{properties.at}{properties.one}", "@\u{200b}everyone"),
            ("@every{properties.one}", "@\u{200b}everyone"),
            ("{properties.at}one", "@\u{200b}everyone"),
            ("<!{properties.who}> <{properties.bang}>", "<!\u{200b}channel> <\u{200b}!\u{200b}here>"),
            ("[a]{properties.to} {properties.link}", "[a]\u{200b}(https://evil.example) [x]\u{200b}(https://evil.example)"),
            ("<!channel> @here [a](https://x.example) {properties.ann} @{properties.ann}", "<!channel> @here [a](https://x.example) ann @ann"),
        ] {
            assert_eq!(Template::from_str(text).unwrap().render(&event), expected, "{text}");
        }
    }

    #[test]
    fn a_message_that_cannot_be_read_is_refused_in_words() {
        for (text, part) in [
            ("{userId", "`{` without its `}`"),
            ("userId}", "`}` without its `{`"),
            ("{}", "names nothing"),
            ("{userId|}", "names nothing"),
            ("{properties..id}", "names nothing"),
            ("", "empty"),
        ] {
            let problem = Template::from_str(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
