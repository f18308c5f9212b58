//! Posts alerts about chosen events to an incoming webhook of Slack, or of what speaks its language.
//!
//! `POST` of `{"text":"…"}` to an address that is the secret; the answer is `ok` or a word that says what is wrong
//! (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>). Here: what it is, how patient, and who does
//! what. It decides nothing about an event or an answer, and what an operator has no message for is never posted.

mod config;
mod judge;
mod map;
mod mock;
mod plan;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::kit::{Api, Auth, Call, Peer, Secrets};
use super::mock::NewMock;
use super::{About, Attempt, Destination, Plan, Reply, Setting, SettingError};
use crate::policy::outcome::{Outcome, Reason, Verdict};
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};
use crate::spec::Event;

pub use config::Config;

/// The pure half: the messages, how they look, and what must not be repeated from an answer.
pub struct Slack {
    alerts: map::Alerts,
    manner: plan::Manner,
    secrets: Secrets,
}

/// A message without a text: it is refused, and never posted.
const PROBE: &[u8] = b"{}";

/// Shorter ones hold no alert that anybody could read.
const MIN_CHARACTERS: usize = 100;
/// Slack cuts longer ones: <https://api.slack.com/changelog/2018-04-truncating-really-long-messages>.
const MAX_CHARACTERS: usize = 40_000;

const SUMMARY: &str = "Posts alerts about chosen events to a channel of Slack, Mattermost, Rocket.Chat or Discord, by incoming webhooks. \
    Each event has its message, with values of the event in it; alerts that come together share a message.";

const CONFIG_BLOCK: &str = r##"[destinations.slack]
url = ""                            # https://hooks.slack.com/services/…; set, with a message below: alerts are on
messages = {}                       # { "Order Completed" = "Order *{properties.order_id}* by {userId|anonymousId}" }
default_message = ""                # of track calls that have none of their own; empty: they are skipped
username = ""                       # who it is from, where that may be chosen
icon_emoji = ""                     # ":tada:", likewise
channel = ""                        # "#orders", likewise
max_characters = 3000               # of one message, which holds as many alerts as fit; 2000 for Discord
allow_private_network = "auto"      # true | false; auto: in development only
"##;

impl Destination for Slack {
    const KIND: &'static str = "slack";
    const ABOUT: About = About {
        title: "Slack",
        summary: SUMMARY,
        guarantee: "at least once; an alert whose answer was lost is posted again",
        link: "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
        is_warehouse: false,
        required: &[("url", "")],
        variables: &[],
        surroundings: &[],
        config_block: CONFIG_BLOCK,
    };
    const GUIDE: &'static str = include_str!("guide.md");
    const MOCK: Option<NewMock> = Some(mock::new);
    type Config = Config;
    type Request = Call;
    type Client = Api;

    fn patience() -> Patience {
        Patience {
            batch: BatchLimits {
                max_events: NonZeroUsize::new(500).unwrap_or(NonZeroUsize::MIN),
                max_bytes: 1024 * 1024,
                // Nobody misses two seconds of an alert, and what belongs together stands together.
                max_delay: Duration::from_secs(2),
            },
            retry: Retry::default(),
            breaker: BreakerSettings::default(),
            probe_every: Duration::from_secs(60),
            // A channel is read from top to bottom.
            concurrency: NonZeroUsize::MIN,
            // One message a second for a webhook: https://docs.slack.dev/apis/web-api/rate-limits
            rate_limit: RateLimit { events_per_second: 0, requests_per_second: 1 },
            timeout: Duration::from_secs(10),
        }
    }

    fn new(config: Config, setting: &Setting) -> Result<(Slack, Api), Vec<SettingError>> {
        let peer = Peer {
            url: config.url.expose_secret(),
            key: "url",
            is_secret: true,
            allow_private_network: config.allow_private_network.allowed(setting.production),
            gzip: false,
            auth: Auth::None,
        };
        match (Api::new(&peer, setting), map::Alerts::new(&config), limit(&config)) {
            (Ok(api), Ok(alerts), None) => {
                let secrets = Secrets::default().and_address(&config.url);
                Ok((Slack { alerts, manner: plan::Manner::new(&config), secrets }, api))
            }
            (api, alerts, limit) => {
                let problems = [api.err(), alerts.err(), limit.map(|problem| vec![problem])];
                Err(problems.into_iter().flatten().flatten().collect())
            }
        }
    }

    fn wants(&self, event: &Event) -> Verdict {
        if self.alerts.wants(event) { Verdict::Yes } else { Verdict::No(Reason::Unsupported) }
    }

    fn plan(&self, events: &[Arc<Event>], _: &Attempt) -> Plan<Call> {
        plan::plan(&self.alerts, &self.manner, events)
    }

    fn judge(&self, request: &Call, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(request, events, &self.secrets.hide(reply))
    }

    /// Posts nothing: a message without a text is refused.
    fn probe(&self) -> Vec<Call> {
        vec![Call::json("", PROBE)]
    }
}

fn limit(config: &Config) -> Option<SettingError> {
    let message = format!("must be from {MIN_CHARACTERS} to {MAX_CHARACTERS}");
    let is_fine = (MIN_CHARACTERS..=MAX_CHARACTERS).contains(&config.max_characters);
    (!is_fine).then_some(SettingError { key: "max_characters", message })
}
