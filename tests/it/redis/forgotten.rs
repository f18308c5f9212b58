//! Visitors who are forgotten: no key names them afterwards, and who reads the stream goes on reading it.

use serde_json::{Value, json};

use super::scene::{of_site, page};
use crate::support::{Config, Router, Site, batch, fresh_id};

/// What a visitor does who looks, puts something into a cart and leaves it there.
fn shopper(visitor: &str) -> [Value; 3] {
    let step = |name: &str| {
        json!({ "type": "track", "event": name, "anonymousId": visitor, "messageId": fresh_id("m"),
            "context": { "page": { "path": "/p" } }, "properties": { "product_id": "p", "quantity": 1 } })
    };
    [page(visitor, "/p"), step("Product Viewed"), step("Product Added")]
}

/// Makes the stream longer than one reading, and has a group begin to read it.
fn fill(site: &Site, stream: &str, (rare, usual): (&str, &str)) {
    let script = "for n = 1, 2500 do redis.call('XADD', KEYS[1], '*', 'id', n, 'visitor', n % 500 == 0 and ARGV[1] or ARGV[2]) end";
    site.ask::<Option<i64>>(&["EVAL", script, "1", stream, rare, usual]);
    site.ask::<String>(&["XGROUP", "CREATE", stream, "readers", "0"]);
    let read = "XREADGROUP GROUP readers one COUNT 4 STREAMS".split(' ');
    site.ask::<redis::Value>(&read.chain([stream, ">"]).collect::<Vec<_>>());
}

/// One site has everything of the visitor, in a stream of more than one reading; others have one thing alone.
#[tokio::test]
async fn nothing_of_a_visitor_is_left_and_a_group_of_readers_goes_on() {
    let Some(site) = Site::new() else { return };
    let (anna, ben) = (fresh_id("anna"), fresh_id("ben"));
    let router = Router::start(of_site(Config::default(), &site)).await;
    router.post("/v1/batch", &batch(&[shopper(&anna), shopper(&ben)].concat())).await.expect_success();
    site.until_events(6).await;
    let stream = site.key("stream");
    fill(&site, &stream, (&anna, &ben));
    let lonely: Vec<(Site, &str)> = ["carts", "level:1", "level:4"]
        .map(|name| (Site { url: site.url.clone(), name: fresh_id("site") }, name))
        .into();
    for (other, name) in &lonely {
        other.ask::<i64>(&["ZADD", &other.key(name), "1", &anna, "1", &ben]);
    }
    let known = site.names_with(&anna);
    for name in ["seen", "page", "sessions", "stream", "carts", "level:2"] {
        assert!(known.iter().any(|known| known == name), "{name}: {known:?}");
    }
    for own in ["sess", "way", "cart"] {
        assert!(known.contains(&format!("{own}:{anna}")), "{own}: {known:?}");
    }
    let before = site.names_with(&ben);

    let forgotten = router.run(&["forget", "--anonymous", &anna]);
    let said = String::from_utf8_lossy(&forgotten.stdout);
    assert!(forgotten.status.success() && said.contains("live: done"), "{said}");
    for (site, name) in lonely.iter().map(|(site, name)| (site, *name)).chain([(&site, "stream")]) {
        assert_eq!(site.names_with(&anna), Vec::<String>::new(), "{name}");
        assert!(site.names_with(&ben).iter().any(|there| there == name), "{name}");
    }
    assert_eq!(site.names_with(&ben), before);
    assert_eq!(site.entries().len(), 3 + 2_495);
    let groups: Vec<redis::Value> = site.ask(&["XINFO", "GROUPS", &stream]);
    assert_eq!(groups.len(), 1, "whoever reads in a group goes on");
}
