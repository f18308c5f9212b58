//! `opentrack ready`: whether the running router takes events, for health checks of containers and scripts.
//!
//! Only asks `/ready`; an image needs no other HTTP client for it.

use super::Exit;
use super::out::Out;
use super::remote::{Remote, RemoteError};
use crate::config::Loaded;

/// Says what `/ready` says, and ends with 0 exactly when the router takes events.
pub(super) fn ready(loaded: &Loaded, url: Option<&str>, out: &mut Out) -> Exit {
    let answer = Remote::of(&loaded.settings.server, url).and_then(|remote| remote.readiness());
    let (takes_events, answer) = match answer {
        Ok(answer) => answer,
        Err(error) => return error.tell(out),
    };
    if out.json {
        out.value(&answer);
    } else if let Err(error) = tell(&answer, out) {
        return error.tell(out);
    }
    if takes_events { Exit::Fine } else { Exit::Unavailable }
}

fn tell(answer: &serde_json::Value, out: &mut Out) -> Result<(), RemoteError> {
    let word = |value: &serde_json::Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
    let status = word(answer, "status").ok_or_else(RemoteError::no_router)?;
    out.line(&status);
    for check in answer.get("checks").and_then(serde_json::Value::as_array).into_iter().flatten() {
        let (name, message) =
            (word(check, "name").unwrap_or_default(), word(check, "message").unwrap_or_default());
        let fine = check.get("ok") == Some(&serde_json::Value::Bool(true));
        out.line(&format!("{} {name}: {message}", if fine { "ok " } else { "bad" }));
    }
    Ok(())
}
