//! Events that are stored once more for one destination: past the window of known ids, which stays as it was.

use tempfile::TempDir;

use super::*;
use crate::journal::MemoryJournal;
use crate::journal::fixtures::{at, event_at, event_with, limit, receipt};
use crate::spec::Redelivery;

const DAY: u64 = 24 * 3600;

fn options(dir: &TempDir) -> Options {
    Options {
        dir: dir.path().to_owned(),
        fsync: false,
        max_bytes: 900 << 10,
        drop_oldest: false,
        retention: Duration::from_secs(7 * DAY),
        dedupe_window: Duration::from_secs(DAY),
        dedupe_max_ids: 1000,
        tail_bytes: 0,
    }
}

fn open_at(dir: &TempDir, seconds: i64) -> EmbeddedJournal {
    EmbeddedJournal::open(options(dir), at(seconds)).unwrap()
}

/// The event `id`, received at `seconds`, stored again for `crm`.
fn again(id: &str, seconds: i64, previous: Option<u64>) -> Arc<Event> {
    let mut receipt = receipt(id);
    receipt.received_at = at(seconds);
    receipt.redelivery = Some(Box::new(Redelivery { destination: "crm".into(), previous }));
    Arc::new(event_with(receipt, 10))
}

fn positions(journal: &dyn Journal, id: &str) -> Vec<(u64, Option<u64>)> {
    let history = journal.history(id).unwrap();
    let previous =
        |record: &Record| record.event.receipt.redelivery.as_ref().and_then(|again| again.previous);
    history.iter().map(|record| (record.position.0, previous(record))).collect()
}

fn check_past_the_window(journal: &dyn Journal) {
    journal.append(vec![event_at("m0", 10, 0), event_at("m1", 10, 1)]).unwrap();
    let group = vec![event_at("m0", 10, 2), again("m0", 0, Some(0)), event_at("m2", 10, 2)];
    let done = journal.append(group).unwrap();
    assert_eq!(done.positions, [None, Some(Position(2)), Some(Position(3))]);
    journal.append(vec![again("m0", 0, Some(2)), again("m9", 0, None)]).unwrap();
    assert_eq!(journal.append(vec![event_at("m0", 10, 3)]).unwrap().positions, [None]);
    assert_eq!(positions(journal, "m0"), [(4, Some(2)), (2, Some(0)), (0, None)]);
    let found = journal.find("m0").unwrap().unwrap();
    assert_eq!(found.position, Position(4));
    assert!(found.event.receipt.is_for("crm") && !found.event.receipt.is_for("hook"));
    let records = journal.read(Position(0), limit(9)).unwrap();
    assert!(records[0].event.receipt.is_for("hook"));
    // Its id was never accepted from a client: it is not known.
    assert_eq!(journal.append(vec![event_at("m9", 10, 4)]).unwrap().positions, [Some(Position(6))]);
}

#[test]
fn what_is_stored_again_passes_the_window_of_known_ids() {
    check_past_the_window(&MemoryJournal::default());
    let dir = TempDir::new().unwrap();
    check_past_the_window(&open_at(&dir, 0));
    let journal = open_at(&dir, 5);
    assert_eq!(positions(&journal, "m0"), [(4, Some(2)), (2, Some(0)), (0, None)]);
    let again = journal.read(Position(2), limit(1)).unwrap().remove(0).event;
    assert_eq!(again.receipt.received_at, at(0), "the time of the first arrival");
}

#[test]
fn a_restart_does_not_make_an_id_known_that_was_only_stored_again() {
    let dir = TempDir::new().unwrap();
    let journal = open_at(&dir, 0);
    journal.append(vec![again("gone", 0, None), event_at("m1", 10, 1)]).unwrap();
    drop(journal);
    let journal = open_at(&dir, 5);
    let done = journal.append(vec![event_at("m1", 10, 5), event_at("gone", 10, 5)]).unwrap();
    assert_eq!(done.positions, [None, Some(Position(2))]);
}

#[test]
fn ids_of_sealed_segments_say_which_records_are_repeated() {
    let dir = TempDir::new().unwrap();
    let journal = open_at(&dir, 0);
    for n in 0..60 {
        journal.append((0..20).map(|m| event_at(&format!("f{n}-{m}"), 300, n)).collect()).unwrap();
        journal.append(vec![again("gone", 0, None)]).unwrap();
        journal.retain(Position(0), at(0)).unwrap();
    }
    drop(journal);
    let journal = open_at(&dir, 60);
    assert_eq!(positions(&journal, "gone").len(), 60);
    let end = journal.extent().next;
    let done = journal.append(vec![event_at("gone", 10, 60), event_at("f59-0", 10, 60)]).unwrap();
    assert_eq!(done.positions, [Some(end), None], "a client may send what was only stored again");
}

#[test]
fn a_group_that_failed_leaves_the_window_as_it_was() {
    let dir = TempDir::new().unwrap();
    let journal = open_at(&dir, 0);
    journal.append(vec![event_at("m0", 10, 0)]).unwrap();
    journal.writer().fault = Some(super::writer::Fault::Sync);
    let group = || vec![again("m0", 0, Some(0)), event_at("m1", 10, 1), again("m0", 0, Some(0))];
    journal.append(group()).unwrap_err();
    assert_eq!(journal.append(vec![event_at("m0", 10, 2)]).unwrap().positions, [None]);
    let done = journal.append(group()).unwrap();
    assert!(done.positions.iter().all(Option::is_some), "{:?}", done.positions);
}
