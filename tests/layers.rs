//! Keeps the arrows pointing one way: who may import whom, which folders stay pure, how large a file may get.
//!
//! Rust has no walls inside one crate, so this test is the wall. It reads the text of every file under `src/`, without
//! comments and tests, and compares it with the table below. A breach is printed with its file, line and rule.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What one part of the tree may do. The first rule whose pattern matches a file is the file's rule.
struct Rule {
    /// Path below `src/`; `*` is one folder, a trailing `/` is everything below.
    pattern: &'static str,
    /// Rooms (`crate::<room>`) that it may import beside its own.
    may: &'static [&'static str],
    /// Paths that it must not name.
    banned: &'static [&'static str],
}

/// No input, no output, no clock, no waiting.
const PURE: &[&str] = &[
    "actix",
    "actix_rt",
    "actix_web",
    "tokio",
    "reqwest",
    "rusqlite",
    "rdkafka",
    "redis",
    "socket2",
    "rustix",
    "listenfd",
    "async fn",
    "async move",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::time::SystemTime",
    "std::time::Instant",
    "Timestamp::now",
];
const EDGE: &[&str] = &["actix", "actix_rt", "actix_web", "std::env"];
const EVERYTHING: &[&str] = &[
    "actors",
    "app",
    "cli",
    "config",
    "destinations",
    "enrich",
    "http",
    "journal",
    "kafka",
    "policy",
    "privacy",
    "projections",
    "spec",
    "stores",
    "telemetry",
    "warehouse",
];
const MEANING: &[&str] = &["kafka", "spec", "policy", "projections", "warehouse"];

const RULES: &[Rule] = &[
    Rule { pattern: "spec/", may: &[], banned: PURE },
    Rule { pattern: "policy/schema/", may: &["spec", "warehouse"], banned: PURE },
    Rule { pattern: "policy/", may: &["spec"], banned: PURE },
    Rule { pattern: "warehouse/", may: &["spec"], banned: PURE },
    Rule { pattern: "kafka/", may: &[], banned: PURE },
    Rule { pattern: "privacy/regulation.rs", may: &["spec"], banned: PURE },
    Rule { pattern: "privacy/", may: &["spec"], banned: EDGE },
    Rule { pattern: "enrich/", may: &["spec"], banned: PURE },
    Rule { pattern: "projections/", may: &["spec"], banned: PURE },
    Rule { pattern: "stores/reports/", may: &["projections", "spec"], banned: PURE },
    Rule { pattern: "stores/", may: &["projections", "spec"], banned: EDGE },
    Rule { pattern: "destinations/*/config.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/map.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/map/", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/schema.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/plan.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/properties.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/judge.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/mock.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/mock/", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/show.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/secrets.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/topic.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/users.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/views.rs", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/views/", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/*/live/", may: MEANING, banned: PURE },
    Rule { pattern: "destinations/kit/answers.rs", may: &["policy"], banned: PURE },
    Rule { pattern: "destinations/kit/call.rs", may: &[], banned: PURE },
    Rule { pattern: "destinations/kit/pack.rs", may: &[], banned: PURE },
    Rule { pattern: "destinations/kit/secrets.rs", may: &[], banned: PURE },
    Rule { pattern: "destinations/kit/setting.rs", may: &[], banned: PURE },
    Rule { pattern: "destinations/kit/text.rs", may: &[], banned: PURE },
    Rule { pattern: "destinations/mock.rs", may: &[], banned: PURE },
    Rule { pattern: "destinations/mock/", may: &[], banned: PURE },
    Rule { pattern: "destinations/show.rs", may: &[], banned: PURE },
    Rule { pattern: "destinations/wants.rs", may: &["policy", "spec"], banned: PURE },
    Rule {
        pattern: "destinations/",
        may: &["kafka", "spec", "policy", "projections", "stores", "warehouse", "telemetry"],
        banned: EDGE,
    },
    // Settled offsets are a set of the same kind as settled positions.
    Rule { pattern: "journal/kafka/dead/book.rs", may: &[], banned: PURE },
    Rule { pattern: "journal/kafka/index.rs", may: &["policy"], banned: PURE },
    Rule { pattern: "journal/kafka/marks.rs", may: &["policy"], banned: PURE },
    Rule {
        pattern: "journal/kafka/",
        may: &["kafka", "policy", "spec", "telemetry"],
        banned: &["actix", "actix_web", "reqwest", "std::env"],
    },
    Rule {
        pattern: "journal/",
        may: &["kafka", "spec", "telemetry"],
        banned: &["actix", "actix_web", "reqwest", "std::env"],
    },
    Rule {
        pattern: "config/",
        may: &["destinations", "kafka", "policy", "spec", "telemetry"],
        banned: &["actix", "actix_web", "reqwest"],
    },
    Rule { pattern: "telemetry/", may: &["spec"], banned: &["actix_web", "reqwest", "std::env"] },
    Rule {
        pattern: "actors/",
        may: &[
            "config",
            "destinations",
            "journal",
            "policy",
            "privacy",
            "projections",
            "spec",
            "telemetry",
            "warehouse",
        ],
        banned: &["actix_web", "reqwest", "rusqlite", "std::env"],
    },
    Rule {
        pattern: "http/",
        may: &["actors", "config", "enrich", "privacy", "spec", "stores", "telemetry"],
        banned: &["reqwest", "rusqlite", "std::env"],
    },
    Rule { pattern: "cli/", may: EVERYTHING, banned: &[] },
    Rule { pattern: "app.rs", may: EVERYTHING, banned: &[] },
    Rule { pattern: "app/", may: EVERYTHING, banned: &[] },
    Rule { pattern: "lib.rs", may: EVERYTHING, banned: PURE },
    Rule { pattern: "main.rs", may: &[], banned: &["tokio", "reqwest", "std::env"] },
];

/// Most lines of code in a file; blank lines, comments and tests are not counted.
const MAX_LINES: usize = 400;

#[test]
fn the_source_keeps_to_its_layers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root);
    assert!(files.len() > 20, "only {} files found below {}", files.len(), root.display());
    let registry = fs::read_to_string(root.join("destinations/mod.rs")).unwrap();
    let kinds = kinds(&registry);
    assert!(kinds.len() > 1, "the registry of destinations was not found");
    let read = |file: &PathBuf| (name(&root, file), fs::read_to_string(file).unwrap());
    let texts: Vec<_> = files.iter().map(read).collect();
    let tests: Vec<_> = texts.iter().flat_map(|(name, text)| test_modules(name, text)).collect();
    let production = |name: &String| !tests.iter().any(|test| is_module(name, test));
    let checked = texts.iter().filter(|(name, _)| production(name));
    let breaches: Vec<_> = checked.flat_map(|(name, text)| breaches(name, text, &kinds)).collect();
    assert!(breaches.is_empty(), "{} breaches of the layers:\n{}", breaches.len(), breaches.join("\n"));
}

/// What is copied begins within the walls.
#[test]
fn the_template_of_a_destination_keeps_to_the_layers_of_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/destination");
    let files = sources(&root);
    assert!(files.len() > 5, "only {} files found below {}", files.len(), root.display());
    let kinds = kinds(&fs::read_to_string(root.join("../../src/destinations/mod.rs")).unwrap());
    let read = |file: &PathBuf| (name(&root, file), fs::read_to_string(file).unwrap());
    let breaches: Vec<_> = files
        .iter()
        .map(read)
        .flat_map(|(name, text)| breaches(&format!("destinations/new/{name}"), &text, &kinds))
        .collect();
    assert!(breaches.is_empty(), "{} breaches of the layers:\n{}", breaches.len(), breaches.join("\n"));
}

#[test]
fn every_destination_of_the_registry_has_its_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/destinations");
    for kind in kinds(&fs::read_to_string(root.join("mod.rs")).unwrap()) {
        assert!(root.join(&kind).join("mod.rs").is_file(), "destination `{kind}` has no folder");
    }
}

#[test]
fn breaches_are_caught_and_named_with_file_line_and_rule() {
    let table = [
        ("spec/event.rs", "use crate::journal::Position;", "`spec/` may not import `crate::journal`"),
        ("spec/a/b.rs", "use super::super::super::http;", "`spec/` may not import `crate::http`"),
        ("policy/x.rs", "use crate::{spec, actors::Wake};", "`policy/` may not import `crate::actors`"),
        ("spec/event.rs", "let now = jiff::Timestamp::now();", "`spec/` must not name `Timestamp::now`"),
        ("destinations/hook/plan.rs", "pub async fn plan() {}", "must not name `async fn`"),
        ("destinations/hook/client.rs", "use crate::journal::Log;", "may not import `crate::journal`"),
        ("destinations/slack/client.rs", "use super::super::hook::Wire;", "names the destination `hook`"),
        ("actors/delivery.rs", "if kind == \"hook\" {}", "names the destination `hook`"),
        ("http/api.rs", "use crate::actors::Delivery;", "only `crate::actors::messages`"),
        ("http/api.rs", "use crate::destinations;", "`http/` may not import `crate::destinations`"),
        ("journal/log.rs", "let x = y.unwrap();", "`.unwrap()`"),
        ("spec/event.rs", "use crate::nowhere::X;", "`spec/` may not import `crate::nowhere`"),
        ("elsewhere/mod.rs", "fn f() {}", "no rule covers this file"),
    ];
    let kinds = BTreeSet::from(["hook".to_owned()]);
    for (file, line, expected) in table {
        let found = breaches(file, &format!("//! What.\n\n{line}\n"), &kinds);
        let hit = found
            .iter()
            .any(|breach| breach.contains(expected) && breach.starts_with(&format!("src/{file}:")));
        assert!(hit, "{file}: {line}: {found:?}");
    }
    let long = format!("//! What.\n{}", "fn f() {}\n".repeat(MAX_LINES + 1));
    assert!(breaches("spec/a.rs", &long, &kinds)[0].contains("401 lines"));
    assert!(breaches("spec/a.rs", "fn f() {}\n", &kinds)[0].contains("begins without `//!`"));
}

#[test]
fn comments_texts_tests_and_similar_names_are_no_breach() {
    let text = r##"//! The hook and crate::journal.
use crate::spec::Event; // not crate::http
/* crate::actors /* nested */ tokio */
const A: &str = "crate::journal // tokio";
const B: &str = r#"say "tokio::spawn" "#;
const C: char = '"';
fn hooked<'a>(webhook: &'a str) -> &'a str { webhook }
#[cfg(test)]
use crate::journal;
#[cfg(test)]
mod tests {
    fn hook() { crate::http::x().unwrap(); }
}
"##;
    assert_eq!(breaches("policy/a.rs", text, &BTreeSet::from(["hook".to_owned()])), Vec::<String>::new());
}

#[test]
fn a_module_declared_for_tests_is_known_as_one() {
    let text =
        "//! A.\n#[cfg(test)]\nmod fixtures;\n#[cfg(test)]\nmod inline { const A: u8 = 1; }\nmod real;\n";
    assert_eq!(test_modules("journal/mod.rs", text), ["journal/fixtures"]);
    assert_eq!(test_modules("journal/log.rs", text), ["journal/log/fixtures"]);
    assert!(is_module("journal/fixtures.rs", "journal/fixtures"));
    assert!(is_module("journal/fixtures/a.rs", "journal/fixtures"));
    assert!(!is_module("journal/fixtures_more.rs", "journal/fixtures"));
}

#[test]
fn a_destination_may_name_itself_and_the_registry_may_name_all() {
    let kinds = BTreeSet::from(["hook".to_owned()]);
    assert!(
        breaches("destinations/hook/mod.rs", "//! A.\nconst KIND: &str = \"hook\";\n", &kinds).is_empty()
    );
    let registry = "//! A.\nregistry! {\n    hook: hook::Hook,\n}\n";
    assert!(breaches("destinations/mod.rs", registry, &kinds).is_empty());
}

// === Files ===

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn name(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/")
}

/// The kinds of the lines `kind: path::Type,` between `registry! {` and `}`.
fn kinds(registry: &str) -> BTreeSet<String> {
    let block = registry.split_once("registry! {").and_then(|(_, rest)| rest.split_once('}'));
    let lines = block.map_or("", |(block, _)| block).lines();
    lines.filter_map(|line| Some(line.trim().split_once(':')?.0.to_owned())).collect()
}

fn is_test_file(name: &str) -> bool {
    name.split('/').any(|part| matches!(part, "tests" | "tests.rs") || part.ends_with("_tests.rs"))
}

/// The places of the modules that a file declares for tests alone: `#[cfg(test)] mod fixtures;`.
fn test_modules(name: &str, text: &str) -> Vec<String> {
    let code = plain(text, false);
    let place = if name == "lib.rs" { String::new() } else { place_of(name).join("/") };
    let behind = code.split("#[cfg(test)]").skip(1).map(str::trim_start);
    let behind = behind.map(|item| item.strip_prefix("pub(crate) ").unwrap_or(item));
    let names = behind.filter_map(|item| item.strip_prefix("mod ")?.split_once(';').map(|(name, _)| name));
    let whole = names.filter(|name| !name.contains('{'));
    whole.map(|module| format!("{place}/{module}").trim_start_matches('/').to_owned()).collect()
}

/// Whether a file is this module or lies in its folder.
fn is_module(name: &str, place: &str) -> bool {
    name.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

// === Rules ===

fn breaches(name: &str, text: &str, kinds: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push((1, "the file begins without `//!`".to_owned()));
    }
    if is_test_file(name) {
        return shown(name, found);
    }
    let code = without_tests(&plain(text, false));
    let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
    if lines > MAX_LINES {
        found.push((1, format!("{lines} lines of code, at most {MAX_LINES}")));
    }
    for at in code.match_indices(".unwrap()").map(|(at, _)| at) {
        found.push((line_of(&code, at), "`.unwrap()` outside of tests".to_owned()));
    }
    match RULES.iter().find(|rule| matches_pattern(rule.pattern, name)) {
        Some(rule) => found.extend(broken(rule, name, &code)),
        None => found.push((1, "no rule covers this file; add its folder to the table".to_owned())),
    }
    found.extend(named_destinations(name, &without_tests(&plain(text, true)), kinds));
    shown(name, found)
}

fn shown(name: &str, found: Vec<(usize, String)>) -> Vec<String> {
    found.into_iter().map(|(line, what)| format!("src/{name}:{line}: {what}")).collect()
}

fn matches_pattern(pattern: &str, name: &str) -> bool {
    let mut parts = name.split('/');
    let whole = pattern.trim_end_matches('/').split('/').all(|wanted| {
        parts.next().is_some_and(|part| wanted == part || (wanted == "*" && !part.ends_with(".rs")))
    });
    whole && (pattern.ends_with('/') || parts.next().is_none())
}

fn broken(rule: &Rule, name: &str, code: &str) -> Vec<(usize, String)> {
    let own = name.split('/').next().unwrap().trim_end_matches(".rs");
    let pattern = rule.pattern;
    let mut found = Vec::new();
    for (at, path) in imports(name, code) {
        let room = path.first().map_or("", String::as_str);
        if room != own && !rule.may.contains(&room) {
            found.push((line_of(code, at), format!("`{pattern}` may not import `crate::{room}`")));
        }
        if own == "http" && room == "actors" && path.get(1).is_none_or(|item| item != "messages") {
            found.push((line_of(code, at), "`http/` sees only `crate::actors::messages`".to_owned()));
        }
    }
    for banned in rule.banned {
        let lines = words(code, banned).map(|at| line_of(code, at));
        found.extend(lines.map(|line| (line, format!("`{pattern}` must not name `{banned}`"))));
    }
    found
}

/// Kinds that are also something else, and where they are: Kafka is an engine of the journal too.
const ALSO: &[(&str, &[&str])] =
    &[("kafka", &["app/", "config/changes.rs", "config/journal.rs", "journal/", "kafka/", "lib.rs"])];

fn is_also_meant(kind: &str, name: &str) -> bool {
    ALSO.iter().any(|(also, places)| *also == kind && places.iter().any(|place| name.starts_with(place)))
}

/// A destination's kind stands in its own folder and in the registry, and nowhere else.
fn named_destinations(name: &str, code: &str, kinds: &BTreeSet<String>) -> Vec<(usize, String)> {
    let registry = code.find("registry! {").filter(|_| name == "destinations/mod.rs");
    let end = registry.and_then(|start| Some(start + code[start..].find('}')?));
    let in_registry = |at: usize| registry.is_some_and(|start| at > start) && end.is_some_and(|end| at < end);
    let others = kinds.iter().filter(|kind| !name.starts_with(&format!("destinations/{kind}/")));
    let others = others.filter(|kind| !is_also_meant(kind, name));
    let hits = others.flat_map(|kind| words(code, kind).map(move |at| (at, kind)));
    let outside = hits.filter(|(at, _)| !in_registry(*at));
    outside.map(|(at, kind)| (line_of(code, at), format!("names the destination `{kind}`"))).collect()
}

// === Text ===

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// Where `word` stands alone. A hyphen joins words, so that `webhook-id` is not `webhook`.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let joins = |character: char| character.is_alphanumeric() || character == '_' || character == '-';
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

/// Every path into the crate, from its root: `crate::a::b`, each branch of `crate::{a, b::c}`, and `super::super::a`
/// resolved against the file's own place.
fn imports(name: &str, code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for at in words(code, "crate").filter(|at| code[*at..].starts_with("crate::")) {
        found.extend(branches(&code[at + "crate::".len()..]).into_iter().map(|path| (at, path)));
    }
    for at in
        words(code, "super").filter(|at| code[*at..].starts_with("super::") && !code[..*at].ends_with("::"))
    {
        let mut rest = &code[at..];
        let mut place = place_of(name);
        while let Some(above) = rest.strip_prefix("super::") {
            rest = above;
            place.pop();
        }
        let joined = branches(rest).into_iter().map(|path| [place.clone(), path].concat());
        found.extend(joined.map(|path| (at, path)));
    }
    found
}

/// The module path of a file: `destinations/hook/mod.rs` is `destinations::hook`.
fn place_of(name: &str) -> Vec<String> {
    let trimmed = name.trim_end_matches(".rs").trim_end_matches("/mod");
    trimmed.split('/').map(str::to_owned).collect()
}

/// The first two names of each path that begins here.
fn branches(text: &str) -> Vec<Vec<String>> {
    let Some(group) = text.strip_prefix('{') else {
        let path = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).next().unwrap();
        return vec![path.split("::").take(2).filter(|part| !part.is_empty()).map(str::to_owned).collect()];
    };
    let mut depth = 0;
    let inside = group.split_once(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth < 0
    });
    let mut nested = 0;
    let items = inside.map_or(group, |(inside, _)| inside).split(move |c: char| {
        nested += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && nested == 0
    });
    items.map(str::trim).filter(|item| !item.is_empty()).flat_map(branches).collect()
}

/// The code without the items behind `#[cfg(test)]`; lines keep their numbers.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let length = item_length(&out[start..]);
        let blank: String =
            out[start..start + length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..start + length, &blank);
    }
    out
}

/// An item ends with its first `;`, or with the `}` of its first `{`.
fn item_length(item: &str) -> usize {
    let mut depth = 0;
    for (at, character) in item.char_indices() {
        match character {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    item.len()
}

/// The text without comments, and without the insides of string and character literals unless `keep_texts`.
fn plain(text: &str, keep_texts: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let comment = comment_length(rest);
        let literal = if comment == 0 { literal_length(rest) } else { 0 };
        let length = comment.max(literal).max(first.len_utf8());
        let (piece, after) = rest.split_at(length);
        match (comment, literal) {
            (0, 0) => out.push(first),
            (0, _) if keep_texts => out.push_str(piece),
            _ => out.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
        }
        rest = after;
    }
    out
}

fn comment_length(text: &str) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if !text.starts_with("/*") {
        return 0;
    }
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (step, change) = match () {
            () if rest.starts_with("/*") => (2, 1),
            () if rest.starts_with("*/") => (2, -1),
            () => (rest.chars().next().map_or(1, char::len_utf8), 0),
        };
        at += step;
        depth += change;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn literal_length(text: &str) -> usize {
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = 1 + hashes + 1;
            return text[start..].find(&end).map_or(text.len(), |at| start + at + end.len());
        }
        return 0;
    }
    match text.chars().next() {
        Some('"') => quoted_length(text, '"'),
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        Some('\'') if text.chars().nth(1) == Some('\\') || text.chars().nth(2) == Some('\'') => {
            quoted_length(text, '\'')
        }
        _ => 0,
    }
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if character == quote && !escaped {
            return at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}
