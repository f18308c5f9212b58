//! Messages about the schemas of warehouses, and what an operator sees of them.

use actix::Message;
use jiff::Timestamp;
use serde::Serialize;

use crate::policy::outcome::Fault;
use crate::warehouse::SchemaDiff;

/// Command to a schema manager: make these tables and columns exist. `Ok`: look again.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), Fault>")]
pub struct ChangeSchema {
    /// What is missing.
    pub diff: SchemaDiff,
}

/// Command to a schema manager: read the schema anew. Answered when a reading that began later has ended, well or not.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct RefreshSchema;

/// Question to one schema manager: what do the tables look like, and what has changed?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<SchemaReport, String>")]
pub struct DescribeSchema;

/// Question: what do the tables of the warehouses look like? `None`: there is no such destination.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Option<SchemaReport>, String>")]
pub struct DescribeSchemas {
    /// Of this destination alone.
    pub destination: Option<String>,
}

/// What an operator may know of the schemas; serialised as it stands by `/api/schema`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SchemaReport {
    /// All tables, by destination and name.
    pub tables: Vec<ShownTable>,
    /// The last changes, newest first.
    pub log: Vec<ShownChange>,
    /// Values that their column does not take.
    pub conflicts: Vec<ShownConflict>,
    /// Tables that may not be changed at present.
    pub closed: Vec<ShownClosed>,
}

impl SchemaReport {
    /// Joins the report of another destination.
    pub fn join(&mut self, other: SchemaReport) {
        self.tables.extend(other.tables);
        self.log.extend(other.log);
        self.log.sort_by_key(|change| std::cmp::Reverse(change.at));
        self.conflicts.extend(other.conflicts);
        self.closed.extend(other.closed);
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownTable {
    /// Configured name of the warehouse.
    pub destination: String,
    /// Its name.
    pub name: String,
    /// Its columns by name.
    pub columns: Vec<ShownColumn>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownColumn {
    /// Its name.
    pub name: String,
    /// Its type, in words that are the same for every store.
    #[serde(rename = "type")]
    pub column_type: &'static str,
    /// When it was made, where the log still knows.
    pub since: Option<Timestamp>,
}

/// One change, or why there was none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownChange {
    /// When.
    pub at: Timestamp,
    /// Configured name of the warehouse.
    pub destination: String,
    /// The table; empty for a chore.
    pub table: String,
    /// `create_table`, `add_column`, `widen_column`; `transient`, `denied`, `full` or `broken` when the store did not do it;
    /// `chore` for one that failed.
    pub change: String,
    /// The column; for a chore its name.
    pub column: Option<String>,
    /// The column's type before.
    pub from: Option<String>,
    /// The column's type since.
    pub to: Option<String>,
    /// Why there was no change, in the store's words.
    pub reason: Option<String>,
}

/// A column that was given values of another type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownConflict {
    /// Configured name of the warehouse.
    pub destination: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Its type.
    pub have: &'static str,
    /// The type of the values.
    pub got: &'static str,
    /// How many values, since the process began.
    pub count: u64,
    /// The event with the last one.
    pub last_message_id: String,
}

/// A table that may not be changed at present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownClosed {
    /// Configured name of the warehouse.
    pub destination: String,
    /// The table.
    pub table: String,
    /// Why, in the store's words.
    pub why: String,
    /// Statements that do what is wanted of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ddl: Option<String>,
}
