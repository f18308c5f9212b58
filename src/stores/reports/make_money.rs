//! The report about money: orders and refunds by currency, and by what led their visitors to them. Pure.

use serde_json::{Value, json};

use super::answer::Report;
use super::make_hits::{map, report};
use super::query::Touch;
use super::rows::{DealRow, Rows};
use super::top::{Top, Weighed};
use super::{Fault, Query};
use crate::projections::commerce::revenue::{Ledger, ORDER, REFUND, Sums};

/// Most currencies that are told apart, several times as many as there are (ISO 4217: about 180); orders in more are left out.
const MOST_CURRENCIES: usize = 1_000;
/// Most sums of a channel and a currency that are held at once: some 30 MB.
const MOST_SUMS: usize = 100_000;
/// The columns of [`cells`].
const COLUMNS: [&str; 6] = ["currency", "orders", "gross", "refunds", "net", "aov"];

fn ledger(currency: &str) -> Ledger {
    Ledger::new(currency).within(usize::MAX, MOST_CURRENCIES)
}

/// Puts a deal in.
fn put(ledger: &mut Ledger, deal: &DealRow<'_>) {
    let said = json!({ "revenue": deal.amount.to_string(), "currency": deal.currency });
    ledger.add(if deal.is_refund { REFUND } else { ORDER }, &map(said));
}

fn cells((currency, sums): (String, Sums)) -> Vec<Value> {
    let texts = [sums.gross, sums.refunds, sums.net, sums.aov];
    [json!(currency), json!(sums.orders)].into_iter().chain(texts.map(Value::String)).collect()
}

pub(super) fn revenue(query: &Query, rows: &dyn Rows) -> Result<Report, Fault> {
    if let Some(touch) = query.touch {
        return by_touch((query, touch), rows, MOST_SUMS);
    }
    let mut ledger = ledger(&query.currency);
    rows.deals(query, &mut |deal| put(&mut ledger, deal))?;
    let orders = ledger.orders();
    let mut sums: Vec<_> = ledger.sums().into_iter().collect();
    // Most orders first where there are more than asked for, and by name else.
    if sums.len() > query.limit {
        sums.sort_by(|one, other| (other.1.orders, &one.0).cmp(&(one.1.orders, &other.0)));
        sums.truncate(query.limit);
    }
    Ok(report(&COLUMNS, sums.into_iter().map(cells).collect(), json!({ "orders": orders })))
}

/// What was sold by one channel. Whoever puts something in names the currency.
struct Sold(Ledger);

impl Default for Sold {
    fn default() -> Self {
        Sold(ledger(""))
    }
}

impl Weighed for Sold {
    fn weight(&self) -> u64 {
        self.0.orders()
    }

    fn join(&mut self, other: Sold) {
        self.0.join(&other.0);
    }
}

fn by_touch((query, touch): (&Query, Touch), rows: &dyn Rows, most: usize) -> Result<Report, Fault> {
    let (mut of, mut held): (Top<Sold>, usize) = Default::default();
    rows.deals(query, &mut |deal| {
        let currency = if deal.currency.is_empty() { &query.currency } else { deal.currency };
        if held <= most {
            let sold = &mut of.at(deal.touch).0;
            let before = sold.currencies();
            put(sold, &DealRow { currency, ..*deal });
            held += sold.currencies() - before;
        }
    })?;
    if held > most {
        return Err(Fault::more_than(most, "sums of channels and currencies"));
    }
    let orders: u64 = of.values().map(Weighed::weight).sum();
    let lines = of.into_sorted().into_iter().flat_map(|(channel, Sold(ledger))| {
        let sums = ledger.sums().into_iter();
        sums.map(move |sums| std::iter::once(json!(channel)).chain(cells(sums)).collect())
    });
    let columns: Vec<&'static str> = std::iter::once(touch.name()).chain(COLUMNS).collect();
    Ok(report(&columns, lines.take(query.limit).collect(), json!({ "orders": orders })))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{BEGIN, deal, query, rules};
    use super::super::{Name, history::History};
    use super::*;

    #[test]
    fn channels_in_more_currencies_than_may_be_held_are_refused_and_fewer_are_not() {
        let facts = (0..6).map(|n| deal(n, BEGIN, &format!("C{n:02}")));
        let (rows, query) = (History::of(facts, &rules()), query(Name::Revenue, "by=last_touch"));
        assert_eq!(by_touch((&query, Touch::Last), &rows, 6).unwrap().rows.len(), 6);
        let refused = by_touch((&query, Touch::Last), &rows, 5).unwrap_err();
        assert!(matches!(&refused, Fault::TooMuch(words) if words.contains("more than 5 sums")), "{refused}");
    }
}
