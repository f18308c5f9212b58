//! The broadcaster: says what is live to everybody who listens, and remembers a minute of it.
//!
//! Separate from the projection that finds it out, which starts anew after a panic, and from the door, whose workers come and
//! go. A listener who is slow loses the oldest frames and nobody else's; nothing here waits for one. While somebody listens
//! it asks how the destinations are and what has changed in the tables. Never looks at an event.
//!
//! A panic costs what it remembers and not the actor, since everybody has its address: listeners are told of a gap.

mod together;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::messages::{
    AskRealtime, DescribeSchemas, DestinationStatus, Farewell, Frame, Numbers, Publish, Saying, SchemaReport,
    Snapshot, Subscribe, Subscription,
};
use crate::destinations::SharedPresence;
use crate::policy::ring::{Resumed, Ring};
use crate::projections::active_average::Average;
use crate::telemetry::{Metrics, events};

/// Frames that a slow listener may be behind before it loses some.
const QUEUE: usize = 256;
/// Most bytes of what is kept for those who come back: a minute of the numbers of many sites.
const RING_BYTES: usize = 16 << 20;
/// How often destinations are asked while somebody listens.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often the tables are.
const TABLES_EVERY: u32 = 3;
/// The numbers before the first event.
const NOTHING: &str = r#"{"site":null,"m1":0,"m5":0,"m30":0,"ema":0.0,"estimated":false,"degraded":false,"sessions":0,"pages":[],"orders":{"count":0,"revenue":{}}}"#;

/// Whom it asks.
#[derive(Clone)]
pub struct Sources {
    /// How the destinations are.
    pub destinations: Recipient<Snapshot>,
    /// What the tables look like.
    pub schemas: Recipient<DescribeSchemas>,
    /// Who is there, where several routers know it together.
    pub presence: Option<Arc<dyn SharedPresence>>,
}

/// Command: ask these from now on.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct Attend(pub Sources);

/// See the module.
pub struct Broadcaster {
    boot: Arc<str>,
    metrics: Arc<Metrics>,
    origin: Instant,
    ring: Ring<Arc<Frame>>,
    /// `None` after the farewell.
    voice: Option<broadcast::Sender<Arc<Frame>>>,
    numbers: BTreeMap<Option<Arc<str>>, Numbers>,
    sources: Option<Sources>,
    /// How destinations were, while somebody listens.
    states: Option<BTreeMap<String, (&'static str, Option<String>)>>,
    /// When the newest change of a table was, likewise.
    changed: Option<jiff::Timestamp>,
    looks: u32,
    /// Of the numbers that several routers know together, by site.
    averages: BTreeMap<Option<Arc<str>>, Average>,
    panics: u32,
}

impl Broadcaster {
    /// Returns a broadcaster that has said nothing. `boot` is another one at each start of the router.
    pub fn new(boot: &str, metrics: Arc<Metrics>) -> Self {
        let (voice, _) = broadcast::channel(QUEUE);
        Broadcaster {
            boot: boot.into(),
            metrics,
            origin: Instant::now(),
            ring: Ring::of(RING_BYTES),
            voice: Some(voice),
            numbers: BTreeMap::new(),
            sources: None,
            states: None,
            changed: None,
            looks: 0,
            averages: BTreeMap::new(),
            panics: 0,
        }
    }

    /// Does something that may panic.
    fn guarded<T: Default>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        // What it leaves half done is thrown away.
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            self.begin_again();
            T::default()
        })
    }

    /// Forgets everything but whom it speaks to. Another `boot`: what was said before is not what these numbers go on from.
    fn begin_again(&mut self) {
        let panics = self.panics + 1;
        events::Recovered { child: "broadcaster", panics }.emit();
        let boot = format!("{}.{panics}", self.boot.split('.').next().unwrap_or_default());
        let (voice, sources) = (self.voice.take(), self.sources.take());
        *self = Broadcaster { voice, sources, panics, ..Broadcaster::new(&boot, Arc::clone(&self.metrics)) };
        self.say(gap(None));
    }

    fn say(&mut self, saying: Saying) {
        let Saying { event, data, site } = saying;
        let frame = Arc::new(Frame { seq: self.ring.next(), event, data, site });
        let bytes = frame.data.len();
        self.ring.push(self.origin.elapsed(), Arc::clone(&frame), bytes);
        let Some(voice) = &self.voice else { return };
        // It fails when nobody listens.
        voice.send(frame).unwrap_or_default();
    }

    /// Keeps numbers, and says them where they are new.
    fn keep(&mut self, numbers: Numbers) {
        let before = self.numbers.get(&numbers.site).map(|before| &before.view);
        if before != Some(&numbers.view) {
            let (data, site) = (Arc::clone(&numbers.view), numbers.site.clone());
            self.say(Saying { event: "presence", data, site });
        }
        self.numbers.insert(numbers.site.clone(), numbers);
    }

    fn publish(&mut self, publish: Publish, ctx: &mut Context<Self>) {
        publish.sayings.into_iter().for_each(|saying| self.say(saying));
        match self.sources.as_ref().and_then(|sources| sources.presence.clone()) {
            Some(store) if !publish.numbers.is_empty() => self.keep_together(publish.numbers, &store, ctx),
            _ => publish.numbers.into_iter().for_each(|numbers| self.keep(numbers)),
        }
    }

    fn snapshot(&self, site: Option<&str>) -> Frame {
        let numbers = self.numbers.get(&site.map(Arc::from));
        let data = numbers.map_or_else(|| NOTHING.into(), |numbers| Arc::clone(&numbers.view));
        let site = site.map(Arc::from);
        Frame { seq: self.ring.next() - 1, event: "snapshot", data, site }
    }

    fn subscribe(&mut self, subscribe: &Subscribe, ctx: &mut Context<Self>) -> Option<Subscription> {
        let rest = self.voice.as_ref()?.subscribe();
        let is_first = self.voice.as_ref().is_some_and(|voice| voice.receiver_count() == 1);
        let resumed = subscribe.last_event_id.as_deref().map(|id| self.resume(id));
        let boot = Arc::clone(&self.boot);
        let gap = match resumed {
            Some(Ok(missed)) => return Some(Subscription { boot, gap: None, snapshot: None, missed, rest }),
            Some(Err(missed)) => Some(missed),
            None => None,
        };
        let snapshot = Some(self.snapshot(subscribe.site.as_deref()));
        if is_first {
            // So that the first change after it is one.
            self.look(ctx);
        }
        Some(Subscription { boot, gap, snapshot, missed: Vec::new(), rest })
    }

    /// Returns how a listener goes on, by the id of what it heard last.
    fn resume(&self, id: &str) -> Result<Vec<Arc<Frame>>, Option<u64>> {
        let heard = id.rsplit_once('-').filter(|(boot, _)| **boot == *self.boot);
        let heard = heard.and_then(|(_, seq)| seq.parse().ok()).ok_or(None)?;
        match self.ring.after(heard) {
            Resumed::Exactly(frames) => Ok(frames),
            Resumed::Missed(missed) => Err(Some(missed)),
            Resumed::Unknown => Err(None),
        }
    }

    fn is_heard(&self) -> bool {
        self.voice.as_ref().is_some_and(|voice| voice.receiver_count() > 0)
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let listeners = self.voice.as_ref().map_or(0, broadcast::Sender::receiver_count);
        events::ListenersCounted { listeners }.emit(&self.metrics);
        let Some(sources) = self.sources.clone().filter(|_| self.is_heard()) else {
            (self.states, self.changed) = (None, None);
            return;
        };
        self.looks = self.looks.wrapping_add(1);
        let asked = sources.destinations.send(Snapshot).timeout(LOOK_EVERY).into_actor(self);
        ctx.spawn(asked.map(|states, broadcaster, _| {
            broadcaster.guarded(|own| own.compare_states(states.unwrap_or_default()));
        }));
        if self.looks.is_multiple_of(TABLES_EVERY) || self.changed.is_none() {
            let question = DescribeSchemas { destination: None };
            let asked = sources.schemas.send(question).timeout(LOOK_EVERY).into_actor(self);
            ctx.spawn(asked.map(|report, broadcaster, _| {
                let report = report.ok().and_then(Result::ok).flatten();
                report.into_iter().for_each(|report| broadcaster.guarded(|own| own.compare_tables(report)));
            }));
        }
    }

    fn compare_states(&mut self, statuses: Vec<DestinationStatus>) {
        if statuses.is_empty() {
            return;
        }
        let states: BTreeMap<_, _> =
            statuses.into_iter().map(|one| (one.name, (one.state, one.reason))).collect();
        let Some(before) = self.states.replace(states.clone()) else { return };
        for (name, (state, reason)) in states {
            if before.get(&name).is_none_or(|(was, why)| *was != state || *why != reason) {
                let data = json!({ "name": name, "state": state, "reason": reason }).to_string().into();
                self.say(Saying { event: "destination", data, site: None });
            }
        }
    }

    fn compare_tables(&mut self, report: SchemaReport) {
        let newest = report.log.iter().map(|change| change.at).max().unwrap_or_default();
        let Some(before) = self.changed.replace(newest) else { return };
        // The log is told newest first.
        for change in report.log.iter().rev().filter(|change| change.at > before) {
            let data = serde_json::to_string(change).unwrap_or_default().into();
            self.say(Saying { event: "schema", data, site: None });
        }
    }
}

/// Returns what tells every listener that so many frames were never said; `None` when nobody knows how many.
pub(super) fn gap(missed: Option<u64>) -> Saying {
    Saying { event: "gap", data: json!({ "missed": missed }).to_string().into(), site: None }
}

impl Actor for Broadcaster {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(1024);
        ctx.run_interval(LOOK_EVERY, |broadcaster, ctx| broadcaster.guarded(|own| own.look(ctx)));
    }
}

impl Handler<Attend> for Broadcaster {
    type Result = ();

    fn handle(&mut self, attend: Attend, _: &mut Context<Self>) {
        self.sources = Some(attend.0);
    }
}

impl Handler<Publish> for Broadcaster {
    type Result = ();

    fn handle(&mut self, publish: Publish, ctx: &mut Context<Self>) {
        self.guarded(|own| own.publish(publish, ctx));
    }
}

impl Handler<Subscribe> for Broadcaster {
    type Result = MessageResult<Subscribe>;

    fn handle(&mut self, subscribe: Subscribe, ctx: &mut Context<Self>) -> Self::Result {
        MessageResult(self.guarded(|own| own.subscribe(&subscribe, ctx)))
    }
}

impl Handler<AskRealtime> for Broadcaster {
    type Result = MessageResult<AskRealtime>;

    fn handle(&mut self, question: AskRealtime, _: &mut Context<Self>) -> Self::Result {
        let numbers = self.numbers.get(&question.site.as_deref().map(Arc::from));
        MessageResult(numbers.map(|numbers| Arc::clone(&numbers.report)))
    }
}

impl Handler<Farewell> for Broadcaster {
    type Result = ();

    fn handle(&mut self, _: Farewell, _: &mut Context<Self>) {
        let data = r#"{"reason":"shutdown"}"#.into();
        self.say(Saying { event: "bye", data, site: None });
        self.voice = None;
    }
}

#[cfg(test)]
mod tests;
