//! What the rest of the program sees of the configuration: types that cannot be wrong.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};

use crate::destinations;
use crate::policy::consent::Rules;
use crate::policy::discretion::Discretion;
use crate::policy::patience::Patience;
use crate::spec::additions::Bots;
use crate::spec::privacy::cipher::Keyring;
use crate::spec::privacy::{Rule, Treatment};

pub use super::fingerprint::Fingerprint;
pub use crate::policy::consent::Consent;
pub use crate::policy::filter::{EventFilter, EventPattern};

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[server]`.
    pub server: Server,
    /// `[journal]`.
    pub journal: Journal,
    /// `[limits]`.
    pub limits: Limits,
    /// `[geo]` and `[bots]`.
    pub additions: Additions,
    /// `[consent]`.
    pub consent: Rules,
    /// `[privacy]`.
    pub privacy: Privacy,
    /// `[tracker]`.
    pub tracker: Tracker,
    /// `[realtime]`.
    pub realtime: Realtime,
    /// `[console]`.
    pub console: Console,
    /// `[telemetry]`.
    pub telemetry: Telemetry,
    /// `[sources.*]`; empty means development: any key, or none, is accepted.
    pub sources: Vec<Source>,
    /// `[destinations.*]`, switched off ones included, in the order of their names.
    pub destinations: Vec<Destination>,
}

/// `[server]`.
#[derive(Debug, Clone)]
pub struct Server {
    /// Every listener serves everything.
    pub listen: Vec<SocketAddr>,
    /// `environment = "production"`.
    pub production: bool,
    /// Absolute.
    pub data_dir: PathBuf,
    /// A `tracing` filter.
    pub log: String,
    /// Most bytes of a decompressed body.
    pub max_body_bytes: usize,
    /// Most bytes of one event.
    pub max_event_bytes: usize,
    /// How long a client may take over its request head.
    pub header_timeout: Duration,
    /// How long a client may take over its body.
    pub body_timeout: Duration,
    /// Most connections at once.
    pub max_connections: usize,
    /// Most connections of one address at once, but for loopback and trusted proxies; 0: no bound of its own.
    pub max_connections_per_ip: usize,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a graceful stop may take.
    pub shutdown_timeout: Duration,
    /// HS256 key of operator tokens; generated into data_dir in development.
    pub jwt_secret: SecretString,
    /// The one before it, whose tokens and sessions go on meanwhile; empty: none.
    pub jwt_secret_old: SecretString,
    /// Salt of visitor ids and of every hash that a destination sees; empty in development until
    /// [`generate_missing`](super::generate_missing) was called.
    pub site_salt: SecretString,
    /// Key of signed requests to sources without secrets of their own, as text or `whsec_` and base64; like the salt.
    pub hmac_secret: SecretString,
}

impl Server {
    /// Returns the keys whose tokens are believed, the one that signs first. An empty one signs nothing that anybody believes.
    pub fn token_keys(&self) -> impl Iterator<Item = &SecretString> {
        let keys = [&self.jwt_secret, &self.jwt_secret_old];
        keys.into_iter().filter(|key| !key.expose_secret().is_empty())
    }
}

/// When a commit counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// After `fdatasync`.
    Fsync,
    /// After `write`: survives a kill, not a power cut.
    Os,
}

impl Durability {
    /// Returns the word used in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Durability::Fsync => "fsync",
            Durability::Os => "os",
        }
    }
}

/// What happens at `max_bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFull {
    /// 503 with `Retry-After`.
    Reject,
    /// The oldest records go, whoever has not had them.
    DropOldest,
}

/// `[journal.kafka]`, where that is the engine.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedJournal {
    /// The topic of accepted events.
    pub topic: String,
    /// The consumer group of the routers, and the beginning of those of the destinations.
    pub group: String,
    /// What the library is told: addresses, credentials, further properties. Secret.
    pub client: BTreeMap<String, String>,
    /// Most bytes that the topic takes at once, until the brokers say something else; 0 when only they know.
    pub max_message_bytes: u64,
}

impl std::fmt::Debug for SharedJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.client.keys().collect();
        let mut shown = f.debug_struct("SharedJournal");
        shown.field("topic", &self.topic).field("group", &self.group).field("client", &names);
        shown.field("max_message_bytes", &self.max_message_bytes).finish()
    }
}

/// `[journal]`.
#[derive(Debug, Clone)]
pub struct Journal {
    /// The journal is shared with other routers; `None` for one of its own.
    pub shared: Option<SharedJournal>,
    /// When a commit counts as durable.
    pub durability: Durability,
    /// Most bytes on disk; at least 1 MiB.
    pub max_bytes: u64,
    /// How long settled records are kept for replay.
    pub retention: Duration,
    /// How long dead letters are kept.
    pub dead_letter_retention: Duration,
    /// What happens at `max_bytes`.
    pub on_full: OnFull,
    /// How long a `messageId` is remembered.
    pub dedupe_window: Duration,
    /// How many are remembered at most.
    pub dedupe_max_ids: usize,
}

/// `[geo]` and `[bots]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// A file of MaxMind's format; absolute.
    pub geo_database: Option<PathBuf>,
    /// What becomes of events of bots.
    pub bots: Bots,
}

/// `[privacy]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    /// What becomes of a client's address at destinations that say nothing of it themselves.
    pub ip: Treatment,
    /// Names of the destinations that get an event `User Deleted` of every user who is erased.
    pub tell_deletions: Vec<String>,
    /// What warehouses see encrypted, unless they say otherwise themselves.
    pub encrypt: Vec<Rule>,
    /// The keys of everything that is encrypted; none: nothing is.
    pub keyring: Option<Arc<Keyring>>,
}

/// One GCRA limit; 0 events per second switches it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRate {
    /// Steady rate.
    pub events_per_second: u32,
    /// Bucket size.
    pub burst: u32,
}

/// `[limits]`.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For browser traffic, never for loopback.
    pub per_ip: EventRate,
    /// For each source.
    pub per_source: EventRate,
}

/// `[sources.NAME]`.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub name: Arc<str>,
    /// Keys that identify it.
    pub write_keys: Vec<SecretString>,
    /// Origins that browsers may send from; empty: every origin.
    pub origins: Vec<String>,
    /// A browser request from another origin is refused.
    pub enforce_origin: bool,
    /// Every request must be signed.
    pub require_signature: bool,
    /// Keys of its signed requests; empty: `HMAC_SECRET`.
    pub signing_secrets: Vec<SecretString>,
}

/// `[tracker]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracker {
    /// Path of the browser script; its variants stand beside it.
    pub script_path: String,
    /// Path below which events are collected.
    pub collect_path: String,
    /// Domain of the visitor cookie; `None`: the registrable domain of the router's own name.
    pub cookie_domain: Option<String>,
    /// The visitor's id is the server's: no script reads it.
    pub cookie_http_only: bool,
    /// Cloud destinations do not get what the script sends by itself.
    pub exclude_automatic: bool,
    /// Consent to keeping something in the visitor's browser, by the rules of `[consent]`.
    pub storage: Consent,
}

/// `[realtime]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Realtime {
    /// What is live is followed.
    pub enabled: bool,
    /// Whose midnight ends a day.
    pub time_zone: TimeZone,
    /// The currency of orders that name none, in capitals; for reports alone.
    pub currency: String,
    /// The longest pause within a session.
    pub session_timeout: Duration,
    /// A page view with another campaign begins a session.
    pub new_session_on_campaign: bool,
    /// How long a cart is left untouched before it is abandoned.
    pub cart_abandoned_after: Duration,
    /// `/about/` is `/about`.
    pub strip_trailing_slash: bool,
    /// Parameters of an address that belong to its page.
    pub keep_query: Vec<String>,
}

/// `[console]`.
#[derive(Debug, Clone)]
pub struct Console {
    /// The console is served, and one may log in to it.
    pub enabled: bool,
    /// Lets its holder log in as `admin`, plain or as its hash ([`password::is_hash`](super::password::is_hash)); empty: a
    /// token alone does.
    pub password: SecretString,
}

/// `[telemetry]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// Where a collector takes traces, path included; `None`: none are made.
    pub otlp_endpoint: Option<String>,
}

/// Where a destination without a cursor begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the next event.
    Now,
    /// With the oldest event of the journal.
    Beginning,
    /// With the first event received at this instant or later.
    At(jiff::Timestamp),
}

/// `[destinations.NAME]`.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its name: free.
    pub name: String,
    /// Switched on, by `enabled` or by its required settings being present.
    pub enabled: bool,
    /// Batch, retry, breaker, hold, concurrency, timeout.
    pub patience: Patience,
    /// Which events it gets.
    pub events: EventFilter,
    /// What it may have of people.
    pub discretion: Arc<Discretion>,
    /// Where it begins.
    pub start: Start,
    /// Its own settings, parsed.
    pub settings: destinations::Settings,
    /// The environment variables that it asked for.
    pub surroundings: BTreeMap<String, String>,
    /// Tells whether a reload changes it.
    pub fingerprint: Fingerprint,
}
