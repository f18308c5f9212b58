//! `opentrack replay --to NAME`: sends stored events again to one destination, and watches until that is done.
//!
//! The router does the work and goes on with it when this command, or the router itself, is interrupted.

use std::time::Duration;

use serde_json::Value;

use super::Exit;
use super::out::Out;
use super::progress::Progress;
use super::remote::{Remote, RemoteError};
use crate::config::Loaded;

/// How often the router is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is sent again, as written on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Range {
    /// The destination
    #[arg(long, value_name = "NAME")]
    to: String,
    /// Events received at this instant or later, like 2026-01-31T12:00:00Z; default: the oldest that is kept
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Events received before this instant; default: all that are there now
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// With a journal on Kafka, from this offset of a partition on, like 3:1200; may be repeated, other partitions are left out
    #[arg(long, value_name = "PARTITION:OFFSET")]
    from_offset: Vec<String>,
    /// With a journal on Kafka, up to this offset of a partition; may be repeated, other partitions are left out
    #[arg(long, value_name = "PARTITION:OFFSET")]
    until_offset: Vec<String>,
    /// Only these: a kind, or `kind:name` with `*`; may be repeated
    #[arg(long, value_name = "PATTERN")]
    filter: Vec<String>,
    /// Most events a second; default: as many as the destination takes beside what is new
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// End the replay that runs
    #[arg(long, conflicts_with_all = ["from", "until", "from_offset", "until_offset", "filter", "rate"])]
    stop: bool,
    /// Do not watch it
    #[arg(long)]
    detach: bool,
}

/// Orders a replay and watches it.
pub(super) fn replay(loaded: &Loaded, range: &Range, url: Option<&str>, out: &mut Out) -> Exit {
    match run(loaded, range, url, out) {
        Ok(()) => Exit::Fine,
        Err(error) => error.tell(out),
    }
}

fn run(loaded: &Loaded, range: &Range, url: Option<&str>, out: &mut Out) -> Result<(), RemoteError> {
    let remote = Remote::of(&loaded.settings.server, url)?;
    let rate = range.rate.map(|rate| rate.to_string());
    let texts = [("from", &range.from), ("until", &range.until), ("rate", &rate)];
    let mut query: Vec<(&str, &str)> =
        (texts.iter()).filter_map(|(name, text)| Some((*name, text.as_deref()?))).collect();
    let repeated = [
        ("filter", &range.filter),
        ("from_offset", &range.from_offset),
        ("until_offset", &range.until_offset),
    ];
    for (name, values) in repeated {
        query.extend(values.iter().map(|value| (name, value.as_str())));
    }
    if range.stop {
        query.push(("stop", "true"));
    }
    let answer = remote.post(&["api", "destinations", &range.to, "replay"], &query, None)?;
    if range.stop || range.detach {
        say(&answer, out);
        return Ok(());
    }
    say(&answer, out);
    watch(&remote, &range.to, out)
}

fn say(answer: &Value, out: &mut Out) {
    if out.json {
        return out.value(answer);
    }
    match answer.get("count").and_then(Value::as_u64) {
        Some(count) => out.line(&format!("{count} events to look at")),
        None => out.line("stopped"),
    }
}

/// Shows how far the replay is until it has ended: a bar on a terminal, one line a step else.
fn watch(remote: &Remote, name: &str, out: &mut Out) -> Result<(), RemoteError> {
    let bar = Progress::bar(out.json);
    let mut last = String::new();
    while let Some(replay) = progress(remote, name)? {
        let step = Step::of(&replay);
        bar.at(step.done, step.all, &step.words);
        let line = step.line();
        if line != last && !out.json && !bar.is_seen() {
            out.line(&line);
        }
        last = line;
        #[expect(clippy::disallowed_methods, reason = "a command has no actor that could be stalled")]
        std::thread::sleep(LOOK_EVERY);
    }
    drop(bar);
    if !out.json {
        out.line("done");
    }
    Ok(())
}

fn progress(remote: &Remote, name: &str) -> Result<Option<Value>, RemoteError> {
    let answer = remote.get(&["api", "destinations"], &[])?;
    let all = answer.get("destinations").and_then(Value::as_array).cloned().unwrap_or_default();
    let one = all.into_iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name));
    Ok(one.and_then(|one| one.get("replay").filter(|replay| !replay.is_null()).cloned()))
}

/// How far a replay is.
struct Step {
    done: u64,
    all: u64,
    words: String,
}

impl Step {
    fn of(replay: &Value) -> Step {
        let number = |key: &str| replay.get(key).and_then(Value::as_u64).unwrap_or_default();
        let (from, until, position) = (number("from"), number("until"), number("position"));
        let state = replay.get("state").and_then(Value::as_str).unwrap_or_default();
        let words = format!("{} sent, {} left, {state}", number("delivered"), number("left"));
        Step { done: position.saturating_sub(from), all: until.saturating_sub(from), words }
    }

    fn line(&self) -> String {
        let percent = (self.done * 100).checked_div(self.all).unwrap_or_default();
        format!("{percent:>3} %, {}", self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn progress_is_one_line() {
        let replay = json!({
            "from": 100, "until": 300, "position": 150, "left": 150, "delivered": 40, "state": "flowing"
        });
        assert_eq!(Step::of(&replay).line(), " 25 %, 40 sent, 150 left, flowing");
        let empty =
            json!({ "from": 5, "until": 5, "position": 5, "left": 0, "delivered": 0, "state": "held" });
        assert_eq!(Step::of(&empty).line(), "  0 %, 0 sent, 0 left, held");
    }
}
