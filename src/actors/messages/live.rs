//! Messages about what is live: who listens, what is said, what the numbers are.

use std::sync::Arc;

use actix::Message;
use tokio::sync::broadcast;

/// One thing that is said on the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its number; frames have no gap.
    pub seq: u64,
    /// `snapshot`, `presence`, `session`, `order`, `destination`, `schema`, `gap`, `bye`.
    pub event: &'static str,
    /// JSON.
    pub data: Arc<str>,
    /// The site that it is about; `None` for all of them together, and for what has none.
    pub site: Option<Arc<str>>,
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// As of [`Frame::event`].
    pub event: &'static str,
    /// JSON.
    pub data: Arc<str>,
    /// As of [`Frame::site`].
    pub site: Option<Arc<str>>,
}

/// The numbers of one site, or of all, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// The site; `None` for all.
    pub site: Option<Arc<str>>,
    /// What a `snapshot` holds.
    pub view: Arc<str>,
    /// What `/api/stats/realtime` answers.
    pub report: Arc<str>,
}

/// Command: say this, and keep these numbers where they are new.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Publish {
    /// In the order in which it happened.
    pub sayings: Vec<Saying>,
    /// Of every site and of all; empty when they are the same as before.
    pub numbers: Vec<Numbers>,
}

/// Question of a listener: what is said from now on, or from where it was?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<Subscription>")]
pub struct Subscribe {
    /// The id of the last frame that it heard.
    pub last_event_id: Option<String>,
    /// Only what is said of this site, and what is of no site.
    pub site: Option<String>,
}

/// The answer to [`Subscribe`].
#[derive(Debug)]
pub struct Subscription {
    /// What frames' ids begin with: another after each start of the router.
    pub boot: Arc<str>,
    /// It was away for too long; `Some(None)` when nobody knows how much it misses.
    pub gap: Option<Option<u64>>,
    /// The present numbers, unless it goes on exactly where it was. It stands for everything up to its number.
    pub snapshot: Option<Frame>,
    /// What it missed.
    pub missed: Vec<Arc<Frame>>,
    /// What is said from then on. Closed when nothing more will be.
    pub rest: broadcast::Receiver<Arc<Frame>>,
}

/// Question: what are the numbers of this site, or of all? `None`: nothing is known of it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<Arc<str>>")]
pub struct AskRealtime {
    /// The site.
    pub site: Option<String>,
}

/// Command: say good-bye to every listener and take no more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Farewell;

/// Glimpses that a slow listener may be behind.
const GLIMPSES: usize = 64;

/// One event as anybody may see it.
#[derive(Debug, PartialEq, Eq)]
pub struct Glimpse {
    /// Its source.
    pub site: Arc<str>,
    /// JSON: `{at, site, type, event, path, country, device, channel, skipped}`.
    pub data: String,
}

/// Where glimpses come out.
#[derive(Debug, Clone)]
pub struct Glimpses(broadcast::Sender<Arc<Glimpse>>);

impl Default for Glimpses {
    fn default() -> Self {
        Glimpses(broadcast::channel(GLIMPSES).0)
    }
}

impl Glimpses {
    /// Returns what is shown from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Glimpse>> {
        self.0.subscribe()
    }

    /// Returns whether anybody looks.
    pub fn are_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Shows one.
    pub fn show(&self, glimpse: Glimpse) {
        // It fails when the last one has just left.
        self.0.send(Arc::new(glimpse)).map(|_| ()).unwrap_or_default();
    }
}
