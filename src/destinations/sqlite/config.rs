//! Settings of the embedded warehouse, with the defaults of the shipped file.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{Setting, SettingError};
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};
use crate::warehouse::{Dialect, Guards, OnTypeConflict, WidenTo};

/// SQLite's own limit of columns in a table: <https://www.sqlite.org/limits.html#max_column>.
const MAX_COLUMNS: usize = 2_000;

/// SQLite has no limit of names; 127 is what Segment's and RudderStack's warehouses share.
pub(super) const DIALECT: Dialect =
    Dialect { max_name: 127, reserved_tables: &["sqlite_"], ..Dialect::PLAIN };

/// The block of the shipped configuration.
pub(super) const BLOCK: &str = r#"[destinations.warehouse]
# The embedded warehouse: one SQLite file, readable with any SQLite tool while the router runs.
type = "sqlite"
# path = "data/warehouse.db"        # default <data_dir>/warehouse.db
# on_type_conflict = "widen"        # an integer column takes fractions; "keep": the value goes to _unmapped; "reject"
# max_columns_per_table = 2000      # SQLite's own limit
# max_new_columns_per_event = 100   # what is beyond these guards goes to _unmapped
# max_tables = 1000
# max_depth = 5                     # deeper objects are stored as JSON text
"#;

/// `[destinations.NAME]` with `type = "sqlite"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database file; empty for `<data_dir>/warehouse.db`.
    pub path: PathBuf,
    /// What happens to a value that its column does not take.
    pub on_type_conflict: OnTypeConflict,
    /// Most columns of a table; 2,000 is SQLite's own limit.
    pub max_columns_per_table: usize,
    /// Most columns that one event may add to a table.
    pub max_new_columns_per_event: usize,
    /// Most tables.
    pub max_tables: usize,
    /// Most keys of a path that becomes a column.
    pub max_depth: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            path: PathBuf::new(),
            on_type_conflict: OnTypeConflict::Widen,
            max_columns_per_table: MAX_COLUMNS,
            max_new_columns_per_event: 100,
            max_tables: 1_000,
            max_depth: 5,
        }
    }
}

impl Config {
    /// Returns every problem of the settings.
    pub(super) fn check(&self) -> Result<(), Vec<SettingError>> {
        let ranges = [
            ("max_columns_per_table", self.max_columns_per_table, 1..=MAX_COLUMNS),
            ("max_tables", self.max_tables, 1..=usize::MAX),
            ("max_depth", self.max_depth, 1..=100),
        ];
        let wrong = ranges.into_iter().filter(|(_, value, range)| !range.contains(value));
        let problems: Vec<SettingError> = wrong
            .map(|(key, value, range)| {
                let message = match range.end() {
                    &usize::MAX => format!("must be at least {}, not {value}", range.start()),
                    most => format!("must be between {} and {most}, not {value}", range.start()),
                };
                SettingError { key, message }
            })
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Returns the database file.
    pub(super) fn path(&self, setting: &Setting) -> PathBuf {
        match self.path.as_os_str().is_empty() {
            true => setting.data_dir.join("warehouse.db"),
            false => self.path.clone(),
        }
    }

    /// Returns how far events may change the tables.
    pub(super) fn guards(&self) -> Guards {
        Guards {
            on_type_conflict: self.on_type_conflict,
            widen_to: WidenTo::Float64,
            max_columns_per_table: self.max_columns_per_table,
            max_new_columns_per_event: self.max_new_columns_per_event,
            max_tables: self.max_tables,
        }
    }
}

/// Returns the patience of a store on the same machine: large transactions, one at a time.
pub(super) fn patience() -> Patience {
    Patience {
        batch: BatchLimits {
            max_events: NonZeroUsize::MIN.saturating_add(999),
            max_bytes: 4 * 1024 * 1024,
            max_delay: Duration::from_millis(200),
        },
        retry: Retry::default(),
        breaker: BreakerSettings::default(),
        probe_every: Duration::from_secs(30),
        concurrency: NonZeroUsize::MIN,
        rate_limit: RateLimit::default(),
        timeout: Duration::from_secs(60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_the_settings_is_reported() {
        let config = Config { max_columns_per_table: 2_001, max_tables: 0, max_depth: 0, ..Config::default() };
        let keys: Vec<&str> = config.check().unwrap_err().iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["max_columns_per_table", "max_tables", "max_depth"]);
    }

    #[test]
    fn the_block_names_every_key_with_its_default() {
        let uncommented: String = BLOCK
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        let mut table: toml::Table = uncommented.parse().unwrap();
        let mut table = table["destinations"].as_table_mut().unwrap()["warehouse"].as_table().unwrap().clone();
        table.remove("type");
        table.remove("path");
        let parsed: Config = toml::Value::Table(table).try_into().unwrap();
        assert_eq!(parsed, Config::default());
    }
}
