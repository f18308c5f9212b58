//! What the engine says to brokers, and hears from them: librdkafka's own, in this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tempfile::TempDir;

use super::committer::Teller;
use super::core::Core;
use super::index::Held;
use super::producer::Producer;
use super::{Options, Position, Served};
use crate::journal::fixtures::{at, event};
use crate::journal::follow::Begins;
use crate::journal::{self, Cursor, EmbeddedJournal, Journal as _};
use crate::policy::settled::Settled;

const TOPIC: &str = "t";

pub(super) struct Scene {
    pub(super) core: Arc<Core>,
    _cluster: MockCluster<'static, DefaultProducerContext>,
    _dir: TempDir,
}

/// An engine with brokers, and an empty spool.
pub(super) fn scene() -> Scene {
    let (cluster, dir) = (MockCluster::new(1).unwrap(), TempDir::new().unwrap());
    cluster.create_topic(TOPIC, 2, 1).unwrap();
    let spool = journal::Options {
        dir: dir.path().join("spool"),
        fsync: false,
        max_bytes: 1 << 20,
        drop_oldest: false,
        retention: Duration::from_secs(3600),
        dedupe_window: Duration::ZERO,
        dedupe_max_ids: 0,
        tail_bytes: 1 << 20,
    };
    let spool = Arc::new(EmbeddedJournal::open(spool, at(0)).unwrap());
    let options = Options {
        topic: TOPIC.to_owned(),
        group: "g".to_owned(),
        client: BTreeMap::from([("bootstrap.servers".to_owned(), cluster.bootstrap_servers())]),
        dedupe_window: Duration::from_secs(3600),
        dedupe_max_ids: 1_000,
        max_event_bytes: 1 << 10,
        dir: dir.path().to_owned(),
    };
    Scene { core: Arc::new(Core::new(options, spool)), _cluster: cluster, _dir: dir }
}

/// A destination whose cursor is here, and a partition that was read from 0 to 10.
fn serve(core: &Core) {
    core.serve(vec![Served { name: "hook".to_owned(), begins: Begins::Beginning }]);
    let mut state = core.state();
    state.index.take(0, Held::new(0, 1, BTreeMap::from([("hook".to_owned(), Settled::default())])));
    state.index.read_to(0, 10);
}

fn mark(core: &Core) -> u64 {
    core.groups.settled("hook", &[0]).unwrap()[&0].mark()
}

#[test]
fn a_teller_that_comes_late_moves_no_mark_back() {
    let Scene { core, .. } = &scene();
    serve(core);
    let mut teller = Teller::default();
    teller.tell(core).unwrap();
    assert_eq!(mark(core), 10);
    // Another router served it meanwhile.
    core.groups.tell("hook", &BTreeMap::from([(0, (50, String::new()))])).unwrap();
    core.state().index.read_to(0, 12);
    teller.tell(core).unwrap();
    Teller::default().tell(core).unwrap();
    assert_eq!(mark(core), 50);
    core.state().index.read_to(0, 60);
    teller.tell(core).unwrap();
    assert_eq!(mark(core), 60);
}

#[test]
fn a_mark_goes_back_with_the_offsets() {
    let Scene { core, .. } = &scene();
    serve(core);
    let mut teller = Teller::default();
    teller.tell(core).unwrap();
    core.state().index.begin_anew(0, 2);
    teller.tell(core).unwrap();
    assert_eq!(mark(core), 2);
}

#[test]
fn an_event_that_is_too_large_is_refused_alone() {
    let Scene { core, .. } = &scene();
    let producer = Producer::new(core.clients.clone(), TOPIC);
    let events: Vec<_> =
        [("a", 10), ("big", 2 << 20), ("b", 10)].map(|(id, size)| Arc::new(event(id, size))).into();
    assert_eq!(producer.append(&events).unwrap(), [1]);
    let stored = || [0, 1].map(|partition| core.groups.bounds(partition).unwrap().1).iter().sum::<u64>();
    assert_eq!(stored(), 2, "the others are stored, and once");
}

#[test]
fn a_cursor_of_an_earlier_life_begins_with_this_one() {
    let Scene { core, .. } = &scene();
    serve(core);
    assert_eq!(core.cursor("hook").unwrap().map(|cursor| cursor.mark), Some(Position(0)));
    let cursor = Cursor { mark: Position(0), ..Cursor::default() };
    core.spool.commit("replay", &cursor).unwrap();
    assert_eq!(core.cursor("replay").unwrap().map(|cursor| cursor.mark), Some(Position(0)));
    assert_eq!(core.cursor("nobody").unwrap(), None);
}

#[test]
fn a_destination_that_comes_after_partitions_were_taken_is_not_known() {
    let Scene { core, .. } = &scene();
    let served = |names: &[&str]| {
        names.iter().map(|name| Served { name: (*name).to_owned(), begins: Begins::Now }).collect::<Vec<_>>()
    };
    assert!(!core.serve(served(&["a"])), "nothing was taken yet");
    core.next_rebalance();
    assert!(core.serve(served(&["a", "b"])));
    assert_eq!(core.passed_over("b", 3..5), vec![3..5; 1], "nothing is sent to it before it is known");
    assert!(core.serve(served(&["a", "b"])), "it is not known by being named twice");
}
