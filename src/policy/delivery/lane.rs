//! One batch on its way, with what became of it so far: which events are tried together, when, and how often.

use std::collections::VecDeque;
use std::time::Duration;

use crate::policy::Moment;
use crate::policy::outcome::{Fault, Outcome, Reason};

/// Events that are sent together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    /// In order.
    pub(super) positions: Vec<u64>,
    /// Failed attempts so far.
    pub(super) failures: u32,
    /// When exactly these events were first sent together.
    pub(super) first_at: Option<Moment>,
    /// How long the destination had flowed at their first failed attempt.
    pub(super) failing_since: Option<Duration>,
}

impl Chunk {
    pub(super) fn new(positions: Vec<u64>) -> Self {
        Chunk { positions, failures: 0, first_at: None, failing_since: None }
    }

    /// Returns a chunk of other events with this one's history of failures.
    pub(super) fn with(&self, positions: Vec<u64>) -> Self {
        let first_at = if positions == self.positions { self.first_at } else { None };
        Chunk { positions, failures: self.failures, first_at, failing_since: self.failing_since }
    }

    /// Splits the chunk into halves, left first, so that order is kept.
    pub(super) fn halves(&self) -> [Chunk; 2] {
        let (left, right) = self.positions.split_at(self.positions.len() / 2);
        [self.with(left.to_vec()), self.with(right.to_vec())]
    }
}

/// A sequence of chunks of which the first is in flight or waits. Later chunks of the same users never overtake it.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) chunks: VecDeque<Chunk>,
    pub(super) due: Moment,
    /// When the attempt in flight began; `None` while the lane waits.
    pub(super) sent_at: Option<Moment>,
}

impl Lane {
    /// Returns the chunk that holds an event, and how many are before it.
    pub(super) fn place(&self, position: u64) -> Option<(usize, &Chunk)> {
        let holds = |chunk: &Chunk| chunk.positions.binary_search(&position).is_ok();
        self.chunks.iter().enumerate().find(|(_, chunk)| holds(chunk))
    }

    /// Returns whether what holds an event up has failed before: its chunk, or one before it.
    pub(super) fn has_failed_up_to(&self, position: u64) -> bool {
        let Some((index, _)) = self.place(position) else { return false };
        self.chunks.iter().take(index + 1).any(|chunk| chunk.failures > 0)
    }

    /// Takes the events below `limit` out of the chunks that are not in flight.
    pub(super) fn take_waiting(&mut self, limit: u64) -> Vec<u64> {
        let mut taken = Vec::new();
        let flying = usize::from(self.sent_at.is_some()).min(self.chunks.len());
        for chunk in self.chunks.split_off(flying) {
            let (below, rest): (Vec<u64>, Vec<u64>) =
                chunk.positions.iter().partition(|position| **position < limit);
            if below.is_empty() {
                self.chunks.push_back(chunk);
            } else if !rest.is_empty() {
                self.chunks.push_back(chunk.with(rest));
            }
            taken.extend(below);
        }
        taken
    }
}

/// What became of one event of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Delivered.
    Settled,
    /// Done with, and nobody was asked: of no use there, or not there any more.
    Passed,
    /// It can never be sent, and nobody was asked.
    Unfit(Fault),
    /// An outcome other than delivered.
    Failed(Outcome),
    /// A request before it failed, or the delivery was to stop, so it was not tried.
    Unsent,
}

/// An event that is to be buried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Burial {
    /// Which.
    pub position: u64,
    /// Why.
    pub fault: Fault,
    /// How often it was tried.
    pub attempts: u32,
}

/// An event that waits for something of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deferral {
    /// Which.
    pub(super) position: u64,
    /// For how long.
    pub(super) wait: Duration,
    /// What for.
    pub(super) reason: Reason,
}

/// What a report says, sorted by what must be done.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) settled: Vec<u64>,
    pub(super) buried: Vec<Burial>,
    /// What stays, in order.
    pub(super) rest: Vec<Chunk>,
    pub(super) broken: Option<Fault>,
    pub(super) throttled: Option<(Option<Duration>, Fault)>,
    pub(super) transient: Option<Fault>,
    /// What waits by itself.
    pub(super) deferred: Vec<Deferral>,
    /// The other side took or judged at least one event.
    pub(super) answered: bool,
}

/// Why an event stays in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    Suspect,
    Retry,
    Wait,
}

/// Sorts the fates of a chunk. What stays is cut into runs of the same kind, and a run of suspects into halves.
pub(super) fn sort(chunk: &Chunk, fates: Vec<(u64, Fate)>) -> Sorted {
    let mut sorted = Sorted::default();
    let mut runs: Vec<(Stay, Vec<u64>)> = Vec::new();
    let mut suspicion: Option<Fault> = None;
    for (position, fate) in fates {
        let Some(stay) = sorted.place(chunk, position, fate, &mut suspicion) else { continue };
        match runs.last_mut() {
            Some((last, run)) if *last == stay => run.push(position),
            Some(_) | None => runs.push((stay, vec![position])),
        }
    }
    for (stay, run) in runs {
        sorted.keep(chunk, stay, run, suspicion.as_ref());
    }
    sorted
}

impl Sorted {
    /// Takes note of one fate; returns why the event stays, when it does.
    fn place(
        &mut self,
        chunk: &Chunk,
        position: u64,
        fate: Fate,
        suspicion: &mut Option<Fault>,
    ) -> Option<Stay> {
        let outcome = match fate {
            Fate::Failed(outcome) => outcome,
            Fate::Settled => Outcome::Delivered,
            Fate::Passed => return self.settle(position),
            Fate::Unfit(fault) => return self.bury(chunk, position, fault),
            Fate::Unsent => return Some(Stay::Wait),
        };
        self.answered |= matches!(outcome, Outcome::Delivered | Outcome::Refused(_) | Outcome::Suspect(_));
        match outcome {
            Outcome::Delivered => self.settle(position),
            Outcome::Refused(fault) => self.bury(chunk, position, fault),
            Outcome::Suspect(fault) => {
                *suspicion = Some(fault);
                Some(Stay::Suspect)
            }
            Outcome::Transient(fault) => {
                self.transient = Some(fault);
                Some(Stay::Retry)
            }
            Outcome::Throttled { wait, fault } => {
                self.throttled = Some((wait, fault));
                Some(Stay::Wait)
            }
            Outcome::Broken(fault) => {
                self.broken = Some(fault);
                Some(Stay::Wait)
            }
            Outcome::Deferred { wait, fault } => {
                self.deferred.push(Deferral { position, wait, reason: fault.reason });
                None
            }
        }
    }

    fn settle(&mut self, position: u64) -> Option<Stay> {
        self.settled.push(position);
        None
    }

    fn bury(&mut self, chunk: &Chunk, position: u64, fault: Fault) -> Option<Stay> {
        self.buried.push(Burial { position, fault, attempts: chunk.failures + 1 });
        None
    }

    fn keep(&mut self, chunk: &Chunk, stay: Stay, run: Vec<u64>, suspicion: Option<&Fault>) {
        let kept = chunk.with(run);
        match stay {
            Stay::Wait => self.rest.push(kept),
            Stay::Retry => self.rest.push(Chunk { failures: chunk.failures + 1, ..kept }),
            Stay::Suspect if kept.positions.len() > 1 => self.rest.extend(kept.halves()),
            // What was with it had other fates, and may have been the cause all the same.
            Stay::Suspect if chunk.positions.len() > 1 => self.rest.push(kept),
            Stay::Suspect => {
                let fault = suspicion.cloned().unwrap_or(Fault {
                    reason: Reason::Rejected,
                    status: None,
                    answer: String::new(),
                    place: None,
                });
                for position in &kept.positions {
                    self.bury(chunk, *position, fault.clone());
                }
            }
        }
    }
}
