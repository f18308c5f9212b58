//! A proxy on loopback before the router that does to a client what networks and overload do: it refuses the first
//! requests, or loses an answer, and otherwise forwards. It never changes what it forwards.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::receiver_http::{Raw, read_raw, write_answer};

/// What becomes of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It is answered with this status, and `Retry-After` in seconds; the router does not see it.
    Refuse(u16, Option<u32>),
    /// The router answers, and the client never hears of it: the connection is cut.
    LoseAnswer,
    /// The router answers; then this request and all later ones wait for [`FaultProxy::go_on`], which cuts this one.
    LoseAnswerAndWait,
    /// This request and all later ones wait for [`FaultProxy::go_on`], then it is forwarded: what happens to those in the
    /// backlog of a socket that is held during a restart.
    Wait,
}

struct State {
    faults: VecDeque<Fault>,
    /// Requests so far, those without a fault included.
    requests: usize,
    /// A request or its answer is held back.
    held: bool,
    over: bool,
}

struct Shared {
    router: u16,
    state: Mutex<State>,
    changed: Condvar,
}

/// The proxy; ends when dropped.
pub(crate) struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
}

impl FaultProxy {
    /// Starts a proxy before the router at this port; the first requests meet these faults, one each.
    pub(crate) fn start(router: u16, faults: impl IntoIterator<Item = Fault>) -> FaultProxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let faults = faults.into_iter().collect();
        let state = Mutex::new(State { faults, requests: 0, held: false, over: false });
        let shared = Arc::new(Shared { router, state, changed: Condvar::new() });
        let for_thread = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &for_thread));
        FaultProxy { port, shared }
    }

    /// Returns the address to give to a client.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns how many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.shared.lock().requests
    }

    /// Waits until a request waits, or its answer.
    pub(crate) async fn until_held(&self) {
        super::until("the proxy holds something back", 25, async || self.shared.lock().held).await;
    }

    /// Lets everything that waits go on.
    pub(crate) fn go_on(&self) {
        self.shared.change(|state| state.held = false);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.change(|state| state.over = true);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits while something is held back, and takes the next fault.
    fn next_fault(&self) -> Option<Fault> {
        self.lock().requests += 1;
        self.wait_while_held().faults.pop_front()
    }

    fn hold(&self) {
        self.change(|state| state.held = true);
        drop(self.wait_while_held());
    }

    fn wait_while_held(&self) -> MutexGuard<'_, State> {
        let waiting = |state: &mut State| state.held && !state.over;
        let waited = self.changed.wait_timeout_while(self.lock(), Duration::from_secs(60), waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Sends the request to the router and returns its answer; `None` when there is none.
    fn forward(&self, request: &Raw) -> Option<Raw> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.router)).ok()?;
        stream.write_all(&wire(request)).ok()?;
        read_raw(&mut BufReader::new(stream))
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.lock().over {
            return;
        }
        if let Ok(stream) = stream {
            let shared = Arc::clone(shared);
            std::thread::spawn(move || serve(stream, &shared));
        }
    }
}

/// Serves a connection: refusals keep it open, anything else ends it, as `Connection: close` says.
fn serve(mut stream: TcpStream, shared: &Shared) {
    let Ok(input) = stream.try_clone() else { return };
    let mut reader = BufReader::new(input);
    while let Some(request) = read_raw(&mut reader) {
        if !answer(&mut stream, shared, &request) {
            break;
        }
    }
    stream.shutdown(Shutdown::Both).ok();
}

/// Does with a request what is its turn; false when the connection is over. A router that gives no answer fails the test
/// by what is missing afterwards.
fn answer(stream: &mut TcpStream, shared: &Shared, request: &Raw) -> bool {
    let fault = shared.next_fault();
    if let Some(Fault::Refuse(status, after)) = fault {
        return refuse(stream, status, after);
    }
    if matches!(fault, Some(Fault::Wait)) {
        shared.hold();
    }
    let answer = shared.forward(request);
    match (fault, answer) {
        (Some(Fault::LoseAnswer), _) | (_, None) => {}
        (Some(Fault::LoseAnswerAndWait), _) => shared.hold(),
        (_, Some(answer)) => drop(stream.write_all(&wire(&answer))),
    }
    false
}

/// Answers in the router's own form; false when the client is gone.
fn refuse(stream: &mut TcpStream, status: u16, after: Option<u32>) -> bool {
    let headers: Vec<(String, String)> =
        after.into_iter().map(|seconds| ("retry-after".to_owned(), seconds.to_string())).collect();
    let body =
        r#"{"success":false,"code":"overloaded","message":"try again","error":"overloaded","details":[]}"#;
    write_answer(stream, status, &headers, body)
}

/// A request or an answer as bytes, the last on its connection.
fn wire(message: &Raw) -> Vec<u8> {
    let mut headers: BTreeMap<&str, &str> =
        message.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let length = message.body.len().to_string();
    headers.remove("transfer-encoding");
    headers.insert("content-length", &length);
    headers.insert("connection", "close");
    let mut text = format!("{}\r\n", message.line);
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    [text.as_bytes(), &message.body].concat()
}
