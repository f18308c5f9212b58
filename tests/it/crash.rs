//! SIGKILL, torn files and SIGTERM under load: what was acknowledged is kept, once in the warehouse and at least once
//! at the webhook, in the order of each user; what was never sent does not appear.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::support::{
    Config, Load, Oracle, Poison, Receiver, Reply, Router, expect_kept, ids_of, track, until,
};

#[tokio::test]
async fn three_kills_under_load_lose_nothing_and_invent_nothing() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let load = Load::start(&router.url(""), 4);
    for _ in 0..3 {
        load.until_more(150).await;
        router.kill9();
        router.start_again().await;
    }
    load.until_more(50).await;
    let oracle = Oracle::new(load.finish());
    expect_kept(&router, &oracle, &[("hook", &receiver, Poison::NONE)]).await;
}

#[tokio::test]
async fn a_stop_under_load_loses_nothing_and_ends_well() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let load = Load::start(&router.url(""), 4);
    for _ in 0..2 {
        load.until_more(100).await;
        router.stop().await;
        router.start_again().await;
    }
    let oracle = Oracle::new(load.finish());
    expect_kept(&router, &oracle, &[("hook", &receiver, Poison::NONE)]).await;
    let mut taken = receiver.taken_ids();
    let all = taken.len();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), all, "a clean stop delivers nothing twice");
}

/// Returns the file of the journal that holds this text: the segment that was written last.
fn file_with(dir: &Path, text: &str) -> PathBuf {
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("the directory can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                dirs.push(path);
            } else if holds(&fs::read(&path).expect("the file can be read"), text) {
                return path;
            }
        }
    }
    panic!("no file of the journal holds `{text}`");
}

fn holds(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

/// The end of what was written: preallocated space is zero.
fn written(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_what_was_acknowledged_is_kept() {
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let mut ids = Vec::new();
    let damages: [fn(&mut Vec<u8>, usize); 4] = [
        |bytes, end| bytes.splice(end.., (0..200_u32).map(|n| (n * 7 % 251) as u8)).for_each(drop),
        |bytes, end| bytes.truncate(end),
        |bytes, end| {
            let half: Vec<u8> = bytes[..end.min(90)].to_vec();
            bytes.splice(end.., half).for_each(drop);
        },
        |bytes, end| bytes.splice(end.., [0xff; 64]).for_each(drop),
    ];
    for damage in damages {
        let events: Vec<_> = (0..5).map(|n| track("torn", n)).collect();
        for event in &events {
            router.post("/v1/track", event).await.expect_success();
        }
        ids.extend(ids_of(&events));
        router.kill9();
        let path = file_with(&router.data().join("journal"), ids.last().expect("some were sent"));
        let mut bytes = fs::read(&path).expect("the file can be read");
        let end = written(&bytes);
        damage(&mut bytes, end);
        fs::write(&path, bytes).expect("the file can be written");
        router.start_again().await;
    }
    receiver.recover();
    receiver.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
    assert_eq!(router.db().ids("tracks").len(), ids.len(), "nothing was invented");
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let receiver = Receiver::scripted(|_| Reply::Hang);
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let event = track("u", 1);
    router.post("/v1/track", &event).await.expect_success();
    until("the webhook hangs", 10, async || !receiver.requests().is_empty()).await;
    // A request that never ends keeps a graceful stop waiting.
    let mut half = std::net::TcpStream::connect(("127.0.0.1", router.port())).expect("the router listens");
    half.write_all(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{").expect("it reads");
    router.sigterm();
    until("the router takes no new request", 10, async || {
        let answer = router.request("GET", "/health").timeout(std::time::Duration::from_secs(1)).send().await;
        answer.is_err()
    })
    .await;
    router.sigterm();
    router.until_exit(5).await;
    receiver.recover();
    router.start_again().await;
    receiver.until_taken(&ids_of(&[event])).await;
}

#[tokio::test]
async fn a_request_in_flight_at_the_stop_gets_its_answer() {
    let mut router = Router::start(Config::new()).await;
    let event = track("u", 1);
    let body = event.to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", router.port())).expect("the router listens");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).expect("a timeout can be set");
    let head = format!(
        "POST /v1/track HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{first}").as_bytes()).expect("it reads");
    // The connection before this request was accepted first.
    assert_eq!(router.get("/health").await.status, 200);
    router.sigterm();
    stream.write_all(second.as_bytes()).expect("it still reads");
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = answer.await.expect("the thread ends").expect("the router answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(router.until_exit(25).await.code(), Some(0), "{}", router.log());
    router.start_again().await;
    router.until_rows("tracks", &ids_of(&[event])).await;
}

#[tokio::test]
async fn a_record_that_the_disk_lost_stops_nothing_behind_it() {
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let events = ["u1", "u2", "u3"].map(|user| track(user, 1));
    for event in &events {
        router.post("/v1/track", event).await.expect_success();
    }
    let ids = ids_of(&events);
    router.until_rows("tracks", &ids).await;
    router.kill9();
    damage(&router.data().join("journal/00000000000000000000.log"), &ids[1]);
    receiver.recover();
    router.start_again().await;
    receiver.until_taken(&[ids[0].clone(), ids[2].clone()]).await;
    assert!(!receiver.taken_ids().contains(&ids[1]));
    let metrics = router.get("/metrics").await.text;
    assert!(metrics.contains("opentrack_events_lost_total{destination=\"hook\"} 1"), "{metrics}");
}

/// Changes one byte of the first record that holds this text.
fn damage(log: &Path, text: &str) {
    let mut bytes = fs::read(log).unwrap();
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("a record");
    bytes[at] ^= 1;
    fs::write(log, bytes).unwrap();
}
