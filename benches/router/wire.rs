//! HTTP/1.1 as far as the benchmark needs it: kept connections, bodies of known length, answers that must be 200.
//!
//! Separate so that both sides read a head in one way. Far simpler than a client library, so that the processor is left to
//! the router.

use std::io::BufRead;

use anyhow::{Context, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A kept connection to the router.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    /// Connects to this port of the machine.
    pub(crate) async fn open(port: u16) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::new(stream), line: String::new(), body: Vec::new() })
    }

    /// Sends a whole request and returns the body of its answer.
    ///
    /// # Errors
    /// The connection breaks, or the answer is another than 200.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.get_mut().write_all(request).await?;
        self.read_line().await?;
        let status = self.line.trim_end().to_owned();
        let mut length = 0;
        loop {
            self.read_line().await?;
            if self.line == "\r\n" {
                break;
            }
            length = content_length(&self.line).unwrap_or(length);
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).await?;
        ensure!(
            status.starts_with("HTTP/1.1 200"),
            "the router answered {status:?}: {}",
            String::from_utf8_lossy(&self.body)
        );
        Ok(&self.body)
    }

    /// Gets a path.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        let body = self.send(request.as_bytes()).await?;
        String::from_utf8(body.to_vec()).context("the answer is no text")
    }

    async fn read_line(&mut self) -> anyhow::Result<()> {
        self.line.clear();
        ensure!(self.stream.read_line(&mut self.line).await? > 0, "the router closed a connection");
        Ok(())
    }
}

/// Returns the length that this line of a head announces; `None` for every other line.
pub(crate) fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
}

/// Reads the head of a request, giving each of its lines to `see`, the first one first. Returns the length of the body;
/// `None` when the other side has closed the connection.
pub(crate) fn read_head(
    reader: &mut impl BufRead,
    line: &mut String,
    mut see: impl FnMut(&str),
) -> std::io::Result<Option<usize>> {
    let mut length = 0;
    loop {
        line.clear();
        if reader.read_line(line)? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            return Ok(Some(length));
        }
        length = content_length(line).unwrap_or(length);
        see(line);
    }
}
