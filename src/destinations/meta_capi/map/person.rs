//! `user_data`: by what Meta may recognise the person, hashed where Meta wants it hashed.
//!
//! Each value is looked for in the event's own traits, then in what its library repeats of an earlier identify, then, where
//! the name can mean nothing else, in the properties: `name` of a product or `city` of a hotel is nobody's.

mod birthday;
mod found;
mod known;

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::Value;

use self::known::Known;
use super::call::{Call, text};
use super::hash::{Hashed, as_hash, hashed};
use super::write::{Object, write_text, write_value};
use super::{No, app, click, place};
use crate::destinations::meta_capi::config::ExternalId;
use crate::policy::outcome::Reason;

/// Ids that Meta gave out itself, sent as they are when the context has them under Meta's own names.
const OF_META: [&str; 6] = ["subscription_id", "lead_id", "fb_login_id", "anon_id", "page_id", "ctwa_clid"];

/// Writes `user_data`.
///
/// # Errors
/// There is nothing in it by which Meta could know a person.
pub(super) fn write(call: &Call<'_>, event: &mut Object<'_>) -> Result<(), No> {
    let mut person = Person { call, user: Object::open(event.key("user_data")), known: Known::default() };
    person.write_contacts();
    person.write_names();
    person.write_address();
    person.write_ids();
    person.write_browser();
    let is_enough = person.known.is_enough();
    person.user.close();
    if is_enough { Ok(()) } else { Err(No::Skip(Reason::NoIdentity)) }
}

struct Person<'p, 'o> {
    call: &'p Call<'p>,
    user: Object<'o>,
    known: Known,
}

impl Person<'_, '_> {
    fn write_contacts(&mut self) {
        let email = self.call.own(&["email"]);
        self.write_list("em", values(email).filter_map(|text| email_hash(&text)));
        let phone = self.call.own(&["phone", "phoneNumber", "phone_number"]);
        self.write_list("ph", values(phone).filter_map(|text| phone_hash(&text)));
    }

    fn write_names(&mut self) {
        let first = self.call.own(&["firstName", "first_name", "firstname"]).and_then(word);
        let last = self.call.own(&["lastName", "last_name", "lastname"]).and_then(word);
        let whole = self.call.of_person("name").and_then(text).filter(|name| !name.contains('@')).unwrap_or_default();
        // The words between the first and the last may belong to either.
        let (begin, end) = match (whole.split_once(char::is_whitespace), whole.rsplit_once(char::is_whitespace)) {
            (Some((begin, _)), Some((_, end))) => (begin, end),
            _ => (whole, ""),
        };
        self.write_one("fn", name_hash("first_name", first.as_deref().unwrap_or(begin)));
        self.write_one("ln", name_hash("last_name", last.as_deref().unwrap_or(end)));
        let gender = self.call.of_person("gender").and_then(word);
        self.write_one("ge", gender.and_then(|text| hashed("gender", &text)));
        let birthday = self.call.own(&["birthday", "dateOfBirth", "date_of_birth", "birthdate"]).and_then(word);
        self.write_one("db", birthday.and_then(|text| birthday_hash(&text)));
    }

    fn write_address(&mut self) {
        let part = |names: &[&str]| self.call.of_address(names).and_then(word);
        let city = part(&["city"]).and_then(|text| prepared("city", &text, place::city));
        let country = part(&["country", "countryCode", "country_code"]);
        // Where a hash hides the country, it is as good as not known.
        let code = country.as_deref().and_then(place::country);
        let state = part(&["state"]).and_then(|text| prepared("state", &text, |text| place::state(text, code)));
        let zip = part(&["postalCode", "postal_code", "zip", "zipCode", "zip_code", "postcode"]);
        let zip = zip.and_then(|text| prepared("zip", &text, |text| place::zip(text, code)));
        let country = country.and_then(|text| prepared("country", &text, |text| place::country(text).map(Cow::Borrowed)));
        self.write_one("ct", city);
        self.write_one("st", state);
        self.write_one("zp", zip);
        self.write_one("country", country);
    }

    fn write_ids(&mut self) {
        let head = &self.call.event.head;
        let (user, anonymous) = (head.user_id.as_deref(), head.anonymous_id.as_deref());
        let ids = match self.call.options.external_id {
            ExternalId::All => [user, anonymous.filter(|id| Some(*id) != user)],
            ExternalId::UserId => [user, None],
            ExternalId::None => [None, None],
        };
        self.write_list("external_id", ids.into_iter().flatten().filter_map(|id| hashed("external_id", id)));
        for name in OF_META {
            let id = self.call.context(name).filter(|id| id.is_number() || text(id).is_some());
            let Some(id) = id else { continue };
            self.known.note(name);
            write_value(self.user.key(name), id);
        }
    }

    fn write_browser(&mut self) {
        let address = self.call.context_text("ip").and_then(address);
        self.write_plain("client_ip_address", address.as_deref());
        self.write_plain("client_user_agent", self.call.user_agent());
        self.write_plain("fbc", click::fbc(self.call).as_deref());
        self.write_plain("fbp", click::fbp(self.call));
        self.write_plain("madid", app::advertising_id(self.call));
    }

    fn write_one(&mut self, name: &str, hash: Option<Hashed>) {
        let Some(hash) = hash else { return };
        self.known.note(name);
        write_hash(self.user.key(name), &hash);
    }

    /// Meta takes several values of a kind; one that comes twice is sent once.
    fn write_list(&mut self, name: &str, hashes: impl Iterator<Item = Hashed>) {
        let mut hashes: Vec<Hashed> = hashes.take(found::MOST_VALUES).collect();
        hashes.dedup();
        if hashes.is_empty() {
            return;
        }
        self.known.note(name);
        let out = self.user.key(name);
        out.push(b'[');
        for (index, hash) in hashes.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_hash(out, hash);
        }
        out.push(b']');
    }

    fn write_plain(&mut self, name: &str, text: Option<&str>) {
        let Some(text) = text else { return };
        self.known.note(name);
        write_text(self.user.key(name), text);
    }
}

fn write_hash(out: &mut Vec<u8>, hash: &Hashed) {
    out.push(b'"');
    out.extend_from_slice(hash.as_bytes());
    out.push(b'"');
}

/// Returns what one value or a list of them says.
fn values(value: Option<&Value>) -> impl Iterator<Item = Cow<'_, str>> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let single = value.into_iter().filter(|value| !value.is_array());
    list.iter().chain(single).filter_map(word)
}

/// Returns a text, or a number as text.
fn word(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Number(number) => Some(number.to_string().into()),
        value => text(value).map(Cow::Borrowed),
    }
}

/// Hashes a value that has to be brought into form first, unless it is a hash already.
fn prepared<'t>(
    kind: &str,
    text: &'t str,
    prepare: impl FnOnce(&'t str) -> Option<Cow<'t, str>>,
) -> Option<Hashed> {
    as_hash(text).or_else(|| hashed(kind, &prepare(text)?))
}

/// "unknown" and "n/a" would be the address of everybody.
fn email_hash(text: &str) -> Option<Hashed> {
    prepared("email", text, |text| text.contains('@').then_some(Cow::Borrowed(text)))
}

/// Fewer digits than the shortest numbers of the world have are none.
fn phone_hash(text: &str) -> Option<Hashed> {
    const FEWEST_DIGITS: usize = 7;
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    prepared("phone", text, |text| (digits(text) >= FEWEST_DIGITS).then_some(Cow::Borrowed(text)))
}

fn name_hash(kind: &str, text: &str) -> Option<Hashed> {
    prepared(kind, text, |text| Some(place::without_punctuation(text)))
}

fn birthday_hash(text: &str) -> Option<Hashed> {
    prepared("birthday", text, |text| birthday::digits(text).map(Cow::Owned))
}

/// Returns an address that can be that of a client. One that ends in zeros is the network that a privacy rule left of it,
/// and would be taken for somebody else's address.
fn address(text: &str) -> Option<String> {
    let address = text.parse::<IpAddr>().ok()?.to_canonical();
    let is_network = match address {
        IpAddr::V4(address) => address.octets().last() == Some(&0),
        IpAddr::V6(address) => address.to_bits().trailing_zeros() >= 80,
    };
    (!is_network).then(|| address.to_string())
}
