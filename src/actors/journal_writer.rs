//! The one writer of the journal: gathers what waits into a group, commits it off the actor threads, answers everyone.
//!
//! A 200 is answered only because of what this actor says: its answers are sent after the commit, never before.

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::exit_guard::ExitGuard;
use super::messages::{
    Accept, Accepted, Appended, Drain, Drained, NotAccepted, NotAppended, Seen, SegmentsDropped,
};
use super::tap::TapLine;
use crate::journal::{self, Journal, JournalError};
use crate::policy::gather::{self, Gather};
use crate::policy::route::Kinds;
use crate::privacy::Suppression;
use crate::spec::{Event, Kind, Rejected};
use crate::telemetry::{Metrics, events};

/// Most bytes in one group: bounds the memory of a commit and the wait of its first request.
const GROUP_BYTES: u64 = 2 << 20;
/// The part of `max_bytes` that one group may take: a group goes into one segment, and a small journal has small ones.
const GROUP_SHARE: u64 = 16;

/// See the module.
pub struct JournalWriter {
    journal: Arc<dyn Journal>,
    metrics: Arc<Metrics>,
    appended: Recipient<Appended>,
    failed: Recipient<NotAppended>,
    dropped: Recipient<SegmentsDropped>,
    waiting: Vec<Request>,
    waiting_bytes: u64,
    group_bytes: u64,
    committing: bool,
    gather: Gather,
    origin: tokio::time::Instant,
    gathering: Option<SpawnHandle>,
    draining: Option<oneshot::Sender<Drained>>,
    tap: TapLine,
    suppression: Arc<Suppression>,
    _guard: ExitGuard,
}

/// One request that waits for its commit.
struct Request {
    events: usize,
    bytes: u64,
    accept: Accept,
    answer: oneshot::Sender<Result<Accepted, NotAccepted>>,
}

impl Request {
    /// Answers and gives the permit back; a client that is gone has its events all the same.
    fn tell(self, answer: Result<Accepted, NotAccepted>) {
        drop(self.accept);
        if self.answer.send(answer).is_err() {
            events::NobodyThere { message: "the answer to a request" }.emit();
        }
    }
}

/// Who is told of commits, of failed ones, and of records that had to go.
type Reports = (Recipient<Appended>, Recipient<NotAppended>, Recipient<SegmentsDropped>);
/// What counting needs of an event.
#[derive(Clone, Copy)]
struct Sort {
    kind: Kind,
    /// It was accepted before, and is not counted again.
    is_redelivery: bool,
}

impl Sort {
    fn of(event: &Event) -> Sort {
        Sort { kind: event.head.kind, is_redelivery: event.receipt.redelivery.is_some() }
    }
}

/// What the commit of a group gave.
type Committed = Result<journal::Appended, JournalError>;

impl JournalWriter {
    /// Returns a writer that reports commits, failed ones and dropped records to these.
    pub fn new(
        journal: Arc<dyn Journal>,
        metrics: Arc<Metrics>,
        (appended, failed, dropped): Reports,
        guard: ExitGuard,
    ) -> Self {
        JournalWriter {
            group_bytes: (journal.extent().max_bytes / GROUP_SHARE).min(GROUP_BYTES),
            journal,
            metrics,
            appended,
            failed,
            dropped,
            waiting: Vec::new(),
            waiting_bytes: 0,
            committing: false,
            gather: Gather::default(),
            origin: tokio::time::Instant::now(),
            gathering: None,
            draining: None,
            tap: TapLine::default(),
            suppression: Arc::default(),
            _guard: guard,
        }
    }

    /// Shows what it writes to those who watch.
    #[must_use]
    pub fn tapped(mut self, tap: TapLine) -> Self {
        self.tap = tap;
        self
    }

    /// Keeps nothing of these people, wherever it comes from.
    #[must_use]
    pub fn sifting(mut self, suppression: Arc<Suppression>) -> Self {
        self.suppression = suppression;
        self
    }

    /// Takes out what is of suppressed people, and counts it; what is left is answered as if they were in it.
    fn sift(&self, accept: &mut Accept) {
        if !accept.is_sifted {
            let count = self.suppression.sift(&mut accept.events, &mut accept.rejected) as u64;
            events::EventsSuppressed { count }.emit(&self.metrics);
        }
    }

    /// Starts a commit when none runs and the group has the company it can expect.
    fn consider(&mut self, ctx: &mut Context<Self>) {
        if self.committing || self.waiting.is_empty() {
            return self.finish_drain(ctx);
        }
        let complete = self.gather.is_complete(self.waiting.len(), self.origin.elapsed());
        if complete || self.waiting_bytes >= self.group_bytes || self.draining.is_some() {
            self.commit(ctx);
        } else if self.gathering.is_none() {
            self.gathering = Some(ctx.run_later(gather::PATIENCE, |writer, ctx| {
                writer.gathering = None;
                writer.commit(ctx);
            }));
        }
    }

    fn commit(&mut self, ctx: &mut Context<Self>) {
        if self.committing || self.waiting.is_empty() {
            return;
        }
        if let Some(timer) = self.gathering.take() {
            ctx.cancel_future(timer);
        }
        self.committing = true;
        let mut group = self.take_group();
        let journal = Arc::clone(&self.journal);
        let (events, rejected) = contents(&mut group);
        let kinds: Vec<Sort> = events.iter().map(|event| Sort::of(event)).collect();
        let seen = self.tap.is_watched().then(|| (events.clone(), rejected.clone()));
        let work = move || -> Committed {
            keep(journal.as_ref(), &rejected);
            journal.append(events)
        };
        let commit = tokio::task::spawn_blocking(work).into_actor(self).map(move |done, writer, ctx| {
            let done = done.unwrap_or_else(|panic| Err(JournalError::Damaged(panic.to_string())));
            writer.show(seen, &done);
            writer.committed(group, done, &kinds);
            writer.consider(ctx);
        });
        ctx.spawn(commit);
    }

    /// Shows what was stored now, and what was set aside beside it; not what is stored again for one destination.
    fn show(&self, seen: Option<(Vec<Arc<Event>>, Vec<Rejected>)>, done: &Committed) {
        let (Some((events, rejected)), Ok(appended)) = (seen, done) else { return };
        let stored = events.into_iter().zip(&appended.positions).filter(|(_, position)| position.is_some());
        let new = stored.map(|(event, _)| event).filter(|event| event.receipt.redelivery.is_none());
        self.tap.tell(vec![Seen::Accepted(new.collect()), Seen::Rejected(rejected)]);
    }

    fn take_group(&mut self) -> Vec<Request> {
        let (mut bytes, mut requests) = (0, 0);
        for request in &self.waiting {
            if requests > 0 && bytes + request.bytes > self.group_bytes {
                break;
            }
            bytes += request.bytes;
            requests += 1;
        }
        self.waiting_bytes -= bytes;
        self.gather.taken(requests);
        let rest = self.waiting.split_off(requests);
        std::mem::replace(&mut self.waiting, rest)
    }

    fn committed(&mut self, group: Vec<Request>, done: Committed, kinds: &[Sort]) {
        self.committing = false;
        self.tell_dropped();
        match done {
            Ok(appended) => self.succeeded(group, &appended, kinds),
            Err(error) => self.failed(group, &error),
        }
    }

    fn succeeded(&mut self, group: Vec<Request>, appended: &journal::Appended, kinds: &[Sort]) {
        let (mut positions, mut first) = (appended.positions.iter(), 0);
        for request in group {
            let events = request.events;
            let own = first..first + events;
            first = own.end;
            let stored = positions.by_ref().take(events).flatten().count();
            if appended.too_large.iter().any(|n| own.contains(n)) {
                request.tell(Err(NotAccepted::TooLarge));
            } else {
                request.tell(Ok(Accepted { stored, duplicates: events - stored }));
            }
        }
        let stored =
            || kinds.iter().zip(&appended.positions).filter(|(_, at)| at.is_some()).map(|(sort, _)| *sort);
        let new = stored().filter(|sort| !sort.is_redelivery).map(|sort| sort.kind);
        let events = stored().count() as u64;
        let journal_bytes = self.journal.extent().bytes;
        events::EventsAccepted::of(new).emit(&self.metrics);
        let too_large = appended.too_large.len() as u64;
        events::EventsTooLarge { count: too_large }.emit();
        events::EventsDuplicate { count: kinds.len() as u64 - events - too_large }.emit(&self.metrics);
        events::CommitDone { events, took: appended.took, journal_bytes }.emit(&self.metrics);
        let kinds: Kinds = stored().map(|sort| sort.kind).collect();
        if events > 0 && self.appended.try_send(Appended { kinds }).is_err() {
            events::NobodyThere { message: "a commit" }.emit();
        }
    }

    fn failed(&mut self, group: Vec<Request>, error: &JournalError) {
        let events = group.iter().map(|request| request.events as u64).sum();
        let full = matches!(error, JournalError::Full(_));
        events::CommitFailed { events, full, error: &error.to_string() }.emit(&self.metrics);
        let answer = match error {
            JournalError::Full(why) => NotAccepted::Full(why.clone()),
            JournalError::Io { .. } | JournalError::Damaged(_) => NotAccepted::Unavailable(error.to_string()),
        };
        for request in group {
            request.tell(Err(answer.clone()));
        }
        if self.failed.try_send(NotAppended { full, why: error.to_string() }).is_err() {
            events::NobodyThere { message: "a failed commit" }.emit();
        }
    }

    fn tell_dropped(&self) {
        let dropped = self.journal.dropped();
        if !dropped.is_empty() && self.dropped.try_send(SegmentsDropped { dropped }).is_err() {
            events::NobodyThere { message: "dropped records" }.emit();
        }
    }

    fn finish_drain(&mut self, ctx: &mut Context<Self>) {
        if self.committing || !self.waiting.is_empty() {
            return;
        }
        let Some(answer) = self.draining.take() else { return };
        let journal = Arc::clone(&self.journal);
        let close = tokio::task::spawn_blocking(move || journal.close()).into_actor(self);
        ctx.spawn(close.map(move |closed, _, ctx: &mut Context<Self>| {
            if let Ok(Err(error)) = closed {
                let error = error.to_string();
                events::Trouble { whom: "journal", doing: "close it cleanly", error: &error }.emit();
            }
            if answer.send(Drained { left: 0 }).is_err() {
                events::NobodyThere { message: "the end of the journal writer" }.emit();
            }
            ctx.stop();
        }));
    }
}

/// Keeps what was set aside. A disk that has no room for it must not cost the good events beside it; the sender is told the
/// reasons in its answer in any case.
fn keep(journal: &dyn Journal, rejected: &[Rejected]) {
    if !rejected.is_empty()
        && let Err(error) = journal.keep_rejected(rejected)
    {
        let error = error.to_string();
        events::Trouble { whom: "journal", doing: "keep rejected events", error: &error }.emit();
    }
}

/// Takes the events and the rejected ones out of a group's requests; the permits stay until they are answered.
fn contents(group: &mut [Request]) -> (Vec<Arc<Event>>, Vec<Rejected>) {
    let mut events = Vec::with_capacity(group.iter().map(|request| request.events).sum());
    let mut rejected = Vec::new();
    for request in group {
        events.extend(std::mem::take(&mut request.accept.events).into_iter().map(Arc::new));
        rejected.append(&mut request.accept.rejected);
    }
    (events, rejected)
}

impl Actor for JournalWriter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(4096);
    }
}

impl Handler<Accept> for JournalWriter {
    type Result = ResponseFuture<Result<Accepted, NotAccepted>>;

    fn handle(&mut self, mut accept: Accept, ctx: &mut Context<Self>) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.sift(&mut accept);
        let events = accept.events.len();
        let bytes = accept.events.iter().map(|event| event.size() as u64).sum();
        self.waiting_bytes += bytes;
        let alone = self.waiting.is_empty() && !self.committing;
        self.gather.arrived(alone, self.origin.elapsed());
        self.waiting.push(Request { events, bytes, accept, answer });
        self.consider(ctx);
        Box::pin(async move {
            let gone = |_| Err(NotAccepted::Unavailable("the journal writer stopped".into()));
            answered.await.unwrap_or_else(gone)
        })
    }
}

impl Handler<Drain> for JournalWriter {
    type Result = ResponseFuture<Drained>;

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.draining = Some(answer);
        self.consider(ctx);
        Box::pin(async move { answered.await.unwrap_or(Drained { left: 0 }) })
    }
}
