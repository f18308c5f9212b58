//! Tells the supervisor that an actor is gone, whether it stopped or panicked.
//!
//! actix's own supervisor does not survive a panic, so each child holds a guard whose `Drop` speaks for it. A drop runs while
//! unwinding: it must never panic itself. Work that outlives its actor (a write on a blocking thread) holds a [`Tie`], and the
//! end is reported only when that is over too: a successor must find nothing of its predecessor at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::Recipient;

use super::messages::{ChildExited, Life};

/// Held by a child for its whole life.
#[derive(Debug)]
pub struct ExitGuard(Arc<Report>);

/// Held by work of a child that may outlive it.
#[derive(Debug)]
pub struct Tie(#[expect(dead_code, reason = "held for its drop")] Arc<Report>);

#[derive(Debug)]
struct Report {
    supervisor: Recipient<ChildExited>,
    life: Life,
    panicked: AtomicBool,
}

impl ExitGuard {
    /// Returns a guard for this life of a child.
    pub fn new(supervisor: Recipient<ChildExited>, life: Life) -> Self {
        ExitGuard(Arc::new(Report { supervisor, life, panicked: AtomicBool::new(false) }))
    }

    /// Returns what work holds that must be over before the end is reported.
    pub fn tie(&self) -> Tie {
        Tie(Arc::clone(&self.0))
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        self.0.panicked.store(std::thread::panicking(), Ordering::Release);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let exited = ChildExited { life: self.life, panicked: *self.panicked.get_mut() };
        if self.supervisor.try_send(exited).is_err() {
            crate::telemetry::events::NobodyThere { message: "the end of a child" }.emit();
        }
    }
}
