//! Sends page views and conversions to Meta's Conversions API.
//!
//! One request holds up to a thousand events and is taken as a whole or not at all, so `map` finds what Meta would refuse
//! before it is sent, and `judge` has the request halved when Meta refuses it all the same. What is known of a person is
//! normalised and hashed; the token is in a header and in no address.

mod client;
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

use super::kit::{Call, Secrets};
use super::mock::NewMock;
use super::{About, Attempt, Destination, Plan, Reply, Setting, SettingError};
use crate::policy::outcome::{Outcome, Reason, Verdict};
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};
use crate::spec::Event;

pub use client::Wire;
pub use config::{Config, ContentId, ExternalId, LimitedDataUse};
pub use plan::Request;

/// The pure half: where events go, what they become, and what is never repeated.
pub struct MetaCapi {
    terms: plan::Terms,
    secrets: Secrets,
}

const SUMMARY: &str = "Page views and conversions for Meta's Conversions API (Facebook, Instagram): up to 1,000 events a request, \
    what is known of a person normalised and hashed, the e-commerce events of Segment's specification mapped, and each event \
    with the id by which Meta drops what its pixel has sent already. Opted-out users are marked for Limited Data Use.";

const CONFIG_BLOCK: &str = r#"[destinations.meta_capi]
pixel_id = "${META_PIXEL_ID:-}"     # the id of the pixel or dataset; with the token it switches the destination on
access_token = "${META_ACCESS_TOKEN:-}" # of a system user, or made in the Events Manager; sent in a header
api_version = "v25.0"
test_event_code = ""                # "TEST12345": events appear in "Test events" of the Events Manager, and count all the same
action_source = ""                  # of events that come neither from a website nor from an app; empty: system_generated
currency = ""                       # of amounts without a currency, like "EUR"; none is invented
custom_events = false               # true: track calls of any other name are sent under it
event_map = {}                      # { "Trial Started" = "StartTrial" }; names on the left without regard to case
custom_data = []                    # further properties for custom_data: ["coupon"]; never what is about a person
content_id = "product_id"           # what products are called in the catalogue; or "sku"
external_id = "all"                 # userId and anonymousId, hashed; or "user_id", "none"
limited_data_use = "auto"           # what the event or its consent says; or "always", "never" (then only the event)
endpoint = ""                       # another base address, before the version
"#;

impl Destination for MetaCapi {
    const KIND: &'static str = "meta_capi";
    const ABOUT: About = About {
        title: "Facebook Conversions API",
        summary: SUMMARY,
        guarantee: "at least once; Meta drops repetitions by `event_id`",
        link: "https://developers.facebook.com/docs/marketing-api/conversions-api/",
        is_warehouse: false,
        required: &[("pixel_id", "META_PIXEL_ID"), ("access_token", "META_ACCESS_TOKEN")],
        variables: &[],
        surroundings: &[],
        config_block: CONFIG_BLOCK,
    };
    const GUIDE: &'static str = include_str!("guide.md");
    const MOCK: Option<NewMock> = Some(mock::new);
    const ORDERED: bool = false;
    /// Meta finds the person by the address.
    const WHOLE_IP: bool = true;
    type Config = Config;
    type Request = Request;
    type Client = Wire;

    fn patience() -> Patience {
        let count = |count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        Patience {
            batch: BatchLimits {
                max_events: count(1_000),
                max_bytes: 2 * 1024 * 1024,
                // Nobody waits for it, and Meta prefers few requests.
                max_delay: Duration::from_secs(1),
            },
            retry: Retry::default(),
            breaker: BreakerSettings::default(),
            probe_every: Duration::from_secs(30),
            concurrency: count(4),
            rate_limit: RateLimit::default(),
            timeout: Duration::from_secs(30),
        }
    }

    fn new(config: Config, setting: &Setting) -> Result<(MetaCapi, Wire), Vec<SettingError>> {
        let (checked, wire) = (config.check(), Wire::new(&config, setting));
        let wire = match (checked, wire) {
            (Ok(()), Ok(wire)) => wire,
            (checked, wire) => {
                let problems = [checked.err(), wire.err()];
                return Err(problems.into_iter().flatten().flatten().collect());
            }
        };
        let terms = plan::Terms {
            path: format!("{}/{}", config.api_version, config.pixel_id),
            tail: plan::Terms::tail(&config.test_event_code),
            options: map::Options::of(&config),
        };
        Ok((MetaCapi { terms, secrets: Secrets::of([&config.access_token]) }, wire))
    }

    fn wants(&self, event: &Event) -> Verdict {
        match self.terms.options.names.of(event) {
            Some(_) => Verdict::Yes,
            None => Verdict::No(Reason::Unsupported),
        }
    }

    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
        plan::plan(&self.terms, events, attempt)
    }

    fn judge(&self, request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(request, events, &self.secrets.hide(reply))
    }

    /// Reads the pixel's name: tries address, version, token, its rights and the pixel.
    fn probe(&self) -> Vec<Request> {
        let call = Call::get(format!("{}?fields=id,name", self.terms.path));
        vec![Request { call, attempt: 1 }]
    }
}
