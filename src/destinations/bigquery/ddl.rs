//! The statements that make and extend tables. Pure: the same input gives the same bytes, whatever the order of columns.
//!
//! Columns are only ever added, always nullable, and `IF NOT EXISTS` makes every statement safe to repeat and to race.
//! Tables are partitioned by the day of `received_at`, which is ours: a row whose partition is more than ten years past or
//! one year ahead is refused by BigQuery, so a client's clock must never decide.
//! See <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language>.

use super::types::word;
use crate::warehouse::{Column, ColumnType, UNMAPPED};

/// The columns that come first in a new table, in this order; the others follow by name.
const FIRST: [&str; 9] = [
    "id",
    "message_id",
    "received_at",
    "timestamp",
    "type",
    "event",
    "event_text",
    "user_id",
    "anonymous_id",
];

/// What a new table is partitioned by.
pub(super) const PARTITIONED_BY: &str = "received_at";

/// Where the tables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// The Google Cloud project.
    pub(super) project: String,
    /// The dataset.
    pub(super) dataset: String,
}

/// What else a new table gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Whether queries must name the partitions that they read.
    pub(super) require_partition_filter: bool,
}

impl Names {
    /// Returns the whole name of a table, quoted.
    pub(super) fn table(&self, table: &str) -> String {
        quoted(&format!("{}.{}.{table}", self.project, self.dataset))
    }
}

/// Returns an identifier in backticks. Inside of them BigQuery reads the same escapes as in a string.
pub(super) fn quoted(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    out.push('`');
    for character in name.chars() {
        if matches!(character, '`' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('`');
    out
}

/// Returns the statement that makes a table. Without a column `received_at` it is partitioned by the day on which rows
/// arrive.
pub(super) fn create_table(names: &Names, table: &str, given: &[Column], options: &Options) -> String {
    let columns = in_order(given);
    let lines: Vec<String> = columns.iter().map(|column| format!("  {}", definition(column))).collect();
    let partition = if has_day(given) {
        format!("DATE({})", quoted(PARTITIONED_BY))
    } else {
        "_PARTITIONDATE".to_owned()
    };
    let mut out = format!(
        "CREATE TABLE IF NOT EXISTS {} (\n{}\n)\nPARTITION BY {partition}",
        names.table(table),
        lines.join(",\n")
    );
    let keys: Vec<String> = clustering(table, given).into_iter().map(quoted).collect();
    if !keys.is_empty() {
        out.push_str(&format!("\nCLUSTER BY {}", keys.join(", ")));
    }
    if options.require_partition_filter {
        out.push_str("\nOPTIONS (require_partition_filter = TRUE)");
    }
    out
}

/// Returns the one statement that adds columns: one change of the table, however many there are.
pub(super) fn add_columns(names: &Names, table: &str, columns: &[Column]) -> String {
    let added: Vec<String> = in_order(columns)
        .into_iter()
        .map(|column| format!("ADD COLUMN IF NOT EXISTS {}", definition(column)))
        .collect();
    format!("ALTER TABLE {} {}", names.table(table), added.join(", "))
}

/// Returns what gives columns their new type: one statement for each, since the reference shows no form for several. They
/// are separated by `;` and a line break, with none after the last.
pub(super) fn widen(names: &Names, table: &str, columns: &[Column]) -> String {
    let statements: Vec<String> = in_order(columns)
        .into_iter()
        .map(|column| {
            let (name, kind) = (quoted(&column.name), word(column.column_type));
            format!("ALTER TABLE {} ALTER COLUMN {name} SET DATA TYPE {kind}", names.table(table))
        })
        .collect();
    statements.join(";\n")
}

/// Returns whether a table with these columns can be partitioned by the day of our own clock.
pub(super) fn has_day(columns: &[Column]) -> bool {
    columns.iter().any(|column| column.name == PARTITIONED_BY && column.column_type == ColumnType::Timestamp)
}

/// Returns the columns that a table is clustered by, for the questions that are asked of it most.
pub(super) fn clustering(table: &str, columns: &[Column]) -> Vec<&'static str> {
    let is_flat = columns.iter().any(|column| column.name == "message_id");
    let keys: &[&'static str] = match table {
        _ if is_flat => &["type", "event", "user_id"],
        "tracks" => &["event", "user_id", "anonymous_id"],
        "identifies" => &["user_id"],
        "users" | "accounts" => &["id"],
        _ => &["user_id", "anonymous_id", "id"],
    };
    let is_key = |key: &&'static str| {
        columns.iter().any(|column| column.name == *key && column.column_type == ColumnType::Text)
    };
    keys.iter().copied().filter(is_key).collect()
}

fn definition(column: &Column) -> String {
    format!("{} {}", quoted(&column.name), word(column.column_type))
}

/// The ids first, what was left over last, the others by name.
pub(super) fn in_order(columns: &[Column]) -> Vec<&Column> {
    let rank = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    let mut sorted: Vec<&Column> = columns.iter().collect();
    sorted.sort_by(|one, other| {
        let key = |column: &Column| (column.name == UNMAPPED, rank(&column.name));
        key(one).cmp(&key(other)).then_with(|| one.name.cmp(&other.name))
    });
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names { project: "acme".to_owned(), dataset: "analytics".to_owned() }
    }

    fn column(name: &str, column_type: ColumnType) -> Column {
        Column { name: name.to_owned(), column_type }
    }

    fn columns() -> Vec<Column> {
        vec![
            column("_unmapped", ColumnType::Json),
            column("user_id", ColumnType::Text),
            column("price", ColumnType::Float),
            column("anonymous_id", ColumnType::Text),
            column("received_at", ColumnType::Timestamp),
            column("id", ColumnType::Text),
        ]
    }

    #[test]
    fn a_table_is_partitioned_by_our_own_day_and_clustered_by_its_people() {
        insta::assert_snapshot!(create_table(&names(), "order_completed", &columns(), &Options::default()), @r"
        CREATE TABLE IF NOT EXISTS `acme.analytics.order_completed` (
          `id` STRING,
          `received_at` TIMESTAMP,
          `user_id` STRING,
          `anonymous_id` STRING,
          `price` FLOAT64,
          `_unmapped` JSON
        )
        PARTITION BY DATE(`received_at`)
        CLUSTER BY `user_id`, `anonymous_id`, `id`
        ");
    }

    #[test]
    fn a_flat_table_is_partitioned_by_arrival_and_may_ask_for_a_filter() {
        let columns = [
            column("type", ColumnType::Text),
            column("message_id", ColumnType::Text),
            column("event", ColumnType::Text),
        ];
        let options = Options { require_partition_filter: true };
        insta::assert_snapshot!(create_table(&names(), "events", &columns, &options), @r"
        CREATE TABLE IF NOT EXISTS `acme.analytics.events` (
          `message_id` STRING,
          `type` STRING,
          `event` STRING
        )
        PARTITION BY _PARTITIONDATE
        CLUSTER BY `type`, `event`
        OPTIONS (require_partition_filter = TRUE)
        ");
    }

    #[test]
    fn the_order_of_columns_does_not_change_a_statement() {
        let (forwards, mut backwards) = (columns(), columns());
        backwards.reverse();
        assert_eq!(
            create_table(&names(), "t", &forwards, &Options::default()),
            create_table(&names(), "t", &backwards, &Options::default())
        );
        assert_eq!(add_columns(&names(), "t", &forwards), add_columns(&names(), "t", &backwards));
        assert_eq!(widen(&names(), "t", &forwards), widen(&names(), "t", &backwards));
    }

    #[test]
    fn columns_are_added_by_one_statement_and_widened_one_by_one() {
        let two = [column("b", ColumnType::Text), column("a", ColumnType::Int)];
        assert_eq!(
            add_columns(&names(), "t", &two),
            "ALTER TABLE `acme.analytics.t` ADD COLUMN IF NOT EXISTS `a` INT64, ADD COLUMN IF NOT EXISTS `b` STRING"
        );
        let two = [column("b", ColumnType::Float), column("a", ColumnType::Numeric)];
        assert_eq!(
            widen(&names(), "t", &two),
            "ALTER TABLE `acme.analytics.t` ALTER COLUMN `a` SET DATA TYPE NUMERIC;\n\
             ALTER TABLE `acme.analytics.t` ALTER COLUMN `b` SET DATA TYPE FLOAT64"
        );
    }

    #[test]
    fn no_name_ends_its_quotes() {
        assert_eq!(quoted("a` INT64, `b"), r"`a\` INT64, \`b`");
        assert_eq!(quoted(r"a\"), r"`a\\`");
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
