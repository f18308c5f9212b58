//! A projector: follows the journal for one projection, in order, with a position of its own.
//!
//! Separate from the deliveries because a projection has no batch, no retry and no outcome: it is a view that can be made
//! again from the journal, so it holds no record back and keeps nobody waiting. What it does runs on threads of its own
//! arbiter; while it catches up it rests between two batches. Never knows what a projection is about.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::exit_guard::{ExitGuard, Tie};
use super::messages::{Accept, Drain, Drained};
use crate::journal::{Journal, JournalError, Position, ReadLimit, Record};
use crate::spec::Event;
use crate::telemetry::{Metrics, clock, events};

/// Most that is taken in one step: a few milliseconds of work.
const STEP: ReadLimit = ReadLimit { records: 1024, bytes: 1 << 20 };
/// How long an idle projector waits until it looks again.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a projection is told the time when nothing happens.
const TICK_EVERY: Duration = Duration::from_secs(1);
/// How long a projection that failed is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// While it catches up, a projector rests this part of the time that it works.
const REST_SHARE: u32 = 4;

/// Where a projector stands.
#[derive(Debug, Clone, Copy)]
pub struct Stand {
    /// The time.
    pub now: Timestamp,
    /// Everything that was in the journal a moment ago has been taken: what comes is new.
    pub is_current: bool,
}

/// A view of the stream that is made by folding over it. Called on a thread that may block, one call at a time.
pub trait Projection: Send + Unpin + 'static {
    /// Returns where to begin; asked until the first [`fold`](Projection::fold) has gone well. A position that the journal no
    /// longer holds stands for its oldest record.
    ///
    /// # Errors
    /// Why it cannot begin now; it is asked again.
    fn begin(&mut self, journal: &dyn Journal, now: Timestamp) -> Result<Position, String>;

    /// Takes the next records, in the order of the journal. Among them are some that are no news to a view of what happened:
    /// those that were stored again for one destination ([`crate::spec::Receipt::redelivery`]).
    ///
    /// # Errors
    /// Why nothing of them was taken; the same records come again.
    fn fold(&mut self, records: &[Record], stand: Stand) -> Result<(), String>;

    /// Takes the time, about once a second, also between two folds.
    ///
    /// # Errors
    /// Why not; it is told the time again.
    fn tick(&mut self, stand: Stand) -> Result<(), String> {
        let _ = stand;
        Ok(())
    }

    /// Returns whether it can only go on from its beginning: the projector begins again, as at a start. Asked after every tick.
    fn begins_again(&mut self, stand: Stand) -> bool {
        let _ = stand;
        false
    }

    /// Returns events that it wants accepted by the router, with ids that are the same however often it is asked. Asked after
    /// every tick.
    fn outbox(&mut self, stand: Stand) -> Vec<Event> {
        let _ = stand;
        Vec::new()
    }

    /// Learns that everything the outbox last held is durable.
    fn posted(&mut self) {}
}

/// What a projector works with.
pub struct Parts {
    /// The projection's name, in the log and in metrics.
    pub name: &'static str,
    /// What it follows.
    pub journal: Arc<dyn Journal>,
    /// Takes what a projection wants accepted; `None` for one that never wants anything.
    pub accept: Option<Recipient<Accept>>,
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

/// See the module.
pub struct Projector<P> {
    parts: Arc<Parts>,
    projection: Option<P>,
    stop: watch::Sender<bool>,
    ended: Option<oneshot::Receiver<()>>,
    guard: ExitGuard,
}

impl<P: Projection> Projector<P> {
    /// Returns a projector that begins when it is started.
    pub fn new(parts: Arc<Parts>, projection: P, guard: ExitGuard) -> Self {
        let (stop, _) = watch::channel(false);
        Projector { parts, projection: Some(projection), stop, ended: None, guard }
    }
}

impl<P: Projection> Actor for Projector<P> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let Some(projection) = self.projection.take() else { return };
        let (ending, ended) = oneshot::channel();
        self.ended = Some(ended);
        let way = Way::new(Arc::clone(&self.parts), self.guard.tie());
        let follow = follow(way, projection, self.stop.subscribe()).into_actor(self);
        // A panic of the projection is one of this future, which takes the actor with it: the guard tells. When nobody drains it
        // nobody waits for its end either.
        ctx.spawn(follow.map(move |(), _, _| ending.send(()).unwrap_or_default()));
    }
}

impl<P: Projection> Handler<Drain> for Projector<P> {
    type Result = ResponseActFuture<Self, Drained>;

    /// Nothing is left behind: what was not taken is in the journal.
    fn handle(&mut self, _: Drain, _: &mut Context<Self>) -> Self::Result {
        self.stop.send_replace(true);
        let ended = self.ended.take();
        let wait = async move {
            if let Some(ended) = ended {
                // When the sender is gone it has ended as well.
                drop(ended.await);
            }
        };
        Box::pin(wait.into_actor(self).map(|(), _, ctx| {
            ctx.stop();
            Drained { left: 0 }
        }))
    }
}

/// How far a projector is on its way through the journal.
struct Way {
    parts: Arc<Parts>,
    tie: Arc<Tie>,
    from: Option<Position>,
    is_current: bool,
    begun: Instant,
    taken: u64,
    ticked: Option<Instant>,
    trouble: Option<String>,
    /// What the last tick failed with: reading on does not end it.
    tick_trouble: Option<String>,
}

/// What a step came to.
enum Stepped {
    /// So many records, and the position after the last; whether nothing is left.
    Took { records: u64, next: Position, is_all: bool },
    /// The record at this position cannot be read.
    Damaged(Position),
    /// It has to be tried again.
    Failed(String),
}

async fn follow<P: Projection>(mut way: Way, mut projection: P, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow_and_update() {
        let begun = Instant::now();
        let pause;
        (projection, pause) = way.advance(projection).await;
        let pause = pause.unwrap_or_else(|| begun.elapsed() / REST_SHARE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
}

impl Way {
    fn new(parts: Arc<Parts>, tie: Tie) -> Way {
        Way {
            parts,
            tie: Arc::new(tie),
            from: None,
            is_current: false,
            begun: Instant::now(),
            taken: 0,
            ticked: None,
            trouble: None,
            tick_trouble: None,
        }
    }

    /// Does what is to be done now; returns how long to wait then, or nothing where more is there.
    async fn advance<P: Projection>(&mut self, projection: P) -> (P, Option<Duration>) {
        let end = self.parts.journal.extent().next;
        let has_more = self.from.is_none_or(|from| from < end);
        let is_due = self.ticked.is_none_or(|at| at.elapsed() >= TICK_EVERY);
        if !has_more && !is_due {
            return (projection, Some(LOOK_EVERY));
        }
        let stand = Stand { now: clock::now(), is_current: self.is_current };
        let (journal, from, tie) = (Arc::clone(&self.parts.journal), self.from, Arc::clone(&self.tie));
        let (projection, stepped, told) = on_its_thread(move || {
            let mut projection = projection;
            let stepped = step(&mut projection, (journal.as_ref(), from, end), stand);
            let tell = |projection: &mut P| (projection.tick(stand), projection.begins_again(stand));
            let told = is_due.then(|| (tell(&mut projection), projection.outbox(stand)));
            drop(tie);
            (projection, stepped, told)
        })
        .await;
        let pause = self.settle(stepped, end);
        let Some(((ticked, begins_again), outbox)) = told else { return (projection, pause) };
        self.ticked = Some(Instant::now());
        let (whom, failed) = (self.parts.name, ticked.err());
        tell_once(&mut self.tick_trouble, failed, whom);
        if begins_again {
            (self.from, self.is_current) = (None, false);
            (self.begun, self.taken) = (Instant::now(), 0);
        }
        (self.post(projection, outbox).await, pause)
    }

    fn settle(&mut self, stepped: Stepped, end: Position) -> Option<Duration> {
        let (name, metrics) = (self.parts.name, &self.parts.metrics);
        match stepped {
            Stepped::Took { records, next, is_all } => {
                self.trouble = None;
                self.from = Some(next);
                self.taken += records;
                let lag = end.0.saturating_sub(next.0);
                events::ProjectionAdvanced { projection: name, events: records, lag }.emit(metrics);
                if is_all && !self.is_current {
                    self.is_current = true;
                    let (events, took) = (self.taken, self.begun.elapsed());
                    events::ProjectionCurrent { projection: name, events, took }.emit(metrics);
                }
                is_all.then_some(LOOK_EVERY)
            }
            Stepped::Damaged(position) => {
                self.say("a record cannot be read and is passed over".to_owned());
                self.from = Some(Position(position.0 + 1));
                None
            }
            Stepped::Failed(why) => {
                self.say(why);
                Some(RETRY_AFTER)
            }
        }
    }

    /// Says what is wrong, once.
    fn say(&mut self, why: String) {
        tell_once(&mut self.trouble, Some(why), self.parts.name);
    }

    /// Hands over what the projection wants accepted; what is not durable then is asked for again.
    async fn post<P: Projection>(&mut self, projection: P, events: Vec<Event>) -> P {
        let Some(accept) = self.parts.accept.as_ref().filter(|_| !events.is_empty()) else {
            return projection;
        };
        let answer = accept.send(Accept::own(events)).await;
        let mut projection = projection;
        match answer {
            Ok(Ok(_)) => projection.posted(),
            Ok(Err(refused)) => self.say(refused.to_string()),
            Err(gone) => self.say(gone.to_string()),
        }
        projection
    }
}

/// Keeps what went wrong, and logs it when it is not what went wrong before.
fn tell_once(known: &mut Option<String>, trouble: Option<String>, whom: &str) {
    if let Some(error) = trouble.as_ref().filter(|_| *known != trouble) {
        events::Trouble { whom, doing: "follow the journal", error }.emit();
    }
    *known = trouble;
}

/// Takes what lies between a position and the end.
fn step<P: Projection>(
    projection: &mut P,
    (journal, from, end): (&dyn Journal, Option<Position>, Position),
    stand: Stand,
) -> Stepped {
    let from = match from.map_or_else(|| projection.begin(journal, stand.now), Ok) {
        Ok(from) => from.max(journal.extent().first),
        Err(why) => return Stepped::Failed(why),
    };
    if from >= end {
        return Stepped::Took { records: 0, next: from, is_all: true };
    }
    let records = match journal.tail(from, STEP).map_or_else(|| journal.read(from, STEP), Ok) {
        Ok(records) => records,
        Err(JournalError::Damaged(_)) => return Stepped::Damaged(from),
        Err(error) => return Stepped::Failed(error.to_string()),
    };
    let next = records.last().map_or(end, |record| Position(record.position.0 + 1));
    match projection.fold(&records, stand) {
        Ok(()) => Stepped::Took { records: records.len() as u64, next, is_all: next >= end },
        Err(why) => Stepped::Failed(why),
    }
}

/// Runs the work of a projection; its panic goes on here.
async fn on_its_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only at the end of the runtime, which ends this as well.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests;
