//! `MERGE`: the one that keeps a table of users from their identifies, whatever its words are.
//!
//! A row of the target is known by its `id`, one of the source by the column that the statement makes `id` of. Each column
//! of the target gets the newest value of the source that is not null. Nothing else of the statement is looked at.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::answer::{invalid, invalid_query};
use super::super::quota;
use super::super::state::{Row, Table};
use super::statement::Path;
use super::{Outcome, Run};
use crate::destinations::mock::Said;

impl Run<'_, '_> {
    pub(super) fn merge(&mut self, target: &Path, sources: &[Path], key: &str) -> Result<Outcome, Said> {
        let place = self.place_of(target)?;
        let (name, at) = (self.state.table_name(&place), self.call.at);
        self.state.needs("bigquery.tables.updateData", &name)?;
        let mut found = Vec::new();
        for path in sources {
            let source = self.place_of(path)?;
            found.push(self.state.table(&source)?.clone());
        }
        let table = self.state.table(&place)?;
        if table.has_buffer(at) {
            return Err(invalid(&format!(
                "UPDATE or DELETE statement over table {} would affect rows in the streaming buffer, which is not supported",
                name.trim_start_matches("Table ").replace(':', ".")
            )));
        }
        let source = found.into_iter().next().ok_or_else(|| invalid_query("A MERGE needs a source"))?;
        let partitioned = table.partition.is_some();
        let affected = upsert(table, &newest(source, key));
        quota::update(self.state, &place, partitioned, at)?;
        Ok(Outcome { affected: Some(affected), ..Outcome::of("MERGE") })
    }
}

/// Returns for each user the newest value of each column.
fn newest(source: Table, key: &str) -> BTreeMap<String, Map<String, Value>> {
    let mut rows: Vec<Map<String, Value>> = source.rows.into_iter().map(|row| row.cells).collect();
    let time = |row: &Map<String, Value>| row.get("received_at").and_then(Value::as_str).map(str::to_owned);
    rows.sort_by_key(time);
    let mut users = BTreeMap::<String, Map<String, Value>>::new();
    for row in rows {
        if let Some(user) = row.get(key).and_then(Value::as_str).map(str::to_owned) {
            users.entry(user).or_default().extend(row);
        }
    }
    users
}

fn upsert(table: &mut Table, users: &BTreeMap<String, Map<String, Value>>) -> usize {
    for (user, values) in users {
        let mut cells = Map::new();
        for field in table.fields.iter().filter(|field| !field.is("id")) {
            cells.extend(values.get(&field.name).map(|value| (field.name.clone(), value.clone())));
        }
        let known =
            table.rows.iter_mut().find(|row| row.cells.get("id").and_then(Value::as_str) == Some(user));
        match known {
            Some(row) => row.cells.extend(cells),
            None => {
                cells.insert("id".to_owned(), user.as_str().into());
                table.rows.push(Row { cells, streamed: None });
            }
        }
    }
    users.len()
}
