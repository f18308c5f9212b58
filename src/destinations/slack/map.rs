//! Which events are worth an alert, and what it says: the operator's messages, compiled once.
//!
//! It never decides how alerts share a message, and never lets an event's own values be anything but text.

mod escape;
mod template;

use std::str::FromStr;

use self::template::Template;
use super::Config;
use crate::destinations::SettingError;
use crate::policy::filter::EventPattern;
use crate::spec::{Event, Kind};

/// The messages, the most particular first.
pub(super) struct Alerts {
    messages: Vec<(EventPattern, Template)>,
    max_characters: usize,
}

impl Alerts {
    /// Compiles the messages.
    ///
    /// # Errors
    /// Every one that cannot be read, and that there is none.
    pub(super) fn new(config: &Config) -> Result<Alerts, Vec<SettingError>> {
        let own = config.messages.iter().map(|(key, text)| {
            let template = Template::from_str(text).map_err(|problem| format!("`{key}` {problem}"));
            Ok((pattern(key), template.map_err(|message| SettingError { key: "messages", message })?))
        });
        let (mut messages, mut problems) = (Vec::new(), Vec::new());
        own.chain(default(config)).for_each(|read| match read {
            Ok(message) => messages.push(message),
            Err(problem) => problems.push(problem),
        });
        if config.messages.is_empty() && config.default_message.is_empty() {
            let message = "is empty, and so is `default_message`: no event would ever be posted".to_owned();
            problems.push(SettingError { key: "messages", message });
        }
        messages.sort_by_key(|(pattern, _)| particularity(pattern));
        let max_characters = config.max_characters;
        if problems.is_empty() { Ok(Alerts { messages, max_characters }) } else { Err(problems) }
    }

    /// Returns the event's alert; `None` when there is no message for such an event.
    pub(super) fn text(&self, event: &Event) -> Option<String> {
        let text = self.template(event)?.render(event);
        Some(escape::cut(text, self.max_characters))
    }

    /// Returns whether there is a message for such an event.
    pub(super) fn wants(&self, event: &Event) -> bool {
        self.template(event).is_some()
    }

    fn template(&self, event: &Event) -> Option<&Template> {
        let (kind, name) = (event.head.kind, event.head.name.as_deref().unwrap_or_default());
        self.messages.iter().find(|(pattern, _)| pattern.matches(kind, name)).map(|(_, template)| template)
    }
}

fn default(config: &Config) -> Option<Result<(EventPattern, Template), SettingError>> {
    let text = Some(&config.default_message).filter(|text| !text.is_empty())?;
    let any = EventPattern { kind: Kind::Track, name: None };
    let template = Template::from_str(text).map(|template| (any, template));
    Some(template.map_err(|message| SettingError { key: "default_message", message: message.to_owned() }))
}

/// What is no kind and begins with none is the name of a track call, which is what most people name.
fn pattern(key: &str) -> EventPattern {
    key.parse().unwrap_or_else(|_| EventPattern { kind: Kind::Track, name: Some(key.to_owned()) })
}

/// Sorts whole names before patterns, long patterns before short ones, and bare kinds last.
fn particularity(pattern: &EventPattern) -> (bool, bool, std::cmp::Reverse<usize>) {
    let name = pattern.name.as_deref();
    let length = name.map_or(0, str::len);
    (name.is_none(), name.is_some_and(|name| name.contains('*')), std::cmp::Reverse(length))
}
