//! Where a value about a person is looked for: each object is gone through once.

use serde_json::Value;

use crate::destinations::meta_capi::map::call::{Call, Members};

/// Most values of one kind; a longer list is no list of one person's addresses.
pub(super) const MOST_VALUES: usize = 10;

/// What is told of a person; of several places the first that says something.
#[derive(Default)]
pub(super) struct Found<'e> {
    pub(super) email: Option<&'e Value>,
    pub(super) phone: Option<&'e Value>,
    pub(super) first_name: Option<&'e Value>,
    pub(super) last_name: Option<&'e Value>,
    pub(super) birthday: Option<&'e Value>,
    pub(super) name: Option<&'e Value>,
    pub(super) gender: Option<&'e Value>,
    pub(super) city: Option<&'e Value>,
    pub(super) state: Option<&'e Value>,
    pub(super) zip: Option<&'e Value>,
    pub(super) country: Option<&'e Value>,
}

impl<'e> Found<'e> {
    /// Looks into the event's own traits, then into those of the context, then into the properties.
    pub(super) fn of(call: &Call<'e>) -> Found<'e> {
        let mut found = Found::default();
        for traits in [call.traits, call.context.traits].into_iter().flatten() {
            found.take_traits(traits);
        }
        for (name, value) in call.properties().into_iter().flatten() {
            found.take_own(name, value);
        }
        found
    }

    /// The parts of an address come before what stands beside the other traits.
    fn take_traits(&mut self, traits: &'e Members) {
        for (name, value) in traits.get("address").and_then(Value::as_object).into_iter().flatten() {
            self.take_address(name, value);
        }
        for (name, value) in traits {
            match name.as_str() {
                "name" => keep(&mut self.name, value),
                "gender" => keep(&mut self.gender, value),
                _ if !self.take_own(name, value) => self.take_address(name, value),
                _ => {}
            }
        }
    }

    /// Takes what can be about nothing but a person, wherever it stands; returns whether it is that.
    fn take_own(&mut self, name: &str, value: &'e Value) -> bool {
        let place = match name {
            "email" => &mut self.email,
            "phone" | "phoneNumber" | "phone_number" => &mut self.phone,
            "firstName" | "first_name" | "firstname" => &mut self.first_name,
            "lastName" | "last_name" | "lastname" => &mut self.last_name,
            "birthday" | "dateOfBirth" | "date_of_birth" | "birthdate" => &mut self.birthday,
            _ => return false,
        };
        keep(place, value);
        true
    }

    fn take_address(&mut self, name: &str, value: &'e Value) {
        let place = match name {
            "city" => &mut self.city,
            "state" => &mut self.state,
            "postalCode" | "postal_code" | "zip" | "zipCode" | "zip_code" | "postcode" => &mut self.zip,
            "country" | "countryCode" | "country_code" => &mut self.country,
            _ => return,
        };
        keep(place, value);
    }
}

fn keep<'e>(place: &mut Option<&'e Value>, value: &'e Value) {
    if place.is_none() && says_something(value) {
        *place = Some(value);
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(_) => true,
        Value::Array(list) => list.iter().any(says_something),
        Value::Null | Value::Bool(_) | Value::Object(_) => false,
    }
}
