//! Lays environment variables over the tree of the file: `OPENTRACK__SECTION__KEY` for any key, and the short names.
//!
//! Separate from reading, so that a key is checked in the same way whoever set it. Never looks at what a key means.

use super::environment::Environment;
use super::node::{Field, Node, Origin, Table, Value};
use super::report::Report;

/// What every long override begins with.
pub(super) const PREFIX: &str = "OPENTRACK__";

/// Lays the variables over `root`; a long name wins over a short one.
pub(super) fn apply(root: &mut Table, environment: &Environment, report: &Report<'_>) {
    for (variable, path, value) in short_names(environment) {
        put(root, &path, Node { raw: Some(value.clone()), ..text(variable, value) }, report);
    }
    for (variable, value) in environment.beginning_with(PREFIX) {
        let path: Vec<&str> = variable.strip_prefix(PREFIX).unwrap_or_default().split("__").collect();
        put(root, &path, Node::of_variable(variable, value), report);
    }
}

/// `NODE_ENV` knows more words than we do, and only one of them means production.
fn short_names(environment: &Environment) -> Vec<(&'static str, [&'static str; 2], String)> {
    let node_env = environment.filled("NODE_ENV").map(|word| match word {
        "production" => "production",
        _ => "development",
    });
    let pairs = [
        ("NODE_ENV", ["server", "environment"], node_env),
        ("OPENTRACK_ENV", ["server", "environment"], environment.filled("OPENTRACK_ENV")),
        ("OPENTRACK_LOG", ["server", "log"], environment.filled("OPENTRACK_LOG")),
    ];
    pairs.into_iter().filter_map(|(name, path, value)| Some((name, path, value?.to_owned()))).collect()
}

fn text(variable: &str, value: String) -> Node {
    Node { origin: Origin::Variable(variable.to_owned()), value: Value::Text(value), raw: None }
}

fn put(table: &mut Table, path: &[&str], node: Node, report: &Report<'_>) {
    let Some((segment, below)) = path.split_first().filter(|(segment, _)| !segment.is_empty()) else {
        return report.problem(&node.origin, "", "names no key: it must be `OPENTRACK__SECTION__KEY`");
    };
    let key = existing(table, segment);
    if below.is_empty() {
        let origin = node.origin.clone();
        table.insert(key, Field { origin, node });
        return;
    }
    let origin = node.origin.clone();
    let empty = Node { origin: origin.clone(), value: Value::Table(Table::new()), raw: None };
    let field = table.entry(key.clone()).or_insert(Field { origin, node: empty });
    match &mut field.node.value {
        Value::Table(inner) => put(inner, below, node, report),
        _ => report.problem(&node.origin, &key, format!("names a key below `{key}`, which is not a table")),
    }
}

/// Names of tables are free, but a variable has only capitals and no hyphen.
fn existing(table: &Table, segment: &str) -> String {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(segment);
    table.keys().find(|key| plain(key) == wanted).cloned().unwrap_or(wanted)
}
