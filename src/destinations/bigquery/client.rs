//! The wire to one dataset: rows and load jobs go out, replies come back as they are.
//!
//! One thing it does beside: when an answer does not fit the published schema, it has the table looked at again before it
//! hands the reply on, so that the next plan sees what is there. And rows for a table that was made again since they were
//! planned are not sent: they come back as if there were no table. Says nothing about events.

use std::sync::Arc;

use bytes::Bytes;
use memchr::memmem;
use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, HeaderValue};
use tokio::time::Instant;

use super::super::{Erase, Failure, FailureKind, Look, Reply, SchemaCell, SchemaStore};
use super::api::{Api, Call};
use super::erase::Eraser;
use super::errors::{Kind, Said, Trouble};
use super::judge::{Heard, RowVerdict, hear};
use super::request::{Request, Rows};
use super::store::{Handle, Store};
use super::target::Target;
use super::{insert, jobs};
use crate::telemetry::{Meter, clock, events};
use crate::warehouse::Schema;

#[cfg(test)]
mod tests;

/// See the module.
#[derive(Debug, Clone)]
pub struct Wire {
    pub(super) api: Arc<Api>,
    pub(super) store: Arc<Store>,
    eraser: Eraser,
    meter: Meter,
}

impl Wire {
    /// Returns a wire that has contacted nobody; the schema goes into the cell.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn new(target: Target, cell: Arc<SchemaCell>) -> Result<Wire, String> {
        let api = Arc::new(Api::new(target)?);
        let store = Arc::new(Store::new(Arc::clone(&api), cell));
        let eraser = Eraser::new(Arc::clone(&store));
        Ok(Wire { api, store, eraser, meter: Meter::default() })
    }

    /// Counts what is sent.
    pub(super) fn with_meter(self, meter: Meter) -> Wire {
        Wire { meter, ..self }
    }

    /// Publishes the dataset's schema.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn open(&self) -> Result<(), Reply> {
        self.store.open().await.map_err(reply_of)
    }

    /// Sends one request, unless its rows would vanish.
    pub(super) async fn deliver(&self, request: &Request) -> Reply {
        if let Request::Insert(rows) = request
            && let Err(trouble) = self.store.expect_streamable(&rows.table).await
        {
            return reply_of(trouble);
        }
        self.exchange(request).await
    }

    async fn exchange(&self, request: &Request) -> Reply {
        let begun = Instant::now();
        let reply = match request {
            Request::Insert(rows) => self.insert(rows).await,
            Request::Load(rows) => jobs::load(&self.api, rows).await,
            Request::Probe => self.api.send(self.dataset()).await,
        };
        if let Request::Insert(rows) | Request::Load(rows) = request {
            let (table, took) = (rows.table.as_str(), begun.elapsed());
            events::RowsSent { table, rows: rows.rows.len(), bytes: rows.text.len(), took }.emit(&self.meter);
            if matches!(&reply, Reply::Answer(answer) if (200..300).contains(&answer.status)) {
                self.store.has_rows(table);
            }
            if does_not_fit(request, &reply) {
                self.store.look_again(table).await;
            }
        }
        reply
    }

    /// Returns the tables, as they were last known or as they are.
    ///
    /// # Errors
    /// In words, why they cannot be told.
    pub(super) async fn look(&self, look: Look) -> Result<Schema, String> {
        match look {
            Look::Known => {
                let unknown = || "nothing is known of its tables yet".to_owned();
                self.store.known().await.ok_or_else(unknown)
            }
            Look::Now => self.store.now().await.map_err(|trouble| match trouble {
                Trouble::Said(said) => said.words(),
                Trouble::Silent(failure) => failure.message,
            }),
        }
    }

    /// Returns what forgets people.
    pub(super) fn forgetter(&self) -> Arc<dyn Erase> {
        Arc::new(self.eraser.clone())
    }

    /// Returns what carries out schema changes.
    pub(super) fn changes(&self) -> Arc<dyn SchemaStore> {
        Arc::new(Handle(Arc::clone(&self.store)))
    }

    /// Returns the address that rows of a table are sent to.
    pub(super) fn insert_url(&self, table: &str) -> reqwest::Url {
        let target = &self.api.target;
        target.url(&["datasets", &target.names.dataset, "tables", table, "insertAll"])
    }

    /// Returns the address that load jobs are started at.
    pub(super) fn load_url(&self) -> reqwest::Url {
        self.api.target.upload_url(&["jobs"])
    }

    /// Returns the address that a probe reads.
    pub(super) fn probe_url(&self) -> reqwest::Url {
        self.dataset().url
    }

    async fn insert(&self, rows: &Arc<Rows>) -> Reply {
        let body = match zipped(Arc::clone(rows)).await {
            Ok(body) => body,
            Err(error) => {
                return Reply::failed(FailureKind::Store, format!("could not compress rows: {error}"));
            }
        };
        let call = Call::with_body(Method::POST, self.insert_url(&rows.table), "application/json", body)
            .with(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        self.api.send(call).await
    }

    fn dataset(&self) -> Call {
        Call::get(self.api.target.url(&["datasets", &self.api.target.names.dataset]))
    }
}

/// Compresses on a thread that may be kept busy.
async fn zipped(rows: Arc<Rows>) -> std::io::Result<Bytes> {
    let work = tokio::task::spawn_blocking(move || insert::zipped_body(&rows));
    work.await.map_err(std::io::Error::other)?
}

/// Returns whether an answer speaks of a table or column that is not what we think. Nearly all answers are successes
/// without an error and are not read here.
fn does_not_fit(request: &Request, reply: &Reply) -> bool {
    if let (Request::Insert(_), Reply::Answer(answer)) = (request, reply)
        && answer.status == 200
        && memmem::find(&answer.body, b"insertErrors").is_none()
    {
        return false;
    }
    match hear(request, reply) {
        Heard::Rows(verdicts) => verdicts
            .iter()
            .any(|verdict| matches!(verdict, RowVerdict::NoSuchField(_) | RowVerdict::Conversion { .. })),
        Heard::Whole(trouble) => matches!(
            trouble.kind(),
            Some(Kind::NoTable | Kind::NoDataset | Kind::NoSchema | Kind::NoField | Kind::Mismatch)
        ),
    }
}

/// A trouble of the store as the reply that it came from, as far as it is known.
fn reply_of(trouble: Trouble) -> Reply {
    match trouble {
        Trouble::Silent(Failure { kind, message }) => Reply::failed(kind, message),
        Trouble::Said(said) => Reply::Answer(answer_of(&said)),
    }
}

fn answer_of(said: &Said) -> super::super::Answer {
    let Said { reason, message, .. } = said;
    let body = if said.of_token {
        serde_json::json!({ "error": reason, "error_description": message })
    } else {
        serde_json::json!({ "error": { "message": message, "errors": [{ "reason": reason }] } })
    };
    let wait = said.wait.map(|wait| ("retry-after", wait.as_secs().to_string()));
    // An error whose status is lost came in place of a success.
    let status = said.status.unwrap_or(502);
    let body = Bytes::from(body.to_string());
    super::super::Answer { status, headers: wait.into_iter().collect(), body, at: clock::now() }
}
