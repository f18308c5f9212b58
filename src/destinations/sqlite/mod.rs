//! The embedded warehouse: one SQLite file with Segment's tables, written in transactions and readable meanwhile.
//!
//! Limits: 2,000 columns a table and 32,766 parameters a statement (<https://www.sqlite.org/limits.html>). A batch is one
//! transaction, and every row has a key, so a batch that is written twice is stored once. Never needs a service.

mod blueprint;
mod client;
mod config;
mod ddl;
mod erase;
mod judge;
mod plan;
mod query;
mod show;
mod store;
mod tables;
mod trouble;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use super::{
    About, Attempt, Blueprint, Client, Destination, Erase, Look, Outcome, Patience, Plan, Reply, Rows, SchemaCell, SchemaStore,
    Setting, SettingError, Shown,
};
use crate::spec::Event;
use crate::warehouse::{Mapper, Schema, own_table};

pub use client::Wire;
pub use config::Config;
pub use plan::Request;

/// The pure half: events to rows.
#[derive(Debug)]
pub struct Sqlite {
    mapper: Mutex<Mapper>,
    max_tables: usize,
    schema: Arc<SchemaCell>,
}

impl Destination for Sqlite {
    const KIND: &'static str = "sqlite";
    const EMBEDDED: bool = true;
    const ABOUT: About = About {
        title: "SQLite",
        summary: "Segment's warehouse tables in one SQLite file, which any SQLite tool can read while the router writes. It \
                  needs no service. The tables are `tracks`, `identifies`, `users`, `pages`, `screens`, `groups`, \
                  `accounts`, `aliases` and one per event; columns appear as events bring them, and every event is stored \
                  exactly once.",
        guarantee: "exactly once, by row id",
        link: "https://www.sqlite.org/docs.html",
        is_warehouse: true,
        required: &[],
        variables: &[],
        surroundings: &[],
        config_block: config::BLOCK,
    };
    const GUIDE: &'static str = include_str!("guide.md");
    type Config = Config;
    type Request = Request;
    type Client = Wire;

    fn patience() -> Patience {
        config::patience()
    }

    fn new(config: Config, setting: &Setting) -> Result<(Self, Wire), Vec<SettingError>> {
        config.check()?;
        let schema = Arc::new(SchemaCell::default());
        let mapper = Mutex::new(Mapper::new(config::DIALECT, config.guards(), config.max_depth));
        let max_tables = config.max_tables;
        let wire = Wire::new(config.path(setting), Arc::clone(&schema));
        Ok((Sqlite { mapper, max_tables, schema }, wire))
    }

    fn plan(&self, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
        // A panic while mapping leaves nothing half done that the next batch would not find out again.
        let mut mapper = self.mapper.lock().unwrap_or_else(PoisonError::into_inner);
        plan::plan(&mut mapper, events, &self.schema, attempt)
    }

    fn judge(&self, request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
        judge::judge(request, events, reply)
    }

    fn probe(&self) -> Vec<Request> {
        vec![Request::empty()]
    }

    fn query(config: &Config, setting: &Setting, sql: &str) -> Option<Result<Rows, String>> {
        Some(query::query(&config.path(setting), sql))
    }

    fn table(&self, event: &Event) -> Option<String> {
        let tables = &self.schema.load().tables;
        let own = own_table(event, &config::DIALECT);
        // An event whose table may not be made any more stays in the narrow one.
        let homeless = tables.len() >= self.max_tables && !tables.contains_key(&own);
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
        self.write(request.clone()).await
    }

    fn show(&self, request: &Request) -> Shown {
        show::show(request.load())
    }

    async fn tables(&self, _: Look) -> Result<Schema, String> {
        self.look().await
    }

    fn eraser(&self) -> Option<Arc<dyn Erase>> {
        Some(Wire::eraser(self))
    }

    fn schema_store(&self) -> Option<Arc<dyn SchemaStore>> {
        Some(self.ddl())
    }
}
