//! Which messages of a stretch a replay sends: each event once, and nothing that is no record of ours.
//!
//! Separate from the reading because it decides what "once" means. Never asks a broker.

use std::sync::Arc;

use super::core::Core;
use super::warm;
use crate::journal::Passage;
use crate::journal::embedded::{Dedupe, alone};
use crate::journal::replay::Place;
use crate::spec::Event;

/// See the module.
pub(super) struct Sieve {
    /// The window of a partition, as when it was first read.
    ids: Dedupe,
    source: Option<Arc<str>>,
}

/// What a message is to a replay.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The position behind it; 0 when it is none of the stretch.
    pub(super) next: u64,
    /// The event, where it is one that was not read before.
    pub(super) event: Option<Arc<Event>>,
    /// It is a record of this version, which this router does not know: nothing may go on behind it.
    pub(super) newer: Option<u8>,
}

impl Sieve {
    /// Begins a stretch: the ids of others say nothing about it.
    pub(super) fn new(core: &Core, passage: &Passage) -> Sieve {
        let window = i64::try_from(core.options.dedupe_window.as_micros()).unwrap_or(i64::MAX);
        let share = core.options.dedupe_max_ids.div_ceil(passage.stretches.len().max(1));
        Sieve { ids: Dedupe::new(window, share), source: None }
    }

    /// Takes the message at an offset. Of one below the position `from` the id alone counts; behind the stretch everything of it
    /// was there to be read.
    pub(super) fn take(&mut self, at: &Place, from: u64, offset: u64, payload: &[u8]) -> Taken {
        if offset >= at.stretch.until {
            return Taken { next: at.base + at.stretch.len(), ..Taken::default() };
        }
        // A partition that begins anew, with fewer records than it had.
        let Some(index) = offset.checked_sub(at.stretch.from) else { return Taken::default() };
        let next = at.base + index + 1;
        if let Some(version) = alone::newer(payload).filter(|_| next > from) {
            return Taken { newer: Some(version), ..Taken::default() };
        }
        let known = alone::know(payload);
        let is_new = known.is_some_and(|known| known.is_redelivery || warm::remember(&mut self.ids, &known));
        let is_wanted = is_new && next > from;
        let event = if is_wanted { alone::decode(payload, &mut self.source) } else { None };
        Taken { next, event: event.map(Arc::new), newer: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::event;
    use crate::journal::replay::Stretch;

    const AT: Place =
        Place { number: 1, stretch: Stretch { partition: 2, from: 100, until: 110 }, base: 40, offset: 100 };

    fn sieve() -> Sieve {
        Sieve { ids: Dedupe::new(i64::MAX, 1_000), source: None }
    }

    fn record(id: &str) -> Vec<u8> {
        alone::encode(&event(id, 50)).unwrap()
    }

    fn id(taken: &Taken) -> Option<&str> {
        taken.event.as_ref().map(|event| &*event.head.message_id)
    }

    #[test]
    fn what_came_twice_is_taken_once_also_when_the_first_was_sent_before_a_kill() {
        let mut sieve = sieve();
        let before = sieve.take(&AT, 42, 100, &record("a"));
        assert_eq!((before.next, id(&before)), (41, None), "sent before; its id counts");
        let other = sieve.take(&AT, 42, 102, &record("b"));
        assert_eq!((other.next, id(&other)), (43, Some("b")));
        for again in ["a", "b"] {
            assert_eq!(id(&sieve.take(&AT, 43, 103, &record(again))), None, "{again}");
        }
        assert_eq!(id(&sieve.take(&AT, 44, 104, &record("c"))), Some("c"));
    }

    #[test]
    fn nothing_goes_on_behind_a_record_of_a_newer_version() {
        let mut sieve = sieve();
        let next = alone::of_version(record("a"), u8::MAX);
        let taken = sieve.take(&AT, 40, 105, &next);
        assert_eq!((taken.next, id(&taken), taken.newer), (0, None, Some(u8::MAX)));
        let before = sieve.take(&AT, 46, 105, &next);
        assert_eq!((before.next, before.newer), (46, None), "one that was sent before");
    }

    #[test]
    fn what_is_no_record_or_not_of_the_stretch_is_left_out() {
        let mut sieve = sieve();
        let foreign = sieve.take(&AT, 40, 105, b"{}");
        assert_eq!((foreign.next, id(&foreign)), (46, None));
        let behind = sieve.take(&AT, 46, 110, &record("late"));
        assert_eq!((behind.next, id(&behind)), (50, None), "the stretch is over");
        let shrunk = sieve.take(&AT, 46, 7, &record("other"));
        assert_eq!((shrunk.next, id(&shrunk)), (0, None), "a topic that was made anew");
        assert_eq!(
            id(&sieve.take(&AT, 46, 109, &record("other"))),
            Some("other"),
            "and its id is none of it"
        );
    }
}
