//! A webhook receiver on loopback that does as it is told: answers, refuses, delays, hangs, cuts the connection. It
//! records every request that it has read, and knows which events it has taken.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use socket2::SockRef;
use tokio::time::Instant;

use super::receiver_http::{Incoming, read_request, write_answer, write_half};

/// What to do with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answer with this status.
    Status(u16),
    /// Answer with this status, headers and body.
    With(u16, Vec<(String, String)>, String),
    /// Wait, then answer with this status.
    Slow(Duration, u16),
    /// Never answer, until the receiver is dropped or told otherwise.
    Hang,
    /// Close the connection without an answer.
    Cut,
    /// Reset the connection without an answer.
    Reset,
    /// Take the events, begin the answer with this status and close the connection in the middle of it.
    Half(u16),
}

impl Reply {
    /// 429 with `Retry-After` in seconds.
    pub(crate) fn throttle(seconds: u32) -> Reply {
        Reply::With(429, vec![("retry-after".into(), seconds.to_string())], String::new())
    }

    /// 429 with `Retry-After` as the date that is this many seconds from now, which has no fractions of a second.
    #[expect(clippy::disallowed_methods, reason = "the receiver's clock is its own")]
    pub(crate) fn throttle_until(seconds: i64) -> Reply {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Reply::With(429, vec![("retry-after".into(), date)], String::new())
    }
}

/// One request as the receiver saw it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// Decompressed.
    pub(crate) body: Vec<u8>,
    /// The message ids of the events.
    ids: Arc<[String]>,
    /// The places of the events that a 207 refused.
    refused: Vec<usize>,
    /// The status that it was answered with; `None` when it was not.
    pub(crate) status: Option<u16>,
}

impl Received {
    /// Returns the events of a body of the format `batch`, `array` or `single`.
    pub(crate) fn events(&self) -> Vec<Value> {
        events_of(&self.body)
    }

    /// Returns the message ids of the events.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.ids.to_vec()
    }

    /// Returns whether the request holds this event.
    pub(crate) fn holds(&self, id: &str) -> bool {
        self.ids.iter().any(|one| one == id)
    }

    /// Returns the ids of the events that were taken.
    fn taken_ids(&self) -> impl Iterator<Item = String> {
        self.ids.iter().enumerate().filter(|(index, _)| self.takes(*index)).map(|(_, id)| id.clone())
    }

    /// Returns whether the event at this place was taken: answered with a 2xx, and not refused by a 207.
    fn takes(&self, index: usize) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status)) && !self.refused.contains(&index)
    }
}

/// Returns the indexes that the body of a 207 names.
fn refused_in(body: &str) -> Vec<usize> {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().filter_map(|error| usize::try_from(error["index"].as_u64()?).ok()).collect()
}

fn events_of(body: &[u8]) -> Vec<Value> {
    match serde_json::from_slice(body).unwrap_or_default() {
        Value::Array(events) => events,
        Value::Object(mut object) => match object.remove("batch") {
            Some(Value::Array(events)) => events,
            _ => vec![Value::Object(object)],
        },
        _ => Vec::new(),
    }
}

type Script = Box<dyn FnMut(&Received) -> Reply + Send>;

struct State {
    script: Script,
    seen: Vec<Received>,
    /// Raised by each new script and at the end: whoever hangs or waits looks again.
    epoch: u64,
    over: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// The receiver; ends when dropped.
pub(crate) struct Receiver {
    port: u16,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts a receiver that takes everything.
    pub(crate) fn start() -> Receiver {
        Receiver::scripted(|_| Reply::Status(200))
    }

    /// Starts a receiver that takes everything on this port.
    pub(crate) fn start_at(port: u16) -> Receiver {
        Receiver::listen(port, |_| Reply::Status(200))
    }

    /// Starts a receiver that follows this script.
    pub(crate) fn scripted(script: impl FnMut(&Received) -> Reply + Send + 'static) -> Receiver {
        Receiver::listen(0, script)
    }

    fn listen(port: u16, script: impl FnMut(&Received) -> Reply + Send + 'static) -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a loopback port can be bound");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let state = State { script: Box::new(script), seen: Vec::new(), epoch: 0, over: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let for_thread = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &for_thread));
        Receiver { port, shared }
    }

    /// Returns the address to configure.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/in", self.port)
    }

    /// Follows another script from now on; requests that hang are cut.
    pub(crate) fn follow(&self, script: impl FnMut(&Received) -> Reply + Send + 'static) {
        let mut state = self.shared.lock();
        state.script = Box::new(script);
        state.epoch += 1;
        self.shared.changed.notify_all();
    }

    /// Takes everything from now on.
    pub(crate) fn recover(&self) {
        self.follow(|_| Reply::Status(200));
    }

    /// Returns every request so far, in order of arrival.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.lock().seen.clone()
    }

    /// Returns the events that were answered with a 2xx, in order, repetitions included, without those that a 207 refused.
    pub(crate) fn taken(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for one in self.requests() {
            let events = one.events().into_iter().enumerate();
            all.extend(events.filter(|(index, _)| one.takes(*index)).map(|(_, event)| event));
        }
        all
    }

    /// Returns the ids of [`taken`](Receiver::taken).
    pub(crate) fn taken_ids(&self) -> Vec<String> {
        let state = self.shared.lock();
        state.seen.iter().flat_map(Received::taken_ids).collect()
    }

    /// Waits until all these ids were taken.
    pub(crate) async fn until_taken(&self, ids: &[String]) {
        super::until(&format!("the receiver has taken {} events", ids.len()), 25, async || {
            let taken: std::collections::HashSet<String> = self.taken_ids().into_iter().collect();
            ids.iter().all(|id| taken.contains(id))
        })
        .await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.over = true;
        state.epoch += 1;
        self.shared.changed.notify_all();
        drop(state);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits for a new script or the end, at most this long.
    fn wait(&self, epoch: u64, longest: Duration) {
        let state = self.lock();
        let same = |state: &mut State| state.epoch == epoch;
        drop(self.changed.wait_timeout_while(state, longest, same));
    }

    /// Records a request and asks the script.
    fn decide(&self, incoming: Incoming) -> (usize, u64, Reply) {
        let Incoming { path, headers, body } = incoming;
        let ids = super::ids_of(&events_of(&body)).into();
        let at = Instant::now();
        let received = Received { at, path, headers, body, ids, refused: Vec::new(), status: None };
        let mut state = self.lock();
        let reply = (state.script)(&received);
        state.seen.push(received);
        (state.seen.len() - 1, state.epoch, reply)
    }

    /// Notes the status before it is sent, so that nobody can know of the answer sooner than the record does.
    fn note(&self, index: usize, status: u16, refused: Vec<usize>) {
        let mut state = self.lock();
        state.seen[index].status = Some(status);
        state.seen[index].refused = refused;
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.lock().over {
            return;
        }
        if let Ok(stream) = stream {
            let shared = Arc::clone(shared);
            std::thread::spawn(move || serve(&stream, &shared));
        }
    }
}

fn serve(stream: &TcpStream, shared: &Shared) {
    let (Ok(input), Ok(mut output)) = (stream.try_clone(), stream.try_clone()) else { return };
    let mut reader = BufReader::new(input);
    while let Some(incoming) = read_request(&mut reader) {
        if shared.lock().over || !answer(&mut output, shared, incoming) {
            break;
        }
    }
    // What lingers for no time at all is reset when it is closed, unless it was shut down before.
    if !matches!(SockRef::from(stream).linger(), Ok(Some(_))) {
        stream.shutdown(Shutdown::Both).ok();
    }
}

/// Does as the script says; false when the connection is over.
fn answer(output: &mut TcpStream, shared: &Shared, incoming: Incoming) -> bool {
    let (index, epoch, reply) = shared.decide(incoming);
    let (status, headers, body) = match reply {
        Reply::Status(status) => (status, Vec::new(), String::new()),
        Reply::With(status, headers, body) => (status, headers, body),
        Reply::Slow(pause, status) => {
            shared.wait(epoch, pause);
            (status, Vec::new(), String::new())
        }
        Reply::Hang => {
            shared.wait(epoch, Duration::from_secs(120));
            return false;
        }
        Reply::Cut => return false,
        Reply::Reset => return reset(output),
        Reply::Half(status) => {
            shared.note(index, status, Vec::new());
            return write_half(output, status);
        }
    };
    let refused = if status == 207 { refused_in(&body) } else { Vec::new() };
    shared.note(index, status, refused);
    write_answer(output, status, &headers, &body)
}

/// Makes the connection end with a reset; false, since it is over.
fn reset(stream: &TcpStream) -> bool {
    SockRef::from(stream).set_linger(Some(Duration::ZERO)).ok();
    false
}
