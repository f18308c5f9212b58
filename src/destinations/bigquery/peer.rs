//! A peer for tests of the wire: answers each request as a function says and keeps what it was asked.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Url;

use super::config::AutoTableManagement;
use super::ddl::{Names, Options};
use super::target::{Credentials, Target};

/// One request as it arrived; a compressed body is read as text.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Method and path, without the part that is the same everywhere.
    pub(super) fn line(&self) -> String {
        let path = self.path.replace("/bigquery/v2/projects/acme", "");
        format!("{} {path}", self.method)
    }
}

/// What the peer says.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Said {
    pub(super) fn new(status: u16, body: impl Into<String>) -> Said {
        Said { status, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn json(body: serde_json::Value) -> Said {
        Said::new(200, body.to_string())
    }

    /// An error in Google's full form.
    pub(super) fn error(status: u16, reason: &str, message: &str) -> Said {
        let error = serde_json::json!({ "reason": reason, "message": message, "domain": "global" });
        let body = serde_json::json!({ "error": { "code": status, "message": message, "errors": [error] } });
        Said::new(status, body.to_string())
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Said {
        self.headers.push((name, value.into()));
        self
    }
}

/// The peer; its thread ends with the process.
pub(super) struct Peer {
    pub(super) url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Peer {
    /// Starts a peer that answers as the function says.
    pub(super) fn new(mut answer: impl FnMut(&Seen) -> Said + Send + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/bigquery/v2", listener.local_addr().unwrap())).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                serve(socket, &kept, &mut answer);
            }
        });
        Peer { url, seen }
    }

    /// Starts a peer that answers with these in turn, and with the last one for ever.
    pub(super) fn saying(answers: Vec<Said>) -> Peer {
        let mut turn = 0;
        Peer::new(move |_| {
            turn += 1;
            answers[(turn - 1).min(answers.len() - 1)].clone()
        })
    }

    /// Returns all requests so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns method and path of all requests so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }
}

fn serve(mut socket: TcpStream, kept: &Mutex<Vec<Seen>>, answer: &mut impl FnMut(&Seen) -> Said) {
    let Some(seen) = read(&mut socket) else { return };
    let said = answer(&seen);
    kept.lock().unwrap().push(seen);
    let mut head =
        format!("HTTP/1.1 {} X\r\nConnection: close\r\nContent-Length: {}\r\n", said.status, said.body.len());
    said.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    // A client that has read enough may have gone.
    let _sent: Result<(), _> = socket.write_all(format!("{head}\r\n{}", said.body).as_bytes());
}

fn read(socket: &mut TcpStream) -> Option<Seen> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16384]);
    loop {
        let count = socket.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let mut first = lines.next()?.split(' ').map(str::to_owned);
        let pair =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let headers: Vec<_> = lines.filter_map(pair).collect();
        let mut seen = Seen { method: first.next()?, path: first.next()?, headers, body: Vec::new() };
        let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
        while bytes.len() < end + 4 + length {
            let count = socket.read(&mut buffer).ok().filter(|count| *count > 0)?;
            bytes.extend_from_slice(&buffer[..count]);
        }
        seen.body = bytes[end + 4..end + 4 + length].to_vec();
        if seen.header("content-encoding") == Some("gzip") {
            seen.body = unzipped(&seen.body);
        }
        return Some(seen);
    }
}

/// Reads a compressed text.
pub(super) fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

/// Settings for a dataset `analytics` of the project `acme` at this address, without credentials.
pub(super) fn target(endpoint: Url) -> Target {
    Target {
        names: Names { project: "acme".to_owned(), dataset: "analytics".to_owned() },
        location: "EU".to_owned(),
        endpoint,
        timeout: Duration::from_secs(30),
        load_timeout: Duration::from_secs(30),
        credentials: Credentials::None,
        management: AutoTableManagement::Full,
        options: Options::default(),
        views: None,
        sightings: Arc::default(),
        made_again: Arc::default(),
        recreate_hold: Duration::from_secs(120),
        users_merge_every: std::time::Duration::ZERO,
        schema_window: Duration::from_millis(500),
        cache_file: None,
    }
}
