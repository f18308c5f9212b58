//! Offsets that begin anew, records of newer versions, and a spool without room.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;
use crate::journal::fixtures::event;
use crate::journal::follow::{Follower, Share};
use crate::journal::kafka::index::Held;
use crate::journal::kafka::tests::{Scene, scene};
use crate::policy::settled::Settled;

/// Writes down what it hears.
#[derive(Default)]
struct Witness(Mutex<Vec<Noticed>>);

impl Follower for Witness {
    fn grown(&self, _: &[Kind], _: u64) {}
    fn pause(&self) {}
    fn resume(&self) {}
    fn lost(&self, _: &str, _: u64) {}
    fn shares(&self, _: Share) {}
    fn noticed(&self, what: Noticed) {
        self.0.lock().unwrap().push(what);
    }
}

/// An inbox, what it said, and partition 0 that is read from 5 on.
fn inbox(core: &Arc<Core>) -> (Inbox, Arc<Witness>) {
    let witness = Arc::new(Witness::default());
    core.follower.set(Arc::<Witness>::clone(&witness)).ok().unwrap();
    let inherited = BTreeMap::from([("hook".to_owned(), Settled::new(5, &[]))]);
    let mut state = core.state();
    state.index.take(0, Held::new(5, 0, inherited));
    state.windows.insert(0, warm::window(&core.options, 1));
    drop(state);
    (Inbox::new(Arc::clone(core)), witness)
}

fn put(inbox: &mut Inbox, offset: u64, payload: &[u8]) {
    let content = content(payload, &mut None);
    inbox.put(Read::of((0, offset), 0, content));
}

fn record(id: &str) -> Vec<u8> {
    alone::encode(&event(id, 10)).unwrap()
}

/// Returns the ids in the spool that a destination is to have.
fn served(core: &Core) -> Vec<String> {
    let limit = crate::journal::fixtures::limit(100);
    let records = core.spool.read(crate::journal::Position(0), limit).unwrap();
    let end = core.spool.extent().next.0;
    let passed = core.state().index.passed_over("hook", 0..end);
    let is_served = |position: u64| !passed.iter().any(|range| range.contains(&position));
    let ours = records.iter().filter(|record| is_served(record.position.0));
    ours.map(|record| record.event.head.message_id.to_string()).collect()
}

#[test]
fn offsets_that_begin_anew_are_served_from_their_beginning_after_what_was_read_before() {
    let Scene { core, .. } = &scene();
    let (mut inbox, witness) = inbox(core);
    for (offset, id) in [(5, "a"), (6, "b"), (0, "c"), (1, "a"), (2, "d")] {
        put(&mut inbox, offset, &record(id));
    }
    while !inbox.is_empty() {
        assert!(inbox.sift().is_empty());
        inbox.append().unwrap();
    }
    assert_eq!(served(core), ["a", "b", "c", "a", "d"], "nobody knows whether `a` is settled everywhere");
    let anew = Noticed::BegunAnew { partition: 0, was_at: 7, offset: 0 };
    assert_eq!(*witness.0.lock().unwrap(), [anew]);
    assert_eq!(core.state().index.held(0).map(|held| held.next), Some(3));
}

#[test]
fn a_record_of_a_newer_version_blocks_its_partition_and_counts_for_nobody_as_settled() {
    let Scene { core, .. } = &scene();
    let (mut inbox, witness) = inbox(core);
    put(&mut inbox, 5, &record("a"));
    put(&mut inbox, 6, &alone::of_version(record("b"), 9));
    put(&mut inbox, 7, &record("c"));
    assert_eq!(inbox.sift(), [0]);
    inbox.append().unwrap();
    assert_eq!(served(core), ["a"]);
    assert_eq!(*witness.0.lock().unwrap(), [Noticed::Newer { partition: 0, offset: 6, version: 9 }]);
    let end = core.spool.extent().next.0;
    let settled = core.state().index.settled("hook", &Settled::new(end, &[]));
    assert_eq!(settled[&0], Settled::new(6, &[]), "whoever comes next begins there");
    assert!(core.trouble().unwrap().contains("is blocked at offset 6 of partition 0"));
}

#[test]
fn a_damaged_record_is_passed_over_with_a_word() {
    let Scene { core, .. } = &scene();
    let (mut inbox, witness) = inbox(core);
    put(&mut inbox, 5, b"not ours");
    put(&mut inbox, 6, &record("a"));
    assert!(inbox.sift().is_empty());
    inbox.append().unwrap();
    assert_eq!(served(core), ["a"]);
    assert_eq!(*witness.0.lock().unwrap(), [Noticed::Foreign { partition: 0, offset: 5 }]);
}

#[test]
fn an_id_that_comes_twice_is_stored_once_and_one_of_another_tenure_not_at_all() {
    let Scene { core, .. } = &scene();
    let (mut inbox, _) = inbox(core);
    put(&mut inbox, 5, &record("a"));
    put(&mut inbox, 6, &record("a"));
    inbox.sift();
    core.state().index.take(0, Held::new(5, 1, BTreeMap::new()));
    put(&mut inbox, 7, &record("b"));
    inbox.sift();
    inbox.append().unwrap();
    assert!(inbox.is_empty() && served(core).is_empty(), "{:?}", served(core));
    assert_eq!(core.state().index.held(0).map(|held| held.next), Some(5));
}

#[test]
fn an_id_that_comes_twice_is_served_once_unless_an_operator_had_it_sent_again() {
    let Scene { core, .. } = &scene();
    let (mut inbox, _) = inbox(core);
    let mut again = event("a", 10);
    let redelivery = crate::spec::Redelivery { destination: "hook".into(), previous: None };
    again.receipt.redelivery = Some(Box::new(redelivery));
    for (offset, payload) in [(5, record("a")), (6, record("a")), (7, alone::encode(&again).unwrap())] {
        put(&mut inbox, offset, &payload);
    }
    put(&mut inbox, 8, &record("b"));
    inbox.sift();
    inbox.append().unwrap();
    assert_eq!(served(core), ["a", "a", "b"]);
    assert_eq!(core.state().index.held(0).map(|held| held.next), Some(9), "the other one needs no more");
}

#[test]
fn offsets_that_were_not_there_are_lost_as_far_as_the_topic_gave_them_up() {
    let Scene { core, .. } = &scene();
    let (mut inbox, _) = inbox(core);
    for (offset, id) in [(5, "a"), (9, "b"), (10, "c"), (12, "d")] {
        put(&mut inbox, offset, &record(id));
    }
    inbox.sift();
    let mut lost = BTreeMap::new();
    core.gaps.count(&mut lost, |_| Ok((9, 13))).unwrap();
    assert_eq!(lost, BTreeMap::from([("hook".to_owned(), 3)]), "11 is no event, and was not given up");
}

#[test]
fn what_a_full_spool_did_not_take_lies_nowhere_and_goes_in_when_there_is_room() {
    let Scene { core, .. } = &scene();
    let (mut inbox, _) = inbox(core);
    let (mut offset, mut taken) = (5, 0);
    loop {
        put(&mut inbox, offset, &alone::encode(&event(&format!("m{offset}"), 200_000)).unwrap());
        inbox.sift();
        let Err(error) = inbox.append() else {
            (offset, taken) = (offset + 1, taken + 1);
            assert!(taken < 100, "a spool of 1 MiB takes no end");
            continue;
        };
        assert!(matches!(error, JournalError::Full(_)), "{error}");
        break;
    }
    let next = core.spool.extent().next.0;
    let nobodys = next..next + 1;
    assert_eq!(core.state().index.passed_over("hook", nobodys.clone()), vec![nobodys; 1]);
    assert_eq!(core.state().index.held(0).map(|held| held.next), Some(offset), "it is not read yet");
    core.spool.retain(crate::journal::Position(next), crate::journal::fixtures::at(1 << 20)).unwrap();
    inbox.append().unwrap();
    assert_eq!(core.state().index.held(0).map(|held| held.next), Some(offset + 1));
    assert_eq!(served(core).last(), Some(&format!("m{offset}")));
}
