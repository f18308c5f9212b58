//! Brings spans to the collector: gathers them for a moment, posts them as OTLP over HTTP, and tries again what may be tried again.
//!
//! Nothing waits for it: the queue before it is bounded, what the collector does not take is counted and forgotten, and a stop gives
//! it one short moment for the rest.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::telemetry::events::{SpansLost, SpansSent};
use crate::telemetry::traces::{Span, encode};
use crate::telemetry::{Metrics, events};

/// Most spans of one request; some 200 KiB.
const BATCH: usize = 512;
/// How long a batch is gathered.
const GATHER: Duration = Duration::from_secs(1);
/// How long the collector may take over one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a request is made; the waits between double from the first.
const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A collector that asks for a longer wait loses the batch.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// What a stop waits for.
const FAREWELL: Duration = Duration::from_secs(2);

/// The way to a collector, until the router stops.
pub(super) struct Collector {
    stop: oneshot::Sender<()>,
    work: tokio::task::JoinHandle<()>,
}

impl Collector {
    /// Switches traces on where the configuration names a collector.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub(super) fn start(endpoint: Option<&str>, metrics: &Arc<Metrics>) -> anyhow::Result<Option<Collector>> {
        let Some(endpoint) = endpoint else { return Ok(None) };
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        let spans = metrics.traces.switch_on();
        let (stop, stopped) = oneshot::channel();
        let way =
            Way { client: client.build()?, endpoint: endpoint.to_owned(), metrics: Arc::clone(metrics) };
        #[expect(
            clippy::disallowed_methods,
            reason = "nothing depends on it; its end is awaited in `farewell`"
        )]
        let work = actix_rt::spawn(run(way, spans, stopped));
        Ok(Some(Collector { stop, work }))
    }

    /// Sends what is there, and waits for it a moment.
    pub(super) async fn farewell(self) {
        drop(self.stop);
        if timeout(FAREWELL, self.work).await.is_err() {
            events::NobodyThere { message: "the last spans" }.emit();
        }
    }
}

struct Way {
    client: reqwest::Client,
    endpoint: String,
    metrics: Arc<Metrics>,
}

async fn run(way: Way, mut spans: mpsc::Receiver<Span>, mut stopped: oneshot::Receiver<()>) {
    let (mut batch, mut is_told, mut is_last) = (Vec::with_capacity(BATCH), false, false);
    while !is_last {
        is_last = gather(&mut spans, &mut batch, &mut stopped).await;
        let lost = way.metrics.traces.take_lost();
        if lost > 0 {
            SpansLost { count: lost, why: "they came faster than the collector takes them", is_told }
                .emit(&way.metrics);
            is_told = true;
        }
        if batch.is_empty() {
            continue;
        }
        let count = batch.len() as u64;
        match way.post(encode::request(&batch)).await {
            Ok(()) => {
                SpansSent { count }.emit(&way.metrics);
                is_told = lost > 0;
            }
            Err(why) => {
                SpansLost { count, why: &why, is_told }.emit(&way.metrics);
                is_told = true;
            }
        }
        batch.clear();
    }
}

/// Waits for a span, and a moment longer for its company. Returns whether the router stops.
async fn gather(
    spans: &mut mpsc::Receiver<Span>,
    batch: &mut Vec<Span>,
    stopped: &mut oneshot::Receiver<()>,
) -> bool {
    let some = async {
        spans.recv_many(batch, BATCH).await;
        let until = Instant::now() + GATHER;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            if timeout_at(until, spans.recv_many(batch, room)).await.is_err() {
                break;
            }
        }
    };
    let is_last = tokio::select! {
        () = some => false,
        _ = stopped => true,
    };
    while is_last && batch.len() < BATCH {
        let Ok(span) = spans.try_recv() else { break };
        batch.push(span);
    }
    is_last
}

impl Way {
    /// Posts one request, again where OTLP says that it may be tried again.
    async fn post(&self, body: Vec<u8>) -> Result<(), String> {
        let (body, mut wait) = (bytes::Bytes::from(body), FIRST_WAIT);
        for attempt in 1..=ATTEMPTS {
            let request = self.client.post(&self.endpoint).header(CONTENT_TYPE, "application/x-protobuf");
            let (why, asked) = match request.body(body.clone()).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) if !may_come_again(answer.status()) => {
                    return Err(format!("the collector answered {}", answer.status().as_u16()));
                }
                Ok(answer) => {
                    let asked =
                        answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                    (format!("the collector answered {}", answer.status().as_u16()), asked)
                }
                Err(_) => ("the collector does not answer".to_owned(), None),
            };
            let pause = asked.map_or(wait, Duration::from_secs);
            if attempt == ATTEMPTS || pause > LONGEST_WAIT {
                return Err(why);
            }
            sleep(pause).await;
            wait *= 2;
        }
        Ok(())
    }
}

/// The four of the specification: <https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes>
fn may_come_again(status: StatusCode) -> bool {
    [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ]
    .contains(&status)
}

#[cfg(test)]
mod tests;
