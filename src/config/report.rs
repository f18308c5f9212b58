//! Collects problems and warnings while the tree is read, and turns origins into places.
//!
//! Reading goes on after a problem, so that an operator sees all of them at once. Never decides what is a problem.

use std::cell::RefCell;

use super::node::Origin;
use super::problem::{Place, Problem};

/// What was found so far.
pub(super) struct Report<'t> {
    label: &'t str,
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<String>>,
}

impl<'t> Report<'t> {
    /// Returns an empty report about the file `label` with this text.
    pub(super) fn new(label: &'t str, text: &'t str) -> Report<'t> {
        Report { label, text, problems: RefCell::default(), warnings: RefCell::default() }
    }

    /// Adds a problem of this key.
    pub(super) fn problem(&self, origin: &Origin, key: &str, message: impl Into<String>) {
        self.add(self.problem_at(origin, key, message));
    }

    /// Returns a problem of this key without adding it.
    pub(super) fn problem_at(&self, origin: &Origin, key: &str, message: impl Into<String>) -> Problem {
        let mut message = message.into();
        if let Origin::Taken(_, variable) = origin {
            message.push_str(&format!(" (the value comes from the environment variable `{variable}`)"));
        }
        Problem::new(self.place(origin), key, message)
    }

    /// Adds a problem.
    pub(super) fn add(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Adds a warning about something that works and may surprise.
    pub(super) fn warn(&self, message: impl Into<String>) {
        self.warnings.borrow_mut().push(message.into());
    }

    /// Returns how many problems there are.
    pub(super) fn count(&self) -> usize {
        self.problems.borrow().len()
    }

    /// Returns the problems and the warnings.
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<String>) {
        (self.problems.into_inner(), self.warnings.into_inner())
    }

    fn place(&self, origin: &Origin) -> Place {
        match origin {
            Origin::File(offset) | Origin::Taken(offset, _) => self.position(*offset),
            Origin::Variable(name) => Place::Variable { variable: name.clone() },
        }
    }

    fn position(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
        Place::File { file: self.label.to_owned(), line, column }
    }
}
