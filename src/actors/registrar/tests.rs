//! The registrar with a real journal and a stand-in for the supervisor and its stores.

mod enforcing;
mod telling;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use actix::{Actor, Context, Handler};
use tempfile::TempDir;

use super::*;
use crate::actors::messages::{Accept, Accepted, Erasable, Erasers, Held, NotAccepted};
use crate::destinations::BoxFuture;
use crate::journal::fixtures::receipt;
use crate::journal::{EmbeddedJournal, ReadLimit};
use crate::privacy::regulation::{MOST_IDS, unhex};
use crate::privacy::{Status, StoreState, StoreStatus, Wish};
use crate::spec::{Event, IdKind};

/// Counts how often everything stands still, and has the stores.
struct Stand {
    held: Arc<Mutex<Vec<&'static str>>>,
    stores: Vec<Erasable>,
    last_cut: Option<tokio::time::Instant>,
    journal: Arc<dyn Journal>,
    /// Of every store.
    mark: Arc<AtomicU64>,
    is_full: Arc<AtomicBool>,
}

impl Actor for Stand {
    type Context = Context<Self>;
}

impl Handler<Hold> for Stand {
    type Result = ();

    fn handle(&mut self, hold: Hold, _: &mut Context<Self>) {
        let whom = if hold.whom == Held::All { "hold" } else { "hold projections" };
        self.held.lock().unwrap().push(whom);
        hold.done.send(()).unwrap();
    }
}

impl Handler<Release> for Stand {
    type Result = ();

    fn handle(&mut self, _: Release, _: &mut Context<Self>) {
        self.held.lock().unwrap().push("release");
    }
}

impl Handler<ListErasers> for Stand {
    type Result = MessageResult<ListErasers>;

    fn handle(&mut self, _: ListErasers, _: &mut Context<Self>) -> Self::Result {
        let mut stores = self.stores.clone();
        stores.iter_mut().for_each(|store| store.mark = Position(self.mark.load(Ordering::SeqCst)));
        MessageResult(Erasers { stores, last_cut: self.last_cut })
    }
}

impl Handler<Accept> for Stand {
    type Result = Result<Accepted, NotAccepted>;

    fn handle(&mut self, accept: Accept, _: &mut Context<Self>) -> Self::Result {
        assert!(accept.is_sifted, "they may be suppressed, and are told of on purpose");
        if self.is_full.load(Ordering::SeqCst) {
            return Err(NotAccepted::Full("it is full".to_owned()));
        }
        let stored = accept.events.len();
        self.journal.append(accept.events.into_iter().map(Arc::new).collect()).unwrap();
        Ok(Accepted { stored, duplicates: 0 })
    }
}

/// A store that is away at first, and notes whom it was asked to erase.
#[derive(Default)]
struct Shelf {
    asked: AtomicUsize,
    erased: Mutex<Vec<String>>,
    first_asked: std::sync::OnceLock<tokio::time::Instant>,
}

impl Erase for Arc<Shelf> {
    fn erase(&self, people: Arc<People>) -> BoxFuture<Result<u64, String>> {
        let shelf = Arc::clone(self);
        Box::pin(async move {
            shelf.first_asked.get_or_init(tokio::time::Instant::now);
            if shelf.asked.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err("it is away".to_owned());
            }
            shelf.erased.lock().unwrap().extend(people.ids().map(str::to_owned));
            Ok(7)
        })
    }
}

/// How long what was cut may arrive.
const REQUEST_WITHIN: Duration = Duration::from_millis(300);
/// How much longer, of a process before.
const LINGERS: Duration = Duration::from_millis(200);

struct Scene {
    dir: TempDir,
    journal: Arc<dyn Journal>,
    held: Arc<Mutex<Vec<&'static str>>>,
    shelf: Arc<Shelf>,
    /// Of the reports.
    file: Arc<Shelf>,
    last_cut: Option<tokio::time::Instant>,
    metrics: Arc<Metrics>,
    tell: Vec<String>,
    mark: Arc<AtomicU64>,
    /// The journal takes nothing.
    is_full: Arc<AtomicBool>,
}

impl Scene {
    fn new() -> Scene {
        let dir = TempDir::new().unwrap();
        let options = crate::journal::Options {
            dir: dir.path().join("journal"),
            fsync: false,
            max_bytes: 8 << 20,
            drop_oldest: false,
            retention: std::time::Duration::from_secs(3600),
            dedupe_window: std::time::Duration::from_secs(3600),
            dedupe_max_ids: 1000,
            tail_bytes: 1 << 20,
        };
        let journal: Arc<dyn Journal> = Arc::new(EmbeddedJournal::open(options, clock::now()).unwrap());
        let events = [("anna-1", "a"), ("ben", "b"), ("anna-1", "c")].map(|(user, id)| {
            let raw = format!(r#"{{"type":"track","event":"Seen","userId":"{user}","messageId":"{id}"}}"#);
            Arc::new(Event::restore(Bytes::from(raw), receipt(id)).unwrap())
        });
        journal.append(events.to_vec()).unwrap();
        Scene {
            dir,
            journal,
            held: Arc::default(),
            shelf: Arc::default(),
            file: Arc::default(),
            last_cut: None,
            metrics: Arc::default(),
            tell: Vec::new(),
            mark: Arc::default(),
            is_full: Arc::default(),
        }
    }

    fn start(&self, stores: Vec<Erasable>) -> Addr<Registrar> {
        Registrar::new(self.parts(stores)).start()
    }

    fn parts(&self, stores: Vec<Erasable>) -> Arc<Parts> {
        let (held, mark, journal) =
            (Arc::clone(&self.held), Arc::clone(&self.mark), Arc::clone(&self.journal));
        let is_full = Arc::clone(&self.is_full);
        let stand = Stand { held, stores, last_cut: self.last_cut, journal, mark, is_full }.start();
        let register = Register::open(&self.dir.path().join("privacy")).unwrap();
        go_on(self.journal.as_ref(), &register);
        let parts = Parts {
            suppression: Arc::new(self.suppression()),
            register,
            journal: Arc::clone(&self.journal),
            is_shared: false,
            salt: "salt".to_owned(),
            own: vec![("data_dir/reports", Arc::new(Arc::clone(&self.file)))],
            request_within: REQUEST_WITHIN,
            lingers: LINGERS,
            hold: stand.clone().recipient(),
            release: stand.clone().recipient(),
            erasers: stand.clone().recipient(),
            tell: self.tell.clone(),
            accept: stand.recipient(),
            metrics: Arc::clone(&self.metrics),
        };
        Arc::new(parts)
    }

    /// Who is suppressed, as it is on disk: beside the register, so that one of both may fail.
    fn suppression(&self) -> Suppression {
        let dir = self.dir.path().join("suppressed");
        std::fs::create_dir_all(&dir).unwrap();
        Suppression::open(&dir, "salt").unwrap()
    }

    fn stores(&self) -> Vec<Erasable> {
        let shelf: Arc<dyn Erase> = Arc::new(Arc::clone(&self.shelf));
        let one =
            |name: &str, is_on, eraser| Erasable { name: name.to_owned(), is_on, mark: Position(0), eraser };
        vec![
            one("shelf", true, Some(Arc::clone(&shelf))),
            one("hook", true, None),
            one("old", false, Some(shelf)),
        ]
    }

    fn users(&self) -> Vec<String> {
        let limit = ReadLimit { records: 99, bytes: 1 << 20 };
        let records = self.journal.read(Position(0), limit).unwrap();
        records.iter().map(|record| record.event.head.user_id.as_deref().unwrap().to_owned()).collect()
    }

    /// Whether any file below the directory has these bytes.
    fn has(&self, bytes: &[u8]) -> bool {
        let holds = |path: &PathBuf| memchr::memmem::find(&std::fs::read(path).unwrap(), bytes).is_some();
        files_below(self.dir.path()).iter().any(holds)
    }
}

/// Returns the files below a directory.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn wish(kind: Kind) -> Wish {
    Wish { kind, id_kind: IdKind::UserId, ids: vec!["anna-1".to_owned()] }
}

/// Asks how far a regulation is until that is what is looked for.
async fn until(registrar: &Addr<Registrar>, id: &str, is_it: impl Fn(&Shown) -> bool) -> Shown {
    let look = async {
        loop {
            let question = LookUp { id: Some(id.to_owned()), limit: 1 };
            let shown = registrar.send(question).await.unwrap().pop().unwrap();
            if is_it(&shown) {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), look).await.expect("it comes about")
}

async fn until_done(registrar: &Addr<Registrar>, id: &str) -> Shown {
    until(registrar, id, |shown| shown.status == Status::Done).await
}

/// Returns whether a store is waited for.
fn is_waited_for(shown: &Shown, store: &str) -> bool {
    shown.stores.get(store).is_some_and(|one| one.state == StoreState::Running)
}

#[actix::test]
async fn a_person_is_erased_everywhere_and_no_byte_of_the_id_is_left() {
    let scene = Scene::new();
    let registrar = scene.start(scene.stores());
    let taken = registrar.send(Regulate(wish(Kind::SuppressWithDelete))).await.unwrap().unwrap();
    assert_eq!(taken.status, Status::Pending);
    let done = until_done(&registrar, &taken.id).await;
    let of = |name: &str| (done.stores[name].state, done.stores[name].erased);
    assert_eq!(of("data_dir/journal"), (StoreState::Done, 2));
    assert_eq!(of("shelf"), (StoreState::Done, 7));
    assert_eq!((of("hook"), of("old")), ((StoreState::NotErasable, 0), (StoreState::NotErasable, 0)));
    assert_eq!(scene.shelf.asked.load(Ordering::SeqCst), 2, "what failed is tried again");
    let hash = crate::spec::privacy::keyed_hash("salt", "id", "anna-1").unwrap();
    let mut erased = scene.shelf.erased.lock().unwrap().clone();
    erased.sort();
    let mut wanted = vec!["anna-1".to_owned(), hash];
    wanted.sort();
    assert_eq!(erased, wanted, "under the id and under what destinations see in its place");
    // The file failed once, and was tried again alone.
    let story = ["hold", "release", "hold projections", "release", "hold projections", "release"];
    assert_eq!(*scene.held.lock().unwrap(), story);
    assert_eq!(of("data_dir/reports"), (StoreState::Done, 7));
    assert_eq!(scene.users(), ["ben"]);
    assert!(!scene.has(b"anna-1"));
}

/// The process ends after the records are found, before they are overwritten; and again before the stores are asked.
#[actix::test]
async fn what_a_kill_has_cut_short_is_done_after_the_next_start() {
    let scene = Scene::new();
    let dir = scene.dir.path().join("privacy");
    let register = Register::open(&dir).unwrap();
    let mut begun = Regulation::begin(wish(Kind::DeleteOnly), "r".to_owned(), "salt", clock::now());
    begun.status = Status::Running;
    begun.positions = vec![0, 2];
    register.put(begun).unwrap();
    drop(register);
    let registrar = scene.start(Vec::new());
    assert_eq!(scene.users(), ["ben"], "before anybody could read them");
    let done = until_done(&registrar, "r").await;
    assert_eq!(done.stores["data_dir/journal"].state, StoreState::Done);
    assert!(!scene.has(b"anna-1"));
}

/// What a delivery had sent when it was cut may arrive behind a deletion.
#[actix::test]
async fn stores_are_asked_when_what_was_cut_can_not_arrive_any_more() {
    let mut scene = Scene::new();
    let cut = tokio::time::Instant::now();
    scene.last_cut = Some(cut);
    let registrar = scene.start(scene.stores());
    let taken = registrar.send(Regulate(wish(Kind::DeleteOnly))).await.unwrap().unwrap();
    until_done(&registrar, &taken.id).await;
    assert!(*scene.shelf.first_asked.get().unwrap() >= cut + REQUEST_WITHIN);
}

/// What the process before has begun may arrive later still.
#[actix::test]
async fn after_a_start_stores_are_asked_when_what_the_last_process_had_begun_can_not_arrive_any_more() {
    let scene = Scene::new();
    let register = Register::open(&scene.dir.path().join("privacy")).unwrap();
    register.put(Regulation::begin(wish(Kind::DeleteOnly), "r".to_owned(), "salt", clock::now())).unwrap();
    drop(register);
    let started = tokio::time::Instant::now();
    let registrar = scene.start(scene.stores());
    until_done(&registrar, "r").await;
    assert!(*scene.shelf.first_asked.get().unwrap() >= started + REQUEST_WITHIN + LINGERS);
}

/// Stores that are away, and places that are all taken, keep nobody from being suppressed.
#[actix::test]
async fn nobody_is_refused_a_suppression() {
    let scene = Scene::new();
    let registrar = scene.start(Vec::new());
    let many = (0..=MOST_AT_ONCE).map(|_| registrar.send(Regulate(wish(Kind::DeleteOnly))));
    let answers: Vec<_> = futures_util::future::join_all(many.collect::<Vec<_>>()).await;
    let refused = answers.into_iter().filter(|answer| *answer.as_ref().unwrap() == Err(NotRegulated::Busy));
    assert_eq!(refused.count(), 1, "those that are being written down count");
    registrar.send(Regulate(wish(Kind::SuppressWithDelete))).await.unwrap().unwrap();
}

#[actix::test]
async fn an_export_tells_one_persons_events_and_nobody_elses() {
    let scene = Scene::new();
    let registrar = scene.start(Vec::new());
    let people = Arc::new(People::new(IdKind::UserId, ["anna-1"]));
    let mut lines = registrar.send(Export(people)).await.unwrap().unwrap();
    let mut told = Vec::new();
    while let Some(line) = lines.recv().await {
        let line: serde_json::Value = serde_json::from_slice(&line.unwrap()).unwrap();
        told.push(line["messageId"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, ["a", "c"]);
}

#[actix::test]
async fn suppression_holds_when_it_is_answered() {
    let scene = Scene::new();
    let registrar = scene.start(Vec::new());
    let many: Vec<String> = (0..MOST_IDS).map(|n| format!("u{n}")).collect();
    let all = Wish { kind: Kind::Suppress, id_kind: IdKind::UserId, ids: many };
    let done = registrar.send(Regulate(all)).await.unwrap().unwrap();
    assert_eq!((done.status, done.subjects), (Status::Done, MOST_IDS));
    assert_eq!(scene.suppression().len(), MOST_IDS);
    registrar.send(Regulate(wish(Kind::Unsuppress))).await.unwrap().unwrap();
    assert!(scene.held.lock().unwrap().is_empty());
}

/// A store that is never there again.
struct Away;

impl Erase for Away {
    fn erase(&self, _: Arc<People>) -> BoxFuture<Result<u64, String>> {
        Box::pin(async { Err("it is away".to_owned()) })
    }
}

/// Returns what a gauge says.
fn gauge(metrics: &Metrics, name: &str) -> f64 {
    let page = metrics.encode();
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}: {page}")).parse().unwrap()
}

#[actix::test]
async fn what_is_not_carried_out_is_counted_with_its_age_until_it_is() {
    let scene = Scene::new();
    let told = || {
        ["unfinished", "oldest_seconds"]
            .map(|of| gauge(&scene.metrics, &format!("opentrack_regulations_{of}")))
    };
    let old = clock::now() - jiff::SignedDuration::from_hours(2);
    let register = Register::open(&scene.dir.path().join("privacy")).unwrap();
    register.put(Regulation::begin(wish(Kind::DeleteOnly), "r".to_owned(), "salt", old)).unwrap();
    drop(register);
    let away =
        Erasable { name: "away".to_owned(), is_on: true, mark: Position(0), eraser: Some(Arc::new(Away)) };
    let registrar = scene.start(vec![away]);
    // It is answered when it has started.
    registrar.send(LookUp { id: None, limit: 1 }).await.unwrap();
    let [unfinished, oldest] = told();
    assert!(unfinished == 1.0 && (7_200.0..8_000.0).contains(&oldest), "{unfinished} {oldest}");
    registrar.send(Regulate(wish(Kind::DeleteOnly))).await.unwrap().unwrap();
    assert!(told()[0] == 2.0 && told()[1] >= 7_200.0, "{:?}", told());

    let well = Scene::new();
    let registrar = well.start(Vec::new());
    let taken = registrar.send(Regulate(wish(Kind::DeleteOnly))).await.unwrap().unwrap();
    assert_eq!(gauge(&well.metrics, "opentrack_regulations_unfinished"), 1.0);
    until_done(&registrar, &taken.id).await;
    let counted = async {
        while gauge(&well.metrics, "opentrack_regulations_unfinished") > 0.0 {
            registrar.send(LookUp { id: None, limit: 1 }).await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), counted).await.expect("its end is counted");
    assert_eq!(gauge(&well.metrics, "opentrack_regulations_oldest_seconds"), 0.0);
}
