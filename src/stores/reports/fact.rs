//! What one event says to reports: its time, whose it is, what was done, and where it came from.
//!
//! Made of an event once, and the same whether the event was read from the journal or from a database. Texts are borrowed from
//! the event: most of them are looked at and let go of. Pure.

use std::borrow::Cow;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::projections::commerce::{money, revenue};
use crate::projections::reading::{self, Spelling};
use crate::projections::session::Options;
use crate::projections::{presence, vitals};
use crate::spec::glance::{Json, Part};
use crate::spec::{Event, Glance, Kind};

/// Most characters of a text that is kept.
const LONGEST: usize = 500;
/// Most members of a campaign that are kept.
const MOST_PAIRS: usize = 20;
/// Most bytes of them: each open visit holds its campaign.
const MOST_CAMPAIGN_BYTES: usize = 2_000;
/// What orders and refunds are counted by.
const MONEY: [&str; 6] = ["order_id", "currency", "revenue", "total", "value", "products"];
/// The measure of how far down a view was looked at, in percent.
pub const SCROLL: &str = "SCROLL";

/// How facts are read and visits are cut.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// When a session begins.
    pub options: Options,
    /// Of the ids of sessions.
    pub salt: Vec<u8>,
    /// How the address of a page is spelled.
    pub spelling: Spelling,
}

/// One event, as reports see it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fact<'e> {
    /// Its message id.
    pub id: Cow<'e, str>,
    /// Its source.
    pub site: Cow<'e, str>,
    /// Its corrected time, in milliseconds since 1970.
    pub ts: i64,
    /// Which call.
    pub kind: Option<Kind>,
    /// The name of a track call; empty for others.
    pub name: Cow<'e, str>,
    /// Whose it is.
    pub visitor: Cow<'e, str>,
    /// It comes from a person's browser or app, and not from a server.
    pub is_client: bool,
    /// The path of the page, or the name of the screen.
    pub path: Cow<'e, str>,
    /// `context.environment`.
    pub environment: Cow<'e, str>,
    /// The host that led here.
    pub referrer: Cow<'e, str>,
    /// The campaign's parameters.
    pub campaign: Option<Map<String, Value>>,
    /// How long the page was looked at, in milliseconds.
    pub engaged_ms: i64,
    /// From where and with what.
    pub place: Place<'e>,
    /// What led here.
    pub origin: Option<Origin<'e>>,
    /// What was measured.
    pub measure: Option<Measure<'e>>,
    /// What was bought or given back.
    pub deal: Option<Deal>,
}

/// From where and with what somebody came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place<'e> {
    /// Two letters.
    pub country: Cow<'e, str>,
    /// Its part.
    pub region: Cow<'e, str>,
    /// The city.
    pub city: Cow<'e, str>,
    /// The class of device.
    pub device: Cow<'e, str>,
    /// The browser's name.
    pub browser: Cow<'e, str>,
    /// The system's name.
    pub os: Cow<'e, str>,
}

/// What led somebody here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin<'e> {
    /// The channel.
    pub channel: Cow<'e, str>,
    /// The source.
    pub source: Cow<'e, str>,
    /// The medium.
    pub medium: Cow<'e, str>,
    /// The campaign; empty without one.
    pub campaign: Cow<'e, str>,
}

impl Default for Origin<'_> {
    fn default() -> Self {
        let [channel, source, medium] = ["Direct", "(direct)", "(none)"].map(Cow::Borrowed);
        Origin { channel, source, medium, campaign: Cow::default() }
    }
}

fn own(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

impl Place<'_> {
    /// Nothing is known.
    pub const NOWHERE: Place<'static> = Place {
        country: Cow::Borrowed(""),
        region: Cow::Borrowed(""),
        city: Cow::Borrowed(""),
        device: Cow::Borrowed(""),
        browser: Cow::Borrowed(""),
        os: Cow::Borrowed(""),
    };

    /// Returns the same with texts of its own.
    pub fn to_static(&self) -> Place<'static> {
        let Place { country, region, city, device, browser, os } = self;
        let [country, region, city] = [country, region, city].map(|text| own(text));
        let [device, browser, os] = [device, browser, os].map(|text| own(text));
        Place { country, region, city, device, browser, os }
    }
}

impl Origin<'_> {
    /// Returns the same with texts of its own.
    pub fn to_static(&self) -> Origin<'static> {
        let [channel, source, medium, campaign] =
            [&self.channel, &self.source, &self.medium, &self.campaign].map(|text| own(text));
        Origin { channel, source, medium, campaign }
    }
}

/// Something that was measured on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure<'e> {
    /// What.
    pub metric: &'static str,
    /// How much.
    pub value: f64,
    /// The view of the page; the last of a metric and a view counts. A view without an id is one of its own.
    pub view: Cow<'e, str>,
}

/// An order or a refund, in the words of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deal {
    /// It was given back.
    pub is_refund: bool,
    /// The order.
    pub order_id: Option<String>,
    /// The amount; zero where nothing is said.
    pub amount: rust_decimal::Decimal,
    /// In capitals; empty where nothing is said.
    pub currency: String,
}

impl<'e> Fact<'e> {
    /// Reads an event; `None` of robots, of what was stored again, and of what is nobody's.
    pub fn of(event: &'e Event, rules: &Rules) -> Option<Fact<'e>> {
        if event.receipt.redelivery.is_some() {
            return None;
        }
        let visitor = presence::visitor(event)?;
        let glance = Glance::of(event);
        if presence::is_bot(&glance) {
            return None;
        }
        let kind = event.head.kind;
        let track = if kind == Kind::Track { event.head.name.as_deref() } else { None };
        let mut fact = Fact {
            id: Cow::Borrowed(&event.head.message_id),
            site: Cow::Borrowed(&event.receipt.source),
            ts: event.receipt.timestamp.as_millisecond(),
            kind: Some(kind),
            name: cut(track.unwrap_or_default()),
            visitor: cut(visitor),
            is_client: presence::is_present(&glance),
            path: presence::address(&glance, &rules.spelling).unwrap_or_default(),
            environment: text(glance.context.environment),
            ..Fact::default()
        };
        fact.read_context(&glance);
        if track.is_some() {
            fact.read_track(glance.properties);
        }
        Some(fact)
    }

    fn read_context(&mut self, glance: &Glance<'e>) {
        let context = &glance.context;
        let [country, region, city] = context.geo.pick(["country", "region", "city"]).map(text);
        let [device, browser, os] =
            [context.device.get("type"), context.browser.get("name"), context.os.get("name")].map(text);
        self.place = Place { country, region, city, device, browser, os };
        self.origin = context.attribution.is_object().then(|| {
            let said = context.attribution.pick(["channel", "source", "medium", "campaign"]);
            let [channel, source, medium, campaign] = said.map(text);
            Origin { channel, source, medium, campaign }
        });
        self.campaign = context.campaign.map().as_ref().map(campaign);
        let said = |part: Part| {
            let mut said = glance.page(part).into_iter().filter_map(Json::text);
            said.find(|text| !text.is_empty()).unwrap_or_default()
        };
        let from = said(Part::Referrer);
        if !from.is_empty() {
            self.referrer = referrer(from, &said(Part::Url));
        }
        self.measure = measure(&self.name, glance.properties).map(|(metric, value)| {
            let view = text(context.page_view_id);
            Measure { metric, value, view: if view.is_empty() { self.id.clone() } else { view } }
        });
    }

    fn read_track(&mut self, properties: Json<'_>) {
        self.engaged_ms = reading::engaged_ms(properties).unwrap_or_default();
        let is_refund = self.name == revenue::REFUND;
        if is_refund || self.name == revenue::ORDER {
            let properties = properties.object(MONEY);
            self.deal = Some(Deal {
                is_refund,
                order_id: money::order_id(&properties).map(|id| cut(id).into_owned()),
                amount: money::amount(&properties),
                currency: money::currency(&properties)
                    .map(|named| cut(named).into_owned())
                    .unwrap_or_default(),
            });
        }
    }

    /// Returns whether it is a view of a page or a screen by a person.
    pub fn is_view(&self) -> bool {
        self.is_client && matches!(self.kind, Some(Kind::Page | Kind::Screen))
    }

    /// Returns whether it shows that a person was there.
    pub fn is_presence(&self) -> bool {
        self.is_client && matches!(self.kind, Some(Kind::Page | Kind::Screen | Kind::Track))
    }
}

/// Returns the number of a visitor, the same in every process.
pub fn number_of(visitor: &str) -> u64 {
    let digest = Sha256::digest(visitor.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn measure(name: &str, properties: Json<'_>) -> Option<(&'static str, f64)> {
    match name {
        "Web Vital" => {
            let [named, value] = properties.pick(["name", "value"]);
            Some((vitals::known(&named.text()?.to_ascii_uppercase())?, value.as_f64()?))
        }
        "Page Engaged" => {
            let depth = properties.get("scroll_depth").as_f64()?;
            (0.0..=100.0).contains(&depth).then_some((SCROLL, depth))
        }
        _ => None,
    }
}

fn text(json: Json<'_>) -> Cow<'_, str> {
    json.text().map(cut).unwrap_or_default()
}

/// Returns a campaign's parameters, as many and as long as are kept.
pub fn campaign(said: &Map<String, Value>) -> Map<String, Value> {
    let kept = |text: &str| cut(text).into_owned();
    let text = |(name, value): (&String, &Value)| Some((kept(name), Value::String(kept(value.as_str()?))));
    let mut room = MOST_CAMPAIGN_BYTES;
    let fits = |(name, value): &(String, Value)| {
        let bytes = name.len() + value.as_str().map_or(0, str::len);
        room.checked_sub(bytes).is_some_and(|left| {
            room = left;
            true
        })
    };
    said.iter().take(MOST_PAIRS).filter_map(text).filter(fits).collect()
}

/// Returns the text without what is too long to mean something.
pub fn cut<'t>(text: impl Into<Cow<'t, str>>) -> Cow<'t, str> {
    let text = text.into();
    // No character has less than a byte.
    let end = if text.len() <= LONGEST { None } else { text.char_indices().nth(LONGEST) };
    let Some((end, _)) = end else { return text };
    Cow::Owned(text.get(..end).unwrap_or_default().to_owned())
}

/// Returns the host that led to a page; nothing when it is the page's own. What is no address stays as it is.
pub fn referrer<'t>(address: Cow<'t, str>, page: &str) -> Cow<'t, str> {
    if reading::is_internal(&address, page) {
        return Cow::default();
    }
    match address {
        Cow::Borrowed(address) => cut(reading::host(address).unwrap_or(Cow::Borrowed(address))),
        Cow::Owned(address) => {
            cut(reading::host(&address).unwrap_or(Cow::Borrowed(&address))).into_owned().into()
        }
    }
}
