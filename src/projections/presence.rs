//! Whose presence an event shows, and on which page: what every realtime view asks of an event first.
//!
//! Pure. It says nothing about how long somebody is present, and never changes an event.

use std::borrow::Cow;

use super::reading::{self, Spelling};
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

/// Returns where the visitor is: the path of the page, without query and fragment, or the name of an app's screen. A page
/// call that gives an address is about that one, whatever the browser's is.
pub fn page<'e>(glance: &Glance<'e>) -> Option<Cow<'e, str>> {
    if glance.event.head.kind == Kind::Screen {
        return glance.event.head.name.as_deref().map(Cow::Borrowed);
    }
    let path = pages(glance, Part::Path).into_iter().find_map(text).map(|path| narrowed(path, bare));
    path.or_else(|| path_of(pages(glance, Part::Url).into_iter().find_map(text)?))
}

/// Returns where the visitor is in the one spelling that all views show: as [`page`], with the parameters that belong to it.
pub fn address<'e>(glance: &Glance<'e>, spelling: &Spelling) -> Option<Cow<'e, str>> {
    let page = page(glance)?;
    if glance.event.head.kind == Kind::Screen {
        return Some(reading::cut(page));
    }
    let search = if spelling.keep_query.is_empty() { Cow::default() } else { search(glance) };
    Some(match page {
        Cow::Borrowed(path) => spelling.page(path, &search),
        Cow::Owned(path) => Cow::Owned(spelling.page(&path, &search).into_owned()),
    })
}

/// Returns the query of the page: of the first that says one, or has an address.
fn search<'e>(glance: &Glance<'e>) -> Cow<'e, str> {
    let said = pages(glance, Part::Search).into_iter().zip(pages(glance, Part::Url));
    let query = |url: Json<'e>| text(url).map(|url| narrowed(url, reading::query_of));
    said.into_iter().find_map(|(search, url)| text(search).or_else(|| query(url))).unwrap_or_default()
}

/// Returns what a page call says of its page, and what the library says of the browser's: nothing of that when the call
/// gives an address.
fn pages<'e>(glance: &Glance<'e>, part: Part) -> [Json<'e>; 2] {
    let [own, around] = glance.page(part);
    let [url, _] = glance.page(Part::Url);
    [own, if text(url).is_some() { Json::default() } else { around }]
}

fn text(json: Json<'_>) -> Option<Cow<'_, str>> {
    json.text().filter(|text| !text.is_empty())
}

/// Returns a part of a text, and borrows it where the text is borrowed.
pub fn narrowed<'t>(text: Cow<'t, str>, part: impl Fn(&str) -> &str) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}

/// Cuts query and fragment off, which may hold what nobody else is to read.
pub fn bare(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Returns the path of an address; nothing of what is none.
fn path_of(url: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let is_address = bare(&url).contains("://");
    is_address.then(|| narrowed(url, |url| bare(url).split_once("://").map_or("", |(_, rest)| below(rest))))
}

/// Returns what follows the host.
fn below(rest: &str) -> &str {
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
            assert_eq!(
                page(&Glance::of(&event(serde_json::from_str(json).unwrap()))).as_deref(),
                wanted,
                "{json}"
            );
        }
    }
}
