//! What a warehouse says about changes of its tables: how often, when not, and what else is to be done from time to time.

use std::time::Duration;

use crate::policy::outcome::Fault;

/// How often a store lets its tables be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaPace {
    /// How long the first need of a table waits for others to join it.
    pub window: Duration,
    /// Whether one call may change several tables; otherwise each table has calls of its own, side by side.
    pub together: bool,
    /// Most changes of one table.
    pub changes: Quota,
    /// Most tables made.
    pub creates: Quota,
    /// How long a table stays closed whose change was denied.
    pub denied_for: Duration,
}

/// So many in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub most: u32,
    /// In which time; zero: no bound.
    pub per: Duration,
}

impl Quota {
    /// No bound.
    pub const NONE: Quota = Quota { most: u32::MAX, per: Duration::ZERO };

    /// Returns what is left while so many are under way; `None` when that is nothing.
    pub(super) fn less(self, under_way: usize) -> Option<Quota> {
        if self.per.is_zero() {
            return Some(self);
        }
        let most = self.most.saturating_sub(u32::try_from(under_way).unwrap_or(u32::MAX));
        (most > 0).then_some(Quota { most, ..self })
    }
}

impl Default for SchemaPace {
    /// The pace of a store on the same machine.
    fn default() -> Self {
        SchemaPace {
            window: Duration::ZERO,
            together: true,
            changes: Quota::NONE,
            creates: Quota::NONE,
            denied_for: Duration::from_secs(600),
        }
    }
}

/// Why a schema was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaFault {
    /// Try again, when the store says so.
    Transient {
        /// How long it asked us to wait.
        wait: Option<Duration>,
        /// What it said.
        fault: Fault,
    },
    /// We may not. The table stays closed for a while and is tried again then.
    Denied(Fault),
    /// The table takes no more columns. It stays closed until the process starts again.
    Full(Fault),
    /// The whole store is of no use: bad credentials, no such project.
    Broken(Fault),
}

impl SchemaFault {
    /// Returns what the store said.
    pub fn fault(&self) -> &Fault {
        match self {
            SchemaFault::Transient { fault, .. }
            | SchemaFault::Denied(fault)
            | SchemaFault::Full(fault)
            | SchemaFault::Broken(fault) => fault,
        }
    }

    /// Returns the word for its class: transient, denied, full or broken.
    pub fn as_str(&self) -> &'static str {
        match self {
            SchemaFault::Transient { .. } => "transient",
            SchemaFault::Denied(_) => "denied",
            SchemaFault::Full(_) => "full",
            SchemaFault::Broken(_) => "broken",
        }
    }

    /// Returns what the store said.
    pub fn into_fault(self) -> Fault {
        match self {
            SchemaFault::Transient { fault, .. }
            | SchemaFault::Denied(fault)
            | SchemaFault::Full(fault)
            | SchemaFault::Broken(fault) => fault,
        }
    }
}

/// Work that a schema manager has done from time to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chore {
    /// Its name in logs and metrics.
    pub name: &'static str,
    /// How long after its end it is done again.
    pub every: Duration,
}
