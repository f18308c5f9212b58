//! The file says what [`History`] says, of any facts, however they come in and whatever has been counted ahead.

use std::path::PathBuf;

use proptest::prelude::*;
use rusqlite::{Connection, StatementStatus};

use super::keep::Bounds;
use super::roll::DAY_MS;
use super::*;
use crate::stores::reports::fact::Fact;
use crate::stores::reports::history::History;
use crate::stores::reports::tests::{BEGIN, QUESTIONS, facts, query, rules};
use crate::stores::reports::{Name, make};

struct Store {
    dir: tempfile::TempDir,
    writer: Writer,
}

impl Store {
    fn new() -> Store {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::open(&dir.path().join("analytics.db"), rules()).unwrap();
        Store { dir, writer }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("analytics.db")
    }

    /// As after a kill: nothing but the file is left.
    fn reopen(&mut self) {
        self.writer = Writer::open(&self.path(), rules()).unwrap();
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

fn defined(facts: &[Fact], report: Name, text: &str) -> serde_json::Value {
    let query = query(report, text);
    make::answer(&query, &History::of(facts.to_vec(), &rules())).unwrap().to_json(&query)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_report_says_what_is_defined(
        facts in facts(),
        cuts in prop::collection::vec((1..20_usize, any::<bool>(), 0..12_i64), 1..12),
    ) {
        let mut store = Store::new();
        let (mut rest, mut taken) = (facts.as_slice(), 0);
        for (len, reopens, days) in cuts.iter().cycle().take(60) {
            let (batch, later) = rest.split_at((*len).min(rest.len()));
            taken += batch.len() as u64;
            store.writer.take(batch, taken).unwrap();
            rest = later;
            if *reopens {
                store.reopen();
            }
            prop_assert_eq!(store.writer.position().unwrap(), taken);
            // Some days are counted, and then events of them come late.
            store.roll_until(BEGIN + days * DAY_MS);
        }
        prop_assert!(rest.is_empty());
        for (report, text) in QUESTIONS {
            prop_assert_eq!(store.answer(report, text), defined(&facts, report, text), "{:?} {}", report, text);
        }
    }
}

fn view(ts: i64, visitor: &str) -> Fact {
    Fact {
        site: "shop".to_owned(),
        ts,
        kind: Some(crate::spec::Kind::Page),
        visitor: visitor.to_owned(),
        is_client: true,
        path: "/".to_owned(),
        ..Fact::default()
    }
}

#[test]
fn a_batch_that_fails_leaves_nothing_and_can_come_again() {
    let mut store = Store::new();
    store.writer.take(&[view(BEGIN, "a")], 1).unwrap();
    let other = Connection::open(store.path()).unwrap();
    // The last statement of a batch fails, after all of its rows were written.
    other
        .execute_batch("CREATE TRIGGER no BEFORE UPDATE ON position BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    assert!(store.writer.take(&[view(BEGIN, "b"), view(BEGIN, "c")], 3).is_err());
    assert_eq!(store.writer.position().unwrap(), 1);
    other.execute_batch("DROP TRIGGER no").unwrap();
    store.writer.take(&[view(BEGIN, "b"), view(BEGIN, "c")], 3).unwrap();
    let body = store.answer(Name::Series, "from=2026-03-27&to=2026-03-27");
    assert_eq!(body["totals"]["visitors"], 3);
    assert_eq!(body["totals"]["sessions"], 3);
}

#[test]
fn what_is_older_than_25_months_is_given_up_and_the_rest_stays() {
    let mut store = Store::new();
    let now = BEGIN + 765 * DAY_MS;
    store.writer.take(&[view(BEGIN, "old"), view(now - DAY_MS, "new")], 2).unwrap();
    store.roll_until(now);
    let counts = ["hits", "visits", "days"].map(|table| count(&store, table));
    assert_eq!(counts, [1, 1, 1]);
}

#[test]
fn a_day_that_is_counted_is_answered_without_its_events() {
    let mut store = Store::new();
    store.writer.take(&[view(BEGIN, "a"), view(BEGIN + 1, "b")], 2).unwrap();
    store.roll_until(BEGIN + 2 * DAY_MS);
    Connection::open(store.path()).unwrap().execute("DELETE FROM hits", []).unwrap();
    for report in [Name::Series, Name::Pages] {
        let body = store.answer(report, "from=2026-03-27&to=2026-03-27");
        assert_eq!((&body["totals"]["views"], &body["totals"]["visitors"]), (&2.into(), &2.into()));
    }
}

#[test]
fn a_day_of_more_pages_than_are_kept_apart_counts_the_rest_together() {
    let mut store = Store::new();
    let of = |n: i64| Fact { path: format!("/{n}"), ..view(BEGIN + n, "a") };
    let facts: Vec<Fact> = (0..10_003).map(of).collect();
    store.writer.take(&facts, 10_003).unwrap();
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
    let flood = |n: i64| Fact { path: format!("/flood-{n}"), ..view(BEGIN + n, "crawler") };
    let home = |n: i64| view(BEGIN + 60_000_000 + n, &format!("v{n}"));
    let facts: Vec<Fact> =
        (0..10_500).map(flood).chain((0..3).map(home)).chain((10_500..10_600).map(flood)).collect();
    store.writer.take(&facts, 10_603).unwrap();
    for is_counted in [false, true] {
        let body = store.answer(Name::Pages, "from=2026-03-27&to=2026-03-27");
        let rows = body["rows"].as_array().unwrap();
        assert_eq!((&rows[0]["path"], &rows[0]["views"]), (&"(other)".into(), &601.into()), "{is_counted}");
        assert_eq!((&rows[1]["path"], &rows[1]["visitors"]), (&"/".into(), &3.into()), "{is_counted}");
        assert_eq!(body["totals"]["views"], 10_603);
        store.roll_until(BEGIN + 2 * DAY_MS);
    }
}

/// Returns how many rows a table has.
fn count(store: &Store, table: &str) -> i64 {
    let connection = file::open_to_read(&store.path()).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_too_much_goes_in_portions_the_oldest_first_and_the_present_day_too() {
    let mut store = Store::new();
    let old: Vec<Fact> = (0..25_000).map(|n| view(BEGIN + n, "a")).collect();
    let new: Vec<Fact> = (0..100).map(|n| view(BEGIN + DAY_MS + n, "b")).collect();
    store.writer.take(&old, 1).unwrap();
    store.writer.take(&new, 2).unwrap();
    store.writer.within(Bounds { hits: 50, ..Bounds::default() });
    let now = BEGIN + DAY_MS + 200;
    assert!(store.writer.tidy(now).unwrap());
    assert_eq!(count(&store, "hits"), 5_100, "one portion of the oldest day");
    while count(&store, "days") == 2 {
        assert!(store.writer.tidy(now).unwrap());
        assert!(count(&store, "hits") == 5_100 || count(&store, "hits") == 100, "the younger day waits");
    }
    assert_eq!(count(&store, "visits"), 1);
    assert!(store.writer.tidy(now).unwrap());
    assert_eq!(count(&store, "hits"), 0, "a flood of today is bounded like any other");
}

#[test]
fn what_is_too_many_bytes_is_given_up_until_it_fits() {
    let mut store = Store::new();
    let long = |n: i64| Fact {
        name: "x".repeat(400),
        path: format!("/{n}/{}", "y".repeat(400)),
        ..view(BEGIN + n, "a")
    };
    for part in 0..10 {
        let facts: Vec<Fact> = (0..3_000).map(|n| long(part * 3_000 + n)).collect();
        store.writer.take(&facts, 1).unwrap();
    }
    let bytes = 16 << 20;
    store.writer.within(Bounds { bytes, ..Bounds::default() });
    assert!(store.writer.tidy(BEGIN + 40_000).unwrap(), "some 30 MB of texts are in");
    assert_eq!(count(&store, "hits"), 10_000);
    assert!(!store.writer.tidy(BEGIN + 40_000).unwrap(), "what is left fits");
}

#[test]
fn a_day_for_which_events_keep_coming_late_is_counted_again_once_and_not_for_each() {
    let mut store = Store::new();
    store.writer.take(&[view(BEGIN, "a")], 1).unwrap();
    let now = BEGIN + 2 * DAY_MS;
    store.roll_until(now);
    let state = |store: &Store| -> i64 {
        let connection = file::open_to_read(&store.path()).unwrap();
        connection.query_row("SELECT rolled FROM days", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(state(&store), 1);
    for minute in 0..10 {
        store.writer.take(&[view(BEGIN + minute, &format!("late-{minute}"))], 2).unwrap();
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
    store.writer.take(&[view(BEGIN, "old"), view(now, "new")], 2).unwrap();
    assert_eq!((store.writer.refused(), count(&store, "hits"), count(&store, "days")), (1, 1, 1));
    assert_eq!(store.writer.position().unwrap(), 2, "it does not come again");
}

#[test]
fn the_visit_of_one_visitor_after_the_other_is_found_without_compiling_the_question_again() {
    let store = Store::new();
    let connection = file::open_to_write(&store.path()).unwrap();
    for number in 0..3 {
        assert!(visits::newest(&connection, ("shop", 1), number).unwrap().is_none());
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
