//! How far long work is, for whoever sits before a terminal: a bar where it is known how much there is, else a sign that it goes
//! on and for how long.
//!
//! On standard error, so that an answer that is written to a file is whole; nothing at all where standard error is no terminal, or
//! with `--json`. It is taken away when the work ends.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the sign moves.
const MOVES_EVERY: Duration = Duration::from_millis(120);
const BAR: &str = "{bar:30} {percent:>3} %  {msg}";
const SIGN: &str = "{spinner} {msg} ({elapsed})";

/// See the module. Goes away when it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    shown: ProgressBar,
}

impl Progress {
    /// Returns a bar.
    pub(super) fn bar(json: bool) -> Progress {
        Progress::on(target(json), BAR)
    }

    /// Returns a sign that `what` goes on.
    pub(super) fn sign(json: bool, what: &'static str) -> Progress {
        let sign = Progress::on(target(json), SIGN);
        sign.shown.set_message(what);
        if sign.is_seen() {
            sign.shown.enable_steady_tick(MOVES_EVERY);
        }
        sign
    }

    fn on(target: ProgressDrawTarget, form: &str) -> Progress {
        let shown = ProgressBar::with_draw_target(Some(0), target);
        // A form that could not be read would be seen by the test.
        let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
        shown.set_style(style.progress_chars("#> "));
        Progress { shown }
    }

    /// Returns whether anybody sees it.
    pub(super) fn is_seen(&self) -> bool {
        !self.shown.is_hidden()
    }

    /// Shows that so much of all is done.
    pub(super) fn at(&self, done: u64, all: u64, words: &str) {
        self.shown.set_length(all);
        self.shown.set_position(done.min(all));
        self.shown.set_message(words.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shown.finish_and_clear();
    }
}

fn target(json: bool) -> ProgressDrawTarget {
    let is_looked_at = !json && std::io::stderr().is_terminal();
    if is_looked_at { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;

    /// A terminal that keeps what is written to it.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn put(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.put(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.put(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.put("<cleared>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_terminal_sees_how_much_is_done_and_in_the_end_nothing() {
        let screen = Screen::default();
        let bar = Progress::on(ProgressDrawTarget::term_like(Box::new(screen.clone())), BAR);
        assert!(bar.is_seen());
        bar.at(50, 200, "40 sent");
        bar.shown.tick();
        drop(bar);
        let seen = screen.0.lock().unwrap().clone();
        assert!(seen.contains(" 25 %  40 sent") && seen.contains("#######"), "{seen}");
        assert!(seen.ends_with("<cleared>"), "{seen}");
    }

    #[test]
    fn nobody_sees_it_without_a_terminal_nor_in_json() {
        assert!(!Progress::bar(true).is_seen() && !Progress::sign(true, "waits").is_seen());
        // What a test writes is caught by a pipe, unless somebody runs it by hand.
        let is_terminal = io::stderr().is_terminal();
        assert_eq!(Progress::bar(false).is_seen(), is_terminal);
    }
}
