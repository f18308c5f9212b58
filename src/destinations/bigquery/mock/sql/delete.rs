//! `DELETE` of the rows whose columns hold one of the texts of a parameter: refused as a whole where a row that was streamed
//! lately might be among them.

use jiff::Timestamp;
use serde_json::Value;

use super::super::answer::{invalid, invalid_query};
use super::super::state::{Row, Table};
use super::cursor::Cursor;
use super::lex::What;
use super::statement::Path;
use super::{Outcome, Run};
use crate::destinations::mock::Said;

/// What is to be deleted.
#[derive(Debug)]
pub(super) struct Delete {
    path: Path,
    /// Any of them.
    columns: Vec<String>,
    /// The parameter that holds the texts.
    parameter: String,
    /// A column of times, and the last one that is meant.
    until: Option<(String, Timestamp)>,
}

/// ``FROM t WHERE (`a` IN UNNEST(@p) OR …) AND `c` <= TIMESTAMP '…'``; the last condition may be left out.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Delete, String> {
    cursor.take("FROM");
    let path = cursor.path()?;
    // As there: without one the statement is refused.
    cursor.expect_words("WHERE")?;
    cursor.expect('(')?;
    let (mut columns, mut parameter) = (Vec::new(), String::new());
    loop {
        columns.push(cursor.name()?);
        cursor.expect_words("IN UNNEST")?;
        cursor.expect('(')?;
        let name = cursor.name()?;
        parameter = match name.strip_prefix('@') {
            Some(name) if parameter.is_empty() || parameter == name => name.to_owned(),
            _ => return Err("This stand-in knows a DELETE by one parameter alone".to_owned()),
        };
        cursor.expect(')')?;
        if !cursor.take("OR") {
            break;
        }
    }
    cursor.expect(')')?;
    let until = if cursor.take("AND") { Some(until(cursor)?) } else { None };
    Ok(Delete { path, columns, parameter, until })
}

fn until(cursor: &mut Cursor<'_>) -> Result<(String, Timestamp), String> {
    let column = cursor.name()?;
    cursor.expect('<')?;
    cursor.expect('=')?;
    cursor.expect_words("TIMESTAMP")?;
    match cursor.next() {
        Some(What::Text(text)) => {
            text.parse().map(|at| (column, at)).map_err(|_| format!("Invalid timestamp: '{text}'"))
        }
        _ => Err(cursor.unexpected("string literal")),
    }
}

impl Run<'_, '_> {
    pub(super) fn delete(&mut self, delete: &Delete) -> Result<Outcome, Said> {
        let place = self.place_of(&delete.path)?;
        let (name, at) = (self.state.table_name(&place), self.call.at);
        self.state.needs("bigquery.tables.updateData", &name)?;
        let unknown = || invalid_query(&format!("Query parameter '{}' not found", delete.parameter));
        let texts = self.parameters.get(&delete.parameter).ok_or_else(unknown)?;
        let table = self.state.table(&place)?;
        let name = name.trim_start_matches("Table ").replace(':', ".");
        delete.check(table, &name)?;
        if table.rows.iter().any(|row| row.is_buffered(at) && delete.reaches(row)) {
            return Err(invalid(&format!(
                "UPDATE or DELETE statement over table {name} would affect rows in the streaming buffer, which is not supported"
            )));
        }
        let before = table.rows.len();
        table.rows.retain(|row| !(delete.reaches(row) && delete.names(row, texts)));
        let affected = Some(before - table.rows.len());
        Ok(Outcome { affected, ..Outcome::of("DELETE") })
    }
}

impl Delete {
    fn check(&self, table: &Table, name: &str) -> Result<(), Said> {
        if table.view.is_some() {
            return Err(invalid_query(&format!("DELETE is not supported over the view {name}")));
        }
        let until = self.until.as_ref().map(|(column, _)| column);
        if let Some(column) = self.columns.iter().chain(until).find(|column| table.field(column).is_none()) {
            return Err(invalid_query(&format!("Unrecognized name: {column}")));
        }
        let day = table.partition.as_ref().and_then(|partition| partition.field.as_deref());
        let is_filtered = until.is_some_and(|column| day.is_some_and(|day| column.eq_ignore_ascii_case(day)));
        if table.more.get("requirePartitionFilter") == Some(&Value::Bool(true)) && !is_filtered {
            return Err(invalid_query(&format!(
                "Cannot query over table '{name}' without a filter over column(s) '{}' that can be used for partition elimination",
                day.unwrap_or("_PARTITION_LOAD_TIME")
            )));
        }
        Ok(())
    }

    /// Returns whether a row lies in the time that is meant.
    fn reaches(&self, row: &Row) -> bool {
        let Some((column, until)) = &self.until else { return true };
        let at = row.cells.get(column).and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
        at.is_some_and(|at| at <= *until)
    }

    fn names(&self, row: &Row, texts: &[String]) -> bool {
        let held = |column: &String| row.cells.iter().find(|(name, _)| name.eq_ignore_ascii_case(column));
        let text = |(_, value): (&String, &Value)| value.as_str().is_some_and(|text| texts.iter().any(|one| one == text));
        self.columns.iter().filter_map(held).any(text)
    }
}
