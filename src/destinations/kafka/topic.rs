//! Which topic an event goes to: a name, a name by call kind and source, or the one that its event name is mapped to.
//!
//! Pure. Kafka takes letters, digits, `.`, `_` and `-`, at most 249 of them (`org.apache.kafka.common.internals.Topic`).
//! What a template says itself is checked when it is read; what it takes from an event is made to fit.

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::{Event, Kind};

/// Kafka's own limit of a topic's name, in characters.
const MAX_NAME: usize = 249;

/// Where events go.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    usual: Template,
    by_event: BTreeMap<String, Template>,
}

impl Topics {
    /// Reads the template of most events and those of some track events, by their name.
    ///
    /// # Errors
    /// What is wrong with which, in words, with the key it stands under.
    pub(super) fn new(
        usual: &str,
        by_event: &BTreeMap<String, String>,
    ) -> Result<Topics, Vec<(&'static str, String)>> {
        let mut problems = Vec::new();
        let usual = Template::parse(usual).map_err(|why| problems.push(("topic", why)));
        let mut mapped = BTreeMap::new();
        for (event, text) in by_event {
            match Template::parse(text) {
                Ok(template) => drop(mapped.insert(event.clone(), template)),
                Err(why) => problems.push(("topics", format!("of \"{event}\" {why}"))),
            }
        }
        match usual {
            Ok(usual) if problems.is_empty() => Ok(Topics { usual, by_event: mapped }),
            Ok(_) | Err(()) => Err(problems),
        }
    }

    /// Returns the topic of an event.
    pub(super) fn of(&self, event: &Event) -> String {
        let name = event.head.name.as_deref().filter(|_| event.head.kind == Kind::Track);
        let mapped = name.and_then(|name| self.by_event.get(name));
        mapped.unwrap_or(&self.usual).of(event.head.kind, &event.receipt.source)
    }

    /// Returns whether all events go to one topic.
    pub(super) fn is_one(&self) -> bool {
        self.by_event.is_empty() && self.usual.is_plain()
    }

    /// Returns the topics that are known without an event: those whose name does not depend on a source.
    pub(super) fn known(&self) -> BTreeSet<String> {
        let templates = self.by_event.values().chain([&self.usual]);
        let known = templates.filter(|template| !template.0.contains(&Part::Source));
        known.flat_map(|template| Kind::ALL.map(|kind| template.of(kind, ""))).collect()
    }
}

/// A topic's name with places for what an event brings.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Type,
    Source,
}

impl Template {
    fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or("has a `{` without a `}`")?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name {
                "type" => Part::Type,
                "source" => Part::Source,
                _ => return Err(format!("knows {{type}} and {{source}}, not {{{name}}}")),
            });
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        check(&parts)?;
        Ok(Template(parts))
    }

    fn is_plain(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }

    fn of(&self, kind: Kind, source: &str) -> String {
        let mut name = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Type => name.push_str(kind.as_str()),
                Part::Source => name.extend(source.chars().map(|one| if is_fit(one) { one } else { '_' })),
            }
        }
        // Only characters of one byte are left.
        name.truncate(MAX_NAME);
        name
    }
}

fn check(parts: &[Part]) -> Result<(), String> {
    let texts = parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None });
    let text: String = texts.collect();
    if let Some(odd) = text.chars().find(|one| !is_fit(*one)) {
        return Err(format!("may have letters, digits, `.`, `_` and `-`, not `{odd}`"));
    }
    if text.len() > MAX_NAME {
        return Err(format!("may have at most {MAX_NAME} characters"));
    }
    match parts {
        [] => Err("must not be empty".to_owned()),
        [Part::Text(dots)] if dots == "." || dots == ".." => Err(format!("must not be `{dots}`")),
        _ => Ok(()),
    }
}

const fn is_fit(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::super::super::kit::testing::event;
    use super::*;

    fn topics(usual: &str, by_event: &[(&str, &str)]) -> Result<Topics, Vec<(&'static str, String)>> {
        let by_event = by_event.iter().map(|(name, topic)| ((*name).to_owned(), (*topic).to_owned())).collect();
        Topics::new(usual, &by_event)
    }

    fn of(topics: &Topics, text: &str) -> String {
        topics.of(&event(text))
    }

    const ORDER: &str = r#"{"type":"track","event":"Order Completed","userId":"u","messageId":"m"}"#;
    const PAGE: &str = r#"{"type":"page","name":"Order Completed","userId":"u","messageId":"m"}"#;

    #[test]
    fn a_topic_is_a_name_or_depends_on_kind_and_source() {
        assert_eq!(of(&topics("events", &[]).unwrap(), ORDER), "events");
        assert_eq!(of(&topics("events.{type}", &[]).unwrap(), PAGE), "events.page");
        assert_eq!(of(&topics("{source}-{type}", &[]).unwrap(), PAGE), "test-page");
    }

    #[test]
    fn a_track_event_may_have_a_topic_of_its_own() {
        let topics = topics("events", &[("Order Completed", "orders.{type}")]).unwrap();
        assert_eq!(of(&topics, ORDER), "orders.track");
        assert_eq!(of(&topics, PAGE), "events", "a page of the same name is another thing");
    }

    #[test]
    fn what_an_event_brings_is_made_to_fit() {
        let template = Template::parse("{source}").unwrap();
        assert_eq!(template.of(Kind::Track, "Läden & Co/1"), "L_den___Co_1");
        assert_eq!(template.of(Kind::Track, &"x".repeat(300)).len(), MAX_NAME);
    }

    #[test]
    fn all_that_is_wrong_with_templates_is_said_at_once() {
        let problems = topics("my topic", &[("A", "{event}"), ("B", "x{"), ("C", "..")]).unwrap_err();
        let told: Vec<String> = problems.iter().map(|(key, why)| format!("{key} {why}")).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        topic may have letters, digits, `.`, `_` and `-`, not ` `
        topics of "A" knows {type} and {source}, not {event}
        topics of "B" has a `{` without a `}`
        topics of "C" must not be `..`
        "#);
        assert!(topics("", &[]).is_err() && topics(&"x".repeat(250), &[]).is_err());
    }

    #[test]
    fn topics_are_known_as_far_as_no_source_is_in_them() {
        let topics = topics("e.{type}", &[("A", "a"), ("B", "{source}")]).unwrap();
        let known: Vec<String> = topics.known().into_iter().collect();
        assert_eq!(known, ["a", "e.alias", "e.group", "e.identify", "e.page", "e.screen", "e.track"]);
        assert!(!topics.is_one());
        assert!(Topics::new("events", &BTreeMap::new()).unwrap().is_one());
    }
}
