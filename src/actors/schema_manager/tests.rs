//! The manager with a store that does as it is told, under a clock that is moved by hand.

use super::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::destinations::{BoxFuture, Chore, SchemaPace};
use crate::warehouse::conflicts::Conflict;
use crate::warehouse::{Column, ColumnType};

/// What the store does with a change of this table.
type Moods = BTreeMap<&'static str, fn() -> Result<(), SchemaFault>>;

/// Makes what it is asked for, but for the tables of `moods`; a table called `hangs` is never ready.
struct Stage {
    cell: Arc<SchemaCell>,
    moods: Moods,
    refresh: Option<Duration>,
    chores: Vec<Chore>,
    applied: AtomicUsize,
    chored: AtomicUsize,
    read: Mutex<Vec<Option<String>>>,
}

impl SchemaStore for Stage {
    fn pace(&self) -> SchemaPace {
        SchemaPace { together: false, window: Duration::from_millis(500), ..SchemaPace::default() }
    }

    fn refresh_every(&self) -> Option<Duration> {
        self.refresh
    }

    fn apply(&self, diff: SchemaDiff) -> BoxFuture<Result<(), SchemaFault>> {
        self.applied.fetch_add(1, Ordering::Relaxed);
        let table = crate::policy::schema::tables(&diff).into_iter().next().unwrap().clone();
        if table == "hangs" {
            return Box::pin(std::future::pending());
        }
        if let Some(mood) = self.moods.get(table.as_str()) {
            return Box::pin(std::future::ready(mood()));
        }
        self.cell.change(|schema| schema.with(&diff));
        Box::pin(std::future::ready(Ok(())))
    }

    fn refresh(&self, table: Option<String>) -> BoxFuture<Result<(), SchemaFault>> {
        self.read.lock().unwrap().push(table);
        Box::pin(std::future::ready(Ok(())))
    }

    fn chores(&self) -> Vec<Chore> {
        self.chores.clone()
    }

    fn run(&self, _: &'static str) -> BoxFuture<Result<(), SchemaFault>> {
        assert!(self.chored.fetch_add(1, Ordering::Relaxed) > 0, "the first time panics");
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Bed {
    stage: Arc<Stage>,
    folder: tempfile::TempDir,
    metrics: Arc<Metrics>,
    manager: Addr<SchemaManager>,
}

impl Bed {
    fn new(moods: Moods) -> Bed {
        Bed::with(moods, None, Vec::new())
    }

    fn with(moods: Moods, refresh: Option<Duration>, chores: Vec<Chore>) -> Bed {
        tokio::time::pause();
        let stage = Arc::new(Stage {
            cell: Arc::default(),
            moods,
            refresh,
            chores,
            applied: AtomicUsize::new(0),
            chored: AtomicUsize::new(0),
            read: Mutex::default(),
        });
        let (folder, metrics) = (tempfile::tempdir().unwrap(), Arc::default());
        let manager = start(&stage, &metrics, folder.path());
        Bed { stage, folder, metrics, manager }
    }

    async fn change(&self, diff: SchemaDiff) -> Result<(), Fault> {
        self.manager.send(ChangeSchema { diff }).await.unwrap()
    }

    async fn describe(&self) -> SchemaReport {
        self.manager.send(DescribeSchema).await.unwrap().unwrap()
    }
}

fn start(stage: &Arc<Stage>, metrics: &Arc<Metrics>, folder: &Path) -> Addr<SchemaManager> {
    let managed = Managed {
        destination: "warehouse".to_owned(),
        cell: Arc::clone(&stage.cell),
        store: Arc::<Stage>::clone(stage),
        statements: Arc::new(|diff| Some(format!("CREATE {:?}", diff.create.keys().collect::<Vec<_>>()))),
        metrics: Arc::clone(metrics),
    };
    SchemaManager::new(managed, folder).start()
}

fn columns(names: &[&str]) -> Vec<Column> {
    let column = |name: &&str| Column { name: (*name).to_owned(), column_type: ColumnType::Int };
    names.iter().map(column).collect()
}

fn create(table: &str) -> SchemaDiff {
    SchemaDiff { create: BTreeMap::from([(table.to_owned(), columns(&["id"]))]), ..SchemaDiff::default() }
}

fn add(table: &str, column: &str) -> SchemaDiff {
    SchemaDiff { add: BTreeMap::from([(table.to_owned(), columns(&[column]))]), ..SchemaDiff::default() }
}

fn panics() -> Result<(), SchemaFault> {
    panic!("as it was told")
}

fn denies() -> Result<(), SchemaFault> {
    Err(SchemaFault::Denied(Fault::new(Reason::Forbidden, Some(403), "not allowed")))
}

#[actix::test]
async fn a_store_that_panics_is_told_as_a_fault_and_ends_nothing() {
    let bed = Bed::new(BTreeMap::from([("clumsy", panics as fn() -> _)]));
    assert_eq!(bed.change(create("clumsy")).await.unwrap_err().reason, Reason::Panicked);
    bed.change(create("viewed")).await.unwrap();
    assert!(bed.stage.cell.load().tables.contains_key("viewed"));
}

#[actix::test]
async fn a_change_that_hangs_ends_after_its_time_and_keeps_no_other_table_waiting() {
    let bed = Bed::new(BTreeMap::new());
    let begun = tokio::time::Instant::now();
    let hangs = bed.manager.send(ChangeSchema { diff: create("hangs") });
    bed.change(create("viewed")).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(hangs.await.unwrap().unwrap_err().reason, Reason::Timeout);
    assert!(begun.elapsed() >= CHANGE_WITHIN);
}

#[actix::test]
async fn a_denied_table_is_published_as_closed_and_counted() {
    let bed = Bed::new(BTreeMap::from([("secret", denies as fn() -> _)]));
    assert_eq!(bed.change(create("secret")).await.unwrap_err().answer, "not allowed");
    assert_eq!(bed.stage.cell.closed()["secret"].wanted, create("secret"));
    let page = bed.metrics.encode();
    let counted =
        "opentrack_bq_schema_changes_total{destination=\"warehouse\",kind=\"create\",result=\"denied\"} 1";
    assert!(page.contains(counted), "{page}");
}

#[actix::test]
async fn an_operator_sees_tables_changes_conflicts_and_what_is_closed_also_after_a_restart() {
    let bed = Bed::new(BTreeMap::from([("secret", denies as fn() -> _)]));
    bed.change(create("viewed")).await.unwrap();
    bed.change(add("viewed", "n")).await.unwrap();
    bed.change(create("secret")).await.unwrap_err();
    let conflict = Conflict {
        table: "viewed".to_owned(),
        column: "n".to_owned(),
        have: ColumnType::Int,
        got: ColumnType::Text,
    };
    bed.stage.cell.conflicts().note(conflict, "m2");
    let report = bed.describe().await;
    let log: Vec<_> =
        report.log.iter().map(|change| (change.change.as_str(), change.column.as_deref())).collect();
    assert_eq!(log, [("denied", None), ("add_column", Some("n")), ("create_table", None)]);
    assert_eq!(report.log[0].reason.as_deref(), Some("not allowed"));
    assert_eq!(report.tables.len(), 1);
    assert!(report.tables[0].columns.iter().all(|column| column.since.is_some()), "{report:?}");
    assert_eq!((report.conflicts[0].count, report.conflicts[0].got), (1, "text"));
    let closed = (report.closed[0].table.as_str(), report.closed[0].ddl.as_deref());
    assert_eq!(closed, ("secret", Some("CREATE [\"secret\"]")));

    let again = start(&bed.stage, &bed.metrics, bed.folder.path());
    let later = again.send(DescribeSchema).await.unwrap().unwrap();
    assert_eq!((later.log, later.tables), (report.log, report.tables));
}

#[actix::test]
async fn a_chore_that_panics_is_noted_and_done_again() {
    let chore = Chore { name: "views", every: Duration::from_secs(900) };
    let bed = Bed::with(BTreeMap::new(), None, vec![chore]);
    // Unlike an advance, a sleep does not overtake the thread that writes the note.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let report = bed.describe().await;
    assert_eq!(bed.stage.chored.load(Ordering::Relaxed), 1);
    assert_eq!((report.log[0].change.as_str(), report.log[0].column.as_deref()), ("chore", Some("views")));
    tokio::time::sleep(Duration::from_secs(62)).await;
    bed.describe().await;
    assert_eq!(bed.stage.chored.load(Ordering::Relaxed), 2);
}

#[actix::test]
async fn a_doubted_table_is_read_anew_within_a_second_and_all_from_time_to_time() {
    let bed = Bed::with(BTreeMap::new(), Some(Duration::from_secs(900)), Vec::new());
    bed.describe().await;
    bed.stage.cell.doubt("viewed");
    tokio::time::advance(2 * LOOK_EVERY).await;
    bed.describe().await;
    assert_eq!(*bed.stage.read.lock().unwrap(), [Some("viewed".to_owned())]);
    bed.manager.send(RefreshSchema).await.unwrap();
    bed.describe().await;
    assert_eq!(bed.stage.read.lock().unwrap().last(), Some(&None));
    tokio::time::advance(Duration::from_secs(1000)).await;
    bed.describe().await;
    assert_eq!(bed.stage.read.lock().unwrap().len(), 3);
}

#[actix::test]
async fn a_manager_that_nobody_knows_any_more_ends_itself() {
    let chore = Chore { name: "views", every: Duration::from_secs(900) };
    let bed = Bed::with(BTreeMap::new(), Some(Duration::from_secs(900)), vec![chore]);
    bed.describe().await;
    let Bed { manager, stage, .. } = bed;
    drop(manager);
    tokio::time::advance(2 * LOOK_EVERY).await;
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    tokio::task::yield_now().await;
    assert_eq!((stage.chored.load(Ordering::Relaxed), Arc::strong_count(&stage)), (0, 1));
}
