//! Reads one table of the configuration: every key that is asked for is known, every other one is a problem.
//!
//! So the closed list of keys is the code that reads them. A wrong value is reported and its default goes on.

use super::node::{Field, Node, Origin, Table, Value};
use super::problem::{Problem, did_you_mean};
use super::report::Report;

/// Why a value is refused.
pub(super) struct Wrong {
    /// Where, when it is an element of the value.
    pub(super) origin: Origin,
    /// To be read after the key: "must be a string, not an integer".
    pub(super) message: String,
    /// The known word that was probably meant.
    pub(super) suggestion: Option<String>,
    /// What else is wrong with the same value: the other elements of a list.
    pub(super) others: Vec<Wrong>,
}

impl Wrong {
    /// Returns the problem of this node.
    pub(super) fn at(node: &Node, message: impl Into<String>) -> Wrong {
        Wrong::from(node.origin.clone(), message)
    }

    /// Returns the problem of a value that came from there.
    pub(super) fn from(origin: Origin, message: impl Into<String>) -> Wrong {
        Wrong { origin, message: message.into(), suggestion: None, others: Vec::new() }
    }
}

/// One table while it is read.
pub(super) struct Section<'a> {
    /// Where problems go.
    pub(super) report: &'a Report<'a>,
    path: String,
    origin: Origin,
    table: Option<&'a Table>,
    asked: Vec<&'a str>,
}

impl<'a> Section<'a> {
    /// Returns the top level.
    pub(super) fn root(report: &'a Report<'a>, table: &'a Table) -> Section<'a> {
        Section {
            report,
            path: String::new(),
            origin: Origin::File(0),
            table: Some(table),
            asked: Vec::new(),
        }
    }

    /// Reads the table `key` and reports what is left over in it.
    pub(super) fn within<T>(&mut self, key: &'a str, read: impl FnOnce(&mut Section<'a>) -> T) -> T {
        let mut below = self.below(key);
        let result = read(&mut below);
        below.finish();
        result
    }

    /// Returns the value of `key`, or `default` when it is absent or wrong.
    pub(super) fn value<T>(
        &mut self,
        key: &'a str,
        default: T,
        read: impl FnOnce(&Node) -> Result<T, Wrong>,
    ) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// Returns the value of `key`, or `None` when it is absent or wrong.
    pub(super) fn optional<T>(
        &mut self,
        key: &'a str,
        read: impl FnOnce(&Node) -> Result<T, Wrong>,
    ) -> Option<T> {
        match read(&self.ask(key)?.node) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.add(key, wrong);
                None
            }
        }
    }

    /// Returns the fields that nobody asked for yet, and takes them as known.
    pub(super) fn rest(&mut self) -> Vec<(&'a str, &'a Field)> {
        let Some(table) = self.table else { return Vec::new() };
        let fields = table.iter().map(|(key, field)| (key.as_str(), field));
        let rest: Vec<_> = fields.filter(|(key, _)| !self.asked.contains(key)).collect();
        self.asked.extend(rest.iter().map(|(key, _)| *key));
        rest
    }

    /// Reports a problem of `key`, at its value where it has one.
    pub(super) fn wrong(&self, key: &str, message: impl Into<String>) {
        let origin = self.field(key).map_or(&self.origin, |field| &field.node.origin);
        self.add(key, Wrong::from(origin.clone(), message));
    }

    /// Reports that nothing but a secret is missing for `key`.
    pub(super) fn lacks(&self, key: &str, message: &str) {
        let origin = self.field(key).map_or(&self.origin, |field| &field.node.origin);
        let message = format!("`{key}`{} {message}", self.place_name());
        let problem = self.report.problem_at(origin, &self.key_path(key), message);
        self.report.add(Problem { secret: true, ..problem });
    }

    /// Reports a refused value of `key`.
    pub(super) fn add(&self, key: &str, wrong: Wrong) {
        let message = format!("`{key}`{} {}", self.place_name(), wrong.message);
        let mut problem = self.report.problem_at(&wrong.origin, &self.key_path(key), message);
        problem.suggestion = wrong.suggestion;
        self.report.add(problem);
        wrong.others.into_iter().for_each(|other| self.add(key, other));
    }

    /// Reports a problem of the table itself.
    pub(super) fn this_is_wrong(&self, message: &str) {
        self.report.problem(&self.origin, &self.path, format!("[{}]: {message}", self.path));
    }

    /// Reports that the table's own name is not the name of anything.
    pub(super) fn this_is_unknown(&self, kind: &str, suggestion: Option<String>) {
        let message = format!("[{}]: there is no destination of the type \"{kind}\"", self.path);
        let mut problem = self.report.problem_at(&self.origin, &self.path, message);
        problem.suggestion = suggestion;
        self.report.add(problem);
    }

    /// Reports a key that does not exist here.
    pub(super) fn unknown(&self, key: &str, origin: &Origin, known: &[&str]) {
        let message = format!("unknown key `{key}`{}", self.place_name());
        let mut problem = self.report.problem_at(origin, &self.key_path(key), message);
        problem.suggestion = did_you_mean(key, known.iter().copied());
        self.report.add(problem);
    }

    /// Returns the keys that were asked for.
    pub(super) fn asked(&self) -> &[&'a str] {
        &self.asked
    }

    /// Returns the field of a key without taking it as known.
    pub(super) fn field(&self, key: &str) -> Option<&'a Field> {
        self.table.and_then(|table| table.get(key))
    }

    /// Returns the table itself, when it is there.
    pub(super) fn table(&self) -> Option<&'a Table> {
        self.table
    }

    /// Returns true when the table is there.
    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        for (key, field) in table.iter().filter(|(key, _)| !self.asked.contains(&key.as_str())) {
            self.unknown(key, &field.origin, &self.asked);
        }
    }

    fn below(&mut self, key: &'a str) -> Section<'a> {
        let field = self.ask(key);
        let table = match field.map(|field| &field.node.value) {
            Some(Value::Table(table)) => Some(table),
            Some(other) => {
                self.wrong(key, format!("must be a table, not {}", other.type_name()));
                None
            }
            None => None,
        };
        let origin = field.map_or(&self.origin, |field| &field.origin).clone();
        Section { report: self.report, path: self.key_path(key), origin, table, asked: Vec::new() }
    }

    fn ask(&mut self, key: &'a str) -> Option<&'a Field> {
        self.asked.push(key);
        self.field(key)
    }

    fn key_path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn place_name(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" in [{}]", self.path) }
    }
}
