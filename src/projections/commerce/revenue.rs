//! What was sold and given back, by currency: nothing is converted.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use super::money::{self, cents};

/// The event of an order.
pub const ORDER: &str = "Order Completed";
/// The event of a refund, of a whole order or of a part.
pub const REFUND: &str = "Order Refunded";

/// The sums of one currency as they are printed: two digits after the point, half up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// How many orders.
    pub orders: u64,
    /// What they amount to.
    pub gross: String,
    /// What was given back.
    pub refunds: String,
    /// What is left.
    pub net: String,
    /// Gross by orders; zero without any.
    pub aov: String,
}

impl Sums {
    /// Returns the sums of so many orders, what they amount to, and what was given back.
    pub fn of(orders: u64, gross: Decimal, refunds: Decimal) -> Sums {
        Sums {
            orders,
            gross: cents(gross),
            refunds: cents(refunds),
            net: cents(gross.saturating_sub(refunds)),
            aov: cents(gross.checked_div(Decimal::from(orders)).unwrap_or_default()),
        }
    }
}

/// What is known of an order when a refund names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The order's currency.
    pub currency: String,
    /// What it amounts to.
    pub amount: Decimal,
    /// What was given back of it already.
    pub refunded: Decimal,
}

/// Returns what a refund gives back, and in which currency, where it is known what was given back before. Without a currency
/// of its own it has that of its order. Without an amount it gives back what is left of the order, so that however often it
/// comes the net of an order is not below zero because of it; zero where no order is known.
pub fn given_back(
    properties: &Map<String, Value>,
    order: Option<&Known>,
    default_currency: &str,
) -> (String, Decimal) {
    let of_order = || order.map(|order| order.currency.clone());
    let named = money::amount(properties);
    if let Some(order) = order.filter(|_| named.is_zero()) {
        let left = order.amount.saturating_sub(order.refunded).max(Decimal::ZERO);
        return (order.currency.clone(), left);
    }
    let currency = money::currency(properties).or_else(of_order);
    (currency.unwrap_or_else(|| default_currency.to_owned()), named)
}

/// An amount in a currency.
pub type Sum = (String, Decimal);

/// Returns what an order or a refund amounts to, by its own words and by what is known of the order that it names: nothing of
/// an order that was counted before, and the whole order of a refund that names no amount.
pub fn settled(is_refund: bool, own: Sum, known: Option<Sum>) -> Option<Sum> {
    match (is_refund, known) {
        (false, Some(_)) => None,
        (true, Some(whole)) if own.1.is_zero() => Some(whole),
        _ => Some(own),
    }
}

#[derive(Debug, Default)]
struct Account {
    orders: u64,
    gross: Decimal,
    refunds: Decimal,
}

/// Orders and refunds so far.
#[derive(Debug)]
pub struct Ledger {
    default_currency: String,
    /// Those with an id: their currency and amount.
    known: BTreeMap<String, (String, Decimal)>,
    accounts: BTreeMap<String, Account>,
    /// Most orders that are remembered by id, and most currencies.
    most: (usize, usize),
}

impl Ledger {
    /// Returns an empty ledger; the currency is of events that name none.
    pub fn new(default_currency: &str) -> Ledger {
        let default_currency = default_currency.trim().to_uppercase();
        let most = (usize::MAX, usize::MAX);
        Ledger { default_currency, known: BTreeMap::new(), accounts: BTreeMap::new(), most }
    }

    /// Returns the ledger with bounds, for events that come without an end: above so many orders an id is not remembered any more,
    /// so a repetition counts again; above so many currencies what has another one is not counted.
    pub fn within(mut self, orders: usize, currencies: usize) -> Ledger {
        self.most = (orders, currencies);
        self
    }

    /// Takes the next event. A repeated order id counts once, an order without one always. Returns the currency and the amount of
    /// an order that was counted.
    pub fn add(&mut self, event: &str, properties: &Map<String, Value>) -> Option<(String, Decimal)> {
        match event {
            ORDER => self.order(properties),
            REFUND => {
                self.refund(properties);
                None
            }
            _ => None,
        }
    }

    fn order(&mut self, properties: &Map<String, Value>) -> Option<(String, Decimal)> {
        let (currency, amount) = (self.currency(properties), money::amount(properties));
        if !self.has_place(&currency) {
            return None;
        }
        let is_full = self.known.len() >= self.most.0;
        if let Some(id) = money::order_id(properties) {
            match self.known.entry(id) {
                Entry::Occupied(_) => return None,
                Entry::Vacant(_) if is_full => {}
                Entry::Vacant(place) => drop(place.insert((currency.clone(), amount))),
            }
        }
        let account = self.accounts.entry(currency.clone()).or_default();
        account.orders += 1;
        account.gross = account.gross.saturating_add(amount);
        Some((currency, amount))
    }

    /// Takes the refund's own amount in its own currency, or where that is zero the whole order in that order's.
    fn refund(&mut self, properties: &Map<String, Value>) {
        let whole = || self.known.get(&money::order_id(properties)?).cloned();
        let own = (self.currency(properties), money::amount(properties));
        let Some((currency, amount)) = settled(true, own, whole()) else { return };
        if !self.has_place(&currency) {
            return;
        }
        let account = self.accounts.entry(currency).or_default();
        account.refunds = account.refunds.saturating_add(amount);
    }

    fn has_place(&self, currency: &str) -> bool {
        self.accounts.len() < self.most.1 || self.accounts.contains_key(currency)
    }

    fn currency(&self, properties: &Map<String, Value>) -> String {
        money::currency(properties).unwrap_or_else(|| self.default_currency.clone())
    }

    /// Returns how many orders were counted.
    pub fn orders(&self) -> u64 {
        self.accounts.values().map(|account| account.orders).sum()
    }

    /// Returns how many currencies there are sums of.
    pub fn currencies(&self) -> usize {
        self.accounts.len()
    }

    /// Takes in the sums of another ledger; what each knows of orders stays its own.
    pub fn join(&mut self, other: &Ledger) {
        for (currency, theirs) in &other.accounts {
            let mine = self.accounts.entry(currency.clone()).or_default();
            mine.orders += theirs.orders;
            mine.gross = mine.gross.saturating_add(theirs.gross);
            mine.refunds = mine.refunds.saturating_add(theirs.refunds);
        }
    }

    /// Returns the sums by currency.
    pub fn sums(&self) -> BTreeMap<String, Sums> {
        self.accounts.iter().map(|(currency, account)| (currency.clone(), account.sums())).collect()
    }
}

impl Account {
    fn sums(&self) -> Sums {
        Sums::of(self.orders, self.gross, self.refunds)
    }
}
