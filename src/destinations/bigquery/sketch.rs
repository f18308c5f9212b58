//! What `opentrack schema` says about a dataset without touching it: statements, prices, and what to run about a value
//! that does not fit. Pure.

use super::config::Config;
use super::ddl;
use super::views::{Options, sql};
use crate::warehouse::{ColumnType, Conflict, Schema, SchemaDiff, UNMAPPED};

/// Dollars for a streamed GiB: <https://cloud.google.com/bigquery/pricing#data_ingestion_pricing>.
const DOLLARS_A_GIB: f64 = 0.05;

/// A streamed row counts as at least this many bytes, as the same page says.
const LEAST_ROW: usize = 1024;

/// Returns the statements that carry out these changes, in order.
pub(super) fn statements(config: &Config, diff: &SchemaDiff) -> Vec<String> {
    let (names, options) = (config.names(), config.table_options());
    let created =
        diff.create.iter().map(|(table, columns)| ddl::create_table(&names, table, columns, &options));
    let added = diff.add.iter().map(|(table, columns)| ddl::add_columns(&names, table, columns));
    let widened = diff.widen.iter().map(|(table, columns)| ddl::widen(&names, table, columns));
    // Several columns are widened by several statements in one text.
    let widened = widened.flat_map(|text| text.split(";\n").map(str::to_owned).collect::<Vec<_>>());
    created.chain(added).chain(widened).collect()
}

/// Returns what rows of these sizes cost, in words.
pub(super) fn price(rows: &[usize]) -> String {
    let counted: usize = rows.iter().map(|size| (*size).max(LEAST_ROW)).sum();
    let dollars = counted as f64 / f64::from(1 << 30) * DOLLARS_A_GIB;
    match dollars {
        tiny if tiny < 0.01 => format!("about ${tiny:.6} by streaming, free by load"),
        dollars => format!("about ${dollars:.2} by streaming, free by load"),
    }
}

/// Returns what to run about values that their column does not take: a statement where the type can be widened, else a
/// query that reads both as text, since BigQuery makes nothing into text afterwards.
pub(super) fn repair(options: &Options, schema: &Schema, conflict: &Conflict) -> Option<String> {
    let table = schema.tables.get(&conflict.table)?;
    let from = options.tables.table(&conflict.table);
    let (own, name) = (sql::of_t(&conflict.column), sql::quoted(&conflict.column));
    if (conflict.have, conflict.got) == (ColumnType::Int, ColumnType::Float) {
        return Some(format!("ALTER TABLE {from} ALTER COLUMN {name} SET DATA TYPE FLOAT64"));
    }
    let kept = *table.columns.get(UNMAPPED)?;
    let text = sql::json_text(&sql::of_t(UNMAPPED), kept, &sql::json_path([conflict.column.as_str()]));
    let own =
        sql::cast(&own, conflict.have, ColumnType::Text).unwrap_or_else(|| "CAST(NULL AS STRING)".to_owned());
    Some(format!("SELECT t.`id`, COALESCE({own}, {text}) AS {name} FROM {from} AS t"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::warehouse::{Column, Table};

    fn config() -> Config {
        Config { project_id: "acme".into(), dataset: "analytics".into(), ..Config::default() }
    }

    fn columns(names: &[&str], column_type: ColumnType) -> BTreeMap<String, Vec<Column>> {
        let columns = names.iter().map(|name| Column { name: (*name).to_owned(), column_type });
        BTreeMap::from([("viewed".to_owned(), columns.collect())])
    }

    #[test]
    fn changes_are_told_as_single_statements_in_order() {
        let diff = SchemaDiff {
            create: columns(&["id"], ColumnType::Text),
            add: columns(&["a", "b"], ColumnType::Int),
            widen: columns(&["n", "m"], ColumnType::Float),
        };
        let said = statements(&config(), &diff);
        let first: Vec<&str> = said.iter().filter_map(|statement| statement.lines().next()).collect();
        assert_eq!(
            first,
            [
                "CREATE TABLE IF NOT EXISTS `acme.analytics.viewed` (",
                "ALTER TABLE `acme.analytics.viewed` ADD COLUMN IF NOT EXISTS `a` INT64, ADD COLUMN IF NOT EXISTS `b` INT64",
                "ALTER TABLE `acme.analytics.viewed` ALTER COLUMN `m` SET DATA TYPE FLOAT64",
                "ALTER TABLE `acme.analytics.viewed` ALTER COLUMN `n` SET DATA TYPE FLOAT64",
            ]
        );
    }

    #[test]
    fn a_small_row_costs_as_much_as_a_kibibyte() {
        assert_eq!(price(&[10; 1_000_000]), "about $0.05 by streaming, free by load");
        assert_eq!(price(&[10, 2048]), "about $0.000000 by streaming, free by load");
        assert_eq!(price(&[2048; 1_000_000]), "about $0.10 by streaming, free by load");
    }

    #[test]
    fn a_fraction_is_repaired_and_anything_else_is_read() {
        let table =
            BTreeMap::from([("n".to_owned(), ColumnType::Int), (UNMAPPED.to_owned(), ColumnType::Json)]);
        let schema =
            Schema { tables: BTreeMap::from([("viewed".to_owned(), Arc::new(Table { columns: table }))]) };
        let options = Options::from(&config());
        let said = |got| {
            let (table, column) = ("viewed".to_owned(), "n".to_owned());
            repair(&options, &schema, &Conflict { table, column, have: ColumnType::Int, got })
        };
        let alter = "ALTER TABLE `acme.analytics.viewed` ALTER COLUMN `n` SET DATA TYPE FLOAT64";
        assert_eq!(said(ColumnType::Float).unwrap(), alter);
        let query = said(ColumnType::Text).unwrap();
        assert!(query.starts_with(
            "SELECT t.`id`, COALESCE(CAST(t.`n` AS STRING), JSON_VALUE(t.`_unmapped`, '$.n'), "
        ));
        assert!(query.ends_with(" AS `n` FROM `acme.analytics.viewed` AS t"), "{query}");
        assert_eq!(
            repair(
                &options,
                &Schema::default(),
                &Conflict {
                    table: "gone".into(),
                    column: "n".into(),
                    have: ColumnType::Int,
                    got: ColumnType::Text,
                }
            ),
            None
        );
    }
}
