//! Whose presence an event shows, and on which page: what every realtime view asks of an event first.
//!
//! Pure. It says nothing about how long somebody is present, and never changes an event.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::reading::{self, Spelling};
use crate::spec::{Event, Kind};

/// Returns the visitor: `anonymousId`, else `userId`.
pub fn visitor(event: &Event) -> Option<&str> {
    event.head.anonymous_id.as_deref().or(event.head.user_id.as_deref())
}

/// Returns whether the event comes from a robot, as `context.bot` says where the door has put something there.
pub fn is_bot(event: &Event) -> bool {
    let bot = event.context().and_then(|context| context.get("bot"));
    bot.is_some_and(|bot| !matches!(bot, Value::Null | Value::Bool(false)) && bot != "")
}

/// Returns whether the event shows that its visitor is there. What a server says about somebody does not: it names the
/// channel `server`, or has nothing in `context` that only a browser or an app knows.
pub fn is_present(event: &Event) -> bool {
    let channel = event.tree().get("channel").or_else(|| event.context()?.get("channel"));
    let is_server =
        channel.and_then(Value::as_str).is_some_and(|channel| channel.eq_ignore_ascii_case("server"));
    !is_server && has_client(event) && !is_bot(event)
}

/// A page is a browser's; a screen and a device with an id are an app's. A device without one proves nothing: the door makes it of
/// a user agent, whoever sent that.
fn has_client(event: &Event) -> bool {
    let part = |name: &str| event.context().and_then(|context| context.get(name));
    ["page", "screen"].into_iter().any(|name| part(name).is_some_and(Value::is_object))
        || part("device").is_some_and(|device| device.get("id").is_some())
}

/// Returns where the visitor is: the path of the page, without query and fragment, or the name of an app's screen. A page
/// call that gives an address is about that one, whatever the browser's is.
pub fn page(event: &Event) -> Option<Cow<'_, str>> {
    if event.head.kind == Kind::Screen {
        return event.head.name.as_deref().map(Cow::Borrowed);
    }
    let (own, around) = pages(event);
    let is_given = text(own, "url").is_some();
    let around = if is_given { None } else { around };
    let path = text(own, "path").or_else(|| text(around, "path")).map(bare);
    path.or_else(|| text(own, "url").or_else(|| text(around, "url")).and_then(path_of)).map(Cow::Borrowed)
}

/// Returns where the visitor is in the one spelling that all views show: as [`page`], with the parameters that belong to it.
pub fn address<'e>(event: &'e Event, spelling: &Spelling) -> Option<Cow<'e, str>> {
    let page = page(event)?;
    if event.head.kind == Kind::Screen {
        return Some(reading::cut(page));
    }
    let search = if spelling.keep_query.is_empty() { "" } else { search(event) };
    Some(match page {
        Cow::Borrowed(path) => spelling.page(path, search),
        Cow::Owned(path) => Cow::Owned(spelling.page(&path, search).into_owned()),
    })
}

fn search(event: &Event) -> &str {
    let (own, around) = pages(event);
    let around = if text(own, "url").is_some() { None } else { around };
    let of = |map| text(map, "search").or_else(|| text(map, "url").map(reading::query_of));
    of(own).or_else(|| of(around)).unwrap_or_default()
}

type Members<'e> = Option<&'e Map<String, Value>>;

/// Returns what a page call says of its page, and what the library says of the browser's.
fn pages(event: &Event) -> (Members<'_>, Members<'_>) {
    let own = event.properties().filter(|_| event.head.kind == Kind::Page);
    (own, event.context().and_then(|context| context.get("page")?.as_object()))
}

fn text<'e>(map: Members<'e>, key: &str) -> Option<&'e str> {
    map?.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// Cuts query and fragment off, which may hold what nobody else is to read.
fn bare(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Returns the path of an address; nothing of what is none.
fn path_of(url: &str) -> Option<&str> {
    let (_, rest) = bare(url).split_once("://")?;
    Some(rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Receipt;

    fn event(json: serde_json::Value) -> Event {
        let receipt = Receipt {
            kind: Kind::from_name(json["type"].as_str().unwrap()).unwrap(),
            received_at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            timestamp: "2026-01-02T03:04:05.600Z".parse().unwrap(),
            sent_at: None,
            message_id: Some("m".into()),
            source: "test".into(),
            ip: None,
            signals: Default::default(),
            redelivery: None,
        };
        Event::restore(json.to_string(), receipt).unwrap()
    }

    #[test]
    fn a_visitor_is_the_anonymous_id_and_else_the_user() {
        let both = event(serde_json::json!({ "type": "page", "userId": "u", "anonymousId": "a" }));
        let user = event(serde_json::json!({ "type": "page", "userId": "u" }));
        assert_eq!((visitor(&both), visitor(&user)), (Some("a"), Some("u")));
    }

    #[test]
    fn servers_and_robots_are_not_there() {
        for (context, channel, wanted) in [
            (r#"{"page":{"path":"/"}}"#, "null", true),
            (r#"{"screen":{"width":1}}"#, "null", true),
            (r#"{"device":{"id":"d"}}"#, r#""mobile""#, true),
            (r#"{"device":{"type":"desktop"},"browser":{"name":"Chrome"}}"#, "null", false),
            (r#"{"page":{"path":"/"}}"#, r#""server""#, false),
            (r#"{"page":{"path":"/"},"channel":"Server"}"#, "null", false),
            (r#"{"library":{"name":"analytics-node"}}"#, "null", false),
            ("{}", "null", false),
            (r#"{"page":{"path":"/"},"bot":true}"#, "null", false),
            (r#"{"page":{"path":"/"},"bot":{"name":"Googlebot"}}"#, "null", false),
            (r#"{"page":{"path":"/"},"bot":false}"#, "null", true),
            (r#"{"page":{"path":"/"},"bot":""}"#, "null", true),
        ] {
            let context: Value = serde_json::from_str(context).unwrap();
            let channel: Value = serde_json::from_str(channel).unwrap();
            let mut json =
                serde_json::json!({ "type": "track", "event": "E", "anonymousId": "a", "context": context });
            if !channel.is_null() {
                json["channel"] = channel;
            }
            assert_eq!(is_present(&event(json.clone())), wanted, "{json}");
        }
    }

    #[test]
    fn a_page_is_its_path_without_what_follows() {
        for (json, wanted) in [
            (
                r#"{"type":"page","userId":"u","properties":{"path":"/a?q=1"},"context":{"page":{"path":"/b"}}}"#,
                Some("/a"),
            ),
            (r#"{"type":"page","userId":"u","context":{"page":{"path":"/b#c"}}}"#, Some("/b")),
            (
                r#"{"type":"page","userId":"u","properties":{"url":"https://x.example/a/b?token=1"}}"#,
                Some("/a/b"),
            ),
            (r#"{"type":"page","userId":"u","properties":{"url":"nonsense"}}"#, None),
            // A view that is given by its address is not where the browser still is.
            (
                r#"{"type":"page","userId":"u","properties":{"url":"https://x.example/new"},"context":{"page":{"path":"/old"}}}"#,
                Some("/new"),
            ),
            (r#"{"type":"page","userId":"u","properties":{"url":"https://x.example"}}"#, Some("/")),
            (
                r#"{"type":"track","event":"E","userId":"u","properties":{"path":"/not"},"context":{"page":{"path":"/b"}}}"#,
                Some("/b"),
            ),
            (r#"{"type":"screen","userId":"u","name":"Main"}"#, Some("Main")),
            (r#"{"type":"page","userId":"u"}"#, None),
        ] {
            assert_eq!(page(&event(serde_json::from_str(json).unwrap())).as_deref(), wanted, "{json}");
        }
    }
}
