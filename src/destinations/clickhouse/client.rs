//! The wire to one database: rows go out, replies come back as they are.
//!
//! One thing it does beside: when an answer does not fit the published schema, it has the table looked at again before it
//! hands the reply on, so that the next plan sees what is there. Says nothing about events.

use std::sync::Arc;

use tokio::time::Instant;

use super::super::{Client, Erase, Look, Reply, SchemaCell, SchemaStore, Shown};
use super::api::Api;
use super::config::TableLayout;
use super::erase::Eraser;
use super::errors::{Kind, code, kind};
use super::reports::Reports;
use super::request::{Insert, Request};
use super::store::{Handle, Store};
use super::taken::Taken;
use super::version;
use crate::destinations::reply::words;
use crate::stores::ReportStore;
use crate::stores::reports::fact::Rules;
use crate::telemetry::{Meter, clock, events};
use crate::warehouse::Schema;

/// See the module.
#[derive(Debug, Clone)]
pub struct Wire {
    api: Arc<Api>,
    store: Arc<Store>,
    meter: Meter,
}

impl Wire {
    /// Returns a wire that has contacted nobody; what the server has goes into what is known.
    pub(super) fn new(api: Api, known: (Arc<SchemaCell>, Arc<Taken>), meter: Meter) -> Wire {
        let api = Arc::new(api);
        let store = Arc::new(Store::new(Arc::clone(&api), known));
        Wire { api, store, meter }
    }

    async fn insert(&self, insert: &Insert) -> Reply {
        let begun = Instant::now();
        let reply = self.api.insert(insert).await;
        let (table, rows, bytes, took) = (insert.table.as_str(), insert.rows, insert.body.len(), begun.elapsed());
        events::RowsSent { table, rows, bytes, took }.emit(&self.meter);
        if does_not_fit(&reply) {
            // Whether or not it could be read: what is published is seen by the next plan.
            self.store.look(table).await.unwrap_or_default();
        }
        reply
    }
}

/// Returns whether an answer speaks of a table or column that is not what we think.
fn does_not_fit(reply: &Reply) -> bool {
    let Reply::Answer(answer) = reply else { return false };
    code(&String::from_utf8_lossy(&answer.body)).is_some_and(|code| kind(code) == Kind::Schema)
}

impl Client for Wire {
    type Request = Request;

    /// Asks for the version before anything else: an old server would take some rows and refuse others.
    async fn init(&self) -> Result<(), Reply> {
        self.api.expect_version().await?;
        self.store.read_all().await.map(drop)
    }

    async fn send(&self, request: &Request) -> Reply {
        match request {
            Request::Insert(insert) => self.insert(insert).await,
            Request::Probe => {
                let asked = self.api.expect_version().await;
                asked.map_or_else(|reply| reply, |_| Reply::stored(clock::now()))
            }
        }
    }

    fn show(&self, request: &Request) -> Shown {
        match request {
            Request::Insert(insert) => self.api.show_insert(insert),
            Request::Probe => self.api.show_statement(version::QUERY),
        }
    }

    /// Nothing is kept between two runs, so what is known is what the server says.
    async fn tables(&self, _: Look) -> Result<Schema, String> {
        self.store.read_all().await.map_err(|reply| match reply {
            Reply::Answer(answer) => answer.words(),
            Reply::Failed(failure) => words(&failure.message),
        })
    }

    /// The tables in Segment's layout do not have what reports are made of.
    fn report_store(&self, rules: &Rules) -> Option<Arc<dyn ReportStore>> {
        let is_wide = self.api.target.layout == TableLayout::Events;
        is_wide.then(|| Arc::new(Reports::new(Arc::clone(&self.api), rules.clone())) as Arc<dyn ReportStore>)
    }

    fn eraser(&self) -> Option<Arc<dyn Erase>> {
        Some(Arc::new(Eraser { api: Arc::clone(&self.api), store: Arc::clone(&self.store) }))
    }

    fn schema_store(&self) -> Option<Arc<dyn SchemaStore>> {
        Some(Arc::new(Handle(Arc::clone(&self.store))))
    }
}
