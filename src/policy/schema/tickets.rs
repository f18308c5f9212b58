//! Who waits for a change: each ticket is answered exactly once, when all its tables are done or at the first fault.

use std::collections::BTreeMap;

use super::{Action, Ticket};
use crate::policy::outcome::Fault;

/// How many tables each ticket still waits for.
#[derive(Debug, Clone, Default)]
pub(super) struct Tickets(BTreeMap<Ticket, usize>);

impl Tickets {
    /// Takes a ticket that waits for one thing.
    pub(super) fn open(&mut self, ticket: Ticket) {
        self.0.insert(ticket, 1);
    }

    /// Lets a ticket wait for one thing more; returns false when it was answered already.
    pub(super) fn join(&mut self, ticket: Ticket) -> bool {
        self.0.get_mut(&ticket).is_some_and(|waits| {
            *waits += 1;
            true
        })
    }

    /// One thing that these tickets waited for is done.
    pub(super) fn done(&mut self, tickets: impl IntoIterator<Item = Ticket>, actions: &mut Vec<Action>) {
        for ticket in tickets {
            let Some(waits) = self.0.get_mut(&ticket) else { continue };
            *waits -= 1;
            if *waits == 0 {
                self.0.remove(&ticket);
                actions.push(Action::Answer { ticket, result: Ok(()) });
            }
        }
    }

    /// One thing that these tickets waited for will not be.
    pub(super) fn fail(
        &mut self,
        tickets: impl IntoIterator<Item = Ticket>,
        fault: &Fault,
        actions: &mut Vec<Action>,
    ) {
        for ticket in tickets {
            if self.0.remove(&ticket).is_some() {
                actions.push(Action::Answer { ticket, result: Err(fault.clone()) });
            }
        }
    }
}
