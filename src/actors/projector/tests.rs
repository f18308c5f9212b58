//! The projector on a journal in memory, with a projection that writes down what it is given.

use std::sync::Mutex;

use super::*;
use crate::actors::messages::{ChildExited, Life};
use crate::journal::MemoryJournal;
use crate::journal::fixtures::event_at;

/// What the projection was told.
#[derive(Default)]
struct Told {
    positions: Vec<u64>,
    current: Vec<bool>,
    ticks: u32,
    posted: u32,
    /// Fails so often before it takes anything.
    failures: u32,
    panics_at: Option<u64>,
}

#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Told>>);

impl Projection for Diary {
    fn begin(&mut self, _: &dyn Journal, _: Timestamp) -> Result<Position, String> {
        Ok(Position(1))
    }

    fn fold(&mut self, records: &[Record], stand: Stand) -> Result<(), String> {
        let mut told = self.0.lock().unwrap();
        if told.failures > 0 {
            told.failures -= 1;
            return Err("not now".to_owned());
        }
        let panics_at = told.panics_at.take();
        let positions: Vec<u64> = records.iter().map(|record| record.position.0).collect();
        if panics_at.is_some_and(|at| positions.contains(&at)) {
            drop(told);
            panic!("injected");
        }
        told.positions.extend(positions);
        told.current.push(stand.is_current);
        Ok(())
    }

    fn tick(&mut self, _: Stand) -> Result<(), String> {
        self.0.lock().unwrap().ticks += 1;
        Ok(())
    }

    fn outbox(&mut self, _: Stand) -> Vec<Event> {
        let told = self.0.lock().unwrap();
        if told.posted == 0 { vec![crate::journal::fixtures::event("posted", 1)] } else { Vec::new() }
    }

    fn posted(&mut self) {
        self.0.lock().unwrap().posted += 1;
    }
}

/// Stands in for the supervisor: takes what is posted after one refusal, and hears of the end.
#[derive(Default)]
struct Above {
    asked: Arc<Mutex<Vec<String>>>,
    exits: Arc<Mutex<Vec<bool>>>,
}

impl Actor for Above {
    type Context = Context<Self>;
}

impl Handler<Accept> for Above {
    type Result = Result<crate::actors::messages::Accepted, crate::actors::messages::NotAccepted>;

    fn handle(&mut self, accept: Accept, _: &mut Context<Self>) -> Self::Result {
        let mut asked = self.asked.lock().unwrap();
        assert!(!accept.is_sifted, "people in it may be suppressed");
        asked.extend(accept.events.iter().map(|event| event.head.message_id.to_string()));
        if asked.len() == 1 {
            return Err(crate::actors::messages::NotAccepted::Unavailable("first".to_owned()));
        }
        Ok(crate::actors::messages::Accepted { stored: accept.events.len(), duplicates: 0 })
    }
}

impl Handler<ChildExited> for Above {
    type Result = ();

    fn handle(&mut self, exited: ChildExited, _: &mut Context<Self>) {
        self.exits.lock().unwrap().push(exited.panicked);
    }
}

fn journal(events: std::ops::Range<u32>) -> Arc<MemoryJournal> {
    let journal = MemoryJournal::default();
    append(&journal, events);
    Arc::new(journal)
}

fn append(journal: &MemoryJournal, events: std::ops::Range<u32>) {
    let events = events.map(|n| event_at(&format!("m{n}"), 1, i64::from(n))).collect();
    journal.append(events).unwrap();
}

fn start(journal: &Arc<MemoryJournal>, diary: &Diary, above: &Addr<Above>) -> Addr<Projector<Diary>> {
    let parts = Parts {
        name: "diary",
        journal: Arc::clone(journal) as Arc<dyn Journal>,
        accept: Some(above.clone().recipient()),
        metrics: Arc::new(Metrics::new()),
    };
    let life = Life { ward: 7, incarnation: 1 };
    let guard = ExitGuard::new(above.clone().recipient(), life);
    Projector::new(Arc::new(parts), diary.clone(), guard).start()
}

async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !look() {
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix::test]
async fn it_takes_every_record_once_in_order_and_knows_when_it_is_current() {
    let (journal, diary) = (journal(0..2500), Diary::default());
    let above = Above::default().start();
    let projector = start(&journal, &diary, &above);
    until("the old ones are taken", || diary.0.lock().unwrap().positions.len() == 2499).await;
    append(&journal, 2500..2510);
    until("the new ones are taken", || diary.0.lock().unwrap().positions.len() == 2509).await;
    until("it was told the time", || diary.0.lock().unwrap().ticks > 0).await;
    {
        let told = diary.0.lock().unwrap();
        assert!(told.positions.iter().copied().eq(1..2510), "{:?}", told.positions);
        assert_eq!((told.current.first(), told.current.last()), (Some(&false), Some(&true)));
    }
    assert_eq!(projector.send(Drain).await.unwrap(), Drained { left: 0 });
    until("it has ended", || !projector.connected()).await;
}

#[actix::test]
async fn what_was_not_taken_comes_again() {
    let (journal, diary) = (journal(0..4), Diary::default());
    diary.0.lock().unwrap().failures = 2;
    let projector = start(&journal, &diary, &Above::default().start());
    until("all are taken", || diary.0.lock().unwrap().positions == [1, 2, 3]).await;
    drop(projector);
}

#[actix::test]
async fn a_panic_takes_the_projector_with_it_and_is_reported() {
    let (journal, diary, above) = (journal(0..4), Diary::default(), Above::default());
    diary.0.lock().unwrap().panics_at = Some(2);
    let exits = Arc::clone(&above.exits);
    let above = above.start();
    let projector = start(&journal, &diary, &above);
    until("the end is reported", || *exits.lock().unwrap() == [true]).await;
    assert!(!projector.connected());
    start(&journal, &diary, &above);
    until("its successor takes all of them", || diary.0.lock().unwrap().positions == [1, 2, 3]).await;
}

#[actix::test]
async fn what_is_posted_is_posted_again_until_it_is_durable() {
    let (journal, diary, above) = (journal(0..2), Diary::default(), Above::default());
    let asked = Arc::clone(&above.asked);
    let _projector = start(&journal, &diary, &above.start());
    until("it was told that it is durable", || diary.0.lock().unwrap().posted == 1).await;
    assert_eq!(*asked.lock().unwrap(), ["posted", "posted"]);
}
