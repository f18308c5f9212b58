//! `DELETE` of the rows whose columns hold one of the texts of a parameter: refused as a whole where a row that was streamed
//! lately might be among them.

use jiff::Timestamp;
use serde_json::Value;

use super::super::answer::{invalid, invalid_query};
use super::super::field::Kind;
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
    columns: Vec<Compared>,
    /// The parameter that holds the texts.
    parameter: String,
    /// All of them.
    bounds: Vec<Bound>,
}

/// A column that is looked for among the texts.
#[derive(Debug)]
struct Compared {
    column: String,
    is_cast: bool,
}

/// A column of times, and the last one that is meant.
#[derive(Debug)]
struct Bound {
    column: String,
    until: Timestamp,
    or_null: bool,
}

/// What the time of arrival is called, where a table is partitioned by it.
const ARRIVAL: &str = "_PARTITIONTIME";

/// ``FROM t WHERE (`a` IN UNNEST(@p) OR CAST(`b` AS STRING) IN UNNEST(@p) OR …) AND (`c` <= TIMESTAMP '…' OR `c` IS NULL)``; the last
/// condition may be left out or be there more than once, and the part with NULL too.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Delete, String> {
    cursor.take("FROM");
    let path = cursor.path()?;
    // As there: without one the statement is refused.
    cursor.expect_words("WHERE")?;
    cursor.expect('(')?;
    let (mut columns, mut parameter) = (Vec::new(), String::new());
    loop {
        columns.push(compared(cursor)?);
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
    let mut bounds = Vec::new();
    while cursor.take("AND") {
        bounds.push(bound(cursor)?);
    }
    Ok(Delete { path, columns, parameter, bounds })
}

fn compared(cursor: &mut Cursor<'_>) -> Result<Compared, String> {
    if !cursor.take("CAST") {
        return Ok(Compared { column: cursor.name()?, is_cast: false });
    }
    cursor.expect('(')?;
    let column = cursor.name()?;
    cursor.expect_words("AS STRING")?;
    cursor.expect(')')?;
    Ok(Compared { column, is_cast: true })
}

fn bound(cursor: &mut Cursor<'_>) -> Result<Bound, String> {
    let is_wrapped = cursor.sign('(');
    let (column, until) = until(cursor)?;
    let or_null = cursor.take("OR");
    if or_null {
        let other = cursor.name()?;
        if other != column {
            return Err("This stand-in knows a time or none of the same column alone".to_owned());
        }
        cursor.expect_words("IS NULL")?;
    }
    if is_wrapped {
        cursor.expect(')')?;
    }
    Ok(Bound { column, until, or_null })
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
        for compared in &self.columns {
            compared.check(table)?;
        }
        let mut bounds = self.bounds.iter().map(|bound| &bound.column);
        if let Some(column) = bounds.clone().find(|column| !is_known(table, column)) {
            return Err(invalid_query(&format!("Unrecognized name: {column}")));
        }
        let day = table.partition.as_ref().map(|partition| partition.field.as_deref().unwrap_or(ARRIVAL));
        let is_filtered = bounds.any(|column| day.is_some_and(|day| column.eq_ignore_ascii_case(day)));
        if table.more.get("requirePartitionFilter") == Some(&Value::Bool(true)) && !is_filtered {
            return Err(invalid_query(&format!(
                "Cannot query over table '{name}' without a filter over column(s) '{}' that can be used for partition elimination",
                day.filter(|day| *day != ARRIVAL).unwrap_or("_PARTITION_LOAD_TIME', '_PARTITIONDATE', '_PARTITIONTIME")
            )));
        }
        Ok(())
    }

    /// Returns whether a row lies in the time that is meant.
    fn reaches(&self, row: &Row) -> bool {
        self.bounds.iter().all(|bound| bound.reaches(row))
    }

    fn names(&self, row: &Row, texts: &[String]) -> bool {
        self.columns.iter().any(|compared| {
            let held = row.cells.iter().find(|(name, _)| name.eq_ignore_ascii_case(&compared.column));
            held.is_some_and(|(_, value)| texts.contains(&text_of(value)))
        })
    }
}

impl Compared {
    /// As there: a text is compared with texts alone.
    fn check(&self, table: &Table) -> Result<(), Said> {
        let unknown = || invalid_query(&format!("Unrecognized name: {}", self.column));
        let field = table.field(&self.column).ok_or_else(unknown)?;
        if field.kind == Kind::String || self.is_cast {
            return Ok(());
        }
        Err(invalid_query(&format!(
            "No matching signature for operator IN UNNEST for argument types: {}, ARRAY<STRING>",
            field.sql_type()
        )))
    }
}

impl Bound {
    /// When rows arrived is not kept here: the time of arrival bounds none.
    fn reaches(&self, row: &Row) -> bool {
        if self.column.eq_ignore_ascii_case(ARRIVAL) {
            return true;
        }
        let at = row.cells.get(&self.column).and_then(Value::as_str);
        match at {
            Some(at) => at.parse::<Timestamp>().is_ok_and(|at| at <= self.until),
            None => self.or_null,
        }
    }
}

fn is_known(table: &Table, column: &str) -> bool {
    let by_arrival = table.partition.as_ref().is_some_and(|partition| partition.field.is_none());
    table.field(column).is_some() || (by_arrival && column.eq_ignore_ascii_case(ARRIVAL))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
