//! Calls to BigQuery that the crate's client cannot make: with the answer's status and headers, with `If-Match`, with bodies
//! of our own.
//!
//! Adds the token and sends; a token that is refused is replaced once. Never retries anything else, and never says what an
//! answer means.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::super::http_client::{HttpClient, HttpRequest, Options};
use super::super::{FailureKind, Reply};
use super::auth::Tokens;
use super::errors::{Said, Trouble, said};
use super::jobs::Loads;
use super::target::Target;

/// An answer may speak of each of 500 rows in a few hundred bytes, and a table of 10,000 columns is described in two MiB.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// The operator named the address, and emulators, private endpoints and the metadata server are in private networks.
const OPTIONS: Options = Options { allow_private_network: true };

/// One call, still without its token.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The API of one destination.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) target: Target,
    pub(super) tokens: Tokens,
    /// Load jobs that may be running.
    pub(super) loads: Loads,
    http: HttpClient,
}

impl Call {
    /// Returns a call without a body.
    pub(super) fn get(url: Url) -> Call {
        Call { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Returns a call with a body of this type.
    pub(super) fn with_body(method: Method, url: Url, content_type: &'static str, body: Bytes) -> Call {
        Call { method, url, headers: HeaderMap::new(), body }
            .with(CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Call {
        self.headers.insert(name, value);
        self
    }
}

impl Api {
    /// Returns the API; contacts nobody.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn new(target: Target) -> Result<Api, String> {
        let plain = HttpClient::new(OPTIONS)?;
        let tokens = Tokens::new(plain.clone(), target.credentials.clone(), target.timeout);
        Ok(Api { target, tokens, loads: Loads::default(), http: plain.with_answer_cap(MAX_ANSWER_BYTES) })
    }

    /// Returns the pool for the crate's client, with our timeout.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn library_pool(&self) -> Result<reqwest::Client, String> {
        HttpClient::for_library(OPTIONS, self.target.timeout)
    }

    /// Sends one call and waits for its answer, at most as long as the settings say.
    pub(super) async fn send(&self, call: Call) -> Reply {
        self.send_within(call, self.target.timeout).await
    }

    /// Sends one call and waits so long for its answer.
    pub(super) async fn send_within(&self, call: Call, timeout: Duration) -> Reply {
        let token = match self.tokens.token().await {
            Ok(token) => token,
            Err(refusal) => return refusal,
        };
        let reply = self.http.send(request(&call, token.as_ref(), timeout)).await;
        let Some(refused) = token.filter(|_| is_unauthorized(&reply)) else { return reply };
        self.tokens.forget(&refused).await;
        match self.tokens.token().await {
            Ok(token) => self.http.send(request(&call, token.as_ref(), timeout)).await,
            Err(refusal) => refusal,
        }
    }

    /// Sends one call whose answer is JSON.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn ask(&self, call: Call) -> Result<Value, Trouble> {
        json(&self.send(call).await)
    }
}

/// Reads a success; anything else is trouble.
pub(super) fn json(reply: &Reply) -> Result<Value, Trouble> {
    match reply {
        Reply::Answer(answer) if (200..300).contains(&answer.status) => {
            serde_json::from_slice(&answer.body).map_err(|_| Trouble::Said(said(answer)))
        }
        other => Err(Trouble::of(other)),
    }
}

/// Returns the trouble of something on our side that keeps a call from being made.
pub(super) fn unmade(message: String) -> Trouble {
    Trouble::of(&Reply::failed(FailureKind::Store, message))
}

/// Returns a trouble that is told from others by its word.
pub(super) fn odd(reason: &str, message: String) -> Trouble {
    Trouble::Said(Said { status: None, reason: reason.to_owned(), message, wait: None, of_token: false })
}

fn request(call: &Call, token: Option<&SecretString>, timeout: Duration) -> HttpRequest {
    let Call { method, url, mut headers, body } = call.clone();
    if let Some(value) = token.and_then(bearer) {
        headers.insert(AUTHORIZATION, value);
    }
    HttpRequest { method, url, headers, body, timeout }
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn is_unauthorized(reply: &Reply) -> bool {
    matches!(reply, Reply::Answer(answer) if answer.status == 401)
}
