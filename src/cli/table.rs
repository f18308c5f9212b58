//! How values look in a terminal: aligned in columns, and unable to steer it.

use serde_json::Value;

/// Returns a value as a cell: text as it stands, null as nothing.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns an aligned table with a line under the header; control characters are escaped, so that a stored text cannot
/// steer the terminal.
pub(super) fn columns(header: &[String], rows: &[Vec<String>]) -> String {
    let plain = |row: &Vec<String>| row.iter().map(|cell| without_control(cell)).collect::<Vec<_>>();
    let mut lines = vec![plain(&header.to_vec())];
    lines.extend(rows.iter().map(plain));
    let width = |index: usize| {
        let cells = lines.iter().filter_map(|line| line.get(index));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    lines.insert(1, widths.iter().map(|width| "-".repeat(*width)).collect());
    lines.iter().map(|line| aligned(line, &widths)).collect()
}

fn aligned(line: &[String], widths: &[usize]) -> String {
    let padded: Vec<String> =
        line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    format!("{}\n", padded.join("  ").trim_end())
}

/// Escapes what could steer a terminal.
pub(super) fn without_control(text: &str) -> String {
    let escape = |character: char| match character.is_control() {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_aligned_and_shows_null_as_nothing() {
        let header = ["event", "total", "event"].map(str::to_owned);
        let rows =
            [[json!("Order, \"big\"\nÜ"), json!(42.5), Value::Null], [json!("b"), json!(7), json!(true)]];
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        insta::assert_snapshot!(columns(&header, &rows), @r#"
        event            total  event
        ---------------  -----  -----
        Order, "big"\nÜ  42.5
        b                7      true
        "#);
    }
}
