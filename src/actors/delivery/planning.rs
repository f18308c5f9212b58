//! Plans a batch, and has the schema changed where the plan needs it: waited for when nothing can be sent before, ordered
//! and not waited for otherwise.
//!
//! A panic of the mapping costs the one event that caused it. A schema store that hangs costs the attempt its time and no
//! more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::Parts;
use super::attempt::{Gear, store_fault};
use super::ordering::OrderSchema;
use crate::actors::messages::ChangeSchema;
use crate::actors::schema_manager;
use crate::destinations::{Attempt, Destination, Plan, Planned};
use crate::policy::outcome::{Fault, Outcome, Reason};
use crate::spec::Event;
use crate::telemetry::events;
use crate::warehouse::SchemaDiff;

/// How often a batch may ask for a changed schema before it waits like any other failure.
const SCHEMA_ROUNDS: usize = 5;
/// How long an event waits that a plan leaves out while it needs something.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Plans a batch, changing the schema until it fits or something can be sent.
pub(super) async fn plan<D: Destination>(
    parts: &Arc<Parts<D>>,
    gear: &Gear,
    batch: &[(u64, Arc<Event>)],
    attempt: Attempt,
) -> Result<Plan<D::Request>, Outcome> {
    let events: Arc<[Arc<Event>]> = batch.iter().map(|(_, event)| Arc::clone(event)).collect();
    for _ in 0..SCHEMA_ROUNDS {
        let (planner, events) = (Arc::clone(parts), Arc::clone(&events));
        let work = move || plan_contained(planner.as_ref(), &events, &attempt);
        let plan = tokio::task::spawn_blocking(work).await;
        let mut plan = plan.map_err(|panic| Outcome::Transient(panicked(panic.to_string())))?;
        let Some(diff) = plan.needs.take() else { return Ok(plan) };
        if !is_empty(&plan) {
            parts.order_schema(diff, gear)?;
            wait_for_the_rest(&mut plan, batch.len());
            return Ok(plan);
        }
        parts.change_schema(diff).await?;
    }
    Err(Outcome::Transient(store_fault("the schema did not come to rest")))
}

/// Returns whether nothing is planned, whatever it needs.
fn is_empty<R>(plan: &Plan<R>) -> bool {
    plan.requests.is_empty() && plan.refused.is_empty() && plan.skipped.is_empty() && plan.waiting.is_empty()
}

/// Lets the events wait of which the plan says nothing: planned again at once, they would ask for the same without a rest.
fn wait_for_the_rest<R>(plan: &mut Plan<R>, events: usize) {
    let mut told = vec![false; events];
    let sent = plan.requests.iter().flat_map(|planned| planned.events.iter().copied());
    let refused = plan.refused.iter().map(|(index, _)| *index);
    let skipped = plan.skipped.iter().map(|(index, _)| *index);
    let waiting = plan.waiting.iter().map(|(index, _, _)| *index);
    for index in sent.chain(refused).chain(skipped).chain(waiting) {
        told.get_mut(index).into_iter().for_each(|told| *told = true);
    }
    let rest = told.iter().enumerate().filter(|(_, told)| !**told);
    let fault = || Fault::new(Reason::Schema, None, "waits for a change of the schema");
    plan.waiting.extend(rest.map(|(index, _)| (index, LOOK_AGAIN, fault())));
}

/// Plans a batch as far as the destination sees it; when that panics, plans its events one by one and refuses those that
/// panic alone.
fn plan_contained<D: Destination>(
    parts: &Parts<D>,
    events: &[Arc<Event>],
    attempt: &Attempt,
) -> Plan<D::Request> {
    let planned = |events: &[Arc<Event>]| {
        catch_unwind(AssertUnwindSafe(|| parts.destination.plan(&parts.view.of(events), attempt)))
    };
    if let Ok(plan) = planned(events) {
        return plan;
    }
    let mut whole = Plan::default();
    for (index, event) in events.iter().enumerate() {
        match planned(std::slice::from_ref(event)) {
            Err(_) => whole.refused.push((index, panicked("the mapping panicked on this event"))),
            Ok(plan) if is_empty(&plan) && plan.needs.is_some() => {
                return Plan { needs: plan.needs, ..Plan::default() };
            }
            Ok(plan) => add(&mut whole, index, plan),
        }
    }
    whole
}

/// Adds the plan of the event with this index.
fn add<R>(whole: &mut Plan<R>, index: usize, plan: Plan<R>) {
    let at_index = |planned: Planned<R>| Planned { events: vec![index], ..planned };
    whole.requests.extend(plan.requests.into_iter().map(at_index));
    whole.refused.extend(plan.refused.into_iter().map(|(_, fault)| (index, fault)));
    whole.skipped.extend(plan.skipped.into_iter().map(|(_, reason)| (index, reason)));
    whole.waiting.extend(plan.waiting.into_iter().map(|(_, wait, fault)| (index, wait, fault)));
    whole.needs = match (whole.needs.take(), plan.needs) {
        (Some(one), Some(other)) => Some(one.merge(other)),
        (one, other) => one.or(other),
    };
}

fn panicked(words: impl Into<String>) -> Fault {
    Fault::new(Reason::Panicked, None, words)
}

impl<D: Destination> Parts<D> {
    /// Waits for the change, as long as for an answer of the other side.
    async fn change_schema(&self, diff: SchemaDiff) -> Result<(), Outcome> {
        let change = self.schema_manager()?.send(ChangeSchema { diff });
        let late = |_| Ok(Err(store_fault("the schema was not changed in time")));
        let changed = tokio::time::timeout(self.patience.timeout, change).await.unwrap_or_else(late);
        changed.unwrap_or_else(|_| Err(schema_manager::stopped())).map_err(D::unchanged)
    }

    /// Has the change made while other things go on.
    fn order_schema(&self, diff: SchemaDiff, gear: &Gear) -> Result<(), Outcome> {
        self.schema_manager()?;
        // A full mailbox costs nothing: who needs the change asks again.
        if gear.orders.try_send(OrderSchema { diff }).is_err() {
            events::NobodyThere { message: "the order of a changed schema" }.emit();
        }
        Ok(())
    }

    fn schema_manager(&self) -> Result<&actix::Recipient<ChangeSchema>, Outcome> {
        let missing = || Outcome::Broken(store_fault("the destination has no schema manager"));
        self.schema_manager.as_ref().ok_or_else(missing)
    }
}
