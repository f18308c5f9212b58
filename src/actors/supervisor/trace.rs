//! The journey of one event: finds it, asks every destination, and puts the answers together. And the events of one person.
//!
//! The destinations are asked before the notes are read: what a delivery writes in between is then on disk. One question
//! at a time reads the disk, so that questions never take the threads that commits need.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::{Supervisor, Ward};
use crate::actors::messages::{AtDestination, Journey, TellTimeline, Timeline, TraceEvent};
use crate::journal::timeline;
use crate::journal::trace::{self, Records, Standing, Traced};
use crate::journal::{Journal, JournalError, Note, Record};

/// How long a delivery may take to say where an event stands.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Questions that may read the disk at the same time.
const READERS: usize = 1;

/// Whom to ask about an event, and what to say where nobody can be asked.
struct Witness {
    name: String,
    journey: Option<Recipient<Journey>>,
    silent: Standing,
}

impl Witness {
    fn of(ward: &Ward) -> Self {
        let silent = match (ward.is_on(), ward.handle()) {
            (false, _) => Standing::Idle { reason: "off".to_owned() },
            (true, None) => Standing::held(Some(ward.words().1), None),
            // It is busy, or has just ended.
            (true, Some(_)) => Standing::Idle { reason: "no_answer".to_owned() },
        };
        let journey = ward.handle().map(|handle| handle.journey.clone());
        Witness { name: ward.child.name.clone(), journey, silent }
    }

    async fn ask(self, journey: Option<Journey>) -> (String, Standing, Option<AtDestination>) {
        let asked =
            self.journey.zip(journey).map(|(whom, journey)| whom.send(journey).timeout(ANSWER_WITHIN));
        let said = match asked {
            Some(asked) => asked.await.ok(),
            None => None,
        };
        (self.name, self.silent, said)
    }
}

/// Returns the readers that share the disk.
pub(super) fn readers() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(READERS))
}

impl Handler<TraceEvent> for Supervisor {
    type Result = ResponseFuture<Result<Option<Traced>, String>>;

    fn handle(&mut self, question: TraceEvent, _: &mut Context<Self>) -> Self::Result {
        let (journal, readers) = (Arc::clone(&self.journal), Arc::clone(&self.readers));
        let witnesses: Vec<Witness> =
            self.wards.iter().filter(|ward| ward.child.replayed.is_none()).map(Witness::of).collect();
        Box::pin(async move {
            let _reader = readers.acquire_owned().await.map_err(|error| error.to_string())?;
            let id = question.message_id;
            let found = blocking(&journal, move |journal| find(journal, &id)).await?;
            let records = match found {
                Found::Accepted(records) => records,
                Found::Other(answer) => return Ok(answer),
            };
            let said = join_all(witnesses.into_iter().map(|witness| {
                let journey = records.at(&witness.name).map(journey);
                witness.ask(journey)
            }));
            let said = said.await;
            let trace = blocking(&journal, move |journal| put_together(journal, &records, said)).await?;
            Ok(Some(trace))
        })
    }
}

impl Handler<TellTimeline> for Supervisor {
    type Result = ResponseFuture<Result<Timeline, String>>;

    fn handle(&mut self, TellTimeline(whose): TellTimeline, _: &mut Context<Self>) -> Self::Result {
        let (journal, readers) = (Arc::clone(&self.journal), Arc::clone(&self.readers));
        Box::pin(async move {
            let _reader = readers.acquire_owned().await.map_err(|error| error.to_string())?;
            blocking(&journal, move |journal| timeline::read(journal, &whose)).await
        })
    }
}

async fn blocking<T: Send + 'static>(
    journal: &Arc<dyn Journal>,
    work: impl FnOnce(&dyn Journal) -> Result<T, JournalError> + Send + 'static,
) -> Result<T, String> {
    let journal = Arc::clone(journal);
    let done = tokio::task::spawn_blocking(move || work(journal.as_ref())).await;
    done.map_err(|panic| panic.to_string())?.map_err(|error| error.to_string())
}

fn journey(record: &Record) -> Journey {
    Journey { position: record.position, event: Arc::clone(&record.event) }
}

enum Found {
    Accepted(Records),
    Other(Option<Traced>),
}

fn find(journal: &dyn Journal, message_id: &str) -> Result<Found, JournalError> {
    if let Some(records) = trace::find(journal, message_id)? {
        return Ok(Found::Accepted(records));
    }
    Ok(Found::Other(trace::find_rejected(journal, message_id)?.map(Traced::Rejected)))
}

fn put_together(
    journal: &dyn Journal,
    records: &Records,
    said: Vec<(String, Standing, Option<AtDestination>)>,
) -> Result<Traced, JournalError> {
    let written: Vec<Note> = records.notes(journal)?;
    let mut trace = trace::begin(records.accepted());
    for (name, silent, said) in said {
        let nobody = AtDestination { standing: silent, blind: true, notes: Vec::new(), table: None };
        let AtDestination { mut standing, blind, notes, table } = said.unwrap_or(nobody);
        if blind {
            standing = standing.or_settled(records.settled(&name, journal.cursor(&name)?.as_ref()));
        }
        trace.stop(&name, (standing, table), written.iter().chain(&notes));
    }
    Ok(Traced::Accepted(Box::new(trace)))
}
