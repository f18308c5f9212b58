//! A receiver's moods, one after the other as a seed says: each lasts for some requests, then the next comes.
//!
//! Counted in requests and not in seconds, so that a slow machine sees the same faults. Poison is refused in any mood that
//! looks into the events.

use std::time::Duration;

use fastrand::Rng;
use serde_json::json;

use super::{Poison, Received, Reply};

/// How a receiver behaves for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    Slow,
    Hang,
    /// The connection is reset.
    Reset,
    /// The connection is closed without an answer.
    Cut,
    /// Events are taken, and half of the answer arrives.
    Half,
    /// 429 with `Retry-After` in seconds.
    Throttle,
    /// 429 with `Retry-After` as a date.
    ThrottleDate,
    /// 503.
    Unavailable,
    /// 503 with `Retry-After`.
    Busy,
    /// 401.
    Unauthorized,
    /// 500 with a page of HTML.
    Page,
}

/// Every mood that a destination must survive.
pub(crate) const ALL_MOODS: [Mood; 12] = [
    Mood::Well,
    Mood::Slow,
    Mood::Hang,
    Mood::Reset,
    Mood::Cut,
    Mood::Half,
    Mood::Throttle,
    Mood::ThrottleDate,
    Mood::Unavailable,
    Mood::Busy,
    Mood::Unauthorized,
    Mood::Page,
];

/// How poison is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 400 for the whole request.
    Whole,
    /// 207 that names it.
    Named,
}

/// A sequence of moods; a script for a [`Receiver`](super::Receiver).
pub(crate) struct Weather {
    rng: Rng,
    moods: Vec<Mood>,
    now: Mood,
    left: u32,
    poison: Poison,
    refusal: Refusal,
}

impl Weather {
    /// Returns the sequence of these moods that this seed stands for; each second mood is a good one.
    pub(crate) fn new(seed: u64, moods: &[Mood]) -> Weather {
        Weather {
            rng: Rng::with_seed(seed),
            moods: moods.to_vec(),
            now: Mood::Well,
            left: 1,
            poison: Poison::NONE,
            refusal: Refusal::Whole,
        }
    }

    /// Refuses these events whatever the mood.
    pub(crate) fn with_poison(mut self, poison: Poison, refusal: Refusal) -> Weather {
        (self.poison, self.refusal) = (poison, refusal);
        self
    }

    /// Returns what to do with the next request.
    pub(crate) fn reply(&mut self, request: &Received) -> Reply {
        if self.left == 0 {
            let bad = self.rng.choice(&self.moods).copied().unwrap_or(Mood::Well);
            self.now = if self.now == Mood::Well { bad } else { Mood::Well };
            self.left = self.rng.u32(1..=3);
        }
        self.left -= 1;
        let refused = || refuse(request, self.poison, self.refusal);
        match self.now {
            Mood::Well => refused().unwrap_or(Reply::Status(200)),
            Mood::Slow => refused().unwrap_or(Reply::Slow(Duration::from_millis(150), 200)),
            Mood::Half => refused().unwrap_or(Reply::Half(200)),
            Mood::Hang => Reply::Hang,
            Mood::Reset => Reply::Reset,
            Mood::Cut => Reply::Cut,
            Mood::Throttle => self.last(Reply::throttle(1)),
            Mood::ThrottleDate => self.last(Reply::throttle_until(2)),
            Mood::Unavailable => Reply::Status(503),
            Mood::Busy => {
                self.last(Reply::With(503, vec![("retry-after".into(), "1".into())], String::new()))
            }
            Mood::Unauthorized => Reply::With(401, Vec::new(), "the key was revoked".into()),
            Mood::Page => Reply::With(500, Vec::new(), "<html><h1>Bad day</h1></html>".into()),
        }
    }

    /// Waits that were asked for take seconds: one is enough.
    fn last(&mut self, reply: Reply) -> Reply {
        self.left = 0;
        reply
    }
}

/// Returns how the poison in this request is refused; `None` when there is none in it.
pub(crate) fn refuse(request: &Received, poison: Poison, refusal: Refusal) -> Option<Reply> {
    let ids = request.ids();
    let bad: Vec<usize> = (0..ids.len()).filter(|index| poison.is(&ids[*index])).collect();
    if bad.is_empty() {
        return None;
    }
    Some(match refusal {
        Refusal::Whole => Reply::With(400, Vec::new(), "one of them is bad".into()),
        Refusal::Named => {
            let errors: Vec<_> =
                bad.iter().map(|index| json!({ "index": index, "message": "bad" })).collect();
            Reply::With(207, Vec::new(), json!({ "errors": errors }).to_string())
        }
    })
}
