//! What is wrong with a configuration: all problems at once, each with its place.
//!
//! Rendered as compilers do (`config.toml:12:5: …`), so that editors can jump there. Never holds the value of a key that
//! may be a secret.

use std::fmt;

/// One problem of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// Path of the key, `server.listen`; empty for the file as a whole.
    pub key: String,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// The known word that was probably meant.
    pub suggestion: Option<String>,
    /// True when only a secret is missing or weak, which has an exit code of its own.
    #[serde(skip)]
    pub secret: bool,
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(untagged)]
pub enum Place {
    /// In a file, at a line and column counted from 1 in characters.
    File {
        /// The file as the operator named it.
        file: String,
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// A file as a whole.
    Whole {
        /// The file as the operator named it.
        file: String,
    },
    /// In an environment variable.
    Variable {
        /// Its name.
        variable: String,
    },
    /// In no place: something is missing everywhere.
    Nowhere {},
}

/// Every problem of a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Wraps the problems in the order of their places, or returns `None` when there are none.
    pub fn of(mut problems: Vec<Problem>) -> Option<Problems> {
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        problems.dedup_by(|later, first| later == first || is_consequence(later, first));
        (!problems.is_empty()).then_some(Problems(problems))
    }

    /// Returns the problems, in the order of their places.
    pub fn all(&self) -> &[Problem] {
        &self.0
    }

    /// Returns true when nothing but secrets is wrong (exit code 78 instead of 64).
    pub fn only_secrets(&self) -> bool {
        self.0.iter().all(|problem| problem.secret)
    }
}

/// A second problem of one value is what followed from the first: a variable that is not set is no address either.
fn is_consequence(later: &Problem, first: &Problem) -> bool {
    let is_value = matches!(later.place, Place::File { .. }) && !later.key.is_empty();
    is_value && later.place == first.place && later.key == first.key
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

impl Problem {
    /// Returns a problem of a file as a whole.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem::new(Place::Whole { file: file.into() }, "", message)
    }

    /// Returns a problem of this key at this place.
    pub fn new(place: Place, key: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { place, key: key.into(), message: message.into(), suggestion: None, secret: false }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { file, line, column } => write!(f, "{file}:{line}:{column}: "),
            Place::Whole { file } => write!(f, "{file}: "),
            Place::Variable { variable } => write!(f, "{variable}: "),
            Place::Nowhere {} => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.message)?;
        match &self.suggestion {
            Some(word) => write!(f, "; did you mean `{word}`?"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Returns the known word that is most like `word`, when one is like enough to be a slip of the fingers.
pub(super) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let likeness = |candidate: &str| strsim::damerau_levenshtein(word, candidate);
    let (distance, best) =
        known.into_iter().map(|candidate| (likeness(candidate), candidate)).min_by_key(|pair| pair.0)?;
    let tolerated = (word.chars().count() / 3).max(1);
    let is_beginning = word.len() >= 3 && best.starts_with(word);
    (distance <= tolerated || is_beginning || strsim::jaro_winkler(word, best) > 0.9).then(|| best.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_recognised_and_another_word_is_not() {
        let known = ["max_event_bytes", "listen", "log"];
        assert_eq!(did_you_mean("max_event", known).as_deref(), Some("max_event_bytes"));
        assert_eq!(did_you_mean("lisen", known).as_deref(), Some("listen"));
        assert_eq!(did_you_mean("frobnicate", known), None);
        assert_eq!(did_you_mean("listen", []), None);
    }

    #[test]
    fn problems_are_listed_in_the_order_of_their_places() {
        let at = |line, column| Place::File { file: "c.toml".into(), line, column };
        let problems = Problems::of(vec![
            Problem::new(Place::Variable { variable: "PORT".into() }, "", "third"),
            Problem::new(at(12, 1), "", "second"),
            Problem::new(at(2, 9), "", "first"),
        ]);
        insta::assert_snapshot!(problems.unwrap(), @r"
        c.toml:2:9: first
        c.toml:12:1: second
        PORT: third
        ");
    }
}
