//! Answers made of rows: which report asks for which rows, and what becomes of them. Pure.

use super::answer::Report;
use super::rows::Rows;
use super::{Fault, Name, Query, make_hits, make_money, make_visits};

/// Answers a query by what a store hands out.
///
/// # Errors
/// Why the store cannot.
pub fn answer(query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    match query.report {
        Name::Series => make_hits::series(query, rows),
        Name::Pages => make_hits::pages(query, rows),
        Name::Events => make_hits::events(query, rows),
        Name::Funnel => make_hits::funnel(query, rows),
        Name::Sources | Name::Geo | Name::Devices => make_visits::breakdown(query, rows),
        Name::Sessions => make_visits::sessions(query, rows),
        Name::Revenue => make_money::revenue(query, rows),
        Name::Vitals => make_hits::vitals(query, rows),
    }
}
