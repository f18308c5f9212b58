//! What makes a delivery a replay: it sends a part of the journal again, beside the delivery of what is new.
//!
//! Separate because it is the same actor with another cursor and an end. It yields: while the live delivery lags, it reads
//! one batch a second and no more. It never counts for the destination's backlog, and what passes it is not lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{Beacon, Parts, TICK};
use crate::destinations::Destination;
use crate::journal::{Extent, PassageReader, Record, ReplayOrder};
use crate::policy::filter::EventFilter;
use crate::spec::Event;

/// Batches that the live delivery may be behind before a replay yields to it.
const LIVE_BATCHES: u64 = 2;

/// The part of the journal that is sent again.
#[derive(Debug)]
pub struct Scope {
    /// As ordered.
    pub order: ReplayOrder,
    /// Its patterns.
    pub filter: EventFilter,
    /// The delivery of what is new.
    pub live: Arc<Beacon>,
    /// Reads the records where they do not lie in the log.
    pub passage: Option<Arc<dyn PassageReader>>,
}

/// Returns the name under which the cursor of a destination's replay is kept: no destination can have it.
pub fn cursor_name(destination: &str) -> String {
    format!("{destination}~replay")
}

impl Scope {
    /// Returns the scope of an order.
    ///
    /// # Errors
    /// A pattern that is none, in words.
    pub fn new(order: ReplayOrder, live: Arc<Beacon>) -> Result<Scope, String> {
        let include = order.filter.iter().map(|pattern| pattern.parse()).collect::<Result<_, _>>()?;
        let filter = EventFilter { include, ..EventFilter::default() };
        Ok(Scope { order, filter, live, passage: None })
    }

    /// Returns where the journal ends for the replay.
    pub(super) fn end(&self, journal_end: u64) -> u64 {
        journal_end.min(self.order.until)
    }

    /// Takes out what lies behind the end.
    pub(super) fn cut(&self, records: &mut Vec<Record>) {
        let within = records.partition_point(|record| record.position.0 < self.order.until);
        records.truncate(within);
    }

    pub(super) fn passes(&self, event: &Event) -> bool {
        self.filter.passes(event)
    }

    /// Returns whether the live delivery has more to do than it can send at once.
    pub(super) fn must_yield(&self, extent: Extent, batch: usize, last: Option<Instant>) -> bool {
        let waits = extent.next.0.saturating_sub(self.live.mark.load(Ordering::Acquire));
        let recent = last.is_some_and(|last| last.elapsed() < TICK);
        recent && waits > LIVE_BATCHES * batch as u64
    }
}

/// Returns the lower of two rates, of which 0 is none: an order never goes above what the destination is said to bear.
fn slower(configured: u32, ordered: u32) -> u32 {
    match (configured, ordered) {
        (0, rate) | (rate, 0) => rate,
        (configured, ordered) => configured.min(ordered),
    }
}

impl<D: Destination> Parts<D> {
    /// Returns the parts of a delivery that sends a part of the journal again to the same destination.
    ///
    /// # Errors
    /// See [`Scope::new`]; a passage that this journal cannot read.
    pub fn for_replay(&self, order: ReplayOrder) -> Result<Parts<D>, String> {
        let mut patience = self.patience.clone();
        let rate = &mut patience.rate_limit.events_per_second;
        *rate = slower(*rate, order.events_per_second);
        let beacon = Beacon::default();
        beacon.mark.store(order.from, Ordering::Release);
        let passage = order.passage.as_ref().map(|passage| self.journal.reread(passage)).transpose()?;
        let scope = Scope { passage, ..Scope::new(order, Arc::clone(&self.beacon))? };
        Ok(Parts {
            name: self.name.clone(),
            cursor: cursor_name(&self.name),
            destination: Arc::clone(&self.destination),
            client: Arc::clone(&self.client),
            journal: Arc::clone(&self.journal),
            patience,
            filter: self.filter.clone(),
            discretion: Arc::clone(&self.discretion),
            view: Arc::clone(&self.view),
            schema_manager: self.schema_manager.clone(),
            metrics: Arc::clone(&self.metrics),
            beacon: Arc::new(beacon),
            tap: self.tap.clone(),
            replay: Some(Arc::new(scope)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Position;

    #[test]
    fn an_ordered_rate_never_exceeds_the_configured_one() {
        let cases = [(0, 0, 0), (0, 7, 7), (7, 0, 7), (7, 3, 3), (7, 1000, 7)];
        for (configured, ordered, expected) in cases {
            assert_eq!(slower(configured, ordered), expected, "{configured} and {ordered}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_replay_yields_to_a_delivery_that_lags_and_still_reads_one_batch_a_second() {
        let at = "2030-01-01T00:00:00Z".parse().unwrap();
        let order =
            ReplayOrder { from: 0, until: 100, filter: Vec::new(), events_per_second: 0, at, passage: None };
        let live = Arc::new(Beacon::default());
        let scope = Scope::new(order, Arc::clone(&live)).unwrap();
        let extent = |next| Extent { next: Position(next), ..Extent::default() };
        let read = Some(Instant::now());
        assert!(!scope.must_yield(extent(20), 10, read), "two batches are no lag");
        assert!(scope.must_yield(extent(21), 10, read));
        assert!(!scope.must_yield(extent(21), 10, None), "it has read nothing yet");
        tokio::time::advance(TICK).await;
        assert!(!scope.must_yield(extent(21), 10, read), "a second has passed");
        live.mark.store(5, Ordering::Release);
        assert!(!scope.must_yield(extent(21), 10, Some(Instant::now())), "the delivery has caught up");
    }

    #[test]
    fn an_order_slows_a_replay_down_and_never_speeds_a_destination_up() {
        let rates = [(0, 0), (0, 40), (100, 0), (100, 40), (100, 400)];
        let used = rates.map(|(configured, ordered)| slower(configured, ordered));
        assert_eq!(used, [0, 40, 100, 40, 100]);
    }
}
