//! Sessions: what one visitor does without a long pause, as a fold over events in the order of their arrival.
//!
//! One step takes the visitor's open session and an event, and says where the event belongs; [`eval()`] is the same over whole
//! cases. Sessions are cut by the time of events, never by that of their arrival, so that what comes late splits nothing. A
//! session ends only when the next one begins: no clock runs here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::spec::Kind;

/// The event that extends a session and never begins one: how long a page was looked at.
const ENGAGED: &str = "Page Engaged";
/// Events that are no activity: measurements of a page, and what went wrong on it.
const PASSIVE: [&str; 3] = [ENGAGED, "Web Vital", "Error Occurred"];
/// The event that is a conversion.
const CONVERSION: &str = "Order Completed";
/// From here on a visitor counts as engaged, in milliseconds: the ten seconds of Google Analytics 4.
const ENGAGED_FROM_MS: i64 = 10_000;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// When a new session begins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The longest pause within a session, in milliseconds; exactly so long continues it.
    pub timeout_ms: i64,
    /// From this age on, in milliseconds, a session takes no later event.
    pub max_length_ms: i64,
    /// A page view with another campaign begins a session.
    pub new_on_campaign: bool,
    /// A new day begins a session.
    pub new_at_midnight: bool,
    /// What is added to UTC to find the day, in minutes.
    pub tz_offset_min: i64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            timeout_ms: 30 * MINUTE_MS,
            max_length_ms: DAY_MS,
            new_on_campaign: true,
            new_at_midnight: false,
            tz_offset_min: 0,
        }
    }
}

/// One event as the fold sees it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Hit<'a> {
    /// Its message id.
    pub id: Cow<'a, str>,
    /// Its corrected time, in milliseconds since 1970.
    pub ts: i64,
    /// Whose it is.
    pub visitor: Cow<'a, str>,
    /// Which call.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The name of a track call.
    #[serde(default)]
    pub event: Option<Cow<'a, str>>,
    /// The path of the page.
    #[serde(default)]
    pub path: Option<Cow<'a, str>>,
    /// Where the visitor came from.
    #[serde(default)]
    pub referrer: Option<Cow<'a, str>>,
    /// The campaign's parameters; those that are null or an empty text do not count.
    #[serde(default)]
    pub campaign: Option<Cow<'a, Map<String, Value>>>,
    /// How long the page was looked at, in milliseconds.
    #[serde(default)]
    pub engaged_ms: Option<i64>,
}

impl Hit<'_> {
    /// Returns it with texts of its own.
    pub fn into_owned(self) -> Hit<'static> {
        Hit {
            id: Cow::Owned(self.id.into_owned()),
            ts: self.ts,
            visitor: Cow::Owned(self.visitor.into_owned()),
            kind: self.kind,
            event: own(self.event),
            path: own(self.path),
            referrer: own(self.referrer),
            campaign: self.campaign.map(|said| Cow::Owned(said.into_owned())),
            engaged_ms: self.engaged_ms,
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.event.as_deref() == Some(name)
    }

    /// Whether it is a view of a page or a screen.
    pub fn is_view(&self) -> bool {
        matches!(self.kind, Kind::Page | Kind::Screen)
    }

    /// Whether it is nothing but a word about who the visitor is.
    pub fn is_about_identity(&self) -> bool {
        matches!(self.kind, Kind::Identify | Kind::Group | Kind::Alias)
    }

    /// Whether the visitor did something.
    pub fn is_active(&self) -> bool {
        !self.is_about_identity() && !PASSIVE.iter().any(|name| self.is_named(name))
    }

    /// Whether it tells how long a page was looked at.
    pub fn is_engagement(&self) -> bool {
        self.is_named(ENGAGED)
    }

    /// Whether it is a completed order.
    pub fn is_conversion(&self) -> bool {
        self.is_named(CONVERSION)
    }

    /// Returns the campaign without empty values, `None` when nothing is left.
    pub fn campaign(&self) -> Option<Campaign> {
        let is_empty = |value: &Value| value.is_null() || value.as_str() == Some("");
        let said = self.campaign.iter().flat_map(|said| said.iter()).filter(|(_, value)| !is_empty(value));
        let said: Campaign = said.map(|(name, value)| (name.clone(), value.clone())).collect();
        (!said.is_empty()).then_some(said)
    }
}

fn own(text: Option<Cow<'_, str>>) -> Option<Cow<'static, str>> {
    text.map(|text| Cow::Owned(text.into_owned()))
}

/// The parameters of a campaign: a set of pairs, none of them empty.
pub type Campaign = BTreeMap<String, Value>;

/// One session, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Session {
    /// The earliest activity, in milliseconds since 1970.
    pub start: i64,
    /// The latest activity, likewise.
    pub last: i64,
    /// Page and screen views.
    pub pageviews: i64,
    /// Events but those about identity.
    pub events: i64,
    /// Track calls by which the visitor did something.
    pub interactions: i64,
    /// How long its pages were looked at, in milliseconds.
    pub engaged_ms: i64,
    /// Completed orders.
    pub conversions: i64,
    /// The earliest view: its time, path and referrer.
    pub entry: Option<Entry>,
    /// The latest view: its time and path.
    pub exit: Option<(i64, Option<String>)>,
    /// The campaign of the earliest view that has one, and the time of that view.
    pub campaign: Option<(i64, Campaign)>,
}

/// The view with which a visitor came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, in milliseconds since 1970.
    pub ts: i64,
    /// Of which page.
    pub path: Option<String>,
    /// From where.
    pub referrer: Option<String>,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It is from before the open session, by more than a pause: it belongs to none.
    Late,
    /// It needs a session and may not begin one: it belongs to none.
    Outside,
    /// It belongs to the open session.
    Joined,
    /// It began a session, which is the open one now; the one before is over.
    Opened(Option<Session>),
}

/// Takes the next event of a visitor into its open session, or opens one.
pub fn step(open: &mut Option<Session>, hit: &Hit<'_>, options: &Options) -> Step {
    let earliest = |session: &Session| session.start.saturating_sub(options.timeout_ms);
    match open {
        Some(session) if hit.ts < earliest(session) => Step::Late,
        Some(session) if !session.is_over_for(hit, options) => {
            session.attach(hit);
            Step::Joined
        }
        _ if !hit.is_active() => Step::Outside,
        _ => {
            let mut session = Session { start: hit.ts, last: hit.ts, ..Session::default() };
            session.attach(hit);
            Step::Opened(open.replace(session))
        }
    }
}

impl Session {
    /// Returns whether the event needs a new session; one from before the latest activity never does.
    fn is_over_for(&self, hit: &Hit<'_>, options: &Options) -> bool {
        let since = |instant: i64| hit.ts.saturating_sub(instant);
        hit.ts > self.last
            && (since(self.last) > options.timeout_ms
                || since(self.start) >= options.max_length_ms
                || (options.new_on_campaign && self.has_another_campaign_than(hit))
                || (options.new_at_midnight && day(hit.ts, options) != day(self.last, options)))
    }

    fn has_another_campaign_than(&self, hit: &Hit<'_>) -> bool {
        let campaign = if hit.kind == Kind::Page { hit.campaign() } else { None };
        campaign.is_some_and(|campaign| self.campaign.as_ref().is_none_or(|(_, mine)| *mine != campaign))
    }

    fn attach(&mut self, hit: &Hit<'_>) {
        if hit.is_about_identity() {
            return;
        }
        self.events += 1;
        if hit.is_active() || hit.is_named(ENGAGED) {
            self.start = self.start.min(hit.ts);
            self.last = self.last.max(hit.ts);
        }
        self.engaged_ms = self.engaged_ms.saturating_add(hit.engaged_ms.unwrap_or_default());
        if hit.is_view() {
            self.view(hit);
        } else if hit.is_active() {
            self.interactions += 1;
            self.conversions += i64::from(hit.is_named(CONVERSION));
        }
    }

    fn view(&mut self, hit: &Hit<'_>) {
        self.pageviews += 1;
        if self.entry.as_ref().is_none_or(|entry| hit.ts < entry.ts) {
            let own = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
            self.entry = Some(Entry { ts: hit.ts, path: own(&hit.path), referrer: own(&hit.referrer) });
        }
        if self.exit.as_ref().is_none_or(|(ts, _)| hit.ts >= *ts) {
            self.exit = Some((hit.ts, hit.path.as_deref().map(str::to_owned)));
        }
        if self.campaign.as_ref().is_none_or(|(ts, _)| hit.ts < *ts) {
            self.campaign = hit.campaign().map(|campaign| (hit.ts, campaign)).or(self.campaign.take());
        }
    }

    /// Returns how long it took, in whole seconds.
    pub fn duration_s(&self) -> i64 {
        self.last.saturating_sub(self.start).div_euclid(1_000)
    }

    /// Returns whether the visitor saw one page at most and did nothing on it, as Plausible defines it.
    pub fn is_bounce(&self) -> bool {
        self.pageviews <= 1 && self.interactions == 0
    }

    /// Returns whether the visitor looked for ten seconds, converted, or saw two pages, as Google Analytics 4 defines it.
    pub fn is_engaged(&self) -> bool {
        self.engaged_ms >= ENGAGED_FROM_MS || self.conversions > 0 || self.pageviews >= 2
    }
}

fn day(ts: i64, options: &Options) -> i64 {
    ts.saturating_add(options.tz_offset_min.saturating_mul(MINUTE_MS)).div_euclid(DAY_MS)
}

// === Whole cases ===

/// One case: events of any visitors in the order of their arrival.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    /// When sessions begin.
    #[serde(default)]
    pub options: Options,
    /// What arrived.
    pub events: Vec<Hit<'static>>,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Output {
    /// In the order of their opening.
    pub sessions: Vec<Shown>,
    /// The place of each event's session, by the event's id; null for one that belongs to none.
    pub assigned: Map<String, Value>,
    /// How many events came too late for any session.
    pub late: u64,
}

/// A session as it is printed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    visitor: String,
    start: i64,
    last: i64,
    pageviews: i64,
    events: i64,
    interactions: i64,
    engaged_ms: i64,
    entry: Option<String>,
    exit: Option<String>,
    conversions: i64,
    referrer: Option<String>,
    campaign: Option<Campaign>,
    duration_s: i64,
    is_bounce: bool,
    is_engaged: bool,
}

impl Shown {
    fn new(visitor: &str, session: Session) -> Shown {
        let (duration_s, is_bounce, is_engaged) =
            (session.duration_s(), session.is_bounce(), session.is_engaged());
        let Session { start, last, pageviews, events, interactions, engaged_ms, conversions, .. } = session;
        let (entry, referrer) = session.entry.map(|entry| (entry.path, entry.referrer)).unwrap_or_default();
        let (exit, campaign) =
            (session.exit.and_then(|(_, path)| path), session.campaign.map(|(_, campaign)| campaign));
        let visitor = visitor.to_owned();
        Shown {
            visitor,
            start,
            last,
            pageviews,
            events,
            interactions,
            engaged_ms,
            entry,
            exit,
            conversions,
            referrer,
            campaign,
            duration_s,
            is_bounce,
            is_engaged,
        }
    }
}

/// Returns the sessions of a whole case, and where each event belongs.
pub fn eval(input: &Input) -> Output {
    let mut open: BTreeMap<&str, (usize, Option<Session>)> = BTreeMap::new();
    let mut over: Vec<Option<Shown>> = Vec::new();
    let (mut assigned, mut late) = (Map::new(), 0);
    for hit in &input.events {
        let (place, session) = open.entry(&hit.visitor).or_default();
        let step = step(session, hit, &input.options);
        let is_inside = matches!(step, Step::Joined | Step::Opened(_));
        late += u64::from(step == Step::Late);
        if let Step::Opened(before) = step {
            if let (Some(before), Some(shown)) = (before, over.get_mut(*place)) {
                *shown = Some(Shown::new(&hit.visitor, before));
            }
            *place = over.len();
            over.push(None);
        }
        assigned.insert(hit.id.clone().into_owned(), is_inside.then_some(*place).into());
    }
    for (visitor, (place, session)) in open {
        if let (Some(session), Some(shown)) = (session, over.get_mut(place)) {
            *shown = Some(Shown::new(visitor, session));
        }
    }
    Output { sessions: over.into_iter().flatten().collect(), assigned, late }
}

#[cfg(test)]
mod tests;
