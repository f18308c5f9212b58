//! Whether a group of requests is committed now or waits a moment for company.
//!
//! One sync serves all requests of a group. Where several clients send at once, waiting up to [`PATIENCE`] for as many
//! requests as last time halves the work. A lone client, who sends only when it has its answer, never waits.

use std::time::Duration;

use super::Moment;

/// How long a group may wait. Measured on two cores with 256 connections: 1 ms is worth nearly twice the rate, 3 ms halves it.
pub const PATIENCE: Duration = Duration::from_millis(1);
/// How long after two requests were seen at once more are expected.
const CROWD: Duration = Duration::from_millis(20);

/// What is known of the requests that came lately.
#[derive(Debug, Default)]
pub struct Gather {
    crowd_until: Moment,
    company: usize,
}

impl Gather {
    /// A request came; `alone` when no other one waited or was being committed.
    pub fn arrived(&mut self, alone: bool, now: Moment) {
        if !alone {
            self.crowd_until = now + CROWD;
        }
    }

    /// A group of so many requests was taken.
    pub fn taken(&mut self, requests: usize) {
        self.company = requests;
    }

    /// Returns whether `waiting` requests have all the company that they can expect.
    pub fn is_complete(&self, waiting: usize, now: Moment) -> bool {
        now >= self.crowd_until || waiting >= self.company.max(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Moment {
        Duration::from_micros(micros)
    }

    #[test]
    fn a_lone_client_never_waits() {
        let mut gather = Gather::default();
        for request in 0..100 {
            let now = at(request * 400);
            gather.arrived(true, now);
            assert!(gather.is_complete(1, now));
            gather.taken(1);
        }
    }

    #[test]
    fn many_clients_wait_for_as_many_as_last_time() {
        let mut gather = Gather::default();
        (0..20).for_each(|request| gather.arrived(request == 0, at(request * 10)));
        gather.taken(12);
        assert!(!gather.is_complete(11, at(200)));
        assert!(gather.is_complete(12, at(200)));
    }

    #[test]
    fn what_comes_after_a_crowd_has_gone_does_not_wait() {
        let mut gather = Gather::default();
        gather.arrived(false, at(0));
        gather.taken(19);
        gather.arrived(true, at(30_000));
        assert!(gather.is_complete(1, at(30_000)));
    }
}
