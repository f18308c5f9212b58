//! Sends people, events, objects and devices to Customer.io, <https://docs.customer.io/integrations/api/track/>.
//!
//! All six calls go through `/api/v2/batch`: up to 500,000 bytes of items of up to 32 KB, 100 requests a second. `map` says
//! what a call becomes, `plan` what may share a request, `judge` what an answer means for each event.

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

use super::kit::Secrets;
use super::mock::NewMock;
use super::{About, Attempt, Destination, Plan, Reply, Setting, SettingError};
use crate::policy::outcome::Outcome;
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};
use crate::spec::Event;
use crate::telemetry::Meter;
use crate::telemetry::events::ValuesTruncated;

pub use client::Wire;
pub use config::{Config, Oversize, PageName, Region, SEMANTIC_EVENTS, Semantic};
pub use plan::{Holds, ItemOf, Request};

use map::{Mapper, Rules};

/// The pure half: the mapping and what answers are read with.
pub struct CustomerIo {
    mapper: Mapper,
    region: Region,
    secrets: Secrets,
    meter: Meter,
}

const SUMMARY: &str = "People with their attributes, events, page and screen views, objects with relationships, merges and \
    devices, by the batch interface of Customer.io's Track API. Each event has an id that is always the same, so that one \
    that is sent again is taken once. What one person does arrives in its order.";

const CONFIG_BLOCK: &str = r#"[destinations.customerio]
# People, events, objects and devices in a Customer.io workspace. On when site id and key are set.
site_id = "${CUSTOMERIO_SITE_ID:-}" # Settings > API credentials > Track API keys
api_key = "${CUSTOMERIO_API_KEY:-}" # of the Track API, not of the App API
region = "${CUSTOMERIO_REGION:-US}" # where the account is: "US" or "EU"
# page_name = "url"                 # what a page is called: its address, else its name; "name": the other way round
# semantic_events = true            # "User Deleted" and the like do what they say; false; or a list of those that do
# oversize = "truncate"             # what is too long is cut or left out; "reject": the event is a dead letter
# event_map = {}                    # { "Order Completed" = "purchase" }: track events under other names
# drop_attributes = []              # ["ssn", "address.street"]: never sent, of people, events and objects
# flatten = false                   # true: {"address":{"city":"Bonn"}} becomes {"address.city":"Bonn"}
# iso_dates = true                  # texts that are ISO 8601 instants or days become seconds since 1970, at any depth
# strip_overrides = true            # keeps from_address, recipient and reply_to out of events: they overrule campaigns
# object_type_id = "1"              # the type of a group that names none
# endpoint = ""                     # another base address: a stand-in, a proxy
"#;

impl Destination for CustomerIo {
    const KIND: &'static str = "customerio";
    const ABOUT: About = About {
        title: "Customer.io",
        summary: SUMMARY,
        guarantee: "at least once; events exactly once, by an id that is made of `messageId`",
        link: "https://docs.customer.io/integrations/api/track/",
        is_warehouse: false,
        required: &[("site_id", "CUSTOMERIO_SITE_ID"), ("api_key", "CUSTOMERIO_API_KEY")],
        variables: &[("region", "CUSTOMERIO_REGION")],
        surroundings: &[],
        config_block: CONFIG_BLOCK,
    };
    const GUIDE: &'static str = include_str!("guide.md");
    const MOCK: Option<NewMock> = Some(mock::new);
    const WHOLE_IP: bool = true;
    type Config = Config;
    type Request = Request;
    type Client = Wire;

    fn patience() -> Patience {
        Patience {
            batch: BatchLimits {
                max_events: NonZeroUsize::new(100).unwrap_or(NonZeroUsize::MIN),
                max_bytes: plan::MAX_BODY_BYTES,
                max_delay: Duration::from_secs(1),
            },
            retry: Retry::default(),
            breaker: BreakerSettings::default(),
            probe_every: Duration::from_secs(30),
            concurrency: NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN),
            // What counts as fair use of a workspace; with full batches 10,000 events a second.
            rate_limit: RateLimit { events_per_second: 0, requests_per_second: 100 },
            timeout: Duration::from_secs(20),
        }
    }

    fn new(config: Config, setting: &Setting) -> Result<(CustomerIo, Wire), Vec<SettingError>> {
        let wire = Wire::new(&config, setting)?;
        let destination = CustomerIo {
            region: config.region,
            secrets: Secrets::of([&config.api_key]).and_basic(&config.site_id, &config.api_key),
            meter: setting.meter.clone(),
            mapper: mapper(config, setting),
        };
        Ok((destination, wire))
    }

    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
        let (plan, cut) = plan::plan(&self.mapper, events);
        // A batch that is planned again is cut again, and that is no news.
        if cut > 0 && attempt.number == 1 {
            ValuesTruncated { count: cut }.emit(&self.meter);
        }
        plan
    }

    fn judge(&self, request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(self.region, request, events, &self.secrets.hide(reply))
    }

    /// Asks where the account is, and whether the key may send.
    fn probe(&self) -> Vec<Request> {
        plan::probes()
    }
}

fn mapper(config: Config, setting: &Setting) -> Mapper {
    Mapper {
        name: setting.name.clone(),
        rules: Rules {
            iso_dates: config.iso_dates,
            flatten: config.flatten,
            rejects: config.oversize == Oversize::Reject,
            drops: config.drop_attributes,
        },
        page_name: config.page_name,
        semantic: config.semantic_events,
        event_map: config.event_map,
        strip_overrides: config.strip_overrides,
        object_type_id: config.object_type_id,
    }
}
