//! The settings of `[destinations.<name>]` with `type = "bigquery"`: every key, its default and what is wrong with a value.
//!
//! Separate so that the whole list of keys can be read in one place. Nothing here is a secret: a key file is named, never
//! held.

mod block;
mod check;
mod management;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::ddl::{Names, Options};
use crate::warehouse::{ColumnType, Dialect, Guards, OnTypeConflict, WidenTo};

pub(super) use block::BLOCK;
pub use management::AutoTableManagement;

/// How names and types are made for BigQuery. Refused beginnings of columns are in the documentation of schemas:
/// <https://cloud.google.com/bigquery/docs/schemas#column_names>.
pub(super) const DIALECT: Dialect = Dialect {
    max_name: 300,
    refused_columns: &[
        "_TABLE_",
        "_FILE_",
        "_PARTITION",
        "_ROW_TIMESTAMP",
        "__ROOT__",
        "_COLIDENTIFIER",
        "_CHANGE_SEQUENCE_NUMBER",
        "_CHANGE_TYPE",
        "_CHANGE_TIMESTAMP",
    ],
    timestamps: true,
    unmapped: ColumnType::Json,
    loaded_at: true,
    ..Dialect::PLAIN
};

/// The table of the flat layout when no other is named.
const FLAT_TABLE: &str = "events";

/// What BigQuery can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The Google Cloud project that holds the dataset and pays.
    pub project_id: String,
    /// The dataset that the tables are in.
    pub dataset: String,
    /// Where the dataset is made when it does not exist, and where jobs run.
    pub location: String,
    /// A service account's key file, or another file of credentials; empty: application default credentials.
    pub credentials_file: PathBuf,
    /// How far tables are made and changed.
    pub auto_table_management: AutoTableManagement,
    /// Which tables events become; `None`: flat when a table is named, else Segment's.
    #[serde(serialize_with = "layout_or_default")]
    pub layout: Option<TableLayout>,
    /// The table of the flat layout; empty for `events`.
    pub table: String,
    /// How rows get there.
    pub write_method: WriteMethod,
    /// Another base URL up to `/bigquery/v2`; empty for Google's own.
    pub endpoint: String,
    /// What happens to a value that its column does not take.
    pub on_type_conflict: OnTypeConflict,
    /// What a column of integers becomes when a fraction arrives.
    pub widen_to: WidenTo,
    /// How long the first need of a table waits for others.
    #[serde(with = "humantime_serde")]
    pub schema_window: Duration,
    /// How old a column is before its rows go with the others.
    #[serde(with = "humantime_serde")]
    pub settle: Duration,
    /// How long a row waits for a young column or table before a load job takes it there.
    #[serde(with = "humantime_serde")]
    pub cold_after: Duration,
    /// How long a row waits for a column at most; then the value goes to `_unmapped`.
    #[serde(with = "humantime_serde")]
    pub propagation_budget: Duration,
    /// How long nothing is streamed into a table that was made again.
    #[serde(with = "humantime_serde")]
    pub recreate_hold: Duration,
    /// Whether rows carry an id by which BigQuery drops most repetitions within a minute.
    pub insert_id: bool,
    /// Most columns of a table; 10,000 is BigQuery's own limit.
    pub max_columns_per_table: usize,
    /// Most columns that one event may add to a table.
    pub max_new_columns_per_event: usize,
    /// Most tables.
    pub max_tables: usize,
    /// Most keys of a path that becomes a column.
    pub max_depth: usize,
    /// Among which rows the views drop repetitions.
    pub dedup_scope: DedupScope,
    /// The dataset of the views; empty: beside the tables.
    pub views_dataset: String,
    /// How often `users` and `accounts` are brought up to date; zero: never.
    #[serde(with = "humantime_serde")]
    pub users_merge_every: Duration,
    /// Whether a flat table that we make has `received_at` and `sent_at` too.
    pub flat_extras: bool,
    /// Whether queries on new tables must name the partitions that they read.
    pub require_partition_filter: bool,
    /// What happens to a value without a column when none may be added.
    pub missing_column: MissingColumn,
}

/// Which tables events become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableLayout {
    /// Segment's tables: `tracks`, one for each event, `identifies`, `users`, …
    #[default]
    Segment,
    /// One table with the event's objects as JSON.
    Flat,
}

/// How rows get there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteMethod {
    /// `tabledata.insertAll`: rows can be queried at once.
    #[default]
    Stream,
    /// Load jobs: free, and at most 1,500 a day and table.
    Load,
}

/// Among which rows the views drop repetitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DedupScope {
    /// Among those of one day, so that a filter on the day reads no other.
    #[default]
    Day,
    /// Among all.
    All,
}

/// What happens to a value without a column when none may be added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingColumn {
    /// The event becomes a dead letter that names the statement to run.
    #[default]
    Strict,
    /// The value goes to `_unmapped`, where the table has it.
    Unmapped,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            project_id: String::new(),
            dataset: String::new(),
            location: "US".to_owned(),
            credentials_file: PathBuf::new(),
            auto_table_management: AutoTableManagement::Full,
            layout: None,
            table: String::new(),
            write_method: WriteMethod::Stream,
            endpoint: String::new(),
            on_type_conflict: OnTypeConflict::Widen,
            widen_to: WidenTo::Float64,
            schema_window: Duration::from_millis(500),
            settle: Duration::from_secs(120),
            cold_after: Duration::from_secs(30),
            propagation_budget: Duration::from_secs(15 * 60),
            recreate_hold: Duration::from_secs(120),
            insert_id: true,
            max_columns_per_table: 2_000,
            max_new_columns_per_event: 100,
            max_tables: 1_000,
            max_depth: 5,
            dedup_scope: DedupScope::Day,
            views_dataset: String::new(),
            users_merge_every: Duration::from_secs(15 * 60),
            flat_extras: false,
            require_partition_filter: false,
            missing_column: MissingColumn::Strict,
        }
    }
}

impl Config {
    /// Returns which tables events become: naming a table asks for the flat layout, unless another is asked for.
    pub fn layout(&self) -> TableLayout {
        let unsaid = if self.table.is_empty() { TableLayout::Segment } else { TableLayout::Flat };
        self.layout.unwrap_or(unsaid)
    }

    /// Returns the table of the flat layout.
    pub fn flat_table(&self) -> &str {
        if self.table.is_empty() { FLAT_TABLE } else { &self.table }
    }

    /// Returns where the tables are.
    pub(super) fn names(&self) -> Names {
        Names { project: self.project_id.clone(), dataset: self.dataset.clone() }
    }

    /// Returns where the views are.
    pub(super) fn view_names(&self) -> Names {
        let dataset = if self.views_dataset.is_empty() { &self.dataset } else { &self.views_dataset };
        Names { project: self.project_id.clone(), dataset: dataset.clone() }
    }

    /// Returns what new tables get beside their columns.
    pub(super) fn table_options(&self) -> Options {
        Options { require_partition_filter: self.require_partition_filter }
    }

    /// Returns how far events may change the tables.
    pub(super) fn guards(&self) -> Guards {
        Guards {
            on_type_conflict: self.on_type_conflict,
            widen_to: self.widen_to,
            max_columns_per_table: self.max_columns_per_table,
            max_new_columns_per_event: self.max_new_columns_per_event,
            max_tables: self.max_tables,
        }
    }
}

/// The list of keys and defaults names the layout that holds when nothing is said.
fn layout_or_default<S: Serializer>(layout: &Option<TableLayout>, serializer: S) -> Result<S::Ok, S::Error> {
    layout.unwrap_or_default().serialize(serializer)
}

#[cfg(test)]
mod tests;
