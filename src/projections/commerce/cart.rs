//! What lies in a visitor's cart, and what ends it: an order, taking out the last piece, or leaving it for long enough.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::money;
use super::revenue::ORDER;

const ADDED: &str = "Product Added";
const REMOVED: &str = "Product Removed";
/// What shows that the visitor has not forgotten it.
const TOUCHES: [&str; 4] =
    ["Cart Viewed", "Checkout Started", "Checkout Step Completed", "Payment Info Entered"];

/// Most different products in one cart; a further one is not put in. No person fills so many, and a program must not make
/// a cart that costs everybody's time.
const MOST_PRODUCTS: usize = 1_000;

/// A cart with something in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cart {
    /// When the first piece was put in, in milliseconds since 1970.
    pub opened: i64,
    /// When it was last touched, likewise.
    pub touched: i64,
    /// By product id, or SKU.
    pub items: BTreeMap<String, Item>,
}

/// One product in a cart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// How many pieces; more than zero.
    pub quantity: Decimal,
    /// What a piece costs, as the last event that named a price said.
    pub price: Option<Decimal>,
}

/// What ended a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was bought.
    Ordered,
    /// The last piece was taken out.
    Emptied,
    /// It was left.
    Abandoned,
}

/// One event as the fold sees it.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// In milliseconds since 1970.
    pub ts: i64,
    /// The name of a track call; empty for another call.
    pub event: &'a str,
    /// Its properties.
    pub properties: &'a Map<String, Value>,
}

/// Returns whether an event may open a cart; others need one that is open.
pub fn opens(event: &str) -> bool {
    event == ADDED
}

/// What an event does to a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// It puts something in, and opens a cart where none is.
    Adds,
    /// It takes something out.
    Removes,
    /// It shows that the cart is not forgotten.
    Touches,
    /// It is bought.
    Ends,
}

/// Returns what an event of this name does to a cart.
pub fn handles(event: &str) -> Option<Handling> {
    match event {
        ADDED => Some(Handling::Adds),
        REMOVED => Some(Handling::Removes),
        ORDER => Some(Handling::Ends),
        event => TOUCHES.contains(&event).then_some(Handling::Touches),
    }
}

/// Returns the product that an event is about: its id, or its SKU; nothing where it names none.
pub fn product(properties: &Map<String, Value>) -> String {
    let named = |name| properties.get(name).and_then(money::text);
    named("product_id").or_else(|| named("sku")).unwrap_or_default()
}

/// Takes the visitor's next event. Returns the cart that came to an end, if one did: one that was left ends at whatever the
/// visitor does next, which may open another.
pub fn step(open: &mut Option<Cart>, act: &Act<'_>, abandoned_after_ms: i64) -> Option<(Cart, End)> {
    let is_left = open.as_ref().is_some_and(|cart| cart.is_abandoned(act.ts, abandoned_after_ms));
    let left = if is_left { open.take() } else { None };
    let ended = handle(open, act);
    left.map(|cart| (cart, End::Abandoned)).or(ended)
}

fn handle(open: &mut Option<Cart>, act: &Act<'_>) -> Option<(Cart, End)> {
    match handles(act.event)? {
        Handling::Adds => {
            let fresh = || Cart { opened: act.ts, touched: act.ts, items: BTreeMap::new() };
            let before = open.clone();
            open.get_or_insert_with(fresh).change(act, money::quantity(act.properties));
            emptied(open, before)
        }
        Handling::Removes => {
            let before = open.clone();
            open.as_mut()?.change(act, -money::quantity(act.properties));
            emptied(open, before)
        }
        Handling::Ends => open.take().map(|cart| (cart, End::Ordered)),
        Handling::Touches => {
            open.as_mut()?.touch(act.ts);
            None
        }
    }
}

/// Ends a cart in which nothing is left; `before` is what it was, if it was one.
fn emptied(open: &mut Option<Cart>, before: Option<Cart>) -> Option<(Cart, End)> {
    open.take_if(|cart| cart.items.is_empty())?;
    before.map(|cart| (cart, End::Emptied))
}

impl Cart {
    /// Returns whether it has been untouched for long enough by then.
    pub fn is_abandoned(&self, at: i64, after_ms: i64) -> bool {
        at.saturating_sub(self.touched) >= after_ms
    }

    /// Returns how many pieces are in it.
    pub fn pieces(&self) -> Decimal {
        self.items.values().fold(Decimal::ZERO, |sum, item| sum.saturating_add(item.quantity))
    }

    /// Returns what they cost, as far as prices are known.
    pub fn value(&self) -> Decimal {
        let costs = self.items.values().filter_map(|item| item.quantity.checked_mul(item.price?));
        costs.fold(Decimal::ZERO, Decimal::saturating_add)
    }

    fn touch(&mut self, at: i64) {
        self.touched = self.touched.max(at);
    }

    /// Puts pieces in, or takes some out.
    fn change(&mut self, act: &Act<'_>, pieces: Decimal) {
        self.touch(act.ts);
        let product = product(act.properties);
        if self.items.len() >= MOST_PRODUCTS && !self.items.contains_key(&product) {
            return;
        }
        let mut item = self.items.remove(&product).unwrap_or_default();
        item.quantity = item.quantity.saturating_add(pieces);
        item.price = act.properties.get("price").and_then(money::read).or(item.price);
        if item.quantity > Decimal::ZERO {
            self.items.insert(product, item);
        }
    }
}
