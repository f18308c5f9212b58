//! Takes environment variables into the strings of the file: `${NAME}`, `${NAME:-default}`, `$$` for a dollar sign.
//!
//! Runs after the overrides, so that a string that a variable replaced needs nothing. Never quotes a value.

use super::environment::Environment;
use super::node::{Node, Origin, Table, Value};
use super::report::Report;

/// Expands every string of the file below `table`; `path` is the table's own key path.
pub(super) fn expand_all(table: &mut Table, path: &str, environment: &Environment, report: &Report<'_>) {
    for (key, field) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        expand_node(&mut field.node, &path, environment, report);
    }
}

fn expand_node(node: &mut Node, path: &str, environment: &Environment, report: &Report<'_>) {
    match &mut node.value {
        Value::Table(table) => expand_all(table, path, environment, report),
        Value::List(items) => {
            items.iter_mut().for_each(|item| expand_node(item, path, environment, report));
        }
        Value::Text(text) => {
            let Origin::File(offset) = node.origin else { return };
            match expand(text, environment) {
                Ok(Expanded { text: new, first: None }) => *text = new,
                Ok(Expanded { text: new, first: Some(variable) }) => {
                    node.raw = Some(new.clone());
                    node.origin = Origin::Taken(offset, variable);
                    *text = new;
                }
                Err(message) => report.problem(&node.origin, path, format!("`{path}` {message}")),
            }
        }
        _ => {}
    }
}

struct Expanded {
    text: String,
    /// The first variable that was asked for.
    first: Option<String>,
}

fn expand(text: &str, environment: &Environment) -> Result<Expanded, String> {
    let mut out = String::with_capacity(text.len());
    let mut first = None;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some(tail) = after.strip_prefix('{') {
            let (body, tail) = tail.split_once('}').ok_or("has a `${` without its `}`")?;
            let (name, default) = name_and_default(body)?;
            out.push_str(&look_up(name, default, environment)?);
            first.get_or_insert_with(|| name.to_owned());
            rest = tail;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(Expanded { text: out, first })
}

fn name_and_default(body: &str) -> Result<(&str, Option<&str>), String> {
    let (name, default) = match body.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (body, None),
    };
    let is_name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
    };
    if is_name(name) { Ok((name, default)) } else { Err("has a `${…}` that names no variable".to_owned()) }
}

/// As in a shell, `:-` also stands in for an empty variable.
fn look_up(name: &str, default: Option<&str>, environment: &Environment) -> Result<String, String> {
    match default {
        Some(default) => Ok(environment.filled(name).unwrap_or(default).to_owned()),
        None => environment.get(name).map(str::to_owned).ok_or_else(|| {
            format!("takes the environment variable `{name}`, which is not set and has no default")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let environment = Environment::from_iter([("NAME", "value"), ("EMPTY", "")]);
        expand(text, &environment).map(|expanded| expanded.text)
    }

    #[test]
    fn variables_defaults_and_escapes_are_expanded() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a ${NAME} b ${NAME}", "a value b value"),
            ("${MISSING:-x:-y}", "x:-y"),
            ("${MISSING:-}", ""),
            ("${EMPTY:-default}", "default"),
            ("${EMPTY}", ""),
            ("${NAME:-default}", "value"),
            ("$${NAME} costs $5 and 5$", "${NAME} costs $5 and 5$"),
            ("ü${NAME}ü", "üvalueü"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_expanded_is_said() {
        insta::assert_snapshot!(expanded("${MISSING}").unwrap_err(), @"takes the environment variable `MISSING`, which is not set and has no default");
        insta::assert_snapshot!(expanded("${NAME").unwrap_err(), @"has a `${` without its `}`");
        insta::assert_snapshot!(expanded("${1A}").unwrap_err(), @"has a `${…}` that names no variable");
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        let environment = Environment::from_iter([("A", "${B}"), ("B", "secret")]);
        assert_eq!(expand("${A}", &environment).unwrap_or_else(|_| unreachable!()).text, "${B}");
    }
}
