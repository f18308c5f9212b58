//! What events would need of the tables, and in which words it is said to ClickHouse. Pure.

use std::sync::Arc;
use std::time::Duration;

use super::super::Blueprint;
use super::config::{DIALECT, TableLayout};
use super::ddl::{self, quoted, text};
use super::{ClickHouse, plan, types, views, wide};
use crate::spec::Event;
use crate::warehouse::{ColumnType, Conflict, Mapper, SchemaCell, SchemaDiff, UNMAPPED};

impl Blueprint for ClickHouse {
    fn wanted(&self, events: &[Arc<Event>]) -> SchemaDiff {
        // Whatever may be changed by the router: what is asked is what the events need.
        let cell = SchemaCell::default();
        cell.store((*self.schema.load()).clone());
        let plan = match self.config.layout {
            TableLayout::Events => wide::plan(&self.names, &cell, events),
            TableLayout::Segment => {
                let mut mapper = Mapper::new(DIALECT, self.config.guards(), self.config.max_depth);
                plan::plan(&self.names, &mut mapper, (&cell, &self.taken), events).0
            }
        };
        plan.needs.unwrap_or_default()
    }

    fn ddl(&self, diff: &SchemaDiff) -> Vec<String> {
        let names = &self.names;
        if self.config.layout == TableLayout::Events {
            let created = diff.create.keys().flat_map(|_| {
                let rollups = wide::rollups();
                let made = rollups.iter().flat_map(|rollup| rollup.statements(names)).map(|(_, statement)| statement);
                std::iter::once(wide::create_table(names)).chain(made).collect::<Vec<_>>()
            });
            let added = diff.add.values().map(|columns| wide::add_columns(names, columns));
            return created.chain(added).collect();
        }
        let created = diff.create.iter().map(|(table, columns)| ddl::create_table(names, table, columns));
        let added = diff.add.iter().map(|(table, columns)| ddl::add_columns(names, table, columns));
        let widened = diff.widen.iter().map(|(table, columns)| ddl::widen(names, table, columns));
        created.chain(added).chain(widened).collect()
    }

    fn type_word(&self, column_type: ColumnType) -> &'static str {
        types::word(column_type)
    }

    fn repair(&self, conflict: &Conflict) -> Option<String> {
        let (column, table) = (quoted(&conflict.column), self.names.table(&conflict.table));
        let kept = format!("JSONExtractString({}, {})", quoted(UNMAPPED), text(&conflict.column));
        Some(format!("SELECT `id`, {column}, {kept} FROM {table} FINAL WHERE JSONHas({}, {})", quoted(UNMAPPED), text(&conflict.column)))
    }

    fn views(&self) -> Vec<(String, String)> {
        match self.config.layout {
            TableLayout::Events => {
                wide::rollups().iter().flat_map(|rollup| rollup.statements(&self.names)).collect()
            }
            TableLayout::Segment => {
                let all = views::all(&self.schema.load(), &self.names);
                all.into_iter().map(|(name, sql)| (name.to_owned(), sql)).collect()
            }
        }
    }

    fn funnel(&self, steps: &[String], within: Duration) -> Option<String> {
        let (table, event, who) = match self.config.layout {
            TableLayout::Events => (wide::TABLE, "event", "if(`anonymous_id` = '', `user_id`, `anonymous_id`)"),
            TableLayout::Segment => ("tracks", "event_text", "coalesce(`user_id`, `anonymous_id`)"),
        };
        let steps: Vec<String> = steps.iter().map(|step| format!("{} = {}", quoted(event), text(step))).collect();
        Some(format!(
            "SELECT level, count() AS people FROM (SELECT {who} AS person, windowFunnel({})(toDateTime(`timestamp`), {}) AS level \
             FROM {} FINAL GROUP BY person) GROUP BY level ORDER BY level",
            within.as_secs(),
            steps.join(", "),
            self.names.table(table)
        ))
    }
}
