//! The statements of Segment's tables: made, given columns, widened. Pure.
//!
//! Identifiers are always quoted, so that no event name is a keyword. What every table of ours has in common (cluster, engine,
//! window of de-duplication) is decided here, for the wide table too.

use super::config::DIALECT;
use super::types::word;
use crate::warehouse::{Column, ColumnType, UNMAPPED, base_columns};

/// How many blocks of a table are remembered, so that one that comes again is dropped. A replicated table has a window of its
/// own, of 100 blocks at least.
const WINDOW: &str = "non_replicated_deduplication_window = 1000";

/// Where the tables are, and what they are made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// The database.
    pub(super) database: String,
    /// The cluster; empty: one server.
    pub(super) cluster: String,
    /// How long the wide table is kept, as ClickHouse writes an interval.
    pub(super) ttl: Option<String>,
}

impl Names {
    /// Returns a table with its database.
    pub(super) fn table(&self, table: &str) -> String {
        format!("{}.{}", quoted(&self.database), quoted(table))
    }

    /// Returns what stands after a table's name in a statement that changes it; begins with a blank unless empty.
    pub(super) fn on_cluster(&self) -> String {
        if self.cluster.is_empty() { String::new() } else { format!(" ON CLUSTER {}", text(&self.cluster)) }
    }

    /// Returns an engine of the family with its argument.
    pub(super) fn engine(&self, kind: &str, argument: &str) -> String {
        let replicated = if self.cluster.is_empty() { "" } else { "Replicated" };
        let argument = if argument.is_empty() { String::new() } else { format!("({argument})") };
        format!("{replicated}{kind}{argument}")
    }

    /// Returns the settings of a table; begins with a line break unless empty.
    pub(super) fn settings(&self) -> String {
        if self.cluster.is_empty() { format!("\nSETTINGS {WINDOW}") } else { String::new() }
    }

    /// Returns when rows are given up; begins with a line break unless empty.
    pub(super) fn time_to_live(&self, day: &str) -> String {
        self.ttl.as_ref().map_or(String::new(), |ttl| format!("\nTTL {day} + INTERVAL {ttl}"))
    }

    /// Returns the statement that makes the database.
    pub(super) fn create_database(&self) -> String {
        format!("CREATE DATABASE IF NOT EXISTS {}{}", quoted(&self.database), self.on_cluster())
    }
}

/// Returns an identifier in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Returns a text as a literal.
pub(super) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Returns the statement that makes a table. Rows of one id replace each other, and the newest arrival stays; the key holds the
/// day, so that a range of days reads no more than it must, and nothing that a repetition of an event could change.
pub(super) fn create_table(names: &Names, table: &str, columns: &[Column]) -> String {
    let base = base_columns(table, &DIALECT);
    let is_base = |column: &&Column| base.iter().any(|known| known.name == column.name);
    let mut sorted: Vec<&Column> = columns.iter().collect();
    sorted.sort_by_key(|column| (column.name != "id", !is_base(column), column.name == UNMAPPED));
    let lines: Vec<String> = sorted.into_iter().map(|column| format!("    {}", made_as(column))).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {}{} (\n{}\n)\nENGINE = {}\nPARTITION BY toYYYYMM(`timestamp`)\n\
         ORDER BY (toDate(`timestamp`), `id`){}",
        names.table(table),
        names.on_cluster(),
        lines.join(",\n"),
        names.engine("ReplacingMergeTree", "`received_at`"),
        names.settings()
    )
}

/// The column as a table is made with it: those of its key and version always have a value.
fn made_as(column: &Column) -> String {
    let made = match (column.name.as_str(), column.column_type) {
        ("id", _) => "String CODEC(ZSTD(1))",
        ("received_at" | "timestamp", _) => "DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1))",
        ("event" | "event_text", ColumnType::Text) => "LowCardinality(Nullable(String))",
        (UNMAPPED, _) => "Nullable(String) CODEC(ZSTD(3))",
        (_, kind) => word(kind),
    };
    format!("{} {made}", quoted(&column.name))
}

/// Returns the statement that adds columns, all in one.
pub(super) fn add_columns(names: &Names, table: &str, columns: &[Column]) -> String {
    let add = |column: &Column| {
        format!("ADD COLUMN IF NOT EXISTS {} {}", quoted(&column.name), word(column.column_type))
    };
    alter(names, table, columns.iter().map(add))
}

/// Returns the statement that widens columns, all in one. ClickHouse writes them anew, part after part.
pub(super) fn widen(names: &Names, table: &str, columns: &[Column]) -> String {
    let widen = |column: &Column| format!("MODIFY COLUMN {} {}", quoted(&column.name), word(column.column_type));
    alter(names, table, columns.iter().map(widen))
}

/// Returns a statement that changes a table.
pub(super) fn alter(names: &Names, table: &str, changes: impl Iterator<Item = String>) -> String {
    let changes: Vec<String> = changes.collect();
    format!("ALTER TABLE {}{} {}", names.table(table), names.on_cluster(), changes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cluster: &str) -> Names {
        Names { database: "d".to_owned(), cluster: cluster.to_owned(), ttl: None }
    }

    fn column(name: &str, column_type: ColumnType) -> Column {
        Column { name: name.to_owned(), column_type }
    }

    fn columns() -> Vec<Column> {
        let mut columns = base_columns("order_completed", &DIALECT);
        columns.insert(0, column("_total", ColumnType::Float));
        columns
    }

    #[test]
    fn a_table_has_its_key_first_and_the_base_before_the_rest() {
        insta::assert_snapshot!(create_table(&names(""), "order_completed", &columns()));
    }

    #[test]
    fn on_a_cluster_tables_are_replicated() {
        insta::assert_snapshot!(create_table(&names("it's"), "order_completed", &columns()));
        insta::assert_snapshot!(
            add_columns(&names("main"), "t", &[column("a", ColumnType::Int), column("b", ColumnType::Bool)]),
            @"ALTER TABLE `d`.`t` ON CLUSTER 'main' ADD COLUMN IF NOT EXISTS `a` Nullable(Int64), ADD COLUMN IF NOT EXISTS `b` Nullable(Bool)"
        );
        assert_eq!(names("{cluster}").create_database(), "CREATE DATABASE IF NOT EXISTS `d` ON CLUSTER '{cluster}'");
    }

    #[test]
    fn quotes_in_names_are_escaped() {
        assert_eq!(
            widen(&names(""), "a`b\\", &[column("c", ColumnType::Float)]),
            "ALTER TABLE `d`.`a\\`b\\\\` MODIFY COLUMN `c` Nullable(Float64)"
        );
        assert_eq!(text("it's \\"), "'it\\'s \\\\'");
    }

    proptest::proptest! {
        /// Read as the store reads it: a backslash takes the next character with it, and no bare quote is within.
        #[test]
        fn any_name_is_one_identifier_and_nothing_more(name in "(?s).{0,40}|[\"'`;\\\\-]{0,10}") {
            let sql = quoted(&name);
            let within = sql.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).unwrap();
            let (mut read, mut characters) = (String::new(), within.chars());
            while let Some(character) = characters.next() {
                assert_ne!(character, '`', "{sql}");
                read.push(if character == '\\' { characters.next().unwrap() } else { character });
            }
            assert_eq!(read, name);
        }
    }
}
