//! Counted exactly once: when answers are lost, when the router is killed, and when several routers share one Redis.

use super::proxy::LossyWay;
use super::scene::{live, of_site, page, until_delivered};
use crate::support::{Config, Load, RedisServer, Router, Site, batch, until};

#[tokio::test]
async fn a_lost_answer_changes_no_number_when_the_batch_is_sent_again() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let way = LossyWay::open(&site);
    let router = Router::start(live(Config::default(), &way.url(), "")).await;
    router.post("/v1/batch", &batch(&[page("first", "/")])).await.expect_success();
    site.until_events(1).await;
    way.lose(3);
    let visits: Vec<_> = (0..20).map(|n| page(&format!("v{n}"), "/shop")).collect();
    router.post("/v1/batch", &batch(&visits)).await.expect_success();
    until_delivered(&router, 21).await;
    assert_eq!(way.lost(), 3, "the script ran three times in vain");
    assert_eq!((site.events(), site.entries().len()), (21, 21));
    assert_eq!(site.ask::<i64>(&["ZSCORE", &site.key("pages"), "/shop"]), 20);
    assert_eq!(router.dead_letters(), "");
}

/// Everything that was acknowledged is counted, each event once.
async fn expect_counted(site: &Site, router: &Router, load: Load) {
    let (sent, acknowledged) = load.finish();
    let idle = async || router.destination("live").await["backlog"]["events"] == 0;
    until("everything is settled", 60, idle).await;
    let marked = site.names("mid:");
    let counted: Vec<&str> = marked.iter().filter_map(|name| name.strip_prefix("mid:")).collect();
    let missing: Vec<&String> =
        acknowledged.iter().filter(|id| counted.binary_search(&id.as_str()).is_err()).collect();
    assert!(missing.is_empty(), "{} of {} are not counted: {missing:?}", missing.len(), acknowledged.len());
    assert!(counted.iter().all(|id| sent.contains_key(*id)));
    assert_eq!(site.events(), i64::try_from(counted.len()).unwrap(), "each is counted once");
    assert_eq!(router.dead_letters(), "");
}

#[tokio::test]
async fn kills_of_the_router_under_load_count_nothing_twice() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let mut router = Router::start(live(Config::default(), &site.url, "")).await;
    let load = Load::start(&router.url(""), 2);
    for _ in 0..4 {
        load.until_more(200).await;
        router.kill9();
        router.start_again().await;
    }
    load.until_more(100).await;
    expect_counted(&site, &router, load).await;
}

#[tokio::test]
async fn crashes_of_the_server_under_load_count_nothing_twice() {
    let Some(mut server) = RedisServer::start() else { return };
    let site = server.site();
    let router = Router::start(live(Config::default(), &site.url, "")).await;
    let load = Load::start(&router.url(""), 2);
    for _ in 0..3 {
        load.until_more(200).await;
        server.crash();
        load.until_more(100).await;
        server.start_again();
    }
    load.until_more(100).await;
    expect_counted(&site, &router, load).await;
}

#[tokio::test]
async fn the_numbers_of_two_routers_add_up() {
    let Some(site) = Site::new() else { return };
    let one = Router::start(of_site(Config::default(), &site)).await;
    let two = Router::start(of_site(Config::default(), &site)).await;
    let visits =
        |begin: u32| -> Vec<_> { (begin..begin + 30).map(|n| page(&format!("v{n}"), "/")).collect() };
    // Ten visitors come to both, and one event is sent to both.
    let (mut first, second) = (visits(0), visits(20));
    first.push(second[0].clone());
    one.post("/v1/batch", &batch(&first)).await.expect_success();
    two.post("/v1/batch", &batch(&second)).await.expect_success();
    until_delivered(&one, 31).await;
    until_delivered(&two, 30).await;
    assert_eq!(site.events(), 60);
    assert_eq!(site.ask::<i64>(&["ZCARD", &site.key("seen")]), 50);
    assert_eq!(site.ask::<i64>(&["ZSCORE", &site.key("pages"), "/"]), 50);
}
