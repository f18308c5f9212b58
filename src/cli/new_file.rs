//! A file that a command writes, and that must not be there yet.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::Exit;
use super::out::Out;

/// Lets a command begin whose file is not there.
///
/// # Errors
/// `Usage` when it is.
pub(super) fn expect_none(file: &Path, out: &mut Out) -> Result<(), Exit> {
    if file.try_exists().unwrap_or(true) {
        out.error(&format!("`{}` is there already; nothing was written", file.display()));
        return Err(Exit::Usage);
    }
    Ok(())
}

/// Writes it, readable by its owner alone: write keys are in it.
///
/// # Errors
/// `Usage` when somebody else was quicker, `Failed` when the disk fails.
pub(super) fn write(file: &Path, text: &str, out: &mut Out) -> Result<(), Exit> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        out.error(&format!("could not write `{}`: {error}", file.display()));
        if error.kind() == ErrorKind::AlreadyExists { Exit::Usage } else { Exit::Failed }
    })
}
