//! Alerts become messages: one for each alert, or one for many of them, a line each, when they come together. Pure.
//!
//! A channel takes about one message a second and a person reads fewer, so a thousand orders in a minute are to be some
//! dozens of messages.

use std::sync::Arc;

use serde::Serialize;

use super::Config;
use super::map::Alerts;
use crate::destinations::kit::Call;
use crate::destinations::{Plan, Planned};
use crate::policy::outcome::Reason;
use crate::spec::Event;

/// What is the same in every message. Empty: the webhook's own.
pub(super) struct Manner {
    username: String,
    icon_emoji: String,
    channel: String,
    max_characters: usize,
}

/// The body: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.
#[derive(Serialize)]
struct Message<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    icon_emoji: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    channel: &'a str,
}

/// A message that is being filled.
#[derive(Default)]
struct Open {
    text: String,
    characters: usize,
    events: Vec<usize>,
}

/// Plans a batch; events without a message are skipped.
pub(super) fn plan(alerts: &Alerts, manner: &Manner, events: &[Arc<Event>]) -> Plan<Call> {
    let mut plan = Plan::default();
    let mut open = Open::default();
    for (index, event) in events.iter().enumerate() {
        let Some(alert) = alerts.text(event) else {
            plan.skipped.push((index, Reason::Unsupported));
            continue;
        };
        let characters = alert.chars().count();
        if !open.events.is_empty() && open.characters + 1 + characters > manner.max_characters {
            plan.requests.push(manner.message(std::mem::take(&mut open)));
        }
        open.add(index, &alert, characters);
    }
    if !open.events.is_empty() {
        plan.requests.push(manner.message(open));
    }
    plan
}

impl Open {
    fn add(&mut self, event: usize, alert: &str, characters: usize) {
        if !self.events.is_empty() {
            self.text.push('\n');
            self.characters += 1;
        }
        self.text.push_str(alert);
        self.characters += characters;
        self.events.push(event);
    }
}

impl Manner {
    pub(super) fn new(config: &Config) -> Manner {
        Manner {
            username: config.username.clone(),
            icon_emoji: config.icon_emoji.clone(),
            channel: config.channel.clone(),
            max_characters: config.max_characters,
        }
    }

    fn message(&self, open: Open) -> Planned<Call> {
        let Manner { username, icon_emoji, channel, .. } = self;
        let message = Message { text: &open.text, username, icon_emoji, channel };
        // Texts can be written as JSON.
        let body = serde_json::to_vec(&message).unwrap_or_default();
        Planned { request: Call::json("", body), events: open.events }
    }
}
