//! The supervisor: takes events from the door, hands them to the journal writer, wakes the destinations, and keeps all of
//! them alive.
//!
//! It owns a factory per child. A child that panics is started again with growing waits, and parked after too many panics in
//! a minute; what it had done is in the journal. Never looks into an event.

mod holding;
mod letters;
mod orders;
mod projections;
mod reload;
mod schema;
mod shares;
mod trace;
mod wards;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::join_all;

use super::delivery::Beacon;
use super::journal_writer::JournalWriter;
use super::messages::{
    Accept, Accepted, Appended, Backlog, ChildExited, DescribeSchema, DestinationStatus, Drain, Drained,
    DropBacklog, Journey, Life, NotAccepted, NotAppended, Obey, Readiness, ReadyCheck, RefreshSchema,
    Snapshot, Status, Stop, Wake,
};
use super::tap::TapLine;
use crate::destinations::Erase;
use crate::journal::{Journal, Position, ReplayOrder};
use crate::policy::restarts::{Restarts, Verdict};
use crate::policy::route::{self, Kinds};
use crate::privacy::Suppression;
use crate::telemetry::{Metrics, clock, events};
use orders::OrderBook;
use space::Space;
use wards::{End, Ward, Wards};

pub use orders::Replayed;
pub use projections::{Follow, FollowFactory};

/// How often the journal is asked to give up what nobody needs.
const RETAIN_EVERY: Duration = Duration::from_secs(5);
/// Replays hold records while these are less than this part of the journal.
const REPLAY_SHARE: u64 = 2;
/// How long a child may take to say how it is.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long a stop waits for the step that a projection is in.
const PROJECTIONS_END_WITHIN: Duration = Duration::from_secs(2);

/// The running delivery of one destination.
#[derive(Clone)]
pub struct Handle {
    /// Looks at the journal.
    pub wake: Recipient<Wake>,
    /// Says how it is.
    pub status: Recipient<Status>,
    /// Does what an operator orders.
    pub obey: Recipient<Obey>,
    /// Stops when it has finished what it has in flight.
    pub drain: Recipient<Drain>,
    /// Stops at once.
    pub stop: Recipient<Stop>,
    /// Gives up its backlog.
    pub drop_backlog: Recipient<DropBacklog>,
    /// Knows where an event stands.
    pub journey: Recipient<Journey>,
}

/// Starts a delivery with the guard that reports its end.
pub type Factory = Box<dyn Fn(super::exit_guard::ExitGuard) -> Handle + Send>;

/// Makes what starts a replay of a destination, with the beacon that tells how far it is. Fails with what is wrong with the
/// order.
pub type ReplayFactory = Box<dyn Fn(ReplayOrder) -> Result<(Arc<Beacon>, Factory), String> + Send>;

/// What may be asked of a schema manager.
#[derive(Clone)]
pub struct SchemaDoor {
    /// Tells what the tables look like.
    pub describe: Recipient<DescribeSchema>,
    /// Reads them anew.
    pub refresh: Recipient<RefreshSchema>,
}

/// A destination as the supervisor knows it.
pub struct Child {
    /// Configured name.
    pub name: String,
    /// Kind of destination.
    pub kind: &'static str,
    /// Which kinds of events it wants.
    pub interest: Kinds,
    /// What it shares with its delivery.
    pub beacon: Arc<Beacon>,
    /// Starts it; `None` when it is switched off.
    pub factory: Option<Factory>,
    /// Starts a replay beside it; `None` when it is switched off, and for a replay.
    pub replay: Option<ReplayFactory>,
    /// Knows its tables, for a warehouse that is switched on. Independent of its lives.
    pub schema: Option<SchemaDoor>,
    /// What erases people there; `None` where nothing can. Independent of its lives too.
    pub eraser: Option<Arc<dyn Erase>>,
    /// What it sends again; `None` for a destination.
    pub replayed: Option<Replayed>,
}

/// See the module.
pub struct Supervisor {
    journal: Arc<dyn Journal>,
    durability: &'static str,
    metrics: Arc<Metrics>,
    writer: Option<Addr<JournalWriter>>,
    writer_restarts: Restarts,
    wards: Wards,
    projections: projections::Projections,
    orders: OrderBook,
    /// The wards of replays, by destination.
    replays: BTreeMap<String, u64>,
    origin: tokio::time::Instant,
    /// Why the last commit failed, until one succeeds or there is room again.
    refusing: Option<NotAppended>,
    draining: bool,
    /// While the journal changes hands nothing is started.
    standing_by: shares::Waiting,
    /// Nor while people are erased.
    holding: shares::Waiting,
    /// Nor are projections while people are erased from what they write.
    holding_views: shares::Waiting,
    /// When a delivery was last ended with something in flight.
    last_cut: Option<tokio::time::Instant>,
    retaining: bool,
    letters: letters::Desk,
    /// What `/ready` says of the configuration.
    config: ReadyCheck,
    /// Questions that may read the disk.
    readers: Arc<tokio::sync::Semaphore>,
    space: Space,
    tap: TapLine,
    suppression: Arc<Suppression>,
}

/// The one life of the journal writer that matters: it is never replaced, only started again.
const WRITER: Life = Life { ward: u64::MAX, incarnation: 0 };

impl Supervisor {
    /// Returns a supervisor; its children start with it. `durability` is the configured word, for `/ready`.
    pub fn new(
        journal: Arc<dyn Journal>,
        durability: &'static str,
        metrics: Arc<Metrics>,
        children: Vec<Child>,
    ) -> Self {
        let mut wards = Wards::default();
        for child in children {
            wards.add_destination(child);
        }
        Supervisor {
            orders: OrderBook::new(Arc::clone(&journal)),
            replays: BTreeMap::new(),
            journal,
            durability,
            metrics,
            writer: None,
            writer_restarts: Restarts::default(),
            wards,
            projections: projections::Projections::default(),
            origin: tokio::time::Instant::now(),
            refusing: None,
            draining: false,
            standing_by: None,
            holding: None,
            holding_views: None,
            last_cut: None,
            retaining: false,
            letters: letters::Desk::default(),
            config: reload::config_check(),
            readers: trace::readers(),
            space: Space::default(),
            tap: TapLine::default(),
            suppression: Arc::default(),
        }
    }

    /// Has nothing stored of these people.
    #[must_use]
    pub fn sifting(mut self, suppression: Arc<Suppression>) -> Self {
        self.suppression = suppression;
        self
    }

    /// Shows what is accepted to those who watch.
    #[must_use]
    pub fn tapped(mut self, tap: TapLine) -> Self {
        self.tap = tap;
        self
    }

    fn start_writer(&mut self, ctx: &mut Context<Self>) {
        let address = ctx.address();
        let guard = super::exit_guard::ExitGuard::new(address.clone().recipient(), WRITER);
        let (journal, metrics) = (Arc::clone(&self.journal), Arc::clone(&self.metrics));
        let reports = (address.clone().recipient(), address.clone().recipient(), address.recipient());
        let writer = JournalWriter::new(journal, metrics, reports, guard).tapped(self.tap.clone());
        self.writer = Some(writer.sifting(Arc::clone(&self.suppression)).start());
    }

    /// Starts a child that is switched on and does not run.
    fn start_child(&mut self, number: u64, ctx: &mut Context<Self>) {
        if self.standing_by.is_some() || self.holding.is_some() {
            return;
        }
        self.wards.start(number, ctx.address().recipient());
    }

    fn wake(&self, kinds: Kinds) {
        let wards: Vec<&Ward> = self.wards.iter().collect();
        let interests: Vec<Kinds> = wards.iter().map(|ward| ward.child.interest).collect();
        for ward in route::concerned(kinds, &interests).filter_map(|index| wards.get(index)) {
            let Some(handle) = ward.awake() else { continue };
            let woken = &ward.child.beacon.woken;
            if !woken.swap(true, Ordering::AcqRel) && handle.wake.try_send(Wake).is_err() {
                // It will look by itself within a second.
                woken.store(false, Ordering::Release);
            }
        }
    }

    /// Returns the position below which nobody needs a record. A replay holds what it is yet to send only while that takes less
    /// than its share: sending again is no reason to refuse new events.
    fn floor(&self) -> Position {
        let waited_for = self.waited_for();
        let replayed = self.wards.iter().filter(|ward| ward.sends_log_again()).map(Ward::mark).min();
        let most = self.journal.extent().max_bytes / REPLAY_SHARE;
        let held = replayed.map(Position).filter(|from| self.journal.bytes_since(*from) <= most);
        held.map_or(waited_for, |from| from.min(waited_for))
    }

    /// Returns the position below which every enabled destination is done.
    fn waited_for(&self) -> Position {
        let marks = self.wards.iter().filter(|ward| ward.is_waited_for()).map(Ward::mark);
        marks.min().map_or_else(|| self.journal.extent().next, Position)
    }

    fn retain(&mut self, ctx: &mut Context<Self>) {
        self.measure_space();
        if std::mem::replace(&mut self.retaining, true) {
            return;
        }
        let (journal, floor) = (Arc::clone(&self.journal), self.floor());
        let refusing = self.refusing.is_some();
        let work = tokio::task::spawn_blocking(move || {
            let retired = journal.retain(floor, clock::now());
            // While `/ready` says no, no event may come whose commit would show that all is well again.
            (retired, refusing && journal.prepare().is_ok())
        });
        ctx.spawn(work.into_actor(self).map(|done, supervisor, _| {
            supervisor.retaining = false;
            match done {
                Ok((retired, recovered)) => supervisor.retained(retired, recovered),
                Err(panic) => trouble("give up old records", &panic.to_string()),
            }
        }));
    }

    fn retained(&mut self, retired: Result<u64, crate::journal::JournalError>, recovered: bool) {
        if recovered {
            self.refusing = None;
        }
        let journal_bytes = self.journal.extent().bytes;
        match retired {
            Ok(0) => {}
            Ok(records) => events::RecordsRetired { records, journal_bytes }.emit(&self.metrics),
            Err(error) => trouble("give up old records", &error.to_string()),
        }
    }
}

impl Supervisor {
    /// Returns what is known of a destination without asking it.
    fn known(&self, ward: &Ward) -> DestinationStatus {
        if ward.is_on() { lifeless(ward, self.journal.as_ref()) } else { off(&ward.child) }
    }
}

fn trouble(doing: &'static str, error: &str) {
    events::Trouble { whom: "supervisor", doing, error }.emit();
}

fn off(child: &Child) -> DestinationStatus {
    DestinationStatus::idle(&child.name, child.kind, false, "off")
}

fn lifeless(ward: &Ward, journal: &dyn Journal) -> DestinationStatus {
    let (state, reason) = ward.words();
    let mut status = DestinationStatus::idle(&ward.child.name, ward.child.kind, true, state);
    status.backlog = Backlog::above(journal, ward.mark());
    status.reason = Some(reason.into());
    status
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(4096);
        self.start_writer(ctx);
        for number in self.wards.numbers() {
            self.start_child(number, ctx);
            self.resume_replay(number, ctx);
        }
        self.start_projections(ctx);
        self.measure_space();
        ctx.run_interval(RETAIN_EVERY, Self::retain);
        self.watch_letters(ctx);
    }
}

impl Handler<Accept> for Supervisor {
    type Result = ResponseFuture<Result<Accepted, NotAccepted>>;

    fn handle(&mut self, accept: Accept, _: &mut Context<Self>) -> Self::Result {
        let down = || NotAccepted::Unavailable("the journal writer is down".into());
        let Some(writer) = self.writer.as_ref().filter(|_| !self.draining) else {
            return Box::pin(std::future::ready(Err(down())));
        };
        let appended = writer.send(accept);
        Box::pin(async move { appended.await.unwrap_or_else(|_| Err(down())) })
    }
}

impl Handler<Appended> for Supervisor {
    type Result = ();

    fn handle(&mut self, appended: Appended, _: &mut Context<Self>) {
        self.refusing = None;
        self.wake(appended.kinds);
    }
}

impl Handler<NotAppended> for Supervisor {
    type Result = ();

    fn handle(&mut self, failed: NotAppended, ctx: &mut Context<Self>) {
        self.refusing = Some(failed);
        self.retain(ctx);
    }
}

impl Handler<ChildExited> for Supervisor {
    type Result = ();

    fn handle(&mut self, exited: ChildExited, ctx: &mut Context<Self>) {
        if self.draining {
            // Nobody starts again, but a share of the journal may wait for the last of them.
            drop(self.wards.ended(exited.life, self.origin.elapsed()));
        } else {
            self.child_exited(exited, ctx);
        }
        self.tell_standing_by();
    }
}

impl Supervisor {
    fn child_exited(&mut self, exited: ChildExited, ctx: &mut Context<Self>) {
        if self.replay_is_over(exited, ctx) {
            return;
        }
        let now = self.origin.elapsed();
        let end = if exited.life == WRITER {
            self.writer = None;
            let verdict = self.writer_restarts.panicked(now);
            End::Unexpected { name: "journal_writer".to_owned(), verdict, panics: 0 }
        } else {
            self.projections.ended(exited.life, now).unwrap_or_else(|| self.wards.ended(exited.life, now))
        };
        match end {
            End::Known => {}
            // Whoever had it rest may have let everything go on meanwhile: nobody else would start it.
            End::Rested => {
                self.start_projection(exited.life.ward, ctx);
                self.start_child(exited.life.ward, ctx);
                self.resume_replay(exited.life.ward, ctx);
            }
            End::AsAsked => self.retired(exited.life.ward, ctx),
            End::Unexpected { name, verdict: Verdict::After(wait), panics } => {
                self.last_cut = Some(tokio::time::Instant::now());
                let panicked = exited.panicked;
                events::ChildRestarted { child: &name, panicked, restarts: panics, wait }.emit();
                ctx.run_later(wait, move |supervisor, ctx| supervisor.revive(exited.life, ctx));
            }
            End::Unexpected { name, verdict: Verdict::Park, panics } => {
                events::ChildParked { child: &name, restarts: panics }.emit();
            }
        }
    }

    fn revive(&mut self, life: Life, ctx: &mut Context<Self>) {
        if self.draining {
            // Nobody would drain it: what it sends now is sent again after the next start.
            return;
        }
        if life == WRITER {
            self.start_writer(ctx);
        } else if self.projections.waits_after(life) {
            self.start_projection(life.ward, ctx);
        } else if self.wards.waits_after(life) {
            self.start_child(life.ward, ctx);
        }
    }
}

impl Handler<Snapshot> for Supervisor {
    type Result = ResponseFuture<Vec<DestinationStatus>>;

    fn handle(&mut self, _: Snapshot, _: &mut Context<Self>) -> Self::Result {
        let questions = self.wards.iter().map(|ward| {
            let (known, replayed) = (self.known(ward), ward.child.replayed.clone());
            let question = ward.handle().map(|handle| handle.status.send(Status).timeout(ANSWER_WITHIN));
            async move {
                let status = match question {
                    Some(question) => question.await.unwrap_or(known),
                    None => known,
                };
                (replayed, status)
            }
        });
        let (answers, holder) = (join_all(questions.collect::<Vec<_>>()), self.holder());
        Box::pin(async move {
            let mut statuses = orders::join_replays(answers.await);
            statuses.sort_by(|one, other| one.name.cmp(&other.name));
            holder.into_iter().for_each(|holder| holder.mark(&mut statuses));
            statuses
        })
    }
}

impl Handler<Readiness> for Supervisor {
    type Result = ResponseActFuture<Self, Vec<ReadyCheck>>;

    fn handle(&mut self, _: Readiness, ctx: &mut Context<Self>) -> Self::Result {
        let mut checks = vec![self.journal_check(), self.config.clone()];
        checks.extend(self.projections.checks());
        let statuses = Handler::<Snapshot>::handle(self, Snapshot, ctx);
        Box::pin(statuses.into_actor(self).map(move |statuses, _, _| {
            checks.extend(statuses.into_iter().filter(|status| status.enabled).map(destination_check));
            checks
        }))
    }
}

fn destination_check(status: DestinationStatus) -> ReadyCheck {
    let ok = status.is_well();
    let why = status.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    ReadyCheck {
        ok,
        message: format!("{}{why}; {} events wait", status.state, status.backlog.events),
        name: status.name,
        ..ReadyCheck::default()
    }
}

impl Handler<Drain> for Supervisor {
    type Result = ResponseFuture<Drained>;

    /// Destinations first, then the projections, then the journal: what a destination settles last must still be written.
    fn handle(&mut self, _: Drain, _: &mut Context<Self>) -> Self::Result {
        self.draining = true;
        let deliveries: Vec<_> =
            self.wards.iter().filter_map(Ward::handle).map(|handle| handle.drain.send(Drain)).collect();
        let (projections, writer) = (self.projections.drain(), self.writer.clone());
        Box::pin(async move {
            let left = join_all(deliveries).await.into_iter().flatten().map(|drained| drained.left).sum();
            // Theirs can be made again: a slow one must not keep the journal from its end.
            drop(tokio::time::timeout(PROJECTIONS_END_WITHIN, projections).await);
            if let Some(writer) = writer
                && writer.send(Drain).await.is_err()
            {
                trouble("drain the journal writer", "it ended before");
            }
            Drained { left }
        })
    }
}

mod space;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod ward_tests;
