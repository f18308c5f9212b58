//! Everything that is added to the context of one call: device, browser, system, bot, place, and where a view came from.
//!
//! A member that the client has sent stays the client's, whole. What is costly to read is read once for each text and worker.
//! Never looks at a clock, and never asks anybody.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::RefCell;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

use super::channel::{self, View};
use super::device::{Cache, Facts, Hints, Reader};
use super::geo::{self, Database, Geo, Signs};
use crate::spec::Kind;
use crate::spec::additions::{Added, Adds, Bots, Caller, Members};

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
    /// Finds places; without one they are known by proxies and time zones alone.
    pub places: Option<&'a Database>,
    /// What becomes of bots.
    pub bots: Bots,
    /// The request.
    pub request: Request<'a>,
}

/// What is said of one text, as it is written into an event.
#[derive(Debug)]
struct Known {
    browser: Option<String>,
    os: Option<String>,
    device: Option<String>,
    bot: bool,
}

thread_local! {
    static KNOWN: RefCell<Cache<Known>> = RefCell::default();
}

impl Adds for Additions<'_> {
    fn add(&self, call: &Caller<'_>) -> Added {
        let mut added = Additional { context: &call.context, text: String::new() };
        let known = self.known(&call.context);
        if let Some(known) = &known {
            if known.bot && self.bots == Bots::Drop {
                return Added::Unwanted;
            }
            added.part("browser", known.browser.as_deref());
            added.part("os", known.os.as_deref());
            added.part("device", known.device.as_deref());
            let flag = if known.bot { "true" } else { "false" };
            added.part("bot", Some(flag).filter(|_| self.bots == Bots::Flag));
        }
        if !call.context.has("geo") {
            added.part("geo", self.place(call).and_then(|place| json(&place)).as_deref());
        }
        if call.kind == Kind::Page && !call.context.has("attribution") {
            added.part("attribution", attribution(call).as_deref());
        }
        if added.text.is_empty() { Added::Nothing } else { Added::Members(added.text) }
    }
}

/// Most bytes of one member that is added.
const LONGEST: usize = 2048;

/// What is added, as far as it is written.
struct Additional<'c> {
    context: &'c Members<'c>,
    text: String,
}

impl Additional<'_> {
    /// Adds a member, unless the sender has said it already, or it is longer than anything that means something: parts of it are
    /// the sender's own words, and an event must not grow past what was measured.
    fn part(&mut self, name: &str, value: Option<&str>) {
        let is_wanted = |value: &&str| value.len() <= LONGEST && !self.context.has(name);
        let Some(value) = value.filter(is_wanted) else { return };
        let comma = if self.text.is_empty() { "" } else { "," };
        self.text.extend([comma, "\"", name, "\":", value]);
    }
}

impl Additions<'_> {
    /// The call's own text is about its sender; that of the request only when the sender is a person's own program.
    fn known(&self, context: &Members<'_>) -> Option<std::sync::Arc<Known>> {
        let reader = self.reader?;
        let own = context.text("userAgent");
        let of_request = self.request.user_agent.filter(|_| self.request.is_client);
        let user_agent = own.as_deref().or(of_request)?;
        let hints = context.raw("userAgentData").filter(|raw| raw.starts_with('{'));
        // The headers are of the program that sent the request, and of no other that a text names.
        let of_headers = || if of_request == Some(user_agent) { self.request.hints } else { "" };
        let hints = hints.unwrap_or_else(of_headers);
        let read = || Known::of(&reader.read(user_agent, &read_hints(hints)));
        Some(KNOWN.with_borrow_mut(|known| known.get(user_agent, hints, read)))
    }

    fn place(&self, call: &Caller<'_>) -> Option<Geo> {
        let own = call.context.text("ip").and_then(|text| text.trim().parse::<IpAddr>().ok());
        let found = own.or(call.ip).and_then(|ip| self.places?.find(ip));
        let timezone = call.context.text("timezone");
        let country = self.request.country.filter(|_| self.request.is_client && own.is_none());
        let place = geo::locate(found, &Signs { timezone: timezone.as_deref(), country });
        place.or_else(|| {
            let country = geo::NOWHERE.to_owned();
            self.request.is_client.then(|| Geo { country, ..Geo::default() })
        })
    }
}

fn read_hints(text: &str) -> Hints {
    serde_json::from_str::<Value>(text).map(|value| Hints::of(&value)).unwrap_or_default()
}

impl Known {
    fn of(facts: &Facts) -> Known {
        let Facts { browser, os, device, bot } = facts;
        let browser = named(&browser.family, &[&browser.major, &browser.minor, &browser.patch]);
        let os = named(&os.family, &[&os.major, &os.minor, &os.patch]);
        let is_known = device.class.is_some() || known(&device.family).is_some();
        let device = Thing {
            class: device.class.and_then(|class| serde_json::to_value(class).ok()),
            brand: device.brand.as_deref(),
            model: device.model.as_deref(),
            family: known(&device.family),
        };
        let device = if is_known { json(&device) } else { None };
        Known { browser, os, device, bot: *bot }
    }
}

#[derive(Serialize)]
struct Named<'n> {
    name: &'n str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

#[derive(Serialize)]
struct Thing<'t> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    class: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'t str>,
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

fn known(family: &str) -> Option<&str> {
    Some(family).filter(|family| *family != super::device::OTHER)
}

fn named(family: &str, version: &[&Option<String>]) -> Option<String> {
    let parts: Vec<&str> = version.iter().map_while(|part| part.as_deref()).collect();
    json(&Named { name: known(family)?, version: (!parts.is_empty()).then(|| parts.join(".")) })
}

/// A view that comes from the page's own host says nothing, unless its address does.
fn attribution(call: &Caller<'_>) -> Option<String> {
    let page = call.context.within("page");
    let member = |name: &str| -> Option<String> {
        let text = page.text(name).or_else(|| call.properties.text(name));
        text.map(Cow::into_owned)
    };
    let view = View { url: member("url"), referrer: member("referrer") };
    if view.url.is_none() && view.referrer.is_none() {
        return None;
    }
    let found = channel::attribute(&view);
    if found.internal && found.channel == "Direct" {
        return None;
    }
    let channel::Attribution { source, medium, campaign, click_id, channel, .. } = &found;
    json(&Origin { source, medium, campaign: campaign.as_deref(), channel, click_id: *click_id })
}

fn json<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
}
