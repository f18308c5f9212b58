//! One product of an event.

use std::borrow::Cow;

use serde_json::Value;

use crate::destinations::meta_capi::config::ContentId;
use crate::destinations::meta_capi::map::call::{Call, Members, text, word};
use crate::destinations::meta_capi::map::{extra, money};
use crate::destinations::meta_capi::map::write::{Object, write_amount};

/// The words that Meta knows for how a product comes to its buyer.
const DELIVERIES: [&str; 3] = ["in_store", "curbside", "home_delivery"];

/// A product, as far as it is told.
pub(super) struct Product<'e> {
    pub(super) id: Option<Cow<'e, str>>,
    pub(super) price: Option<f64>,
    /// 1 when it is not told.
    pub(super) quantity: f64,
    delivery: Option<&'e str>,
}

impl<'e> Product<'e> {
    /// Returns the products of the event's list; without a list, or with an empty one, where the event is about one product, that one.
    pub(super) fn all(call: &Call<'e>, is_about_one: bool) -> Vec<Product<'e>> {
        let delivery = call.property("delivery_category").and_then(text);
        let of = |members: &'e Members| Product::of(members, call.options.content_id, delivery);
        match (call.property("products"), call.properties()) {
            (Some(Value::Array(list)), _) if !list.is_empty() => list.iter().filter_map(Value::as_object).map(of).collect(),
            (Some(Value::Object(one)), _) => vec![of(one)],
            (_, Some(members)) if is_about_one => {
                let product = of(members);
                let is_one = product.id.is_some() || product.price.is_some();
                is_one.then_some(product).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn of(members: &'e Members, content_id: ContentId, delivery: Option<&'e str>) -> Product<'e> {
        let names = match content_id {
            ContentId::ProductId => ["product_id", "sku", "id"],
            ContentId::Sku => ["sku", "product_id", "id"],
        };
        let own = members.get("delivery_category").and_then(text).or(delivery);
        Product {
            id: names.iter().find_map(|name| members.get(*name).and_then(word)).filter(|id| !extra::holds_email(id)),
            price: members.get("price").and_then(money::amount).filter(|price| *price >= 0.0),
            quantity: members.get("quantity").and_then(money::amount).filter(|count| *count > 0.0).unwrap_or(1.0),
            delivery: own.filter(|word| DELIVERIES.contains(word)),
        }
    }

    /// Returns what they cost together, when each has a price.
    pub(super) fn total(products: &[Product<'_>]) -> Option<f64> {
        let prices: Option<Vec<f64>> =
            products.iter().map(|product| money::times(product.price?, product.quantity)).collect();
        prices.filter(|prices| !prices.is_empty()).and_then(|prices| money::times(prices.iter().sum(), 1.0))
    }

    pub(super) fn write(&self, id: &str, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        object.text("id", id);
        write_amount(object.key("quantity"), self.quantity);
        if let Some(price) = self.price {
            object.amount("item_price", price);
        }
        if let Some(delivery) = self.delivery {
            object.text("delivery_category", delivery);
        }
        object.close();
    }
}
