//! The page at `/` on real sockets: who sees what.

use super::{Answer, Plan, TestDoor};
use crate::actors::messages::{DestinationStatus, LastError};
use crate::http::token;
use crate::telemetry::clock;

/// A router with one destination, of which the other side tells a tale.
fn plan() -> Plan {
    let mut status = DestinationStatus::idle("crm", "hook", true, "retrying");
    let message = "<script>steal()</script>".to_owned();
    status.last_error = Some(LastError { at: clock::now(), status: Some(500), message });
    let mut plan = Plan::new();
    plan.statuses = vec![status];
    plan
}

async fn get(door: &TestDoor, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = door.client.get(door.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    door.send(request).await
}

fn expect_plain(page: &Answer) {
    assert_eq!(page.status, 200);
    assert!(page.body.contains("This router is running"), "{page:?}");
    let (_, shown) = page.body.split_once("<body>").unwrap();
    for told in ["crm", "retrying", "steal", "durability"] {
        assert!(!shown.contains(told), "`{told}` in {shown}");
    }
}

#[actix::test]
async fn an_operator_sees_the_destinations_and_nothing_that_they_answered_can_run() {
    let door = plan().open();
    let page = get(&door, "/", &[]).await;
    assert!(page.body.contains("<h3>crm</h3>") && page.body.contains("retrying"), "{page:?}");
    assert!(page.body.contains("&lt;script&gt;steal()"), "{page:?}");
    assert!(!page.body.contains("<script"), "{page:?}");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(
        (page.header("cache-control"), page.header("x-content-type-options")),
        ("no-store", "nosniff")
    );
}

#[actix::test]
async fn with_durability_os_the_console_says_what_a_power_cut_costs() {
    let page = get(&plan().open(), "/", &[]).await;
    assert!(page.body.contains("durability = \"os\"") && page.body.contains("power cut"), "{page:?}");
    let mut plan = plan();
    plan.settings.journal.durability = crate::config::settings::Durability::Fsync;
    let page = get(&plan.open(), "/", &[]).await;
    assert!(!page.body.contains("power cut"), "{page:?}");
}

#[actix::test]
async fn a_stranger_sees_the_plain_page_and_nothing_of_the_router() {
    let door = plan().open();
    expect_plain(&get(&door, "/", &[("host", "rebound.example")]).await);
    expect_plain(&get(&door, "/?refresh=on", &[("origin", "https://evil.example")]).await);
    let mut plan = plan();
    plan.settings.server.production = true;
    let door = plan.open();
    expect_plain(&get(&door, "/", &[]).await);
    expect_plain(&get(&door, "/", &[("authorization", "Bearer forged")]).await);
}

#[actix::test]
async fn in_production_a_token_opens_the_console() {
    let mut plan = plan();
    plan.settings.server.production = true;
    let secret = plan.settings.server.jwt_secret.clone();
    let door = plan.open();
    let bearer = |scope: &str| format!("Bearer {}", token::mint(&secret, scope, 4_102_444_800));
    let page = get(&door, "/", &[("authorization", &bearer("read:ops"))]).await;
    assert!(page.body.contains("<h3>crm</h3>"), "{page:?}");
    expect_plain(&get(&door, "/", &[("authorization", &bearer("read:stats"))]).await);
}

#[actix::test]
async fn the_page_comes_again_by_itself_only_when_it_is_asked_to() {
    let door = plan().open();
    let refresh = "<meta http-equiv=\"refresh\" content=\"5\">";
    assert!(get(&door, "/?refresh=on", &[]).await.body.contains(refresh));
    assert!(!get(&door, "/", &[]).await.body.contains(refresh));
    assert!(!get(&door, "/?refresh=1;url=https://evil.example", &[]).await.body.contains(refresh));
}
