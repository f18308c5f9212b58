//! What a seat does with partitions that come and go, without a group that gives them.

use rdkafka::consumer::CommitMode;

use super::*;
use crate::journal::fixtures::event;
use crate::journal::follow::{Follower, Served, Share};
use crate::journal::kafka::producer::Producer;
use crate::journal::kafka::tests::{Scene, scene};
use crate::journal::{Cursor, Journal as _, Position};
use crate::policy::settled::Settled;
use crate::spec::Kind;

/// A router whose delivery settles what it has in flight when it is asked to pause.
struct Router {
    core: Arc<Core>,
    heard: Mutex<Vec<&'static str>>,
}

impl Router {
    fn hear(&self, what: &'static str) {
        self.heard.lock().unwrap().push(what);
    }
}

impl Follower for Router {
    fn grown(&self, _: &[Kind], _: u64) {}
    fn pause(&self) {
        self.core.spool.commit("hook", &Cursor { mark: Position(3), ..Cursor::default() }).unwrap();
        self.hear("pause");
    }
    fn resume(&self) {
        let is_held = self.core.state().index.held(0).is_some();
        self.hear(if is_held { "resume too early" } else { "resume" });
    }
    fn lost(&self, _: &str, _: u64) {}
    fn noticed(&self, _: Noticed) {}
    fn shares(&self, _: Share) {}
}

fn seat(core: &Arc<Core>) -> Seat {
    Seat::new(Arc::clone(core), Arc::new(Committer::start(Arc::clone(core)).unwrap()))
}

fn serve(core: &Core, destinations: &[(&str, Begins)]) -> bool {
    let served = |(name, begins): &(&str, Begins)| Served { name: (*name).to_owned(), begins: *begins };
    core.serve(destinations.iter().map(served).collect())
}

#[test]
fn what_goes_is_let_go_when_everybody_has_stopped_and_their_marks_are_told() {
    let Scene { core, .. } = &scene();
    let router = Arc::new(Router { core: Arc::clone(core), heard: Mutex::default() });
    core.follower.set(Arc::<Router>::clone(&router)).ok().unwrap();
    serve(core, &[("hook", Begins::Beginning)]);
    core.spool.append((0..4).map(|n| Arc::new(event(&format!("m{n}"), 10))).collect()).unwrap();
    {
        let mut state = core.state();
        state.index.take(0, Held::new(10, 1, BTreeMap::new()));
        state.index.take(1, Held::new(0, 1, BTreeMap::new()));
        (0..4).for_each(|n| state.index.add(n, 0, 10 + n));
        state.index.read_to(0, 14);
        state.windows.insert(0, warm::window(&core.options, 2));
    }
    assert_eq!(seat(core).release(&[0, 7]), [0], "7 was not begun");
    assert_eq!(*router.heard.lock().unwrap(), ["pause", "resume"]);
    assert_eq!(core.groups.settled("hook", &[0]).unwrap()[&0], Settled::new(13, &[]));
    let state = core.state();
    assert!(state.index.held(0).is_none() && state.windows.is_empty() && state.index.held(1).is_some());
    assert_eq!(state.index.passed_over("hook", 0..4), vec![0..4; 1], "another one sends the last");
}

#[test]
fn a_destination_that_comes_begins_where_it_says_and_that_is_told_before_anything_is_read() {
    let Scene { core, .. } = &scene();
    let events: Vec<_> = (0..9).map(|n| Arc::new(event(&format!("m{n}"), 10))).collect();
    assert!(Producer::new(core.clients.clone(), "t").append(&events).unwrap().is_empty());
    // All are of one user.
    let full = [0, 1].into_iter().find(|one| core.groups.bounds(*one).unwrap().1 == 9).unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("t", full, Offset::Offset(4)).unwrap();
    let routers = core.clients.consumer("g", Ears::default()).unwrap();
    routers.commit(&list, CommitMode::Sync).unwrap();

    serve(core, &[("now", Begins::Now)]);
    let found = seat(core).find(&[full]).unwrap();
    assert_eq!(found.beginnings[&full].offset, 4);
    assert_eq!(core.groups.settled("now", &[full]).unwrap()[&full], Settled::new(4, &[]), "a promise");
    let mut windows = found.windows;
    let window = windows.get_mut(&full).unwrap();
    let mut is_new = |n: usize| {
        let record = crate::journal::embedded::alone::encode(&events[n]).unwrap();
        warm::remember(window, &crate::journal::embedded::alone::know(&record).unwrap())
    };
    assert!(!is_new(0) && !is_new(3) && is_new(4), "what was read before is known, and nothing else");

    serve(core, &[("now", Begins::Now), ("all", Begins::Beginning)]);
    let found = seat(core).find(&[full]).unwrap();
    let beginning = &found.beginnings[&full];
    assert_eq!((beginning.offset, beginning.inherited["now"].mark()), (0, 4));
    assert_eq!(core.groups.settled("all", &[full]).unwrap()[&full], Settled::new(0, &[]));
}

#[test]
fn a_destination_that_comes_later_is_served_once_all_is_taken_again() {
    let Scene { core, .. } = &scene();
    core.next_rebalance();
    assert!(serve(core, &[("late", Begins::Now)]));
    let consumer = core.clients.consumer("g", seat(core)).unwrap();
    assert!(consumer.context().take_again(&consumer));
    assert!(!serve(core, &[("late", Begins::Now)]), "it is known");
    assert_eq!(core.passed_over("late", 3..5), vec![3..5; 1], "nothing lies there for anybody");
}
