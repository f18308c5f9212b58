//! What becomes of letters when the journal has no room, the router stops, or they are old.

use super::*;
use crate::actors::exit_guard::ExitGuard;
use crate::actors::messages::{
    AtDestination, DestinationStatus, Drain, Drained, DropBacklog, Journey, Obey, Status, Stop, Wake,
};
use crate::actors::supervisor::{Child, Handle};
use crate::journal::MemoryJournal;
use crate::journal::fixtures::{event, letter};
use crate::journal::trace::Standing;
use crate::privacy::Suppression;
use crate::privacy::regulation::print_of;
use crate::spec::{IdKind, Kind};

/// A destination that is on and does nothing.
struct Idle {
    _guard: ExitGuard,
}

impl Actor for Idle {
    type Context = Context<Self>;
}

impl Handler<Wake> for Idle {
    type Result = ();

    fn handle(&mut self, _: Wake, _: &mut Context<Self>) {}
}

impl Handler<Status> for Idle {
    type Result = MessageResult<Status>;

    fn handle(&mut self, _: Status, _: &mut Context<Self>) -> Self::Result {
        let status = DestinationStatus::idle("crm", "probe", true, "flowing");
        MessageResult(status)
    }
}

impl Handler<Drain> for Idle {
    type Result = MessageResult<Drain>;

    fn handle(&mut self, _: Drain, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Drained { left: 0 })
    }
}

impl Handler<Obey> for Idle {
    type Result = ();

    fn handle(&mut self, _: Obey, _: &mut Context<Self>) {}
}

impl Handler<Stop> for Idle {
    type Result = ();

    fn handle(&mut self, _: Stop, _: &mut Context<Self>) {}
}

impl Handler<DropBacklog> for Idle {
    type Result = MessageResult<DropBacklog>;

    fn handle(&mut self, _: DropBacklog, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Err("nothing waits".to_owned()))
    }
}

impl Handler<Journey> for Idle {
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

fn router(journal: &Arc<MemoryJournal>, metrics: &Arc<Metrics>) -> Supervisor {
    let factory = |guard: ExitGuard| {
        let idle = Idle { _guard: guard }.start();
        Handle {
            wake: idle.clone().recipient(),
            status: idle.clone().recipient(),
            obey: idle.clone().recipient(),
            drain: idle.clone().recipient(),
            stop: idle.clone().recipient(),
            drop_backlog: idle.clone().recipient(),
            journey: idle.recipient(),
        }
    };
    let child = Child {
        name: "crm".to_owned(),
        kind: "probe",
        interest: Kind::ALL.into_iter().collect(),
        beacon: Arc::<Beacon>::default(),
        factory: Some(Box::new(factory)),
        replay: None,
        schema: None,
        eraser: None,
        replayed: None,
    };
    let journal: Arc<dyn Journal> = Arc::<MemoryJournal>::clone(journal);
    Supervisor::new(journal, "fsync", Arc::clone(metrics), vec![child])
}

/// Three letters of `crm` and one of a destination that is not configured, all buried in 1970.
fn with_letters(max_bytes: u64) -> Arc<MemoryJournal> {
    let journal = MemoryJournal::new(max_bytes, Duration::from_secs(1));
    let buried = |name: &str, id: &str| {
        let mut letter = letter(name, "rejected", Arc::new(event(id, 100)), 0);
        letter.at = jiff::Timestamp::UNIX_EPOCH;
        letter
    };
    let letters = [("crm", "m1"), ("crm", "m2"), ("gone", "m2"), ("crm", "m3")];
    journal.bury(&letters.map(|(name, id)| buried(name, id))).unwrap();
    Arc::new(journal)
}

fn all(how: Settling) -> SettleLetters {
    SettleLetters { filter: LetterFilter::default(), how }
}

const AGE: Duration = Duration::from_secs(200 * 365 * 24 * 3600);

#[actix::test]
async fn a_retry_stores_each_letter_for_its_destination_and_leaves_those_of_others() {
    let (journal, metrics) = (with_letters(u64::MAX), Arc::new(Metrics::new()));
    let supervisor = router(&journal, &metrics).keeping_letters_for(AGE).start();
    let settled = supervisor.send(all(Settling::Retry)).await.unwrap();
    assert_eq!(settled, Ok(Settled { count: 3, left: 1 }));
    let left = journal.dead_letters();
    assert_eq!(left.iter().map(|letter| letter.destination.as_str()).collect::<Vec<_>>(), ["gone"]);
    let stored = journal.read(crate::journal::Position(0), crate::journal::fixtures::limit(9)).unwrap();
    let again: Vec<_> = stored
        .iter()
        .map(|record| (&*record.event.head.message_id, record.event.receipt.is_for("crm")))
        .collect();
    assert_eq!(again, [("m1", true), ("m2", true), ("m3", true)]);
    assert!(stored.iter().all(|record| !record.event.receipt.is_for("gone")));
    let page = metrics.encode();
    assert!(page.contains("opentrack_events_accepted_total{kind=\"track\"} 0"), "not accepted again: {page}");
    assert!(
        page.contains("opentrack_dead_letters_ended_total{destination=\"crm\",end=\"retried\"} 3"),
        "{page}"
    );
}

/// Whoever became suppressed after the letter was written is not heard of through it.
#[actix::test]
async fn a_letter_of_somebody_suppressed_is_taken_out_and_not_stored_again() {
    let (journal, metrics) = (with_letters(u64::MAX), Arc::new(Metrics::new()));
    let raw = r#"{"type":"track","event":"Seen","userId":"ben","messageId":"m4"}"#;
    let ben = Event::restore(raw, crate::journal::fixtures::receipt("m4")).unwrap();
    journal.bury(&[letter("crm", "rejected", Arc::new(ben), 0)]).unwrap();
    let suppression = Suppression::default();
    // Of the events of the other letters.
    suppression.change(&[print_of("", IdKind::UserId, "u1")], true).unwrap();
    let supervisor =
        router(&journal, &metrics).keeping_letters_for(AGE).sifting(Arc::new(suppression)).start();
    let settled = supervisor.send(all(Settling::Retry)).await.unwrap();
    assert_eq!(settled, Ok(Settled { count: 4, left: 1 }));
    let stored = journal.read(crate::journal::Position(0), crate::journal::fixtures::limit(9)).unwrap();
    let stored: Vec<_> = stored.iter().map(|record| &*record.event.head.message_id).collect();
    assert_eq!(stored, ["m4"]);
    assert_eq!(journal.dead_letters().len(), 1, "that of the destination that is no more");
    let page = metrics.encode();
    assert!(page.contains("opentrack_events_unwanted_total{reason=\"suppressed\"} 3"), "{page}");
}

#[actix::test]
async fn a_full_journal_leaves_the_letters_where_they_are() {
    let (journal, metrics) = (with_letters(50), Arc::new(Metrics::new()));
    let supervisor = router(&journal, &metrics).keeping_letters_for(AGE).start();
    let settled = supervisor.send(all(Settling::Retry)).await.unwrap();
    assert!(matches!(settled, Err(LetterTrouble::Full(_))), "{settled:?}");
    assert_eq!(journal.dead_letters().len(), 4);
}

#[actix::test]
async fn a_retry_leaves_half_of_the_journal_to_new_events() {
    let (journal, metrics) = (with_letters(3000), Arc::new(Metrics::new()));
    let supervisor = router(&journal, &metrics).keeping_letters_for(AGE).start();
    journal.append(vec![Arc::new(event("waits", 1600))]).unwrap();
    let settled = supervisor.send(all(Settling::Retry)).await.unwrap();
    assert!(matches!(settled, Err(LetterTrouble::Full(_))), "{settled:?}");
    assert_eq!((journal.dead_letters().len(), journal.extent().next), (4, Position(1)));
    assert_eq!(supervisor.send(all(Settling::Drop)).await.unwrap(), Ok(Settled { count: 4, left: 0 }));
}

#[actix::test]
async fn a_router_that_stops_sends_nothing_again() {
    let (journal, metrics) = (with_letters(u64::MAX), Arc::new(Metrics::new()));
    let supervisor = router(&journal, &metrics).keeping_letters_for(AGE).start();
    supervisor.send(Drain).await.unwrap();
    let settled = supervisor.send(all(Settling::Retry)).await.unwrap();
    assert!(matches!(settled, Err(LetterTrouble::Unavailable(_))), "{settled:?}");
    assert_eq!(journal.dead_letters().len(), 4);
}

#[actix::test]
async fn letters_older_than_their_retention_are_given_up_and_counted() {
    let (journal, metrics) = (with_letters(u64::MAX), Arc::new(Metrics::new()));
    let supervisor = router(&journal, &metrics).keeping_letters_for(Duration::from_secs(60)).start();
    let list = || ListLetters { filter: LetterFilter::default(), limit: 10, before: None };
    let gone = async {
        while !supervisor.send(list()).await.unwrap().unwrap().dead_letters.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
    let counted = async {
        while !metrics
            .encode()
            .contains("opentrack_dead_letters_ended_total{destination=\"crm\",end=\"expired\"} 3")
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), counted).await.unwrap();
}
