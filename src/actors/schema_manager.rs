//! The schema manager of one warehouse: performs what the machine of `policy::schema` decides about its tables.
//!
//! Never in the hot path: a delivery asks only when its batch does not fit the schema that it sees. Nobody starts this actor
//! again, so a store that panics or hangs must not end it, and it ends itself when nobody has its address any more.

mod log;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::messages::{ChangeSchema, DescribeSchema, RefreshSchema, SchemaReport};
use crate::destinations::{SchemaFault, SchemaStore};
use crate::policy::Moment;
use crate::policy::outcome::{Fault, Reason};
use crate::policy::schema::{Action, Input, Machine, Ticket, View};
use crate::telemetry::{Metrics, clock, events};
use crate::warehouse::{Schema, SchemaCell, SchemaDiff};
use log::{Change, ChangeLog};

/// A change that takes longer counts as failed; what the store makes of it later shows when it is read anew.
const CHANGE_WITHIN: Duration = Duration::from_secs(60);
/// While all tables are read none is changed, so this is short.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// A chore may move much data.
const CHORE_WITHIN: Duration = Duration::from_secs(900);
/// How often doubted tables are looked for, where somebody else may change them.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a schema manager works with.
pub struct Managed {
    /// Configured name of the destination.
    pub destination: String,
    /// What carries out the changes.
    pub store: Arc<dyn SchemaStore>,
    /// What the destination's `plan` looks at.
    pub cell: Arc<SchemaCell>,
    /// Writes a change as statements, for an operator; `None` where the store has no such language.
    pub statements: Statements,
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

/// Writes a change as statements.
pub type Statements = Arc<dyn Fn(&SchemaDiff) -> Option<String> + Send + Sync>;

/// See the module.
pub struct SchemaManager {
    managed: Managed,
    machine: Machine,
    origin: tokio::time::Instant,
    waiting: BTreeMap<Ticket, oneshot::Sender<Result<(), Fault>>>,
    tickets: Ticket,
    alarm: Option<(Moment, SpawnHandle)>,
    log: Arc<ChangeLog>,
    /// Who waits for a reading of all tables that has not begun, and for the one under way.
    readers: (Vec<oneshot::Sender<()>>, Vec<oneshot::Sender<()>>),
    /// When all tables were last read.
    read_at: Moment,
}

impl SchemaManager {
    /// Returns the manager of one destination's schema, which keeps its log in `<data_dir>/schema`. Opens nothing.
    pub fn new(managed: Managed, data_dir: &Path) -> Self {
        let store = &managed.store;
        let (origin, seed) = (Moment::ZERO, fastrand::u64(..));
        let machine = Machine::new(store.pace(), store.refresh_every(), store.chores(), (origin, seed));
        let file = data_dir.join("schema").join(format!("{}.log", managed.destination));
        SchemaManager {
            managed,
            machine,
            origin: tokio::time::Instant::now(),
            waiting: BTreeMap::new(),
            tickets: 0,
            alarm: None,
            log: Arc::new(ChangeLog::new(file)),
            readers: (Vec::new(), Vec::new()),
            read_at: Moment::ZERO,
        }
    }

    fn give(&mut self, input: Input, ctx: &mut Context<Self>) {
        let (now, schema) = (self.origin.elapsed(), self.managed.cell.load());
        let store = Arc::clone(&self.managed.store);
        let changes = |table: &str| store.changes(table);
        let view = View { schema: &schema, changes: &changes };
        for action in self.machine.step(now, input, view) {
            self.perform(action, &schema, ctx);
        }
        let due = self.machine.due(view);
        self.set_alarm(due, now, ctx);
    }

    fn perform(&mut self, action: Action, schema: &Arc<Schema>, ctx: &mut Context<Self>) {
        match action {
            Action::Apply { change, diff } => self.apply(change, diff, Arc::clone(schema), ctx),
            Action::Refresh(table) => self.refresh(table, ctx),
            Action::Run(chore) => self.run(chore, ctx),
            Action::Answer { ticket, result } => {
                if self.waiting.remove(&ticket).is_some_and(|answer| answer.send(result).is_err()) {
                    events::NobodyThere { message: "a changed schema" }.emit();
                }
            }
            Action::Close(closed) => self.managed.cell.close(closed),
        }
    }

    fn set_alarm(&mut self, due: Option<Moment>, now: Moment, ctx: &mut Context<Self>) {
        if self.alarm.as_ref().map(|(at, _)| *at) == due {
            return;
        }
        self.alarm.take().map(|(_, handle)| ctx.cancel_future(handle));
        self.alarm = due.map(|at| {
            let handle = ctx.run_later(at.saturating_sub(now), |manager, ctx| {
                manager.alarm = None;
                manager.give(Input::Tick, ctx);
            });
            (at, handle)
        });
    }

    // === What takes time ===

    fn apply(&mut self, change: u64, diff: SchemaDiff, before: Arc<Schema>, ctx: &mut Context<Self>) {
        let (store, wanted, begun) =
            (Arc::clone(&self.managed.store), diff.clone(), tokio::time::Instant::now());
        let work = contained(CHANGE_WITHIN, async move { store.apply(diff).await }).into_actor(self);
        ctx.spawn(work.then(move |result, manager, _| {
            let lines = manager.tell(&wanted, &before, &result, begun.elapsed());
            manager.record(lines).into_actor(manager).map(move |(), manager, ctx| {
                manager.give(Input::Changed { change, result }, ctx);
            })
        }));
    }

    /// Counts a change that has ended, and returns its lines in the log.
    fn tell(
        &self,
        wanted: &SchemaDiff,
        before: &Schema,
        result: &Result<(), SchemaFault>,
        took: Duration,
    ) -> Vec<Change> {
        let Managed { destination, metrics, cell, .. } = &self.managed;
        let fault = match result {
            Ok(()) => {
                let (lines, counts) = report::done(wanted, before, &cell.load(), clock::now());
                let report::Counts { tables, columns, widened } = counts;
                events::SchemaChanged { destination, tables, columns, widened, took }.emit(metrics);
                self.measure();
                return lines;
            }
            Err(fault) => fault,
        };
        let Fault { reason, status, .. } = fault.fault();
        let (result, reason, status) = (fault.as_str(), reason.as_str(), *status);
        for kind in report::kinds(wanted) {
            events::SchemaRefused { destination, kind, result, reason, status, took }.emit(metrics);
        }
        report::refused(wanted, fault, clock::now())
    }

    fn refresh(&mut self, table: Option<String>, ctx: &mut Context<Self>) {
        if table.is_none() {
            self.readers.1.append(&mut self.readers.0);
        }
        let (store, which) = (Arc::clone(&self.managed.store), table.clone());
        let work = contained(READ_WITHIN, async move { store.refresh(which).await }).into_actor(self);
        ctx.spawn(work.map(move |result, manager, ctx| {
            let ok = result.is_ok();
            match result {
                Ok(()) if table.is_none() => manager.read_at = manager.origin.elapsed(),
                Ok(()) => {}
                Err(fault) => manager.trouble("read the schema", &fault),
            }
            manager.measure();
            if table.is_none() {
                // Who has gone meanwhile needs no answer.
                manager.readers.1.drain(..).for_each(|reader| reader.send(()).unwrap_or_default());
            }
            manager.give(Input::Refreshed { table, ok }, ctx);
        }));
    }

    fn run(&mut self, name: &'static str, ctx: &mut Context<Self>) {
        let store = Arc::clone(&self.managed.store);
        let work = contained(CHORE_WITHIN, async move { store.run(name).await }).into_actor(self);
        ctx.spawn(work.then(move |result, manager, _| {
            let ok = result.is_ok();
            let failed = result.err().map(|fault| {
                manager.trouble("do a chore", &fault);
                report::chore_failed(name, &fault.fault().answer, clock::now())
            });
            manager.record(failed.into_iter().collect()).into_actor(manager).map(move |(), manager, ctx| {
                manager.give(Input::ChoreDone { name, ok }, ctx);
            })
        }));
    }

    /// Adds lines to the log.
    fn record(&self, lines: Vec<Change>) -> impl Future<Output = ()> + use<> {
        let (log, whom) = (Arc::clone(&self.log), self.managed.destination.clone());
        async move {
            if lines.is_empty() {
                return;
            }
            let written = tokio::task::spawn_blocking(move || log.record(lines)).await;
            let error = match written {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic.to_string(),
            };
            events::Trouble { whom: &whom, doing: "write the log of schema changes", error: &error }.emit();
        }
    }

    /// The store's words stay out of the line: they may quote names that came from senders.
    fn trouble(&self, doing: &'static str, fault: &SchemaFault) {
        let status = fault.fault().status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        let error = format!("{}: {}{status}", fault.as_str(), fault.fault().reason.as_str());
        events::Trouble { whom: &self.managed.destination, doing, error: &error }.emit();
    }

    fn measure(&self) {
        let Managed { destination, metrics, cell, store, .. } = &self.managed;
        let age = store.refresh_every().map(|_| self.origin.elapsed().saturating_sub(self.read_at));
        let columns = report::columns(&cell.load());
        events::SchemaMeasured { destination, columns: &columns, age }.emit(metrics);
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if !ctx.connected() {
            return ctx.stop();
        }
        for table in self.managed.cell.take_doubts() {
            self.give(Input::Refresh(Some(table)), ctx);
        }
        self.measure();
    }
}

/// Does what a store is asked for, but not for ever, and survives its panic.
async fn contained(
    limit: Duration,
    work: impl Future<Output = Result<(), SchemaFault>>,
) -> Result<(), SchemaFault> {
    let transient = |reason, answer: String| {
        Err(SchemaFault::Transient { wait: None, fault: Fault::new(reason, None, answer) })
    };
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => transient(Reason::Panicked, "the schema store panicked".to_owned()),
        Err(_) => transient(Reason::Timeout, format!("no answer within {} s", limit.as_secs())),
    }
}

impl Actor for SchemaManager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let store = &self.managed.store;
        if store.refresh_every().is_some() || !store.chores().is_empty() {
            ctx.run_interval(LOOK_EVERY, Self::look);
        }
        self.give(Input::Tick, ctx);
    }
}

impl Handler<ChangeSchema> for SchemaManager {
    type Result = ResponseFuture<Result<(), Fault>>;

    fn handle(&mut self, change: ChangeSchema, ctx: &mut Context<Self>) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.tickets += 1;
        self.waiting.insert(self.tickets, answer);
        self.give(Input::Need { ticket: self.tickets, diff: change.diff }, ctx);
        Box::pin(async move { answered.await.unwrap_or_else(|_| Err(stopped())) })
    }
}

impl Handler<RefreshSchema> for SchemaManager {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: RefreshSchema, ctx: &mut Context<Self>) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.readers.0.push(answer);
        self.give(Input::Refresh(None), ctx);
        Box::pin(async move { answered.await.unwrap_or_default() })
    }
}

impl Handler<DescribeSchema> for SchemaManager {
    type Result = ResponseFuture<Result<SchemaReport, String>>;

    fn handle(&mut self, _: DescribeSchema, _: &mut Context<Self>) -> Self::Result {
        let (name, log) = (self.managed.destination.clone(), Arc::clone(&self.log));
        let (cell, statements) = (Arc::clone(&self.managed.cell), Arc::clone(&self.managed.statements));
        let store = Arc::clone(&self.managed.store);
        let describe = move || {
            let (changes, since) = log.read();
            let mut report = report::describe(&name, &cell, statements.as_ref(), (changes, &since));
            report::add_taken(&mut report, &name, store.taken());
            report
        };
        let described = tokio::task::spawn_blocking(describe);
        Box::pin(async move { described.await.map_err(|panic| panic.to_string()) })
    }
}

/// Returns what a delivery hears when its schema manager is gone.
pub fn stopped() -> Fault {
    Fault::new(Reason::Store, None, "the schema manager stopped")
}
