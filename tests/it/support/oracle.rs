//! What is owed after a load: pure comparison of what was sent and acknowledged with what arrived at one place.
//!
//! Separate so that every test of faults means the same by "nothing was lost", and so that the judge itself can be tested
//! with broken deliveries. It waits for nothing and asks nobody.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Sent;

/// Breaches that are told one by one; the others are only counted.
const TOLD: usize = 5;

/// Which events a place can never take, by the number at the end of their id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Poison {
    every: Option<u64>,
}

impl Poison {
    /// Everything can be taken.
    pub(crate) const NONE: Poison = Poison { every: None };

    /// One event in this many of each sender is poison.
    pub(crate) fn one_in(every: u64) -> Poison {
        Poison { every: Some(every) }
    }

    /// Returns whether the event with this id is poison.
    pub(crate) fn is(self, id: &str) -> bool {
        let number = || id.rsplit('-').next()?.parse::<u64>().ok();
        self.every.is_some_and(|every| number().is_some_and(|number| number % every == every / 2))
    }
}

/// What arrived at one place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) name: String,
    /// In order of arrival, repetitions included.
    pub(crate) arrived: Vec<String>,
    /// The ids of its dead letters.
    pub(crate) dead: BTreeSet<String>,
    /// The place has a key: nothing may be there twice.
    pub(crate) once: bool,
    /// The place tells the order of arrival.
    pub(crate) ordered: bool,
}

/// What was sent, and what was answered with 200.
pub(crate) struct Oracle {
    sent: Sent,
    acknowledged: BTreeSet<String>,
}

impl Oracle {
    /// Takes what [`Load::finish`](super::Load::finish) returns. The number of an event within its user's is the order in
    /// which they were sent, one after the other, and so the order of acknowledgement.
    pub(crate) fn new((sent, acknowledged): (Sent, BTreeSet<String>)) -> Oracle {
        Oracle { sent, acknowledged }
    }

    /// Returns how many events were acknowledged.
    pub(crate) fn owed(&self) -> usize {
        self.acknowledged.len()
    }

    /// Returns whether this is an event that was sent.
    pub(crate) fn is_event(&self, id: &str, user: &str, n: Option<u64>) -> bool {
        self.sent.get(id).is_some_and(|sent| (sent.0.as_str(), Some(sent.1)) == (user, n))
    }

    /// Returns how many acknowledged events neither arrived nor are dead.
    pub(crate) fn missing(&self, place: &Place) -> usize {
        let arrived: HashSet<&str> = place.arrived.iter().map(String::as_str).collect();
        let settled = |id: &&String| arrived.contains(id.as_str()) || place.dead.contains(*id);
        self.acknowledged.iter().filter(|id| !settled(id)).count()
    }

    /// Returns a sentence for each way in which the promise was broken at this place; none when it was kept.
    pub(crate) fn breaches(&self, place: &Place, poison: Poison) -> Vec<String> {
        let mut all = self.lost(place);
        all.extend(self.invented(place));
        all.extend(self.wrongly_dead(place, poison));
        if place.once {
            all.extend(twice(place));
        }
        if place.ordered {
            all.extend(self.disorder(place));
        }
        let more = all.len().saturating_sub(TOLD);
        all.truncate(TOLD);
        if more > 0 {
            all.push(format!("{}: and {more} more", place.name));
        }
        all
    }

    fn lost(&self, place: &Place) -> Vec<String> {
        let arrived: HashSet<&str> = place.arrived.iter().map(String::as_str).collect();
        let lost =
            self.acknowledged.iter().filter(|id| !arrived.contains(id.as_str()) && !place.dead.contains(*id));
        lost.map(|id| format!("{}: `{id}` was acknowledged and is lost", place.name)).collect()
    }

    fn invented(&self, place: &Place) -> Vec<String> {
        let everything = place.arrived.iter().chain(&place.dead);
        let invented = everything.filter(|id| !self.sent.contains_key(*id));
        invented.map(|id| format!("{}: `{id}` was never sent", place.name)).collect()
    }

    /// Dead letters are the poison, all of it that was acknowledged, and nothing else; what is dead did not arrive.
    fn wrongly_dead(&self, place: &Place, poison: Poison) -> Vec<String> {
        let name = &place.name;
        let mut all = Vec::new();
        for id in &place.dead {
            if !poison.is(id) {
                all.push(format!("{name}: `{id}` is dead and was no poison"));
            }
        }
        for id in place.arrived.iter().filter(|id| place.dead.contains(*id)) {
            all.push(format!("{name}: `{id}` is dead and arrived as well"));
        }
        all
    }

    /// The first arrivals of each user's events are in order.
    fn disorder(&self, place: &Place) -> Vec<String> {
        let mut seen = HashSet::new();
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        let mut all = Vec::new();
        for id in place.arrived.iter().filter(|id| seen.insert(id.as_str())) {
            let Some((user, n)) = self.sent.get(id) else { continue };
            match last.insert(user, *n) {
                Some(before) if before > *n => {
                    all.push(format!("{}: {n} of `{user}` came after {before}", place.name));
                }
                Some(_) | None => {}
            }
        }
        all
    }
}

fn twice(place: &Place) -> Vec<String> {
    let mut seen = HashSet::new();
    let again = place.arrived.iter().filter(|id| !seen.insert(id.as_str()));
    again.map(|id| format!("{}: `{id}` is there twice", place.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two users with two acknowledged events each, and `d-4`, which was sent and not acknowledged.
    fn oracle() -> Oracle {
        let sent = [("a-0", "u", 0), ("b-1", "u", 1), ("a-2", "v", 2), ("b-3", "v", 3), ("d-4", "u", 4)];
        let sent: Sent = sent.map(|(id, user, n)| (id.to_owned(), (user.to_owned(), n))).into();
        let acknowledged = sent.keys().filter(|id| *id != "d-4").cloned().collect();
        Oracle::new((sent, acknowledged))
    }

    fn place(arrived: &[&str], dead: &[&str]) -> Place {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<String>>();
        Place {
            name: "p".into(),
            arrived: owned(arrived),
            dead: owned(dead).into_iter().collect(),
            once: false,
            ordered: true,
        }
    }

    fn expect(place: &Place, poison: Poison, breaches: &[&str]) {
        assert_eq!(oracle().breaches(place, poison), breaches, "{place:?}");
    }

    #[test]
    fn a_kept_promise_is_no_breach_with_repetitions_and_what_was_not_acknowledged() {
        expect(&place(&["a-0", "a-2", "a-0", "b-1", "b-3", "a-2"], &[]), Poison::NONE, &[]);
        expect(&place(&["a-0", "b-1", "a-2", "b-3", "d-4"], &[]), Poison::NONE, &[]);
        assert_eq!((oracle().owed(), oracle().missing(&place(&["a-0", "d-4"], &["b-1"]))), (4, 2));
    }

    #[test]
    fn a_lost_event_is_noticed() {
        let lost = place(&["a-0", "b-1", "b-3"], &[]);
        expect(&lost, Poison::NONE, &["p: `a-2` was acknowledged and is lost"]);
    }

    #[test]
    fn an_invented_event_is_noticed() {
        let invented = place(&["a-0", "b-1", "a-2", "b-3", "x-9"], &[]);
        expect(&invented, Poison::NONE, &["p: `x-9` was never sent"]);
    }

    #[test]
    fn a_second_row_is_noticed_where_there_is_a_key() {
        let mut twice = place(&["a-0", "b-1", "a-2", "b-3", "b-1"], &[]);
        twice.once = true;
        expect(&twice, Poison::NONE, &["p: `b-1` is there twice"]);
    }

    #[test]
    fn disorder_is_noticed() {
        let disorder = place(&["b-1", "a-0", "a-2", "b-3"], &[]);
        expect(&disorder, Poison::NONE, &["p: 0 of `u` came after 1"]);
    }

    #[test]
    fn dead_letters_are_the_poison_and_nothing_else() {
        let poison = Poison::one_in(2);
        assert!(poison.is("b-1") && poison.is("b-3") && !poison.is("a-2") && !Poison::NONE.is("b-1"));
        expect(&place(&["a-0", "a-2"], &["b-1", "b-3"]), poison, &[]);
        expect(&place(&["a-0"], &["b-1", "b-3", "a-2"]), poison, &["p: `a-2` is dead and was no poison"]);
        expect(
            &place(&["a-0", "a-2", "b-1"], &["b-1", "b-3"]),
            poison,
            &["p: `b-1` is dead and arrived as well"],
        );
        expect(&place(&["a-0", "a-2"], &["b-1"]), poison, &["p: `b-3` was acknowledged and is lost"]);
    }

    #[test]
    fn many_breaches_are_counted() {
        let invented: Vec<String> = (0..9).map(|n| format!("x-{n}")).collect();
        let all = ["a-0", "b-1", "a-2", "b-3"].into_iter().chain(invented.iter().map(String::as_str));
        let breaches = oracle().breaches(&place(&all.collect::<Vec<_>>(), &[]), Poison::NONE);
        assert_eq!((breaches.len(), breaches[TOLD].as_str()), (TOLD + 1, "p: and 4 more"));
    }
}
