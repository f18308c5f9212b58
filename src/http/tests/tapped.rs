//! `/api/live` on real sockets, with the real tap behind it.

use super::*;
use crate::actors::messages::{Farewell, Seen};
use crate::http::token;
use crate::journal::fixtures::event;
use crate::telemetry::clock;

fn plan() -> (Plan, TapLine, actix::Addr<Tap>) {
    let line = TapLine::default();
    let tap = Tap::new("b", line.clone()).start();
    (Plan { tap: Some(tap.clone()), ..Plan::new() }, line, tap)
}

#[actix::test]
async fn events_are_shown_as_they_happen_with_ids_to_come_back_by() {
    let (plan, line, tap) = plan();
    let door = plan.open();
    let response = door.client.get(door.url("/api/live?event=S*&type=track")).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    line.tell(vec![Seen::Accepted(vec![Arc::new(event("m1", 1)), Arc::new(event("m2", 1))])]);
    tap.send(Farewell).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "the router under test ends its answer")]
    let text = response.text().await.unwrap();
    let ids: Vec<&str> = text.lines().filter(|line| line.starts_with("id: ")).collect();
    assert_eq!(ids, ["id: b-1-1", "id: b-1-2", "id: b-1-3"]);
    assert!(
        text.starts_with("retry: 3000\n\nevent: accepted\nid: b-1-1\ndata: {\"message_id\":\"m1\","),
        "{text}"
    );
    assert!(text.ends_with("event: bye\nid: b-1-3\ndata: {\"reason\":\"shutdown\"}\n\n"), "{text}");
    assert_eq!(door.get("/api/live").await.error(503), "overloaded");
}

#[actix::test]
async fn only_an_operator_watches_and_a_filter_that_is_not_understood_is_refused() {
    let (mut plan, _line, _tap) = plan();
    plan.settings.server.production = true;
    let door = plan.open();
    assert_eq!(door.get("/api/live").await.error(401), "unauthorized");
    let bearer = |scope: &str| {
        let token = token::mint(&settings().server.jwt_secret, scope, clock::now().as_second() + 60);
        let door = &door;
        move |path: &str| door.client.get(door.url(path)).bearer_auth(&token)
    };
    let stranger = bearer("read:stream read:stats");
    assert_eq!(door.send(stranger("/api/live")).await.error(403), "forbidden");
    let operator = bearer("read:ops");
    for query in ["kind=track", "type=click", "outcome=lost", "user=a&user=b"] {
        let answer = door.send(operator(&format!("/api/live?{query}"))).await;
        assert_eq!(answer.error(400), "bad_parameter", "{query}");
    }
    assert_eq!(operator("/api/live?outcome=dead&type=&user=x").send().await.unwrap().status(), 200);
}
