//! A real delivery with a destination made up for the test: its backlog is dropped by an operator.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actix::prelude::*;

use super::{Beacon, Delivery, Parts};
use crate::actors::exit_guard::ExitGuard;
use crate::actors::messages::{
    BacklogDropped, ChildExited, DestinationStatus, Drain, DropBacklog, Life, Obey, Status, Wake,
};
use crate::destinations::{
    About, Attempt, Client, Destination, FailureKind, Plan, Planned, Reply, Setting, SettingError, Shown,
};
use crate::journal::fixtures::event;
use crate::journal::{Cursor, Journal, MemoryJournal, Orders, Position, ReplayOrder};
use crate::policy::outcome::{Fault, Outcome, Reason, Verdict};
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};
use crate::spec::Event;
use crate::telemetry::Metrics;

/// Refuses everything with 401 until told otherwise. Has no use for events whose id ends with `7`.
struct Gatekeeper(Arc<AtomicBool>);

/// Where it has a counter, it is never prepared; the counter says how many preparations were begun, and how many go on.
#[derive(Default)]
struct Wire(Option<Arc<[AtomicUsize; 2]>>);

/// One preparation less.
struct GoesOn<'a>(&'a AtomicUsize);

impl Drop for GoesOn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Client for Wire {
    type Request = ();

    async fn init(&self) -> Result<(), Reply> {
        let Some([begun, going_on]) = self.0.as_deref() else { return Ok(()) };
        begun.fetch_add(1, Ordering::SeqCst);
        going_on.fetch_add(1, Ordering::SeqCst);
        let _goes_on = GoesOn(going_on);
        std::future::pending().await
    }

    async fn send(&self, _: &()) -> Reply {
        Reply::failed(FailureKind::Timeout, "nobody looks at this")
    }

    fn show(&self, (): &()) -> Shown {
        Shown::default()
    }
}

impl Destination for Gatekeeper {
    const KIND: &'static str = "gatekeeper";
    const ABOUT: About = About {
        title: "Gatekeeper",
        summary: "",
        guarantee: "",
        link: "",
        is_warehouse: false,
        required: &[],
        variables: &[],
        surroundings: &[],
        config_block: "",
    };
    type Config = ();
    type Request = ();
    type Client = Wire;

    fn patience() -> Patience {
        let second = Duration::from_secs(1);
        Patience {
            batch: BatchLimits {
                max_events: NonZeroUsize::new(50).unwrap(),
                max_bytes: 1 << 20,
                max_delay: Duration::from_millis(1),
            },
            retry: Retry { initial: second, max: second, give_up_after: 1_000 * second },
            breaker: BreakerSettings { failures: 5, open_for: second },
            probe_every: Duration::from_millis(20),
            concurrency: NonZeroUsize::new(4).unwrap(),
            rate_limit: RateLimit::default(),
            timeout: second,
        }
    }

    fn new((): (), _: &Setting) -> Result<(Self, Wire), Vec<SettingError>> {
        Ok((Gatekeeper(Arc::default()), Wire::default()))
    }

    fn wants(&self, event: &Event) -> Verdict {
        let useless = event.head.message_id.ends_with('7');
        if useless { Verdict::No(Reason::Unsupported) } else { Verdict::Yes }
    }

    fn plan(&self, events: &[Arc<Event>], _: &Attempt) -> Plan<()> {
        let all = Planned { request: (), events: (0..events.len()).collect() };
        Plan { requests: vec![all], ..Plan::default() }
    }

    fn judge(&self, (): &(), events: usize, _: &Reply) -> Vec<Outcome> {
        let fault =
            Fault { reason: Reason::Unauthorized, status: Some(401), answer: String::new(), place: None };
        let open = self.0.load(Ordering::SeqCst);
        vec![if open { Outcome::Delivered } else { Outcome::Broken(fault) }; events]
    }
}

/// Hears of the end of children and does nothing about it.
struct Deaf;

impl Actor for Deaf {
    type Context = Context<Self>;
}

impl Handler<ChildExited> for Deaf {
    type Result = ();

    fn handle(&mut self, _: ChildExited, _: &mut Context<Self>) {}
}

fn guard() -> ExitGuard {
    ExitGuard::new(Deaf.start().recipient(), Life { ward: 0, incarnation: 0 })
}

fn append(journal: &MemoryJournal, numbers: std::ops::Range<u64>) {
    journal.append(numbers.map(|n| Arc::new(event(&format!("m{n}"), 100))).collect()).unwrap();
}

fn parts(journal: &Arc<MemoryJournal>, open: &Arc<AtomicBool>) -> Parts<Gatekeeper> {
    Parts {
        name: "gate".to_owned(),
        cursor: "gate".to_owned(),
        destination: Arc::new(Gatekeeper(Arc::clone(open))),
        client: Arc::default(),
        journal: Arc::clone(journal) as Arc<dyn Journal>,
        patience: Gatekeeper::patience(),
        filter: Default::default(),
        discretion: Default::default(),
        view: Arc::new(crate::spec::privacy::View::new(Default::default(), "")),
        schema_manager: None,
        metrics: Arc::new(Metrics::new()),
        beacon: Arc::new(Beacon::default()),
        tap: Default::default(),
        replay: None,
    }
}

fn start(journal: &Arc<MemoryJournal>, open: &Arc<AtomicBool>) -> Addr<Delivery<Gatekeeper>> {
    Delivery::new(Arc::new(parts(journal, open)), guard()).start()
}

async fn until(
    delivery: &Addr<Delivery<Gatekeeper>>,
    holds: impl Fn(&DestinationStatus) -> bool,
) -> DestinationStatus {
    let waiting = async {
        loop {
            let status = delivery.send(Status).await.unwrap();
            if holds(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it never comes about")
}

#[actix::test]
async fn a_held_destination_drops_exactly_what_waits_and_takes_what_comes_after() {
    let (journal, open) = (Arc::new(MemoryJournal::default()), Arc::new(AtomicBool::new(false)));
    append(&journal, 0..30_000);
    let delivery = start(&journal, &open);
    until(&delivery, |status| status.reason.as_deref() == Some("unauthorized")).await;
    let dropped = delivery.send(DropBacklog).await.unwrap().unwrap();
    assert_eq!(dropped.count + dropped.in_flight, 27_000);
    assert!(dropped.in_flight <= 1, "a probe at most: {dropped:?}");

    open.store(true, Ordering::SeqCst);
    append(&journal, 30_000..30_010);
    delivery.send(Wake).await.unwrap();
    let status = until(&delivery, |status| status.backlog.events == 0).await;
    let by_operator = status.counts.dead.get("dropped_by_operator").copied().unwrap_or(0);
    assert_eq!(by_operator + status.counts.delivered, 27_009, "{:?}", status.counts);
    assert!((9..=10).contains(&status.counts.delivered), "{:?}", status.counts);
    assert_eq!(status.counts.skipped.get("unsupported"), Some(&3_001));
    assert!(journal.dead_letters().is_empty(), "nobody asked for letters");

    let nothing = delivery.send(DropBacklog).await.unwrap();
    assert_eq!(nothing, Ok(BacklogDropped { count: 0, in_flight: 0 }));
    delivery.send(Drain).await.unwrap();
}

#[actix::test]
async fn a_dropped_backlog_stays_dropped_after_a_restart() {
    let (journal, open) = (Arc::new(MemoryJournal::default()), Arc::new(AtomicBool::new(false)));
    append(&journal, 0..100);
    let delivery = start(&journal, &open);
    until(&delivery, |status| status.reason.as_deref() == Some("unauthorized")).await;
    let dropped = delivery.send(DropBacklog).await.unwrap().unwrap();
    let cursor = || journal.cursor("gate").unwrap().unwrap_or_default();
    let counted = || cursor().counts.get("dead.dropped_by_operator").copied().unwrap_or(0);
    until(&delivery, |_| counted() >= dropped.count).await;
    delivery.send(Drain).await.unwrap();
    open.store(true, Ordering::SeqCst);
    let again = start(&journal, &open);
    append(&journal, 100..101);
    let status = until(&again, |status| status.counts.delivered > 0 && status.backlog.events == 0).await;
    let by_operator = status.counts.dead.get("dropped_by_operator").copied().unwrap_or(0);
    assert_eq!(by_operator + status.counts.delivered, 91, "{:?}", status.counts);
    assert_eq!(status.counts.skipped.get("unsupported"), Some(&10), "nothing is counted twice");
}

#[actix::test]
async fn what_was_skipped_behind_a_waiting_event_is_not_skipped_again_after_a_restart() {
    let (journal, open) = (Arc::new(MemoryJournal::default()), Arc::new(AtomicBool::new(false)));
    append(&journal, 0..100);
    let delivery = start(&journal, &open);
    until(&delivery, |status| status.reason.as_deref() == Some("unauthorized")).await;
    delivery.send(Drain).await.unwrap();
    let cursor = journal.cursor("gate").unwrap().unwrap();
    assert_eq!((cursor.mark.0, cursor.counts.get("skipped.unsupported")), (0, Some(&10)));
    open.store(true, Ordering::SeqCst);
    let again = start(&journal, &open);
    let status = until(&again, |status| status.counts.delivered == 90).await;
    assert_eq!(status.counts.skipped.get("unsupported"), Some(&10));
    again.send(Drain).await.unwrap();
}

#[actix::test]
async fn a_replay_that_had_done_all_before_a_kill_ends_at_once() {
    let (journal, open) = (Arc::new(MemoryJournal::default()), Arc::new(AtomicBool::new(true)));
    append(&journal, 0..10);
    let at = jiff::Timestamp::UNIX_EPOCH;
    let order =
        ReplayOrder { from: 0, until: 10, filter: Vec::new(), events_per_second: 0, at, passage: None };
    journal.commit("gate~replay", &Cursor { mark: Position(10), ..Cursor::default() }).unwrap();
    let replay = parts(&journal, &open).for_replay(order).unwrap();
    let delivery = Delivery::new(Arc::new(replay), guard()).start();
    let ended = async {
        while delivery.connected() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("it waits for ever");
}

#[actix::test]
async fn a_retry_of_the_preparation_replaces_the_one_under_way() {
    let (journal, open) = (Arc::new(MemoryJournal::default()), Arc::new(AtomicBool::new(true)));
    let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let client = Arc::new(Wire(Some(Arc::clone(&counts))));
    let patience = Patience { timeout: Duration::from_secs(600), ..Gatekeeper::patience() };
    let parts = Parts { client, patience, ..parts(&journal, &open) };
    let delivery = Delivery::new(Arc::new(parts), guard()).start();
    for begun in 1..4 {
        until(&delivery, |_| counts[0].load(Ordering::SeqCst) == begun).await;
        assert_eq!(counts[1].load(Ordering::SeqCst), 1);
        delivery.send(Obey::Retry).await.unwrap();
    }
    delivery.send(Drain).await.unwrap();
}

#[actix::test]
async fn a_wire_that_stays_silent_is_told_of_and_prepared_again() {
    let (journal, open) = (Arc::new(MemoryJournal::default()), Arc::new(AtomicBool::default()));
    let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let client = Arc::new(Wire(Some(Arc::clone(&counts))));
    let patience = Patience { timeout: Duration::from_millis(20), ..Gatekeeper::patience() };
    let parts = Parts { client, patience, ..parts(&journal, &open) };
    let delivery = Delivery::new(Arc::new(parts), guard()).start();
    let told = until(&delivery, |status| status.last_error.is_some()).await;
    assert_eq!(told.last_error.unwrap().message, "no answer within 0.06 s");
    until(&delivery, |_| counts[0].load(Ordering::SeqCst) > 1).await;
    delivery.send(Drain).await.unwrap();
}

/// Starts a delivery whose wire never answers.
fn start_silent(journal: &Arc<MemoryJournal>) -> Addr<Delivery<Gatekeeper>> {
    let client = Arc::new(Wire(Some(Arc::default())));
    let patience = Patience { timeout: Duration::from_secs(600), ..Gatekeeper::patience() };
    let parts = Parts { client, patience, ..parts(journal, &Arc::default()) };
    Delivery::new(Arc::new(parts), guard()).start()
}

#[actix::test]
async fn a_destination_that_is_still_being_prepared_does_not_say_that_it_flows() {
    let journal = Arc::new(MemoryJournal::default());
    append(&journal, 0..10);
    let delivery = start_silent(&journal);
    let status = delivery.send(Status).await.unwrap();
    assert_eq!((status.state, status.reason.as_deref()), ("held", Some("preparing")));
    assert_eq!(status.backlog.events, 10);
    delivery.send(Drain).await.unwrap();
}

#[actix::test]
async fn a_destination_that_was_paused_says_so_also_while_it_is_prepared() {
    let journal = Arc::new(MemoryJournal::default());
    journal.give_orders("gate", &Orders { paused: true, replay: None }).unwrap();
    let delivery = start_silent(&journal);
    let status = until(&delivery, |status| status.state == "paused").await;
    assert_eq!(status.reason, None);
    delivery.send(Obey::Resume).await.unwrap();
    let status = delivery.send(Status).await.unwrap();
    assert_eq!((status.state, status.reason.as_deref()), ("held", Some("preparing")));
    delivery.send(Drain).await.unwrap();
}
