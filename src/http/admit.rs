//! Who may come in, and as whom: key, signature, limits and the visitor's id, decided between the split and the belief of a
//! request's calls.
//!
//! What is found out about the request goes along in a [`Pass`] and marks its answer.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, SET_COOKIE, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;

use crate::enrich::hashing;
use crate::spec::read::{Arrival, Envelope, Intake, Limits};
use crate::spec::signature::{self, Claim, Signer, Verdict};
use crate::spec::whose::Whose;
use crate::telemetry::clock;

use super::additions;
use super::answer::{Refusal, Unsigned};
use super::auth::Sender;
use super::cookie::Jar;
use super::cors;
use super::limit::Allowance;
use super::replay::{Before, Ticket};
use super::state::State;
use super::terms::Terms;
use super::visitor::{Visitor, is_trusted};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How far the sender's clock may be from ours, both ways. The official libraries take the same.
const TOLERANCE_SECONDS: u64 = 300;
/// Some ten signatures; each costs an HMAC over the body.
const LONGEST_SIGNATURE: usize = 512;

/// How the members that forbid to keep something, or a letter of them, can be written in JSON.
const MENTIONS: [&[u8]; 3] = [b"\"storage\"", b"\"cookieless\"", b"\\u00"];

/// One request at the door.
pub(super) struct Entrance<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) state: &'a State,
    pub(super) terms: &'a Terms,
    /// The body as it was sent; of an image its query, which is what it has in place of a body.
    pub(super) sent: &'a [u8],
    /// The body unpacked, or the call that an image's query holds.
    pub(super) text: &'a [u8],
    /// The path is for pages, whatever the headers say.
    pub(super) is_for_pages: bool,
}

/// What goes along with a request until its answer.
#[derive(Default)]
pub(super) struct Pass {
    allowance: Option<Allowance>,
    /// The source does not list the page's origin.
    is_foreign: bool,
    cookie: Option<HeaderValue>,
    ticket: Option<Ticket>,
}

impl Pass {
    /// Marks the answer. An id is kept, and a signed request remembered, only when its calls were accepted.
    pub(super) fn mark(self, response: &mut HttpResponse) {
        if let Some(allowance) = self.allowance {
            allowance.mark(response.headers_mut());
        }
        if let Some(ticket) = self.ticket.filter(|_| response.status().is_success()) {
            ticket.stored(clock::now().as_second());
        }
        if self.is_foreign {
            cors::hide(response);
        } else if let Some(cookie) = self.cookie.filter(|_| response.status().is_success()) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
    }
}

impl Entrance<'_> {
    /// Decides whose calls these are and whether they may come in, and checks each.
    ///
    /// # Errors
    /// `unauthorized`, `forbidden`, `rate_limited`, or a code of the signature.
    pub(super) async fn admit(&self, mut envelope: Envelope) -> Result<(Intake, Pass), Refusal> {
        let server = &self.terms.server;
        let visitor = Visitor::of(self.request, &server.trusted_proxies);
        let origin = visitor.origin.map(HeaderValue::as_bytes);
        let authorization = self.request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let sender = self.terms.sources.identify(authorization, envelope.write_key.as_deref(), origin)?;
        let now = clock::now();
        let ticket = self.prove(sender, now, &mut envelope)?;
        let from_page = visitor.is_browser || self.is_for_pages;
        let limited = visitor.ip.filter(|_| visitor.origin.is_some() || self.is_for_pages);
        let allowance = self.terms.limiter.admit(limited, sender, envelope.len())?;
        let by_proxy = is_trusted(self.request, &server.trusted_proxies);
        let jar = || Jar::of(self.request, &visitor, by_proxy, &self.terms.tracker);
        let jar = if from_page { jar() } else { None };
        if from_page {
            envelope.belongs_to(self.whose(&visitor, sender, jar.as_ref(), now).await);
        }
        let arrival = Arrival {
            received_at: now,
            source: std::sync::Arc::clone(&sender.name),
            ip: visitor.ip,
            client_side: from_page,
            signals: visitor.signals,
        };
        let told = additions::Sender::of(self.request, from_page, by_proxy);
        let tables = self.state.shared.tables.at_hand(&told, self.text).await;
        let limits = Limits { max_event_bytes: server.max_event_bytes };
        let intake = tables.believe(envelope, (&arrival, &limits), &told).await;
        let cookie = jar.and_then(|jar| jar.keep(self.id_to_keep(&intake)?));
        let is_foreign = origin.is_some_and(|origin| !self.terms.sources.lists(sender, origin));
        Ok((intake, Pass { allowance, is_foreign, cookie, ticket }))
    }

    /// The last visitor of the request of whom something may be kept.
    fn id_to_keep<'i>(&self, intake: &'i Intake) -> Option<&'i str> {
        let mut latest_first = intake.events.iter().rev();
        let kept = latest_first.find(|event| {
            event.head.anonymous_id.is_some()
                && self.terms.tracker.storage.allows(event)
                && !event.is_cookieless()
        });
        kept?.head.anonymous_id.as_deref()
    }

    async fn whose(
        &self,
        visitor: &Visitor<'_>,
        sender: &Sender,
        jar: Option<&Jar>,
        now: Timestamp,
    ) -> Whose {
        let tracker = &self.terms.tracker;
        let may_keep = |stated| tracker.storage.allows_one_who_states(stated, visitor.signals);
        let fresh = || tracker.cookie_http_only.then(|| uuid::Uuid::new_v4().to_string());
        Whose {
            kept: jar.and_then(|jar| jar.id.clone().or_else(fresh)),
            of_day: self.of_day(visitor, sender, now).await,
            may_keep_of_silent: may_keep(None),
            may_keep_of_willing: may_keep(Some(true)),
            owns: tracker.cookie_http_only,
        }
    }

    /// Returns the visitor's id of the day, where a call may need it.
    async fn of_day(&self, visitor: &Visitor<'_>, sender: &Sender, now: Timestamp) -> Option<String> {
        let is_mentioned = || MENTIONS.iter().any(|text| memchr::memmem::find(self.text, text).is_some());
        if !self.terms.tracker.cookie_http_only && !is_mentioned() {
            return None;
        }
        let ip = visitor.ip?.to_canonical().to_string();
        let agent = self.request.headers().get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
        let salt = self.state.shared.salts.at(now).await;
        Some(hashing::visitor(&salt, &sender.name, &ip, &String::from_utf8_lossy(agent)))
    }

    /// Wants a signature where the source does. Ids of its calls then follow from that of the request and what they say: which
    /// requests were stored is forgotten at a restart, and which events were is not.
    fn prove(
        &self,
        sender: &Sender,
        now: Timestamp,
        envelope: &mut Envelope,
    ) -> Result<Option<Ticket>, Refusal> {
        let Some(keys) = self.terms.sources.signing_keys(sender) else { return Ok(None) };
        let id =
            prove(self.request.headers(), self.sent, keys, now.as_second()).map_err(Refusal::Unsigned)?;
        let print = envelope.is_known_as(id);
        let begun = self.state.shared.replays.begin(&sender.name, &print, now.as_second());
        begun.map(Some).map_err(|before| match before {
            Before::Stored => Refusal::Unsigned(Unsigned::Replayed),
            Before::Handled => Refusal::Overloaded("a request with this `webhook-id` is being handled"),
        })
    }
}

/// Returns the id of a request that is signed well. Whether it was seen before is asked afterwards.
fn prove<'h>(headers: &'h HeaderMap, body: &[u8], keys: &[Signer], now: i64) -> Result<&'h str, Unsigned> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let all = (text(ID), text(TIMESTAMP), text(SIGNATURE));
    let (Some(id), Some(timestamp), Some(signature)) = all else { return Err(Unsigned::Missing) };
    let timestamp = timestamp.parse().map_err(|_| Unsigned::Timestamp)?;
    if signature.len() > LONGEST_SIGNATURE {
        return Err(Unsigned::Invalid);
    }
    let claim = Claim { id, timestamp, body };
    match signature::judge(keys, &claim, signature, (now, TOLERANCE_SECONDS), |_| false) {
        Verdict::Timestamp => Err(Unsigned::Timestamp),
        Verdict::Signature => Err(Unsigned::Invalid),
        Verdict::Replay => Err(Unsigned::Replayed),
        Verdict::Ok => Ok(id),
    }
}
