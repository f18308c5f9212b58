//! The rows of the live tables as they travel: one JSON text for all rows of a table, there and back. Times are milliseconds
//! since 1970, amounts texts. Pure.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::Key;
use crate::projections::commerce::cart::{Cart, End, Item};
use crate::projections::commerce::money;
use crate::projections::commerce::revenue::Known;
use crate::projections::session::{Entry, Session};

/// Rows of all four tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    /// Of `sessions`: when they are read, the newest of each visitor.
    pub(crate) sessions: Vec<SessionRow>,
    /// Of `carts`: when they are read, the newest of each visitor.
    pub(crate) carts: Vec<CartRow>,
    /// Of `orders`.
    pub(crate) orders: Vec<OrderRow>,
    /// Of `consents`: when they are read, the newest of each visitor.
    pub(crate) consents: Vec<ConsentRow>,
    /// Only read: from where visitors came before.
    pub(crate) touches: Vec<TouchRow>,
}

/// A session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionRow {
    pub(crate) site: String,
    pub(crate) id: String,
    pub(crate) visitor: String,
    pub(crate) user_id: Option<String>,
    /// The how manieth of its visitor, from 1.
    pub(crate) number: i64,
    pub(crate) start: i64,
    pub(crate) last: i64,
    pub(crate) pageviews: i64,
    pub(crate) events: i64,
    pub(crate) interactions: i64,
    pub(crate) engaged_ms: i64,
    pub(crate) conversions: i64,
    pub(crate) entry: Option<String>,
    pub(crate) entry_at: Option<i64>,
    pub(crate) exit: Option<String>,
    pub(crate) exit_at: Option<i64>,
    pub(crate) referrer: Option<String>,
    pub(crate) campaign: Option<BTreeMap<String, Value>>,
    pub(crate) campaign_at: Option<i64>,
    /// The name of the click id with which the visitor came in.
    pub(crate) click_id: Option<String>,
    #[serde(default, skip_deserializing)]
    pub(crate) duration_s: i64,
    #[serde(default, skip_deserializing)]
    pub(crate) is_bounce: bool,
    #[serde(default, skip_deserializing)]
    pub(crate) is_engaged: bool,
    /// How often it was written.
    pub(crate) version: i64,
}

impl SessionRow {
    /// Returns the session that the row is of.
    pub(crate) fn session(&self) -> Session {
        let entry = |ts| Entry { ts, path: self.entry.clone(), referrer: self.referrer.clone() };
        Session {
            start: self.start,
            last: self.last,
            pageviews: self.pageviews,
            events: self.events,
            interactions: self.interactions,
            engaged_ms: self.engaged_ms,
            conversions: self.conversions,
            entry: self.entry_at.map(entry),
            exit: self.exit_at.map(|ts| (ts, self.exit.clone())),
            campaign: self.campaign_at.zip(self.campaign.clone()),
        }
    }

    /// Takes over what the session has become.
    pub(crate) fn set(&mut self, session: &Session) {
        let entry = session.entry.as_ref();
        self.start = session.start;
        self.last = session.last;
        self.pageviews = session.pageviews;
        self.events = session.events;
        self.interactions = session.interactions;
        self.engaged_ms = session.engaged_ms;
        self.conversions = session.conversions;
        self.entry_at = entry.map(|entry| entry.ts);
        self.entry = entry.and_then(|entry| entry.path.clone());
        self.referrer = entry.and_then(|entry| entry.referrer.clone());
        self.exit_at = session.exit.as_ref().map(|(ts, _)| *ts);
        self.exit = session.exit.as_ref().and_then(|(_, path)| path.clone());
        self.campaign_at = session.campaign.as_ref().map(|(ts, _)| *ts);
        self.campaign = session.campaign.as_ref().map(|(_, campaign)| campaign.clone());
        self.duration_s = session.duration_s();
        self.is_bounce = session.is_bounce();
        self.is_engaged = session.is_engaged();
    }

    /// Returns where the visitor came from.
    pub(crate) fn touch(&self) -> Touch {
        Touch {
            session: self.id.clone(),
            at: self.start,
            entry: self.entry.clone(),
            referrer: self.referrer.clone(),
            campaign: self.campaign.clone(),
            click_id: self.click_id.clone(),
        }
    }
}

/// Where a session came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Touch {
    /// The session's id.
    pub(crate) session: String,
    /// Its start.
    pub(crate) at: i64,
    pub(crate) entry: Option<String>,
    pub(crate) referrer: Option<String>,
    pub(crate) campaign: Option<BTreeMap<String, Value>>,
    /// The name of an advertiser's click id, such as `gclid`; often all that tells of a paid visit.
    #[serde(default)]
    pub(crate) click_id: Option<String>,
}

impl Touch {
    /// Returns whether nothing is known but that somebody came.
    pub(crate) fn is_direct(&self) -> bool {
        self.referrer.is_none() && self.campaign.is_none() && self.click_id.is_none()
    }
}

/// The first session of a visitor, and the last one before the newest that came from somewhere.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub(crate) struct TouchRow {
    pub(crate) site: String,
    pub(crate) visitor: String,
    pub(crate) first: Option<Touch>,
    pub(crate) last: Option<Touch>,
}

/// An order, or a refund that belongs to none: then `order_id` and `amount` are absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrderRow {
    pub(crate) site: String,
    /// The id of the event that made the row.
    pub(crate) message_id: String,
    pub(crate) order_id: Option<String>,
    pub(crate) visitor: String,
    pub(crate) user_id: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) at: i64,
    pub(crate) currency: String,
    pub(crate) amount: Option<String>,
    pub(crate) refunded: String,
    /// The order that a refund named.
    pub(crate) refund_of: Option<String>,
    pub(crate) first_touch: Option<Touch>,
    pub(crate) last_touch: Option<Touch>,
    pub(crate) version: i64,
}

impl OrderRow {
    /// Returns what a refund must know of it.
    pub(crate) fn known(&self) -> Known {
        Known {
            currency: self.currency.clone(),
            amount: self.amount.as_deref().map(amount).unwrap_or_default(),
            refunded: amount(&self.refunded),
        }
    }
}

/// Returns an amount as `numeric(18, 4)` holds it: half up, and no more than fits.
pub(crate) fn written(amount: Decimal) -> String {
    const MOST: Decimal = Decimal::from_parts(2_808_348_671, 232_830_643, 0, false, 4);
    format!("{:.4}", money::rounded(amount, 4).clamp(-MOST, MOST))
}

/// Returns the amount that a text is; zero for none.
pub(crate) fn amount(text: &str) -> Decimal {
    text.parse().unwrap_or_default()
}

/// A cart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CartRow {
    pub(crate) site: String,
    pub(crate) visitor: String,
    /// The how manieth of its visitor, from 1.
    pub(crate) number: i64,
    pub(crate) user_id: Option<String>,
    pub(crate) opened: i64,
    pub(crate) touched: i64,
    /// By product: quantity and price.
    pub(crate) items: Map<String, Value>,
    pub(crate) quantity: Digits,
    pub(crate) value: Digits,
    pub(crate) currency: String,
    /// What ended it: `ordered`, `emptied` or `abandoned`.
    pub(crate) outcome: Option<String>,
    pub(crate) version: i64,
}

/// A decimal number as text.
pub(crate) type Digits = String;

impl CartRow {
    /// Returns the cart, unless it has come to an end.
    pub(crate) fn cart(&self) -> Option<Cart> {
        let item = |(product, item): (&String, &Value)| {
            let number = |name: &str| item.get(name).and_then(money::read);
            let item = Item { quantity: number("quantity").unwrap_or(Decimal::ONE), price: number("price") };
            (product.clone(), item)
        };
        let items = || self.items.iter().map(item).collect();
        self.outcome.is_none().then(|| Cart { opened: self.opened, touched: self.touched, items: items() })
    }

    /// Takes over what the cart has become.
    pub(crate) fn set(&mut self, cart: &Cart, end: Option<End>) {
        let item = |(product, item): (&String, &Item)| {
            let mut members = Map::from_iter([("quantity".to_owned(), Value::Number(number(item.quantity)))]);
            members.extend(item.price.map(|price| ("price".to_owned(), Value::Number(number(price)))));
            (product.clone(), Value::Object(members))
        };
        self.opened = cart.opened;
        self.touched = cart.touched;
        self.items = cart.items.iter().map(item).collect();
        self.quantity = cart.pieces().to_string();
        self.value = cart.value().to_string();
        self.outcome = end.map(|end| word(end).to_owned());
    }
}

fn word(end: End) -> &'static str {
    match end {
        End::Ordered => "ordered",
        End::Emptied => "emptied",
        End::Abandoned => "abandoned",
    }
}

fn number(amount: Decimal) -> Number {
    money::number(amount)
}

/// What a visitor agreed to, and refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConsentRow {
    pub(crate) site: String,
    pub(crate) message_id: String,
    pub(crate) visitor: String,
    pub(crate) categories: Map<String, Value>,
    /// The library that said so.
    pub(crate) source: Option<String>,
    pub(crate) at: i64,
}

/// Returns the visitor that a row is of.
pub(crate) fn key(site: &str, visitor: &str) -> Key {
    (site.to_owned(), visitor.to_owned())
}
