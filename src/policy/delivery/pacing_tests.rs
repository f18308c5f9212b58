//! What holds events back, and what does not: one test for each promise about pause, rate, concurrency and patience.

use std::time::Duration;

use super::tests::{fault, patience};
use super::*;
use crate::policy::outcome::{Outcome, Reason};
use crate::policy::patience::RateLimit;

/// A machine whose destination answers by hand.
struct Desk {
    machine: Delivery,
    now: Moment,
    end: u64,
    one_user: bool,
    /// Sent and not answered: lane and positions.
    sent: Vec<(u64, Vec<u64>)>,
    /// When each batch was sent, and its size.
    log: Vec<(Moment, usize)>,
    /// The number of the attempt that was sent last.
    attempt: u32,
    dead: Vec<u64>,
    sleep: Option<Moment>,
    drained: bool,
}

impl Desk {
    fn new(patience: Patience) -> Desk {
        Desk {
            machine: Delivery::new(patience, Settled::default(), 7),
            now: Duration::from_secs(1),
            end: 0,
            one_user: false,
            sent: Vec::new(),
            log: Vec::new(),
            attempt: 0,
            dead: Vec::new(),
            sleep: None,
            drained: false,
        }
    }

    fn give(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.sleep = None;
            for action in self.machine.on(input, self.now) {
                inputs.extend(self.perform(action));
            }
        }
    }

    fn perform(&mut self, action: Action) -> Option<Input> {
        match action {
            Action::Fetch { from, records, .. } => {
                let through = self.end.min(from + records as u64);
                let user = |position| if self.one_user { 1 } else { position + 1 };
                let item = |position| Item { position, bytes: 100, keys: [user(position), 0, 0] };
                return Some(Input::Fetched { from, through, items: (from..through).map(item).collect() });
            }
            Action::Send { lane, positions, attempt, .. } => {
                self.attempt = attempt;
                self.log.push((self.now, positions.len()));
                self.sent.push((lane, positions));
            }
            Action::Bury(burials) => {
                let positions: Vec<u64> = burials.iter().map(|burial| burial.position).collect();
                self.dead.extend(&positions);
                return Some(Input::Buried(positions));
            }
            Action::Unload(_) => {}
            Action::Commit => return Some(Input::Committed),
            Action::SleepUntil(at) => self.sleep = Some(at),
            Action::Drained { .. } => self.drained = true,
            Action::Lose { .. } | Action::BacklogDropped { .. } => panic!("nothing is lost here"),
        }
        None
    }

    /// So many events arrive, each of a user of its own.
    fn arrive(&mut self, events: u64) {
        self.end += events;
        self.give(Input::Woken { end: self.end });
    }

    /// Answers the attempt that was sent first, after `millis`.
    fn answer(&mut self, millis: u64, fate: &Fate) {
        self.now += Duration::from_millis(millis);
        self.answer_each(|_| fate.clone());
    }

    /// Answers the attempt that was sent first, event by event.
    fn answer_each(&mut self, fate: impl Fn(u64) -> Fate) {
        let (lane, positions) = self.sent.remove(0);
        let fates = positions.into_iter().map(|position| (position, fate(position))).collect();
        self.give(Input::Reported { lane, fates, answered: false, waited: Duration::ZERO });
    }

    fn answer_all(&mut self, millis: u64, fate: &Fate) {
        self.now += Duration::from_millis(millis);
        (0..self.sent.len()).for_each(|_| self.answer(0, fate));
    }

    /// Sleeps until the machine wants to be woken; false when it does not.
    fn sleep(&mut self) -> bool {
        let Some(at) = self.sleep else { return false };
        self.now = self.now.max(at);
        self.give(Input::Tick);
        true
    }

    /// Sleeps until something is sent.
    fn until_sent(&mut self) {
        for _ in 0..100 {
            if !self.sent.is_empty() {
                return;
            }
            assert!(self.sleep(), "nothing is ever sent");
        }
        panic!("it wakes again and again and sends nothing");
    }

    /// Time passes, and the machine is woken as it wants.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..1_000 {
            if self.sleep.is_none_or(|at| at > until) {
                self.now = until;
                return self.give(Input::Tick);
            }
            self.sleep();
        }
        panic!("the alarm spins");
    }

    fn state(&self) -> &'static str {
        self.machine.state(self.now)
    }

    fn limit(&self) -> usize {
        self.machine.concurrency().0
    }
}

fn transient() -> Fate {
    Fate::Failed(Outcome::Transient(fault(Reason::ServerError)))
}

fn throttled(seconds: u64) -> Fate {
    let wait = Some(Duration::from_secs(seconds));
    Fate::Failed(Outcome::Throttled { wait, fault: fault(Reason::Throttled) })
}

fn broken() -> Fate {
    Fate::Failed(Outcome::Broken(fault(Reason::Unauthorized)))
}

fn limited(max_events: usize, concurrency: usize, events_per_second: u32) -> Patience {
    let rate_limit = RateLimit { events_per_second, requests_per_second: 0 };
    Patience { rate_limit, ..patience(max_events, concurrency) }
}

// === Concurrency ===

#[test]
fn concurrency_falls_when_throttled_and_comes_back_with_success() {
    let mut desk = Desk::new(patience(10, 8));
    desk.arrive(80);
    assert_eq!((desk.sent.len(), desk.limit()), (8, 8));
    desk.answer_all(20, &throttled(5));
    assert_eq!((desk.limit(), desk.state()), (4, "throttled"), "once for all that were under way");
    desk.arrive(4_000);
    desk.until_sent();
    assert_eq!(desk.sent.len(), 4);
    while desk.limit() < 8 {
        desk.answer(5, &Fate::Settled);
        assert!(desk.sent.len() <= desk.limit());
        assert!(desk.log.len() < 100, "it does not come back");
    }
    assert_eq!(desk.sent.len(), 8);
}

#[test]
fn concurrency_falls_when_whole_batches_fail_and_not_for_one_that_fails_alone() {
    let mut desk = Desk::new(patience(10, 8));
    desk.arrive(80);
    desk.answer(20, &transient());
    assert_eq!(desk.limit(), 4);
    while desk.limit() < 8 {
        desk.answer(5, &Fate::Settled);
        desk.arrive(10);
        desk.pass(Duration::from_millis(200));
        let sick = desk.sent.iter().position(|(_, positions)| positions.contains(&3));
        if let Some(sick) = sick {
            let before = desk.limit();
            let sick = desk.sent.remove(sick);
            desk.sent.insert(0, sick);
            desk.answer(1, &transient());
            assert!(desk.limit() >= before, "the others get through");
        }
        assert!(desk.log.len() < 500, "it does not come back");
    }
}

#[test]
fn concurrency_falls_when_answers_become_slow() {
    let mut desk = Desk::new(patience(10, 10));
    desk.arrive(20_000);
    (0..100).for_each(|_| desk.answer(5, &Fate::Settled));
    assert_eq!(desk.limit(), 10);
    (0..30).for_each(|_| desk.answer(200, &Fate::Settled));
    assert!((6..10).contains(&desk.limit()), "{}", desk.limit());
}

// === Rate ===

#[test]
fn the_event_rate_holds_in_the_long_run_and_bursts_are_a_second_s_worth() {
    let mut desk = Desk::new(limited(500, 4, 100));
    let begun = desk.now;
    desk.arrive(2_000);
    while desk.machine.backlog() > 0 {
        desk.until_sent();
        assert_eq!(desk.state(), "flowing");
        desk.answer(30, &Fate::Settled);
    }
    let took = (desk.now - begun).as_secs_f64();
    assert!((18.9..19.5).contains(&took), "{took} s");
    assert!(desk.log.iter().all(|(_, size)| *size <= 100), "{:?}", desk.log);
    assert!(desk.log.len() <= 21, "batches are not cut smaller than they must be: {:?}", desk.log);
    for (at, _) in &desk.log {
        let window =
            desk.log.iter().filter(|(other, _)| other >= at && *other - *at < Duration::from_secs(1));
        assert!(window.map(|(_, size)| size).sum::<usize>() <= 200);
    }
}

#[test]
fn retries_count_against_the_event_rate_and_keep_their_size() {
    let mut desk = Desk::new(limited(50, 2, 100));
    desk.arrive(100);
    assert_eq!(desk.sent.len(), 2);
    desk.answer_all(10, &transient());
    desk.until_sent();
    assert_eq!(desk.log[2].1, 50, "a retry is the same batch");
    assert!(desk.log[2].0 - desk.log[0].0 >= Duration::from_millis(500), "{:?}", desk.log);
}

#[test]
fn a_throttled_destination_gets_a_lower_event_rate_until_it_has_taken_things_for_a_while() {
    let mut desk = Desk::new(limited(500, 1, 100));
    desk.arrive(20_000);
    desk.answer(10, &throttled(1));
    desk.until_sent();
    desk.answer(10, &Fate::Settled);
    let sent = |desk: &Desk, from: usize| desk.log[from..].iter().map(|(_, size)| size).sum::<usize>();
    let flow = |desk: &mut Desk, seconds: u64| {
        let (from, until) = (desk.log.len(), desk.now + Duration::from_secs(seconds));
        while desk.now < until {
            desk.until_sent();
            desk.answer(10, &Fate::Settled);
        }
        sent(desk, from) as u64 / seconds
    };
    let slow = flow(&mut desk, 5);
    assert!((40..70).contains(&slow), "{slow} a second");
    flow(&mut desk, 60);
    let again = flow(&mut desk, 10);
    assert!((95..=105).contains(&again), "{again} a second");
}

#[test]
fn a_drain_does_not_wait_for_the_event_rate() {
    let mut desk = Desk::new(limited(10, 1, 10));
    desk.arrive(30);
    desk.give(Input::Draining);
    assert!(!desk.drained);
    desk.answer(10, &Fate::Settled);
    assert!(desk.drained, "what is left waits in the journal");
}

#[test]
fn a_retry_that_the_rate_holds_back_is_not_overtaken_and_no_alarm_spins() {
    let mut desk = Desk::new(limited(10, 2, 10));
    desk.arrive(10);
    desk.answer(10, &transient());
    desk.pass(Duration::from_millis(600));
    desk.arrive(3);
    desk.pass(Duration::from_millis(300));
    assert_eq!(desk.log.len(), 1, "three could go, but ten were there before");
    desk.pass(Duration::from_millis(300));
    assert_eq!(desk.sent[0].1, (0..10).collect::<Vec<u64>>());
}

#[test]
fn time_that_an_attempt_waited_for_permits_is_not_taken_for_a_slow_answer() {
    let mut desk = Desk::new(patience(10, 10));
    desk.arrive(20_000);
    (0..100).for_each(|_| desk.answer(5, &Fate::Settled));
    for _ in 0..40 {
        desk.now += Duration::from_millis(200);
        let (lane, positions) = desk.sent.remove(0);
        let fates = positions.into_iter().map(|position| (position, Fate::Settled)).collect();
        desk.give(Input::Reported { lane, fates, answered: false, waited: Duration::from_millis(1_990) });
    }
    assert_eq!(desk.limit(), 10);
}

// === Batches ===

#[test]
fn the_first_event_for_a_quiet_destination_goes_at_once_and_steady_traffic_forms_batches() {
    let mut desk = Desk::new(patience(500, 4));
    desk.arrive(1);
    assert_eq!(desk.sent.len(), 1, "nothing was sent before");
    desk.answer(5, &Fate::Settled);
    for _ in 0..200 {
        desk.arrive(1);
        desk.pass(Duration::from_millis(5));
        while !desk.sent.is_empty() {
            desk.answer(0, &Fate::Settled);
        }
    }
    let sizes: Vec<usize> = desk.log[1..].iter().map(|(_, size)| *size).collect();
    assert!(sizes.len() <= 11, "a batch every 100 ms: {sizes:?}");
    desk.pass(Duration::from_millis(200));
    desk.answer_all(0, &Fate::Settled);
    desk.pass(Duration::from_millis(100));
    let sent = desk.log.len();
    desk.arrive(1);
    assert_eq!(desk.log.len(), sent + 1, "quiet again");
    desk.pass(Duration::from_millis(150));
    desk.arrive(1);
    assert_eq!(desk.log.len(), sent + 1, "one is in flight: the next one waits for company");
}

#[test]
fn no_event_waits_longer_than_max_delay_for_company() {
    let mut desk = Desk::new(patience(500, 4));
    desk.arrive(1);
    desk.pass(Duration::from_millis(30));
    desk.arrive(1);
    let arrived = desk.now;
    desk.pass(Duration::from_millis(200));
    assert!(desk.log[1].0 - arrived <= Duration::from_millis(100), "{:?}", desk.log);
}

// === Five answers, five actions ===

#[test]
fn an_event_that_the_other_side_names_is_buried_alone_and_the_rest_is_delivered() {
    let mut desk = Desk::new(patience(10, 1));
    desk.arrive(10);
    let refused = Fate::Failed(Outcome::Refused(fault(Reason::Rejected)));
    desk.answer_each(|position| if position == 4 { refused.clone() } else { Fate::Settled });
    assert_eq!((desk.dead.as_slice(), desk.log.len(), desk.machine.settled().mark()), (&[4][..], 1, 10));
}

#[test]
fn a_batch_that_is_refused_as_a_whole_is_bisected_left_half_first() {
    let mut desk = Desk::new(patience(8, 1));
    desk.arrive(8);
    desk.answer(10, &Fate::Failed(Outcome::Suspect(fault(Reason::Rejected))));
    assert_eq!(desk.sent[0].1, [0, 1, 2, 3]);
    desk.answer(10, &Fate::Settled);
    assert_eq!(desk.sent[0].1, [4, 5, 6, 7]);
}

#[test]
fn a_hold_counts_no_attempt_and_probes_every_thirty_seconds_until_one_probe_gets_through() {
    let mut desk = Desk::new(patience(10, 2));
    desk.arrive(10);
    desk.answer(10, &broken());
    for _ in 0..20 {
        let held_at = desk.now;
        assert_eq!(desk.state(), "held");
        desk.until_sent();
        assert_eq!(desk.now - held_at, Duration::from_secs(30));
        assert_eq!((desk.sent[0].1.as_slice(), desk.attempt), (&[0][..], 1));
        desk.answer(0, &broken());
    }
    desk.until_sent();
    desk.answer(10, &Fate::Settled);
    assert_eq!((desk.state(), desk.dead.len()), ("flowing", 0));
    assert_eq!(desk.sent[0].1, (1..10).collect::<Vec<u64>>(), "it flows by itself");
}

#[test]
fn being_throttled_is_no_failure_and_waits_as_long_as_asked() {
    let mut desk = Desk::new(patience(10, 1));
    desk.arrive(10);
    for seconds in 1..50 {
        let asked_at = desk.now;
        desk.answer(0, &throttled(seconds));
        assert_eq!(desk.state(), "throttled");
        desk.until_sent();
        assert_eq!((desk.now - asked_at, desk.attempt), (Duration::from_secs(seconds), 1));
        assert_eq!(desk.machine.breaker(desk.now), (crate::policy::breaker::State::Closed, 0));
    }
}

// === Order and isolation ===

#[test]
fn a_user_s_later_events_wait_while_one_is_retried_and_go_on_when_it_is_delivered_or_dead() {
    let refused = Fate::Failed(Outcome::Refused(fault(Reason::Rejected)));
    for end in [Fate::Settled, refused] {
        let mut desk = Desk::new(patience(1, 4));
        desk.one_user = true;
        desk.arrive(1);
        desk.answer(10, &transient());
        desk.arrive(2);
        desk.one_user = false;
        desk.arrive(3);
        for _ in 0..10 {
            desk.pass(Duration::from_millis(100));
            while desk.sent.first().is_some_and(|(_, positions)| *positions != [0]) {
                desk.answer(1, &Fate::Settled);
            }
        }
        let settled = desk.machine.settled();
        assert!((3..6).all(|position| settled.contains(position)), "others overtake: {:?}", desk.log);
        assert!((0..3).all(|position| !settled.contains(position)));
        desk.until_sent();
        assert_eq!(desk.sent, [(desk.sent[0].0, vec![0])]);
        desk.answer(10, &end);
        assert_eq!(desk.sent[0].1, [1]);
        desk.answer(10, &Fate::Settled);
        assert_eq!(desk.sent[0].1, [2]);
    }
}

#[test]
fn a_destination_that_is_stuck_holds_a_bounded_number_of_events() {
    let mut desk = Desk::new(patience(100, 4));
    desk.one_user = true;
    desk.arrive(1);
    desk.arrive(100_000);
    for _ in 0..20 {
        desk.until_sent();
        desk.answer(10, &transient());
        assert!(desk.machine.slots.len() <= MAX_SLOTS, "{}", desk.machine.slots.len());
    }
    assert!(desk.machine.slots.len() <= 101, "what is stuck behind them was put back");
}

// === Pause ===

#[test]
fn while_paused_nothing_is_sent_what_is_in_flight_counts_and_no_alarm_spins() {
    let mut desk = Desk::new(patience(10, 2));
    desk.arrive(40);
    assert_eq!(desk.sent.len(), 2);
    desk.give(Input::Paused(true));
    assert_eq!(desk.state(), "paused");
    desk.answer(10, &Fate::Settled);
    desk.answer(10, &transient());
    assert_eq!(desk.machine.backlog(), 30);
    desk.arrive(5_000);
    desk.pass(Duration::from_secs(3600));
    desk.give(Input::RetryNow);
    assert_eq!((desk.sent.len(), desk.log.len()), (0, 2));
    assert_eq!((desk.sleep, desk.machine.next_attempt(desk.now)), (None, None));
    let now = desk.now;
    desk.give(Input::Paused(false));
    assert_eq!((desk.sent.len(), desk.now), (desk.limit(), now), "it goes on at once");
}

#[test]
fn paused_comes_before_every_other_state_but_draining() {
    let mut desk = Desk::new(patience(10, 2));
    desk.arrive(20);
    desk.answer(10, &broken());
    assert_eq!(desk.state(), "held");
    desk.give(Input::Paused(true));
    assert_eq!(desk.state(), "paused");
    desk.answer(10, &throttled(600));
    assert_eq!((desk.state(), desk.sleep), ("paused", None));
    desk.give(Input::Paused(false));
    assert_eq!(desk.state(), "held");
    desk.give(Input::Paused(true));
    desk.give(Input::Draining);
    assert_eq!((desk.state(), desk.drained), ("draining", true));
}

#[test]
fn what_is_tried_again_is_retrying_until_it_is_answered() {
    let mut desk = Desk::new(patience(10, 1));
    desk.arrive(10);
    assert_eq!(desk.state(), "flowing");
    desk.answer(10, &transient());
    assert_eq!((desk.state(), desk.sent.len()), ("retrying", 0));
    desk.until_sent();
    assert_eq!((desk.state(), desk.sent.len()), ("retrying", 1), "nothing is known of it yet");
    desk.answer(10, &Fate::Settled);
    assert_eq!(desk.state(), "flowing");
}

#[test]
fn what_a_stop_cut_short_is_not_begun_again_while_draining() {
    let mut desk = Desk::new(patience(10, 1));
    desk.arrive(10);
    desk.give(Input::Draining);
    desk.answer_each(|position| if position < 4 { Fate::Settled } else { Fate::Unsent });
    assert_eq!((desk.sent.len(), desk.drained, desk.machine.settled().mark()), (0, true, 4));
    assert_eq!(desk.limit(), 1);
}

// === The retry budget ===

/// An event with a budget of a minute fails; then it spends an hour as `meanwhile` says, and fails once more.
fn survives(meanwhile: impl Fn(&mut Desk)) -> bool {
    let mut short = patience(1, 4);
    short.retry.give_up_after = Duration::from_secs(60);
    short.retry.max = Duration::from_millis(500);
    short.breaker.failures = 3;
    let mut desk = Desk::new(short);
    desk.arrive(1);
    desk.until_sent();
    desk.answer(10, &transient());
    meanwhile(&mut desk);
    desk.until_sent();
    assert_eq!(desk.sent[0].1, [0]);
    desk.answer(10, &transient());
    desk.dead.is_empty()
}

#[test]
fn time_in_which_the_destination_flows_counts_against_give_up_after() {
    let flows = |desk: &mut Desk| {
        desk.until_sent();
        desk.pass(Duration::from_secs(3600));
    };
    assert!(!survives(flows));
}

#[test]
fn time_paused_does_not_count_against_give_up_after() {
    assert!(survives(|desk| {
        desk.give(Input::Paused(true));
        desk.pass(Duration::from_secs(3600));
        desk.give(Input::Paused(false));
    }));
}

#[test]
fn time_throttled_does_not_count_against_give_up_after() {
    assert!(survives(|desk| {
        desk.until_sent();
        desk.answer(10, &throttled(3600));
    }));
}

#[test]
fn time_held_does_not_count_against_give_up_after() {
    assert!(survives(|desk| {
        desk.arrive(1);
        for _ in 0..120 {
            desk.until_sent();
            desk.answer(10, &broken());
        }
        assert_eq!(desk.state(), "held");
        // Repaired: the other event gets through first.
        desk.until_sent();
        while desk.sent[0].1 != [1] {
            desk.answer(10, &broken());
            desk.until_sent();
        }
        desk.answer(10, &Fate::Settled);
    }));
}

#[test]
fn time_with_an_open_breaker_does_not_count_against_give_up_after() {
    assert!(survives(|desk| {
        for _ in 0..120 {
            desk.until_sent();
            desk.answer(10, &transient());
        }
        assert_eq!(desk.state(), "retrying");
        assert!(desk.dead.is_empty(), "nobody dies while the destination is down");
        // Up again: another event gets through, and the first one is tried as before.
        desk.arrive(1);
        while desk.sent.iter().all(|(_, positions)| *positions != [1]) {
            desk.until_sent();
            if desk.sent[0].1 == [0] {
                desk.answer(10, &transient());
            }
        }
        desk.answer(10, &Fate::Settled);
    }));
}

// === The breaker ===

#[test]
fn open_means_wait_and_half_open_lets_one_batch_through() {
    let mut desk = Desk::new(patience(1, 4));
    desk.arrive(20);
    (0..5).for_each(|_| {
        desk.until_sent();
        desk.answer(10, &transient());
    });
    desk.answer_all(0, &transient());
    let sent = desk.log.len();
    desk.pass(Duration::from_secs(29));
    assert_eq!((desk.log.len(), desk.dead.len()), (sent, 0));
    desk.until_sent();
    assert_eq!(desk.sent.len(), 1);
    desk.answer(10, &Fate::Settled);
    desk.until_sent();
    assert!(desk.sent.len() > 1, "closed again");
}

#[test]
fn an_event_that_always_fails_does_not_keep_the_breaker_closed_to_the_others() {
    let mut desk = Desk::new(patience(1, 1));
    desk.arrive(1);
    for _ in 0..8 {
        desk.until_sent();
        desk.answer(10, &transient());
    }
    desk.arrive(50);
    for _ in 0..500 {
        if desk.machine.backlog() == 1 {
            return;
        }
        desk.until_sent();
        let fate = if desk.sent[0].1 == [0] { transient() } else { Fate::Settled };
        desk.answer(10, &fate);
    }
    panic!("{} events wait behind one", desk.machine.backlog());
}
