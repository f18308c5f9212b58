//! `opentrack forget --user U`: erases a person everywhere, and watches until that is done.
//!
//! The router does the work and goes on with it when this command, or the router itself, is interrupted.

use std::time::Duration;

use serde_json::{Value, json};

use super::Exit;
use super::out::Out;
use super::remote::{Remote, RemoteError};
use crate::config::Loaded;

/// How often the router is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const PATH: [&str; 3] = ["api", "privacy", "regulations"];

/// Who is forgotten, as written on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
pub(super) struct Whom {
    /// A `userId`; may be repeated
    #[arg(long, value_name = "ID", required_unless_present = "anonymous", conflicts_with = "anonymous")]
    user: Vec<String>,
    /// An `anonymousId`; may be repeated
    #[arg(long, value_name = "ID")]
    anonymous: Vec<String>,
    /// Do not keep what comes from them later either
    #[arg(long)]
    suppress: bool,
    /// Do not watch it
    #[arg(long)]
    detach: bool,
}

/// Orders the erasure and watches it.
pub(super) fn forget(loaded: &Loaded, whom: &Whom, url: Option<&str>, out: &mut Out) -> Exit {
    match run(loaded, whom, url, out) {
        Ok(()) => Exit::Fine,
        Err(error) => error.tell(out),
    }
}

fn run(loaded: &Loaded, whom: &Whom, url: Option<&str>, out: &mut Out) -> Result<(), RemoteError> {
    let remote = Remote::of(&loaded.settings.server, url)?;
    let (kind, ids) =
        if whom.user.is_empty() { ("ANONYMOUS_ID", &whom.anonymous) } else { ("USER_ID", &whom.user) };
    let regulation = if whom.suppress { "SUPPRESS_WITH_DELETE" } else { "DELETE_ONLY" };
    let body = json!({ "regulationType": regulation, "subjectType": kind, "subjectIds": ids });
    let mut answer = remote.post(&PATH, &[], Some(&body))?;
    let id = word(&answer, "id").ok_or_else(RemoteError::no_router)?;
    let mut said = String::new();
    while !whom.detach && matches!(word(&answer, "status").as_deref(), Some("pending" | "running")) {
        #[expect(clippy::disallowed_methods, reason = "a command has no actor that could be stalled")]
        std::thread::sleep(LOOK_EVERY);
        answer = remote.get(&[PATH[0], PATH[1], PATH[2], &id], &[])?;
        tell_waits(&answer, &mut said, out);
    }
    say(&answer, out);
    Ok(())
}

/// Says once what an erasure waits for.
fn tell_waits(answer: &Value, said: &mut String, out: &mut Out) {
    for (name, store) in stores(answer) {
        let is_waiting = word(store, "state").as_deref() == Some("running");
        let Some(reason) = word(store, "reason").filter(|reason| is_waiting && *reason != *said) else {
            continue;
        };
        out.error(&format!("{name}: {reason}; it is tried again"));
        *said = reason;
    }
}

fn say(answer: &Value, out: &mut Out) {
    if out.json {
        return out.value(answer);
    }
    let text = |key| word(answer, key).unwrap_or_default();
    out.line(&format!("regulation {}: {}", text("id"), text("status")));
    for (name, store) in stores(answer) {
        let erased = store.get("erased").and_then(Value::as_u64).unwrap_or_default();
        let reason = word(store, "reason").map(|reason| format!(": {reason}")).unwrap_or_default();
        out.line(&format!("  {name}: {} ({erased}){reason}", word(store, "state").unwrap_or_default()));
    }
}

fn stores(answer: &Value) -> impl Iterator<Item = (&String, &Value)> {
    answer.get("stores").and_then(Value::as_object).into_iter().flatten()
}

fn word(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}
