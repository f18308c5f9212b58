//! The binary: parses the arguments and calls the library. Never decides anything itself.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    opentrack::cli::run()
}
