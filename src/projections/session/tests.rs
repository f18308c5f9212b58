use proptest::prelude::*;
use serde_json::json;

use super::*;

const MIN: i64 = MINUTE_MS;

fn run(input: Value) -> Value {
    let input: Input = serde_json::from_value(input).unwrap();
    serde_json::to_value(eval(&input)).unwrap()
}

/// Events of one visitor: the kind or the name of a track call, and the minute.
fn minutes(events: &[(&str, i64)]) -> Value {
    let event = |(id, (what, minute)): (usize, &(&str, i64))| {
        let (kind, name) = match Kind::from_name(what) {
            Some(kind) => (kind.as_str(), None),
            None => ("track", Some(*what)),
        };
        json!({ "id": id.to_string(), "ts": minute * MIN, "visitor": "v", "type": kind, "event": name })
    };
    events.iter().enumerate().map(event).collect()
}

fn assigned(output: &Value) -> Vec<Option<u64>> {
    output["assigned"].as_object().unwrap().values().map(Value::as_u64).collect()
}

#[test]
fn exactly_the_timeout_continues_and_a_millisecond_more_begins_a_session() {
    let at = |ts: i64| json!({ "id": ts.to_string(), "ts": ts, "visitor": "v", "type": "page" });
    let output = run(json!({ "events": [at(0), at(30 * MIN), at(60 * MIN + 1)] }));
    assert_eq!(assigned(&output), [Some(0), Some(0), Some(1)]);
    assert_eq!(output["sessions"][0]["duration_s"], 1_800);
}

#[test]
fn a_session_ends_at_its_greatest_length_although_nobody_paused() {
    let events: Vec<(&str, i64)> = (0..=96).map(|quarter| ("page", quarter * 15)).collect();
    let output = run(json!({ "events": minutes(&events) }));
    assert_eq!(assigned(&output)[95..], [Some(0), Some(1)]);
}

#[test]
fn what_is_no_activity_begins_no_session_and_leaves_the_old_one_open() {
    let events = [
        ("Web Vital", 0),
        ("identify", 0),
        ("Page Engaged", 0),
        ("Error Occurred", 0),
        ("page", 1),
        ("Web Vital", 40),
        ("identify", 41),
        ("Page Engaged", 31),
        ("page", 61),
        ("alias", 62),
        ("Error Occurred", 95),
        ("page", 91),
    ];
    let output = run(json!({ "events": minutes(&events) }));
    let wanted = [None, None, None, None, Some(0), None, None, Some(0), Some(0), Some(0), None, Some(0)];
    assert_eq!(assigned(&output), wanted);
    let session = &output["sessions"][0];
    assert_eq!((&session["start"], &session["last"]), (&json!(MIN), &json!(91 * MIN)));
    assert_eq!((&session["events"], &session["pageviews"]), (&json!(4), &json!(3)));
}

#[test]
fn a_late_event_joins_and_moves_the_entry_and_an_older_one_is_counted() {
    let page = |id: &str, minute: i64, path: &str| json!({ "id": id, "ts": minute * MIN, "visitor": "v", "type": "page", "path": path, "referrer": format!("from {path}") });
    let events = [
        page("a", 100, "/a"),
        page("b", 70, "/b"),
        page("c", 39, "/c"),
        page("d", 40, "/d"),
        page("e", 100, "/e"),
    ];
    let output = run(json!({ "events": events }));
    assert_eq!(assigned(&output), [Some(0), Some(0), None, Some(0), Some(0)]);
    assert_eq!(output["late"], 1);
    let session = &output["sessions"][0];
    assert_eq!((&session["start"], &session["entry"]), (&json!(40 * MIN), &json!("/d")));
    assert_eq!((&session["referrer"], &session["exit"]), (&json!("from /d"), &json!("/e")));
}

#[test]
fn a_page_view_with_another_campaign_begins_a_session_unless_it_is_late_or_switched_off() {
    let page = |id: &str, minute: i64, campaign: Value| json!({ "id": id, "ts": minute * MIN, "visitor": "v", "type": "page", "campaign": campaign });
    let track = json!({ "id": "t", "ts": 6 * MIN, "visitor": "v", "type": "track", "event": "X", "campaign": { "name": "z" } });
    let events = [
        page("a", 1, json!(null)),
        page("b", 2, json!({ "name": "", "source": null })),
        page("c", 3, json!({ "name": "x", "term": "" })),
        page("d", 4, json!({ "term": null, "name": "x" })),
        page("e", 5, json!({})),
        track,
        page("f", 7, json!({ "name": "x", "source": "y" })),
        page("g", 2, json!({ "name": "late" })),
    ];
    let output = run(json!({ "events": events }));
    assert_eq!(assigned(&output), [0, 0, 1, 1, 1, 1, 2, 2].map(Some));
    let campaigns: Vec<&Value> =
        output["sessions"].as_array().unwrap().iter().map(|session| &session["campaign"]).collect();
    assert_eq!(campaigns, [&json!(null), &json!({ "name": "x" }), &json!({ "name": "late" })]);
    let output = run(json!({ "options": { "new_on_campaign": false }, "events": events }));
    assert_eq!(output["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn midnight_of_the_sites_time_begins_a_session_when_asked_for() {
    let events = minutes(&[("page", 22 * 60 + 50), ("page", 23 * 60 + 10)]);
    let sessions = |options: Value| {
        run(json!({ "options": options, "events": events }))["sessions"].as_array().unwrap().len()
    };
    assert_eq!(sessions(json!({})), 1);
    assert_eq!(sessions(json!({ "new_at_midnight": true })), 1);
    assert_eq!(sessions(json!({ "new_at_midnight": true, "tz_offset_min": 60 })), 2);
}

#[test]
fn a_bounce_is_one_view_without_interaction_and_engagement_is_time_conversion_or_a_second_view() {
    let of = |events: Value| {
        let output = run(json!({ "events": events }));
        let session = &output["sessions"][0];
        (session["is_bounce"].as_bool().unwrap(), session["is_engaged"].as_bool().unwrap())
    };
    assert_eq!(of(minutes(&[("page", 0)])), (true, false));
    assert_eq!(of(minutes(&[("page", 0), ("screen", 1)])), (false, true));
    assert_eq!(of(minutes(&[("page", 0), ("Clicked", 1)])), (false, false));
    assert_eq!(of(minutes(&[("Order Completed", 0)])), (false, true));
    let engaged = |ms: i64| {
        let mut events = minutes(&[("page", 0), ("Page Engaged", 1)]);
        events[1]["engaged_ms"] = json!(ms);
        of(events)
    };
    assert_eq!((engaged(9_999), engaged(10_000)), ((true, false), (true, true)));
}

#[test]
fn a_case_with_an_unknown_option_or_call_is_refused_by_name() {
    let error = |input: Value| serde_json::from_value::<Input>(input).unwrap_err().to_string();
    assert!(error(json!({ "options": { "timeout": 1 }, "events": [] })).contains("timeout"));
    let hit = json!({ "id": "a", "ts": 0, "visitor": "v", "type": "click" });
    assert!(error(json!({ "events": [hit] })).contains("click"));
}

// === The definition, word for word, without a state that is carried on ===

/// The events of a session in the order of their arrival.
type Members<'a> = Vec<&'a Hit<'static>>;

fn moves(hit: &Hit<'_>) -> bool {
    hit.is_active() || (hit.kind == Kind::Track && hit.is_named(ENGAGED))
}

fn counted<'a>(members: &Members<'a>) -> Members<'a> {
    members.iter().copied().filter(|hit| !hit.is_about_identity()).collect()
}

fn views<'a>(members: &Members<'a>) -> Members<'a> {
    let mut views: Members<'a> = members.iter().copied().filter(|hit| hit.is_view()).collect();
    views.sort_by_key(|hit| hit.ts);
    views
}

fn first_campaign(members: &Members<'_>) -> Option<Campaign> {
    views(members).into_iter().find_map(Hit::campaign)
}

fn span(members: &Members<'_>) -> (i64, i64) {
    let moving = || members.iter().filter(|hit| moves(hit)).map(|hit| hit.ts);
    (moving().min().unwrap(), moving().max().unwrap())
}

fn naive(input: &Input) -> Output {
    let options = &input.options;
    let mut sessions: Vec<(String, Members<'_>)> = Vec::new();
    let (mut assigned, mut late) = (Map::new(), 0);
    for hit in &input.events {
        let open = sessions.iter().rposition(|(visitor, _)| *visitor == hit.visitor);
        let is_late = open.is_some_and(|open| hit.ts < span(&sessions[open].1).0 - options.timeout_ms);
        let needs = open.is_none_or(|open| {
            let (start, last) = span(&sessions[open].1);
            let campaign = first_campaign(&sessions[open].1);
            let is_other =
                hit.kind == Kind::Page && hit.campaign().is_some_and(|mine| Some(mine) != campaign);
            hit.ts > last
                && (hit.ts - last > options.timeout_ms
                    || hit.ts - start >= options.max_length_ms
                    || (options.new_on_campaign && is_other)
                    || (options.new_at_midnight && day(hit.ts, options) != day(last, options)))
        });
        let place = match open {
            _ if is_late => None,
            Some(open) if !needs => Some(open),
            _ if hit.is_active() => {
                sessions.push((hit.visitor.to_string(), Vec::new()));
                Some(sessions.len() - 1)
            }
            _ => None,
        };
        late += u64::from(is_late);
        if let Some(place) = place {
            sessions[place].1.push(hit);
        }
        assigned.insert(hit.id.to_string(), place.into());
    }
    let sessions = sessions.iter().map(|(visitor, members)| shown(visitor, members)).collect();
    Output { sessions, assigned, late }
}

fn shown(visitor: &str, members: &Members<'_>) -> Shown {
    let ((start, last), views, counted) = (span(members), views(members), counted(members));
    let active = |hit: &&&Hit<'_>| hit.kind == Kind::Track && hit.is_active();
    let (interactions, pageviews) = (counted.iter().filter(active).count() as i64, views.len() as i64);
    let conversions = counted.iter().filter(active).filter(|hit| hit.is_named(CONVERSION)).count() as i64;
    let engaged_ms: i64 = counted.iter().filter_map(|hit| hit.engaged_ms).sum();
    Shown {
        visitor: visitor.to_owned(),
        start,
        last,
        pageviews,
        events: counted.len() as i64,
        interactions,
        engaged_ms,
        entry: views.first().and_then(|hit| hit.path.as_deref().map(str::to_owned)),
        exit: views.last().and_then(|hit| hit.path.as_deref().map(str::to_owned)),
        conversions,
        referrer: views.first().and_then(|hit| hit.referrer.as_deref().map(str::to_owned)),
        campaign: first_campaign(members),
        duration_s: (last - start) / 1_000,
        is_bounce: pageviews <= 1 && interactions == 0,
        is_engaged: engaged_ms >= 10_000 || conversions > 0 || pageviews >= 2,
    }
}

fn hit() -> impl Strategy<Value = Hit<'static>> {
    let name = prop_oneof![
        Just("Clicked"),
        Just("Order Completed"),
        Just("Page Engaged"),
        Just("Web Vital"),
        Just("Error Occurred"),
    ];
    let campaign = proptest::collection::vec(
        (prop_oneof![Just("name"), Just("source")], prop_oneof![Just(""), Just("x"), Just("y")]),
        0..3,
    );
    (0..6_u8, 0..200_i64, 0..2_u8, name, campaign, proptest::option::of("[ab]"), 0..7_000_i64).prop_map(
        |(kind, step, visitor, name, campaign, path, engaged)| {
            let kind = Kind::from_number(kind).unwrap();
            let campaign: Map<String, Value> =
                campaign.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
            Hit {
                id: Cow::Borrowed(""),
                ts: step,
                visitor: visitor.to_string().into(),
                kind,
                event: (kind == Kind::Track).then_some(Cow::Borrowed(name)),
                referrer: path.clone().map(|path| format!("from {path}").into()),
                path: path.map(Cow::Owned),
                campaign: (!campaign.is_empty()).then_some(Cow::Owned(campaign)),
                engaged_ms: (engaged > 3_000).then_some(engaged),
            }
        },
    )
}

/// Events whose times go up on the whole and jump back often, in units that make ties and pauses of exactly the timeout.
fn events() -> impl Strategy<Value = Vec<Hit<'static>>> {
    let steps = proptest::collection::vec(
        (hit(), prop_oneof![6 => 0..4_i64, 1 => 10..40_i64, 2 => -15..0_i64]),
        0..40,
    );
    steps.prop_map(|hits| {
        let mut minute = 1_000;
        let timed = hits.into_iter().enumerate().map(|(id, (hit, step))| {
            minute += step * 5;
            Hit { id: id.to_string().into(), ts: minute * MIN, ..hit }
        });
        timed.collect()
    })
}

proptest! {
    #[test]
    fn the_fold_is_the_definition(events in events(), on_campaign: bool, at_midnight: bool, long in 1..50_i64) {
        let options = Options { max_length_ms: long * 30 * MIN, new_on_campaign: on_campaign, new_at_midnight: at_midnight, ..Options::default() };
        let input = Input { options, events };
        prop_assert_eq!(eval(&input), naive(&input));
    }
}
