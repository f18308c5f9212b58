//! What is live: `GET /presence/stream`, server-sent events without an end, and `GET /api/stats/realtime`, the numbers once.
//!
//! A listener is a queue and a few timers: nothing is computed for it. One that is slow loses frames, and is told so; one
//! whose token ends is sent away. An address with a token in its query is written nowhere.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;

use crate::actors::messages::{AskRealtime, Frame, Glimpse, Glimpses, Subscribe, Subscription};
use crate::telemetry::{Metrics, clock, events};

use super::access::{self, READ_STATS, READ_STREAM};
use super::answer::{self, Refusal};
use super::state::State;
use super::{ops, query};

/// Proxies and browsers give up on a connection on which nothing comes for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again, in milliseconds.
const RETRY_MS: u32 = 3_000;
/// Bytes after which what waits goes out.
const MOST_AT_ONCE: usize = 64 << 10;
const LAST_EVENT_ID: &str = "last-event-id";
/// What nginx looks at before it collects an answer.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whom the door asks about what is live.
#[derive(Clone)]
pub struct LiveDesk {
    /// Lets somebody listen.
    pub subscribe: Recipient<Subscribe>,
    /// Knows the numbers.
    pub ask: Recipient<AskRealtime>,
    /// Shows some of the events.
    pub glimpses: Glimpses,
}

/// `GET /presence/stream`
pub(super) async fn listen(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let opened = open(&request, &state).await;
    opened.unwrap_or_else(|refusal| answer::refuse(&refusal))
}

/// `GET /api/stats/realtime`
pub(super) async fn realtime(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let report = report(&request, &state).await;
    let text = |report: Arc<str>| answer::text("application/json", report.to_string());
    report.map_or_else(|refusal| answer::refuse(&refusal), text)
}

async fn report(request: &HttpRequest, state: &State) -> Result<Arc<str>, Refusal> {
    let desk = state.door.live.as_ref().ok_or(Refusal::NotFound)?;
    let rights = access::check(request, &state.terms().server, READ_STATS)?;
    let site = rights.sites.choose(asked(request, &["site"])?.site)?;
    let silent = Refusal::Overloaded("the live numbers are still being made");
    let unknown = site.as_ref().map(|site| Refusal::NoSuch(format!("nothing was heard of a site `{site}`")));
    ops::ask(&desk.ask, AskRealtime { site }).await?.ok_or(unknown.unwrap_or(silent))
}

async fn open(request: &HttpRequest, state: &State) -> Result<HttpResponse, Refusal> {
    let desk = state.door.live.as_ref().ok_or(Refusal::NotFound)?;
    let rights = access::check_until(request, &state.terms().server, READ_STREAM)?;
    let asked = asked(request, &["site", "include", access::TOKEN_PARAMETER])?;
    let site = rights.sites.choose(asked.site)?;
    let question = Subscribe { last_event_id: last_event_id(request), site: site.clone() };
    let subscription = ops::ask(&desk.subscribe, question).await?;
    let subscription = subscription.ok_or(Refusal::Overloaded("the router is stopping"))?;
    let hearing = Hearing {
        site,
        is_limited: !rights.sites.are_all(),
        glimpses: asked.with_events.then(|| desk.glimpses.watch()),
        until: rights.until,
        stands: rights.standing.map(|standing| standing.watched(state)),
    };
    Ok(stream_of(subscription, hearing, &state.door.metrics))
}

/// What one connection may hear, and for how long.
#[derive(Default)]
pub(super) struct Hearing {
    /// One site alone; `None` for all that the right is for.
    pub site: Option<String>,
    /// It hears of its sites alone: nothing of destinations and tables, which are everybody's.
    pub is_limited: bool,
    /// Some of the events, where it asked for them.
    pub glimpses: Option<Receiver<Arc<Glimpse>>>,
    /// The end of the right, in seconds since 1970; `None` where it has none.
    pub until: Option<f64>,
    /// Whether the session or the token that opened it still stands; `None` where nobody is asked.
    pub stands: Option<Stands>,
}

/// Asked at every heartbeat, also while frames keep coming.
pub(super) type Stands = Box<dyn Fn() -> bool + Send>;

/// Returns the id of the frame that a listener heard last, where it has heard any.
pub(super) fn last_event_id(request: &HttpRequest) -> Option<String> {
    let heard = request.headers().get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    heard.filter(|id| !id.is_empty()).map(str::to_owned)
}

/// Answers with a stream that ends with the right to hear it.
pub(super) fn stream_of(
    subscription: Subscription,
    hearing: Hearing,
    metrics: &Arc<Metrics>,
) -> HttpResponse {
    let listener = Listener::new(subscription, hearing, metrics);
    let frames = stream::unfold(listener, Listener::next);
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-cache, no-transform"))
        .insert_header((BUFFERING, "no"))
        .streaming(frames)
}

/// What the query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    site: Option<String>,
    with_events: bool,
}

fn asked(request: &HttpRequest, known: &[&str]) -> Result<Asked, Refusal> {
    let mut asked = Asked::default();
    for (name, value) in query::pairs(request, &[])? {
        match name.as_str() {
            name if !known.contains(&name) => return Err(query::unknown(name)),
            "site" => asked.site = Some(value).filter(|site| !site.is_empty()),
            "include" if value == "events" => asked.with_events = true,
            "include" => return Err(Refusal::bad_parameter("include", "must be `events`")),
            _ => {}
        }
    }
    Ok(asked)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds fit a double until the year 285,000")]
fn now() -> f64 {
    clock::now().as_millisecond() as f64 / 1_000.0
}

/// The last word to whoever's right to listen is over.
const EXPIRED: &[u8] = b"event: bye\ndata: {\"reason\":\"token_expired\"}\n\n";

/// The last word to whoever has logged out, or logged in with a password that is no longer the one.
const LOGGED_OUT: &[u8] = b"event: bye\ndata: {\"reason\":\"session_ended\"}\n\n";

/// What a listener is told of a frame.
enum Said {
    /// It is for others.
    Nothing,
    /// This, and whether more may come behind it.
    Text(String, bool),
    /// Nobody speaks any more.
    End,
}

/// One connection.
struct Listener {
    boot: Arc<str>,
    site: Option<String>,
    /// What is to be sent before anything new.
    first: Option<Bytes>,
    /// `None` when it has ended.
    rest: Option<Receiver<Arc<Frame>>>,
    /// Some of the events, where it asked for them.
    glimpses: Option<Receiver<Arc<Glimpse>>>,
    /// It hears of its sites alone: nothing of destinations and tables, which are everybody's.
    is_limited: bool,
    until: Option<Instant>,
    /// The session, and when it is looked at next.
    session: Option<(Stands, Instant)>,
    metrics: Arc<Metrics>,
}

impl Listener {
    fn new(subscription: Subscription, hearing: Hearing, metrics: &Arc<Metrics>) -> Listener {
        let Subscription { boot, gap, snapshot, missed, rest } = subscription;
        let Hearing { site, is_limited, glimpses, until, stands } = hearing;
        let left = until.map(|until| Duration::try_from_secs_f64(until - now()).unwrap_or_default());
        let until = left.and_then(|left| Instant::now().checked_add(left));
        let (rest, metrics) = (Some(rest), Arc::clone(metrics));
        let session = stands.map(|stands| (stands, Instant::now() + HEARTBEAT));
        let first = None;
        let mut listener =
            Listener { boot, site, first, rest, glimpses, is_limited, until, session, metrics };
        let mut text = format!("retry: {RETRY_MS}\n\n");
        gap.into_iter().for_each(|missed| text.push_str(&gap_text(missed)));
        snapshot.iter().for_each(|frame| text.push_str(&listener.text(frame)));
        missed
            .iter()
            .filter(|frame| listener.is_for(frame))
            .for_each(|frame| text.push_str(&listener.text(frame)));
        listener.first = Some(text.into());
        listener
    }

    /// Returns the next bytes, `None` at the end.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Listener)> {
        if let Some(bytes) = self.first.take() {
            return Some((Ok(bytes), self));
        }
        let mut rest = self.rest.take()?;
        let mut glimpses = self.glimpses.take();
        // Outside of the loop: what is not for this listener must not keep it silent.
        let mut beat = pin!(tokio::time::sleep(HEARTBEAT));
        let (bytes, goes_on) = loop {
            tokio::select! {
                biased;
                () = over(self.until) => break (Bytes::from_static(EXPIRED), false),
                () = over(self.session.as_ref().map(|(_, next)| *next)) => if !self.still_stands() {
                    break (Bytes::from_static(LOGGED_OUT), false);
                },
                heard = rest.recv() => match self.said(heard, &mut rest) {
                    Said::Nothing => {}
                    Said::Text(text, goes_on) => break (text.into(), goes_on),
                    Said::End => return None,
                },
                glimpse = next_of(&mut glimpses) => {
                    if self.site.as_ref().is_none_or(|site| **site == *glimpse.site) {
                        break (format!("event: event\ndata: {}\n\n", glimpse.data).into(), true);
                    }
                }
                () = &mut beat => break (Bytes::from_static(b":\n\n"), true),
            }
        };
        self.rest = goes_on.then_some(rest);
        self.glimpses = glimpses;
        Some((Ok(bytes), self))
    }

    /// Looks at the session, and says when to look again.
    fn still_stands(&mut self) -> bool {
        self.session.as_mut().is_none_or(|(stands, next)| {
            *next = Instant::now() + HEARTBEAT;
            stands()
        })
    }

    /// Returns what this listener is told of what was heard, and of what waits behind it.
    fn said(&self, heard: Result<Arc<Frame>, RecvError>, rest: &mut Receiver<Arc<Frame>>) -> Said {
        match heard {
            Ok(frame) if frame.event == "bye" => Said::Text(self.text(&frame), false),
            Ok(frame) if self.is_for(&frame) => {
                let mut text = self.text(&frame);
                let goes_on = self.add_what_waits(rest, &mut text);
                Said::Text(text, goes_on)
            }
            Ok(_) => Said::Nothing,
            Err(RecvError::Lagged(count)) => {
                events::FramesMissed { count }.emit(&self.metrics);
                Said::Text(gap_text(Some(count)), true)
            }
            Err(RecvError::Closed) => Said::End,
        }
    }

    /// Adds what has been said meanwhile: a write for each frame would cost more than the frames. Returns false at the end.
    fn add_what_waits(&self, rest: &mut Receiver<Arc<Frame>>, text: &mut String) -> bool {
        while text.len() < MOST_AT_ONCE {
            match rest.try_recv() {
                Ok(frame) if frame.event == "bye" => {
                    text.push_str(&self.text(&frame));
                    return false;
                }
                Ok(frame) if self.is_for(&frame) => text.push_str(&self.text(&frame)),
                Ok(_) => {}
                Err(TryRecvError::Lagged(count)) => {
                    events::FramesMissed { count }.emit(&self.metrics);
                    text.push_str(&gap_text(Some(count)));
                }
                // The end is told by the next question.
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        true
    }

    /// Numbers are of one site or of all; what happens is of its site; the rest is everybody's.
    fn is_for(&self, frame: &Frame) -> bool {
        if self.is_limited && ["destination", "schema"].contains(&frame.event) {
            return false;
        }
        match (&self.site, &frame.site) {
            (None, of) => frame.event != "presence" || of.is_none(),
            (Some(_), None) => frame.event != "presence",
            (Some(wanted), Some(of)) => **wanted == **of,
        }
    }

    fn text(&self, frame: &Frame) -> String {
        let mut text = String::with_capacity(frame.data.len() + 64);
        // A text takes everything; JSON has no line breaks.
        write!(text, "event: {}\nid: {}-{}\ndata: {}\n\n", frame.event, self.boot, frame.seq, frame.data)
            .unwrap_or_default();
        text
    }
}

/// Waits for the end of a right to listen, if it has one.
async fn over(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Waits for the next glimpse; for ever where none was asked for. Nobody misses one: they are a sample.
async fn next_of(glimpses: &mut Option<Receiver<Arc<Glimpse>>>) -> Arc<Glimpse> {
    while let Some(source) = glimpses {
        match source.recv().await {
            Ok(glimpse) => return glimpse,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => *glimpses = None,
        }
    }
    std::future::pending().await
}

/// It has no id: whoever is cut off behind it goes on from the frame before.
fn gap_text(missed: Option<u64>) -> String {
    let missed = missed.map_or_else(|| "null".to_owned(), |missed| missed.to_string());
    format!("event: gap\ndata: {{\"missed\":{missed}}}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::broadcast;

    #[actix::test]
    async fn what_is_for_others_does_not_put_off_the_heartbeat() {
        tokio::time::pause();
        let (others, rest) = broadcast::channel(256);
        let subscription =
            Subscription { boot: "b".into(), gap: None, snapshot: None, missed: Vec::new(), rest };
        let listener = {
            let hearing = Hearing { site: Some("web".to_owned()), ..Hearing::default() };
            Listener::new(subscription, hearing, &Arc::default())
        };
        let (_, listener) = listener.next().await.unwrap();
        let chatter = async {
            for seq in 0.. {
                tokio::time::sleep(HEARTBEAT / 3).await;
                let (data, site) = ("{}".into(), Some("app".into()));
                others.send(Arc::new(Frame { seq, event: "order", data, site })).unwrap_or_default();
            }
        };
        let begun = Instant::now();
        let said = tokio::select! {
            said = listener.next() => said.unwrap().0.unwrap(),
            () = chatter => Bytes::new(),
            () = tokio::time::sleep(10 * HEARTBEAT) => Bytes::new(),
        };
        assert_eq!((&said[..], begun.elapsed().as_secs()), (&b":\n\n"[..], HEARTBEAT.as_secs()));
    }

    #[actix::test]
    async fn a_session_that_is_over_ends_its_stream_while_frames_keep_coming() {
        tokio::time::pause();
        let (speaker, rest) = broadcast::channel(256);
        let subscription =
            Subscription { boot: "b".into(), gap: None, snapshot: None, missed: Vec::new(), rest };
        let stands = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let seen = Arc::clone(&stands);
        let seen: Stands = Box::new(move || seen.load(std::sync::atomic::Ordering::Relaxed));
        let hearing = Hearing { stands: Some(seen), ..Hearing::default() };
        let mut listener = Listener::new(subscription, hearing, &Arc::default());
        let (mut told, mut bye) = (0, Bytes::new());
        for seq in 0..30 {
            stands.store(seq < 20, std::sync::atomic::Ordering::Relaxed);
            speaker
                .send(Arc::new(Frame { seq, event: "order", data: "{}".into(), site: None }))
                .unwrap_or_default();
            let Some((said, next)) = listener.next().await else { break };
            (told, bye, listener) = (seq, said.unwrap(), next);
            tokio::time::advance(HEARTBEAT / 4).await;
        }
        assert_eq!(&bye[..], LOGGED_OUT);
        assert!((20..=24).contains(&told), "{told}");
    }
}
