//! Facts in memory, in the order of their arrival, and the rows that they are: what every store must hand out, defined.
//!
//! Also what answers where a store holds nothing but events. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::fact::{Deal, Fact, Measure, Rules, number_of};
use super::fields::{Field, Filter};
use super::rows::{DealRow, HitRow, MeasureRow, Rows, Span, VisitRow, Which};
use super::touch;
use super::visit::{self, Standing, Visit};
use super::{Fault, Query};
use crate::projections::commerce::revenue::{self, Sum};

/// Returns what a deal amounts to, given what is known of an order by its id; `None` of an order that is known already.
pub fn settled(deal: &Deal, known: impl FnOnce(&str) -> Option<Sum>) -> Option<Sum> {
    let before = deal.order_id.as_deref().and_then(known);
    revenue::settled(deal.is_refund, (deal.currency.clone(), deal.amount), before)
}

#[derive(Debug)]
struct Hit {
    fact: Fact<'static>,
    number: u64,
    visit: Option<usize>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct History {
    hits: Vec<Hit>,
    visits: Vec<Visit>,
    open: HashMap<(String, String), usize>,
    orders: HashMap<(String, String), Sum>,
    deals: Vec<(usize, bool, Sum)>,
    /// The events of the orders with an id.
    ordered: HashMap<(String, String), usize>,
    /// By source, view and metric: the event of the last one.
    measures: BTreeMap<(String, String, &'static str), (usize, Measure<'static>)>,
}

impl History {
    /// Returns the history of facts in the order of their arrival.
    pub fn of(facts: impl IntoIterator<Item = Fact<'static>>, rules: &Rules) -> History {
        let mut history = History::default();
        facts.into_iter().for_each(|fact| history.add(fact, rules));
        history
    }

    fn add(&mut self, fact: Fact<'static>, rules: &Rules) {
        let at = self.hits.len();
        let visit = self.visit(&fact, rules);
        if let Some(measure) = &fact.measure {
            let key = (fact.site.to_string(), measure.view.to_string(), measure.metric);
            self.measures.insert(key, (at, measure.clone()));
        }
        if let Some(deal) = &fact.deal {
            self.deal(at, &fact.site, deal);
        }
        self.hits.push(Hit { number: number_of(&fact.visitor), visit, fact });
    }

    fn visit(&mut self, fact: &Fact<'_>, rules: &Rules) -> Option<usize> {
        let key = (fact.site.to_string(), fact.visitor.to_string());
        let place = self.open.get(&key).copied();
        let mut open = place.and_then(|place| self.visits.get_mut(place)).map(std::mem::take);
        let standing = visit::step(&mut open, fact, rules);
        let put = |visits: &mut Vec<Visit>, visit: Visit| {
            if let Some(mine) = place.and_then(|place| visits.get_mut(place)) {
                *mine = visit;
            }
        };
        match standing {
            Standing::Outside => {
                open.into_iter().for_each(|visit| put(&mut self.visits, visit));
                None
            }
            Standing::Joined => {
                open.into_iter().for_each(|visit| put(&mut self.visits, visit));
                place
            }
            Standing::Opened(over) => {
                over.into_iter().for_each(|visit| put(&mut self.visits, *visit));
                let place = self.visits.len();
                self.visits.push(open.unwrap_or_default());
                self.open.insert(key, place);
                Some(place)
            }
        }
    }

    fn deal(&mut self, at: usize, site: &str, deal: &Deal) {
        let key = |id: &str| (site.to_owned(), id.to_owned());
        let Some(sum) = settled(deal, |id| self.orders.get(&key(id)).cloned()) else { return };
        if let Some(id) = deal.order_id.as_deref().filter(|_| !deal.is_refund) {
            self.orders.insert(key(id), sum.clone());
            self.ordered.insert(key(id), at);
        }
        self.deals.push((at, deal.is_refund, sum));
    }

    /// Returns the events that are counted: within the time, of the source, and passing every filter.
    fn passing<'h>(
        &'h self,
        query: &'h Query,
        (from, to): Span,
    ) -> impl Iterator<Item = (usize, &'h Hit)> + 'h {
        let within = move |hit: &&Hit| (from..to).contains(&hit.fact.ts) && is_of(&hit.fact.site, query);
        let passes = |hit: &&Hit| query.filters.iter().all(|filter| self.admits(filter, hit));
        self.hits.iter().enumerate().filter(move |(_, hit)| within(hit) && passes(hit))
    }

    fn admits(&self, filter: &Filter, hit: &Hit) -> bool {
        if filter.field.is_of_event() {
            return filter.admits(event_field(&hit.fact, filter.field));
        }
        let visit = hit.visit.and_then(|place| self.visits.get(place));
        visit.is_some_and(|visit| filter.admits(row(visit).field(filter.field)))
    }

    /// Returns the visits of each visitor of each source, in the order of their beginnings.
    fn visits_of(&self) -> HashMap<(&str, &str), Vec<(i64, &str)>> {
        let mut of: HashMap<(&str, &str), Vec<(i64, &str)>> = HashMap::new();
        for visit in &self.visits {
            let whose = of.entry((&visit.site, &visit.visitor)).or_default();
            whose.push((visit.session.start, &visit.origin.channel));
        }
        of.values_mut().for_each(|visits| visits.sort_by_key(|(start, _)| *start));
        of
    }

    /// Returns the event that decides what a deal is credited to: of a refund that of its order, where that is known.
    fn decisive(&self, at: usize, is_refund: bool) -> Option<&Fact<'static>> {
        let own = &self.hits.get(at)?.fact;
        let order = own.deal.as_ref().filter(|_| is_refund).and_then(|deal| deal.order_id.clone());
        let order = order.and_then(|id| self.ordered.get(&(own.site.to_string(), id)));
        Some(order.and_then(|at| self.hits.get(*at)).map_or(own, |hit| &hit.fact))
    }

    /// Returns the visits that have an event which passes every filter by events; all where there is none.
    fn touched(&self, query: &Query) -> Option<HashSet<usize>> {
        let filters = || query.filters.iter().filter(|filter| filter.field.is_of_event());
        filters().next()?;
        let passes = |hit: &&Hit| filters().all(|filter| self.admits(filter, hit));
        Some(self.hits.iter().filter(passes).filter_map(|hit| hit.visit).collect())
    }
}

fn is_of(site: &str, query: &Query) -> bool {
    query.site.as_ref().is_none_or(|wanted| wanted == site)
}

fn event_field<'f>(fact: &'f Fact<'_>, field: Field) -> &'f str {
    match field {
        Field::Path => &fact.path,
        Field::Event => &fact.name,
        Field::Environment => &fact.environment,
        _ => "",
    }
}

/// Returns the row of a visit.
pub fn row(visit: &Visit) -> VisitRow<'_> {
    let (session, place, origin) = (&visit.session, visit.place(), &visit.origin);
    let entry = session.entry.as_ref().and_then(|entry| entry.path.as_deref());
    let exit = session.exit.as_ref().and_then(|(_, path)| path.as_deref());
    VisitRow {
        id: &visit.id,
        visitor: &visit.visitor,
        number: visit.number,
        start: session.start,
        last: session.last,
        pageviews: session.pageviews,
        events: session.events,
        interactions: session.interactions,
        engaged_ms: session.engaged_ms,
        conversions: session.conversions,
        entry: entry.unwrap_or_default(),
        exit: exit.unwrap_or_default(),
        referrer: &visit.referrer,
        origin: [&origin.channel, &origin.source, &origin.medium, &origin.campaign],
        place: [&place.country, &place.region, &place.city, &place.device, &place.browser, &place.os],
    }
}

/// Returns whether a report that looks at these events looks at this one.
pub fn is_looked_at(fact: &Fact<'_>, which: Which, query: &Query) -> bool {
    match which {
        Which::Presence => fact.is_presence(),
        Which::Pages => fact.is_client && !fact.path.is_empty() && (fact.is_view() || fact.engaged_ms > 0),
        Which::Tracks => !fact.name.is_empty(),
        Which::Steps => query.steps.iter().any(|step| *step == fact.name),
    }
}

impl Rows for History {
    fn hits(
        &self,
        query: &Query,
        (which, span): (Which, Span),
        each: &mut dyn FnMut(&HitRow<'_>),
    ) -> Result<(), Fault> {
        let passing = self.passing(query, span).map(|(_, hit)| hit);
        passing.filter(|hit| is_looked_at(&hit.fact, which, query)).for_each(|hit| {
            each(&HitRow {
                ts: hit.fact.ts,
                is_view: hit.fact.is_view(),
                number: hit.number,
                name: &hit.fact.name,
                path: &hit.fact.path,
                engaged_ms: hit.fact.engaged_ms,
            });
        });
        Ok(())
    }

    fn visits(&self, query: &Query, newest: bool, each: &mut dyn FnMut(&VisitRow<'_>)) -> Result<(), Fault> {
        let (period, touched) = (&query.period, self.touched(query));
        let of_visit = |row: &VisitRow<'_>| {
            let mut filters = query.filters.iter().filter(|filter| !filter.field.is_of_event());
            filters.all(|filter| filter.admits(row.field(filter.field)))
        };
        let passes = |(place, visit): &(usize, &Visit)| {
            is_of(&visit.site, query)
                && (period.from..period.to).contains(&visit.session.start)
                && touched.as_ref().is_none_or(|touched| touched.contains(place))
                && of_visit(&row(visit))
        };
        let passing = self.visits.iter().enumerate().filter(passes);
        let mut rows: Vec<VisitRow<'_>> = passing.map(|(_, visit)| row(visit)).collect();
        if newest {
            rows.sort_by(|one, other| (other.start, one.id).cmp(&(one.start, other.id)));
            rows.truncate(query.limit);
        }
        rows.iter().for_each(each);
        Ok(())
    }

    fn deals(&self, query: &Query, each: &mut dyn FnMut(&DealRow<'_>)) -> Result<(), Fault> {
        let passing: HashSet<usize> = self.passing(query, of(query)).map(|(at, _)| at).collect();
        let visits = query.touch.map(|touch| (touch, self.visits_of()));
        let touch_of = |at: usize, is_refund: bool| {
            let ((touch, visits), fact) = visits.as_ref().zip(self.decisive(at, is_refund))?;
            let whose = visits.get(&(&*fact.site, &*fact.visitor));
            Some(touch::credited(*touch, fact.ts, whose.into_iter().flatten().copied()))
        };
        for (at, is_refund, (currency, amount)) in self.deals.iter().filter(|(at, _, _)| passing.contains(at))
        {
            let touch = touch_of(*at, *is_refund).unwrap_or_default();
            each(&DealRow { is_refund: *is_refund, amount: *amount, currency, touch });
        }
        Ok(())
    }

    fn measures(&self, query: &Query, each: &mut dyn FnMut(&MeasureRow<'_>)) -> Result<(), Fault> {
        let passing: HashMap<usize, &Hit> = self.passing(query, of(query)).collect();
        for (at, measure) in self.measures.values() {
            let Some(hit) = passing.get(at) else { continue };
            each(&MeasureRow { metric: measure.metric, value: measure.value, path: &hit.fact.path });
        }
        Ok(())
    }
}

fn of(query: &Query) -> Span {
    (query.period.from, query.period.to)
}
