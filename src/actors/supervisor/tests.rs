//! The supervisor with real actors: one that dies at once beside one that lives.

use std::sync::atomic::AtomicUsize;

use bytes::Bytes;

use super::*;
use crate::actors::exit_guard::ExitGuard;
use crate::actors::messages::{AtDestination, Held, Hold, ListErasers, Release, TraceEvent, Unpark};
use crate::journal::MemoryJournal;
use crate::journal::trace::{Standing, Traced};
use crate::privacy::regulation::print_of;
use crate::spec::{Arrival, Endpoint, IdKind, Kind, Limits, read};

/// Dies when it starts, or lives and answers.
struct Probe {
    dies: bool,
    woken: Arc<AtomicUsize>,
    _guard: ExitGuard,
}

impl Actor for Probe {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        assert!(!self.dies, "injected");
    }
}

impl Handler<Wake> for Probe {
    type Result = ();

    fn handle(&mut self, _: Wake, _: &mut Context<Self>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
    }
}

impl Handler<Status> for Probe {
    type Result = MessageResult<Status>;

    fn handle(&mut self, _: Status, _: &mut Context<Self>) -> Self::Result {
        MessageResult(DestinationStatus::idle("well", "probe", true, "flowing"))
    }
}

impl Handler<Journey> for Probe {
    type Result = MessageResult<Journey>;

    fn handle(&mut self, _: Journey, _: &mut Context<Self>) -> Self::Result {
        MessageResult(AtDestination {
            standing: Standing::InFlight,
            blind: false,
            notes: Vec::new(),
            table: None,
        })
    }
}

impl Handler<Drain> for Probe {
    type Result = MessageResult<Drain>;

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) -> Self::Result {
        ctx.stop();
        MessageResult(Drained { left: 3 })
    }
}

impl Handler<Obey> for Probe {
    type Result = ();

    fn handle(&mut self, _: Obey, _: &mut Context<Self>) {}
}

impl Handler<Stop> for Probe {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl Handler<DropBacklog> for Probe {
    type Result = MessageResult<DropBacklog>;

    fn handle(&mut self, _: DropBacklog, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Err("nothing waits".to_owned()))
    }
}

/// A child whose incarnations count their starts.
fn child(name: &str, dies: bool, starts: &Arc<AtomicUsize>, woken: &Arc<AtomicUsize>) -> Child {
    let (starts, woken) = (Arc::clone(starts), Arc::clone(woken));
    let factory = move |guard| {
        starts.fetch_add(1, Ordering::SeqCst);
        let probe = Probe { dies, woken: Arc::clone(&woken), _guard: guard }.start();
        Handle {
            wake: probe.clone().recipient(),
            status: probe.clone().recipient(),
            drain: probe.clone().recipient(),
            stop: probe.clone().recipient(),
            obey: probe.clone().recipient(),
            drop_backlog: probe.clone().recipient(),
            journey: probe.recipient(),
        }
    };
    Child {
        name: name.to_owned(),
        kind: "probe",
        interest: Kind::ALL.into_iter().collect(),
        beacon: Arc::default(),
        factory: Some(Box::new(factory)),
        replay: None,
        schema: None,
        eraser: None,
        replayed: None,
    }
}

fn accept(id: &str) -> Accept {
    let body = format!(r#"{{"userId":"u","event":"Seen","messageId":"{id}"}}"#);
    let arrival = Arrival {
        received_at: clock::now(),
        source: Arc::from("test"),
        ip: None,
        client_side: false,
        signals: Default::default(),
    };
    let envelope = read(Bytes::from(body), Endpoint::One(Kind::Track)).unwrap();
    let intake = envelope.believe(&arrival, &Limits { max_event_bytes: 1 << 20 });
    Accept { events: intake.events, rejected: intake.rejected, permit: None, is_sifted: true }
}

pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[actix::test]
async fn a_child_that_keeps_dying_is_parked_and_its_neighbour_never_notices() {
    let counters = || (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let ((sick_starts, unused), (starts, woken)) = (counters(), counters());
    let children = vec![child("sick", true, &sick_starts, &unused), child("well", false, &starts, &woken)];
    let journal = Arc::new(MemoryJournal::default());
    let supervisor = Supervisor::new(journal, "fsync", Arc::new(Metrics::new()), children).start();
    until("the sick one is parked", async || {
        let statuses = supervisor.send(Snapshot).await.unwrap();
        statuses.first().is_some_and(|status| status.reason.as_deref() == Some("parked"))
    })
    .await;
    assert_eq!((sick_starts.load(Ordering::SeqCst), starts.load(Ordering::SeqCst)), (5, 1));
    let accepted = supervisor.send(accept("m1")).await.unwrap().unwrap();
    assert_eq!(accepted, Accepted { stored: 1, duplicates: 0 });
    let again = supervisor.send(accept("m1")).await.unwrap().unwrap();
    assert_eq!(again, Accepted { stored: 0, duplicates: 1 });
    until("the well one is woken", async || woken.load(Ordering::SeqCst) == 1).await;
    assert_eq!(supervisor.send(Drain).await.unwrap(), Drained { left: 3 });
    assert!(supervisor.send(accept("m2")).await.unwrap().is_err(), "a draining router accepts nothing");
}

fn fates(traced: Option<Traced>) -> Vec<(String, &'static str, Option<String>)> {
    let Some(Traced::Accepted(trace)) = traced else { panic!("no accepted event") };
    let fate = |(name, stop): (String, crate::journal::trace::Stop)| (name, stop.fate, stop.reason);
    trace.destinations.into_iter().map(fate).collect()
}

#[actix::test]
async fn a_trace_asks_who_lives_and_reads_the_cursor_of_who_does_not() {
    let counter = || Arc::new(AtomicUsize::new(0));
    let mut off = child("off", false, &counter(), &counter());
    off.factory = None;
    let mut done = child("done", false, &counter(), &counter());
    done.factory = None;
    let (sick, well) =
        (child("sick", true, &counter(), &counter()), child("well", false, &counter(), &counter()));
    let journal = Arc::new(MemoryJournal::default());
    let cursor = crate::journal::Cursor { mark: Position(1), ..Default::default() };
    journal.commit("done", &cursor).unwrap();
    let children = vec![off, done, sick, well];
    let shared: Arc<dyn Journal> = Arc::<MemoryJournal>::clone(&journal);
    let supervisor = Supervisor::new(shared, "fsync", Arc::new(Metrics::new()), children).start();
    supervisor.send(accept("m1")).await.unwrap().unwrap();
    let trace =
        async |id: &str| supervisor.send(TraceEvent { message_id: id.to_owned() }).await.unwrap().unwrap();
    until("the sick one is parked", async || {
        fates(trace("m1").await)
            .iter()
            .any(|(name, _, why)| name == "sick" && why.as_deref() == Some("parked"))
    })
    .await;
    let expected = [
        ("done".to_owned(), "delivered", None),
        ("off".to_owned(), "pending", Some("off".to_owned())),
        ("sick".to_owned(), "held", Some("parked".to_owned())),
        ("well".to_owned(), "in_flight", None),
    ];
    assert_eq!(fates(trace("m1").await), expected);
    assert!(trace("m2").await.is_none());
}

#[test]
fn a_destination_that_has_just_begun_does_not_degrade_the_router() {
    let is_ok = |state, reason: Option<&str>| {
        let mut status = DestinationStatus::idle("crm", "probe", true, state);
        status.reason = reason.map(str::to_owned);
        destination_check(status).ok
    };
    assert!(is_ok("flowing", None));
    assert!(is_ok("held", Some("preparing")));
    for (state, reason) in [
        ("held", Some("unauthorized")),
        ("held", Some("parked")),
        ("held", None),
        ("paused", None),
        ("retrying", Some("preparing")),
    ] {
        assert!(!is_ok(state, reason), "{state} {reason:?}");
    }
}

/// A projector that panics so long after its start, while that is wanted.
struct Poisoned {
    dies: bool,
    _guard: ExitGuard,
}

impl Actor for Poisoned {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if self.dies {
            ctx.run_later(Duration::from_secs(61), |_, _| panic!("injected"));
        }
    }
}

impl Handler<Drain> for Poisoned {
    type Result = MessageResult<Drain>;

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) -> Self::Result {
        ctx.stop();
        MessageResult(Drained { left: 0 })
    }
}

#[actix::test]
async fn a_projection_that_panics_once_a_minute_is_parked_told_and_comes_back_when_asked() {
    tokio::time::pause();
    let (starts, dies) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(1)));
    let (counted, mood) = (Arc::clone(&starts), Arc::clone(&dies));
    let factory = move |guard| {
        counted.fetch_add(1, Ordering::SeqCst);
        Poisoned { dies: mood.load(Ordering::SeqCst) == 1, _guard: guard }.start().recipient()
    };
    let follow = Follow { name: "live", factory: Box::new(factory) };
    let journal = Arc::new(MemoryJournal::default());
    let supervisor = Supervisor::new(journal, "fsync", Arc::new(Metrics::new()), Vec::new());
    let supervisor = supervisor.following(vec![follow]).start();
    let check = async || {
        let checks = supervisor.send(Readiness).await.unwrap();
        checks.into_iter().find(|check| check.name == "projection live")
    };
    assert!(check().await.is_none());
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(starts.load(Ordering::SeqCst), 5);
    let parked = check().await.expect("`/ready` tells of it");
    assert!(!parked.ok && !parked.vital && parked.message.contains("SIGHUP"), "{parked:?}");
    dies.store(0, Ordering::SeqCst);
    supervisor.send(Unpark).await.unwrap();
    assert_eq!((check().await.is_none(), starts.load(Ordering::SeqCst)), (true, 6));
    supervisor.send(Unpark).await.unwrap();
    assert_eq!(starts.load(Ordering::SeqCst), 6, "one that runs is left alone");
    let (done, still) = tokio::sync::oneshot::channel();
    supervisor.send(Hold { whom: Held::Projections, done }).await.unwrap();
    still.await.unwrap();
    supervisor.send(Unpark).await.unwrap();
    assert_eq!(starts.load(Ordering::SeqCst), 6, "people are being erased");
    supervisor.send(Release).await.unwrap();
    assert_eq!(starts.load(Ordering::SeqCst), 7);
}

#[actix::test]
async fn an_erasure_is_told_of_what_is_off_only_where_it_was_given_something() {
    let names = ["never", "on", "was_on", "with_letters"];
    let children = names.map(|name| {
        let mut child = child(name, false, &Arc::default(), &Arc::default());
        child.factory = child.factory.filter(|_| name == "on");
        child
    });
    let journal = MemoryJournal::default();
    journal.commit("was_on", &crate::journal::Cursor::default()).unwrap();
    let event = Arc::new(crate::journal::fixtures::event("m", 1));
    journal.bury(&[crate::journal::fixtures::letter("with_letters", "rejected", event, 0)]).unwrap();
    let metrics = Arc::new(Metrics::new());
    let supervisor = Supervisor::new(Arc::new(journal), "fsync", metrics, children.into()).start();
    let told = supervisor.send(ListErasers).await.unwrap().stores;
    let told: Vec<_> = told.iter().map(|store| (store.name.as_str(), store.is_on)).collect();
    assert_eq!(told, [("on", true), ("was_on", false), ("with_letters", false)]);
}

/// A cart was left by somebody who does not want to be heard of since, and one by somebody else.
#[actix::test]
async fn what_the_router_says_by_itself_is_sifted_and_what_the_door_has_sifted_is_not() {
    let cart = |visitor: &str| {
        let raw = format!(
            r#"{{"type":"track","event":"Cart Abandoned","anonymousId":"{visitor}","messageId":"ot-cart-{visitor}"}}"#
        );
        let receipt = crate::journal::fixtures::receipt(&format!("ot-cart-{visitor}"));
        crate::spec::Event::restore(Bytes::from(raw), receipt).unwrap()
    };
    let suppression = Suppression::default();
    let prints = [(IdKind::AnonymousId, "anna"), (IdKind::UserId, "u")];
    suppression.change(&prints.map(|(kind, id)| print_of("", kind, id)), true).unwrap();
    let (journal, metrics) = (Arc::new(MemoryJournal::default()), Arc::new(Metrics::new()));
    let shared: Arc<dyn Journal> = Arc::<MemoryJournal>::clone(&journal);
    let supervisor = Supervisor::new(shared, "fsync", Arc::clone(&metrics), Vec::new());
    let supervisor = supervisor.sifting(Arc::new(suppression)).start();
    let told = supervisor.send(Accept::own(vec![cart("anna"), cart("ben")])).await.unwrap();
    assert_eq!(told, Ok(Accepted { stored: 1, duplicates: 0 }));
    assert_eq!(supervisor.send(Accept::own(vec![cart("anna")])).await.unwrap().unwrap().stored, 0);
    assert!(metrics.encode().contains("opentrack_events_unwanted_total{reason=\"suppressed\"} 2"));
    let stored = journal.read(Position(0), crate::journal::fixtures::limit(9)).unwrap();
    let ids: Vec<_> = stored.iter().map(|record| &*record.event.head.message_id).collect();
    assert_eq!(ids, ["ot-cart-ben"]);
    let sifted = supervisor.send(accept("m1")).await.unwrap();
    assert_eq!(sifted, Ok(Accepted { stored: 1, duplicates: 0 }), "once is enough");
}

/// It could not be delivered at first, and an operator has its dead letter sent again.
#[actix::test]
async fn what_a_destination_was_told_of_a_suppressed_person_is_stored_again() {
    let suppression = Suppression::default();
    suppression.change(&[print_of("", IdKind::UserId, "anna")], true).unwrap();
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    let supervisor = Supervisor::new(journal, "fsync", Arc::default(), Vec::new());
    let supervisor = supervisor.sifting(Arc::new(suppression)).start();
    let mut theirs = crate::spec::deletion::fixture("anna");
    theirs.receipt.source = "web".into();
    let events = vec![crate::spec::deletion::fixture("anna"), theirs];
    let told = supervisor.send(Accept::own(events)).await.unwrap();
    assert_eq!(told, Ok(Accepted { stored: 1, duplicates: 0 }), "the other one came in at the door");
}
