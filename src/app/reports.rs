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
/// What was taken is put into the file when so much time has gone since the last time, in milliseconds.
const EVERY_MS: i64 = 1_000;
/// Or when it is so many events.
const MANY: usize = 8_192;
/// Pieces of tidying at one tick.
const PIECES: usize = 4;

/// The store of reports, as far as it follows the journal.
struct Reports {
    path: PathBuf,
    rules: Rules,
    /// What it holds and is not in the file yet, the journal has: after a kill it is read again.
    writer: Option<Writer>,
    /// When something was last put into the file.
    written_at: i64,
    metrics: Arc<Metrics>,
}

impl Reports {
    fn write(&mut self, now: i64) -> Result<(), String> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.commit(now).map_err(|fault| fault.to_string())?;
        self.written_at = now;
        Ok(())
    }

    fn take(&mut self, records: &[Record], now: i64) -> Result<(), String> {
        let Some((writer, last)) = self.writer.as_mut().zip(records.last()) else { return Ok(()) };
        writer.tell(now);
        let before = writer.refused();
        let facts: Vec<(u64, Fact<'_>)> =
            records.iter().filter_map(|record| fact(record, &self.rules)).collect();
        writer.take(&facts, last.position.0 + 1).map_err(|fault| fault.to_string())?;
        let refused = writer.refused() - before;
        if refused > 0 {
            events::ReportsTooOld { events: refused }.emit(&self.metrics);
        }
        Ok(())
    }

    fn is_due(&self, now: i64) -> bool {
        let held = self.writer.as_ref().map_or(0, Writer::held);
        held >= MANY || !(self.written_at..self.written_at.saturating_add(EVERY_MS)).contains(&now)
    }
}

/// Returns what a record says to reports, with its position.
fn fact<'r>(record: &'r Record, rules: &Rules) -> Option<(u64, Fact<'r>)> {
    Some((record.position.0, Fact::of(&record.event, rules)?))
}

impl Projection for Reports {
    fn begin(&mut self, journal: &dyn Journal, _: Timestamp) -> Result<Position, String> {
        let mut writer = Writer::open(&self.path, self.rules.clone()).map_err(|fault| fault.to_string())?;
        let begin = writer.begin(journal.extent().next.0).map_err(|fault| fault.to_string())?;
        self.writer = Some(writer);
        Ok(Position(begin))
    }

    fn fold(&mut self, records: &[Record], stand: Stand) -> Result<(), String> {
        let now = stand.now.as_millisecond();
        // Before anything more is held: while the file cannot be written the journal holds it.
        if self.writer.as_ref().is_some_and(|writer| writer.held() >= MANY) {
            self.write(now)?;
        }
        self.take(records, now)?;
        // What was taken is not given back: it is written at the next tick.
        if self.is_due(now) { self.write(now).or(Ok(())) } else { Ok(()) }
    }

    fn tick(&mut self, stand: Stand) -> Result<(), String> {
        self.write(stand.now.as_millisecond())?;
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
            written_at: i64::MIN,
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
