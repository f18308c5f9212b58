//! What no client should send, and some do.

use std::io::Write;
use std::time::Duration;

use super::{Plan, batch, track};

#[actix::test]
async fn a_body_that_is_not_json_is_400() {
    let door = Plan::new().open();
    for path in ["/v1/track", "/v1/batch"] {
        for body in ["", " ", "{", "nonsense"] {
            let answer = door.post(path, body).await;
            assert_eq!(answer.error(400), "invalid_json", "{path} {body:?}");
        }
    }
    for body in ["[]", "42", "\"text\"", "null"] {
        assert_eq!(door.post("/v1/batch", body).await.error(400), "invalid_json", "{body:?}");
        assert_eq!(door.post("/v1/track", body).await.error(400), "not_an_object", "{body:?}");
    }
}

#[actix::test]
async fn a_batch_without_a_list_says_where() {
    let door = Plan::new().open();
    let answer = door.post("/v1/batch", r#"{"batch":{}}"#).await;
    assert_eq!(answer.error(400), "invalid_json");
    assert_eq!(answer.json()["details"][0]["path"], "batch");
}

#[actix::test]
async fn the_connection_stays_usable_after_a_400_a_404_and_a_405() {
    let door = Plan::new().open();
    let mut socket = door.connect().await;
    socket.post("/v1/track", "", "{").await;
    assert_eq!(socket.answer().await.error(400), "invalid_json");
    socket.post("/v1/nothing", "", &"x".repeat(50_000)).await;
    assert_eq!(socket.answer().await.error(404), "not_found");
    socket.write("PUT /v1/track HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabcde").await;
    assert_eq!(socket.answer().await.error(405), "method_not_allowed");
    socket.post("/v1/track", "content-encoding: compress\r\n", &track("m")).await;
    assert_eq!(socket.answer().await.error(400), "bad_encoding");
    socket.post("/v1/track", "", &track("m")).await;
    assert_eq!(socket.answer().await.status, 200);
}

#[actix::test]
async fn another_method_is_405_and_names_the_right_one() {
    let door = Plan::new().open();
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let method = method.parse().unwrap();
        let answer = door.send(door.client.request(method, door.url("/v1/batch/"))).await;
        assert_eq!(answer.error(405), "method_not_allowed");
        assert_eq!(answer.header("allow"), "POST, OPTIONS");
    }
    let head = door.send(door.client.head(door.url("/v1/track"))).await;
    assert_eq!(head.status, 405);
    let post = door.post("/health", "x").await;
    assert_eq!(post.error(405), "method_not_allowed");
    assert_eq!(post.header("allow"), "GET, HEAD");
}

#[actix::test]
async fn an_unknown_path_is_404_in_json() {
    let door = Plan::new().open();
    for path in ["/v1", "/v1/", "/v1/tracks", "/V1/TRACK", "/v1/%00", "/v1/track/x"] {
        assert_eq!(door.post(path, track("m")).await.error(404), "not_found", "{path}");
    }
}

#[actix::test]
async fn an_encoding_that_is_unknown_or_broken_is_400() {
    let door = Plan::new().open();
    let with = |coding| [("content-encoding", coding)];
    let unknown = door.post_with("/v1/track", track("m"), &with("compress")).await;
    assert_eq!(unknown.error(400), "bad_encoding");
    let broken = door.post_with("/v1/track", track("m"), &with("gzip")).await;
    assert_eq!(broken.error(400), "bad_encoding");
    let truncated = door.post("/v1/track", &b"\x1f\x8b\x08\x00"[..]).await;
    assert_eq!(truncated.error(400), "bad_encoding");
    let plain = door.post_with("/v1/track", track("m"), &with("identity")).await;
    assert_eq!(plain.status, 200);
}

#[actix::test]
async fn a_gzip_bomb_is_400_and_never_unpacked() {
    let door = Plan::new().open();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![b' '; 1024 * 1024];
    for _ in 0..64 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let answer = door.post_with("/v1/batch", bomb, &[("content-encoding", "gzip")]).await;
    assert_eq!(answer.error(400), "body_too_large");
}

#[actix::test]
async fn a_body_of_100_megabytes_is_400_before_it_has_arrived() {
    let door = Plan::new().open();
    let mut socket = door.connect().await;
    socket.write("POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: 104857600\r\n\r\n").await;
    socket.write(vec![b' '; 256 * 1024]).await;
    let answer = socket.answer().await;
    assert_eq!(answer.error(400), "body_too_large");
    assert_eq!(answer.header("connection"), "close");
}

#[actix::test]
async fn an_endless_chunked_body_is_400_at_the_cap() {
    let mut plan = Plan::new();
    plan.settings.server.max_body_bytes = 100_000;
    let door = plan.open();
    let mut socket = door.connect().await;
    socket.write("POST /v1/batch HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for _ in 0..11 {
        socket.write(format!("2710\r\n{}\r\n", " ".repeat(10_000))).await;
    }
    assert_eq!(socket.answer().await.error(400), "body_too_large");
}

#[actix::test]
async fn a_body_a_little_over_the_cap_is_400_not_413() {
    let mut plan = Plan::new();
    plan.settings.server.max_body_bytes = 1000;
    let door = plan.open();
    let answer = door.post("/v1/track", "x".repeat(1001)).await;
    assert_eq!(answer.error(400), "body_too_large");
    assert_eq!(door.post("/v1/track", track("m")).await.status, 200);
}

#[actix::test]
async fn an_event_that_is_too_large_alone_leaves_the_batch_alone() {
    let mut plan = Plan::new();
    plan.settings.server.max_event_bytes = 200;
    let door = plan.open();
    let large = format!(r#"{{"type":"track","userId":"u","event":"{}"}}"#, "x".repeat(300));
    let answer = door.post("/v1/batch", batch(&[&large, r#"{"type":"page","userId":"u"}"#])).await;
    assert_eq!(answer.json()["accepted"], 1);
    assert_eq!(answer.json()["rejected"][0]["code"], "too_large");
    assert_eq!(door.post("/v1/track", large).await.error(400), "too_large");
}

#[actix::test]
async fn a_body_that_does_not_come_is_answered_in_time() {
    let mut plan = Plan::new();
    plan.settings.server.body_timeout = Duration::from_millis(50);
    let door = plan.open();
    let mut socket = door.connect().await;
    socket.write("POST /v1/track HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await;
    let answer = socket.answer().await;
    assert_eq!(answer.error(503), "overloaded");
    assert_eq!(answer.header("retry-after"), "1");
}
