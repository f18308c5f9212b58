//! What a store hands out: rows of events, visits, deals and measures, and counts that it keeps of whole hours and days.
//!
//! Rows are borrowed, and come in any order unless it is said. Which rows pass the filters of a query is the store's to see to;
//! [`crate::stores::reports::history`] is the definition. Pure.

use rust_decimal::Decimal;

use super::fields::Field;
use super::sketch::Sketch;
use super::{Fault, Query};

/// From when to when, in milliseconds since 1970; the end is not in it.
pub type Span = (i64, i64);

/// Which events a report looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that show that a person was there.
    Presence,
    /// Those of a person on a page: views of it, and how long it was looked at.
    Pages,
    /// Track calls, also of servers.
    Tracks,
    /// Those of the query's steps.
    Steps,
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub struct HitRow<'r> {
    /// When.
    pub ts: i64,
    /// It is a view of a page or a screen by a person.
    pub is_view: bool,
    /// The visitor's number.
    pub number: u64,
    /// The name of a track call.
    pub name: &'r str,
    /// Where.
    pub path: &'r str,
    /// How long the page was looked at, in milliseconds.
    pub engaged_ms: i64,
}

/// One visit.
#[derive(Debug, Clone, Copy, Default)]
pub struct VisitRow<'r> {
    /// Its id.
    pub id: &'r str,
    /// Whose.
    pub visitor: &'r str,
    /// The visitor's number.
    pub number: u64,
    /// Its first activity, in milliseconds since 1970.
    pub start: i64,
    /// Its last.
    pub last: i64,
    /// Views.
    pub pageviews: i64,
    /// Events.
    pub events: i64,
    /// What was done.
    pub interactions: i64,
    /// How long pages were looked at, in milliseconds.
    pub engaged_ms: i64,
    /// Orders.
    pub conversions: i64,
    /// The first page.
    pub entry: &'r str,
    /// The last page.
    pub exit: &'r str,
    /// Where from.
    pub referrer: &'r str,
    /// What led to it: channel, source, medium and campaign.
    pub origin: [&'r str; 4],
    /// Country, region, city, device, browser and system.
    pub place: [&'r str; 6],
}

impl<'r> VisitRow<'r> {
    /// Returns the value of a field of visits; nothing of one of events.
    pub fn field(&self, field: Field) -> &'r str {
        let [channel, source, medium, campaign] = self.origin;
        let [country, region, city, device, browser, os] = self.place;
        match field {
            Field::Path | Field::Event | Field::Environment => "",
            Field::Country => country,
            Field::Region => region,
            Field::City => city,
            Field::Device => device,
            Field::Browser => browser,
            Field::Os => os,
            Field::Channel => channel,
            Field::Source => source,
            Field::Medium => medium,
            Field::Campaign => campaign,
            Field::Referrer => self.referrer,
            Field::Entry => self.entry,
            Field::Exit => self.exit,
        }
    }

    /// Returns whether one page at most was seen and nothing done.
    pub fn is_bounce(&self) -> bool {
        self.session().is_bounce()
    }

    /// Returns whether the visitor was engaged.
    pub fn is_engaged(&self) -> bool {
        self.session().is_engaged()
    }

    /// Returns how long it took, in whole seconds.
    pub fn duration_s(&self) -> i64 {
        self.session().duration_s()
    }

    /// The numbers of it as a session, which says what they mean.
    fn session(&self) -> crate::projections::session::Session {
        crate::projections::session::Session {
            start: self.start,
            last: self.last,
            pageviews: self.pageviews,
            interactions: self.interactions,
            engaged_ms: self.engaged_ms,
            conversions: self.conversions,
            ..Default::default()
        }
    }
}

/// One order or refund that counts.
#[derive(Debug, Clone, Copy)]
pub struct DealRow<'r> {
    /// It was given back.
    pub is_refund: bool,
    /// How much.
    pub amount: Decimal,
    /// In which currency; empty where none is said.
    pub currency: &'r str,
    /// The channel of the visit that it is credited to, where the query asks for it.
    pub touch: &'r str,
}

/// One thing that was measured.
#[derive(Debug, Clone, Copy)]
pub struct MeasureRow<'r> {
    /// What.
    pub metric: &'r str,
    /// How much.
    pub value: f64,
    /// On which page.
    pub path: &'r str,
}

/// What a store counts ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Views and visitors of each hour.
    Hour = 0,
    /// Views, visitors and attention of each page and day, by UTC.
    Page = 1,
    /// Track calls and visitors of each name and day, by UTC.
    Event = 2,
}

/// One count.
#[derive(Debug, Clone, Default)]
pub struct Rolled {
    /// When its time begins.
    pub at: i64,
    /// Of which page or name.
    pub key: String,
    /// How many views or calls.
    pub hits: u64,
    /// How long pages were looked at, in milliseconds.
    pub engaged_ms: i64,
    /// Who.
    pub visitors: Sketch,
}

/// A store's rows.
pub trait Rows {
    /// Hands out the counts that the store has of a query, and returns the stretches of its period that none of them covers.
    /// No count reaches over one of `edges`.
    ///
    /// # Errors
    /// Why it cannot.
    fn rolled(
        &self,
        query: &Query,
        _unit: Unit,
        _edges: &[i64],
        _each: &mut dyn FnMut(&Rolled),
    ) -> Result<Vec<Span>, Fault> {
        Ok(vec![(query.period.from, query.period.to)])
    }

    /// Hands out events of a stretch.
    ///
    /// # Errors
    /// Why it cannot.
    fn hits(
        &self,
        query: &Query,
        which: (Which, Span),
        each: &mut dyn FnMut(&HitRow<'_>),
    ) -> Result<(), Fault>;

    /// Hands out visits that began in the period; with `newest` no more than the query's limit, newest first.
    ///
    /// # Errors
    /// Why it cannot.
    fn visits(&self, query: &Query, newest: bool, each: &mut dyn FnMut(&VisitRow<'_>)) -> Result<(), Fault>;

    /// Hands out orders and refunds of the period.
    ///
    /// # Errors
    /// Why it cannot.
    fn deals(&self, query: &Query, each: &mut dyn FnMut(&DealRow<'_>)) -> Result<(), Fault>;

    /// Hands out what was measured in the period.
    ///
    /// # Errors
    /// Why it cannot.
    fn measures(&self, query: &Query, each: &mut dyn FnMut(&MeasureRow<'_>)) -> Result<(), Fault>;
}
