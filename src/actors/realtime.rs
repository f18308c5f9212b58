//! The projection of what is live: folds the journal into [`Live`] and tells the broadcaster.
//!
//! Nothing of it is stored: at a start the last day of the journal is folded again. Until it is current nobody hears of what
//! happened, and no cart is reported: it may have been told already.
//!
//! Its time never goes back. Where the clock of the machine does, after having been ahead, it begins again without the events of
//! that time: else nothing would be told until the clock gets there once more.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use std::sync::Arc;

use actix::Recipient;

use super::broadcaster::gap;
use super::glimpses::Sampler;
use super::messages::{Glimpses, Numbers, Publish, Saying};
use super::projector::{Projection, Stand};
use crate::journal::{Journal, Position, Record};
use crate::projections::live::{Happening, Live, Options, View};
use crate::spec::Event;
use crate::telemetry::{Metrics, events};

/// The projection's name.
pub const NAME: &str = "realtime";
/// How much of the journal is folded at a start: the longest session, the day of orders, and every cart.
const REBUILT: SignedDuration = SignedDuration::from_hours(24);
/// Most events that are folded at a start: about a minute's work.
const MOST_REBUILT: u64 = 5_000_000;
/// How often numbers are told, when they have changed.
const TELL_EVERY_MS: i64 = 2_000;
/// How far ahead an event, or what is known, may be: the clocks of several routers differ by less.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);
/// Most carts that are reported at once.
const MOST_CARTS: usize = 100;

/// See the module.
pub struct Realtime {
    options: Options,
    live: Live,
    publish: Recipient<Publish>,
    metrics: Arc<Metrics>,
    told: i64,
    /// The latest time that it was told.
    latest: Timestamp,
    /// What nobody took since the last time that somebody did.
    unsaid: u64,
    sampler: Sampler,
    late: u64,
    evicted: u64,
}

impl Realtime {
    /// Returns a projection that has taken nothing.
    pub fn new(options: Options, publish: Recipient<Publish>, metrics: Arc<Metrics>) -> Self {
        let live = Live::new(options.clone());
        let (latest, sampler) = (Timestamp::UNIX_EPOCH, Sampler::default());
        Realtime { options, live, publish, metrics, told: 0, latest, unsaid: 0, sampler, late: 0, evicted: 0 }
    }

    /// Shows some of the events to those who ask for that.
    pub fn showing(mut self, glimpses: Glimpses) -> Self {
        self.sampler = Sampler::new(glimpses);
        self
    }

    /// Says what happened, and every two seconds what the numbers are.
    fn tell(&mut self, now: Timestamp) {
        let mut sayings: Vec<Saying> = self.live.happened().into_iter().map(saying).collect();
        let now = now.as_millisecond();
        let numbers = if now - self.told >= TELL_EVERY_MS { self.numbers(now) } else { Vec::new() };
        if sayings.is_empty() && numbers.is_empty() {
            return;
        }
        let said = sayings.len() as u64;
        if self.unsaid > 0 {
            sayings.insert(0, gap(Some(self.unsaid)));
        }
        match self.publish.try_send(Publish { sayings, numbers }) {
            Ok(()) => self.unsaid = 0,
            Err(_) => {
                self.unsaid += said;
                events::NobodyThere { message: "what is live" }.emit();
            }
        }
    }

    fn numbers(&mut self, now: i64) -> Vec<Numbers> {
        self.told = now;
        self.live.advance(now);
        self.count();
        self.live.views().into_iter().map(|view| self.number(view)).collect()
    }

    fn number(&self, view: View) -> Numbers {
        let site = view.site.clone();
        let text = serde_json::to_string(&view).unwrap_or_default().into();
        let report = serde_json::to_string(&self.live.report(view)).unwrap_or_default().into();
        Numbers { site, view: text, report }
    }

    fn count(&mut self) {
        let tallies = self.live.tallies();
        let late = tallies.sessions_late.saturating_sub(self.late);
        let evicted = tallies.sessions_evicted.saturating_sub(self.evicted);
        (self.late, self.evicted) = (tallies.sessions_late, tallies.sessions_evicted);
        events::VisitorsCounted {
            visitors: tallies.visitors,
            sessions: tallies.sessions_open,
            late,
            evicted,
        }
        .emit(&self.metrics);
    }
}

impl Projection for Realtime {
    fn begin(&mut self, journal: &dyn Journal, now: Timestamp) -> Result<Position, String> {
        self.live = Live::new(self.options.clone());
        (self.told, self.latest) = (0, now);
        let since = now.checked_sub(REBUILT).unwrap_or(Timestamp::UNIX_EPOCH);
        let position = journal.position_at(since).map_err(|error| error.to_string())?;
        let most = journal.extent().next.0.saturating_sub(MOST_REBUILT);
        Ok(position.max(Position(most)))
    }

    fn fold(&mut self, records: &[Record], stand: Stand) -> Result<(), String> {
        self.latest = self.latest.max(stand.now);
        let end = stand.now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        // What is stored again for one destination happened once.
        let is_news = |record: &&Record| record.event.receipt.redelivery.is_none();
        let records = records.iter().filter(|record| record.event.receipt.received_at <= end);
        let records: Vec<&Record> = records.collect();
        for record in records.iter().copied().filter(is_news) {
            self.live.take(&record.event);
            if stand.is_current {
                self.sampler.take(&record.event, stand.now);
            }
        }
        if stand.is_current {
            self.tell(stand.now);
        } else {
            // While it is made again, time passes as it did: else all that has ended since would end at once.
            if let Some(last) = records.last() {
                self.live.advance(last.event.receipt.received_at.as_millisecond());
            }
            drop(self.live.happened());
        }
        Ok(())
    }

    fn tick(&mut self, stand: Stand) -> Result<(), String> {
        self.latest = self.latest.max(stand.now);
        if stand.is_current {
            self.live.advance(stand.now.as_millisecond());
            self.tell(stand.now);
        }
        Ok(())
    }

    fn begins_again(&mut self, stand: Stand) -> bool {
        stand.now.saturating_add(AHEAD).is_ok_and(|end| end < self.latest)
    }

    fn outbox(&mut self, stand: Stand) -> Vec<Event> {
        if stand.is_current { self.live.left_carts(MOST_CARTS) } else { Vec::new() }
    }

    fn posted(&mut self) {
        self.live.carts_told(MOST_CARTS);
    }
}

fn saying(happening: Happening) -> Saying {
    let Happening { site, event, mut data } = happening;
    data.as_object_mut().into_iter().for_each(|data| drop(data.insert("site".to_owned(), json!(site))));
    Saying { event, data: data.to_string().into(), site: Some(site) }
}

#[cfg(test)]
mod tests;
