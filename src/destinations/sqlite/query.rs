//! Read-only questions to the file, beside a running router.
//!
//! Three locks, each enough on its own against changes: the file is opened for reading, the statement must be one of
//! the asking kinds, and SQLite itself must call it read-only.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Statement};
use serde_json::Value;

use super::super::Rows;

/// The words that a question can begin with. PRAGMA and ATTACH count as read-only for SQLite, but change the connection.
const ASKING: [&str; 4] = ["SELECT", "WITH", "VALUES", "EXPLAIN"];

/// Runs one question and returns all its rows.
pub(super) fn query(path: &Path, sql: &str) -> Result<Rows, String> {
    let word = first_word(sql);
    if !ASKING.iter().any(|asking| word.eq_ignore_ascii_case(asking)) {
        return Err(refusal(&word));
    }
    let words = |error: rusqlite::Error| error.to_string();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| format!("could not open `{}`: {error}", path.display()))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(words)?;
    let mut statement = connection.prepare(sql).map_err(words)?;
    if !statement.readonly() {
        return Err(refusal(&word));
    }
    rows(&mut statement).map_err(words)
}

fn refusal(word: &str) -> String {
    match word {
        "" => "there is no statement".to_owned(),
        word => format!("`{}` is refused: only one statement that reads is allowed here", word.to_ascii_uppercase()),
    }
}

/// Returns the first word behind white space, comments and brackets.
fn first_word(sql: &str) -> String {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || char == '(' || char == ';');
        let after = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n')
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/")
        } else {
            break;
        };
        rest = after.map_or("", |(_, rest)| rest);
    }
    rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}

fn rows(statement: &mut Statement<'_>) -> rusqlite::Result<Rows> {
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = Rows { columns, rows: Vec::new() };
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..found.columns.len()).map(|index| Ok(json(row.get_ref(index)?)));
        found.rows.push(values.collect::<rusqlite::Result<_>>()?);
    }
    Ok(found)
}

/// Returns a value as JSON; bytes as hexadecimal digits.
fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::from(number),
        ValueRef::Real(number) => Value::from(number),
        ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => Value::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_stands_behind_comments_and_brackets() {
        for (sql, word) in [
            ("select 1", "select"),
            ("  -- a\n /* b */ ( (SELECT 1))", "SELECT"),
            ("PRAGMA user_version", "PRAGMA"),
            ("-- nothing", ""),
            ("", ""),
        ] {
            assert_eq!(first_word(sql), word, "{sql}");
        }
    }
}
