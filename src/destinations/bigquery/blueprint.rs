//! What events would need of the tables, and in which words it is said to BigQuery. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::super::{Attempt, Blueprint};
use super::config::{DIALECT, TableLayout};
use super::plan::{Rules, plan};
use super::{BigQuery, ddl, flat, types, views};
use crate::spec::Event;
use crate::warehouse::{ColumnType, Conflict, Mapper, SchemaCell, SchemaDiff};

/// Streamed rows cost 0.05 dollars a GiB, and each counts as 1 KiB at least: <https://cloud.google.com/bigquery/pricing>.
const DOLLARS_A_GIB: f64 = 0.05;
const SMALLEST_ROW: usize = 1_024;
const GIB: f64 = 1_073_741_824.0;

impl Blueprint for BigQuery {
    fn wanted(&self, events: &[Arc<Event>]) -> SchemaDiff {
        // Whatever may be changed by the router: what is asked is what the events need.
        let rules = Rules { makes_tables: true, changes_tables: true, is_strict: false, ..self.rules.clone() };
        let cell = SchemaCell::default();
        cell.store((*self.schema.load()).clone());
        let at = Timestamp::UNIX_EPOCH;
        let attempt = Attempt { number: 1, first_at: at, at };
        let mut memory = self.new_memory();
        let batch = (events, &attempt);
        let (plan, _) = match &self.flat {
            Some(flat) => flat::plan(flat, (&rules, &mut memory), &cell, batch),
            None => {
                let mut mapper = Mapper::new(DIALECT, self.config.guards(), self.config.max_depth);
                plan(&rules, (&mut mapper, &mut memory), &cell, batch)
            }
        };
        plan.needs.unwrap_or_default()
    }

    fn ddl(&self, diff: &SchemaDiff) -> Vec<String> {
        let (names, options) = (&self.rules.names, &self.rules.options);
        let created = diff.create.iter().map(|(table, columns)| ddl::create_table(names, table, columns, options));
        let added = diff.add.iter().map(|(table, columns)| ddl::add_columns(names, table, columns));
        let widened = diff.widen.iter().flat_map(|(table, columns)| {
            columns.iter().map(|column| ddl::widen(names, table, std::slice::from_ref(column)))
        });
        created.chain(added).chain(widened).collect()
    }

    fn type_word(&self, column_type: ColumnType) -> &'static str {
        types::word(column_type)
    }

    fn price(&self, rows: &[usize]) -> Option<String> {
        let bytes: usize = rows.iter().map(|bytes| (*bytes).max(SMALLEST_ROW)).sum();
        let dollars = bytes as f64 / GIB * DOLLARS_A_GIB;
        let price = if dollars < 0.01 { "less than a cent".to_owned() } else { format!("about ${dollars:.2}") };
        Some(format!("{price} by insertAll, free by load"))
    }

    fn repair(&self, conflict: &Conflict) -> Option<String> {
        // The flat table takes everything.
        let options = self.segment_options()?;
        views::repair(&options, &self.schema.load(), conflict)
    }

    fn views(&self) -> Vec<(String, String)> {
        let (tables, options) = (self.schema.load(), views::Options::from(&self.config));
        let seen = views::Seen { conflicts: &self.schema.conflicts(), observed: &self.sightings.all() };
        let changes = views::plan(&tables, &seen, &BTreeMap::new(), &options);
        changes.into_iter().map(|change| (change.name, change.sql)).collect()
    }

    fn funnel(&self, steps: &[String], within: Duration) -> Option<String> {
        views::funnel(&self.schema.load(), steps, within.as_secs(), &self.segment_options()?)
    }
}

impl BigQuery {
    fn segment_options(&self) -> Option<views::Options> {
        (self.config.layout() == TableLayout::Segment).then(|| views::Options::from(&self.config))
    }
}
