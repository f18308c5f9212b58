//! Whoever reads a record holds its segment, and whoever overwrites one waits for that.

use super::*;

#[test]
fn a_record_is_not_overwritten_while_somebody_reads() {
    let dir = TempDir::new().unwrap();
    let journal = open(options(dir.path()));
    journal.append(group(0..3, 20)).unwrap();
    let segment = Arc::clone(&journal.log.list()[0]);
    let path = segment::log_path(dir.path(), 0);
    let is_there = || memchr::memmem::find(&fs::read(&path).unwrap(), b"\"m1\"").is_some();
    let held = std::thread::scope(|scope| {
        let reading = segment.steady.read().unwrap();
        let erasing = scope.spawn(|| journal.erase(&[Position(1)]).unwrap());
        // Nobody else may begin to read when somebody waits to be alone.
        while !erasing.is_finished() && segment.steady.try_read().is_ok() {
            std::thread::yield_now();
        }
        let held = (erasing.is_finished(), is_there());
        drop(reading);
        assert_eq!(erasing.join().unwrap(), 0);
        held
    });
    assert_eq!((held, is_there()), ((false, true), false));
}
