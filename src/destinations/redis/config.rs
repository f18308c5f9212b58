//! Settings of a Redis, with the defaults of the shipped file.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::destinations::kit::setting::blank;
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};

/// The block of the shipped configuration.
pub(super) const BLOCK: &str = r#"[destinations.redis]
# Who is there now and the counters of the last hours, in a Redis that several routers share. On when the address is set.
url = ""                            # redis://user:password@host:6379/0, rediss:// with TLS; or REDIS_HOST and its companions
# ca_file = ""                      # PEM file of the authority that signed the server's certificate; empty: those that browsers believe
"#;

/// `[destinations.NAME]` with `type = "redis"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address; it holds a password.
    #[serde(serialize_with = "blank")]
    pub url: SecretString,
    /// Who signed the server's certificate; empty: one of the authorities that browsers believe.
    pub ca_file: PathBuf,
}

/// Returns the patience of a server nearby whose numbers are looked at while they change: small waits everywhere, and batches
/// that do not keep its other clients waiting.
pub(super) fn patience() -> Patience {
    let count = |count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
    Patience {
        batch: BatchLimits {
            max_events: count(500),
            max_bytes: 1024 * 1024,
            max_delay: Duration::from_millis(500),
        },
        retry: Retry { max: Duration::from_secs(10), ..Retry::default() },
        breaker: BreakerSettings { open_for: Duration::from_secs(5), ..BreakerSettings::default() },
        probe_every: Duration::from_secs(30),
        concurrency: count(2),
        rate_limit: RateLimit::default(),
        timeout: Duration::from_secs(5),
    }
}
