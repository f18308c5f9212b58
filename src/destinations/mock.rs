//! A stand-in for a destination that behaves and misbehaves on command: what it has seen, and what it answers next.
//!
//! The manners of one API are in its folder ([`Mock`]); the tricks that every other side may play are here, once for all.
//! Pure: a request and its time go in, an answer comes out. Who hosts it does the waiting, the hanging and the cutting.

mod behaviour;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use behaviour::{Behaviour, MODES, Mode};

/// Most ids that are remembered as taken; a stand-in is no store.
const MOST_IDS: usize = 1_000_000;
/// How many of the last ids are told.
const LAST_IDS: usize = 20;
/// How long an answer takes with `slow` when nothing else is said.
const SLOW: Duration = Duration::from_secs(2);

/// What a stand-in of one kind is made of.
pub type NewMock = fn(&MockSettings) -> Result<Box<dyn Mock>, String>;

/// What a stand-in can be told about who may talk to it.
#[derive(Debug, Clone, Default)]
pub struct MockSettings {
    /// Requests must be signed or authorised with it; empty: anyone may.
    pub secret: String,
}

/// The manners of one API.
pub trait Mock: Send {
    /// Returns the events of a request, or the answer that the real one gives to a request that it does not let in.
    ///
    /// # Errors
    /// That answer.
    fn read(&self, request: &Incoming) -> Result<Vec<MockEvent>, Said>;

    /// Says that all events were taken.
    fn take(&self, events: &[MockEvent]) -> Said;

    /// Says that the events at these indexes were refused and the others taken.
    fn refuse_some(&self, events: &[MockEvent], refused: &[usize]) -> Said;

    /// Says that the whole request was refused, because of the event at this index.
    fn refuse_all(&self, events: &[MockEvent], index: usize) -> Said;
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// In capitals.
    pub method: String,
    /// The path alone.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came over the wire.
    pub body: Bytes,
    /// When.
    pub at: Timestamp,
}

impl Incoming {
    /// Returns a header's value, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// One event of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockEvent {
    /// Its id there, by which it is recognised when it comes again.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// An answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: String,
}

impl Said {
    /// Returns an answer in JSON.
    pub fn json(status: u16, body: &Value) -> Said {
        let headers = vec![("content-type", "application/json".to_owned())];
        Said { status, headers, body: body.to_string() }
    }

    /// Returns an error in JSON.
    pub fn error(status: u16, message: &str) -> Said {
        Said::json(status, &json!({ "error": message }))
    }
}

/// What the host does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Answers.
    Answer(Said),
    /// Sends half of the answer and closes the connection.
    Half(Said),
    /// Closes the connection without an answer.
    Cut,
    /// Says nothing until it is told otherwise, and closes the connection then.
    Hang,
}

impl Act {
    /// Returns what it is called where answers are counted: a status, or a word.
    pub fn label(&self) -> String {
        match self {
            Act::Answer(said) => said.status.to_string(),
            Act::Half(_) => "half".to_owned(),
            Act::Cut => "cut".to_owned(),
            Act::Hang => "hang".to_owned(),
        }
    }
}

/// One request with what is done about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// How many events were read in it.
    pub events: usize,
    /// How long to wait first.
    pub wait: Duration,
    /// What to do then.
    pub act: Act,
}

/// A stand-in with what it was told and what it has seen.
pub struct StandIn {
    mock: Box<dyn Mock>,
    behaviour: Behaviour,
    /// Requests that the behaviour was asked about, and how many it spoiled.
    asked: u64,
    spoiled: u64,
    seen: Seen,
}

#[derive(Default)]
struct Seen {
    requests: u64,
    events: u64,
    taken: HashSet<u64>,
    repeated: u64,
    answers: BTreeMap<String, u64>,
    last_ids: VecDeque<String>,
}

impl StandIn {
    /// Returns a stand-in that has seen nothing.
    pub fn new(mock: Box<dyn Mock>, behaviour: Behaviour) -> StandIn {
        StandIn { mock, behaviour, asked: 0, spoiled: 0, seen: Seen::default() }
    }

    /// Behaves like this from now on.
    pub fn behave(&mut self, behaviour: Behaviour) {
        (self.behaviour, self.asked, self.spoiled) = (behaviour, 0, 0);
    }

    /// Forgets what it has seen and behaves well.
    pub fn reset(&mut self) {
        self.behave(Behaviour::default());
        self.seen = Seen::default();
    }

    /// Takes a request.
    pub fn on(&mut self, request: &Incoming) -> Step {
        let read = self.mock.read(request);
        let events = read.as_deref().unwrap_or_default().to_vec();
        let spoil = self.is_spoiled(&events);
        let wait = if spoil { self.wait() } else { Duration::ZERO };
        let (act, taken) = match (spoil, read) {
            (true, read) => self.spoil(request, read),
            (false, Ok(events)) => self.take(&events),
            (false, Err(said)) => (Act::Answer(said), Vec::new()),
        };
        self.seen.note(&events, &taken, &act);
        Step { events: events.len(), wait, act }
    }

    /// Returns what it has seen: counts of requests, of events, of different events that were taken, of those that came
    /// again after that, of answers; and the last ids.
    pub fn seen(&self) -> Value {
        let seen = &self.seen;
        json!({
            "requests": seen.requests,
            "events": seen.events,
            "taken": seen.taken.len(),
            "repeated": seen.repeated,
            "answers": seen.answers,
            "last_ids": seen.last_ids,
            "mode": self.behaviour.mode.to_string(),
            "spoiled": self.spoiled,
        })
    }

    /// Decides whether this request is one that the behaviour is about, and counts it.
    fn is_spoiled(&mut self, events: &[MockEvent]) -> bool {
        let Behaviour { mode, times, every, .. } = &self.behaviour;
        let concerns = *mode != Mode::Poison || self.behaviour.first_hit(events).is_some();
        if !concerns || times.is_some_and(|times| self.spoiled >= times) {
            return false;
        }
        self.asked += 1;
        let hit = self.asked.is_multiple_of(u64::from(every.get()));
        self.spoiled += u64::from(hit);
        hit
    }

    fn wait(&self) -> Duration {
        let usual = if self.behaviour.mode == Mode::Slow { SLOW } else { Duration::ZERO };
        self.behaviour.delay.unwrap_or(usual)
    }

    /// Returns what is done, and the indexes of the events that are taken with it.
    fn spoil(&self, request: &Incoming, read: Result<Vec<MockEvent>, Said>) -> (Act, Vec<usize>) {
        let none = Vec::new();
        match self.behaviour.mode {
            Mode::Status(status) => (Act::Answer(self.status(status, request.at)), none),
            Mode::Html => (Act::Answer(html(502)), none),
            Mode::Hang => (Act::Hang, none),
            Mode::Cut => (Act::Cut, none),
            Mode::Ok | Mode::Slow | Mode::Half | Mode::Partial | Mode::Poison | Mode::Lie => match read {
                Err(said) => (Act::Answer(said), none),
                Ok(events) => self.spoil_events(&events),
            },
        }
    }

    fn spoil_events(&self, events: &[MockEvent]) -> (Act, Vec<usize>) {
        match self.behaviour.mode {
            Mode::Half => (Act::Half(self.mock.take(events)), Vec::new()),
            Mode::Lie => (Act::Answer(garbage()), Vec::new()),
            Mode::Poison => {
                let index = self.behaviour.first_hit(events).unwrap_or_default();
                (Act::Answer(self.mock.refuse_all(events, index)), Vec::new())
            }
            Mode::Partial => self.partial(events),
            _ => self.take(events),
        }
    }

    fn partial(&self, events: &[MockEvent]) -> (Act, Vec<usize>) {
        let (refused, taken): (Vec<usize>, Vec<usize>) =
            (0..events.len()).partition(|index| match (&self.behaviour.event, events.get(*index)) {
                (Some(_), Some(event)) => self.behaviour.hits(event),
                _ => index % 2 == 1,
            });
        match refused.is_empty() {
            true => self.take(events),
            false => (Act::Answer(self.mock.refuse_some(events, &refused)), taken),
        }
    }

    fn take(&self, events: &[MockEvent]) -> (Act, Vec<usize>) {
        (Act::Answer(self.mock.take(events)), (0..events.len()).collect())
    }

    fn status(&self, status: u16, at: Timestamp) -> Said {
        let mut said = match status {
            204 | 304 => Said { status, headers: Vec::new(), body: String::new() },
            status => Said::error(status, "as it was told"),
        };
        said.headers.extend(self.behaviour.retry_after.map(|seconds| {
            let value = match self.behaviour.as_date {
                true => http_date(at, seconds),
                false => seconds.to_string(),
            };
            ("retry-after", value)
        }));
        said
    }
}

impl Seen {
    fn note(&mut self, events: &[MockEvent], taken: &[usize], act: &Act) {
        self.requests += 1;
        self.events += events.len() as u64;
        *self.answers.entry(act.label()).or_default() += 1;
        for event in taken.iter().filter_map(|index| events.get(*index)) {
            let id = hash(&event.id);
            if self.taken.len() < MOST_IDS && self.taken.insert(id) {
                self.last_ids.push_back(event.id.clone());
            } else {
                self.repeated += u64::from(self.taken.contains(&id));
            }
        }
        let more = self.last_ids.len().saturating_sub(LAST_IDS);
        self.last_ids.drain(..more);
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// What a proxy says whose service is gone.
fn html(status: u16) -> Said {
    let headers = vec![("content-type", "text/html".to_owned())];
    Said { status, headers, body: "<html><body><h1>Bad Gateway</h1></body></html>\n".to_owned() }
}

fn garbage() -> Said {
    let headers = vec![("content-type", "application/json".to_owned())];
    Said { status: 200, headers, body: "}{ \u{0} never mind".to_owned() }
}

/// The form of RFC 9110, section 5.6.7.
fn http_date(at: Timestamp, seconds: u32) -> String {
    let then = at.checked_add(SignedDuration::from_secs(seconds.into())).unwrap_or(at);
    then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
