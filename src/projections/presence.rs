//! Whose presence an event shows, and on which page: what every realtime view asks of an event first.
//!
//! Pure. It says nothing about how long somebody is present, and never changes an event.

use std::borrow::Cow;

use crate::spec::glance::{Glance, Json, Part};
use crate::spec::{Event, Kind};

/// Returns the visitor: `anonymousId`, else `userId`.
pub fn visitor(event: &Event) -> Option<&str> {
    event.head.anonymous_id.as_deref().or(event.head.user_id.as_deref())
}

/// Returns whether the event comes from a robot, as `context.bot` says where the door has put something there.
pub fn is_bot(glance: &Glance<'_>) -> bool {
    !matches!(glance.context.bot.raw(), "" | "null" | "false" | "\"\"")
}

/// Returns whether the event shows that its visitor is there. What a server says about somebody does not: it names the
/// channel `server`, or has nothing in `context` that only a browser or an app knows.
pub fn is_present(glance: &Glance<'_>) -> bool {
    let is_server = glance.channel().text().is_some_and(|channel| channel.eq_ignore_ascii_case("server"));
    !is_server && has_client(glance) && !is_bot(glance)
}

/// A page is a browser's; a screen and a device with an id are an app's. A device without one proves nothing: the door makes it of
/// a user agent, whoever sent that.
fn has_client(glance: &Glance<'_>) -> bool {
    let context = &glance.context;
    [context.page, context.screen].into_iter().any(Json::is_object) || context.device.get("id").is_there()
}

/// Returns where the visitor is: the path of the page, without query and fragment, or the name of an app's screen.
pub fn page<'e>(glance: &Glance<'e>) -> Option<Cow<'e, str>> {
    if glance.event.head.kind == Kind::Screen {
        return glance.event.head.name.as_deref().map(Cow::Borrowed);
    }
    let text = |part: Part| {
        let mut said = glance.page(part).into_iter().filter_map(Json::text);
        said.find(|text| !text.is_empty())
    };
    let path = text(Part::Path).map(|path| narrowed(path, bare));
    path.or_else(|| text(Part::Url).map(|url| narrowed(url, path_of)))
}

/// Returns a part of a text, and borrows it where the text is borrowed.
pub fn narrowed<'t>(text: Cow<'t, str>, part: impl Fn(&str) -> &str) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}

/// Cuts query and fragment off, which may hold what nobody else is to read.
fn bare(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Returns the path of an address.
fn path_of(url: &str) -> &str {
    let bare = bare(url);
    let Some((_, rest)) = bare.split_once("://") else { return bare };
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

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
            assert_eq!(is_present(&Glance::of(&event(json.clone()))), wanted, "{json}");
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
            (r#"{"type":"page","userId":"u","properties":{"url":"https://x.example"}}"#, Some("/")),
            (
                r#"{"type":"track","event":"E","userId":"u","properties":{"path":"/not"},"context":{"page":{"path":"/b"}}}"#,
                Some("/b"),
            ),
            (r#"{"type":"screen","userId":"u","name":"Main"}"#, Some("Main")),
            (r#"{"type":"page","userId":"u"}"#, None),
        ] {
            assert_eq!(
                page(&Glance::of(&event(serde_json::from_str(json).unwrap()))).as_deref(),
                wanted,
                "{json}"
            );
        }
    }
}
