//! `opentrack tail`: follows `/api/live` and prints what happens to single events, one line each.
//!
//! When the router goes away it waits, comes back and goes on behind the last frame that it saw. Prints no more of an event than
//! its id, kind and name.

mod stream;
mod words;

use std::io::IsTerminal;
use std::time::Duration;

use serde_json::Value;

use super::Exit;
use super::out::Out;
use super::remote::{Remote, RemoteError};
use crate::config::{Environment, Loaded};
use stream::{Frame, Frames};

/// How long it waits before it looks for a router that is gone.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What to watch, as written on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Asked {
    /// Only what happens at this destination
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// Only this kind of call: track, identify, page, screen, group, alias
    #[arg(long = "type", value_name = "T")]
    kind: Option<String>,
    /// Only events of this name; `*` stands for any text
    #[arg(long, value_name = "E")]
    event: Option<String>,
    /// Only events about this user or visitor
    #[arg(long, value_name = "U")]
    user: Option<String>,
    /// Only what came to this: accepted, rejected, delivered, refused, broken, transient, throttled, deferred, skipped, dead
    #[arg(long, value_name = "O")]
    outcome: Option<String>,
}

impl Asked {
    fn query(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("destination", &self.destination),
            ("type", &self.kind),
            ("event", &self.event),
            ("user", &self.user),
            ("outcome", &self.outcome),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

/// Watches until it is stopped, or nobody reads what it prints.
pub(super) fn tail(
    loaded: &Loaded,
    asked: &Asked,
    (url, environment): (Option<&str>, &Environment),
    out: &mut Out,
) -> Exit {
    let plain = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = !plain && !out.json && std::io::stdout().is_terminal();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return RemoteError::Failed(error.to_string()).tell(out),
    };
    let mut tail = Tail { asked, colours, last: None, has_watched: false, out };
    let ended = runtime.block_on(async {
        loop {
            // Another token each time: those of ours are short-lived.
            let once = match Remote::of(&loaded.settings.server, url) {
                Ok(remote) => tail.follow(&remote).await,
                Err(error) => Err(error),
            };
            if tail.out.is_closed {
                return Ok(());
            }
            tail.wait_after(once).await?;
        }
    });
    match ended {
        Ok(()) => Exit::Fine,
        Err(error) => RemoteError::tell(&error, out),
    }
}

struct Tail<'a> {
    asked: &'a Asked,
    colours: bool,
    /// The id of the last frame.
    last: Option<String>,
    has_watched: bool,
    out: &'a mut Out,
}

impl Tail<'_> {
    /// Prints one stream to its end.
    async fn follow(&mut self, remote: &Remote) -> Result<(), RemoteError> {
        let mut stream = remote.open(&["api", "live"], &self.asked.query(), self.last.as_deref()).await?;
        if !std::mem::replace(&mut self.has_watched, true) {
            self.out.error("watching; end with ctrl-c");
        }
        let mut frames = Frames::default();
        while let Ok(Some(bytes)) = stream.chunk().await {
            for frame in frames.take(&bytes) {
                self.print(frame);
            }
            if self.out.is_closed {
                break;
            }
        }
        Ok(())
    }

    /// Returns what cannot become good by waiting.
    async fn wait_after(&mut self, once: Result<(), RemoteError>) -> Result<(), RemoteError> {
        match once {
            Ok(()) if self.out.is_closed => return Ok(()),
            // What ended at once would be opened again without an end.
            Ok(()) => {}
            // It may be starting again.
            Err(RemoteError::Absent(_) | RemoteError::Refused { status: 503, .. }) if self.has_watched => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        Ok(())
    }

    fn print(&mut self, frame: Frame) {
        let Frame { event, id, data } = frame;
        self.last = id.or(self.last.take());
        let is_of_event = data.get("message_id").is_some();
        if self.out.json {
            let members = data.as_object().cloned().unwrap_or_default();
            let named = [("event".to_owned(), Value::from(event))];
            self.out.value(&Value::Object(named.into_iter().chain(members).collect()));
        } else if is_of_event {
            let line = words::line(&event, &data, self.colours);
            self.out.line(&line);
        } else if let Some(note) = words::note(&event, &data) {
            self.out.error(&note);
        }
    }
}
