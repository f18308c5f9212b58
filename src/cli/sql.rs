//! `opentrack sql`: asks the embedded warehouse, and writes the answer as a table, CSV or JSON.
//!
//! The destination itself keeps the query from writing; this only chooses which one and how the answer looks.

use serde_json::{Map, Value};

use super::Exit;
use super::out::Out;
use super::table::{cell, columns};
use crate::config::{self, Loaded};
use crate::destinations::Rows;

/// What was asked.
pub(super) struct Question<'a> {
    /// One query.
    pub(super) query: &'a str,
    /// Answer in CSV.
    pub(super) csv: bool,
    /// Which destination; `None` for the first that can be queried.
    pub(super) destination: Option<&'a str>,
}

/// Runs the query and prints its answer.
pub(super) fn sql(loaded: &Loaded, question: &Question<'_>, out: &mut Out) -> Exit {
    let destinations = &loaded.settings.destinations;
    let is_asked = |name: &str| question.destination.is_none_or(|asked| asked == name);
    if !destinations.iter().any(|destination| is_asked(&destination.name)) {
        out.error(&format!("no destination is named `{}`", question.destination.unwrap_or_default()));
        return Exit::Usage;
    }
    let on = destinations.iter().filter(|destination| destination.enabled && is_asked(&destination.name));
    let answer = on.map(|destination| {
        let setting = config::setting(destination, &loaded.settings.server);
        destination.settings.query(&setting, question.query)
    });
    match answer.flatten().next() {
        Some(Ok(rows)) => print(&rows, question.csv, out),
        Some(Err(message)) => fail(&message, out),
        None => fail("no destination that is on can be queried", out),
    }
}

fn fail(message: &str, out: &mut Out) -> Exit {
    out.error(message);
    Exit::Failed
}

fn print(rows: &Rows, csv: bool, out: &mut Out) -> Exit {
    let text = match (csv, out.json) {
        (true, _) => as_csv(rows),
        (false, true) => format!("{}\n", as_json(rows)),
        (false, false) => columns(&rows.columns, &cells(rows)),
    };
    out.text(&text);
    Exit::Fine
}

fn cells(rows: &Rows) -> Vec<Vec<String>> {
    rows.rows.iter().map(|row| row.iter().map(cell).collect()).collect()
}

/// RFC 4180: CRLF, quotes around what needs them, quotes doubled.
fn as_csv(rows: &Rows) -> String {
    let line = |cells: &[String]| {
        let quoted: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        format!("{}\r\n", quoted.join(","))
    };
    let body: String = cells(rows).iter().map(|row| line(row)).collect();
    line(&rows.columns) + &body
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// An array of objects with the keys in column order; a second column of the same name gets a number.
fn as_json(rows: &Rows) -> Value {
    let names = unique(&rows.columns);
    let object = |row: &Vec<Value>| names.iter().cloned().zip(row.iter().cloned()).collect::<Map<_, _>>();
    rows.rows.iter().map(|row| Value::Object(object(row))).collect()
}

fn unique(columns: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let numbered = (2..).map(|number| format!("{column}_{number}"));
        let free = std::iter::once(column.clone()).chain(numbered).find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows() -> Rows {
        Rows {
            columns: vec!["event".into(), "total".into(), "event".into()],
            rows: vec![
                vec![json!("Order, \"big\"\nÜ"), json!(42.5), Value::Null],
                vec![json!("b"), json!(7), json!(true)],
            ],
        }
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        assert_eq!(as_csv(&rows()), "event,total,event\r\n\"Order, \"\"big\"\"\nÜ\",42.5,\r\nb,7,true\r\n");
    }

    #[test]
    fn json_keeps_the_order_of_the_columns_and_every_column() {
        let text = as_json(&rows()).to_string();
        assert_eq!(
            text,
            r#"[{"event":"Order, \"big\"\nÜ","total":42.5,"event_2":null},{"event":"b","total":7,"event_2":true}]"#
        );
    }

    #[test]
    fn an_empty_answer_still_has_its_header() {
        let rows = Rows { columns: vec!["n".into()], rows: Vec::new() };
        assert_eq!(columns(&rows.columns, &cells(&rows)), "n\n-\n");
        assert_eq!(as_json(&rows).to_string(), "[]");
    }
}
