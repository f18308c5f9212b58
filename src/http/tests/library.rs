//! Segment's browser library as a page's snippet asks for it: the file, its settings, and for whom they are.

use super::{Answer, Plan, TestDoor};

const SHOP: &str = "https://shop.example";

async fn get(door: &TestDoor, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = door.client.get(door.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    door.send(request).await
}

#[actix::test]
async fn settings_name_the_host_that_was_asked() {
    let door = Plan::new().with_source("web", "wk", &[]).open();
    let answer = get(&door, "/v1/projects/wk/settings", &[("host", "t.example"), ("origin", SHOP)]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, SHOP));
    assert_eq!(answer.header("cache-control"), "private, max-age=120");
    let settings = answer.json();
    let segment = &settings["integrations"]["Segment.io"];
    assert_eq!(
        (&segment["apiKey"], &segment["apiHost"], &segment["protocol"]),
        (&"wk".into(), &"t.example/v1".into(), &"https".into())
    );
    assert_eq!(settings["metrics"]["sampleRate"], 0, "nothing goes to the library's maker");
}

#[actix::test]
async fn settings_name_the_host_that_a_trusted_proxy_was_called_by() {
    let behind =
        [("host", "10.0.0.7:3000"), ("x-forwarded-host", "t.shop.example"), ("x-forwarded-proto", "https")];
    let ask = async |trusted: &str| {
        let mut plan = Plan::new().with_source("web", "wk", &[]);
        plan.settings.server.trusted_proxies = vec![trusted.parse().unwrap()];
        let settings = get(&plan.open(), "/v1/projects/wk/settings", &behind).await.json();
        let segment = &settings["integrations"]["Segment.io"];
        (segment["apiHost"].clone(), segment["protocol"].clone())
    };
    assert_eq!(ask("127.0.0.0/8").await, ("t.shop.example/v1".into(), "https".into()));
    assert_eq!(ask("192.0.2.0/24").await, ("10.0.0.7:3000/v1".into(), "http".into()), "a stranger's word");
}

#[actix::test]
async fn a_key_that_nobody_has_gets_neither_settings_nor_library() {
    let door = Plan::new().with_source("web", "wk", &[SHOP]).open();
    for path in [
        "/v1/projects/other/settings",
        "/analytics.js/v1/other/analytics.min.js",
        "/v1/projects/%00/settings",
    ] {
        assert_eq!(door.get(path).await.error(401), "unauthorized", "{path}");
    }
    let foreign = get(&door, "/v1/projects/wk/settings", &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.error(403), "forbidden");
    assert_eq!(get(&door, "/v1/projects/wk/settings", &[("host", "a\"b")]).await.error(400), "bad_parameter");
    let page = door.get("/metrics").await.body;
    assert!(page.contains("path=\"/v1/projects/KEY/settings\"") && !page.contains("other"), "{page}");
}

#[actix::test]
async fn without_sources_every_key_is_served() {
    let door = Plan::new().open();
    let answer = door.get("/v1/projects/any%2Fkey/settings/").await;
    assert_eq!(answer.json()["integrations"]["Segment.io"]["apiKey"], "any/key");
    assert_eq!(door.post("/v1/projects/any/settings", "{}").await.error(405), "method_not_allowed");
}

#[actix::test]
async fn the_library_is_the_file_of_the_package_in_the_form_that_is_asked() {
    let door = Plan::new().with_source("web", "wk", &[]).open();
    let path = "/analytics.js/v1/wk/analytics.min.js";
    let plain = door.get(path).await;
    assert_eq!((plain.status, plain.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert_eq!(plain.body, include_str!("../../../web/vendor/analytics-next/standalone.js"));
    assert_eq!(plain.header("content-encoding"), "");
    let same = get(&door, path, &[("if-none-match", plain.header("etag")), ("origin", SHOP)]).await;
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    let head = door.client.head(door.url(path)).header("accept-encoding", "br").send().await.unwrap();
    let headers = head.headers();
    assert_eq!((head.status().as_u16(), headers["content-encoding"].to_str().unwrap()), (200, "br"));
    assert_ne!(headers["etag"], plain.header("etag"));
    let vary: Vec<_> = headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(vary, ["accept-encoding", "origin"]);
}
