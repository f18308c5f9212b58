//! What tables look like, and what must change before a batch fits.
//!
//! A schema is replaced as a whole and never changed in place, so that a plan sees one consistent state. Tables are
//! shared, which makes a new schema with one more column cheap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::conflicts::Conflicts;

/// The types that a warehouse column can have; each store has its own word for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnType {
    /// true or false.
    Bool,
    /// A 64-bit integer.
    Int,
    /// A 64-bit float.
    Float,
    /// An instant.
    Timestamp,
    /// Text; also what holds lists and anything mixed.
    Text,
    /// An exact decimal number. No event asks for it; a user's own table may have it.
    Numeric,
    /// Any JSON value. No event asks for it but through `_unmapped`.
    Json,
    /// What a user's own table has and no value of an event fits.
    Other,
}

impl ColumnType {
    /// Every type.
    pub const ALL: [ColumnType; 8] = [
        ColumnType::Bool,
        ColumnType::Int,
        ColumnType::Float,
        ColumnType::Timestamp,
        ColumnType::Text,
        ColumnType::Numeric,
        ColumnType::Json,
        ColumnType::Other,
    ];

    /// Returns the type's name, the same for every store.
    pub const fn as_str(self) -> &'static str {
        match self {
            ColumnType::Bool => "bool",
            ColumnType::Int => "int",
            ColumnType::Float => "float",
            ColumnType::Timestamp => "timestamp",
            ColumnType::Text => "text",
            ColumnType::Numeric => "numeric",
            ColumnType::Json => "json",
            ColumnType::Other => "other",
        }
    }

    /// Returns the type with this name.
    pub fn from_name(name: &str) -> Option<ColumnType> {
        ColumnType::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, already in the store's form.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Columns by name. Their order here is the order in which rows are written.
    pub columns: BTreeMap<String, ColumnType>,
}

/// All tables of one warehouse as last seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Tables by name.
    pub tables: BTreeMap<String, Arc<Table>>,
}

impl Schema {
    /// Returns the schema with these changes carried out.
    #[must_use]
    pub fn with(mut self, diff: &SchemaDiff) -> Schema {
        for (name, columns) in diff.create.iter().chain(&diff.add).chain(&diff.widen) {
            let table = Arc::make_mut(self.tables.entry(name.clone()).or_default());
            table.columns.extend(columns.iter().map(|column| (column.name.clone(), column.column_type)));
        }
        self
    }
}

/// Most tables that are doubted at a time.
const MAX_DOUBTS: usize = 100;

/// A table that may not be changed at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Why, in the store's words.
    pub why: String,
    /// What would have been changed and may be carried out by hand.
    pub wanted: SchemaDiff,
}

/// The schema that a destination's `plan` looks at: the tables as its schema store last saw them, and what may not be
/// changed, which its schema manager decides.
#[derive(Debug, Default)]
pub struct SchemaCell {
    tables: ArcSwap<Schema>,
    closed: ArcSwap<BTreeMap<String, Closed>>,
    conflicts: Mutex<Conflicts>,
    doubted: Mutex<BTreeSet<String>>,
}

impl SchemaCell {
    /// Returns the schema as last published.
    pub fn load(&self) -> Arc<Schema> {
        self.tables.load_full()
    }

    /// Publishes a new schema.
    pub fn store(&self, schema: Schema) {
        self.tables.store(Arc::new(schema));
    }

    /// Publishes what `change` makes of the present schema. It is called again when another change came first.
    pub fn change(&self, change: impl Fn(Schema) -> Schema) {
        self.tables.rcu(|schema| change(Schema::clone(schema)));
    }

    /// Says that a table is not what the schema says, so that its manager reads it anew soon.
    pub fn doubt(&self, table: &str) {
        let mut doubted = self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        if doubted.len() < MAX_DOUBTS && !doubted.contains(table) {
            doubted.insert(table.to_owned());
        }
    }

    /// Takes the tables that are doubted.
    pub fn take_doubts(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.doubted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the tables that may not be changed at present. Nobody should ask for a change of one of them.
    pub fn closed(&self) -> Arc<BTreeMap<String, Closed>> {
        self.closed.load_full()
    }

    /// Says anew which tables may not be changed.
    pub fn close(&self, closed: BTreeMap<String, Closed>) {
        self.closed.store(Arc::new(closed));
    }

    /// Returns what was seen of values that their column does not take.
    pub fn conflicts(&self) -> MutexGuard<'_, Conflicts> {
        self.conflicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What must change: sorted, so that the same needs give byte-equal DDL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaDiff {
    /// Tables to create with all their columns.
    pub create: BTreeMap<String, Vec<Column>>,
    /// Columns to add to tables that exist.
    pub add: BTreeMap<String, Vec<Column>>,
    /// Columns to widen, with their new type.
    pub widen: BTreeMap<String, Vec<Column>>,
}

impl SchemaDiff {
    /// Returns true when nothing must change.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.add.is_empty() && self.widen.is_empty()
    }

    /// Returns the changes of both. Where they differ about a column's type the wider one wins, so that the order of
    /// merging does not matter.
    #[must_use]
    pub fn merge(mut self, other: SchemaDiff) -> SchemaDiff {
        merge_columns(&mut self.create, other.create);
        merge_columns(&mut self.add, other.add);
        merge_columns(&mut self.widen, other.widen);
        self
    }

    /// Returns the same changes one after the other, each of at most so many tables: what is created first, then what is added.
    pub fn portions(self, tables: usize) -> Vec<SchemaDiff> {
        let none = SchemaDiff::default;
        let create = split(self.create, tables).map(|create| SchemaDiff { create, ..none() });
        let add = split(self.add, tables).map(|add| SchemaDiff { add, ..none() });
        let widen = split(self.widen, tables).map(|widen| SchemaDiff { widen, ..none() });
        create.chain(add).chain(widen).collect()
    }
}

/// Returns the tables in portions of at most so many, and of one at least.
fn split(
    mut all: BTreeMap<String, Vec<Column>>,
    tables: usize,
) -> impl Iterator<Item = BTreeMap<String, Vec<Column>>> {
    std::iter::from_fn(move || {
        let next = all.keys().nth(tables.max(1)).cloned();
        let rest = next.map(|next| all.split_off(&next)).unwrap_or_default();
        Some(std::mem::replace(&mut all, rest)).filter(|portion| !portion.is_empty())
    })
}

fn merge_columns(into: &mut BTreeMap<String, Vec<Column>>, from: BTreeMap<String, Vec<Column>>) {
    for (table, columns) in from {
        let known = into.entry(table).or_default();
        let mut merged: BTreeMap<String, ColumnType> = BTreeMap::new();
        for column in known.drain(..).chain(columns) {
            let joined =
                merged.get(&column.name).map_or(column.column_type, |was| join(*was, column.column_type));
            merged.insert(column.name, joined);
        }
        known.extend(merged.into_iter().map(|(name, column_type)| Column { name, column_type }));
    }
}

/// Returns the type that holds every value of both types.
pub fn join(one: ColumnType, other: ColumnType) -> ColumnType {
    match (one, other) {
        (same, also) if same == also => same,
        (ColumnType::Int, ColumnType::Float) | (ColumnType::Float, ColumnType::Int) => ColumnType::Float,
        _ => ColumnType::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, column_type: ColumnType) -> Column {
        Column { name: name.to_owned(), column_type }
    }

    fn adds(columns: &[Column]) -> SchemaDiff {
        SchemaDiff { add: BTreeMap::from([("t".to_owned(), columns.to_vec())]), ..SchemaDiff::default() }
    }

    #[test]
    fn portions_are_the_whole_in_its_order() {
        let tables = |names: &[&str]| {
            let table = |name: &&str| ((*name).to_owned(), vec![column("c", ColumnType::Text)]);
            names.iter().map(table).collect::<BTreeMap<_, _>>()
        };
        let (create, add, widen) = (tables(&["a", "b", "c", "d", "e"]), tables(&["f", "g"]), tables(&["h"]));
        let whole = SchemaDiff { create, add, widen };
        let portions = whole.clone().portions(2);
        let names = |portion: &SchemaDiff| {
            let all = [&portion.create, &portion.add, &portion.widen];
            all.iter().flat_map(|tables| tables.keys()).cloned().collect::<Vec<_>>().join("")
        };
        assert_eq!(portions.iter().map(names).collect::<Vec<_>>(), ["ab", "cd", "e", "fg", "h"]);
        assert_eq!(portions.into_iter().fold(SchemaDiff::default(), SchemaDiff::merge), whole);
        assert_eq!(SchemaDiff::default().portions(2), []);
        assert_eq!(whole.portions(0).len(), 8, "one at a time at least");
    }

    #[test]
    fn merging_joins_types_in_any_order() {
        let one = adds(&[column("b", ColumnType::Int), column("a", ColumnType::Bool)]);
        let two = adds(&[column("b", ColumnType::Float)]);
        let wanted = adds(&[column("a", ColumnType::Bool), column("b", ColumnType::Float)]);
        assert_eq!(one.clone().merge(two.clone()), wanted);
        assert_eq!(two.merge(one), wanted);
    }

    #[test]
    fn an_applied_diff_shows_in_the_schema() {
        let schema = Schema::default().with(&adds(&[column("a", ColumnType::Int)]));
        assert_eq!(schema.tables["t"].columns["a"], ColumnType::Int);
    }

    #[test]
    fn a_doubted_table_is_taken_once_and_there_are_never_too_many() {
        let cell = SchemaCell::default();
        (0..=MAX_DOUBTS).for_each(|table| cell.doubt(&table.to_string()));
        cell.doubt("0");
        assert_eq!((cell.take_doubts().len(), cell.take_doubts().len()), (MAX_DOUBTS, 0));
    }

    #[test]
    fn every_type_is_found_by_its_name() {
        assert!(ColumnType::ALL.into_iter().all(|kind| ColumnType::from_name(kind.as_str()) == Some(kind)));
    }
}
