//! What is bought: orders and revenue of the day, how far visitors come, and the carts that are left.
//!
//! A cart that is left becomes one event of the router's own. Its id is made of the site, the visitor and the last touch, so
//! that whoever folds the same events again makes the same event; when that event itself is met in the journal, it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::keyed::Keyed;
use super::sight::Sight;
use super::{Options, Orders};
use crate::projections::commerce::cart::{self, Act, Cart};
use crate::projections::commerce::funnel::{self, Progress, Step};
use crate::projections::commerce::money;
use crate::projections::commerce::revenue::{self, Ledger};
use crate::spec::glance::Json;
use crate::spec::{Event, Glance, Kind, Receipt};

/// The source of the events that the router makes itself.
pub const SOURCE: &str = "opentrack";
/// The event of a cart that was left.
const ABANDONED: &str = "Cart Abandoned";
/// What its id begins with.
const ID: &str = "ot-cart-";
/// Visitors whose way to an order is followed.
const MOST_SHOPPERS: usize = 200_000;
/// How long it is followed, in milliseconds.
const FOLLOWED_MS: i64 = 86_400_000;
/// How often those are looked for who have gone.
const TIDY_MS: i64 = 60_000;
/// Open carts, and likewise those that were left and of which nobody was told yet.
const MOST_CARTS: usize = 100_000;
/// Products in all carts together.
const MOST_PRODUCTS: usize = 1_000_000;
/// Orders of a day that are remembered by id.
const MOST_ORDERS: usize = 500_000;
/// There are about 180.
const MOST_CURRENCIES: usize = 200;
/// Bytes of an id or a currency; an event with a longer one is not counted. The tables hold them as they are.
const LONGEST: usize = 256;
/// Bytes of what a visitor agreed to; a cart with more is not watched, since nobody must be told without it.
const LONGEST_CONSENT: usize = 8_192;
/// A cart that was left longer ago is told to nobody any more: after a first start, or a long stop, that would be a flood of
/// old news.
const TOLD_WITHIN_MS: i64 = 7_200_000;
/// The events that carts, orders and the funnel are made of.
const COMMERCE: [&str; 9] = [
    "Cart Viewed",
    "Checkout Started",
    "Checkout Step Completed",
    "Order Completed",
    "Order Refunded",
    "Payment Info Entered",
    "Product Added",
    "Product Removed",
    "Product Viewed",
];

/// What carts are made of, and what else a sale is counted by. Nothing but these is read.
const OF_CARTS: [&str; 6] = ["currency", "order_id", "product_id", "sku", "price", "quantity"];
const OF_SALES: [&str; 10] = [
    "currency",
    "order_id",
    "product_id",
    "sku",
    "price",
    "quantity",
    "revenue",
    "total",
    "value",
    "products",
];

/// Those of them that are kept.
const TEXTS: [&str; 4] = ["currency", "order_id", "product_id", "sku"];

/// Returns whether the event is one that carts, orders and the funnel are made of.
pub(super) fn is_about(sight: &Sight<'_>) -> bool {
    COMMERCE.contains(&sight.event)
}

/// Returns whether the event is one of the router's own about a cart.
pub(super) fn is_own(event: &Event) -> bool {
    let head = &event.head;
    &*event.receipt.source == SOURCE
        && head.name.as_deref() == Some(ABANDONED)
        && head.message_id.starts_with(ID)
}

/// See the module.
pub(super) struct Shop {
    steps: Vec<String>,
    time_zone: TimeZone,
    currency: String,
    abandoned_after_ms: i64,
    /// The present day, from its midnight to the next.
    day: (i64, i64),
    /// By site.
    ledgers: BTreeMap<usize, Ledger>,
    /// With the site and the time of the last step.
    shoppers: Keyed<(usize, i64, Progress)>,
    tidied: i64,
    carts: Keyed<Held>,
    /// When each cart will have been left for long enough.
    due: BTreeSet<(i64, u64)>,
    /// In all of them, and in those that were left.
    products: usize,
    /// By the id of the event that tells it.
    left: BTreeMap<String, Left>,
}

/// An open cart, and whose it is.
struct Held {
    site: usize,
    site_name: Arc<str>,
    cart: Option<Cart>,
    due: Option<i64>,
    owner: Owner,
}

#[derive(Clone)]
struct Owner {
    anonymous_id: Option<Box<str>>,
    user_id: Option<Box<str>>,
    /// What the visitor agreed to when the cart was touched last.
    consent: Option<Value>,
    currency: Option<String>,
}

/// A cart that was left, and that nobody was told of.
struct Left {
    site: Arc<str>,
    at: i64,
    /// When it was known that it was left; later than `at` when its events were sent late.
    due: i64,
    cart: Cart,
    owner: Owner,
}

impl Shop {
    pub(super) fn new(options: &Options) -> Shop {
        Shop {
            steps: funnel::steps(),
            time_zone: options.time_zone.clone(),
            currency: options.currency.clone(),
            abandoned_after_ms: options.cart_abandoned_after_ms,
            day: (0, 0),
            ledgers: BTreeMap::new(),
            shoppers: Keyed::default(),
            tidied: 0,
            carts: Keyed::default(),
            due: BTreeSet::new(),
            products: 0,
            left: BTreeMap::new(),
        }
    }

    /// Takes the next event that [is about](is_about) it. Returns an order, as it is told.
    pub(super) fn take(
        &mut self,
        (site, site_name, key): (usize, &Arc<str>, u64),
        sight: &Sight<'_>,
        clock: i64,
    ) -> Option<Value> {
        // Whatever was due before it arrived comes first, also when nobody has told the time meanwhile.
        self.expire(clock);
        let is_sale = matches!(sight.event, revenue::ORDER | revenue::REFUND);
        let properties = sight.glance.properties;
        if !is_sale && !cart::opens(sight.event) && !self.carts.contains_key(&key) {
            // Only the name counts, as of most.
            if are_short(properties.pick(TEXTS).into_iter().filter_map(Json::text)) {
                self.step((site, key), (sight.ts, sight.event));
            }
            return None;
        }
        let properties = if is_sale { properties.object(OF_SALES) } else { properties.object(OF_CARTS) };
        let act = Act { ts: sight.ts, event: sight.event, properties: &properties };
        if !are_short(TEXTS.iter().filter_map(|name| act.properties.get(*name)?.as_str())) {
            return None;
        }
        self.step((site, key), (act.ts, act.event));
        self.fill((site, site_name, key), &act, &sight.glance);
        self.sell(site, &act, clock)
    }

    /// Takes an event of the router's own. What it tells had been left for long enough when it was made, which is to be known
    /// by now.
    pub(super) fn was_told(&mut self, event: &Event, clock: i64) {
        self.expire(clock);
        self.left.remove(&*event.head.message_id).into_iter().for_each(|left| self.forget(&left.cart));
    }

    /// Takes the time.
    pub(super) fn expire(&mut self, clock: i64) {
        while let Some((due, key)) = self.due.first().copied().filter(|(due, _)| *due <= clock) {
            self.due.remove(&(due, key));
            let Some(mut held) = self.carts.remove(&key) else { continue };
            held.cart.take().into_iter().for_each(|cart| self.leave(&held, cart, due));
        }
        if clock - self.tidied >= TIDY_MS {
            self.tidied = clock;
            self.shoppers.retain(|_, (_, last, _)| clock - *last < FOLLOWED_MS);
        }
        self.turn_day(clock);
    }

    /// Returns events for carts that were left, the smallest ids first.
    pub(super) fn left(&mut self, most: usize, clock: i64) -> Vec<Event> {
        let old = self.left.extract_if(.., |_, left| clock - left.due > TOLD_WITHIN_MS);
        let freed: usize = old.map(|(_, left)| left.cart.items.len()).sum();
        self.products = self.products.saturating_sub(freed);
        let told = self.left.iter().take(most);
        told.filter_map(|(id, left)| left.event(id, &self.currency, clock)).collect()
    }

    /// Forgets the carts of the last [`left`](Shop::left).
    pub(super) fn told(&mut self, most: usize) {
        for _ in 0..most.min(self.left.len()) {
            self.left.pop_first().into_iter().for_each(|(_, left)| self.forget(&left.cart));
        }
    }

    /// Returns orders and revenue of the day, of one site or of all.
    pub(super) fn orders(&self, site: Option<usize>) -> Orders {
        let mut sum = ledger(&self.currency);
        let wanted = self.ledgers.iter().filter(|(place, _)| site.is_none_or(|site| site == **place));
        wanted.for_each(|(_, ledger)| sum.join(ledger));
        Orders { count: sum.orders(), revenue: sum.sums() }
    }

    /// Returns how far visitors came.
    pub(super) fn funnel(&self, site: Option<usize>) -> Vec<Step> {
        let wanted = self.shoppers.values().filter(|(place, _, _)| site.is_none_or(|site| site == *place));
        funnel::steps_of(&self.steps, wanted.map(|(_, _, progress)| progress.level()))
    }

    /// Returns how many carts have something in them.
    pub(super) fn carts(&self, site: Option<usize>) -> u64 {
        let open = self.carts.values().filter(|held| held.cart.is_some());
        open.filter(|held| site.is_none_or(|site| site == held.site)).count() as u64
    }

    fn step(&mut self, (site, key): (usize, u64), (ts, event): (i64, &str)) {
        let Some(place) = self.steps.iter().position(|step| step == event) else { return };
        if self.shoppers.len() >= MOST_SHOPPERS && !self.shoppers.contains_key(&key) {
            return;
        }
        let fresh = || (site, ts, Progress::new(self.steps.len()));
        let (_, last, progress) = self.shoppers.entry(key).or_insert_with(fresh);
        *last = ts.max(*last);
        progress.hit(ts, place, FOLLOWED_MS);
    }

    fn fill(&mut self, (site, site_name, key): (usize, &Arc<str>, u64), act: &Act<'_>, glance: &Glance<'_>) {
        if !cart::opens(act.event) && !self.carts.contains_key(&key) {
            return;
        }
        let is_full = self.carts.len() >= MOST_CARTS || self.products >= MOST_PRODUCTS;
        if is_full && !self.carts.contains_key(&key) {
            return;
        }
        let Some(owner) = Owner::of(glance, act) else { return };
        let mut held = self.carts.remove(&key).unwrap_or_else(|| Held {
            site,
            site_name: Arc::clone(site_name),
            cart: None,
            due: None,
            owner: owner.clone(),
        });
        if let Some(due) = held.due.take() {
            self.due.remove(&(due, key));
        }
        let before = held.cart.as_ref().map_or(0, |cart| cart.items.len());
        // One that was left by now was told by `expire`. Where only the times of the events say so, they came too late to act on.
        cart::step(&mut held.cart, act, self.abandoned_after_ms);
        let after = held.cart.as_ref().map_or(0, |cart| cart.items.len());
        self.products = (self.products + after).saturating_sub(before);
        let Some(touched) = held.cart.as_ref().map(|cart| cart.touched) else { return };
        // From its arrival: what follows an event that is sent late, an order above all, is on its way as well.
        let arrived = glance.event.receipt.received_at.as_millisecond();
        let due = touched.max(arrived).saturating_add(self.abandoned_after_ms);
        held.due = Some(due);
        held.owner = owner.or(held.owner);
        self.due.insert((due, key));
        self.carts.insert(key, held);
    }

    fn leave(&mut self, held: &Held, cart: Cart, due: i64) {
        if self.left.len() >= MOST_CARTS {
            return self.forget(&cart);
        }
        let at = cart.touched.saturating_add(self.abandoned_after_ms);
        let left = Left { site: Arc::clone(&held.site_name), at, due, cart, owner: held.owner.clone() };
        let same = self.left.insert(left.id(), left);
        same.into_iter().for_each(|left| self.forget(&left.cart));
    }

    fn forget(&mut self, cart: &Cart) {
        self.products = self.products.saturating_sub(cart.items.len());
    }

    fn sell(&mut self, site: usize, act: &Act<'_>, clock: i64) -> Option<Value> {
        self.turn_day(clock);
        if act.ts < self.day.0 || act.ts >= self.day.1 {
            return None;
        }
        let ledger = self.ledgers.entry(site).or_insert_with(|| ledger(&self.currency));
        let (currency, amount) = ledger.add(act.event, act.properties)?;
        Some(json!({
            "order_id": money::order_id(act.properties),
            "amount": format!("{:.2}", money::rounded(amount, 2)),
            "currency": currency,
            "at": act.ts,
        }))
    }

    /// Begins a new day when the present one is over.
    fn turn_day(&mut self, clock: i64) {
        if clock < self.day.1 {
            return;
        }
        self.ledgers.clear();
        self.day = day(clock, &self.time_zone);
    }
}

fn are_short(mut texts: impl Iterator<Item = impl AsRef<str>>) -> bool {
    texts.all(|text| text.as_ref().len() <= LONGEST)
}

fn ledger(currency: &str) -> Ledger {
    Ledger::new(currency).within(MOST_ORDERS, MOST_CURRENCIES)
}

/// Returns the midnights around an instant. A day may have 23 or 25 hours.
pub(super) fn day(at: i64, zone: &TimeZone) -> (i64, i64) {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    let begin = at.start_of_day().ok();
    let end = at.tomorrow().and_then(|next| next.start_of_day()).ok();
    let ms = |instant: Option<jiff::Zoned>| instant.map(|instant| instant.timestamp().as_millisecond());
    (ms(begin).unwrap_or(i64::MIN), ms(end).unwrap_or(i64::MAX))
}

impl Owner {
    /// Returns whose cart the event is about; nothing where what the visitor agreed to cannot be kept.
    fn of(glance: &Glance<'_>, act: &Act<'_>) -> Option<Owner> {
        let (head, consent) = (&glance.event.head, glance.context.consent.value());
        if consent.as_ref().is_some_and(|consent| consent.to_string().len() > LONGEST_CONSENT) {
            return None;
        }
        Some(Owner {
            anonymous_id: head.anonymous_id.clone(),
            user_id: head.user_id.clone(),
            consent,
            currency: money::currency(act.properties),
        })
    }

    /// Returns it with what another knows that this one does not: an event that is silent about consent takes back nothing.
    fn or(self, other: Owner) -> Owner {
        Owner {
            anonymous_id: self.anonymous_id.or(other.anonymous_id),
            user_id: self.user_id.or(other.user_id),
            consent: self.consent.or(other.consent),
            currency: self.currency.or(other.currency),
        }
    }

    fn visitor(&self) -> &str {
        self.anonymous_id.as_deref().or(self.user_id.as_deref()).unwrap_or_default()
    }
}

impl Left {
    fn id(&self) -> String {
        let text = format!("{}|{}|{}", self.site, self.owner.visitor(), self.cart.touched);
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().take(16).fold(ID.to_owned(), |mut id, byte| {
            // A text takes everything.
            write!(id, "{byte:02x}").unwrap_or_default();
            id
        })
    }

    fn event(&self, id: &str, currency: &str, clock: i64) -> Option<Event> {
        let instant = |ms| Timestamp::from_millisecond(ms).ok();
        let products: Vec<Value> =
            self.cart.items.iter().map(|(product, item)| product_of(product, item)).collect();
        let mut event = json!({
            "type": "track",
            "event": ABANDONED,
            "messageId": id,
            "timestamp": instant(self.at)?,
            "properties": {
                "items": money::number(self.cart.pieces()),
                "value": money::number(self.cart.value()),
                "currency": self.owner.currency.as_deref().unwrap_or(currency),
                "products": products,
                "source": self.site,
                "touched_at": instant(self.cart.touched)?,
            },
            "context": { "library": { "name": SOURCE }, "channel": "server" },
        });
        let members = event.as_object_mut()?;
        let ids = [("anonymousId", &self.owner.anonymous_id), ("userId", &self.owner.user_id)];
        members
            .extend(ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id.as_deref()?.into()))));
        if let Some(consent) = &self.owner.consent {
            members.get_mut("context")?.as_object_mut()?.insert("consent".to_owned(), consent.clone());
        }
        let receipt = Receipt {
            kind: Kind::Track,
            received_at: instant(clock.max(self.at))?,
            timestamp: instant(self.at)?,
            sent_at: None,
            message_id: None,
            source: Arc::from(SOURCE),
            ip: None,
            signals: Default::default(),
            redelivery: None,
        };
        Event::restore(event.to_string(), receipt).ok()
    }
}

fn product_of(product: &str, item: &cart::Item) -> Value {
    json!({
        "product_id": product,
        "quantity": money::number(item.quantity),
        "price": item.price.map(money::number),
    })
}

/// Keeps the names of the events in step with those that are folded.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_a_cart_an_order_or_a_step_is_listed() {
        let steps = funnel::steps();
        let needed = steps.iter().map(String::as_str).chain([revenue::ORDER, revenue::REFUND]);
        needed.for_each(|event| assert!(COMMERCE.contains(&event), "{event}"));
    }

    #[test]
    fn a_day_ends_at_midnight_of_its_zone_also_when_clocks_change() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        assert_eq!(
            day(at("2026-03-29T12:00:00Z"), &TimeZone::get("Europe/Berlin").unwrap()),
            (at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z"))
        );
        assert_eq!(
            day(at("2026-03-29T00:00:00Z"), &TimeZone::UTC),
            (at("2026-03-29T00:00:00Z"), at("2026-03-30T00:00:00Z"))
        );
    }
}
