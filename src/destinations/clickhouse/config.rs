//! The settings of `[destinations.<name>]` with `type = "clickhouse"`: every key, its default and what is wrong with a value.
//!
//! Separate so that the whole list of keys can be read in one place. The password is kept from `Debug` and from the generated
//! documentation.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::super::SettingError;
use super::super::kit::setting::blank;
use super::ddl::Names;
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};
use crate::warehouse::{Dialect, Guards, OnTypeConflict, WidenTo};

/// How names and types are made. ClickHouse has no limit of names; 127 is what Segment's and RudderStack's warehouses share,
/// and a file of such a name fits everywhere.
pub(super) const DIALECT: Dialect = Dialect { max_name: 127, timestamps: true, ..Dialect::PLAIN };

/// ClickHouse has no limit of columns; each costs files in every part, and tables beyond this are no pleasure.
const MAX_COLUMNS: usize = 10_000;

/// The block of the shipped configuration.
pub(super) const BLOCK: &str = r#"[destinations.clickhouse]
url = ""                            # http://localhost:8123 (CLICKHOUSE_HOST, with CLICKHOUSE_PORT and CLICKHOUSE_TLS); https:// for TLS
database = "${CLICKHOUSE_DATABASE:-opentrack}"  # made when it does not exist
user = "${CLICKHOUSE_USER:-default}"
password = "${CLICKHOUSE_PASSWORD:-}"
layout = "events"                   # one wide table with rollups for dashboards, or "segment": a table for each event
cluster = ""                        # tables are made ON CLUSTER with Replicated… engines
ttl = "25 months"                   # how long `events` and its rollups are kept; "" for ever
# on_type_conflict = "widen"        # layout "segment": an integer column takes fractions; "keep": the value goes to _unmapped; "reject"
# max_columns_per_table = 1000      # what is beyond these guards goes to _unmapped
# max_new_columns_per_event = 100
# max_tables = 1000
# max_depth = 5                     # deeper objects are stored as JSON text
"#;

/// `[destinations.NAME]` with `type = "clickhouse"`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of the HTTP interface, or the name of a host alone.
    pub url: String,
    /// The database that the tables are in.
    pub database: String,
    /// Who we are there.
    pub user: String,
    /// What proves it.
    #[serde(serialize_with = "blank")]
    pub password: SecretString,
    /// Which tables events become.
    pub layout: TableLayout,
    /// The cluster that tables are made on; empty: one server.
    pub cluster: String,
    /// How long the wide table and its rollups are kept: a number and days, weeks, months or years; empty for ever.
    pub ttl: String,
    /// What happens to a value that its column does not take.
    pub on_type_conflict: OnTypeConflict,
    /// Most columns of a table.
    pub max_columns_per_table: usize,
    /// Most columns that one event may add to a table.
    pub max_new_columns_per_event: usize,
    /// Most tables.
    pub max_tables: usize,
    /// Most keys of a path that becomes a column.
    pub max_depth: usize,
}

/// Which tables events become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableLayout {
    /// One wide table, with rollups.
    #[default]
    Events,
    /// Segment's: one table for each event.
    Segment,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            url: String::new(),
            database: "opentrack".to_owned(),
            user: "default".to_owned(),
            password: SecretString::default(),
            layout: TableLayout::Events,
            cluster: String::new(),
            ttl: "25 months".to_owned(),
            on_type_conflict: OnTypeConflict::Widen,
            max_columns_per_table: 1_000,
            max_new_columns_per_event: 100,
            max_tables: 1_000,
            max_depth: 5,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("database", &self.database)
            .field("layout", &self.layout)
            .field("cluster", &self.cluster)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Returns every problem of the settings that can be seen without looking at the address.
    pub(super) fn check(&self) -> Vec<SettingError> {
        let mut problems = Vec::new();
        let mut note = |key, message: String| problems.push(SettingError { key, message });
        if self.database.is_empty() {
            note("database", "must name a database".to_owned());
        }
        if let Err(message) = interval(&self.ttl) {
            note("ttl", message);
        }
        for (key, value, most) in [
            ("max_columns_per_table", self.max_columns_per_table, MAX_COLUMNS),
            ("max_tables", self.max_tables, 100_000),
            ("max_depth", self.max_depth, 100),
        ] {
            if !(1..=most).contains(&value) {
                note(key, format!("must be between 1 and {most}, not {value}"));
            }
        }
        problems
    }

    /// Returns where the tables are and what they are made with.
    pub(super) fn names(&self) -> Names {
        let ttl = interval(&self.ttl).ok().flatten();
        Names { database: self.database.clone(), cluster: self.cluster.clone(), ttl }
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

/// Returns an interval as ClickHouse writes it: `25 months` is `25 MONTH`; nothing for an empty text.
fn interval(text: &str) -> Result<Option<String>, String> {
    let mut words = text.split_whitespace();
    let Some(number) = words.next() else { return Ok(None) };
    let wrong = || format!("must be a number of days, weeks, months or years, not \"{text}\"");
    let number = number.parse::<u16>().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
    let unit = match words.next().unwrap_or_default() {
        "day" | "days" => "DAY",
        "week" | "weeks" => "WEEK",
        "month" | "months" => "MONTH",
        "year" | "years" => "YEAR",
        _ => return Err(wrong()),
    };
    if words.next().is_some() { Err(wrong()) } else { Ok(Some(format!("{number} {unit}"))) }
}

/// Returns the patience of a store that likes few large inserts: each makes a part of every table that it touches, and one at
/// a time keeps the parts of a table few.
pub(super) fn patience() -> Patience {
    Patience {
        batch: BatchLimits {
            max_events: NonZeroUsize::MIN.saturating_add(9_999),
            max_bytes: 8 * 1024 * 1024,
            max_delay: Duration::from_secs(1),
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
        let config = Config {
            database: String::new(),
            ttl: "soon".to_owned(),
            max_columns_per_table: 0,
            max_tables: 0,
            max_depth: 0,
            ..Config::default()
        };
        let keys: Vec<&str> = config.check().iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["database", "ttl", "max_columns_per_table", "max_tables", "max_depth"]);
        assert!(Config::default().check().is_empty());
    }

    #[test]
    fn a_time_to_live_is_a_number_and_a_unit() {
        for (text, wanted) in [
            ("25 months", Some(Some("25 MONTH"))),
            ("1 day", Some(Some("1 DAY"))),
            (" 2  years ", Some(Some("2 YEAR"))),
            ("6 weeks", Some(Some("6 WEEK"))),
            ("", Some(None)),
            ("0 days", None),
            ("-1 days", None),
            ("25months", None),
            ("25", None),
            ("1 day more", None),
            ("1 DAY) --", None),
        ] {
            let found = interval(text).ok();
            assert_eq!(found, wanted.map(|wanted| wanted.map(str::to_owned)), "{text:?}");
        }
    }

    #[test]
    fn the_block_names_every_key_with_its_default() {
        let uncommented: String = BLOCK
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        let plain = ["${CLICKHOUSE_DATABASE:-opentrack}", "${CLICKHOUSE_USER:-default}", "${CLICKHOUSE_PASSWORD:-}"]
            .into_iter()
            .zip(["opentrack", "default", ""])
            .fold(uncommented, |text, (variable, value)| text.replace(variable, value));
        let table: toml::Table = plain.parse().unwrap();
        let table = &table["destinations"]["clickhouse"];
        assert_eq!(toml::Value::try_from(Config::default()).unwrap(), *table);
    }

    #[test]
    fn the_password_is_neither_printed_nor_serialised() {
        let config: Config = toml::from_str("password = \"geheim\"\nurl = \"http://u:geheim@h\"").unwrap();
        assert!(!format!("{config:?}").contains("geheim"));
        let written = toml::to_string(&Config { url: String::new(), ..config }).unwrap();
        assert!(!written.contains("geheim"), "{written}");
    }
}
