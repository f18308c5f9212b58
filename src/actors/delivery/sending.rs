//! Sends the requests of a plan and judges the replies.
//!
//! In order, where order means something there; side by side otherwise. Each request passes the turnstile. What was not
//! sent stays unsent, and so does an event of which one request was not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::Parts;
use super::attempt::Report;
use super::fates::Fates;
use super::trail::Span;
use super::turnstile::Turnstile;
use crate::destinations::{Attempt, Client, Destination, FailureKind, Plan, Planned, Reply};
use crate::policy::delivery::Fate;
use crate::policy::outcome::{Fault, Outcome, Reason};
use crate::telemetry::{AttemptClass, clock, events};

/// Requests of one attempt that are on their way at once, where their order means nothing.
const SIDE_BY_SIDE: usize = 8;

/// Sends what is planned, and takes note of the rest.
pub(super) async fn carry_out<D: Destination>(
    (parts, turnstile): (&Parts<D>, &Turnstile),
    plan: Plan<D::Request>,
    attempt: Attempt,
    (report, fates): (&mut Report, &mut Fates),
) {
    let unsent = Span::unsent(clock::now());
    for (index, fault) in plan.refused {
        let Some(position) = report.position(index) else { continue };
        report.trail.add(unsent, position, &Outcome::Refused(fault.clone()));
        fates.add(position, Fate::Unfit(fault));
    }
    for (index, reason) in plan.skipped {
        let Some(position) = report.position(index) else { continue };
        fates.add(position, Fate::Passed);
        report.skipped.push((position, reason));
    }
    for (index, wait, fault) in plan.waiting {
        // Nothing was tried: there is nothing to note.
        let Some(position) = report.position(index) else { continue };
        fates.add(position, Fate::Failed(Outcome::Deferred { wait, fault }));
    }
    let way = Way { parts, turnstile, attempt };
    if D::ORDERED {
        way.in_order(plan.requests, (report, fates)).await;
    } else {
        way.side_by_side(plan.requests, (report, fates)).await;
    }
}

impl Report {
    fn position(&self, index: usize) -> Option<u64> {
        self.events.get(index).map(|(position, _)| *position)
    }

    /// Takes note of what one request came to.
    fn add(&mut self, fates: &mut Fates, indexes: &[usize], (span, outcomes): (Span, Vec<Outcome>)) {
        for (index, outcome) in indexes.iter().zip(outcomes) {
            self.answered |=
                matches!(outcome, Outcome::Delivered | Outcome::Refused(_) | Outcome::Suspect(_));
            self.fault = failure(&outcome).cloned().or(self.fault.take());
            let Some(position) = self.position(*index) else { continue };
            self.trail.add(span, position, &outcome);
            fates.add(position, fate(outcome));
        }
    }

    /// Takes note of a request that was not sent.
    fn leave(&self, fates: &mut Fates, indexes: &[usize]) {
        indexes.iter().filter_map(|index| self.position(*index)).for_each(|at| fates.add(at, Fate::Unsent));
    }
}

/// What the requests of one attempt have in common.
struct Way<'a, D: Destination> {
    parts: &'a Parts<D>,
    turnstile: &'a Turnstile,
    attempt: Attempt,
}

impl<D: Destination> Way<'_, D> {
    /// Ends at the first request that must be tried again, since later ones may be of the same users, and where the delivery
    /// is to stop.
    async fn in_order(&self, requests: Vec<Planned<D::Request>>, (report, fates): (&mut Report, &mut Fates)) {
        let mut goes_on = true;
        for (number, planned) in requests.into_iter().enumerate() {
            let sent = if goes_on { self.send(number == 0, &planned).await } else { None };
            let Some((waited, span, outcomes)) = sent else {
                goes_on = false;
                report.leave(fates, &planned.events);
                continue;
            };
            report.waited += waited;
            goes_on = outcomes.iter().all(is_final);
            report.add(fates, &planned.events, (span, outcomes));
        }
    }

    /// One request that fails does not stop the others.
    async fn side_by_side(
        &self,
        requests: Vec<Planned<D::Request>>,
        (report, fates): (&mut Report, &mut Fates),
    ) {
        let sends = requests.into_iter().enumerate().map(async |(number, planned)| {
            let sent = self.send(number == 0, &planned).await;
            (planned.events, sent)
        });
        let mut sends = std::pin::pin!(stream::iter(sends).buffer_unordered(SIDE_BY_SIDE));
        while let Some((indexes, sent)) = sends.next().await {
            match sent {
                None => report.leave(fates, &indexes),
                Some((waited, span, outcomes)) => {
                    // They waited at the same time.
                    report.waited = report.waited.max(waited);
                    report.add(fates, &indexes, (span, outcomes));
                }
            }
        }
    }

    /// Sends one request when the turnstile lets it pass; `None` when it does not.
    async fn send(
        &self,
        is_first: bool,
        planned: &Planned<D::Request>,
    ) -> Option<(Duration, Span, Vec<Outcome>)> {
        let waited = self.turnstile.pass(is_first).await?;
        let (span, outcomes) = send(self.parts, planned, self.attempt).await;
        Some((waited, span, outcomes))
    }
}

fn fate(outcome: Outcome) -> Fate {
    if outcome == Outcome::Delivered { Fate::Settled } else { Fate::Failed(outcome) }
}

/// Returns whether nothing is left to do about the event.
fn is_final(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered | Outcome::Refused(_))
}

async fn send<D: Destination>(
    parts: &Parts<D>,
    planned: &Planned<D::Request>,
    attempt: Attempt,
) -> (Span, Vec<Outcome>) {
    let at = clock::now();
    let begun = tokio::time::Instant::now();
    let answered = tokio::time::timeout(parts.patience.timeout, parts.client.send(&planned.request)).await;
    let late = |_| Reply::failed(FailureKind::Timeout, "no answer in time");
    let reply = answered.unwrap_or_else(late);
    let count = planned.events.len();
    let judged = catch_unwind(AssertUnwindSafe(|| parts.destination.judge(&planned.request, count, &reply)));
    let outcomes = match judged {
        Ok(outcomes) if outcomes.len() == count => outcomes,
        Ok(_) | Err(_) => vec![Outcome::Transient(misjudged()); count],
    };
    let took = begun.elapsed();
    tell(parts, &outcomes, attempt, took);
    let status = match &reply {
        Reply::Answer(answer) => Some(answer.status),
        Reply::Failed(_) => None,
    };
    (Span { at, took: Some(took), status }, outcomes)
}

fn misjudged() -> Fault {
    Fault::new(Reason::BadAnswer, None, "the answer could not be judged")
}

/// Counts the request by the worst of its outcomes; one of which all events only wait says nothing about the other side.
fn tell<D: Destination>(parts: &Parts<D>, outcomes: &[Outcome], attempt: Attempt, took: Duration) {
    let worst = outcomes.iter().filter_map(|outcome| Some((class(outcome)?, failure(outcome)?)));
    match worst.max_by_key(|(class, _)| *class as u8) {
        None => {
            let events = outcomes.iter().filter(|outcome| **outcome == Outcome::Delivered).count();
            let destination = parts.name.as_str();
            let sent = events::BatchSent { destination, events, attempt: attempt.number, took };
            Some(sent).filter(|sent| sent.events > 0).iter().for_each(|sent| sent.emit(&parts.metrics));
        }
        Some((class, fault)) => events::AttemptFailed {
            destination: &parts.name,
            class,
            reason: fault.reason.as_str(),
            status: fault.status,
            events: outcomes.len(),
            attempt: attempt.number,
            took,
        }
        .emit(&parts.metrics),
    }
}

/// Returns what the outcome says about the other side, when that is not plainly good; `None` too for an event that waits
/// for something of ours.
pub(super) fn class(outcome: &Outcome) -> Option<AttemptClass> {
    match outcome {
        Outcome::Delivered | Outcome::Deferred { .. } => None,
        Outcome::Refused(_) | Outcome::Suspect(_) => Some(AttemptClass::Refused),
        Outcome::Broken(_) => Some(AttemptClass::Broken),
        Outcome::Transient(_) => Some(AttemptClass::Transient),
        Outcome::Throttled { .. } => Some(AttemptClass::Throttled),
    }
}

/// Returns what went wrong at the other side; of what waits by itself, that is a quota, a right or a place that is missing.
pub(super) fn failure(outcome: &Outcome) -> Option<&Fault> {
    let is_theirs =
        |fault: &&Fault| matches!(fault.reason, Reason::Throttled | Reason::Forbidden | Reason::NotFound);
    fault_of(outcome).filter(|fault| class(outcome).is_some() || is_theirs(fault))
}

pub(super) fn fault_of(outcome: &Outcome) -> Option<&Fault> {
    match outcome {
        Outcome::Delivered => None,
        Outcome::Refused(fault)
        | Outcome::Suspect(fault)
        | Outcome::Broken(fault)
        | Outcome::Transient(fault)
        | Outcome::Throttled { fault, .. }
        | Outcome::Deferred { fault, .. } => Some(fault),
    }
}
