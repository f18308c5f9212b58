//! What became of one event at one destination: five classes, each with a reason from a closed list.

use std::time::Duration;

/// The closed list of reasons, the same words in metrics, dead letters, API and console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The other side refused the event (4xx of a single event, a row error).
    Rejected,
    /// The event is larger than the other side takes.
    TooLarge,
    /// The event cannot be expressed in the other side's terms.
    Unmappable,
    /// Our own mapping panicked on the event.
    Panicked,
    /// The retry budget ran out.
    GaveUp,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404 of the endpoint.
    NotFound,
    /// 410.
    Gone,
    /// A 3xx, which is never followed.
    Redirect,
    /// The name resolves to an address in a private network.
    PrivateAddress,
    /// The name does not resolve.
    Dns,
    /// TLS did not come about.
    Tls,
    /// No answer in time.
    Timeout,
    /// Refused, reset or cut connection.
    Connection,
    /// 5xx, 408, 425.
    ServerError,
    /// An answer that is not what the protocol says.
    BadAnswer,
    /// 429, or 503 with `Retry-After`.
    Throttled,
    /// The local store failed (disk full, locked, corrupt).
    Store,
    /// `integrations` of the event excludes the destination.
    Integrations,
    /// The destination's `events` filter excludes it.
    Filtered,
    /// The destination has no use for this kind.
    Unsupported,
    /// The record was erased before it was delivered.
    Erased,
    /// The journal was full and gave up its oldest records.
    JournalFull,
    /// The record was given up while the destination was off.
    Expired,
    /// The record cannot be read any more.
    Damaged,
    /// An operator dropped the backlog.
    DroppedByOperator,
    /// The event was accepted before the destination's `start`.
    BeforeStart,
    /// Another router serves it, or it was settled before it came to lie here.
    Moved,
    /// Its user has not consented to what the destination is for.
    Consent,
    /// It names nobody that the other side could know.
    NoIdentity,
    /// The other side takes no event of that age any more.
    TooOld,
    /// Waits for a table or column that is on its way.
    Schema,
    /// Its table does not exist, and may not be made.
    SchemaMissingTable,
    /// A column that it needs does not exist, and may not be added.
    SchemaMissingColumn,
}

impl Reason {
    /// Every reason.
    pub const ALL: &[Reason] = &[
        Reason::Rejected,
        Reason::TooLarge,
        Reason::Unmappable,
        Reason::Panicked,
        Reason::GaveUp,
        Reason::Unauthorized,
        Reason::Forbidden,
        Reason::NotFound,
        Reason::Gone,
        Reason::Redirect,
        Reason::PrivateAddress,
        Reason::Dns,
        Reason::Tls,
        Reason::Timeout,
        Reason::Connection,
        Reason::ServerError,
        Reason::BadAnswer,
        Reason::Throttled,
        Reason::Store,
        Reason::Integrations,
        Reason::Filtered,
        Reason::Unsupported,
        Reason::Erased,
        Reason::JournalFull,
        Reason::Expired,
        Reason::Damaged,
        Reason::DroppedByOperator,
        Reason::BeforeStart,
        Reason::Moved,
        Reason::Consent,
        Reason::NoIdentity,
        Reason::TooOld,
        Reason::Schema,
        Reason::SchemaMissingTable,
        Reason::SchemaMissingColumn,
    ];

    /// Returns the word used in metrics, dead letters and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Rejected => "rejected",
            Reason::TooLarge => "too_large",
            Reason::Unmappable => "unmappable",
            Reason::Panicked => "panicked",
            Reason::GaveUp => "gave_up",
            Reason::Unauthorized => "unauthorized",
            Reason::Forbidden => "forbidden",
            Reason::NotFound => "not_found",
            Reason::Gone => "gone",
            Reason::Redirect => "redirect",
            Reason::PrivateAddress => "private_address",
            Reason::Dns => "dns",
            Reason::Tls => "tls",
            Reason::Timeout => "timeout",
            Reason::Connection => "connection",
            Reason::ServerError => "server_error",
            Reason::BadAnswer => "bad_answer",
            Reason::Throttled => "throttled",
            Reason::Store => "store",
            Reason::Integrations => "integrations",
            Reason::Filtered => "filtered",
            Reason::Unsupported => "unsupported",
            Reason::Erased => "erased",
            Reason::JournalFull => "journal_full",
            Reason::Expired => "expired",
            Reason::Damaged => "damaged",
            Reason::DroppedByOperator => "dropped_by_operator",
            Reason::BeforeStart => "before_start",
            Reason::Moved => "moved",
            Reason::Consent => "consent",
            Reason::NoIdentity => "no_identity",
            Reason::TooOld => "too_old",
            Reason::Schema => "schema",
            Reason::SchemaMissingTable => "schema_missing_table",
            Reason::SchemaMissingColumn => "schema_missing_column",
        }
    }
}

/// Why an attempt did not deliver, in the other side's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From the closed list.
    pub reason: Reason,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// The other side's words (at most 1 KiB), or the transport error.
    pub answer: String,
    /// Which table it is about and what would repair it, for a warehouse.
    pub place: Option<Box<Place>>,
}

/// Where in a warehouse something went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: String,
    /// Statements that repair it, ready to run; empty when none would.
    pub ddl: String,
}

impl Fault {
    /// Returns a fault that is not about one table.
    pub fn new(reason: Reason, status: Option<u16>, answer: impl Into<String>) -> Fault {
        Fault { reason, status, answer: answer.into(), place: None }
    }
}

/// What one attempt meant for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Taken by the other side.
    Delivered,
    /// Refused for this event alone: a dead letter.
    Refused(Fault),
    /// The request was refused and the other side did not say which event is to blame: isolate it by bisection.
    /// For a request of one event this is the same as `Refused`.
    Suspect(Fault),
    /// The destination is misconfigured or gone: hold everything, count no attempt.
    Broken(Fault),
    /// Try again later.
    Transient(Fault),
    /// Wait as asked; not a failure.
    Throttled {
        /// How long the other side asked us to wait, when it said so.
        wait: Option<Duration>,
        /// What it said.
        fault: Fault,
    },
    /// The event alone waits for something of ours that is on its way (a table, a column). Nothing is said of the
    /// destination: no failure, no attempt that counts, no pause for others.
    Deferred {
        /// How long until it is worth another look.
        wait: Duration,
        /// What it waits for.
        fault: Fault,
    },
}

/// Why a destination does not get an event at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Deliver it.
    Yes,
    /// Skip it, for this reason.
    No(Reason),
}
