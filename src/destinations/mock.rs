//! A stand-in for a destination that behaves and misbehaves on command: what it has seen, and what it answers next.
//!
//! The manners of one API are in its folder ([`Mock`]), with the state that it keeps; the tricks that every other side may
//! play are here, once for all. Pure: a request and its time go in, an answer comes out. Who hosts it does the waiting, the
//! hanging and the cutting.

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

/// What a stand-in can be told before it starts.
#[derive(Debug, Clone, Default)]
pub struct MockSettings {
    /// Requests must be signed or authorised with it; empty: anyone may.
    pub secret: String,
    /// Settings that only this kind knows, by name, as they were written.
    pub set: Vec<(String, String)>,
}

impl MockSettings {
    /// Says that there are no settings of its own, for a kind that has none.
    ///
    /// # Errors
    /// There are some.
    pub fn nothing_set(&self) -> Result<(), String> {
        match self.set.first() {
            Some((name, _)) => Err(format!("this stand-in has no setting `{name}`")),
            None => Ok(()),
        }
    }
}

/// The manners of one API.
///
/// A request is read first. What happens to it then is the behaviour's decision: exactly one of the other functions is
/// called for it, or none when it never arrives.
pub trait Mock: Send {
    /// Returns the events of a request, or the answer that the real one gives to a request that it does not let in.
    /// A request without events is none that is refused.
    ///
    /// # Errors
    /// That answer.
    fn read(&self, request: &Incoming) -> Result<Vec<MockEvent>, Said>;

    /// Takes the request and says so; with it the indexes of the events that were taken.
    fn take(&mut self, request: &Incoming, events: &[MockEvent]) -> (Said, Vec<usize>);

    /// Says that the events at these indexes were refused, and takes the others; with it the indexes of those that were taken.
    fn refuse_some(
        &mut self,
        request: &Incoming,
        events: &[MockEvent],
        refused: &[usize],
    ) -> (Said, Vec<usize>);

    /// Says that the whole request was refused, because of the event at this index.
    fn refuse_all(&self, events: &[MockEvent], index: usize) -> Said;

    /// Says that something failed, in the form that the API has for that.
    fn fail(&self, status: u16) -> Said {
        Said::error(status, "as it was told")
    }

    /// Returns the parts of the API that a behaviour may be about alone.
    fn parts(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns the part that a request is for, empty when the API has no parts.
    fn part(&self, request: &Incoming) -> &'static str {
        let _ = request;
        ""
    }

    /// Returns lines that help to connect to it; it can be reached at `url`, which ends with a slash.
    fn greeting(&self, url: &str) -> Vec<String> {
        let _ = url;
        Vec::new()
    }

    /// Returns a file of credentials that it lets in, where the API has such files; it can be reached at `url`.
    fn credentials(&self, url: &str) -> Option<String> {
        let _ = url;
        None
    }

    /// Answers a request below `/_mock/` that only this kind knows: what it holds, and how it is to be from now on.
    fn control(&mut self, request: &Incoming) -> Option<Said> {
        let _ = request;
        None
    }

    /// Returns what it tells of itself beside the counts, `null` when nothing.
    fn told(&self) -> Value {
        Value::Null
    }

    /// Forgets everything that it holds.
    fn reset(&mut self) {}
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// In capitals.
    pub method: String,
    /// The path alone.
    pub path: String,
    /// What follows the question mark, as it came.
    pub query: String,
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

    /// Returns a value of the query as it was written, empty when absent.
    pub fn parameter(&self, name: &str) -> &str {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map_or("", |(_, value)| value)
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
    /// What it was told; at most one for each part, and one about everything.
    told: Vec<Told>,
    seen: Seen,
}

/// One behaviour with what came of it.
#[derive(Default)]
struct Told {
    behaviour: Behaviour,
    /// Requests that the behaviour was asked about, and how many it spoiled.
    asked: u64,
    spoiled: u64,
}

#[derive(Default)]
struct Seen {
    requests: u64,
    events: u64,
    taken: HashSet<u64>,
    repeated: u64,
    answers: BTreeMap<String, u64>,
    parts: BTreeMap<&'static str, u64>,
    last_ids: VecDeque<String>,
}

impl StandIn {
    /// Returns a stand-in that has seen nothing.
    ///
    /// # Errors
    /// The behaviour is about a part that this API does not have.
    pub fn new(mock: Box<dyn Mock>, behaviour: Behaviour) -> Result<StandIn, String> {
        let mut stand_in = StandIn { mock, told: Vec::new(), seen: Seen::default() };
        stand_in.behave(behaviour)?;
        Ok(stand_in)
    }

    /// Behaves like this from now on. A behaviour about one part leaves what was said about the others.
    ///
    /// # Errors
    /// It is about a part that this API does not have.
    pub fn behave(&mut self, behaviour: Behaviour) -> Result<(), String> {
        if let Some(part) = behaviour.on.as_deref().filter(|part| !self.mock.parts().contains(part)) {
            let parts = self.mock.parts().join(", ");
            return Err(format!("`{part}` is no part of it; there are {parts}"));
        }
        match behaviour.on {
            None => self.told.clear(),
            Some(_) => self.told.retain(|told| told.behaviour.on != behaviour.on),
        }
        // What was said last counts first.
        self.told.insert(0, Told { behaviour, ..Told::default() });
        Ok(())
    }

    /// Forgets what it has seen and holds, and behaves well.
    pub fn reset(&mut self) {
        self.told = vec![Told::default()];
        self.seen = Seen::default();
        self.mock.reset();
    }

    /// Returns lines that help to connect to it.
    pub fn greeting(&self, url: &str) -> Vec<String> {
        self.mock.greeting(url)
    }

    /// Returns a file of credentials that it lets in, where the API has such files.
    pub fn credentials(&self, url: &str) -> Option<String> {
        self.mock.credentials(url)
    }

    /// Answers a request below `/_mock/` that only this kind knows.
    pub fn control(&mut self, request: &Incoming) -> Option<Said> {
        self.mock.control(request)
    }

    /// Takes a request.
    pub fn on(&mut self, request: &Incoming) -> Step {
        let read = self.mock.read(request);
        let events = read.as_deref().unwrap_or_default().to_vec();
        let part = self.mock.part(request);
        *self.seen.parts.entry(part).or_default() += 1;
        let spoil = self.told.iter_mut().find_map(|told| told.spoils(part, &events));
        let wait = spoil.as_ref().map(waiting).unwrap_or_default();
        let (act, taken) = match (spoil, read) {
            (Some(behaviour), read) => self.spoil(&behaviour, request, read),
            (None, Ok(events)) => self.take(request, &events),
            (None, Err(said)) => (Act::Answer(said), Vec::new()),
        };
        self.seen.note(&events, &taken, &act);
        Step { events: events.len(), wait, act }
    }

    /// Returns what it has seen: counts of requests, of events, of different events that were taken, of those that came
    /// again after that, of answers and of the API's parts; the last ids; and what only this kind can tell.
    pub fn seen(&self) -> Value {
        let seen = &self.seen;
        let last = self.told.first().map(|told| told.behaviour.mode).unwrap_or_default();
        let mut told = json!({
            "requests": seen.requests,
            "events": seen.events,
            "taken": seen.taken.len(),
            "repeated": seen.repeated,
            "answers": seen.answers,
            "last_ids": seen.last_ids,
            "mode": last.to_string(),
            "spoiled": self.told.iter().map(|told| told.spoiled).sum::<u64>(),
        });
        let Some(members) = told.as_object_mut() else { return told };
        if !self.mock.parts().is_empty() {
            members.insert("parts".to_owned(), json!(seen.parts));
        }
        if let Value::Object(own) = self.mock.told() {
            members.extend(own);
        }
        told
    }

    /// Returns what is done, and the indexes of the events that are taken with it.
    fn spoil(
        &mut self,
        behaviour: &Behaviour,
        request: &Incoming,
        read: Result<Vec<MockEvent>, Said>,
    ) -> (Act, Vec<usize>) {
        let none = Vec::new();
        match behaviour.mode {
            Mode::Status(status) => (Act::Answer(self.status(behaviour, status, request.at)), none),
            Mode::Html => (Act::Answer(html(502)), none),
            Mode::Hang => (Act::Hang, none),
            Mode::Cut => (Act::Cut, none),
            Mode::Ok | Mode::Slow | Mode::Half | Mode::Partial | Mode::Poison | Mode::Lie => match read {
                Err(said) => (Act::Answer(said), none),
                Ok(events) => self.spoil_events(behaviour, request, &events),
            },
        }
    }

    fn spoil_events(
        &mut self,
        behaviour: &Behaviour,
        request: &Incoming,
        events: &[MockEvent],
    ) -> (Act, Vec<usize>) {
        match behaviour.mode {
            Mode::Half => (Act::Half(self.mock.take(request, events).0), Vec::new()),
            Mode::Lie => (Act::Answer(garbage()), Vec::new()),
            Mode::Poison => {
                let index = behaviour.first_hit(events).unwrap_or_default();
                (Act::Answer(self.mock.refuse_all(events, index)), Vec::new())
            }
            Mode::Partial => self.partial(behaviour, request, events),
            _ => self.take(request, events),
        }
    }

    fn partial(
        &mut self,
        behaviour: &Behaviour,
        request: &Incoming,
        events: &[MockEvent],
    ) -> (Act, Vec<usize>) {
        let named = |index: &usize| match (&behaviour.event, events.get(*index)) {
            (Some(_), Some(event)) => behaviour.hits(event),
            _ => index % 2 == 1,
        };
        let refused: Vec<usize> = (0..events.len()).filter(named).collect();
        if refused.is_empty() {
            return self.take(request, events);
        }
        let (said, taken) = self.mock.refuse_some(request, events, &refused);
        (Act::Answer(said), taken)
    }

    fn take(&mut self, request: &Incoming, events: &[MockEvent]) -> (Act, Vec<usize>) {
        let (said, taken) = self.mock.take(request, events);
        (Act::Answer(said), taken)
    }

    fn status(&self, behaviour: &Behaviour, status: u16, at: Timestamp) -> Said {
        let mut said = match status {
            204 | 304 => Said { status, headers: Vec::new(), body: String::new() },
            status => self.mock.fail(status),
        };
        said.headers.extend(behaviour.retry_after.map(|seconds| {
            let value = match behaviour.as_date {
                true => http_date(at, seconds),
                false => seconds.to_string(),
            };
            ("retry-after", value)
        }));
        said
    }
}

impl Told {
    /// Decides whether this request is one that the behaviour is about, counts it, and returns the behaviour then.
    fn spoils(&mut self, part: &str, events: &[MockEvent]) -> Option<Behaviour> {
        let Behaviour { mode, times, every, on, .. } = &self.behaviour;
        let concerns = on.as_deref().is_none_or(|on| on == part)
            && (*mode != Mode::Poison || self.behaviour.first_hit(events).is_some());
        if !concerns || times.is_some_and(|times| self.spoiled >= times) {
            return None;
        }
        self.asked += 1;
        let hit = self.asked.is_multiple_of(u64::from(every.get()));
        self.spoiled += u64::from(hit);
        hit.then(|| self.behaviour.clone())
    }
}

fn waiting(behaviour: &Behaviour) -> Duration {
    let usual = if behaviour.mode == Mode::Slow { SLOW } else { Duration::ZERO };
    behaviour.delay.unwrap_or(usual)
}

/// Returns the indexes of the events that are not among the refused.
pub fn others(events: &[MockEvent], refused: &[usize]) -> Vec<usize> {
    (0..events.len()).filter(|index| !refused.contains(index)).collect()
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
