//! Signed requests over a kill: who has overheard one gains nothing by waiting for a restart.

use opentrack::spec::signature::Signer;
use reqwest::Method;
use serde_json::json;

use crate::support::{Config, Router, track};

const SECRET: &str = "a-secret-for-tests-of-32-bytes--";

fn config() -> Config {
    let billing = "[sources.billing]\nwrite_keys = [\"wk\"]\nrequire_signature = true\n";
    let config = Config::new().table(&format!("{billing}signing_secrets = [\"{SECRET}\"]"));
    config.table("[sources.web]\nwrite_keys = [\"open\"]")
}

#[expect(clippy::disallowed_methods, reason = "the clock of the test itself")]
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// What somebody has overheard, to be sent as often as they like.
struct Overheard {
    method: Method,
    path: String,
    body: String,
    headers: Vec<(&'static str, String)>,
}

impl Overheard {
    /// A request of this moment. What is signed of an image is its query.
    fn signed(id: &str, method: Method, path: &str, body: String) -> Overheard {
        let signer = Signer::new(SECRET).unwrap().unwrap();
        let now = now();
        let covered = path.split_once('?').map_or(body.as_str(), |(_, query)| query);
        let signature = signer.sign(id, now, covered.as_bytes());
        let headers = vec![
            ("authorization", "Bearer wk".to_owned()),
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", now.to_string()),
            ("webhook-signature", signature),
        ];
        Overheard { method, path: path.to_owned(), body, headers }
    }

    async fn send(&self, router: &Router) -> (u16, String) {
        let mut request = router.request(self.method.as_str(), &self.path).body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.expect("the router answers");
        let refused = answer.headers().get("x-opentrack-refused");
        let refused = refused.map(|code| code.to_str().unwrap().to_owned()).unwrap_or_default();
        (answer.status().as_u16(), refused)
    }
}

#[tokio::test]
async fn a_signed_request_that_comes_again_after_a_kill_stores_nothing() {
    let mut router = Router::start(config()).await;
    let calls = json!({ "batch": [
        { "type": "track", "userId": "u", "event": "Paid" }, { "type": "track", "userId": "u", "event": "Paid" },
    ] });
    let image = "/v1/pixel/track?userId=u&event=Opened&writeKey=wk";
    let overheard = [
        Overheard::signed("msg_1", Method::POST, "/v1/batch", calls.to_string()),
        Overheard::signed("msg_2", Method::GET, image, String::new()),
    ];
    for request in &overheard {
        assert_eq!(request.send(&router).await, (200, String::new()));
    }
    let again = [(409, ""), (200, "signature_replayed")];
    for (request, (status, refused)) in overheard.iter().zip(again) {
        assert_eq!(request.send(&router).await, (status, refused.to_owned()));
    }
    for _ in 0..2 {
        router.kill9();
        router.start_again().await;
        for request in &overheard {
            assert_eq!(request.send(&router).await.0, 200, "a sender that tries again may stop");
        }
    }
    // The same id with other calls is no copy, before a restart and after it.
    for what in ["Refunded", "Shipped"] {
        let calls = json!({ "batch": [{ "type": "track", "userId": "u", "event": what }] });
        let reused = Overheard::signed("msg_1", Method::POST, "/v1/batch", calls.to_string());
        assert_eq!(reused.send(&router).await.0, 200, "{what}");
    }
    let duplicates = router.get("/metrics").await.text;
    assert!(duplicates.contains("opentrack_events_duplicate_total 3"), "{duplicates}");
    let last = track("u", 1);
    let answer = router.request("POST", "/v1/track").header("authorization", "Bearer open").json(&last);
    assert_eq!(answer.send().await.expect("the router answers").status(), 200);
    router.until_rows("tracks", &[last["messageId"].as_str().unwrap().to_owned()]).await;
    assert_eq!(router.db().ids("tracks").len(), 6, "five that were signed, and the last");
}
