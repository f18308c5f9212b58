//! The wire to one server: a statement, or a statement and rows after it, goes out; what comes back is returned as it is.
//!
//! Says nothing about events, and never tries again.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use secrecy::ExposeSecret;

use super::super::http_client::{HttpClient, HttpRequest, Options, address, mask};
use super::super::kit::{Secrets, compressed};
use super::super::{FailureKind, Reply, Shown, ShownBody, ShownRequest, ShownRow};
use super::errors::code;
use super::request::Insert;
use super::target::Target;

/// Most bytes of an answer that describes tables, or of one to a report.
pub(super) const MAX_DESCRIPTION: usize = 64 * 1024 * 1024;

/// A smaller body fits into one packet, where compression gains nothing.
const MIN_COMPRESSED_BYTES: usize = 1024;

/// What every insert is sent with. The batch is ours, so the server must not make one of its own, which would not know the
/// token; and views take note of the token too.
const SETTINGS: [(&str, &str); 4] = [
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("date_time_input_format", "best_effort"),
];

/// What every report is asked with: a statement that changes nothing (2: and may have settings of its own) ends when whoever asked
/// has closed the connection. A server looks at this before it reads the statement, so it stands in the address.
const READING: [(&str, &str); 2] = [("readonly", "2"), ("cancel_http_readonly_queries_on_client_close", "1")];

/// See the module.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) target: Target,
    http: HttpClient,
    describing: HttpClient,
    headers: HeaderMap,
    gzip: bool,
    secrets: Secrets,
}

impl Api {
    /// Builds the client; connects to nothing.
    ///
    /// # Errors
    /// The setting that cannot be used, and why.
    pub(super) fn new(target: Target) -> Result<Api, (&'static str, String)> {
        let http = HttpClient::new(Options { allow_private_network: true }).map_err(|words| ("url", words))?;
        let value = |key, text: &str| {
            let value = HeaderValue::from_str(text);
            value.map_err(|_| (key, "has characters that no header may have".to_owned()))
        };
        let mut password = value("password", target.password.expose_secret())?;
        password.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert("x-clickhouse-user", value("user", &target.user)?);
        if !password.is_empty() {
            headers.insert("x-clickhouse-key", password);
        }
        let describing = http.clone().with_answer_cap(MAX_DESCRIPTION);
        let gzip = !address::is_loopback(&target.url);
        let secrets = Secrets::of([&target.password]);
        Ok(Api { target, http, describing, headers, gzip, secrets })
    }

    /// Sends rows.
    pub(super) async fn insert(&self, insert: &Insert) -> Reply {
        let mut headers = self.headers.clone();
        let mut body = insert.body.clone();
        if self.packs(&body) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            body = compressed(body).await;
        }
        let (url, timeout) = (with(&self.target.url, &settings(insert)), self.target.timeout);
        self.hidden(&self.http.send(HttpRequest { method: Method::POST, url, headers, body, timeout }).await)
    }

    /// Runs a statement and returns its whole answer.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn run(&self, statement: &str, timeout: Duration) -> Result<String, Reply> {
        self.said((statement, &[]), timeout, |text| code(text).is_some()).await
    }

    /// As [`run`](Api::run), of a report: its answer repeats what strangers have written, so words of an error in there are
    /// none, and an error after the first rows is a line that is no row. The server gives up what nobody waits for any more.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn report(&self, statement: &str, timeout: Duration) -> Result<String, Reply> {
        self.said((statement, &READING), timeout, |text| text.trim_start().starts_with("Code: ")).await
    }

    async fn said(
        &self,
        (statement, settings): (&str, &[(&str, &str)]),
        timeout: Duration,
        is_error: impl Fn(&str) -> bool,
    ) -> Result<String, Reply> {
        let (url, headers) = (with(&self.target.url, settings), self.headers.clone());
        let body = Bytes::copy_from_slice(statement.as_bytes());
        let sent = self.describing.send(HttpRequest { method: Method::POST, url, headers, body, timeout });
        match sent.await {
            Reply::Answer(answer) if (200..300).contains(&answer.status) => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                if is_error(&text) { Err(self.hidden(&Reply::Answer(answer))) } else { Ok(text) }
            }
            other => Err(self.hidden(&other)),
        }
    }

    /// Whoever stands in for the server may repeat what it was sent.
    fn hidden(&self, reply: &Reply) -> Reply {
        self.secrets.hide(reply).into_owned()
    }

    /// Asks for the version, and refuses one that is too old.
    ///
    /// # Errors
    /// What was said, or why nothing was, or that it is too old.
    pub(super) async fn expect_version(&self) -> Result<String, Reply> {
        let said = self.run(super::version::QUERY, self.target.timeout).await?;
        let checked = super::version::check(said.trim());
        checked.map(|()| said).map_err(|words| Reply::failed(FailureKind::Store, words))
    }

    /// Returns what sending rows would put on the wire; the body is shown before compression.
    pub(super) fn show_insert(&self, insert: &Insert) -> Shown {
        let mut headers = mask::headers(&self.target.url, &self.headers);
        headers.extend(self.packs(&insert.body).then(|| (CONTENT_ENCODING.to_string(), "gzip".to_owned())));
        let lines = insert.lines().split(|byte| *byte == b'\n');
        let columns = lines.filter_map(|line| serde_json::from_slice(line).ok());
        let rows = columns.map(|columns| ShownRow { table: insert.table.clone(), columns }).collect();
        let url = self.shown_url(&settings(insert));
        let request = ShownRequest { method: "POST".to_owned(), url, headers, body: ShownBody::of(&insert.body) };
        Shown { requests: vec![request], rows }
    }

    /// Returns what a statement would put on the wire.
    pub(super) fn show_statement(&self, statement: &str) -> Shown {
        let headers = mask::headers(&self.target.url, &self.headers);
        let (url, body) = (self.shown_url(&[]), ShownBody::of(statement.as_bytes()));
        let request = ShownRequest { method: "POST".to_owned(), url, headers, body };
        Shown { requests: vec![request], rows: Vec::new() }
    }

    fn packs(&self, body: &Bytes) -> bool {
        self.gzip && body.len() > MIN_COMPRESSED_BYTES
    }

    /// What the operator put into the address may be a secret; what we add is none.
    fn shown_url(&self, ours: &[(&str, &str)]) -> String {
        let url = mask::url(&self.target.url);
        let added: Vec<String> = ours.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let glue = if url.contains('?') { '&' } else { '?' };
        if added.is_empty() { url } else { format!("{url}{glue}{}", added.join("&")) }
    }
}

/// The settings of one insert.
fn settings(insert: &Insert) -> Vec<(&str, &str)> {
    let mut settings = SETTINGS.to_vec();
    settings.push(("insert_deduplication_token", &insert.token));
    settings
}

fn with(url: &Url, settings: &[(&str, &str)]) -> Url {
    let mut url = url.clone();
    if !settings.is_empty() {
        url.query_pairs_mut().extend_pairs(settings);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::super::super::kit::testing::setting;
    use super::super::config::Config;
    use super::*;

    fn api(url: &str) -> Api {
        let config = Config { url: url.to_owned(), ..Config::default() };
        Api::new(Target::new(&config, &setting("ch", false)).unwrap()).unwrap()
    }

    fn insert(bytes: usize) -> Insert {
        Insert { token: "abc".to_owned(), body: vec![b' '; bytes].into(), ..Insert::default() }
    }

    #[test]
    fn large_bodies_are_compressed_unless_they_stay_on_this_machine() {
        for (url, bytes, gzip) in [
            ("https://ch.example", 2_000, true),
            ("https://ch.example", 1_000, false),
            ("http://localhost:8123", 2_000, false),
        ] {
            let shown = api(url).show_insert(&insert(bytes));
            let headers = &shown.requests[0].headers;
            assert_eq!(headers.iter().any(|(name, _)| name == "content-encoding"), gzip, "{url} {bytes}");
        }
    }

    #[tokio::test]
    async fn a_report_may_change_nothing_at_the_server() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = api(&format!("http://{}", server.local_addr().unwrap()));
        let answers = async {
            let (mut peer, _) = server.accept().await.unwrap();
            let mut head = [0; 4_096];
            let length = tokio::io::AsyncReadExt::read(&mut peer, &mut head).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1";
            tokio::io::AsyncWriteExt::write_all(&mut peer, answer).await.unwrap();
            String::from_utf8_lossy(&head[..length]).into_owned()
        };
        let asked = api.report("SELECT 1", Duration::from_secs(10));
        let (said, request) = tokio::join!(asked, answers);
        assert!(said.is_ok());
        let address = request.split(' ').nth(1).unwrap();
        assert!(address.contains("readonly=2"), "{address}");
        assert!(address.contains("cancel_http_readonly_queries_on_client_close=1"), "{address}");
    }

    #[test]
    fn an_insert_says_in_its_address_how_it_is_to_be_taken() {
        let url = "http://u:geheim0123456789@h:1/?session_timezone=UTC";
        let shown = api(url).show_insert(&insert(1)).requests.remove(0);
        assert_eq!(
            shown.url,
            "http://h:1/?session_timezone=***&async_insert=0&insert_deduplicate=1\
             &deduplicate_blocks_in_dependent_materialized_views=1&date_time_input_format=best_effort\
             &insert_deduplication_token=abc"
        );
        let named = |name: &str| shown.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!((named("x-clickhouse-user"), named("x-clickhouse-key")), (Some("u"), Some("***")));
        let real = with(&api(url).target.url, &[("a", "b")]);
        assert_eq!(real.as_str(), "http://h:1/?session_timezone=UTC&a=b");
    }

    #[test]
    fn a_word_that_no_header_takes_is_refused_by_its_setting() {
        let config = Config { url: "http://h".to_owned(), user: "a\nb".to_owned(), ..Config::default() };
        let target = Target::new(&config, &setting("ch", false)).unwrap();
        assert_eq!(Api::new(target).unwrap_err().0, "user");
    }
}
