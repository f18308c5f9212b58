//! Everything stands still while people are erased: whoever has read one of their events must have let go of it.
//!
//! Separate from a journal that changes hands because both may happen at once, and because projections stand still too: what they
//! hold is folded again from what is left. What is held keeps its place: the same child starts again.

use std::sync::Arc;

use actix::prelude::*;

use super::Supervisor;
use crate::actors::messages::{Erasable, Erasers, Held, Hold, ListErasers, Release};
use crate::journal::{Journal, Position};

impl Handler<Hold> for Supervisor {
    type Result = ();

    fn handle(&mut self, Hold { whom, done }: Hold, ctx: &mut Context<Self>) {
        let waiting = match whom {
            Held::All => &mut self.holding,
            Held::Projections => &mut self.holding_views,
        };
        waiting.get_or_insert_default().push(done);
        if !self.draining {
            if whom == Held::All {
                self.rest_all(ctx);
            }
            self.projections.rest();
        }
        self.tell_standing_by();
    }
}

impl Handler<Release> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Release, ctx: &mut Context<Self>) {
        (self.holding, self.holding_views) = (None, None);
        if self.draining {
            return;
        }
        self.start_projections(ctx);
        self.start_all(ctx);
    }
}

impl Handler<ListErasers> for Supervisor {
    type Result = ResponseFuture<Erasers>;

    fn handle(&mut self, _: ListErasers, _: &mut Context<Self>) -> Self::Result {
        let destinations = self.wards.iter().filter(|ward| ward.child.replayed.is_none());
        let erasable = destinations.map(|ward| Erasable {
            name: ward.child.name.clone(),
            is_on: ward.is_on(),
            mark: Position(ward.mark()),
            eraser: ward.child.eraser.clone(),
        });
        let (all, last_cut) = (erasable.collect(), self.last_cut);
        let journal = Arc::clone(&self.journal);
        Box::pin(async move { Erasers { stores: with_something(journal, all).await, last_cut } })
    }
}

/// Leaves out what is switched off and never was on: nothing was ever given to it.
async fn with_something(journal: Arc<dyn Journal>, all: Vec<Erasable>) -> Vec<Erasable> {
    let mut stores = all.clone();
    let look = tokio::task::spawn_blocking(move || {
        let letters = journal.letter_counts();
        let has_letters = |name: &str| letters.keys().any(|(destination, _)| destination == name);
        // What cannot be read may have been.
        let was_on = |name: &str| !matches!(journal.cursor(name), Ok(None));
        stores.retain(|store| store.is_on || was_on(&store.name) || has_letters(&store.name));
        stores
    });
    look.await.unwrap_or(all)
}
