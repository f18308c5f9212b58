//! Labels of the metrics: every value comes from a closed list, or from the operator's own configuration file.

use prometheus_client::encoding::EncodeLabelSet;

/// What an attempt meant, as the label `class` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptClass {
    /// The other side took the request.
    Delivered,
    /// It refused some of the events for good.
    Refused,
    /// The destination is misconfigured or gone.
    Broken,
    /// It failed in a way that may pass.
    Transient,
    /// It asked us to slow down.
    Throttled,
}

impl AttemptClass {
    /// Returns the label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            AttemptClass::Delivered => "delivered",
            AttemptClass::Refused => "refused",
            AttemptClass::Broken => "broken",
            AttemptClass::Transient => "transient",
            AttemptClass::Throttled => "throttled",
        }
    }
}

/// How an event ended at one destination, as the label `outcome` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Taken by the other side.
    Delivered,
    /// Not meant for it.
    Skipped,
    /// Buried as a dead letter.
    Dead,
}

impl Fate {
    /// Returns the label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Fate::Delivered => "delivered",
            Fate::Skipped => "skipped",
            Fate::Dead => "dead",
        }
    }
}

/// How dead letters ended, as the label `end` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LetterEnd {
    /// An operator had them sent again.
    Retried,
    /// An operator gave them up.
    Dropped,
    /// They were older than their retention.
    Expired,
}

impl LetterEnd {
    /// Returns the label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            LetterEnd::Retried => "retried",
            LetterEnd::Dropped => "dropped",
            LetterEnd::Expired => "expired",
        }
    }
}

/// State of a breaker; its number is the value of the gauge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BreakerState {
    /// Everything flows.
    Closed = 0,
    /// One batch is let through as a trial.
    HalfOpen = 1,
    /// Nothing is sent.
    Open = 2,
}

impl BreakerState {
    /// Returns the word used in log lines and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::HalfOpen => "half_open",
            BreakerState::Open => "open",
        }
    }
}

/// What became of rows at a warehouse, as the label `outcome` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowFate {
    /// Taken.
    Inserted,
    /// Taken, with a value that its column does not take kept aside.
    Unmapped,
    /// Not taken now, and sent again.
    Retried,
    /// Never taken.
    Dead,
}

impl RowFate {
    /// Returns the label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            RowFate::Inserted => "inserted",
            RowFate::Unmapped => "unmapped",
            RowFate::Retried => "retried",
            RowFate::Dead => "dead",
        }
    }
}

/// The way that a row took, as the label `lane` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowLane {
    /// All its columns are settled.
    Hot,
    /// It uses a column that is new.
    Probation,
    /// It was loaded, since it had waited too long.
    Cold,
}

impl RowLane {
    /// Returns the label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            RowLane::Hot => "hot",
            RowLane::Probation => "probation",
            RowLane::Cold => "cold",
        }
    }
}

/// What a change of a schema did, as the label `kind` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchemaChangeKind {
    /// A table was made.
    Create,
    /// Columns were added.
    Add,
    /// Columns were widened.
    Widen,
}

impl SchemaChangeKind {
    /// Returns the label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            SchemaChangeKind::Create => "create",
            SchemaChangeKind::Add => "add",
            SchemaChangeKind::Widen => "widen",
        }
    }
}

/// A call kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindLabels {
    pub(super) kind: &'static str,
}

/// Why something was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReasonLabels {
    pub(super) reason: &'static str,
}

/// The states of a destination, as answers and the label `state` say them.
pub(super) const STATES: [&str; 7] =
    ["flowing", "retrying", "throttled", "held", "paused", "draining", "off"];

/// A destination and one of the states that it may be in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StateLabels {
    pub(super) destination: String,
    pub(super) state: &'static str,
}

/// One configured destination.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DestinationLabels {
    pub(super) destination: String,
}

impl DestinationLabels {
    pub(super) fn new(destination: &str) -> Self {
        DestinationLabels { destination: destination.to_owned() }
    }
}

/// How events ended there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OutcomeLabels {
    pub(super) destination: String,
    pub(super) outcome: &'static str,
    pub(super) reason: &'static str,
}

/// Dead letters of a destination, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DeadLetterLabels {
    pub(super) destination: String,
    pub(super) reason: String,
}

/// Dead letters that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LetterEndLabels {
    pub(super) destination: String,
    pub(super) end: &'static str,
}

/// How attempts ended there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AttemptLabels {
    pub(super) destination: String,
    pub(super) class: &'static str,
}

/// One answer of the door: the pattern of its route, never the path as sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AnswerLabels {
    pub(super) path: &'static str,
    pub(super) status: u16,
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RowLabels {
    pub(super) destination: String,
    pub(super) table: String,
    pub(super) outcome: &'static str,
}

/// One table of a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TableLabels {
    pub(super) destination: String,
    pub(super) table: String,
}

/// Why rows were refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RowErrorLabels {
    pub(super) destination: String,
    pub(super) reason: &'static str,
}

/// Changes of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct SchemaChangeLabels {
    pub(super) destination: String,
    pub(super) kind: &'static str,
    pub(super) result: &'static str,
}

/// Rows that waited.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LaneLabels {
    pub(super) destination: String,
    pub(super) lane: &'static str,
}

/// Connections of a pool, by what they do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PoolLabels {
    pub(super) destination: String,
    pub(super) state: &'static str,
}

/// A column and what it was given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ConflictLabels {
    pub(super) destination: String,
    pub(super) table: String,
    pub(super) column: String,
    pub(super) have: &'static str,
    pub(super) got: &'static str,
}

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EndLabels {
    pub(super) end: &'static str,
}

/// One check of `/ready`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CheckLabels {
    pub(super) check: String,
}

/// What runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct VersionLabels {
    pub(super) version: &'static str,
}

/// One projection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ProjectionLabels {
    pub(super) projection: &'static str,
}
