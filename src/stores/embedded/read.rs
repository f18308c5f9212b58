//! Rows out of the file, as [`Rows`] defines them.

use std::collections::HashSet;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::block::Hit;
use super::roll::{DAY_MS, HOUR_MS};
use super::scan::{self, Passing};
use super::{file, spans};
use crate::spec::Kind;
use crate::stores::reports::fields::{Field, Filter};
use crate::stores::reports::query::Touch;
use crate::stores::reports::rows::{DealRow, HitRow, MeasureRow, Rolled, Rows, Span, Unit, VisitRow, Which};
use crate::stores::reports::sketch::Sketch;
use crate::stores::reports::{Fault, Query, touch};

/// An event of a visit is hardly farther from the visit's beginning.
const REACH_MS: i64 = 2 * DAY_MS;
/// Events that arrive in the wrong order can stretch a visit: none is looked for that began so long before.
const LONGEST_MS: i64 = 30 * DAY_MS;
/// Most visits that are held at once to filter events by them.
const MOST_VISITS: usize = 4_000_000;

/// Reads one moment of the file.
pub(super) struct Reader<'c>(pub(super) &'c Connection);

/// A condition and what is bound in it.
#[derive(Default)]
struct Where {
    terms: Vec<String>,
    values: Vec<Value>,
}

impl Where {
    /// Adds a term; each `?` stands for the next value.
    fn and(&mut self, term: impl Into<String>, values: impl IntoIterator<Item = Value>) {
        self.terms.push(term.into());
        self.values.extend(values);
    }

    fn among(&mut self, column: &str, is_not: bool, values: &[String]) {
        let marks = vec!["?"; values.len()].join(", ");
        let word = if is_not { "NOT IN" } else { "IN" };
        self.and(format!("{column} {word} ({marks})"), values.iter().cloned().map(Value::Text));
    }

    fn within(&mut self, column: &str, (from, to): Span) {
        self.and(format!("{column} >= ? AND {column} < ?"), [from, to].map(Value::Integer));
    }

    fn site(&mut self, table: &str, query: &Query) {
        if let Some(site) = &query.site {
            let term = format!("{table}.site = (SELECT id FROM sites WHERE name = ?)");
            self.and(term, [Value::Text(site.clone())]);
        }
    }

    fn filters<'f>(&mut self, filters: impl Iterator<Item = &'f Filter>) {
        filters.for_each(|filter| self.among(column(filter.field), filter.is_not, &filter.values));
    }

    /// Adds those filters of a query that are of visits.
    fn visit_filters(&mut self, query: &Query) {
        self.filters(of_visits(query));
    }

    fn text(&self) -> String {
        self.terms.join(" AND ")
    }
}

fn of_visits(query: &Query) -> impl Iterator<Item = &Filter> {
    query.filters.iter().filter(|filter| !filter.field.is_of_event())
}

fn of_events(query: &Query) -> impl Iterator<Item = &Filter> {
    query.filters.iter().filter(|filter| filter.field.is_of_event())
}

/// Returns the column of a field, of `deals` or `measures` as `h` or of `visits` as `v`.
fn column(field: Field) -> &'static str {
    match field {
        Field::Path => "h.path",
        Field::Event => "h.name",
        Field::Environment => "h.environment",
        Field::Country => "v.country",
        Field::Region => "v.region",
        Field::City => "v.city",
        Field::Device => "v.device",
        Field::Browser => "v.browser",
        Field::Os => "v.os",
        Field::Channel => "v.channel",
        Field::Source => "v.source",
        Field::Medium => "v.medium",
        Field::Campaign => "v.campaign",
        Field::Referrer => "v.referrer",
        Field::Entry => "v.entry",
        Field::Exit => "v.exit",
    }
}

/// Returns the join of an event's visit, where a filter needs it. From the event to the visit, never the other way around.
fn join(query: &Query) -> &'static str {
    if of_visits(query).next().is_some() { " CROSS JOIN visits v ON v.id = h.visit" } else { "" }
}

/// The order that a refund names.
const ORDERS: &str =
    " LEFT JOIN deals o ON h.refund = 1 AND o.refund = 0 AND o.site = h.site AND o.order_id = h.order_id";

/// Returns the channel that a deal is credited to, as `reports::touch` has it.
fn touched(touch: Touch) -> String {
    let (at, lasts, direct) = ("coalesce(o.ts, h.ts)", touch::LASTS_MS, touch::DIRECT);
    let visits = format!(
        "FROM visits t WHERE t.site = h.site AND t.number = coalesce(o.number, h.number) \
         AND t.start <= {at} AND t.start >= {at} - {lasts}"
    );
    let found = match touch {
        Touch::First => format!("(SELECT t.channel {visits} ORDER BY t.start, t.id LIMIT 1)"),
        Touch::Last => format!(
            "(SELECT t.channel {visits} AND t.channel != '{direct}' ORDER BY t.start DESC, t.id DESC LIMIT 1), \
             (SELECT '{direct}' {visits} LIMIT 1)"
        ),
    };
    format!("coalesce({found}, '{}')", touch::UNKNOWN)
}

fn text<'r>(row: &'r Row<'_>, place: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(place)?.as_str()?)
}

impl Reader<'_> {
    /// Hands out rows while they are wanted.
    fn each(
        &self,
        sql: &str,
        values: Vec<Value>,
        mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
    ) -> Result<(), Fault> {
        let run = || {
            let mut statement = self.0.prepare_cached(sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut is_wanted = true;
            while let Some(row) = rows.next()?.filter(|_| is_wanted) {
                is_wanted = each(row)?;
            }
            Ok(())
        };
        run().map_err(file::fault)
    }

    /// Returns what the store knows of events that pass the filters, with the visits that do where there is a filter by them;
    /// `None` where the query is about a source that has no event.
    fn passing<'q>(&self, query: &'q Query, span: Span) -> Result<Option<Passing<'q>>, Fault> {
        let mut passing = Passing { filters: of_events(query).collect(), ..Passing::default() };
        if let Some(site) = &query.site {
            let sql = "SELECT id FROM sites WHERE name = ?";
            self.each(sql, vec![site.clone().into()], |row| {
                passing.site = Some(row.get(0)?);
                Ok(false)
            })?;
            if passing.site.is_none() {
                return Ok(None);
            }
        }
        if of_visits(query).next().is_some() {
            passing.visits = Some(self.visits_passing(query, span)?);
        }
        Ok(Some(passing))
    }

    /// Returns the rows of the visits that pass the filters by visits, and may have events in a stretch.
    fn visits_passing(&self, query: &Query, (from, to): Span) -> Result<HashSet<i64>, Fault> {
        let mut wanted = Where::default();
        wanted.within("v.start", (from - LONGEST_MS, to + REACH_MS));
        wanted.and("v.last >= ?", [Value::Integer(from - REACH_MS)]);
        wanted.site("v", query);
        wanted.visit_filters(query);
        let mut visits = HashSet::new();
        let sql = format!("SELECT v.id FROM visits v WHERE {}", wanted.text());
        self.each(&sql, wanted.values, |row| {
            visits.insert(row.get(0)?);
            Ok(visits.len() <= MOST_VISITS)
        })?;
        within_bounds(visits)
    }

    /// Returns the rows of the visits that have an event which passes the filters by events; `None` where there is none.
    fn visits_touched(&self, query: &Query) -> Result<Option<HashSet<i64>>, Fault> {
        if of_events(query).next().is_none() {
            return Ok(None);
        }
        let passing = Passing { filters: of_events(query).collect(), ..Passing::default() };
        let span = (query.period.from - REACH_MS, query.period.to + REACH_MS);
        let mut visits = HashSet::new();
        let scanned = scan::scan(
            self.0,
            span,
            &passing,
            |hit| hit.visit != 0,
            |hit| {
                visits.insert(hit.visit);
            },
        );
        scanned.map_err(file::fault)?;
        within_bounds(visits).map(Some)
    }

    /// Returns the days that are counted ahead and touch the period, in order.
    fn days(&self, (from, to): Span) -> Result<Vec<i64>, Fault> {
        let (first, last) = (from.div_euclid(DAY_MS), to.div_euclid(DAY_MS));
        let mut days = Vec::new();
        let sql = "SELECT day FROM days WHERE rolled = 1 AND day >= ? AND day <= ? ORDER BY day";
        self.each(sql, vec![first.into(), last.into()], |row| {
            days.push(row.get(0)?);
            Ok(true)
        })?;
        Ok(days)
    }
}

fn within_bounds(visits: HashSet<i64>) -> Result<HashSet<i64>, Fault> {
    if visits.len() > MOST_VISITS { Err(Fault::more_than(MOST_VISITS, "sessions")) } else { Ok(visits) }
}

fn period(query: &Query) -> Span {
    (query.period.from, query.period.to)
}

impl Rows for Reader<'_> {
    fn rolled(
        &self,
        query: &Query,
        unit: Unit,
        edges: &[i64],
        each: &mut dyn FnMut(&Rolled),
    ) -> Result<Vec<Span>, Fault> {
        if !query.filters.is_empty() {
            return Ok(vec![period(query)]);
        }
        let length = if unit == Unit::Hour { HOUR_MS } else { DAY_MS };
        let whole = spans::whole(period(query), length, &self.days(period(query))?, DAY_MS, edges);
        let is_whole = |at: i64| whole.binary_search_by_key(&at, |(begin, _)| *begin).is_ok();
        let mut wanted = Where::default();
        wanted.and("r.unit = ?", [Value::Integer(unit as i64)]);
        wanted.within("r.at", period(query));
        wanted.site("r", query);
        let sql = format!("SELECT at, key, hits, engaged, visitors FROM rollups r WHERE {}", wanted.text());
        self.each(&sql, wanted.values, |row| {
            let at = row.get(0)?;
            if is_whole(at) {
                each(&Rolled {
                    at,
                    key: row.get(1)?,
                    hits: row.get::<_, i64>(2)?.cast_unsigned(),
                    engaged_ms: row.get(3)?,
                    visitors: Sketch::from_bytes(row.get_ref(4)?.as_blob()?),
                });
            }
            Ok(true)
        })?;
        Ok(spans::rest(period(query), &whole))
    }

    fn hits(
        &self,
        query: &Query,
        (which, span): (Which, Span),
        each: &mut dyn FnMut(&HitRow<'_>),
    ) -> Result<(), Fault> {
        let Some(mut passing) = self.passing(query, span)? else { return Ok(()) };
        passing.names = (which == Which::Steps).then_some(query.steps.as_slice());
        let wants = |hit: &Hit<usize>| is_looked_at(hit, which);
        let scanned = scan::scan(self.0, span, &passing, wants, |hit| {
            let (ts, number, name, path) = (hit.ts, hit.number, hit.name, hit.path);
            each(&HitRow { ts, is_view: is_view(hit), number, name, path, engaged_ms: hit.engaged_ms });
        });
        scanned.map_err(file::fault)
    }

    fn visits(&self, query: &Query, newest: bool, each: &mut dyn FnMut(&VisitRow<'_>)) -> Result<(), Fault> {
        let touched = self.visits_touched(query)?;
        let mut wanted = Where::default();
        wanted.within("v.start", period(query));
        wanted.site("v", query);
        wanted.visit_filters(query);
        let order = if newest { " ORDER BY v.start DESC, v.name" } else { "" };
        let mut left = if newest { query.limit } else { usize::MAX };
        let sql = format!(
            "SELECT id, number, visitor, name, start, last, pageviews, events, interactions, engaged, conversions, entry, exit, \
             referrer, channel, source, medium, campaign, country, region, city, device, browser, os \
             FROM visits v WHERE {}{order}",
            wanted.text()
        );
        self.each(&sql, wanted.values, |row| {
            let id: i64 = row.get(0)?;
            if left > 0 && touched.as_ref().is_none_or(|touched| touched.contains(&id)) {
                each(&visit(row)?);
                left -= 1;
            }
            Ok(left > 0)
        })
    }

    fn deals(&self, query: &Query, each: &mut dyn FnMut(&DealRow<'_>)) -> Result<(), Fault> {
        let mut wanted = Where::default();
        wanted.within("h.ts", period(query));
        wanted.site("h", query);
        wanted.filters(query.filters.iter());
        let (touch, orders) = query.touch.map_or(("''".to_owned(), ""), |touch| (touched(touch), ORDERS));
        let sql = format!(
            "SELECT h.refund, h.amount, h.currency, {touch} FROM deals h{}{orders} WHERE {}",
            join(query),
            wanted.text()
        );
        self.each(&sql, wanted.values, |row| {
            let amount = text(row, 1)?.parse().unwrap_or_default();
            each(&DealRow { is_refund: row.get(0)?, amount, currency: text(row, 2)?, touch: text(row, 3)? });
            Ok(true)
        })
    }

    fn measures(&self, query: &Query, each: &mut dyn FnMut(&MeasureRow<'_>)) -> Result<(), Fault> {
        let mut wanted = Where::default();
        wanted.within("h.ts", period(query));
        wanted.site("h", query);
        wanted.filters(query.filters.iter());
        let sql = format!(
            "SELECT h.metric, h.value, h.path FROM measures h{} WHERE {}",
            join(query),
            wanted.text()
        );
        self.each(&sql, wanted.values, |row| {
            each(&MeasureRow { metric: text(row, 0)?, value: row.get(1)?, path: text(row, 2)? });
            Ok(true)
        })
    }
}

/// Reads a row that begins with its number.
fn visit<'r>(row: &'r Row<'_>) -> rusqlite::Result<VisitRow<'r>> {
    let at = |place| text(row, place);
    Ok(VisitRow {
        number: row.get::<_, i64>(1)?.cast_unsigned(),
        visitor: at(2)?,
        id: at(3)?,
        start: row.get(4)?,
        last: row.get(5)?,
        pageviews: row.get(6)?,
        events: row.get(7)?,
        interactions: row.get(8)?,
        engaged_ms: row.get(9)?,
        conversions: row.get(10)?,
        entry: at(11)?,
        exit: at(12)?,
        referrer: at(13)?,
        origin: [at(14)?, at(15)?, at(16)?, at(17)?],
        place: [at(18)?, at(19)?, at(20)?, at(21)?, at(22)?, at(23)?],
    })
}

fn is_view(hit: &Hit<&str>) -> bool {
    hit.is_client && matches!(Kind::from_number(hit.kind), Some(Kind::Page | Kind::Screen))
}

/// Returns whether a report that looks at these events looks at this one.
fn is_looked_at(hit: &Hit<usize>, which: Which) -> bool {
    let kind = Kind::from_number(hit.kind);
    let is_view = || matches!(kind, Some(Kind::Page | Kind::Screen));
    match which {
        Which::Presence => hit.is_client && (is_view() || kind == Some(Kind::Track)),
        Which::Pages => hit.is_client && hit.path != 0 && (is_view() || hit.engaged_ms > 0),
        Which::Tracks | Which::Steps => hit.name != 0,
    }
}
