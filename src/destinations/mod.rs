//! What a destination is, and the one registry of those that exist.
//!
//! A destination is one folder and one line in `registry!`. Its author writes pure functions (`wants`, `plan`, `judge`)
//! and one effect ([`Client::send`]); mailbox, batch, retry and breaker are `actors::Delivery`, written once for all.
//! Nothing outside a destination's folder knows its name.

#[macro_use]
mod registry;
pub mod blueprint;
pub mod erase;
pub mod http_client;
pub mod kit;
pub mod mock;
pub mod presence;
pub mod reply;
pub mod show;
mod wants;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::policy::outcome::{Fault, Outcome, Reason, Verdict};
use crate::policy::patience::Patience;
use crate::spec::Event;
use crate::spec::privacy::Naming;
use crate::stores::ReportStore;
use crate::stores::reports::fact::Rules;
use crate::stores::shared::SharedState;
use crate::telemetry::Meter;
use crate::warehouse::{Schema, SchemaCell, SchemaDiff, names};

pub use crate::policy::schema::{Chore, Quota, SchemaFault, SchemaPace};
pub use blueprint::{Blueprint, Look};
pub use erase::Erase;
pub use presence::{Present, SharedPresence, Taken, Trade};
pub use reply::{Answer, Failure, FailureKind, Reply};
pub use show::{Shown, ShownBody, ShownRequest, ShownRow};
pub use wants::wants;

registry! {
    sqlite: sqlite::Sqlite,
    webhook: webhook::Webhook,
    bigquery: bigquery::BigQuery,
    slack: slack::Slack,
    customerio: customerio::CustomerIo,
    meta_capi: meta_capi::MetaCapi,
    postgres: postgres::Postgres,
    #[cfg(feature = "kafka")]
    kafka: kafka::Kafka,
    clickhouse: clickhouse::ClickHouse,
    redis: redis::Redis,
}

// What `make destination` copies is compiled and tested with everything else. It is in no binary and in no list.
#[cfg(test)]
#[path = "../../templates/destination/mod.rs"]
pub mod parrot;

/// What a destination says about itself; README, docs and the console are generated from it.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Name for humans, also its key in Segment's `integrations` object: "Customer.io".
    pub title: &'static str,
    /// One paragraph in Markdown.
    pub summary: &'static str,
    /// How often an event may arrive there: "at least once, …".
    pub guarantee: &'static str,
    /// The other side's documentation.
    pub link: &'static str,
    /// Warehouses obey `integrations.Warehouses` instead of `All`.
    pub is_warehouse: bool,
    /// Required settings and the environment variables that fill them; when all have a value the destination is on
    /// unless `enabled = false`. Empty: on when its table is present.
    pub required: &'static [(&'static str, &'static str)],
    /// Further settings with the environment variables that fill them where the configuration says nothing. They do not
    /// switch the destination on.
    pub variables: &'static [(&'static str, &'static str)],
    /// Environment variables that it may look at in [`Setting::surroundings`].
    pub surroundings: &'static [&'static str],
    /// The block of the shipped `config.toml`, commented, starting at its `[destinations.…]` header.
    pub config_block: &'static str,
}

impl About {
    /// Returns how names of members become those of columns; `None` where they stay as they are.
    pub fn naming(&self) -> Option<Naming> {
        self.is_warehouse.then_some(Naming(names::segment))
    }
}

/// A setting that the environment says in parts.
#[derive(Debug, Clone, Copy)]
pub struct Composed {
    /// Which setting, a required one. Its own variable in [`About::required`] is the part that cannot be left out.
    pub key: &'static str,
    /// The variables that it is put together from.
    pub variables: &'static [&'static str],
    /// Puts it together from those that are set; `None` when that is not enough.
    pub compose: fn(Variables<'_>) -> Option<String>,
}

/// Looks up an environment variable; `None` when it is not set or empty.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Facts about the process that a destination may need when it is built.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The destination's configured name.
    pub name: String,
    /// Where the router keeps its files; relative paths in settings are already absolute.
    pub data_dir: PathBuf,
    /// True with `server.environment = "production"`.
    pub production: bool,
    /// How long one request may take.
    pub timeout: std::time::Duration,
    /// The environment variables that it asked for, by name, as far as they are set.
    pub surroundings: BTreeMap<String, String>,
    /// Makes what it derives of ids unlike that of another site; empty where only settings are checked.
    pub site_salt: SecretString,
    /// Where it counts what it does, by emitting events of `telemetry`.
    pub meter: Meter,
    /// By which rules the router counts what is live; the defaults where nothing is shared.
    pub live: crate::projections::live::Options,
}

/// One problem of a destination's settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {message}")]
pub struct SettingError {
    /// Key below the destination's table: `url`.
    pub key: &'static str,
    /// What is wrong with it, to be read after the key: "must begin with http:// or https://".
    pub message: String,
}

/// Facts about an attempt that are not in its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When these events were first tried together; frozen over retries, so that a retried body is byte-identical.
    pub first_at: Timestamp,
    /// When this attempt begins: decides about ages, never goes into a body.
    pub at: Timestamp,
}

/// One outbound request with the indexes of its events in the planned batch.
#[derive(Debug)]
pub struct Planned<R> {
    /// The typed request.
    pub request: R,
    /// Indexes into the slice given to `plan`, in order. Every event of the batch appears in a plan: in one request, or in
    /// several where it becomes rows of several tables. Then its fate is the worst of theirs.
    pub events: Vec<usize>,
}

/// Returns every kind that has a stand-in, with how it is made.
pub fn stand_ins() -> Vec<(&'static str, mock::NewMock)> {
    ENTRIES.iter().filter_map(|entry| Some((entry.kind, entry.mock?))).collect()
}

/// What `plan` makes of a batch.
#[derive(Debug)]
pub struct Plan<R> {
    /// What to send, in order.
    pub requests: Vec<Planned<R>>,
    /// Events that cannot be expressed there.
    pub refused: Vec<(usize, Fault)>,
    /// Events the destination has no use for.
    pub skipped: Vec<(usize, Reason)>,
    /// These tables or columns must exist first. When nothing else is planned, the batch waits for them and is planned
    /// again; otherwise what is planned goes, and the change is only ordered.
    pub needs: Option<SchemaDiff>,
    /// Events that cannot be sent yet, with how long until it is worth another look, and what they wait for.
    pub waiting: Vec<(usize, Duration, Fault)>,
}

impl<R> Default for Plan<R> {
    fn default() -> Self {
        Plan {
            requests: Vec::new(),
            refused: Vec::new(),
            skipped: Vec::new(),
            needs: None,
            waiting: Vec::new(),
        }
    }
}

/// The meaning of one foreign API: no async, no I/O, no clock.
pub trait Destination: Send + Sync + Sized + 'static {
    /// Config type, metric label, folder name.
    const KIND: &'static str;
    /// What it says about itself.
    const ABOUT: About;
    /// What its page tells beyond what is generated, in Markdown with headings of the second level.
    const GUIDE: &'static str = "";
    /// Makes its stand-in, where there is one: see [`mock`].
    const MOCK: Option<mock::NewMock> = None;
    /// Whether the order of one user's events means something there. Where false, an event never waits for another one, and
    /// the requests of a batch go out side by side.
    const ORDERED: bool = true;
    /// Settings that are put together from several environment variables where the configuration says nothing.
    const COMPOSED: &'static [Composed] = &[];
    /// Whether it gets a client's address whole unless its own `privacy` says otherwise; what others get is said by
    /// `[privacy] ip`. True only where the other side matches people by their address.
    const WHOLE_IP: bool = false;
    /// Whether what it is given stays with the operator, as in a warehouse or a stream. `tracker.exclude_automatic` concerns
    /// the others.
    const STAYS_HERE: bool = Self::ABOUT.is_warehouse;
    /// Whether this process alone writes the store, so that nothing of a request that was cut arrives late.
    const EMBEDDED: bool = false;

    /// How much longer than a request what a process had begun may arrive after its end.
    const LINGERS: Duration = Duration::ZERO;
    /// Its own settings, without the common ones. `deny_unknown_fields`; a default is what the shipped file says.
    type Config: DeserializeOwned
        + serde::Serialize
        + Default
        + Clone
        + std::fmt::Debug
        + Send
        + Sync
        + 'static;
    /// One outbound request, not yet on the wire.
    type Request: Send + Sync + 'static;
    /// The wire.
    type Client: Client<Request = Self::Request>;

    /// Returns the patience that fits this API, where the configuration says nothing.
    fn patience() -> Patience;

    /// Builds the pure half and the wire half; reports every problem of the settings at once. Opens nothing.
    ///
    /// # Errors
    /// All problems of the settings, in the order of the keys.
    fn new(config: Self::Config, setting: &Setting) -> Result<(Self, Self::Client), Vec<SettingError>>;

    /// Returns whether an event waits for an earlier one of its user that failed: as `ORDERED` says, unless the settings make
    /// a difference.
    fn keeps_order(&self) -> bool {
        Self::ORDERED
    }

    /// Returns whether the destination has a use for the event.
    fn wants(&self, event: &Event) -> Verdict {
        let _ = event;
        Verdict::Yes
    }

    /// Turns a batch into requests. Deterministic: the same events and `attempt.first_at` give the same bytes.
    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Self::Request>;

    /// Says what the reply means for each event of the request: one outcome per event, in the request's order.
    fn judge(&self, request: &Self::Request, events: usize, reply: &Reply) -> Vec<Outcome>;

    /// Says what it means for a batch that the schema which it needs did not come about, for a warehouse: something to wait
    /// for, unless the store knows better.
    fn unchanged(fault: Fault) -> Outcome {
        Outcome::Transient(fault)
    }

    /// Returns the requests that `check --probe` sends: they try address, credentials and rights and never carry an event.
    fn probe(&self) -> Vec<Self::Request> {
        Vec::new()
    }

    /// Runs a read-only query on the store that these settings name, beside a running router; `None` when it has no such
    /// thing. Blocks.
    fn query(config: &Self::Config, setting: &Setting, sql: &str) -> Option<Result<Rows, String>> {
        let _ = (config, setting, sql);
        None
    }

    /// Returns the table that holds most of the event, for a warehouse.
    fn table(&self, event: &Event) -> Option<String> {
        let _ = event;
        None
    }

    /// Returns the schema that `plan` looks at, for a warehouse.
    fn schema(&self) -> Option<Arc<SchemaCell>> {
        None
    }

    /// Returns what can be said about its tables without touching them, for a warehouse.
    fn blueprint(&self) -> Option<&dyn Blueprint> {
        None
    }
}

/// The answer of a read-only query on an embedded warehouse.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Column names in the order of the query.
    pub columns: Vec<String>,
    /// One value per column.
    pub rows: Vec<Vec<serde_json::Value>>,
}

/// A boxed future that may move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The wire to one foreign API: the only effect of a destination.
pub trait Client: Send + Sync + 'static {
    /// The typed request.
    type Request;

    /// Prepares the wire once before the first send (opens a file, reads a schema). A failure parks only this destination
    /// and is tried again.
    fn init(&self) -> impl Future<Output = Result<(), Reply>> + Send {
        std::future::ready(Ok(()))
    }

    /// Sends one request. Every failure of the outside is a value in the [`Reply`].
    fn send(&self, request: &Self::Request) -> impl Future<Output = Reply> + Send;

    /// Returns what sending the request would put on the wire or into rows, with every secret masked. Sends and opens
    /// nothing.
    fn show(&self, request: &Self::Request) -> Shown;

    /// Reads the tables and changes nothing, for a warehouse.
    fn tables(&self, look: Look) -> impl Future<Output = Result<Schema, String>> + Send {
        let _ = look;
        std::future::ready(Err("it has no tables".to_owned()))
    }

    /// Returns what answers reports by these rules, for a destination that has what they need.
    fn report_store(&self, _rules: &Rules) -> Option<Arc<dyn ReportStore>> {
        None
    }

    /// Returns what carries out schema changes, for a warehouse.
    fn schema_store(&self) -> Option<Arc<dyn SchemaStore>> {
        None
    }

    /// Returns what erases people there, for a store in which that can be done.
    fn eraser(&self) -> Option<Arc<dyn Erase>> {
        None
    }

    /// Returns what knows who is there now, for a store that several routers share.
    fn shared_presence(&self) -> Option<Arc<dyn SharedPresence>> {
        None
    }

    /// Returns what keeps for several routers what is not theirs alone, likewise.
    fn shared_state(&self) -> Option<Arc<dyn SharedState>> {
        None
    }
}

/// What a schema manager needs of a warehouse. Never two calls at once about one table.
pub trait SchemaStore: Send + Sync + 'static {
    /// Returns how often the store lets its tables be changed.
    fn pace(&self) -> SchemaPace {
        SchemaPace::default()
    }

    /// Returns how often this table may be changed, where that is not the same for all.
    fn changes(&self, table: &str) -> Quota {
        let _ = table;
        self.pace().changes
    }

    /// Returns how often all tables are to be read anew, since somebody else may have changed them; `None` for never.
    fn refresh_every(&self) -> Option<Duration> {
        None
    }

    /// Carries out the changes and publishes the resulting schema in the destination's [`SchemaCell`]. Where somebody else
    /// was faster it publishes what is there now and says `Ok`: who asked looks again. Calls about different tables run side
    /// by side, so it publishes with [`SchemaCell::change`]. It may be dropped before its end when it takes too long.
    fn apply(&self, diff: SchemaDiff) -> BoxFuture<Result<(), SchemaFault>>;

    /// Reads the schema of one table, or of all, and publishes it.
    fn refresh(&self, table: Option<String>) -> BoxFuture<Result<(), SchemaFault>> {
        drop(table);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Returns the tables that events ask for and whose name something else has, each with what an operator is told. Asked
    /// by whoever looks at the schema, so it answers from memory.
    fn taken(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Returns the work that is to be done from time to time.
    fn chores(&self) -> Vec<Chore> {
        Vec::new()
    }

    /// Does one of the [`SchemaStore::chores`], or what an operator asks for by its name: `apply views` makes views where
    /// the chore `views` only keeps them.
    fn run(&self, chore: &'static str) -> BoxFuture<Result<(), SchemaFault>> {
        let _ = chore;
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Starts a destination whose type only the registry knows.
pub trait Launcher {
    /// What starting gives back.
    type Output;
    /// Takes the two halves of one destination.
    fn launch<D: Destination>(self, destination: D, client: D::Client) -> Self::Output;
}
