//! Work that must go on: a thread that panics is told of, and another one begins in its place.
//!
//! Separate because nothing of it knows what the work is. Whoever makes the work anew says what it begins with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How soon work is begun again, at first and in the end.
const AGAIN: Duration = Duration::from_millis(100);
const AGAIN_MOST: Duration = Duration::from_secs(30);

/// Runs work until it ends by itself, or until there is none to begin with any more. `rest` waits for so long and returns whether to
/// go on; `remake` makes the work anew after so many ends, and its errors are told by whoever made it.
pub(super) fn keep<T>(
    first: T,
    run: impl Fn(&mut T),
    rest: impl Fn(Duration) -> bool,
    mut remake: impl FnMut(u32) -> Option<T>,
) {
    let (mut work, mut pause, mut ends) = (Some(first), AGAIN, 0);
    loop {
        if let Some(working) = &mut work {
            if catch_unwind(AssertUnwindSafe(|| run(working))).is_ok() {
                return;
            }
            ends += 1;
        }
        // What it held is given back before somebody else takes it.
        drop(work.take());
        if !rest(pause) {
            return;
        }
        pause = (pause * 2).min(AGAIN_MOST);
        work = remake(ends);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn work_that_panics_is_begun_again_with_growing_pauses_until_it_ends_or_nobody_wants_it() {
        let pauses = RefCell::new(Vec::new());
        let rest = |pause| {
            pauses.borrow_mut().push(pause);
            pauses.borrow().len() < 20
        };
        let made = RefCell::new(Vec::new());
        let remake = |ends| {
            made.borrow_mut().push(ends);
            // It cannot be made once.
            (made.borrow().len() != 2).then_some(ends)
        };
        keep(0, |ends| assert!(*ends == 3, "it fails three times"), rest, remake);
        assert_eq!(*made.borrow(), [1, 2, 2, 3]);
        assert_eq!(*pauses.borrow(), [AGAIN, AGAIN * 2, AGAIN * 4, AGAIN * 8]);
        keep(0, |_| panic!("always"), rest, |_| Some(0));
        assert_eq!(pauses.borrow().last(), Some(&AGAIN_MOST));
    }
}
