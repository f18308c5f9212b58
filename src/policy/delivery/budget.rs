//! How long an event may fail before it is given up, and when a failing batch is halved.

use std::time::Duration;

use super::Delivery;
use super::lane::{Burial, Chunk};
use crate::policy::outcome::{Fault, Reason};

/// Failures of a whole batch after which it is halved, when other batches get through: one event may be the cause.
const SPLIT_AFTER: u32 = 3;
impl Delivery {
    /// Buries what has used up its retry budget, and halves what fails alone. `patience` is how long the next attempt waits;
    /// `None` while the destination does not flow, when nothing dies of age.
    pub(super) fn within_budget(
        &self,
        rest: Vec<Chunk>,
        buried: &mut Vec<Burial>,
        (before, patience): (&Chunk, Option<Duration>),
    ) -> Vec<Chunk> {
        let mut kept = Vec::new();
        for mut chunk in rest {
            let failed = chunk.failures > before.failures;
            let flowed = self.pacing.flowed();
            let since = if failed { *chunk.failing_since.get_or_insert(flowed) } else { flowed };
            let spent = patience.map(|wait| flowed.saturating_sub(since) + wait);
            if failed && spent.is_some_and(|spent| spent > self.patience.retry.give_up_after) {
                buried.extend(give_up(&chunk));
            } else if failed && self.fails_alone(&chunk, before) {
                kept.extend(chunk.halves());
            } else {
                kept.push(chunk);
            }
        }
        kept
    }

    fn fails_alone(&self, chunk: &Chunk, before: &Chunk) -> bool {
        chunk.positions.len() > 1
            && chunk.failures >= SPLIT_AFTER
            && self.last_success.is_some_and(|at| before.first_at.is_some_and(|first| at >= first))
    }
}

/// Returns the burials of a chunk whose retry budget is used up.
fn give_up(chunk: &Chunk) -> impl Iterator<Item = Burial> + '_ {
    let answer = format!("no success in {} attempts", chunk.failures);
    let fault = Fault { reason: Reason::GaveUp, status: None, answer, place: None };
    chunk.positions.iter().map(move |position| Burial {
        position: *position,
        fault: fault.clone(),
        attempts: chunk.failures,
    })
}
