//! The sending side: some connections on one thread, as fast as answers come or at a rate.
//!
//! At a rate latency counts from the instant at which a request was due, so that a router that stalls cannot make its own figures
//! better. Nothing is sent twice: what an answer refuses is counted.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::made::Made;
use crate::cli::progress::Progress;

/// More of an answer is not looked at.
const MOST_OF_ANSWER: usize = 1 << 20;

/// What is to be sent, and where.
pub(super) struct Load<'a> {
    pub(super) client: reqwest::Client,
    pub(super) url: Url,
    pub(super) key: Option<&'a str>,
    pub(super) made: Made,
    /// Events altogether.
    pub(super) events: u32,
    /// Events of a request; the last one may have fewer.
    pub(super) batch: u32,
    /// From one request to the next; `None` for as fast as answers come.
    pub(super) period: Option<Duration>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Until the last answer.
    pub(super) took: Duration,
    /// Events that the router said it has.
    pub(super) accepted: u64,
    /// Requests by the status of their answer; 0 for none.
    pub(super) answers: BTreeMap<u16, u64>,
    /// Of every request that was answered, sorted.
    pub(super) latencies: Vec<Duration>,
}

/// What the connections share.
struct Shared {
    began: Instant,
    next: Cell<u32>,
    sent: RefCell<Sent>,
}

impl Load<'_> {
    /// Sends everything over so many connections.
    pub(super) async fn send(&self, connections: u16, bar: &Progress) -> Sent {
        let shared = Shared { began: Instant::now(), next: Cell::new(0), sent: RefCell::default() };
        join_all((0..connections).map(|_| self.drive(&shared, bar))).await;
        let mut sent = shared.sent.into_inner();
        sent.took = shared.began.elapsed();
        sent.latencies.sort_unstable();
        sent
    }

    /// Sends one request after the other until all are sent.
    async fn drive(&self, shared: &Shared, bar: &Progress) {
        let mut body = String::new();
        loop {
            let request = shared.next.get();
            let first = request.saturating_mul(self.batch);
            if first >= self.events {
                return;
            }
            shared.next.set(request + 1);
            let due = self.period.map(|period| shared.began + period * request);
            if let Some(due) = due {
                sleep_until(due).await;
            }
            let count = self.batch.min(self.events - first);
            self.made.batch(first, count, &mut body);
            let from = due.unwrap_or_else(Instant::now);
            let answer = self.post(body.clone()).await;
            shared.sent.borrow_mut().add(answer, count, from.elapsed());
            let accepted = shared.sent.borrow().accepted;
            bar.at(u64::from(first + count), u64::from(self.events), &format!("{accepted} accepted"));
        }
    }

    /// Returns the status and what the answer says; `None` where there is no answer.
    async fn post(&self, body: String) -> Option<(u16, Value)> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let request = match self.key {
            Some(key) => request.basic_auth(key, Some("")),
            None => request,
        };
        let mut answer = request.body(body).send().await.ok()?;
        let (status, mut text) = (answer.status().as_u16(), Vec::new());
        while let Some(chunk) = answer.chunk().await.ok()? {
            if text.len() + chunk.len() <= MOST_OF_ANSWER {
                text.extend_from_slice(&chunk);
            }
        }
        Some((status, serde_json::from_slice(&text).unwrap_or_default()))
    }
}

impl Sent {
    fn add(&mut self, answer: Option<(u16, Value)>, count: u32, took: Duration) {
        let status = answer.as_ref().map_or(0, |(status, _)| *status);
        *self.answers.entry(status).or_default() += 1;
        let Some((status, said)) = answer else { return };
        self.latencies.push(took);
        if status == 200 {
            let rejected = said.get("rejected").and_then(Value::as_array).map_or(0, Vec::len) as u64;
            self.accepted += u64::from(count).saturating_sub(rejected);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_refused_or_not_answered_is_not_accepted() {
        let (mut sent, took) = (Sent::default(), Duration::from_millis(3));
        sent.add(Some((200, json!({ "success": true, "accepted": 10 }))), 10, took);
        sent.add(Some((200, json!({ "success": true, "accepted": 8, "rejected": [{}, {}] }))), 10, took);
        sent.add(Some((503, json!({ "code": "overloaded" }))), 10, took);
        sent.add(None, 10, took);
        assert_eq!(sent.accepted, 18);
        assert_eq!(sent.answers, BTreeMap::from([(0, 1), (200, 2), (503, 1)]));
        assert_eq!(sent.latencies.len(), 3);
    }
}
