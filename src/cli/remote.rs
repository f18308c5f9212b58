//! How a command talks to the running router: its operator API, found by `server.listen` or `--url`.
//!
//! Makes a short-lived token of its own where the router asks for one, so that an operator on the same machine never
//! handles secrets. Never changes anything by itself: what it is asked to post is what is posted.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::Exit;
use super::out::Out;
use crate::config::settings::Server;
use crate::http::token;
use crate::telemetry::clock;

/// How long a token of ours is valid: one command.
const TOKEN_SECONDS: i64 = 60;
/// How long the router may take over one answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take over an order: millions of events may have to be written first.
const ORDER_PATIENCE: Duration = Duration::from_secs(3600);
/// How long a stream may say nothing: it has a heartbeat of 15 s.
const SILENCE: Duration = Duration::from_secs(45);
/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// The running router.
pub(super) struct Remote {
    base: Url,
    token: Option<SecretString>,
}

/// Why there is no answer as asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum RemoteError {
    /// Nothing listens there, or it does not answer: 69.
    #[error("no router answers at {0}")]
    Absent(String),
    /// It answered with an error of its own: 64 where a parameter is wrong, else 1.
    #[error("{message} ({code}, status {status})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// From the closed list of the API.
        code: String,
        /// In the router's words.
        message: String,
    },
    /// What was asked for cannot be had here: 1.
    #[error("{0}")]
    Failed(String),
    /// Something else answered, or the address is none: 64.
    #[error("{0}")]
    Wrong(String),
}

impl RemoteError {
    /// An answer that the operator API does not give.
    pub(super) fn no_router() -> RemoteError {
        RemoteError::Wrong("what answers is no router".into())
    }

    /// Says it and returns the exit code that belongs to it.
    pub(super) fn tell(&self, out: &mut Out) -> Exit {
        match self {
            RemoteError::Refused { status, code, message } if out.json => {
                out.value(&serde_json::json!({ "status": status, "code": code, "message": message }));
            }
            _ => out.error(&self.to_string()),
        }
        match self {
            RemoteError::Absent(_) => Exit::Unavailable,
            RemoteError::Refused { status: 400, .. } => Exit::Usage,
            RemoteError::Refused { .. } | RemoteError::Failed(_) => Exit::Failed,
            RemoteError::Wrong(_) => Exit::Usage,
        }
    }
}

impl Remote {
    /// Returns the router of this configuration, or the one at `url`.
    ///
    /// # Errors
    /// `Wrong` for an address that is none.
    pub(super) fn of(server: &Server, url: Option<&str>) -> Result<Remote, RemoteError> {
        let own = || server.listen.first().map(|listen| format!("http://{}", reachable(*listen)));
        let base = url.map(str::to_owned).or_else(own).unwrap_or_default();
        let base = Url::parse(&base).ok().filter(|base| !base.cannot_be_a_base());
        let base =
            base.ok_or_else(|| RemoteError::Wrong("`--url` must begin with http:// or https://".into()))?;
        let secret = &server.jwt_secret;
        let expires = clock::now().as_second() + TOKEN_SECONDS;
        let may_see_it = url.is_none() || keeps_secrets(&base);
        let token = (may_see_it && !secret.expose_secret().is_empty())
            .then(|| token::mint(secret, "admin", expires).into());
        Ok(Remote { base, token })
    }

    /// Asks for `path` (its segments, unescaped) with these query parameters.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(super) fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, RemoteError> {
        let (status, text) = self.exchange(Method::GET, path, (query, None))?;
        understand(status, &text, &self.base)
    }

    /// Asks whether the router takes events; returns all that it says about it.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(super) fn readiness(&self) -> Result<(bool, Value), RemoteError> {
        let (status, text) = self.exchange(Method::GET, &["ready"], (&[], None))?;
        // Not ready is an answer like the other one.
        let answer = serde_json::from_slice::<Value>(&text).ok().filter(|_| matches!(status, 200 | 503));
        Ok((status == 200, answer.ok_or_else(RemoteError::no_router)?))
    }

    /// Asks for `path` and returns the answer also as the router wrote it, with every number as it was sent.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(super) fn get_text(&self, path: &[&str]) -> Result<(Value, String), RemoteError> {
        let (status, text) = self.exchange(Method::GET, path, (&[], None))?;
        let value = understand(status, &text, &self.base)?;
        Ok((value, String::from_utf8_lossy(&text).into_owned()))
    }

    /// Asks for a page that is no JSON.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(super) fn page(&self, path: &[&str]) -> Result<String, RemoteError> {
        let (status, text) = self.exchange(Method::GET, path, (&[], None))?;
        let page = String::from_utf8(text).ok().filter(|_| status == 200);
        page.ok_or_else(RemoteError::no_router)
    }

    /// Returns a client that sends events as an application does: without a token.
    ///
    /// # Errors
    /// The client cannot be made.
    pub(super) fn sender() -> reqwest::Result<reqwest::Client> {
        client().timeout(PATIENCE).build()
    }

    /// Posts to `path`, with a body where there is one.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(super) fn post(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, RemoteError> {
        let (status, text) = self.exchange(Method::POST, path, (query, body))?;
        understand(status, &text, &self.base)
    }

    /// Opens the stream at `path`, from behind the frame with this id on. A stream that says nothing for a while is given up.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(super) async fn open(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        last_event_id: Option<&str>,
    ) -> Result<reqwest::Response, RemoteError> {
        let client = client().read_timeout(SILENCE).build();
        let client = client.map_err(|error| RemoteError::Wrong(error.to_string()))?;
        let mut request = self.bearing(client.get(self.at(path, query)));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let absent = |_| RemoteError::Absent(self.base.to_string());
        let response = request.send().await.map_err(absent)?;
        let status = response.status().as_u16();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if status == 200 && kind == Some("text/event-stream") {
            return Ok(response);
        }
        let text = read(response).await?.ok_or_else(RemoteError::no_router)?;
        Err(understand(status, &text, &self.base).err().unwrap_or_else(RemoteError::no_router))
    }

    /// Returns the address of `path` (its segments, unescaped).
    pub(super) fn at(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn bearing(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {}", token.expose_secret())),
            None => request,
        }
    }

    fn exchange(
        &self,
        method: Method,
        path: &[&str],
        (query, body): (&[(&str, &str)], Option<&Value>),
    ) -> Result<(u16, Vec<u8>), RemoteError> {
        let url = self.at(path, query);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| RemoteError::Wrong(format!("could not ask the router: {error}")))?;
        runtime.block_on(self.ask(method, url, body))
    }

    async fn ask(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<(u16, Vec<u8>), RemoteError> {
        let client = client()
            .timeout(if method == Method::POST { ORDER_PATIENCE } else { PATIENCE })
            .build()
            .map_err(|error| RemoteError::Wrong(error.to_string()))?;
        let mut request = self.bearing(client.request(method, url));
        if let Some(body) = body {
            request = request.json(body);
        }
        let absent = |_| RemoteError::Absent(self.base.to_string());
        let response = request.send().await.map_err(absent)?;
        let status = response.status().as_u16();
        let text = read(response).await.map_err(|_| RemoteError::Absent(self.base.to_string()))?;
        Ok((status, text.ok_or_else(|| RemoteError::Wrong("the answer is too large".into()))?))
    }
}

fn client() -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    builder.connect_timeout(PATIENCE)
}

/// Reads an answer; `None` when it is too large.
async fn read(mut response: reqwest::Response) -> Result<Option<Vec<u8>>, RemoteError> {
    let mut text = Vec::new();
    let cut = |error: reqwest::Error| RemoteError::Absent(error.to_string());
    while let Some(chunk) = response.chunk().await.map_err(cut)? {
        text.extend_from_slice(&chunk);
        if text.len() > MAX_ANSWER_BYTES {
            return Ok(None);
        }
    }
    Ok(Some(text))
}

fn understand(status: u16, text: &[u8], base: &Url) -> Result<Value, RemoteError> {
    let body = serde_json::from_slice::<Value>(text).ok();
    let body = body.ok_or_else(|| RemoteError::Wrong(format!("what answers at {base} is no router")))?;
    if status == 200 {
        return Ok(body);
    }
    let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or("unknown").to_owned();
    Err(RemoteError::Refused { status, code: word("code"), message: word("message") })
}

/// Returns whether a token may be sent there: nobody on the way can read it.
fn keeps_secrets(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here =
        host.parse::<std::net::IpAddr>().map_or(host == "localhost", |address| address.is_loopback());
    base.scheme() == "https" || is_here
}

/// Returns the address by which a listener is reached from its own machine.
fn reachable(mut listen: std::net::SocketAddr) -> std::net::SocketAddr {
    if listen.ip().is_unspecified() {
        let loopback = match listen.ip() {
            std::net::IpAddr::V4(_) => std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            std::net::IpAddr::V6(_) => std::net::IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        };
        listen.set_ip(loopback);
    }
    listen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_by_loopback() {
        let at = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:3000"), "127.0.0.1:3000");
        assert_eq!(at("[::]:3000"), "[::1]:3000");
        assert_eq!(at("10.1.2.3:3000"), "10.1.2.3:3000");
    }

    #[test]
    fn no_token_is_sent_in_the_open_to_another_machine() {
        let safe = |text: &str| keeps_secrets(&Url::parse(text).unwrap());
        assert!(
            safe("https://router.example/") && safe("http://localhost:3000/") && safe("http://127.0.0.1/")
        );
        assert!(safe("http://[::1]:3000/"));
        assert!(!safe("http://router.example/") && !safe("http://10.0.0.7:3000/"));
        assert!(!safe("http://127.0.0.1.example/"));
    }

    #[test]
    fn an_error_of_the_router_is_told_in_its_own_words() {
        let base = Url::parse("http://127.0.0.1:1/").unwrap();
        let refused = understand(404, br#"{"code":"not_found","message":"no such destination"}"#, &base);
        assert_eq!(refused.unwrap_err().to_string(), "no such destination (not_found, status 404)");
        let other = understand(200, b"<html>", &base).unwrap_err().to_string();
        assert_eq!(other, "what answers at http://127.0.0.1:1/ is no router");
    }
}
