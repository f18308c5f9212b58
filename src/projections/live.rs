//! What is happening now, of every site: who is there, on which pages, in which sessions; what was bought today, and which
//! carts were left; how fast pages feel.
//!
//! One fold over the accepted events in the order of the journal, bounded in memory however many visitors there are. Its
//! clock is the newest arrival that it was given, or a later time that it was told: the same events give the same numbers,
//! also when they are folded again after a restart. Keeps no address, and of visitors only hashes, but for open carts.

mod hll;
mod keyed;
mod people;
mod places;
mod rings;
mod shop;
mod sight;
#[cfg(test)]
mod tests;
mod visits;
pub mod vitals;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use super::active_average::{Average, HALF_LIFE_MS};
use super::commerce::funnel::Step;
use super::commerce::revenue::Sums;
use super::reading::Spelling;
use super::session;
use crate::spec::Event;
use people::People;
use rings::{Minute, Rings};
use shop::Shop;
use sight::Sight;
use visits::Visits;
use vitals::{VitalNow, Vitals};

pub use shop::SOURCE;

/// Sites that are told apart; further ones are counted together as [`OTHER_SITES`].
pub const MOST_SITES: usize = 64;
/// In the place of the name of a site: no source may be called that, so that nobody is shown what is not theirs.
pub const OTHER_SITES: &str = "(other)";
/// How often the average is sampled: on the same instants whenever the fold is made.
const SAMPLE_MS: i64 = 5_000;
/// Samples that are made up for at once, a half-life sixty times over: what came before has no weight.
const MOST_SAMPLES: i64 = 360;
/// Pages that are shown.
const SHOWN_PAGES: usize = 10;
/// Minutes that are shown.
const SHOWN_MINUTES: i64 = 30;
const MINUTE_MS: i64 = 60_000;

/// What the fold is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// When sessions begin and end.
    pub sessions: session::Options,
    /// Whose midnight ends the day of orders.
    pub time_zone: TimeZone,
    /// The currency of orders that name none.
    pub currency: String,
    /// How long a cart is left untouched before it is abandoned, in milliseconds.
    pub cart_abandoned_after_ms: i64,
    /// How the address of a page is spelled.
    pub spelling: Spelling,
    /// Of the ids of sessions.
    pub salt: String,
    /// Most visitors that are known exactly.
    pub most_visitors: usize,
    /// Most sessions that are open at once.
    pub most_sessions: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sessions: session::Options::default(),
            time_zone: TimeZone::UTC,
            currency: "USD".to_owned(),
            cart_abandoned_after_ms: 3_600_000,
            spelling: Spelling { strip_trailing_slash: true, ..Spelling::default() },
            salt: String::new(),
            most_visitors: 1_000_000,
            most_sessions: 1_000_000,
        }
    }
}

/// Something that happened, for whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// Where.
    pub site: Arc<str>,
    /// `session` or `order`.
    pub event: &'static str,
    /// What.
    pub data: Value,
}

/// What is shown of one site, or of all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// The site; null for all.
    pub site: Option<Arc<str>>,
    /// Visitors within a minute.
    pub m1: u64,
    /// Within 5 minutes.
    pub m5: u64,
    /// Within 30 minutes.
    pub m30: u64,
    /// The moving average of `m5`, rounded to 6 places.
    pub ema: f64,
    /// There were too many visitors to know them all: the three are estimates.
    pub estimated: bool,
    /// Several routers share their numbers, and these are one router's alone.
    pub degraded: bool,
    /// Sessions that are open.
    pub sessions: u64,
    /// The pages with the most visitors of the last 5 minutes.
    pub pages: Vec<PageNow>,
    /// Orders and revenue of the day.
    pub orders: Orders,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageNow {
    /// Its path, or the name of a screen.
    pub path: String,
    /// Visitors whose last page it is.
    pub visitors: u64,
}

/// Orders of the day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Orders {
    /// How many.
    pub count: u64,
    /// What they came to, by currency.
    pub revenue: BTreeMap<String, Sums>,
}

/// The last half hour, minute by minute, and the view beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The first and the last minute, as instants of RFC 3339, and the zone whose day it is.
    pub range: Range,
    /// Oldest first.
    pub rows: Vec<Row>,
    /// All of it.
    pub totals: Totals,
}

/// What time a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The beginning of the first minute.
    pub from: String,
    /// The time of the report.
    pub to: String,
    /// The zone of the day.
    pub tz: String,
}

/// One minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its beginning.
    pub minute: String,
    /// Visitors, about.
    pub visitors: u64,
    /// Events of visitors who were there.
    pub events: u64,
    /// Views among them.
    pub views: u64,
}

/// Everything of a report that is no minute's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Totals {
    /// What the stream shows.
    #[serde(flatten)]
    pub view: View,
    /// How far the visitors of the last 24 hours came.
    pub funnel: Vec<Step>,
    /// Carts with something in them.
    pub carts: u64,
    /// How fast pages feel today: each metric, then each by device, then each on the pages with the most values.
    pub vitals: Vec<VitalNow>,
}

/// What is counted for an operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Sessions that are open.
    pub sessions_open: u64,
    /// Events that came too late for their session.
    pub sessions_late: u64,
    /// Sessions that were ended because there were too many.
    pub sessions_evicted: u64,
    /// Visitors that are known.
    pub visitors: u64,
}

/// The fold.
pub struct Live {
    options: Options,
    sites: Vec<Site>,
    people: People,
    visits: Visits,
    shop: Shop,
    vitals: Vitals,
    clock: i64,
    next_sample: i64,
    all: Average,
    happened: Vec<Happening>,
}

struct Site {
    name: Arc<str>,
    rings: Rings,
    average: Average,
}

impl Live {
    /// Returns a fold of nothing.
    pub fn new(options: Options) -> Live {
        Live {
            sites: Vec::new(),
            people: People::new(options.most_visitors),
            visits: Visits::new(options.sessions.clone(), options.most_sessions, &options.salt),
            shop: Shop::new(&options),
            vitals: Vitals::new(&options),
            clock: 0,
            next_sample: 0,
            all: Average::new(HALF_LIFE_MS),
            happened: Vec::new(),
            options,
        }
    }

    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        let at = event.receipt.received_at.as_millisecond();
        self.sample_until(at - 1);
        self.clock = self.clock.max(at);
        if shop::is_own(event) {
            return self.shop.was_told(event, self.clock);
        }
        let Some(sight) = Sight::of(event, &self.options) else { return };
        let Some(site) = self.site(&event.receipt.source) else { return };
        let key = people::key(site, sight.visitor);
        if sight.is_here {
            self.see((site, key), &sight);
        }
        self.buy((site, key), &sight);
        self.vitals.take(site, &sight, self.clock);
    }

    /// Takes the time: it never goes back.
    pub fn advance(&mut self, now: i64) {
        // What arrived in the last moments may not have been folded yet.
        self.sample_until(now - SAMPLE_MS);
        self.clock = self.clock.max(now);
        self.people.tidy(self.clock);
        let ended = self.visits.expire(self.clock);
        self.tell_ended(ended);
        self.shop.expire(self.clock);
        self.vitals.turn_day(self.clock);
    }

    /// Returns what happened since this was last asked.
    pub fn happened(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.happened)
    }

    /// Returns the carts that were left and of which nobody was told, as events of the router's own, and at most so many.
    pub fn left_carts(&mut self, most: usize) -> Vec<Event> {
        self.shop.left(most, self.clock)
    }

    /// Forgets the carts that were last returned by [`left_carts`](Live::left_carts).
    pub fn carts_told(&mut self, most: usize) {
        self.shop.told(most);
    }

    /// Returns the sites, in the order in which they were seen.
    pub fn sites(&self) -> impl Iterator<Item = Arc<str>> + '_ {
        self.sites.iter().map(|site| Arc::clone(&site.name))
    }

    /// Returns what is counted for an operator.
    pub fn tallies(&self) -> Tallies {
        Tallies {
            sessions_open: self.visits.open() as u64,
            sessions_late: self.visits.late(),
            sessions_evicted: self.visits.evicted(),
            visitors: self.people.known() as u64,
        }
    }

    /// Returns what is shown of all sites, and of each.
    pub fn views(&self) -> Vec<View> {
        let pages = self.people.pages(self.clock, self.sites.len(), SHOWN_PAGES);
        let every: Vec<View> =
            self.sites.iter().enumerate().map(|(place, site)| self.view(place, site, &pages)).collect();
        let mut all = View {
            site: None,
            m1: every.iter().map(|view| view.m1).sum(),
            m5: every.iter().map(|view| view.m5).sum(),
            m30: every.iter().map(|view| view.m30).sum(),
            ema: rounded(self.all.value()),
            estimated: self.people.is_estimated(self.clock),
            degraded: false,
            sessions: self.visits.open() as u64,
            pages: every.iter().flat_map(|view| view.pages.iter().cloned()).collect(),
            orders: self.shop.orders(None),
        };
        all.pages
            .sort_by(|one, other| other.visitors.cmp(&one.visitors).then_with(|| one.path.cmp(&other.path)));
        all.pages.truncate(SHOWN_PAGES);
        std::iter::once(all).chain(every).collect()
    }

    /// Returns the report of one site, or of all, around its view.
    pub fn report(&self, view: View) -> Report {
        let place = view.site.as_ref().and_then(|site| self.sites.iter().position(|one| one.name == *site));
        let sites = || self.sites.iter().enumerate().filter(|(at, _)| place.is_none_or(|place| place == *at));
        let last = self.clock.div_euclid(MINUTE_MS);
        let rows = (last - SHOWN_MINUTES + 1..=last).map(|minute| {
            let mut sum = Minute::default();
            sites().for_each(|(_, site)| sum.add(site.rings.minute(minute)));
            Row {
                minute: instant(minute * MINUTE_MS),
                visitors: sum.visitors(),
                events: sum.events,
                views: sum.views,
            }
        });
        let tz = self.options.time_zone.iana_name().unwrap_or("UTC").to_owned();
        Report {
            range: Range {
                from: instant((last - SHOWN_MINUTES + 1) * MINUTE_MS),
                to: instant(self.clock),
                tz,
            },
            rows: rows.collect(),
            totals: Totals {
                funnel: self.shop.funnel(place),
                carts: self.shop.carts(place),
                vitals: self.vitals.tally(place).rows(),
                view,
            },
        }
    }

    fn view(&self, place: usize, site: &Site, pages: &[Vec<PageNow>]) -> View {
        let counts = self.counts(site, self.clock);
        View {
            site: Some(Arc::clone(&site.name)),
            m1: counts[0],
            m5: counts[1],
            m30: counts[2],
            ema: rounded(site.average.value()),
            estimated: self.people.is_estimated(self.clock),
            degraded: false,
            sessions: self.visits.open_at(place) as u64,
            pages: pages.get(place).cloned().unwrap_or_default(),
            orders: self.shop.orders(Some(place)),
        }
    }

    fn counts(&self, site: &Site, now: i64) -> [u64; 3] {
        if self.people.is_estimated(now) { site.rings.estimates(now) } else { site.rings.counts(now) }
    }

    fn see(&mut self, (place, key): (usize, u64), sight: &Sight<'_>) {
        let Some(site) = self.sites.get_mut(place) else { return };
        if self.people.see((place, key), sight, &mut site.rings) {
            site.rings.count((sight.ts.min(sight.at), key), sight.is_view());
        }
        let hit = sight.hit();
        let name = Arc::clone(&site.name);
        let took = self.visits.take((place, &name, key), &hit, self.clock);
        self.tell_ended(took.ended.into_iter().collect());
        if let Some(begun) = took.begun {
            self.happened.push(Happening { site: name, event: "session", data: begun });
        }
    }

    fn tell_ended(&mut self, ended: Vec<(usize, Value)>) {
        for (place, data) in ended {
            let Some(site) = self.sites.get(place) else { continue };
            self.happened.push(Happening { site: Arc::clone(&site.name), event: "session", data });
        }
    }

    fn buy(&mut self, (place, key): (usize, u64), sight: &Sight<'_>) {
        if !shop::is_about(sight) {
            return;
        }
        let Some(site) = self.sites.get(place) else { return };
        let name = Arc::clone(&site.name);
        if let Some(data) = self.shop.take((place, &name, key), sight, self.clock) {
            self.happened.push(Happening { site: name, event: "order", data });
        }
    }

    fn site(&mut self, name: &Arc<str>) -> Option<usize> {
        if let Some(place) = self.sites.iter().position(|site| site.name == *name) {
            return Some(place);
        }
        let name = match self.sites.len() {
            ..MOST_SITES => Arc::clone(name),
            MOST_SITES => Arc::from(OTHER_SITES),
            _ => return Some(MOST_SITES),
        };
        let average = Average::new(HALF_LIFE_MS);
        self.sites.push(Site { name, rings: Rings::default(), average });
        self.sites.len().checked_sub(1)
    }

    /// Until somebody comes all samples are 0, and the last one is worth all of them.
    fn skip_quiet(&mut self, end: i64) {
        if self.sites.iter().all(|site| site.rings.is_quiet(self.next_sample)) {
            self.next_sample = end.div_euclid(SAMPLE_MS) * SAMPLE_MS;
        }
    }

    /// Samples the averages at every due instant up to this one.
    fn sample_until(&mut self, end: i64) {
        let earliest = (end - MOST_SAMPLES * SAMPLE_MS).div_euclid(SAMPLE_MS) * SAMPLE_MS;
        self.next_sample = self.next_sample.max(earliest);
        while self.next_sample <= end {
            self.skip_quiet(end);
            let (at, estimated) = (self.next_sample, self.people.is_estimated(self.next_sample));
            let mut sum = 0;
            for site in &mut self.sites {
                let m5 = site.rings.sample(at, estimated);
                site.average.add(at, as_float(m5));
                sum += m5;
            }
            self.all.add(at, as_float(sum));
            self.next_sample += SAMPLE_MS;
        }
    }
}

/// Returns an event as sessions see it; `None` where its visitor was not there.
pub fn hit(event: &Event, options: &Options) -> Option<session::Hit<'static>> {
    let sight = Sight::of(event, options).filter(|sight| sight.is_here)?;
    Some(sight.hit().into_owned())
}

fn instant(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

#[expect(clippy::cast_precision_loss, reason = "a number of visitors is far below 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
