//! `opentrack bench`: sends generated events to the running router and says how many it takes, how soon it answers, and what that
//! costs it.
//!
//! The events go through everything that real ones go through, so that what is measured is this machine with this configuration;
//! destinations get none of them unless `--deliver` says so. Starts no router and changes no setting.

mod load;
mod made;
mod report;

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Exit;
use super::out::Out;
use super::progress::Progress;
use super::remote::{Remote, RemoteError};
use crate::config::Loaded;
use load::{Load, Sent};
use report::{Cost, Report};

/// How often the router is asked whether it is through.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long destinations may take for the rest; what they still have then is told.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much is sent, as written on the command line.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Asked {
    /// Events to send
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    events: u32,
    /// Events a second; default: as fast as the router answers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Connections that send at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Events in a request
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=500))]
    batch: u16,
    /// The key of the source that they are to come from; default: none, which a router without sources takes
    #[arg(long, value_name = "KEY")]
    write_key: Option<String>,
    /// Let destinations have them too; otherwise each event tells them to leave it alone
    #[arg(long)]
    deliver: bool,
}

/// Sends, waits until destinations are through, and says what was seen. Fine where every event was taken.
pub(super) fn bench(loaded: &Loaded, asked: &Asked, url: Option<&str>, out: &mut Out) -> Exit {
    match run(loaded, asked, url, out) {
        Ok(report) => {
            if out.json {
                out.value(&report.json())
            } else {
                out.text(&report.words())
            }
            if report.is_whole() { Exit::Fine } else { Exit::Failed }
        }
        Err(error) => error.tell(out),
    }
}

fn run(loaded: &Loaded, asked: &Asked, url: Option<&str>, out: &mut Out) -> Result<Report, RemoteError> {
    let remote = Remote::of(&loaded.settings.server, url)?;
    let (is_ready, _) = remote.readiness()?;
    if !is_ready {
        return Err(RemoteError::Failed("the router takes no events now; `opentrack ready` says why".into()));
    }
    let before = Cost::of(&remote);
    let began = Instant::now();
    let sent = send(asked, &remote, &Progress::bar(out.json))?;
    let left = until_through(&remote, out.json);
    let through = began.elapsed();
    let cost = before.zip(Cost::of(&remote)).map(|(before, after)| after.since(&before));
    Ok(Report {
        events: asked.events,
        batch: asked.batch,
        connections: asked.connections,
        rate: asked.rate,
        is_delivered: asked.deliver,
        sent,
        through,
        left,
        cost,
    })
}

fn send(asked: &Asked, remote: &Remote, bar: &Progress) -> Result<Sent, RemoteError> {
    let failed = |error: String| RemoteError::Failed(error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let load = Load {
        client: Remote::sender().map_err(|error| failed(error.to_string()))?,
        url: remote.at(&["v1", "batch"], &[]),
        key: asked.write_key.as_deref(),
        made: made::Made::new(asked.deliver),
        events: asked.events,
        batch: u32::from(asked.batch),
        period: asked.rate.map(|rate| Duration::from_secs_f64(f64::from(asked.batch) / f64::from(rate))),
    };
    Ok(runtime.map_err(|error| failed(error.to_string()))?.block_on(load.send(asked.connections, bar)))
}

/// Waits until no destination has anything before it; returns how many events are still there when its patience is over, `None`
/// where the router does not tell.
fn until_through(remote: &Remote, json: bool) -> Option<u64> {
    let _sign = Progress::sign(json, "waits for destinations");
    let began = Instant::now();
    loop {
        let left = backlog(&remote.get(&["api", "destinations"], &[]).ok()?);
        if left == 0 || began.elapsed() > PATIENCE {
            return Some(left);
        }
        #[expect(clippy::disallowed_methods, reason = "a command has no actor that could be stalled")]
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Returns the events that destinations still have before them; those that are paused or held have time.
fn backlog(answer: &Value) -> u64 {
    let all = answer.get("destinations").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|one| one.pointer("/backlog/events").and_then(Value::as_u64)).sum()
}
