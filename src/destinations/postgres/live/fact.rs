//! What an event means to the live tables. Pure.
//!
//! Read from the event as this destination is shown it, so that an id that is hashed for it is hashed here. Texts are bounded
//! and hold no NUL, which PostgreSQL cannot hold: a row of ours must never be what an event is refused for.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Key;
use crate::projections::{presence, reading};
use crate::projections::session::Hit;
use crate::spec::{Event, Glance, Kind};

/// Most bytes of an id, or of a word; a longer one stands as its hash, so that it fits an index.
const LONGEST_ID: usize = 255;
/// Most bytes of an address.
const LONGEST_ADDRESS: usize = 2_048;
/// Most members of a campaign, most categories of a consent.
const MOST_PAIRS: usize = 50;
/// Most products of an order that are added up.
const MOST_PRODUCTS: usize = 1_000;

/// The events that carts and orders are made of.
const COMMERCE: [&str; 8] = [
    "Cart Viewed",
    "Checkout Started",
    "Checkout Step Completed",
    "Order Completed",
    "Order Refunded",
    "Payment Info Entered",
    "Product Added",
    "Product Removed",
];
/// Their properties that count.
const COUNTED: [&str; 9] =
    ["currency", "order_id", "price", "product_id", "quantity", "revenue", "sku", "total", "value"];

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    /// The table of its first row: it counts when that row is new.
    pub(crate) table: &'static str,
    /// The id of that row.
    pub(crate) id: String,
    /// Whose it is: the source, and the visitor.
    pub(crate) key: Key,
    /// Who the visitor is.
    pub(crate) user_id: Option<String>,
    /// When, in milliseconds since 1970.
    pub(crate) ts: i64,
    /// As sessions see it; none for what a server sent.
    pub(crate) hit: Option<Hit<'static>>,
    /// The name of the click id in the address of the page, as the door found it.
    pub(crate) click_id: Option<String>,
    /// The name of an event that carts and orders are made of; empty for another.
    pub(crate) commerce: &'static str,
    /// Its properties that count.
    pub(crate) properties: Map<String, Value>,
    /// What the visitor agrees to, and who says so.
    pub(crate) consent: Option<(Map<String, Value>, Option<String>)>,
}

impl Fact {
    /// Returns what an event means; nothing when it is nobody's, or of no concern to any table.
    pub(crate) fn of(event: &Arc<Event>) -> Option<Fact> {
        let tree = event.tree();
        let named = |name: &str| tree.get(name).and_then(Value::as_str).map(id).filter(|id| !id.is_empty());
        let user_id = named("userId");
        let visitor = named("anonymousId").or_else(|| user_id.clone())?;
        let (message, kind) = (text(&event.head.message_id), event.head.kind);
        let ts = event.receipt.timestamp.as_millisecond();
        let name = event.head.name.as_deref().filter(|_| kind == Kind::Track).map(text);
        let commerce = COMMERCE.into_iter().find(|known| name.as_deref() == Some(known)).unwrap_or_default();
        let glance = Glance::of(event);
        let hit = presence::is_present(&glance).then(|| {
            let hit = Hit {
                id: message.clone().into(),
                ts,
                visitor: visitor.clone().into(),
                kind,
                event: name.map(Into::into),
                path: None,
                referrer: None,
                campaign: campaign(tree).map(Cow::Owned),
                engaged_ms: if kind == Kind::Track { reading::engaged_ms(glance.properties) } else { None },
            };
            if matches!(kind, Kind::Page | Kind::Screen) { viewed(hit, &glance) } else { hit }
        });
        let consent = consent(tree);
        if hit.is_none() && commerce.is_empty() && consent.is_none() {
            return None;
        }
        let properties = if commerce.is_empty() { Map::new() } else { counted(tree) };
        let key = (id(&event.receipt.source), visitor);
        let click_id = tree.pointer("/context/attribution/click_id").and_then(Value::as_str).map(id);
        let click_id = click_id.filter(|name| !name.is_empty());
        let table = table_of(kind);
        Some(Fact { table, id: message, key, user_id, ts, hit, click_id, commerce, properties, consent })
    }

    /// Returns the order that it is about.
    pub(crate) fn order(&self) -> Option<Key> {
        let is_about_one = matches!(self.commerce, "Order Completed" | "Order Refunded");
        let order = crate::projections::commerce::money::order_id(&self.properties).filter(|_| is_about_one)?;
        Some((self.key.0.clone(), order))
    }
}

/// Returns the table that the first row of a call goes to.
pub(crate) fn table_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Track => "tracks",
        Kind::Identify => "identifies",
        Kind::Page => "pages",
        Kind::Screen => "screens",
        Kind::Group => "groups",
        Kind::Alias => "aliases",
    }
}

/// Adds where the visitor is and came from. A page of the same host is no place to come from.
fn viewed(hit: Hit<'static>, glance: &Glance<'_>) -> Hit<'static> {
    let tree = glance.event.tree();
    let page = tree.pointer("/context/page");
    let find = |name: &str| {
        let found = [tree.get("properties"), page].into_iter().flatten().filter_map(|at| at.get(name)?.as_str());
        found.map(str::trim).find(|text| !text.is_empty())
    };
    let url = find("url");
    let is_own = |referrer: &&str| url.is_some_and(|url| reading::is_internal(referrer, url));
    let referrer = find("referrer").filter(|referrer| !is_own(referrer));
    let path = presence::page(glance).map(|path| Cow::Owned(address(&path)));
    Hit { path, referrer: referrer.map(address).map(Cow::Owned), ..hit }
}

fn campaign(tree: &Value) -> Option<Map<String, Value>> {
    pairs(tree.pointer("/context/campaign")?)
}

fn consent(tree: &Value) -> Option<(Map<String, Value>, Option<String>)> {
    let categories = pairs(tree.pointer("/context/consent/categoryPreferences")?)?;
    let library = tree.pointer("/context/library/name").and_then(Value::as_str).map(id);
    Some((categories, library.filter(|name| !name.is_empty())))
}

/// Returns what an object holds, without what is nested.
fn pairs(value: &Value) -> Option<Map<String, Value>> {
    let flat = value.as_object()?.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
    Some(flat.take(MOST_PAIRS).map(|(name, value)| (id(name), plain(value))).collect())
}

/// Returns the properties that count, and of products what counts.
fn counted(tree: &Value) -> Map<String, Value> {
    let Some(properties) = tree.get("properties").and_then(Value::as_object) else { return Map::new() };
    let of = |object: &Map<String, Value>| -> Map<String, Value> {
        let found = COUNTED.iter().filter_map(|name| Some(((*name).to_owned(), plain(object.get(*name)?))));
        found.filter(|(_, value)| !value.is_object() && !value.is_array()).collect()
    };
    let mut counted = of(properties);
    if let Some(products) = properties.get("products").and_then(Value::as_array) {
        let products = products.iter().take(MOST_PRODUCTS).filter_map(Value::as_object);
        let products = products.map(|product| Value::Object(of(product)));
        counted.insert("products".to_owned(), products.collect());
    }
    counted
}

fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(id(text)),
        other => other.clone(),
    }
}

/// Returns a text without what PostgreSQL cannot hold.
fn text(text: &str) -> String {
    text.chars().filter(|character| *character != '\0').collect()
}

/// Returns an id that fits an index.
fn id(id: &str) -> String {
    if id.len() <= LONGEST_ID {
        return text(id);
    }
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().fold("sha256:".to_owned(), |hash, byte| hash + &format!("{byte:02x}"))
}

/// Returns an address that is not longer than anybody reads.
fn address(address: &str) -> String {
    let mut end = address.len().min(LONGEST_ADDRESS);
    while !address.is_char_boundary(end) {
        end -= 1;
    }
    text(address.get(..end).unwrap_or_default())
}
