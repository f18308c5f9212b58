//! Posts events to any HTTP address, signed by Standard Webhooks.
//!
//! The receiver's contract: 2xx takes the whole request; 207 with `{"errors":[{"index" or "message_id","message"}]}`
//! refuses those events and takes the others; 401, 403, 404, 410 and redirects hold the destination until they are
//! repaired; 408, 425, 429, 5xx and silence are tried again; any other 4xx is searched for the event that causes it.
//! `config` is what it can be told, `plan` and `judge` what it means, `client` the wire.

mod client;
mod config;
mod judge;
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

pub use client::Wire;
pub use config::{Compression, Config, Format, PrivateNetwork};
pub use plan::{Post, Request};

/// The pure half: format and the destination's name, from which `webhook-id` is made.
pub struct Webhook {
    name: String,
    format: Format,
    secrets: Secrets,
}

const SUMMARY: &str = "Posts events to any HTTP address: in batches, as a JSON array, as lines or one by one. Requests are \
    signed by Standard Webhooks, and `webhook-id` stays the same when a request is sent again. An answer of 207 may refuse \
    single events.";

const CONFIG_BLOCK: &str = r#"[destinations.webhook]
url = ""                            # https://…; set: the webhook is on
secret = ""                         # signs by Standard Webhooks: "whsec_" and base64, or any text
headers = {}                        # { Authorization = "Bearer ${TOKEN}" }
format = "batch"                    # {"batch":[…],"sentAt":"…"} | "array" | "ndjson" | "single"
compression = "auto"                # gzip above 1 KiB, except to this machine; or "gzip", "none"
allow_private_network = "auto"      # true | false; auto: in development only
"#;

impl Destination for Webhook {
    const KIND: &'static str = "webhook";
    const ABOUT: About = About {
        title: "Webhook",
        summary: SUMMARY,
        guarantee: "at least once; a repeated request has the same `webhook-id`",
        link: "https://www.standardwebhooks.com/",
        is_warehouse: false,
        required: &[("url", "")],
        variables: &[],
        surroundings: &[],
        config_block: CONFIG_BLOCK,
    };
    const MOCK: Option<NewMock> = Some(mock::new);
    const GUIDE: &'static str = include_str!("guide.md");
    type Config = Config;
    type Request = Request;
    type Client = Wire;

    fn patience() -> Patience {
        Patience {
            batch: BatchLimits {
                max_events: NonZeroUsize::new(500).unwrap_or(NonZeroUsize::MIN),
                // What common servers take without being told otherwise (nginx: 1 MiB).
                max_bytes: 1024 * 1024,
                // A webhook often triggers something that a person waits for, and at a rate at which batches matter
                // they fill sooner than this.
                max_delay: Duration::from_millis(500),
            },
            retry: Retry::default(),
            breaker: BreakerSettings::default(),
            probe_every: Duration::from_secs(30),
            concurrency: NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN),
            rate_limit: RateLimit::default(),
            timeout: Duration::from_secs(10),
        }
    }

    fn new(config: Config, setting: &Setting) -> Result<(Webhook, Wire), Vec<SettingError>> {
        let wire = Wire::new(&config, setting)?;
        let secrets = Secrets::of(config.headers.values().chain([&config.secret]));
        // For many services the path is the secret, and a receiver may well repeat it.
        let secrets = secrets.and_address(&config.url.as_str().into());
        Ok((Webhook { name: setting.name.clone(), format: config.format, secrets }, wire))
    }

    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
        plan::plan(&self.name, self.format, events, attempt)
    }

    fn judge(&self, request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(request, events, &self.secrets.hide(reply))
    }

    /// A HEAD request: name, connection, TLS and credentials are tried, and no event is sent.
    fn probe(&self) -> Vec<Request> {
        vec![Request::Probe]
    }
}
