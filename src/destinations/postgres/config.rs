//! Settings of a PostgreSQL warehouse, with the defaults of the shipped file.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::super::SettingError;
use super::super::kit::setting::blank;
use super::address::{Address, parse};
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};
use crate::warehouse::{ColumnType, Dialect, Guards, OnTypeConflict, WidenTo};

/// PostgreSQL's own limit of columns in a table, dropped ones included:
/// <https://www.postgresql.org/docs/current/limits.html>.
const MAX_COLUMNS: usize = 1_600;

/// Most bytes of a name: <https://www.postgresql.org/docs/current/limits.html>.
const MAX_NAME: usize = 63;

/// The schema that every database has.
pub(super) const DEFAULT_SCHEMA: &str = "public";

/// How names and types are made for PostgreSQL. The columns that every table has already are in its documentation:
/// <https://www.postgresql.org/docs/current/ddl-system-columns.html>.
pub(super) const DIALECT: Dialect = Dialect {
    max_name: MAX_NAME,
    reserved_tables: &["pg_"],
    refused_columns: &["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"],
    timestamps: true,
    unmapped: ColumnType::Json,
    ..Dialect::PLAIN
};

/// The block of the shipped configuration.
pub(super) const BLOCK: &str = r#"[destinations.postgres]
# Segment's tables in a PostgreSQL database, 13 or newer. On when the address is set.
url = ""                            # postgres://user:password@host:5432/database?sslmode=verify-full; or PG_HOST and its companions
# schema = "public"                 # where the tables are; made when it is missing
# ca_file = ""                      # PEM file of the authority that signed the server's certificate
# layout = "segment"
# on_type_conflict = "widen"        # an integer column takes fractions; "keep": the value goes to _unmapped; "reject"
# max_columns_per_table = 1500      # 1600 is PostgreSQL's own limit, dropped columns included
# max_new_columns_per_event = 100   # what is beyond these guards goes to _unmapped
# max_tables = 1000
# max_depth = 5                     # deeper objects are stored as JSON text
# first_party = true                # keeps the tables sessions, orders, carts and consents too
"#;

/// `[destinations.NAME]` with `type = "postgres"`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address of the database; it holds a password.
    #[serde(serialize_with = "blank")]
    pub url: SecretString,
    /// The schema that the tables are in.
    pub schema: String,
    /// Who signed the server's certificate; empty: as `sslmode` of the address says.
    pub ca_file: PathBuf,
    /// Which tables events become.
    pub layout: Layout,
    /// What happens to a value that its column does not take.
    pub on_type_conflict: OnTypeConflict,
    /// Most columns of a table; 1,600 is PostgreSQL's own limit.
    pub max_columns_per_table: usize,
    /// Most columns that one event may add to a table.
    pub max_new_columns_per_event: usize,
    /// Most tables.
    pub max_tables: usize,
    /// Most keys of a path that becomes a column.
    pub max_depth: usize,
    /// Whether `sessions`, `orders`, `carts` and `consents` are kept.
    pub first_party: bool,
}

/// Which tables events become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Segment's: `tracks`, one for each event, `identifies`, `users`, …
    #[default]
    Segment,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            url: SecretString::default(),
            schema: DEFAULT_SCHEMA.to_owned(),
            ca_file: PathBuf::new(),
            layout: Layout::Segment,
            on_type_conflict: OnTypeConflict::Widen,
            max_columns_per_table: 1_500,
            max_new_columns_per_event: 100,
            max_tables: 1_000,
            max_depth: 5,
            first_party: true,
        }
    }
}

impl Config {
    /// Returns the address, or every problem of the settings.
    pub(super) fn check(&self) -> Result<Address, Vec<SettingError>> {
        let address = parse(self.url.expose_secret(), &self.ca_file);
        let ranges = [
            ("max_columns_per_table", self.max_columns_per_table, 1..=MAX_COLUMNS),
            ("max_tables", self.max_tables, 1..=usize::MAX),
            ("max_depth", self.max_depth, 1..=100),
        ];
        let wrong = ranges.into_iter().filter(|(_, value, range)| !range.contains(value));
        let ranges = wrong.map(|(key, value, range)| {
            let message = match range.end() {
                &usize::MAX => format!("must be at least {}, not {value}", range.start()),
                most => format!("must be between {} and {most}, not {value}", range.start()),
            };
            SettingError { key, message }
        });
        let schema = self.schema_problem().map(|message| SettingError { key: "schema", message });
        let problems: Vec<SettingError> = schema.into_iter().chain(ranges).collect();
        match address {
            Ok(address) if problems.is_empty() => Ok(address),
            Ok(_) => Err(problems),
            Err(message) => Err([vec![SettingError { key: "url", message }], problems].concat()),
        }
    }

    fn schema_problem(&self) -> Option<String> {
        let is_named = !self.schema.is_empty() && self.schema.len() <= MAX_NAME && !self.schema.contains('\0');
        match () {
            () if !is_named => Some(format!("must be a name of 1 to {MAX_NAME} bytes")),
            () if self.schema.starts_with("pg_") => Some("must not begin with `pg_`, which is PostgreSQL's own".to_owned()),
            () => None,
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

/// Returns the patience of a server nearby: transactions of a thousand events, a few side by side.
pub(super) fn patience() -> Patience {
    let count = |count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
    Patience {
        batch: BatchLimits {
            max_events: count(1_000),
            max_bytes: 4 * 1024 * 1024,
            max_delay: Duration::from_secs(1),
        },
        retry: Retry::default(),
        breaker: BreakerSettings::default(),
        probe_every: Duration::from_secs(30),
        concurrency: count(4),
        rate_limit: RateLimit::default(),
        timeout: Duration::from_secs(30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_the_settings_is_reported() {
        let config = Config {
            url: "https://u:hunter2@h".into(),
            schema: "pg_toast".into(),
            max_columns_per_table: 1_601,
            max_tables: 0,
            max_depth: 0,
            ..Config::default()
        };
        let problems = config.check().err().unwrap();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["url", "schema", "max_columns_per_table", "max_tables", "max_depth"]);
        assert!(!format!("{problems:?} {config:?}").contains("hunter2"));
    }

    #[test]
    fn the_block_names_every_key_with_its_default() {
        let uncommented: String = BLOCK
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        let table: toml::Table = uncommented.parse().unwrap();
        let table = table["destinations"]["postgres"].as_table().unwrap().clone();
        assert_eq!(table, toml::Table::try_from(Config::default()).unwrap());
    }
}
