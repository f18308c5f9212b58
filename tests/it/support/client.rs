//! A client as simple as an SDK's: one connection per request, the raw answer.

use std::io::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Reads a response.
    #[expect(clippy::disallowed_methods, reason = "the router under test is trusted to end its answers")]
    pub(crate) async fn read(response: reqwest::Response) -> Answer {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        Answer { status, headers, text: response.text().await.expect("the answer's body is text") }
    }

    /// Returns the body as JSON; fails the test when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Returns a header's text, empty when absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Fails the test unless this is the error that the contract asks for: JSON with `code`, `message`, `error` and
    /// `details`.
    pub(crate) fn expect_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        assert_eq!(body["code"], code, "{self:?}");
        assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "no message: {self:?}");
        assert!(body["error"].is_string(), "no error: {self:?}");
        assert!(body["details"].is_array(), "no details: {self:?}");
    }

    /// Fails the test unless the request was taken.
    pub(crate) fn expect_success(&self) {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.json()["success"], true, "{self:?}");
    }
}

/// Returns a client without a proxy and without kept connections, so that a restart is no surprise to it.
pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(25))
        .build()
        .expect("a plain client can be built")
}

/// Returns an `Authorization` value for this user text (`"KEY:"` as SDKs send it).
pub(crate) fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

/// Compresses.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}
