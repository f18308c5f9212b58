//! `opentrack explain`: what each destination would receive for some events, or why it would not. Sends nothing and opens
//! nothing but the configuration and the events.
//!
//! The events go through the door's own reading and the destinations' own planning, so that what is said here is what the
//! router would do. Each event is planned alone.

mod human;
mod plan;
mod report;

use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret;

use super::Exit;
use super::input::{self, Input};
use super::out::Out;
use crate::config::settings::Destination;
use crate::config::{self, Loaded};
use crate::telemetry::clock;
use report::Report;

/// What was asked.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// An event, an array of events, a batch body, or one of these on each line; `-` or nothing: standard input
    file: Option<PathBuf>,
    /// Explain this destination alone
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// List destinations that are switched off too
    #[arg(long)]
    all: bool,
}

/// Explains every event of the input.
pub(super) fn explain(mut loaded: Loaded, asked: &Asked, out: &mut Out) -> Exit {
    if let Err(error) = config::recall(&mut loaded) {
        return fail(&format!("could not read the secrets in `server.data_dir`: {error}"), Exit::Failed, out);
    }
    let chosen = match chosen(&loaded, asked) {
        Ok(chosen) => chosen,
        Err(message) => return fail(&message, Exit::Usage, out),
    };
    let input = match input::text(asked.file.as_deref(), out) {
        Ok(text) => Input::read(text, &loaded.settings, clock::now()),
        Err(message) => return fail(&message, Exit::Usage, out),
    };
    let report = match Report::of(&input, &chosen, &loaded.settings.server) {
        Ok(report) => report,
        Err(message) => return fail(&message, Exit::Failed, out),
    };
    print(&report, out);
    warn_of_no_salt(&loaded, &chosen, out);
    if input.unwanted > 0 {
        out.error(&format!("{} events are of bots, which `[bots]` does not keep", input.unwanted));
    }
    let place = input::file_name(asked.file.as_deref());
    input.faults.iter().for_each(|fault| out.error(&format!("{place}:{fault}")));
    if input.faults.is_empty() { Exit::Fine } else { Exit::Failed }
}

fn fail(message: &str, exit: Exit, out: &mut Out) -> Exit {
    out.error(message);
    exit
}

fn print(report: &Report, out: &mut Out) {
    match (out.json, serde_json::to_string(&report.entries)) {
        (true, Ok(json)) => out.line(&json),
        (true, Err(error)) => out.error(&format!("the answer could not be written: {error}")),
        (false, _) => out.text(&human::text(report)),
    }
}

/// Before the first start of a development router there is no salt, and every hash will be another one.
fn warn_of_no_salt(loaded: &Loaded, chosen: &[&Destination], out: &mut Out) {
    let hashes = chosen.iter().any(|destination| destination.discretion.privacy.hashes());
    if hashes && loaded.settings.server.site_salt.expose_secret().is_empty() {
        out.error(
            "there is no SITE_SALT yet: the router makes one at its first start, and other hashes with it",
        );
    }
}

/// Returns the destinations to explain: those that are on, or the one that was named, or all.
fn chosen<'a>(loaded: &'a Loaded, asked: &Asked) -> Result<Vec<&'a Destination>, String> {
    let all = &loaded.settings.destinations;
    let named = |destination: &&Destination| match &asked.destination {
        Some(name) => *name == destination.name,
        None => asked.all || destination.enabled,
    };
    let chosen: Vec<&Destination> = all.iter().filter(named).collect();
    if let (Some(name), true) = (&asked.destination, chosen.is_empty()) {
        let names: Vec<&str> = all.iter().map(|destination| destination.name.as_str()).collect();
        return Err(format!("no destination is named `{name}`; there are {}", names.join(", ")));
    }
    if chosen.is_empty() {
        return Err("no destination is on; `--all` lists those that are off".to_owned());
    }
    Ok(chosen)
}
