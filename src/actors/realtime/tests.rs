//! The projection on a journal in memory.

use std::sync::Mutex;

use actix::prelude::*;

use super::*;
use crate::journal::MemoryJournal;
use crate::spec::{Kind, Receipt, Redelivery};

#[derive(Default)]
struct Ear(Arc<Mutex<Vec<Publish>>>);

impl Actor for Ear {
    type Context = Context<Self>;
}

impl Handler<Publish> for Ear {
    type Result = ();

    fn handle(&mut self, publish: Publish, _: &mut Context<Self>) {
        self.0.lock().unwrap().push(publish);
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_780_000_020).unwrap()
}

fn event(id: &str, seconds_ago: i64, json: serde_json::Value) -> Arc<Event> {
    let at = now() - SignedDuration::from_secs(seconds_ago);
    let mut json = json;
    json["messageId"] = id.into();
    json["anonymousId"] = "a".into();
    json["context"] = json!({ "page": { "path": "/" } });
    let receipt = Receipt {
        kind: Kind::from_name(json["type"].as_str().unwrap()).unwrap(),
        received_at: at,
        timestamp: at,
        sent_at: None,
        message_id: None,
        source: "web".into(),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Arc::new(Event::restore(json.to_string(), receipt).unwrap())
}

fn page(id: &str, seconds_ago: i64) -> Arc<Event> {
    event(id, seconds_ago, json!({ "type": "page" }))
}

fn records(events: Vec<Arc<Event>>) -> Vec<Record> {
    (0..).zip(events).map(|(at, event)| Record { position: Position(at), event }).collect()
}

#[actix::test]
async fn it_begins_with_the_last_day_and_is_silent_until_it_is_current() {
    let ear = Ear::default();
    let heard = Arc::clone(&ear.0);
    let mut realtime = Realtime::new(Options::default(), ear.start().recipient(), Arc::new(Metrics::new()));
    let journal = MemoryJournal::default();
    journal.append(vec![page("old", 90_000), page("yesterday", 80_000), page("now", 1)]).unwrap();
    assert_eq!(realtime.begin(&journal, now()), Ok(Position(1)));
    let stand = |is_current| Stand { now: now(), is_current };
    realtime.fold(&records(vec![page("1", 100)]), stand(false)).unwrap();
    realtime.tick(stand(false)).unwrap();
    realtime.fold(&records(vec![page("2", 0)]), stand(true)).unwrap();
    let again = Receipt {
        redelivery: Some(Box::new(Redelivery { destination: "crm".into(), previous: None })),
        ..page("3", 0).receipt.clone()
    };
    let again = Arc::new(Event::restore(page("3", 0).raw.to_vec(), again).unwrap());
    realtime
        .fold(&records(vec![again]), Stand { now: now() + SignedDuration::from_secs(2), is_current: true })
        .unwrap();
    settle().await;
    let heard = heard.lock().unwrap();
    let views: Vec<&str> = heard
        .iter()
        .flat_map(|one| &one.numbers)
        .filter(|one| one.site.is_none())
        .map(|one| &*one.view)
        .collect();
    assert_eq!(views.len(), 2);
    assert!(
        views.iter().all(|view| view.contains("\"m5\":1") && view.contains("\"sessions\":1")),
        "{views:?}"
    );
    assert!(heard.iter().all(|one| one.sayings.is_empty()), "the session began before: {heard:?}");
    let report = &heard[0].numbers[0].report;
    assert!(report.contains("\"views\":1,") || report.contains("\"views\":1}"), "{report}");
}

#[actix::test]
async fn a_cart_is_reported_only_by_one_that_is_current() {
    let mut realtime =
        Realtime::new(Options::default(), Ear::default().start().recipient(), Arc::new(Metrics::new()));
    let added =
        event("1", 7_200, json!({ "type": "track", "event": "Product Added", "properties": { "sku": "s" } }));
    let stand = |is_current| Stand { now: now(), is_current };
    realtime.fold(&records(vec![added]), stand(false)).unwrap();
    realtime.tick(stand(false)).unwrap();
    assert!(realtime.outbox(stand(false)).is_empty());
    realtime.tick(stand(true)).unwrap();
    assert_eq!(realtime.outbox(stand(true)).len(), 1);
    assert_eq!(realtime.outbox(stand(true)).len(), 1, "until it is durable");
    realtime.posted();
    assert!(realtime.outbox(stand(true)).is_empty());
}

#[actix::test]
async fn a_clock_that_was_ahead_does_not_silence_what_is_live() {
    let ear = Ear::default();
    let heard = Arc::clone(&ear.0);
    let mut realtime = Realtime::new(Options::default(), ear.start().recipient(), Arc::new(Metrics::new()));
    let journal = MemoryJournal::default();
    let stand = |seconds| Stand { now: now() + SignedDuration::from_secs(seconds), is_current: true };
    realtime.begin(&journal, now()).unwrap();
    // The clock jumps a day ahead, an event comes in, and the clock is set right.
    let ahead = records(vec![page("ahead", -86_400)]);
    realtime.fold(&ahead, stand(86_400)).unwrap();
    realtime.tick(stand(86_400)).unwrap();
    assert!(!realtime.begins_again(stand(86_400)));
    assert!(!realtime.begins_again(stand(86_400 - 59)), "what is soon made good is waited for");
    assert!(realtime.begins_again(stand(10)));
    realtime.begin(&journal, stand(10).now).unwrap();
    realtime.fold(&ahead, stand(10)).unwrap();
    assert!(!realtime.begins_again(stand(10)));
    settle().await;
    heard.lock().unwrap().clear();
    realtime.fold(&records(vec![page("now", -10)]), stand(11)).unwrap();
    realtime.tick(stand(14)).unwrap();
    settle().await;
    let heard = heard.lock().unwrap();
    let views = heard.iter().flat_map(|one| &one.numbers).filter(|one| one.site.is_none());
    let views: Vec<&str> = views.map(|one| &*one.view).collect();
    assert!(views.last().is_some_and(|view| view.contains("\"m1\":1,")), "{views:?}");
}

#[actix::test]
async fn what_nobody_took_is_told_as_a_gap() {
    let ear = Ear::default();
    let heard = Arc::clone(&ear.0);
    let publish = Ear::create(|ctx| {
        ctx.set_mailbox_capacity(1);
        ear
    });
    settle().await;
    let mut realtime = Realtime::new(Options::default(), publish.recipient(), Arc::new(Metrics::new()));
    let stand = Stand { now: now(), is_current: true };
    let mut order = |n: u32| {
        let properties = json!({ "order_id": format!("o{n}"), "revenue": 1 });
        let json = json!({ "type": "track", "event": "Order Completed", "properties": properties });
        realtime.fold(&records(vec![event(&format!("o{n}"), 0, json)]), stand).unwrap();
    };
    // Nobody takes anything meanwhile.
    (0..10).for_each(&mut order);
    settle().await;
    order(10);
    settle().await;
    let heard = heard.lock().unwrap();
    let (gaps, said): (Vec<&Saying>, Vec<&Saying>) =
        heard.iter().flat_map(|one| &one.sayings).partition(|saying| saying.event == "gap");
    let missed: serde_json::Value = serde_json::from_str(&gaps[0].data).unwrap();
    assert_eq!(gaps.len(), 1);
    let missed = usize::try_from(missed["missed"].as_u64().unwrap()).unwrap();
    // Eleven orders, and the session that the first one began.
    assert_eq!((missed > 0, missed + said.len()), (true, 12), "{said:?}");
}

/// Lets the other actor take what is in its mailbox.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}
