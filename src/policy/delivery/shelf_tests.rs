//! Users with more events than there are slots, behind one that fails or waits.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::tests::{World, patience};
use super::*;

pub(super) fn seconds(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

/// Every other event is of user 1, whose first one is ill for long; 2,000 events and room for 40.
fn crowd() -> World {
    let users = (0..2_000).map(|n| if n % 2 == 0 { 1 } else { 2 + n % 7 }).collect();
    let mut world = World::new(patience(10, 4), users, BTreeSet::new(), Vec::new());
    world.machine.max_slots = 40;
    world
}

pub(super) fn run_until(world: &mut World, holds: impl Fn(&World) -> bool) {
    // One event a request, fifty that wait and 500 s are 125,000 steps.
    for _ in 0..1_000_000 {
        if holds(world) {
            return;
        }
        // The shell looks every second.
        if world.next().is_some_and(|next| next <= world.now + seconds(1)) {
            world.step();
        } else {
            world.now += seconds(1);
            world.give(Input::Tick);
        }
    }
    let machine = &world.machine;
    let counts = (world.delivered.len(), machine.slots.len(), machine.ready.len(), machine.read_to());
    panic!("it never comes about: {counts:?} at {:?}", world.now);
}

/// Asserts that everything but user 1 is delivered while its first event is ill, then that all is.
fn assert_others_go_on(mut world: World, well: Moment) {
    world.give(Input::Woken { end: 2_000 });
    run_until(&mut world, |world| world.delivered.len() == 1_000);
    assert!(world.now < well, "{:?}", world.now);
    assert!(world.delivered.iter().all(|position| position % 2 == 1));
    assert!(world.machine.slots.len() <= 40);
    let obstacle = Some(Obstacle::Order);
    let behind = Standing::Waiting { tried: false, obstacle, until: None };
    assert_eq!(world.machine.standing(1_998, world.now), behind);
    run_until(&mut world, |world| world.machine.backlog() == 0);
    world.run();
    world.assert_all_settled();
}

#[test]
fn a_user_with_more_events_than_slots_behind_a_failing_one_stops_nobody_else() {
    let mut world = crowd();
    world.sick.insert(0, seconds(3_000));
    assert_others_go_on(world, seconds(3_000));
}

#[test]
fn a_user_with_more_events_than_slots_behind_a_waiting_one_stops_nobody_else() {
    let mut world = crowd();
    world.slow.insert(0, 100);
    // 100 waits of 0.9 s less each time.
    assert_others_go_on(world, seconds(4_000));
}

#[test]
fn what_is_shelved_is_lost_and_counted_like_all_else() {
    let mut world = crowd();
    world.sick.insert(0, seconds(1_000_000));
    world.give(Input::Woken { end: 2_000 });
    run_until(&mut world, |world| world.delivered.len() == 1_000);
    world.give(Input::Drop { below: 2_000 });
    run_until(&mut world, |world| world.lost.values().sum::<u64>() >= 999);
    run_until(&mut world, |world| world.machine.shelf.is_empty());
    world.sick.clear();
    run_until(&mut world, |world| world.machine.backlog() == 0);
    assert_eq!(world.delivered.len() as u64 + world.lost.values().sum::<u64>(), 2_000);
}

#[test]
fn draining_says_what_is_shelved_and_a_new_machine_reads_it() {
    let mut world = crowd();
    world.sick.insert(0, seconds(1_000_000));
    world.give(Input::Woken { end: 2_000 });
    run_until(&mut world, |world| world.delivered.len() == 1_000);
    world.give(Input::Draining);
    run_until(&mut world, |world| world.drained.is_some());
    assert_eq!(world.drained, Some(1_000));
    let settled = world.machine.settled();
    let settled = Settled::new(settled.mark(), &settled.ranges());
    world.machine = Delivery::new(patience(10, 4), settled, 8);
    world.sick.clear();
    world.give(Input::Woken { end: 2_000 });
    world.run();
    world.assert_all_settled();
}

#[test]
fn a_destination_that_is_down_shelves_nothing_and_reads_no_further() {
    let mut world = crowd();
    world.sick = (0..2_000).map(|position| (position, seconds(100_000))).collect();
    world.give(Input::Woken { end: 2_000 });
    run_until(&mut world, |world| world.now > seconds(600));
    assert!(world.machine.read_to() <= 100, "{}", world.machine.read_to());
    assert!(world.machine.shelf.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whoever_is_ill_everything_is_settled_once_and_in_order(
        users in proptest::collection::vec(prop_oneof![4 => 1u64..4, 2 => 4u64..9, 2 => 10u64..14], 50..400),
        sick in proptest::collection::btree_map(0u64..400, 1u64..2_000, 0..12),
        slow in proptest::collection::btree_map(0u64..400, 1u64..20, 0..12),
        (max_events, concurrency, max_slots) in (1usize..12, 1usize..5, 4usize..60),
    ) {
        let end = users.len() as u64;
        let mut world = World::new(patience(max_events, concurrency), users, BTreeSet::new(), Vec::new());
        world.machine.max_slots = max_slots;
        world.sick = sick.into_iter().map(|(at, well)| (at, seconds(well))).collect();
        world.slow = slow;
        world.give(Input::Woken { end });
        run_until(&mut world, |world| world.machine.backlog() == 0);
        world.run();
        world.assert_all_settled();
    }
}
