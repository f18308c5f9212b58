//! Which tables an event becomes, and which values each of its rows has.
//!
//! Segment's layout: a track call is a narrow row in `tracks` and a row in the table of its event; an identify call is
//! a row in `identifies` and the latest state in `users`. A draft does not know what the tables look like yet.

use super::UNMAPPED;
use super::columns::{ColumnId, Columns};
use super::flatten::{Flat, Leaf, each_key, flatten};
use super::names::{Dialect, LOADED_AT};
use super::schema::{Column, ColumnType};
use super::time::Precision;
use super::value::Value;
use crate::spec::{Event, Kind};

/// How a row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// A new row; one with the same `id` stays as it is.
    Insert,
    /// The latest state of one `id`; values of an older event never replace newer ones.
    Upsert,
}

/// One value with its column. For a collision the winner is already chosen.
pub type Cell<'a> = Leaf<'a>;

/// One row as the event alone would have it.
#[derive(Debug, Clone)]
pub struct RowDraft<'a> {
    /// The table's name.
    pub table: String,
    /// How it is written.
    pub write: Write,
    /// The values that the row needs a column for, no column twice.
    pub cells: Vec<Cell<'a>>,
    /// Values without a column, by their dotted path: what collides with a standard column or with another path.
    pub unmapped: Vec<Leaf<'a>>,
    /// True for the table of an event, whose values are kept in the row before when it cannot be created.
    pub is_event_table: bool,
}

/// All rows of one event, in the order in which they are written.
#[derive(Debug)]
pub struct Rows<'a> {
    /// One or two rows.
    pub drafts: Vec<RowDraft<'a>>,
}

/// Returns the rows that an event becomes. The outcome never depends on the order of its keys.
pub fn rows<'a>(event: &'a Event, columns: &mut Columns, max_depth: usize) -> Rows<'a> {
    let sections = Sections::read(event);
    let common = common(event, &sections, columns, max_depth);
    let custom = custom(event, &sections, columns, max_depth);
    let drafts = match event.head.kind {
        Kind::Track => track(event, common, custom, columns),
        Kind::Identify => stateful(event, common, custom, &IDENTIFY, columns),
        Kind::Group => stateful(event, common, custom, &GROUP, columns),
        Kind::Page => vec![custom.into_draft("pages", common)],
        Kind::Screen => vec![custom.into_draft("screens", common)],
        Kind::Alias => vec![custom.into_draft("aliases", common)],
    };
    Rows { drafts }
}

/// Returns the table that holds every value of an event: that of the call, for a track call that of its event.
pub fn own_table(event: &Event, dialect: &Dialect) -> String {
    let name = match event.head.kind {
        Kind::Track => return dialect.table(event.head.name.as_deref().unwrap_or_default()),
        Kind::Identify => IDENTIFY.calls,
        Kind::Group => GROUP.calls,
        Kind::Page => "pages",
        Kind::Screen => "screens",
        Kind::Alias => "aliases",
    };
    name.to_owned()
}

/// The objects of an event that become columns, as their own text.
#[derive(Debug, Default)]
struct Sections<'a> {
    context: Option<&'a str>,
    properties: Option<&'a str>,
    traits: Option<&'a str>,
    name: Option<&'a str>,
    category: Option<&'a str>,
}

impl<'a> Sections<'a> {
    fn read(event: &'a Event) -> Sections<'a> {
        let mut sections = Sections::default();
        each_key(std::str::from_utf8(&event.raw).unwrap_or_default(), |key, value| match &*key {
            "context" => sections.context = Some(value),
            "properties" => sections.properties = Some(value),
            "traits" => sections.traits = Some(value),
            "name" => sections.name = Some(value),
            "category" => sections.category = Some(value),
            _ => {}
        });
        sections
    }

    /// Returns the traits, or those that some libraries put into the context alone.
    fn traits(&self) -> Option<&'a str> {
        let own = self.traits.filter(|raw| !is_empty_object(raw));
        own.or_else(|| value_of(self.context?, "traits"))
    }
}

fn value_of<'a>(raw: &'a str, wanted: &str) -> Option<&'a str> {
    let mut found = None;
    each_key(raw, |key, value| {
        if key == wanted {
            found = Some(value);
        }
    });
    found
}

fn is_empty_object(raw: &str) -> bool {
    raw == "null"
        || (raw.starts_with('{') && raw.bytes().filter(|byte| !byte.is_ascii_whitespace()).count() == 2)
}

/// The values that every row of the event has, but for the ids.
struct Common<'a>(Vec<Cell<'a>>, Vec<Leaf<'a>>);

fn common<'a>(
    event: &'a Event,
    sections: &Sections<'a>,
    columns: &mut Columns,
    max_depth: usize,
) -> Common<'a> {
    let (head, receipt) = (&event.head, &event.receipt);
    let millis = |at| Value::Time(at, Precision::Millis);
    let text = |text: &'a str| Value::Text(text.into());
    let standard = [
        ("id", Some(text(&head.message_id))),
        ("anonymous_id", head.anonymous_id.as_deref().map(text)),
        ("user_id", head.user_id.as_deref().map(text)),
        ("received_at", Some(Value::Time(receipt.received_at, Precision::Micros))),
        ("sent_at", head.sent_at.map(millis)),
        ("timestamp", Some(millis(receipt.timestamp))),
        ("original_timestamp", head.original_timestamp.map(millis)),
        ("uuid_ts", Some(millis(receipt.received_at))),
        ("group_id", head.group_id.as_deref().map(text)),
        ("previous_id", head.previous_id.as_deref().map(text)),
    ];
    let mut cells: Vec<Cell<'a>> = Vec::with_capacity(48);
    for (name, value) in standard {
        cells.extend(value.map(|value| Leaf { id: columns.standard(name), value }));
    }
    let mut leaves = section(sections.context, ColumnId::CONTEXT, columns, max_depth);
    let ip = columns.child(ColumnId::CONTEXT, "ip");
    if let Some(address) = receipt.ip.filter(|_| leaves.iter().all(|leaf| leaf.id != ip)) {
        leaves.push(Leaf { id: ip, value: Value::Text(address.to_string().into()) });
    }
    let mut chosen = choose(leaves, columns, &[]);
    cells.append(&mut chosen.cells);
    Common(cells, chosen.unmapped)
}

/// What is left of a section when collisions are settled.
struct Chosen<'a> {
    cells: Vec<Cell<'a>>,
    unmapped: Vec<Leaf<'a>>,
}

fn custom<'a>(event: &Event, sections: &Sections<'a>, columns: &mut Columns, max_depth: usize) -> Chosen<'a> {
    let (raw, own) = match event.head.kind {
        Kind::Track | Kind::Page | Kind::Screen => (sections.properties, None),
        Kind::Identify => (sections.traits(), None),
        Kind::Group => (sections.traits(), Some("group_id")),
        Kind::Alias => (sections.properties.or(sections.traits), Some("previous_id")),
    };
    let mut leaves = section(raw, ColumnId::CUSTOM, columns, max_depth);
    let titles = match event.head.kind {
        Kind::Page | Kind::Screen => titles(sections, &mut leaves, columns),
        Kind::Track | Kind::Identify | Kind::Group | Kind::Alias => Vec::new(),
    };
    let taken: Vec<&str> = own.into_iter().chain(titles.iter().map(|(name, _)| *name)).collect();
    let mut chosen = choose(leaves, columns, &taken);
    for (name, value) in titles {
        chosen.cells.push(Leaf { id: columns.standard(name), value });
    }
    chosen
}

/// Takes `name` and `category` from the call itself; a property that says the same is not kept twice.
fn titles<'a>(
    sections: &Sections<'a>,
    leaves: &mut Vec<Leaf<'a>>,
    columns: &Columns,
) -> Vec<(&'static str, Value<'a>)> {
    let given = [("name", sections.name), ("category", sections.category)];
    let own = given.into_iter().filter_map(|(name, raw)| Some((name, Value::from_json(raw?)?)));
    let own: Vec<(&'static str, Value<'a>)> =
        own.filter(|(_, value)| *value != Value::Text("".into())).collect();
    leaves.retain(|leaf| {
        !own.iter().any(|(name, value)| columns.dotted(leaf.id) == *name && leaf.value == *value)
    });
    own
}

fn section<'a>(
    raw: Option<&'a str>,
    root: ColumnId,
    columns: &mut Columns,
    max_depth: usize,
) -> Vec<Leaf<'a>> {
    let mut flat = Flat { columns, leaves: Vec::with_capacity(32) };
    if let Some(raw) = raw {
        flatten(raw, root, max_depth.max(1), &mut flat);
    }
    flat.leaves
}

/// Returns the columns that a table has from the start: those that every row of it has, `_unmapped`, and
/// what the dialect adds.
pub fn base_columns(table: &str, dialect: &Dialect) -> Vec<Column> {
    let of_table: &[&str] = match table {
        "users" | "accounts" => &[],
        "identifies" => &["anonymous_id", "user_id"],
        "pages" | "screens" => &["anonymous_id", "user_id", "name", "category"],
        "groups" => &["anonymous_id", "user_id", "group_id"],
        "aliases" => &["anonymous_id", "user_id", "previous_id"],
        _ => &["anonymous_id", "user_id", "event", "event_text"],
    };
    let times = ["received_at", "sent_at", "timestamp", "original_timestamp", "uuid_ts"];
    let texts = ["id"].into_iter().chain(of_table.iter().copied());
    let texts = texts.map(|name| (name, ColumnType::Text)).chain([(UNMAPPED, dialect.unmapped)]);
    let times = times.into_iter().chain(dialect.loaded_at.then_some(LOADED_AT));
    let all = texts.chain(times.map(|name| (name, ColumnType::Timestamp)));
    let mut all: Vec<Column> =
        all.map(|(name, column_type)| Column { name: name.to_owned(), column_type }).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// Gives each column to one path and moves the others aside.
fn choose<'a>(leaves: Vec<Leaf<'a>>, columns: &mut Columns, taken: &[&str]) -> Chosen<'a> {
    let mut chosen = Chosen { cells: Vec::with_capacity(leaves.len()), unmapped: Vec::new() };
    columns.begin_list();
    for leaf in leaves {
        if columns.is_reserved(leaf.id) || (!taken.is_empty() && taken.contains(&columns.name(leaf.id))) {
            chosen.unmapped.push(leaf);
            continue;
        }
        let place = columns.place(leaf.id, chosen.cells.len());
        match chosen.cells.get_mut(place) {
            None => chosen.cells.push(leaf),
            // The same key twice in one object: the last one counts, as in every JSON parser.
            Some(before) if before.id == leaf.id => *before = leaf,
            Some(before) if columns.precedence(before.id) < columns.precedence(leaf.id) => {
                chosen.unmapped.push(leaf)
            }
            Some(before) => chosen.unmapped.push(std::mem::replace(before, leaf)),
        }
    }
    chosen
}

impl<'a> Chosen<'a> {
    fn into_draft(mut self, table: &str, common: Common<'a>) -> RowDraft<'a> {
        let Common(mut cells, mut unmapped) = common;
        cells.append(&mut self.cells);
        unmapped.append(&mut self.unmapped);
        RowDraft { table: table.to_owned(), write: Write::Insert, cells, unmapped, is_event_table: false }
    }
}

fn track<'a>(
    event: &'a Event,
    common: Common<'a>,
    custom: Chosen<'a>,
    columns: &mut Columns,
) -> Vec<RowDraft<'a>> {
    let name = event.head.name.as_deref().unwrap_or_default();
    let table = columns.dialect().table(name);
    let Common(mut cells, unmapped) = common;
    cells.push(Leaf { id: columns.standard("event"), value: Value::Text(table.clone().into()) });
    cells.push(Leaf { id: columns.standard("event_text"), value: Value::Text(name.into()) });
    let narrow = Chosen { cells: Vec::new(), unmapped: Vec::new() };
    let first = narrow.into_draft("tracks", Common(cells.clone(), unmapped.clone()));
    let second = custom.into_draft(&table, Common(cells, unmapped));
    vec![first, RowDraft { is_event_table: true, ..second }]
}

/// A pair of tables: every call, and the latest state by one id.
struct Pair {
    calls: &'static str,
    states: &'static str,
    not_in_states: &'static [&'static str],
}

const IDENTIFY: Pair =
    Pair { calls: "identifies", states: "users", not_in_states: &["anonymous_id", "user_id"] };
const GROUP: Pair =
    Pair { calls: "groups", states: "accounts", not_in_states: &["anonymous_id", "user_id", "group_id"] };

fn stateful<'a>(
    event: &'a Event,
    common: Common<'a>,
    custom: Chosen<'a>,
    pair: &Pair,
    columns: &mut Columns,
) -> Vec<RowDraft<'a>> {
    let call = custom.into_draft(pair.calls, common);
    let id = match event.head.kind {
        Kind::Group => event.head.group_id.as_deref(),
        _ => event.head.user_id.as_deref(),
    };
    let state = id.map(|id| {
        let own = columns.standard("id");
        let left_out: Vec<ColumnId> = pair.not_in_states.iter().map(|name| columns.standard(name)).collect();
        let kept = call.cells.iter().filter(|cell| !left_out.contains(&cell.id) && cell.id != own);
        let mut cells = vec![Leaf { id: own, value: Value::Text(id.into()) }];
        cells.extend(kept.cloned());
        let unmapped = call.unmapped.clone();
        RowDraft {
            table: pair.states.to_owned(),
            write: Write::Upsert,
            cells,
            unmapped,
            is_event_table: false,
        }
    });
    std::iter::once(call).chain(state).collect()
}
