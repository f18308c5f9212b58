//! The broadcaster as its listeners hear it.

use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;

use super::*;
use crate::destinations::{BoxFuture, Failure, Present};

fn saying(event: &'static str, n: u32) -> Saying {
    Saying { event, data: n.to_string().into(), site: Some("web".into()) }
}

fn numbers(view: &str) -> Numbers {
    Numbers { site: None, view: view.into(), report: format!("report of {view}").into() }
}

async fn publish(to: &Addr<Broadcaster>, sayings: Vec<Saying>, view: &str) {
    to.send(Publish { sayings, numbers: vec![numbers(view)] }).await.unwrap();
}

async fn subscribe(to: &Addr<Broadcaster>, last: Option<&str>) -> Option<Subscription> {
    to.send(Subscribe { last_event_id: last.map(str::to_owned), site: None }).await.unwrap()
}

fn start() -> Addr<Broadcaster> {
    Broadcaster::new("b00t", Arc::new(Metrics::new())).start()
}

#[actix::test]
async fn a_listener_hears_the_numbers_first_and_then_what_is_new() {
    let broadcaster = start();
    let early = subscribe(&broadcaster, None).await.unwrap();
    let nothing: Value = serde_json::from_str(&early.snapshot.unwrap().data).unwrap();
    assert_eq!((&nothing["m5"], &nothing["orders"]["count"]), (&json!(0), &json!(0)));
    publish(&broadcaster, vec![saying("order", 1)], "{}").await;
    publish(&broadcaster, vec![], "{}").await;
    let mut listener = subscribe(&broadcaster, None).await.unwrap();
    let snapshot = listener.snapshot.unwrap();
    assert_eq!((snapshot.seq, &*snapshot.data, listener.gap), (2, "{}", None));
    publish(&broadcaster, vec![saying("session", 7)], "{\"m1\":1}").await;
    let (first, second) = (listener.rest.recv().await.unwrap(), listener.rest.recv().await.unwrap());
    assert_eq!((first.seq, first.event, &*first.data), (3, "session", "7"));
    assert_eq!((second.seq, second.event, &*second.data), (4, "presence", "{\"m1\":1}"));
    let report = broadcaster.send(AskRealtime { site: None }).await.unwrap();
    assert_eq!(report.as_deref(), Some("report of {\"m1\":1}"));
    assert_eq!(broadcaster.send(AskRealtime { site: Some("x".into()) }).await.unwrap(), None);
}

#[actix::test]
async fn who_was_cut_off_goes_on_exactly_there_or_learns_what_is_missing() {
    let broadcaster = start();
    publish(&broadcaster, (1..=3).map(|n| saying("order", n)).collect(), "{}").await;
    let back = subscribe(&broadcaster, Some("b00t-2")).await.unwrap();
    let missed: Vec<u64> = back.missed.iter().map(|frame| frame.seq).collect();
    assert_eq!((missed, back.gap, back.snapshot), (vec![3, 4], None, None));
    for unknown in ["other-2", "b00t-9", "b00t-x", "2", ""] {
        let back = subscribe(&broadcaster, Some(unknown)).await.unwrap();
        assert_eq!((back.gap, back.missed.len()), (Some(None), 0), "{unknown}");
        assert_eq!(back.snapshot.map(|frame| frame.seq), Some(4));
    }
    publish(&broadcaster, (0..1_001).map(|n| saying("order", n)).collect(), "{}").await;
    let back = subscribe(&broadcaster, Some("b00t-2")).await.unwrap();
    assert_eq!((back.gap, back.snapshot.map(|frame| frame.seq)), (Some(Some(3)), Some(1_005)));
}

#[actix::test]
async fn a_slow_listener_loses_the_oldest_and_a_quick_one_nothing() {
    let broadcaster = start();
    let mut slow = subscribe(&broadcaster, None).await.unwrap();
    let mut quick = subscribe(&broadcaster, None).await.unwrap();
    for n in 0..300 {
        broadcaster.send(Publish { sayings: vec![saying("order", n)], numbers: vec![] }).await.unwrap();
        assert_eq!(quick.rest.recv().await.unwrap().seq, u64::from(n) + 1);
    }
    assert_eq!(slow.rest.recv().await, Err(RecvError::Lagged(44)));
    assert_eq!(slow.rest.recv().await.unwrap().seq, 45);
}

#[actix::test]
async fn after_the_farewell_nobody_listens() {
    let broadcaster = start();
    let mut listener = subscribe(&broadcaster, None).await.unwrap();
    broadcaster.send(Farewell).await.unwrap();
    assert_eq!(listener.rest.recv().await.unwrap().event, "bye");
    assert_eq!(listener.rest.recv().await, Err(RecvError::Closed));
    assert!(subscribe(&broadcaster, None).await.is_none());
}

#[actix::test]
async fn changes_of_destinations_and_tables_are_told() {
    let mut broadcaster = Broadcaster::new("b", Arc::new(Metrics::new()));
    let state = |state| vec![DestinationStatus::idle("crm", "webhook", true, state)];
    broadcaster.compare_states(state("flowing"));
    broadcaster.compare_states(state("flowing"));
    assert_eq!(broadcaster.ring.next(), 1);
    broadcaster.compare_states(state("held"));
    let change = |second: i64| crate::actors::messages::ShownChange {
        at: jiff::Timestamp::from_second(second).unwrap(),
        destination: "warehouse".into(),
        table: "tracks".into(),
        change: "add_column".into(),
        column: Some(format!("c{second}")),
        from: None,
        to: Some("text".into()),
        reason: None,
    };
    let report = |seconds: &[i64]| SchemaReport {
        log: seconds.iter().map(|at| change(*at)).collect(),
        ..SchemaReport::default()
    };
    broadcaster.compare_tables(report(&[2, 1]));
    broadcaster.compare_tables(report(&[4, 3, 2, 1]));
    let Resumed::Exactly(frames) = broadcaster.ring.after(0) else { panic!("all of it is there") };
    let told: Vec<String> = frames.iter().map(|frame| format!("{} {}", frame.event, frame.data)).collect();
    assert_eq!(told[0], r#"destination {"name":"crm","state":"held","reason":null}"#);
    assert!(
        told[1].starts_with("schema ") && told[1].contains("\"c3\"") && told[2].contains("\"c4\""),
        "{told:?}"
    );
    assert_eq!(told.len(), 3);
}

/// A store that panics when it is asked.
struct Broken;

impl SharedPresence for Broken {
    fn look(&self, _: Arc<str>, _: i64, _: usize) -> BoxFuture<Result<Present, Failure>> {
        panic!("injected")
    }
}

/// Answers nothing of interest.
struct Nobody;

impl Actor for Nobody {
    type Context = Context<Self>;
}

impl Handler<Snapshot> for Nobody {
    type Result = MessageResult<Snapshot>;

    fn handle(&mut self, _: Snapshot, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Vec::new())
    }
}

impl Handler<DescribeSchemas> for Nobody {
    type Result = <DescribeSchemas as actix::Message>::Result;

    fn handle(&mut self, _: DescribeSchemas, _: &mut Context<Self>) -> Self::Result {
        Ok(None)
    }
}

#[actix::test]
async fn a_panic_is_a_gap_and_not_the_end() {
    let broadcaster = start();
    let mut listener = subscribe(&broadcaster, None).await.unwrap();
    publish(&broadcaster, vec![saying("order", 1)], "{}").await;
    let nobody = Nobody.start();
    let sources = |presence| Sources {
        destinations: nobody.clone().recipient(),
        schemas: nobody.clone().recipient(),
        presence,
    };
    broadcaster.send(Attend(sources(Some(Arc::new(Broken))))).await.unwrap();
    let of_web = Numbers { site: Some("web".into()), ..numbers("{\"m1\":1}") };
    broadcaster.send(Publish { sayings: vec![], numbers: vec![of_web] }).await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..3 {
        let frame = listener.rest.recv().await.unwrap();
        heard.push((frame.event, frame.data.to_string()));
    }
    assert_eq!(heard[2], ("gap", "{\"missed\":null}".to_owned()), "{heard:?}");
    broadcaster.send(Attend(sources(None))).await.unwrap();
    publish(&broadcaster, vec![], "{\"m1\":2}").await;
    assert_eq!(&*listener.rest.recv().await.unwrap().data, "{\"m1\":2}", "it goes on");
    let back = subscribe(&broadcaster, Some("b00t-2")).await.unwrap();
    assert_eq!((&*back.boot, back.gap), ("b00t.1", Some(None)), "what was said before is not known any more");
}
