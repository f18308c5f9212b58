//! `opentrack completions SHELL`: what a shell needs to complete the command line. Made of the arguments themselves.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Exit;
use super::args::Arguments;
use super::out::Out;

/// Prints the script for this shell.
pub(super) fn write(shell: Shell, out: &mut Out) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "opentrack", &mut script);
    out.text(&String::from_utf8_lossy(&script));
    Exit::Fine
}
