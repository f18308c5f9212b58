//! The file says what [`History`] says, of any facts, however they come in and whatever has been counted ahead.

use std::borrow::Cow;
use std::path::PathBuf;

use proptest::prelude::*;
use rusqlite::{Connection, StatementStatus, params};

use super::keep::Bounds;
use super::roll::DAY_MS;
use super::*;
use crate::spec::{IdKind, People};
use crate::stores::reports::fact::{Deal, Fact, Place, number_of};
use crate::stores::reports::history::History;
use crate::stores::reports::tests::{BEGIN, QUESTIONS, facts, query, rules};
use crate::stores::reports::{Name, make};

struct Store {
    dir: tempfile::TempDir,
    writer: Writer,
    /// The position of the next fact.
    next: u64,
}

impl Store {
    fn new() -> Store {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::open(&dir.path().join("analytics.db"), rules()).unwrap();
        Store { dir, writer, next: 0 }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("analytics.db")
    }

    /// As after a kill: nothing but the file is left.
    fn reopen(&mut self) {
        self.writer = Writer::open(&self.path(), rules()).unwrap();
    }

    /// Takes facts that follow in the journal.
    fn hold(&mut self, facts: &[Fact<'static>]) {
        let placed: Vec<(u64, Fact<'static>)> = (self.next..).zip(facts.iter().cloned()).collect();
        self.next += facts.len() as u64;
        self.writer.take(&placed, self.next).unwrap();
    }

    /// Takes facts and puts everything into the file.
    fn take(&mut self, facts: &[Fact<'static>]) {
        self.hold(facts);
        self.writer.commit(0).unwrap();
    }

    fn roll_until(&mut self, now: i64) {
        while self.writer.tidy(now).unwrap() {}
    }

    fn answer(&self, report: Name, text: &str) -> serde_json::Value {
        let connection = file::open_to_read(&self.path()).unwrap();
        let query = query(report, text);
        made(&connection, &query).unwrap().to_json(&query)
    }
}

fn defined(facts: &[Fact<'static>], report: Name, text: &str) -> serde_json::Value {
    let query = query(report, text);
    make::answer(&query, &History::of(facts.to_vec(), &rules())).unwrap().to_json(&query)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_report_says_what_is_defined(
        facts in facts(),
        cuts in prop::collection::vec((1..20_usize, any::<bool>(), any::<bool>(), 0..12_i64), 1..12),
    ) {
        let mut store = Store::new();
        store.writer.patiently();
        let mut now = 0;
        for (len, commits, reopens, days) in cuts.iter().cycle().take(200) {
            let at = usize::try_from(store.next).unwrap();
            let rest = facts.get(at..).unwrap_or_default();
            store.hold(&rest[..(*len).min(rest.len())]);
            if *commits {
                // Some visits that have changed are written, others wait.
                now += days * 1_500;
                store.writer.commit(now).unwrap();
                prop_assert!(store.writer.positions().0 >= store.next);
                // Some days are counted, and then events of them come late.
                store.roll_until(BEGIN + days * DAY_MS);
            }
            if *reopens {
                store.reopen();
                store.writer.patiently();
                store.next = store.writer.begin(facts.len() as u64).unwrap();
            }
        }
        let at = usize::try_from(store.next).unwrap();
        store.hold(&facts[at..]);
        store.writer.commit(now + 10_000).unwrap();
        prop_assert_eq!(store.writer.positions(), (facts.len() as u64, facts.len() as u64));
        for (report, text) in QUESTIONS {
            prop_assert_eq!(store.answer(report, text), defined(&facts, report, text), "{:?} {}", report, text);
        }
    }
}

fn view(ts: i64, visitor: &str) -> Fact<'static> {
    Fact {
        site: "shop".into(),
        ts,
        kind: Some(crate::spec::Kind::Page),
        visitor: visitor.to_owned().into(),
        is_client: true,
        path: "/".into(),
        ..Fact::default()
    }
}

#[test]
fn what_could_not_be_written_is_held_and_written_later() {
    let mut store = Store::new();
    store.take(&[view(BEGIN, "a")]);
    let other = Connection::open(store.path()).unwrap();
    // The last statement of a transaction fails, after all of its rows were written.
    other
        .execute_batch("CREATE TRIGGER no BEFORE UPDATE ON position BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    store.hold(&[view(BEGIN, "b"), view(BEGIN, "c"), view(BEGIN + 1, "a")]);
    assert!(store.writer.commit(1).is_err());
    assert_eq!((store.writer.positions(), count(&store, "visits")), ((1, 1), 1));
    other.execute_batch("DROP TRIGGER no").unwrap();
    store.writer.commit(2).unwrap();
    assert_eq!(store.writer.positions(), (4, 4));
    let body = store.answer(Name::Series, "from=2026-03-27&to=2026-03-27");
    assert_eq!(body["totals"]["views"], 4);
    assert_eq!(body["totals"]["visitors"], 3);
    assert_eq!(body["totals"]["sessions"], 3);
}

#[test]
fn a_visit_that_changes_often_is_written_after_its_time_or_when_it_is_over() {
    let mut store = Store::new();
    store.writer.patiently();
    let views = |store: &Store| -> Vec<i64> {
        let connection = file::open_to_read(&store.path()).unwrap();
        let mut statement = connection.prepare("SELECT pageviews FROM visits ORDER BY id").unwrap();
        let views = statement.query_map([], |row| row.get(0)).unwrap();
        views.map(Result::unwrap).collect()
    };
    store.hold(&[view(BEGIN, "a")]);
    store.writer.commit(0).unwrap();
    for n in 1..4 {
        store.hold(&[view(BEGIN + n, "a")]);
        store.writer.commit(n).unwrap();
        assert_eq!((views(&store), count(&store, "blocks")), (vec![1], n + 1), "its events are there");
    }
    assert_eq!(store.writer.positions(), (4, 1));
    store.hold(&[view(BEGIN + DAY_MS / 2, "a")]);
    store.writer.commit(9_999).unwrap();
    assert_eq!(views(&store), [4, 1], "it is over");
    store.hold(&[view(BEGIN + DAY_MS / 2 + 1, "a")]);
    store.writer.commit(10_000).unwrap();
    assert_eq!((views(&store), store.writer.positions()), (vec![4, 2], (6, 6)));
}

#[test]
fn a_journal_that_was_made_anew_is_taken_from_its_beginning() {
    let mut store = Store::new();
    store.take(&[view(BEGIN, "a"), view(BEGIN, "b"), view(BEGIN, "c")]);
    store.reopen();
    store.next = store.writer.begin(1).unwrap();
    assert_eq!(store.next, 1);
    store.take(&[view(BEGIN + 1, "a"), view(BEGIN + 2, "a")]);
    let body = store.answer(Name::Series, "from=2026-03-27&to=2026-03-27");
    assert_eq!((&body["totals"]["views"], &body["totals"]["sessions"]), (&5.into(), &3.into()));
}

#[test]
fn events_that_come_one_by_one_are_packed_together() {
    let mut store = Store::new();
    for n in 0..300 {
        store.take(&[view(BEGIN + n, "a")]);
    }
    assert_eq!(count(&store, "blocks"), 300);
    store.roll_until(BEGIN + 400);
    assert_eq!(count(&store, "blocks"), 46, "twice 128 were packed");
    assert_eq!(hits(&store), 300);
    let body = store.answer(Name::Series, "from=2026-03-27&to=2026-03-27");
    assert_eq!(body["totals"]["views"], 300);
}

#[test]
fn a_file_of_the_version_before_becomes_one_of_this_and_says_the_same() {
    let mut store = Store::new();
    let facts: Vec<Fact<'static>> =
        (0..20).map(|n| Fact { name: Cow::default(), ..view(BEGIN + n * 1_000, "a") }).collect();
    let bought = Fact {
        name: "Order Completed".into(),
        kind: Some(crate::spec::Kind::Track),
        deal: Some(Deal {
            is_refund: false,
            order_id: Some("7".to_owned()),
            amount: 5.into(),
            currency: "EUR".to_owned(),
        }),
        ..view(BEGIN + 30_000, "a")
    };
    let all: Vec<Fact<'static>> = facts.into_iter().chain([bought]).collect();
    store.take(&all);
    let old = Connection::open(store.path()).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    let mut insert =
        old.prepare("INSERT INTO hits VALUES (NULL, ?1, 1, ?2, 1, ?3, 1, ?4, '/', '', 0)").unwrap();
    for fact in &all {
        let number = number_of(&fact.visitor).cast_signed();
        insert.execute(params![fact.ts, fact.kind.unwrap() as u8, number, fact.name]).unwrap();
    }
    old.execute("INSERT INTO deals VALUES (1, ?1, 21, 1, 0, '7', 'EUR', '5')", [BEGIN + 30_000]).unwrap();
    old.execute("INSERT INTO measures VALUES (1, ?1, 3, 'LCP', 9.5)", [BEGIN + 3_000]).unwrap();
    drop(insert);
    drop(old);
    store.reopen();
    let log = store.path().with_extension("db-wal");
    assert_eq!(std::fs::metadata(log).unwrap().len(), 0, "the log has nothing of the former tables");
    store.next = store.writer.begin(1_000).unwrap();
    assert_eq!(store.next, 21);
    store.take(&[view(BEGIN + 40_000, "a")]);
    let body = store.answer(Name::Series, "from=2026-03-27&to=2026-03-27");
    assert_eq!((&body["totals"]["views"], &body["totals"]["sessions"]), (&21.into(), &1.into()));
    let revenue = store.answer(Name::Revenue, "from=2026-03-27&to=2026-03-27&filter=event:Order Completed");
    assert_eq!(revenue["totals"]["orders"], 1, "{revenue}");
    let vitals = store.answer(Name::Vitals, "from=2026-03-27&to=2026-03-27&by=path");
    assert!(vitals.to_string().contains("9.5"), "{vitals}");
}

#[test]
fn people_are_erased_and_others_of_the_same_blocks_stay() {
    let mut store = Store::new();
    let seen: Vec<Fact<'static>> =
        (0..90).map(|n| view(BEGIN + n, ["a", "b", "c"][n as usize % 3])).collect();
    store.take(&seen[..50]);
    store.take(&seen[50..]);
    let people = People::new(IdKind::AnonymousId, ["a", "c"]);
    // Sixty events, and two visits.
    assert_eq!(erase(&store.path(), &people).unwrap(), 62);
    store.reopen();
    assert_eq!((hits(&store), count(&store, "visits")), (30, 1));
    let body = store.answer(Name::Series, "from=2026-03-27&to=2026-03-27");
    assert_eq!((&body["totals"]["views"], &body["totals"]["visitors"]), (&30.into(), &1.into()));
}

#[test]
fn a_damaged_block_stops_neither_erasing_nor_counting_and_its_report_says_so() {
    let mut store = Store::new();
    store.take(&[view(BEGIN, "a")]);
    store.take(&[view(BEGIN + DAY_MS, "b"), view(BEGIN + 1, "b")]);
    let other = Connection::open(store.path()).unwrap();
    let day = roll::day_of(BEGIN + DAY_MS);
    other.execute("UPDATE blocks SET data = x'01ff' WHERE day = ?1", [day]).unwrap();
    store.roll_until(BEGIN + 5 * DAY_MS);
    let connection = file::open_to_read(&store.path()).unwrap();
    let asked = query(Name::Series, "from=2026-03-28&to=2026-03-28");
    assert!(made(&connection, &asked).unwrap_err().to_string().contains("damaged"));
    let body = store.answer(Name::Series, "from=2026-03-27&to=2026-03-27");
    assert_eq!(body["totals"]["views"], 2, "the other day is counted");
    let people = People::new(IdKind::AnonymousId, ["a"]);
    assert_eq!(erase(&store.path(), &people).unwrap(), 3, "who is in the block nobody knows: it goes");
    assert_eq!(hits(&store), 1);
    store.reopen();
    store.roll_until(BEGIN + 5 * DAY_MS);
    made(&connection, &asked).unwrap();
}

#[test]
fn events_of_a_visit_that_was_stretched_over_days_are_found_by_it() {
    let mut store = Store::new();
    // In the wrong order each joins the one before, which it precedes by less than a pause.
    let hours = |n: i64| Fact {
        place: Place { country: "DE".into(), ..Place::default() },
        ..view(BEGIN + 9 * DAY_MS - n * 1_500_000, "a")
    };
    let facts: Vec<Fact<'static>> = (0..200).map(hours).collect();
    store.take(&facts);
    assert_eq!(count(&store, "visits"), 1);
    for text in
        ["from=2026-03-27&to=2026-04-06&filter=country:DE", "from=2026-04-04&to=2026-04-06&filter=country:DE"]
    {
        assert_eq!(store.answer(Name::Pages, text), defined(&facts, Name::Pages, text), "{text}");
    }
}

/// Takes the tables of this version back to those of the one before, without what is in them.
const VERSION_1: &str = "
DROP TABLE blocks; DROP TABLE deals; DROP TABLE measures;
ALTER TABLE position DROP COLUMN visits; ALTER TABLE position DROP COLUMN latest; ALTER TABLE visits DROP COLUMN folded;
CREATE TABLE hits (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, site INTEGER NOT NULL, kind INTEGER NOT NULL,
    client INTEGER NOT NULL, number INTEGER NOT NULL, visit INTEGER, name TEXT NOT NULL, path TEXT NOT NULL,
    environment TEXT NOT NULL, engaged INTEGER NOT NULL) STRICT;
CREATE INDEX hits_ts ON hits (ts);
CREATE INDEX hits_name ON hits (name, ts) WHERE name != '';
CREATE TABLE deals (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, hit INTEGER NOT NULL, site INTEGER NOT NULL,
    refund INTEGER NOT NULL, order_id TEXT, currency TEXT NOT NULL, amount TEXT NOT NULL) STRICT;
CREATE INDEX deals_ts ON deals (ts);
CREATE UNIQUE INDEX deals_order ON deals (site, order_id) WHERE refund = 0 AND order_id IS NOT NULL;
CREATE TABLE measures (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, hit INTEGER NOT NULL, metric TEXT NOT NULL,
    value REAL NOT NULL) STRICT;
CREATE INDEX measures_ts ON measures (ts);
PRAGMA user_version = 1;
";

#[test]
fn what_is_older_than_25_months_is_given_up_and_the_rest_stays() {
    let mut store = Store::new();
    let now = BEGIN + 765 * DAY_MS;
    store.take(&[view(BEGIN, "old"), view(now - DAY_MS, "new")]);
    store.roll_until(now);
    let counts = ["blocks", "visits", "days"].map(|table| count(&store, table));
    assert_eq!(counts, [1, 1, 1]);
}

#[test]
fn a_day_that_is_counted_is_answered_without_its_events() {
    let mut store = Store::new();
    store.take(&[view(BEGIN, "a"), view(BEGIN + 1, "b")]);
    store.roll_until(BEGIN + 2 * DAY_MS);
    Connection::open(store.path()).unwrap().execute("DELETE FROM blocks", []).unwrap();
    for report in [Name::Series, Name::Pages] {
        let body = store.answer(report, "from=2026-03-27&to=2026-03-27");
        assert_eq!((&body["totals"]["views"], &body["totals"]["visitors"]), (&2.into(), &2.into()));
    }
}

#[test]
fn a_day_of_more_pages_than_are_kept_apart_counts_the_rest_together() {
    let mut store = Store::new();
    let of = |n: i64| Fact { path: format!("/{n}").into(), ..view(BEGIN + n, "a") };
    let facts: Vec<Fact<'static>> = (0..10_003).map(of).collect();
    store.take(&facts);
    store.roll_until(BEGIN + 2 * DAY_MS);
    let connection = Connection::open(store.path()).unwrap();
    let sql = "SELECT count(*), sum(hits), max(CASE WHEN key = '(other)' THEN hits END) FROM rollups WHERE unit = 1";
    let counted: (i64, i64, i64) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(counted, (10_001, 10_003, 3));
}

#[test]
fn a_report_of_more_pages_than_are_told_apart_counts_the_rest_together_also_of_a_day_that_is_not_counted() {
    let mut store = Store::new();
    // A page that people look at, and a crawl that makes addresses up, before it and after it.
    let flood = |n: i64| Fact { path: format!("/flood-{n}").into(), ..view(BEGIN + n, "crawler") };
    let home = |n: i64| view(BEGIN + 60_000_000 + n, &format!("v{n}"));
    let facts: Vec<Fact<'static>> =
        (0..10_500).map(flood).chain((0..3).map(home)).chain((10_500..10_600).map(flood)).collect();
    store.take(&facts);
    for is_counted in [false, true] {
        let body = store.answer(Name::Pages, "from=2026-03-27&to=2026-03-27");
        let rows = body["rows"].as_array().unwrap();
        assert_eq!((&rows[0]["path"], &rows[0]["views"]), (&"(other)".into(), &601.into()), "{is_counted}");
        assert_eq!((&rows[1]["path"], &rows[1]["visitors"]), (&"/".into(), &3.into()), "{is_counted}");
        assert_eq!(body["totals"]["views"], 10_603);
        store.roll_until(BEGIN + 2 * DAY_MS);
    }
}

/// Returns how many events are in the file.
fn hits(store: &Store) -> i64 {
    let connection = file::open_to_read(&store.path()).unwrap();
    connection.query_row("SELECT coalesce(sum(hits), 0) FROM blocks", [], |row| row.get(0)).unwrap()
}

/// Returns how many rows a table has.
fn count(store: &Store, table: &str) -> i64 {
    let connection = file::open_to_read(&store.path()).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_too_much_goes_in_portions_the_oldest_first_and_the_present_day_too() {
    let mut store = Store::new();
    let old: Vec<Fact<'static>> = (0..25_000).map(|n| view(BEGIN + n, "a")).collect();
    let new: Vec<Fact<'static>> = (0..100).map(|n| view(BEGIN + DAY_MS + n, "b")).collect();
    store.take(&old);
    store.take(&new);
    store.writer.within(Bounds { hits: 50, ..Bounds::default() });
    let now = BEGIN + DAY_MS + 200;
    assert!(store.writer.tidy(now).unwrap());
    assert_eq!(hits(&store), 4_620, "whole blocks of the oldest day, until it is a portion");
    while count(&store, "days") == 2 {
        assert!(store.writer.tidy(now).unwrap());
        assert!(hits(&store) == 4_620 || hits(&store) == 100, "the younger day waits");
    }
    assert_eq!(count(&store, "visits"), 1);
    assert!(store.writer.tidy(now).unwrap());
    assert_eq!(hits(&store), 0, "a flood of today is bounded like any other");
}

#[test]
fn what_is_too_many_bytes_is_given_up_until_it_fits() {
    let mut store = Store::new();
    let long = |n: i64| Fact {
        name: "x".repeat(400).into(),
        path: format!("/{n}/{}", "y".repeat(400)).into(),
        ..view(BEGIN + n, "a")
    };
    for part in 0..10 {
        let facts: Vec<Fact<'static>> = (0..3_000).map(|n| long(part * 3_000 + n)).collect();
        store.take(&facts);
    }
    let bytes = 8 << 20;
    store.writer.within(Bounds { bytes, ..Bounds::default() });
    assert!(store.writer.tidy(BEGIN + 40_000).unwrap(), "some 13 MB of texts are in");
    assert_eq!(hits(&store), 9_000);
    assert!(!store.writer.tidy(BEGIN + 40_000).unwrap(), "what is left fits");
}

#[test]
fn a_day_for_which_events_keep_coming_late_is_counted_again_once_and_not_for_each() {
    let mut store = Store::new();
    store.take(&[view(BEGIN, "a")]);
    let now = BEGIN + 2 * DAY_MS;
    store.roll_until(now);
    let state = |store: &Store| -> i64 {
        let connection = file::open_to_read(&store.path()).unwrap();
        connection.query_row("SELECT rolled FROM days", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(state(&store), 1);
    for minute in 0..10 {
        store.take(&[view(BEGIN + minute, &format!("late-{minute}"))]);
        assert!(!store.writer.tidy(now + minute * 60_000).unwrap(), "{minute}");
        let body = store.answer(Name::Pages, "from=2026-03-27&to=2026-03-27");
        assert_eq!(body["totals"]["visitors"], minute + 2, "the answer has it at once all the same");
    }
    assert!(store.writer.tidy(now + 600_000).unwrap());
    assert_eq!(state(&store), 1);
}

#[test]
fn what_happened_before_anything_is_kept_is_refused_and_counted() {
    let mut store = Store::new();
    let now = BEGIN + 1_000 * DAY_MS;
    store.writer.tell(now);
    store.take(&[view(BEGIN, "old"), view(now, "new")]);
    assert_eq!((store.writer.refused(), hits(&store), count(&store, "days")), (1, 1, 1));
    assert_eq!(store.writer.positions().0, 2, "it does not come again");
}

#[test]
fn the_visit_of_one_visitor_after_the_other_is_found_without_compiling_the_question_again() {
    let store = Store::new();
    let connection = file::open_to_write(&store.path()).unwrap();
    for number in 0..3 {
        assert!(visits::newest(&connection, "shop", (1, number)).unwrap().is_none());
    }
    let question = connection.prepare_cached(&visits::NEWEST).unwrap();
    assert_eq!(question.get_status(StatementStatus::Run), 3);
    assert_eq!(question.get_status(StatementStatus::RePrepare), 0);
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let store = Store::new();
    Connection::open(store.path()).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let error = Writer::open(&store.path(), rules()).unwrap_err().to_string();
    assert!(error.contains("is of version 9"), "{error}");
}

#[tokio::test]
async fn who_asks_before_there_is_a_file_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::new(dir.path().join("analytics.db"));
    assert!(store.answer(query(Name::Pages, "")).await.is_err());
    Writer::open(&dir.path().join("analytics.db"), rules()).unwrap();
    assert!(store.answer(query(Name::Pages, "")).await.is_ok());
}
