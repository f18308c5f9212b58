//! The machine against a simulated journal and a simulated destination that fails in every way.

mod loss;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::policy::outcome::{Fault, Outcome, Reason};
use crate::policy::patience::{BatchLimits, BreakerSettings, RateLimit, Retry};

pub(super) fn patience(max_events: usize, concurrency: usize) -> Patience {
    Patience {
        batch: BatchLimits {
            max_events: NonZeroUsize::new(max_events).unwrap(),
            max_bytes: 1 << 20,
            max_delay: Duration::from_millis(100),
        },
        retry: Retry {
            initial: Duration::from_millis(500),
            max: Duration::from_secs(60),
            give_up_after: Duration::from_secs(7 * 86400),
        },
        breaker: BreakerSettings { failures: 5, open_for: Duration::from_secs(30) },
        probe_every: Duration::from_secs(30),
        concurrency: NonZeroUsize::new(concurrency).unwrap(),
        rate_limit: RateLimit::default(),
        timeout: Duration::from_secs(10),
    }
}

pub(super) fn fault(reason: Reason) -> Fault {
    Fault { reason, status: Some(500), answer: "no".into(), place: None }
}

/// What the simulated destination does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Well,
    Down,
    Revoked,
    Busy,
    /// The first event fails, the others are not tried.
    CutShort,
}

/// A world with a journal of `users`, a destination, and a queue of things that will happen.
pub(super) struct World {
    pub(super) machine: Delivery,
    pub(super) now: Moment,
    users: Vec<u64>,
    poisoned: BTreeSet<u64>,
    agenda: BTreeMap<(Moment, u64), Input>,
    serial: u64,
    wake: Option<Moment>,
    in_flight: HashMap<u64, Vec<u64>>,
    pub(super) delivered: Vec<u64>,
    dead: Vec<u64>,
    requests: usize,
    sizes: Vec<usize>,
    pub(super) drained: Option<u64>,
    moods: Vec<Mood>,
    flaky_store: bool,
    /// The journal begins here.
    first: u64,
    skipped: BTreeSet<u64>,
    pub(super) lost: BTreeMap<Reason, u64>,
    backlog_dropped: Option<(u64, u64)>,
    /// How often each of these events has to wait for something of ours.
    pub(super) slow: BTreeMap<u64, u64>,
    /// Until when each of these events waits for something of ours.
    pub(super) lacking: BTreeMap<u64, Moment>,
    /// Until when each of these events fails, whatever happens to others.
    pub(super) sick: BTreeMap<u64, Moment>,
}

impl World {
    pub(super) fn new(
        patience: Patience,
        users: Vec<u64>,
        poisoned: BTreeSet<u64>,
        moods: Vec<Mood>,
    ) -> World {
        World {
            machine: Delivery::new(patience, Settled::default(), 7),
            now: Moment::ZERO,
            users,
            poisoned,
            agenda: BTreeMap::new(),
            serial: 0,
            wake: None,
            in_flight: HashMap::new(),
            delivered: Vec::new(),
            dead: Vec::new(),
            requests: 0,
            sizes: Vec::new(),
            drained: None,
            moods,
            flaky_store: false,
            first: 0,
            skipped: BTreeSet::new(),
            lost: BTreeMap::new(),
            backlog_dropped: None,
            slow: BTreeMap::new(),
            lacking: BTreeMap::new(),
            sick: BTreeMap::new(),
        }
    }

    fn later(&mut self, wait: Duration, input: Input) {
        self.serial += 1;
        self.agenda.insert((self.now + wait, self.serial), input);
    }

    pub(super) fn give(&mut self, input: Input) {
        let actions = self.machine.on(input, self.now);
        self.wake = None;
        for action in actions {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        let soon = Duration::from_millis(3);
        match action {
            Action::Fetch { from, records, .. } => {
                let through = (from + records as u64).min(self.users.len() as u64);
                let items = (from.max(self.first)..through)
                    .filter(|position| self.users[*position as usize] != 99)
                    .map(|position| Item { position, bytes: 700, keys: self.keys(position) })
                    .collect();
                self.later(soon, Input::Fetched { from, through, items });
            }
            Action::Send { lane, positions, .. } => self.attempt(lane, positions),
            Action::Bury(burials) if self.flaky_store && self.serial.is_multiple_of(2) => {
                self.later(soon, Input::NotBuried(burials));
            }
            Action::Bury(burials) => {
                let positions: Vec<u64> = burials.iter().map(|burial| burial.position).collect();
                self.dead.extend(&positions);
                self.later(soon, Input::Buried(positions));
            }
            Action::Unload(positions) => {
                let held: Vec<_> = positions.iter().filter(|at| self.machine.holds(**at)).collect();
                assert!(held.is_empty(), "{held:?}");
            }
            Action::Commit if self.flaky_store && self.serial.is_multiple_of(3) => {
                self.later(soon, Input::NotCommitted);
            }
            Action::Commit => self.later(soon, Input::Committed),
            Action::Lose { reason, count, .. } => *self.lost.entry(reason).or_default() += count,
            Action::BacklogDropped { count, in_flight } => self.backlog_dropped = Some((count, in_flight)),
            Action::SleepUntil(at) => self.wake = Some(at),
            Action::Drained { left } => self.drained = Some(left),
        }
    }

    fn keys(&self, position: u64) -> Keys {
        let user = self.users[position as usize];
        // Users 10 and above carry a second key that ties them to user 1, as an alias would.
        if user >= 10 { [user, 1, 0] } else { [user, 0, 0] }
    }

    fn attempt(&mut self, lane: u64, positions: Vec<u64>) {
        let mut ours: HashSet<u64> = HashSet::new();
        for position in &positions {
            let others = self.in_flight.values().flatten().copied().collect::<Vec<u64>>();
            assert!(!others.contains(position), "two attempts of {position}");
            for key in order::distinct(&self.keys(*position)) {
                let busy = others.iter().any(|other| order::distinct(&self.keys(*other)).any(|k| k == key));
                assert!(!busy, "user {key} is in two batches");
                ours.insert(key);
            }
        }
        assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "out of order {positions:?}");
        let mood = self.moods.get(self.requests).copied().unwrap_or(Mood::Well);
        self.requests += 1;
        self.sizes.push(positions.len());
        let fates = self.fates(&positions, mood);
        self.in_flight.insert(lane, positions);
        let wait = Duration::from_millis(20 + (lane * 37) % 200);
        self.later(wait, Input::Reported { lane, fates, answered: false, waited: Duration::ZERO });
    }

    fn fates(&mut self, positions: &[u64], mood: Mood) -> Vec<(u64, Fate)> {
        let waiting = self.wait_for_ours(positions);
        let sent = || positions.iter().filter(|position| !waiting.contains_key(position));
        let poison = sent().any(|position| self.poisoned.contains(position));
        let fates = positions.iter().enumerate().map(|(index, position)| {
            let fate = match mood {
                // No longer in memory, and not in the journal either.
                _ if *position < self.first && position.is_multiple_of(2) => Fate::Unsent,
                Mood::Well | Mood::Down if waiting.contains_key(position) => waiting[position].clone(),
                Mood::Down => Fate::Failed(Outcome::Transient(fault(Reason::ServerError))),
                Mood::Revoked => Fate::Failed(Outcome::Broken(fault(Reason::Unauthorized))),
                Mood::Busy => Fate::Failed(Outcome::Throttled {
                    wait: Some(Duration::from_secs(7)),
                    fault: fault(Reason::Throttled),
                }),
                Mood::CutShort if index == 0 => Fate::Failed(Outcome::Transient(fault(Reason::Connection))),
                Mood::CutShort => Fate::Unsent,
                Mood::Well if poison && sent().count() == 1 => {
                    Fate::Failed(Outcome::Refused(fault(Reason::Rejected)))
                }
                Mood::Well if poison => Fate::Failed(Outcome::Suspect(fault(Reason::Rejected))),
                Mood::Well => Fate::Settled,
            };
            (*position, fate)
        });
        fates.collect()
    }

    /// Returns which of the events wait for something of ours or are sick, and which go behind one of those.
    fn wait_for_ours(&mut self, positions: &[u64]) -> HashMap<u64, Fate> {
        let (mut behind, mut waiting) = (HashSet::new(), HashMap::new());
        for position in positions {
            let keys: Vec<u64> = order::distinct(&self.keys(*position)).collect();
            let left = self.slow.get_mut(position).filter(|left| **left > 0);
            let fate = match left {
                Some(left) => {
                    *left -= 1;
                    let wait = Duration::from_millis(*left * 900 + position * 7 % 90);
                    Fate::Failed(Outcome::Deferred { wait, fault: fault(Reason::Schema) })
                }
                None if self.lacking.get(position).is_some_and(|there| self.now < *there) => {
                    let wait = Duration::from_millis(2_000 + position * 7 % 90);
                    Fate::Failed(Outcome::Deferred { wait, fault: fault(Reason::Schema) })
                }
                None if self.sick.get(position).is_some_and(|well| self.now < *well) => {
                    Fate::Failed(Outcome::Transient(fault(Reason::ServerError)))
                }
                None if keys.iter().any(|key| behind.contains(key)) => Fate::Unsent,
                None => continue,
            };
            behind.extend(keys);
            waiting.insert(*position, fate);
        }
        waiting
    }

    /// Lets time pass until nothing is left to happen.
    pub(super) fn run(&mut self) {
        for _ in 0..200_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the machine does not come to rest");
    }

    /// Returns when the next thing happens.
    pub(super) fn next(&self) -> Option<Moment> {
        self.agenda.keys().next().map(|(at, _)| *at).into_iter().chain(self.wake).min()
    }

    /// Lets the next thing happen; false when nothing is left.
    pub(super) fn step(&mut self) -> bool {
        let Some(at) = self.next() else { return false };
        self.now = self.now.max(at);
        let entry = self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now);
        match entry.map(|entry| entry.remove()) {
            Some(input) => {
                self.look_back();
                self.note(&input);
                self.give(input);
            }
            None => self.give(Input::Tick),
        }
        true
    }

    /// Tells the machine where the journal begins, when it has not settled all before.
    fn look_back(&mut self) {
        if self.machine.settled().mark() < self.first {
            self.give(Input::Gone { first: self.first, full: self.first });
        }
    }

    fn note(&mut self, input: &Input) {
        if let Input::Fetched { from, through, .. } = input {
            let unwanted = (*from..*through).filter(|position| self.users[*position as usize] == 99);
            let fresh = unwanted.filter(|position| !self.machine.settled().contains(*position));
            self.skipped.extend(fresh);
        }
        if let Input::Reported { lane, fates, .. } = input {
            self.in_flight.remove(lane);
            let done = fates.iter().filter(|(_, fate)| *fate == Fate::Settled);
            self.delivered.extend(done.map(|(position, _)| *position));
        }
    }

    pub(super) fn assert_all_settled(&self) {
        let wanted: BTreeSet<u64> =
            (0..self.users.len() as u64).filter(|position| self.users[*position as usize] != 99).collect();
        let mut seen = BTreeSet::new();
        for position in self.delivered.iter().chain(&self.dead) {
            assert!(seen.insert(*position), "{position} was settled twice");
        }
        assert_eq!(seen, wanted, "every wanted event has a fate");
        assert_eq!(self.dead.iter().copied().collect::<BTreeSet<u64>>(), self.poisoned);
        assert_eq!(self.machine.settled().mark(), self.users.len() as u64);
        assert_eq!((self.machine.backlog(), self.machine.slots.len(), self.machine.lanes.len()), (0, 0, 0));
        assert!(self.machine.waits.is_empty(), "{:?}", self.machine.waits);
        assert!(self.machine.shelf.is_empty(), "{:?}", self.machine.shelf);
        assert!(self.machine.aside.is_empty(), "{:?}", self.machine.aside);
        for user in self.users.iter().filter(|user| !matches!(**user, 0 | 99)) {
            let order: Vec<u64> =
                self.delivered.iter().copied().filter(|p| self.users[*p as usize] == *user).collect();
            assert!(order.is_sorted(), "user {user} out of order: {order:?}");
        }
    }
}

pub(super) fn moods() -> impl Strategy<Value = Vec<Mood>> {
    let mood = prop_oneof![
        3 => Just(Mood::Well),
        2 => Just(Mood::Down),
        1 => Just(Mood::Revoked),
        1 => Just(Mood::Busy),
        2 => Just(Mood::CutShort),
    ];
    proptest::collection::vec(mood, 0..25)
}

/// Events that have to wait for something of ours, how often, and how many may be loaded.
fn slow_and_slots() -> impl Strategy<Value = (BTreeMap<u64, u64>, usize)> {
    let slots = prop_oneof![1 => 3usize..30, 1 => Just(MAX_SLOTS)];
    (proptest::collection::btree_map(0u64..80, 1u64..5, 0..20), slots)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_event_gets_one_fate_in_order_whatever_the_destination_does(
        users in proptest::collection::vec(prop_oneof![6 => 1u64..6, 2 => 10u64..14, 1 => Just(99u64)], 1..80),
        poison in proptest::collection::btree_set(0u64..80, 0..4),
        moods in moods(),
        max_events in 1usize..20,
        concurrency in 1usize..5,
        flaky_store in any::<bool>(),
        events_per_second in prop_oneof![2 => Just(0u32), 1 => 1u32..40],
        pauses in proptest::collection::vec((0u64..60_000, 0u64..20_000), 0..4),
        (slow, max_slots) in slow_and_slots(),
        sick in proptest::collection::btree_map(0u64..80, 1u64..200, 0..6),
    ) {
        let end = users.len() as u64;
        let poisoned = poison.into_iter().filter(|p| *p < end && users[*p as usize] != 99).collect();
        let rate_limit = RateLimit { events_per_second, requests_per_second: 0 };
        let patience = Patience { rate_limit, ..patience(max_events, concurrency) };
        let mut world = World::new(patience, users, poisoned, moods);
        world.flaky_store = flaky_store;
        (world.slow, world.machine.max_slots) = (slow, max_slots);
        world.sick = sick.into_iter().map(|(at, well)| (at, Duration::from_secs(well))).collect();
        for (at, length) in pauses {
            world.later(Duration::from_millis(at), Input::Paused(true));
            world.later(Duration::from_millis(at + length), Input::Paused(false));
        }
        world.give(Input::Woken { end });
        world.run();
        world.assert_all_settled();
    }

    #[test]
    fn draining_ends_and_a_new_machine_goes_on_where_the_old_one_stopped(
        users in proptest::collection::vec(1u64..6, 1..80),
        moods in moods(),
        stop_after in 0usize..30,
        slow in proptest::collection::btree_map(0u64..80, 1u64..5, 0..20),
    ) {
        let end = users.len() as u64;
        let mut world = World::new(patience(7, 3), users, BTreeSet::new(), moods);
        world.slow = slow;
        world.give(Input::Woken { end });
        for _ in 0..stop_after {
            let Some((_, input)) = world.agenda.pop_first() else { break };
            world.note(&input);
            world.now += Duration::from_millis(5);
            world.give(input);
        }
        world.give(Input::Draining);
        world.run();
        prop_assert!(world.drained.is_some());
        let ranges = world.machine.settled().ranges();
        let settled = Settled::new(world.machine.settled().mark(), &ranges);
        world.machine = Delivery::new(patience(7, 3), settled, 8);
        world.moods.clear();
        world.give(Input::Woken { end });
        world.run();
        world.assert_all_settled();
    }
}

#[test]
fn one_poisoned_event_costs_two_log_n_requests_and_nothing_else() {
    let users = (0..64).map(|user| user + 100).collect();
    let mut world = World::new(patience(64, 1), users, BTreeSet::from([41]), Vec::new());
    world.give(Input::Woken { end: 64 });
    world.run();
    world.assert_all_settled();
    assert!(world.requests <= 2 * 6 + 2, "{} requests", world.requests);
}

#[test]
fn a_broken_destination_is_probed_with_one_event_and_no_event_dies() {
    let moods = vec![Mood::Revoked; 50];
    let mut world = World::new(patience(10, 4), vec![1; 30], BTreeSet::new(), moods);
    world.give(Input::Woken { end: 30 });
    for _ in 0..40 {
        let next = world.agenda.keys().next().map(|(at, _)| *at).into_iter().chain(world.wake).min().unwrap();
        world.now = world.now.max(next);
        let input = world.agenda.pop_first().map_or(Input::Tick, |(_, input)| input);
        world.note(&input);
        world.give(input);
    }
    assert_eq!(world.machine.state(world.now), "held");
    assert!(world.sizes.len() > 3, "{:?}", world.sizes);
    assert_eq!(world.sizes[0], 10);
    assert!(world.sizes[1..].iter().all(|size| *size == 1), "{:?}", world.sizes);
    assert!(world.dead.is_empty());
    world.run();
    world.assert_all_settled();
}

#[test]
fn a_batch_that_fails_while_others_get_through_is_halved_until_the_culprit_is_alone() {
    let mut machine = Delivery::new(patience(4, 2), Settled::default(), 1);
    let at = Duration::from_secs;
    let items = (0..8).map(|p| Item { position: p, bytes: 10, keys: [p + 1, 0, 0] }).collect();
    assert!(machine.on(Input::Woken { end: 8 }, at(0)).iter().any(|a| matches!(a, Action::Fetch { .. })));
    let mut now = at(1);
    let mut todo = machine.on(Input::Fetched { from: 0, through: 8, items }, now);
    let mut culprit_alone = false;
    for _ in 0..200 {
        let sends: Vec<(u64, Vec<u64>)> = todo
            .iter()
            .filter_map(|action| match action {
                Action::Send { lane, positions, .. } => Some((*lane, positions.clone())),
                _ => None,
            })
            .collect();
        now += at(1);
        todo = if sends.is_empty() { machine.on(Input::Tick, now + at(300)) } else { Vec::new() };
        for (lane, positions) in sends {
            let sick = positions.contains(&2);
            culprit_alone |= positions == [2];
            let failed = Fate::Failed(Outcome::Transient(fault(Reason::ServerError)));
            let fate = if sick { failed } else { Fate::Settled };
            let fates = positions.into_iter().map(|position| (position, fate.clone())).collect();
            todo.extend(
                machine.on(Input::Reported { lane, fates, answered: false, waited: Duration::ZERO }, now),
            );
        }
    }
    assert!(culprit_alone);
}

#[test]
fn an_event_that_never_gets_through_is_given_up_after_its_budget() {
    let mut limited = patience(1, 1);
    limited.retry.give_up_after = Duration::from_secs(20);
    limited.breaker.failures = 1_000_000;
    let mut world = World::new(limited, vec![1], BTreeSet::from([0]), vec![Mood::Down; 10_000]);
    world.give(Input::Woken { end: 1 });
    world.run();
    world.assert_all_settled();
    assert!((5..1000).contains(&world.requests), "{} requests", world.requests);
}

#[test]
fn an_event_that_was_never_sent_says_nothing_about_the_destination() {
    let mut machine = Delivery::new(patience(2, 64), Settled::default(), 7);
    let items = |from: u64| (from..from + 2).map(|position| Item { position, bytes: 1, keys: [0; 3] });
    for round in 0..5 {
        let (now, from) = (Duration::from_millis(round), round * 2);
        drop(machine.on(Input::Woken { end: from + 2 }, now));
        let read = Input::Fetched { from, through: from + 2, items: items(from).collect() };
        let sent = machine.on(read, now);
        let lane = sent.iter().find_map(|action| match action {
            Action::Send { lane, positions, .. } if positions.contains(&from) => Some(*lane),
            _ => None,
        });
        let own = if round % 2 == 0 { Fate::Passed } else { Fate::Unfit(fault(Reason::Rejected)) };
        let down = Fate::Failed(Outcome::Transient(fault(Reason::ServerError)));
        let fates = vec![(from, own), (from + 1, down)];
        drop(machine.on(
            Input::Reported { lane: lane.unwrap(), fates, answered: false, waited: Duration::ZERO },
            now,
        ));
    }
    assert_eq!(machine.breaker(Duration::from_millis(4)).1, 5);
    assert_eq!(machine.state(Duration::from_millis(4)), "retrying");
}

#[test]
fn a_lane_whose_turn_it_is_not_does_not_wake_the_machine_until_new_events_can_be_afforded() {
    use Mood::{Busy, CutShort, Down, Revoked, Well};
    let users = [2, 2, 2, 99, 5, 3, 2, 99, 99, 4, 2, 1, 3, 3, 3, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1];
    let moods =
        [Revoked, Down, Busy, Busy, Well, Well, Down, Well, Down, Down, Down, Busy, Down, CutShort, Well];
    let mut limited = patience(10, 2);
    limited.rate_limit.events_per_second = 23;
    let mut world = World::new(limited, users.to_vec(), BTreeSet::new(), moods.to_vec());
    (world.slow, world.machine.max_slots) = (BTreeMap::from([(4, 2), (16, 3)]), 13);
    world.give(Input::Woken { end: 28 });
    for step in 0.. {
        assert!(step < 1_000, "the machine wakes up for nothing");
        if !world.step() {
            break;
        }
    }
    world.assert_all_settled();
}
