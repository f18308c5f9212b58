//! Changes of the schema that are ordered and not waited for: each once, and a failure told once.
//!
//! Separate from planning because an order outlives the attempt that gave it. Who needs the change looks again by itself.

use actix::prelude::*;

use super::Delivery;
use super::trip::in_words;
use crate::actors::messages::{ChangeSchema, LastError};
use crate::actors::schema_manager;
use crate::destinations::Destination;
use crate::policy::outcome::Fault;
use crate::telemetry::clock;
use crate::warehouse::SchemaDiff;

/// Orders under way at once; an event whose change is not ordered asks again.
const MAX_ORDERS: usize = 64;

/// Command of an attempt: have these tables and columns made, while other things go on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct OrderSchema {
    /// What is missing.
    pub(super) diff: SchemaDiff,
}

/// The orders of one delivery.
#[derive(Debug, Default)]
pub(super) struct Orders {
    under_way: Vec<SchemaDiff>,
    /// The last one failed and will be given again, and was told of.
    failing: bool,
}

impl Orders {
    /// Takes an order in, unless the same one is under way or there are too many.
    fn begin(&mut self, diff: &SchemaDiff) -> bool {
        let is_new = self.under_way.len() < MAX_ORDERS && !self.under_way.contains(diff);
        if is_new {
            self.under_way.push(diff.clone());
        }
        is_new
    }

    /// Takes an order out that has ended, or of which nothing was heard; returns what is to be told.
    fn end(&mut self, diff: &SchemaDiff, changed: Option<Result<(), Fault>>) -> Option<Fault> {
        self.under_way.retain(|other| other != diff);
        let changed = changed?;
        let was_failing = std::mem::replace(&mut self.failing, changed.is_err());
        changed.err().filter(|_| !was_failing)
    }

    /// Returns whether events wait for a change that fails and is asked for again.
    pub(super) fn is_failing(&self) -> bool {
        self.failing
    }
}

impl<D: Destination> Handler<OrderSchema> for Delivery<D> {
    type Result = ();

    fn handle(&mut self, OrderSchema { diff }: OrderSchema, ctx: &mut Context<Self>) {
        let Some(manager) = &self.parts.schema_manager else { return };
        if !self.orders.begin(&diff) {
            return;
        }
        let change = manager.send(ChangeSchema { diff: diff.clone() });
        // After that the manager may go on, but the same may be ordered again.
        let change = tokio::time::timeout(self.parts.patience.timeout, change).into_actor(self);
        let ordered = self.guard.tie();
        ctx.spawn(change.map(move |changed, delivery, _| {
            drop(ordered);
            let changed = changed.ok();
            let changed = changed.map(|done| done.unwrap_or_else(|_| Err(schema_manager::stopped())));
            delivery.ordered(&diff, changed);
        }));
    }
}

impl<D: Destination> Delivery<D> {
    /// What failed is shown as what the destination said last; in the log the manager has told it, unless it is gone. A table
    /// that is closed is asked for no more, and its events go on without the change.
    fn ordered(&mut self, diff: &SchemaDiff, changed: Option<Result<(), Fault>>) {
        if let Some(Err(fault)) = &changed {
            let message = in_words(fault);
            self.last_error = Some(LastError { at: clock::now(), status: fault.status, message });
        }
        let untold = self.orders.end(diff, changed).filter(|fault| *fault == schema_manager::stopped());
        if let Some(fault) = untold {
            self.trouble("change the schema", &fault.answer);
        }
        let closed = self.parts.destination.schema().map(|cell| cell.closed()).unwrap_or_default();
        let mut tables = diff.create.keys().chain(diff.add.keys()).chain(diff.widen.keys());
        if self.orders.is_failing() && tables.all(|table| closed.contains_key(table)) {
            self.orders.failing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::outcome::Reason;

    fn diff(table: usize) -> SchemaDiff {
        SchemaDiff { create: [(table.to_string(), Vec::new())].into(), ..SchemaDiff::default() }
    }

    #[test]
    fn the_same_order_is_given_once_at_a_time_and_there_are_only_so_many() {
        let mut orders = Orders::default();
        assert!(orders.begin(&diff(0)) && !orders.begin(&diff(0)));
        assert_eq!((1..100).filter(|table| orders.begin(&diff(*table))).count(), MAX_ORDERS - 1);
        assert_eq!(orders.end(&diff(0), Some(Ok(()))), None);
        assert!(orders.begin(&diff(0)));
    }

    #[test]
    fn a_failure_is_told_once_until_a_change_succeeds() {
        let mut orders = Orders::default();
        let fault = || Fault::new(Reason::Store, None, "no");
        let mut end = |changed| orders.end(&diff(0), Some(changed));
        assert_eq!(end(Err(fault())), Some(fault()));
        assert_eq!(end(Err(fault())), None);
        assert_eq!(end(Ok(())), None);
        assert_eq!(end(Err(fault())), Some(fault()));
    }

    #[test]
    fn an_order_of_which_nothing_was_heard_changes_nothing_about_the_last_one() {
        let mut orders = Orders::default();
        let fault = Fault::new(Reason::Store, None, "no");
        assert_eq!((orders.end(&diff(0), None), orders.is_failing()), (None, false));
        orders.end(&diff(0), Some(Err(fault)));
        assert_eq!((orders.end(&diff(0), None), orders.is_failing()), (None, true));
        assert_eq!((orders.end(&diff(0), Some(Ok(()))), orders.is_failing()), (None, false));
    }
}
