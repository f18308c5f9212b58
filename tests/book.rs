//! Keeps the documentation whole: every page is in the index of the book, every link leads somewhere, and every destination's
//! page has the same rooms.
//!
//! Reads texts and nothing else; what the pages say is tried by the tests of what they are about.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// What stands on the page of every destination.
const ROOMS: [&str; 6] =
    ["Set up", "What becomes what", "When something goes wrong", "Limits", "Settings", "In `config.toml`"];
const INDEX: &str = "docs/README.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether a file or a folder is at this path.
fn is_there(path: &str) -> bool {
    root().join(path).try_exists().unwrap()
}

/// All pages by their path: those of the root, and those below `docs`.
fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut folders = vec![root().join("docs")];
    let mut files: Vec<PathBuf> = entries(root()).into_iter().filter(|path| path.is_file()).collect();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    for file in files.into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "md")) {
        let name = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        pages.insert(name, fs::read_to_string(&file).unwrap());
    }
    pages
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The lines of a page that are not inside of a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fence: Option<&str> = None;
    text.lines().filter(move |line| {
        let mark = line.trim_start();
        match fence {
            Some(end) if mark.starts_with(end) => fence = None,
            Some(_) => {}
            None if mark.starts_with("```") => fence = Some("```"),
            None => return true,
        }
        false
    })
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim())
}

/// The anchors of a page, as GitHub makes them of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let name = |heading: &str| {
        let kept = heading.to_lowercase();
        let kept = kept.chars().filter(|one| one.is_alphanumeric() || [' ', '-', '_'].contains(one));
        kept.map(|one| if one == ' ' { '-' } else { one }).collect::<String>()
    };
    let number = |anchor: String| {
        let before = seen.entry(anchor.clone()).or_default();
        *before += 1;
        if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
    };
    headings(text).map(name).map(number).collect()
}

/// The targets of the links and pictures of a page.
fn links(text: &str) -> Vec<String> {
    let bare: String = prose(text).map(without_code).collect::<Vec<_>>().join("\n");
    let targets = bare.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.trim_matches(['<', '>']).to_owned())
        .collect()
}

fn without_code(line: &str) -> String {
    // What stands between two ticks is no link; the text of a link may be code, so the ticks alone are left out there.
    let parts: Vec<&str> = line.split('`').collect();
    let shown = |(at, part): (usize, &&str)| {
        if at % 2 == 1 && part.contains("](") { String::new() } else { (*part).to_owned() }
    };
    parts.iter().enumerate().map(shown).collect()
}

/// A path below the root, without `.` and `..`.
fn resolve(page: &str, target: &str) -> String {
    let joined = Path::new(page).parent().unwrap().join(target);
    let mut path = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_that_is_there() {
    let pages = pages();
    let mut broken = Vec::new();
    for (page, text) in &pages {
        for link in links(text).iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if file.is_empty() { page.clone() } else { resolve(page, file) };
            let has_anchor = || pages.get(&path).is_some_and(|text| anchors(text).contains(anchor));
            if !is_there(&path) || !(anchor.is_empty() || has_anchor()) {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_page_that_is_named_in_passing_is_there() {
    let mut missing = Vec::new();
    for (page, text) in pages().iter().filter(|(page, _)| *page != "docs/roadmap.md") {
        let named = prose(text).flat_map(|line| line.split('`').skip(1).step_by(2).collect::<Vec<_>>());
        let named = named.filter(|name| name.starts_with("docs/") && !name.contains(['*', '<', ' ', '…']));
        missing.extend(named.filter(|name| !is_there(name)).map(|name| format!("{page}: {name}")));
    }
    missing.retain(|line| !line.contains("acme"));
    assert!(missing.is_empty(), "pages that are not there:\n{}", missing.join("\n"));
}

#[test]
fn every_page_is_in_the_index_of_the_book() {
    let pages = pages();
    let listed: BTreeSet<String> = links(&pages[INDEX]).iter().map(|link| resolve(INDEX, link)).collect();
    let below = pages.keys().filter(|page| page.starts_with("docs/") && *page != INDEX);
    let missing: Vec<&String> = below.filter(|page| !listed.contains(*page)).collect();
    assert!(missing.is_empty(), "not in {INDEX}: {missing:#?}");
}

#[test]
fn every_destination_has_the_same_rooms() {
    let pages = pages();
    let own = pages
        .iter()
        .filter(|(page, _)| page.starts_with("docs/destinations/") && !page.ends_with("writing-one.md"));
    let mut missing = Vec::new();
    for (page, text) in own {
        let have: BTreeSet<&str> = headings(text).collect();
        missing
            .extend(ROOMS.iter().filter(|room| !have.contains(*room)).map(|room| format!("{page}: {room}")));
    }
    assert!(missing.is_empty(), "sections that are missing:\n{}", missing.join("\n"));
}
