//! When notes are written: with the cursor they belong to, on the tick when there is none, and at the end.
//!
//! Separate from what is noted. A note that cannot be written is given up: it is an operator's help, and no event waits
//! for it.

use std::sync::Arc;

use actix::prelude::*;

use super::Delivery;
use crate::destinations::Destination;
use crate::journal::Note;

impl<D: Destination> Delivery<D> {
    /// Writes notes of failures, which no cursor takes along.
    pub(super) fn write_failures(&mut self, ctx: &mut Context<Self>) {
        if self.notes.only_failures() {
            self.write_notes(ctx, |_, _| {});
        }
    }

    /// The machine is done: writes what is left, then ends.
    pub(super) fn drained(&mut self, left: u64, ctx: &mut Context<Self>) {
        self.write_notes(ctx, move |delivery, ctx| delivery.end(left, ctx));
    }

    fn write_notes(
        &mut self,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        let Some(notes) = self.notes.take(&self.parts.name) else { return then(self, ctx) };
        let (parts, written) = (Arc::clone(&self.parts), Arc::clone(&notes));
        let work = tokio::task::spawn_blocking(move || parts.note(&written)).into_actor(self);
        ctx.spawn(work.map(move |done, delivery, ctx| {
            delivery.noted(&notes, done.unwrap_or_else(|panic| Err(panic.to_string())));
            then(delivery, ctx);
        }));
    }

    /// Says once that notes cannot be written, until they can.
    pub(super) fn noted(&mut self, notes: &Arc<[Note]>, done: Result<(), String>) {
        self.notes.written(notes);
        let failed = done.is_err();
        if let Err(why) = done.map_err(|why| Some(why).filter(|_| !self.notes.failing)) {
            why.into_iter().for_each(|why| self.trouble("note attempts", &why));
        }
        self.notes.failing = failed;
    }
}
