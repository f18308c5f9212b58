//! The SQL texts of the warehouse: tables, columns, and the statements that write rows. Pure.
//!
//! Identifiers are always quoted, so that no event name is a keyword.

use super::config::DIALECT;
use crate::warehouse::{Column, ColumnType, Table, Write, base_columns};

/// Remembers what SQLite's own words for types cannot say: that an INTEGER is a boolean, or was widened to hold
/// fractions; and since when a column exists. No event's table can have its name, which begins with an underscore.
pub(super) const COLUMNS_TABLE: &str = "_opentrack_columns";

/// Creates the table of types.
pub(super) const CREATE_COLUMNS_TABLE: &str = "CREATE TABLE IF NOT EXISTS _opentrack_columns (\
     table_name TEXT NOT NULL, column_name TEXT NOT NULL, type TEXT NOT NULL, since TEXT NOT NULL, \
     PRIMARY KEY (table_name, column_name)) WITHOUT ROWID";

/// Remembers the type of one column.
pub(super) const REMEMBER_COLUMN: &str = "INSERT INTO _opentrack_columns (table_name, column_name, type, since) \
     VALUES (?1, ?2, ?3, ?4) ON CONFLICT (table_name, column_name) DO UPDATE SET type = excluded.type";

/// Reports count events over time: the one question that every dashboard asks of `tracks`.
pub(super) const CREATE_TRACKS_INDEX: &str =
    "CREATE INDEX IF NOT EXISTS tracks_event_received_at ON tracks (event, received_at)";

/// Returns an identifier in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns SQLite's word for a type.
pub(super) const fn declared(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Bool | ColumnType::Int => "INTEGER",
        ColumnType::Float => "REAL",
        ColumnType::Numeric => "NUMERIC",
        ColumnType::Timestamp | ColumnType::Text | ColumnType::Json | ColumnType::Other => "TEXT",
    }
}

/// Returns the type that a declared type of a column made by somebody else stands for.
pub(super) fn understood(declared: &str) -> ColumnType {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    match () {
        () if has(&["BOOL"]) => ColumnType::Bool,
        () if has(&["INT"]) => ColumnType::Int,
        () if has(&["REAL", "FLOA", "DOUB"]) => ColumnType::Float,
        () => ColumnType::Text,
    }
}

/// Returns the statement that creates a table; its key is `id`, and columns that every table has come first.
pub(super) fn create_table(name: &str, columns: &[Column]) -> String {
    let base = base_columns(name, &DIALECT);
    let is_base = |column: &&Column| base.iter().any(|known| known.name == column.name);
    let rank = |column: &Column| (column.name != "id", !is_base(&column), column.name == "_unmapped");
    let mut sorted: Vec<&Column> = columns.iter().collect();
    sorted.sort_by_key(|column| rank(column));
    let columns: Vec<String> = sorted
        .into_iter()
        .map(|column| match column.name.as_str() {
            "id" => "\"id\" TEXT NOT NULL PRIMARY KEY".to_owned(),
            name => format!("{} {}", quoted(name), declared(column.column_type)),
        })
        .collect();
    format!("CREATE TABLE IF NOT EXISTS {} ({})", quoted(name), columns.join(", "))
}

/// Returns the statement that adds a column.
pub(super) fn add_column(table: &str, column: &Column) -> String {
    format!("ALTER TABLE {} ADD COLUMN {} {}", quoted(table), quoted(&column.name), declared(column.column_type))
}

/// Returns the statement that writes one row: one parameter for every column in the order of the table, so that one
/// statement serves all rows; what is not bound is NULL.
pub(super) fn write_row(name: &str, table: &Table, write: Write) -> String {
    let names: Vec<String> = table.columns.keys().map(|name| quoted(name)).collect();
    let marks = vec!["?"; names.len()].join(",");
    let on_conflict = match write {
        Write::Insert => "DO NOTHING".to_owned(),
        Write::Upsert => upsert(&quoted(name), &names),
    };
    format!("INSERT INTO {} ({}) VALUES ({marks}) ON CONFLICT (\"id\") {on_conflict}", quoted(name), names.join(","))
}

/// A newer event replaces what it has a value for; an older one only fills what is still empty. The same event again
/// changes nothing.
fn upsert(table: &str, names: &[String]) -> String {
    let set: Vec<String> = names
        .iter()
        .filter(|name| *name != "\"id\"")
        .map(|name| {
            format!(
                "{name}=CASE WHEN excluded.\"received_at\">={table}.\"received_at\" \
                 THEN coalesce(excluded.{name},{table}.{name}) ELSE coalesce({table}.{name},excluded.{name}) END"
            )
        })
        .collect();
    format!("DO UPDATE SET {}", set.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, column_type: ColumnType) -> Column {
        Column { name: name.to_owned(), column_type }
    }

    #[test]
    fn a_table_has_its_key_first_and_the_base_before_the_rest() {
        let columns = [
            column("_unmapped", ColumnType::Text),
            column("a", ColumnType::Bool),
            column("id", ColumnType::Text),
            column("user_id", ColumnType::Text),
        ];
        insta::assert_snapshot!(
            create_table("order", &columns),
            @r#"CREATE TABLE IF NOT EXISTS "order" ("id" TEXT NOT NULL PRIMARY KEY, "user_id" TEXT, "_unmapped" TEXT, "a" INTEGER)"#
        );
    }

    #[test]
    fn quotes_in_names_are_doubled() {
        assert_eq!(add_column("a\"b", &column("c", ColumnType::Float)), "ALTER TABLE \"a\"\"b\" ADD COLUMN \"c\" REAL");
    }

    #[test]
    fn declared_types_of_others_are_understood_as_sqlite_does() {
        for (words, wanted) in [
            ("BOOLEAN", ColumnType::Bool),
            ("bigint", ColumnType::Int),
            ("DOUBLE PRECISION", ColumnType::Float),
            ("VARCHAR(20)", ColumnType::Text),
            ("", ColumnType::Text),
        ] {
            assert_eq!(understood(words), wanted);
        }
    }

    proptest::proptest! {
        /// Asked of SQLite itself: there is one table more, of this name.
        #[test]
        fn any_name_is_one_identifier_and_nothing_more(name in "(?s)x[^\0]{0,40}|x[\"'`;\\\\-]{0,10}") {
            let connection = rusqlite::Connection::open_in_memory().unwrap();
            connection.execute_batch(&create_table(&name, &[column(&name, ColumnType::Int)])).unwrap();
            let names = "SELECT group_concat(name, char(0)) FROM sqlite_master WHERE type = 'table'";
            let found: String = connection.query_row(names, [], |row| row.get(0)).unwrap();
            assert_eq!(found, name);
        }
    }
}
