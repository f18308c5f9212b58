//! What one event says to reports: its time, whose it is, what was done, and where it came from.
//!
//! Made of an event once, and the same whether the event was read from the journal or from a database. Pure.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::projections::commerce::{money, revenue};
use crate::projections::reading::{self, Spelling};
use crate::projections::session::Options;
use crate::projections::{presence, vitals};
use crate::spec::{Event, Kind};

/// Most characters of a text that is kept.
const LONGEST: usize = 500;
/// Most members of a campaign that are kept.
const MOST_PAIRS: usize = 20;
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
pub struct Fact {
    /// Its message id.
    pub id: String,
    /// Its source.
    pub site: String,
    /// Its corrected time, in milliseconds since 1970.
    pub ts: i64,
    /// Which call.
    pub kind: Option<Kind>,
    /// The name of a track call; empty for others.
    pub name: String,
    /// Whose it is.
    pub visitor: String,
    /// It comes from a person's browser or app, and not from a server.
    pub is_client: bool,
    /// The path of the page, or the name of the screen.
    pub path: String,
    /// `context.environment`.
    pub environment: String,
    /// The host that led here.
    pub referrer: String,
    /// The campaign's parameters.
    pub campaign: Option<Map<String, Value>>,
    /// How long the page was looked at, in milliseconds.
    pub engaged_ms: i64,
    /// From where and with what.
    pub place: Place,
    /// What led here.
    pub origin: Option<Origin>,
    /// What was measured.
    pub measure: Option<Measure>,
    /// What was bought or given back.
    pub deal: Option<Deal>,
}

/// From where and with what somebody came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Two letters.
    pub country: String,
    /// Its part.
    pub region: String,
    /// The city.
    pub city: String,
    /// The class of device.
    pub device: String,
    /// The browser's name.
    pub browser: String,
    /// The system's name.
    pub os: String,
}

/// What led somebody here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The channel.
    pub channel: String,
    /// The source.
    pub source: String,
    /// The medium.
    pub medium: String,
    /// The campaign; empty without one.
    pub campaign: String,
}

impl Default for Origin {
    fn default() -> Self {
        let [channel, source, medium] = ["Direct", "(direct)", "(none)"].map(str::to_owned);
        Origin { channel, source, medium, campaign: String::new() }
    }
}

/// Something that was measured on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// What.
    pub metric: &'static str,
    /// How much.
    pub value: f64,
    /// The view of the page; the last of a metric and a view counts. A view without an id is one of its own.
    pub view: String,
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

impl Fact {
    /// Reads an event; `None` of robots, of what was stored again, and of what is nobody's.
    pub fn of(event: &Event, rules: &Rules) -> Option<Fact> {
        if presence::is_bot(event) || event.receipt.redelivery.is_some() {
            return None;
        }
        let kind = event.head.kind;
        let track = if kind == Kind::Track { event.head.name.as_deref() } else { None };
        let none = Map::new();
        let properties = event.properties().unwrap_or(&none);
        let context = event.context().unwrap_or(&none);
        let mut fact = Fact {
            id: event.head.message_id.to_string(),
            site: event.receipt.source.to_string(),
            ts: event.receipt.timestamp.as_millisecond(),
            kind: Some(kind),
            name: cut(track.unwrap_or_default()),
            visitor: cut(presence::visitor(event)?),
            is_client: presence::is_present(event),
            path: presence::address(event, &rules.spelling).unwrap_or_default().into_owned(),
            environment: text(context, "environment"),
            ..Fact::default()
        };
        fact.read_context(context, kind, properties);
        if track.is_some() {
            fact.read_track(properties);
        }
        Some(fact)
    }

    fn read_context(&mut self, context: &Map<String, Value>, kind: Kind, properties: &Map<String, Value>) {
        let within = |name: &str| context.get(name).and_then(Value::as_object);
        let of = |name: &str, key: &str| within(name).map(|part| text(part, key)).unwrap_or_default();
        self.place = Place {
            country: of("geo", "country"),
            region: of("geo", "region"),
            city: of("geo", "city"),
            device: of("device", "type"),
            browser: of("browser", "name"),
            os: of("os", "name"),
        };
        self.origin = within("attribution").map(|said| Origin {
            channel: text(said, "channel"),
            source: text(said, "source"),
            medium: text(said, "medium"),
            campaign: text(said, "campaign"),
        });
        self.campaign = within("campaign").map(campaign);
        let said = |name: &str| {
            let own = if kind == Kind::Page { text(properties, name) } else { String::new() };
            if own.is_empty() { of("page", name) } else { own }
        };
        self.referrer = referrer(&said("referrer"), &said("url"));
        let view = text(context, "pageViewId");
        self.measure = measure(&self.name, properties).map(|(metric, value)| Measure {
            metric,
            value,
            view: if view.is_empty() { self.id.clone() } else { view },
        });
    }

    fn read_track(&mut self, properties: &Map<String, Value>) {
        self.engaged_ms = reading::engaged_ms(properties).unwrap_or_default();
        let is_refund = self.name == revenue::REFUND;
        if is_refund || self.name == revenue::ORDER {
            self.deal = Some(Deal {
                is_refund,
                order_id: money::order_id(properties).map(|id| cut(&id)),
                amount: money::amount(properties),
                currency: money::currency(properties).map(|named| cut(&named)).unwrap_or_default(),
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

fn measure(name: &str, properties: &Map<String, Value>) -> Option<(&'static str, f64)> {
    match name {
        "Web Vital" => {
            let named = properties.get("name")?.as_str()?.to_ascii_uppercase();
            Some((vitals::known(&named)?, properties.get("value")?.as_f64()?))
        }
        "Page Engaged" => {
            let depth = properties.get("scroll_depth")?.as_f64()?;
            (0.0..=100.0).contains(&depth).then_some((SCROLL, depth))
        }
        _ => None,
    }
}

fn text(map: &Map<String, Value>, key: &str) -> String {
    map.get(key).and_then(Value::as_str).map(cut).unwrap_or_default()
}

/// Returns what a campaign says of itself, as far as it is text.
/// Returns a campaign's parameters, as many and as long as are kept.
pub fn campaign(said: &Map<String, Value>) -> Map<String, Value> {
    let text = |(name, value): (&String, &Value)| Some((cut(name), Value::String(cut(value.as_str()?))));
    said.iter().take(MOST_PAIRS).filter_map(text).collect()
}

/// Returns the text without what is too long to mean something.
pub fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Returns the host that led to a page; nothing when it is the page's own. What is no address stays as it is.
pub fn referrer(address: &str, page: &str) -> String {
    if reading::is_internal(address, page) {
        return String::new();
    }
    reading::host(address).map_or_else(|| cut(address), |host| cut(&host))
}
