//! What the engine does about brokers that take nothing, or are far away, and about a disk.

use super::*;
use crate::journal::kafka::begin::Beginning;
use crate::journal::kafka::warm;

fn seen(ids: &[&str]) -> Vec<Arc<crate::spec::Event>> {
    ids.iter().map(|id| Arc::new(event(id, 10))).collect()
}

#[test]
fn a_topic_that_takes_nothing_is_not_said_to_take_it_though_its_brokers_answer() {
    let (cluster, _dir, options, spool) = parts(&[("message.timeout.ms", "1500")]);
    let core = Core::new(options, Arc::new(spool));
    let producer = Producer::new(core.clients.clone(), TOPIC);
    producer.probe().unwrap();
    let few = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;
    cluster.request_errors(RDKafkaApiKey::Produce, &[few; 200]);
    let events = seen(&["a"]);
    producer.append(&events).unwrap_err();
    producer.probe().unwrap_err();
    cluster.clear_request_errors(RDKafkaApiKey::Produce);
    assert!(producer.append(&events).unwrap().is_empty());
    producer.probe().unwrap();
}

#[test]
fn a_topic_with_a_partition_without_a_leader_is_not_said_to_take_everything() {
    let (cluster, _dir, options, spool) = parts(&[]);
    let core = Core::new(options, Arc::new(spool));
    let producer = Producer::new(core.clients.clone(), TOPIC);
    cluster.partition_leader(TOPIC, 1, None).unwrap();
    let why = producer.probe().unwrap_err().to_string();
    assert!(why.contains("partition 1"), "{why}");
    cluster.partition_leader(TOPIC, 1, Some(1)).unwrap();
    producer.probe().unwrap();
}

#[test]
fn a_topic_whose_replicas_are_too_few_is_not_said_to_take_anything() {
    let Scene { core, .. } = &scene();
    let producer = Producer::new(core.clients.clone(), TOPIC);
    core.clients.least_in_sync.told(1);
    producer.probe().unwrap();
    core.clients.least_in_sync.told(2);
    let why = producer.probe().unwrap_err().to_string();
    assert!(why.contains("has 1 replicas in sync") && why.contains("min.insync.replicas"), "{why}");
}

#[test]
fn a_cursor_that_cannot_be_read_keeps_nobody_elses_mark_back_and_all_of_the_index() {
    let (_cluster, dir, options, spool) = parts(&[]);
    let core = &Core::new(options, Arc::new(spool));
    let names = ["a", "b", "c"].map(str::to_owned);
    core.serve(names.clone().map(|name| Served { name, begins: Begins::Beginning }).into());
    core.spool.append(seen(&["m0", "m1"])).unwrap();
    {
        let mut state = core.state();
        let inherited = names.map(|name| (name, Settled::default()));
        state.index.take(0, Held::new(0, 1, BTreeMap::from(inherited)));
        (0..2).for_each(|n| state.index.add(n, 0, 10 + n));
        state.index.read_to(0, 12);
    }
    for name in ["a", "b", "c"] {
        core.spool.commit(name, &Cursor { mark: Position(2), ..Cursor::default() }).unwrap();
    }
    let file = dir.path().join("spool/cursors/b.cursor");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    core.cursor("b").unwrap_err();
    let mut teller = Teller::default();
    teller.tell(core).unwrap();
    let told = |name: &str| core.groups.settled(name, &[0]).unwrap().get(&0).map(Settled::mark);
    assert_eq!((told("a"), told("b"), told("c")), (Some(12), None, Some(12)));
    let left = |core: &Core| core.state().index.passed_over("a", 0..2).is_empty();
    assert!(left(core), "`b` may need it");
    std::fs::remove_dir(&file).unwrap();
    teller.tell(core).unwrap();
    assert_eq!((told("b"), left(core)), (Some(12), false));
}

#[test]
fn ids_are_read_back_from_brokers_that_are_far_away() {
    let (cluster, _dir, options, spool) = parts(&[]);
    let core = Core::new(options, Arc::new(spool));
    let events = seen(&["a", "b", "c"]);
    assert!(Producer::new(core.clients.clone(), TOPIC).append(&events).unwrap().is_empty());
    // All are of one user.
    let full = [0, 1].into_iter().find(|one| core.groups.bounds(*one).unwrap().1 == 3).unwrap();
    cluster.broker_round_trip_time(1, Duration::from_millis(700)).unwrap();
    let beginning = Beginning { offset: 3, inherited: BTreeMap::new(), lost: BTreeMap::new(), was_at: None };
    let mut windows = warm::windows(&core, &BTreeMap::from([(full, beginning)]));
    let window = windows.get_mut(&full).unwrap();
    for event in &events {
        let known = alone::know(&alone::encode(event).unwrap()).unwrap();
        assert!(!warm::remember(window, &known), "{} is forgotten", event.head.message_id);
    }
}
