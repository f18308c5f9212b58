//! `make destination`: what it makes of the template, what it refuses, and that the guide shows the template's own code.
//!
//! The template itself is compiled and tested with the library. Here the script runs on a copy of the folders that it knows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::support::plain_python;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder, by their names below it, but for what an editor or a test has left there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => found
                .extend(files(&entry).iter().map(|file| Path::new(entry.file_name().unwrap()).join(file))),
            false => found.push(entry.file_name().unwrap().into()),
        }
    }
    found.retain(|file| !file.to_string_lossy().starts_with('.'));
    found.sort();
    found
}

/// A tree with the template and a registry.
fn tree() -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    let copied = files(&root().join("templates")).into_iter().map(|file| Path::new("templates").join(file));
    for file in copied.chain([PathBuf::from("src/destinations/mod.rs")]) {
        let target = tree.path().join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(root().join(&file), target).unwrap();
    }
    tree
}

/// Runs the script; `None` without Python.
fn run(name: &str, tree: &TempDir) -> Option<Output> {
    let mut command = plain_python("../../../scripts/new-destination.py")?;
    Some(command.arg(name).arg(tree.path()).output().unwrap())
}

fn registry(tree: &TempDir) -> String {
    fs::read_to_string(tree.path().join("src/destinations/mod.rs")).unwrap()
}

#[test]
fn a_new_destination_is_the_template_under_another_name_with_its_line_in_the_registry() {
    let tree = tree();
    let before = registry(&tree);
    let Some(output) = run("acme_ads", &tree) else { return };
    assert!(output.status.success(), "{output:?}");
    let made = tree.path().join("src/destinations/acme_ads");
    assert_eq!(files(&made), files(&root().join("templates/destination")));
    for file in files(&made) {
        let text = fs::read_to_string(made.join(&file)).unwrap();
        assert!(
            !text.to_lowercase().contains("parrot") && !text.contains("made up"),
            "{}: {text}",
            file.display()
        );
    }
    let main = fs::read_to_string(made.join("mod.rs")).unwrap();
    for part in [
        "const KIND: &'static str = \"acme_ads\";",
        "impl Destination for AcmeAds {",
        "(\"token\", \"ACME_ADS_TOKEN\")",
        "url = \"https://api.acme-ads.example\"",
    ] {
        assert!(main.contains(part), "{part}: {main}");
    }
    let after = registry(&tree);
    assert_eq!(after.replacen("    acme_ads: acme_ads::AcmeAds,\n", "", 1), before);
    let block = after.split_once("registry! {\n").unwrap().1.split_once("\n}").unwrap().0;
    assert_eq!(block.lines().last(), Some("    acme_ads: acme_ads::AcmeAds,"));
}

#[test]
fn a_name_that_is_taken_or_none_is_refused_and_nothing_is_touched() {
    let tree = tree();
    let before = registry(&tree);
    for name in
        ["webhook", "kit", "parrot", "", "Acme", "acme-ads", "1st", "acme__ads", "../x", "type", "acme ads"]
    {
        let Some(output) = run(name, &tree) else { return };
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {words}");
        assert!(words.contains("already") || words.contains("is no name"), "{name}: {words}");
    }
    assert_eq!(registry(&tree), before);
    assert_eq!(files(&tree.path().join("src/destinations")), [Path::new("mod.rs")]);
}

#[test]
fn the_guide_shows_code_of_the_template_and_files_that_exist() {
    let guide = fs::read_to_string(root().join("docs/destinations/writing-one.md")).unwrap();
    let folder = root().join("templates/destination");
    let code: Vec<String> =
        files(&folder).iter().map(|file| fs::read_to_string(folder.join(file)).unwrap()).collect();
    let blocks: Vec<&str> =
        guide.split("```rust\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(blocks.len() >= 3, "{} blocks", blocks.len());
    for block in blocks {
        assert!(code.iter().any(|text| text.contains(block)), "no file of the template has this:\n{block}");
    }
    for file in ["config", "map", "plan", "judge", "mock", "mod"].map(|name| format!("{name}.rs")) {
        assert!(guide.contains(&format!("| `{file}` |")) && folder.join(&file).is_file(), "{file}");
    }
}
