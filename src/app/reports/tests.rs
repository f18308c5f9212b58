//! When what was folded is in the file.

use std::ops::Range;
use std::path::Path;

use super::*;
use crate::journal::MemoryJournal;
use crate::journal::fixtures::{at, event_at};

fn reports(path: &Path) -> Reports {
    let metrics = Arc::new(Metrics::new());
    let (path, rules) = (path.to_owned(), Rules::default());
    Reports { path, rules, writer: None, written_at: i64::MIN, metrics }
}

fn records(range: Range<u64>) -> Vec<Record> {
    range.map(|n| Record { position: Position(n), event: event_at(&format!("m{n}"), 1, 0) }).collect()
}

/// Returns how many events are in the file, and the position after them.
fn written(path: &Path) -> (u64, u64) {
    let file = rusqlite::Connection::open(path).unwrap();
    let read = |sql| u64::try_from(file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap();
    (read("SELECT coalesce(sum(hits), 0) FROM blocks"), read("SELECT next FROM position"))
}

#[test]
fn events_are_written_once_a_second_or_when_they_are_many_and_none_is_lost_or_counted_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("analytics.db");
    let journal = MemoryJournal::default();
    journal.append(records(0..20_000).into_iter().map(|record| record.event).collect()).unwrap();
    let stand = Stand { now: at(1), is_current: true };
    let mut folding = reports(&path);
    assert_eq!(folding.begin(&journal, stand.now), Ok(Position(0)));
    folding.fold(&records(0..5), stand).unwrap();
    assert_eq!(written(&path), (5, 5), "the first at once");
    folding.fold(&records(5..505), stand).unwrap();
    assert_eq!(written(&path), (5, 5), "others wait");
    folding.tick(stand).unwrap();
    assert_eq!(written(&path), (505, 505), "until the tick");
    folding.fold(&records(505..510), stand).unwrap();
    folding.fold(&records(510..520), Stand { now: at(2), ..stand }).unwrap();
    assert_eq!(written(&path), (520, 520), "or for a second");
    folding.fold(&records(520..9_000), Stand { now: at(2), ..stand }).unwrap();
    assert_eq!(written(&path), (9_000, 9_000), "or until they are many");
    folding.fold(&records(9_000..10_000), Stand { now: at(2), ..stand }).unwrap();
    // As after a kill: what was held is folded again.
    let mut folding = reports(&path);
    assert_eq!(folding.begin(&journal, stand.now), Ok(Position(9_000)));
    folding.fold(&records(9_000..10_000), stand).unwrap();
    folding.tick(stand).unwrap();
    assert_eq!(written(&path), (10_000, 10_000));
}

#[test]
fn while_the_file_cannot_be_written_no_more_is_held_than_is_written_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("analytics.db");
    let stand = Stand { now: at(1), is_current: true };
    let mut folding = reports(&path);
    folding.begin(&MemoryJournal::default(), stand.now).unwrap();
    folding.fold(&records(0..1_000), stand).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("ALTER TABLE blocks RENAME TO gone").unwrap();
    folding.fold(&records(1_000..11_000), stand).unwrap();
    folding.tick(stand).unwrap_err();
    folding.fold(&records(11_000..12_000), stand).unwrap_err();
    other.execute_batch("ALTER TABLE gone RENAME TO blocks").unwrap();
    folding.fold(&records(11_000..12_000), stand).unwrap();
    folding.tick(stand).unwrap();
    assert_eq!(written(&path), (12_000, 12_000));
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
    folding.write(years_later.now.as_millisecond()).unwrap();
    assert_eq!(written(&path), (5, 505));
    assert!(folding.metrics.encode().contains("opentrack_reports_too_old_total 500"));
}
