//! Single attempts with a destination made up for the test, whose requests say themselves what becomes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::prelude::*;

use super::attempt::{Gear, Report, make};
use super::ordering::OrderSchema;
use super::turnstile::Turnstile;
use super::{Beacon, Delivery, Parts};
use crate::actors::exit_guard::ExitGuard;
use crate::actors::messages::{ChangeSchema, ChildExited, Drain, Journey, Life};
use crate::destinations::{
    About, Answer, Attempt, Client, Destination, ENTRIES, Plan, Planned, Reply, Setting, SettingError, Shown,
};
use crate::journal::attempts::Matter;
use crate::journal::fixtures::{at, event};
use crate::journal::{Journal, LetterFilter, MemoryJournal, PageLimit, Position, Walk};
use crate::policy::delivery::Fate;
use crate::policy::outcome::{Fault, Outcome, Place, Reason};
use crate::policy::patience::Patience;
use crate::spec::Event;
use crate::telemetry::Metrics;
use crate::warehouse::{Column, ColumnType, SchemaDiff};

/// One request: what becomes of its events.
type Ask = Vec<Outcome>;
type Planner = Box<dyn Fn() -> Plan<Ask> + Send + Sync>;

struct Fake<const ORDERED: bool>(Planner);

/// How many requests are on their way, how many were at most, and how many there were.
#[derive(Default)]
struct Wire([AtomicUsize; 3]);

impl Client for Wire {
    type Request = Ask;

    async fn send(&self, _: &Ask) -> Reply {
        let [now, most, all] = &self.0;
        all.fetch_add(1, Ordering::SeqCst);
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        now.fetch_sub(1, Ordering::SeqCst);
        Reply::Answer(Answer { status: 200, headers: Vec::new(), body: bytes::Bytes::new(), at: at(0) })
    }

    fn show(&self, _: &Ask) -> Shown {
        Shown::default()
    }
}

impl<const ORDERED: bool> Destination for Fake<ORDERED> {
    const KIND: &'static str = "fake";
    const ABOUT: About = About {
        title: "Fake",
        summary: "",
        guarantee: "",
        link: "",
        is_warehouse: true,
        required: &[],
        variables: &[],
        surroundings: &[],
        config_block: "",
    };
    const ORDERED: bool = ORDERED;
    type Config = ();
    type Request = Ask;
    type Client = Wire;

    fn patience() -> Patience {
        Patience { timeout: Duration::from_secs(3600), ..(ENTRIES[0].patience)() }
    }

    fn new((): (), _: &Setting) -> Result<(Self, Wire), Vec<SettingError>> {
        Ok((Fake(Box::new(Plan::default)), Wire::default()))
    }

    fn plan(&self, _: &[Arc<Event>], _: &Attempt) -> Plan<Ask> {
        (self.0)()
    }

    fn judge(&self, request: &Ask, _: usize, _: &Reply) -> Vec<Outcome> {
        request.clone()
    }
}

/// A schema manager that never answers, and counts what it is asked.
struct Hanging(Arc<AtomicUsize>);

impl Actor for Hanging {
    type Context = Context<Self>;
}

impl Handler<ChangeSchema> for Hanging {
    type Result = ResponseFuture<Result<(), Fault>>;

    fn handle(&mut self, _: ChangeSchema, _: &mut Context<Self>) -> Self::Result {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    }
}

/// Passes on that a child has ended.
struct Ears(tokio::sync::mpsc::UnboundedSender<()>);

impl Actor for Ears {
    type Context = Context<Self>;
}

impl Handler<ChildExited> for Ears {
    type Result = ();

    fn handle(&mut self, _: ChildExited, _: &mut Context<Self>) {
        self.0.send(()).unwrap();
    }
}

/// Hears of orders and does nothing about them.
struct Deaf;

impl Actor for Deaf {
    type Context = Context<Self>;
}

impl Handler<OrderSchema> for Deaf {
    type Result = ();

    fn handle(&mut self, _: OrderSchema, _: &mut Context<Self>) {}
}

/// A delivery as far as an attempt sees it.
struct Bench<const ORDERED: bool> {
    parts: Arc<Parts<Fake<ORDERED>>>,
    asked: Arc<AtomicUsize>,
}

impl<const ORDERED: bool> Bench<ORDERED> {
    fn new(plan: impl Fn() -> Plan<Ask> + Send + Sync + 'static) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let parts = Parts {
            name: "fake".to_owned(),
            cursor: "fake".to_owned(),
            destination: Arc::new(Fake(Box::new(plan))),
            client: Arc::new(Wire::default()),
            journal: Arc::new(MemoryJournal::default()) as Arc<dyn Journal>,
            patience: Fake::<ORDERED>::patience(),
            filter: Default::default(),
            discretion: Default::default(),
            view: Arc::new(crate::spec::privacy::View::new(Default::default(), "")),
            schema_manager: Some(Hanging(Arc::clone(&asked)).start().recipient()),
            metrics: Arc::new(Metrics::new()),
            beacon: Arc::new(Beacon::default()),
            tap: Default::default(),
            replay: None,
        };
        Bench { parts: Arc::new(parts), asked }
    }

    async fn attempt(&self, events: u64) -> Report {
        self.attempt_through(Turnstile::new(&self.parts.patience), events).await
    }

    async fn attempt_through(&self, turnstile: Turnstile, events: u64) -> Report {
        let turnstile = Arc::new(turnstile);
        let gear = Gear { turnstile, orders: Deaf.start().recipient() };
        let batch = (0..events).map(|n| (n, Some(message(n)))).collect();
        let attempt = Attempt { number: 1, first_at: at(0), at: at(0) };
        make(Arc::clone(&self.parts), gear, batch, attempt).await
    }

    fn wire(&self) -> [usize; 3] {
        [0, 1, 2].map(|at: usize| self.parts.client.0[at].load(Ordering::SeqCst))
    }
}

impl<const ORDERED: bool> Bench<ORDERED> {
    /// Starts a delivery with one event; returns what hears of its end, too.
    fn start(&mut self) -> (Addr<Delivery<Fake<ORDERED>>>, tokio::sync::mpsc::UnboundedReceiver<()>) {
        let parts = Arc::get_mut(&mut self.parts).unwrap();
        parts.journal.append(vec![message(0)]).unwrap();
        parts.patience.batch.max_delay = Duration::ZERO;
        let (told, ended) = tokio::sync::mpsc::unbounded_channel();
        let guard = ExitGuard::new(Ears(told).start().recipient(), Life { ward: 0, incarnation: 0 });
        (Delivery::new(Arc::clone(&self.parts), guard).start(), ended)
    }
}

/// Lets other things happen until it is so.
async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it never comes about");
}

fn message(number: u64) -> Arc<Event> {
    Arc::new(event(&format!("m{number}"), 1))
}

fn ask(outcomes: &[(usize, Outcome)]) -> Planned<Ask> {
    Planned {
        events: outcomes.iter().map(|(index, _)| *index).collect(),
        request: outcomes.iter().map(|(_, outcome)| outcome.clone()).collect(),
    }
}

fn fault(reason: Reason) -> Fault {
    Fault::new(reason, None, "")
}

fn down() -> Outcome {
    Outcome::Transient(fault(Reason::ServerError))
}

fn refused() -> Outcome {
    Outcome::Refused(fault(Reason::Rejected))
}

fn needs() -> Option<SchemaDiff> {
    let column = Column { name: "n".to_owned(), column_type: ColumnType::Int };
    let add = [("t".to_owned(), vec![column])].into();
    Some(SchemaDiff { add, ..SchemaDiff::default() })
}

fn fates(report: &Report) -> Vec<Fate> {
    report.fates.iter().map(|(_, fate)| fate.clone()).collect()
}

const OK: Outcome = Outcome::Delivered;

/// Three events in three requests: the first event in all of them, the second is refused by one, the third is in the last.
fn three() -> Plan<Ask> {
    let requests =
        vec![ask(&[(0, OK), (1, refused())]), ask(&[(0, down()), (1, OK)]), ask(&[(0, OK), (2, OK)])];
    Plan { requests, ..Plan::default() }
}

#[actix::test]
async fn where_order_means_nothing_one_request_that_fails_does_not_stop_the_others() {
    let report = Bench::<false>::new(three).attempt(3).await;
    assert_eq!(fates(&report), [Fate::Failed(down()), Fate::Failed(refused()), Fate::Settled]);
    assert!(report.answered);
    let notes = report.trail.into_notes("fake").map(|note| match note.matter {
        Matter::Attempt(attempt) => (attempt.class.to_string(), format!("{:?}", note.ranges)),
        Matter::Fate { .. } => panic!("{note:?}"),
    });
    let mut notes: Vec<(String, String)> = notes.collect();
    notes.sort();
    let expected = [("delivered", "[0..3]"), ("refused", "[1..2]"), ("transient", "[0..1]")];
    assert_eq!(notes, expected.map(|(class, ranges)| (class.to_owned(), ranges.to_owned())));
}

#[actix::test]
async fn in_order_an_event_of_which_one_request_was_not_sent_is_not_settled() {
    let bench = Bench::<true>::new(|| {
        let requests = vec![
            ask(&[(0, OK), (1, OK), (2, refused())]),
            ask(&[(0, down())]),
            ask(&[(1, OK), (2, OK), (3, OK)]),
        ];
        Plan { requests, ..Plan::default() }
    });
    let report = bench.attempt(4).await;
    assert_eq!(fates(&report), [Fate::Failed(down()), Fate::Unsent, Fate::Unsent, Fate::Unsent]);
    assert_eq!(bench.wire()[2], 2);
}

#[actix::test]
async fn side_by_side_an_event_of_which_one_request_was_not_sent_is_not_settled() {
    let requests = || vec![ask(&[(0, OK), (1, OK)]), ask(&[(1, OK), (2, OK)])];
    let bench = Bench::<false>::new(move || Plan { requests: requests(), ..Plan::default() });
    let stopped = Turnstile::new(&bench.parts.patience);
    stopped.stop(true);
    let report = bench.attempt_through(stopped, 3).await;
    assert_eq!(fates(&report), [Fate::Settled, Fate::Unsent, Fate::Unsent]);
    assert_eq!(bench.wire()[2], 1);
}

#[actix::test]
async fn a_judgement_of_fewer_events_than_were_sent_settles_none() {
    let requests = || vec![Planned { events: vec![0, 1], request: vec![OK] }];
    let bench = Bench::<false>::new(move || Plan { requests: requests(), ..Plan::default() });
    let report = bench.attempt(2).await;
    let bad = Fault::new(Reason::BadAnswer, None, "the answer could not be judged");
    assert_eq!(fates(&report), vec![Fate::Failed(Outcome::Transient(bad)); 2]);
}

#[actix::test]
async fn requests_go_out_side_by_side_and_never_more_than_eight_at_once() {
    let plan = || Plan { requests: (0..20).map(|index| ask(&[(index, OK)])).collect(), ..Plan::default() };
    let bench = Bench::<false>::new(plan);
    let report = bench.attempt(20).await;
    assert_eq!(fates(&report), vec![Fate::Settled; 20]);
    assert_eq!(bench.wire(), [0, 8, 20]);
    let in_order = Bench::<true>::new(plan);
    in_order.attempt(20).await;
    assert_eq!(in_order.wire(), [0, 1, 20]);
}

#[actix::test]
async fn an_event_that_waits_is_no_failure_and_leaves_no_note() {
    let wait = Duration::from_secs(5);
    let bench = Bench::<false>::new(move || Plan {
        requests: vec![ask(&[(0, OK), (1, OK)])],
        waiting: vec![(1, wait, fault(Reason::Schema))],
        ..Plan::default()
    });
    let report = bench.attempt(2).await;
    let waits = Fate::Failed(Outcome::Deferred { wait, fault: fault(Reason::Schema) });
    assert_eq!(fates(&report), [Fate::Settled, waits]);
    assert_eq!((report.fault, report.answered), (None, true));
    assert_eq!(report.trail.into_notes("fake").count(), 1, "what was delivered");
    assert_eq!(bench.asked.load(Ordering::SeqCst), 0);
}

#[actix::test]
async fn a_row_that_has_to_wait_after_a_look_of_the_other_side_is_noted_as_deferred() {
    let outcome = || Outcome::Deferred { wait: Duration::from_secs(1), fault: fault(Reason::Schema) };
    let bench = Bench::<false>::new(move || Plan {
        requests: vec![ask(&[(0, outcome())]), ask(&[(1, outcome())])],
        ..Plan::default()
    });
    let report = bench.attempt(2).await;
    assert_eq!((&report.fault, report.answered), (&None, false));
    let notes: Vec<Matter> = report.trail.into_notes("fake").map(|note| note.matter).collect();
    assert!(matches!(&notes[..], [Matter::Attempt(one)] if one.class == "deferred"), "{notes:?}");
}

#[actix::test]
async fn a_schema_store_that_hangs_costs_a_batch_its_time_and_no_more() {
    let mut bench = Bench::<true>::new(|| Plan { needs: needs(), ..Plan::default() });
    Arc::get_mut(&mut bench.parts).unwrap().patience.timeout = Duration::from_millis(20);
    let report = bench.attempt(2).await;
    let late = Fault::new(Reason::Store, None, "the schema was not changed in time");
    assert_eq!(fates(&report), vec![Fate::Failed(Outcome::Transient(late)); 2]);
}

#[actix::test]
async fn what_can_be_sent_does_not_wait_for_the_schema() {
    let bench = Bench::<false>::new(|| Plan {
        requests: vec![ask(&[(0, OK)])],
        needs: needs(),
        waiting: vec![(1, Duration::from_secs(5), fault(Reason::Schema))],
        ..Plan::default()
    });
    let fates = fates(&bench.attempt(3).await);
    assert_eq!(fates[0], Fate::Settled);
    let waits = |fate: &Fate| matches!(fate, Fate::Failed(Outcome::Deferred { .. }));
    assert!(fates[1..].iter().all(waits), "also the one that the plan does not name: {fates:?}");
}

#[actix::test]
async fn a_delivery_orders_the_same_change_once_however_often_its_events_look() {
    let looks = Arc::new(AtomicUsize::new(0));
    let looked = Arc::clone(&looks);
    let mut bench = Bench::<false>::new(move || {
        looked.fetch_add(1, Ordering::SeqCst);
        let waiting = vec![(0, Duration::from_millis(1), fault(Reason::Schema))];
        Plan { needs: needs(), waiting, ..Plan::default() }
    });
    let (delivery, mut ended) = bench.start();
    until(|| looks.load(Ordering::SeqCst) >= 10).await;
    assert_eq!(bench.asked.load(Ordering::SeqCst), 1);
    assert_eq!(delivery.send(Drain).await.unwrap().left, 1);
    ended.recv().await.expect("nobody waits for the schema manager");
}

#[actix::test]
async fn the_letter_of_a_refused_row_names_its_table_and_the_repair() {
    let place = Place { table: "signed_up".to_owned(), ddl: "ALTER TABLE signed_up;".to_owned() };
    let refused = Fault { place: Some(Box::new(place)), ..fault(Reason::SchemaMissingColumn) };
    let requests = move || vec![ask(&[(0, OK)]), ask(&[(0, Outcome::Refused(refused.clone()))])];
    let mut bench = Bench::<false>::new(move || Plan { requests: requests(), ..Plan::default() });
    let (delivery, _) = bench.start();
    let letters =
        || bench.parts.journal.letters(&LetterFilter::default(), Walk::Back(None), PageLimit::of(9));
    until(|| !letters().unwrap().letters.is_empty()).await;
    let letter = letters().unwrap().letters.remove(0);
    assert_eq!(letter.table.as_deref(), Some("signed_up"));
    assert_eq!(letter.ddl.as_deref(), Some("ALTER TABLE signed_up;"));
    let journey = Journey { position: Position(0), event: message(0) };
    let notes = delivery.send(journey).await.unwrap().notes;
    let written = bench.parts.journal.notes_about(Position(0)).unwrap();
    let tables: Vec<Option<String>> = written
        .into_iter()
        .chain(notes)
        .filter_map(|note| match note.matter {
            Matter::Attempt(attempt) if attempt.class == "refused" => Some(attempt.table),
            _ => None,
        })
        .collect();
    assert!(
        !tables.is_empty() && tables.iter().all(|table| table.as_deref() == Some("signed_up")),
        "{tables:?}"
    );
}
