//! How changes end, and what follows: answers, waits that grow, tables that are closed.

use std::time::Duration;

use super::{Action, Broken, Machine, Running, SchemaFault, View};
use crate::policy::Moment;
use crate::policy::outcome::Fault;
use crate::warehouse::SchemaDiff;

/// The first wait after a failure, where the store names none.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The first wait after the whole store was of no use.
const FIRST_BROKEN_WAIT: Duration = Duration::from_secs(5);
/// The longest wait after a failure.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

impl Machine {
    pub(super) fn changed(
        &mut self,
        change: u64,
        result: Result<(), SchemaFault>,
        (now, view): (Moment, View<'_>),
        actions: &mut Vec<Action>,
    ) {
        let Some(Running { lane: name, diff, tickets }) = self.running.remove(&change) else { return };
        let lane = self.lanes.entry(name.clone()).or_default();
        lane.busy = false;
        lane.used.ended(now);
        for _ in &diff.create {
            self.creates.take(self.pace.creates, now);
        }
        if !matches!(result, Err(SchemaFault::Broken(_))) {
            self.broken = Broken::default();
        }
        let fault = match result {
            Ok(()) => {
                lane.failures = 0;
                self.shut.review(view.schema);
                return self.tickets.done(tickets, actions);
            }
            Err(fault) => fault,
        };
        self.tickets.fail(tickets, fault.fault(), actions);
        match fault {
            SchemaFault::Transient { wait, fault } => self.retry(&name, (diff, wait), (now, &fault), actions),
            SchemaFault::Denied(fault) => {
                self.shut.shut(diff, Some(now.saturating_add(self.pace.denied_for)), &fault);
            }
            SchemaFault::Full(fault) => self.full(&name, diff, (now, &fault)),
            SchemaFault::Broken(fault) => self.broke(&name, diff, (now, fault), actions),
        }
    }

    /// Returns whether what failed is tried again without being asked: with a window, since nobody may be waiting for it.
    fn retries(&self) -> bool {
        !self.pace.window.is_zero()
    }

    fn retry(
        &mut self,
        name: &str,
        (diff, wait): (SchemaDiff, Option<Duration>),
        (now, fault): (Moment, &Fault),
        actions: &mut Vec<Action>,
    ) {
        if !self.retries() {
            return;
        }
        let Some(lane) = self.lanes.get_mut(name) else { return };
        lane.failures = lane.failures.saturating_add(1);
        let wait = doubled(wait.unwrap_or(FIRST_WAIT), lane.failures);
        lane.put_back(diff, fault, now.saturating_add(wait));
        self.tickets.fail(std::mem::take(&mut lane.tickets), fault, actions);
    }

    /// What was only to be widened may still be.
    fn full(&mut self, name: &str, mut diff: SchemaDiff, (now, fault): (Moment, &Fault)) {
        let widen = SchemaDiff { widen: std::mem::take(&mut diff.widen), ..SchemaDiff::default() };
        let had_more = !diff.is_empty();
        if !had_more {
            return self.shut.shut(widen, Some(now.saturating_add(self.pace.denied_for)), fault);
        }
        self.shut.shut(diff, None, fault);
        if let Some(lane) = self.lanes.get_mut(name).filter(|_| !widen.is_empty()) {
            lane.join(widen, now, now);
        }
    }

    fn broke(
        &mut self,
        name: &str,
        diff: SchemaDiff,
        (now, fault): (Moment, Fault),
        actions: &mut Vec<Action>,
    ) {
        if !self.retries() {
            return;
        }
        let failures = self.broken.failures.saturating_add(1);
        let until = now.saturating_add(doubled(FIRST_BROKEN_WAIT, failures));
        if let Some(lane) = self.lanes.get_mut(name) {
            lane.put_back(diff, &fault, until);
        }
        for lane in self.lanes.values_mut() {
            self.tickets.fail(std::mem::take(&mut lane.tickets), &fault, actions);
        }
        self.broken = Broken { failures, until, fault: Some(fault) };
    }

    pub(super) fn refreshed(&mut self, table: Option<String>, ok: bool, (now, view): (Moment, View<'_>)) {
        match table {
            None => self.rounds.all_read(ok, self.dice.f64(), now),
            Some(table) => {
                let lane = super::lane_of(self.pace.together, &table).to_owned();
                self.lanes.entry(lane).or_default().busy = false;
            }
        }
        self.shut.review(view.schema);
    }
}

/// Returns a first wait doubled for each failure after the first.
fn doubled(first: Duration, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    first.saturating_mul(2u32.saturating_pow(doublings)).min(LONGEST_WAIT.max(first))
}
