//! What events would change, for people: one line for each change, the greatest first.

use super::super::table::without_control;
use super::preview::{Change, Preview};

/// Returns the text of `schema plan`.
pub(super) fn text(preview: &Preview) -> String {
    let mut lines = vec![head(preview)];
    lines.extend(
        preview
            .create
            .iter()
            .map(|one| format!("+ table {} ({})", one.table, counted(one.columns.len(), "column"))),
    );
    lines.extend(
        preview
            .add
            .iter()
            .map(|one| format!("+ {}.{} {}: {}", one.table, one.column, one.to, counted(one.rows, "row"))),
    );
    lines.extend(preview.widen.iter().map(|one| widened(one, preview)));
    lines.extend(preview.conflicts.iter().map(|one| {
        let value = one.sample.as_deref().unwrap_or(one.got);
        let (rows, id) = (one.count, &one.last_message_id);
        format!(
            "! {}.{} {} ← {value}: kept in _unmapped.{}, {rows} × (last {id})",
            one.table, one.column, one.have, one.column
        )
    }));
    lines.extend(preview.kept.iter().map(|one| {
        format!(
            "- {} in {}: has no column of its own, kept in _unmapped, {}",
            one.key,
            one.table,
            counted(one.rows, "row")
        )
    }));
    lines.extend(preview.dead.iter().map(|one| {
        format!("x {}: would become a dead letter, {}: {}", one.message_id, one.reason, one.answer)
    }));
    lines.push(rows(preview));
    lines.push(match preview.ddl.len() {
        0 => "DDL: none".to_owned(),
        count => format!("DDL: {} (--ddl prints)", counted(count, "statement")),
    });
    lines.iter().map(|line| format!("{}\n", without_control(line))).collect()
}

/// Returns statements that can be run as they stand.
pub(super) fn statements(ddl: &[String]) -> String {
    ddl.iter().map(|statement| format!("{statement};\n")).collect()
}

fn head(preview: &Preview) -> String {
    let tables = counted(preview.tables, "table");
    let against = match preview.against {
        "cache" => format!("{tables} as last seen"),
        "live" => format!("{tables} as they are now"),
        _ => "as if there were no tables".to_owned(),
    };
    format!("{} ({}): {against}", preview.destination, preview.kind)
}

fn widened(one: &Change, preview: &Preview) -> String {
    let all = preview.rows.get(&one.table).copied().unwrap_or_default();
    let from = one.from.unwrap_or("?");
    format!(
        "~ {}.{} {from} → {}: {} of {} has a fraction; stored integers beyond 2^53 would be rounded",
        one.table,
        one.column,
        one.to,
        one.rows,
        counted(all, "row")
    )
}

fn rows(preview: &Preview) -> String {
    let tables: Vec<String> = preview.rows.iter().map(|(table, count)| format!("{table} {count}")).collect();
    let tables = if tables.is_empty() { "none".to_owned() } else { tables.join(", ") };
    let price = preview.price.as_ref().map(|price| format!(", {price}")).unwrap_or_default();
    let skipped = match preview.skipped {
        0 => String::new(),
        count => format!("; {} skipped", counted(count, "event")),
    };
    format!("rows: {tables}; {}{price}{skipped}", bytes(preview.bytes))
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn bytes(count: usize) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}
