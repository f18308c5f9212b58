//! A journal that drops its oldest records when it is full.

use super::*;

fn dropping(dir: &Path) -> Options {
    Options { drop_oldest: true, ..small(dir) }
}

/// Appends groups of twenty until `records` are in; each append must succeed.
fn append_all(journal: &EmbeddedJournal, records: u64) {
    (journal.extent().next.0 / 20..records / 20).for_each(|n| {
        journal.append(group(n * 20..n * 20 + 20, 700)).unwrap();
    });
}

#[test]
fn the_newest_data_survives_and_what_went_is_told_once() {
    let dir = TempDir::new().unwrap();
    let journal = open(dropping(dir.path()));
    append_all(&journal, 6_000);
    let extent = journal.extent();
    assert!(extent.bytes <= extent.max_bytes, "{extent:?}");
    assert!(extent.first.0 > 4_000 && extent.first.0 < 5_900, "{extent:?}");
    assert_eq!(extent.dropped, extent.first);
    assert_eq!(ids(&journal, 0), names(extent.first.0..6_000));
    let dropped = journal.dropped();
    let runs: Vec<(u64, u64)> = dropped.iter().map(|run| (run.first.0, run.next.0)).collect();
    assert!(runs.windows(2).all(|pair| pair[0].1 == pair[1].0), "{runs:?}");
    assert_eq!((runs[0].0, runs[runs.len() - 1].1), (0, extent.first.0));
    assert_eq!(journal.dropped(), []);
    drop(journal);
    let journal = open(dropping(dir.path()));
    assert_eq!((journal.extent().dropped, journal.extent().first), (extent.dropped, extent.first));
}

#[test]
fn settled_records_go_first_and_are_not_called_dropped() {
    let dir = TempDir::new().unwrap();
    let journal = open(dropping(dir.path()));
    for n in 0..300 {
        journal.append(group(n * 20..n * 20 + 20, 700)).unwrap();
        journal.retain(journal.extent().next, at(0)).unwrap();
    }
    assert!(journal.extent().first.0 > 4_000);
    assert_eq!((journal.dropped(), journal.extent().dropped), (Vec::new(), Position(0)));
}

#[test]
fn nothing_is_dropped_for_a_group_that_never_fits() {
    let dir = TempDir::new().unwrap();
    let journal = open(dropping(dir.path()));
    append_all(&journal, 200);
    let first = journal.extent().first;
    assert!(matches!(journal.append(group(10_000..11_500, 700)), Err(JournalError::Full(_))));
    assert_eq!((journal.extent().first, journal.dropped()), (first, Vec::new()));
    append_all(&journal, 220);
}

#[test]
fn positions_go_on_when_everything_had_to_go_and_the_process_is_killed() {
    let dir = TempDir::new().unwrap();
    let journal = open(dropping(dir.path()));
    append_all(&journal, 200);
    // One group that needs nearly all of the space.
    let last = journal.append(group(10_000..10_950, 700)).unwrap();
    assert_eq!(last.positions[0], Some(Position(200)));
    assert_eq!(journal.extent().first, Position(200));
    drop(journal);
    // As a kill leaves it between the removal of the old segments and the first record of the new one.
    let path = logs(dir.path()).remove(0);
    fs::write(&path, b"").unwrap();
    let journal = open(dropping(dir.path()));
    assert_eq!(journal.extent().next, Position(200));
}
