//! Children that come, go and are replaced, with real actors: one that ends when it is asked, and one that hangs.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use tokio::sync::Notify;
use tokio::sync::oneshot::error::TryRecvError;

use super::tests::until;
use super::*;
use crate::actors::exit_guard::{ExitGuard, Tie};
use crate::actors::messages::{AtDestination, Held, Hold, ListErasers, Reconfigure, Release, StandBy};
use crate::journal::MemoryJournal;
use crate::journal::trace::Standing;
use crate::spec::Kind;

/// What all incarnations of the children of one test have in common.
#[derive(Default)]
struct Stage {
    /// How many run, by name.
    running: Mutex<BTreeMap<String, usize>>,
    /// What happened: `+one` for a start, `-one` for an end.
    story: Mutex<Vec<String>>,
    /// Two of the same name ran at the same time.
    overlaps: AtomicUsize,
    /// Held work goes on until this says so.
    release: Notify,
}

impl Stage {
    fn enter(&self, name: &str, word: &str) {
        let mut running = self.running.lock().unwrap();
        let count = running.entry(name.to_owned()).or_default();
        *count += 1;
        self.overlaps.fetch_add(usize::from(*count > 1), Ordering::SeqCst);
        self.story.lock().unwrap().push(format!("+{word}"));
    }

    fn leave(&self, name: &str, word: &str) {
        *self.running.lock().unwrap().get_mut(name).unwrap() -= 1;
        self.story.lock().unwrap().push(format!("-{word}"));
    }

    /// Returns what happened, child by child.
    fn story(&self) -> String {
        let mut steps = self.story.lock().unwrap().clone();
        steps.sort_by_key(|step| step.get(1..2).map(str::to_owned));
        steps.join(" ")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Ends when it is asked to.
    Polite,
    /// Answers `Drain` never.
    Hangs,
    /// Like `Hangs`, and has work on another thread that outlives it.
    HangsTied,
    /// Panics when it is asked to end.
    PanicsAtDrain,
    /// Panics at once.
    Dies,
}

struct Actress {
    name: String,
    word: &'static str,
    mood: Mood,
    stage: Arc<Stage>,
    /// Its work is at an end when this is dropped.
    work: Option<Work>,
    guard: ExitGuard,
}

struct Work {
    stage: Arc<Stage>,
    name: String,
    word: &'static str,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stage.leave(&self.name, self.word);
    }
}

impl Actor for Actress {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.stage.enter(&self.name, self.word);
        let (stage, name) = (Arc::clone(&self.stage), self.name.clone());
        self.work = Some(Work { stage, name, word: self.word });
        assert!(self.mood != Mood::Dies, "injected");
    }
}

impl Handler<Wake> for Actress {
    type Result = ();

    fn handle(&mut self, _: Wake, _: &mut Context<Self>) {}
}

impl Handler<Status> for Actress {
    type Result = MessageResult<Status>;

    fn handle(&mut self, _: Status, _: &mut Context<Self>) -> Self::Result {
        MessageResult(DestinationStatus::idle(&self.name, self.word, true, "flowing"))
    }
}

impl Handler<Drain> for Actress {
    type Result = ResponseFuture<Drained>;

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) -> Self::Result {
        assert!(self.mood != Mood::PanicsAtDrain, "injected");
        if self.mood == Mood::Polite {
            ctx.stop();
            return Box::pin(std::future::ready(Drained { left: 0 }));
        }
        Box::pin(std::future::pending())
    }
}

impl Handler<DropBacklog> for Actress {
    type Result = MessageResult<DropBacklog>;

    fn handle(&mut self, _: DropBacklog, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Err("nothing waits".to_owned()))
    }
}

impl Handler<Obey> for Actress {
    type Result = ();

    fn handle(&mut self, _: Obey, _: &mut Context<Self>) {}
}

impl Handler<Journey> for Actress {
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

impl Handler<Stop> for Actress {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
        if self.mood == Mood::HangsTied {
            let (tie, work) = (self.guard.tie(), self.work.take());
            let stage = Arc::clone(&self.stage);
            #[expect(clippy::disallowed_methods, reason = "stands for a write on another thread")]
            drop(actix::spawn(outlive(stage, work, tie)));
        }
    }
}

async fn outlive(stage: Arc<Stage>, work: Option<Work>, tie: Tie) {
    stage.release.notified().await;
    drop(work);
    drop(tie);
}

fn child(stage: &Arc<Stage>, name: &str, word: &'static str, mood: Mood) -> Child {
    let stage = Arc::clone(stage);
    let own = name.to_owned();
    let factory = move |guard| {
        let (name, stage) = (own.clone(), Arc::clone(&stage));
        let actress = Actress { name, word, mood, stage, work: None, guard }.start();
        Handle {
            wake: actress.clone().recipient(),
            status: actress.clone().recipient(),
            drain: actress.clone().recipient(),
            stop: actress.clone().recipient(),
            obey: actress.clone().recipient(),
            drop_backlog: actress.clone().recipient(),
            journey: actress.recipient(),
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

fn off(name: &str) -> Child {
    Child {
        name: name.to_owned(),
        kind: "probe",
        interest: Kinds::default(),
        beacon: Arc::default(),
        factory: None,
        replay: None,
        schema: None,
        eraser: None,
        replayed: None,
    }
}

struct Play {
    stage: Arc<Stage>,
    supervisor: Addr<Supervisor>,
}

impl Play {
    fn begin(stage: Arc<Stage>, children: Vec<Child>) -> Play {
        let journal = Arc::new(MemoryJournal::default());
        let supervisor = Supervisor::new(journal, "fsync", Arc::new(Metrics::new()), children).start();
        Play { stage, supervisor }
    }

    async fn change(&self, children: Vec<Child>, removed: &[&str]) {
        let removed = removed.iter().map(|name| (*name).to_owned()).collect();
        self.supervisor.send(Reconfigure { children, removed }).await.unwrap();
    }

    /// The state of every destination as `name:state`, with the word of the incarnation that answered.
    async fn states(&self) -> String {
        let statuses = self.supervisor.send(Snapshot).await.unwrap();
        let words = statuses.iter().map(|one| format!("{}:{}:{}", one.name, one.kind, one.state));
        words.collect::<Vec<_>>().join(" ")
    }

    async fn until_story(&self, story: &str) {
        until(&format!("{story}; it was {}", self.stage.story()), async || self.stage.story() == story).await;
        assert_eq!(self.stage.overlaps.load(Ordering::SeqCst), 0, "two ran at the same time");
    }
}

#[actix::test]
async fn destinations_come_go_and_are_replaced_while_the_others_go_on() {
    let stage = Arc::new(Stage::default());
    let make = |name, word| child(&stage, name, word, Mood::Polite);
    let play = Play::begin(Arc::clone(&stage), vec![make("a", "a1"), make("b", "b1")]);
    play.until_story("+a1 +b1").await;
    play.change(vec![make("b", "b2"), make("c", "c1")], &[]).await;
    play.until_story("+a1 +b1 -b1 +b2 +c1").await;
    play.change(vec![off("c")], &["a"]).await;
    play.until_story("+a1 -a1 +b1 -b1 +b2 +c1 -c1").await;
    until("`a` is listed no more", async || play.states().await == "b:b2:flowing c:probe:off").await;
    play.change(vec![make("a", "a2"), make("c", "c2")], &["unknown"]).await;
    play.until_story("+a1 -a1 +a2 +b1 -b1 +b2 +c1 -c1 +c2").await;
    assert_eq!(play.states().await, "a:a2:flowing b:b2:flowing c:c2:flowing");
}

#[actix::test]
async fn what_hangs_is_cut_after_its_grace_and_only_then_followed() {
    let stage = Arc::new(Stage::default());
    let hanging = child(&stage, "a", "a1", Mood::Hangs);
    let neighbour = child(&stage, "b", "b1", Mood::Polite);
    let play = Play::begin(Arc::clone(&stage), vec![hanging, neighbour]);
    play.until_story("+a1 +b1").await;
    play.change(vec![child(&stage, "a", "a2", Mood::Polite)], &[]).await;
    assert_eq!(play.states().await, "a:a1:flowing b:b1:flowing", "it still has its grace");
    // Whoever comes later while the first still ends takes the place of the second, which never starts.
    play.change(vec![child(&stage, "a", "a3", Mood::Polite)], &[]).await;
    play.until_story("+a1 -a1 +a3 +b1").await;
    assert_eq!(play.states().await, "a:a3:flowing b:b1:flowing");
}

#[actix::test]
async fn a_destination_that_is_removed_and_comes_back_while_it_still_ends_is_never_there_twice() {
    let stage = Arc::new(Stage::default());
    let play = Play::begin(Arc::clone(&stage), vec![child(&stage, "a", "a1", Mood::Hangs)]);
    play.until_story("+a1").await;
    play.change(Vec::new(), &["a"]).await;
    play.change(vec![child(&stage, "a", "a2", Mood::Polite)], &[]).await;
    play.until_story("+a1 -a1 +a2").await;
    play.change(Vec::new(), &["a"]).await;
    play.until_story("+a1 -a1 +a2 -a2").await;
    until("nobody is left", async || play.states().await.is_empty()).await;
}

#[actix::test]
async fn work_that_outlives_its_actor_delays_the_successor() {
    let stage = Arc::new(Stage::default());
    let play = Play::begin(Arc::clone(&stage), vec![child(&stage, "a", "a1", Mood::HangsTied)]);
    play.until_story("+a1").await;
    play.change(vec![child(&stage, "a", "a2", Mood::Polite)], &[]).await;
    until("the actor is gone", async || play.states().await == "a:probe:draining").await;
    assert_eq!(stage.story(), "+a1", "its work goes on");
    stage.release.notify_one();
    play.until_story("+a1 -a1 +a2").await;
}

#[actix::test]
async fn a_panic_while_ending_is_an_end_like_any_other() {
    let stage = Arc::new(Stage::default());
    let play = Play::begin(Arc::clone(&stage), vec![child(&stage, "a", "a1", Mood::PanicsAtDrain)]);
    play.until_story("+a1").await;
    play.change(vec![child(&stage, "a", "a2", Mood::Polite)], &[]).await;
    play.until_story("+a1 -a1 +a2").await;
}

#[actix::test]
async fn a_parked_and_a_waiting_child_are_replaced_at_once() {
    let stage = Arc::new(Stage::default());
    let play = Play::begin(Arc::clone(&stage), vec![child(&stage, "a", "a1", Mood::Dies)]);
    until("it waits for its next start", async || stage.story().starts_with("+a1 -a1")).await;
    play.change(vec![child(&stage, "a", "a2", Mood::Dies)], &[]).await;
    let parked = async || {
        let statuses = play.supervisor.send(Snapshot).await.unwrap();
        statuses.first().is_some_and(|status| status.reason.as_deref() == Some("parked"))
    };
    until("the second is parked", parked).await;
    let of_second = stage.story().matches("+a2").count();
    assert_eq!(
        of_second,
        5,
        "the start that the first waited for is not one of the second: {}",
        stage.story()
    );
    play.change(vec![child(&stage, "a", "a3", Mood::Polite)], &[]).await;
    until("the third runs", async || play.states().await == "a:a3:flowing").await;
    assert_eq!(stage.overlaps.load(Ordering::SeqCst), 0);
}

#[actix::test]
async fn what_is_said_of_an_earlier_incarnation_means_nothing_to_a_later_one() {
    let stage = Arc::new(Stage::default());
    let play = Play::begin(Arc::clone(&stage), Vec::new());
    let mut wards = Wards::default();
    let ward = wards.add_destination(child(&stage, "a", "a1", Mood::Polite));
    let life = |incarnation| Life { ward, incarnation };
    let dies = |wards: &mut Wards, incarnation| wards.ended(life(incarnation), Duration::ZERO);
    wards.start(ward, play.supervisor.clone().recipient());
    assert!(matches!(dies(&mut wards, 7), End::Known));
    assert!(matches!(dies(&mut wards, 0), End::Unexpected { panics: 1, .. }));
    assert!(wards.waits_after(life(0)) && !wards.waits_after(life(7)));
    wards.start(ward, play.supervisor.clone().recipient());
    assert!(matches!(dies(&mut wards, 0), End::Known), "the second one runs");
    assert!(!wards.waits_after(life(0)));
    assert!(matches!(dies(&mut wards, 1), End::Unexpected { panics: 2, .. }));
    assert!(!wards.waits_after(life(0)), "the wait after the first is over");
}

/// It still rests when everything goes on, and nobody else would start it.
#[actix::test]
async fn whoever_ends_after_everything_goes_on_starts_at_once() {
    let stage = Arc::new(Stage::default());
    let play = Play::begin(Arc::clone(&stage), vec![child(&stage, "a", "a1", Mood::Hangs)]);
    play.until_story("+a1").await;
    let (done, _still) = tokio::sync::oneshot::channel();
    play.supervisor.send(Hold { whom: Held::All, done }).await.unwrap();
    play.supervisor.send(Release).await.unwrap();
    // It is cut after its grace.
    play.until_story("+a1 -a1 +a1").await;
    assert!(play.supervisor.send(ListErasers).await.unwrap().last_cut.is_some());
}

/// A share of the journal goes when nobody is at work on it, and not because the router stops.
#[actix::test]
async fn whoever_waits_for_all_to_stand_by_hears_it_of_a_router_that_stops_too_and_not_before() {
    let stage = Arc::new(Stage::default());
    let play = Play::begin(Arc::clone(&stage), vec![child(&stage, "a", "a1", Mood::Hangs)]);
    play.until_story("+a1").await;
    let (done, early) = tokio::sync::oneshot::channel();
    play.supervisor.send(StandBy { done }).await.unwrap();
    let stopping = play.supervisor.send(Drain);
    let (done, mut late) = tokio::sync::oneshot::channel();
    play.supervisor.send(StandBy { done }).await.unwrap();
    assert_eq!(late.try_recv(), Err(TryRecvError::Empty), "`a` is at work");
    // It is cut after its grace.
    let both = async { (early.await, late.await) };
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), both).await, Ok((Ok(()), Ok(()))));
    assert_eq!(stage.story(), "+a1 -a1");
    drop(stopping);
}
