//! ClickHouse over HTTP: one wide table with rollups for dashboards, or Segment's tables.
//!
//! Split into what things mean (`plan`, `wide`, `row`, `ddl`, `errors`, `judge`: pure) and the wire (`api`, `client`, `store`).
//! Rows go in blocks that are the same whenever they are sent, each with a token, so that a block that comes again is dropped;
//! and rows of one event replace each other, whatever the block. Never talks to a server that is too old.

mod api;
mod blueprint;
mod client;
mod config;
mod ddl;
mod erase;
mod errors;
mod judge;
mod plan;
mod reports;
mod request;
mod row;
mod store;
mod taken;
mod target;
mod types;
mod version;
mod views;
mod wide;

use std::sync::{Arc, Mutex, PoisonError};

use super::kit::Secrets;
use super::{
    About, Attempt, Blueprint, Composed, Destination, Outcome, Patience, Plan, Reply, SchemaCell, Setting, SettingError,
};
use crate::spec::Event;
use crate::telemetry::{Meter, events};
use crate::warehouse::{Mapper, own_table};

pub use client::Wire;
pub use config::{Config, TableLayout};
pub use reports::{Bounds, Reports};
pub use request::{Insert, Request};

/// The pure half: events to rows, answers to outcomes.
pub struct ClickHouse {
    config: Config,
    names: ddl::Names,
    mapper: Mutex<Mapper>,
    schema: Arc<SchemaCell>,
    taken: Arc<taken::Taken>,
    secrets: Secrets,
    meter: Meter,
}

const SUMMARY: &str = "One wide table with rollups for dashboards, or Segment's warehouse tables, in a ClickHouse database. The \
    rollups (pages, sessions, orders, web vitals, channels) are kept as rows come in; the columns of Segment's tables appear as \
    events bring them. Rows go in large blocks over HTTP, and a block that is sent again is dropped by its token.";

impl Destination for ClickHouse {
    const KIND: &'static str = "clickhouse";
    const ABOUT: About = About {
        title: "ClickHouse",
        summary: SUMMARY,
        guarantee: "at least once; `FINAL` reads every event once, and so do the counts and sums of the rollups",
        link: "https://clickhouse.com/docs",
        is_warehouse: true,
        required: &[("url", "CLICKHOUSE_HOST")],
        variables: &[
            ("user", "CLICKHOUSE_USER"),
            ("password", "CLICKHOUSE_PASSWORD"),
            ("database", "CLICKHOUSE_DATABASE"),
        ],
        surroundings: &[],
        config_block: config::BLOCK,
    };
    const GUIDE: &'static str = include_str!("guide.md");
    const COMPOSED: &'static [Composed] = &[Composed {
        key: "url",
        variables: &["CLICKHOUSE_HOST", "CLICKHOUSE_PORT", "CLICKHOUSE_TLS"],
        compose: target::compose,
    }];
    const ORDERED: bool = false;
    type Config = Config;
    type Request = Request;
    type Client = Wire;

    fn patience() -> Patience {
        config::patience()
    }

    fn new(config: Config, setting: &Setting) -> Result<(Self, Wire), Vec<SettingError>> {
        let mut problems = config.check();
        let note = |key: &'static str, message| SettingError { key, message };
        let api = target::Target::new(&config, setting)
            .and_then(|target| api::Api::new(target).map_err(|(key, message)| note(key, message)));
        let api = match api {
            Ok(api) if problems.is_empty() => api,
            other => {
                problems.extend(other.err());
                return Err(problems);
            }
        };
        let (schema, meter) = (Arc::new(SchemaCell::default()), setting.meter.clone());
        let secrets = Secrets::of([&api.target.password]);
        let taken = Arc::new(taken::Taken::default());
        let wire = Wire::new(api, (Arc::clone(&schema), Arc::clone(&taken)), meter.clone());
        let mapper = Mutex::new(Mapper::new(config::DIALECT, config.guards(), config.max_depth));
        Ok((ClickHouse { names: config.names(), config, mapper, schema, taken, secrets, meter }, wire))
    }

    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
        if self.config.layout == TableLayout::Events {
            return wide::plan(&self.names, &self.schema, events);
        }
        // A panic while mapping leaves nothing half done that the next batch would not find out again.
        let mut mapper = self.mapper.lock().unwrap_or_else(PoisonError::into_inner);
        let (plan, clashes) = plan::plan(&self.names, &mut mapper, (&self.schema, &self.taken), events);
        drop(mapper);
        if attempt.number == 1 {
            self.note(events, clashes);
        }
        plan
    }

    fn judge(&self, request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(request, events, &self.secrets.hide(reply))
    }

    fn probe(&self) -> Vec<Request> {
        vec![Request::Probe]
    }

    fn table(&self, event: &Event) -> Option<String> {
        if self.config.layout == TableLayout::Events {
            return Some(wide::TABLE.to_owned());
        }
        let tables = &self.schema.load().tables;
        let own = own_table(event, &config::DIALECT);
        // An event whose table may not be made any more stays in the narrow one.
        let homeless = self.taken.holds(&own)
            || tables.len() >= self.config.max_tables && !tables.contains_key(&own);
        Some(if homeless { "tracks".to_owned() } else { own })
    }

    fn schema(&self) -> Option<Arc<SchemaCell>> {
        Some(Arc::clone(&self.schema))
    }

    fn blueprint(&self) -> Option<&dyn Blueprint> {
        Some(self)
    }
}

impl ClickHouse {
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
}
