//! What the engine says to brokers, and hears from them: librdkafka's own, in this process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};
use tempfile::TempDir;
use tokio::time::Instant;

use super::committer::Teller;
use super::core::Core;
use super::index::Held;
use super::producer::Producer;
use super::{KafkaJournal, Options, Position, Served};
use crate::journal::embedded::alone;
use crate::journal::fixtures::{at, event, event_with, receipt};
use crate::journal::follow::{Begins, Follower, Noticed, Share};
use crate::journal::{self, Cursor, EmbeddedJournal, Journal as _};
use crate::policy::settled::Settled;
use crate::spec::{Kind, Receipt, Redelivery};
use crate::telemetry::clock;

mod troubles;

const TOPIC: &str = "t";

pub(super) struct Scene {
    pub(super) core: Arc<Core>,
    _cluster: MockCluster<'static, DefaultProducerContext>,
    _dir: TempDir,
}

/// An engine with brokers, and an empty spool.
pub(super) fn scene() -> Scene {
    let (cluster, dir, options, spool) = parts(&[]);
    Scene { core: Arc::new(Core::new(options, Arc::new(spool))), _cluster: cluster, _dir: dir }
}

type Parts = (MockCluster<'static, DefaultProducerContext>, TempDir, Options, EmbeddedJournal);

/// What an engine is made of, whose library is told these properties.
fn parts(properties: &[(&str, &str)]) -> Parts {
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
    let spool = EmbeddedJournal::open(spool, at(0)).unwrap();
    let addresses = cluster.bootstrap_servers();
    let client = [("bootstrap.servers", addresses.as_str())].into_iter().chain(properties.iter().copied());
    let options = Options {
        topic: TOPIC.to_owned(),
        group: "g".to_owned(),
        client: client.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        dedupe_window: Duration::from_secs(3600),
        dedupe_max_ids: 1_000,
        max_event_bytes: 1 << 20,
        max_message_bytes: 0,
        dir: dir.path().to_owned(),
    };
    (cluster, dir, options, spool)
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
fn a_mark_is_told_as_far_as_the_destination_has_settled_and_for_none_that_is_not_known() {
    let Scene { core, .. } = &scene();
    serve(core);
    core.next_rebalance();
    let names = ["hook", "late"].map(str::to_owned);
    core.serve(names.map(|name| Served { name, begins: Begins::Beginning }).into());
    core.spool.append((0..3).map(|n| Arc::new(event(&format!("m{n}"), 10))).collect()).unwrap();
    {
        let mut state = core.state();
        (0..3).for_each(|n| state.index.add(n, 0, 10 + n));
        state.index.read_to(0, 13);
    }
    let mut teller = Teller::default();
    let mut told = |mark, settled: &[std::ops::Range<u64>]| {
        let cursor = Cursor { mark: Position(mark), settled: settled.to_vec(), ..Cursor::default() };
        core.spool.commit("hook", &cursor).unwrap();
        teller.tell(core).unwrap();
        core.groups.settled("hook", &[0]).unwrap()[&0].clone()
    };
    assert_eq!(told(0, &[]), Settled::new(10, &[]), "all of it is open");
    assert_eq!(told(1, &[2..3; 1]), Settled::new(11, &[12..13; 1]), "what is settled above stands beside it");
    assert_eq!(told(3, &[]), Settled::new(13, &[]));
    assert!(core.groups.settled("late", &[0]).unwrap().is_empty(), "what it has had is not looked up yet");
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
fn a_users_events_keep_their_order_behind_a_batch_that_is_refused_for_its_size() {
    // Long enough for a wave to be handed over on a busy machine; one of five goes at once.
    let (cluster, _dir, options, spool) = parts(&[("batch.num.messages", "5"), ("linger.ms", "400")]);
    let core = Core::new(options, Arc::new(spool));
    let producer = Producer::new(core.clients.clone(), TOPIC);
    let (too_large, fine) =
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR);
    // All of them are of one user.
    let group = |first: u32| -> Vec<_> {
        (first..first + 20).map(|n| Arc::new(event(&format!("m{n:02}"), 10))).collect()
    };
    let mut expected = Vec::new();
    // The first batch of all, one in the middle, the halves of one.
    for (round, answers) in
        [vec![too_large], vec![fine, fine, too_large], vec![too_large; 2]].iter().enumerate()
    {
        let first = 10 + 20 * round as u32;
        cluster.request_errors(RDKafkaApiKey::Produce, answers);
        // On a busy machine so few are handed over in time that one may be refused alone, again and again.
        let alone = producer.append(&group(first)).unwrap();
        let taken = (0..20).filter(|n| !alone.contains(n));
        expected.extend(taken.map(|n| format!("m{}", first as usize + n)));
        assert_eq!(stored(&core, expected.len()), expected, "round {round}");
    }
    assert!(core.clients.batches.are_reduced() || expected.len() < 60, "smaller ones are tried now");
}

#[test]
fn a_group_that_the_brokers_refuse_otherwise_is_not_accepted_and_goes_in_when_it_is_sent_again() {
    let (cluster, _dir, options, spool) = parts(&[]);
    let core = Core::new(options, Arc::new(spool));
    let producer = Producer::new(core.clients.clone(), TOPIC);
    let events: Vec<_> = (0..3).map(|n| Arc::new(event(&format!("m{n}"), 10))).collect();
    cluster.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_RECORD]);
    let refused = producer.append(&events).unwrap_err().to_string();
    assert!(refused.contains("could not write to the topic `t`"), "{refused}");
    assert!(producer.append(&events).unwrap().is_empty());
    assert_eq!(stored(&core, 3), ["m0", "m1", "m2"]);
    assert!(!core.clients.batches.are_reduced(), "that was no matter of size");
}

#[test]
fn a_letter_that_is_sent_again_is_new_to_the_brokers() {
    let Scene { core, .. } = &scene();
    let old = jiff::Timestamp::from_second(1_600_000_000).unwrap();
    let event_of = |id: &str, redelivery| {
        let receipt = Receipt { received_at: old, redelivery, ..receipt(id) };
        Arc::new(event_with(receipt, 10))
    };
    let again = Redelivery { destination: Arc::from("hook"), previous: None };
    let events = [event_of("a", None), event_of("b", Some(Box::new(again)))];
    let before = clock::now().as_millisecond();
    assert!(Producer::new(core.clients.clone(), TOPIC).append(&events).unwrap().is_empty());
    let times = records(core, 2, |message| message.timestamp().to_millis().unwrap());
    assert_eq!(times[0], old.as_millisecond());
    assert!(times[1] >= before, "{times:?}");
}

/// Returns the ids of the first records of the topic's one partition that has any.
fn stored(core: &Core, count: usize) -> Vec<String> {
    records(core, count, |message| {
        let event = alone::decode(message.payload().unwrap(), &mut None).unwrap();
        event.head.message_id.to_string()
    })
}

fn records<T>(core: &Core, count: usize, of: impl Fn(&BorrowedMessage<'_>) -> T) -> Vec<T> {
    let reader = core.clients.rereader("test").unwrap();
    let mut list = TopicPartitionList::new();
    for partition in [0, 1] {
        list.add_partition_offset(TOPIC, partition, Offset::Beginning).unwrap();
    }
    reader.assign(&list).unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    let mut found = Vec::new();
    while found.len() < count {
        assert!(Instant::now() < end, "the topic holds {} of {count} records", found.len());
        let Some(Ok(message)) = reader.poll(Duration::from_millis(100)) else { continue };
        found.push(of(&message));
    }
    found
}

/// Panics when it first hears of records, and says of later ones how many there are.
struct Clumsy {
    has_panicked: AtomicBool,
    heard: Mutex<mpsc::Sender<usize>>,
}

impl Follower for Clumsy {
    fn grown(&self, kinds: &[Kind], _: u64) {
        assert!(self.has_panicked.swap(true, Ordering::SeqCst), "a fault of ours");
        self.heard.lock().unwrap().send(kinds.len()).unwrap();
    }
    fn pause(&self) {}
    fn resume(&self) {}
    fn lost(&self, _: &str, _: u64) {}
    fn noticed(&self, _: Noticed) {}
    fn shares(&self, _: Share) {}
}

#[test]
fn a_reader_that_panics_is_told_of_and_another_one_goes_on() {
    let (_cluster, _dir, options, spool) = parts(&[("session.timeout.ms", "6000")]);
    let journal = KafkaJournal::open(options, spool).unwrap();
    journal.serve(vec![Served { name: "hook".to_owned(), begins: Begins::Beginning }]);
    let (heard, hears) = mpsc::channel();
    journal.follow(Arc::new(Clumsy { has_panicked: AtomicBool::new(false), heard: Mutex::new(heard) }));
    journal.append(vec![Arc::new(event("a", 10))]).unwrap();
    assert_eq!(hears.recv_timeout(Duration::from_secs(60)).unwrap(), 1, "it is read again");
    let trouble = journal.trouble().unwrap();
    assert!(trouble.contains("has failed 1 times and begun again"), "{trouble}");
    journal.close().unwrap();
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
