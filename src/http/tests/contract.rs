//! What the SDKs need so that none of them loses or doubles an event.

use std::io::Write;

use base64::Engine;

use super::{Plan, batch, track};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
}

const SINGLES: [(&str, &str); 12] = [
    ("/v1/track", "track"),
    ("/v1/identify", "identify"),
    ("/v1/page", "page"),
    ("/v1/screen", "screen"),
    ("/v1/group", "group"),
    ("/v1/alias", "alias"),
    ("/v1/t", "track"),
    ("/v1/i", "identify"),
    ("/v1/p", "page"),
    ("/v1/s", "screen"),
    ("/v1/g", "group"),
    ("/v1/a", "alias"),
];

#[actix::test]
async fn success_is_exactly_200_on_every_single_path_with_and_without_a_slash() {
    let door = Plan::new().open();
    for (path, _) in SINGLES {
        for path in [path.to_owned(), format!("{path}/")] {
            let call = r#"{"messageId":"m","userId":"u","event":"e","groupId":"g","previousId":"p"}"#;
            let answer = door.post(&path, call).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"success":true}"#), "{path}");
            assert_eq!(answer.header("content-type"), "application/json");
        }
    }
    assert_eq!(door.seen(|seen| seen.ids.len()), 24);
}

#[actix::test]
async fn a_batch_is_one_message_on_every_batch_path() {
    let door = Plan::new().open();
    let one = r#"{"type":"track","messageId":"1","userId":"u","event":"e"}"#;
    let two = r#"{"type":"page","messageId":"2","userId":"u"}"#;
    for path in ["/v1/batch", "/v1/import", "/v1/b", "/v1/batch/"] {
        let answer = door.post(path, batch(&[one, two])).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.json(), serde_json::json!({"success": true, "accepted": 2}));
    }
    assert_eq!(door.seen(|seen| seen.rejected.clone()), [0, 0, 0, 0]);
}

#[actix::test]
async fn one_bad_event_does_not_cost_the_batch() {
    let door = Plan::new().open();
    let good = r#"{"type":"track","messageId":"1","userId":"u","event":"e"}"#;
    let bad = r#"{"type":"track","messageId":"2","event":"e"}"#;
    let answer = door.post("/v1/batch", batch(&[good, bad])).await;
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json["accepted"], 1);
    assert_eq!(json["rejected"][0]["index"], 1);
    assert_eq!(json["rejected"][0]["messageId"], "2");
    assert_eq!(json["rejected"][0]["code"], "missing_identity");
    assert!(json["rejected"][0]["message"].is_string() && json["rejected"][0]["path"].is_string());
    assert_eq!(door.seen(|seen| seen.rejected.clone()), [1]);
    let counted = "opentrack_events_rejected_total{reason=\"missing_identity\"} 1";
    assert!(door.metrics.encode().contains(counted));
}

#[actix::test]
async fn a_batch_of_only_bad_events_is_200_too() {
    let door = Plan::new().open();
    let answer = door.post("/v1/batch", batch(&[r#"{"type":"track"}"#])).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &serde_json::json!(0)));
}

#[actix::test]
async fn an_empty_batch_is_a_success() {
    let door = Plan::new().open();
    let answer = door.post("/v1/batch", batch(&[])).await;
    assert_eq!(answer.body, r#"{"success":true,"accepted":0}"#);
}

#[actix::test]
async fn a_single_bad_event_is_400_with_its_problems() {
    let door = Plan::new().open();
    let answer = door.post("/v1/track", r#"{"event":"e"}"#).await;
    assert_eq!(answer.error(400), "missing_identity");
    let json = answer.json();
    assert_eq!(json["error"], "Invalid payload");
    assert_eq!(json["details"][0]["code"], "missing_identity");
    assert_eq!(json["details"][0]["path"], "userId");
    assert_eq!(door.seen(|seen| seen.rejected.clone()), [1], "it is kept with its reason");
}

#[actix::test]
async fn the_body_is_json_whatever_its_type_says() {
    let door = Plan::new().open();
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "nonsense", "text/html"] {
        let answer = door.post_with("/v1/track", track("m"), &[("content-type", content_type)]).await;
        assert_eq!(answer.status, 200, "{content_type}");
    }
}

#[actix::test]
async fn gzip_is_unpacked_with_and_without_its_header() {
    let door = Plan::new().open();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let declared = [form, ("content-encoding", "gzip")];
    assert_eq!(door.post_with("/v1/track", gzip(&track("1")), &declared).await.status, 200);
    assert_eq!(door.post_with("/v1/track", gzip(&track("2")), &[form]).await.status, 200);
    assert_eq!(door.seen(|seen| seen.ids.clone()), ["1", "2"]);
}

#[actix::test]
async fn a_large_packed_batch_is_unpacked_off_the_worker() {
    let door = Plan::new().open();
    let noise: String = (0..150_000).map(|_| fastrand::alphanumeric()).collect();
    let call = format!(
        r#"{{"type":"track","messageId":"m","userId":"u","event":"e","properties":{{"noise":"{noise}"}}}}"#
    );
    let answer = door.post_with("/v1/batch", gzip(&batch(&[&call])), &[("content-encoding", "gzip")]).await;
    assert_eq!(answer.json()["accepted"], 1);
}

#[actix::test]
async fn four_mebibytes_are_taken() {
    let door = Plan::new().open();
    let padding = "x".repeat(900 * 1024);
    let call =
        format!(r#"{{"type":"track","userId":"u","event":"e","properties":{{"padding":"{padding}"}}}}"#);
    let answer = door.post("/v1/batch", batch(&[&call, &call, &call, &call, &call])).await;
    assert_eq!(answer.json()["accepted"], 5);
}

#[actix::test]
async fn without_sources_any_key_or_none_is_taken() {
    let door = Plan::new().open();
    let key = basic("any:");
    assert_eq!(door.post_with("/v1/track", track("1"), &[("authorization", &key)]).await.status, 200);
    assert_eq!(door.post("/v1/track", track("2")).await.status, 200);
    assert_eq!(door.seen(|seen| seen.sources.clone()), ["default", "default"]);
}

#[actix::test]
async fn each_form_of_a_key_finds_its_source() {
    let door = Plan::new().with_source("web", "wk", &[]).open();
    let in_body = r#"{"writeKey":"wk","userId":"u","event":"e"}"#;
    for header in [basic("wk:"), basic("wk"), "Bearer wk".to_owned()] {
        let answer = door.post_with("/v1/track", track("m"), &[("authorization", &header)]).await;
        assert_eq!(answer.status, 200, "{header}");
    }
    assert_eq!(door.post("/v1/track", in_body).await.status, 200);
    let token = [("authorization", "Bearer an.oauth.token")];
    assert_eq!(door.post_with("/v1/track", in_body, &token).await.status, 200);
    assert_eq!(door.post("/v1/batch", r#"{"writeKey":"wk","batch":[]}"#).await.status, 200);
    assert!(door.seen(|seen| seen.sources.iter().all(|source| source == "web")));
}

#[actix::test]
async fn an_unknown_key_is_401_and_the_connection_stays_usable() {
    let door = Plan::new().with_source("web", "wk", &[]).open();
    let mut socket = door.connect().await;
    socket.post("/v1/track", "", &track("1")).await;
    assert_eq!(socket.answer().await.error(401), "unauthorized");
    let header = format!("authorization: {}\r\n", basic("wk:"));
    socket.post("/v1/track", &header, &track("2")).await;
    assert_eq!(socket.answer().await.status, 200);
}

#[actix::test]
async fn counters_of_browser_libraries_are_taken_and_forgotten() {
    let door = Plan::new().with_source("web", "wk", &[]).open();
    let answer = door.post("/v1/m", r#"{"series":[]}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(door.seen(|seen| seen.rejected.len()), 0);
}

#[actix::test]
async fn requests_are_counted_by_their_route() {
    let door = Plan::new().open();
    door.post("/v1/track/", track("m")).await;
    door.get("/some/stranger's/path").await;
    let page = door.metrics.encode();
    assert!(page.contains("opentrack_http_requests_total{path=\"/v1/track\",status=\"200\"} 1"), "{page}");
    assert!(page.contains("opentrack_http_requests_total{path=\"other\",status=\"404\"} 1"), "{page}");
}
