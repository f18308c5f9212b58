//! The proxy does what the tests of the SDKs believe of it. A receiver stands for the router.

use super::{Fault, FaultProxy, Receiver, basic, batch, gzip, http, track};

fn before(receiver: &Receiver, fault: Fault) -> FaultProxy {
    let url: reqwest::Url = receiver.url().parse().unwrap();
    FaultProxy::start(url.port().unwrap(), [fault])
}

/// Sends an event through the proxy; `None` when there is no answer.
async fn send(url: &str, n: u64) -> Option<reqwest::Response> {
    let body = gzip(batch(&[track("u", n)]).to_string().as_bytes());
    let request = http().post(format!("{url}/v1/batch")).header("content-encoding", "gzip");
    request.header("authorization", basic("key:")).body(body).send().await.ok()
}

fn arrived(receiver: &Receiver) -> Vec<u64> {
    receiver.taken().iter().filter_map(|event| event["properties"]["n"].as_u64()).collect()
}

#[tokio::test]
async fn a_refused_request_is_not_forwarded_and_the_next_is_unchanged() {
    let receiver = Receiver::start();
    let proxy = before(&receiver, Fault::Refuse(429, Some(7)));
    let refused = send(&proxy.url(), 1).await.expect("an answer");
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert!(arrived(&receiver).is_empty());
    assert_eq!(send(&proxy.url(), 2).await.expect("an answer").status(), 200);
    assert_eq!(arrived(&receiver), [2]);
    let forwarded = receiver.requests().remove(0);
    assert_eq!(forwarded.path, "/v1/batch");
    assert_eq!(forwarded.headers["authorization"], basic("key:"));
    assert_eq!(proxy.requests(), 2);
}

#[tokio::test]
async fn a_lost_answer_was_given_and_is_not_heard() {
    let receiver = Receiver::start();
    let proxy = before(&receiver, Fault::LoseAnswer);
    assert!(send(&proxy.url(), 1).await.is_none());
    assert_eq!(arrived(&receiver), [1]);
}

#[tokio::test]
async fn what_waits_is_forwarded_only_when_it_may_go_on() {
    let receiver = Receiver::start();
    let proxy = before(&receiver, Fault::Wait);
    let url = proxy.url();
    let go_on = async {
        proxy.until_held().await;
        assert!(arrived(&receiver).is_empty());
        proxy.go_on();
    };
    let (answer, ()) = tokio::join!(send(&url, 1), go_on);
    assert_eq!(answer.expect("an answer").status(), 200);
    assert_eq!(arrived(&receiver), [1]);
}

#[tokio::test]
async fn an_answer_that_waits_is_cut_and_later_requests_wait_with_it() {
    let receiver = Receiver::start();
    let proxy = before(&receiver, Fault::LoseAnswerAndWait);
    let url = proxy.url();
    let later = async {
        proxy.until_held().await;
        let go_on = async {
            super::until("the second request came", 25, async || proxy.requests() == 2).await;
            assert_eq!(arrived(&receiver), [1]);
            proxy.go_on();
        };
        tokio::join!(send(&url, 2), go_on).0
    };
    let (first, second) = tokio::join!(send(&url, 1), later);
    assert!(first.is_none());
    assert_eq!(second.expect("an answer").status(), 200);
    assert_eq!(arrived(&receiver), [1, 2]);
}
