//! The SQL texts of the warehouse: tables, columns, and the statements that write rows. Pure.
//!
//! Identifiers are always quoted and always begin with their schema, so that neither a keyword nor a search path matters.

use super::config::{DIALECT, DEFAULT_SCHEMA};
use super::types::{wire, word};
use crate::warehouse::{Column, ColumnType, SchemaDiff, UNMAPPED, Write, base_columns};

/// What decides which of two states is newer.
const TIME: &str = "\"received_at\"";

/// What makes a statement that writes rows tell which were new.
pub(super) const TELL: &str = " RETURNING t.\"id\"";

/// Returns an identifier in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns a text in quotes.
pub(super) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Returns a table with its schema.
pub(super) fn table_name(schema: &str, table: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(table))
}

/// Returns the statements that carry out a change, in order. Each may be run again.
pub(super) fn statements(schema: &str, diff: &SchemaDiff) -> Vec<String> {
    let own = (schema != DEFAULT_SCHEMA && !diff.create.is_empty()).then(|| create_schema(schema));
    let created = diff.create.iter().flat_map(|(table, columns)| create_table(schema, table, columns));
    let added = diff.add.iter().map(|(table, columns)| add_columns(schema, table, columns));
    let widened = diff.widen.iter().map(|(table, columns)| widen(schema, table, columns));
    own.into_iter().chain(created).chain(added).chain(widened).collect()
}

/// Returns the statement that makes the schema.
pub(super) fn create_schema(schema: &str) -> String {
    format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema))
}

/// Returns the statements that make a table: its key is `id`, columns that every such table has come first, and rows that
/// are only added are found by their time of arrival at next to no cost.
pub(super) fn create_table(schema: &str, table: &str, columns: &[Column]) -> Vec<String> {
    let base = base_columns(table, &DIALECT);
    let is_base = |column: &Column| base.iter().any(|known| known.name == column.name);
    let rank = |column: &Column| (column.name != "id", !is_base(column), column.name == UNMAPPED);
    let mut sorted: Vec<&Column> = columns.iter().collect();
    sorted.sort_by_key(|column| rank(column));
    let columns: Vec<String> = sorted
        .into_iter()
        .map(|column| match column.name.as_str() {
            "id" => "\"id\" text PRIMARY KEY".to_owned(),
            name => format!("{} {}", quoted(name), word(column.column_type)),
        })
        .collect();
    let name = table_name(schema, table);
    let create = format!("CREATE TABLE IF NOT EXISTS {name} ({})", columns.join(", "));
    let is_state = matches!(table, "users" | "accounts");
    let index = DIALECT.column(&format!("{table}_received_at_brin"));
    let brin = format!(
        "CREATE INDEX IF NOT EXISTS {} ON {name} USING brin ({TIME}) WITH (autosummarize = on)",
        quoted(&index)
    );
    std::iter::once(create).chain((!is_state).then_some(brin)).collect()
}

/// Returns the one statement that adds columns: a change of the catalogue alone, however large the table is.
pub(super) fn add_columns(schema: &str, table: &str, columns: &[Column]) -> String {
    let added: Vec<String> = columns
        .iter()
        .map(|column| format!("ADD COLUMN IF NOT EXISTS {} {}", quoted(&column.name), word(column.column_type)))
        .collect();
    format!("ALTER TABLE {} {}", table_name(schema, table), added.join(", "))
}

/// Returns the one statement that gives columns another type. It writes the whole table anew.
pub(super) fn widen(schema: &str, table: &str, columns: &[Column]) -> String {
    let widened: Vec<String> = columns
        .iter()
        .map(|column| format!("ALTER COLUMN {} TYPE {}", quoted(&column.name), word(column.column_type)))
        .collect();
    format!("ALTER TABLE {} {}", table_name(schema, table), widened.join(", "))
}

/// Returns the statement that writes rows given as one array for each column. A row whose `id` is there already stays as it
/// is, or is brought up to date; no statement may then have one `id` twice.
pub(super) fn write_rows(schema: &str, table: &str, columns: &[(&str, ColumnType)], write: Write) -> String {
    let names = list(columns, |_, name, _| quoted(name));
    let values = list(columns, |at, _, kind| match kind {
        ColumnType::Numeric => format!("u.c{at}::numeric"),
        _ => format!("u.c{at}"),
    });
    let arrays = list(columns, |at, _, kind| format!("${at}::{}[]", wire(kind)));
    let aliases = list(columns, |at, _, _| format!("c{at}"));
    let on_conflict = match write {
        Write::Insert => "DO NOTHING".to_owned(),
        Write::Upsert => upsert(columns),
    };
    format!(
        "INSERT INTO {} AS t ({names}) SELECT {values} FROM UNNEST({arrays}) AS u({aliases}) \
         ON CONFLICT (\"id\") {on_conflict}",
        table_name(schema, table)
    )
}

/// Returns an item for each column, with its number from 1.
fn list(columns: &[(&str, ColumnType)], item: impl Fn(usize, &str, ColumnType) -> String) -> String {
    let items = columns.iter().zip(1..).map(|((name, kind), at)| item(at, name, *kind));
    items.collect::<Vec<_>>().join(",")
}

/// A newer event replaces what it has a value for; an older one only fills what is still empty, and writes nothing when
/// nothing is.
fn upsert(columns: &[(&str, ColumnType)]) -> String {
    let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).filter(|name| name != "\"id\"").collect();
    let set: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                "{name}=CASE WHEN excluded.{TIME}>=t.{TIME} THEN coalesce(excluded.{name},t.{name}) \
                 ELSE coalesce(t.{name},excluded.{name}) END"
            )
        })
        .collect();
    let fills: Vec<String> =
        names.iter().map(|name| format!("(t.{name} IS NULL AND excluded.{name} IS NOT NULL)")).collect();
    format!("DO UPDATE SET {} WHERE excluded.{TIME}>=t.{TIME} OR {}", set.join(","), fills.join(" OR "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, column_type: ColumnType) -> Column {
        Column { name: name.to_owned(), column_type }
    }

    #[test]
    fn a_table_has_its_key_first_and_an_index_by_time() {
        let columns = [
            column("_unmapped", ColumnType::Json),
            column("a", ColumnType::Bool),
            column("id", ColumnType::Text),
            column("received_at", ColumnType::Timestamp),
        ];
        insta::assert_snapshot!(create_table("public", "order", &columns).join(";\n"), @r#"
        CREATE TABLE IF NOT EXISTS "public"."order" ("id" text PRIMARY KEY, "received_at" timestamp with time zone, "_unmapped" jsonb, "a" boolean);
        CREATE INDEX IF NOT EXISTS "order_received_at_brin" ON "public"."order" USING brin ("received_at") WITH (autosummarize = on)
        "#);
    }

    #[test]
    fn rows_travel_as_one_array_for_each_column() {
        let columns = [("id", ColumnType::Text), ("n", ColumnType::Int), ("sum", ColumnType::Numeric)];
        insta::assert_snapshot!(
            write_rows("public", "order", &columns, Write::Insert),
            @r#"INSERT INTO "public"."order" AS t ("id","n","sum") SELECT u.c1,u.c2,u.c3::numeric FROM UNNEST($1::text[],$2::bigint[],$3::text[]) AS u(c1,c2,c3) ON CONFLICT ("id") DO NOTHING"#
        );
    }

    #[test]
    fn a_state_is_replaced_by_a_newer_one_and_filled_by_an_older_one() {
        let columns = [("id", ColumnType::Text), ("received_at", ColumnType::Timestamp)];
        insta::assert_snapshot!(
            write_rows("public", "users", &columns, Write::Upsert),
            @r#"INSERT INTO "public"."users" AS t ("id","received_at") SELECT u.c1,u.c2 FROM UNNEST($1::text[],$2::timestamptz[]) AS u(c1,c2) ON CONFLICT ("id") DO UPDATE SET "received_at"=CASE WHEN excluded."received_at">=t."received_at" THEN coalesce(excluded."received_at",t."received_at") ELSE coalesce(t."received_at",excluded."received_at") END WHERE excluded."received_at">=t."received_at" OR (t."received_at" IS NULL AND excluded."received_at" IS NOT NULL)"#
        );
    }

    #[test]
    fn quotes_in_names_are_doubled_and_another_schema_is_made_first() {
        let diff = SchemaDiff { create: [("a\"b".to_owned(), vec![column("id", ColumnType::Text)])].into(), ..SchemaDiff::default() };
        let statements = statements("it's", &diff);
        assert_eq!(statements[0], "CREATE SCHEMA IF NOT EXISTS \"it's\"");
        assert!(statements[1].contains("\"it's\".\"a\"\"b\""), "{statements:?}");
    }

    proptest::proptest! {
        /// A quote within ends nothing: what is left without pairs has none.
        #[test]
        fn any_name_is_one_identifier_and_nothing_more(name in "(?s).{0,40}|[\"'`;\\\\-]{0,10}") {
            let sql = quoted(&name);
            let within = sql.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            assert!(!within.replace("\"\"", "").contains('"'), "{sql}");
            assert_eq!(within.replace("\"\"", "\""), name);
        }
    }
}
