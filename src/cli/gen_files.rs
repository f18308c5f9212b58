//! `opentrack gen`: writes the shipped files, so that they say what the program does. A test compares the committed ones.

use std::io;
use std::path::Path;

use super::Exit;
use super::out::Out;
use crate::config::shipped;

/// Writes every generated file below `directory`, and the generated part of its `README.md` where there is one.
pub(super) fn write(directory: &Path, out: &mut Out) -> Exit {
    let mut files = shipped::files();
    let readme = std::fs::read_to_string(directory.join("README.md")).ok();
    let readme = readme.and_then(|text| shipped::readme(&text));
    files.extend(readme.map(|text| ("README.md".to_owned(), text)));
    for (name, text) in files {
        let path = directory.join(name);
        if let Err(error) = write_file(&path, &text) {
            out.error(&format!("could not write `{}`: {error}", path.display()));
            return Exit::Failed;
        }
    }
    Exit::Fine
}

fn write_file(path: &Path, text: &str) -> io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(path, text)
}
