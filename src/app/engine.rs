//! The engine of the journal, as it is configured.

use std::sync::Arc;

use super::{ServeError, broken};
use crate::config::Settings;
use crate::config::settings::{Durability, OnFull};
use crate::journal::embedded::{EmbeddedJournal, Options};
use crate::journal::{Extent, Journal};
use crate::telemetry::{Metrics, clock, events};

/// Bytes of events that stay in memory for all destinations together.
const TAIL_BYTES: usize = 16 << 20;

/// Returns how the files are kept.
pub(super) fn options(settings: &Settings) -> Options {
    let journal = &settings.journal;
    Options {
        dir: settings.server.data_dir.join("journal"),
        fsync: journal.durability == Durability::Fsync,
        max_bytes: journal.max_bytes,
        drop_oldest: journal.on_full == OnFull::DropOldest,
        retention: journal.retention,
        dedupe_window: journal.dedupe_window,
        dedupe_max_ids: journal.dedupe_max_ids,
        tail_bytes: TAIL_BYTES,
    }
}

/// Opens the journal.
pub(super) fn open(settings: &Settings, metrics: &Metrics) -> Result<Arc<dyn Journal>, ServeError> {
    let begun = tokio::time::Instant::now();
    let journal = of_engine(settings)?;
    let extent: Extent = journal.extent();
    let records = extent.next.0 - extent.first.0;
    events::JournalOpened { records, journal_bytes: extent.bytes, took: begun.elapsed() }.emit(metrics);
    Ok(journal)
}

fn embedded(options: Options) -> Result<EmbeddedJournal, ServeError> {
    EmbeddedJournal::open(options, clock::now()).map_err(|error| broken("open the journal", error))
}

#[cfg(feature = "kafka")]
fn of_engine(settings: &Settings) -> Result<Arc<dyn Journal>, ServeError> {
    use crate::journal::kafka;
    let options = options(settings);
    let Some(shared) = &settings.journal.shared else { return Ok(Arc::new(embedded(options)?)) };
    let kafka = kafka::Options {
        topic: shared.topic.clone(),
        group: shared.group.clone(),
        client: shared.client.clone(),
        dedupe_window: options.dedupe_window,
        dedupe_max_ids: options.dedupe_max_ids,
        max_event_bytes: settings.server.max_event_bytes,
        max_message_bytes: shared.max_message_bytes,
        dir: options.dir.join("shared"),
    };
    // The topic is the truth: what the spool loses comes again. It must hold every record, and never give one up unsettled.
    let spool = Options { fsync: false, drop_oldest: false, dedupe_max_ids: 0, ..options };
    let journal = kafka::KafkaJournal::open(kafka, embedded(spool)?);
    Ok(Arc::new(journal.map_err(|error| broken("open the journal", error))?))
}

#[cfg(not(feature = "kafka"))]
fn of_engine(settings: &Settings) -> Result<Arc<dyn Journal>, ServeError> {
    Ok(Arc::new(embedded(options(settings))?))
}

/// Returns when an event counts as durable, for `/ready`.
pub(super) fn durability(settings: &Settings) -> &'static str {
    match settings.journal.shared {
        Some(_) => "brokers",
        None => settings.journal.durability.as_str(),
    }
}
