//! The supervisor: takes events from the door, hands them to the journal writer, wakes the destinations, and keeps all of
//! them alive.
//!
//! It owns a factory per child. A child that panics is started again with growing waits, and parked after too many panics in
//! a minute; what it had done is in the journal. Never looks into an event.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::delivery::Beacon;
use super::journal_writer::JournalWriter;
use super::messages::{
    Accept, Accepted, Appended, Backlog, ChildExited, DestinationStatus, Drain, Drained, DropBacklog,
    ListRejected, NotAccepted, NotAppended, Readiness, ReadyCheck, Snapshot, Status, Wake,
};
use crate::journal::{Journal, Position, RejectedPage};
use crate::policy::restarts::{Restarts, Verdict};
use crate::policy::route::{self, Kinds};
use crate::telemetry::{Metrics, clock, events};
use space::Space;

/// How often the journal is asked to give up what nobody needs.
const RETAIN_EVERY: Duration = Duration::from_secs(5);
/// How long a child may take to say how it is.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The running delivery of one destination.
#[derive(Clone)]
pub struct Handle {
    /// Looks at the journal.
    pub wake: Recipient<Wake>,
    /// Says how it is.
    pub status: Recipient<Status>,
    /// Stops.
    pub drain: Recipient<Drain>,
    /// Gives up its backlog.
    pub drop_backlog: Recipient<DropBacklog>,
}

/// Starts a delivery with the guard that reports its end.
pub type Factory = Box<dyn Fn(super::exit_guard::ExitGuard) -> Handle + Send>;

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
}

/// A child and its present incarnation.
struct Ward {
    child: Child,
    handle: Option<Handle>,
    restarts: Restarts,
    panics: u32,
    parked: bool,
}

/// See the module.
pub struct Supervisor {
    journal: Arc<dyn Journal>,
    durability: &'static str,
    metrics: Arc<Metrics>,
    writer: Option<Addr<JournalWriter>>,
    writer_restarts: Restarts,
    wards: Vec<Ward>,
    origin: tokio::time::Instant,
    /// Why the last commit failed, until one succeeds or there is room again.
    refusing: Option<NotAppended>,
    draining: bool,
    retaining: bool,
    space: Space,
}

/// Index of the journal writer among the children; destinations count from 0.
const WRITER: usize = usize::MAX;

impl Supervisor {
    /// Returns a supervisor; its children start with it. `durability` is the configured word, for `/ready`.
    pub fn new(
        journal: Arc<dyn Journal>,
        durability: &'static str,
        metrics: Arc<Metrics>,
        children: Vec<Child>,
    ) -> Self {
        let ward =
            |child| Ward { child, handle: None, restarts: Restarts::default(), panics: 0, parked: false };
        Supervisor {
            journal,
            durability,
            metrics,
            writer: None,
            writer_restarts: Restarts::default(),
            wards: children.into_iter().map(ward).collect(),
            origin: tokio::time::Instant::now(),
            refusing: None,
            draining: false,
            retaining: false,
            space: Space::default(),
        }
    }

    fn start_writer(&mut self, ctx: &mut Context<Self>) {
        let address = ctx.address();
        let guard = super::exit_guard::ExitGuard::new(address.clone().recipient(), WRITER);
        let (journal, metrics) = (Arc::clone(&self.journal), Arc::clone(&self.metrics));
        let reports = (address.clone().recipient(), address.clone().recipient(), address.recipient());
        let writer = JournalWriter::new(journal, metrics, reports, guard);
        self.writer = Some(writer.start());
    }

    /// Starts a destination that is switched on. A guard that is made is a guard that reports, so none is made for the others.
    fn start_child(&mut self, index: usize, ctx: &mut Context<Self>) {
        let Some(ward) = self.wards.get_mut(index) else { return };
        let Some(factory) = &ward.child.factory else { return };
        ward.child.beacon.woken.store(false, Ordering::Release);
        ward.handle = Some(factory(super::exit_guard::ExitGuard::new(ctx.address().recipient(), index)));
    }

    fn wake(&self, kinds: Kinds) {
        let interests: Vec<Kinds> = self.wards.iter().map(|ward| ward.child.interest).collect();
        for ward in route::concerned(kinds, &interests).filter_map(|index| self.wards.get(index)) {
            let Some(handle) = &ward.handle else { continue };
            let woken = &ward.child.beacon.woken;
            if !woken.swap(true, Ordering::AcqRel) && handle.wake.try_send(Wake).is_err() {
                // It will look by itself within a second.
                woken.store(false, Ordering::Release);
            }
        }
    }

    /// Returns the position below which every enabled destination is done.
    fn floor(&self) -> Position {
        let enabled = self.wards.iter().filter(|ward| ward.child.factory.is_some());
        let marks = enabled.map(|ward| ward.child.beacon.mark.load(Ordering::Acquire));
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

fn trouble(doing: &'static str, error: &str) {
    events::Trouble { whom: "supervisor", doing, error }.emit();
}

fn off(child: &Child) -> DestinationStatus {
    DestinationStatus::idle(&child.name, child.kind, false, "off")
}

fn lifeless(ward: &Ward, journal: &dyn Journal) -> DestinationStatus {
    let mut status = DestinationStatus::idle(&ward.child.name, ward.child.kind, true, "held");
    status.backlog = Backlog::above(journal, ward.child.beacon.mark.load(Ordering::Acquire));
    status.reason = Some(if ward.parked { "parked" } else { "restarting" }.into());
    status
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(4096);
        self.start_writer(ctx);
        (0..self.wards.len()).for_each(|index| self.start_child(index, ctx));
        self.measure_space();
        ctx.run_interval(RETAIN_EVERY, Self::retain);
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
            return;
        }
        let now = self.origin.elapsed();
        let (name, verdict, panics) = match self.wards.get_mut(exited.child) {
            None => {
                self.writer = None;
                ("journal_writer".to_owned(), self.writer_restarts.panicked(now), 0)
            }
            Some(ward) => {
                ward.handle = None;
                ward.panics += 1;
                (ward.child.name.clone(), ward.restarts.panicked(now), ward.panics)
            }
        };
        match verdict {
            Verdict::After(wait) => {
                let panicked = exited.panicked;
                events::ChildRestarted { child: &name, panicked, restarts: panics, wait }.emit();
                ctx.run_later(wait, move |supervisor, ctx| supervisor.revive(exited.child, ctx));
            }
            Verdict::Park => {
                events::ChildParked { child: &name, restarts: panics }.emit();
                self.wards.get_mut(exited.child).into_iter().for_each(|ward| ward.parked = true);
            }
        }
    }
}

impl Supervisor {
    fn revive(&mut self, child: usize, ctx: &mut Context<Self>) {
        if child == WRITER { self.start_writer(ctx) } else { self.start_child(child, ctx) }
    }
}

impl Handler<Snapshot> for Supervisor {
    type Result = ResponseFuture<Vec<DestinationStatus>>;

    fn handle(&mut self, _: Snapshot, _: &mut Context<Self>) -> Self::Result {
        let questions = self.wards.iter().map(|ward| {
            let known = if ward.child.factory.is_some() {
                lifeless(ward, self.journal.as_ref())
            } else {
                off(&ward.child)
            };
            let question =
                ward.handle.as_ref().map(|handle| handle.status.send(Status).timeout(ANSWER_WITHIN));
            async move {
                match question {
                    Some(question) => question.await.unwrap_or(known),
                    None => known,
                }
            }
        });
        let (answers, holder) = (join_all(questions.collect::<Vec<_>>()), self.holder());
        Box::pin(answers.map(move |mut statuses| {
            holder.into_iter().for_each(|holder| holder.mark(&mut statuses));
            statuses
        }))
    }
}

impl Handler<Readiness> for Supervisor {
    type Result = ResponseActFuture<Self, Vec<ReadyCheck>>;

    fn handle(&mut self, _: Readiness, ctx: &mut Context<Self>) -> Self::Result {
        let journal = self.journal_check();
        let statuses = Handler::<Snapshot>::handle(self, Snapshot, ctx);
        Box::pin(statuses.into_actor(self).map(move |statuses, _, _| {
            let mut checks = vec![journal];
            checks.extend(statuses.into_iter().filter(|status| status.enabled).map(destination_check));
            checks
        }))
    }
}

fn destination_check(status: DestinationStatus) -> ReadyCheck {
    let why = status.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    ReadyCheck {
        ok: status.state == "flowing",
        message: format!("{}{why}; {} events wait", status.state, status.backlog.events),
        name: status.name,
        vital: false,
    }
}

impl Handler<ListRejected> for Supervisor {
    type Result = ResponseFuture<Result<RejectedPage, String>>;

    fn handle(&mut self, list: ListRejected, _: &mut Context<Self>) -> Self::Result {
        let journal = Arc::clone(&self.journal);
        let read =
            move || journal.rejected(list.limit, list.cursor.as_deref()).map_err(|error| error.to_string());
        Box::pin(async move {
            tokio::task::spawn_blocking(read).await.unwrap_or_else(|panic| Err(panic.to_string()))
        })
    }
}

impl Handler<Drain> for Supervisor {
    type Result = ResponseFuture<Drained>;

    /// Destinations first, then the journal: what a destination settles last must still be written.
    fn handle(&mut self, _: Drain, _: &mut Context<Self>) -> Self::Result {
        self.draining = true;
        let deliveries: Vec<_> = self
            .wards
            .iter()
            .filter_map(|ward| ward.handle.as_ref())
            .map(|handle| handle.drain.send(Drain))
            .collect();
        let writer = self.writer.clone();
        Box::pin(async move {
            let left = join_all(deliveries).await.into_iter().flatten().map(|drained| drained.left).sum();
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
