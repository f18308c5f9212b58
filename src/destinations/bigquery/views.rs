//! The views beside the tables: one deduplicated view for each table, and views of people, sessions and days. Pure.
//!
//! Says what has to be made or made anew, given what stands there. A view of somebody else is never touched: ours carry
//! a label with the hash of their text. Views are made of tables only, so that none depends on another one's fate.

mod activity;
mod flat;
mod funnel;
mod people;
mod repair;
pub(super) mod sql;
mod tables;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::config::{Config, DedupScope, TableLayout};
use super::ddl::Names;
use crate::warehouse::{ColumnType, Conflicts, Schema, Table};

pub use flat::Observed;
pub use funnel::funnel;
pub(super) use people::newest;
pub use repair::repair;
pub(super) use tables::is_text_name;

/// The label of our views; its value is the hash of the view's text.
pub const LABEL: &str = "opentrack_view_hash";

/// Changes whenever the templates change what they say for reasons that the text itself does not show.
const VERSION: &str = "1";

/// Most characters of a view's text: <https://cloud.google.com/bigquery/quotas#view_limits>.
const MAX_TEXT: usize = 256 * 1024;

/// Tables that have no view of their own: they hold one row for each id already.
const STATES: [&str; 2] = ["accounts", "users"];

/// Where tables and views are, and how views are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the tables are.
    pub(super) tables: Names,
    /// Where the views are.
    pub(super) views: Names,
    /// Which rows with one `id` are the same event. A repeated row has the day of the first one, so that those of one day
    /// are enough.
    pub(super) dedup_scope: DedupScope,
    /// Whether a table must be asked with a filter on its partition; then the views carry one that keeps every row.
    pub(super) require_partition_filter: bool,
    /// The one table of the flat layout.
    pub(super) flat: Option<String>,
}

impl From<&Config> for Options {
    fn from(config: &Config) -> Options {
        Options {
            tables: config.names(),
            views: config.view_names(),
            dedup_scope: config.dedup_scope,
            require_partition_filter: config.require_partition_filter,
            flat: (config.layout() == TableLayout::Flat).then(|| config.flat_table().to_owned()),
        }
    }
}

/// One view as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its name in the dataset of the views.
    pub name: String,
    /// What it says, for humans.
    pub description: String,
    /// Its query.
    pub query: String,
    /// The columns that it shows as text beside their own type.
    pub texts: BTreeSet<String>,
}

/// What stands in the dataset of the views under some name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existing {
    /// A view of ours.
    Ours {
        /// Value of its [`LABEL`].
        hash: String,
        /// Its columns, at least those that show others as text, so that a column that a view once had is kept; empty when
        /// they are not known.
        columns: BTreeSet<String>,
    },
    /// A table or view of somebody else.
    Foreign,
}

/// What has to be done about one view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewChange {
    /// Its name in the dataset of the views.
    pub name: String,
    /// What has to be done.
    pub action: Action,
    /// The statement that does it, ready to run; what it would be where nothing is to be done.
    pub sql: String,
    /// The hash that the view has afterwards.
    pub hash: String,
    /// The columns that it shows as text afterwards.
    pub texts: BTreeSet<String>,
}

/// See [`ViewChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// There is none of this name.
    Create,
    /// Ours says something else.
    Replace,
    /// Ours says just this.
    Leave,
    /// Somebody else's table or view has the name.
    Refuse,
}

impl Action {
    /// Returns the word for people and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Replace => "replace",
            Action::Leave => "leave",
            Action::Refuse => "refuse",
        }
    }
}

/// Columns of each table that have seen values which they do not take.
type Texts = BTreeMap<String, BTreeSet<String>>;

/// What was seen in passing events.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Columns that saw values which they do not take.
    pub conflicts: &'a Conflicts,
    /// Properties of each event, for the flat layout.
    pub observed: &'a Observed,
}

/// Returns what has to be done so that the views fit the tables, those of tables first, in order; for the flat layout one
/// view for each event. The same for the same arguments; carried out, a second call leaves everything.
pub fn plan(
    schema: &Schema,
    seen: &Seen<'_>,
    existing: &BTreeMap<String, Existing>,
    options: &Options,
) -> Vec<ViewChange> {
    let views = match &options.flat {
        Some(name) => {
            let table = schema.tables.get(name).filter(|table| flat::has_views(table));
            table.map_or_else(Vec::new, |table| flat::views(&FlatTable { name, table }, seen.observed, options))
        }
        None => all(schema, &texts(schema, seen.conflicts, existing), options),
    };
    views.into_iter().map(|view| change(view, existing, options)).collect()
}

/// The one table of the flat layout.
#[derive(Debug, Clone, Copy)]
struct FlatTable<'a> {
    /// Its name.
    name: &'a str,
    /// Its columns.
    table: &'a Table,
}

fn change(view: View, existing: &BTreeMap<String, Existing>, options: &Options) -> ViewChange {
    let hash = hash(&view);
    let action = match existing.get(&view.name) {
        None => Action::Create,
        Some(Existing::Foreign) => Action::Refuse,
        Some(Existing::Ours { hash: there, .. }) if *there == hash => Action::Leave,
        Some(Existing::Ours { .. }) => Action::Replace,
    };
    let sql = statement(&view, &hash, action, options);
    ViewChange { name: view.name, action, sql, hash, texts: view.texts }
}

/// A view that appeared a moment ago may be somebody else's, so only what is known to be ours is replaced.
fn statement(view: &View, hash: &str, action: Action, options: &Options) -> String {
    let verb = match action {
        Action::Replace | Action::Leave => "CREATE OR REPLACE VIEW",
        Action::Create | Action::Refuse => "CREATE VIEW IF NOT EXISTS",
    };
    let name = options.views.table(&view.name);
    let description = sql::text(&view.description);
    format!(
        "{verb} {name}\nOPTIONS (description = {description}, labels = [('{LABEL}', '{hash}')])\nAS\n{}",
        view.query
    )
}

/// The values of labels have at most 63 characters, so half of the digits must do:
/// <https://cloud.google.com/bigquery/docs/labels-intro#requirements>.
fn hash(view: &View) -> String {
    let said = [VERSION, &view.description, &view.query].join("\n");
    Sha256::digest(said.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Returns every view of these tables.
fn all(schema: &Schema, texts: &Texts, options: &Options) -> Vec<View> {
    let derived = people::views(schema, options).into_iter().chain(activity::views(schema, options));
    let derived: Vec<View> = derived.collect();
    let mut taken: BTreeSet<String> = derived.iter().map(|view| view.name.clone()).collect();
    let mut views = Vec::new();
    for (name, table) in of_events(schema) {
        let view = free_name(name, &taken);
        taken.insert(view.clone());
        let none = BTreeSet::new();
        let texts = texts.get(name).unwrap_or(&none);
        views.push(tables::view(view, (name, table), texts, options));
    }
    views.extend(derived);
    views
}

/// Returns the tables that hold one row for each event: those with an id and an arrival.
fn of_events(schema: &Schema) -> impl Iterator<Item = (&str, &Table)> {
    schema.tables.iter().map(|(name, table)| (name.as_str(), &**table)).filter(|(name, table)| {
        let has = |column: &str| table.columns.contains_key(column);
        has("id") && has("received_at") && !name.ends_with("_view") && !STATES.contains(name)
    })
}

/// Returns the name of a table's view: an event "Sessions" does not take the name of the view of sessions.
fn free_name(table: &str, taken: &BTreeSet<String>) -> String {
    let mut name = format!("{table}_view");
    while taken.contains(&name) {
        name.insert_str(0, "event_");
    }
    name
}

/// Returns which columns are also shown as text: those that have seen something else, and those that a view of ours
/// has shown so before, since what was seen is forgotten when the process ends.
fn texts(schema: &Schema, conflicts: &Conflicts, existing: &BTreeMap<String, Existing>) -> Texts {
    let mut texts = Texts::new();
    for (conflict, _) in conflicts.all() {
        texts.entry(conflict.table.clone()).or_default().insert(conflict.column.clone());
    }
    for (name, table) in of_events(schema) {
        let Some(Existing::Ours { columns, .. }) = existing.get(&format!("{name}_view")) else { continue };
        let shown = table.columns.keys().filter(|column| {
            let text = tables::text_name(column, table);
            columns.contains(&text)
        });
        texts.entry(name.to_owned()).or_default().extend(shown.cloned());
    }
    texts
}

/// Returns the condition that a query of one of our tables must have at least. `QUALIFY` asks for a `WHERE` too.
fn condition(options: &Options) -> &'static str {
    match options.require_partition_filter {
        true => "t.`received_at` >= TIMESTAMP '1970-01-01'",
        false => "TRUE",
    }
}

/// Returns the clause that keeps one row of each event.
fn dedup(options: &Options) -> String {
    let same = match options.dedup_scope {
        DedupScope::Day => "t.`id`, DATE(t.`received_at`)",
        DedupScope::All => "t.`id`",
    };
    format!("QUALIFY ROW_NUMBER() OVER (PARTITION BY {same} ORDER BY t.`received_at`) = 1")
}

/// Returns a column of `t` as a value of this type: NULL where the table has none, or nothing of that kind.
fn or_null(table: &Table, column: &str, column_type: ColumnType) -> String {
    let has = table.columns.get(column);
    has.and_then(|has| sql::cast(&sql::of_t(column), *has, column_type))
        .unwrap_or_else(|| format!("CAST(NULL AS {})", sql::word(column_type)))
}
