//! When what was folded is in the file.

use std::ops::Range;
use std::path::Path;

use super::*;
use crate::journal::MemoryJournal;
use crate::journal::fixtures::{at, event_at};

fn reports(path: &Path) -> Reports {
    let metrics = Arc::new(Metrics::new());
    let (path, rules) = (path.to_owned(), Rules::default());
    Reports { path, rules, writer: None, facts: Vec::new(), next: 0, metrics }
}

fn records(range: Range<u64>) -> Vec<Record> {
    range.map(|n| Record { position: Position(n), event: event_at(&format!("m{n}"), 1, 0) }).collect()
}

/// Returns how many events are in the file, and the position after them.
fn written(path: &Path) -> (u64, u64) {
    let file = rusqlite::Connection::open(path).unwrap();
    let read = |sql| u64::try_from(file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap();
    (read("SELECT count(*) FROM hits"), read("SELECT next FROM position"))
}

#[test]
fn many_events_are_written_together_and_few_at_once_and_none_is_lost_or_counted_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("analytics.db");
    let journal = MemoryJournal::default();
    journal.append(records(0..10_000).into_iter().map(|record| record.event).collect()).unwrap();
    let stand = Stand { now: at(1), is_current: true };
    let mut folding = reports(&path);
    assert_eq!(folding.begin(&journal, stand.now), Ok(Position(0)));
    folding.fold(&records(0..5), stand).unwrap();
    assert_eq!(written(&path), (5, 5), "few");
    folding.fold(&records(5..505), stand).unwrap();
    folding.fold(&records(505..510), stand).unwrap();
    assert_eq!(written(&path), (5, 5), "many wait");
    folding.tick(stand).unwrap();
    assert_eq!(written(&path), (510, 510), "until the tick");
    folding.fold(&records(510..5_000), stand).unwrap();
    assert_eq!(written(&path), (5_000, 5_000), "or until they are too many");
    folding.fold(&records(5_000..6_000), stand).unwrap();
    // As after a kill: what was held is folded again.
    let mut folding = reports(&path);
    assert_eq!(folding.begin(&journal, stand.now), Ok(Position(5_000)));
    folding.fold(&records(5_000..6_000), stand).unwrap();
    folding.tick(stand).unwrap();
    assert_eq!(written(&path), (6_000, 6_000));
}

#[test]
fn what_a_write_fails_on_comes_again_and_what_was_held_before_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("analytics.db");
    let journal = MemoryJournal::default();
    let stand = Stand { now: at(1), is_current: true };
    let mut folding = reports(&path);
    folding.begin(&journal, stand.now).unwrap();
    folding.fold(&records(0..1_000), stand).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("ALTER TABLE hits RENAME TO gone").unwrap();
    folding.fold(&records(1_000..5_000), stand).unwrap_err();
    other.execute_batch("ALTER TABLE gone RENAME TO hits").unwrap();
    folding.fold(&records(1_000..5_000), stand).unwrap();
    assert_eq!(written(&path), (5_000, 5_000));
}

#[test]
fn what_is_too_old_when_it_is_written_is_refused_and_is_not_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("analytics.db");
    let mut folding = reports(&path);
    let years_later = Stand { now: at(1_000 * 86_400), is_current: true };
    folding.begin(&MemoryJournal::default(), at(1)).unwrap();
    folding.fold(&records(0..5), Stand { now: at(1), is_current: true }).unwrap();
    folding.fold(&records(5..505), years_later).unwrap();
    folding.write(years_later.now).unwrap();
    assert_eq!(written(&path), (5, 505));
    assert!(folding.metrics.encode().contains("opentrack_reports_too_old_total 500"));
}
