//! The command line: which commands there are and what their exit codes mean.
//!
//! Each command is a function of its arguments, the environment and a writer, so that tests call it without a process.

mod args;
mod bench;
mod check;
mod completions;
mod decrypt;
mod destinations;
mod eval;
mod explain;
mod forget;
mod gen_files;
mod import;
mod init;
mod input;
mod keys;
mod letters;
mod mock;
mod new_file;
mod out;
mod probe;
mod progress;
mod ready;
mod remote;
mod replay;
mod schema;
mod serve;
mod sql;
mod table;
mod tail;
#[cfg(test)]
mod tests;
mod token;
mod trace;

use std::process::ExitCode;

use clap::Parser;

use crate::config::{self, Environment, Loaded, Problems, Source};
use args::{Arguments, Command, KeysAction};
use out::Out;

/// What a command ended with; the numbers are those of sysexits(3) where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// As asked.
    Fine = 0,
    /// The thing asked for failed: an SQL error, an unknown id.
    Failed = 1,
    /// `schema plan`: tables would change.
    Changes = 2,
    /// `schema plan`: some values do not fit.
    Conflicts = 3,
    /// Bad usage or configuration.
    Usage = 64,
    /// A port or `data_dir` is taken, or a probe failed.
    Unavailable = 69,
    /// A secret is missing.
    Secret = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let mut out = Out::of_process();
    let exit = run_with(std::env::args_os(), &Environment::of_process(), &mut out);
    if exit == Exit::Fine && out.is_cut { Exit::Failed.into() } else { exit.into() }
}

fn run_with<A>(arguments: impl IntoIterator<Item = A>, environment: &Environment, out: &mut Out) -> Exit
where
    A: Into<std::ffi::OsString> + Clone,
{
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => dispatch(arguments, environment, out),
        Err(error) if error.use_stderr() => {
            out.error(error.render().to_string().trim_end());
            Exit::Usage
        }
        Err(error) => {
            out.line(error.render().to_string().trim_end());
            Exit::Fine
        }
    }
}

fn dispatch(arguments: Arguments, environment: &Environment, out: &mut Out) -> Exit {
    out.json = arguments.json;
    let source = source(&arguments);
    let url = arguments.url.as_deref();
    match arguments.command.unwrap_or(Command::Serve { preset: None }) {
        Command::Schema { action } => with_config(&source, environment, out, |mut loaded, out| {
            recall(&mut loaded, out);
            schema::run(action, &loaded, url, out)
        }),
        Command::Explain(asked) => {
            with_config(&source, environment, out, |loaded, out| explain::explain(loaded, &asked, out))
        }
        Command::Decrypt(asked) => with_config(&source, environment, out, |loaded, out| {
            decrypt::decrypt(&loaded.settings, &asked, &mut std::io::stdin().lock(), out)
        }),
        Command::Serve { preset } => serve::start(&source, environment, preset, out),
        Command::Check { probe, .. } => {
            with_config(&source, environment, out, |loaded, out| check::check(&loaded, probe, out))
        }
        Command::Sql { query, csv, destination } => with_config(&source, environment, out, |loaded, out| {
            let question = sql::Question { query: &query, csv, destination: destination.as_deref() };
            sql::sql(&loaded, &question, out)
        }),
        command => of_router(command, (&source, url), environment, out),
    }
}

/// Runs a command that asks the running router, or is alone.
fn of_router(
    command: Command,
    (source, url): (&Source, Option<&str>),
    environment: &Environment,
    out: &mut Out,
) -> Exit {
    match command {
        Command::Bench(asked) => {
            with_server(source, environment, out, |loaded, out| bench::bench(&loaded, &asked, url, out))
        }
        Command::Destinations { action } => {
            with_server(source, environment, out, |loaded, out| destinations::act(&loaded, action, url, out))
        }
        Command::Forget(whom) => {
            with_server(source, environment, out, |loaded, out| forget::forget(&loaded, &whom, url, out))
        }
        Command::Ready => {
            with_server(source, environment, out, |loaded, out| ready::ready(&loaded, url, out))
        }
        Command::Replay(range) => {
            with_server(source, environment, out, |loaded, out| replay::replay(&loaded, &range, url, out))
        }
        Command::Trace { message_id } => {
            with_server(source, environment, out, |loaded, out| trace::trace(&loaded, url, &message_id, out))
        }
        Command::Tail(asked) => {
            let whom = (url, environment);
            with_server(source, environment, out, |loaded, out| tail::tail(&loaded, &asked, whom, out))
        }
        Command::DeadLetters { action } => {
            with_server(source, environment, out, |loaded, out| letters::run(action, &loaded, url, out))
        }
        Command::Token { scope, ttl, sites } => {
            let asked = token::Asked { scope: &scope, ttl, sites: &sites };
            with_server(source, environment, out, |loaded, out| token::mint(&loaded, &asked, out))
        }
        command => alone(command, out),
    }
}

/// Runs a command that needs neither a router nor its configuration.
fn alone(command: Command, out: &mut Out) -> Exit {
    match command {
        Command::Keys { action: KeysAction::New } => keys::new(out),
        Command::Keys { action: KeysAction::Password } => keys::password(&mut std::io::stdin().lock(), out),
        Command::Mock(asked) => mock::mock(&asked, out),
        Command::Init(asked) => init::init(&asked, out),
        Command::Import(asked) => import::import(&asked, out),
        Command::Completions { shell } => completions::write(shell, out),
        Command::Eval(asked) => eval::eval(&asked, out),
        Command::Gen { directory } => gen_files::write(&directory, out),
        // All others have been run.
        _ => Exit::Usage,
    }
}

/// Returns where the configuration is: `check` may name it as its own argument.
fn source(arguments: &Arguments) -> Source {
    let named = match &arguments.command {
        Some(Command::Check { file: Some(file), .. }) => Some(file),
        _ => arguments.config.as_ref(),
    };
    named.map_or_else(|| Source::Directory(".".into()), |file| Source::Named(file.clone()))
}

fn with_config(
    source: &Source,
    environment: &Environment,
    out: &mut Out,
    command: impl FnOnce(Loaded, &mut Out) -> Exit,
) -> Exit {
    match config::load(source, environment) {
        Ok(loaded) => command(loaded, out),
        Err(problems) => refuse(&problems, out),
    }
}

/// For a command that asks the running router: neither a file that the router has refused nor a variable that only the
/// router's own environment has may keep its operator out.
fn with_server(
    source: &Source,
    environment: &Environment,
    out: &mut Out,
    command: impl FnOnce(Loaded, &mut Out) -> Exit,
) -> Exit {
    match config::load_to_ask(source, environment) {
        Ok((mut loaded, problems)) => {
            if let Some(problems) = problems {
                out.error(&format!("{problems}\nas seen from here; only its [server] is used"));
            }
            recall(&mut loaded, out);
            command(loaded, out)
        }
        Err(problems) => {
            let exit = refuse(&problems, out);
            if problems.all().iter().any(|problem| problem.secret) {
                out.error(SURROUNDINGS);
            }
            exit
        }
    }
}

/// What to do where a command lacks what the router was started with.
const SURROUNDINGS: &str = "run it with the environment of the router: `set -a; . /etc/opentrack/environment` \
                            before it, or inside of the router's container";

/// Takes the secrets that the router has made up in development, so that a command is let in where the router asks for a token.
/// Without them it goes on as nobody, which is enough on a loopback address.
fn recall(loaded: &mut Loaded, out: &mut Out) {
    if let Err(error) = config::recall(loaded) {
        let place = loaded.settings.server.data_dir.display();
        out.error(&format!("the secrets that the router made up in `{place}` cannot be read: {error}"));
    }
}

fn refuse(problems: &Problems, out: &mut Out) -> Exit {
    if out.json {
        out.value(&serde_json::json!({ "ok": false, "problems": problems.all() }));
    } else {
        out.error(&problems.to_string());
    }
    if problems.only_secrets() { Exit::Secret } else { Exit::Usage }
}
