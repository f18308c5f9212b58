//! `[destinations.NAME]`: which destinations there are, which of them are on, and why.
//!
//! Knows a destination only through its registry entry, so that a new one needs no change here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::environment::Environment;
use super::node::{Field, Node, Origin, Table, Value};
use super::own::Own;
use super::problem::did_you_mean;
use super::read;
use super::section::{Section, Wrong};
use super::settings::{Destination, Privacy, Server, Start};
use super::{discretion, patience, tracker};
use crate::destinations::{self, Entry, Launcher, Setting};
use crate::policy::consent::Rules;
use crate::telemetry::Meter;

/// What every destination is read with.
pub(super) struct Context<'a> {
    /// Where relative paths start.
    pub(super) directory: PathBuf,
    /// Fills what the file leaves empty.
    pub(super) environment: &'a Environment,
    /// The destinations that exist.
    pub(super) entries: &'static [Entry],
    /// `[server]`, already read.
    pub(super) server: &'a Server,
    /// `[consent]` and `[privacy]`, already read.
    pub(super) discretion: (Rules, Privacy),
    /// `tracker.exclude_automatic`.
    pub(super) exclude_automatic: bool,
}

/// Whether a destination is on, and why: one line of `check`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Switch {
    /// Configured name.
    pub name: String,
    /// Kind of destination.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// On or off.
    pub enabled: bool,
    /// In words.
    pub why: String,
}

/// Adds a table for every destination that the environment alone describes and no table mentions.
pub(super) fn add_those_of_the_environment(root: &mut Table, entries: &[Entry], environment: &Environment) {
    let Some(first) = entries.iter().find_map(|entry| entry.about.required.first()) else { return };
    let empty = |variable: &str| Field {
        origin: Origin::Variable(variable.to_owned()),
        node: Node {
            origin: Origin::Variable(variable.to_owned()),
            value: Value::Table(Table::new()),
            raw: None,
        },
    };
    let field = root.entry("destinations".to_owned()).or_insert_with(|| empty(first.1));
    let Value::Table(tables) = &mut field.node.value else { return };
    for entry in entries.iter().filter(|entry| is_described(entry, environment)) {
        let mentions = |(name, field): (&String, &Field)| kind_of(name, field).as_deref() == Some(entry.kind);
        let variable = entry.about.required.first().map_or("", |(_, variable)| variable);
        if !tables.iter().any(mentions) {
            tables.entry(entry.kind.to_owned()).or_insert_with(|| empty(variable));
        }
    }
}

fn is_described(entry: &Entry, environment: &Environment) -> bool {
    let required = entry.about.required;
    !required.is_empty() && required.iter().all(|(_, variable)| environment.filled(variable).is_some())
}

fn kind_of(name: &str, field: &Field) -> Option<String> {
    let Value::Table(table) = &field.node.value else { return None };
    table.get("type").map_or(Some(name.to_owned()), |field| read::text(&field.node).ok())
}

/// Reads every table of `[destinations]`.
pub(super) fn destinations(section: &mut Section<'_>, context: &Context<'_>) -> Vec<(Destination, Switch)> {
    let names: Vec<&str> = section.rest().into_iter().map(|(name, _)| name).collect();
    let read_one = |name| section.within(name, |table| destination(name, table, context));
    names.into_iter().filter_map(read_one).collect()
}

fn destination(
    name: &str,
    section: &mut Section<'_>,
    context: &Context<'_>,
) -> Option<(Destination, Switch)> {
    check_name(name, section);
    let Some(entry) = entry(name, section, context.entries) else {
        section.rest();
        return None;
    };
    let enabled = section.optional("enabled", read::boolean);
    let patience = patience::patience(section, (entry.patience)());
    let mut events = section.within("events", patience::events);
    if context.exclude_automatic && !entry.stays_here {
        events.exclude.extend(tracker::automatic());
        events.without_automatic = true;
    }
    let discretion = discretion::discretion(section, entry, &context.discretion);
    let start = section.value("start", Start::Now, patience::start);
    let before = section.report.count();
    let mut own = Own::read(section, entry, &context.directory);
    own.fill(section, context.environment, &context.directory);
    let switch = switch(name, entry, enabled, &own);
    let settings = own.parse(section)?;
    let destination = Destination {
        name: name.to_owned(),
        enabled: switch.enabled,
        patience,
        events,
        discretion: Arc::new(discretion),
        start,
        settings,
        surroundings: surroundings(entry, context.environment),
        fingerprint: own.fingerprint(section),
    };
    if switch.enabled {
        own.report_missing(section);
        if section.report.count() == before {
            check_by_building(&destination, &own, section, context.server);
        }
    }
    Some((destination, switch))
}

/// A name becomes a file name, a metric label and a part of URLs.
fn check_name(name: &str, section: &Section<'_>) {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        section.this_is_wrong("a destination's name must be 1 to 64 letters, digits, `_` or `-`");
    }
}

fn entry(name: &str, section: &mut Section<'_>, entries: &'static [Entry]) -> Option<&'static Entry> {
    let written = section.field("type").is_some();
    let kind = section.value("type", name.to_owned(), read::text);
    let found = entries.iter().find(|entry| entry.kind == kind);
    let feature = destinations::LEFT_OUT.iter().find(|(left_out, _)| *left_out == kind);
    if let (None, Some((_, feature)), true) = (found, feature, section.is_present()) {
        section.this_is_wrong(&format!(
            "needs a program that was built with the feature `{feature}`, which this one was not: take the table away, \
             or build with `--features {feature}`"
        ));
    } else if found.is_none() && section.is_present() {
        let suggestion = did_you_mean(&kind, entries.iter().map(|entry| entry.kind));
        let message = format!("must be the type of a destination that exists, not \"{kind}\"");
        match section.field("type").filter(|_| written) {
            Some(field) => section.add("type", Wrong { suggestion, ..Wrong::at(&field.node, message) }),
            None => section.this_is_unknown(&kind, suggestion),
        }
    }
    found
}

fn switch(name: &str, entry: &'static Entry, enabled: Option<bool>, own: &Own) -> Switch {
    let missing = own.missing();
    let (is_on, why) = match enabled {
        Some(true) => (true, "`enabled = true`".to_owned()),
        Some(false) => (false, "`enabled = false`".to_owned()),
        None if entry.about.required.is_empty() => (true, "its table is present".to_owned()),
        None if missing.is_empty() => (true, "its required settings are present".to_owned()),
        None => (false, format!("not set: {}", names_of(&missing))),
    };
    Switch { name: name.to_owned(), kind: entry.kind, enabled: is_on, why }
}

fn names_of(missing: &[(&str, &str)]) -> String {
    let name = |(key, variable): &(&str, &str)| match variable.is_empty() {
        true => format!("`{key}`"),
        false => format!("`{key}` ({variable})"),
    };
    missing.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn surroundings(entry: &Entry, environment: &Environment) -> BTreeMap<String, String> {
    let named = entry.about.surroundings.iter();
    named.filter_map(|name| Some(((*name).to_owned(), environment.filled(name)?.to_owned()))).collect()
}

struct OnlyCheck;

impl Launcher for OnlyCheck {
    type Output = ();

    fn launch<D: destinations::Destination>(self, _: D, _: D::Client) {}
}

/// Building opens nothing, and a destination knows best what is wrong with its settings.
fn check_by_building(destination: &Destination, own: &Own, section: &Section<'_>, server: &Server) {
    let setting = setting(destination, server);
    let Err(errors) = destination.settings.clone().build(&setting, OnlyCheck) else { return };
    for error in errors {
        own.wrong(section, error.key, &error.message);
    }
}

/// Returns what a destination may know about the process. Its meter counts nothing: whoever runs it puts one in.
pub fn setting(destination: &Destination, server: &Server) -> Setting {
    Setting {
        name: destination.name.clone(),
        data_dir: server.data_dir.clone(),
        production: server.production,
        timeout: destination.patience.timeout,
        surroundings: destination.surroundings.clone(),
        site_salt: server.site_salt.clone(),
        meter: Meter::default(),
        live: Default::default(),
    }
}
