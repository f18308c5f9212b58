//! Five answers, five actions: what each answer of a destination costs, and whom.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use super::{send, until_destination};
use crate::support::{Config, Receiver, Reply, Router, batch, free_port, ids_of, track, until};

/// Answers these first, the last of them at the end, and everything with 200 afterwards.
fn then_well(replies: Vec<Reply>) -> Receiver {
    let mut replies = replies.into_iter();
    Receiver::scripted(move |_| replies.next().unwrap_or(Reply::Status(200)))
}

/// The attempt that each request said it was.
fn attempts(receiver: &Receiver) -> Vec<String> {
    receiver.requests().iter().map(|one| one.headers["x-opentrack-attempt"].clone()).collect()
}

#[tokio::test]
async fn every_2xx_delivers() {
    for status in [200, 201, 202, 204] {
        let receiver = Receiver::scripted(move |_| Reply::Status(status));
        let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
        let ids = send(&router, "u", 2).await;
        until_destination(&router, "hook", "both are delivered", |one| one["counts"]["delivered"] == 2).await;
        assert_eq!(receiver.taken_ids(), ids, "{status}: each once");
    }
}

#[tokio::test]
async fn a_refused_event_is_a_dead_letter_with_status_answer_and_reason() {
    for (status, reason) in [(400, "rejected"), (413, "too_large"), (422, "rejected")] {
        let receiver =
            Receiver::scripted(move |_| Reply::With(status, Vec::new(), "not in this house".into()));
        let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
        let ids = send(&router, "u", 1).await;
        until_destination(&router, "hook", "it is dead", |one| one["counts"]["dead"] == json!({ reason: 1 }))
            .await;
        let letter: Value = serde_json::from_str(router.dead_letters().trim()).expect("one line");
        assert_eq!(letter["message_id"], ids[0], "{letter}");
        assert_eq!((&letter["status"], &letter["reason"]), (&json!(status), &json!(reason)), "{letter}");
        assert!(letter["answer"].to_string().contains("not in this house"), "{letter}");
        assert_eq!(receiver.requests().len(), 1, "{status}: it was tried again");
    }
}

#[tokio::test]
async fn one_poison_in_500_costs_twenty_requests_at_most_and_499_arrive_once() {
    for place in [0, 251, 499] {
        let events: Vec<Value> = (0..500).map(|n| track(&format!("u{}", n % 50), n)).collect();
        let mut ids = ids_of(&events);
        let poison = ids.remove(place);
        let bad = poison.clone();
        let receiver = Receiver::scripted(move |request| match request.holds(&bad) {
            true => Reply::Status(400),
            false => Reply::Status(200),
        });
        let extra = "batch = { max_events = 500, max_delay = \"10s\" }";
        let router = Router::start(Config::default().webhook("hook", &receiver.url(), extra)).await;
        router.post("/v1/batch", &batch(&events)).await.expect_success();
        until_destination(&router, "hook", "one is dead and the others delivered", |one| {
            one["counts"]["delivered"] == 499 && one["counts"]["dead"] == json!({ "rejected": 1 })
        })
        .await;
        let mut taken = receiver.taken_ids();
        taken.sort();
        ids.sort();
        assert_eq!(taken, ids, "each good one once");
        // Beyond the one request that 500 good events would cost: 2·log2(500) + 2.
        let extra = receiver.requests().len() - 1;
        assert!(extra <= 19, "{extra} extra requests for the one at {place}");
        assert!(router.dead_letters().contains(&poison));
    }
}

#[tokio::test]
async fn a_207_may_name_events_by_their_message_id() {
    let events: Vec<Value> = (0..4).map(|n| track(&format!("u{n}"), n)).collect();
    let ids = ids_of(&events);
    for key in ["message_id", "messageId"] {
        let bad = ids[2].clone();
        let receiver = Receiver::scripted(move |_| {
            let body = json!({ "errors": [{ key: bad, "message": "too blue" }] });
            Reply::With(207, Vec::new(), body.to_string())
        });
        let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
        router.post("/v1/batch", &batch(&events)).await.expect_success();
        until_destination(&router, "hook", "one is dead", |one| {
            one["counts"]["delivered"] == 3 && one["counts"]["dead"] == json!({ "rejected": 1 })
        })
        .await;
        let dead = router.dead_letters();
        assert!(dead.contains(&ids[2]) && dead.contains("too blue"), "{dead}");
        assert_eq!(receiver.requests().len(), 1, "nothing was sent again");
    }
}

#[tokio::test]
async fn each_passing_trouble_is_tried_again_and_kills_nothing() {
    let page = Reply::With(
        502,
        vec![("content-type".into(), "text/html".into())],
        "<html>Bad Gateway</html>".into(),
    );
    let not_a_list = Reply::With(207, Vec::new(), "<html>Multi-Status</html>".into());
    let statuses = [408, 425, 500, 503, 504].map(Reply::Status);
    let troubles = [Reply::Hang, Reply::Cut, Reply::Reset, Reply::Half(200), page, not_a_list];
    for trouble in troubles.into_iter().chain(statuses) {
        let what = format!("{trouble:?}");
        let receiver = then_well(vec![trouble]);
        let router =
            Router::start(Config::new().webhook("hook", &receiver.url(), "timeout = \"300ms\"")).await;
        let ids = send(&router, "u", 2).await;
        let entry = until_destination(&router, "hook", &what, |one| one["counts"]["delivered"] == 2).await;
        assert_eq!(entry["counts"]["dead"], json!({}), "{what}");
        assert_eq!(receiver.requests().len(), 2, "{what}");
        assert_eq!(attempts(&receiver), ["1", "2"], "{what} is an attempt");
        assert!(receiver.taken_ids().ends_with(&ids), "{what}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_passing_trouble() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/in");
    let router = Router::start(Config::new().webhook("hook", &url, "")).await;
    let ids = send(&router, "u", 4).await;
    let entry = until_destination(&router, "hook", "it fails", |one| one["breaker"]["state"] == "open").await;
    assert_eq!(entry["state"], "retrying", "{entry}");
    let receiver = Receiver::start_at(port);
    receiver.until_taken(&ids).await;
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
}

fn answer_plainly(mut stream: &TcpStream) {
    if stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").ok();
    }
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_holds_the_destination() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
    let url = format!("https://{}/in", peer.local_addr().expect("a bound socket has an address"));
    std::thread::spawn(move || peer.incoming().flatten().for_each(|stream| answer_plainly(&stream)));
    let router = Router::start(Config::new().webhook("hook", &url, "")).await;
    send(&router, "u", 4).await;
    let entry = until_destination(&router, "hook", "it is held", |one| one["state"] == "held").await;
    assert_eq!(entry["reason"], "tls", "{entry}");
    assert_eq!(entry["backlog"]["events"], 4, "{entry}");
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
}

#[tokio::test]
async fn time_held_or_throttled_counts_no_attempt_and_no_event_dies_of_it() {
    let mut replies = vec![Reply::throttle(1)];
    replies.extend(std::iter::repeat_n(Reply::Status(401), 8));
    replies.push(Reply::With(503, vec![("retry-after".into(), "1".into())], String::new()));
    let receiver = then_well(replies);
    // All of this takes more than three seconds.
    let extra = "concurrency = 1\nretry = { initial = \"50ms\", max = \"200ms\", give_up_after = \"500ms\" }";
    let config = Config::new().table(&format!(
        "[destinations.hook]\ntype = \"webhook\"\nurl = \"{}\"\nhold = {{ probe_every = \"200ms\" }}\n{extra}",
        receiver.url()
    ));
    let router = Router::start(config).await;
    let ids = send(&router, "u", 5).await;
    receiver.until_taken(&ids).await;
    assert!(attempts(&receiver).iter().all(|attempt| attempt == "1"), "{:?}", attempts(&receiver));
    let entry =
        until_destination(&router, "hook", "all are delivered", |one| one["counts"]["delivered"] == 5).await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
}

#[tokio::test]
async fn an_event_that_fails_while_others_flow_is_given_up_after_its_time_and_its_user_goes_on() {
    let receiver = Receiver::scripted(|request| {
        let bad = |event: &Value| event["userId"] == "sick" && event["properties"]["n"] == 0;
        if request.events().iter().any(bad) { Reply::Status(500) } else { Reply::Status(200) }
    });
    let config = Config::new().table(&format!(
        "[destinations.hook]\ntype = \"webhook\"\nurl = \"{}\"\nbatch = {{ max_events = 1 }}\n\
         breaker = {{ failures = 1000 }}\n\
         retry = {{ initial = \"20ms\", max = \"50ms\", give_up_after = \"300ms\" }}",
        receiver.url()
    ));
    let router = Router::start(config).await;
    let sick = send(&router, "sick", 3).await;
    let well = send(&router, "well", 3).await;
    let entry =
        until_destination(&router, "hook", "five of six arrive", |one| one["counts"]["delivered"] == 5).await;
    assert_eq!(entry["counts"]["dead"], json!({ "gave_up": 1 }), "{entry}");
    receiver.until_taken(&[&sick[1..], &well[..]].concat()).await;
    assert!(router.dead_letters().contains(&sick[0]));
}

#[tokio::test]
async fn retry_after_as_a_date_is_respected_and_503_with_it_is_no_failure() {
    let mut requests = 0;
    let receiver = Receiver::scripted(move |_| {
        requests += 1;
        match requests {
            1 => Reply::throttle_until(3),
            2 => Reply::With(503, vec![("retry-after".into(), "1".into())], String::new()),
            _ => Reply::Status(200),
        }
    });
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "concurrency = 1")).await;
    let ids = send(&router, "u", 3).await;
    let entry =
        until_destination(&router, "hook", "it is throttled", |one| one["state"] == "throttled").await;
    assert!(entry["next_attempt_at"].is_string(), "{entry}");
    assert_eq!(
        (&entry["breaker"]["state"], &entry["breaker"]["failures"]),
        (&json!("closed"), &json!(0)),
        "{entry}"
    );
    receiver.until_taken(&ids).await;
    let requests = receiver.requests();
    let waits: Vec<u128> =
        requests.windows(2).map(|two| two[1].at.duration_since(two[0].at).as_millis()).collect();
    // The date has no fractions of a second, so three seconds from now may be two and a little.
    assert!(waits[0] >= 1990 && waits[1] >= 990, "{waits:?}");
    assert_eq!(attempts(&receiver), ["1", "1", "1"], "being throttled is no attempt");
}

#[tokio::test]
async fn an_open_breaker_waits_and_lets_one_request_through_and_skips_nothing() {
    let mut replies = std::iter::repeat_n(Reply::Status(500), 3);
    let receiver = Receiver::scripted(move |_| replies.next().unwrap_or(Reply::Hang));
    let extra = "batch = { max_events = 5, max_delay = \"10ms\" }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let mut ids = send(&router, "u", 5).await;
    let entry =
        until_destination(&router, "hook", "the breaker is open", |one| one["breaker"]["state"] == "open")
            .await;
    assert!(entry["breaker"]["reopens_at"].is_string(), "{entry}");
    for user in ["v", "w", "x"] {
        ids.extend(send(&router, user, 5).await);
    }
    until("one request is let through", 10, async || receiver.requests().len() == 4).await;
    router.until_rows("tracks", &ids).await;
    let entry = router.destination("hook").await;
    assert_eq!((receiver.requests().len(), &entry["breaker"]["state"]), (4, &json!("half_open")), "{entry}");
    receiver.recover();
    receiver.until_taken(&ids).await;
    // The receiver has them before the router has read the last answer.
    let is_settled = |one: &Value| one["state"] == "flowing" && one["counts"]["delivered"] == 20;
    let entry = until_destination(&router, "hook", "it flows and all are delivered", is_settled).await;
    assert_eq!(entry["counts"], json!({ "delivered": 20, "skipped": {}, "dead": {} }), "{entry}");
}

#[tokio::test]
async fn a_held_destination_is_probed_no_more_often_than_asked() {
    let receiver = Receiver::scripted(|_| Reply::Status(403));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "concurrency = 4")).await;
    for user in ["u", "v", "w"] {
        send(&router, user, 5).await;
    }
    let probes = || receiver.requests().iter().filter(|one| one.ids().len() == 1).count();
    until("it was probed with one event each time", 10, async || probes() >= 4).await;
    let requests = receiver.requests();
    // The batches that were on their way when the first answer came are no probes.
    let probes: Vec<_> = requests.iter().skip_while(|one| one.ids().len() > 1).collect();
    for two in probes.windows(2) {
        let pause = two[1].at.duration_since(two[0].at).as_millis();
        assert!(pause >= 190, "a probe after {pause} ms");
        assert_eq!(two[1].ids().len(), 1, "a probe risks one event");
    }
}
