//! The other side of BigQuery: keeps tables as they are made, takes every row, and counts which events came, how often,
//! and in how many rows.
//!
//! Separate from the stand-in of `opentrack mock`, which reads every value: here the machine's cores are for the router.
//! It grants no queries, so tables are read and changed one by one.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flate2::read::GzDecoder;
use memchr::memmem;
use serde_json::{Value, json};

use super::ids;
use super::receiver::Tally;
use super::wire::read_head;

/// What stands before the number of an event in every row.
const BEFORE: &[u8] = br#""id":"b6d1c0de-0000-4000-8000-"#;
/// Tables that hold one row for each call; the others hold second rows.
const CALL_TABLES: [&str; 6] = ["tracks", "identifies", "pages", "screens", "groups", "aliases"];
/// How often one that hangs looks whether it may end.
const LOOK: Duration = Duration::from_millis(5);
/// Room for what the router sends in one piece.
const BUFFER: usize = 256 << 10;

/// A listening dataset; it ends when dropped.
pub(crate) struct Dataset {
    /// Where it listens, on this machine.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Tables as they were described.
    tables: Mutex<BTreeMap<String, Value>>,
    /// How often each event came in a table of calls.
    events: Vec<AtomicU8>,
    rows: AtomicU64,
    /// Columns with a value, of the first row of each request.
    columns: AtomicU64,
    requests: AtomicU64,
    invented: AtomicU64,
    hangs: AtomicBool,
    closed: AtomicBool,
}

/// One request, and what it asks.
struct Call {
    method: String,
    /// Below the dataset.
    path: Vec<String>,
    body: Vec<u8>,
}

impl Dataset {
    /// Starts a dataset that is told of the events 0 to `events`, the last not included.
    pub(crate) fn start(events: usize) -> std::io::Result<Dataset> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let events = std::iter::repeat_with(AtomicU8::default).take(events).collect();
        let shared = Arc::new(Shared { events, ..Shared::default() });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || listen(&listener, &own));
        Ok(Dataset { port, shared })
    }

    /// Returns the lines of a configuration that send everything here.
    pub(crate) fn table(&self) -> String {
        format!(
            "[destinations.bigquery]\ntype = \"bigquery\"\nproject_id = \"bench\"\ndataset = \"d\"\n\
             endpoint = \"http://127.0.0.1:{}/bigquery/v2\"\nusers_merge_every = \"0s\"\n\n",
            self.port
        )
    }

    /// Returns how many of these events have a row in a table of calls.
    pub(crate) fn taken(&self, events: std::ops::Range<usize>) -> usize {
        let events = self.shared.events.get(events).unwrap_or_default();
        events.iter().filter(|event| event.load(Ordering::Relaxed) > 0).count()
    }

    /// Returns what came so far, against what was to come.
    pub(crate) fn tally(&self) -> Tally {
        let times = self.shared.events.iter().map(|event| u64::from(event.load(Ordering::Relaxed)));
        let (lost, repeated) = times.fold((0, 0), |(lost, more), times| {
            (lost + u64::from(times == 0), more + times.saturating_sub(1))
        });
        Tally { lost, repeated, invented: self.shared.invented.load(Ordering::Relaxed) }
    }

    /// Returns how many rows came so far.
    pub(crate) fn rows(&self) -> u64 {
        self.shared.rows.load(Ordering::Relaxed)
    }

    /// Returns how many columns of a row have a value, on average over the first rows of all requests.
    pub(crate) fn columns(&self) -> f64 {
        let (columns, requests) = (&self.shared.columns, &self.shared.requests);
        columns.load(Ordering::Relaxed) as f64 / requests.load(Ordering::Relaxed) as f64
    }

    /// Answers nothing to rows from now on.
    pub(crate) fn hang(&self) {
        self.shared.hangs.store(true, Ordering::Relaxed);
    }
}

impl Drop for Dataset {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts, so that it sees the word.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.closed.load(Ordering::Relaxed) {
            return;
        }
        let shared = Arc::clone(shared);
        // A connection that breaks is the router's to open again.
        std::thread::spawn(move || stream.and_then(|stream| serve(stream, &shared)).ok());
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(BUFFER, stream);
    let mut line = String::new();
    loop {
        let (mut first, mut is_zipped) = (String::new(), false);
        let see = |line: &str| {
            is_zipped |= line.to_ascii_lowercase().starts_with("content-encoding: gzip");
            if first.is_empty() {
                first.push_str(line);
            }
        };
        let Some(length) = read_head(&mut reader, &mut line, see)? else { return Ok(()) };
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if is_zipped {
            let mut text = Vec::with_capacity(length * 12);
            GzDecoder::new(body.as_slice()).read_to_end(&mut text)?;
            body = text;
        }
        let (status, answer) = shared.answer(&call(&first, body)).unwrap_or_else(refusal);
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} Bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        reader.get_mut().write_all((head + &answer).as_bytes())?;
    }
}

fn call(first: &str, body: Vec<u8>) -> Call {
    let mut words = first.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().split('?').next().unwrap_or_default();
    let (_, below) = path.split_once("/datasets/d").unwrap_or_default();
    Call { method, path: below.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(), body }
}

/// What is not granted.
fn refusal() -> (u16, Value) {
    let details = json!([{ "reason": "accessDenied", "message": "Access Denied: bigquery.jobs.create" }]);
    (
        403,
        json!({ "error": { "code": 403, "message": "Access Denied: bigquery.jobs.create", "errors": details } }),
    )
}

impl Shared {
    fn answer(&self, call: &Call) -> Option<(u16, Value)> {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        match (call.method.as_str(), path.as_slice()) {
            ("POST", ["tables", table, "insertAll"]) => {
                while self.hangs.load(Ordering::Relaxed) && !self.closed.load(Ordering::Relaxed) {
                    std::thread::park_timeout(LOOK);
                }
                self.take(table, &call.body);
                Some((200, json!({ "kind": "bigquery#tableDataInsertAllResponse" })))
            }
            ("POST", ["tables"]) => {
                let table: Value = serde_json::from_slice(&call.body).ok()?;
                let name = table.pointer("/tableReference/tableId")?.as_str()?.to_owned();
                self.tables().insert(name, table.clone());
                Some((200, table))
            }
            ("GET", ["tables"]) => {
                let tables = self.tables();
                let tables = tables.keys().map(|name| json!({ "tableReference": { "tableId": name } }));
                Some((200, json!({ "tables": tables.collect::<Vec<_>>() })))
            }
            ("GET", ["tables", table]) => Some((200, self.tables().get(*table)?.clone())),
            ("PATCH", ["tables", table]) => {
                let mut change: Value = serde_json::from_slice(&call.body).ok()?;
                let mut tables = self.tables();
                let known = tables.get_mut(*table)?;
                *known.get_mut("schema")? = change.get_mut("schema")?.take();
                Some((200, known.clone()))
            }
            ("GET", []) => Some((200, json!({ "location": "US" }))),
            _ => None,
        }
    }

    fn tables(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Value>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts rows, and the events of tables in which each has one.
    fn take(&self, table: &str, body: &[u8]) {
        let is_of_calls = CALL_TABLES.contains(&table);
        let mut rows = 0;
        for at in memmem::find_iter(body, BEFORE) {
            rows += 1;
            let from = at + BEFORE.len();
            let number = body.get(from..from + ids::DIGITS).and_then(ids::read);
            match number.and_then(|number| self.events.get(number)).filter(|_| is_of_calls) {
                Some(event) => drop(event.fetch_add(1, Ordering::Relaxed)),
                None if is_of_calls => drop(self.invented.fetch_add(1, Ordering::Relaxed)),
                None => {}
            }
        }
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.columns.fetch_add(columns(body), Ordering::Relaxed);
    }
}

/// Counts the members of the first row.
fn columns(body: &[u8]) -> u64 {
    let start = memmem::find(body, br#""json":"#).map_or(body.len(), |at| at + 7);
    let rest = body.get(start..).unwrap_or_default();
    let first = serde_json::Deserializer::from_slice(rest).into_iter::<Value>().next();
    first.and_then(Result::ok).and_then(|row| Some(row.as_object()?.len() as u64)).unwrap_or(0)
}
