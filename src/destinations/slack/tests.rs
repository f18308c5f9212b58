//! Alerts as a channel and its operator see them: messages, the table of answers, settings, and the stand-in.

use secrecy::SecretString;

use super::*;
use crate::destinations::Client;
use crate::destinations::kit::testing::{
    answered, attempt, event, judged, planned, read, setting, word, words,
};
use crate::destinations::mock::{Mock, MockSettings};
use crate::destinations::{FailureKind, Reply};

const URL: &str = "https://hooks.slack.example/services/T012345/B0123/aGeheim0123456789012345";

fn config(messages: &[(&str, &str)]) -> Config {
    let messages = messages.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    Config { url: SecretString::from(URL), messages, ..Config::default() }
}

fn slack(config: Config) -> Slack {
    Slack::new(config, &setting("slack", true)).unwrap().0
}

fn usual() -> Config {
    config(&[
        (
            "Order Completed",
            "New order *{properties.order_id}* over {properties.revenue|properties.total} {properties.currency} by {userId|anonymousId}",
        ),
        ("Payment *", ":warning: {event}: {properties.reason}"),
        ("identify", "{traits.name} is new"),
    ])
}

fn fixtures() -> Vec<Arc<Event>> {
    vec![
        event(include_str!("fixtures/order.json")),
        event(include_str!("fixtures/anonymous.json")),
        event(include_str!("fixtures/page.json")),
        event(include_str!("fixtures/payment.json")),
        event(include_str!("fixtures/identify.json")),
    ]
}

// === Messages ===

#[test]
fn alerts_that_come_together_share_a_message() {
    insta::assert_snapshot!("together", planned(&slack(usual()).plan(&fixtures(), &attempt(1))));
}

#[test]
fn a_message_says_who_it_is_from_and_where_it_goes() {
    let named = Config {
        username: "Router".to_owned(),
        icon_emoji: ":tada:".to_owned(),
        channel: "#orders".to_owned(),
        ..usual()
    };
    insta::assert_snapshot!("named", planned(&slack(named).plan(&fixtures()[..1], &attempt(1))));
}

#[test]
fn a_message_holds_what_fits_and_the_rest_goes_on_in_order() {
    let alert = "x".repeat(60);
    let short = Config { max_characters: 121, ..config(&[("Order Completed", &alert)]) };
    let events: Vec<_> = std::iter::repeat_with(|| fixtures().remove(0)).take(5).collect();
    let sizes = |max_characters: usize| {
        let slack = slack(Config { max_characters, ..short.clone() });
        let requests = slack.plan(&events, &attempt(1)).requests;
        requests.into_iter().map(|planned| planned.events).collect::<Vec<_>>()
    };
    assert_eq!(sizes(121), [vec![0, 1], vec![2, 3], vec![4]]);
    assert_eq!(sizes(120), [[0], [1], [2], [3], [4]]);
}

#[test]
fn a_thousand_orders_are_some_dozens_of_messages() {
    let events: Vec<_> = std::iter::repeat_with(|| fixtures().remove(0)).take(1000).collect();
    let batches = events.chunks(Slack::patience().batch.max_events.get());
    let slack = slack(usual());
    let messages: usize = batches.map(|batch| slack.plan(batch, &attempt(1)).requests.len()).sum();
    assert_eq!(messages, 14);
}

#[test]
fn an_alert_that_is_too_long_is_cut_and_not_refused() {
    let long = "ü".repeat(500);
    let cut = Config { max_characters: 100, ..config(&[("Order Completed", &long)]) };
    let plan = slack(cut).plan(&fixtures()[..1], &attempt(1));
    let body: serde_json::Value = serde_json::from_slice(&plan.requests[0].request.body).unwrap();
    assert_eq!(body["text"].as_str().unwrap(), format!("{}…", "ü".repeat(99)));
}

// === Which events ===

#[test]
fn only_events_with_a_message_are_wanted() {
    let slack = slack(usual());
    let wanted: Vec<bool> = fixtures().iter().map(|event| slack.wants(event) == Verdict::Yes).collect();
    assert_eq!(wanted, [true, true, false, true, true]);
    assert_eq!(slack.wants(&fixtures()[2]), Verdict::No(Reason::Unsupported));
}

#[test]
fn the_most_particular_message_counts() {
    let slack = slack(Config {
        default_message: "default".to_owned(),
        ..config(&[
            ("*", "anything"),
            ("Order *", "an order"),
            ("track:Order Completed", "exactly"),
            ("page", "a page"),
            ("page:Pricing", "prices"),
        ])
    });
    let text = |json: &str| slack.alerts.text(&event(json));
    for (event, expected) in [
        (r#"{"type":"track","messageId":"m","userId":"u","event":"Order Completed"}"#, Some("exactly")),
        (r#"{"type":"track","messageId":"m","userId":"u","event":"Order Cancelled"}"#, Some("an order")),
        (r#"{"type":"track","messageId":"m","userId":"u","event":"Else"}"#, Some("anything")),
        (r#"{"type":"page","messageId":"m","userId":"u","name":"Pricing"}"#, Some("prices")),
        (r#"{"type":"page","messageId":"m","userId":"u"}"#, Some("a page")),
        (r#"{"type":"screen","messageId":"m","userId":"u","name":"Pricing"}"#, None),
    ] {
        assert_eq!(text(event).as_deref(), expected, "{event}");
    }
}

#[test]
fn the_default_message_is_for_track_calls_alone() {
    let slack = slack(Config { default_message: "{event} by {userId}".to_owned(), ..config(&[]) });
    assert_eq!(slack.alerts.text(&fixtures()[3]).unwrap(), "Payment Failed by u2");
    assert_eq!(slack.alerts.text(&fixtures()[2]), None, "a page view is never posted by default");
}

// === Answers ===

/// Status, body, the outcome for one alert, the outcome for each of many.
type Row = (u16, &'static str, &'static str, &'static str);

const TABLE: &[Row] = &[
    (200, "ok", "delivered", "delivered"),
    (200, "", "delivered", "delivered"),
    (200, r#"{"success":true}"#, "delivered", "delivered"),
    (204, "", "delivered", "delivered"),
    (200, "\n<html>sign in</html>", "transient bad_answer", "transient bad_answer"),
    (
        200,
        r#"{"ok":false,"error":"channel_not_found"}"#,
        "broken not_found",
        "broken not_found",
    ),
    (200, r#"{"ok":false,"error":"no_text"}"#, "refused rejected", "suspect rejected"),
    (200, r#"{"ok":false,"error":"odd"}"#, "transient bad_answer", "transient bad_answer"),
    (200, r#"{"success":false}"#, "transient bad_answer", "transient bad_answer"),
    (200, r#"{"ok":true}"#, "delivered", "delivered"),
    (200, "no_service", "broken not_found", "broken not_found"),
    (302, "", "broken redirect", "broken redirect"),
    (400, "invalid_payload", "refused rejected", "suspect rejected"),
    (400, "no_text", "refused rejected", "suspect rejected"),
    (500, "missing_text_or_fallback_or_attachments", "refused rejected", "suspect rejected"),
    (400, "msg_too_long", "refused rejected", "suspect rejected"),
    (400, "something_new", "refused rejected", "suspect rejected"),
    (400, "user_not_found", "broken not_found", "broken not_found"),
    (400, "channel_not_found", "broken not_found", "broken not_found"),
    (403, "action_prohibited", "broken forbidden", "broken forbidden"),
    (403, "invalid_token", "broken forbidden", "broken forbidden"),
    (400, "invalid_token", "broken forbidden", "broken forbidden"),
    (404, "no_service\n", "broken not_found", "broken not_found"),
    (404, "no_active_hooks", "broken not_found", "broken not_found"),
    (410, "channel_is_archived", "broken gone", "broken gone"),
    (413, "", "refused too_large", "suspect too_large"),
    (429, "rate_limited", "throttled throttled", "throttled throttled"),
    (500, "rollup_error", "transient server_error", "transient server_error"),
    (503, "<html>", "transient server_error", "transient server_error"),
    (
        400,
        r#"{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook"}"#,
        "broken not_found",
        "broken not_found",
    ),
    (
        501,
        r#"{"id":"web.incoming_webhook.disabled.app_error"}"#,
        "broken forbidden",
        "broken forbidden",
    ),
    (
        404,
        r#"{"message":"Unknown Webhook","code":10015}"#,
        "broken not_found",
        "broken not_found",
    ),
];

#[test]
fn every_answer_has_its_meaning_for_one_alert_and_for_many() {
    let slack = slack(usual());
    for (status, body, one, many) in TABLE {
        let judged = |count: usize| judged(&slack, &fixtures()[..count], &answered(*status, &[], body));
        assert_eq!(words(&judged(1)), [*one], "{status} {body}");
        assert_eq!(words(&judged(2)), [*many, *many], "{status} {body}");
    }
    let wait = judged(&slack, &fixtures()[..1], &answered(429, &[("retry-after", "30")], "rate_limited"));
    assert_eq!(words(&wait), ["throttled throttled 30s"]);
    let silent = judged(&slack, &fixtures()[..1], &Reply::failed(FailureKind::Timeout, "late"));
    assert_eq!(words(&silent), ["transient timeout"]);
}

#[test]
fn a_probe_is_never_posted_and_says_whether_the_address_is_right() {
    let slack = slack(usual());
    let [probe] = slack.probe().try_into().unwrap();
    assert_eq!(probe.body, "{}");
    for (status, body, expected) in [
        (400, "no_text", "delivered"),
        (400, "invalid_payload", "delivered"),
        (500, "missing_text_or_fallback_or_attachments", "delivered"),
        (400, r#"{"id":"web.incoming_webhook.text.app_error"}"#, "delivered"),
        (400, r#"{"message":"Cannot send an empty message","code":50006}"#, "delivered"),
        (200, "ok", "delivered"),
        (400, r#"{"id":"web.incoming_webhook.invalid.app_error"}"#, "broken not_found"),
        (403, "invalid_token", "broken forbidden"),
        (404, "no_service", "broken not_found"),
        (410, "channel_is_archived", "broken gone"),
        (200, r#"{"ok":false,"error":"channel_not_found"}"#, "broken not_found"),
        (200, r#"{"ok":false,"error":"no_text"}"#, "delivered"),
        (200, r#"{"ok":false}"#, "transient bad_answer"),
        (429, "rate_limited", "throttled throttled"),
        (500, "rollup_error", "transient server_error"),
    ] {
        let outcomes = slack.judge(&probe, 1, &answered(status, &[], body));
        assert_eq!(words(&outcomes), [expected], "{status} {body}");
    }
}

#[test]
fn the_address_is_never_shown_nor_repeated() {
    let (slack, api) = Slack::new(usual(), &setting("slack", true)).unwrap();
    let plan = slack.plan(&fixtures(), &attempt(1));
    for request in slack.probe().iter().chain([&plan.requests[0].request]) {
        let shown = serde_json::to_string(&api.show(request)).unwrap();
        assert!(shown.contains("https://hooks.slack.example/services/***/***/***"), "{shown}");
        assert!(!shown.contains("Geheim"), "{shown}");
    }
    let said = format!("no hook at {URL}, aGeheim0123456789012345 is unknown");
    let outcomes = slack.judge(&plan.requests[0].request, 1, &answered(403, &[], &said));
    let Outcome::Broken(fault) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(fault.answer, "no hook at https://hooks.slack.example/***, *** is unknown");
    let config = usual();
    assert!(!format!("{config:?}").contains("Geheim"));
    assert!(!toml::to_string(&config).unwrap().contains("Geheim"));
    assert_eq!(word(&Outcome::Delivered), "delivered");
}

// === Settings ===

#[test]
fn all_problems_of_the_settings_are_said_at_once_and_without_the_address() {
    let wrong = Config {
        url: SecretString::from("ftp://Geheim/x"),
        default_message: "{}".to_owned(),
        max_characters: 99,
        ..config(&[("A", "{userId"), ("B", "fine"), ("C", "}")])
    };
    let problems = Slack::new(wrong, &setting("slack", true)).map(drop).unwrap_err();
    let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("problems", text);
}

#[test]
fn without_a_message_it_does_not_start() {
    let problems = Slack::new(config(&[]), &setting("slack", true)).map(drop).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "`messages` is empty, and so is `default_message`: no event would ever be posted"
    );
    assert_eq!(problems.len(), 1);
}

// === The stand-in ===

fn stand_in(secret: &str) -> Box<dyn Mock> {
    mock::new(&MockSettings { secret: secret.to_owned(), set: Vec::new() }).unwrap()
}

#[test]
fn the_stand_in_reads_an_alert_in_each_line() {
    let plan = slack(usual()).plan(&fixtures(), &attempt(1));
    let read = read(&*stand_in(""), &plan.requests[0].request, &[]).unwrap();
    assert_eq!(read.len(), 4);
    assert_eq!(read[3], "Ada is new");
}

#[test]
fn the_stand_in_refuses_in_slacks_words() {
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(40_001));
    for (call, expected) in [
        (Call::json("", PROBE), "400 no_text"),
        (Call::json("", r#"{"text":""}"#), "400 no_text"),
        (Call::json("", r#"{"text":null}"#), "400 no_text"),
        (Call::json("", r#"{"text":7}"#), "400 invalid_payload"),
        (Call::json("", "[]"), "400 invalid_payload"),
        (Call::json("", "text"), "400 invalid_payload"),
        (Call::json("", long), "400 msg_too_long"),
        (Call::get(""), "405 method_not_allowed"),
    ] {
        assert_eq!(read(&*stand_in(""), &call, &[]).unwrap_err(), expected);
    }
    let hello = |path: &str| read(&*stand_in("Geheim"), &Call::json(path, r#"{"text":"hello"}"#), &[]);
    assert_eq!(hello("services/T0/B0/Geheim").unwrap(), ["hello"]);
    assert_eq!(hello("services/T0/B0/another").unwrap_err(), "403 invalid_token");
    assert_eq!(stand_in("").fail(404).body, "no_service");
}
