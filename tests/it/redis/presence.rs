//! What is live is the same at every router that shares a Redis, and a router's own where that is away.

use serde_json::{Value, json};

use super::scene::{of_site, page};
use crate::support::{Config, RedisServer, Router, Site, batch, until_some};

/// Returns the totals of the site once they are as wanted.
async fn totals(router: &Router, site: &Site, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/stats/realtime?site={}", site.name);
    until_some(what, 60, async || {
        let answer = router.get(&path).await;
        let totals = (answer.status == 200).then(|| answer.json()["totals"].clone());
        totals.filter(|totals| is_it(totals))
    })
    .await
}

#[tokio::test]
async fn routers_show_the_same_visitors_and_each_its_own_while_redis_is_away() {
    let Some(mut server) = RedisServer::start() else { return };
    let site = server.site();
    let one = Router::start(of_site(Config::default(), &site)).await;
    let two = Router::start(of_site(Config::default(), &site)).await;
    one.post("/v1/batch", &batch(&[page("a", "/x"), page("b", "/y")])).await.expect_success();
    two.post("/v1/batch", &batch(&[page("b", "/y"), page("c", "/y")])).await.expect_success();
    for router in [&one, &two] {
        let totals = totals(router, &site, "both know all three", |totals| totals["m30"] == 3).await;
        assert_eq!((&totals["degraded"], &totals["estimated"]), (&json!(false), &json!(false)));
        assert_eq!(
            totals["pages"],
            json!([{ "path": "/y", "visitors": 2 }, { "path": "/x", "visitors": 1 }])
        );
    }
    server.crash();
    for router in [&one, &two] {
        let totals =
            totals(router, &site, "each says that it is alone", |totals| totals["degraded"] == true).await;
        assert_eq!(totals["m30"], 2);
        assert_eq!(router.get("/health").await.status, 200);
    }
    server.start_again();
    totals(&one, &site, "they know each other again", |totals| totals["degraded"] == false).await;
}
