//! Tells Parrot what happens.
//!
//! `POST v1/events` with a bearer token and `{"events":[…]}` of up to 100 events and 500,000 bytes; an event whose `id` it
//! has seen within a day is taken and ignored. Here: what it is, how patient, and who does what. It decides nothing about an
//! event or an answer.
//!
//! Parrot is made up: this folder is what `make destination NAME=…` copies. It is compiled and tested like any destination,
//! and it is in no binary.

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

use super::kit::{Api, Auth, Call, Peer, Secrets};
use super::mock::NewMock;
use super::{About, Attempt, Destination, Plan, Reply, Setting, SettingError};
use crate::policy::outcome::{Outcome, Verdict};
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};
use crate::spec::Event;

pub use config::Config;

/// The pure half: what must not be repeated from an answer.
pub struct Parrot {
    secrets: Secrets,
}

const SUMMARY: &str = "Tells Parrot about track, page and screen calls, up to 100 in a request.";

const CONFIG_BLOCK: &str = r#"[destinations.parrot]
token = ""                          # set: Parrot is on
url = "https://api.parrot.example"
allow_private_network = "auto"      # true | false; auto: in development only
"#;

impl Destination for Parrot {
    const KIND: &'static str = "parrot";
    const ABOUT: About = About {
        title: "Parrot",
        summary: SUMMARY,
        guarantee: "at least once; Parrot ignores an event that it has seen within a day",
        link: "https://parrot.example/docs/events",
        is_warehouse: false,
        required: &[("token", "PARROT_TOKEN")],
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
                max_events: NonZeroUsize::new(plan::MAX_ITEMS).unwrap_or(NonZeroUsize::MIN),
                max_bytes: 1024 * 1024,
                max_delay: Duration::from_secs(1),
            },
            retry: Retry::default(),
            breaker: BreakerSettings::default(),
            probe_every: Duration::from_secs(30),
            concurrency: NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN),
            // 20 requests a second for one token: https://parrot.example/docs/limits
            rate_limit: RateLimit { events_per_second: 0, requests_per_second: 20 },
            timeout: Duration::from_secs(10),
        }
    }

    fn new(config: Config, setting: &Setting) -> Result<(Parrot, Api), Vec<SettingError>> {
        let peer = Peer {
            url: &config.url,
            key: "url",
            is_secret: false,
            allow_private_network: config.allow_private_network.allowed(setting.production),
            gzip: true,
            auth: Auth::Bearer { token: &config.token, setting: "token" },
        };
        let api = Api::new(&peer, setting)?;
        Ok((Parrot { secrets: Secrets::of([&config.token]) }, api))
    }

    fn wants(&self, event: &Event) -> Verdict {
        map::wants(event)
    }

    fn plan(&self, events: &[Arc<Event>], _: &Attempt) -> Plan<Call> {
        plan::plan(events)
    }

    fn judge(&self, _: &Call, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(events, &self.secrets.hide(reply))
    }

    /// Asks whose token it is.
    fn probe(&self) -> Vec<Call> {
        vec![Call::get("v1/me")]
    }
}
