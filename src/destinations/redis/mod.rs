//! Redis: who is there now and the counters of the last hours, in a store that several routers share.
//!
//! Split into what things mean (`map`, `plan`, `judge`, `show`: pure; `kept` and `shop` are what is more than a number: sessions, sketches, and what is bought), two scripts that run at the server, and the wire
//! (`address`, `wire`, `trouble`, `client`). `store` reads what is written. The numbers are a view and never the truth: an
//! event that is older than they are kept moves none, so a Redis that was down for long leaves no backlog behind.

mod address;
mod client;
mod config;
mod erase;
mod judge;
mod kept;
mod map;
mod plan;
mod shop;
mod show;
mod state;
pub mod store;
#[cfg(test)]
mod tests;
mod trouble;
mod wire;

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::{About, Attempt, Composed, Destination, Plan, Reply, Setting, SettingError};
use crate::policy::outcome::{Outcome, Verdict};
use crate::policy::patience::Patience;
use crate::projections::live::Options;
use crate::spec::Event;
use wire::Line;

pub use client::Wire;
pub use config::Config;
pub use plan::{Load, Request};

/// The pure half: by which rules the router counts what is live.
#[derive(Debug, Default)]
pub struct Redis {
    live: Options,
}

impl Destination for Redis {
    const KIND: &'static str = "redis";
    const STAYS_HERE: bool = true;
    const ABOUT: About = About {
        title: "Redis",
        summary: "Keeps who is there now, on which pages, open sessions, how fast pages feel, the visitors of hours and days, the counters of each minute and a \
                  stream of what happens in a Redis, 6 or newer, so that several routers give the same live numbers. The \
                  numbers are a view: a Redis that is down makes them stand still, and nothing else.",
        guarantee: "counted once, by message id, for two hours",
        link: "https://redis.io/docs/latest/",
        is_warehouse: false,
        required: &[("url", "REDIS_HOST")],
        variables: &[],
        surroundings: &[],
        config_block: config::BLOCK,
    };
    const GUIDE: &'static str = include_str!("guide.md");
    const COMPOSED: &'static [Composed] = &[Composed {
        key: "url",
        variables: &["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_TLS"],
        compose: address::compose,
    }];
    /// Sums do not care, and times and pages only go forward.
    const ORDERED: bool = false;
    type Config = Config;
    type Request = Request;
    type Client = Wire;

    fn patience() -> Patience {
        config::patience()
    }

    fn new(config: Config, setting: &Setting) -> Result<(Redis, Wire), Vec<SettingError>> {
        let address = address::parse(config.url.expose_secret());
        let address = address.map_err(|message| vec![SettingError { key: "url", message }])?;
        if !config.ca_file.as_os_str().is_empty() && !address.is_encrypted() {
            let message = "needs an address that begins with rediss://".to_owned();
            return Err(vec![SettingError { key: "ca_file", message }]);
        }
        let store = store::Store::uncounted(&config, setting).map_err(|wrong| vec![wrong])?;
        let line = Line::new(address, &config.ca_file, setting.timeout, setting.meter.clone());
        Ok((Redis { live: setting.live.clone() }, Wire::new(line, store)))
    }

    fn wants(&self, event: &Event) -> Verdict {
        map::wants(event)
    }

    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
        plan::plan(events, attempt, &self.live)
    }

    fn judge(&self, _: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(events, reply)
    }

    fn probe(&self) -> Vec<Request> {
        vec![Request::Probe]
    }
}
