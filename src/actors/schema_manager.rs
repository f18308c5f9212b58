//! The schema manager of one warehouse: carries out schema changes one after the other, joining those that wait.
//!
//! Never in the hot path: a delivery asks only when its batch does not fit the schema that it sees.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix::prelude::*;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::messages::ChangeSchema;
use crate::destinations::{SchemaFault, SchemaStore};
use crate::policy::outcome::{Fault, Reason};
use crate::telemetry::{Metrics, events};
use crate::warehouse::SchemaDiff;

/// See the module.
pub struct SchemaManager {
    destination: String,
    store: Arc<dyn SchemaStore>,
    metrics: Arc<Metrics>,
    waiting: Vec<(SchemaDiff, oneshot::Sender<Result<(), Fault>>)>,
    changing: bool,
}

impl SchemaManager {
    /// Returns the manager of one destination's schema.
    pub fn new(destination: String, store: Arc<dyn SchemaStore>, metrics: Arc<Metrics>) -> Self {
        SchemaManager { destination, store, metrics, waiting: Vec::new(), changing: false }
    }

    fn consider(&mut self, ctx: &mut Context<Self>) {
        if self.changing || self.waiting.is_empty() {
            return;
        }
        self.changing = true;
        let waiting = std::mem::take(&mut self.waiting);
        let (diffs, answers): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let diff = diffs.into_iter().fold(SchemaDiff::default(), SchemaDiff::merge);
        let tables = diff.create.len();
        let columns = diff.add.values().map(Vec::len).sum();
        let widened = diff.widen.values().map(Vec::len).sum();
        let begun = tokio::time::Instant::now();
        let store = Arc::clone(&self.store);
        // Nobody starts this actor again, so a panic of the store must not end it.
        let change =
            AssertUnwindSafe(async move { store.apply(diff).await.map_err(SchemaFault::into_fault) })
                .catch_unwind();
        let change = change.into_actor(self).map(move |done, manager, ctx| {
            let done = done.unwrap_or_else(|_| Err(panicked()));
            let destination = &manager.destination;
            if done.is_ok() {
                let took = begun.elapsed();
                events::SchemaChanged { destination, tables, columns, widened, took }.emit(&manager.metrics);
            }
            manager.changing = false;
            answers.into_iter().for_each(|answer| tell(answer, done.clone()));
            manager.consider(ctx);
        });
        ctx.spawn(change);
    }
}

fn tell(answer: oneshot::Sender<Result<(), Fault>>, done: Result<(), Fault>) {
    if answer.send(done).is_err() {
        events::NobodyThere { message: "a changed schema" }.emit();
    }
}

impl Actor for SchemaManager {
    type Context = Context<Self>;
}

impl Handler<ChangeSchema> for SchemaManager {
    type Result = ResponseFuture<Result<(), Fault>>;

    fn handle(&mut self, change: ChangeSchema, ctx: &mut Context<Self>) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.waiting.push((change.diff, answer));
        self.consider(ctx);
        Box::pin(async move { answered.await.unwrap_or_else(|_| Err(stopped())) })
    }
}

fn panicked() -> Fault {
    Fault { reason: Reason::Store, status: None, answer: "changing the schema panicked".into(), place: None }
}

/// Returns what a delivery hears when its schema manager is gone.
pub fn stopped() -> Fault {
    Fault { reason: Reason::Store, status: None, answer: "the schema manager stopped".into(), place: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::BoxFuture;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Panics at its first change.
    #[derive(Default)]
    struct Clumsy(AtomicUsize);

    impl SchemaStore for Clumsy {
        fn apply(&self, _: SchemaDiff) -> BoxFuture<Result<(), SchemaFault>> {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "the first change panics");
            Box::pin(std::future::ready(Ok(())))
        }
    }

    #[actix::test]
    async fn a_store_that_panics_once_is_asked_again() {
        let manager =
            SchemaManager::new("warehouse".into(), Arc::new(Clumsy::default()), Arc::default()).start();
        let change = || manager.send(ChangeSchema { diff: SchemaDiff::default() });
        assert!(change().await.unwrap().is_err());
        change().await.unwrap().unwrap();
    }
}
