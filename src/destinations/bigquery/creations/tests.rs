use proptest::prelude::*;

use super::*;

const HOLD: Duration = Duration::from_secs(120);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_366_400 + second).unwrap()
}

/// What the dataset says of a table that was made then.
fn made(second: i64) -> Option<i64> {
    Some(at(second).as_millisecond())
}

/// A table `t` that was made an hour before second 0, and read.
fn known() -> Creations {
    let mut creations = Creations::new(HOLD);
    creations.seen("t", made(-3_600), at(0));
    creations
}

/// The same in a process that starts at this second.
fn restarted(creations: &Creations, second: i64) -> Creations {
    let file = serde_json::to_string(creations.kept()).unwrap();
    let mut again = Creations::new(HOLD);
    again.recall(serde_json::from_str(&file).unwrap(), at(second));
    again
}

fn held(creations: &Creations, second: i64) -> Option<Timestamp> {
    creations.again(at(second)).remove("t")
}

#[test]
fn a_table_that_nobody_knew_is_new_however_young_it_is_and_whoever_made_it() {
    let mut creations = Creations::new(HOLD);
    creations.all_seen(&BTreeMap::new(), at(0));
    creations.made("t", made(1), at(1));
    creations.seen("u", made(1), at(1));
    creations.seen("t", made(1), at(2));
    assert_eq!(creations.again(at(2)), BTreeMap::new());
}

#[test]
fn a_table_that_we_made_again_is_held_until_its_time_is_over() {
    let mut creations = known();
    creations.gone("t");
    creations.made("t", made(10), at(10));
    assert_eq!(held(&creations, 10), Some(at(10)));
    creations.seen("t", made(10), at(60));
    assert_eq!(held(&creations, 129), Some(at(10)), "reading it once more changes nothing");
    assert_eq!(held(&creations, 130), None);
}

#[test]
fn a_table_that_somebody_else_made_again_is_noticed_by_its_time_alone() {
    let mut creations = known();
    creations.seen("t", made(-600), at(900));
    assert_eq!(held(&creations, 900), Some(at(900)), "the hold begins when it is noticed");
    let mut creations = known();
    creations.all_seen(&BTreeMap::from([("t".to_owned(), made(-600))]), at(900));
    assert_eq!(held(&creations, 900), Some(at(900)));
}

#[test]
fn a_table_that_was_not_seen_for_a_moment_and_is_the_same_is_not_held() {
    let mut creations = known();
    creations.all_seen(&BTreeMap::new(), at(10));
    creations.seen("t", made(-3_600), at(20));
    assert_eq!(held(&creations, 20), None);
}

#[test]
fn a_restart_goes_on_with_the_hold_and_with_what_is_gone() {
    let mut creations = known();
    creations.gone("t");
    let mut second = restarted(&creations, 20);
    second.made("t", made(20), at(20));
    let third = restarted(&second, 60);
    assert_eq!((held(&third, 60), held(&third, 140)), (Some(at(20)), None));
    let mut third = restarted(&second, 60);
    third.seen("t", made(61), at(61));
    assert_eq!(held(&third, 61), Some(at(61)), "made again a second time while nobody looked");
}

#[test]
fn what_was_noticed_in_our_future_counts_from_now_on() {
    let mut creations = known();
    creations.made("t", made(1_000_000), at(1_000_000));
    assert_eq!(held(&restarted(&creations, 50), 60), Some(at(50)));
}

#[test]
fn a_known_table_whose_time_was_never_told_is_held_when_it_is_young_or_was_gone() {
    let untold = || {
        let mut creations = Creations::new(HOLD);
        creations.recall([("t".to_owned(), Creation::default())].into(), at(0));
        creations
    };
    let mut creations = untold();
    creations.seen("t", made(-121), at(0));
    assert_eq!(held(&creations, 0), None);
    let mut creations = untold();
    creations.seen("t", made(-60), at(0));
    assert_eq!(held(&creations, 0), Some(at(0)));
    let mut creations = untold();
    creations.gone("t");
    creations.seen("t", made(-121), at(0));
    assert_eq!(held(&creations, 0), Some(at(0)));
}

#[test]
fn where_no_times_are_told_a_table_that_was_gone_is_another_one() {
    let mut creations = Creations::new(HOLD);
    creations.seen("t", None, at(0));
    creations.seen("t", None, at(1));
    assert_eq!(held(&creations, 1), None);
    creations.gone("t");
    creations.seen("t", None, at(2));
    assert_eq!(held(&creations, 2), Some(at(2)));
}

#[test]
fn tables_that_are_gone_are_forgotten_when_there_are_too_many() {
    let mut creations = known();
    (1..MOST).for_each(|table| creations.seen(&table.to_string(), made(0), at(0)));
    creations.gone("1");
    creations.seen("one more", made(0), at(0));
    assert_eq!(creations.kept().len(), MOST);
    assert!(creations.kept().contains_key("t") && !creations.kept().contains_key("1"));
}

/// One thing that may happen to the table, or to a process that knows it.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Somebody deletes it and makes another.
    Replace,
    Read,
    ReadAll,
    /// It is deleted, and that is noticed.
    Gone,
    /// We make it where it is missing.
    Make,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    prop_oneof![Just(Replace), Just(Read), Just(ReadAll), Just(Gone), Just(Make), Just(Restart)]
}

/// The table as it is over there: when it was made, while it is there.
fn take(creations: &mut Creations, there: &mut Option<i64>, step: Step, second: i64) {
    match (step, *there) {
        (Step::Replace, _) => *there = made(second),
        (Step::Read, None) => creations.gone("t"),
        (Step::Read, Some(_)) => creations.seen("t", *there, at(second)),
        (Step::ReadAll, _) => {
            let listed = there.map(|_| ("t".to_owned(), *there));
            creations.all_seen(&listed.into_iter().collect(), at(second));
        }
        (Step::Gone, _) => {
            *there = None;
            creations.gone("t");
        }
        (Step::Make, None) => {
            *there = made(second);
            creations.made("t", *there, at(second));
        }
        (Step::Make, Some(_)) => {}
        (Step::Restart, _) => *creations = restarted(creations, second),
    }
}

proptest! {
    /// Whatever happened: once the table was read it is held if and only if it is another one than a process knew within
    /// the hold, and no longer than the hold after that was noticed.
    #[test]
    fn a_table_is_held_exactly_when_another_one_was_noticed(
        steps in prop::collection::vec((step(), 1_i64..100), 0..40),
    ) {
        let (mut creations, mut there, mut second) = (known(), made(-3_600), 0);
        let (mut last, mut noticed) = (there, None);
        for (step, after) in steps {
            second += after;
            let is_read = matches!(step, Step::Read | Step::ReadAll) || matches!((step, there), (Step::Make, None));
            take(&mut creations, &mut there, step, second);
            if is_read && there.is_some() && there != last {
                (last, noticed) = (there, Some(second));
            }
            let wanted = noticed.filter(|noticed| second - noticed < 120).map(at);
            prop_assert_eq!(held(&creations, second), wanted);
        }
    }
}
