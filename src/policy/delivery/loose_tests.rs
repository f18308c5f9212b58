//! More events that wait for their tables than are kept in memory, at a destination where order means nothing.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::shelf_tests::{run_until, seconds};
use super::tests::{World, moods, patience};
use super::*;
use crate::policy::outcome::Reason;

/// Of 4,000 events that are tied to nobody all that `lacks` names wait until `there`; 40 may wait in memory, 40 more be loaded.
fn flood(lacks: impl Fn(u64) -> bool, there: Moment) -> World {
    let mut world = World::new(patience(10, 4), vec![0; 4_000], BTreeSet::new(), Vec::new());
    (world.machine.max_slots, world.machine.max_waiting) = (40, 40);
    world.lacking =
        (0..4_000).filter(|position| lacks(*position)).map(|position| (position, there)).collect();
    world
}

#[test]
fn others_go_on_while_most_events_wait_without_end() {
    let mut world = flood(|position| position % 10 != 0, seconds(1_000_000));
    world.give(Input::Woken { end: 4_000 });
    run_until(&mut world, |world| world.delivered.len() == 400);
    assert!(world.now < seconds(60), "{:?}", world.now);
    run_until(&mut world, |world| world.now > seconds(600));
    assert!(world.machine.slots.len() <= 80, "{}", world.machine.slots.len());
    let Standing::Deferred { reason: Reason::Schema, .. } = world.machine.standing(3_999, world.now) else {
        panic!("{:?}", world.machine.standing(3_999, world.now))
    };
    world.lacking.clear();
    run_until(&mut world, |world| world.machine.backlog() == 0);
    assert!(world.now < seconds(1_200), "{:?}", world.now);
    world.run();
    world.assert_all_settled();
}

#[test]
fn what_comes_back_leaves_half_of_the_batches_to_what_is_new() {
    let mut world = flood(|position| position < 2_000, seconds(20));
    world.machine.max_waiting = 4_000;
    world.give(Input::Woken { end: 2_000 });
    run_until(&mut world, |world| world.delivered.iter().any(|position| *position < 2_000));
    world.delivered.clear();
    world.give(Input::Woken { end: 4_000 });
    run_until(&mut world, |world| world.delivered.len() >= 1_000);
    let new = world.delivered.iter().filter(|position| **position >= 2_000).count();
    assert!((400..=600).contains(&new), "{new} of 1,000");
}

#[test]
fn what_fails_after_it_came_back_keeps_nothing_else_away() {
    let mut world = flood(|position| position < 60, seconds(20));
    // Room for five that come back.
    world.machine.patience = patience(10, 1);
    world.machine.pacing = Pacing::new(&world.machine.patience);
    world.sick = (0..6).map(|position| (position, seconds(1_000_000))).collect();
    world.give(Input::Woken { end: 4_000 });
    run_until(&mut world, |world| world.delivered.len() == 3_994);
    assert!(world.now < seconds(300), "{:?}", world.now);
}

#[test]
fn a_retry_now_looks_for_what_is_on_the_shelf() {
    let mut world = flood(|_| true, seconds(1_000_000));
    world.give(Input::Woken { end: 4_000 });
    // It has come back, must wait again, and rests.
    run_until(&mut world, |world| world.machine.read_to() == 4_000 && !world.machine.shelf.is_looking());
    run_until(&mut world, |world| world.machine.shelf.is_looking());
    run_until(&mut world, |world| !world.machine.shelf.is_looking());
    world.lacking.clear();
    let begun = world.now;
    world.give(Input::RetryNow);
    run_until(&mut world, |world| world.machine.shelf.is_looking());
    assert!(world.now < begun + seconds(2), "{:?}", world.now - begun);
    run_until(&mut world, |world| world.machine.backlog() == 0);
    world.run();
    world.assert_all_settled();
}

#[test]
fn a_scan_rests_four_times_as_long_as_it_took() {
    let mut world = flood(|_| true, seconds(1_000_000));
    world.give(Input::Woken { end: 4_000 });
    run_until(&mut world, |world| world.machine.read_to() == 4_000);
    let (mut looking, mut resting, mut was) = (Vec::new(), Vec::new(), false);
    let mut since = world.now;
    while looking.len() < 5 {
        run_until(&mut world, |world| world.machine.shelf.is_looking() != was);
        if was {
            looking.push(world.now - since)
        } else {
            resting.push(world.now - since)
        }
        (was, since) = (!was, world.now);
    }
    for (took, rest) in looking.iter().zip(&resting[1..]) {
        assert!(*rest + seconds(2) >= *took * 4 && *rest >= seconds(9), "{took:?} {rest:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_waits_and_fails_everything_is_settled_once(
        users in proptest::collection::vec(prop_oneof![8 => Just(0u64), 1 => 1u64..4, 1 => Just(99)], 50..400),
        lacking in proptest::collection::btree_map(0u64..400, 1u64..500, 0..300),
        sick in proptest::collection::btree_map(0u64..400, 1u64..500, 0..6),
        moods in moods(),
        (max_events, concurrency, max_slots, max_waiting) in (1usize..12, 1usize..5, 4usize..60, 1usize..60),
    ) {
        let end = users.len() as u64;
        let mut world = World::new(patience(max_events, concurrency), users, BTreeSet::new(), moods);
        (world.machine.max_slots, world.machine.max_waiting) = (max_slots, max_waiting);
        world.lacking = lacking.into_iter().map(|(at, there)| (at, seconds(there))).collect();
        world.sick = sick.into_iter().map(|(at, well)| (at, seconds(well))).collect();
        world.give(Input::Woken { end });
        run_until(&mut world, |world| world.machine.backlog() == 0);
        world.run();
        world.assert_all_settled();
    }

    #[test]
    fn whatever_waits_without_end_all_others_are_settled(
        lacks in proptest::collection::btree_set(0u64..600, 300..550),
        (max_events, concurrency, max_slots, max_waiting) in (1usize..12, 1usize..5, 4usize..60, 1usize..60),
    ) {
        let mut world = World::new(patience(max_events, concurrency), vec![0; 600], BTreeSet::new(), Vec::new());
        (world.machine.max_slots, world.machine.max_waiting) = (max_slots, max_waiting);
        let others = 600 - lacks.len();
        world.lacking = lacks.into_iter().map(|position| (position, seconds(1_000_000))).collect();
        world.give(Input::Woken { end: 600 });
        run_until(&mut world, |world| world.delivered.len() == others);
        prop_assert!(world.machine.slots.len() <= max_slots + max_waiting + max_events * concurrency);
    }
}
