//! Unmodified SDKs through refusals, lost answers and restarts: what a client says was delivered is there, what it says
//! it gave up may be missing, and nothing is there twice, neither in the warehouse nor at a webhook.

use std::io::Read;
use std::net::TcpListener;

use super::clients::{self, Patience, Sdk};
use super::driver::{CALLS, Driver, Said};
use super::expected::expect_warehouse;
use crate::support::{Config, Fault, FaultProxy, Receiver, Reply, Router, free_port, until, until_some};

/// A router with the warehouse and a webhook that takes nothing before the client has done: so whatever the router takes
/// twice is there to be seen, also after a kill.
struct Stage {
    sdk: Sdk,
    prefix: String,
    router: Router,
    receiver: Receiver,
}

impl Stage {
    async fn start(sdk: Sdk, prefix: &str, port: u16) -> Stage {
        Stage::start_with(Config::new(), sdk, prefix, port).await
    }

    async fn start_with(config: Config, sdk: Sdk, prefix: &str, port: u16) -> Stage {
        let receiver = Receiver::scripted(|_| Reply::Status(503));
        let router = Router::start_at(port, config.webhook("hook", &receiver.url(), "")).await;
        Stage { sdk, prefix: prefix.to_owned(), router, receiver }
    }

    fn ids(&self, calls: &[&str]) -> Vec<String> {
        calls.iter().map(|call| format!("{}-{call}", self.prefix)).collect()
    }

    /// Lets the webhook recover and checks that these calls and no others arrived, each once.
    async fn expect_arrived(&self, calls: &[&str]) {
        let mut expected = self.ids(calls);
        self.receiver.recover();
        self.receiver.until_taken(&expected).await;
        self.until_settled().await;
        let mut taken = self.receiver.taken_ids();
        taken.sort();
        expected.sort();
        assert_eq!(taken, expected, "at the webhook");
        if calls == CALLS {
            expect_warehouse(&self.router, &self.prefix, self.sdk).await;
        }
    }

    /// Checks that what the client says was delivered arrived; of what it gave up, something may have.
    async fn expect_kept(&self, said: &Said) {
        self.receiver.recover();
        let delivered: Vec<&str> = said.delivered.iter().map(String::as_str).collect();
        self.receiver.until_taken(&self.ids(&delivered)).await;
        self.until_settled().await;
        let taken = self.receiver.taken_ids();
        let arrived = |call: &&str| taken.contains(&format!("{}-{call}", self.prefix));
        let arrived: Vec<&str> = CALLS.into_iter().filter(arrived).collect();
        self.expect_arrived(&arrived).await;
    }

    async fn until_settled(&self) {
        until("nothing waits for the webhook", 25, async || {
            self.router.destination("hook").await["backlog"]["events"] == 0
        })
        .await;
    }

    /// Returns how many events the router knew already when they came.
    async fn duplicates(&self) -> usize {
        let page = self.router.get("/metrics").await.text;
        let line = page.lines().find_map(|line| line.strip_prefix("opentrack_events_duplicate_total "));
        line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no such metric: {page}"))
    }
}

/// The calls that are lost by the SDK's own design when its first request fails this often.
fn given_up(sdk: Sdk, failures: usize) -> &'static [&'static str] {
    let tries = match sdk.patience {
        Patience::Minutes => usize::MAX,
        Patience::FourTries => 4,
        Patience::None => 1,
    };
    if failures < tries { &[] } else { &CALLS[..sdk.first_request] }
}

/// The first requests are refused by an overloaded router.
async fn through_refusals(sdk: Sdk, refusal: Fault, times: usize) {
    let Some(driver) = Driver::of(sdk) else { return };
    let stage = Stage::start(sdk, &driver.prefix, free_port()).await;
    let proxy = FaultProxy::start(stage.router.port(), vec![refusal; times]);
    let said = driver.run(&proxy.url()).await;
    assert!(proxy.requests() >= times, "the first requests met the refusals");
    let lost = given_up(sdk, times);
    assert_eq!(said.failed, lost, "what the client gave up");
    let arrived: Vec<&str> = CALLS.into_iter().filter(|call| !lost.contains(call)).collect();
    stage.expect_arrived(&arrived).await;
}

/// The router takes the first request, and the network loses its answer.
async fn through_a_lost_answer(sdk: Sdk) {
    let Some(driver) = Driver::of(sdk) else { return };
    let stage = Stage::start(sdk, &driver.prefix, free_port()).await;
    let proxy = FaultProxy::start(stage.router.port(), [Fault::LoseAnswer]);
    let said = driver.run(&proxy.url()).await;
    expect_first_request_known(&stage, &said).await;
}

/// The router is killed after it has taken the first request and before the client hears of it, and starts again.
async fn through_a_kill(sdk: Sdk) {
    let Some((stage, said)) = through_a_restart(sdk, Fault::LoseAnswerAndWait).await else { return };
    expect_first_request_known(&stage, &said).await;
}

/// The router is killed and starts again while the first request waits at a socket that somebody else holds.
async fn through_a_restart_at_a_held_socket(sdk: Sdk) {
    let Some((stage, said)) = through_a_restart(sdk, Fault::Wait).await else { return };
    assert_eq!(said.delivered, CALLS);
    stage.expect_arrived(&CALLS).await;
}

/// Kills the router and starts it again while the proxy holds the first request or its answer back.
async fn through_a_restart(sdk: Sdk, fault: Fault) -> Option<(Stage, Said)> {
    let driver = Driver::of(sdk)?;
    let mut stage = Stage::start(sdk, &driver.prefix, free_port()).await;
    let proxy = FaultProxy::start(stage.router.port(), [fault]);
    let url = proxy.url();
    let restart = async {
        proxy.until_held().await;
        stage.router.kill9();
        stage.router.start_again().await;
        proxy.go_on();
    };
    let (said, ()) = tokio::join!(driver.run(&url), restart);
    Some((stage, said))
}

/// All calls arrived, and what the client sent again was known. A client that does not send again says that the calls
/// failed which the router has.
async fn expect_first_request_known(stage: &Stage, said: &Said) {
    let lost = given_up(stage.sdk, 1);
    assert_eq!(said.failed, lost, "what the client gave up");
    stage.expect_arrived(&CALLS).await;
    let known = stage.duplicates().await;
    let again = if lost.is_empty() { stage.sdk.first_request } else { 0 };
    assert!(known >= again, "{again} came again, {known} were known");
}

/// Takes one connection, ends it when its request has begun to come, and listens no more.
async fn read_and_cut(listener: TcpListener) {
    listener.set_nonblocking(true).expect("a socket");
    let accepted = until_some("the client connects", 30, async || listener.accept().ok()).await;
    let mut stream = accepted.0;
    stream.set_nonblocking(true).expect("a socket");
    let begun = async || stream.read(&mut [0; 1]).is_ok_and(|bytes| bytes > 0);
    until("the client sends", 30, begun).await;
}

/// The router knows another key than the client's: what can never succeed is given up, by all of them in the end.
async fn with_a_refused_key(sdk: Sdk) {
    let Some(driver) = Driver::of(sdk) else { return };
    let config = Config::new().table("[sources.shop]\nwrite_keys = [\"another-key\"]");
    let stage = Stage::start_with(config, sdk, &driver.prefix, free_port()).await;
    let said = driver.run(&stage.router.url("")).await;
    assert_eq!(said.failed, CALLS);
    stage.expect_arrived(&[]).await;
}

/// Nobody answers at the address when the client makes its first try; then the router starts there.
async fn through_a_late_start(sdk: Sdk) {
    let Some(driver) = Driver::of(sdk) else { return };
    let port = free_port();
    let silent = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let prefix = driver.prefix.clone();
    let start_later = async {
        read_and_cut(silent).await;
        Stage::start(sdk, &prefix, port).await
    };
    let url = format!("http://127.0.0.1:{port}");
    let (said, stage) = tokio::join!(driver.run(&url), start_later);
    eprintln!("{said:?}");
    // A router may take longer to start than the others wait: then they say so.
    if sdk.patience == Patience::Minutes {
        assert!(said.failed.is_empty(), "{said:?}");
    }
    stage.expect_kept(&said).await;
}

macro_rules! outages {
    ($($module:ident: $sdk:expr;)+) => {$(
        mod $module {
            use super::{Fault, clients};

            #[tokio::test]
            async fn a_503_neither_loses_nor_doubles_an_event() {
                super::through_refusals($sdk, Fault::Refuse(503, None), 1).await;
            }

            #[tokio::test]
            async fn a_429_that_says_when_to_come_again_neither_loses_nor_doubles_an_event() {
                super::through_refusals($sdk, Fault::Refuse(429, Some(1)), 1).await;
            }

            #[tokio::test]
            async fn an_answer_that_was_lost_doubles_no_event() {
                super::through_a_lost_answer($sdk).await;
            }

            #[tokio::test]
            async fn a_kill_before_the_answer_neither_loses_nor_doubles_an_event() {
                super::through_a_kill($sdk).await;
            }

            #[tokio::test]
            async fn a_restart_that_a_request_waits_for_costs_no_event() {
                super::through_a_restart_at_a_held_socket($sdk).await;
            }

            #[tokio::test]
            async fn a_key_that_is_refused_fails_every_call_and_nothing_arrives() {
                super::with_a_refused_key($sdk).await;
            }

            #[tokio::test]
            async fn a_router_that_starts_after_the_first_try_gets_all_that_is_not_given_up() {
                super::through_a_late_start($sdk).await;
            }
        }
    )+};
}

outages! {
    analytics_node: clients::ANALYTICS_NODE;
    segment_node: clients::SEGMENT_NODE;
    rudder_node: clients::RUDDER_NODE;
    cdp_node: clients::CDP_NODE;
    segment_python: clients::SEGMENT_PYTHON;
    analytics_python: clients::ANALYTICS_PYTHON;
    rudder_python: clients::RUDDER_PYTHON;
    rust_crate: clients::SEGMENT_RUST;
    rust_crate_with_repetition: clients::SEGMENT_RUST_REPEATED;
}

#[tokio::test]
async fn an_outage_longer_than_four_tries_costs_those_events_alone_that_the_client_says_it_gave_up() {
    for sdk in [clients::ANALYTICS_NODE, clients::RUDDER_NODE, clients::CDP_NODE] {
        through_refusals(sdk, Fault::Refuse(503, None), 4).await;
    }
}
