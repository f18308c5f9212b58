//! Reports: the embedded store as a projection of the journal, and who answers what is asked.

use std::path::PathBuf;
use std::sync::Arc;

use actix::{Actor, Addr, ArbiterHandle};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::actors::projector::{Parts, Projection, Projector, Stand};
use crate::actors::supervisor::Follow;
use crate::config::Settings;
use crate::http::ReportDesk;
use crate::journal::{Journal, Position, Record};
use crate::projections::reading::Spelling;
use crate::projections::session::Options;
use crate::stores::ReportStore;
use crate::stores::embedded::{Embedded, Writer};
use crate::stores::reports::fact::{Fact, Rules};
use crate::telemetry::{Metrics, events};

/// The file below the data directory.
const FILE: &str = "analytics.db";
/// The projection's name in the log and in metrics.
const NAME: &str = "reports";
/// Pieces of tidying at one tick.
const PIECES: usize = 4;

/// The store of reports, as far as it follows the journal.
struct Reports {
    path: PathBuf,
    rules: Rules,
    writer: Option<Writer>,
    metrics: Arc<Metrics>,
}

impl Projection for Reports {
    fn begin(&mut self, journal: &dyn Journal, _: Timestamp) -> Result<Position, String> {
        let writer = Writer::open(&self.path, self.rules.clone()).map_err(|fault| fault.0)?;
        let position = Position(writer.position().map_err(|fault| fault.0)?);
        self.writer = Some(writer);
        // Less than what is in the file is there of a journal that was made anew, or that lost its end with the power. What it
        // still holds was counted.
        Ok(position.min(journal.extent().next))
    }

    fn fold(&mut self, records: &[Record], stand: Stand) -> Result<(), String> {
        let (Some(writer), Some(last)) = (&mut self.writer, records.last()) else { return Ok(()) };
        writer.tell(stand.now.as_millisecond());
        let facts = records.iter().filter_map(|record| Fact::of(&record.event, writer.rules()));
        let facts: Vec<Fact> = facts.collect();
        let before = writer.refused();
        writer.take(&facts, last.position.0 + 1).map_err(|fault| fault.0)?;
        let refused = writer.refused() - before;
        if refused > 0 {
            events::ReportsTooOld { events: refused }.emit(&self.metrics);
        }
        Ok(())
    }

    fn tick(&mut self, stand: Stand) -> Result<(), String> {
        let Some(writer) = self.writer.as_mut().filter(|_| stand.is_current) else { return Ok(()) };
        for _ in 0..PIECES {
            if !writer.tidy(stand.now.as_millisecond()).map_err(|fault| fault.0)? {
                break;
            }
        }
        Ok(())
    }
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
pub(super) fn follow(
    settings: &Settings,
    journal: &Arc<dyn Journal>,
    metrics: &Arc<Metrics>,
    arbiter: &ArbiterHandle,
) -> Option<Follow> {
    if !settings.realtime.enabled {
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
        let metrics = Arc::clone(&metrics);
        let projection = Reports { path: path.clone(), rules: rules.clone(), writer: None, metrics };
        let parts = Arc::clone(&parts);
        let projector: Addr<Projector<Reports>> =
            Projector::start_in_arbiter(&arbiter, move |_| Projector::new(parts, projection, guard));
        projector.recipient()
    });
    Some(Follow { name: NAME, factory })
}

/// Returns who answers reports: a destination that can, else the embedded store.
pub(super) fn desk(settings: &Settings, of_destination: Option<Arc<dyn ReportStore>>) -> ReportDesk {
    let realtime = &settings.realtime;
    ReportDesk {
        store: of_destination.unwrap_or_else(|| Arc::new(Embedded::new(path(settings)))),
        zone: realtime.time_zone.iana_name().unwrap_or("UTC").into(),
        currency: realtime.currency.as_str().into(),
    }
}
