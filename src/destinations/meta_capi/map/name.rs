//! What an event is called there, and which form its `custom_data` has.

use std::collections::BTreeMap;

use crate::spec::{Event, Kind};

/// Most characters of an event's name there.
pub(in super::super) const MAX_NAME: usize = 50;

/// The form of `custom_data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing but what the settings allow.
    Bare,
    /// What was searched for.
    Search,
    /// Many products, or the category that they are of.
    List,
    /// One product at its price, times how many.
    Product,
    /// One product at its price.
    Wish,
    /// What is about to be bought.
    Checkout,
    /// What was bought.
    Purchase,
    /// An amount and products, when there are any.
    Other,
}

/// The e-commerce events of Segment's specification, and two more.
const TABLE: [(&str, &str, Shape); 10] = [
    ("Products Searched", "Search", Shape::Search),
    ("Product List Viewed", "ViewContent", Shape::List),
    ("Product Viewed", "ViewContent", Shape::Product),
    ("Product Added", "AddToCart", Shape::Product),
    ("Product Added to Wishlist", "AddToWishlist", Shape::Wish),
    ("Checkout Started", "InitiateCheckout", Shape::Checkout),
    ("Payment Info Entered", "AddPaymentInfo", Shape::Bare),
    ("Order Completed", "Purchase", Shape::Purchase),
    ("Signed Up", "CompleteRegistration", Shape::Other),
    ("Lead Generated", "Lead", Shape::Other),
];

/// An event's name there, with the form of its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Named<'n> {
    pub(super) name: &'n str,
    pub(super) shape: Shape,
}

/// Which track calls are sent, and how they are called there.
pub(in super::super) struct Names {
    /// In lower case, with the name there.
    own: Vec<(String, String)>,
    /// Whether the others are sent under their own name.
    all: bool,
}

impl Names {
    pub(super) fn new(map: &BTreeMap<String, String>, all: bool) -> Names {
        let entry = |(from, to): (&String, &String)| (from.trim().to_lowercase(), to.trim().to_owned());
        Names { own: map.iter().map(entry).collect(), all }
    }

    /// Returns the name, `None` when the event is not sent.
    pub(in super::super) fn of<'n>(&'n self, event: &'n Event) -> Option<Named<'n>> {
        match event.head.kind {
            Kind::Page => Some(Named { name: "PageView", shape: Shape::Bare }),
            Kind::Track => self.of_track(event.head.name.as_deref()?.trim()),
            Kind::Identify | Kind::Screen | Kind::Group | Kind::Alias => None,
        }
    }

    fn of_track<'n>(&'n self, name: &'n str) -> Option<Named<'n>> {
        let custom = || (self.all && !name.is_empty()).then(|| Named { name, shape: shape_of(name) });
        self.mapped(name).or_else(|| in_table(name)).or_else(custom)
    }

    fn mapped(&self, name: &str) -> Option<Named<'_>> {
        if self.own.is_empty() {
            return None;
        }
        let lower = name.to_lowercase();
        let (_, name) = self.own.iter().find(|(from, _)| *from == lower)?;
        Some(Named { name, shape: shape_of(name) })
    }
}

fn in_table<'n>(name: &str) -> Option<Named<'n>> {
    let row = TABLE.iter().find(|(from, ..)| from.eq_ignore_ascii_case(name))?;
    Some(Named { name: row.1, shape: row.2 })
}

/// The form of an event that is sent under this name: that of the table where the name is in it.
fn shape_of(name: &str) -> Shape {
    match name {
        "PageView" | "AddPaymentInfo" => Shape::Bare,
        "Search" => Shape::Search,
        "ViewContent" | "AddToCart" => Shape::Product,
        "AddToWishlist" => Shape::Wish,
        "InitiateCheckout" => Shape::Checkout,
        "Purchase" => Shape::Purchase,
        _ => Shape::Other,
    }
}
