//! The tap as those who watch see it.

use serde_json::Value;

use super::*;
use crate::journal::fixtures::{at, attempt_note, event, event_at};
use crate::policy::outcome::Reason;
use crate::spec::{Code, Problem};

struct Bench {
    line: TapLine,
    tap: Addr<Tap>,
}

impl Bench {
    fn start() -> Bench {
        let line = TapLine::default();
        let tap = Tap::new("b", line.clone()).start();
        Bench { line, tap }
    }

    async fn watch(&self, filter: TapFilter, last: Option<&str>) -> Result<Subscription, NoSeat> {
        self.tap.send(Watch { last_event_id: last.map(str::to_owned), filter }).await.unwrap()
    }

    async fn watch_all(&self) -> Subscription {
        self.watch(TapFilter::default(), None).await.unwrap()
    }

    /// Tells, and waits until the tap has looked at it.
    async fn tell(&self, seen: Vec<Seen>) {
        self.line.tell(seen);
        // Its mailbox is in order.
        let permit = Arc::new(tokio::sync::Semaphore::new(1)).try_acquire_owned().unwrap();
        self.tap.send(Tapped { seen: Vec::new(), permit }).await.unwrap();
    }
}

fn accepted(ids: impl IntoIterator<Item = u32>) -> Seen {
    Seen::Accepted(ids.into_iter().map(|n| Arc::new(event(&format!("m{n}"), 1))).collect())
}

/// Returns what has come, as the name of the frame and its data.
fn come(watching: &mut Subscription) -> Vec<(&'static str, Value)> {
    let frames = std::iter::from_fn(|| watching.rest.try_recv().ok());
    frames.map(|frame| (frame.event, serde_json::from_str(&frame.data).unwrap())).collect()
}

/// Everything that can happen to one event, and one that was set aside.
fn story() -> Vec<Seen> {
    let event = event_at("m1", 1, 0);
    let dead = Settlement {
        fate: "dead",
        reason: Some(Reason::Rejected.as_str()),
        status: Some(422),
        answer: "é".repeat(400),
        ..Settlement::delivered(&event)
    };
    let problem = Problem { path: "event".into(), code: Code::MissingEvent, message: "no event".into() };
    let rejected = Rejected {
        index: 0,
        message_id: Some("m2".into()),
        problems: vec![problem],
        source: "website".into(),
        at: at(0),
        raw: bytes::Bytes::new(),
    };
    vec![
        Seen::Accepted(vec![Arc::clone(&event)]),
        Seen::Rejected(vec![rejected]),
        Seen::Tried {
            destination: "crm".into(),
            notes: vec![attempt_note("crm", &[(7, 8)], "transient", "later")],
            events: vec![(6, Arc::new(self::event("m0", 1))), (7, Arc::clone(&event))],
        },
        Seen::Settled { destination: "crm".into(), at: at(2), ends: vec![dead] },
        Seen::Settled {
            destination: "mail".into(),
            at: at(2),
            ends: vec![Settlement::skipped(&event, "consent"), Settlement::delivered(&event)],
        },
    ]
}

#[actix::test]
async fn everything_that_happens_to_an_event_is_told_without_what_it_holds() {
    let bench = Bench::start();
    let mut watching = bench.watch_all().await;
    bench.tell(story()).await;
    let told: Vec<String> = come(&mut watching).iter().map(|(name, data)| format!("{name} {data}")).collect();
    let cut = "é".repeat(128);
    let expected = [
        r#"accepted {"message_id":"m1","kind":"track","name":"Seen","source":"website","destination":null,"outcome":"accepted","reason":null,"status":null,"answer":null,"latency_ms":null,"at":"2030-03-17T17:46:40Z"}"#,
        r#"rejected {"message_id":"m2","kind":null,"name":null,"source":"website","destination":null,"outcome":"rejected","reason":"missing_event","status":null,"answer":"no event","latency_ms":null,"at":"2030-03-17T17:46:40Z"}"#,
        r#"attempt {"message_id":"m1","kind":"track","name":"Seen","source":"website","destination":"crm","outcome":"transient","reason":"server_error","status":503,"answer":"later","latency_ms":12,"at":"2030-03-17T17:46:40Z"}"#,
        &format!(
            r#"settled {{"message_id":"m1","kind":"track","name":"Seen","source":"website","destination":"crm","outcome":"dead","reason":"rejected","status":422,"answer":"{cut}","latency_ms":2000,"at":"2030-03-17T17:46:42Z"}}"#
        ),
        r#"settled {"message_id":"m1","kind":"track","name":"Seen","source":"website","destination":"mail","outcome":"skipped","reason":"consent","status":null,"answer":null,"latency_ms":2000,"at":"2030-03-17T17:46:42Z"}"#,
        r#"settled {"message_id":"m1","kind":"track","name":"Seen","source":"website","destination":"mail","outcome":"delivered","reason":null,"status":null,"answer":null,"latency_ms":2000,"at":"2030-03-17T17:46:42Z"}"#,
    ];
    assert_eq!(told, expected);
}

#[actix::test]
async fn of_texts_of_any_length_only_the_beginning_is_told() {
    let bench = Bench::start();
    let mut watching = bench.watch_all().await;
    let call = json!({ "type": "track", "event": "é".repeat(8_000), "userId": "u1", "messageId": "m1" });
    let long = Event::restore(call.to_string(), event("m1", 1).receipt.clone()).unwrap();
    let rejected = Rejected {
        index: 0,
        message_id: Some("é".repeat(1 << 20)),
        problems: Vec::new(),
        source: "website".into(),
        at: at(0),
        raw: bytes::Bytes::new(),
    };
    bench.tell(vec![Seen::Accepted(vec![Arc::new(long)]), Seen::Rejected(vec![rejected])]).await;
    let told = come(&mut watching);
    assert_eq!(told[0].1["name"], "é".repeat(128));
    assert_eq!(told[1].1["message_id"], "é".repeat(255));
}

#[actix::test]
async fn what_was_said_a_minute_ago_is_forgotten_also_when_nothing_more_is_said() {
    tokio::time::pause();
    let bench = Bench::start();
    let mut watching = bench.watch_all().await;
    bench.tell(vec![accepted(0..3)]).await;
    assert_eq!(come(&mut watching).len(), 3);
    tokio::time::sleep(Duration::from_secs(63)).await;
    let back = bench.watch(TapFilter::default(), Some("b-1-1")).await.unwrap();
    assert_eq!((back.gap, back.missed.len()), (Some(Some(2)), 0));
}

#[actix::test]
async fn a_filter_leaves_out_what_it_does_not_name() {
    let some = |text: &str| Some(text.to_owned());
    let all = TapFilter::default;
    let cases = [
        (
            TapFilter { kind: Some(crate::spec::Kind::Track), ..all() },
            "accepted attempt settled settled settled",
        ),
        (TapFilter { kind: Some(crate::spec::Kind::Page), ..all() }, ""),
        (TapFilter { event: some("S*n"), outcome: some("skipped"), ..all() }, "settled"),
        (TapFilter { event: some("S"), ..all() }, ""),
        (TapFilter { user: some("u1"), destination: some("crm"), ..all() }, "attempt settled"),
        (TapFilter { user: some("u2"), ..all() }, ""),
        (TapFilter { destination: some("mail"), ..all() }, "settled settled"),
        (TapFilter { outcome: some("rejected"), ..all() }, "rejected"),
    ];
    let bench = Bench::start();
    for (filter, wanted) in cases {
        let mut watching = bench.watch(filter.clone(), None).await.unwrap();
        bench.tell(story()).await;
        let told: Vec<&str> = come(&mut watching).iter().map(|(name, _)| *name).collect();
        assert_eq!(told.join(" "), wanted, "{filter:?}");
    }
}

#[actix::test]
async fn while_nobody_watches_nothing_is_told_and_a_place_is_kept_for_half_a_minute() {
    tokio::time::pause();
    let bench = Bench::start();
    assert!(!bench.line.is_watched());
    let watching = bench.watch_all().await;
    assert!(bench.line.is_watched());
    drop(watching);
    tokio::time::sleep(KEPT_FOR - 2 * WINDOW).await;
    assert!(bench.line.is_watched(), "it may come back");
    tokio::time::sleep(4 * WINDOW).await;
    assert!(!bench.line.is_watched());
}

#[actix::test]
async fn who_was_cut_off_goes_on_there_and_who_wants_another_thing_begins_anew() {
    let bench = Bench::start();
    let mut watching = bench.watch_all().await;
    bench.tell(vec![accepted(0..2)]).await;
    assert_eq!((come(&mut watching).len(), &*watching.boot), (2, "b-1"));
    drop(watching);
    bench.tell(vec![accepted(2..5)]).await;
    let back = bench.watch(TapFilter::default(), Some("b-1-1")).await.unwrap();
    let missed: Vec<u64> = back.missed.iter().map(|frame| frame.seq).collect();
    assert_eq!((missed, back.gap, &*back.boot), (vec![2, 3, 4, 5], None, "b-1"));
    for (filter, id) in [
        (TapFilter { user: Some("u1".into()), ..TapFilter::default() }, "b-1-1"),
        (TapFilter::default(), "other-1-1"),
        (TapFilter::default(), "b-1-"),
    ] {
        let other = bench.watch(filter, Some(id)).await.unwrap();
        assert_eq!((other.gap, other.missed.len(), &*other.boot != "b-1"), (Some(None), 0, true), "{id}");
    }
    bench.tell(vec![accepted(0..600), accepted(600..990)]).await;
    let late = bench.watch(TapFilter::default(), Some("b-1-1")).await.unwrap();
    assert_eq!((late.gap, late.missed.len()), (None, 994));
}

#[actix::test]
async fn a_flood_is_sampled_and_what_was_left_out_is_told() {
    tokio::time::pause();
    let bench = Bench::start();
    let mut watching = bench.watch_all().await;
    bench.tell(vec![accepted(0..3_000)]).await;
    assert_eq!(come(&mut watching).len(), 1_000);
    tokio::time::sleep(2 * WINDOW).await;
    let (name, data) = come(&mut watching).remove(0);
    assert_eq!((name, data.to_string().as_str()), ("sampled", r#"{"left_out":2000,"unseen":0}"#));
}

#[actix::test]
async fn what_finds_no_room_is_counted_and_nobody_waits_for_it() {
    tokio::time::pause();
    let bench = Bench::start();
    let mut watching = bench.watch_all().await;
    // The tap cannot look while this goes on: they share a thread.
    let large: Vec<Arc<Event>> = (0..12).map(|_| Arc::new(event("large", 1 << 20))).collect();
    bench.line.tell(vec![Seen::Accepted(large.clone())]);
    bench.line.tell(vec![Seen::Accepted(large)]);
    bench.tell(vec![accepted(0..1)]).await;
    tokio::time::sleep(2 * WINDOW).await;
    let told = come(&mut watching);
    let ids: Vec<&Value> = told.iter().map(|(_, data)| &data["message_id"]).collect();
    assert_eq!((told.len(), ids[11], ids[12]), (14, &json!("large"), &json!("m0")));
    assert_eq!(told[13].1, json!({ "left_out": 0, "unseen": 12 }));
}

#[actix::test]
async fn there_are_seats_for_some_and_those_of_the_absent_are_given_away() {
    let bench = Bench::start();
    let mut seats = Vec::new();
    for _ in 0..MAX_WATCHERS {
        seats.push(bench.watch_all().await);
    }
    assert_eq!(bench.watch(TapFilter::default(), None).await.err(), Some(NoSeat::Full));
    seats.pop();
    assert!(bench.watch(TapFilter::default(), None).await.is_ok());
    bench.tap.send(Farewell).await.unwrap();
    assert_eq!(come(&mut seats.remove(0)).pop().unwrap().0, "bye");
    assert_eq!(bench.watch(TapFilter::default(), None).await.err(), Some(NoSeat::Stopping));
    assert!(!bench.line.is_watched());
}

#[actix::test]
async fn who_takes_nothing_off_its_queue_gives_up_its_seat() {
    tokio::time::pause();
    let bench = Bench::start();
    let (stalled, mut other) = (bench.watch_all().await, bench.watch_all().await);
    for part in 0..3 {
        bench.tell(vec![accepted(part * 600..(part + 1) * 600)]).await;
        come(&mut other);
        tokio::time::sleep(WINDOW).await;
    }
    tokio::time::sleep(KEPT_FOR + 2 * WINDOW).await;
    let mut stalled = stalled;
    let end = std::iter::repeat_with(|| stalled.rest.try_recv()).find_map(|heard| match heard.err()? {
        broadcast::error::TryRecvError::Lagged(_) => None,
        end => Some(end),
    });
    assert_eq!(end, Some(broadcast::error::TryRecvError::Closed));
    come(&mut other);
    bench.tell(vec![accepted(0..1)]).await;
    assert_eq!(come(&mut other).len(), 1, "who listens keeps its own");
}

#[actix::test]
async fn a_panic_frees_every_seat_and_whoever_comes_next_is_served() {
    let line = TapLine::default();
    let mut tap = Tap::new("b", line.clone());
    let watch = || Watch { last_event_id: None, filter: TapFilter::default() };
    let mut cut_off = tap.admit(watch()).unwrap();
    tap.guarded::<()>(|_| panic!("shown something unexpected"));
    assert!(!line.is_watched());
    assert_eq!(cut_off.rest.try_recv().unwrap_err(), broadcast::error::TryRecvError::Closed);
    assert!(tap.admit(watch()).is_ok() && line.is_watched());
}
