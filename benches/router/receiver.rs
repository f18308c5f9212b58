//! The other side of a webhook: takes every request, answers 200 and counts which events came, when, and how often. It
//! can be told to be sick: to hang, to answer with another status, to refuse what holds a certain event.
//!
//! Separate because it is the witness: what is lost or repeated is what it says, not what the router believes. A thread
//! per connection, since a webhook has few.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use memchr::memmem;
use tokio::time::Instant;

use super::ids;
use super::wire::read_head;

/// The answer of a receiver that is well.
const WELL: u16 = 200;
/// Stands for no answer at all.
const HANG: u16 = 0;
/// How often a receiver that hangs looks whether it is well again.
const LOOK: Duration = Duration::from_millis(5);
/// Room for what the router sends in one piece.
const BUFFER: usize = 256 << 10;

/// What became of the events of one run at one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Sent and acknowledged, and never seen.
    pub(crate) lost: u64,
    /// Seen once more than sent, each time.
    pub(crate) repeated: u64,
    /// Seen and never sent.
    pub(crate) invented: u64,
}

impl Tally {
    /// Compares a plain number of events, among which none is seen twice, with how many were sent.
    pub(crate) fn of(seen: u64, sent: usize) -> Tally {
        let sent = sent as u64;
        Tally { lost: sent.saturating_sub(seen), repeated: 0, invented: seen.saturating_sub(sent) }
    }

    /// Returns both together.
    pub(crate) fn and(self, other: Tally) -> Tally {
        Tally {
            lost: self.lost + other.lost,
            repeated: self.repeated + other.repeated,
            invented: self.invented + other.invented,
        }
    }
}

/// A listening receiver; it ends when dropped.
pub(crate) struct Receiver {
    /// Where it listens, on this machine.
    pub(crate) port: u16,
    seen: Arc<Seen>,
}

struct Seen {
    began: Instant,
    /// When each event came first, in microseconds since the beginning; 0 when it has not.
    events: Vec<AtomicU64>,
    /// The status that requests are answered with, or [`HANG`].
    answer: AtomicU16,
    /// The number of the event that is refused with a 400.
    poison: AtomicUsize,
    requests: AtomicU64,
    /// Requests that said they were a second or later attempt.
    retries: AtomicU64,
    repeated: AtomicU64,
    invented: AtomicU64,
    closed: AtomicBool,
}

impl Receiver {
    /// Starts a receiver of the events 0 to `events`, the last not included.
    pub(crate) fn start(events: usize) -> std::io::Result<Receiver> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Seen {
            began: Instant::now(),
            events: std::iter::repeat_with(AtomicU64::default).take(events).collect(),
            answer: AtomicU16::new(WELL),
            poison: AtomicUsize::new(usize::MAX),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            invented: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        });
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || listen(&listener, &shared));
        Ok(Receiver { port, seen })
    }

    /// Returns what came so far, against what was to come.
    pub(crate) fn tally(&self) -> Tally {
        let lost = self.seen.events.iter().filter(|event| event.load(Ordering::Relaxed) == 0).count();
        Tally {
            lost: lost as u64,
            repeated: self.seen.repeated.load(Ordering::Relaxed),
            invented: self.seen.invented.load(Ordering::Relaxed),
        }
    }

    /// Answers every request with this status from now on; events count only with 200.
    pub(crate) fn answer_with(&self, status: u16) {
        self.seen.answer.store(status, Ordering::Relaxed);
    }

    /// Answers nothing until told otherwise; requests that wait then get that answer.
    pub(crate) fn hang(&self) {
        self.answer_with(HANG);
    }

    /// Answers with 200 again.
    pub(crate) fn recover(&self) {
        self.answer_with(WELL);
    }

    /// Refuses every request that holds this event with a 400.
    pub(crate) fn refuse(&self, event: usize) {
        self.seen.poison.store(event, Ordering::Relaxed);
    }

    /// Returns how many requests came so far, and how many of them were a second or later attempt.
    pub(crate) fn requests(&self) -> (u64, u64) {
        (self.seen.requests.load(Ordering::Relaxed), self.seen.retries.load(Ordering::Relaxed))
    }

    /// Returns how many of these events have come.
    pub(crate) fn taken(&self, events: std::ops::Range<usize>) -> usize {
        let events = self.seen.events.get(events).unwrap_or_default();
        events.iter().filter(|event| event.load(Ordering::Relaxed) > 0).count()
    }

    /// Returns when the event came first.
    pub(crate) fn came_at(&self, event: usize) -> Option<Instant> {
        let micros = self.seen.events.get(event)?.load(Ordering::Relaxed);
        (micros > 0).then(|| self.seen.began + Duration::from_micros(micros))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.seen.closed.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts, so that it sees the word.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn listen(listener: &TcpListener, seen: &Arc<Seen>) {
    for stream in listener.incoming() {
        if seen.closed.load(Ordering::Relaxed) {
            return;
        }
        let seen = Arc::clone(seen);
        // A connection that breaks is the router's to open again.
        std::thread::spawn(move || stream.and_then(|stream| serve(stream, &seen)).ok());
    }
}

fn serve(stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(BUFFER, stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let see = |line: &str| {
            if attempt(line).is_some_and(|attempt| attempt > 1) {
                seen.retries.fetch_add(1, Ordering::Relaxed);
            }
        };
        let Some(length) = read_head(&mut reader, &mut line, see)? else { return Ok(()) };
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        let answer = format!("HTTP/1.1 {} Bench\r\nContent-Length: 0\r\n\r\n", judge(&body, seen));
        reader.get_mut().write_all(answer.as_bytes())?;
    }
}

fn attempt(line: &str) -> Option<u32> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case("x-opentrack-attempt").then(|| value.trim().parse().ok()).flatten()
}

/// Returns the status of the answer, once there is one, and counts the events that it takes.
fn judge(body: &[u8], seen: &Seen) -> u16 {
    seen.requests.fetch_add(1, Ordering::Relaxed);
    let mut answer = seen.answer.load(Ordering::Relaxed);
    while answer == HANG && !seen.closed.load(Ordering::Relaxed) {
        std::thread::park_timeout(LOOK);
        answer = seen.answer.load(Ordering::Relaxed);
    }
    if answer != WELL {
        return answer;
    }
    let poison = seen.poison.load(Ordering::Relaxed);
    if poison != usize::MAX && holds(body, poison) {
        return 400;
    }
    count(body, seen);
    WELL
}

fn holds(body: &[u8], event: usize) -> bool {
    let mut id = ids::BEFORE.to_vec();
    id.resize(ids::BEFORE.len() + ids::DIGITS, 0);
    ids::write(event, id.get_mut(ids::BEFORE.len()..).unwrap_or_default());
    memmem::find(body, &id).is_some()
}

fn count(body: &[u8], seen: &Seen) {
    let now = u64::try_from(seen.began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
    for at in memmem::find_iter(body, ids::BEFORE) {
        let from = at + ids::BEFORE.len();
        let number = body.get(from..from + ids::DIGITS).and_then(ids::read);
        match number.and_then(|number| seen.events.get(number)) {
            Some(event) if event.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).is_err() => {
                seen.repeated.fetch_add(1, Ordering::Relaxed);
            }
            Some(_) => {}
            None => {
                seen.invented.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
