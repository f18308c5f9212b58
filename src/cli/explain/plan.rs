//! What one destination would do with each event: the same chain and the same plan as in its delivery.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;

use crate::destinations::{self, Attempt, Client, Destination, Launcher, Plan, Shown};
use crate::policy::discretion::Discretion;
use crate::policy::filter::EventFilter;
use crate::policy::outcome::{Fault, Reason, Verdict};
use crate::spec::Event;
use crate::spec::privacy::View;
use crate::warehouse::{ColumnType, SchemaDiff};

/// How much later an event that waits is looked at again.
const NEXT_LOOK: std::time::Duration = std::time::Duration::from_secs(10);

/// How often a plan may ask for more tables; two rounds are usual.
const MOST_ROUNDS: usize = 8;

/// What would become of one event at one destination.
#[derive(Debug)]
pub(super) enum Fate {
    /// It would be sent.
    Send(Shown, Tables),
    /// It would be skipped.
    Skip(Reason),
    /// It would become a dead letter without being sent.
    Reject(Fault),
}

/// What an event needs of a warehouse beyond what the events before it need: columns by table.
pub(super) type Tables = BTreeMap<String, BTreeMap<String, ColumnType>>;

/// Explains events, called with the two halves of a destination.
pub(super) struct Explainer<'a> {
    /// Configured name.
    pub(super) name: &'a str,
    /// Which events it gets.
    pub(super) filter: &'a EventFilter,
    /// What it may have of people.
    pub(super) discretion: &'a Discretion,
    /// What it sees of an event.
    pub(super) view: View,
    /// Explained in this order, each alone.
    pub(super) events: &'a [Arc<Event>],
    /// When they would be tried.
    pub(super) now: Timestamp,
}

impl Launcher for Explainer<'_> {
    type Output = Vec<Fate>;

    fn launch<D: Destination>(self, destination: D, client: D::Client) -> Vec<Fate> {
        self.events.iter().map(|event| self.fate(&destination, &client, event)).collect()
    }
}

impl Explainer<'_> {
    fn fate<D: Destination>(&self, destination: &D, client: &D::Client, event: &Arc<Event>) -> Fate {
        // As in a delivery: an event that a mapping panics on becomes a dead letter, and the others go on.
        let work = || self.planned(destination, client, event);
        catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| rejected(Reason::Panicked, "planning panicked on this event"))
    }

    fn planned<D: Destination>(&self, destination: &D, client: &D::Client, event: &Arc<Event>) -> Fate {
        let rules = (self.filter, self.discretion);
        if let Verdict::No(reason) = destinations::wants(destination, self.name, rules, event) {
            return Fate::Skip(reason);
        }
        let mut attempt = Attempt { number: 1, first_at: self.now, at: self.now };
        let seen = self.view.of(std::slice::from_ref(event));
        let mut tables = Tables::new();
        for _ in 0..MOST_ROUNDS {
            let plan = destination.plan(&seen, &attempt);
            match (&plan.needs, destination.schema()) {
                (Some(diff), Some(cell)) => {
                    cell.store((*cell.load()).clone().with(diff));
                    note(&mut tables, diff);
                }
                // What waits is shown as it goes in the end, or does not.
                _ if !plan.waiting.is_empty() => {
                    attempt.at = attempt.at.checked_add(NEXT_LOOK).unwrap_or(attempt.at);
                }
                _ => return concluded(plan, client, tables),
            }
        }
        rejected(Reason::Unmappable, "the plan never has the tables that it needs")
    }
}

fn concluded<C: Client>(plan: Plan<C::Request>, client: &C, tables: Tables) -> Fate {
    if let Some((_, fault)) = plan.refused.into_iter().next() {
        return Fate::Reject(fault);
    }
    if let Some((_, reason)) = plan.skipped.into_iter().next() {
        return Fate::Skip(reason);
    }
    let mut shown = Shown::default();
    plan.requests.iter().for_each(|planned| shown.append(client.show(&planned.request)));
    Fate::Send(shown, tables)
}

fn note(tables: &mut Tables, diff: &SchemaDiff) {
    for (table, columns) in diff.create.iter().chain(&diff.add).chain(&diff.widen) {
        let columns = columns.iter().map(|column| (column.name.clone(), column.column_type));
        tables.entry(table.clone()).or_default().extend(columns);
    }
}

fn rejected(reason: Reason, answer: &str) -> Fate {
    Fate::Reject(Fault { reason, status: None, answer: answer.to_owned(), place: None })
}
