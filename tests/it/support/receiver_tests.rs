//! The scripted receiver does what the tests believe of it.

use std::time::Duration;

use serde_json::json;

use super::{Receiver, Reply, batch, gzip, http, ids_of, track, until};

async fn post(receiver: &Receiver, body: Vec<u8>, encoding: &str) -> Option<u16> {
    let mut request = http().post(receiver.url()).body(body);
    if !encoding.is_empty() {
        request = request.header("content-encoding", encoding);
    }
    request.send().await.ok().map(|response| response.status().as_u16())
}

#[tokio::test]
async fn the_receiver_records_gzip_and_plain_batches() {
    let receiver = Receiver::start();
    let events = [track("u", 1), track("u", 2)];
    let body = batch(&events).to_string().into_bytes();
    assert_eq!(post(&receiver, gzip(&body), "gzip").await, Some(200));
    assert_eq!(post(&receiver, json!(events).to_string().into_bytes(), "").await, Some(200));
    assert_eq!(post(&receiver, events[0].to_string().into_bytes(), "").await, Some(200));
    let expected = ids_of(&[
        events[0].clone(),
        events[1].clone(),
        events[0].clone(),
        events[1].clone(),
        events[0].clone(),
    ]);
    assert_eq!(receiver.taken_ids(), expected);
    assert_eq!(receiver.requests()[0].headers["content-encoding"], "gzip");
    assert_eq!(receiver.requests()[0].path, "/in");
    assert!(receiver.requests()[1].holds(&expected[1]));
}

#[tokio::test]
async fn the_receiver_refuses_throttles_cuts_and_delays_as_scripted() {
    let mut replies =
        vec![Reply::Slow(Duration::from_millis(30), 202), Reply::Cut, Reply::throttle(7), Reply::Status(500)];
    let receiver = Receiver::scripted(move |_| replies.pop().unwrap_or(Reply::Status(200)));
    let body = batch(&[track("u", 1)]).to_string().into_bytes();
    assert_eq!(post(&receiver, body.clone(), "").await, Some(500));
    let throttled = http().post(receiver.url()).body(body.clone()).send().await.unwrap();
    assert_eq!(
        (throttled.status().as_u16(), &throttled.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    assert_eq!(post(&receiver, body.clone(), "").await, None);
    assert_eq!(post(&receiver, body, "").await, Some(202));
    let statuses: Vec<Option<u16>> = receiver.requests().iter().map(|one| one.status).collect();
    assert_eq!(statuses, [Some(500), Some(429), None, Some(202)]);
    assert_eq!(receiver.taken_ids().len(), 1);
}

#[tokio::test]
async fn a_hanging_request_is_recorded_and_cut_when_the_receiver_recovers() {
    let receiver = Receiver::scripted(|_| Reply::Hang);
    let body = batch(&[track("u", 1)]).to_string().into_bytes();
    let hanging = post(&receiver, body, "");
    let watcher = async {
        until("the request was seen", 5, async || receiver.requests().len() == 1).await;
        receiver.recover();
    };
    let (answer, ()) = tokio::join!(hanging, watcher);
    assert_eq!(answer, None);
    assert_eq!(receiver.taken_ids(), Vec::<String>::new());
}

#[tokio::test]
async fn a_reset_is_no_end_and_half_an_answer_is_none() {
    let mut replies = vec![Reply::Half(200), Reply::Reset];
    let receiver = Receiver::scripted(move |_| replies.pop().unwrap_or(Reply::Cut));
    let body = batch(&[track("u", 1)]).to_string().into_bytes();
    let sent = || http().post(receiver.url()).body(body.clone()).send();
    let words = |error: reqwest::Error| format!("{error:?}");
    let reset = words(sent().await.unwrap_err());
    assert!(reset.contains("ConnectionReset"), "{reset}");
    let half = sent().await.unwrap();
    assert_eq!(half.status(), 200);
    #[expect(clippy::disallowed_methods, reason = "the receiver is trusted to end its answers")]
    let text = half.text().await;
    assert!(text.is_err(), "half an answer was read as a whole one");
    let cut = words(sent().await.unwrap_err());
    assert!(!cut.contains("ConnectionReset"), "{cut}");
    assert_eq!(receiver.taken_ids().len(), 1, "events of half an answer were taken");
}

#[tokio::test]
async fn what_a_207_names_was_not_taken_and_a_throttle_may_name_a_date() {
    let mut replies = vec![
        Reply::throttle_until(90),
        Reply::With(207, Vec::new(), json!({ "errors": [{ "index": 1 }] }).to_string()),
    ];
    let receiver = Receiver::scripted(move |_| replies.pop().unwrap_or(Reply::Cut));
    let events = [track("u", 1), track("u", 2), track("u", 3)];
    let body = batch(&events).to_string().into_bytes();
    assert_eq!(post(&receiver, body.clone(), "").await, Some(207));
    assert_eq!(receiver.taken_ids(), ids_of(&[events[0].clone(), events[2].clone()]));
    assert_eq!(ids_of(&receiver.taken()), receiver.taken_ids());
    let throttled = http().post(receiver.url()).body(body).send().await.unwrap();
    let date = throttled.headers()["retry-after"].to_str().unwrap().to_owned();
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
}
