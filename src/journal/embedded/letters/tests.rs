//! Dead letters with real files: what is torn, taken out, removed, paged and expired.

use std::fs;

use tempfile::TempDir;

use super::super::walk::file_path;
use super::*;
use crate::journal::fixtures::{at, event, letter};

const ALL: PageLimit = PageLimit { letters: 1000, bytes: usize::MAX, seen: usize::MAX };

fn open(dir: &TempDir) -> Letters {
    Letters::open(dir.path().to_owned()).unwrap()
}

/// Buries letters `n` of the range, each `pad` bytes long and buried in the second of its number.
fn bury(letters: &Letters, range: std::ops::Range<i64>, pad: usize) {
    for n in range {
        let event = std::sync::Arc::new(event(&format!("m{n}"), pad));
        let reason = if n % 2 == 0 { "rejected" } else { "gave_up" };
        let destination = if n % 3 == 0 { "crm" } else { "hook" };
        letters.bury(&[letter(destination, reason, event, n)]).unwrap();
    }
}

fn of(letters: &Letters, filter: &LetterFilter) -> Vec<Letter> {
    letters.page(filter, Walk::Back(None), ALL).unwrap().letters
}

fn names(letters: &[Letter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.message_id.as_str()).collect()
}

fn all(letters: &Letters) -> Vec<String> {
    of(letters, &LetterFilter::default()).iter().map(|letter| letter.message_id.clone()).collect()
}

fn count(letters: &Letters) -> u64 {
    letters.counts().values().sum()
}

fn by_destination(name: &str) -> LetterFilter {
    LetterFilter { destination: Some(name.to_owned()), ..LetterFilter::default() }
}

#[test]
fn letters_that_were_taken_out_are_gone_also_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let letters = open(&dir);
    bury(&letters, 0..6, 10);
    let crm = of(&letters, &by_destination("crm"));
    assert_eq!(names(&crm), ["m3", "m0"]);
    assert_eq!(letters.take_out(&crm).unwrap(), 2);
    assert_eq!(letters.take_out(&crm).unwrap(), 0, "each only once");
    for letters in [&letters, &open(&dir)] {
        assert_eq!(all(letters), ["m5", "m4", "m2", "m1"]);
        assert_eq!(count(letters), 4);
    }
    let zero = letters.counts().get(&("crm".to_owned(), "rejected".to_owned())).copied();
    assert_eq!(zero, Some(0), "a gauge must come down");
}

#[test]
fn an_id_finds_its_letter_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let letters = open(&dir);
    bury(&letters, 0..3, 10);
    let by_id = |id| of(&letters, &LetterFilter { id: Some(id), ..LetterFilter::default() });
    let found = of(&letters, &LetterFilter::default());
    for letter in &found {
        assert_eq!(names(&by_id(letter.id)), [letter.message_id.as_str()]);
    }
    let len = fs::metadata(file_path(dir.path(), 0)).unwrap().len();
    let begins: BTreeSet<u64> = found.iter().map(|letter| letter.id.offset).collect();
    for offset in (0..len + 3).filter(|offset| !begins.contains(offset)) {
        assert!(by_id(LetterId { file: 0, offset }).is_empty(), "{offset}");
    }
    let odd = LetterFilter { id: Some(found[0].id), ..by_destination("nobody") };
    assert!(of(&letters, &odd).is_empty(), "the other conditions count too");
}

#[test]
fn a_torn_last_line_is_passed_over_and_the_next_letter_stands_alone() {
    let dir = TempDir::new().unwrap();
    bury(&open(&dir), 0..2, 10);
    let path = file_path(dir.path(), 0);
    let whole = fs::read(&path).unwrap();
    let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in (second + 1..whole.len() - 1).step_by(9) {
        fs::write(&path, &whole[..cut]).unwrap();
        let letters = open(&dir);
        assert_eq!((all(&letters), count(&letters)), (vec!["m0".to_owned()], 1), "cut at {cut}");
        bury(&letters, 7..8, 10);
        assert_eq!(
            (all(&letters), count(&letters)),
            (vec!["m7".to_owned(), "m0".to_owned()], 2),
            "cut at {cut}"
        );
        let found = of(&letters, &LetterFilter::default());
        assert_eq!(letters.take_out(&found).unwrap(), 2, "cut at {cut}");
        assert_eq!((all(&open(&dir)).len(), count(&open(&dir))), (0, 0), "cut at {cut}");
    }
}

#[test]
fn pages_go_on_while_letters_vanish_and_others_come() {
    let dir = TempDir::new().unwrap();
    let letters = open(&dir);
    bury(&letters, 0..20, 10);
    let few = PageLimit { letters: 3, ..ALL };
    let (mut seen, mut from) = (Vec::new(), None);
    loop {
        let page = letters.page(&LetterFilter::default(), Walk::Back(from), few).unwrap();
        seen.extend(page.letters.iter().map(|letter| letter.message_id.clone()));
        // The whole page goes, the place where the next one begins included, and newer ones come.
        letters.take_out(&page.letters).unwrap();
        bury(&letters, 100..101, 10);
        let Some(next) = page.next else { break };
        from = Some(next);
    }
    assert_eq!(seen, (0..20).rev().map(|n| format!("m{n}")).collect::<Vec<_>>());
}

#[test]
fn a_walk_forth_sees_what_was_there_at_its_beginning_oldest_first() {
    let dir = TempDir::new().unwrap();
    let letters = open(&dir);
    bury(&letters, 0..10, 10);
    let end = letters.end();
    let few = PageLimit { letters: 2, ..ALL };
    let (mut seen, mut from) = (Vec::new(), Some(LetterId { file: 0, offset: 0 }));
    while let Some(start) = from {
        let page = letters.page(&by_destination("hook"), Walk::Forth(start, end), few).unwrap();
        letters.take_out(&page.letters).unwrap();
        bury(&letters, 101..102, 10);
        seen.extend(page.letters.iter().map(|letter| letter.message_id.clone()));
        from = page.next;
    }
    assert_eq!(seen, ["m1", "m2", "m4", "m5", "m7", "m8"]);
}

#[test]
fn a_page_is_bounded_in_bytes_and_in_what_it_looks_at() {
    let dir = TempDir::new().unwrap();
    let letters = open(&dir);
    bury(&letters, 0..9, 1000);
    let filter = LetterFilter::default();
    let heavy = PageLimit { bytes: 3000, ..ALL };
    assert_eq!(letters.page(&filter, Walk::Back(None), heavy).unwrap().letters.len(), 2);
    let none = PageLimit { bytes: 1, ..ALL };
    assert_eq!(letters.page(&filter, Walk::Back(None), none).unwrap().letters.len(), 1, "one in any case");
    let blind = PageLimit { seen: 4000, ..ALL };
    let (mut found, mut from, mut pages) = (0, None, 0);
    loop {
        let page = letters.page(&by_destination("crm"), Walk::Back(from), blind).unwrap();
        found += page.letters.len();
        pages += 1;
        let Some(next) = page.next else { break };
        from = Some(next);
    }
    assert!(found == 3 && pages > 2, "{found} letters on {pages} pages");
}

#[test]
fn a_file_goes_with_its_last_letter_but_never_the_one_that_is_written() {
    let dir = TempDir::new().unwrap();
    let letters = open(&dir);
    // Files change at 16 MiB.
    bury(&letters, 0..5, 6 << 20);
    assert_eq!(letters.lines.numbers(), [0, 1]);
    let found = of(&letters, &LetterFilter::default());
    let in_file =
        |number: u64| found.iter().filter(|letter| letter.id.file == number).cloned().collect::<Vec<_>>();
    let (first, second) = (in_file(0), in_file(1));
    assert_eq!((first.len(), second.len()), (3, 2));
    letters.take_out(&second).unwrap();
    letters.take_out(&first[1..]).unwrap();
    assert_eq!(letters.lines.numbers(), [0, 1]);
    letters.take_out(&first[..1]).unwrap();
    assert_eq!(letters.lines.numbers(), [1]);
    assert!(!file_path(dir.path(), 0).try_exists().unwrap());
    drop(letters);
    let letters = open(&dir);
    bury(&letters, 7..8, 10);
    assert_eq!(letters.lines.numbers(), [1], "numbers are not used again");
    assert_eq!(letters.take_out(&first).unwrap(), 0, "ids of a file that is gone");
    assert_eq!(all(&letters), ["m7"]);
}

#[test]
fn old_letters_expire_and_are_counted() {
    let dir = TempDir::new().unwrap();
    let letters = open(&dir);
    bury(&letters, 0..10, 10);
    assert_eq!(letters.expire(at(0)).unwrap(), LetterCounts::new());
    let gone = letters.expire(at(4)).unwrap();
    let key = |destination: &str, reason: &str| (destination.to_owned(), reason.to_owned());
    let expected = [(key("crm", "gave_up"), 1), (key("crm", "rejected"), 1), (key("hook", "gave_up"), 1)];
    assert_eq!(gone, LetterCounts::from_iter(expected.into_iter().chain([(key("hook", "rejected"), 1)])));
    assert_eq!(letters.expire(at(4)).unwrap(), LetterCounts::new(), "each only once");
    let letters = open(&dir);
    assert_eq!((all(&letters).len(), count(&letters)), (6, 6));
    assert_eq!(letters.expire(at(5)).unwrap().values().sum::<u64>(), 1);
    assert_eq!(letters.expire(at(1000)).unwrap().values().sum::<u64>(), 5);
    assert_eq!(count(&letters), 0);
}

#[test]
fn reading_beside_a_router_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let dead = dir.path().join("dead");
    assert_eq!(
        super::super::letters_of(dir.path(), &LetterFilter::default(), None, ALL).unwrap().letters.len(),
        0
    );
    fs::create_dir(&dead).unwrap();
    let letters = Letters::open(dead.clone()).unwrap();
    bury(&letters, 0..3, 10);
    fs::write(dead.join("notes.txt"), "not mine").unwrap();
    let before = fs::read(file_path(&dead, 0)).unwrap();
    let page = super::super::letters_of(dir.path(), &LetterFilter::default(), None, ALL).unwrap();
    assert_eq!(names(&page.letters), ["m2", "m1", "m0"]);
    assert_eq!(fs::read(file_path(&dead, 0)).unwrap(), before);
}
