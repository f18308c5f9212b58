//! The other side of a webhook: takes every request, answers 200 and counts which events came, and how often.
//!
//! Separate because it is the witness: what is lost or repeated is what it says, not what the router believes. A thread
//! per connection, since a webhook has few.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use memchr::memmem;

use super::ids;
use super::wire::content_length;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
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
    events: Vec<AtomicBool>,
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
            events: std::iter::repeat_with(AtomicBool::default).take(events).collect(),
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
        let lost = self.seen.events.iter().filter(|event| !event.load(Ordering::Relaxed)).count();
        Tally {
            lost: lost as u64,
            repeated: self.seen.repeated.load(Ordering::Relaxed),
            invented: self.seen.invented.load(Ordering::Relaxed),
        }
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
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            length = content_length(&line).unwrap_or(length);
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        count(&body, seen);
        reader.get_mut().write_all(ANSWER)?;
    }
}

fn count(body: &[u8], seen: &Seen) {
    for at in memmem::find_iter(body, ids::BEFORE) {
        let from = at + ids::BEFORE.len();
        let number = body.get(from..from + ids::DIGITS).and_then(ids::read);
        match number.and_then(|number| seen.events.get(number)) {
            Some(event) if event.swap(true, Ordering::Relaxed) => {
                seen.repeated.fetch_add(1, Ordering::Relaxed);
            }
            Some(_) => {}
            None => {
                seen.invented.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
