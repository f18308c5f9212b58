//! The wire of a webhook: address, headers, time stamp, signature, compression.
//!
//! Separate from the plan because everything here may differ between two attempts at the same body. It never looks into
//! a body and never decides what an answer means.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};

use super::config::{Compression, Config};
use super::plan::{Post, Request};
use crate::destinations::kit::compressed;
use crate::destinations::http_client::{self, HttpClient, HttpRequest, Options, address, mask};
use crate::destinations::{Client, Reply, Setting, SettingError, Shown, ShownBody, ShownRequest};
use crate::spec::signature::Signer;
use crate::telemetry::clock;

/// A smaller body fits into one packet, where compression gains nothing.
const MIN_COMPRESSED_BYTES: usize = 1024;

/// What the client sets itself, beside everything that begins with `webhook-`.
const RESERVED: [&str; 6] =
    ["content-encoding", "content-length", "content-type", "host", "transfer-encoding", "x-opentrack-attempt"];

/// A webhook's connections and what every request to it carries.
#[derive(Debug)]
pub struct Wire {
    http: HttpClient,
    url: Url,
    headers: HeaderMap,
    signer: Option<Signer>,
    gzip: bool,
    timeout: Duration,
}

impl Wire {
    /// Checks the settings that only the wire understands, all of them, and builds the client; connects to nothing.
    ///
    /// # Errors
    /// Every problem of `url`, `secret` and `headers`.
    pub fn new(config: &Config, setting: &Setting) -> Result<Wire, Vec<SettingError>> {
        let allow_private_network = config.allow_private_network.allowed(setting.production);
        let options = Options { allow_private_network };
        let mut problems = Vec::new();
        let url = note(&mut problems, "url", http_client::parse_url(&config.url, options));
        let signer = note(&mut problems, "secret", Signer::new(config.secret.expose_secret()));
        let headers = note(&mut problems, "headers", headers(config));
        let http = note(&mut problems, "url", HttpClient::new(options));
        match (url, signer, headers, http) {
            (Some(url), Some(signer), Some(headers), Some(http)) => {
                let gzip = compresses(config.compression, &url);
                Ok(Wire { http, url, headers, signer, gzip, timeout: setting.timeout })
            }
            _ => Err(problems),
        }
    }

    async fn exchange(&self, method: Method, mut headers: HeaderMap, body: Bytes) -> Reply {
        let body = if self.packs(&body) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            compressed(body).await
        } else {
            body
        };
        let (url, timeout) = (self.url.clone(), self.timeout);
        self.http.send(HttpRequest { method, url, headers, body, timeout }).await
    }

    fn packs(&self, body: &Bytes) -> bool {
        self.gzip && body.len() > MIN_COMPRESSED_BYTES
    }

    fn shown(&self, method: &Method, headers: &HeaderMap, body: &Bytes) -> Shown {
        let mut headers = mask::headers(&self.url, headers);
        headers.extend(self.packs(body).then(|| (CONTENT_ENCODING.to_string(), "gzip".to_owned())));
        let (method, url, body) = (method.to_string(), mask::url(&self.url), ShownBody::of(body));
        Shown { requests: vec![ShownRequest { method, url, headers, body }], rows: Vec::new() }
    }

    /// The headers of one attempt. Receivers refuse a time stamp that is some minutes old, so it is that of this attempt.
    fn headers_for(&self, post: &Post) -> HeaderMap {
        let now = clock::now().as_second();
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(post.content_type));
        headers.insert("x-opentrack-attempt", HeaderValue::from(post.attempt));
        headers.insert("webhook-id", visible(&post.id));
        headers.insert("webhook-timestamp", HeaderValue::from(now));
        if let Some(signer) = &self.signer {
            let mut signature = visible(&signer.sign(&post.id, now, &post.body));
            signature.set_sensitive(true);
            headers.insert("webhook-signature", signature);
        }
        headers
    }
}

impl Client for Wire {
    type Request = Request;

    async fn send(&self, request: &Request) -> Reply {
        match request {
            Request::Probe => self.exchange(Method::HEAD, self.headers.clone(), Bytes::new()).await,
            Request::Events(post) => {
                self.exchange(Method::POST, self.headers_for(post), post.body.clone()).await
            }
        }
    }

    /// The body is shown before compression. A signature is as good as the secret for some minutes, so it is masked too.
    fn show(&self, request: &Request) -> Shown {
        match request {
            Request::Probe => self.shown(&Method::HEAD, &self.headers, &Bytes::new()),
            Request::Events(post) => self.shown(&Method::POST, &self.headers_for(post), &post.body),
        }
    }
}

fn note<T>(
    problems: &mut Vec<SettingError>,
    key: &'static str,
    checked: Result<T, String>,
) -> Option<T> {
    checked.map_err(|message| problems.push(SettingError { key, message })).ok()
}

fn visible(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("hexadecimal digits and base64 are visible ASCII")
}

fn compresses(compression: Compression, url: &Url) -> bool {
    match compression {
        Compression::Auto => !address::is_loopback(url),
        Compression::Gzip => true,
        Compression::None => false,
    }
}

fn headers(config: &Config) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        let (name, value) = header(name, value).map_err(|problem| format!("`{name}` {problem}"))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Problems name the header and never repeat its value.
fn header(name: &str, value: &SecretString) -> Result<(HeaderName, HeaderValue), &'static str> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "is not a header's name")?;
    if name.as_str().starts_with("webhook-") || RESERVED.contains(&name.as_str()) {
        return Err("is set by the router");
    }
    let mut value =
        HeaderValue::from_str(value.expose_secret()).map_err(|_| "has characters that no header may have")?;
    value.set_sensitive(true);
    Ok((name, value))
}
