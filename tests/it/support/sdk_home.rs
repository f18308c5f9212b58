//! Where the unmodified SDKs are installed, and how to run a driver script with them.
//!
//! `make test` installs them; a test without them is skipped loudly, or fails where CI=true says that they must be there.

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn script(name: &str) -> PathBuf {
    root().join("tests/it/sdk").join(name)
}

#[expect(clippy::disallowed_methods, reason = "CI and PATH belong to the test run, not to the router")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn missing(what: &Path) {
    assert_ne!(
        environment("CI").as_deref(),
        Some("true"),
        "{} is missing; `make test` installs it",
        what.display()
    );
    eprintln!("SKIPPED: {} is missing; `make test` installs it", what.display());
}

fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", environment("PATH").unwrap_or_default());
    command.env("SDK_FIXTURES", root().join("tests/it/sdk"));
    command
}

/// Returns a command that runs a script of `tests/it/support` with plain Python, or `None` to skip.
pub(crate) fn plain_python(name: &str) -> Option<Command> {
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        missing(Path::new("python3"));
        return None;
    }
    let mut command = command("python3");
    command.arg(root().join("tests/it/support").join(name));
    Some(command)
}

/// Returns a program with nothing of this process's environment but where programs are.
pub(crate) fn tool(program: &str) -> Command {
    command(program)
}

/// Returns where the Node.js packages are installed, or `None` to skip.
pub(crate) fn node_modules() -> Option<PathBuf> {
    let home = root().join("target/sdk/node/node_modules");
    if home.is_dir() {
        return Some(home);
    }
    missing(&home);
    None
}

/// Returns where a Python library is installed, or `None` to skip.
pub(crate) fn python_library(library: &str) -> Option<PathBuf> {
    let home = root().join("target/sdk/python").join(library);
    if home.is_dir() {
        return Some(home);
    }
    missing(&home);
    None
}

/// Returns a command that runs this script with Node.js and the installed packages, or `None` to skip.
pub(crate) fn node(name: &str) -> Option<Command> {
    let home = node_modules()?;
    let mut command = command("node");
    command.env("SDK_HOME", &home).arg(script(name));
    Some(command)
}

/// Returns a command that runs this script with Python and the packages installed for this library, or `None` to skip.
pub(crate) fn python(name: &str, library: &str) -> Option<Command> {
    let home = python_library(library)?;
    let mut command = command("python3");
    command.env("PYTHONPATH", &home).env("PYTHONDONTWRITEBYTECODE", "1").arg(script(name));
    Some(command)
}

/// Returns a command that runs the driver of the crate `segment`, or `None` to skip.
pub(crate) fn rust() -> Option<Command> {
    let program = root().join("target/sdk/rust").join(format!("segment-driver{EXE_SUFFIX}"));
    if !program.is_file() {
        missing(&program);
        return None;
    }
    Some(command(&program))
}

/// Returns Node.js in this project of `web/`, or `None` to skip when its packages are not installed.
pub(crate) fn web_node(project: &str) -> Option<Command> {
    let home = root().join("web").join(project);
    if !home.join("node_modules/.stamp").is_file() {
        missing(&home.join("node_modules"));
        return None;
    }
    let mut command = command("node");
    command.current_dir(home);
    Some(command)
}

/// Returns the path of a Chromium, or `None` to skip.
pub(crate) fn chromium() -> Option<PathBuf> {
    let found = of_the_system("chromium");
    if found.is_none() {
        missing(Path::new("chromium"));
    }
    found
}

/// Returns a command that runs nginx, or `None` to skip.
pub(crate) fn nginx() -> Option<Command> {
    let unpacked = root().join("target/sdk/nginx/usr/sbin/nginx");
    let found = of_the_system("nginx").or_else(|| unpacked.is_file().then_some(unpacked));
    if found.is_none() {
        missing(Path::new("nginx"));
    }
    found.map(command)
}

/// Returns where a program of the system is.
fn of_the_system(program: &str) -> Option<PathBuf> {
    let path = environment("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|program| program.is_file())
}
