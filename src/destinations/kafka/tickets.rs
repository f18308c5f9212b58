//! Who waits for which messages: every message has a ticket, and a request is over when all of its tickets are settled.
//!
//! Tickets are settled by the library's thread, one after the other; whoever waits is woken once. Knows codes and no
//! meaning.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::Notify;

/// The tickets of one request.
#[derive(Debug)]
pub(super) struct Tickets {
    /// Those that are out, and one while more are given out.
    open: AtomicUsize,
    failed: Mutex<Vec<Failure>>,
    done: Notify,
}

/// A message that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure {
    event: usize,
    code: RDKafkaErrorCode,
    /// The library refused it before it was sent.
    alone: bool,
}

/// Messages that failed alike.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failures {
    /// Why.
    pub(super) code: RDKafkaErrorCode,
    /// Whether the library refused them before they were sent.
    pub(super) alone: bool,
    /// Which events of the request.
    pub(super) events: Vec<usize>,
}

/// The ticket of one message.
#[derive(Debug)]
pub(super) struct Ticket {
    tickets: Arc<Tickets>,
    event: usize,
}

impl Tickets {
    pub(super) fn new() -> Arc<Tickets> {
        Arc::new(Tickets { open: AtomicUsize::new(1), failed: Mutex::default(), done: Notify::new() })
    }

    /// Gives out the ticket of an event.
    pub(super) fn give(self: &Arc<Self>, event: usize) -> Box<Ticket> {
        self.open.fetch_add(1, Ordering::AcqRel);
        Box::new(Ticket { tickets: Arc::clone(self), event })
    }

    /// Takes note of a message that the library did not take.
    pub(super) fn refuse(&self, event: usize, code: RDKafkaErrorCode) {
        self.fail(Failure { event, code, alone: true });
    }

    /// Waits until all tickets are settled; none is given out any more.
    pub(super) async fn settled(&self) {
        self.close_one();
        while self.open.load(Ordering::Acquire) > 0 {
            self.done.notified().await;
        }
    }

    /// Returns the events that failed, with those that failed alike together, in the order of their codes.
    pub(super) fn failures(&self) -> Vec<Failures> {
        let mut groups: BTreeMap<_, Failures> = BTreeMap::new();
        for Failure { event, code, alone } in &*self.failed.lock().unwrap_or_else(PoisonError::into_inner) {
            let new = || Failures { code: *code, alone: *alone, events: Vec::new() };
            groups.entry((*code as i32, *alone)).or_insert_with(new).events.push(*event);
        }
        groups.into_values().collect()
    }

    fn fail(&self, failure: Failure) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    }

    fn close_one(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }
}

impl Ticket {
    /// Settles it: without a code the message was taken.
    pub(super) fn settle(self, code: Option<RDKafkaErrorCode>) {
        if let Some(code) = code {
            self.tickets.fail(Failure { event: self.event, code, alone: false });
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.tickets.close_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_ends_when_the_last_ticket_is_settled_and_failures_are_grouped() {
        let tickets = Tickets::new();
        let given: Vec<_> = (0..4).map(|event| tickets.give(event)).collect();
        tickets.refuse(4, RDKafkaErrorCode::QueueFull);
        let settle = async {
            for ticket in given {
                tokio::task::yield_now().await;
                let code = (ticket.event > 1).then_some(RDKafkaErrorCode::MessageTimedOut);
                ticket.settle(code);
            }
        };
        tokio::join!(tickets.settled(), settle);
        let failed = |code, alone, events: &[usize]| Failures { code, alone, events: events.to_vec() };
        let expected = [
            failed(RDKafkaErrorCode::MessageTimedOut, false, &[2, 3]),
            failed(RDKafkaErrorCode::QueueFull, true, &[4]),
        ];
        assert_eq!(tickets.failures(), expected);
    }

    #[tokio::test]
    async fn without_tickets_nobody_waits() {
        Tickets::new().settled().await;
    }
}
