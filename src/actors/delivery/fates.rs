//! What became of each event of an attempt: the worst of what became of its requests.
//!
//! Separate because an event may be rows of several tables, each in a request of its own. Pure.

use std::cmp::Ordering;

use crate::policy::delivery::Fate;
use crate::policy::outcome::Outcome;

/// The fates of a batch, in its order; unsent where nothing is known.
pub(super) struct Fates(Vec<(u64, Option<Fate>)>);

impl Fates {
    /// Takes the positions in ascending order.
    pub(super) fn new(positions: &[u64]) -> Self {
        Fates(positions.iter().map(|position| (*position, None)).collect())
    }

    /// Takes note of what became of one request of an event.
    pub(super) fn add(&mut self, position: u64, fate: Fate) {
        if let Ok(at) = self.0.binary_search_by_key(&position, |(other, _)| *other)
            && let Some((_, known)) = self.0.get_mut(at)
            && known.as_ref().is_none_or(|known| is_worse(&fate, known))
        {
            *known = Some(fate);
        }
    }

    pub(super) fn into_all(self) -> Vec<(u64, Fate)> {
        self.0.into_iter().map(|(position, fate)| (position, fate.unwrap_or(Fate::Unsent))).collect()
    }
}

/// Of two throttles the longer one counts; of two waits the shorter one: what is there by then can go.
fn is_worse(fate: &Fate, known: &Fate) -> bool {
    use Outcome::{Deferred, Throttled};
    match rank(fate).cmp(&rank(known)) {
        Ordering::Equal => match (fate, known) {
            (Fate::Failed(Throttled { wait: a, .. }), Fate::Failed(Throttled { wait: b, .. })) => a > b,
            (Fate::Failed(Deferred { wait: a, .. }), Fate::Failed(Deferred { wait: b, .. })) => a < b,
            _ => false,
        },
        other => other == Ordering::Greater,
    }
}

/// Orders by what must still be done: an event of which anything is to be tried again stays, though another part of it was
/// refused. It will be refused again.
fn rank(fate: &Fate) -> u8 {
    match fate {
        Fate::Passed => 0,
        Fate::Settled | Fate::Failed(Outcome::Delivered) => 1,
        Fate::Unfit(_) | Fate::Failed(Outcome::Refused(_)) => 2,
        Fate::Failed(Outcome::Suspect(_)) => 3,
        Fate::Unsent => 4,
        Fate::Failed(Outcome::Deferred { .. }) => 5,
        Fate::Failed(Outcome::Transient(_)) => 6,
        Fate::Failed(Outcome::Throttled { .. }) => 7,
        Fate::Failed(Outcome::Broken(_)) => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::outcome::{Fault, Reason};
    use std::time::Duration;

    fn fault() -> Fault {
        Fault::new(Reason::Rejected, None, "")
    }

    fn deferred(seconds: u64) -> Fate {
        Fate::Failed(Outcome::Deferred { wait: Duration::from_secs(seconds), fault: fault() })
    }

    fn throttled(seconds: u64) -> Fate {
        Fate::Failed(Outcome::Throttled { wait: Some(Duration::from_secs(seconds)), fault: fault() })
    }

    fn worst(fates: [&Fate; 2]) -> Fate {
        let mut all = Fates::new(&[3, 5]);
        fates.into_iter().for_each(|fate| all.add(5, fate.clone()));
        let all = all.into_all();
        assert_eq!(all[0], (3, Fate::Unsent));
        all[1].1.clone()
    }

    #[test]
    fn the_worst_request_of_an_event_decides_whatever_their_order() {
        let ascending = [
            Fate::Settled,
            Fate::Failed(Outcome::Refused(fault())),
            Fate::Failed(Outcome::Suspect(fault())),
            Fate::Unsent,
            deferred(2),
            deferred(1),
            Fate::Failed(Outcome::Transient(fault())),
            throttled(1),
            throttled(2),
            Fate::Failed(Outcome::Broken(fault())),
        ];
        for (at, worse) in ascending.iter().enumerate() {
            for better in &ascending[..=at] {
                assert_eq!(worst([better, worse]), *worse, "{better:?}");
                assert_eq!(worst([worse, better]), *worse, "{better:?}");
            }
        }
    }
}
