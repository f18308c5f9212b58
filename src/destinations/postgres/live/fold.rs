//! Takes facts, in the order in which their events arrived, into the rows that were there before, and says which rows they
//! become. Pure: the same rows and facts give the same rows, in whatever pieces the facts come.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::row::{self, CartRow, ConsentRow, OrderRow, Rows, SessionRow, Touch};
use super::{Fact, Key};
use crate::projections::commerce::cart::{self, Act, Cart};
use crate::projections::commerce::{money, revenue};
use crate::projections::reading;
use crate::projections::session::{self, Options, Session, Step};

/// How long an untouched cart stays a visitor's, in milliseconds.
const ABANDONED_AFTER_MS: i64 = 3_600_000;
/// The currency of events that name none.
const CURRENCY: &str = "USD";
/// How old the session may be that an order is put down to, in milliseconds: 90 days.
const TOUCH_LASTS_MS: i64 = 90 * 86_400_000;

/// A row with whether it must be written.
#[derive(Debug, Default)]
struct Slot<R> {
    row: R,
    is_changed: bool,
}

impl<R> Slot<R> {
    fn read(row: R) -> Slot<R> {
        Slot { row, is_changed: false }
    }

    fn new(row: R) -> Slot<R> {
        Slot { row, is_changed: true }
    }
}

#[derive(Debug, Default)]
struct Touches {
    first: Option<Touch>,
    last: Option<Touch>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Fold<'a> {
    salt: &'a str,
    options: Options,
    /// The newest of each visitor, which is the open one.
    sessions: BTreeMap<Key, Slot<SessionRow>>,
    /// The newest of each visitor, open or not.
    carts: BTreeMap<Key, Slot<CartRow>>,
    orders: BTreeMap<Key, Slot<OrderRow>>,
    consents: BTreeMap<Key, ConsentRow>,
    touches: BTreeMap<Key, Touches>,
    /// What no later fact changes.
    done: Rows,
}

impl<'a> Fold<'a> {
    /// Returns a fold that goes on from these rows; the salt makes the ids of sessions.
    pub(crate) fn new(salt: &'a str, rows: Rows) -> Fold<'a> {
        let by = |site: &String, visitor: &String| row::key(site, visitor);
        let sessions = rows.sessions.into_iter().map(|row| (by(&row.site, &row.visitor), Slot::read(row)));
        let carts = rows.carts.into_iter().map(|row| (by(&row.site, &row.visitor), Slot::read(row)));
        let orders = rows.orders.into_iter().filter_map(|row| Some((by(&row.site, row.order_id.as_ref()?), Slot::read(row))));
        let consents = rows.consents.into_iter().map(|row| (by(&row.site, &row.visitor), row));
        let touches = rows.touches.into_iter();
        let touches = touches.map(|row| (by(&row.site, &row.visitor), Touches { first: row.first, last: row.last }));
        Fold {
            salt,
            options: Options::default(),
            sessions: sessions.collect(),
            carts: carts.collect(),
            orders: orders.collect(),
            consents: consents.collect(),
            touches: touches.collect(),
            done: Rows::default(),
        }
    }

    /// Takes the next fact.
    pub(crate) fn add(&mut self, fact: &Fact) {
        let session = self.session(fact);
        self.cart(fact);
        match fact.commerce {
            revenue::ORDER => self.order(fact, session),
            revenue::REFUND => self.refund(fact),
            _ => {}
        }
        self.consent(fact);
    }

    /// Returns the rows that must be written.
    pub(crate) fn finish(self) -> Rows {
        let mut rows = self.done;
        rows.sessions.extend(self.sessions.into_values().filter(|slot| slot.is_changed).map(|slot| slot.row));
        rows.carts.extend(self.carts.into_values().filter(|slot| slot.is_changed).map(|slot| slot.row));
        rows.orders.extend(self.orders.into_values().filter(|slot| slot.is_changed).map(|slot| slot.row));
        rows.sessions.iter_mut().for_each(|row| row.version += 1);
        rows.carts.iter_mut().for_each(|row| row.version += 1);
        rows.orders.iter_mut().for_each(|row| row.version += 1);
        rows
    }

    // === Sessions ===

    /// Returns the id of the session that the event belongs to.
    fn session(&mut self, fact: &Fact) -> Option<String> {
        let hit = fact.hit.as_ref()?;
        let mut open = self.sessions.get(&fact.key).map(|slot| slot.row.session());
        match session::step(&mut open, hit, &self.options) {
            Step::Late | Step::Outside => return None,
            Step::Joined => {}
            Step::Opened(_) => self.open_session(fact),
        }
        let (slot, open) = (self.sessions.get_mut(&fact.key)?, open?);
        slot.take_over(&open, fact);
        Some(slot.row.id.clone())
    }

    fn open_session(&mut self, fact: &Fact) {
        let number = self.sessions.get(&fact.key).map_or(0, |slot| slot.row.number) + 1;
        let (site, visitor) = fact.key.clone();
        let id = self.session_id(&fact.key, fact.ts);
        let fresh = SessionRow { site, id, visitor, number, ..SessionRow::default() };
        if let Some(before) = self.sessions.insert(fact.key.clone(), Slot::new(fresh)) {
            self.remember(&fact.key, &before.row);
            if before.is_changed {
                self.done.sessions.push(before.row);
            }
        }
    }

    /// A late event that moves the start leaves the id.
    fn session_id(&self, (site, visitor): &Key, opened: i64) -> String {
        reading::session_id(self.salt.as_bytes(), (site, visitor), opened)
    }

    // === Carts ===

    fn cart(&mut self, fact: &Fact) {
        let act = Act { ts: fact.ts, event: fact.commerce, properties: &fact.properties };
        let mut open = self.carts.get(&fact.key).and_then(|slot| slot.row.cart());
        let before = open.clone();
        let ended = cart::step(&mut open, &act, ABANDONED_AFTER_MS);
        if let (Some((cart, end)), Some(slot)) = (&ended, self.carts.get_mut(&fact.key)) {
            slot.row.set(cart, Some(*end));
            slot.is_changed = true;
        }
        let Some(cart) = open.filter(|cart| ended.is_some() || before.as_ref() != Some(cart)) else { return };
        if ended.is_some() || before.is_none() {
            self.open_cart(fact, &cart);
        }
        if let Some(slot) = self.carts.get_mut(&fact.key) {
            slot.row.set(&cart, None);
            slot.row.user_id = fact.user_id.clone().or(slot.row.user_id.take());
            slot.row.currency = money::currency(&fact.properties).unwrap_or_else(|| std::mem::take(&mut slot.row.currency));
            slot.is_changed = true;
        }
    }

    fn open_cart(&mut self, fact: &Fact, cart: &Cart) {
        let number = self.carts.get(&fact.key).map_or(0, |slot| slot.row.number) + 1;
        let (site, visitor) = fact.key.clone();
        let currency = CURRENCY.to_owned();
        let fresh = CartRow { site, visitor, number, currency, opened: cart.opened, ..CartRow::default() };
        let before = self.carts.insert(fact.key.clone(), Slot::new(fresh));
        self.done.carts.extend(before.filter(|slot| slot.is_changed).map(|slot| slot.row));
    }

    // === Orders ===

    fn order(&mut self, fact: &Fact, session: Option<String>) {
        let order = fact.order();
        if order.as_ref().is_some_and(|order| self.orders.contains_key(order)) {
            return;
        }
        let Touches { first, last } = self.touches_of(fact);
        let row = OrderRow {
            order_id: order.as_ref().map(|(_, id)| id.clone()),
            session,
            amount: Some(row::written(money::amount(&fact.properties))),
            first_touch: first,
            last_touch: last,
            ..bare(fact)
        };
        match order {
            Some(order) => drop(self.orders.insert(order, Slot::new(row))),
            None => self.done.orders.push(row),
        }
    }

    /// A refund that names no order that is known, or has another currency, is a row of its own.
    fn refund(&mut self, fact: &Fact) {
        let order = fact.order().and_then(|order| self.orders.get_mut(&order));
        let known = order.as_ref().map(|slot| slot.row.known());
        let (currency, amount) = revenue::given_back(&fact.properties, known.as_ref(), CURRENCY);
        match order {
            _ if amount.is_zero() => {}
            Some(slot) if slot.row.currency == currency => slot.refund(amount),
            _ => {
                let (refunded, refund_of) = (row::written(amount), fact.order().map(|(_, id)| id));
                self.done.orders.push(OrderRow { currency, refunded, refund_of, ..bare(fact) });
            }
        }
    }

    /// Returns the visitor's first session, and the last one that came from somewhere and is not too long ago.
    fn touches_of(&self, fact: &Fact) -> Touches {
        let known = self.touches.get(&fact.key);
        let open = self.sessions.get(&fact.key).map(|slot| &slot.row);
        let first = open.filter(|row| row.number == 1).map(SessionRow::touch);
        let last = open.map(SessionRow::touch).filter(|touch| !touch.is_direct());
        let last = last.or_else(|| known?.last.clone());
        let is_fresh = |touch: &Touch| fact.ts.saturating_sub(touch.at) <= TOUCH_LASTS_MS;
        Touches { first: first.or_else(|| known?.first.clone()), last: last.filter(is_fresh) }
    }

    /// Keeps in mind where a session that is over came from.
    fn remember(&mut self, key: &Key, row: &SessionRow) {
        let (touch, touches) = (row.touch(), self.touches.entry(key.clone()).or_default());
        if row.number == 1 {
            touches.first = Some(touch.clone());
        }
        if !touch.is_direct() {
            touches.last = Some(touch);
        }
    }

    // === Consents ===

    /// What is said again is not written again.
    fn consent(&mut self, fact: &Fact) {
        let Some((categories, source)) = &fact.consent else { return };
        let known = self.consents.get(&fact.key);
        if known.is_some_and(|known| known.categories == *categories) {
            return;
        }
        let (site, visitor) = fact.key.clone();
        let (categories, source) = (categories.clone(), source.clone());
        let row = ConsentRow { site, message_id: fact.id.clone(), visitor, categories, source, at: fact.ts };
        self.done.consents.push(row.clone());
        if known.is_none_or(|known| known.at <= row.at) {
            self.consents.insert(fact.key.clone(), row);
        }
    }
}

impl Slot<SessionRow> {
    fn take_over(&mut self, session: &Session, fact: &Fact) {
        let is_same_user = fact.user_id.is_none() || self.row.user_id == fact.user_id;
        if is_same_user && !self.is_changed && self.row.session() == *session {
            return;
        }
        // Only an earlier view changes with what the visitor came in.
        if self.row.entry_at != session.entry.as_ref().map(|entry| entry.ts) {
            self.row.click_id.clone_from(&fact.click_id);
        }
        self.row.set(session);
        self.row.user_id = fact.user_id.clone().or(self.row.user_id.take());
        self.is_changed = true;
    }
}

impl Slot<OrderRow> {
    fn refund(&mut self, amount: Decimal) {
        self.row.refunded = row::written(row::amount(&self.row.refunded).saturating_add(amount));
        self.is_changed = true;
    }
}

/// Returns what every row of an order or refund has.
fn bare(fact: &Fact) -> OrderRow {
    let (site, visitor) = fact.key.clone();
    OrderRow {
        site,
        visitor,
        message_id: fact.id.clone(),
        user_id: fact.user_id.clone(),
        at: fact.ts,
        currency: money::currency(&fact.properties).unwrap_or_else(|| CURRENCY.to_owned()),
        refunded: row::written(Decimal::ZERO),
        ..OrderRow::default()
    }
}
