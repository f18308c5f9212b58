//! Tells the supervisor that an actor is gone, whether it stopped or panicked.
//!
//! actix's own supervisor does not survive a panic, so each child holds a guard whose `Drop` speaks for it. A drop runs while
//! unwinding: it must never panic itself.

use actix::Recipient;

use super::messages::ChildExited;

/// Held by a child for its whole life.
#[derive(Debug)]
pub struct ExitGuard {
    supervisor: Recipient<ChildExited>,
    child: usize,
}

impl ExitGuard {
    /// Returns a guard for the child with this index.
    pub fn new(supervisor: Recipient<ChildExited>, child: usize) -> Self {
        ExitGuard { supervisor, child }
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        let exited = ChildExited { child: self.child, panicked: std::thread::panicking() };
        if self.supervisor.try_send(exited).is_err() {
            crate::telemetry::events::NobodyThere { message: "the end of a child" }.emit();
        }
    }
}
