//! Reports about visits: sources, places, devices, and the visits themselves. Pure.

use serde_json::{Map, Value, json};

use super::answer::{Report, ratio};
use super::fields::Field;
use super::rows::{Rows, VisitRow};
use super::sketch::Sketch;
use super::top::{Top, Weighed};
use super::{Fault, Query};

/// What is counted of visits.
#[derive(Debug, Clone, Default)]
pub(super) struct Visits {
    pub(super) sessions: i64,
    pub(super) visitors: Sketch,
    pub(super) pageviews: i64,
    pub(super) bounces: i64,
    pub(super) engaged: i64,
    pub(super) duration_s: i64,
    pub(super) conversions: i64,
}

impl Visits {
    pub(super) fn add(&mut self, visit: &VisitRow<'_>) {
        self.sessions += 1;
        self.visitors.add(visit.number);
        self.pageviews += visit.pageviews;
        self.bounces += i64::from(visit.is_bounce());
        self.engaged += i64::from(visit.is_engaged());
        self.duration_s = self.duration_s.saturating_add(visit.duration_s());
        self.conversions += visit.conversions;
    }

    fn cells(&self) -> [Value; 8] {
        [
            json!(self.visitors.count()),
            json!(self.sessions),
            json!(self.pageviews),
            json!(self.bounces),
            ratio(self.bounces, self.sessions, 4),
            json!(self.engaged),
            ratio(self.duration_s, self.sessions, 1),
            json!(self.conversions),
        ]
    }
}

impl Weighed for Visits {
    fn weight(&self) -> u64 {
        self.sessions.unsigned_abs()
    }

    fn join(&mut self, other: Visits) {
        self.sessions += other.sessions;
        self.visitors.merge(&other.visitors);
        self.pageviews += other.pageviews;
        self.bounces += other.bounces;
        self.engaged += other.engaged;
        self.duration_s = self.duration_s.saturating_add(other.duration_s);
        self.conversions += other.conversions;
    }
}

/// The columns of [`Visits::cells`].
const COUNTED: [&str; 8] = [
    "visitors",
    "sessions",
    "pageviews",
    "bounces",
    "bounce_rate",
    "engaged_sessions",
    "avg_duration_s",
    "conversions",
];

fn totals(all: &Visits) -> Map<String, Value> {
    COUNTED.iter().map(|name| (*name).to_owned()).zip(all.cells()).collect()
}

pub(super) fn breakdown(query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    let field = query.by.unwrap_or(Field::Source);
    let (mut of, mut all): (Top<Visits>, Visits) = Default::default();
    rows.visits(query, false, &mut |visit| {
        let value = visit.field(field);
        all.add(visit);
        of.at(value).add(visit);
    })?;
    let row =
        |(value, visits): (String, Visits)| std::iter::once(json!(value)).chain(visits.cells()).collect();
    let columns = std::iter::once(field.name()).chain(COUNTED).collect();
    let rows = of.into_sorted().into_iter().take(query.limit).map(row).collect();
    Ok(Report { columns, rows, totals: totals(&all), sampled: false })
}

/// The columns of the list of visits.
const COLUMNS: [&str; 25] = [
    "id",
    "visitor",
    "start",
    "last",
    "duration_s",
    "pageviews",
    "events",
    "interactions",
    "engaged_ms",
    "conversions",
    "is_bounce",
    "is_engaged",
    "entry",
    "exit",
    "referrer",
    "channel",
    "source",
    "medium",
    "campaign",
    "country",
    "region",
    "city",
    "device",
    "browser",
    "os",
];

pub(super) fn sessions(query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    let mut all = Visits::default();
    rows.visits(query, false, &mut |visit| all.add(visit))?;
    let mut listed = Vec::new();
    rows.visits(query, true, &mut |visit| listed.push(listing(query, visit)))?;
    Ok(Report { columns: COLUMNS.to_vec(), rows: listed, totals: totals(&all), sampled: false })
}

/// Returns the cells of a visit in the list.
fn listing(query: &Query, visit: &VisitRow<'_>) -> Vec<Value> {
    let [country, region, city, device, browser, os] = visit.place;
    let [channel, source, medium, campaign] = visit.origin;
    let texts = [visit.entry, visit.exit, visit.referrer, channel, source, medium, campaign];
    let place = [country, region, city, device, browser, os];
    let mut cells = vec![
        json!(visit.id),
        json!(visit.visitor),
        json!(query.period.shown(visit.start)),
        json!(query.period.shown(visit.last)),
        json!(visit.duration_s()),
        json!(visit.pageviews),
        json!(visit.events),
        json!(visit.interactions),
        json!(visit.engaged_ms),
        json!(visit.conversions),
        json!(visit.is_bounce()),
        json!(visit.is_engaged()),
    ];
    cells.extend(texts.iter().chain(&place).map(|text| json!(text)));
    cells
}
