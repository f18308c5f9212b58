//! What the settings add to `custom_data`, and what is never in it.

use serde_json::Value;

use super::address;
use super::call::Call;
use super::write::{Object, write_text, write_value};

/// Names of what is about a person, in lower case without anything but letters and digits, in order. Meta forbids all of it there.
pub(super) const PERSONAL: [&str; 35] = [
    "address",
    "birthdate",
    "birthday",
    "city",
    "country",
    "creditcard",
    "dateofbirth",
    "dob",
    "email",
    "emailaddress",
    "fbc",
    "fbp",
    "firstname",
    "fullname",
    "gender",
    "ip",
    "ipaddress",
    "lastname",
    "mobile",
    "mobilephone",
    "password",
    "phone",
    "phonenumber",
    "postalcode",
    "postcode",
    "socialsecuritynumber",
    "ssn",
    "state",
    "street",
    "tel",
    "telephone",
    "useragent",
    "username",
    "zip",
    "zipcode",
];

/// Returns whether a property of this name is about a person.
pub(in super::super) fn is_personal(name: &str) -> bool {
    let plain = || name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
    PERSONAL.binary_search_by(|personal| personal.bytes().cmp(plain())).is_ok()
}

/// Returns whether a text is somebody's address, or holds one, also as addresses of pages have it: `ann%40example.com`.
pub(super) fn holds_email(text: &str) -> bool {
    let text = address::decoded(text);
    let mut words = text.split(|character: char| character.is_whitespace() || ",;<>()\"'".contains(character));
    words.any(|word| {
        word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.trim_end_matches('.').contains('.'))
    })
}

/// Writes the properties that the settings name, unless something of that name is there.
pub(super) fn write(call: &Call<'_>, written: &[&str], data: &mut Object<'_>) {
    for name in &call.options.custom_data {
        let value = call.property(name).filter(|value| may_be_said(value));
        let Some(value) = value.filter(|_| !written.contains(&name.as_str())) else { continue };
        write_clean(data.foreign_key(name), value);
    }
}

fn may_be_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !holds_email(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// Writes a value without what is about persons within it, at any depth.
fn write_clean(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(members) => {
            let mut object = Object::open(out);
            let clean = members.iter().filter(|(name, value)| !is_personal(name) && may_be_said(value));
            clean.for_each(|(name, value)| write_clean(object.foreign_key(name), value));
            object.close();
        }
        Value::Array(list) => {
            out.push(b'[');
            for (index, value) in list.iter().filter(|value| may_be_said(value)).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_clean(out, value);
            }
            out.push(b']');
        }
        Value::String(text) => write_text(out, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => write_value(out, value),
    }
}
