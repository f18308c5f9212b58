use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::warehouse::ColumnType;

const PACE: Pace = Pace {
    settle: Duration::from_secs(120),
    cold_after: Duration::from_secs(30),
    recreate_hold: Duration::from_secs(120),
};

fn at(second: u64) -> Timestamp {
    Timestamp::from_second(1_772_366_400 + i64::try_from(second).unwrap()).unwrap()
}

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn schema(tables: &[(&str, &[&str])]) -> Arc<Schema> {
    let table = |columns: &[&str]| {
        let columns = columns.iter().map(|name| ((*name).to_owned(), ColumnType::Int));
        Arc::new(Table { columns: columns.collect::<BTreeMap<_, _>>() })
    };
    let tables = tables.iter().map(|(name, columns)| ((*name).to_owned(), table(columns)));
    Arc::new(Schema { tables: tables.collect() })
}

/// A table `t` that has been there from the start, and one more column since second 0.
fn with_young() -> Propagation {
    let mut propagation = Propagation::new(PACE);
    propagation.look(&schema(&[("t", &["a"])]), at(0));
    propagation.look(&schema(&[("t", &["a", "b"])]), at(0));
    propagation
}

fn with_fresh() -> Propagation {
    let mut propagation = Propagation::new(PACE);
    propagation.look(&schema(&[]), at(0));
    propagation.look(&schema(&[("t", &["a"])]), at(0));
    propagation
}

fn accepted<'a>(young: &'a [String]) -> Heard<'a> {
    Heard { any_taken: true, young, unknown: &[] }
}

fn refused<'a>(unknown: &'a [String]) -> Heard<'a> {
    Heard { any_taken: true, young: unknown, unknown }
}

#[test]
fn what_the_first_schema_has_is_settled() {
    let mut propagation = Propagation::new(PACE);
    propagation.look(&schema(&[("t", &["a"])]), at(0));
    assert!(propagation.is_settled("t"));
    assert_eq!(propagation.lane("t", false, None, at(0)), Lane::Hot);
}

#[test]
fn rows_with_a_young_column_go_apart_and_the_others_with_all() {
    let propagation = with_young();
    assert!(propagation.is_young("t", "b") && !propagation.is_young("t", "a"));
    assert_eq!(propagation.lane("t", true, None, at(1)), Lane::Probation);
    assert_eq!(propagation.lane("t", false, None, at(1)), Lane::Hot);
}

#[test]
fn a_column_settles_after_its_time_and_three_accepted_requests_in_a_row() {
    let young = ["b".to_owned()];
    let mut propagation = with_young();
    for second in [10, 20, 30, 40] {
        propagation.heard("t", accepted(&young), at(second));
    }
    assert!(!propagation.is_settled("t"), "too early");
    propagation.heard("t", refused(&young), at(119));
    propagation.heard("t", accepted(&young), at(121));
    propagation.heard("t", accepted(&young), at(122));
    assert!(!propagation.is_settled("t"), "not three in a row");
    propagation.heard("t", accepted(&young), at(123));
    assert!(propagation.is_settled("t"));
}

#[test]
fn a_request_that_does_not_use_the_column_proves_nothing() {
    let mut propagation = with_young();
    (200..210).for_each(|second| propagation.heard("t", accepted(&[]), at(second)));
    assert!(propagation.is_young("t", "b"));
}

#[test]
fn a_settled_column_that_is_refused_is_young_again() {
    let mut propagation = with_young();
    propagation.heard("t", refused(&["a".to_owned()]), at(5));
    assert!(propagation.is_young("t", "a"));
    assert_eq!(propagation.lane("t", true, Some(secs(0)), at(6)), Lane::Probation);
}

#[test]
fn a_widened_column_is_young() {
    let mut propagation = Propagation::new(PACE);
    let first = schema(&[("t", &["a"])]);
    propagation.look(&first, at(0));
    let mut widened = Schema::clone(&first);
    let table = Arc::make_mut(widened.tables.get_mut("t").unwrap());
    table.columns.insert("a".to_owned(), ColumnType::Float);
    propagation.look(&Arc::new(widened), at(1));
    assert!(propagation.is_young("t", "a"));
}

#[test]
fn a_row_that_waited_too_long_is_loaded_but_not_more_often_than_a_table_bears() {
    let mut propagation = with_young();
    assert_eq!(propagation.lane("t", true, Some(secs(29)), at(29)), Lane::Probation);
    assert_eq!(propagation.lane("t", true, Some(secs(30)), at(30)), Lane::Cold);
    propagation.loads("t").count(at(30));
    assert_eq!(propagation.lane("t", true, Some(secs(31)), at(31)), Lane::Probation);
    assert_eq!(propagation.lane("t", true, Some(secs(60)), at(60)), Lane::Cold);
    // Noon: twelve hours are left of the day.
    (0..COLD_LOADS).for_each(|_| propagation.loads("t").count(at(60)));
    assert_eq!(propagation.lane("t", true, Some(secs(600)), at(600)), Lane::Probation);
    assert_eq!(propagation.lane("t", true, Some(secs(600)), at(12 * 60 * 60)), Lane::Cold);
}

#[test]
fn a_fresh_table_is_tried_apart_until_it_has_taken_rows_three_times() {
    let mut propagation = with_fresh();
    assert_eq!(propagation.lane("t", false, None, at(1)), Lane::Probation);
    assert!(!propagation.no_table("t", at(2)), "no surprise");
    assert_eq!(propagation.table_wait("t"), secs(2));
    propagation.no_table("t", at(4));
    assert_eq!(propagation.table_wait("t"), secs(4));
    for _ in 0..10 {
        propagation.no_table("t", at(5));
    }
    assert_eq!(propagation.table_wait("t"), LONGEST_WAIT);
    assert_eq!(propagation.lane("t", false, Some(secs(30)), at(31)), Lane::Cold);
    (0..3).for_each(|_| propagation.heard("t", accepted(&[]), at(130)));
    assert_eq!(propagation.lane("t", false, None, at(131)), Lane::Hot);
}

#[test]
fn a_table_that_vanishes_while_it_was_settled_is_a_surprise() {
    let mut propagation = with_young();
    assert!(propagation.no_table("t", at(10)));
    assert_eq!(propagation.lane("t", false, None, at(11)), Lane::Probation);
    (0..3).for_each(|_| propagation.heard("t", accepted(&[]), at(140)));
    assert_eq!(propagation.lane("t", false, None, at(141)), Lane::Hot);
}

/// What the wire tells of a table `t` that was made again.
fn again(second: u64) -> BTreeMap<String, Timestamp> {
    [("t".to_owned(), at(second))].into()
}

#[test]
fn nothing_is_streamed_for_a_while_into_a_table_that_was_made_again() {
    let mut propagation = with_young();
    propagation.look(&schema(&[]), at(100));
    propagation.look(&schema(&[("t", &["a", "b"])]), at(101));
    propagation.hold(&again(101), at(101));
    assert_eq!(propagation.lane("t", false, None, at(102)), Lane::Wait(secs(30)));
    assert_eq!(propagation.lane("t", false, Some(secs(30)), at(132)), Lane::Cold);
    propagation.loads("t").count(at(132));
    assert_eq!(propagation.lane("t", false, Some(secs(31)), at(133)), Lane::Wait(secs(29)), "the next job");
    (0..COLD_LOADS).for_each(|_| propagation.loads("t").count(at(133)));
    assert_eq!(propagation.lane("t", false, Some(secs(60)), at(163)), Lane::Wait(LONGEST_WAIT), "none today");
    assert_eq!(propagation.lane("t", false, Some(secs(10)), at(220)), Lane::Wait(secs(1)));
    assert_eq!(propagation.lane("t", false, Some(secs(10)), at(221)), Lane::Probation);
}

#[test]
fn a_table_that_looks_the_same_is_held_when_it_is_told_to_be_another_also_at_the_start() {
    let first = schema(&[("t", &["a"]), ("u", &["a"])]);
    for before in [true, false] {
        let mut propagation = Propagation::new(PACE);
        if before {
            propagation.look(&first, at(0));
        }
        propagation.look(&first, at(101));
        propagation.hold(&again(100), at(101));
        assert_eq!(propagation.lane("t", false, Some(secs(10)), at(219)), Lane::Wait(secs(1)));
        assert_eq!(propagation.lane("t", false, Some(secs(10)), at(220)), Lane::Probation);
        assert_eq!(propagation.lane("u", false, None, at(101)), Lane::Hot, "no other table");
    }
}

#[test]
fn what_was_on_its_way_to_the_table_before_does_not_end_the_hold() {
    let mut propagation = Propagation::new(Pace { settle: Duration::ZERO, ..PACE });
    propagation.look(&schema(&[("t", &["a"])]), at(0));
    propagation.hold(&again(100), at(100));
    (0..3).for_each(|_| propagation.heard("t", accepted(&[]), at(101)));
    propagation.hold(&again(100), at(102));
    assert!(matches!(propagation.lane("t", false, None, at(219)), Lane::Wait(_)));
    (0..3).for_each(|_| propagation.heard("t", accepted(&[]), at(221)));
    propagation.hold(&again(100), at(222));
    assert_eq!(propagation.lane("t", false, None, at(222)), Lane::Hot, "it is told for longer and begins once");
    propagation.hold(&again(300), at(300));
    assert!(matches!(propagation.lane("t", false, None, at(301)), Lane::Wait(_)), "and once more");
}

#[test]
fn waits_after_a_refused_column_double_up_to_half_a_minute() {
    let mut propagation = with_young();
    let waits: Vec<u64> = (0..6)
        .map(|second| {
            propagation.heard("t", refused(&["b".to_owned()]), at(second));
            propagation.field_wait("t", "b").as_secs()
        })
        .collect();
    assert_eq!(waits, [2, 4, 8, 16, 30, 30]);
    assert_eq!(propagation.field_wait("t", "other"), secs(2));
}

#[test]
fn other_tables_flow_while_one_of_them_took_rows_within_a_minute() {
    let mut propagation = Propagation::new(PACE);
    propagation.look(&schema(&[("t", &["a"]), ("u", &["a"])]), at(0));
    assert!(!propagation.others_flow("t"));
    propagation.heard("u", accepted(&[]), at(10));
    assert!(propagation.others_flow("t") && !propagation.others_flow("u"));
    propagation.look(&schema(&[]), at(100));
    propagation.loaded("t", at(100));
    assert!(!propagation.others_flow("t"));
}

/// One thing that may happen.
#[derive(Debug, Clone)]
enum Step {
    Columns(usize),
    Gone,
    Accept(bool),
    Refuse,
    NoTable,
    Load,
    MadeAgain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..4).prop_map(Step::Columns),
        Just(Step::Gone),
        any::<bool>().prop_map(Step::Accept),
        Just(Step::Refuse),
        Just(Step::NoTable),
        Just(Step::Load),
        Just(Step::MadeAgain),
    ]
}

fn take(propagation: &mut Propagation, step: &Step, now: Timestamp) {
    let all = ["a", "b", "c", "d"];
    let young = ["b".to_owned()];
    match step {
        Step::Columns(count) => propagation.look(&schema(&[("t", &all[..=*count])]), now),
        Step::Gone => propagation.look(&schema(&[]), now),
        Step::Accept(uses) => propagation.heard("t", accepted(if *uses { &young } else { &[] }), now),
        Step::Refuse => propagation.heard("t", refused(&young), now),
        Step::NoTable => {
            propagation.no_table("t", now);
        }
        Step::Load => propagation.loads("t").count(now),
        Step::MadeAgain => propagation.hold(&[("t".to_owned(), now)].into(), now),
    }
}

proptest! {
    /// Whatever happened before: accepted often enough after the last change, everything is hot again.
    #[test]
    fn everything_settles_in_the_end(steps in prop::collection::vec((step(), 0_u64..200), 0..40)) {
        let (mut propagation, mut now) = (Propagation::new(PACE), 0);
        for (step, after) in &steps {
            now += after;
            take(&mut propagation, step, at(now));
        }
        let all = ["a", "b", "c", "d"].map(str::to_owned);
        propagation.look(&schema(&[("t", &["a", "b", "c", "d"])]), at(now));
        for _ in 0..3 {
            propagation.heard("t", accepted(&all), at(now + 121));
        }
        let uses_young = all.iter().any(|column| propagation.is_young("t", column));
        prop_assert_eq!(propagation.lane("t", uses_young, Some(secs(1)), at(now + 122)), Lane::Hot);
        prop_assert!(propagation.is_settled("t"));
    }

    /// A row is never hot while it uses something young, never streamed within the hold, never waits longer than half a minute or the hold at a time, and
    /// the cold lane never takes more jobs than a table bears.
    #[test]
    fn lanes_keep_to_their_bounds(
        steps in prop::collection::vec((step(), 0_u64..200), 0..60),
        waited in prop::option::of(0_u64..2_000),
    ) {
        let (mut propagation, mut now, mut loads) = (Propagation::new(PACE), 0, BTreeMap::<i64, u32>::new());
        let (mut is_there, mut held_until) = (false, 0);
        for (step, after) in &steps {
            now += after;
            take(&mut propagation, step, at(now));
            match step {
                Step::Columns(_) => is_there = true,
                Step::Gone => is_there = false,
                Step::MadeAgain if is_there => held_until = now + 120,
                _ => {}
            }
            let uses_young = propagation.is_young("t", "b");
            let lane = propagation.lane("t", uses_young, waited.map(secs), at(now));
            prop_assert!(!(uses_young && lane == Lane::Hot));
            let is_streamed = matches!(lane, Lane::Hot | Lane::Probation);
            prop_assert!(!(is_there && is_streamed && now < held_until), "streamed within the hold");
            match lane {
                Lane::Wait(wait) => prop_assert!(!wait.is_zero() && wait <= PACE.recreate_hold),
                Lane::Cold => {
                    propagation.loads("t").count(at(now));
                    *loads.entry(at(now).as_second() / 86_400).or_default() += 1;
                    let again = propagation.lane("t", uses_young, waited.map(secs), at(now));
                    prop_assert!(again != Lane::Cold, "two jobs at once");
                }
                Lane::Hot | Lane::Probation => {}
            }
        }
        prop_assert!(loads.values().all(|count| *count <= COLD_LOADS));
    }
}
