//! Images and beacons: one pixel whatever comes, and what becomes of the call behind it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncReadExt as _;

use super::{Answer, Mood, Plan, TestDoor, batch, track};

const TRACK: &str = "/v1/pixel/track";

/// Expects the answer that every image gets; returns the reason for which its call was refused.
fn expect_image(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"), "{answer:?}");
    assert!(answer.body.starts_with("GIF89a"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.header("x-opentrack-refused").to_owned()
}

/// Events and calls set aside that the router was given.
fn seen(door: &TestDoor) -> (usize, usize) {
    door.seen(|seen| (seen.ids.len(), seen.rejected.iter().sum()))
}

#[actix::test]
async fn every_image_takes_its_kind_of_call() {
    let door = Plan::new().open();
    for path in [
        "/v1/pixel/identify?userId=u&traits.plan=pro",
        "/v1/pixel/group?userId=u&groupId=g",
        "/v1/pixel/alias?userId=u&previousId=a",
        "/v1/pixel/page?anonymousId=a&name=Home",
        "/v1/pixel/screen?anonymousId=a&name=Home",
        "/v1/pixel/track/?userId=u&event=Email+Opened&properties.subject=The%20Electric%20Daily",
        "/pixel/v1/track?anonymousId=%22a%22&event=e&writeKey=any",
        "/pixel/v1/page?anonymousId=a&name=",
    ] {
        assert_eq!(expect_image(&door.get(path).await), "", "{path}");
    }
    assert_eq!(seen(&door), (8, 0));
    assert_eq!(door.seen(|seen| seen.with_ip.clone()), [true; 8], "an image is loaded by a person");
}

#[actix::test]
async fn data_holds_the_call_and_its_key() {
    let door = Plan::new().with_source("mail", "wk", &[]).open();
    let data = STANDARD.encode(r#"{"writeKey":"wk","userId":"u","event":"Email Opened","messageId":"m1"}"#);
    assert_eq!(expect_image(&door.get(&format!("{TRACK}?data={data}")).await), "");
    assert_eq!(
        door.seen(|seen| (seen.ids.clone(), seen.sources.clone())),
        (vec!["m1".into()], vec!["mail".into()])
    );
}

#[actix::test]
async fn an_image_with_a_wrong_key_is_an_image_and_nothing_else() {
    let door = Plan::new().with_source("mail", "wk", &[]).open();
    for query in ["", "?userId=u&event=e", "?userId=u&event=e&writeKey=other", "?data=%%%&writeKey="] {
        assert_eq!(expect_image(&door.get(&format!("{TRACK}{query}")).await), "unauthorized", "{query}");
    }
    assert_eq!(seen(&door), (0, 0));
    let page = door.get("/metrics").await.body;
    assert!(page.contains("opentrack_pixels_refused_total{reason=\"unauthorized\"} 4"), "{page}");
    assert!(page.contains("path=\"/v1/pixel/track\""), "{page}");
}

#[actix::test]
async fn a_call_that_makes_no_sense_is_an_image_and_set_aside() {
    let door = Plan::new().open();
    let deep = format!("?{}=1", ["a"; 2000].join("."));
    let long = format!("?userId=u&event=e&x={}", "y".repeat(60_000));
    let hostile = [
        "",
        "?",
        "?&&&",
        "?=",
        "?data=",
        "?data=%%%",
        "?data=%FF%FE",
        "?data=bm8=",
        "?data=W10=",
        "?userId=%00",
        "?userId=u&userId=v&event=e",
        "?a=1&a.b=2&event=e",
        "?__proto__.x=1",
        "?userId=u&event.x=1",
        &deep,
    ];
    for query in hostile {
        assert_eq!(expect_image(&door.get(&format!("{TRACK}{query}")).await), "", "{query}");
    }
    assert_eq!(seen(&door), (0, hostile.len()));
    assert_eq!(expect_image(&door.get(&format!("{TRACK}{long}")).await), "");
    assert_eq!(seen(&door).0, 1, "a long value is no mistake");
}

#[actix::test]
async fn raw_bytes_in_the_address_cannot_break_an_image() {
    let door = Plan::new().open();
    for query in ["?userId=u&event=%zz%", "?event=e;userId=u&a=%C3", "?%00%01=%ff&data=%", "?data=;;|"] {
        let mut socket = door.connect().await;
        socket.write(format!("GET {TRACK}{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        let mut answer = Vec::new();
        socket.stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\n\r\nGIF89a"),
            "{query}: {answer}"
        );
    }
}

#[actix::test]
async fn an_image_is_an_image_also_when_nothing_can_be_stored() {
    for (mood, reason) in [(Mood::Full, "journal_full"), (Mood::Unavailable, "overloaded")] {
        let door = Plan { mood, ..Plan::new() }.open();
        assert_eq!(expect_image(&door.get(&format!("{TRACK}?userId=u&event=e")).await), reason);
    }
}

/// Whether an event of this query has the id that it brought.
async fn keeps_its_id(query: &str) -> bool {
    let door = Plan::new().open();
    assert_eq!(expect_image(&door.get(&format!("{query}&anonymousId=a-1")).await), "", "{query}");
    door.last_event()["anonymousId"] == "a-1"
}

#[actix::test]
async fn an_image_that_refuses_storage_keeps_no_id_however_it_says_so() {
    const PREFERS: &str = "context.consent.categoryPreferences.storage";
    for refusal in [
        format!("{PREFERS}=false"),
        format!("{PREFERS}=False"),
        format!("{PREFERS}=no"),
        "context%2Econsent.categoryPreferences.st%6Frage=f%61lse".to_owned(),
        "context.cookieless=true".to_owned(),
        "context.c%6Fokieless=1".to_owned(),
    ] {
        assert!(!keeps_its_id(&format!("{TRACK}?event=e&{refusal}")).await, "{refusal}");
    }
    for consent in [format!("{PREFERS}=true"), format!("{PREFERS}=1"), "context.cookieless=false".to_owned()]
    {
        assert!(keeps_its_id(&format!("{TRACK}?event=e&{consent}")).await, "{consent}");
    }
    let call = r#"{"event":"e","anonymousId":"a-1","context":{"consent":{"categoryPreferences":{"stor\u0061ge":false}}}}"#;
    for path in [TRACK, "/collect/pixel.gif"] {
        let door = Plan::new().open();
        let data = STANDARD.encode(call).replace('+', "%2B");
        assert_eq!(expect_image(&door.get(&format!("{path}?data={data}")).await), "");
        assert_eq!(door.last_event()["anonymousId"].as_str().map(str::len), Some(32), "{path}");
    }
}

#[actix::test]
async fn an_image_that_states_consent_states_it_as_a_call_does() {
    let door = Plan::new().open();
    let prefers = "context.consent.categoryPreferences";
    let query =
        format!("?userId=u&event=e&{prefers}.advertising=true&{prefers}.analytics=0&properties.on=true");
    assert_eq!(expect_image(&door.get(&format!("{TRACK}{query}")).await), "");
    let event = door.last_event();
    let stated = &event["context"]["consent"]["categoryPreferences"];
    assert_eq!(*stated, serde_json::json!({ "advertising": true, "analytics": false }));
    assert_eq!(event["properties"]["on"], "true", "what else comes one by one stays a text");
}

#[actix::test]
async fn a_head_is_no_call_and_other_methods_are_refused() {
    let door = Plan::new().open();
    let path = format!("{TRACK}?userId=u&event=e");
    let head = door.send(door.client.head(door.url(&path))).await;
    assert_eq!((head.status, head.header("content-type"), head.body.as_str()), (200, "image/gif", ""));
    assert_eq!(door.post(&path, "{}").await.error(405), "method_not_allowed");
    assert_eq!(seen(&door), (0, 0));
}

#[actix::test]
async fn a_beacon_has_its_key_in_the_query() {
    let door = Plan::new().with_source("web", "w/k+ü", &[]).open();
    let one = batch(&[&track("1").replacen('{', r#"{"type":"track","#, 1)]);
    let path = "/beacon/v1/batch?writeKey=w%2Fk%2B%C3%BC";
    assert_eq!(door.post(path, one.clone()).await.status, 200);
    for wrong in ["/beacon/v1/batch", "/beacon/v1/batch?writeKey=", "/beacon/v1/batch?writeKey=other"] {
        door.post(wrong, one.clone()).await.error(401);
    }
    // What has a meaning of its own in other paths: a key in the address would end up in logs.
    door.post("/v1/batch?writeKey=w%2Fk%2B%C3%BC", one.clone()).await.error(401);
    let other = [("authorization", "Basic b3RoZXI6")];
    door.post_with(path, one, &other).await.error(401);
    assert_eq!(seen(&door), (1, 0));
}
