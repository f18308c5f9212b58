//! Dead letters shared by routers, over brokers in this process and with real files.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::journal::Options;
use crate::journal::fixtures::{at, event, letter, receipt};

const TOPIC: &str = "t.dead";

struct Cluster(MockCluster<'static, DefaultProducerContext>);

impl Cluster {
    fn empty() -> Cluster {
        Cluster(MockCluster::new(1).unwrap())
    }

    fn new() -> Cluster {
        let cluster = Cluster::empty();
        cluster.create();
        cluster
    }

    fn create(&self) {
        self.0.create_topic(TOPIC, 1, 1).unwrap();
    }

    fn connection(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("bootstrap.servers".to_owned(), self.0.bootstrap_servers())])
    }
}

/// A router's part: its files and what follows the topic.
struct Router {
    local: Arc<EmbeddedJournal>,
    topic: DeadTopic,
    dir: TempDir,
}

impl Router {
    fn start(cluster: &Cluster) -> Router {
        Router::start_in(TempDir::new().unwrap(), cluster)
    }

    fn start_in(dir: TempDir, cluster: &Cluster) -> Router {
        let options = Options {
            dir: dir.path().join("journal"),
            fsync: false,
            max_bytes: 1 << 20,
            drop_oldest: false,
            retention: Duration::from_secs(3600),
            dedupe_window: Duration::ZERO,
            dedupe_max_ids: 0,
            tail_bytes: 1 << 20,
        };
        let local = Arc::new(EmbeddedJournal::open(options, at(0)).unwrap());
        let connection = cluster.connection();
        let topic =
            DeadTopic::open(Arc::clone(&local), &dir.path().join("dead"), (TOPIC, "g"), &connection).unwrap();
        Router { local, topic, dir }
    }

    fn restart(self, cluster: &Cluster) -> Router {
        let Router { local, topic, dir } = self;
        topic.close();
        drop((topic, local));
        Router::start_in(dir, cluster)
    }

    fn bury(&self, ids: &[&str]) {
        let letters: Vec<DeadLetter> =
            ids.iter().map(|id| letter("crm", "rejected", Arc::new(event(id, 10)), 0)).collect();
        self.topic.bury(&letters).unwrap();
    }

    fn letters(&self) -> Vec<Letter> {
        self.local.letters(&LetterFilter::default(), Walk::Back(None), PageLimit::of(1000)).unwrap().letters
    }

    fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.letters().iter().map(|letter| letter.message_id.clone()).collect();
        ids.sort();
        ids
    }

    fn take_out(&self, id: &str) -> u64 {
        let letters: Vec<Letter> =
            self.letters().into_iter().filter(|letter| letter.message_id == id).collect();
        self.topic.take_out(&letters).unwrap()
    }

    fn until(&self, ids: &[&str]) {
        until(&format!("there are the letters {ids:?}"), || self.ids() == ids);
    }

    fn waiting(&self) -> usize {
        self.topic.shared.state().outbox.len()
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn a_letter_is_listed_at_once_where_it_was_buried_and_soon_by_every_other_router() {
    let cluster = Cluster::new();
    let (one, other) = (Router::start(&cluster), Router::start(&cluster));
    one.bury(&["a", "b"]);
    other.bury(&["c"]);
    assert!(one.ids().starts_with(&["a".to_owned(), "b".to_owned()]));
    for router in [&one, &other] {
        router.until(&["a", "b", "c"]);
        assert_eq!(router.local.letter_counts().values().sum::<u64>(), 3);
    }
    let (own, foreign) = (one.letters(), other.letters());
    let of = |letters: &[Letter]| letters.iter().find(|letter| letter.message_id == "a").cloned().unwrap();
    let (own, foreign) = (of(&own), of(&foreign));
    assert_eq!(
        (own.key, own.position),
        (foreign.key, None),
        "a position means something on one router alone"
    );
    assert_eq!(own.event().unwrap().raw, foreign.event().unwrap().raw);
}

#[test]
fn a_letter_that_one_router_takes_out_goes_everywhere() {
    let cluster = Cluster::new();
    let (one, other) = (Router::start(&cluster), Router::start(&cluster));
    one.bury(&["a", "b"]);
    other.until(&["a", "b"]);
    assert_eq!((other.take_out("a"), other.take_out("a")), (1, 0));
    assert_eq!(other.ids(), ["b"]);
    one.until(&["b"]);
    assert_eq!(one.take_out("b"), 1);
    other.until(&[]);
    // A newcomer hears of all of them, and of their end.
    one.bury(&["c"]);
    Router::start(&cluster).until(&["c"]);
}

/// A letter of somebody who is erased here: no other router lists it, nor one that reads everything again.
#[test]
fn letters_about_somebody_who_is_erased_go_everywhere() {
    let cluster = Cluster::new();
    let (one, other) = (Router::start(&cluster), Router::start(&cluster));
    let raw = r#"{"type":"track","event":"Seen","userId":"anna-1","messageId":"theirs"}"#;
    let event = crate::spec::Event::restore(Bytes::from(raw), receipt("theirs")).unwrap();
    one.topic.bury(&[letter("crm", "rejected", Arc::new(event), 0)]).unwrap();
    one.bury(&["a"]);
    other.until(&["a", "theirs"]);
    let anna = People::new(crate::spec::IdKind::UserId, ["anna-1"]);
    assert_eq!(one.topic.redact(&anna).unwrap(), 1);
    assert_eq!(one.ids(), ["a"]);
    other.until(&["a"]);
    one.bury(&["b"]);
    std::fs::remove_file(one.dir.path().join("dead/read")).unwrap();
    let one = one.restart(&cluster);
    one.bury(&["c"]);
    Router::start(&cluster).until(&["a", "b", "c"]);
    one.until(&["a", "b", "c"]);
}

#[test]
fn a_restart_reads_on_and_a_lost_directory_reads_everything() {
    let cluster = Cluster::new();
    let (one, other) = (Router::start(&cluster), Router::start(&cluster));
    one.bury(&["a", "b"]);
    other.until(&["a", "b"]);
    other.take_out("a");
    one.until(&["b"]);
    let one = one.restart(&cluster);
    other.bury(&["c"]);
    one.until(&["b", "c"]);
    // Without the note of how far it had read it hears everything again, and has nothing twice.
    std::fs::remove_file(one.dir.path().join("dead/read")).unwrap();
    let one = one.restart(&cluster);
    other.bury(&["d"]);
    one.until(&["b", "c", "d"]);
    Router::start(&cluster).until(&["b", "c", "d"]);
}

#[test]
fn while_the_topic_is_missing_letters_are_kept_here_and_told_when_it_is_there() {
    let cluster = Cluster::empty();
    let router = Router::start(&cluster);
    router.bury(&["a", "b", "c"]);
    assert_eq!((router.ids().len(), router.waiting()), (3, 3));
    assert_eq!(router.take_out("b"), 1);
    assert_eq!(router.waiting(), 4);
    // What waits outlives the process.
    let router = router.restart(&cluster);
    assert_eq!((router.ids(), router.waiting()), (vec!["a".to_owned(), "c".to_owned()], 4));
    cluster.create();
    until("everything is told", || router.waiting() == 0);
    Router::start(&cluster).until(&["a", "c"]);
    assert_eq!(router.ids(), ["a", "c"]);
    router.bury(&["d"]);
    assert_eq!(router.waiting(), 0, "the topic is in use again");
}

#[test]
fn a_letter_that_the_brokers_never_take_stays_here_and_holds_nobody_up() {
    let cluster = Cluster::new();
    let (one, other) = (Router::start(&cluster), Router::start(&cluster));
    let too_large = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE];
    cluster.0.request_errors(RDKafkaApiKey::Produce, &too_large);
    one.bury(&["large"]);
    assert_eq!((one.ids(), one.waiting()), (vec!["large".to_owned()], 0));
    one.bury(&["a"]);
    other.until(&["a"]);
    assert_eq!(one.ids(), ["a", "large"]);
    // Together too large, and not one by one.
    cluster.0.request_errors(RDKafkaApiKey::Produce, &too_large);
    one.bury(&["b", "c"]);
    other.until(&["a", "b", "c"]);
}

#[test]
fn a_record_that_is_no_letter_is_passed_over() {
    let cluster = Cluster::new();
    let producer: rdkafka::producer::BaseProducer =
        ClientConfig::new().set("bootstrap.servers", cluster.0.bootstrap_servers()).create().unwrap();
    let key = LetterKey::new(at(0), 1).to_string();
    let odd = letter("crm", "rejected", Arc::new(event("odd", 10)), 0);
    let of_another_key = letter_line::shared(&odd, LetterKey::new(at(0), 2)).unwrap();
    let of_another_key = String::from_utf8(of_another_key).unwrap();
    for (key, value) in [(key.as_str(), "{}"), ("short", "{}"), (&key, ""), (&key, &of_another_key)] {
        producer.send(BaseRecord::to(TOPIC).key(key).payload(value)).unwrap();
    }
    producer.flush(Duration::from_secs(10)).unwrap();
    let router = Router::start(&cluster);
    router.bury(&["a"]);
    let other = Router::start(&cluster);
    other.until(&["a"]);
    assert_eq!(router.ids(), ["a"]);
}

#[test]
fn old_letters_are_given_up_by_every_router_for_itself() {
    let cluster = Cluster::new();
    let (one, other) = (Router::start(&cluster), Router::start(&cluster));
    one.bury(&["a"]);
    other.until(&["a"]);
    assert_eq!(one.topic.expire(at(1)).unwrap().values().sum::<u64>(), 1);
    assert_eq!((one.ids().len(), other.ids().len()), (0, 1));
    assert_eq!(other.topic.expire(at(1)).unwrap().values().sum::<u64>(), 1);
    assert!(other.ids().is_empty());
}
