//! The report for people: what happens to each event, indented below it.

use std::fmt::Write;

use super::report::{Entry, Line, Needed, Report};
use crate::cli::table::without_control;
use crate::destinations::{ShownBody, ShownRequest, ShownRow};
use crate::warehouse::{Dialect, base_columns};

/// Knows every column that some warehouse gives to every table.
const EVERYTHING: Dialect = Dialect { loaded_at: true, ..Dialect::PLAIN };

/// Returns the whole text. Control characters of the events are escaped, so that they cannot steer the terminal.
pub(super) fn text(report: &Report) -> String {
    let numbered = report.entries.iter().zip(1..);
    let entries: Vec<String> = numbered.map(|(one, number)| entry(one, number)).collect();
    entries.join("\n")
}

fn entry(entry: &Entry, number: usize) -> String {
    let mut page = Page::default();
    match entry {
        Entry::Taken { message_id, title, destinations } => {
            page.line(0, &format!("{title}  {message_id}"));
            destinations.iter().for_each(|line| page.destination(line));
        }
        Entry::Rejected { message_id, problems } => {
            let id = message_id.as_deref().unwrap_or("without a message id");
            page.line(0, &format!("event {number}  {id}: rejected at the door"));
            for problem in problems {
                let place = if problem.path.is_empty() { "the event" } else { &problem.path };
                page.line(1, &format!("{} at {place}: {}", problem.code, problem.message));
            }
        }
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, depth: usize, text: &str) {
        writeln!(self.text, "{}{}", "  ".repeat(depth), without_control(text)).ok();
    }

    fn destination(&mut self, line: &Line) {
        let Line { name, kind, verdict, reason, message, .. } = line;
        let why = reason.map(|reason| format!(", {}", words(reason))).unwrap_or_default();
        let more = message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        self.line(1, &format!("{name} ({kind}): {verdict}{why}{more}"));
        line.schema.iter().for_each(|table| self.table(table));
        line.rows.iter().for_each(|row| self.row(row));
        line.requests.iter().for_each(|request| self.request(request));
    }

    /// Columns that every such table has are not worth a line, whichever warehouse it is.
    fn table(&mut self, needed: &Needed) {
        let base = base_columns(&needed.table, &EVERYTHING);
        let own = needed.columns.iter().filter(|column| !base.iter().any(|base| base.name == column.name));
        let own: Vec<String> = own.map(|column| format!("{} {}", column.name, column.column_type)).collect();
        let with = if own.is_empty() { String::new() } else { format!(" with {}", own.join(", ")) };
        self.line(2, &format!("needs the table {}{with}", needed.table));
    }

    fn row(&mut self, row: &ShownRow) {
        self.line(2, &format!("row of {}", row.table));
        let width = row.columns.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        for (name, value) in &row.columns {
            self.line(3, &format!("{name:<width$}  {value}"));
        }
    }

    fn request(&mut self, request: &ShownRequest) {
        self.line(2, &format!("{} {}", request.method, request.url));
        for (name, value) in &request.headers {
            self.line(3, &format!("{name}: {value}"));
        }
        let body = match &request.body {
            None => return,
            Some(ShownBody::Text(text)) => text.clone(),
            Some(ShownBody::Json(json)) => indented(json.get()),
        };
        body.lines().for_each(|line| self.line(3, line));
    }
}

/// What a reason means here.
fn words(reason: &str) -> String {
    let meaning = match reason {
        "integrations" => "the event's own `integrations` keep it away",
        "filtered" => "the `events` setting keeps it out",
        "unsupported" => "there is no use for such an event",
        "off" => "the destination is switched off",
        _ => return reason.to_owned(),
    };
    format!("{reason} ({meaning})")
}

/// Breaks JSON into lines without touching a byte of its values: through a tree some numbers would change.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for character in json.chars() {
        if in_text {
            out.push(character);
            in_text = character != '"' || escaped;
            escaped = character == '\\' && !escaped;
            continue;
        }
        match character {
            '{' | '[' => {
                depth += 1;
                write!(out, "{character}\n{}", "  ".repeat(depth)).ok();
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                let kept = out.trim_end().len();
                out.truncate(kept);
                let is_empty = out.ends_with(['{', '[']);
                let line = if is_empty { String::new() } else { format!("\n{}", "  ".repeat(depth)) };
                write!(out, "{line}{character}").ok();
            }
            ',' => write!(out, ",\n{}", "  ".repeat(depth)).unwrap_or_default(),
            ':' => out.push_str(": "),
            blank if blank.is_ascii_whitespace() => {}
            other => {
                in_text = other == '"';
                out.push(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_broken_into_lines_and_keeps_its_numbers_and_texts() {
        let json = r#"{"a": [1.00,{}, [ ]],"b":"x,{\"}: \\","c":12345678901234567890123}"#;
        insta::assert_snapshot!(indented(json), @r#"
        {
          "a": [
            1.00,
            {},
            []
          ],
          "b": "x,{\"}: \\",
          "c": 12345678901234567890123
        }
        "#);
    }
}
