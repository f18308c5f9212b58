//! A workspace as a configuration of ours. Pure.
//!
//! A type is known by its name, and a setting by its key, as both are told by the registry of destinations.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value};

use super::read::{Destination, Workspace};
use crate::destinations::{ENTRIES, Entry};

/// What marks a setting whose value is not to be copied, beside its type.
const SECRET: [&str; 6] = ["key", "token", "secret", "password", "credential", "header"];

/// What others call a setting of ours in words of their own.
const ALSO: [(&str, &str); 3] =
    [("datacenter", "region"), ("datacentereu", "region"), ("accountregion", "region")];

/// A configuration, and what is to be said about it.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) text: String,
    pub(super) sources: usize,
    pub(super) destinations: usize,
    /// Types that do not exist here.
    pub(super) unknown: Vec<String>,
    /// Variables that must be set.
    pub(super) variables: Vec<String>,
}

/// Returns the configuration.
pub(super) fn config(workspace: &Workspace) -> Made {
    let mut made = Made {
        text: "# Imported; `opentrack check` says what is still missing.\n".to_owned(),
        ..Made::default()
    };
    let mut names = BTreeSet::new();
    for source in &workspace.sources {
        let name = free(&source.name, "source", &mut names);
        let keys: Vec<String> = source.write_keys.iter().map(|key| quoted(key)).collect();
        let off = if source.enabled && !keys.is_empty() { "" } else { "# " };
        let why = if off.is_empty() { "" } else { "# It is off in the export, or has no write key.\n" };
        made.sources += usize::from(off.is_empty());
        put(
            &mut made.text,
            format_args!("\n{why}{off}[sources.{name}]\n{off}write_keys = [{}]\n", keys.join(", ")),
        );
    }
    let mut names = BTreeSet::new();
    for destination in workspace.destinations.values() {
        match entry(destination) {
            Some(entry) => {
                let name = free(&destination.name, entry.kind, &mut names);
                let all = workspace.sources.len();
                made.destination(entry, (&name, destination), all);
            }
            None => made.unknown(destination),
        }
    }
    made.variables.sort();
    made.variables.dedup();
    made
}

impl Made {
    fn destination(&mut self, entry: &Entry, (name, destination): (&str, &Destination), sources: usize) {
        self.destinations += 1;
        put(&mut self.text, format_args!("\n# {}\n", comment(&destination.name)));
        if destination.sources.len() < sources && !destination.sources.is_empty() {
            let of = comment(&destination.sources.join(", "));
            put(
                &mut self.text,
                format_args!("# There it gets events of {of} alone; here of every source.\n"),
            );
        }
        put(&mut self.text, format_args!("[destinations.{name}]\ntype = {}\n", quoted(entry.kind)));
        put(&mut self.text, format_args!("enabled = {}\n", destination.enabled));
        let mut taken = BTreeSet::new();
        for (key, default) in (entry.defaults)() {
            let is_required = entry.about.required.iter().any(|(required, _)| *required == key);
            let found = found(&destination.settings, &key, is_required);
            let value = found.and_then(|setting| meant(setting, (&key, &default), is_required));
            let is_secret = is_secret(entry, &key);
            let is_hidden = is_secret && default.is_str();
            let value = match value.filter(|_| !is_secret) {
                Some(value) => value,
                None if is_required || (found.is_some() && is_hidden) => {
                    self.variable(variable(entry, name, &key), destination.enabled)
                }
                None => continue,
            };
            put(&mut self.text, format_args!("{key} = {value}\n"));
            taken.extend(found.map(|(theirs, _)| theirs.clone()));
        }
        let left: Vec<&str> =
            destination.settings.keys().map(String::as_str).filter(|key| !taken.contains(*key)).collect();
        if !left.is_empty() {
            put(&mut self.text, format_args!("# Not taken over: {}\n", comment(&left.join(", "))));
        }
    }

    /// Returns a reference to a variable, which must be set where its destination is on.
    fn variable(&mut self, variable: String, is_on: bool) -> String {
        let reference = format!("\"${{{variable}{}}}\"", if is_on { "" } else { ":-" });
        self.variables.extend(is_on.then_some(variable));
        reference
    }

    fn unknown(&mut self, destination: &Destination) {
        let kind = destination.types.first().cloned().unwrap_or_else(|| "no type".to_owned());
        let (name, shown) = (comment(&destination.name), comment(&kind));
        put(&mut self.text, format_args!("\n# {name}: there is no destination of the type {shown} here.\n"));
        self.unknown.push(kind);
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A text takes everything.
    text.write_fmt(what).unwrap_or_default();
}

/// Returns the destination of ours that one of these names means.
fn entry(destination: &Destination) -> Option<&'static Entry> {
    let means = |entry: &&Entry, theirs: &str| {
        let (kind, title) = (bare(entry.kind), bare(entry.about.title));
        theirs.contains(&kind) || theirs.contains(&title) || (theirs.len() >= 6 && title.starts_with(theirs))
    };
    destination.types.iter().find_map(|theirs| ENTRIES.iter().find(|entry| means(entry, &bare(theirs))))
}

/// Returns the setting of theirs that means this one of ours, by its letters before by other words. Of several others a switch
/// that is on comes first, as it does there, then one that says something.
fn found<'a>(
    settings: &'a Map<String, Value>,
    key: &str,
    is_required: bool,
) -> Option<(&'a String, &'a Value)> {
    let same = settings.iter().find(|(theirs, _)| is_same(theirs, key, is_required));
    let also = settings.iter().filter(|(theirs, _)| ALSO.contains(&(bare(theirs).as_str(), key)));
    let says =
        |(theirs, value): &(&String, &Value)| (value.as_bool() == Some(true), place(theirs, value).is_some());
    same.or_else(|| also.max_by_key(says))
}

/// Returns the value of this setting of theirs as ours takes it.
fn meant(
    (theirs, value): (&String, &Value),
    (key, default): (&str, &toml::Value),
    is_required: bool,
) -> Option<String> {
    if is_same(theirs, key, is_required) { value_like(value, default) } else { place(theirs, value) }
}

/// Returns the region that a setting of other words means: the first word of `EU 🇪🇺`, or the last letters of a switch that is
/// on (`datacenterEU`).
fn place(theirs: &str, value: &Value) -> Option<String> {
    let named = match value {
        Value::String(text) => text.split_whitespace().next().filter(|word| !word.contains("${"))?.to_owned(),
        Value::Bool(true) => bare(theirs).strip_prefix("datacenter")?.to_uppercase(),
        _ => return None,
    };
    (!named.is_empty()).then(|| quoted(&named))
}

/// Returns whether their key means ours: the same letters, or, where ours is needed, theirs with a word before it.
fn is_same(theirs: &str, ours: &str, is_required: bool) -> bool {
    let (theirs, ours) = (bare(theirs), bare(ours));
    theirs == ours || (is_required && theirs.ends_with(&ours))
}

/// Returns the value where it is of the kind of the default.
fn value_like(value: &Value, default: &toml::Value) -> Option<String> {
    match (value, default) {
        (Value::String(text), toml::Value::String(_)) if !text.is_empty() && !text.contains("${") => {
            Some(quoted(text))
        }
        (Value::Bool(on), toml::Value::Boolean(_)) => Some(on.to_string()),
        (Value::Number(number), toml::Value::Integer(_)) => number.as_i64().map(|number| number.to_string()),
        _ => None,
    }
}

fn is_secret(entry: &Entry, key: &str) -> bool {
    SECRET.iter().any(|word| key.contains(word)) || is_of_secret_type(entry, key)
}

/// Returns whether the destination itself keeps the setting secret: it takes a text there that its settings do not show.
fn is_of_secret_type(entry: &Entry, key: &str) -> bool {
    const PROBE: &str = "a-text-like-no-other";
    let table = toml::Table::from_iter([(key.to_owned(), PROBE.into())]);
    (entry.parse)(table).is_ok_and(|settings| !format!("{settings:?}").contains(PROBE))
}

fn variable(entry: &Entry, name: &str, key: &str) -> String {
    let known = entry.about.required.iter().chain(entry.about.variables);
    let known = known
        .filter(|(other, variable)| *other == key && !variable.is_empty())
        .map(|(_, variable)| *variable);
    let own = || format!("{name}_{key}").replace('-', "_").to_uppercase();
    known.map(str::to_owned).next().unwrap_or_else(own)
}

/// Returns a name for a table that is not taken yet.
fn free(name: &str, usual: &str, taken: &mut BTreeSet<String>) -> String {
    let parts = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name = parts.collect::<Vec<_>>().join("_").to_lowercase();
    let name = if name.is_empty() { usual.to_owned() } else { name };
    let mut number = 1;
    let mut wanted = name.clone();
    while !taken.insert(wanted.clone()) {
        number += 1;
        wanted = format!("{name}_{number}");
    }
    wanted
}

/// Returns the letters and digits alone, in lower case.
fn bare(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A comment ends at the end of its line.
fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
