//! Rows out of the file, as [`Rows`] defines them.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::roll::{DAY_MS, HOUR_MS};
use super::{file, spans};
use crate::spec::Kind;
use crate::stores::reports::fields::{Field, Filter};
use crate::stores::reports::query::Touch;
use crate::stores::reports::rows::{DealRow, HitRow, MeasureRow, Rolled, Rows, Span, Unit, VisitRow, Which};
use crate::stores::reports::sketch::Sketch;
use crate::stores::reports::{Fault, Query, touch};

/// An event of a visit is at most so far from the visit's beginning.
const REACH_MS: i64 = 2 * DAY_MS;

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

    fn text(&self) -> String {
        self.terms.join(" AND ")
    }
}

/// Returns the column of a field, of `hits` as `h` or of `visits` as `v`.
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
    let is_needed = query.filters.iter().any(|filter| !filter.field.is_of_event());
    if is_needed { " CROSS JOIN visits v ON v.id = h.visit" } else { "" }
}

/// The order that a refund names, with its event.
const ORDERS: &str = " LEFT JOIN deals o ON d.refund = 1 AND o.refund = 0 AND o.site = d.site AND o.order_id = d.order_id \
    LEFT JOIN hits oh ON oh.id = o.hit";

/// Returns the channel that a deal is credited to, as `reports::touch` has it.
fn touched(touch: Touch) -> String {
    let (at, lasts, direct) = ("coalesce(o.ts, d.ts)", touch::LASTS_MS, touch::DIRECT);
    let visits = format!(
        "FROM visits t WHERE t.site = d.site AND t.number = coalesce(oh.number, h.number) \
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
    fn each(
        &self,
        sql: &str,
        values: Vec<Value>,
        each: &mut dyn FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), Fault> {
        let run = || {
            let mut statement = self.0.prepare_cached(sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                each(row)?;
            }
            Ok(())
        };
        run().map_err(file::fault)
    }

    /// Returns the days that are counted ahead and touch the period, in order.
    fn days(&self, (from, to): Span) -> Result<Vec<i64>, Fault> {
        let (first, last) = (from.div_euclid(DAY_MS), to.div_euclid(DAY_MS));
        let mut days = Vec::new();
        let sql = "SELECT day FROM days WHERE rolled = 1 AND day >= ? AND day <= ? ORDER BY day";
        self.each(sql, vec![first.into(), last.into()], &mut |row| {
            days.push(row.get(0)?);
            Ok(())
        })?;
        Ok(days)
    }
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
        self.each(&sql, wanted.values, &mut |row| {
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
            Ok(())
        })?;
        Ok(spans::rest(period(query), &whole))
    }

    fn hits(
        &self,
        query: &Query,
        (which, span): (Which, Span),
        each: &mut dyn FnMut(&HitRow<'_>),
    ) -> Result<(), Fault> {
        let mut wanted = Where::default();
        wanted.within("h.ts", span);
        wanted.site("h", query);
        match which {
            Which::Presence => wanted.and("h.client AND h.kind IN (0, 2, 3)", []),
            Which::Pages => {
                wanted.and("h.client AND h.path != '' AND (h.kind IN (2, 3) OR h.engaged > 0)", []);
            }
            Which::Tracks => wanted.and("+h.name != ''", []),
            Which::Steps => {
                wanted.among("h.name", false, &query.steps);
                wanted.and("h.name != ''", []);
            }
        }
        wanted.filters(query.filters.iter());
        let sql = format!(
            "SELECT h.ts, h.kind, h.client, h.number, h.name, h.path, h.engaged FROM hits h{} WHERE {}",
            join(query),
            wanted.text()
        );
        self.each(&sql, wanted.values, &mut |row| {
            let is_view = matches!(Kind::from_number(row.get(1)?), Some(Kind::Page | Kind::Screen));
            each(&HitRow {
                ts: row.get(0)?,
                is_view: is_view && row.get(2)?,
                number: row.get::<_, i64>(3)?.cast_unsigned(),
                name: text(row, 4)?,
                path: text(row, 5)?,
                engaged_ms: row.get(6)?,
            });
            Ok(())
        })
    }

    fn visits(&self, query: &Query, newest: bool, each: &mut dyn FnMut(&VisitRow<'_>)) -> Result<(), Fault> {
        let mut wanted = Where::default();
        wanted.within("v.start", period(query));
        wanted.site("v", query);
        wanted.filters(query.filters.iter().filter(|filter| !filter.field.is_of_event()));
        let of_events = || query.filters.iter().filter(|filter| filter.field.is_of_event());
        if of_events().next().is_some() {
            let mut touching = Where::default();
            touching.within("h.ts", (query.period.from - REACH_MS, query.period.to + REACH_MS));
            touching.filters(of_events());
            wanted.and(
                format!("v.id IN (SELECT h.visit FROM hits h WHERE {})", touching.text()),
                touching.values,
            );
        }
        let order = if newest {
            format!(" ORDER BY v.start DESC, v.name LIMIT {}", query.limit)
        } else {
            String::new()
        };
        let sql = format!(
            "SELECT number, visitor, name, start, last, pageviews, events, interactions, engaged, conversions, entry, exit, \
             referrer, channel, source, medium, campaign, country, region, city, device, browser, os \
             FROM visits v WHERE {}{order}",
            wanted.text()
        );
        self.each(&sql, wanted.values, &mut |row| visit(row).map(|visit| each(&visit)))
    }

    fn deals(&self, query: &Query, each: &mut dyn FnMut(&DealRow<'_>)) -> Result<(), Fault> {
        let mut wanted = Where::default();
        wanted.within("d.ts", period(query));
        wanted.site("d", query);
        wanted.filters(query.filters.iter());
        let (touch, orders) = query.touch.map_or(("''".to_owned(), ""), |touch| (touched(touch), ORDERS));
        let sql = format!(
            "SELECT d.refund, d.amount, d.currency, {touch} FROM deals d CROSS JOIN hits h ON h.id = d.hit{}{orders} WHERE {}",
            join(query),
            wanted.text()
        );
        self.each(&sql, wanted.values, &mut |row| {
            let amount = text(row, 1)?.parse().unwrap_or_default();
            each(&DealRow { is_refund: row.get(0)?, amount, currency: text(row, 2)?, touch: text(row, 3)? });
            Ok(())
        })
    }

    fn measures(&self, query: &Query, each: &mut dyn FnMut(&MeasureRow<'_>)) -> Result<(), Fault> {
        let mut wanted = Where::default();
        wanted.within("m.ts", period(query));
        wanted.site("h", query);
        wanted.filters(query.filters.iter());
        let sql = format!(
            "SELECT m.metric, m.value, h.path FROM measures m CROSS JOIN hits h ON h.id = m.hit{} WHERE {}",
            join(query),
            wanted.text()
        );
        self.each(&sql, wanted.values, &mut |row| {
            each(&MeasureRow { metric: text(row, 0)?, value: row.get(1)?, path: text(row, 2)? });
            Ok(())
        })
    }
}

fn visit<'r>(row: &'r Row<'_>) -> rusqlite::Result<VisitRow<'r>> {
    let at = |place| text(row, place);
    Ok(VisitRow {
        number: row.get::<_, i64>(0)?.cast_unsigned(),
        visitor: at(1)?,
        id: at(2)?,
        start: row.get(3)?,
        last: row.get(4)?,
        pageviews: row.get(5)?,
        events: row.get(6)?,
        interactions: row.get(7)?,
        engaged_ms: row.get(8)?,
        conversions: row.get(9)?,
        entry: at(10)?,
        exit: at(11)?,
        referrer: at(12)?,
        origin: [at(13)?, at(14)?, at(15)?, at(16)?],
        place: [at(17)?, at(18)?, at(19)?, at(20)?, at(21)?, at(22)?],
    })
}
