//! A destination's own settings: everything in its table that is not a common key.
//!
//! The closed list of keys and their types come from the destination's registry entry. A value is never quoted in a
//! problem: it may be a password.

use std::collections::BTreeMap;
use std::path::Path;

use super::environment::Environment;
use super::fingerprint::Fingerprint;
use super::node::{Field, Node, Origin, Value};
use super::patience::absolute;
use super::read;
use super::section::{Section, Wrong};
use crate::destinations::{Entry, Settings};

/// The own settings of one destination while they are read.
pub(super) struct Own {
    entry: &'static Entry,
    defaults: toml::Table,
    values: toml::Table,
    origins: BTreeMap<String, Origin>,
}

impl Own {
    /// Takes every key that is left in `section`; reports those that do not exist and those of a wrong type.
    pub(super) fn read(section: &mut Section<'_>, entry: &'static Entry, directory: &Path) -> Own {
        let defaults = (entry.defaults)();
        let mut own = Own { entry, defaults, values: toml::Table::new(), origins: BTreeMap::new() };
        let common = section.asked().to_vec();
        for (key, field) in section.rest() {
            own.take(section, key, field, (directory, &common));
        }
        own
    }

    fn take(
        &mut self,
        section: &Section<'_>,
        key: &str,
        field: &Field,
        (directory, common): (&Path, &[&str]),
    ) {
        let value = self.value_of(key, &field.node, directory);
        let (value, tried) = self.try_both(key, value, &field.node);
        match tried {
            Ok(()) => {
                self.values.insert(key.to_owned(), value);
                self.origins.insert(key.to_owned(), field.node.origin.clone());
            }
            Err(message) if self.is_unknown(key, &message) => {
                let own = self.defaults.keys().map(String::as_str);
                let known: Vec<&str> = own.chain(common.iter().copied()).collect();
                section.unknown(key, &field.origin, &known);
            }
            Err(message) => {
                let node = self.culprit(key, &field.node);
                section.add(key, Wrong::at(node, without_the_value(&message, node)));
            }
        }
    }

    /// Returns the member of a table that is refused also alone, else the value as a whole.
    fn culprit<'n>(&self, key: &str, node: &'n Node) -> &'n Node {
        let Value::Table(members) = &node.value else { return node };
        let is_refused = |(name, member): &(&String, &Field)| {
            let alone = toml::Table::from_iter([((*name).clone(), member.node.to_toml())]);
            self.try_alone(key, toml::Value::Table(alone)).is_err()
        };
        members.iter().find(is_refused).map_or(node, |(_, member)| &member.node)
    }

    /// The default may be a word where a boolean is fine as well, so text of the environment is tried as both.
    fn try_both(&self, key: &str, value: toml::Value, node: &Node) -> (toml::Value, Result<(), String>) {
        let tried = self.try_alone(key, value.clone());
        if tried.is_err() && node.raw.is_some() {
            let typed = Node { value: read::typed(node), ..node.clone() }.to_toml();
            if self.try_alone(key, typed.clone()).is_ok() {
                return (typed, Ok(()));
            }
        }
        (value, tried)
    }

    /// A key without a default is not in the list of defaults, but the destination itself knows it.
    fn is_unknown(&self, key: &str, message: &str) -> bool {
        !self.defaults.contains_key(key) && message.starts_with("unknown field")
    }

    fn try_alone(&self, key: &str, value: toml::Value) -> Result<(), String> {
        let mut table = self.defaults.clone();
        table.insert(key.to_owned(), value);
        (self.entry.parse)(table).map(|_| ()).map_err(|error| error.message().to_owned())
    }

    fn value_of(&self, key: &str, node: &Node, directory: &Path) -> toml::Value {
        let default = self.defaults.get(key);
        located(key, typed_like(default, node), default, directory)
    }

    /// Fills settings that are empty from their environment variables.
    pub(super) fn fill(&mut self, section: &Section<'_>, environment: &Environment, directory: &Path) {
        for (key, variable) in self.entry.about.variables {
            let is_said = self.values.get(*key).is_some_and(|value| !is_empty(value));
            let Some(text) = environment.filled(variable).filter(|_| !is_said) else { continue };
            let node = Node::of_variable(variable, text);
            self.values.remove(*key);
            self.take(section, key, &Field { origin: node.origin.clone(), node }, (directory, &[]));
        }
        for (key, variable) in self.missing() {
            let Some(text) = self.said(key, variable, environment) else { continue };
            let value = typed_like(self.defaults.get(key), &Node::of_variable(variable, &text));
            self.values.insert(key.to_owned(), value);
            self.origins.insert(key.to_owned(), Origin::Variable(variable.to_owned()));
        }
    }

    /// Returns what the environment says about a required setting, in one variable or in several.
    fn said(&self, key: &str, variable: &str, environment: &Environment) -> Option<String> {
        let get = |name: &str| environment.filled(name).map(str::to_owned);
        match self.entry.composed.iter().find(|composed| composed.key == key) {
            Some(composed) => (composed.compose)(&get),
            None => get(variable),
        }
    }

    /// Returns the required settings that are empty, with the variables that would fill them.
    pub(super) fn missing(&self) -> Vec<(&'static str, &'static str)> {
        let value = |key: &str| self.values.get(key).or_else(|| self.defaults.get(key));
        let is_missing = |(key, _): &&(&'static str, &'static str)| value(key).is_none_or(is_empty);
        self.entry.about.required.iter().filter(is_missing).copied().collect()
    }

    /// Reports the required settings that are empty.
    pub(super) fn report_missing(&self, section: &Section<'_>) {
        for (key, variable) in self.missing() {
            let mut message = "must be set because the destination is switched on".to_owned();
            if !variable.is_empty() {
                message.push_str(&format!(": give it a value or set the environment variable `{variable}`"));
            }
            section.wrong(key, message);
        }
    }

    /// Returns the settings, or reports why there are none.
    pub(super) fn parse(&self, section: &Section<'_>) -> Option<Settings> {
        let parsed = (self.entry.parse)(self.values.clone());
        parsed.map_err(|error| section.this_is_wrong(&without_the_found(error.message()))).ok()
    }

    /// Returns the fingerprint of the destination as a whole: its table, and what the environment filled.
    pub(super) fn fingerprint(&self, section: &Section<'_>) -> Fingerprint {
        Fingerprint::of(section.table(), &self.values)
    }

    /// Reports a problem of one key at the place where its value came from.
    pub(super) fn wrong(&self, section: &Section<'_>, key: &str, message: &str) {
        match self.origins.get(key) {
            Some(origin) => {
                section.add(key, Wrong::from(origin.clone(), message));
            }
            None => section.wrong(key, message),
        }
    }
}

/// Makes the paths in a value absolute: the value itself, or those members of a table that the destination knows.
fn located(key: &str, value: toml::Value, default: Option<&toml::Value>, directory: &Path) -> toml::Value {
    match (value, default) {
        (toml::Value::String(text), _) if is_path(key) => toml::Value::String(absolute(directory, &text)),
        (toml::Value::Table(members), Some(toml::Value::Table(known))) => {
            let member = |(name, value): (String, toml::Value)| match known.get(&name) {
                Some(default) => (name.clone(), located(&name, value, Some(default), directory)),
                None => (name, value),
            };
            toml::Value::Table(members.into_iter().map(member).collect())
        }
        (value, _) => value,
    }
}

/// By their names, these are files.
fn is_path(key: &str) -> bool {
    key == "path" || key.ends_with("_file") || key.ends_with("_path")
}

fn is_empty(value: &toml::Value) -> bool {
    match value {
        toml::Value::String(text) => text.is_empty(),
        toml::Value::Array(items) => items.is_empty(),
        toml::Value::Table(table) => table.is_empty(),
        _ => false,
    }
}

/// What the environment gave takes the type of the default; what the file says is taken as it is.
fn typed_like(default: Option<&toml::Value>, node: &Node) -> toml::Value {
    let Some(raw) = &node.raw else { return node.to_toml() };
    match (default, &node.value) {
        (Some(toml::Value::String(_)), _) => toml::Value::String(raw.clone()),
        (Some(toml::Value::Array(_)), Value::List(_)) => node.to_toml(),
        (Some(toml::Value::Array(_)), _) => {
            toml::Value::Array(read::split(node, raw).iter().map(Node::to_toml).collect())
        }
        (Some(_), Value::Text(_)) => Node { value: read::typed(node), ..node.clone() }.to_toml(),
        _ => node.to_toml(),
    }
}

fn without_the_value(message: &str, node: &Node) -> String {
    let found = node.value.type_name();
    match message.split_once(", expected ") {
        Some((kind, expected)) if kind.starts_with("invalid type") => {
            format!("must be {expected}, not {found}")
        }
        _ => without_the_found(message),
    }
}

/// Messages of the parser read `invalid value: string "…", expected …`: only the last part is safe to show.
fn without_the_found(message: &str) -> String {
    let first_line = message.lines().next().unwrap_or_default();
    match first_line.split_once(", expected ") {
        Some((_, expected)) => format!("must be {expected}"),
        None => first_line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_a_table_are_located_where_the_destination_knows_them() {
        let table = |text: &str| toml::Value::Table(text.parse().unwrap());
        let given = table("ca_file = \"ca.pem\"\nname = \"x\"\nmy_file = \"as it is\"");
        let known = table("ca_file = \"\"\nname = \"\"");
        let located = located("security", given, Some(&known), Path::new("/etc/router"));
        assert_eq!(located, table("ca_file = \"/etc/router/ca.pem\"\nname = \"x\"\nmy_file = \"as it is\""));
    }
}
