//! Whose the events of a browser are: the cookie, who owns it, and visitors of whom nothing is kept.

use super::{Answer, Plan, TestDoor};
use crate::config::settings::Consent;
use crate::policy::consent::{Mode, Rules};

const PAGE: (&str, &str) = ("origin", "https://www.shop.example");
const HOST: (&str, &str) = ("host", "t.shop.example");
/// What the tracker has written before it sends.
const WRITTEN: (&str, &str) = ("cookie", "ot_aid=a-1");

async fn page(door: &TestDoor, body: &str, headers: &[(&str, &str)]) -> Answer {
    door.post_with("/collect/page", body.to_owned(), &[headers, &[PAGE, HOST]].concat()).await
}

fn stating(storage: &str, ids: &str) -> String {
    format!(r#"{{"context":{{"consent":{{"categoryPreferences":{{"storage":{storage}}}}}}}{ids}}}"#)
}

fn opt_in() -> Consent {
    Consent::to(&["storage".to_owned()], Rules { mode: Mode::OptIn, ..Rules::default() })
}

#[actix::test]
async fn the_id_of_an_accepted_request_is_kept_in_the_cookie_of_its_site() {
    let door = Plan::new().open();
    let expected = "ot_aid=a-1; Path=/; Max-Age=34128000; SameSite=Lax; Domain=shop.example; Secure";
    assert_eq!(page(&door, r#"{"anonymousId":"a-1"}"#, &[WRITTEN]).await.header("set-cookie"), expected);
    let batch = r#"{"batch":[{"type":"page","anonymousId":"a-0"},{"type":"page","anonymousId":"a-1"}]}"#;
    let answer = door.post_with("/v1/batch", batch, &[PAGE, HOST, WRITTEN]).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, expected));
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    let pixel =
        door.client.get(door.url("/collect/pixel.gif")).query(&[("data", r#"{"anonymousId":"a-1"}"#)]);
    let pixel = door.send(pixel.header("host", "t.shop.example").header("cookie", WRITTEN.1)).await;
    assert_eq!(pixel.header("set-cookie"), expected.replace("; Secure", ""));
}

#[actix::test]
async fn nobody_else_gets_a_cookie() {
    let door = Plan::new().open();
    let none = |answer: Answer| assert_eq!(answer.header("set-cookie"), "", "{answer:?}");
    // Whose page keeps its id elsewhere, or in no place at all, is not given a cookie.
    none(page(&door, r#"{"anonymousId":"a"}"#, &[]).await);
    none(page(&door, "{}", &[]).await);
    none(page(&door, r#"{"userId":"u"}"#, &[WRITTEN]).await);
    none(page(&door, &stating("false", r#","anonymousId":"a""#), &[WRITTEN]).await);
    none(page(&door, r#"{"anonymousId":"a b"}"#, &[WRITTEN]).await);
    none(page(&door, r#"{"anonymousId":"a","context":{"cookieless":true}}"#, &[WRITTEN]).await);
    assert_eq!(door.last_event()["anonymousId"].as_str().unwrap().len(), 32);
    let other = [("origin", "https://other.example"), HOST, WRITTEN];
    none(door.post_with("/collect/page", r#"{"anonymousId":"a"}"#, &other).await);
    none(door.post_with("/v1/page", r#"{"anonymousId":"a"}"#, &[HOST, WRITTEN]).await);
    let mut strict = Plan::new();
    strict.settings.tracker.storage = opt_in();
    let door = strict.open();
    none(page(&door, r#"{"anonymousId":"a"}"#, &[WRITTEN]).await);
    let willing = page(&door, &stating("true", r#","anonymousId":"a""#), &[WRITTEN]).await;
    assert!(willing.header("set-cookie").starts_with("ot_aid=a;"));
}

#[actix::test]
async fn an_origin_that_the_source_does_not_list_reads_nothing_and_gets_no_cookie() {
    let mut plan =
        Plan::new().with_source("web", "wk", &["https://*.shop.example"]).with_source("open", "any", &[]);
    plan.settings.sources[0].enforce_origin = false;
    let door = plan.open();
    let body = |key: &str| format!(r#"{{"anonymousId":"a","writeKey":"{key}"}}"#);
    let listed = page(&door, &body("wk"), &[WRITTEN]).await;
    assert_eq!(listed.header("access-control-allow-origin"), PAGE.1);
    assert_ne!(listed.header("set-cookie"), "");
    let evil = [("origin", "https://evil.example"), HOST, WRITTEN];
    let foreign = door.post_with("/collect/page", body("wk"), &evil).await;
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (200, ""));
    assert_eq!((foreign.header("vary"), foreign.header("set-cookie")), ("origin", ""));
    let open = door.post_with("/collect/page", body("any"), &evil).await;
    assert_eq!(open.header("access-control-allow-origin"), "https://evil.example");
}

#[actix::test]
async fn where_the_server_owns_the_id_it_comes_from_the_cookie_or_is_made() {
    let mut plan = Plan::new();
    plan.settings.tracker.cookie_http_only = true;
    let door = plan.open();
    let first = page(&door, r#"{"userId":"u"}"#, &[]).await;
    let made = door.last_event()["anonymousId"].as_str().unwrap().to_owned();
    assert_eq!(made.len(), 36);
    assert!(first.header("set-cookie").starts_with(&format!("ot_aid={made};")), "{first:?}");
    assert!(first.header("set-cookie").ends_with("; HttpOnly"));
    let cookie = format!("x=1; ot_aid={made}");
    let second = page(&door, "{}", &[("cookie", &cookie)]).await;
    assert_eq!((second.status, &door.last_event()["anonymousId"]), (200, &made.as_str().into()));
    assert!(second.header("set-cookie").starts_with(&format!("ot_aid={made};")));
}

#[actix::test]
async fn a_call_without_any_id_is_that_of_the_cookie_where_one_is_brought() {
    let door = Plan::new().open();
    let cookie = [("cookie", "ot_aid=kept")];
    assert_eq!(page(&door, "{}", &cookie).await.status, 200);
    assert_eq!(door.last_event()["anonymousId"], "kept");
    assert_eq!(page(&door, r#"{"anonymousId":"own"}"#, &cookie).await.status, 200);
    assert_eq!(door.last_event()["anonymousId"], "own");
    assert_eq!(page(&door, &stating("false", r#","userId":"u""#), &cookie).await.status, 200);
    assert_ne!(door.last_event()["anonymousId"], "kept");
    let server = door.post_with("/v1/page", "{}", &cookie).await;
    assert_eq!(server.error(400), "missing_identity", "a server speaks for nobody's cookie");
}

#[actix::test]
async fn who_refuses_storage_has_an_id_of_the_day_for_one_site_address_and_browser() {
    let mut plan = Plan::new().with_source("web", "wk", &[]).with_source("app", "wk_app", &[]);
    plan.settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let door = plan.open();
    let id = async |key: &str, ip: &str, agent: &str, anonymous: &str| {
        let body = stating("false", &format!(r#","anonymousId":"{anonymous}","writeKey":"{key}""#));
        let answer = page(&door, &body, &[("x-forwarded-for", ip), ("user-agent", agent)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        door.last_event()["anonymousId"].as_str().unwrap().to_owned()
    };
    let one = id("wk", "203.0.113.9", "Mozilla/5.0", "page-1").await;
    assert_eq!((one.len(), one.bytes().all(|byte| byte.is_ascii_hexdigit())), (32, true));
    assert_eq!(id("wk", "203.0.113.9", "Mozilla/5.0", "page-2").await, one);
    assert_ne!(id("wk", "203.0.113.8", "Mozilla/5.0", "page-1").await, one);
    assert_ne!(id("wk", "203.0.113.9", "Mozilla/4.0", "page-1").await, one);
    assert_ne!(id("wk_app", "203.0.113.9", "Mozilla/5.0", "page-1").await, one);
    let batch = format!(
        r#"{{"writeKey":"wk","batch":[{{"type":"page","anonymousId":"kept"}},{}]}}"#,
        stating("false", r#","type":"page","anonymousId":"page-3""#)
    );
    let brought = ("cookie", "ot_aid=kept");
    let headers = [("x-forwarded-for", "203.0.113.9"), ("user-agent", "Mozilla/5.0"), PAGE, HOST, brought];
    let answer = door.post_with("/v1/batch", batch, &headers).await;
    assert!(answer.header("set-cookie").starts_with("ot_aid=kept;"), "{answer:?}");
    assert_eq!(door.last_event()["anonymousId"], one.as_str());
}
