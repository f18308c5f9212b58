//! `docs/reliability.md` and `docs/security.md` name tests for each promise: they must exist, and no promise may stand alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines between a test's attribute and its name: other attributes.
const ATTRIBUTES: usize = 4;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The texts of all Rust files below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(fs::read_to_string(&path).expect("the file can be read"));
        }
    }
    texts
}

/// The names of the functions that stand below a test's attribute.
fn tests_in(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_test = |line: &&str| {
        matches!(*line, "#[test]" | "#[tokio::test]" | "#[actix_rt::test]" | "#[actix::test]")
            || line.starts_with("#[tokio::test(")
    };
    let mut names = Vec::new();
    for at in (0..lines.len()).filter(|at| is_test(&lines[*at])) {
        let below = lines[at + 1..].iter().take(ATTRIBUTES);
        names.extend(below.filter_map(|line| name_of(line)).take(1).map(str::to_owned));
    }
    names
}

fn name_of(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    rest.split('(').next()
}

/// The rows of the tables of promises: a sentence and the names in its second cell.
fn promises(page: &str) -> Vec<(String, Vec<String>)> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if !line.starts_with('|') {
            inside = false;
        } else if line.contains("| shown by |") {
            inside = true;
        } else if inside && !line.starts_with("|---") {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            let names = cells.get(1).map_or("", |cell| *cell).split('`').skip(1).step_by(2);
            rows.push((cells[0].trim().to_owned(), names.map(str::to_owned).collect()));
        }
    }
    rows
}

/// What is wrong with the rows.
fn problems(rows: &[(String, Vec<String>)], tests: &BTreeSet<String>) -> Vec<String> {
    let mut all = Vec::new();
    for (sentence, names) in rows {
        if names.is_empty() {
            all.push(format!("no test is named: {sentence}"));
        }
        all.extend(
            names
                .iter()
                .filter(|name| !tests.contains(*name))
                .map(|name| format!("no test `{name}`: {sentence}")),
        );
    }
    all
}

#[test]
fn each_promise_names_tests_that_exist() {
    let texts = [sources(&root().join("src")), sources(&root().join("tests"))].concat();
    let tests: BTreeSet<String> = texts.iter().flat_map(|text| tests_in(text)).collect();
    for name in ["docs/reliability.md", "docs/security.md"] {
        let page = fs::read_to_string(root().join(name)).expect("the page is there");
        let rows = promises(&page);
        assert!(rows.len() > 30, "only {} promises were found in {name}", rows.len());
        let problems = problems(&rows, &tests);
        assert!(problems.is_empty(), "{name}:\n{}", problems.join("\n"));
    }
}

#[test]
fn a_promise_without_a_test_is_noticed() {
    let page = "| sentence | shown by |\n|---|---|\n| Good. | `is_there` |\n| Bad. | `is_not_there`, `is_there` |\n\
                | Alone. | |\n\n| other | table |\n|---|---|\n| `x` | `y` |\n";
    let tests = tests_in("    #[test]\n    #[ignore]\n    fn is_there() {}\n    fn is_not_there() {}\n")
        .into_iter()
        .collect();
    assert_eq!(
        problems(&promises(page), &tests),
        ["no test `is_not_there`: Bad.", "no test is named: Alone."]
    );
}
