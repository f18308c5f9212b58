//! What the server is asked for a report: which events, of which part of the visitors, and within which bounds. Pure.

use super::super::ddl::text as literal;
use super::line::{COLUMNS, SEARCH};
use super::Bounds;
use crate::projections::commerce::revenue::{ORDER, REFUND};
use crate::stores::reports::{Name, Query};

/// A visit is at most a day long, and an event belongs to one that begins up to half an hour later.
const REACH_MS: i64 = 26 * 3_600_000;

pub(super) const VISITOR: &str = "if(anonymous_id = '', user_id, anonymous_id)";
/// An order and its refund are in a sample together.
pub(super) const ORDERED: &str = "if(order_id = '', message_id, order_id)";

/// A table to ask, and within which bounds.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) table: &'a str,
    pub(super) bounds: &'a Bounds,
    /// Seconds that are left for the statement; the server ends it then, whoever still waits for it.
    pub(super) seconds: u64,
}

impl Asking<'_> {
    /// Returns what counts the events that a question is about.
    pub(super) fn count(self, query: &Query) -> String {
        format!("SELECT count() FROM {} WHERE {}{}", self.table, self.condition(query), self.settings())
    }

    /// Returns what reads them, of one in `part` visitors.
    pub(super) fn read(self, query: &Query, part: u64, keeps_query: bool) -> String {
        // Visits are a visitor's, also where orders are credited to them.
        let by = if query.report == Name::Revenue && query.touch.is_none() { ORDERED } else { VISITOR };
        let of_one = self.bounds.of_one;
        let (sample, of_one) = match part {
            ..=1 => (String::new(), String::new()),
            part => (format!(" AND cityHash64({by}) % {part} = 0"), format!(" LIMIT {of_one} BY site, {by}")),
        };
        let search = if keeps_query { SEARCH } else { "''" };
        format!(
            "SELECT {COLUMNS}, {search} FROM {} FINAL WHERE {}{sample} ORDER BY received_at, timestamp, message_id{of_one} \
             LIMIT {}{}, output_format_json_quote_64bit_integers = 0 FORMAT JSONCompactEachRow",
            self.table,
            self.condition(query),
            self.bounds.at_most + 1,
            self.settings()
        )
    }

    /// What the server keeps to, whatever is asked: `SETTINGS …`, to which more may be added. What is beyond is an error and no
    /// part of an answer, also where the profile of the user has it otherwise.
    fn settings(self) -> String {
        format!(
            " SETTINGS max_execution_time = {}, timeout_overflow_mode = 'throw', max_memory_usage = {}, \
             max_rows_in_set = {}, set_overflow_mode = 'throw'",
            self.seconds, self.bounds.memory, self.bounds.most_buyers
        )
    }

    /// Returns which events a question is about.
    fn condition(self, query: &Query) -> String {
        let mut terms = vec!["NOT bot".to_owned()];
        // An order counts once, whenever it came first.
        if query.report != Name::Revenue {
            terms.push(within(query, REACH_MS));
        }
        terms.extend(site(query));
        terms.extend(self.kinds(query));
        terms.join(" AND ")
    }

    fn kinds(self, query: &Query) -> Option<String> {
        let is_about_visits = query.filters.iter().any(|filter| !filter.field.is_of_event());
        match query.report {
            _ if is_about_visits => None,
            Name::Events => Some("type = 'track'".to_owned()),
            Name::Funnel => {
                let steps: Vec<&str> = query.steps.iter().map(String::as_str).collect();
                Some(track(&steps))
            }
            Name::Revenue if query.touch.is_some() => {
                Some(format!("({} OR (site, {VISITOR}) IN ({}))", track(&[ORDER, REFUND]), self.buyers(query)))
            }
            Name::Revenue => Some(track(&[ORDER, REFUND])),
            Name::Vitals => Some(track(&["Web Vital"])),
            _ => None,
        }
    }

    /// Returns what selects those whose visits orders and refunds of the period are credited to: who ordered then or gave back, and
    /// whose order was given back then.
    fn buyers(self, query: &Query) -> String {
        let site = site(query).map(|site| format!("{site} AND ")).unwrap_or_default();
        let (table, period) = (self.table, within(query, 0));
        let given_back = format!(
            "SELECT site, order_id FROM {table} WHERE {site}NOT bot AND {} AND order_id != '' AND {period}",
            track(&[REFUND])
        );
        format!(
            "SELECT site, {VISITOR} FROM {table} WHERE {site}NOT bot AND {} AND ({period} OR (site, order_id) IN ({given_back}))",
            track(&[ORDER, REFUND])
        )
    }
}

/// Returns what is true of track calls of these names.
fn track(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| literal(name)).collect();
    format!("type = 'track' AND event IN ({})", names.join(", "))
}

fn site(query: &Query) -> Option<String> {
    query.site.as_ref().map(|site| format!("site = {}", literal(site)))
}

/// Returns what is true of events of the period and so many milliseconds around it.
fn within(query: &Query, reach: i64) -> String {
    let at = |ms: i64| format!("fromUnixTimestamp64Milli(toInt64({ms}), 'UTC')");
    let (from, to) = (at(query.period.from - reach), at(query.period.to + reach));
    format!("timestamp >= {from} AND timestamp < {to}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::reports::tests::query;

    fn read(report: Name, text: &str, part: u64) -> String {
        let bounds = Bounds::default();
        Asking { table: "t", bounds: &bounds, seconds: 8 }.read(&query(report, text), part, false)
    }

    #[test]
    fn a_statement_has_limits_and_a_sample_holds_an_order_with_its_refund() {
        let whole = read(Name::Pages, "", 1);
        let limits = " LIMIT 400001 SETTINGS max_execution_time = 8, timeout_overflow_mode = 'throw', \
                      max_memory_usage = 2000000000, max_rows_in_set = 1000000, set_overflow_mode = 'throw', ";
        assert!(whole.contains(limits), "{whole}");
        assert!(!whole.contains("cityHash64") && !whole.contains(" BY site"), "{whole}");
        let part = read(Name::Pages, "", 3);
        assert!(part.contains(&format!("cityHash64({VISITOR}) % 3 = 0")), "{part}");
        assert!(part.contains(&format!(" LIMIT 10000 BY site, {VISITOR} LIMIT 400001")), "{part}");
        let orders = read(Name::Revenue, "", 3);
        assert!(orders.contains(&format!("cityHash64({ORDERED}) % 3 = 0")), "{orders}");
        let credited = read(Name::Revenue, "by=first_touch", 3);
        assert!(credited.contains(&format!("cityHash64({VISITOR}) % 3 = 0")), "{credited}");
    }
}
