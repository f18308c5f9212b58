//! What becomes of the messages of a group: said by the library's thread for each of them, and waited for by the one who
//! handed them over.
//!
//! Separate because it is done for every event: a message carries its place in the group as a number, and one that went in
//! costs neither a lock nor an allocation. Never sends anything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::{ClientContext, Statistics};

use super::clients::Ears;

/// The messages that one producer has on their way: those of one group.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// How many are not settled.
    open: AtomicUsize,
    /// Down to how many whoever waits does so.
    awaited: AtomicUsize,
    failures: Mutex<Failures>,
    changed: Condvar,
}

/// What did not go in.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Why, otherwise than by its size, for any of them.
    pub(super) failed: Option<RDKafkaErrorCode>,
    /// The places of messages that were refused for their size.
    pub(super) too_large: Vec<usize>,
}

impl Group {
    /// So many messages are about to be handed over. They are counted at once, so that the group is not over in between.
    pub(super) fn begin(&self, messages: usize) {
        self.open.fetch_add(messages, Ordering::SeqCst);
    }

    /// So many of them are not handed over after all.
    pub(super) fn withdraw(&self, messages: usize) {
        self.less(messages);
    }

    /// Takes note of what became of the message at a place.
    pub(super) fn settle(&self, place: usize, failed: Option<RDKafkaErrorCode>) {
        match failed {
            None => {}
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => self.failures().too_large.push(place),
            failed => {
                let mut failures = self.failures();
                failures.failed = failures.failed.or(failed);
            }
        }
        self.less(1);
    }

    fn less(&self, messages: usize) {
        let open = self.open.fetch_sub(messages, Ordering::SeqCst).saturating_sub(messages);
        // Whoever waits says for how many before looking at how many there are: one of the two sees the other.
        if open <= self.awaited.load(Ordering::SeqCst) {
            drop(self.failures());
            self.changed.notify_all();
        }
    }

    /// Waits until at most so many messages are on their way, or not for longer than this.
    pub(super) fn wait(&self, open: usize, limit: Duration) -> bool {
        let failures = self.failures();
        self.awaited.store(open, Ordering::SeqCst);
        let is_not_yet = |_: &mut Failures| self.open.load(Ordering::SeqCst) > open;
        drop(self.changed.wait_timeout_while(failures, limit, is_not_yet));
        self.awaited.store(0, Ordering::SeqCst);
        self.open.load(Ordering::SeqCst) <= open
    }

    /// Returns what did not go in since that was last asked.
    pub(super) fn take(&self) -> Failures {
        std::mem::take(&mut *self.failures())
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the library says what it has to say of a producer, and of each of its messages.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) ears: Ears,
    pub(super) group: Group,
}

impl ClientContext for Desk {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, words: &str) {
        self.ears.log(level, facility, words);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ears.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.ears.stats(statistics);
    }
}

impl ProducerContext for Desk {
    /// The place of a message in its group.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, place: usize) {
        let failed = result.as_ref().err();
        let failed = failed.map(|(error, _)| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail));
        if failed.is_none() {
            self.ears.relax();
        }
        self.group.settle(place, failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_LONG: Duration = Duration::ZERO;

    #[test]
    fn a_group_is_over_when_each_of_its_messages_is_settled_and_tells_what_did_not_go_in() {
        let group = Group::default();
        group.begin(4);
        group.settle(0, None);
        group.settle(3, Some(RDKafkaErrorCode::MessageSizeTooLarge));
        group.settle(1, Some(RDKafkaErrorCode::TopicAuthorizationFailed));
        assert!(!group.wait(0, NOT_LONG) && group.wait(1, NOT_LONG));
        group.settle(2, Some(RDKafkaErrorCode::MessageTimedOut));
        assert!(group.wait(0, NOT_LONG));
        let Failures { failed, too_large } = group.take();
        assert_eq!((failed, too_large), (Some(RDKafkaErrorCode::TopicAuthorizationFailed), vec![3]));
        let next = group.take();
        assert_eq!(
            (next.failed, next.too_large),
            (None, Vec::new()),
            "the next group has troubles of its own"
        );
    }

    #[test]
    fn what_is_not_handed_over_after_all_is_not_waited_for() {
        let group = Group::default();
        group.begin(3);
        group.settle(0, None);
        group.withdraw(2);
        assert!(group.wait(0, NOT_LONG));
    }

    /// Settles all but so many of five, once somebody waits for that.
    fn settle_when_awaited(group: &Group, open: usize) {
        while group.awaited.load(Ordering::SeqCst) != open {
            std::thread::yield_now();
        }
        // Whoever waits looks, and begins to wait, while it has the lock.
        drop(group.failures());
        (open..5).for_each(|place| group.settle(place, None));
    }

    #[test]
    fn whoever_waits_is_woken_by_the_one_that_is_waited_for() {
        let group = Group::default();
        for open in [2, 1] {
            group.begin(5);
            let is_woken = std::thread::scope(|scope| {
                let waits = scope.spawn(|| group.wait(open, Duration::from_secs(600)));
                settle_when_awaited(&group, open);
                waits.join().unwrap()
            });
            assert!(is_woken, "down to {open}");
            group.withdraw(open);
        }
    }
}
