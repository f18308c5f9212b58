//! BigQuery: Segment's tables, written as rows by `tabledata.insertAll` or by load jobs, whose columns appear as events
//! bring them.
//!
//! Split into what things mean (`plan`, `row`, `ddl`, `errors`, `judge`, `propagation`: pure) and the wire (`client`,
//! `auth`, `store`). A batch becomes one request per table; each row has an outcome of its own, and an event is delivered
//! when all its rows are.

mod api;
mod auth;
mod blueprint;
mod circuit;
mod client;
mod config;
mod creations;
mod ddl;
mod erase;
mod errors;
mod flat;
mod insert;
mod jobs;
mod judge;
mod ledger;
mod library;
mod listen;
mod looks;
mod memory;
mod mock;
#[cfg(test)]
mod peer;
mod plan;
mod propagation;
pub mod request;
mod row;
mod show;
mod sightings;
mod store;
mod tables;
mod target;
mod types;
mod upload;
pub mod users;
pub mod views;
mod waiting;
#[cfg(test)]
mod wire_tests;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::mock::NewMock;
use super::{
    About, Attempt, Blueprint, Client, Destination, Erase, Look, Outcome, Patience, Plan, Reply, SchemaCell,
    SchemaStore, Setting, SettingError, Shown,
};
use crate::policy::patience::{BatchLimits, BreakerSettings, RateLimit, Retry};
use crate::spec::Event;
use crate::telemetry::{BreakerState, Meter, RowFate, RowLane, events};
use crate::warehouse::{Mapper, Schema, own_table};

pub use client::Wire;
pub use config::{AutoTableManagement, Config, DedupScope, MissingColumn, TableLayout, WriteMethod};
pub use request::Request;

/// The pure half: events to rows, answers to outcomes, and what is remembered between them.
#[derive(Debug)]
pub struct BigQuery {
    config: Config,
    rules: plan::Rules,
    flat: Option<flat::Flat>,
    mapper: Mutex<Mapper>,
    memory: Mutex<memory::Memory>,
    sightings: Arc<sightings::Sightings>,
    schema: Arc<SchemaCell>,
    meter: Meter,
}

const SUMMARY: &str = "Segment's warehouse tables in a BigQuery dataset, or one flat table. Tables and columns are made as \
    events bring them, integer columns widen, and a value that has no place is kept in `_unmapped`. Rows are streamed and \
    can be queried at once, or loaded for nothing; a row that BigQuery cannot take yet goes by a load job.";

impl Destination for BigQuery {
    const KIND: &'static str = "bigquery";
    const ABOUT: About = About {
        title: "BigQuery",
        summary: SUMMARY,
        guarantee: "at least once; the views drop repetitions by `id`",
        link: "https://cloud.google.com/bigquery/docs",
        is_warehouse: true,
        required: &[("project_id", "BIGQUERY_PROJECT_ID"), ("dataset", "BIGQUERY_DATASET")],
        variables: &[
            ("credentials_file", "GOOGLE_APPLICATION_CREDENTIALS"),
            ("auto_table_management", "BIGQUERY_AUTO_TABLE_MANAGEMENT"),
            ("table", "BIGQUERY_TABLE"),
        ],
        surroundings: &["HOME", "CLOUDSDK_CONFIG", "GCE_METADATA_HOST"],
        config_block: config::BLOCK,
    };
    const GUIDE: &'static str = include_str!("guide.md");
    const MOCK: Option<NewMock> = Some(mock::new);
    const ORDERED: bool = false;
    /// An upload, and then its job.
    const LINGERS: Duration = target::LOAD_TIMEOUT.saturating_mul(2);
    type Config = Config;
    type Request = Request;
    type Client = Wire;

    fn patience() -> Patience {
        let count = |count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        Patience {
            batch: BatchLimits {
                max_events: count(2_000),
                max_bytes: 5 * 1024 * 1024,
                max_delay: Duration::from_secs(1),
            },
            retry: Retry::default(),
            breaker: BreakerSettings::default(),
            probe_every: Duration::from_secs(30),
            concurrency: count(4),
            rate_limit: RateLimit::default(),
            // A load job is waited for.
            timeout: Duration::from_secs(60),
        }
    }

    fn new(config: Config, setting: &Setting) -> Result<(Self, Wire), Vec<SettingError>> {
        config.check()?;
        let target = target::Target::new(&config, setting, surroundings(setting)).map_err(|error| vec![error])?;
        let (schema, sightings) = (Arc::new(SchemaCell::default()), Arc::clone(&target.sightings));
        let made_again = Arc::clone(&target.made_again);
        let meter = setting.meter.clone();
        let wire = Wire::new(target, Arc::clone(&schema))
            .map(|wire| wire.with_meter(meter.clone()))
            .map_err(|message| vec![SettingError { key: "endpoint", message: format!("cannot be used: {message}") }])?;
        events::CircuitChanged { state: BreakerState::Closed }.emit(&meter);
        events::SchemaGuarded { columns: 0, tables: 0 }.emit(&meter);
        let is_flat = config.layout() == TableLayout::Flat;
        let flat = is_flat.then(|| flat::Flat {
            table: config.flat_table().to_owned(),
            extras: config.flat_extras,
        });
        let mapper = Mutex::new(Mapper::new(config::DIALECT, config.guards(), config.max_depth));
        let memory = memory::Memory { made_again, ..memory_of(&config) };
        let (rules, memory) = (plan::Rules::of(&config), Mutex::new(memory));
        Ok((BigQuery { config, rules, flat, mapper, memory, sightings, schema, meter }, wire))
    }

    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
        let mut memory = self.memory();
        let batch = (events, attempt);
        let (plan, clashes) = match &self.flat {
            Some(flat) => {
                if attempt.number == 1 {
                    events.iter().for_each(|event| self.sightings.note(event, self.config.max_depth));
                }
                flat::plan(flat, (&self.rules, &mut memory), &self.schema, batch)
            }
            None => {
                // A panic while mapping leaves nothing half done that the next batch would not find out again.
                let mut mapper = self.mapper.lock().unwrap_or_else(PoisonError::into_inner);
                plan::plan(&self.rules, (&mut mapper, &mut memory), &self.schema, batch)
            }
        };
        let (columns, tables) = std::mem::take(&mut memory.kept_out);
        let oldest = memory.waiting.tell(attempt.at);
        drop(memory);
        if attempt.number == 1 {
            self.note(events, clashes);
            events::SchemaGuarded { columns, tables }.emit(&self.meter);
        }
        self.tell_oldest(oldest);
        plan
    }

    fn judge(&self, request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
        let terms = listen::Terms {
            names: &self.rules.names,
            makes_dataset: self.config.auto_table_management.makes_tables(),
        };
        let mut memory = self.memory();
        let before = (memory.only_loads, memory.circuits.is_open());
        let (outcomes, tally) = listen::outcomes((request, events), reply, &mut memory, &terms);
        let after = (memory.only_loads, memory.circuits.is_open());
        let now = memory.propagation.latest();
        let oldest = memory.waiting.tell(now);
        drop(memory);
        self.tell(before, after);
        self.count(request, &outcomes, tally);
        self.tell_oldest(oldest);
        outcomes
    }

    fn probe(&self) -> Vec<Request> {
        vec![Request::Probe]
    }

    fn table(&self, event: &Event) -> Option<String> {
        if let Some(flat) = &self.flat {
            return Some(flat.table.clone());
        }
        let tables = &self.schema.load().tables;
        let own = own_table(event, &config::DIALECT);
        // An event whose table may not be made any more stays in the narrow one.
        let homeless = tables.len() >= self.config.max_tables && !tables.contains_key(&own);
        Some(if homeless { "tracks".to_owned() } else { own })
    }

    fn schema(&self) -> Option<Arc<SchemaCell>> {
        Some(Arc::clone(&self.schema))
    }

    fn blueprint(&self) -> Option<&dyn Blueprint> {
        Some(self)
    }
}

impl BigQuery {
    fn memory(&self) -> MutexGuard<'_, memory::Memory> {
        // What a panic leaves behind is at worst a row that is sent twice.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_memory(&self) -> memory::Memory {
        memory_of(&self.config)
    }

    fn tell_oldest(&self, age: Option<Duration>) {
        age.into_iter().for_each(|age| events::OldestRow { age }.emit(&self.meter));
    }

    /// Takes note of values that their columns do not take.
    fn note(&self, batch: &[Arc<Event>], clashes: Vec<plan::Clashes>) {
        if clashes.is_empty() {
            return;
        }
        let mut conflicts = self.schema.conflicts();
        for plan::Clashes { index, table, clashes } in clashes {
            for clash in &clashes {
                let (column, have, got) = (&*clash.column, clash.have.as_str(), clash.got.as_str());
                events::TypeConflict { table: &table, column, have, got }.emit(&self.meter);
            }
            let message_id = batch.get(index).map_or("", |event| &*event.head.message_id);
            conflicts.note_row(&table, clashes, message_id);
        }
    }

    /// Says what has changed for all rows: whether they may be streamed, and whether a quota is used up.
    fn tell(&self, before: (bool, bool), after: (bool, bool)) {
        if !before.0 && after.0 {
            events::StreamingRefused.emit(&self.meter);
        }
        if before.1 != after.1 {
            let state = if after.1 { BreakerState::Open } else { BreakerState::Closed };
            events::CircuitChanged { state }.emit(&self.meter);
        }
    }

    /// Counts what became of a request's rows.
    fn count(&self, request: &Request, outcomes: &[Outcome], tally: listen::Tally) {
        let (Request::Insert(rows) | Request::Load(rows)) = request else { return };
        let table = rows.table.as_str();
        for (fate, count) in [
            (RowFate::Inserted, tally.inserted),
            (RowFate::Unmapped, tally.unmapped),
            (RowFate::Retried, tally.retried),
            (RowFate::Dead, tally.dead),
        ] {
            if count > 0 {
                events::RowsSettled { table, fate, count }.emit(&self.meter);
            }
        }
        let lane = match request {
            Request::Load(_) => RowLane::Cold,
            _ if rows.young.is_empty() => RowLane::Hot,
            _ => RowLane::Probation,
        };
        tally.waited.into_iter().for_each(|waited| events::RowWaited { lane, waited }.emit(&self.meter));
        for outcome in outcomes {
            if let Outcome::Refused(fault) | Outcome::Deferred { fault, .. } = outcome {
                events::RowsRefused { reason: fault.reason.as_str(), count: 1 }.emit(&self.meter);
            }
        }
    }
}

fn memory_of(config: &Config) -> memory::Memory {
    let pace = propagation::Pace {
        settle: config.settle,
        cold_after: config.cold_after,
        recreate_hold: config.recreate_hold,
    };
    memory::Memory::new(pace, config.propagation_budget)
}

/// Where credentials are looked for when the settings name no file.
fn surroundings(setting: &Setting) -> target::Surroundings {
    let get = |name: &str| setting.surroundings.get(name).filter(|value| !value.is_empty());
    let folder = get("CLOUDSDK_CONFIG").map(std::path::PathBuf::from);
    let folder = folder.or_else(|| get("HOME").map(|home| std::path::Path::new(home).join(".config/gcloud")));
    target::Surroundings {
        named_file: None,
        gcloud_file: folder.map(|folder| folder.join("application_default_credentials.json")),
        metadata_host: get("GCE_METADATA_HOST").cloned(),
    }
}

impl Client for Wire {
    type Request = Request;

    async fn init(&self) -> Result<(), Reply> {
        self.open().await
    }

    async fn send(&self, request: &Request) -> Reply {
        self.deliver(request).await
    }

    fn show(&self, request: &Request) -> Shown {
        let url = match request {
            Request::Insert(rows) => self.insert_url(&rows.table),
            Request::Load(_) => self.load_url(),
            Request::Probe => self.probe_url(),
        };
        show::show(request, url.to_string())
    }

    async fn tables(&self, look: Look) -> Result<Schema, String> {
        self.look(look).await
    }

    fn schema_store(&self) -> Option<Arc<dyn SchemaStore>> {
        Some(self.changes())
    }

    fn eraser(&self) -> Option<Arc<dyn Erase>> {
        Some(self.forgetter())
    }
}
