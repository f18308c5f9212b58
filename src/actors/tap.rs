//! The tap: shows what happens to single events, as it happens, to those who watch.
//!
//! Separate from the broadcaster, which tells everybody the same: each watcher has a filter, a sample and numbers of its own.
//! Nobody waits for it. What a watcher is too slow for is lost to it alone, and it is told how much. Whoever was cut off has
//! half a minute to come back and goes on where it was.

mod frames;
mod line;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::messages::{Farewell, Frame, NoSeat, Seen, Settlement, Subscription, TapFilter, Tapped, Watch};
use crate::journal::Note;
use crate::journal::attempts::Matter;
use crate::policy::ring::{Resumed, Ring};
use crate::policy::sample::Sample;
use crate::spec::{Event, Rejected};
use crate::telemetry::events;
use frames::Shown;

pub use line::TapLine;

/// Frames that a slow watcher may be behind before it loses some.
const QUEUE: usize = 1_024;
/// Most frames a watcher is shown in one [`WINDOW`]; more than a person, and about as many as a page can draw.
const FRAMES_IN_WINDOW: u64 = 1_000;
/// Over which frames are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// Most who watch at once: each costs a look at everything that happens.
const MAX_WATCHERS: usize = 32;
/// How long the place of one that was cut off is kept.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// Most bytes that are kept for one watcher: about four times as many as a full ring of usual frames has.
const RING_BYTES: usize = 1 << 20;

/// See the module.
pub struct Tap {
    boot: Arc<str>,
    line: TapLine,
    watchers: Vec<Watcher>,
    /// Names of watchers, given out once each.
    named: u64,
    origin: Instant,
    is_over: bool,
    /// How often it has begun again.
    panics: u32,
}

/// Somebody who watches, or was cut off a moment ago.
struct Watcher {
    /// What its ids begin with.
    name: Arc<str>,
    filter: TapFilter,
    sample: Sample,
    ring: Ring<Arc<Frame>>,
    voice: broadcast::Sender<Arc<Frame>>,
    /// When it was last seen to be there.
    there_at: Instant,
}

impl Watcher {
    fn show(&mut self, now: Duration, event: &'static str, data: Arc<str>) {
        let bytes = data.len();
        let frame = Arc::new(Frame { seq: self.ring.next(), event, data, site: None });
        self.ring.push(now, Arc::clone(&frame), bytes);
        // It fails when it was cut off; the ring has it.
        self.voice.send(frame).unwrap_or_default();
    }

    fn is_there(&self) -> bool {
        self.voice.receiver_count() > 0
    }

    /// It takes nothing off its queue: it may be there, but it keeps its seat from others.
    fn is_stalled(&self) -> bool {
        self.voice.len() >= QUEUE
    }

    fn wants(&mut self, event: &Event, (destination, outcome): (Option<&str>, &str)) -> bool {
        self.filter.takes_place(destination, outcome)
            && self.filter.takes_event(event)
            && self.sample.shows(crc32fast::hash(event.head.message_id.as_bytes()))
    }
}

impl Tap {
    /// Returns a tap at the end of this line. `boot` is another one at each start of the router.
    pub fn new(boot: &str, line: TapLine) -> Self {
        let origin = Instant::now();
        Tap { boot: boot.into(), line, watchers: Vec::new(), named: 0, origin, is_over: false, panics: 0 }
    }

    /// Does something that may panic on what it is shown; then everybody who watches is cut off and may come back.
    ///
    /// Without it the line would go on being watched by nobody.
    fn guarded<T: Default>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            self.panics += 1;
            events::Recovered { child: "tap", panics: self.panics }.emit();
            self.watchers.clear();
            self.line.watched_by(0);
            T::default()
        })
    }

    fn look_at(&mut self, seen: &Seen) {
        match seen {
            Seen::Accepted(events) => events.iter().for_each(|event| {
                self.show(event, (None, "accepted"), "accepted", || Shown::accepted(event));
            }),
            Seen::Rejected(all) => all.iter().for_each(|rejected| self.show_rejected(rejected)),
            Seen::Tried { destination, notes, events } => {
                notes.iter().for_each(|note| self.show_attempts(destination, note, events));
            }
            Seen::Settled { destination, at, ends } => ends.iter().for_each(|end| {
                let Settlement { event, fate, .. } = end;
                let place = (Some(&**destination), *fate);
                self.show(event, place, "settled", || Shown::settled(end, destination, *at));
            }),
        }
    }

    fn show_attempts(&mut self, destination: &str, note: &Note, events: &[(u64, Arc<Event>)]) {
        let Matter::Attempt(attempt) = &note.matter else { return };
        for range in &note.ranges {
            let first = events.partition_point(|(position, _)| *position < range.start);
            let rest = events.get(first..).unwrap_or_default();
            for (_, event) in rest.iter().take_while(|(position, _)| *position < range.end) {
                let place = (Some(destination), &*attempt.class);
                self.show(event, place, "attempt", || Shown::attempt(event, destination, (note.at, attempt)));
            }
        }
    }

    /// Says it to those who want it; it is put into words once, and only when somebody does.
    fn show<'a>(
        &mut self,
        event: &Event,
        place: (Option<&str>, &str),
        name: &'static str,
        shown: impl Fn() -> Shown<'a>,
    ) {
        let now = self.origin.elapsed();
        let mut text: Option<Arc<str>> = None;
        for watcher in &mut self.watchers {
            if watcher.wants(event, place) {
                watcher.show(now, name, Arc::clone(text.get_or_insert_with(|| shown().text().into())));
            }
        }
    }

    fn show_rejected(&mut self, rejected: &Rejected) {
        let now = self.origin.elapsed();
        let hash = crc32fast::hash(rejected.message_id.as_deref().unwrap_or_default().as_bytes());
        let mut text: Option<Arc<str>> = None;
        for watcher in &mut self.watchers {
            let wants = watcher.filter.takes_place(None, "rejected") && watcher.filter.takes_unknown();
            if wants && watcher.sample.shows(hash) {
                let text = text.get_or_insert_with(|| Shown::rejected(rejected).text().into());
                watcher.show(now, "rejected", Arc::clone(text));
            }
        }
    }

    /// A window is over: says what was left out in it, forgets what is old, and lets those go who did not come back.
    fn tick(&mut self, _: &mut Context<Self>) {
        let (now, unseen) = (self.origin.elapsed(), self.line.take_lost());
        for watcher in &mut self.watchers {
            let left_out = watcher.sample.next_window();
            if left_out > 0 || unseen > 0 {
                let data = json!({ "left_out": left_out, "unseen": unseen }).to_string();
                watcher.show(now, "sampled", data.into());
            }
            watcher.ring.expire(now);
            if watcher.is_there() && !watcher.is_stalled() {
                watcher.there_at = Instant::now();
            }
        }
        self.watchers.retain(|watcher| watcher.there_at.elapsed() < KEPT_FOR);
        self.line.watched_by(self.watchers.len());
    }

    /// Gives one who comes back its old place, when that is still kept and it wants the same.
    fn resume(&mut self, watch: &Watch) -> Option<Subscription> {
        let (name, heard) = watch.last_event_id.as_deref()?.rsplit_once('-')?;
        let heard = heard.parse().ok()?;
        let watcher =
            self.watchers.iter_mut().find(|one| *one.name == *name && one.filter == watch.filter)?;
        watcher.there_at = Instant::now();
        let (boot, rest) = (Arc::clone(&watcher.name), watcher.voice.subscribe());
        let (gap, missed) = match watcher.ring.after(heard) {
            Resumed::Exactly(missed) => (None, missed),
            Resumed::Missed(missed) => (Some(Some(missed)), watcher.ring.all()),
            Resumed::Unknown => (Some(None), Vec::new()),
        };
        Some(Subscription { boot, gap, snapshot: None, missed, rest })
    }

    /// Takes one who is new, in the place of one who was cut off if need be.
    fn admit(&mut self, watch: Watch) -> Result<Subscription, NoSeat> {
        if self.watchers.len() >= MAX_WATCHERS {
            let gone = self.watchers.iter().position(|watcher| !watcher.is_there()).ok_or(NoSeat::Full)?;
            self.watchers.remove(gone);
        }
        self.named += 1;
        let name: Arc<str> = format!("{}-{}", self.boot, self.named).into();
        let (voice, rest) = broadcast::channel(QUEUE);
        let (boot, there_at) = (Arc::clone(&name), Instant::now());
        let gap = watch.last_event_id.map(|_| None);
        let (filter, sample) = (watch.filter, Sample::of(FRAMES_IN_WINDOW));
        self.watchers.push(Watcher { name, filter, sample, ring: Ring::of(RING_BYTES), voice, there_at });
        self.line.watched_by(self.watchers.len());
        Ok(Subscription { boot, gap, snapshot: None, missed: Vec::new(), rest })
    }
}

impl Actor for Tap {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(1_024);
        self.line.lead_to(ctx.address().recipient());
        ctx.run_interval(WINDOW, Self::tick);
    }
}

impl Handler<Watch> for Tap {
    type Result = Result<Subscription, NoSeat>;

    fn handle(&mut self, watch: Watch, _: &mut Context<Self>) -> Self::Result {
        if self.is_over {
            return Err(NoSeat::Stopping);
        }
        let seat = self.guarded(|own| Some(own.resume(&watch).map_or_else(|| own.admit(watch), Ok)));
        seat.unwrap_or(Err(NoSeat::Stopping))
    }
}

impl Handler<Tapped> for Tap {
    type Result = ();

    fn handle(&mut self, tapped: Tapped, _: &mut Context<Self>) {
        self.guarded(|own| tapped.seen.iter().for_each(|seen| own.look_at(seen)));
    }
}

impl Handler<Farewell> for Tap {
    type Result = ();

    fn handle(&mut self, _: Farewell, _: &mut Context<Self>) {
        let now = self.origin.elapsed();
        for watcher in &mut self.watchers {
            watcher.show(now, "bye", r#"{"reason":"shutdown"}"#.into());
        }
        self.watchers.clear();
        self.line.watched_by(0);
        self.is_over = true;
    }
}

#[cfg(test)]
mod tests;
