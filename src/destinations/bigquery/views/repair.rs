//! What to run about a value that its column does not take. Pure.

use super::{Options, sql};
use crate::warehouse::{ColumnType, Conflict, Schema, UNMAPPED};

/// Returns what to run about values that their column does not take: a statement where the type can be widened, else a
/// query that reads both as text, since BigQuery makes nothing into text afterwards.
pub fn repair(options: &Options, schema: &Schema, conflict: &Conflict) -> Option<String> {
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

    use super::super::super::config::Config;
    use super::*;
    use crate::warehouse::Table;

    fn config() -> Config {
        Config { project_id: "acme".into(), dataset: "analytics".into(), ..Config::default() }
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
