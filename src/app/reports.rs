//! Reports: the embedded store as a projection of the journal, and who answers what is asked.

use std::path::PathBuf;
use std::sync::Arc;

use actix::{Actor, Addr, ArbiterHandle};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::actors::projector::{Parts, Projection, Projector, Stand};
use crate::actors::supervisor::Follow;
use crate::config::Settings;
use crate::destinations::{BoxFuture, Erase};
use crate::http::ReportDesk;
use crate::journal::{Journal, Position, Record};
use crate::projections::reading::Spelling;
use crate::projections::session::Options;
use crate::spec::People;
use crate::stores::ReportStore;
use crate::stores::embedded::{self, Embedded, Writer};
use crate::stores::reports::fact::{Fact, Rules};
use crate::telemetry::{Metrics, events};

/// The file below the data directory.
const FILE: &str = "analytics.db";
/// The projection's name in the log and in metrics.
const NAME: &str = "reports";
/// So few events are written at once, and are seen at once.
const FEW: usize = 256;
/// More are written at the next tick, or when there are so many: the pages of visits and indexes are written once for all.
const MANY: usize = 4_096;
/// Pieces of tidying at one tick.
const PIECES: usize = 4;

/// The store of reports, as far as it follows the journal.
struct Reports {
    path: PathBuf,
    rules: Rules,
    writer: Option<Writer>,
    /// What is not in the file yet. When it is lost the journal has it: the file's position is before it.
    facts: Vec<Fact>,
    /// The position after it.
    next: u64,
    metrics: Arc<Metrics>,
}

impl Reports {
    fn write(&mut self, now: Timestamp) -> Result<(), String> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.tell(now.as_millisecond());
        let before = writer.refused();
        writer.take(&self.facts, self.next).map_err(|fault| fault.to_string())?;
        self.facts.clear();
        let refused = writer.refused() - before;
        if refused > 0 {
            events::ReportsTooOld { events: refused }.emit(&self.metrics);
        }
        Ok(())
    }
}

impl Projection for Reports {
    fn begin(&mut self, journal: &dyn Journal, _: Timestamp) -> Result<Position, String> {
        let writer = Writer::open(&self.path, self.rules.clone()).map_err(|fault| fault.to_string())?;
        let position = Position(writer.position().map_err(|fault| fault.to_string())?);
        self.writer = Some(writer);
        self.facts.clear();
        // Less than what is in the file is there of a journal that was made anew, or that lost its end with the power. What it
        // still holds was counted.
        Ok(position.min(journal.extent().next))
    }

    fn fold(&mut self, records: &[Record], stand: Stand) -> Result<(), String> {
        let Some(last) = records.last() else { return Ok(()) };
        let (held, before) = (self.facts.len(), self.next);
        self.facts.extend(records.iter().filter_map(|record| Fact::of(&record.event, &self.rules)));
        self.next = last.position.0 + 1;
        if (FEW..MANY).contains(&self.facts.len()) {
            return Ok(());
        }
        let written = self.write(stand.now);
        if written.is_err() {
            // They come again.
            self.facts.truncate(held);
            self.next = before;
        }
        written
    }

    fn tick(&mut self, stand: Stand) -> Result<(), String> {
        if !self.facts.is_empty() {
            self.write(stand.now)?;
        }
        let Some(writer) = self.writer.as_mut().filter(|_| stand.is_current) else { return Ok(()) };
        for _ in 0..PIECES {
            if !writer.tidy(stand.now.as_millisecond()).map_err(|fault| fault.to_string())? {
                break;
            }
        }
        Ok(())
    }
}

/// The file, for whoever erases people: while nobody writes it.
struct File(PathBuf);

impl Erase for File {
    fn erase(&self, people: Arc<People>) -> BoxFuture<Result<u64, String>> {
        let path = self.0.clone();
        Box::pin(async move {
            let work = move || embedded::erase(&path, &people).map_err(|fault| fault.to_string());
            tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(panic.to_string()))
        })
    }
}

/// Returns what erases people from the embedded store, by the name that is told. The file may be there of a time when it was
/// kept.
pub(super) fn eraser(settings: &Settings) -> (&'static str, Arc<dyn Erase>) {
    ("data_dir/reports", Arc::new(File(path(settings))))
}

/// Returns how events are read for reports.
pub(super) fn rules(settings: &Settings) -> Rules {
    let realtime = &settings.realtime;
    Rules {
        options: Options {
            timeout_ms: i64::try_from(realtime.session_timeout.as_millis()).unwrap_or(i64::MAX),
            new_on_campaign: realtime.new_session_on_campaign,
            ..Options::default()
        },
        salt: settings.server.site_salt.expose_secret().as_bytes().to_vec(),
        spelling: spelling(settings),
    }
}

/// Returns how the address of a page is spelled, live and in reports.
pub(super) fn spelling(settings: &Settings) -> Spelling {
    Spelling {
        strip_trailing_slash: settings.realtime.strip_trailing_slash,
        keep_query: settings.realtime.keep_query.clone(),
    }
}

fn path(settings: &Settings) -> PathBuf {
    settings.server.data_dir.join(FILE)
}

/// Returns what keeps the embedded store up to date, while it is switched on.
///
/// With a journal of several routers there is none: each reads a part of the topic, and what it takes over again after a
/// start comes at new positions, so that it would be counted twice.
pub(super) fn follow(
    settings: &Settings,
    journal: &Arc<dyn Journal>,
    metrics: &Arc<Metrics>,
    arbiter: &ArbiterHandle,
) -> Option<Follow> {
    if !settings.realtime.enabled || settings.journal.shared.is_some() {
        return None;
    }
    let (path, rules, arbiter) = (path(settings), rules(settings), arbiter.clone());
    let parts = Arc::new(Parts {
        name: NAME,
        journal: Arc::clone(journal),
        accept: None,
        metrics: Arc::clone(metrics),
    });
    let metrics = Arc::clone(metrics);
    let factory = Box::new(move |guard| {
        let parts = Arc::clone(&parts);
        let projection = Reports {
            path: path.clone(),
            rules: rules.clone(),
            writer: None,
            facts: Vec::new(),
            next: 0,
            metrics: Arc::clone(&metrics),
        };
        let projector: Addr<Projector<Reports>> =
            Projector::start_in_arbiter(&arbiter, move |_| Projector::new(parts, projection, guard));
        projector.recipient()
    });
    Some(Follow { name: NAME, factory })
}

/// Returns who answers reports: a destination that can, else the embedded store, which several routers have not.
pub(super) fn desk(settings: &Settings, of_destination: Option<Arc<dyn ReportStore>>) -> ReportDesk {
    let realtime = &settings.realtime;
    let own = || {
        let is_alone = settings.journal.shared.is_none();
        is_alone.then(|| Arc::new(Embedded::new(path(settings))) as Arc<dyn ReportStore>)
    };
    ReportDesk {
        store: of_destination.or_else(own),
        zone: realtime.time_zone.iana_name().unwrap_or("UTC").into(),
        currency: realtime.currency.as_str().into(),
    }
}

#[cfg(test)]
mod tests;
