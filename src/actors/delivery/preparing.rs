//! Getting ready: the cursor is read and the wire prepared before anything is asked of the machine.
//!
//! Separate because it may fail for long, and nothing else of the delivery runs until it is done. Never sends an event.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt as _;

use super::trip::in_words;
use super::{Delivery, Machine, Tally, sending};
use crate::actors::messages::LastError;
use crate::destinations::{Client, Destination, FailureKind, Reply};
use crate::journal::{Cursor, JournalError};
use crate::policy::delivery::Input;
use crate::policy::settled::Settled;
use crate::telemetry::clock;

/// Opening a wire takes a few requests, one after the other, each of which has the destination's timeout.
const REQUESTS: u32 = 3;

impl<D: Destination> Delivery<D> {
    /// Reads the cursor and prepares the wire; tries again with growing waits, since only this destination is concerned.
    pub(super) fn prepare(&mut self, ctx: &mut Context<Self>) {
        // An operator may ask for it at any time; there is never more than one.
        self.preparing.take().map(|handle| ctx.cancel_future(handle));
        let parts = Arc::clone(&self.parts);
        let work = async move {
            let (name, cursor) = (parts.name.clone(), parts.cursor.clone());
            let read = move || Ok((parts.journal.cursor(&cursor)?, parts.journal.orders(&name)?.paused));
            match tokio::task::spawn_blocking(read).await {
                Ok(Ok((cursor, paused))) => Ok((cursor.unwrap_or_default(), paused)),
                Ok(Err(error)) => Err(JournalError::to_string(&error)),
                Err(panic) => Err(panic.to_string()),
            }
        };
        self.preparing = Some(ctx.spawn(work.into_actor(self).map(|read, delivery, ctx| match read {
            Ok((cursor, paused)) => delivery.open(cursor, paused, ctx),
            Err(why) => delivery.unprepared((None, why), ctx),
        })));
    }

    /// Prepares the wire. Whoever asks meanwhile is told of a pause that is known by now.
    fn open(&mut self, cursor: Cursor, paused: bool, ctx: &mut Context<Self>) {
        self.ordered_pause.get_or_insert(paused);
        let parts = Arc::clone(&self.parts);
        let work = async move {
            let opened = within(parts.patience.timeout.saturating_mul(REQUESTS), parts.client.init()).await;
            opened.map_err(|reply| refusal(parts.destination.as_ref(), &reply))
        };
        let work = AssertUnwindSafe(work).catch_unwind().into_actor(self);
        self.preparing = Some(ctx.spawn(work.map(|done, delivery, ctx| match done {
            Ok(Ok(())) => delivery.prepared(cursor, ctx),
            Ok(Err(why)) => delivery.unprepared(why, ctx),
            Err(_) => delivery.unprepared((None, "preparing the wire panicked".into()), ctx),
        })));
    }

    fn prepared(&mut self, cursor: Cursor, ctx: &mut Context<Self>) {
        if self.machine.is_some() {
            return;
        }
        let settled = Settled::new(cursor.mark.0, &cursor.settled);
        if self.parts.replay.is_some() {
            self.parts.beacon.mark.fetch_max(settled.mark(), Ordering::AcqRel);
            if self.is_replayed() {
                // All was done before a kill or a panic, and nothing will ever be stored that would end it.
                return ctx.stop();
            }
        }
        self.tally = Tally::new(cursor.counts);
        self.machine = Some(Machine::new(self.parts.patience.clone(), settled, fastrand::u64(..)));
        self.give(Input::Paused(self.ordered_pause == Some(true)), ctx);
        self.look(ctx);
    }

    fn unprepared(&mut self, (status, why): (Option<u16>, String), ctx: &mut Context<Self>) {
        self.trouble("prepare the wire", &why);
        self.last_error = Some(LastError { at: clock::now(), status, message: why });
        self.preparations = self.preparations.saturating_add(1);
        let retry = &self.parts.patience.retry;
        let wait =
            crate::policy::backoff::wait(retry, self.preparations, 1.0).min(self.parts.patience.probe_every);
        self.preparing = Some(ctx.run_later(wait, |delivery, ctx| {
            delivery.preparing = None;
            delivery.prepare(ctx);
        }));
    }
}

/// Waits for the wire, but not for ever: one that is silent is not found out by anything else.
async fn within(limit: Duration, opening: impl Future<Output = Result<(), Reply>>) -> Result<(), Reply> {
    let opened = tokio::time::timeout(limit, opening).await;
    let silent =
        || Reply::failed(FailureKind::Timeout, format!("no answer within {} s", limit.as_secs_f64()));
    opened.unwrap_or_else(|_| Err(silent()))
}

/// Returns status and words of what kept the wire from being prepared, as the destination reads the answer to a probe.
fn refusal<D: Destination>(destination: &D, reply: &Reply) -> (Option<u16>, String) {
    let (status, plain) = match reply {
        Reply::Failed(failure) => return (None, failure.message.clone()),
        Reply::Answer(answer) => (Some(answer.status), format!("answered {}", answer.status)),
    };
    let probe = destination.probe();
    let judged = probe.first().map(|request| destination.judge(request, 1, reply)).unwrap_or_default();
    let told = judged.first().and_then(sending::fault_of).map(in_words);
    (status, told.filter(|words| !words.is_empty()).unwrap_or(plain))
}
