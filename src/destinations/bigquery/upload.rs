//! Starts a load job together with its rows: in one request when they are small, in pieces when they are large.
//!
//! Pieces can be taken up where a connection broke. See <https://cloud.google.com/bigquery/docs/reference/api-uploads>.

use std::io;

use bytes::Bytes;
use reqwest::header::{CONTENT_RANGE, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::super::{Answer, FailureKind, Reply};
use super::api::{Api, Call};
use super::insert;

/// Up to here one request is used; Google advises pieces from about 10 MB on.
const MOST_AT_ONCE: usize = 8 * 1024 * 1024;

/// Size of a piece: it has to be a multiple of 256 KiB.
const PIECE: usize = 8 * 1024 * 1024;

/// How often in a row a piece may fail.
const MOST_BREAKS: u32 = 3;

/// Separates the parts of a request. Compressed rows hold it by an accident less likely than any other.
const BOUNDARY: &str = "opentrack_7f3d1c0e5b9a4826";
const MULTIPART: &str = "multipart/related; boundary=opentrack_7f3d1c0e5b9a4826";

const JSON: &str = "application/json; charset=UTF-8";
const MEDIA: &str = "application/octet-stream";

/// Compresses rows on a thread that may be kept busy.
///
/// # Errors
/// When the thread ended early.
pub(super) async fn zipped(text: Bytes) -> io::Result<Bytes> {
    let work = tokio::task::spawn_blocking(move || insert::zipped(&text));
    work.await.map_err(io::Error::other)?
}

/// Starts the job that the configuration describes; the reply is the job as it began.
pub(super) async fn start(api: &Api, configuration: &Value, media: Bytes) -> Reply {
    if media.len() <= MOST_AT_ONCE {
        at_once(api, configuration, &media).await
    } else {
        in_pieces(api, configuration, media, PIECE).await
    }
}

fn address(api: &Api, kind: &str) -> Url {
    let mut url = api.target.upload_url(&["jobs"]);
    url.query_pairs_mut().append_pair("uploadType", kind);
    url
}

async fn at_once(api: &Api, configuration: &Value, media: &Bytes) -> Reply {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Type: {JSON}\r\n\r\n{configuration}\r\n--{BOUNDARY}\r\nContent-Type: {MEDIA}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(media);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let call = Call::with_body(Method::POST, address(api, "multipart"), MULTIPART, body.into());
    api.send_within(call, api.target.load_timeout).await
}

async fn in_pieces(api: &Api, configuration: &Value, media: Bytes, piece: usize) -> Reply {
    let body = Bytes::from(configuration.to_string());
    let begin = Call::with_body(Method::POST, address(api, "resumable"), JSON, body)
        .with(HeaderName::from_static("x-upload-content-type"), HeaderValue::from_static(MEDIA))
        .with(HeaderName::from_static("x-upload-content-length"), HeaderValue::from(media.len()));
    let begun = api.send(begin).await;
    match session(api, &begun) {
        Ok(Some(session)) => Session { api, url: session, media }.send(piece).await,
        Ok(None) => begun,
        Err(refusal) => refusal,
    }
}

/// Returns where the pieces go; `None` when there was no success. It has to be where the upload began, since the token
/// goes with each piece.
fn session(api: &Api, begun: &Reply) -> Result<Option<Url>, Reply> {
    let Reply::Answer(answer @ Answer { status: 200..=299, .. }) = begun else { return Ok(None) };
    let upload = api.target.upload_url(&[]);
    let there = answer.header("location").and_then(|text| upload.join(text).ok());
    match there.filter(|there| there.origin() == upload.origin()) {
        Some(there) => Ok(Some(there)),
        None => {
            Err(Reply::failed(FailureKind::Connection, "an upload was begun without a place for its pieces"))
        }
    }
}

/// An upload that has begun.
struct Session<'a> {
    api: &'a Api,
    url: Url,
    media: Bytes,
}

impl Session<'_> {
    async fn send(&self, piece: usize) -> Reply {
        let (mut from, mut breaks) = (0, 0);
        loop {
            let to = (from + piece).min(self.media.len());
            let range = format!("bytes {from}-{}/{}", to.saturating_sub(1), self.media.len());
            let reply = self.put(&range, self.media.slice(from..to)).await;
            // A broken piece may have arrived in part, or even have been the last one.
            let reply = if is_broken(&reply) { self.ask().await } else { reply };
            let Some(next) = taken(&reply) else { return reply };
            breaks = if next > from { 0 } else { breaks + 1 };
            if breaks > MOST_BREAKS || next > self.media.len() {
                return Reply::failed(FailureKind::Connection, "an upload did not get on");
            }
            from = next;
        }
    }

    async fn ask(&self) -> Reply {
        self.put(&format!("bytes */{}", self.media.len()), Bytes::new()).await
    }

    async fn put(&self, range: &str, body: Bytes) -> Reply {
        let call = Call::with_body(Method::PUT, self.url.clone(), MEDIA, body);
        match HeaderValue::try_from(range) {
            Ok(range) => self.api.send(call.with(CONTENT_RANGE, range)).await,
            Err(error) => Reply::failed(FailureKind::Store, error.to_string()),
        }
    }
}

fn is_broken(reply: &Reply) -> bool {
    match reply {
        Reply::Answer(answer) => answer.status >= 500,
        Reply::Failed(failure) => matches!(failure.kind, FailureKind::Timeout | FailureKind::Connection),
    }
}

/// Returns how much has arrived; `None` when the upload is over, well or badly.
fn taken(reply: &Reply) -> Option<usize> {
    match reply {
        // Without `Range` nothing has arrived: "bytes=0-99" is a hundred bytes.
        Reply::Answer(answer) if answer.status == 308 => {
            let last =
                answer.header("range").and_then(|range| range.rsplit('-').next()?.parse::<usize>().ok());
            Some(last.map_or(0, |last| last + 1))
        }
        Reply::Answer(_) | Reply::Failed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::peer::{Peer, Said, target};
    use super::*;

    #[tokio::test]
    async fn an_upload_in_pieces_goes_on_where_it_broke() {
        let job = Said::new(200, r#"{"status":{"state":"RUNNING"}}"#);
        let peer = Peer::saying(vec![
            Said::new(200, "").with("Location", "/upload/session/1"),
            Said::new(308, "").with("Range", "bytes=0-3"),
            Said::new(503, ""),
            Said::new(308, "").with("Range", "bytes=0-5"),
            job.clone(),
        ]);
        let api = Api::new(target(peer.url.clone())).unwrap();
        let reply =
            in_pieces(&api, &serde_json::json!({ "a": 1 }), Bytes::from_static(b"0123456789"), 4).await;
        let Reply::Answer(answer) = reply else { panic!("{reply:?}") };
        assert_eq!(answer.words(), job.body);
        let seen = peer.seen();
        assert_eq!(seen[0].path, "/upload/bigquery/v2/projects/acme/jobs?uploadType=resumable");
        assert_eq!(seen[0].text(), r#"{"a":1}"#);
        let pieces: Vec<_> = seen[1..]
            .iter()
            .map(|seen| (seen.header("content-range").unwrap().to_owned(), seen.text()))
            .collect();
        let wanted = [("0-3/10", "0123"), ("4-7/10", "4567"), ("*/10", ""), ("6-9/10", "6789")];
        let wanted = wanted.map(|(range, text)| (format!("bytes {range}"), text.to_owned()));
        assert_eq!(pieces, wanted);
    }

    #[tokio::test]
    async fn an_upload_that_does_not_get_on_ends() {
        let begun = Said::new(200, "").with("Location", "/upload/session/1");
        let peer = Peer::saying(vec![begun, Said::new(308, "")]);
        let api = Api::new(target(peer.url.clone())).unwrap();
        let reply = in_pieces(&api, &Value::Null, Bytes::from_static(b"0123"), 4).await;
        assert!(
            matches!(&reply, Reply::Failed(failure) if failure.message.contains("did not get on")),
            "{reply:?}"
        );
    }

    #[tokio::test]
    async fn a_token_does_not_follow_an_upload_to_somewhere_else() {
        let peer = Peer::saying(vec![Said::new(200, "").with("Location", "http://127.0.0.2:9/session")]);
        let api = Api::new(target(peer.url.clone())).unwrap();
        let reply = in_pieces(&api, &Value::Null, Bytes::from_static(b"0123"), 4).await;
        assert!(matches!(reply, Reply::Failed(_)), "{reply:?}");
        assert_eq!(peer.seen().len(), 1);
    }
}
