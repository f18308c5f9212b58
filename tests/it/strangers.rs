//! Resources that strangers, or the machine, may leave too little of: connections, files, a disk that can be written to.

use std::fs;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Config, Router, SmallDisk, batch, ids_of, opentrack, track};

/// What a connection may take while nothing is sent, in KiB. The server's two buffers take 16.
const IDLE_KIB: u64 = 40;

async fn connected(router: &Router) -> TcpStream {
    TcpStream::connect(("127.0.0.1", router.port())).await.expect("the router listens")
}

/// Asks on an open connection and reads the answer's status.
async fn ask(stream: &mut TcpStream, head: &str, body: &str) -> String {
    let request = format!("{head} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("the router reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("the connection lives"));
    }
    let answer = String::from_utf8(answer).expect("a head is ASCII").to_lowercase();
    let length = answer.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).await.expect("the answer is whole");
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn two_thousand_idle_connections_take_little_and_leave_room_for_others() {
    let router = Router::start(Config::new()).await;
    let before = router.resident_kib();
    let mut open = Vec::new();
    for _ in 0..2000 {
        let mut stream = connected(&router).await;
        assert_eq!(ask(&mut stream, "GET /health", "").await, "200");
        open.push(stream);
    }
    let each = router.resident_kib().saturating_sub(before) / 2000;
    eprintln!("{each} KiB for each idle connection");
    assert!(each <= IDLE_KIB, "each idle connection takes {each} KiB");
    router.post("/v1/track", &track("u", 1)).await.expect_success();
}

fn large(n: u64) -> Vec<Value> {
    let mut events: Vec<Value> = (0..10).map(|k| track(&format!("u{k}"), n)).collect();
    events.iter_mut().for_each(|event| event["properties"]["blob"] = json!("x".repeat(5_000)));
    events
}

#[tokio::test]
async fn with_more_strangers_than_files_the_journal_goes_on_to_new_segments() {
    let config = Config::new().table("[journal]\nmax_bytes = \"4MiB\"").open_files(320);
    let router = Router::start(config).await;
    let mut friend = connected(&router).await;
    assert_eq!(ask(&mut friend, "GET /health", "").await, "200");
    let mut strangers = Vec::new();
    for _ in 0..600 {
        strangers.push(connected(&router).await);
    }
    let mut ids = Vec::new();
    for n in 0..40 {
        let events = large(n);
        assert_eq!(ask(&mut friend, "POST /v1/batch", &batch(&events).to_string()).await, "200", "batch {n}");
        ids.extend(ids_of(&events));
    }
    router.until_rows("tracks", &ids).await;
    let log = router.log();
    assert!(log.contains("connections are taken at once"), "{log}");
    assert!(!log.contains("Too many open files"), "{log}");
    drop(strangers);
    let mut later = connected(&router).await;
    assert_eq!(
        ask(&mut later, "GET /health", "").await,
        "200",
        "and strangers are served once there is room"
    );
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written_to_is_said_at_the_start() {
    let Some(disk) = SmallDisk::mount(4) else { return };
    disk.make_read_only();
    let dir = tempfile::tempdir().unwrap();
    let data = disk.path().join("data");
    fs::write(
        dir.path().join("config.toml"),
        format!("[server]\nlisten = [\"127.0.0.1:0\"]\ndata_dir = {data:?}\n"),
    )
    .unwrap();
    let output = opentrack().current_dir(dir.path()).arg("serve").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 69)), "{:?}: {said}", output.status);
    assert!(said.contains(&*data.display().to_string()) && said.contains("Read-only file system"), "{said}");
}
