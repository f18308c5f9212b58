//! The embedded engine as its callers see it, with real files.

mod dropping;
mod steady;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use bytes::Bytes;

use super::writer::Fault;
use super::*;
use crate::journal::MemoryJournal;
use crate::journal::fixtures::{at, attempt_note, event_at, fate_note, limit};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn options(dir: &Path) -> Options {
    Options {
        dir: dir.to_owned(),
        fsync: false,
        max_bytes: 8 << 20,
        drop_oldest: false,
        retention: 7 * DAY,
        dedupe_window: DAY,
        dedupe_max_ids: 1_000_000,
        tail_bytes: 0,
    }
}

fn small(dir: &Path) -> Options {
    Options { max_bytes: 900 << 10, ..options(dir) }
}

fn open(options: Options) -> EmbeddedJournal {
    EmbeddedJournal::open(options, at(0)).unwrap()
}

fn group(ids: Range<u64>, pad: usize) -> Vec<Arc<Event>> {
    ids.map(|n| event_at(&format!("m{n}"), pad, n as i64)).collect()
}

fn ids(journal: &dyn Journal, from: u64) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Position(from);
    loop {
        let page = journal.read(next, limit(7)).unwrap();
        let Some(last) = page.last() else { return found };
        next = Position(last.position.0 + 1);
        found.extend(page.iter().map(|record| record.event.head.message_id.to_string()));
    }
}

fn names(range: Range<u64>) -> Vec<String> {
    range.map(|n| format!("m{n}")).collect()
}

fn logs(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "log"));
    found.sort();
    found
}

/// A journal with several sealed segments, closed.
fn filled(dir: &Path, records: u64) -> Vec<PathBuf> {
    let journal = open(small(dir));
    (0..records / 20).for_each(|n| drop(journal.append(group(n * 20..n * 20 + 20, 700)).unwrap()));
    drop(journal);
    let logs = logs(dir);
    assert!(logs.len() > 3);
    logs
}

#[test]
fn what_was_appended_is_read_back_from_memory_and_from_disk() {
    let dir = TempDir::new().unwrap();
    let journal = open(Options { tail_bytes: 1 << 20, fsync: true, ..options(dir.path()) });
    let done = journal.append(group(0..3, 10)).unwrap();
    assert_eq!(done.positions, [0, 1, 2].map(|n| Some(Position(n))));
    assert_eq!(done.next, Position(3));
    assert_eq!(journal.tail(Position(1), limit(9)).unwrap().len(), 2);
    assert_eq!(ids(&journal, 0), names(0..3));
    drop(journal);
    let journal = open(options(dir.path()));
    assert!(journal.tail(Position(1), limit(9)).is_none());
    let read = journal.read(Position(1), limit(1)).unwrap();
    let sent = event_at("m1", 10, 1);
    assert_eq!((&read[0].event.raw, &read[0].event.receipt), (&sent.raw, &sent.receipt));
    assert_eq!(ids(&journal, 0), names(0..3));
}

#[test]
fn a_read_returns_at_least_one_record_and_stays_within_its_limits() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(0..5, 1_000)).unwrap();
    assert_eq!(journal.read(Position(0), ReadLimit { records: 9, bytes: 0 }).unwrap().len(), 1);
    assert_eq!(journal.read(Position(0), ReadLimit { records: 9, bytes: 2_500 }).unwrap().len(), 2);
    assert_eq!(journal.read(Position(5), limit(9)).unwrap().len(), 0);
}

/// Writes one log of four records; returns its path, its bytes and where each record ends, the first place being 0.
fn four_records(dir: &Path) -> (PathBuf, Vec<u8>, Vec<u64>) {
    let journal = open(options(dir));
    journal.append(group(0..4, 30)).unwrap();
    let ends = (0..5).map(|n| journal.log.bytes_of_first(n)).collect();
    drop(journal);
    let path = logs(dir).remove(0);
    let whole = fs::read(&path).unwrap();
    (path, whole, ends)
}

#[test]
fn a_tail_cut_at_any_byte_leaves_exactly_the_whole_records() {
    let dir = TempDir::new().unwrap();
    let (path, whole, ends) = four_records(dir.path());
    for cut in ends[2]..ends[4] {
        fs::write(&path, &whole[..cut as usize]).unwrap();
        let kept = if cut < ends[3] { 2 } else { 3 };
        assert_goes_on(dir.path(), kept, cut);
    }
}

#[test]
fn a_changed_byte_in_the_last_record_cuts_that_record_alone() {
    let dir = TempDir::new().unwrap();
    let (path, whole, ends) = four_records(dir.path());
    for byte in ends[3]..ends[4] {
        let mut damaged = whole.clone();
        damaged[byte as usize] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        assert_goes_on(dir.path(), 3, byte);
    }
}

/// Opens, expects `kept` records, appends two and expects them after another start.
fn assert_goes_on(dir: &Path, kept: u64, case: u64) {
    let journal = open(options(dir));
    assert_eq!(ids(&journal, 0), names(0..kept), "case {case}");
    let done = journal.append(group(kept..kept + 2, 5)).unwrap();
    assert_eq!(done.positions[0], Some(Position(kept)), "case {case}");
    drop(journal);
    let journal = open(options(dir));
    assert_eq!(ids(&journal, 0), names(0..kept + 2), "case {case}");
    drop(journal);
    for path in logs(dir) {
        fs::remove_file(path.with_extension("idx")).ok();
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn whole_records_behind_a_torn_one_do_not_come_back() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(0..4, 30)).unwrap();
    let start = journal.log.bytes_of_first(1) as usize;
    drop(journal);
    let path = logs(dir.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[start..start + 8].fill(0);
    fs::write(&path, &bytes).unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(1..2, 30)).unwrap();
    drop(journal);
    assert_eq!(ids(&open(options(dir.path())), 0), names(0..2));
}

#[test]
fn a_record_of_a_newer_router_stops_the_start_and_is_not_cut() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(0..4, 30)).unwrap();
    let (start, end) = (journal.log.bytes_of_first(1) as usize, journal.log.bytes_of_first(2) as usize);
    drop(journal);
    let path = logs(dir.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let newer = codec::of_version(bytes[start..end].to_vec(), u8::MAX, 1);
    bytes[start..end].copy_from_slice(&newer);
    fs::write(&path, &bytes).unwrap();
    let error = EmbeddedJournal::open(options(dir.path()), at(0)).err().unwrap().to_string();
    assert!(error.contains("read record 1 of") && error.contains("version 255"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn damage_in_the_middle_of_the_last_segment_costs_one_record() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(0..4, 30)).unwrap();
    let end = journal.log.bytes_of_first(2) as usize;
    drop(journal);
    let path = logs(dir.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[end - 3] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_one_is_damaged(&open(options(dir.path())), 1, 4);
}

#[test]
fn damage_in_a_sealed_segment_costs_one_record() {
    let dir = TempDir::new().unwrap();
    let logs = filled(dir.path(), 600);
    let mut bytes = fs::read(&logs[1]).unwrap();
    bytes[400] ^= 1;
    fs::write(&logs[1], &bytes).unwrap();
    let first: u64 = logs[1].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert_one_is_damaged(&open(small(dir.path())), first, 600);
}

#[test]
fn a_lost_length_costs_no_more_than_one_block() {
    let dir = TempDir::new().unwrap();
    let logs = filled(dir.path(), 600);
    let mut bytes = fs::read(&logs[0]).unwrap();
    bytes[..8].fill(0xff);
    fs::write(&logs[0], &bytes).unwrap();
    let journal = open(small(dir.path()));
    for position in 0..64 {
        let read = journal.read(Position(position), limit(5));
        assert!(matches!(read, Err(JournalError::Damaged(_))), "{position}");
    }
    assert_eq!(ids(&journal, 64), names(64..600));
}

fn assert_one_is_damaged(journal: &EmbeddedJournal, lost: u64, records: u64) {
    let before = journal.read(Position(lost - 1), limit(9)).unwrap();
    assert_eq!(before.len(), 1);
    assert!(matches!(journal.read(Position(lost), limit(9)), Err(JournalError::Damaged(_))));
    assert_eq!(ids(journal, lost + 1), names(lost + 1..records));
    assert_eq!(journal.extent().next, Position(records));
}

#[test]
fn a_failed_write_or_sync_leaves_nothing_of_the_group() {
    for fault in [Fault::Write, Fault::Full, Fault::Sync] {
        let dir = TempDir::new().unwrap();
        let journal = open(Options { tail_bytes: 1 << 20, ..options(dir.path()) });
        journal.append(group(0..3, 30)).unwrap();
        for _ in 0..2 {
            journal.writer().fault = Some(fault);
            let failed = journal.append(group(3..9, 30));
            let is_full = matches!(failed, Err(JournalError::Full(_)));
            let is_broken = matches!(failed, Err(JournalError::Io { .. }));
            assert_eq!((is_full, is_broken), (fault == Fault::Full, fault != Fault::Full), "{fault:?}");
        }
        assert_eq!(journal.extent().next, Position(3));
        assert_eq!(ids(&journal, 0), names(0..3));
        assert!(journal.find("m4").unwrap().is_none());
        let again = journal.append(group(3..5, 30)).unwrap();
        assert_eq!(again.positions, [Some(Position(3)), Some(Position(4))]);
        drop(journal);
        let journal = open(options(dir.path()));
        assert_eq!(ids(&journal, 0), names(0..5), "{fault:?}");
    }
}

#[test]
fn a_clock_that_jumps_back_and_forth_loses_no_record_and_no_place() {
    let dir = TempDir::new().unwrap();
    let day = 86_400;
    let times = [0, 10, 400 * day, -400 * day, 20, 30];
    let event = |(n, seconds): (usize, &i64)| event_at(&format!("m{n}"), 700, *seconds);
    let journal = open(small(dir.path()));
    let appended: Vec<_> = times.iter().enumerate().map(|one| journal.append(vec![event(one)])).collect();
    assert!(appended.iter().all(Result::is_ok), "{appended:?}");
    drop(journal);
    for now in [-500 * day, 0, 500 * day] {
        let journal = EmbeddedJournal::open(small(dir.path()), at(now)).unwrap();
        assert_eq!(ids(&journal, 0), names(0..6), "opened at {now}");
        journal.retain(Position(0), at(now)).unwrap();
        assert_eq!(ids(&journal, 0), names(0..6), "what is not settled stays, whatever time it is");
        assert_eq!(journal.position_at(at(15)).unwrap(), Position(2), "the first that is not older");
    }
}

#[test]
fn nobody_else_reads_what_the_journal_holds() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let own = dir.path().join("journal");
    let journal = open(options(&own));
    journal.append(group(0..3, 30)).unwrap();
    drop(journal);
    let mut files = vec![own];
    while let Some(path) = files.pop() {
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.permissions().mode() & 0o077, 0, "{}", path.display());
        if found.is_dir() {
            files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}

#[test]
fn a_group_that_was_written_but_not_synced_is_gone_after_a_kill() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(0..3, 30)).unwrap();
    journal.writer().fault = Some(Fault::Sync);
    journal.append(group(3..9, 30)).unwrap_err();
    drop(journal);
    assert_eq!(ids(&open(options(dir.path())), 0), names(0..3));
}

#[test]
fn a_group_that_panicked_can_be_sent_again() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(0..3, 30)).unwrap();
    journal.writer().fault = Some(Fault::Panic);
    let append = std::panic::AssertUnwindSafe(|| journal.append(group(3..9, 30)));
    assert!(std::panic::catch_unwind(append).is_err());
    let done = journal.append(group(3..9, 30)).unwrap();
    assert!(done.positions.iter().all(Option::is_some), "{:?}", done.positions);
    drop(journal);
    assert_eq!(ids(&open(options(dir.path())), 0), names(0..9));
}

#[test]
fn duplicates_are_not_appended_within_a_group_nor_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let journal = open(small(dir.path()));
    let twice = [group(0..2, 700), group(1..3, 700)].concat();
    let done = journal.append(twice).unwrap();
    assert_eq!(done.positions, [Some(Position(0)), Some(Position(1)), None, Some(Position(2))]);
    (0..20).for_each(|n| drop(journal.append(group(3 + n * 20..23 + n * 20, 700)).unwrap()));
    drop(journal);
    let journal = open(small(dir.path()));
    let done = journal.append(group(0..403, 700)).unwrap();
    assert!(done.positions.iter().all(Option::is_none));
    drop(journal);
    let later = EmbeddedJournal::open(small(dir.path()), at(24 * 3600 + 1_000)).unwrap();
    let done = later.append(vec![event_at("m0", 1, 24 * 3600 + 1_000)]).unwrap();
    assert_eq!(done.positions, [Some(Position(403))]);
    assert_eq!(later.find("m0").unwrap().unwrap().position, Position(403));
}

#[test]
fn a_full_journal_refuses_until_what_is_settled_goes() {
    let dir = TempDir::new().unwrap();
    let journal = open(small(dir.path()));
    let mut next = 0;
    let error = loop {
        match journal.append(group(next..next + 20, 700)) {
            Ok(_) => next += 20,
            Err(error) => break error,
        }
        assert!(journal.extent().bytes <= 900 << 10);
    };
    assert!(matches!(error, JournalError::Full(_)), "{error}");
    assert!(next > 700, "{next}");
    assert_eq!(journal.retain(Position(0), at(0)).unwrap(), 0);
    journal.append(group(next..next + 20, 700)).unwrap_err();
    let gone = journal.retain(Position(next), at(0)).unwrap();
    assert!(gone > 0);
    assert_eq!(journal.extent().first, Position(gone));
    (0..100).for_each(|n| {
        drop(journal.append(group(next + n * 20..next + n * 20 + 20, 700)).unwrap_or_else(|_| {
            journal.retain(Position(next + n * 20), at(0)).unwrap();
            journal.append(group(next + n * 20..next + n * 20 + 20, 700)).unwrap()
        }))
    });
    assert!(journal.read(Position(0), limit(1)).unwrap()[0].position >= Position(gone));
}

#[test]
fn a_full_journal_can_be_prepared_as_soon_as_there_is_room() {
    let dir = TempDir::new().unwrap();
    let journal = open(small(dir.path()));
    let refused = (0..).find(|n| journal.append(group(n * 20..n * 20 + 20, 700)).is_err()).unwrap();
    assert!(matches!(journal.prepare(), Err(JournalError::Full(_))));
    journal.retain(journal.extent().next, at(0)).unwrap();
    journal.prepare().unwrap();
    journal.append(group(refused * 20..refused * 20 + 20, 700)).unwrap();
}

#[test]
fn only_old_sealed_and_settled_segments_go() {
    let dir = TempDir::new().unwrap();
    let logs = filled(dir.path(), 600);
    let second: u64 = logs[1].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let journal = open(options(dir.path()));
    let late = at(8 * 24 * 3600);
    assert_eq!(journal.retain(Position(600), at(0)).unwrap(), 0);
    assert_eq!(journal.retain(Position(second - 1), late).unwrap(), 0);
    assert_eq!(journal.retain(Position(second), late).unwrap(), second);
    assert_eq!(ids(&journal, 0), names(second..600));
    journal.retain(Position(600), late).unwrap();
    let kept = journal.extent().first.0;
    drop(journal);
    assert_eq!(ids(&open(options(dir.path())), 0), names(kept..600));
}

#[test]
fn notes_stay_as_long_as_their_events_and_go_with_them() {
    let dir = TempDir::new().unwrap();
    let logs = filled(dir.path(), 600);
    let second: u64 = logs[1].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let note = |range: (u64, u64)| {
        [attempt_note("a", &[range], "delivered", ""), fate_note("b", &[range], "skipped", "filtered")]
    };
    open(options(dir.path())).note(&note((0, second))).unwrap();
    let journal = open(options(dir.path()));
    let late = at(8 * 24 * 3600);
    journal.retain(Position(second - 1), late).unwrap();
    assert_eq!(journal.notes_about(Position(5)).unwrap(), note((0, second)));
    assert_eq!(journal.notes_about(Position(second)).unwrap(), []);
    journal.retain(Position(second), late).unwrap();
    assert_eq!(journal.notes_about(Position(5)).unwrap(), []);
    journal.note(&note((second, second + 1))).unwrap();
    assert_eq!(journal.notes_about(Position(second)).unwrap().len(), 2);
}

#[test]
fn sealed_segments_are_opened_by_their_index_alone() {
    let dir = TempDir::new().unwrap();
    let logs = filled(dir.path(), 600);
    for path in &logs[..logs.len() - 1] {
        let len = fs::metadata(path).unwrap().len() as usize;
        fs::write(path, vec![0xaa; len]).unwrap();
    }
    let journal = open(small(dir.path()));
    assert_eq!(journal.extent().next, Position(600));
    assert!(matches!(journal.read(Position(0), limit(1)), Err(JournalError::Damaged(_))));
    assert_eq!(journal.append(group(0..1, 1)).unwrap().positions, [None]);
}

#[test]
fn a_missing_or_damaged_index_is_built_again() {
    let dir = TempDir::new().unwrap();
    let logs = filled(dir.path(), 600);
    let index = |at: usize| logs[at].with_extension("idx");
    let sound = fs::read(index(0)).unwrap();
    let mut damaged = sound.clone();
    damaged[60] ^= 1;
    fs::write(index(0), damaged).unwrap();
    fs::remove_file(index(1)).unwrap();
    fs::write(dir.path().join("00000000000000077777.idx"), b"orphan").unwrap();
    let journal = open(small(dir.path()));
    assert_eq!(ids(&journal, 0), names(0..600));
    assert_eq!(fs::read(index(0)).unwrap(), sound);
    for n in [0, 150, 599] {
        assert_eq!(journal.find(&format!("m{n}")).unwrap().unwrap().position, Position(n));
    }
    assert!(journal.find("m600").unwrap().is_none());
}

#[test]
fn an_event_larger_than_a_segment_gets_one_of_its_own() {
    let dir = TempDir::new().unwrap();
    let journal = open(small(dir.path()));
    journal.append(group(0..1, 10)).unwrap();
    journal.append(group(1..2, 200_000)).unwrap();
    journal.append(group(2..3, 10)).unwrap();
    assert_eq!(ids(&journal, 0), names(0..3));
    drop(journal);
    let journal = open(small(dir.path()));
    assert_eq!(ids(&journal, 0), names(0..3));
    assert!(matches!(journal.append(group(3..4, 950_000)), Err(JournalError::Full(_))));
    journal.append(group(3..4, 10)).unwrap();
}

#[test]
fn an_erased_record_leaves_nothing_to_read() {
    let dir = TempDir::new().unwrap();
    let logs = filled(dir.path(), 600);
    let journal = open(Options { tail_bytes: 1 << 20, ..small(dir.path()) });
    journal.append(group(600..603, 20)).unwrap();
    journal.erase(&[Position(601), Position(5)]).unwrap();
    for lost in [5, 601] {
        assert!(journal.find(&format!("m{lost}")).unwrap().is_none());
    }
    let left = |journal: &EmbeddedJournal| {
        [journal.read(Position(5), limit(1)).unwrap(), journal.read(Position(601), limit(1)).unwrap()]
            .concat()
    };
    assert_eq!(left(&journal).iter().map(|r| r.position.0).collect::<Vec<_>>(), [6, 602]);
    let bytes = fs::read(&logs[0]).unwrap();
    assert_eq!(memchr::memmem::find(&bytes, b"\"m5\""), None);
    assert!(memchr::memmem::find(&bytes, b"\"m6\"").is_some());
    drop(journal);
    let journal = open(small(dir.path()));
    assert_eq!(left(&journal).len(), 2);
    assert_eq!(journal.extent().next, Position(603));
}

/// The record is half overwritten by a kill; the start must neither cut there nor find it, and the second try ends it.
#[test]
fn an_erasure_that_was_cut_short_costs_no_other_record_and_is_done_again() {
    let dir = TempDir::new().unwrap();
    let journal = open(small(dir.path()));
    journal.append(group(0..6, 20)).unwrap();
    // Seals the segment that is written.
    journal.erase(&[Position(1)]).unwrap();
    journal.append(group(6..9, 20)).unwrap();
    drop(journal);
    let log = segment::log_path(dir.path(), 0);
    let mut bytes = fs::read(&log).unwrap();
    let at = memchr::memmem::find(&bytes, b"\"m3\"").unwrap();
    bytes[at - 20..at].fill(0);
    fs::write(&log, &bytes).unwrap();
    let journal = open(small(dir.path()));
    assert_eq!(journal.extent().next, Position(9));
    journal.erase(&[Position(3)]).unwrap();
    let left: Vec<u64> =
        journal.read(Position(0), limit(99)).unwrap().iter().map(|record| record.position.0).collect();
    assert_eq!(left, [0, 2, 4, 5, 6, 7, 8]);
    assert_eq!(memchr::memmem::find(&fs::read(&log).unwrap(), b"\"m3\""), None);
}

/// The length of one record is broken: nobody knows where those behind it in its block begin.
#[test]
fn a_damaged_length_keeps_no_other_block_from_being_erased() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(0..200, 20)).unwrap();
    journal.erase(&[Position(0)]).unwrap();
    drop(journal);
    let log = segment::log_path(dir.path(), 0);
    let mut bytes = fs::read(&log).unwrap();
    let whole = bytes.len();
    // The lengths are those of the records, whose first is at the head of the file.
    let mut at = 0;
    (0..10).for_each(|_| at += 8 + u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize);
    bytes[at..at + 4].fill(0xff);
    fs::write(&log, &bytes).unwrap();
    let journal = open(options(dir.path()));
    let wanted = [5, 10, 12, 70, 199].map(Position);
    assert_eq!(journal.erase(&wanted).unwrap(), 2, "the damaged one and one behind it");
    let bytes = fs::read(&log).unwrap();
    let is_left =
        |position: u64| memchr::memmem::find(&bytes, format!("\"m{position}\"").as_bytes()).is_some();
    assert_eq!([5, 70, 199, 4, 12, 71].map(is_left), [false, false, false, true, true, true]);
    assert_eq!(bytes.len(), whole);
}

/// Readers of the segment see a record or nothing of it, never half of both.
#[test]
fn nobody_sees_a_record_while_it_is_overwritten() {
    let dir = TempDir::new().unwrap();
    let journal = open(Options { tail_bytes: 0, ..options(dir.path()) });
    journal.append(group(0..60, 9_000)).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while journal.find("m59").unwrap().is_some() {
                (0..59).for_each(|from| drop(journal.read(Position(from), limit(3)).unwrap()));
                reads += 1;
            }
            reads
        });
        for position in 0..60 {
            journal.erase(&[Position(position)]).unwrap();
        }
        reader.join().unwrap();
    });
    assert_eq!(journal.read(Position(0), limit(9)).unwrap().len(), 0);
}

/// Leaves what a kill has left of a letter while it was overwritten, and of one while it was kept.
fn leave_halves(dead: &std::path::Path) {
    let halves =
        ["-          mes\":\"Anna\"}}}\n", "{\"message_id\":\"h\",\"event\":{\"userId\":\"user-77\",\n"];
    fs::create_dir(dead).unwrap();
    fs::write(walk::file_path(dead, 0), halves.concat()).unwrap();
}

fn event_of(user: &str, id: &str) -> Arc<Event> {
    let raw = format!(
        r#"{{"type":"track","event":"Seen","userId":"x","userId":"{user}","messageId":"{id}","n":123456}}"#
    );
    Arc::new(Event::restore(Bytes::from(raw), crate::journal::fixtures::receipt(id)).unwrap())
}

fn set_aside_of(raw: &str) -> crate::spec::Rejected {
    crate::spec::Rejected {
        index: 0,
        message_id: None,
        problems: Vec::new(),
        source: "web".into(),
        at: at(0),
        raw: raw.to_owned().into(),
    }
}

fn expect_gone(dir: &std::path::Path, words: &[&str]) {
    for folder in ["dead", "rejected", "attempts", "fates"] {
        for name in files::names(&dir.join(folder)).unwrap() {
            let text = fs::read(dir.join(folder).join(name)).unwrap();
            for word in words {
                assert_eq!(memchr::memmem::find(&text, word.as_bytes()), None, "{folder}");
            }
        }
    }
}

#[test]
fn what_is_kept_beside_the_records_forgets_a_person_and_keeps_the_others() {
    use crate::journal::fixtures::letter;
    use crate::spec::{IdKind, People};
    let dir = TempDir::new().unwrap();
    leave_halves(&dir.path().join("dead"));
    let journal = open(options(dir.path()));
    let buried = [("user-77", "a"), ("other-9", "b"), ("user-77", "c")].map(|(user, id)| event_of(user, id));
    let letters: Vec<_> =
        buried.iter().map(|event| letter("crm", "rejected", Arc::clone(event), 0)).collect();
    journal.bury(&letters).unwrap();
    let theirs = journal.letters(&LetterFilter::default(), Walk::Back(None), PAGE).unwrap().letters;
    // Taken out, and still on the disk.
    journal.take_out(&theirs[..1]).unwrap();
    journal.note(&[attempt_note("crm", &[(1, 9)], "transient", "no user-77 here")]).unwrap();
    let set_aside =
        [r#"{"userId":"user-77","event":1}"#, r#"{"userId":"user-7"}"#, r#"{"userId":"user-77","#];
    journal.keep_rejected(&set_aside.map(set_aside_of)).unwrap();
    let people = People::new(IdKind::UserId, ["user-77", "123456", "2030-03", "rejected"]);
    assert_eq!(journal.redact(&people).unwrap(), 4, "two letters, one of them torn, and two rejected events");
    expect_gone(dir.path(), &["user-77", "Anna"]);
    let left = journal.letters(&LetterFilter::default(), Walk::Back(None), PAGE).unwrap().letters;
    assert_eq!(left.iter().map(|letter| letter.message_id.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(left[0].event().unwrap().raw, buried[1].raw, "what is somebody else's stays as it is");
    assert_eq!(journal.letter_counts().values().sum::<u64>(), 1);
    assert_eq!(journal.rejected(9, None).unwrap().rejected.len(), 1);
    assert_eq!(journal.notes_about(Position(3)).unwrap().len(), 1, "the note stays, without the id");
    assert_eq!(journal.redact(&people).unwrap(), 0);
}

const PAGE: PageLimit = PageLimit { letters: 99, bytes: 1 << 20, seen: 1 << 20 };

#[test]
fn the_first_record_at_or_after_an_instant_is_found() {
    let dir = TempDir::new().unwrap();
    filled(dir.path(), 600);
    let journal = open(small(dir.path()));
    for n in [0, 1, 63, 64, 311, 599] {
        assert_eq!(journal.position_at(at(n)).unwrap(), Position(n as u64));
    }
    assert_eq!(journal.position_at(at(-9)).unwrap(), Position(0));
    assert_eq!(journal.position_at(at(600)).unwrap(), Position(600));
}

#[test]
fn positions_that_a_cursor_has_settled_are_not_used_again() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(0..10, 10)).unwrap();
    journal.commit("a", &Cursor { mark: Position(10), ..Cursor::default() }).unwrap();
    drop(journal);
    fs::remove_file(logs(dir.path()).remove(0)).unwrap();
    let journal = open(options(dir.path()));
    assert_eq!(journal.append(group(20..21, 10)).unwrap().positions, [Some(Position(10))]);
    assert_eq!(ids(&journal, 0), ["m20"]);
}

#[test]
fn the_backlog_in_bytes_shrinks_to_nothing() {
    let dir = TempDir::new().unwrap();
    filled(dir.path(), 600);
    let journal = open(small(dir.path()));
    let all = journal.bytes_since(Position(0));
    let half = journal.bytes_since(Position(300));
    assert!(half * 10 > all * 4 && half * 10 < all * 7, "{half} of {all}");
    assert_eq!(journal.bytes_since(Position(600)), 0);
}

#[test]
fn dead_letters_and_rejected_events_are_kept() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    let letter = crate::journal::fixtures::letter("a", "refused", event_at("m3", 1, 3), 0);
    journal.bury(&[letter.clone(), letter]).unwrap();
    let file = fs::read_to_string(dir.path().join("dead/00000000000000000000.ndjson")).unwrap();
    insta::assert_snapshot!(file.lines().next().unwrap(), @r#"{"message_id":"m3","destination":"a","position":5,"reason":"refused","status":422,"answer":"no such \"thing\"","attempts":1,"at":"2030-03-17T17:46:40Z","receipt":{"kind":"track","received_at":"2030-03-17T17:46:43Z","timestamp":"2030-03-17T17:46:39Z","message_id":"m3","source":"website"},"event":{"type":"track","event":"Seen","userId":"u1","messageId":"m3","properties":{"pad":"x"}}}"#);
    assert_eq!(journal.dead_letter_bytes().unwrap(), file.len() as u64);
    assert_eq!(journal.rejected(5, None).unwrap().rejected.len(), 0);
    journal.close().unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(u16, u16)>),
    Fail(bool),
    Read(u64, usize),
    Find(u16),
    At(i64),
    Erase(u64),
    Commit(u64),
    Retain(u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let events = prop::collection::vec((0_u16..400, 0_u16..3_000), 0..30);
    prop_oneof![
        8 => events.prop_map(Step::Append),
        1 => any::<bool>().prop_map(Step::Fail),
        4 => (0_u64..300, 1_usize..40).prop_map(|(from, count)| Step::Read(from, count)),
        2 => (0_u16..400).prop_map(Step::Find),
        1 => (0_i64..60).prop_map(Step::At),
        1 => (0_u64..300).prop_map(Step::Erase),
        1 => (0_u64..300).prop_map(Step::Commit),
        1 => (0_u64..300).prop_map(Step::Retain),
        2 => Just(Step::Reopen),
    ]
}

/// The embedded engine beside the one in memory, which is the model.
struct Pair {
    dir: TempDir,
    tail_bytes: usize,
    real: Option<EmbeddedJournal>,
    model: MemoryJournal,
    clock: i64,
    /// Ids of records that are given up or erased may be forgotten by a start: later events have others.
    epoch: u32,
}

impl Pair {
    fn new(tail_bytes: usize) -> Self {
        let dir = TempDir::new().unwrap();
        let mut pair =
            Pair { dir, tail_bytes, real: None, model: MemoryJournal::default(), clock: 0, epoch: 0 };
        pair.reopen();
        pair
    }

    fn reopen(&mut self) {
        self.real = None;
        self.real = Some(open(Options { tail_bytes: self.tail_bytes, ..options(self.dir.path()) }));
    }

    fn real(&self) -> &EmbeddedJournal {
        self.real.as_ref().unwrap()
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Append(events) => {
                self.clock += 1;
                let event = |(id, pad): (u16, u16)| {
                    event_at(&format!("m{}-{id}", self.epoch), pad.into(), self.clock)
                };
                let events: Vec<_> = events.into_iter().map(event).collect();
                let done = self.real().append(events.clone()).unwrap();
                assert_eq!(done.positions, self.model.append(events).unwrap().positions);
            }
            Step::Fail(write) => {
                self.real().writer().fault = Some(if write { Fault::Write } else { Fault::Sync });
                let failed = self.real().append(vec![event_at("never", 9, self.clock)]);
                assert!(failed.is_err());
            }
            Step::Read(from, count) => self.same_records(from, count),
            Step::Find(id) => self.same_find(id),
            Step::At(seconds) => self.same_instant(seconds),
            Step::Erase(position) => {
                self.real().erase(&[Position(position), Position(position + 3)]).unwrap();
                self.model.erase(&[Position(position), Position(position + 3)]).unwrap();
                self.epoch += 1;
            }
            Step::Commit(mark) => {
                let mark = Position(mark.min(self.model.extent().next.0));
                let cursor = Cursor { mark, ..Cursor::default() };
                self.real().commit("a", &cursor).unwrap();
                self.model.commit("a", &cursor).unwrap();
            }
            Step::Retain(floor) => {
                let late = at(30 * 24 * 3600);
                let floor = Position(floor.min(self.model.extent().next.0));
                self.real().retain(floor, late).unwrap();
                self.model.retain(floor, late).unwrap();
                self.epoch += 1;
            }
            Step::Reopen => self.reopen(),
        }
    }

    fn same_find(&self, id: u16) {
        let id = format!("m{}-{id}", self.epoch);
        let find = |journal: &dyn Journal| journal.find(&id).unwrap().map(|r| r.position);
        assert_eq!(find(self.real()), find(&self.model));
    }

    fn same_instant(&self, seconds: i64) {
        // The model gives up record by record, the engine whole segments.
        let first = self.model.extent().first;
        let real = self.real().position_at(at(seconds)).unwrap().max(first);
        let real = self.real().read(real, limit(1)).unwrap().first().map(|r| r.position);
        let model = self.model.position_at(at(seconds)).unwrap();
        assert_eq!(real, self.model.read(model, limit(1)).unwrap().first().map(|r| r.position));
    }

    fn same_records(&self, from: u64, count: usize) {
        let from = Position(from.max(self.model.extent().first.0));
        let real = self.real().read(from, limit(count)).unwrap();
        let model = self.model.read(from, limit(count)).unwrap();
        let plain = |records: &[Record]| {
            let one = |r: &Record| (r.position, r.event.raw.clone(), r.event.receipt.clone());
            records.iter().map(one).collect::<Vec<_>>()
        };
        assert_eq!(plain(&real), plain(&model));
        assert_eq!(self.real().extent().next, self.model.extent().next);
        assert!(self.real().extent().first <= self.model.extent().first);
        assert_eq!(self.real().cursor("a").unwrap(), self.model.cursor("a").unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn it_behaves_as_the_model(steps in prop::collection::vec(step(), 1..60), tail in 0_usize..40_000) {
        let mut pair = Pair::new(tail);
        steps.into_iter().for_each(|step| pair.run(step));
        pair.reopen();
        pair.same_records(0, usize::MAX);
    }
}

impl Log {
    /// Returns how many bytes the first `records` of the last segment take.
    fn bytes_of_first(&self, records: u64) -> u64 {
        let mut end = 0;
        let path = segment::log_path(&self.options.dir, 0);
        let file = files::open(&path).unwrap();
        let mut scanner = scan::Scanner::new(&file, &path, 0..1 << 20, 4096);
        for _ in 0..records {
            let len = scanner.claim().unwrap().unwrap().len();
            scanner.pass(len);
            end += len as u64;
        }
        end
    }
}
