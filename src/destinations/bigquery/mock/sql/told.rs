//! `INFORMATION_SCHEMA`: what is told of all tables of a dataset, as rows.

use serde_json::{Map, Value};

use super::super::answer::not_found;
use super::super::field::{Field, Kind, Mode};
use super::super::state::{State, Table};
use super::statement::Path;
use crate::destinations::mock::Said;

const SCHEMA: &str = "INFORMATION_SCHEMA";

/// What is told.
#[derive(Debug, Clone, Copy)]
pub(super) enum View {
    Columns,
    Tables,
}

/// Returns the dataset and the view that a path names: `p.d.INFORMATION_SCHEMA.COLUMNS`.
pub(super) fn wanted(path: &Path, default: &str) -> Option<(String, View)> {
    let [before @ .., schema, view] = path.as_slice() else { return None };
    if !schema.eq_ignore_ascii_case(SCHEMA) {
        return None;
    }
    let view = match view.to_uppercase().as_str() {
        "COLUMNS" => View::Columns,
        "TABLES" => View::Tables,
        _ => return None,
    };
    Some((before.last().map_or(default, String::as_str).to_owned(), view))
}

/// Columns with rows.
type Rows = (Vec<Field>, Vec<Map<String, Value>>);

/// Returns the columns and the rows of a view.
pub(super) fn rows(state: &mut State, dataset: &str, view: View) -> Result<Rows, Said> {
    let what = state.dataset_name(dataset);
    state.needs("bigquery.tables.get", &what)?;
    let project = state.settings.project.clone();
    let known = state.datasets.get(dataset);
    let missing = || not_found(&format!("{what} was not found in location {}", state.settings.location));
    let tables = &known.ok_or_else(missing)?.tables;
    let common = |name: &str| {
        let pairs = [("table_catalog", project.as_str()), ("table_schema", dataset), ("table_name", name)];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect::<Map<_, _>>()
    };
    let rows = tables.iter().flat_map(|(name, table)| match view {
        View::Tables => vec![table_row(common(name), table)],
        View::Columns => {
            let columns = table.fields.iter().enumerate();
            columns.map(|(index, field)| column_row(common(name), table, index, field)).collect()
        }
    });
    Ok((fields(view), rows.collect()))
}

fn fields(view: View) -> Vec<Field> {
    let columns: &[(&str, Kind)] = match view {
        View::Columns => &[
            ("table_catalog", Kind::String),
            ("table_schema", Kind::String),
            ("table_name", Kind::String),
            ("column_name", Kind::String),
            ("ordinal_position", Kind::Integer),
            ("is_nullable", Kind::String),
            ("data_type", Kind::String),
            ("is_partitioning_column", Kind::String),
            ("clustering_ordinal_position", Kind::Integer),
        ],
        View::Tables => &[
            ("table_catalog", Kind::String),
            ("table_schema", Kind::String),
            ("table_name", Kind::String),
            ("table_type", Kind::String),
            ("creation_time", Kind::Timestamp),
        ],
    };
    columns.iter().map(|(name, kind)| Field::new(name, *kind, Mode::Nullable)).collect()
}

fn table_row(mut row: Map<String, Value>, table: &Table) -> Map<String, Value> {
    let kind = if table.view.is_some() { "VIEW" } else { "BASE TABLE" };
    row.insert("table_type".to_owned(), kind.into());
    row.insert("creation_time".to_owned(), table.created.to_string().into());
    row
}

fn column_row(mut row: Map<String, Value>, table: &Table, index: usize, field: &Field) -> Map<String, Value> {
    let word = |yes: bool| Value::from(if yes { "YES" } else { "NO" });
    let partition = table.partition.as_ref().and_then(|partition| partition.field.as_deref());
    let clustering = table.clustering.iter().position(|name| field.is(name));
    let cells = [
        ("column_name", Value::from(field.name.as_str())),
        ("ordinal_position", (index + 1).into()),
        ("is_nullable", word(field.mode != Mode::Required)),
        ("data_type", field.sql_type().into()),
        ("is_partitioning_column", word(partition.is_some_and(|name| field.is(name)))),
        ("clustering_ordinal_position", clustering.map_or(Value::Null, |place| (place + 1).into())),
    ];
    row.extend(cells.map(|(key, value)| (key.to_owned(), value)));
    row
}
