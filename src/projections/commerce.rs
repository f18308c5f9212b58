//! Commerce: the purchase funnel, revenue, and carts, as folds over the track calls of Segment's ecommerce events.
//!
//! Each is a fold of its own: `funnel` for how far a visitor came, `revenue` for orders and refunds, `cart` for what lies in a
//! cart; [`eval()`] runs the three over whole cases. Amounts are decimal numbers, never floats. No clock runs here: a cart is
//! found abandoned at the visitor's next event, or at an instant that the caller names.

pub mod cart;
pub mod funnel;
pub mod money;
pub mod revenue;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use cart::{Act, Cart, End};
use funnel::{Hits, Step};
use revenue::{Ledger, Sums};

/// One case.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    /// The names of the funnel's events; Segment's four when nothing is said.
    #[serde(default = "funnel::steps")]
    pub steps: Vec<String>,
    /// How long a visitor has from the first step to the last, in milliseconds.
    pub window_ms: i64,
    /// When the case is looked at, in milliseconds since 1970.
    pub now: i64,
    /// How long an untouched cart stays a visitor's, in milliseconds.
    pub abandoned_after_ms: i64,
    /// The currency of events that name none.
    pub default_currency: String,
    /// What happened, in the order of time.
    pub events: Vec<Event>,
}

/// One track call.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// In milliseconds since 1970.
    pub ts: i64,
    /// Whose it is.
    pub visitor: String,
    /// Its name.
    pub event: String,
    /// Its properties.
    #[serde(default)]
    pub properties: Option<Map<String, Value>>,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Output {
    /// How far each visitor came: 0, or the number of a step.
    pub levels: BTreeMap<String, usize>,
    /// How many came how far.
    pub funnel: Vec<Step>,
    /// By currency.
    pub revenue: BTreeMap<String, Sums>,
    /// In the order of time, then of visitors.
    pub abandoned: Vec<Abandoned>,
}

/// A cart that its visitor left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Abandoned {
    /// Whose it was.
    pub visitor: String,
    /// When it had been untouched for long enough, in milliseconds since 1970.
    pub at: i64,
    /// How many pieces were in it.
    pub items: serde_json::Number,
}

/// Returns what became of a whole case.
pub fn eval(input: &Input) -> Output {
    let mut hits: BTreeMap<&str, Hits> = BTreeMap::new();
    let mut ledger = Ledger::new(&input.default_currency);
    let mut carts: BTreeMap<&str, Option<Cart>> = BTreeMap::new();
    let mut abandoned = Vec::new();
    let none = Map::new();
    for event in &input.events {
        let properties = event.properties.as_ref().unwrap_or(&none);
        hits.entry(&event.visitor).or_default().add(&input.steps, &event.event, event.ts);
        ledger.add(&event.event, properties);
        let cart = carts.entry(&event.visitor).or_default();
        let act = Act { ts: event.ts, event: &event.event, properties };
        if let Some((cart, End::Abandoned)) = cart::step(cart, &act, input.abandoned_after_ms) {
            abandoned.push(left(&event.visitor, &cart, input.abandoned_after_ms));
        }
    }
    for (visitor, cart) in carts {
        let is_left = |cart: &Cart| cart.is_abandoned(input.now, input.abandoned_after_ms);
        abandoned.extend(cart.filter(is_left).map(|cart| left(visitor, &cart, input.abandoned_after_ms)));
    }
    abandoned.sort_by(|one, other| (one.at, &one.visitor).cmp(&(other.at, &other.visitor)));
    let level =
        |(visitor, hits): (&str, Hits)| (visitor.to_owned(), hits.level(input.steps.len(), input.window_ms));
    let levels: BTreeMap<String, usize> = hits.into_iter().map(level).collect();
    let funnel = funnel::steps_of(&input.steps, levels.values().copied());
    Output { levels, funnel, revenue: ledger.sums(), abandoned }
}

fn left(visitor: &str, cart: &Cart, after_ms: i64) -> Abandoned {
    let at = cart.touched.saturating_add(after_ms);
    Abandoned { visitor: visitor.to_owned(), at, items: money::number(cart.pieces()) }
}

#[cfg(test)]
mod tests;
