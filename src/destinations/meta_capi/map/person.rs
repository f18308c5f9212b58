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

use self::found::Found;
use self::known::Known;
use super::call::{Call, text, word};
use super::context::OF_META;
use super::write::{Object, write_text, write_value};
use super::{No, app, click, place};
use crate::destinations::meta_capi::config::ExternalId;
use crate::policy::outcome::Reason;
use crate::spec::privacy::{Hashed, as_hash, hashed};

/// Writes `user_data`.
///
/// # Errors
/// There is nothing in it by which Meta could know a person.
pub(super) fn write(call: &Call<'_>, event: &mut Object<'_>) -> Result<(), No> {
    let (found, user) = (Found::of(call), Object::open(event.key("user_data")));
    let mut person = Person { call, found, user, known: Known::default() };
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
    found: Found<'p>,
    user: Object<'o>,
    known: Known,
}

impl Person<'_, '_> {
    fn write_contacts(&mut self) {
        self.write_list("em", values(self.found.email).filter_map(|text| email_hash(&text)));
        self.write_list("ph", values(self.found.phone).filter_map(|text| phone_hash(&text)));
    }

    fn write_names(&mut self) {
        let first = self.found.first_name.and_then(word);
        let last = self.found.last_name.and_then(word);
        let whole = self.found.name.and_then(text).filter(|name| !name.contains('@')).unwrap_or_default();
        // The words between the first and the last may belong to either.
        let (begin, end) = match (whole.split_once(char::is_whitespace), whole.rsplit_once(char::is_whitespace)) {
            (Some((begin, _)), Some((_, end))) => (begin, end),
            _ => (whole, ""),
        };
        self.write_one("fn", name_hash("first_name", first.as_deref().unwrap_or(begin)));
        self.write_one("ln", name_hash("last_name", last.as_deref().unwrap_or(end)));
        let gender = self.found.gender.and_then(word);
        self.write_one("ge", gender.and_then(|text| hashed("gender", &text)));
        let birthday = self.found.birthday.and_then(word);
        self.write_one("db", birthday.and_then(|text| birthday_hash(&text)));
    }

    fn write_address(&mut self) {
        let city = self.found.city.and_then(word).and_then(|text| prepared("city", &text, place::city));
        let country = self.found.country.and_then(word);
        // Where a hash hides the country, it is as good as not known.
        let code = country.as_deref().and_then(place::country);
        let state = self.found.state.and_then(word).and_then(|text| prepared("state", &text, |text| place::state(text, code)));
        let zip = self.found.zip.and_then(word);
        let zip = zip.and_then(|text| prepared("zip", &text, |text| place::zip(text, code)));
        let country = country.and_then(|text| prepared("country", &text, |_| code.map(Cow::Borrowed)));
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
        for (name, id) in OF_META.iter().zip(self.call.context.of_meta) {
            let Some(id) = id.filter(|id| id.is_number() || text(id).is_some()) else { continue };
            self.known.note(name);
            write_value(self.user.key(name), id);
        }
    }

    fn write_browser(&mut self) {
        let address = self.call.context.ip.and_then(address);
        self.write_plain("client_ip_address", address.as_deref());
        self.write_plain("client_user_agent", self.call.context.user_agent);
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
