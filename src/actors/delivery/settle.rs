//! What must be on disk before an event counts as done: dead letters first, then notes, then the cursor.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;

use super::{Delivery, End, Parts, TICK};
use crate::destinations::Destination;
use crate::journal::{Cursor, DeadLetter, JournalError, Position};
use crate::policy::delivery::{Burial, Input};
use crate::policy::outcome::Reason;
use crate::spec::Event;
use crate::telemetry::{clock, events};

/// How soon a cursor is stored again while events are being settled: what was settled since is sent again after a kill.
const COMMIT_EVERY: Duration = Duration::from_millis(20);
/// By how much that grows with each settled range above the mark: 6 bytes each, so that 3 MB are written in a second at most.
const COMMIT_RANGE: Duration = Duration::from_micros(2);

impl<D: Destination> Delivery<D> {
    pub(super) fn bury(&mut self, burials: Vec<Burial>, ctx: &mut Context<Self>) {
        let events: HashMap<u64, Arc<Event>> = burials
            .iter()
            .filter_map(|burial| Some((burial.position, self.events.get(burial.position)?)))
            .collect();
        let parts = Arc::clone(&self.parts);
        let doomed = burials.clone();
        let writing = self.guard.tie();
        let work = tokio::task::spawn_blocking(move || {
            let written = parts.write_letters(&doomed, &events);
            drop(writing);
            written
        });
        ctx.spawn(work.into_actor(self).map(move |written, delivery, ctx| {
            let written = written.unwrap_or_else(|panic| Err(panic.to_string()));
            delivery.buried(burials, written, ctx);
        }));
    }

    fn buried(
        &mut self,
        burials: Vec<Burial>,
        written: Result<Vec<DeadLetter>, String>,
        ctx: &mut Context<Self>,
    ) {
        let letters = match written {
            Ok(letters) => letters,
            Err(why) => {
                self.trouble("keep dead letters", &why);
                return self.give(Input::NotBuried(burials), ctx);
            }
        };
        let first =
            letters.first().map(|letter| letter.event.head.message_id.to_string()).unwrap_or_default();
        self.show_dead(letters);
        let mut by_reason: HashMap<Reason, u64> = HashMap::new();
        burials.iter().for_each(|burial| *by_reason.entry(burial.fault.reason).or_default() += 1);
        for (reason, count) in by_reason {
            let (destination, reason) = (self.parts.name.as_str(), reason.as_str());
            self.tally.buried(reason, count);
            events::EventsBuried { destination, reason, count, message_id: &first }.emit(&self.parts.metrics);
        }
        burials.iter().for_each(|burial| self.notes.ended(burial.position, End::Dead(burial.fault.reason)));
        let positions: Vec<u64> = burials.iter().map(|burial| burial.position).collect();
        self.give(Input::Buried(positions.clone()), ctx);
        self.forget(&positions, false);
    }

    pub(super) fn commit(&mut self, ctx: &mut Context<Self>) {
        let Some(machine) = &self.machine else { return };
        let settled = machine.settled();
        let cursor = Cursor {
            mark: Position(settled.mark()),
            settled: settled.ranges(),
            counts: self.tally.totals().clone(),
        };
        let parts = Arc::clone(&self.parts);
        let notes = self.notes.take(&self.parts.name);
        let first = notes.clone();
        let writing = self.guard.tie();
        let work = tokio::task::spawn_blocking(move || {
            let noted = first.map_or(Ok(()), |notes| parts.note(&notes));
            let stored = parts.store_cursor(&cursor);
            drop(writing);
            (noted, stored)
        });
        ctx.spawn(work.into_actor(self).map(move |done, delivery, ctx| {
            let (noted, stored) = done.unwrap_or_else(|panic| (Ok(()), Err(panic.to_string())));
            notes.into_iter().for_each(|notes| delivery.noted(&notes, noted.clone()));
            delivery.committed(stored, ctx);
        }));
    }

    /// Returns whether this was a replay, and all of it is done with.
    pub(super) fn is_replayed(&self) -> bool {
        let mark = self.parts.beacon.mark.load(Ordering::Acquire);
        self.parts.replay.as_ref().is_some_and(|scope| mark >= scope.order.until)
    }

    fn committed(&mut self, done: Result<(), String>, ctx: &mut Context<Self>) {
        match done {
            Ok(()) if self.is_replayed() => ctx.stop(),
            Ok(()) if self.draining.is_some() => self.give(Input::Committed, ctx),
            Ok(()) => {
                let ranges = self.machine.as_ref().map_or(0, |machine| machine.settled().fragments());
                ctx.run_later(commit_again_after(ranges), |delivery, ctx| {
                    delivery.give(Input::Committed, ctx)
                });
            }
            Err(why) => {
                self.trouble("store the cursor", &why);
                ctx.run_later(TICK, |delivery, ctx| delivery.give(Input::NotCommitted, ctx));
            }
        }
    }
}

/// Returns how soon a cursor with so many settled ranges above its mark is stored again.
fn commit_again_after(ranges: usize) -> Duration {
    COMMIT_EVERY + COMMIT_RANGE.saturating_mul(u32::try_from(ranges).unwrap_or(u32::MAX))
}

/// A record that nobody can read any more has no letter; any other failure may pass.
fn unreadable(error: JournalError) -> Result<Option<Arc<Event>>, String> {
    if matches!(error, JournalError::Damaged(_)) { Ok(None) } else { Err(error.to_string()) }
}

impl<D: Destination> Parts<D> {
    fn store_cursor(&self, cursor: &Cursor) -> Result<(), String> {
        self.journal.commit(&self.cursor, cursor).map_err(|error| error.to_string())?;
        self.beacon.mark.store(cursor.mark.0, Ordering::Release);
        Ok(())
    }

    /// Writes dead letters and returns them.
    fn write_letters(
        &self,
        burials: &[Burial],
        loaded: &HashMap<u64, Arc<Event>>,
    ) -> Result<Vec<DeadLetter>, String> {
        let mut letters = Vec::with_capacity(burials.len());
        for burial in burials {
            let event = match loaded.get(&burial.position) {
                Some(event) => Some(Arc::clone(event)),
                None => self.read_one(burial.position).or_else(unreadable)?,
            };
            letters.extend(event.map(|event| self.letter(burial, event)));
        }
        self.journal.bury(&letters).map_err(|error| error.to_string())?;
        Ok(letters)
    }

    fn letter(&self, burial: &Burial, event: Arc<Event>) -> DeadLetter {
        let place = burial.fault.place.as_deref();
        DeadLetter {
            destination: self.name.clone(),
            position: Position(burial.position),
            reason: burial.fault.reason.as_str(),
            status: burial.fault.status,
            answer: burial.fault.answer.clone(),
            attempts: burial.attempts,
            at: clock::now(),
            table: place.map(|place| place.table.clone()),
            ddl: place.map(|place| place.ddl.clone()).filter(|ddl| !ddl.is_empty()),
            event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_many_ranges_is_stored_less_often() {
        let millis = [0, 1_000, 500_000].map(|ranges| commit_again_after(ranges).as_millis());
        assert_eq!(millis, [20, 22, 1_020]);
    }
}
