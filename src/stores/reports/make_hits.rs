//! Reports about events: the series, pages, names, the funnel and measures. Pure.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::answer::{Report, ratio};
use super::fact::SCROLL;
use super::make_visits::Visits;
use super::rows::{Rows, Unit, Which};
use super::sketch::Sketch;
use super::top::{Top, Weighed};
use super::{Fault, Query};
use crate::projections::commerce::funnel::{self, Hits};
use crate::projections::vitals::Metric;

pub(super) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

pub(super) fn report(columns: &[&'static str], rows: Vec<Vec<Value>>, totals: Value) -> Report {
    Report { columns: columns.to_vec(), rows, totals: map(totals), sampled: false }
}

/// Most steps that visitors took and that are held at once: some 100 MB where each was taken by somebody else.
const MOST_STEPS: usize = 1_000_000;
/// Most values of which a percentile is found, since it is one of them and no estimate: some 64 MB.
const MOST_VALUES: usize = 4_000_000;

/// Room for so many things and no more.
struct Room {
    most: usize,
    asked: usize,
}

impl Room {
    fn of(most: usize) -> Room {
        Room { most, asked: 0 }
    }

    /// Returns whether there is room for one more.
    fn takes_one(&mut self) -> bool {
        self.asked = self.asked.saturating_add(1);
        self.asked <= self.most
    }

    /// Fails where there was no room for one.
    fn was_enough(&self, of_what: &str) -> Result<(), Fault> {
        if self.asked <= self.most { Ok(()) } else { Err(Fault::more_than(self.most, of_what)) }
    }
}

// === Series ===

#[derive(Debug, Clone, Default)]
struct Part {
    views: u64,
    visitors: Sketch,
    visits: Visits,
}

impl Part {
    fn cells(&self) -> Vec<Value> {
        vec![
            json!(self.views),
            json!(self.visitors.count()),
            json!(self.visits.sessions),
            ratio(self.visits.bounces, self.visits.sessions, 4),
            ratio(self.visits.duration_s, self.visits.sessions, 1),
            json!(self.visits.conversions),
        ]
    }
}

pub(super) fn series(query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    const COLUMNS: [&str; 7] =
        ["time", "views", "visitors", "sessions", "bounce_rate", "avg_duration_s", "conversions"];
    let begins = query.parts();
    let mut parts = vec![Part::default(); begins.len()];
    let mut all = Part::default();
    let place = |at: i64| begins.partition_point(|begin| *begin <= at).saturating_sub(1);
    let rest = rows.rolled(query, Unit::Hour, &begins, &mut |rolled| {
        for part in parts.get_mut(place(rolled.at)).into_iter().chain([&mut all]) {
            part.views += rolled.hits;
            part.visitors.merge(&rolled.visitors);
        }
    })?;
    for span in rest {
        rows.hits(query, (Which::Presence, span), &mut |hit| {
            for part in parts.get_mut(place(hit.ts)).into_iter().chain([&mut all]) {
                part.views += u64::from(hit.is_view);
                part.visitors.add(hit.number);
            }
        })?;
    }
    rows.visits(query, false, &mut |visit| {
        for part in parts.get_mut(place(visit.start)).into_iter().chain([&mut all]) {
            part.visits.add(visit);
        }
    })?;
    let line = |(begin, part): (&i64, &Part)| {
        std::iter::once(json!(query.period.shown(*begin))).chain(part.cells()).collect()
    };
    let totals = COLUMNS.iter().skip(1).map(|name| (*name).to_owned()).zip(all.cells()).collect();
    Ok(report(&COLUMNS, begins.iter().zip(&parts).map(line).collect(), Value::Object(totals)))
}

// === Pages ===

#[derive(Debug, Default)]
struct Page {
    views: u64,
    visitors: Sketch,
    engaged_ms: i64,
    entries: i64,
    exits: i64,
    bounces: i64,
    scrolls: Vec<f64>,
}

impl Page {
    fn cells(&mut self, path: String) -> Vec<Value> {
        self.scrolls.sort_by(f64::total_cmp);
        vec![
            json!(path),
            json!(self.views),
            json!(self.visitors.count()),
            json!(self.entries),
            json!(self.exits),
            json!(self.bounces),
            ratio(self.bounces, self.entries, 4),
            self.attention(),
            json!(nearest(&self.scrolls, 50)),
            json!(nearest(&self.scrolls, 75)),
        ]
    }

    /// Milliseconds that each view was looked at.
    fn attention(&self) -> Value {
        ratio(self.engaged_ms, i64::try_from(self.views).unwrap_or(i64::MAX), 0)
    }
}

/// Returns the smallest of the values that so many percent of all do not exceed.
fn nearest(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

impl Weighed for Page {
    fn weight(&self) -> u64 {
        self.views
    }

    fn join(&mut self, other: Page) {
        self.views += other.views;
        self.visitors.merge(&other.visitors);
        self.engaged_ms = self.engaged_ms.saturating_add(other.engaged_ms);
        self.entries += other.entries;
        self.exits += other.exits;
        self.bounces += other.bounces;
        self.scrolls.extend(other.scrolls);
    }
}

type Pages = Top<Page>;

/// The columns of [`Page::cells`].
const OF_PAGES: [&str; 10] = [
    "path",
    "views",
    "visitors",
    "entries",
    "exits",
    "bounces",
    "bounce_rate",
    "avg_engaged_ms",
    "scroll_p50",
    "scroll_p75",
];

pub(super) fn pages(query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    let (mut pages, mut all) = (viewed(query, rows)?, Page::default());
    rows.visits(query, false, &mut |visit| {
        if !visit.entry.is_empty() {
            let entry = pages.at(visit.entry);
            entry.entries += 1;
            entry.bounces += i64::from(visit.is_bounce());
        }
        if !visit.exit.is_empty() {
            pages.at(visit.exit).exits += 1;
        }
    })?;
    let mut room = Room::of(MOST_VALUES);
    rows.measures(query, &mut |measure| {
        if measure.metric == SCROLL
            && let Some(page) = pages.known(measure.path)
            && room.takes_one()
        {
            page.scrolls.push(measure.value);
        }
    })?;
    room.was_enough("measured depths")?;
    for one in pages.values() {
        all.views += one.views;
        all.visitors.merge(&one.visitors);
        all.engaged_ms = all.engaged_ms.saturating_add(one.engaged_ms);
        all.entries += one.entries;
        all.bounces += one.bounces;
    }
    let totals = json!({
        "views": all.views, "visitors": all.visitors.count(), "entries": all.entries, "bounces": all.bounces,
        "bounce_rate": ratio(all.bounces, all.entries, 4), "avg_engaged_ms": all.attention(),
    });
    let pages = pages.into_sorted().into_iter().take(query.limit);
    Ok(report(&OF_PAGES, pages.map(|(path, mut page)| page.cells(path)).collect(), totals))
}

fn viewed(query: &Query, rows: &dyn Rows) -> Result<Pages, Fault> {
    let mut pages = Pages::default();
    let rest = rows.rolled(query, Unit::Page, &[], &mut |rolled| {
        let page = pages.at(&rolled.key);
        page.views += rolled.hits;
        page.engaged_ms = page.engaged_ms.saturating_add(rolled.engaged_ms);
        page.visitors.merge(&rolled.visitors);
    })?;
    for span in rest {
        rows.hits(query, (Which::Pages, span), &mut |hit| {
            let page = pages.at(hit.path);
            page.engaged_ms = page.engaged_ms.saturating_add(hit.engaged_ms);
            if hit.is_view {
                page.views += 1;
                page.visitors.add(hit.number);
            }
        })?;
    }
    Ok(pages)
}

// === Names ===

#[derive(Debug, Default)]
struct Calls {
    count: u64,
    visitors: Sketch,
}

impl Weighed for Calls {
    fn weight(&self) -> u64 {
        self.count
    }

    fn join(&mut self, other: Calls) {
        self.count += other.count;
        self.visitors.merge(&other.visitors);
    }
}

pub(super) fn events(query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    let mut of: Top<Calls> = Top::default();
    let rest = rows.rolled(query, Unit::Event, &[], &mut |rolled| {
        let calls = of.at(&rolled.key);
        calls.count += rolled.hits;
        calls.visitors.merge(&rolled.visitors);
    })?;
    for span in rest {
        rows.hits(query, (Which::Tracks, span), &mut |hit| {
            let calls = of.at(hit.name);
            calls.count += 1;
            calls.visitors.add(hit.number);
        })?;
    }
    let mut all = Calls::default();
    for one in of.values() {
        all.count += one.count;
        all.visitors.merge(&one.visitors);
    }
    let row =
        |(name, calls): (String, Calls)| vec![json!(name), json!(calls.count), json!(calls.visitors.count())];
    let totals = json!({ "count": all.count, "visitors": all.visitors.count() });
    let rows = of.into_sorted().into_iter().take(query.limit).map(row).collect();
    Ok(report(&["event", "count", "visitors"], rows, totals))
}

// === Funnel ===

pub(super) fn funnel(query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    funnel_within(MOST_STEPS, query, rows)
}

fn funnel_within(most: usize, query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    let mut hits: HashMap<u64, Hits> = HashMap::new();
    let (mut room, span) = (Room::of(most), (query.period.from, query.period.to));
    rows.hits(query, (Which::Steps, span), &mut |hit| {
        if room.takes_one() {
            hits.entry(hit.number).or_default().add(&query.steps, hit.name, hit.ts);
        }
    })?;
    room.was_enough("steps of visitors")?;
    let levels = hits.into_values().map(|hits| hits.level(query.steps.len(), query.window_ms));
    let steps = funnel::steps_of(&query.steps, levels);
    let totals = json!({
        "visitors": steps.first().map_or(0, |first| first.visitors),
        "conversion": steps.last().map_or(0.0, |last| last.conversion),
    });
    let row = |step: &funnel::Step| {
        vec![json!(step.step), json!(step.visitors), json!(step.conversion), json!(step.step_conversion)]
    };
    let columns = ["step", "visitors", "conversion", "step_conversion"];
    Ok(report(&columns, steps.iter().map(row).collect(), totals))
}

// === Measures ===

/// What was measured on a page, by metric.
#[derive(Debug, Default)]
struct Values(BTreeMap<String, Vec<f64>>);

impl Weighed for Values {
    fn weight(&self) -> u64 {
        self.0.values().map(|values| values.len() as u64).sum()
    }

    fn join(&mut self, other: Values) {
        other.0.into_iter().for_each(|(metric, values)| self.0.entry(metric).or_default().extend(values));
    }
}

pub(super) fn vitals(query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    vitals_within(MOST_VALUES, query, rows)
}

fn vitals_within(most: usize, query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    let mut room = Room::of(most);
    let mut of: Top<Values> = Top::default();
    let mut samples = 0_u64;
    rows.measures(query, &mut |measure| {
        if measure.metric != SCROLL && room.takes_one() {
            let path = if query.by_page { measure.path } else { "" };
            let metrics = &mut of.at(path).0;
            match metrics.get_mut(measure.metric) {
                Some(values) => values.push(measure.value),
                None => drop(metrics.insert(measure.metric.to_owned(), vec![measure.value])),
            }
            samples += 1;
        }
    })?;
    room.was_enough("measured values")?;
    let of = of.into_sorted().into_iter().flat_map(|(path, Values(metrics))| {
        metrics.into_iter().map(move |(metric, values)| ((path.clone(), metric), values))
    });
    let mut of: Vec<((String, String), Vec<f64>)> = of.collect();
    of.sort_by(|one, other| (other.1.len(), &one.0).cmp(&(one.1.len(), &other.0)));
    of.truncate(query.limit);
    let row = |((path, metric), values): ((String, String), Vec<f64>)| {
        let count = values.len();
        let summary = Metric::named(&metric).map(|known| known.summary(values))?;
        let [good, middle, poor] = summary.share.map(|share| json!((share * 1e6).round() / 1e6));
        let path = query.by_page.then(|| json!(path));
        let cells =
            [json!(metric), json!(count), json!(summary.p75), json!(summary.rating), good, middle, poor];
        Some(path.into_iter().chain(cells).collect())
    };
    let columns = ["path", "metric", "samples", "p75", "rating", "good", "needs_improvement", "poor"];
    let columns = columns.get(usize::from(!query.by_page)..).unwrap_or_default();
    Ok(report(columns, of.into_iter().filter_map(row).collect(), json!({ "samples": samples })))
}

#[cfg(test)]
mod tests {
    use super::super::history::History;
    use super::super::tests::{query, rules, track, vital};
    use super::super::{Fault, Name};
    use super::*;

    #[test]
    fn more_steps_or_values_than_may_be_held_are_refused_and_as_many_are_not() {
        let step = |n| track(n, u8::try_from(n).unwrap(), 1, "Product Viewed");
        let facts = (0..6).map(step).chain((6..12).map(|n| vital(n, 1, &format!("p{n}"), 9.0)));
        let rows = History::of(facts, &rules());
        let period = "from=2026-03-27&to=2026-03-27";
        let (steps, values) = (query(Name::Funnel, period), query(Name::Vitals, period));
        assert_eq!(funnel_within(6, &steps, &rows).unwrap().totals["visitors"], 6);
        assert_eq!(vitals_within(6, &values, &rows).unwrap().totals["samples"], 6);
        for refused in [funnel_within(5, &steps, &rows), vitals_within(5, &values, &rows)] {
            let fault = refused.unwrap_err();
            let words = |fault: &Fault| fault.to_string().contains("more than 5 ");
            assert!(matches!(&fault, Fault::TooMuch(_)) && words(&fault), "{fault}");
        }
    }
}
