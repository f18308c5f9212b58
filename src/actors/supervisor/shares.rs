//! A journal that several routers share: it says when there is something new, and has everybody stop while a part of it goes
//! to another router.
//!
//! Separate because nothing of it concerns a router with a journal of its own. What stands by keeps its place: the same child
//! starts again.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::Supervisor;
use super::wards::GRACE;
use crate::actors::messages::{Drain, GoOn, Grown, StandBy};
use crate::telemetry::events;

/// Who waits until no delivery is at work; `None` while they may be.
pub(super) type Waiting = Option<Vec<oneshot::Sender<()>>>;

impl Handler<Grown> for Supervisor {
    type Result = ();

    fn handle(&mut self, grown: Grown, _: &mut Context<Self>) {
        self.wake(grown.kinds);
    }
}

impl Handler<StandBy> for Supervisor {
    type Result = ();

    fn handle(&mut self, StandBy { done }: StandBy, ctx: &mut Context<Self>) {
        self.standing_by.get_or_insert_default().push(done);
        if self.draining {
            // They are told to end already. What they have in flight is theirs until they do.
            return self.tell_standing_by();
        }
        self.rest_all(ctx);
        self.tell_standing_by();
    }
}

impl Handler<GoOn> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: GoOn, ctx: &mut Context<Self>) {
        self.standing_by = None;
        if !self.draining {
            self.start_all(ctx);
        }
    }
}

impl Supervisor {
    /// Has every delivery end, to start again later.
    pub(super) fn rest_all(&mut self, ctx: &mut Context<Self>) {
        for number in self.wards.numbers() {
            let Some((handle, life)) = self.wards.rest(number) else { continue };
            let drained = handle.drain.send(Drain).into_actor(self);
            // How much is left is of no interest: it is read again, here or where the part of the journal goes.
            ctx.spawn(drained.map(|_, _, _| ()));
            ctx.run_later(GRACE, move |supervisor, ctx| supervisor.cut(life, ctx));
        }
    }

    /// Starts every delivery that is down, unless something else still keeps them so.
    pub(super) fn start_all(&mut self, ctx: &mut Context<Self>) {
        if self.standing_by.is_some() || self.holding.is_some() {
            return;
        }
        for number in self.wards.numbers() {
            self.start_child(number, ctx);
            self.resume_replay(number, ctx);
        }
    }

    /// Tells whoever waits for it when nobody is at work.
    pub(super) fn tell_standing_by(&mut self) {
        let are_projections_still = !self.projections.is_anyone_at_work();
        tell(self.holding_views.iter_mut().filter(|_| are_projections_still));
        if self.wards.is_anyone_at_work() {
            return;
        }
        let holding = self.holding.iter_mut().filter(|_| are_projections_still);
        tell(self.standing_by.iter_mut().chain(holding));
    }
}

fn tell<'a>(waiting: impl Iterator<Item = &'a mut Vec<oneshot::Sender<()>>>) {
    for done in waiting.flat_map(|waiting| waiting.drain(..)) {
        if done.send(()).is_err() {
            events::NobodyThere { message: "that all stand by" }.emit();
        }
    }
}
