//! The shared wire of every destination that speaks HTTP: sends one request and turns whatever happens into a [`Reply`].
//!
//! Separate because redirects, proxies, private networks, body caps and the words for transport failures must be decided
//! once. It never retries, never follows a redirect, never reads a proxy from the environment, and never puts a path,
//! query or password of an address into a message: for many services the path is the secret.

pub mod address;
mod failure;
pub mod mask;
mod resolve;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, Url, redirect};

pub use failure::describe;

use super::{Answer, FailureKind, Reply};
use crate::telemetry::clock;

/// Most bytes of an answer that are read, unless a client was told otherwise; what follows is dropped together with its
/// connection.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The headers that some `judge` reads.
const KEPT_HEADERS: [&str; 4] = ["retry-after", "location", "range", "x-business-use-case-usage"];

/// Connections kept open to one host while nothing is sent.
const MAX_IDLE_CONNECTIONS: usize = 8;

/// Shorter than the idle limits of common servers (nginx 75 s, Node 5 s is an exception and is retried by the pool).
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether addresses in private networks may be contacted.
    pub allow_private_network: bool,
}

/// One HTTP request.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Method.
    pub method: Method,
    /// Where to; a user and password in it become basic authentication.
    pub url: Url,
    /// Headers beside those that HTTP itself needs.
    pub headers: HeaderMap,
    /// The body as sent; `Content-Encoding` is the caller's business.
    pub body: Bytes,
    /// How long connecting, sending and reading the answer may take together.
    pub timeout: Duration,
}

/// A connection pool of one destination.
#[derive(Debug, Clone)]
pub struct HttpClient {
    inner: reqwest::Client,
    options: Options,
    max_answer_bytes: usize,
}

impl HttpClient {
    /// Builds the pool; connects to nothing.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(options: Options) -> Result<HttpClient, String> {
        let inner = pool(options).build().map_err(|error| not_set_up(&error))?;
        Ok(HttpClient { inner, options, max_answer_bytes: MAX_ANSWER_BYTES })
    }

    /// Reads answers up to this size instead of [`MAX_ANSWER_BYTES`], where an API repeats much of what it was sent.
    #[must_use]
    pub fn with_answer_cap(mut self, max_answer_bytes: usize) -> HttpClient {
        self.max_answer_bytes = max_answer_bytes;
        self
    }

    /// Builds a pool for a foreign library that brings its own requests; `timeout` holds for each of them as a whole.
    /// Answers are not capped there, and literal private addresses not refused.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn for_library(options: Options, timeout: Duration) -> Result<reqwest::Client, String> {
        pool(options).timeout(timeout).build().map_err(|error| not_set_up(&error))
    }

    /// Sends one request and waits for its whole answer. Every failure is a value.
    pub async fn send(&self, request: HttpRequest) -> Reply {
        if !self.options.allow_private_network && address::is_private_literal(&request.url) {
            let message = format!("{} is in a private network", origin(&request.url));
            return Reply::failed(FailureKind::PrivateAddress, message);
        }
        let peer = origin(&request.url);
        match self.exchange(request).await {
            Ok(answer) => Reply::Answer(answer),
            Err(error) => Reply::Failed(failure::describe(&error, &peer)),
        }
    }

    async fn exchange(&self, request: HttpRequest) -> reqwest::Result<Answer> {
        let HttpRequest { method, url, headers, body, timeout } = request;
        let sent = self.inner.request(method, url).headers(headers).body(body).timeout(timeout).send();
        let mut response = sent.await?;
        let status = response.status().as_u16();
        let headers = kept(response.headers());
        let body = read_capped(&mut response, self.max_answer_bytes).await?;
        Ok(Answer { status, headers, body, at: clock::now() })
    }
}

fn pool(options: Options) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("OpenTrack/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .dns_resolver(Arc::new(resolve::Resolver::new(options.allow_private_network)))
}

fn not_set_up(error: &reqwest::Error) -> String {
    format!("could not set up HTTP: {error}")
}

/// Reads an address of the configuration.
///
/// # Errors
/// A sentence to be read after the key, when it is no absolute HTTP address or lies in a private network that may not be
/// contacted.
pub fn parse_url(text: &str, options: Options) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with http:// or https://".to_owned());
    }
    if !options.allow_private_network && address::is_private_literal(&url) {
        return Err("is in a private network, which `allow_private_network` forbids".to_owned());
    }
    Ok(url)
}

/// Returns scheme, host and port: all of an address that may appear in a message.
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn kept(headers: &HeaderMap) -> Vec<(&'static str, String)> {
    let text = |name: &&'static str| Some((*name, headers.get(*name)?.to_str().ok()?.to_owned()));
    KEPT_HEADERS.iter().filter_map(text).collect()
}

async fn read_capped(response: &mut Response, most: usize) -> reqwest::Result<Bytes> {
    let mut body = BytesMut::new();
    while body.len() < most {
        let Some(chunk) = response.chunk().await? else { break };
        let room = most - body.len();
        body.extend_from_slice(&chunk.slice(..chunk.len().min(room)));
    }
    Ok(body.freeze())
}
