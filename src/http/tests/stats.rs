//! Reports on real sockets, with a store behind them that says what it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::http::sites::Sites;
use crate::http::token::{self, Order};
use crate::stores::ReportStore;
use crate::stores::reports::{Fault, Query, Report};
use crate::telemetry::clock;

/// Answers every report with the parts of its period and how often it was asked.
#[derive(Default)]
struct Telling {
    asked: AtomicUsize,
}

#[async_trait]
impl ReportStore for Telling {
    fn name(&self) -> &'static str {
        "telling"
    }

    async fn answer(&self, query: Query) -> Result<Report, Fault> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if query.site.as_deref() == Some("broken") {
            return Err(Fault::Failed("a secret of the store".to_owned()));
        }
        let text = "=cmd|' /C calc'!A0, \"quoted\"";
        let parts = query.parts();
        let rows = parts.iter().map(|at| vec![query.period.shown(*at).into(), text.into(), 1.into()]);
        let totals = serde_json::json!({ "asked": asked });
        Ok(Report {
            columns: vec!["time", "name", "count"],
            rows: rows.collect(),
            totals: totals.as_object().cloned().unwrap_or_default(),
            sampled: query.site.as_deref() == Some("large"),
        })
    }
}

fn plan() -> (Plan, Arc<Telling>) {
    let telling = Arc::new(Telling::default());
    let mut plan = Plan::new();
    plan.reports = Arc::clone(&telling) as Arc<dyn ReportStore>;
    (plan, telling)
}

fn minted(scope: &str) -> String {
    token::mint(&settings().server.jwt_secret, scope, clock::now().as_second() + 60)
}

#[actix::test]
async fn what_cannot_be_asked_is_refused_with_the_name_of_the_parameter_and_costs_the_store_nothing() {
    let (plan, telling) = plan();
    let door = plan.open();
    let long = format!("filter=path:{}", "x".repeat(513));
    for (path, name) in [
        ("series?from=2026-02-02&to=2026-02-01", "from"),
        ("series?from=soon", "from"),
        ("series?from=2020-01-01&to=2026-01-01", "from"),
        ("series?to=2026-02-30", "to"),
        ("series?tz=Europe/Nowhere", "tz"),
        ("series?tz=..%2F..%2Fetc%2Fpasswd", "tz"),
        ("series?bucket=week", "bucket"),
        ("pages?limit=0", "limit"),
        ("pages?limit=1001", "limit"),
        ("pages?limit=-1", "limit"),
        ("pages?filter=planet:Mars", "filter"),
        ("pages?filter=country", "filter"),
        (&format!("pages?{long}"), "filter"),
        ("pages?format=xml", "format"),
        ("pages?site=a&site=b", "site"),
        ("pages?sites=a", "sites"),
        ("vitals?by=device", "by"),
        ("funnel?window=7", "window"),
    ] {
        let answer = door.get(&format!("/api/stats/{path}")).await;
        assert_eq!(answer.error(400), "bad_parameter", "{path}");
        assert_eq!(answer.json()["details"][0]["path"], name, "{path}");
    }
    assert_eq!(door.get("/api/stats/everything").await.error(404), "not_found");
    assert_eq!(door.post("/api/stats/pages", "").await.error(405), "method_not_allowed");
    assert_eq!(telling.asked.load(Ordering::SeqCst), 0);
    for path in ["pages?limit=1", "pages?limit=1000", "series?tz=Asia/Kolkata"] {
        assert_eq!(door.get(&format!("/api/stats/{path}")).await.status, 200, "{path}");
    }
}

#[actix::test]
async fn days_on_which_the_clocks_change_have_23_and_25_hours() {
    let door = plan().0.open();
    for (day, hours) in [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)] {
        let path = format!("/api/stats/series?from={day}&to={day}&tz=Europe/Berlin&bucket=hour");
        let body = door.get(&path).await.json();
        assert_eq!(body["rows"].as_array().unwrap().len(), hours, "{day}");
        assert_eq!(body["range"]["tz"], "Europe/Berlin");
    }
    let days = door.get("/api/stats/series?from=2026-03-28&to=2026-03-30&tz=Europe/Berlin").await.json();
    let times: Vec<&str> =
        days["rows"].as_array().unwrap().iter().filter_map(|row| row["time"].as_str()).collect();
    assert_eq!(
        times,
        ["2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"]
    );
}

#[actix::test]
async fn a_table_is_quoted_and_holds_no_formula() {
    let door = plan().0.open();
    let answer = door.get("/api/stats/series?from=2026-03-28&to=2026-03-28&format=csv").await;
    assert_eq!(
        (answer.header("content-type"), answer.header("x-store")),
        ("text/csv; charset=utf-8", "telling")
    );
    assert_eq!(
        answer.body,
        "time,name,count\r\n2026-03-28T00:00:00+00:00,\"'=cmd|' /C calc'!A0, \"\"quoted\"\"\",1\r\n"
    );
    let json = door.get("/api/stats/series?from=2026-03-28&to=2026-03-28&format=json").await;
    assert_eq!(json.json()["rows"][0]["name"], "=cmd|' /C calc'!A0, \"quoted\"");
}

#[actix::test]
async fn an_answer_is_given_again_to_the_same_question_alone() {
    let (plan, telling) = plan();
    let door = plan.open();
    let questions = [
        "pages?from=2026-03-28",
        "pages?from=2026-03-28&site=a",
        "pages?from=2026-03-28&site=b",
        "pages?from=2026-03-28&tz=Asia/Kolkata",
        "pages?from=2026-03-28&filter=country:DE",
        "pages?from=2026-03-28&filter=country!:DE",
        "pages?from=2026-03-28&filter=country:DE&filter=path:/a",
        "pages?from=2026-03-28&limit=7",
        "pages?from=2026-03-28&format=csv",
        "events?from=2026-03-28",
    ];
    for (n, question) in questions.iter().enumerate() {
        let answer = door.get(&format!("/api/stats/{question}")).await;
        assert_eq!(answer.status, 200, "{question}");
        assert_eq!(telling.asked.load(Ordering::SeqCst), n + 1, "{question} is none of those before");
    }
    let large = door.get("/api/stats/pages?site=large").await;
    assert_eq!(large.header("x-sampled"), "true");
}

#[actix::test]
async fn what_one_may_read_is_not_given_to_who_may_not_because_it_was_asked_before() {
    let (mut plan, telling) = plan();
    plan.settings.server.production = true;
    let door = plan.open();
    let path = "/api/stats/pages?from=2026-03-28";
    let get = |scope: &str| door.send(door.client.get(door.url(path)).bearer_auth(minted(scope)));
    assert_eq!(get("read:stats").await.status, 200);
    assert_eq!(get("read:ops").await.error(403), "forbidden");
    assert_eq!(get("read:stream").await.error(403), "forbidden");
    assert_eq!(door.get(path).await.error(401), "unauthorized");
    assert_eq!(get("admin").await.status, 200);
    assert!(telling.asked.load(Ordering::SeqCst) <= 2);
}

#[actix::test]
async fn an_answer_of_one_site_is_not_given_to_who_may_read_another() {
    let (mut plan, telling) = plan();
    plan.settings.server.production = true;
    let door = plan.open();
    let path = "/api/stats/pages?from=2026-03-28";
    let get = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (issued, sites) = (clock::now().as_second(), Sites::named(&names));
        let order = Order { scope: "read:stats", sites: &sites, issued, expires: issued + 60 };
        let token = token::mint_as(&settings().server.jwt_secret, &order);
        door.send(door.client.get(door.url(path)).bearer_auth(token))
    };
    // One question in three mouths: its site is that of the token.
    for (n, names) in [&["web"][..], &["large"], &[]].into_iter().enumerate() {
        let answer = get(names).await;
        assert_eq!(answer.header("x-sampled"), (names == ["large"]).to_string(), "{names:?}");
        assert_eq!(telling.asked.load(Ordering::SeqCst), n + 1, "{names:?}");
    }
}

#[actix::test]
async fn a_store_that_cannot_answer_is_503_and_keeps_its_words_to_itself() {
    let (plan, telling) = plan();
    let door = plan.open();
    for n in 1..3 {
        let answer = door.get("/api/stats/pages?site=broken").await;
        assert_eq!(answer.error(503), "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
        assert!(!answer.body.contains("secret"), "{answer:?}");
        assert_eq!(telling.asked.load(Ordering::SeqCst), n, "a failure is not kept");
    }
}
