//! The wire against loopback peers that answer badly in every way that matters.

use std::io::Write;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::destinations::Failure;

const OPEN: Options = Options { allow_private_network: true };
const PUBLIC_ONLY: Options = Options { allow_private_network: false };

/// Reads one request: its head and as many body bytes as it announces.
async fn read_request(socket: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = socket.read(&mut buffer).await.unwrap();
        seen.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&seen).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) || count == 0 {
            return text;
        }
    }
}

/// A peer that reads one request and answers it with these bytes; gives back what it read.
async fn answering(bytes: Vec<u8>) -> (Url, impl Future<Output = String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?token=geheim", listener.local_addr().unwrap());
    let peer = async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let request = read_request(&mut socket).await;
        // A client that has read enough may have gone.
        let _sent: Result<(), _> = socket.write_all(&bytes).await;
        request
    };
    (Url::parse(&url).unwrap(), peer)
}

fn post(url: Url) -> HttpRequest {
    let timeout = Duration::from_secs(30);
    HttpRequest {
        method: Method::POST,
        url,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}"),
        timeout,
    }
}

async fn exchange(bytes: impl Into<Vec<u8>>) -> (Reply, String) {
    let (url, peer) = answering(bytes.into()).await;
    let client = HttpClient::new(OPEN).unwrap();
    tokio::join!(client.send(post(url)), peer)
}

fn answer(reply: Reply) -> Answer {
    match reply {
        Reply::Answer(answer) => answer,
        Reply::Failed(failure) => panic!("{failure:?}"),
    }
}

fn failure(reply: Reply) -> Failure {
    match reply {
        Reply::Failed(failure) => failure,
        Reply::Answer(answer) => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn an_answer_comes_back_with_its_status_body_and_the_kept_headers() {
    let (reply, request) =
        exchange("HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nX-Other: 1\r\nContent-Length: 2\r\n\r\nno")
            .await;
    let answer = answer(reply);
    assert_eq!((answer.status, answer.body.as_ref()), (429, b"no".as_slice()));
    assert_eq!(answer.headers, [("retry-after", "7".to_owned())]);
    assert_eq!(answer.retry_after(), Some(Duration::from_secs(7)));
    assert!(request.starts_with("POST /hook?token=geheim HTTP/1.1\r\n"), "{request}");
    let agent = format!("user-agent: OpenTrack/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(request.contains(&agent), "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (reply, _) = exchange("HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n").await;
    let answer = answer(reply);
    assert_eq!((answer.status, answer.header("location")), (302, Some("/else")));
}

#[tokio::test]
async fn a_peer_that_hangs_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let client = HttpClient::new(OPEN).unwrap();
    let failure = failure(client.send(HttpRequest { timeout: Duration::from_millis(50), ..post(url) }).await);
    assert_eq!(failure.kind, FailureKind::Timeout);
}

#[tokio::test]
async fn an_answer_that_never_ends_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let client = HttpClient::new(OPEN).unwrap();
    let request = HttpRequest { timeout: Duration::from_millis(200), ..post(url) };
    let peer = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await.unwrap();
        socket
    };
    let (reply, _open) = tokio::join!(client.send(request), peer);
    assert_eq!(failure(reply).kind, FailureKind::Timeout);
}

#[tokio::test]
async fn a_cut_connection_is_a_connection_failure() {
    for bytes in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"] {
        let failure = failure(exchange(bytes).await.0);
        assert_eq!(failure.kind, FailureKind::Connection, "{failure:?}");
    }
}

#[tokio::test]
async fn a_reset_connection_is_a_connection_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let client = HttpClient::new(OPEN).unwrap();
    // Closing with unread bytes in the buffer makes the kernel send a reset.
    let peer = async { listener.accept().await.unwrap().0.readable().await };
    let (reply, _) = tokio::join!(client.send(post(url)), peer);
    assert_eq!(failure(reply).kind, FailureKind::Connection);
}

#[tokio::test]
async fn a_refused_connection_names_the_peer_but_not_the_path_query_or_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = Url::parse(&format!("http://name:geheim@127.0.0.1:{port}/T0/geheim?token=geheim")).unwrap();
    let failure = failure(HttpClient::new(OPEN).unwrap().send(post(url)).await);
    assert_eq!(failure.kind, FailureKind::Connection);
    assert!(failure.message.starts_with(&format!("http://127.0.0.1:{port}: ")), "{failure:?}");
    assert!(!failure.message.contains("geheim"), "{failure:?}");
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_cap() {
    let mut bytes = b"HTTP/1.1 400 Bad\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + 1_000_000, b'x');
    let answer = answer(exchange(bytes).await.0);
    assert_eq!((answer.status, answer.body.len()), (400, MAX_ANSWER_BYTES));
}

#[tokio::test]
async fn a_client_may_read_longer_answers() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + 1_000_000, b'x');
    let (url, peer) = answering(bytes).await;
    let client = HttpClient::new(OPEN).unwrap().with_answer_cap(999_999);
    let (reply, _) = tokio::join!(client.send(post(url)), peer);
    assert_eq!(answer(reply).body.len(), 999_999);
}

#[tokio::test]
async fn a_compressed_answer_is_read_as_text_and_a_bomb_stops_at_the_cap() {
    for (size, expected) in [(100, 100), (10_000_000, MAX_ANSWER_BYTES)] {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![b'y'; size]).unwrap();
        let body = encoder.finish().unwrap();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = answer(exchange([head.into_bytes(), body].concat()).await.0);
        assert_eq!(answer.body.len(), expected);
        assert!(answer.body.iter().all(|byte| *byte == b'y'));
    }
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_a_tls_failure() {
    let client = HttpClient::new(OPEN).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    let plain = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        socket
    };
    let (reply, _open) = tokio::join!(client.send(post(url)), plain);
    let failure = failure(reply);
    assert_eq!(failure.kind, FailureKind::Tls, "{failure:?}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_dns_failure() {
    let url = Url::parse("http://no-such-name.invalid/").unwrap();
    let failure = failure(HttpClient::new(OPEN).unwrap().send(post(url)).await);
    assert_eq!(failure.kind, FailureKind::Dns, "{failure:?}");
}

#[tokio::test]
async fn private_networks_are_refused_by_name_and_by_number() {
    for text in ["http://localhost:9/", "http://127.0.0.1:9/", "http://[::1]:9/", "http://169.254.169.254/"] {
        let reply = HttpClient::new(PUBLIC_ONLY).unwrap().send(post(Url::parse(text).unwrap())).await;
        let failure = failure(reply);
        assert_eq!(failure.kind, FailureKind::PrivateAddress, "{text}: {failure:?}");
    }
}

#[test]
fn an_address_of_the_configuration_is_checked() {
    assert!(parse_url("https://example.com/hook", PUBLIC_ONLY).is_ok());
    assert!(parse_url("http://10.0.0.1/hook", OPEN).is_ok());
    for (text, words) in [
        ("ftp://example.com/", "must begin with"),
        ("example.com", "is not an address"),
        ("http://10.0.0.1/hook", "private network"),
        ("http://0x7f.1/", "private network"),
    ] {
        let message = parse_url(text, PUBLIC_ONLY).unwrap_err();
        assert!(message.contains(words), "{text}: {message}");
    }
}
