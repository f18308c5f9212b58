//! Each key, as anybody reads it with plain commands, and as the reader of the program does.

use std::collections::BTreeMap;
use std::time::Duration;

use opentrack::destinations::Setting;
use opentrack::destinations::redis::store::{Live as _, Store};
use serde_json::json;

use super::scene::{of_site, order, page, until_delivered};
use crate::support::{Config, Router, Site, batch, opentrack};

fn ms(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// Returns the time of the server, which is that of the router too.
fn now(site: &Site) -> i64 {
    let (seconds, micros): (i64, i64) = site.ask(&["TIME"]);
    seconds * 1_000 + micros / 1_000
}

#[tokio::test]
async fn a_visitor_is_seen_on_one_page_and_moves_to_the_next() {
    let Some(site) = Site::new() else { return };
    let router = Router::start(of_site(Config::default(), &site)).await;
    let begun = now(&site);
    router.post("/v1/batch", &batch(&[page("a", "/"), page("b", "/")])).await.expect_success();
    site.until_events(2).await;
    let pages = |site: &Site| -> BTreeMap<String, i64> {
        site.ask(&["ZRANGE", &site.key("pages"), "0", "-1", "WITHSCORES"])
    };
    assert_eq!(pages(&site), BTreeMap::from([("/".to_owned(), 2)]));
    router.post("/v1/batch", &batch(&[page("a", "/cart")])).await.expect_success();
    site.until_events(3).await;
    assert_eq!(pages(&site), BTreeMap::from([("/".to_owned(), 1), ("/cart".to_owned(), 1)]));
    let where_is: BTreeMap<String, String> = site.ask(&["HGETALL", &site.key("page")]);
    assert_eq!(
        where_is,
        BTreeMap::from([("a".to_owned(), "/cart".to_owned()), ("b".to_owned(), "/".to_owned())])
    );
    let seen: BTreeMap<String, i64> = site.ask(&["ZRANGE", &site.key("seen"), "0", "-1", "WITHSCORES"]);
    assert!(
        seen.keys().eq(["a", "b"]) && seen.values().all(|at| (begun..=now(&site)).contains(at)),
        "{seen:?}"
    );
}

#[tokio::test]
async fn minutes_are_counted_with_their_orders_and_what_was_earned_in_each_currency() {
    let Some(site) = Site::new() else { return };
    let router = Router::start(of_site(Config::default(), &site)).await;
    let twice = order("o1", &json!("19.99"), "EUR");
    let told_again = order("o1", &json!("19.99"), "EUR");
    let calls =
        [page("a", "/"), twice, told_again, order("o2", &json!(5), "EUR"), order("o3", &json!(700), "usd")];
    router.post("/v1/batch", &batch(&calls)).await.expect_success();
    site.until_events(5).await;
    let wanted = [("events", 5), ("orders", 3), ("revenue-cents:EUR", 2_499), ("revenue-cents:USD", 70_000)];
    assert_eq!(site.counted(), wanted.map(|(field, value)| (field.to_owned(), value)).into());
    // `m:202601020304`, of the time at which the events happened.
    let at = router.destination("live").await;
    for name in site.names("m:") {
        let minute = name.strip_prefix("m:").unwrap();
        assert!(minute.len() == 12 && minute.bytes().all(|byte| byte.is_ascii_digit()), "{name} {at}");
        let keep: i64 = site.ask(&["TTL", &site.key(&name)]);
        assert!((7_100..=7_200).contains(&keep), "{name} is kept for {keep} s");
    }
}

#[tokio::test]
async fn visitors_of_the_day_and_of_the_hour_are_those_who_were_there() {
    let Some(site) = Site::new() else { return };
    let router = Router::start(of_site(Config::default(), &site)).await;
    let visits: Vec<_> = (0..300).map(|n| page(&format!("v{}", n % 200), "/")).collect();
    router.post("/v1/batch", &batch(&visits)).await.expect_success();
    router.post("/v1/batch", &batch(&[order("o", &json!(1), "EUR")])).await.expect_success();
    site.until_events(301).await;
    for (begin, digits, keep) in [("u:d:", 8, 35 * 86_400), ("u:h:", 10, 2 * 86_400)] {
        let names = site.names(begin);
        let counts: i64 = names.iter().map(|name| site.ask::<i64>(&["PFCOUNT", &site.key(name)])).sum();
        // At a change of the hour a visitor may be in two of them.
        assert!(
            (196..=410).contains(&counts) && names.iter().all(|name| name.len() == 4 + digits),
            "{names:?} {counts}"
        );
        let ttl: i64 = site.ask(&["TTL", &site.key(&names[0])]);
        assert!((keep - 100..=keep).contains(&ttl), "{begin} is kept for {ttl} s");
    }
}

#[tokio::test]
async fn the_stream_has_every_counted_event_once() {
    let Some(site) = Site::new() else { return };
    let router = Router::start(of_site(Config::default(), &site)).await;
    let visit = page("a", "/");
    router.post("/v1/batch", &batch(std::slice::from_ref(&visit))).await.expect_success();
    site.until_events(1).await;
    let entry = site.entries().remove(0);
    let told: Vec<(&str, &str)> =
        entry.iter().map(|(field, value)| (field.as_str(), value.as_str())).collect();
    let [("at", at), ("id", id), rest @ ..] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (*id, rest),
        (visit["messageId"].as_str().unwrap(), &[("page", "/"), ("type", "page"), ("visitor", "a")][..])
    );
    assert!(at.parse::<i64>().unwrap() <= now(&site));
}

#[tokio::test]
async fn servers_and_robots_are_not_there() {
    let Some(site) = Site::new() else { return };
    let router = Router::start(of_site(Config::default(), &site)).await;
    let mut robot = page("robot", "/");
    robot["context"]["bot"] = json!({ "name": "Examplebot" });
    let mut server = page("server", "/");
    server["context"]["channel"] = json!("server");
    router.post("/v1/batch", &batch(&[robot, server, page("a", "/")])).await.expect_success();
    site.until_events(2).await;
    let seen: Vec<String> = site.ask(&["ZRANGE", &site.key("seen"), "0", "-1"]);
    assert_eq!(seen, ["a"]);
    assert_eq!(router.destination("live").await["counts"]["skipped"]["unsupported"], 1);
}

#[tokio::test]
async fn whoever_was_not_seen_for_half_an_hour_is_gone_from_every_key() {
    let Some(site) = Site::new() else { return };
    let router = Router::start(of_site(Config::default(), &site)).await;
    let gone = (now(&site) - 1_800_001).to_string();
    site.ask::<()>(&["ZADD", &site.key("seen"), &gone, "old"]);
    site.ask::<()>(&["HSET", &site.key("page"), "old", "/left"]);
    site.ask::<()>(&["ZADD", &site.key("pages"), "1", "/left"]);
    router.post("/v1/batch", &batch(&[page("a", "/")])).await.expect_success();
    site.until_events(1).await;
    let all: (Vec<String>, Vec<String>, Vec<String>) = (
        site.ask(&["ZRANGE", &site.key("seen"), "0", "-1"]),
        site.ask(&["HKEYS", &site.key("page")]),
        site.ask(&["ZRANGE", &site.key("pages"), "0", "-1"]),
    );
    assert_eq!(all, (vec!["a".into()], vec!["a".into()], vec!["/".into()]));
}

#[tokio::test]
async fn an_event_that_happened_before_a_visitor_was_seen_last_moves_nobody_back() {
    let Some(site) = Site::new() else { return };
    let router = Router::start(of_site(Config::default(), &site)).await;
    router.post("/v1/batch", &batch(&[page("a", "/now")])).await.expect_success();
    site.until_events(1).await;
    let before: i64 = site.ask(&["ZSCORE", &site.key("seen"), "a"]);
    let mut earlier = page("a", "/earlier");
    earlier["timestamp"] = json!(jiff::Timestamp::from_millisecond(now(&site) - 60_000).unwrap().to_string());
    router.post("/v1/batch", &batch(&[earlier])).await.expect_success();
    site.until_events(2).await;
    assert_eq!(site.ask::<i64>(&["ZSCORE", &site.key("seen"), "a"]), before);
    assert_eq!(site.ask::<String>(&["HGET", &site.key("page"), "a"]), "/now");
}

#[tokio::test]
async fn the_reader_says_what_the_keys_say() {
    let Some(site) = Site::new() else { return };
    let router = Router::start(of_site(Config::default(), &site)).await;
    let mut some_time_ago = page("b", "/b");
    let at = now(&site) - 240_000;
    some_time_ago["timestamp"] = json!(jiff::Timestamp::from_millisecond(at).unwrap().to_string());
    let calls = [page("a", "/"), some_time_ago, page("c", "/"), order("o", &json!(3.5), "EUR")];
    router.post("/v1/batch", &batch(&calls)).await.expect_success();
    site.until_events(4).await;
    until_delivered(&router, 4).await;
    let config = toml::from_str(&format!("url = \"{}\"", site.url)).unwrap();
    let setting = Setting {
        name: "live".into(),
        data_dir: "/tmp".into(),
        production: false,
        timeout: Duration::from_secs(5),
        surroundings: Default::default(),
        site_salt: String::new().into(),
        meter: Default::default(),
        live: Default::default(),
    };
    let store = Store::new(&config, &setting).unwrap();
    let now = now(&site);
    let active = store.active(&site.name, now).await.unwrap();
    assert_eq!((active.m1, active.m5, active.m30), (2, 3, 3));
    let half_an_hour_ago = store.active(&site.name, at).await.unwrap();
    assert_eq!(
        (half_an_hour_ago.m1, half_an_hour_ago.m30),
        (1, 1),
        "a window ends at the time that is asked for"
    );
    assert_eq!(store.pages(&site.name, 1).await.unwrap(), [("/".to_owned(), 2)]);
    let minute = store.minute(&site.name, at).await.unwrap();
    assert_eq!((minute.events, minute.orders), (1, 0));
    let seen: i64 = site.ask(&["ZSCORE", &site.key("seen"), "a"]);
    let minute = store.minute(&site.name, seen).await.unwrap();
    assert_eq!((minute.events, minute.orders, minute.revenue_cents.get("EUR")), (3, 1, Some(&350)));
    assert_eq!(store.minute(&site.name, ms("2001-01-01T00:00:00Z")).await.unwrap(), Default::default());
    let (day, hour) =
        (store.day(&site.name, seen).await.unwrap(), store.hour(&site.name, seen).await.unwrap());
    assert!((2..=3).contains(&day) && (2..=3).contains(&hour), "{day} {hour}");
}

#[tokio::test]
async fn an_event_is_explained_without_a_server_and_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        "[destinations.live]\ntype = \"redis\"\nurl = \"redis://ot:hunter2pass@nowhere.invalid:6380/2\"\n";
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    std::fs::write(folder.path().join("event.json"), page("a", "/cart").to_string()).unwrap();
    let explained = opentrack()
        .args(["explain", "event.json", "--destination", "live"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&explained.stdout) + String::from_utf8_lossy(&explained.stderr);
    for part in ["EVALSHA redis://nowhere.invalid:6380/2", "ot:{", "seen", "\"page\"", "/cart", "u:d:"] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    assert!(!said.contains("hunter2pass"), "{said}");
}
