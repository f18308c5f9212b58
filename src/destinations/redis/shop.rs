//! What is bought, for all routers: orders and revenue of a day, how far visitors come, and the carts with something in them. What
//! the script is told of an event for them, and what a reader makes of what it finds. Pure.
//!
//! The meaning is that of `projections::commerce`; amounts are hundredths here, since sums of them are exact.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::Serialize;
use serde_json::{Map, Value};

use super::map::{self, Note};
use crate::destinations::{Taken, Trade};
use crate::projections::commerce::revenue::{ORDER, REFUND};
use crate::projections::commerce::{cart, funnel, money};
use crate::projections::live::Options;
use crate::spec::{Event, Kind};

/// The sorted set of visitors with something in their cart: when it will have been left for long enough.
pub(super) const CARTS: &str = "carts";
/// How many steps there are from looking at a product to an order.
pub(super) const STEPS: usize = 4;
/// How long a visitor's way is followed after its last step, in milliseconds: as one router does.
pub(super) const FOLLOWED_MS: i64 = 86_400_000;
/// How long the sums of a day are kept after its last order, in seconds.
const KEEP_DAY: u32 = 2 * 86_400;
/// Most visitors whose way is followed, carts, and orders of a day that are remembered by id: as of one router.
const MOST_SHOPPERS: u32 = 200_000;
const MOST_CARTS: u32 = 100_000;
const MOST_ORDERS: u32 = 500_000;
const MOST_CURRENCIES: u32 = 200;
/// Most products of a cart: some 2 kB of it.
const MOST_PRODUCTS: u32 = 100;
/// Most bytes of what is kept as it is, or of which a digest is: an event with more is not counted, as by one router.
const LONGEST: usize = 256;
/// A cart is watched for a month at most, whatever the settings say: times without an end stop a script in its middle.
const LONGEST_WATCH_MS: i64 = 31 * 86_400_000;
/// Largest amount of an event, in hundredths, and most pieces, in millionths: what is beyond is a mistake.
const LARGEST: i64 = 1_000_000_000_000;

/// What bounds it, for the script.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Rules {
    keep_day: u32,
    followed: i64,
    abandoned: i64,
    shoppers: u32,
    carts: u32,
    orders: u32,
    currencies: u32,
    products: u32,
    /// Whose last step was then or before is not followed any more.
    gone: String,
    /// When the newest event arrived: carts that were due by then were left.
    now: String,
}

/// What one event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Turn {
    visitor: String,
    at: String,
    arrived: String,
    /// Which step it is, from 1 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cart: Option<Handled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<Sale>,
}

/// What happens to the visitor's cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Handled {
    /// `open`, `touch` or `end`.
    what: &'static str,
    /// A digest of the product whose number changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// By how much, in millionths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Sale {
    sums: String,
    sold: String,
    refund: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    currency: String,
    cents: String,
}

impl Turn {
    /// Returns the names of the keys that it moves.
    pub(super) fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        if self.step.is_some() {
            keys.push(format!("way:{}", self.visitor));
            keys.extend((1..=STEPS).map(level_key));
        }
        if self.cart.is_some() {
            keys.extend([format!("cart:{}", self.visitor), CARTS.to_owned()]);
        }
        keys.extend(self.sale.iter().flat_map(|sale| [sale.sums.clone(), sale.sold.clone()]));
        keys
    }
}

/// Returns the name of the sorted set of visitors who came so far: when they took their last step.
pub(super) fn level_key(level: usize) -> String {
    format!("level:{level}")
}

/// Returns the name of the sums of a day, which is one of the router's time zone.
pub(super) fn sums_key(at: i64, options: &Options) -> String {
    format!("sale:{}", day(at, options))
}

fn day(at: i64, options: &Options) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(options.time_zone.clone()).strftime("%Y%m%d").to_string()
}

/// Returns the bounds, where something is bought or may be.
pub(super) fn rules(notes: &[Note<'_>], options: &Options) -> Option<Rules> {
    let now = notes.iter().filter(|note| note.turn.is_some()).map(|note| note.arrived).max()?;
    Some(Rules {
        keep_day: KEEP_DAY,
        followed: FOLLOWED_MS,
        abandoned: options.cart_abandoned_after_ms.clamp(1, LONGEST_WATCH_MS),
        shoppers: MOST_SHOPPERS,
        carts: MOST_CARTS,
        orders: MOST_ORDERS,
        currencies: MOST_CURRENCIES,
        products: MOST_PRODUCTS,
        gone: (now - FOLLOWED_MS).to_string(),
        now: now.to_string(),
    })
}

/// Returns what an event of a visitor says of it, by when it happened and arrived.
pub(super) fn turn(event: &Event, visitor: &str, (at, arrived): (i64, i64), options: &Options) -> Option<Turn> {
    let name = event.head.name.as_deref().filter(|_| event.head.kind == Kind::Track)?;
    let step = funnel::steps().iter().position(|step| step == name).map(|place| place + 1);
    let (is_sale, handled) = (name == ORDER || name == REFUND, cart::handles(name));
    if step.is_none() && !is_sale && handled.is_none() {
        return None;
    }
    let none = Map::new();
    let properties = event.properties().unwrap_or(&none);
    let texts = ["currency", "order_id", "product_id", "sku"];
    if texts.iter().filter_map(|name| properties.get(*name)?.as_str()).any(|text| text.len() > LONGEST) {
        return None;
    }
    Some(Turn {
        visitor: visitor.to_owned(),
        at: at.to_string(),
        arrived: arrived.to_string(),
        step,
        cart: handled.map(|handled| handling(handled, properties)),
        sale: is_sale.then(|| sale(name == REFUND, properties, at, options)).flatten(),
    })
}

fn handling(handled: cart::Handling, properties: &Map<String, Value>) -> Handled {
    let pieces = |sign: i64| {
        let pieces = money::quantity(properties).checked_mul(Decimal::from(1_000_000)).and_then(|all| all.to_i64());
        let pieces = pieces.unwrap_or(LARGEST).clamp(-LARGEST, LARGEST) * sign;
        (Some(map::digest(&cart::product(properties)).chars().take(16).collect()), Some(pieces.to_string()))
    };
    let (what, (product, pieces)) = match handled {
        cart::Handling::Adds => ("open", pieces(1)),
        cart::Handling::Removes => ("touch", pieces(-1)),
        cart::Handling::Touches => ("touch", (None, None)),
        cart::Handling::Ends => ("end", (None, None)),
    };
    Handled { what, product, pieces }
}

fn sale(is_refund: bool, properties: &Map<String, Value>, at: i64, options: &Options) -> Option<Sale> {
    let cents = money::rounded(money::amount(properties), 2).checked_mul(Decimal::ONE_HUNDRED)?.to_i64()?;
    let named = money::currency(properties).unwrap_or_else(|| options.currency.trim().to_uppercase());
    Some(Sale {
        sums: sums_key(at, options),
        sold: format!("sold:{}", day(at, options)),
        refund: is_refund,
        id: money::order_id(properties).map(|id| map::digest(&id)),
        currency: named,
        cents: Some(cents).filter(|cents| cents.abs() <= LARGEST)?.to_string(),
    })
}

// === What a reader finds ===

/// Returns what was sold on a day, from the fields of its sums.
pub(super) fn taken(fields: BTreeMap<String, i64>) -> BTreeMap<String, Taken> {
    let mut all: BTreeMap<String, Taken> = BTreeMap::new();
    for (field, value) in fields {
        let Some((what, currency)) = field.split_once(':') else { continue };
        let taken = all.entry(currency.to_owned()).or_default();
        match what {
            "n" => taken.orders = value.unsigned_abs(),
            "g" => taken.gross_cents = value,
            "r" => taken.refunds_cents = value,
            _ => {}
        }
    }
    all
}

/// Returns all of it together.
pub(super) fn trade(sums: BTreeMap<String, i64>, levels: [u64; STEPS], carts: u64) -> Trade {
    Trade { taken: taken(sums), levels, carts }
}
