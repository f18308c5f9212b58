//! What is bought, over routers that share a Redis: the numbers of one router that has taken every event, and each event once.

use serde_json::{Value, json};

use super::proxy::LossyWay;
use super::scene::{live_at_noon, page, until_delivered, zone_of_noon};
use crate::support::{ClickHouse, Config, RedisServer, Router, Site, batch, fresh_id, until, until_some};

/// What the test is about.
const ABOUT: [&str; 3] = ["orders", "funnel", "carts"];

/// Returns what is bought, once it is as wanted.
async fn bought(router: &Router, what: &str, is_it: impl Fn(&[Value; 3]) -> bool) -> [Value; 3] {
    until_some(what, 60, async || {
        let answer = router.get("/api/stats/realtime").await;
        let all = (answer.status == 200).then(|| ABOUT.map(|name| answer.json()["totals"][name].clone()));
        all.filter(&is_it)
    })
    .await
}

/// Returns calls of eight visitors who look, fill carts, take out, order and give back; always the same.
fn shopping(begin: i64) -> Vec<Value> {
    let mut dice = 11_u64;
    let mut roll = move |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let names = [
        "Product Viewed",
        "Product Added",
        "Product Added",
        "Product Removed",
        "Checkout Started",
        "Order Completed",
        "Order Refunded",
        "Cart Viewed",
    ];
    let call = |n: i64| {
        let name = names[usize::try_from(roll(8)).unwrap()];
        // Some are told late, none from before what a cart is watched.
        let at = begin + n * 2_000 - i64::try_from(roll(3)).unwrap() * 5_000;
        let (product, tenths) = (format!("p{}", roll(3)), roll(3) + 1);
        let mut properties = json!({ "product_id": product, "quantity": format!("0.{tenths}") });
        if name.starts_with("Order") {
            let amount = format!("{}.{:02}", roll(90), roll(100));
            let currency = ["EUR", "usd", ""][usize::try_from(roll(3)).unwrap()];
            properties = json!({ "order_id": format!("o{}", roll(20)), "currency": currency });
            if name == "Order Completed" || roll(2) == 0 {
                properties["revenue"] = amount.into();
            }
        }
        json!({ "type": "track", "event": name, "anonymousId": format!("v{}", roll(8)), "messageId": fresh_id("m"),
            "timestamp": jiff::Timestamp::from_millisecond(at).unwrap().to_string(), "properties": properties })
    };
    (0..160).map(call).collect()
}

#[tokio::test]
async fn routers_together_say_what_one_says_that_has_every_event_and_lost_answers_count_nothing_twice() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let way = LossyWay::open(&site);
    let whole = format!("[realtime]\ntime_zone = \"{}\"", zone_of_noon());
    let alone = Router::start(Config::new().table(&whole)).await;
    let one = Router::start(live_at_noon(Config::new(), &way.url())).await;
    let two = Router::start(live_at_noon(Config::new(), &site.url)).await;
    let (seconds, _): (i64, i64) = site.ask(&["TIME"]);
    // Its answers are lost from the first batch after this one on.
    one.post("/v1/batch", &batch(&[page("first", "/")])).await.expect_success();
    site.until_events(1).await;
    let (mut sent, calls) = (1, shopping((seconds - 400) * 1_000));
    for (part, router) in calls.chunks(20).zip([&one, &two].into_iter().cycle()) {
        way.lose(1);
        router.post("/v1/batch", &batch(part)).await.expect_success();
        alone.post("/v1/batch", &batch(part)).await.expect_success();
        // In their order, as the one that is alone has them.
        sent += i64::try_from(part.len()).unwrap();
        site.until_events(sent).await;
    }
    until_delivered(&one, 81).await;
    assert!(way.lost() >= 3, "{} answers were lost", way.lost());
    let orders = calls.iter().filter(|call| call["event"] == "Order Completed");
    let mut ids: Vec<&Value> = orders.map(|call| &call["properties"]["order_id"]).collect();
    ids.sort_by_key(|id| id.to_string());
    ids.dedup();
    let wanted = bought(&alone, "the one has all", |all| all[0]["count"] == ids.len()).await;
    assert_eq!(wanted[0]["revenue"].as_object().unwrap().len(), 2, "{wanted:?}");
    assert!(wanted[2].as_u64() > Some(0) && wanted[1][3]["visitors"].as_u64() > Some(0), "{wanted:?}");
    for router in [&one, &two] {
        bought(router, &format!("together they say {wanted:?}"), |all| *all == wanted).await;
    }
}

/// Waits until so many visitors of the last half hour are shown.
async fn until_m30(router: &Router, count: u64) {
    let shown = async || router.get("/api/stats/realtime").await.json()["totals"]["m30"] == count;
    until(&format!("{count} are shown"), 60, shown).await;
}

#[tokio::test]
async fn a_router_whose_redis_is_another_one_from_now_on_shows_and_shares_what_is_there() {
    let (Some(first), Some(second)) = (RedisServer::start(), RedisServer::start()) else { return };
    let (first, second) = (first.site(), second.site());
    let mut moving = Router::start(live_at_noon(Config::new(), &first.url)).await;
    let other = Router::start(live_at_noon(Config::new(), &second.url)).await;
    other.post("/v1/batch", &batch(&[page("a", "/"), page("b", "/")])).await.expect_success();
    moving.post("/v1/batch", &batch(&[page("c", "/")])).await.expect_success();
    until_m30(&moving, 1).await;
    second.until_events(2).await;
    moving.reconfigure(live_at_noon(Config::new(), &second.url)).await;
    until_m30(&moving, 2).await;
    assert_eq!(second.names("seen"), ["seen"]);
}

/// Returns the key of the one answer that is kept, which is kept for ever from now on.
async fn kept_answer(site: &Site, router: &Router, path: &str) -> String {
    until_some("an answer is kept", 60, async || {
        if router.get(path).await.status != 200 {
            return None;
        }
        let keys: Vec<String> = site.ask(&["KEYS", "ot:{opentrack-reports}:*"]);
        keys.into_iter().find(|key| site.ask::<i64>(&["PERSIST", key]) == 1)
    })
    .await
}

#[tokio::test]
async fn a_report_of_clickhouse_is_made_by_one_router_and_given_by_the_other() {
    let (Some(server), clickhouse) = (RedisServer::start(), ClickHouse::start()) else { return };
    let site = server.site();
    let config = || live_at_noon(clickhouse.config(""), &site.url);
    let (one, two) = (Router::start(config()).await, Router::start(config()).await);
    one.post("/v1/batch", &batch(&[page("a", "/")])).await.expect_success();
    clickhouse.until_rows("SELECT message_id FROM opentrack.events", 1).await;
    let path = "/api/stats/pages?limit=7";
    let key = kept_answer(&site, &one, path).await;
    let mut kept: Value = serde_json::from_str(&site.ask::<String>(&["GET", &key])).unwrap();
    assert_eq!((&kept["is_csv"], &kept["sampled"]), (&json!(false), &json!(false)));
    let body: Value = serde_json::from_str(kept["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["rows"][0]["path"], "/");
    // So that it is seen who has made it.
    kept["body"] = "{\"made\":\"by the other\"}".into();
    site.ask::<()>(&["SET", &key, &kept.to_string()]);
    let given = two.get(path).await;
    assert_eq!((given.text.as_str(), given.header("x-store")), ("{\"made\":\"by the other\"}", "clickhouse"));
    let own = two.get("/api/stats/pages?limit=8").await.json();
    assert_eq!(own["rows"][0]["path"], "/", "another question is another answer");
}
