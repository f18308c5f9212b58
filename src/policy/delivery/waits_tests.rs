//! Events that wait for something of ours: alone, each as long as it must, and together again afterwards.

use super::tests::{fault, patience};
use super::*;
use crate::policy::breaker::State;
use crate::policy::outcome::{Outcome, Reason};

fn at(millis: u64) -> Moment {
    Duration::from_millis(millis)
}

fn deferred(millis: u64) -> Fate {
    Fate::Failed(Outcome::Deferred { wait: at(millis), fault: fault(Reason::Schema) })
}

fn down() -> Fate {
    Fate::Failed(Outcome::Transient(fault(Reason::ServerError)))
}

/// What was sent: lane, positions, number of the attempt.
type Sent = (u64, Vec<u64>, u32);

/// A machine, and what it has sent and was not told of.
struct Desk {
    machine: Delivery,
    sent: Vec<Sent>,
    other: Vec<Action>,
}

impl Desk {
    /// Has read these events, by user; 0 is nobody.
    fn new(patience: Patience, users: &[u64], now: Moment) -> Desk {
        let mut desk = Desk {
            machine: Delivery::new(patience, Settled::default(), 1),
            sent: Vec::new(),
            other: Vec::new(),
        };
        let end = users.len() as u64;
        let item = |(user, position): (&u64, u64)| Item { position, bytes: 10, keys: [*user, 0, 0] };
        desk.give(Input::Woken { end }, now);
        let items = users.iter().zip(0..).map(item).collect();
        desk.give(Input::Fetched { from: 0, through: end, items }, now);
        desk
    }

    fn give(&mut self, input: Input, now: Moment) {
        for action in self.machine.on(input, now) {
            match action {
                Action::Send { lane, positions, attempt, .. } => self.sent.push((lane, positions, attempt)),
                other => self.other.push(other),
            }
        }
    }

    /// Reports the oldest attempt.
    fn report(&mut self, fate: impl Fn(u64) -> Fate, now: Moment) -> Vec<u64> {
        let (lane, positions, _) = self.sent.remove(0);
        let fates = positions.iter().map(|position| (*position, fate(*position))).collect();
        self.give(Input::Reported { lane, fates, answered: false, waited: Duration::ZERO }, now);
        positions
    }

    fn next_wake(&self) -> Option<Moment> {
        self.other.iter().rev().find_map(|action| match action {
            Action::SleepUntil(at) => Some(*at),
            _ => None,
        })
    }
}

#[test]
fn an_event_that_waits_says_nothing_about_the_destination_and_delays_nobody() {
    let mut desk = Desk::new(patience(4, 1), &[1, 2, 3, 4, 5, 1, 6, 7], at(0));
    desk.report(|position| if position == 0 { deferred(3_600_000) } else { Fate::Settled }, at(5));
    assert_eq!(desk.sent, [(1, vec![4, 6, 7], 1)], "only its user's later event waits with it");
    desk.report(|_| Fate::Settled, at(10));
    let machine = &desk.machine;
    assert_eq!((machine.breaker(at(10)), machine.state(at(10))), ((State::Closed, 0), "flowing"));
    assert_eq!((machine.held(), machine.next_attempt(at(10)), machine.share()), (None, None, 1.0));
    let waits = Standing::Deferred { reason: Reason::Schema, until: at(3_600_005) };
    assert_eq!(machine.standing(0, at(10)), waits);
    let behind = Standing::Waiting { tried: false, obstacle: Some(Obstacle::Order), until: None };
    assert_eq!(machine.standing(5, at(10)), behind);
    assert_eq!(desk.next_wake(), Some(at(3_600_005)));
    desk.give(Input::Tick, at(3_600_005));
    assert_eq!(desk.sent, [(2, vec![0], 1)], "no attempt was counted");
}

#[test]
fn a_report_gives_each_event_its_own_wait() {
    let mut desk = Desk::new(patience(4, 4), &[1, 2, 3, 4], at(0));
    let fate = |position| match position {
        0 => deferred(40_000),
        1 => down(),
        2 => deferred(20_000),
        _ => Fate::Settled,
    };
    desk.report(fate, at(0));
    let Standing::Waiting { tried: true, until: Some(until), .. } = desk.machine.standing(1, at(0)) else {
        panic!("{:?}", desk.machine.standing(1, at(0)))
    };
    assert!(until <= at(500), "its own backoff: {until:?}");
    let expected = [until, at(20_000), at(40_000)];
    for (due, (position, attempt)) in expected.into_iter().zip([(1, 2), (2, 1), (0, 1)]) {
        desk.give(Input::Tick, due.saturating_sub(Duration::from_nanos(1)));
        assert!(desk.sent.is_empty(), "{:?}", desk.sent);
        desk.give(Input::Tick, due);
        // Ready, and in nobody's company after `max_delay` at the latest.
        desk.give(Input::Tick, due + at(100));
        assert_eq!((&desk.sent[0].1, desk.sent[0].2), (&vec![position], attempt));
        desk.report(|_| Fate::Settled, due + at(100));
    }
    assert!(desk.machine.waits.is_empty());
}

#[test]
fn a_thousand_events_that_waited_alone_go_in_full_batches_again() {
    let mut desk = Desk::new(patience(100, 4), &[0; 1_000], at(0));
    let mut now = at(0);
    while !desk.sent.is_empty() {
        now += at(1);
        desk.report(|position| deferred(10_000 + position), now);
    }
    let (mut sizes, mut millis) = (Vec::new(), 10_000);
    while desk.machine.backlog() > 0 {
        millis += 1;
        desk.give(Input::Tick, at(millis));
        while !desk.sent.is_empty() {
            sizes.push(desk.report(|_| Fate::Settled, at(millis)).len());
        }
    }
    assert!(sizes.len() <= 20, "one becomes due in each millisecond: {sizes:?}");
    assert!(desk.machine.waits.is_empty());
}

#[test]
fn an_event_that_waits_keeps_its_failures_and_their_clock() {
    let mut short = patience(4, 4);
    short.retry.give_up_after = Duration::from_secs(60);
    short.breaker.failures = 1_000;
    let mut desk = Desk::new(short, &[1, 2], at(0));
    desk.report(|_| down(), at(0));
    desk.give(Input::Tick, at(1_000));
    assert_eq!(desk.sent[0].2, 2);
    desk.report(|position| deferred(100_000 * (position + 1)), at(1_000));
    desk.give(Input::Tick, at(101_000));
    desk.give(Input::Tick, at(101_100));
    assert_eq!((desk.sent[0].1.clone(), desk.sent[0].2), (vec![0], 2), "waiting is no attempt");
    desk.report(|_| down(), at(101_100));
    let buried = desk.other.iter().find_map(|action| match action {
        Action::Bury(burials) => Some(burials.clone()),
        _ => None,
    });
    let buried = buried.expect("its clock has run since its first failure");
    assert_eq!((buried[0].position, buried[0].fault.reason), (0, Reason::GaveUp));
}

#[test]
fn an_event_that_only_waits_is_never_given_up() {
    let mut short = patience(4, 4);
    short.retry.give_up_after = Duration::from_secs(1);
    let mut desk = Desk::new(short, &[1], at(0));
    for round in 0..100 {
        desk.report(|_| deferred(10_000), at(round * 20_000));
        desk.give(Input::Tick, at(round * 20_000 + 10_000));
        desk.give(Input::Tick, at(round * 20_000 + 10_100));
        assert_eq!(desk.sent[0].2, 1);
    }
    assert!(!desk.other.iter().any(|action| matches!(action, Action::Bury(_))));
}

#[test]
fn a_retry_now_ends_every_wait() {
    let mut desk = Desk::new(patience(4, 4), &[1, 2, 3], at(0));
    desk.report(|position| deferred(1_000_000 * (position + 1)), at(0));
    desk.give(Input::RetryNow, at(5_000));
    assert_eq!(desk.sent, [(1, vec![0, 1, 2], 1)]);
}

#[test]
fn what_waits_stays_in_the_journal_while_draining() {
    let mut desk = Desk::new(patience(4, 4), &[1, 2], at(0));
    desk.report(|position| if position == 0 { deferred(1_000) } else { Fate::Settled }, at(0));
    desk.give(Input::Committed, at(1));
    desk.give(Input::Draining, at(2));
    assert!(desk.other.contains(&Action::Drained { left: 1 }), "{:?}", desk.other);
    desk.give(Input::Tick, at(10_000));
    assert!(desk.sent.is_empty());
}

#[test]
fn a_wait_of_no_time_at_all_is_no_busy_loop() {
    let mut desk = Desk::new(patience(1, 4), &[1], at(0));
    desk.report(|_| deferred(0), at(1));
    assert!(desk.sent.is_empty());
    assert_eq!(desk.next_wake(), Some(at(11)));
}

#[test]
fn a_part_that_was_taken_opens_a_held_destination_although_its_event_waits() {
    let mut desk = Desk::new(patience(4, 4), &[1, 2], at(0));
    desk.report(|_| Fate::Failed(Outcome::Broken(fault(Reason::Unauthorized))), at(0));
    desk.give(Input::Tick, at(30_000));
    let (lane, positions, _) = desk.sent.remove(0);
    assert_eq!((positions.len(), desk.machine.state(at(30_000))), (1, "held"));
    let fates = vec![(positions[0], deferred(5_000))];
    desk.give(Input::Reported { lane, fates, answered: true, waited: Duration::ZERO }, at(30_001));
    assert_eq!(desk.machine.held(), None);
    assert_eq!(desk.sent.len(), 1, "the other goes on");
}
