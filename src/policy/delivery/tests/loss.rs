//! The machine beside a journal that gives up records, and an operator who drops the backlog.

use super::*;

/// What happens to the journal between two steps of the world.
#[derive(Debug, Clone, Copy)]
enum Blow {
    /// Its first records go, so many; the machine learns of it with the next thing that happens.
    GiveUp(u64),
    /// An operator drops the backlog.
    Drop,
}

/// Lets the world run; before each step with a blow, the blow falls.
fn run(world: &mut World, blows: &[(usize, Blow)]) {
    let mut blows = blows.to_vec();
    blows.sort_by_key(|(step, _)| *step);
    let mut blows = blows.into_iter().peekable();
    for step in 0.. {
        while let Some((_, blow)) = blows.next_if(|(at, _)| *at <= step) {
            strike(world, blow);
        }
        if !world.step() && blows.peek().is_none() {
            return;
        }
        assert!(step < 200_000, "the machine does not come to rest");
    }
}

fn strike(world: &mut World, blow: Blow) {
    let end = world.users.len() as u64;
    match blow {
        Blow::GiveUp(records) => world.first = (world.first + records).min(end),
        Blow::Drop => {
            world.look_back();
            world.give(Input::Drop { below: end });
        }
    }
    if world.agenda.is_empty() {
        world.look_back();
    }
}

/// Asserts that each event has one fate, and that the losses are exactly what is missing.
fn assert_counted_once(world: &World) {
    let end = world.users.len() as u64;
    let mut seen = BTreeSet::new();
    for position in world.delivered.iter().chain(&world.dead).chain(&world.skipped) {
        assert!(seen.insert(*position), "{position} was settled twice");
    }
    let lost: u64 = world.lost.values().sum();
    assert_eq!(lost, end - seen.len() as u64, "{:?}", world.lost);
    assert_eq!(world.machine.settled().mark(), end);
    assert_eq!((world.machine.backlog(), world.machine.slots.len(), world.machine.lanes.len()), (0, 0, 0));
    assert!(world.machine.waits.is_empty(), "{:?}", world.machine.waits);
    assert_eq!((world.machine.parked, world.machine.ready_bytes, world.machine.ready.len()), (0, 0, 0));
    for user in world.users.iter().filter(|user| **user != 99) {
        let order: Vec<u64> =
            world.delivered.iter().copied().filter(|p| world.users[*p as usize] == *user).collect();
        assert!(order.is_sorted(), "user {user} out of order: {order:?}");
    }
}

fn blows() -> impl Strategy<Value = Vec<(usize, Blow)>> {
    let blow = prop_oneof![3 => (1u64..30).prop_map(Blow::GiveUp), 1 => Just(Blow::Drop)];
    proptest::collection::vec((0usize..60, blow), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn what_is_given_up_or_dropped_is_counted_exactly_once(
        users in proptest::collection::vec(prop_oneof![6 => 1u64..6, 2 => 10u64..14, 1 => Just(99u64)], 1..80),
        poison in proptest::collection::btree_set(0u64..80, 0..4),
        moods in moods(),
        blows in blows(),
        (max_events, concurrency, flaky_store) in (1usize..20, 1usize..5, any::<bool>()),
        (slow, max_slots) in slow_and_slots(),
    ) {
        let end = users.len() as u64;
        let poisoned = poison.into_iter().filter(|p| *p < end && users[*p as usize] != 99).collect();
        let mut world = World::new(patience(max_events, concurrency), users, poisoned, moods);
        world.flaky_store = flaky_store;
        (world.slow, world.machine.max_slots) = (slow, max_slots);
        world.give(Input::Woken { end });
        run(&mut world, &blows);
        assert_counted_once(&world);
    }
}

#[test]
fn a_held_destination_drops_its_backlog_at_once_and_what_it_would_have_skipped_is_skipped() {
    let mut users = vec![1; 100];
    users.extend([99; 20]);
    let end = users.len() as u64;
    let mut world = World::new(patience(10, 2), users, BTreeSet::new(), vec![Mood::Revoked; 1_000]);
    world.give(Input::Woken { end });
    while world.machine.held().is_none() {
        world.step();
    }
    let requests = world.requests;
    world.give(Input::Drop { below: end });
    while world.backlog_dropped.is_none() {
        world.step();
    }
    assert_eq!(world.requests, requests, "nothing was sent meanwhile");
    assert_eq!(world.backlog_dropped, Some((100, 0)));
    assert_eq!(world.lost, BTreeMap::from([(Reason::DroppedByOperator, 100)]));
    assert_eq!(world.skipped.len(), 20);
}

#[test]
fn an_event_in_flight_is_delivered_although_its_record_is_gone() {
    let mut world = World::new(patience(10, 1), vec![1; 30], BTreeSet::new(), Vec::new());
    world.give(Input::Woken { end: 30 });
    while world.in_flight.is_empty() {
        world.step();
    }
    world.first = 25;
    world.look_back();
    run(&mut world, &[]);
    assert_counted_once(&world);
    assert_eq!(world.delivered, (0..10).chain(25..30).collect::<Vec<u64>>());
    assert_eq!(world.lost, BTreeMap::from([(Reason::JournalFull, 15)]));
}

#[test]
fn what_retention_passed_and_what_had_no_room_have_reasons_of_their_own() {
    let mut machine = Delivery::new(patience(10, 1), Settled::new(5, &[8..10, 10..12]), 1);
    let actions = machine.on(Input::Gone { first: 20, full: 10 }, Moment::ZERO);
    let losses: Vec<(Reason, u64)> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Lose { reason, count, .. } => Some((*reason, *count)),
            _ => None,
        })
        .collect();
    assert_eq!(losses, [(Reason::JournalFull, 3), (Reason::Expired, 8)]);
    assert!(matches!(actions.last(), Some(Action::Commit)), "{actions:?}");
    assert_eq!(machine.settled().mark(), 20);
    let again = machine.on(Input::Gone { first: 20, full: 10 }, Moment::ZERO);
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn a_paused_destination_drops_its_backlog_and_stays_paused() {
    let mut users = vec![1; 100];
    users.extend([99; 20]);
    let mut world = World::new(patience(10, 2), users, BTreeSet::new(), Vec::new());
    world.give(Input::Paused(true));
    world.give(Input::Woken { end: 120 });
    world.give(Input::Drop { below: 110 });
    while world.step() {}
    assert_eq!((world.backlog_dropped, world.requests), (Some((100, 0)), 0));
    assert_eq!(world.machine.state(world.now), "paused");
    world.give(Input::Paused(false));
    run(&mut world, &[]);
    assert_counted_once(&world);
}
