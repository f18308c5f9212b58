//! Images and beacons through a whole router: rows of what is believed, an entry of what is not, and the page's library.

use crate::support::{Config, Router, fresh_id, until, until_some};

const MAIL: &str = "[sources.mail]\nwrite_keys = [\"wk\"]";

#[tokio::test]
async fn an_image_becomes_a_row_and_a_broken_one_is_listed() {
    let router = Router::start(Config::new().table(MAIL)).await;
    let id = fresh_id("m");
    let path = format!(
        "/v1/pixel/track?writeKey=wk&userId=u1&event=Email+Opened&properties.subject=May%20%F0%9F%8C%B7&messageId={id}"
    );
    let image = router.get(&path).await;
    assert_eq!((image.status, image.header("content-type")), (200, "image/gif"));
    router.until_rows("email_opened", std::slice::from_ref(&id)).await;
    let broken = router.get("/v1/pixel/track?writeKey=wk&data=%25%25%25").await;
    assert_eq!((broken.status, broken.header("content-type")), (200, "image/gif"));
    let entry = until_some("it is listed", 10, async || {
        router.get("/api/rejected").await.json()["rejected"][0].as_object().cloned()
    })
    .await;
    assert_eq!((&entry["code"], &entry["source"]), (&"bad_json".into(), &"mail".into()), "{entry:?}");
    assert!(
        entry["message"].as_str().is_some_and(|words| words.contains("`data` is not base64")),
        "{entry:?}"
    );
    assert!(!router.get("/api/rejected").await.text.contains("wk\""), "the key is no part of what is wrong");
}

#[tokio::test]
async fn a_beacon_becomes_rows_and_is_stored_once() {
    let router = Router::start(Config::new().table(MAIL)).await;
    let id = fresh_id("m");
    let body = format!(r#"{{"batch":[{{"type":"track","userId":"u","event":"Left","messageId":"{id}"}}]}}"#);
    for _ in 0..2 {
        let request =
            router.request("POST", "/beacon/v1/batch?writeKey=wk").header("content-type", "text/plain");
        let answer = request.body(body.clone()).send().await.expect("it answers");
        assert_eq!(answer.status().as_u16(), 200);
    }
    router.until_rows("left", std::slice::from_ref(&id)).await;
    until("the second is known", 10, async || {
        router.get("/metrics").await.text.contains("opentrack_events_duplicate_total 1")
    })
    .await;
}
