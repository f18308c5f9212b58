//! One event as the live views see it.
//!
//! Separate so that an event is looked into once for all of them. What is a bot's or nobody's is of no concern.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Options;
use crate::projections::presence::{self, narrowed};
use crate::projections::reading;
use crate::projections::session::Hit;
use crate::spec::glance::{Glance, Json, Part};
use crate::spec::{Event, Kind};

/// Most bytes of a path, a referrer, a campaign's value: memory is kept for each.
const LONGEST: usize = 512;
/// Most parameters of a campaign.
const MOST_PAIRS: usize = 10;

/// See the module.
pub(super) struct Sight<'a> {
    pub(super) visitor: &'a str,
    /// When it happened and when it arrived, in milliseconds since 1970.
    pub(super) ts: i64,
    pub(super) at: i64,
    pub(super) kind: Kind,
    /// The name of a track call; empty for another.
    pub(super) event: &'a str,
    /// The visitor was there, and not a server that speaks of one.
    pub(super) is_here: bool,
    /// Where the visitor was.
    pub(super) path: Option<Cow<'a, str>>,
    /// Everything else that is looked at.
    pub(super) glance: Glance<'a>,
}

impl<'a> Sight<'a> {
    /// Returns what is seen of an event.
    pub(super) fn of(event: &'a Event, options: &Options) -> Option<Sight<'a>> {
        let visitor = presence::visitor(event)?;
        let glance = Glance::of(event);
        if presence::is_bot(&glance) {
            return None;
        }
        let is_here = presence::is_present(&glance);
        let path = if is_here { path(&glance, options) } else { None };
        Some(Sight {
            visitor,
            ts: event.receipt.timestamp.as_millisecond(),
            at: event.receipt.received_at.as_millisecond(),
            kind: event.head.kind,
            event: event.head.name.as_deref().filter(|_| event.head.kind == Kind::Track).unwrap_or_default(),
            is_here,
            path,
            glance,
        })
    }

    pub(super) fn is_view(&self) -> bool {
        matches!(self.kind, Kind::Page | Kind::Screen)
    }

    /// Returns the event as sessions see it.
    pub(super) fn hit(&self) -> Hit<'_> {
        let is_view = self.is_view();
        Hit {
            // What became of one event is nobody's question here.
            id: Cow::Borrowed(""),
            visitor: Cow::Borrowed(self.visitor),
            ts: self.ts,
            kind: self.kind,
            event: Some(self.event).filter(|name| !name.is_empty()).map(Cow::Borrowed),
            path: self.path.as_deref().filter(|_| is_view).map(Cow::Borrowed),
            referrer: if is_view { referrer(&self.glance) } else { None },
            campaign: if is_view { campaign(&self.glance).map(Cow::Owned) } else { None },
            engaged_ms: engaged_ms(&self.glance),
        }
    }
}

/// Returns a text of the properties of a page, else of `context.page`, without white space around it.
fn page_text<'a>(glance: &Glance<'a>, part: Part) -> Option<Cow<'a, str>> {
    let said = glance.page(part).into_iter().filter_map(Json::text);
    said.map(|text| narrowed(text, str::trim)).find(|text| !text.is_empty())
}

fn path<'a>(glance: &Glance<'a>, options: &Options) -> Option<Cow<'a, str>> {
    let path = presence::page(glance)?;
    if glance.event.head.kind == Kind::Screen {
        return Some(cut(path));
    }
    let kept = query(glance, &options.keep_query);
    let is_bare = !options.strip_trailing_slash || path.len() < 2 || !path.ends_with('/');
    if is_bare && kept.is_empty() {
        return Some(cut(path));
    }
    let bare = if is_bare { &*path } else { path.trim_end_matches('/') };
    let bare = if bare.is_empty() { "/" } else { bare };
    let address = if kept.is_empty() { bare.to_owned() } else { format!("{bare}?{kept}") };
    Some(cut(Cow::Owned(address)))
}

/// Returns the parameters that belong to the page, in the order of the configuration.
fn query(glance: &Glance<'_>, keep: &[String]) -> String {
    if keep.is_empty() {
        return String::new();
    }
    let of_url = || Some(page_text(glance, Part::Url)?.split_once('?')?.1.to_owned());
    let search = page_text(glance, Part::Search).or_else(|| of_url().map(Cow::Owned)).unwrap_or_default();
    let search = search.trim_start_matches('?').split('#').next().unwrap_or_default();
    let pairs = || search.split('&').filter_map(|pair| Some((pair.split('=').next()?, pair)));
    let kept = keep.iter().filter_map(|name| pairs().find(|(key, _)| key == name).map(|(_, pair)| pair));
    kept.collect::<Vec<&str>>().join("&")
}

/// A page of the same host is no place to come from.
fn referrer<'a>(glance: &Glance<'a>) -> Option<Cow<'a, str>> {
    let referrer = page_text(glance, Part::Referrer)?;
    let own = page_text(glance, Part::Url).and_then(|url| host(&url));
    let is_own = own.is_some() && host(&referrer) == own;
    // A query may hold what nobody else is to read.
    let bare = |text: &str| text.split(['?', '#']).next().unwrap_or_default().len();
    (!is_own).then(|| cut(narrowed(referrer, |text| text.get(..bare(text)).unwrap_or_default())))
}

/// Returns the host of an address, without `www.`.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?.to_ascii_lowercase();
    Some(host.strip_prefix("www.").map(str::to_owned).unwrap_or(host))
}

fn campaign(glance: &Glance<'_>) -> Option<Map<String, Value>> {
    let campaign = glance.context.campaign.map()?;
    let text = |(name, value): (&String, &Value)| {
        let value = cut(Cow::Borrowed(value.as_str()?)).into_owned();
        Some((cut(Cow::Borrowed(name)).into_owned(), Value::String(value)))
    };
    Some(campaign.iter().take(MOST_PAIRS).filter_map(text).collect())
}

/// Returns how long the page was looked at, as the tracker tells it.
fn engaged_ms(glance: &Glance<'_>) -> Option<i64> {
    if glance.event.head.name.as_deref() != Some("Page Engaged") {
        return None;
    }
    reading::engaged_ms(glance.properties)
}

fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    Cow::Owned(text.get(..end).unwrap_or_default().to_owned())
}
