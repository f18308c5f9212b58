//! The live tables: sessions, orders, carts and consents, kept beside the tables of events. Pure.
//!
//! `fact` says what an event means to them, `fold` takes facts into rows that were read before, `row` is what a row holds, and
//! `sql` has the statements. The `keeper` outside carries them out, in the transaction that writes the events' own rows.

pub(super) mod fact;
pub(super) mod fold;
pub(super) mod row;
pub(super) mod sql;
#[cfg(test)]
mod tests;

pub(super) use fact::Fact;
pub(super) use fold::Fold;
pub(super) use row::Rows;

/// The tables, in the order in which they are written.
pub(super) const TABLES: [&str; 4] = ["carts", "consents", "orders", "sessions"];

/// A visitor of a site; for orders the order of a site.
pub(super) type Key = (String, String);
