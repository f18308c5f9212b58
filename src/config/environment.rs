//! Environment variables as a value, so that only one function of the program looks at the process.
//!
//! A `.env` file fills what the real environment leaves unset. `Debug` shows names only: values are often secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::problem::{Place, Problem};

/// A set of environment variables.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Returns the variables of this process; those that are not UTF-8 are left out.
    pub fn of_process() -> Environment {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Environment(std::env::vars_os().filter_map(text).collect())
    }

    /// Returns a variable's value, which may be empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns a variable's value unless it is empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Returns this environment with one more variable, or with another value of it.
    pub fn with(&self, name: &str, value: &str) -> Environment {
        let mut all = self.0.clone();
        all.insert(name.to_owned(), value.to_owned());
        Environment(all)
    }

    /// Returns the variables whose names begin with `prefix`, in the order of their names.
    pub fn beginning_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        pairs.filter(move |(name, _)| name.starts_with(prefix))
    }

    /// Returns this environment with the gaps filled from the `.env` file at `path`; a file that is not there fills
    /// nothing.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is no `NAME=value`.
    pub fn with_file(&self, path: &Path) -> Result<Environment, Problem> {
        let label = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => self.with_text(&label, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(self.clone()),
            Err(error) => Err(Problem::of_file(label, format!("could not be read: {error}"))),
        }
    }

    fn with_text(&self, label: &str, text: &str) -> Result<Environment, Problem> {
        let mut all = BTreeMap::new();
        for pair in dotenvy::from_read_iter(text.as_bytes()) {
            let (name, value) = pair.map_err(|error| not_an_assignment(label, text, &error))?;
            all.insert(name, value);
        }
        all.extend(self.0.clone());
        Ok(Environment(all))
    }
}

/// The parser's own message quotes the line, which may hold a secret.
fn not_an_assignment(label: &str, text: &str, error: &dotenvy::Error) -> Problem {
    let broken = match error {
        dotenvy::Error::LineParse(line, _) => line.trim_end(),
        _ => "",
    };
    let line = text.lines().position(|line| line.trim_end() == broken).map_or(1, |index| index + 1);
    Problem::new(Place::File { file: label.to_owned(), line, column: 1 }, "", "is not `NAME=value`")
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Environment {
        Environment(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Environment").field(&self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_environment_wins_over_the_file() {
        let real = Environment::from_iter([("A", "real"), ("EMPTY", "")]);
        let both = real.with_text(".env", "A=file\nexport B='quo ted' # note\nEMPTY=file\n").unwrap();
        assert_eq!(both.get("A"), Some("real"));
        assert_eq!(both.get("B"), Some("quo ted"));
        assert_eq!((both.get("EMPTY"), both.filled("EMPTY")), (Some(""), None));
    }

    #[test]
    fn a_broken_line_is_named_by_its_number_and_not_quoted() {
        let problem = Environment::default().with_text(".env", "A=1\n\nB 'hunter2\n").unwrap_err();
        assert_eq!(problem.to_string(), ".env:3:1: is not `NAME=value`");
    }

    #[test]
    fn debug_shows_names_and_no_values() {
        let shown = format!("{:?}", Environment::from_iter([("TOKEN", "hunter2")]));
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
    }
}
