//! Access tokens: asked for when they are needed, kept until shortly before their end, dropped when Google says 401.
//!
//! One token serves the crate's client and ours. However many calls need one at once, one of them asks and the others get
//! its answer, be it a token or a refusal. A token never appears in a message or a log line; the words of a refusal do.

mod credentials;
mod exchange;
mod jwt;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use gcp_bigquery_client::auth::Authenticator;
use gcp_bigquery_client::error::BQError;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::super::Reply;
use super::super::http_client::HttpClient;
use super::target::Credentials;
use crate::telemetry::clock;

/// How long before its end a token is renewed. Google's libraries take between 225 and 300 s; the metadata server gives out
/// a new one from 300 s on.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// How long an early renewal that failed is left alone, while the old token still serves.
const RENEW_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// A token with its times.
#[derive(Debug, Clone)]
struct Token {
    text: SecretString,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    /// What the last call heard that asked and got none.
    refusal: Option<Reply>,
}

/// Where the tokens of one destination come from. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Tokens(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    http: HttpClient,
    credentials: Credentials,
    timeout: Duration,
    state: Mutex<State>,
    /// How often somebody has asked: who waited while it grew takes the answer that is there.
    asked: AtomicU64,
}

impl Tokens {
    /// Returns a source that has asked for nothing yet.
    pub(super) fn new(http: HttpClient, credentials: Credentials, timeout: Duration) -> Tokens {
        let (state, asked) = (Mutex::new(State::default()), AtomicU64::new(0));
        Tokens(Arc::new(Shared { http, credentials, timeout, state, asked }))
    }

    /// Returns a token that is good for some minutes; `None` where nobody asks for one.
    ///
    /// # Errors
    /// What the token endpoint said: an answer whose body has the form of a token error, or why there is none.
    pub(super) async fn token(&self) -> Result<Option<SecretString>, Reply> {
        if self.0.credentials == Credentials::None {
            return Ok(None);
        }
        let before = self.0.asked.load(Ordering::Acquire);
        let mut state = self.0.state.lock().await;
        let now = clock::now();
        if let Some(token) = state.token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(Some(token.text.clone()));
        }
        if let Some(refusal) =
            state.refusal.as_ref().filter(|_| self.0.asked.load(Ordering::Acquire) != before)
        {
            return Err(refusal.clone());
        }
        let asked = exchange::ask(&self.0.http, &self.0.credentials, self.0.timeout).await;
        let settled = settle(&mut state, asked, clock::now());
        // Only now, so that who began to wait during the exchange sees it grow.
        self.0.asked.fetch_add(1, Ordering::AcqRel);
        settled.map(Some)
    }

    /// Drops a token that was refused, unless it has been replaced already.
    pub(super) async fn forget(&self, refused: &SecretString) {
        let mut state = self.0.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.text.expose_secret() == refused.expose_secret()) {
            state.token = None;
        }
    }
}

/// Keeps what was heard. A refusal is no matter as long as the old token serves.
fn settle(
    state: &mut State,
    asked: Result<exchange::Granted, Reply>,
    now: Timestamp,
) -> Result<SecretString, Reply> {
    match asked {
        Ok(granted) => {
            let text = granted.token.clone();
            state.token = Some(dated(granted, now));
            state.refusal = None;
            Ok(text)
        }
        Err(refusal) => {
            if let Some(token) = state.token.as_mut().filter(|token| now < token.ends_at) {
                token.renew_at = later(now, RENEW_AGAIN_AFTER).min(token.ends_at);
                return Ok(token.text.clone());
            }
            state.token = None;
            state.refusal = Some(refusal.clone());
            Err(refusal)
        }
    }
}

fn dated(granted: exchange::Granted, now: Timestamp) -> Token {
    let early = RENEW_BEFORE.min(granted.lifetime / 10);
    let renew_at = later(now, granted.lifetime.saturating_sub(early));
    Token { text: granted.token, renew_at, ends_at: later(now, granted.lifetime) }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// What the crate's client asks before each of its calls.
#[async_trait]
impl Authenticator for Tokens {
    async fn access_token(&self) -> Result<String, BQError> {
        match self.token().await {
            Ok(Some(token)) => Ok(token.expose_secret().to_owned()),
            // An emulator reads no token, but the crate sends one with every call.
            Ok(None) => Ok("none".to_owned()),
            Err(_) => Err(BQError::NoToken),
        }
    }
}
