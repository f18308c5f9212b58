//! The wire to an HTTP API: its address, its credentials, compression and time limit.
//!
//! Separate from the calls because everything here is the same for all of them. It never looks into a body and never decides
//! what an answer means.

use std::io::Write;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};

use super::{Call, Verb};
use crate::destinations::http_client::{self, HttpClient, HttpRequest, Options, address, mask};
use crate::destinations::{Client, Reply, Setting, SettingError, Shown, ShownBody, ShownRequest};

/// A smaller body fits into one packet, where compression gains nothing.
const MIN_COMPRESSED_BYTES: usize = 1024;

/// How a destination reaches its other side.
#[derive(Debug)]
pub struct Peer<'a> {
    /// The address that paths are below.
    pub url: &'a str,
    /// The setting that the address, or most of it, comes from; problems are said about it.
    pub key: &'static str,
    /// Whether the address itself is a secret, so that it is never shown.
    pub is_secret: bool,
    /// Whether addresses in private networks may be contacted.
    pub allow_private_network: bool,
    /// Whether large bodies may be sent as gzip. To this machine they never are.
    pub gzip: bool,
    /// What lets us in.
    pub auth: Auth<'a>,
}

/// What lets us in.
#[derive(Debug, Clone, Copy)]
pub enum Auth<'a> {
    /// Nothing, or something in the address or the body.
    None,
    /// `Authorization: Basic`, of a name and a key.
    Basic {
        /// The name.
        name: &'a str,
        /// The key.
        key: &'a SecretString,
    },
    /// `Authorization: Bearer`, with the setting that the token comes from.
    Bearer {
        /// The token.
        token: &'a SecretString,
        /// The setting that it comes from.
        setting: &'static str,
    },
}

/// The connections to one API and what every request to it carries.
#[derive(Debug)]
pub struct Api {
    http: HttpClient,
    url: Url,
    is_secret: bool,
    headers: HeaderMap,
    gzip: bool,
    timeout: Duration,
}

impl Api {
    /// Checks address and credentials and builds the client; connects to nothing.
    ///
    /// # Errors
    /// Every problem of the settings that they come from; none repeats a value.
    pub fn new(peer: &Peer<'_>, setting: &Setting) -> Result<Api, Vec<SettingError>> {
        let options = Options { allow_private_network: peer.allow_private_network };
        let mut problems = Vec::new();
        let mut note = |key, message| problems.push(SettingError { key, message });
        let url = http_client::parse_url(peer.url, options).map_err(|problem| note(peer.key, problem)).ok();
        let headers = headers(peer.auth).map_err(|(key, problem)| note(key, problem.to_owned())).ok();
        let http = HttpClient::new(options).map_err(|problem| note(peer.key, problem)).ok();
        let (Some(url), Some(headers), Some(http)) = (url, headers, http) else { return Err(problems) };
        let gzip = peer.gzip && !address::is_loopback(&url);
        Ok(Api { http, url, is_secret: peer.is_secret, headers, gzip, timeout: setting.timeout })
    }

    /// Adds a header to every request.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Api {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// Reads answers up to this size, where they may name each of many items.
    #[must_use]
    pub fn with_answer_cap(mut self, max_answer_bytes: usize) -> Api {
        self.http = self.http.with_answer_cap(max_answer_bytes);
        self
    }

    fn request(&self, call: &Call) -> HttpRequest {
        let mut headers = self.headers.clone();
        if !call.content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(call.content_type));
        }
        let (method, body, timeout) = (method(call.verb), call.body.clone(), self.timeout);
        HttpRequest { method, url: below(&self.url, &call.path), headers, body, timeout }
    }

    fn packs(&self, body: &Bytes) -> bool {
        self.gzip && body.len() > MIN_COMPRESSED_BYTES
    }
}

impl Client for Api {
    type Request = Call;

    async fn send(&self, call: &Call) -> Reply {
        let mut request = self.request(call);
        if self.packs(&request.body) {
            request.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            request.body = compressed(request.body).await;
        }
        self.http.send(request).await
    }

    /// The body is shown before compression.
    fn show(&self, call: &Call) -> Shown {
        let HttpRequest { method, url, headers, body, .. } = self.request(call);
        let mut headers = mask::headers(&url, &headers);
        headers.extend(self.packs(&body).then(|| (CONTENT_ENCODING.to_string(), "gzip".to_owned())));
        let shown = if self.is_secret { mask::url(&url) } else { url.to_string() };
        let (method, body) = (method.to_string(), ShownBody::of(&body));
        Shown { requests: vec![ShownRequest { method, url: shown, headers, body }], rows: Vec::new() }
    }
}

const fn method(verb: Verb) -> Method {
    match verb {
        Verb::Get => Method::GET,
        Verb::Head => Method::HEAD,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
    }
}

/// Returns the address of a path below the API's.
fn below(api: &Url, path: &str) -> Url {
    let mut url = api.clone();
    if path.is_empty() {
        return url;
    }
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    url.set_path(&format!("{}/{path}", api.path().trim_end_matches('/')));
    url.set_query(query);
    url
}

/// Problems name the setting and never repeat its value.
fn headers(auth: Auth<'_>) -> Result<HeaderMap, (&'static str, &'static str)> {
    let (key, text) = match auth {
        Auth::None => return Ok(HeaderMap::new()),
        Auth::Basic { name, key } => {
            ("", format!("Basic {}", STANDARD.encode(format!("{name}:{}", key.expose_secret()))))
        }
        Auth::Bearer { token, setting } => (setting, format!("Bearer {}", token.expose_secret())),
    };
    let value = HeaderValue::from_str(&text);
    let mut value = value.map_err(|_| (key, "has characters that no header may have"))?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

/// The fastest level: on events it is 4 times as fast as the usual one and makes bodies about 30 % larger.
/// The same body always gives the same bytes. Off the actor's thread, because a body may be a megabyte.
pub(crate) async fn compressed(body: Bytes) -> Bytes {
    let gzip = tokio::task::spawn_blocking(move || {
        let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Level::fast());
        encoder.write_all(&body).and_then(|()| encoder.finish())
    });
    let finished = gzip.await.expect("compressing does not panic and is never aborted");
    finished.expect("writing to memory does not fail").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_the_address_whether_or_not_that_ends_with_a_slash() {
        for (api, path, url) in [
            ("https://a.example", "v1/x?fields=id", "https://a.example/v1/x?fields=id"),
            ("https://a.example/base", "v1/x", "https://a.example/base/v1/x"),
            ("https://a.example/base/", "v1/x", "https://a.example/base/v1/x"),
            ("https://a.example/secret", "", "https://a.example/secret"),
        ] {
            assert_eq!(below(&Url::parse(api).unwrap(), path).as_str(), url);
        }
    }
}
