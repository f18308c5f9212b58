//! The arguments, as clap reads them. Never acts on them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// A self-hosted, Segment-compatible customer-event router.
#[derive(Debug, Parser)]
#[command(name = "opentrack", version, about, disable_help_subcommand = true)]
pub(super) struct Arguments {
    /// The configuration file; default: ./config.toml, or the built-in defaults without that file
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// The running router; default: the first `server.listen` of the configuration
    #[arg(long, global = true, value_name = "URL")]
    pub(super) url: Option<String>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the router (the default)
    Serve {
        /// Take the ports of another system: trackflow listens on 8000 and 8080
        #[arg(long, value_name = "NAME")]
        preset: Option<Preset>,
    },
    /// Say everything that is wrong with the configuration, or what it switches on
    Check {
        /// The configuration file
        file: Option<PathBuf>,
        /// Try the address, credentials and rights of every destination, without sending an event
        #[arg(long)]
        probe: bool,
    },
    /// Query the embedded warehouse, also beside a running router; read only
    Sql {
        /// One query
        query: String,
        /// Answer in CSV
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        /// Which destination; default: the first that can be queried
        #[arg(long, value_name = "NAME")]
        destination: Option<String>,
    },
    /// Show what each destination would receive for these events, or why it would not; sends nothing
    Explain(super::explain::Asked),
    /// Say how every destination of the running router is, or order one to pause, resume, retry or drop what waits
    Destinations {
        #[command(subcommand)]
        action: Option<DestinationsAction>,
    },
    /// Say whether the running router takes events, for health checks; ends with 0 exactly when it does
    Ready,
    /// Tell the journey of one event: its fate at every destination, and what was tried and answered
    Trace {
        /// As the client sent it
        message_id: String,
    },
    /// Watch single events as they come, and what destinations answer to them
    Tail(super::tail::Asked),
    /// What destinations refused: list it, show it, send it again, drop it
    DeadLetters {
        #[command(subcommand)]
        action: super::letters::Action,
    },
    /// Send stored events again to one destination, with their ids and times
    Replay(super::replay::Range),
    /// Erase people everywhere, and watch until that is done
    Forget(super::forget::Whom),
    /// Read what `encrypt` made unreadable, from standard input, with the keys of the configuration; or renew it by the newest key
    Decrypt(super::decrypt::Asked),
    /// Say what events would change in a warehouse, which statements wait to be run, which values do not fit, and the views
    Schema {
        #[command(subcommand)]
        action: super::schema::Action,
    },
    /// Make a token for the operator API
    Token {
        /// What it allows: read:ops, read:stats, read:stream, admin
        #[arg(long, default_value = "read:ops")]
        scope: String,
        /// How long it is valid
        #[arg(long, default_value = "1h", value_parser = duration)]
        ttl: Duration,
        /// Limit it to this source; may be given more than once
        #[arg(long = "site", value_name = "NAME")]
        sites: Vec<String>,
    },
    /// Send generated events to the running router: how many it takes, how soon it answers, what that costs it
    Bench(super::bench::Asked),
    /// Stand in for a destination that behaves and misbehaves on command
    Mock(super::mock::Asked),
    /// Run the functions behind the analytics on cases of your own: what a session, a channel or an average is
    Eval(super::eval::Asked),
    /// Make write keys, and the hash of the console's password
    Keys {
        #[command(subcommand)]
        action: KeysAction,
    },
    /// Write a first configuration, by questions or by flags
    Init(super::init::Asked),
    /// Write a configuration from an exported workspace of another system
    Import(super::import::Asked),
    /// Print what a shell needs to complete this command line
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Write the shipped files into a directory
    #[command(hide = true)]
    Gen {
        /// The directory
        #[arg(default_value = ".")]
        directory: PathBuf,
    },
}

/// The habits of another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Preset {
    /// Its API on 8000 and its script on 8080; here every listener serves everything
    Trackflow,
}

#[derive(Debug, Subcommand)]
pub(super) enum DestinationsAction {
    /// One line for each (the default)
    List,
    /// Everything about one, in the words of `/api/destinations`
    Show {
        /// The destination
        name: String,
    },
    /// Send nothing until it is resumed; what comes waits in the journal
    Pause {
        /// The destination
        name: String,
    },
    /// Send again
    Resume {
        /// The destination
        name: String,
    },
    /// Try at once, whatever backoff, breaker or hold say
    Retry {
        /// The destination
        name: String,
    },
    /// Give up everything that waits; it counts as lost
    Drop {
        /// The destination
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysAction {
    /// Print a new write key
    New,
    /// Read a password from standard input and print its argon2 hash, for `[console] password`
    Password,
}

/// Reads "90s", "1h 30m".
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime_serde::re::humantime::parse_duration(text).map_err(|error| error.to_string())
}
