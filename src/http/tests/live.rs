//! The stream on real sockets, with the real broadcaster behind it.

use std::sync::Arc;

use actix::Addr;
use bytes::Bytes;

use super::*;
use crate::actors::broadcaster::Broadcaster;
use crate::actors::messages::{Farewell, Glimpse, Glimpses, Numbers, Publish, Saying};
use crate::http::sites::Sites;
use crate::http::token::{self, Order};
use crate::telemetry::clock;

/// What has come on a stream so far.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    /// Reads until the text holds this; `None` at the end of the stream.
    async fn until(&mut self, wanted: &str) -> Option<()> {
        while !self.text.contains(wanted) {
            let bytes: Option<Bytes> = self.response.chunk().await.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes?).unwrap());
        }
        Some(())
    }

    /// Reads to the end.
    async fn end(mut self) -> String {
        assert!(self.until("never said").await.is_none());
        self.text
    }
}

fn plan() -> (Plan, Addr<Broadcaster>) {
    let broadcaster = Broadcaster::new("b", Arc::new(Metrics::new())).start();
    let mut plan = Plan::new();
    let (subscribe, ask) = (broadcaster.clone().recipient(), broadcaster.clone().recipient());
    plan.live = Some(LiveDesk { subscribe, ask, glimpses: Glimpses::default() });
    (plan, broadcaster)
}

pub(super) fn production() -> (Plan, Addr<Broadcaster>) {
    let (mut plan, broadcaster) = plan();
    plan.settings.server.production = true;
    (plan, broadcaster)
}

fn minted(scope: &str, seconds: i64) -> String {
    minted_for(scope, &Sites::All, seconds)
}

fn minted_for(scope: &str, sites: &Sites, seconds: i64) -> String {
    let issued = clock::now().as_second();
    token::mint_as(&settings().server.jwt_secret, &Order { scope, sites, issued, expires: issued + seconds })
}

async fn listen(door: &TestDoor, path: &str, headers: &[(&str, &str)]) -> Stream {
    let mut request = door.client.get(door.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    Stream { response, text: String::new() }
}

async fn say(to: &Addr<Broadcaster>, site: &str, n: u32) {
    let saying = Saying { event: "order", data: format!("{{\"n\":{n}}}").into(), site: Some(site.into()) };
    let numbers = |site: Option<&str>| Numbers {
        site: site.map(Into::into),
        view: format!("{{\"site\":{site:?},\"m1\":{n}}}").into(),
        report: format!("{{\"n\":{n}}}").into(),
    };
    let numbers = vec![numbers(None), numbers(Some(site))];
    to.send(Publish { sayings: vec![saying], numbers }).await.unwrap();
}

#[actix::test]
async fn the_stream_begins_with_a_snapshot_and_never_ends_by_itself() {
    let (plan, broadcaster) = plan();
    let door = plan.open();
    say(&broadcaster, "web", 1).await;
    let mut stream = listen(&door, "/presence/stream", &[]).await;
    let header = |name: &str| stream.response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-cache, no-transform");
    assert_eq!(
        (header("x-accel-buffering").as_str(), header("x-content-type-options").as_str()),
        ("no", "nosniff")
    );
    stream.until("}\n\n").await.unwrap();
    assert_eq!(stream.text, "retry: 3000\n\nevent: snapshot\nid: b-3\ndata: {\"site\":None,\"m1\":1}\n\n");
    stream.text.clear();
    say(&broadcaster, "web", 2).await;
    stream.until("\"m1\":2}\n\n").await.unwrap();
    let wanted = "event: order\nid: b-4\ndata: {\"n\":2}\n\nevent: presence\nid: b-5\ndata: {\"site\":None,\"m1\":2}\n\n";
    assert_eq!(stream.text, wanted);
    broadcaster.send(Farewell).await.unwrap();
    assert!(stream.end().await.ends_with("event: bye\nid: b-7\ndata: {\"reason\":\"shutdown\"}\n\n"));
    assert_eq!(door.get("/presence/stream").await.error(503), "overloaded");
}

#[actix::test]
async fn a_stream_of_one_site_has_nothing_of_another() {
    let (plan, broadcaster) = plan();
    let door = plan.open();
    say(&broadcaster, "web", 1).await;
    let stream = listen(&door, "/presence/stream?site=web", &[]).await;
    say(&broadcaster, "app", 2).await;
    say(&broadcaster, "web", 3).await;
    broadcaster.send(Farewell).await.unwrap();
    let text = stream.end().await;
    assert!(text.contains("id: b-3\ndata: {\"site\":Some(\"web\"),\"m1\":1}"), "{text}");
    assert!(text.contains("{\"n\":3}") && text.contains("Some(\"web\"),\"m1\":3"), "{text}");
    assert!(!text.contains("{\"n\":2}") && !text.contains("app") && !text.contains("None"), "{text}");
}

#[actix::test]
async fn a_listener_that_comes_back_gets_what_it_missed_or_is_told_that_it_cannot() {
    let (plan, broadcaster) = plan();
    let door = plan.open();
    say(&broadcaster, "web", 1).await;
    say(&broadcaster, "web", 2).await;
    let back = listen(&door, "/presence/stream", &[("last-event-id", "b-3")]).await;
    let strange = listen(&door, "/presence/stream", &[("last-event-id", "other-3")]).await;
    broadcaster.send(Farewell).await.unwrap();
    let text = back.end().await;
    assert!(text.starts_with("retry: 3000\n\nevent: order\nid: b-4\n"), "{text}");
    assert!(text.contains("id: b-5\n") && !text.contains("snapshot") && !text.contains("gap"), "{text}");
    let text = strange.end().await;
    let wanted = "retry: 3000\n\nevent: gap\ndata: {\"missed\":null}\n\nevent: snapshot\nid: b-6\n";
    assert!(text.starts_with(wanted), "{text}");
}

#[actix::test]
async fn a_token_with_the_scope_is_needed_and_its_end_is_the_end() {
    let (plan, _broadcaster) = production();
    let door = plan.open();
    assert_eq!(door.get("/presence/stream").await.error(401), "unauthorized");
    let bearer = |scope: &str, seconds| format!("Bearer {}", minted(scope, seconds));
    let request =
        |value: String| door.client.get(door.url("/presence/stream")).header("authorization", value);
    assert_eq!(door.send(request(bearer("read:stats read:ops", 60))).await.error(403), "forbidden");
    assert_eq!(door.send(request(bearer("read:stream", -1))).await.error(401), "unauthorized");
    let long = format!("/presence/stream?access_token={}", minted("read:stream", 700));
    assert_eq!(door.get(&long).await.error(401), "unauthorized");
    let undated = token::mint(&settings().server.jwt_secret, "read:stream", clock::now().as_second() + 60);
    let undated = format!("/presence/stream?access_token={undated}");
    assert_eq!(door.get(&undated).await.error(401), "unauthorized", "nobody knows how long it has lived");
    let short = format!("/presence/stream?access_token={}", minted("read:stream", 500));
    drop(listen(&door, &short, &[]).await);
    drop(listen(&door, "/presence/stream", &[("authorization", &bearer("admin", 3_600))]).await);
    let ending = listen(&door, "/presence/stream", &[("authorization", &bearer("read:stream", 5))]).await;
    assert!(ending.end().await.ends_with("event: bye\ndata: {\"reason\":\"token_expired\"}\n\n"));
}

#[actix::test]
async fn a_token_in_the_query_opens_nothing_else() {
    let (plan, broadcaster) = production();
    let door = plan.open();
    say(&broadcaster, "web", 1).await;
    let query = format!("access_token={}", minted("admin", 60));
    assert_eq!(door.get(&format!("/api/destinations?{query}")).await.error(401), "unauthorized");
    assert_eq!(door.get(&format!("/api/stats/realtime?{query}")).await.error(401), "unauthorized");
}

#[actix::test]
async fn the_numbers_are_told_once_to_who_may_read_statistics() {
    let (plan, broadcaster) = production();
    let door = plan.open();
    let get =
        |path: &str, scope: &str| door.send(door.client.get(door.url(path)).bearer_auth(minted(scope, 60)));
    assert_eq!(get("/api/stats/realtime", "read:stats").await.error(503), "overloaded");
    say(&broadcaster, "web", 4).await;
    let answer = get("/api/stats/realtime", "read:stats").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"n\":4}"));
    assert_eq!(get("/api/stats/realtime?site=web", "admin").await.status, 200);
    assert_eq!(get("/api/stats/realtime?site=shop", "admin").await.error(404), "not_found");
    assert_eq!(get("/api/stats/realtime?sight=web", "admin").await.error(400), "bad_parameter");
    assert_eq!(get("/api/stats/realtime", "read:stream").await.error(403), "forbidden");
    assert_eq!(door.get("/api/stats/realtime").await.error(401), "unauthorized");
}

#[actix::test]
async fn where_it_is_switched_off_there_is_no_such_path() {
    let door = Plan::new().open();
    assert_eq!(door.get("/presence/stream").await.error(404), "not_found");
    assert_eq!(door.get("/api/stats/realtime").await.error(404), "not_found");
}

#[actix::test]
async fn more_than_a_listener_can_be_behind_at_once_ends_in_a_gap() {
    let (plan, broadcaster) = plan();
    let door = plan.open();
    let mut stream = listen(&door, "/presence/stream", &[]).await;
    stream.until("}\n\n").await.unwrap();
    let saying = |n: u32| Saying { event: "order", data: n.to_string().into(), site: None };
    let publish = Publish { sayings: (0..300).map(saying).collect(), numbers: Vec::new() };
    broadcaster.send(publish).await.unwrap();
    stream.until("data: 299\n\n").await.unwrap();
    // How far it was behind depends on how soon it was asked to write; what it was not told of is told in number.
    let missed: usize = stream
        .text
        .split("event: gap\ndata: {\"missed\":")
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap().parse::<usize>().unwrap())
        .sum();
    let told = stream.text.matches("event: order\n").count();
    assert_eq!(told + missed, 300, "{}", stream.text);
}

#[actix::test]
async fn some_of_the_events_are_shown_to_who_asks_for_them() {
    let (plan, broadcaster) = plan();
    let glimpses = plan.live.clone().unwrap().glimpses;
    let door = plan.open();
    assert_eq!(door.get("/presence/stream?include=people").await.error(400), "bad_parameter");
    assert_eq!(door.get("/presence/stream?includes=events").await.error(400), "bad_parameter");
    assert!(!glimpses.are_watched());
    let asked = listen(&door, "/presence/stream?include=events&site=web", &[]).await;
    let unasked = listen(&door, "/presence/stream", &[]).await;
    let show = |site: &str| {
        glimpses.show(Glimpse { site: site.into(), data: format!("{{\"site\":\"{site}\"}}") });
    };
    (0..3).for_each(|_| show("app"));
    show("web");
    let mut asked = asked;
    asked.until("event: event\ndata: {\"site\":\"web\"}\n\n").await.unwrap();
    broadcaster.send(Farewell).await.unwrap();
    let (asked, unasked) = (asked.end().await, unasked.end().await);
    assert!(!asked.contains("app") && asked.contains("event: bye"), "{asked}");
    assert!(!unasked.contains("event: event"), "{unasked}");
}

#[actix::test]
async fn a_token_for_some_sites_hears_of_nothing_else() {
    let (plan, broadcaster) = production();
    let door = plan.open();
    say(&broadcaster, "web", 1).await;
    say(&broadcaster, "app", 2).await;
    let sites =
        |names: &[&str]| Sites::named(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let path = |sites: &Sites, query: &str| {
        format!("/presence/stream?{query}access_token={}", minted_for("read:stream read:stats", sites, 60))
    };
    let (web, both) = (sites(&["web"]), sites(&["app", "web"]));
    assert_eq!(door.get(&path(&web, "site=app&")).await.error(403), "forbidden");
    let unsaid = door.get(&path(&both, "")).await;
    assert_eq!(unsaid.error(400), "bad_parameter");
    assert!(unsaid.body.contains("`app`, `web`"), "{unsaid:?}");
    let stream = listen(&door, &path(&web, ""), &[]).await;
    let named = listen(&door, &path(&both, "site=app&"), &[]).await;
    let everybodys =
        |event, site: Option<&str>| Saying { event, data: "{\"x\":1}".into(), site: site.map(Into::into) };
    let sayings = vec![everybodys("destination", None), everybodys("schema", None), everybodys("gap", None)];
    broadcaster.send(Publish { sayings, numbers: Vec::new() }).await.unwrap();
    say(&broadcaster, "app", 3).await;
    say(&broadcaster, "web", 4).await;
    broadcaster.send(Farewell).await.unwrap();
    let text = stream.end().await;
    assert!(text.contains("Some(\"web\"),\"m1\":1") && text.contains("{\"n\":4}"), "{text}");
    for other in ["app", "None", "{\"n\":3}", "event: destination", "event: schema"] {
        assert!(!text.contains(other), "{other}: {text}");
    }
    assert!(text.contains("event: gap"), "{text}");
    assert!(named.end().await.contains("{\"n\":3}"));
    let report = |sites: &Sites, query: &str| {
        let request = door.client.get(door.url(&format!("/api/stats/realtime{query}")));
        door.send(request.bearer_auth(minted_for("read:stats", sites, 60)))
    };
    assert_eq!(report(&web, "").await.body, "{\"n\":4}", "of the one site");
    assert_eq!(report(&web, "?site=app").await.error(403), "forbidden");
    assert_eq!(report(&both, "").await.error(400), "bad_parameter");
}
