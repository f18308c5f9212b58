//! The projectors among the supervisor's children: started with it, started again after a panic, drained with the others.
//! One that panics again and again is parked, which `/ready` tells, until somebody asks for the configuration to be read.
//!
//! Separate from the wards because nobody orders, pauses or reconfigures a projection, and nothing waits for one.

use actix::prelude::*;
use futures_util::future::join_all;

use super::Supervisor;
use super::wards::End;
use crate::actors::exit_guard::ExitGuard;
use crate::actors::messages::{ChildExited, Drain, Life, ReadyCheck, Unpark};
use crate::policy::Moment;
use crate::policy::restarts::{Restarts, Verdict};
use crate::telemetry::events;

/// Their numbers begin here, far above those of the wards.
const FIRST: u64 = 1 << 32;

/// Starts a projector with the guard that reports its end; returns whom to tell to stop.
pub type FollowFactory = Box<dyn Fn(ExitGuard) -> Recipient<Drain> + Send>;

/// A projection as the supervisor knows it.
pub struct Follow {
    /// Its name.
    pub name: &'static str,
    /// Starts its projector, with a projection that has taken nothing.
    pub factory: FollowFactory,
}

/// All of them, in the order of their numbers.
#[derive(Default)]
pub(super) struct Projections(Vec<Projection>);

struct Projection {
    follow: Follow,
    state: State,
    incarnation: u64,
    restarts: Restarts,
    panics: u32,
}

enum State {
    /// It waits for its start.
    Down,
    /// It ended too often.
    Parked,
    /// It runs.
    Up(Recipient<Drain>),
    /// It was told to end, and stays down until it is started again.
    Resting(Recipient<Drain>),
}

impl Supervisor {
    /// Keeps these projections going.
    pub fn following(mut self, follows: Vec<Follow>) -> Self {
        let projection = |follow| Projection {
            follow,
            state: State::Down,
            incarnation: 0,
            restarts: Restarts::of_view(),
            panics: 0,
        };
        self.projections = Projections(follows.into_iter().map(projection).collect());
        self
    }

    /// Starts every projection that is down, unless people are being erased: the end of that starts them.
    pub(super) fn start_projections(&mut self, ctx: &mut Context<Self>) {
        if self.holding.is_none() && self.holding_views.is_none() {
            self.projections.start_all(&ctx.address());
        }
    }

    /// Starts one of them likewise.
    pub(super) fn start_projection(&mut self, number: u64, ctx: &mut Context<Self>) {
        if self.holding.is_none() && self.holding_views.is_none() {
            self.projections.start(number, ctx.address().recipient());
        }
    }
}

impl Handler<Unpark> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Unpark, ctx: &mut Context<Self>) {
        if self.draining {
            return;
        }
        self.projections.unpark();
        self.start_projections(ctx);
    }
}

impl Projections {
    /// Starts all that are down.
    fn start_all(&mut self, supervisor: &Addr<Supervisor>) {
        for number in (FIRST..).take(self.0.len()) {
            self.start(number, supervisor.clone().recipient());
        }
    }

    /// Starts one that is down.
    fn start(&mut self, number: u64, reports: Recipient<ChildExited>) {
        let Some(projection) = self.get(number).filter(|one| matches!(one.state, State::Down)) else {
            return;
        };
        projection.incarnation += 1;
        let life = Life { ward: number, incarnation: projection.incarnation };
        projection.state = State::Up((projection.follow.factory)(ExitGuard::new(reports, life)));
    }

    /// Takes note of an end and says what it means; nothing when it is none of these.
    pub(super) fn ended(&mut self, life: Life, now: Moment) -> Option<End> {
        let projection = self.get(life.ward)?;
        if projection.incarnation != life.incarnation {
            return Some(End::Known);
        }
        if matches!(projection.state, State::Resting(_)) {
            projection.state = State::Down;
            return Some(End::Rested);
        }
        projection.panics += 1;
        let verdict = projection.restarts.panicked(now);
        projection.state = match verdict {
            Verdict::After(_) => State::Down,
            Verdict::Park => State::Parked,
        };
        let name = projection.follow.name.to_owned();
        Some(End::Unexpected { name, verdict, panics: projection.panics })
    }

    /// Returns whether it still waits to start again after this life.
    pub(super) fn waits_after(&mut self, life: Life) -> bool {
        let waits =
            |one: &mut Projection| one.incarnation == life.incarnation && matches!(one.state, State::Down);
        self.get(life.ward).is_some_and(waits)
    }

    /// Has all of them end, to start again later.
    pub(super) fn rest(&mut self) {
        for projection in &mut self.0 {
            let State::Up(drain) = &projection.state else { continue };
            let drain = drain.clone();
            // A mailbox that takes nothing is that of one that has ended, which is told anyway.
            if drain.try_send(Drain).is_err() {
                events::NobodyThere { message: "the rest of a projection" }.emit();
            }
            projection.state = State::Resting(drain);
        }
    }

    /// Returns whether any is at work, or on its way to its end.
    pub(super) fn is_anyone_at_work(&self) -> bool {
        self.0.iter().any(|one| matches!(one.state, State::Up(_) | State::Resting(_)))
    }

    /// Has those that are parked wait for their start, as if they had never panicked.
    fn unpark(&mut self) {
        for projection in self.0.iter_mut().filter(|one| matches!(one.state, State::Parked)) {
            (projection.state, projection.restarts) = (State::Down, Restarts::of_view());
            events::ChildUnparked { child: projection.follow.name }.emit();
        }
    }

    /// Returns what `/ready` says of those that are parked.
    pub(super) fn checks(&self) -> impl Iterator<Item = ReadyCheck> + '_ {
        let parked = self.0.iter().filter(|one| matches!(one.state, State::Parked));
        parked.map(|one| ReadyCheck {
            name: format!("projection {}", one.follow.name),
            ok: false,
            message: format!(
                "parked after {} panics; a reload of the configuration (SIGHUP) or a restart starts it again",
                one.panics
            ),
            ..ReadyCheck::default()
        })
    }

    /// Stops all of them.
    pub(super) fn drain(&self) -> impl Future<Output = ()> + use<> {
        let running = self.0.iter().filter_map(|one| match &one.state {
            State::Up(drain) | State::Resting(drain) => Some(drain.send(Drain)),
            State::Down | State::Parked => None,
        });
        let drains = join_all(running.collect::<Vec<_>>());
        async move {
            if drains.await.iter().any(Result::is_err) {
                // It ended before it heard it, and leaves nothing behind.
                events::NobodyThere { message: "the end of a projection" }.emit();
            }
        }
    }

    fn get(&mut self, number: u64) -> Option<&mut Projection> {
        let place = usize::try_from(number.checked_sub(FIRST)?).ok()?;
        self.0.get_mut(place)
    }
}
