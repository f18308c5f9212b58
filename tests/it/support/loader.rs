//! A load on the router: threads that send batches and single events of their own users, and remember what was
//! acknowledged. The router may be killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::http;

/// The event that a message id stands for: its user and its place among the user's events.
pub(crate) type Sent = BTreeMap<String, (String, u64)>;

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    sent: Mutex<Sent>,
    acknowledged: Mutex<BTreeSet<String>>,
}

/// A running load.
pub(crate) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts `threads` senders. Those with an even number send a body again until it is acknowledged, as SDKs do; the
    /// others give it up at once, so that some events are never acknowledged.
    pub(crate) fn start(base: &str, threads: usize) -> Load {
        Load::over(&[base.to_owned()], threads)
    }

    /// Starts `threads` senders over several routers, as a load balancer would: each goes on with the next router when its
    /// own gives no 200.
    pub(crate) fn over(bases: &[String], threads: usize) -> Load {
        let shared = Arc::new(Shared::default());
        let spawn = |number| {
            let shared = Arc::clone(&shared);
            let sender = Sender { number, bases: bases.to_vec(), turn: number, shared, next: 0 };
            std::thread::spawn(move || sender.run())
        };
        let threads = (0..threads).map(spawn).collect();
        Load { shared, threads }
    }

    /// Returns how many events were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.shared.acknowledged.lock().expect("no sender panics").len()
    }

    /// Returns the ids of the events that were acknowledged so far.
    pub(crate) fn acknowledged_ids(&self) -> Vec<String> {
        self.shared.acknowledged.lock().expect("no sender panics").iter().cloned().collect()
    }

    /// Waits until `more` events were acknowledged after now.
    pub(crate) async fn until_more(&self, more: usize) {
        let goal = self.acknowledged() + more;
        super::until("the load goes on", 20, async || self.acknowledged() >= goal).await;
    }

    /// Ends the load; returns everything that was ever sent, and the ids that were acknowledged.
    pub(crate) fn finish(self) -> (Sent, BTreeSet<String>) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a sender ended well");
        }
        let sent = self.shared.sent.lock().expect("no sender panics").clone();
        let acknowledged = self.shared.acknowledged.lock().expect("no sender panics").clone();
        (sent, acknowledged)
    }
}

/// One thread's part: three users, whose events it sends one request after the other.
struct Sender {
    number: usize,
    bases: Vec<String>,
    /// Which router is asked, modulo how many there are.
    turn: usize,
    shared: Arc<Shared>,
    next: u64,
}

impl Sender {
    fn run(mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let client = http();
            while !self.stopped() {
                let (path, body, ids) = self.next_request();
                self.send(&client, path, &body, &ids).await;
            }
        });
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Makes a batch of seven, or every third time a single event, and remembers it as sent.
    fn next_request(&mut self) -> (&'static str, String, Vec<String>) {
        let single = self.next.is_multiple_of(3);
        let events: Vec<Value> = (0..if single { 1 } else { 7 }).map(|_| self.next_event()).collect();
        let ids = super::ids_of(&events);
        let body = if single { events[0].clone() } else { json!({ "batch": events }) };
        (if single { "/v1/track" } else { "/v1/batch" }, body.to_string(), ids)
    }

    fn next_event(&mut self) -> Value {
        let n = self.next;
        self.next += 1;
        let user = format!("user-{}-{}", self.number, n % 3);
        let id = format!("load-{}-{n}", self.number);
        self.shared.sent.lock().expect("no sender panics").insert(id.clone(), (user.clone(), n));
        json!({
            "type": "track", "event": "Load Sent", "messageId": id, "userId": user,
            "properties": { "n": n, "filler": "x".repeat(200) },
        })
    }

    async fn send(&mut self, client: &reqwest::Client, path: &str, body: &str, ids: &[String]) {
        loop {
            let url = format!("{}{path}", self.bases[self.turn % self.bases.len()]);
            let request = client.post(&url).header("content-type", "application/json").body(body.to_owned());
            let taken = request.send().await.is_ok_and(|response| response.status() == 200);
            if taken {
                self.shared.acknowledged.lock().expect("no sender panics").extend(ids.iter().cloned());
                return;
            }
            self.turn += 1;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            if self.number % 2 == 1 || self.stopped() {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_load_knows_what_was_sent_and_what_was_acknowledged() {
    let receiver = super::Receiver::start();
    let load = Load::start(receiver.url().trim_end_matches("/in"), 2);
    load.until_more(30).await;
    receiver.follow(|_| super::Reply::Status(503));
    super::until("a refusal was seen", 5, async || {
        receiver.requests().iter().any(|one| one.status == Some(503))
    })
    .await;
    let (sent, acknowledged) = load.finish();
    let taken: BTreeSet<String> = receiver.taken_ids().into_iter().collect();
    assert_eq!(acknowledged, taken);
    assert!(sent.len() > acknowledged.len());
    assert!(acknowledged.iter().all(|id| sent.contains_key(id)));
}
