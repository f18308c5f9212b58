//! A schema made ready for lookups: which column of a table a path goes to, at the cost of an index.
//!
//! A view of a table stays valid while neither the table nor the known paths change, so that a stream in its usual
//! shape never compares a name.

use std::collections::HashMap;
use std::sync::Arc;

use super::columns::{ColumnId, Columns};
use super::schema::{ColumnType, Schema, Table};

/// Where a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The place of the column in the order of [`Table::columns`].
    pub index: usize,
    /// Its type.
    pub column_type: ColumnType,
}

/// One table with its lookups.
#[derive(Debug)]
pub struct TableView {
    table: Arc<Table>,
    by_name: HashMap<String, Slot>,
    /// By the index of a path: not looked up yet, or the answer.
    by_path: Vec<Option<Option<Slot>>>,
}

impl TableView {
    /// Returns a view of one table.
    pub fn new(table: Arc<Table>) -> TableView {
        let slots = table.columns.iter().enumerate();
        let by_name =
            slots.map(|(index, (name, kind))| (name.clone(), Slot { index, column_type: *kind })).collect();
        TableView { table, by_name, by_path: Vec::new() }
    }

    /// Returns the table as it is.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Returns where a column of this name is, if the table has it.
    pub fn named(&self, name: &str) -> Option<Slot> {
        self.by_name.get(name).copied()
    }

    /// Returns where the value of a path goes, if the table has its column.
    pub fn slot(&mut self, id: ColumnId, columns: &Columns) -> Option<Slot> {
        if let Some(Some(known)) = self.by_path.get(id.index()) {
            return *known;
        }
        let found = self.named(columns.name(id));
        if self.by_path.len() <= id.index() {
            self.by_path.resize(id.index().saturating_add(1), None);
        }
        if let Some(place) = self.by_path.get_mut(id.index()) {
            *place = Some(found);
        }
        found
    }
}

/// The views of one schema.
#[derive(Debug, Default)]
pub struct Layout {
    schema: Arc<Schema>,
    generation: u64,
    views: HashMap<String, TableView>,
}

impl Layout {
    /// Takes a schema; views of tables that did not change stay.
    pub fn refresh(&mut self, schema: Arc<Schema>, columns: &Columns) {
        if self.generation != columns.generation() {
            self.views.clear();
            self.generation = columns.generation();
        }
        if Arc::ptr_eq(&self.schema, &schema) {
            return;
        }
        let is_same = |name: &String, view: &TableView| {
            schema.tables.get(name).is_some_and(|table| Arc::ptr_eq(table, &view.table))
        };
        self.views.retain(|name, view| is_same(name, view));
        self.schema = schema;
    }

    /// Returns the schema that the views are of.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Returns the view of a table, if there is such a table.
    pub fn table(&mut self, name: &str) -> Option<&mut TableView> {
        if !self.views.contains_key(name) {
            let table = self.schema.tables.get(name)?;
            self.views.insert(name.to_owned(), TableView::new(Arc::clone(table)));
        }
        self.views.get_mut(name)
    }
}
