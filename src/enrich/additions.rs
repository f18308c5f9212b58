//! Everything that is added to the context of one call: device, browser, system, bot, place, and where a view came from.
//!
//! A member that the client has sent stays the client's, whole. What is costly to read is read once for each text and worker,
//! and kept as it is written. Never looks at a clock, and never asks anybody.

pub mod reads;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

use serde::Serialize;

use super::channel::{self, View};
use super::device::{Cache, Reader};
use super::geo::{self, Database, Geo, Signs};
use super::spam;
use crate::spec::Kind;
use crate::spec::additions::{Adds, Bots, Caller, Members};
use reads::{Known, Reads};

/// What a request says beside its calls. For one that is not of a person's own browser or app, nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'r> {
    /// `User-Agent`.
    pub user_agent: Option<&'r str>,
    /// The client hints, as the text of a JSON object of their headers; empty when there are none.
    pub hints: &'r str,
    /// The country that a trusted proxy names.
    pub country: Option<&'r str>,
    /// It is of a person's own browser or app.
    pub is_client: bool,
}

/// Adds to the calls of one request.
#[derive(Debug, Clone, Copy)]
pub struct Additions<'a> {
    /// Reads devices; without one nothing is said of them.
    pub reader: Option<&'a Reader>,
    /// Bounds what is read while somebody waits; without it everything is read at once.
    pub reads: Option<&'a Reads>,
    /// Finds places; without one they are known by proxies and time zones alone.
    pub places: Option<&'a Database>,
    /// What becomes of bots, and of visits that referrer spam pretends.
    pub bots: Bots,
    /// The request.
    pub request: Request<'a>,
}

thread_local! {
    /// The places of this worker, as they are written.
    static PLACES: RefCell<Cache<Option<String>>> = RefCell::default();
}

/// Most bytes of one member that is added. Parts of some are the sender's own words, and an event must not grow past what was
/// measured.
const LONGEST: usize = 2048;

impl Adds for Additions<'_> {
    fn add(&self, call: &Caller<'_>, members: &mut String) -> bool {
        let context = &call.context;
        let page = context.within("page");
        let view = |name: &str| page.text(name).or_else(|| call.properties.text(name));
        let referrer = view("referrer");
        let is_spam = referrer.as_deref().is_some_and(spam::is_spam);
        let known = self.known(context);
        let is_bot = is_spam || known.as_ref().is_some_and(|known| known.bot);
        if is_bot && self.bots == Bots::Drop {
            return false;
        }
        if let Some(known) = &known {
            known.write(context, members);
        }
        if self.bots == Bots::Flag && (is_spam || known.is_some()) && !context.has("bot") {
            put(members, "bot", if is_bot { "true" } else { "false" });
        }
        if !context.has("geo")
            && let Some(place) = self.place(call).as_deref()
            && let Some(place) = place
        {
            put(members, "geo", place);
        }
        if call.kind == Kind::Page && !is_spam && !context.has("attribution") {
            let view =
                View { url: view("url").map(Cow::into_owned), referrer: referrer.map(Cow::into_owned) };
            let attribution = attribution(&view).filter(|text| text.len() <= LONGEST);
            attribution.into_iter().for_each(|text| put(members, "attribution", &text));
        }
        true
    }
}

fn put(members: &mut String, name: &str, value: &str) {
    let comma = if members.is_empty() { "" } else { "," };
    members.extend([comma, "\"", name, "\":", value]);
}

impl Additions<'_> {
    /// The call's own text is about its sender; that of the request only when the sender is a person's own program.
    fn known(&self, context: &Members<'_>) -> Option<Rc<Known>> {
        let reader = self.reader?;
        let own = context.text("userAgent");
        let of_request = self.request.user_agent.filter(|_| self.request.is_client);
        let user_agent = own.as_deref().or(of_request)?;
        let hints = context.raw("userAgentData").filter(|raw| raw.starts_with('{'));
        // The headers are of the program that sent the request, and of no other that a text names.
        let of_headers = || if of_request == Some(user_agent) { self.request.hints } else { "" };
        reads::known(reader, self.reads, user_agent, hints.unwrap_or_else(of_headers))
    }

    fn place(&self, call: &Caller<'_>) -> Option<Rc<Option<String>>> {
        let own = call.context.text("ip").and_then(|text| text.trim().parse::<IpAddr>().ok());
        let country = self.request.country.filter(|_| self.request.is_client && own.is_none());
        let asked = Asked {
            file: self.places.map(Database::edition),
            ip: own.or(call.ip).filter(|_| self.places.is_some()),
            timezone: call.context.text("timezone"),
            country,
            is_client: self.request.is_client,
        };
        PLACES.with_borrow_mut(|places| places.get(&asked, || Some(self.find(&asked))))
    }

    fn find(&self, asked: &Asked<'_>) -> Option<String> {
        let found = asked.ip.and_then(|ip| self.places?.find(ip));
        let signs = Signs { timezone: asked.timezone.as_deref(), country: asked.country };
        let nowhere = || Geo { country: geo::NOWHERE.to_owned(), ..Geo::default() };
        let place = geo::locate(found, &signs).or_else(|| asked.is_client.then(nowhere))?;
        json(&place).filter(|text| text.len() <= LONGEST)
    }
}

/// All that decides about a place.
#[derive(Debug, Hash)]
struct Asked<'a> {
    file: Option<u64>,
    ip: Option<IpAddr>,
    timezone: Option<Cow<'a, str>>,
    country: Option<&'a str>,
    is_client: bool,
}

#[derive(Serialize)]
struct Origin<'f> {
    source: &'f str,
    medium: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<&'f str>,
    channel: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    click_id: Option<&'f str>,
}

/// A view that comes from the page's own host says nothing, unless its address does.
fn attribution(view: &View) -> Option<String> {
    if view.url.is_none() && view.referrer.is_none() {
        return None;
    }
    let found = channel::attribute(view);
    if found.internal && found.channel == "Direct" {
        return None;
    }
    let channel::Attribution { source, medium, campaign, click_id, channel, .. } = &found;
    json(&Origin { source, medium, campaign: campaign.as_deref(), channel, click_id: *click_id })
}

fn json<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
}
