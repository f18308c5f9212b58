//! What an event costs that goes to Customer.io or to Meta: sent as fast as the router answers, to another side that takes
//! everything.
//!
//! Separate because these events are of this hour, since Meta takes no old ones, and name people, whose data is hashed; and
//! because the other side counts items: what they are called there is the destination's business.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use memchr::memmem;

use super::events::Requests;
use super::figures::{median, say, thousands};
use super::load;
use super::metrics;
use super::receiver::Tally;
use super::router::Router;
use super::wire::read_head;

/// The names by which they are chosen.
pub(crate) const APIS: [&str; 2] = ["batch-customerio", "batch-meta"];

/// Events in a request.
const BATCH: usize = 100;
/// Events of a run unless told otherwise.
const EVENTS: usize = 200_000;
/// Room for what the router sends in one piece.
const BUFFER: usize = 256 << 10;

/// One API: its configuration, what each of its items has once, and its answer.
struct Kind {
    name: &'static str,
    config: &'static str,
    item: &'static [u8],
    answer: fn(usize) -> String,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: APIS[0],
        // As many requests as it takes: what one costs is asked, and not how many are allowed.
        config: "[destinations.customerio]\nsite_id = \"bench\"\napi_key = \"bench-bench\"\n\
                 rate_limit = { requests_per_second = 0 }\n",
        item: br#""action":""#,
        answer: |_| "{}".to_owned(),
    },
    Kind {
        name: APIS[1],
        config: "[destinations.meta_capi]\npixel_id = \"1234567890\"\naccess_token = \"bench-bench\"\n\
                 custom_events = true\n",
        item: br#""event_id":""#,
        answer: |events| format!(r#"{{"events_received":{events},"messages":[],"fbtrace_id":"bench"}}"#),
    },
];

/// Takes everything and counts; ends when dropped.
struct Sink {
    port: u16,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    items: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
    closed: AtomicBool,
}

/// Runs one of [`APIS`] so often.
pub(crate) async fn run(name: &str, runs: usize, events: Option<usize>) -> anyhow::Result<Tally> {
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else { return Ok(Tally::default()) };
    let requests = Requests::people(BATCH);
    let count = events.unwrap_or(EVENTS).div_ceil(BATCH);
    let (mut tally, mut figures) = (Tally::default(), <[Vec<f64>; 3]>::default());
    for run in 1..=runs {
        let (one, measured) = measure(kind, &requests, count).await?;
        tally = tally.and(one);
        let [of_event, of_item, through] = measured;
        say(&format!(
            "{name:<16} run {run}: {of_event:.1} µs CPU/event, {of_item:.1} µs CPU/item, {} through/s, {one}",
            thousands(through)
        ))?;
        figures.iter_mut().zip(measured).for_each(|(all, figure)| all.push(figure));
    }
    let [of_event, of_item, through] = figures.map(median);
    say(&format!(
        "{name:<16} median: {of_event:.1} µs CPU/event, {of_item:.1} µs CPU/item, {} through/s",
        thousands(through)
    ))?;
    Ok(tally)
}

async fn measure(
    kind: &'static Kind,
    requests: &Requests,
    count: usize,
) -> anyhow::Result<(Tally, [f64; 3])> {
    let events = count * BATCH;
    let sink = Sink::start(kind)?;
    let endpoint = format!("{}endpoint = \"http://127.0.0.1:{}\"\n\n", kind.config, sink.port);
    let mut router = Router::start(&endpoint).await?;
    let cpu = router.cpu()?;
    let sent = load::as_fast_as_answered(router.port, requests, count).await?;
    router.until_settled(router.accepted().await?).await?;
    let through = events as f64 / sent.began.elapsed().as_secs_f64();
    let cpu = (router.cpu()? - cpu).as_secs_f64() * 1e6;
    let page = router.metrics().await?;
    let delivered = page.lines().filter(|line| line.contains(r#"outcome="delivered""#));
    let delivered: String = delivered.flat_map(|line| [line, "\n"]).collect();
    let delivered = metrics::sum(&delivered, "opentrack_delivery_events_total");
    let accepted = router.accepted().await?;
    router.stop().await?;
    let items = sink.counts.items.load(Ordering::Relaxed);
    let there = Tally::of(items, delivered as usize);
    Ok((Tally::of(accepted, events).and(there), [cpu / events as f64, cpu / items.max(1) as f64, through]))
}

impl Sink {
    fn start(kind: &'static Kind) -> std::io::Result<Sink> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let sink = Sink { port: listener.local_addr()?.port(), counts: Arc::default() };
        let counts = Arc::clone(&sink.counts);
        std::thread::spawn(move || listen(&listener, kind, &counts));
        Ok(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.counts.closed.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts, so that it sees the word.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn listen(listener: &TcpListener, kind: &'static Kind, counts: &Arc<Counts>) {
    for stream in listener.incoming() {
        if counts.closed.load(Ordering::Relaxed) {
            return;
        }
        let counts = Arc::clone(counts);
        std::thread::spawn(move || stream.and_then(|stream| serve(stream, kind, &counts)).ok());
    }
}

fn serve(stream: TcpStream, kind: &Kind, counts: &Counts) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(BUFFER, stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    while let Some(length) = read_head(&mut reader, &mut line, |_| {})? {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        let items = memmem::find_iter(&body, kind.item).count();
        counts.items.fetch_add(items as u64, Ordering::Relaxed);
        counts.requests.fetch_add(1, Ordering::Relaxed);
        counts.bytes.fetch_add(length as u64, Ordering::Relaxed);
        let said = (kind.answer)(items);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
        reader.get_mut().write_all(format!("{head}{}\r\n\r\n{said}", said.len()).as_bytes())?;
    }
    Ok(())
}
