//! Sources that take signed requests alone.

use std::io::Write;

use super::{Answer, Mood, Plan, TestDoor, track};
use crate::spec::signature::Signer;
use crate::telemetry::clock;

const OWN: &str = "whsec_c2VjcmV0IG9mIHRoZSBzb3VyY2UgaXRzZWxm";
const COMMON: &str = "the-key-of-signed-requests-in-tests";

fn plan(secrets: &[&str]) -> Plan {
    let mut plan = Plan::new().with_source("jobs", "wk", &[]).with_source("web", "wk_web", &[]);
    plan.settings.sources[0].require_signature = true;
    plan.settings.sources[0].signing_secrets =
        secrets.iter().map(|secret| (*secret).to_owned().into()).collect();
    plan
}

/// What a request is signed with, and where it then differs.
struct Signed<'a> {
    id: &'a str,
    age: i64,
    secret: &'a str,
    packed: bool,
}

const GOOD: Signed<'static> = Signed { id: "msg_1", age: 0, secret: OWN, packed: false };

async fn send(door: &TestDoor, body: &str, signed: &Signed<'_>) -> Answer {
    send_to(door, "/v1/track", body, signed).await
}

async fn send_to(door: &TestDoor, path: &str, body: &str, signed: &Signed<'_>) -> Answer {
    let timestamp = clock::now().as_second() - signed.age;
    let mut bytes = body.as_bytes().to_vec();
    if signed.packed {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).unwrap();
        bytes = encoder.finish().unwrap();
    }
    let signer = Signer::new(signed.secret).unwrap().unwrap();
    let signature = signer.sign(signed.id, timestamp, &bytes);
    let timestamp = timestamp.to_string();
    let headers = [
        ("authorization", "Bearer wk"),
        ("webhook-id", signed.id),
        ("webhook-timestamp", &timestamp),
        ("webhook-signature", &signature),
    ];
    door.post_with(path, bytes, &headers).await
}

#[actix::test]
async fn a_signed_request_is_taken_also_packed_and_by_either_of_two_keys() {
    let door = plan(&["the new one", OWN]).open();
    for (id, secret, packed) in [("1", OWN, false), ("2", "the new one", false), ("3", OWN, true)] {
        let answer = send(&door, &track(id), &Signed { id, secret, packed, ..GOOD }).await;
        assert_eq!(answer.status, 200, "{id}: {answer:?}");
    }
    assert_eq!(door.seen(|seen| seen.ids.clone()), ["1", "2", "3"]);
}

#[actix::test]
async fn a_source_without_secrets_of_its_own_takes_the_common_one() {
    let door = plan(&[]).open();
    assert_eq!(send(&door, &track("1"), &Signed { secret: COMMON, ..GOOD }).await.status, 200);
    assert_eq!(send(&door, &track("2"), &GOOD).await.error(401), "signature_invalid");
}

#[actix::test]
async fn what_is_not_signed_well_has_its_code() {
    let door = plan(&[OWN]).open();
    let unsigned = door.post_with("/v1/track", track("1"), &[("authorization", "Bearer wk")]).await;
    assert_eq!(unsigned.error(401), "signature_missing");
    for age in [-400, 400] {
        assert_eq!(send(&door, &track("1"), &Signed { age, ..GOOD }).await.error(401), "signature_timestamp");
    }
    let other = Signed { secret: "another", ..GOOD };
    assert_eq!(send(&door, &track("1"), &other).await.error(401), "signature_invalid");
    assert_eq!(door.seen(|seen| seen.ids.len()), 0);
    let free = door.post_with("/v1/track", track("2"), &[("authorization", "Bearer wk_web")]).await;
    assert_eq!(free.status, 200, "the other source needs none");
}

#[actix::test]
async fn a_copy_of_a_stored_request_is_a_conflict_and_stores_nothing() {
    let door = plan(&[OWN]).open();
    assert_eq!(send(&door, &track("1"), &GOOD).await.status, 200);
    let again = send(&door, &track("1"), &Signed { age: -5, ..GOOD }).await;
    assert_eq!(again.error(409), "signature_replayed");
    assert_eq!(send(&door, &track("2"), &Signed { id: "msg_2", ..GOOD }).await.status, 200);
    assert_eq!(door.seen(|seen| seen.ids.clone()), ["1", "2"]);
}

#[actix::test]
async fn an_image_is_signed_over_its_query() {
    let door = plan(&[OWN]).open();
    let signer = Signer::new(OWN).unwrap().unwrap();
    let now = clock::now().as_second();
    let ask = async |path: &str, query: &str, id: &str, signed: Option<&str>| {
        let mut request = door.client.get(door.url(&format!("{path}?{query}")));
        if let Some(over) = signed {
            request = request
                .header("webhook-id", id)
                .header("webhook-timestamp", now.to_string())
                .header("webhook-signature", signer.sign(id, now, over.as_bytes()));
        }
        door.send(request).await.header("x-opentrack-refused").to_owned()
    };
    for (path, query) in [
        ("/v1/pixel/track", "userId=u&event=A%20b&messageId=1&writeKey=wk"),
        ("/collect/pixel.gif", "data=%7B%22userId%22:%22u%22,%22event%22:%22e%22%7D&writeKey=wk"),
    ] {
        assert_eq!(ask(path, query, path, None).await, "signature_missing", "{path}");
        assert_eq!(ask(path, query, path, Some("")).await, "signature_invalid", "{path}: an empty body");
        let other = query.replace("=u", "=v").replace("u%22,", "v%22,");
        assert_eq!(ask(path, &other, path, Some(query)).await, "signature_invalid", "{path}: another query");
        assert_eq!(ask(path, query, path, Some(query)).await, "", "{path}");
        assert_eq!(ask(path, query, path, Some(query)).await, "signature_replayed", "{path}");
    }
    assert_eq!(door.seen(|seen| seen.ids.len()), 2);
}

#[actix::test]
async fn calls_without_an_id_get_the_same_one_whenever_their_request_comes_again() {
    let mut plan_of = plan(&[OWN]);
    plan_of.mood = Mood::Unavailable;
    let door = plan_of.open();
    let two = r#"{"batch":[{"type":"track","userId":"u","event":"e"},{"type":"page","userId":"u"}]}"#;
    for (id, age) in [("msg_1", 0), ("msg_1", 20), ("msg_2", 0)] {
        assert_eq!(
            send_to(&door, "/v1/batch", two, &Signed { id, age, ..GOOD }).await.error(503),
            "overloaded"
        );
    }
    let ids = door.seen(|seen| seen.ids.clone());
    assert_eq!(ids[..2], ids[2..4], "the duplicate window knows the second copy");
    let different: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(different.len(), 4, "{ids:?}");
}

#[actix::test]
async fn a_reused_id_with_other_calls_is_another_request() {
    let door = plan(&[OWN]).open();
    let paid = |what: &str| format!(r#"{{"userId":"u","event":"{what}","sentAt":"2026-11-27T00:00:00Z"}}"#);
    let batch =
        |context: &str| format!(r#"{{"batch":[{{"type":"page","userId":"u"}}],"context":{{{context}}}}}"#);
    let later = paid("Paid").replace("00Z", "09Z");
    for (path, body, status) in [
        ("/v1/track", paid("Paid"), 200),
        ("/v1/track", paid("Refunded"), 200),
        ("/v1/track", paid("Paid"), 409),
        // Libraries write when they send, each time anew.
        ("/v1/track", later, 409),
        ("/v1/batch", batch(""), 200),
        ("/v1/batch", batch(r#""locale":"de""#), 200),
        ("/v1/batch", batch(""), 409),
    ] {
        let answer = send_to(&door, path, &body, &GOOD).await;
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
    }
    let ids: std::collections::BTreeSet<String> = door.seen(|seen| seen.ids.iter().cloned().collect());
    assert_eq!(ids.len(), 4, "the duplicate window takes none for another");
}

#[actix::test]
async fn a_request_that_was_not_stored_may_be_sent_again() {
    let mut full = plan(&[OWN]);
    full.mood = Mood::Full;
    let door = full.open();
    for _ in 0..2 {
        assert_eq!(send(&door, &track("1"), &GOOD).await.error(503), "journal_full");
    }
    let door = plan(&[OWN]).open();
    for _ in 0..2 {
        assert_eq!(send(&door, r#"{"event":"e"}"#, &GOOD).await.error(400), "missing_identity");
    }
}
