//! PostgreSQL: Segment's tables in a database, written in transactions, whose columns appear as events bring them.
//!
//! Split into what things mean (`plan`, `array`, `states`, `json`, `ddl`, `live`, `sqlstate`, `judge`: pure) and the wire
//! (`pool`, `tls`, `client`, `keeper`, `store`). A batch is one transaction, and every row has a key, so that a batch that is written twice is
//! stored once. Limits: 1,600 columns a table, names of 63 bytes, rows of 8 kB after compression
//! (<https://www.postgresql.org/docs/current/limits.html>).

mod address;
mod array;
mod blueprint;
mod client;
mod config;
mod ddl;
mod erase;
mod frozen;
mod json;
mod judge;
mod keeper;
mod live;
mod plan;
mod pool;
mod prepared;
mod show;
mod sqlstate;
mod states;
mod store;
mod tables;
mod tls;
mod trouble;
mod types;

use std::sync::{Arc, Mutex, PoisonError};

use super::{
    About, Attempt, Blueprint, Client, Composed, Destination, Erase, Look, Outcome, Patience, Plan, Reply,
    SchemaCell, SchemaStore, Setting, SettingError, Shown,
};
use crate::policy::outcome::Fault;
use crate::spec::Event;
use crate::telemetry::{Meter, events};
use crate::warehouse::{Mapper, Schema, own_table};
use erase::Eraser;
use frozen::Frozen;
use keeper::{Keeper, Standing};
use pool::Pool;
use store::Store;

pub use client::Wire;
pub use config::{Config, Layout};
pub use plan::Request;

/// The pure half: events to rows.
#[derive(Debug)]
pub struct Postgres {
    mapper: Mutex<Mapper>,
    max_tables: usize,
    schema_name: String,
    schema: Arc<SchemaCell>,
    frozen: Arc<Frozen>,
    keeps: bool,
    meter: Meter,
}

impl Destination for Postgres {
    const KIND: &'static str = "postgres";
    const ABOUT: About = About {
        title: "PostgreSQL",
        summary: "Segment's warehouse tables in a PostgreSQL database, 13 or newer. Tables and columns are made as events \
                  bring them, integer columns take fractions when they come, and a value that has no place is kept in \
                  `_unmapped`. A batch is one transaction, several go side by side, and every event is stored exactly once. \
                  Sessions, orders, carts and consents are kept beside them.",
        guarantee: "exactly once, by row id",
        link: "https://www.postgresql.org/docs/current/",
        is_warehouse: true,
        required: &[("url", "PG_HOST")],
        variables: &[],
        surroundings: &[],
        config_block: config::BLOCK,
    };
    const GUIDE: &'static str = include_str!("guide.md");
    const COMPOSED: &'static [Composed] = &[Composed {
        key: "url",
        variables: &["PG_HOST", "PG_PORT", "PG_USER", "PG_PASSWORD", "PG_DATABASE", "PG_SSLMODE"],
        compose: address::compose,
    }];
    /// Rows have times, and states know which of two is newer. Not so sessions: see [`Postgres::keeps_order`].
    const ORDERED: bool = false;
    type Config = Config;
    type Request = Request;
    type Client = Wire;

    fn patience() -> Patience {
        config::patience()
    }

    fn new(config: Config, setting: &Setting) -> Result<(Self, Wire), Vec<SettingError>> {
        let address = config.check()?;
        let (schema, frozen, meter) = (Arc::new(SchemaCell::default()), Arc::new(Frozen::default()), setting.meter.clone());
        let pool = Pool::new(address, &config.schema, setting.timeout, meter.clone());
        let pool = pool.map_err(|message| vec![SettingError { key: "url", message }])?;
        let standing = config.first_party.then(Arc::<Standing>::default);
        let shared = (Arc::clone(&schema), Arc::clone(&frozen));
        let store = Store::new(pool.clone(), &config.schema, shared, standing.clone());
        let keeper = standing.map(|standing| {
            Keeper::new((pool.clone(), &config.schema), setting.site_salt.clone(), standing, meter.clone())
        });
        let eraser = Eraser::new((pool.clone(), store.clone()), &config.schema, &setting.site_salt);
        let wire = Wire::new(pool, (store, eraser), keeper);
        let mapper = Mutex::new(Mapper::new(config::DIALECT, config.guards(), config.max_depth));
        let (max_tables, schema_name, keeps) = (config.max_tables, config.schema, config.first_party);
        Ok((Postgres { mapper, max_tables, schema_name, schema, frozen, keeps, meter }, wire))
    }

    /// An event that overtakes an earlier one of its visitor makes that one late for its session.
    fn keeps_order(&self) -> bool {
        self.keeps
    }

    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
        let view = plan::View { schema: &self.schema_name, cell: &self.schema, frozen: &self.frozen, keeps: self.keeps };
        // A panic while mapping leaves nothing half done that the next batch would not find out again.
        let mut mapper = self.mapper.lock().unwrap_or_else(PoisonError::into_inner);
        let (plan, cut) = plan::plan(&mut mapper, events, &view, attempt);
        drop(mapper);
        for table in self.frozen.news() {
            events::NameTaken { table: &ddl::table_name(&self.schema_name, &table) }.emit(&self.meter);
        }
        if cut > 0 && attempt.number == 1 {
            events::CharactersDropped { values: cut }.emit(&self.meter);
        }
        plan
    }

    fn judge(&self, _: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(events, reply)
    }

    fn unchanged(fault: Fault) -> Outcome {
        judge::unchanged(fault)
    }

    fn probe(&self) -> Vec<Request> {
        vec![Request::empty()]
    }

    fn table(&self, event: &Event) -> Option<String> {
        let tables = &self.schema.load().tables;
        let own = own_table(event, &config::DIALECT);
        // An event whose table may not be made any more stays in the narrow one.
        let has_no_place = || tables.len() >= self.max_tables || self.frozen.is_taken(&own);
        let homeless = !tables.contains_key(&own) && has_no_place();
        Some(if homeless { "tracks".to_owned() } else { own })
    }

    fn schema(&self) -> Option<Arc<SchemaCell>> {
        Some(Arc::clone(&self.schema))
    }

    fn blueprint(&self) -> Option<&dyn Blueprint> {
        Some(self)
    }
}

impl Client for Wire {
    type Request = Request;

    async fn init(&self) -> Result<(), Reply> {
        self.open().await
    }

    async fn send(&self, request: &Request) -> Reply {
        self.write(request.load()).await
    }

    fn show(&self, request: &Request) -> Shown {
        show::show(request.load())
    }

    async fn tables(&self, _: Look) -> Result<Schema, String> {
        self.look().await
    }

    fn eraser(&self) -> Option<Arc<dyn Erase>> {
        Some(self.forgets())
    }

    fn schema_store(&self) -> Option<Arc<dyn SchemaStore>> {
        Some(self.changes())
    }
}
