//! `opentrack schema`: what events would change in a warehouse, which statements wait for somebody to run them, which
//! values do not fit, and the views.
//!
//! Nothing here changes a table but `views --apply`. What is said about a store comes from the destination itself
//! ([`Blueprint`](crate::destinations::Blueprint)), so that no store is named here.

mod conflicts;
mod human;
mod pending;
mod plan;
mod preview;
mod views;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use futures_util::FutureExt as _;

use super::Exit;
use super::out::Out;
use super::progress::Progress;
use crate::config::settings::{self, Server};
use crate::config::{self, Loaded};
use crate::destinations::{BoxFuture, Client, Destination, ENTRIES, Launcher, Look};
use crate::warehouse::Schema;

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Say what these events would change, without changing it; exit 0 nothing, 2 changes, 3 values that do not fit
    Plan(PlanArgs),
    /// Print the statements that dead letters and tables that may not be changed wait for
    Ddl(Which),
    /// List the columns that saw values which they do not take, and what to run about it; asks the running router
    Conflicts(Which),
    /// Print the statements of the views, or make them
    Views(ViewsArgs),
}

/// Which warehouse is meant.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The warehouse, when several are on
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
}

/// See [`Action::Plan`].
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// An event, an array of events, a batch body, or one of these on each line; `-` or nothing: standard input
    file: Option<PathBuf>,
    /// Compare with the tables as the router last saw them, as they are now, or with no tables at all
    #[arg(long, value_enum, default_value_t = Against::Cache)]
    against: Against,
    /// Print the statements alone
    #[arg(long, conflicts_with = "json")]
    ddl: bool,
    #[command(flatten)]
    which: Which,
}

/// See [`Action::Views`].
#[derive(Debug, Args)]
pub(super) struct ViewsArgs {
    /// Make them, and make those of ours anew that say something else
    #[arg(long, conflicts_with = "funnel")]
    apply: bool,
    /// Print a query instead that counts who did one thing and then the next; say it once for each step
    #[arg(long, value_name = "NAME")]
    funnel: Vec<String>,
    /// How long after the first step the last one counts
    #[arg(long, value_name = "TIME", default_value = "7d", requires = "funnel", value_parser = super::args::duration)]
    within: std::time::Duration,
    #[command(flatten)]
    which: Which,
}

/// What events are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Against {
    /// As the router last saw them
    Cache,
    /// As they are now
    Live,
    /// No tables
    Empty,
}

/// Does it.
pub(super) fn run(action: Action, loaded: &Loaded, url: Option<&str>, out: &mut Out) -> Exit {
    let which = match &action {
        Action::Plan(asked) => &asked.which,
        Action::Views(asked) => &asked.which,
        Action::Ddl(which) | Action::Conflicts(which) => which,
    };
    let warehouse = match chosen(loaded, which.destination.as_deref()) {
        Ok(warehouse) => warehouse,
        Err(message) => return fail(&message, Exit::Usage, out),
    };
    match &action {
        Action::Plan(asked) => plan::plan(loaded, warehouse, asked, out),
        Action::Ddl(_) => pending::pending(loaded, warehouse, url, out),
        Action::Conflicts(_) => conflicts::list(loaded, warehouse, url, out),
        Action::Views(asked) => views::views(loaded, warehouse, asked, out),
    }
}

fn fail(message: &str, exit: Exit, out: &mut Out) -> Exit {
    out.error(message);
    exit
}

/// Returns the warehouse that is meant: the one that was named, or the only one that is on.
fn chosen<'a>(loaded: &'a Loaded, name: Option<&str>) -> Result<&'a settings::Destination, String> {
    let is_warehouse = |one: &&settings::Destination| {
        ENTRIES.iter().any(|entry| entry.kind == one.settings.kind() && entry.about.is_warehouse)
    };
    let all: Vec<_> = loaded.settings.destinations.iter().filter(is_warehouse).collect();
    let names = |found: &[&settings::Destination]| -> String {
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    if let Some(name) = name {
        let found = all.iter().find(|one| one.name == name);
        return found
            .copied()
            .ok_or_else(|| format!("no warehouse is named `{name}`; the configuration has {}", names(&all)));
    }
    let on: Vec<_> = all.iter().copied().filter(|one| one.enabled).collect();
    match on.as_slice() {
        [only] => Ok(only),
        [] => Err(format!("no warehouse is on; with `--destination` one that is off: {}", names(&all))),
        several => {
            Err(format!("several warehouses are on: say `--destination` with one of {}", names(several)))
        }
    }
}

/// Builds the destination and waits for what `launcher` makes of it.
fn ask<T, L>(
    destination: &settings::Destination,
    server: &Server,
    launcher: L,
    json: bool,
) -> Result<T, String>
where
    L: Launcher<Output = BoxFuture<Result<T, String>>>,
{
    let setting = config::setting(destination, server);
    let built = destination.settings.clone().build(&setting, launcher).map_err(|errors| {
        let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
        format!("destination `{}`: {}", destination.name, words.join("; "))
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("could not start: {error}"))?;
    let going_on = Progress::sign(json, "the warehouse is asked");
    let answer = runtime.block_on(AssertUnwindSafe(built).catch_unwind());
    drop(going_on);
    let answer = answer.unwrap_or_else(|_| Err("planning panicked on these events".to_owned()));
    answer.map_err(|message| format!("destination `{}`: {message}", destination.name))
}

/// Reads the tables as they are asked for, and lets the destination see them.
async fn look<D: Destination>(
    destination: &D,
    client: &D::Client,
    against: Against,
) -> Result<Schema, String> {
    let schema = match against {
        Against::Cache => client.tables(Look::Known).await?,
        Against::Live => client.tables(Look::Now).await?,
        Against::Empty => Schema::default(),
    };
    if let Some(cell) = destination.schema() {
        cell.store(schema.clone());
    }
    Ok(schema)
}

const NO_TABLES: &str = "it has no tables";
