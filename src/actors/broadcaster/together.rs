//! Numbers that several routers know together, in the place of what one has seen.
//!
//! Where the store that they share does not answer, the router's own numbers stay, and say so.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::Broadcaster;
use crate::actors::messages::Numbers;
use crate::destinations::{Failure, Present, SharedPresence};
use crate::projections::active_average::{Average, HALF_LIFE_MS};
use crate::telemetry::clock;

/// How long the store may take: the next numbers come in two seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Pages that are asked for.
const PAGES: usize = 10;

type Answers = BTreeMap<Option<Arc<str>>, Option<Present>>;

impl Broadcaster {
    /// Asks the store about every site, and keeps the numbers with what it says.
    pub(super) fn keep_together(
        &mut self,
        numbers: Vec<Numbers>,
        store: &Arc<dyn SharedPresence>,
        ctx: &mut Context<Self>,
    ) {
        let now = clock::now().as_millisecond();
        let looks = numbers.iter().filter_map(|one| one.site.clone()).map(|site| {
            // Not even a panic over there may end who tells the rest.
            let look = AssertUnwindSafe(store.look(Arc::clone(&site), now, PAGES)).catch_unwind();
            let look = tokio::time::timeout(ANSWER_WITHIN, look.map(Result::ok));
            async move { (site, look.await.ok().flatten().and_then(Result::<Present, Failure>::ok)) }
        });
        let asked = join_all(looks.collect::<Vec<_>>()).into_actor(self);
        ctx.spawn(asked.map(move |answers, broadcaster, _| {
            broadcaster.guarded(|own| own.keep_answers(numbers, &with_their_sum(answers), now));
        }));
    }

    fn keep_answers(&mut self, numbers: Vec<Numbers>, answers: &Answers, now: i64) {
        for one in numbers {
            let present = answers.get(&one.site).cloned().flatten();
            let ema = present.as_ref().map(|present| self.average(&one.site, present, now));
            self.keep(together(one, present.as_ref().zip(ema)));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a number of visitors is far below 2^53")]
    fn average(&mut self, site: &Option<Arc<str>>, present: &Present, now: i64) -> f64 {
        let fresh = || Average::new(HALF_LIFE_MS);
        let average =
            self.averages.entry(site.clone()).or_insert_with(fresh).add(now, present.counts.m5 as f64);
        (average * 1e6).round() / 1e6
    }
}

/// Adds what is known of all sites together; nothing when one of them is not known.
fn with_their_sum(answers: Vec<(Arc<str>, Option<Present>)>) -> Answers {
    let all: Option<Vec<&Present>> = answers.iter().map(|(_, present)| present.as_ref()).collect();
    let sum = all.map(|all| {
        let mut sum = Present::default();
        for present in all {
            sum.counts.m1 += present.counts.m1;
            sum.counts.m5 += present.counts.m5;
            sum.counts.m30 += present.counts.m30;
            sum.pages.extend(present.pages.iter().cloned());
            sum.sessions += present.sessions;
            sum.vitals.merge(&present.vitals);
            sum.trade.join(&present.trade);
        }
        sum.pages.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        sum.pages.truncate(PAGES);
        sum.vitals.keep_largest(PAGES);
        sum
    });
    let sites = answers.into_iter().map(|(site, present)| (Some(site), present));
    sites.chain([(None, sum)]).collect()
}

fn together(numbers: Numbers, present: Option<(&Present, f64)>) -> Numbers {
    let change = |text: &str, pointer: &str| -> Arc<str> {
        let mut value: Value = serde_json::from_str(text).unwrap_or_default();
        let members = value.pointer_mut(pointer).and_then(Value::as_object_mut);
        members.into_iter().for_each(|members| put(members, present));
        value.to_string().into()
    };
    let (view, report) = (change(&numbers.view, ""), change(&numbers.report, "/totals"));
    let report = match present {
        Some((present, _)) => measured(&report, present),
        None => report,
    };
    Numbers { site: numbers.site, view, report }
}

/// Puts in how fast pages feel, how far visitors come and how many carts there are, of which the stream says nothing.
fn measured(report: &str, present: &Present) -> Arc<str> {
    let mut value: Value = serde_json::from_str(report).unwrap_or_default();
    let told = |value: serde_json::Result<Value>| value.unwrap_or_default();
    let all = [
        ("funnel", told(serde_json::to_value(present.trade.funnel()))),
        ("carts", present.trade.carts.into()),
        ("vitals", told(serde_json::to_value(present.vitals.rows()))),
    ];
    if let Some(totals) = value.get_mut("totals").and_then(Value::as_object_mut) {
        totals.extend(all.map(|(name, value)| (name.to_owned(), value)));
    }
    value.to_string().into()
}

fn put(members: &mut Map<String, Value>, present: Option<(&Present, f64)>) {
    let mut set = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    let Some((present, ema)) = present else { return set("degraded", true.into()) };
    let pages = present.pages.iter().map(|(path, visitors)| json!({ "path": path, "visitors": visitors }));
    set("m1", present.counts.m1.into());
    set("m5", present.counts.m5.into());
    set("m30", present.counts.m30.into());
    set("ema", ema.into());
    set("estimated", false.into());
    set("sessions", present.sessions.into());
    set("pages", pages.collect());
    set("orders", serde_json::to_value(present.trade.orders()).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::{Taken, Trade};
    use crate::projections::active::Counts;

    fn numbers() -> Numbers {
        let view = r#"{"site":null,"m1":1,"m5":1,"m30":1,"ema":1.0,"estimated":false,"degraded":false,"sessions":1,"pages":[],"orders":{"count":0,"revenue":{}}}"#;
        Numbers { site: None, view: view.into(), report: format!(r#"{{"rows":[],"totals":{view}}}"#).into() }
    }

    fn present(m1: u64, pages: &[(&str, u64)]) -> Present {
        let pages = pages.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect();
        let taken = Taken { orders: 1, gross_cents: 350, refunds_cents: 100 };
        let trade = Trade { taken: [("EUR".to_owned(), taken)].into(), levels: [3, 1, 0, 1], carts: 6 };
        let counts = Counts { m1, m5: m1 + 1, m30: m1 + 2 };
        Present { counts, pages, sessions: m1, trade, ..Present::default() }
    }

    #[test]
    fn what_is_known_together_takes_the_place_of_what_one_router_knows() {
        let shared = together(numbers(), Some((&present(5, &[("/a", 7)]), 2.5)));
        let wanted = r#"{"site":null,"m1":5,"m5":6,"m30":7,"ema":2.5,"estimated":false,"degraded":false,"sessions":5,"pages":[{"path":"/a","visitors":7}],"orders":{"count":1,"revenue":{"EUR":{"orders":1,"gross":"3.50","refunds":"1.00","net":"2.50","aov":"3.50"}}}}"#;
        let told = serde_json::to_string(&present(5, &[]).trade.funnel()).unwrap();
        assert!(told.contains(r#""step":"Product Added","visitors":2,"conversion":0.4"#), "{told}");
        let measured =
            format!(r#"{},"funnel":{told},"carts":6,"vitals":[]}}"#, wanted.strip_suffix('}').unwrap());
        assert_eq!(
            (&*shared.view, &*shared.report),
            (wanted, &*format!(r#"{{"rows":[],"totals":{measured}}}"#))
        );
        let alone = together(numbers(), None);
        assert_eq!(*alone.view, *numbers().view.replace("\"degraded\":false", "\"degraded\":true"));
    }

    #[test]
    fn the_sum_is_known_when_every_site_is() {
        let (web, app) = (present(1, &[("/a", 1), ("/b", 3)]), present(10, &[("/c", 2)]));
        let answers = with_their_sum(vec![("web".into(), Some(web.clone())), ("app".into(), Some(app))]);
        let sum = answers.get(&None).cloned().flatten().unwrap();
        assert_eq!((sum.counts.m1, sum.counts.m30, sum.sessions), (11, 15, 11));
        assert_eq!((sum.trade.orders().count, sum.trade.levels, sum.trade.carts), (2, [6, 2, 0, 2], 12));
        assert_eq!(sum.pages, [("/b".to_owned(), 3), ("/c".to_owned(), 2), ("/a".to_owned(), 1)]);
        let answers = with_their_sum(vec![("web".into(), Some(web)), ("app".into(), None)]);
        assert_eq!(answers.get(&None), Some(&None));
    }
}
