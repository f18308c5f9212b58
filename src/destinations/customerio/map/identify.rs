//! identify: a person with attributes.

use super::ids::{Person, short};
use super::json::Json;
use super::sheet::Sheet;
use super::values::Values;
use super::{MAX_ATTRIBUTES, MAX_ID_BYTES, Mapped, Mapper, Not, Parts, group, instant, room};
use crate::policy::outcome::Reason;
use crate::spec::Event;

/// Traits that are sent in another form, or are no attributes.
const OWN: [&str; 5] = ["userId", "anonymousId", "createdAt", "created_at", "_timestamp"];
/// The same, when the call also relates the person to an object.
const WITH_OBJECT: [&str; 8] = [
    "userId",
    "anonymousId",
    "createdAt",
    "created_at",
    "_timestamp",
    "object_type_id",
    "objectTypeId",
    "relationshipAttributes",
];
const CREATED_AT: [&str; 2] = ["created_at", "createdAt"];
const TIMESTAMP: &str = "_timestamp";
const ANONYMOUS_ID: &str = "anonymous_id";

/// Makes one identify, or several where one may not hold all attributes.
pub(super) fn identify(mapper: &Mapper, event: &Event, parts: &Parts<'_>) -> Result<Mapped, Not> {
    let traits = parts.traits();
    let email = traits.get("email").and_then(Json::text).unwrap_or_default();
    let person = match event.head.user_id.as_deref() {
        Some(user) => Person::of_user(user)?,
        // An identify takes no anonymous id.
        None => Person::of_email(&email).ok_or(Not::Skipped(Reason::NoIdentity))??,
    };
    let (item, again, except) = begin(mapper, event, (person, traits))?;
    let seconds = instant::seconds(event.receipt.timestamp);
    let is_dated = !mapper.rules.drops.contains(TIMESTAMP);
    let tail = if is_dated { format!(r#","{TIMESTAMP}":{seconds}}}}}"#) } else { "}}".to_owned() };
    let mut sheet = Sheet::new(item, tail).splits(again, MAX_ATTRIBUTES - usize::from(is_dated));
    add_traits(&mut sheet, traits, except, event.head.anonymous_id.as_deref());
    let (items, cuts) = sheet.finish()?;
    Ok(Mapped::Items { items, cuts })
}

/// Returns the item up to its attributes, how a further one begins, and the traits that are none.
fn begin<'r>(
    mapper: &'r Mapper,
    event: &Event,
    (person, traits): (Person<'_>, Json<'_>),
) -> Result<(Values<'r>, Vec<u8>, &'static [&'static str]), Not> {
    let mut item = Values::new(&mapper.rules, room(event));
    item.raw(r#"{"type":"person","identifiers":"#);
    person.write(&mut item);
    item.raw(r#","action":"identify","#);
    let mut again = item.out.clone();
    let attributes = r#""attributes":{"#;
    again.extend_from_slice(attributes.as_bytes());
    let object = traits.get("objectId").and_then(Json::word);
    if let Some(object) = &object {
        item.raw(r#""cio_relationships":[{"identifiers":"#);
        group::write_object(&mut item, short("object_id", object)?, &group::type_of(mapper, traits));
        group::write_relationship_attributes(&mut item, traits);
        item.raw("}],");
    }
    item.raw(attributes);
    Ok((item, again, if object.is_some() { &WITH_OBJECT } else { &OWN }))
}

fn add_traits(sheet: &mut Sheet<'_>, traits: Json<'_>, except: &[&str], anonymous_id: Option<&str>) {
    let ours = anonymous_id.map_or("", |_| ANONYMOUS_ID);
    let except: Vec<&str> = except.iter().copied().chain([ours]).collect();
    sheet.add_all(traits, &except);
    add_created_at(sheet, traits);
    match anonymous_id {
        Some(id) if id.len() <= MAX_ID_BYTES => sheet.add_own(ANONYMOUS_ID, |values| values.string(id)),
        Some(id) => sheet.values.too_long(ANONYMOUS_ID, id, MAX_ID_BYTES),
        None => {}
    }
}

/// In seconds; what is no instant goes as it is, and null clears it.
fn add_created_at(sheet: &mut Sheet<'_>, traits: Json<'_>) {
    // Whoever drops one of the names means the other too.
    if CREATED_AT.iter().any(|name| sheet.values.rules.drops.contains(*name)) {
        return;
    }
    let is_named = || traits.members().any(|(key, _)| CREATED_AT.iter().any(|name| key.is(name)));
    match traits.first(&CREATED_AT) {
        Some(at) => sheet.add_own("created_at", |values| match instant::of_value(at) {
            Some(seconds) => values.number(seconds),
            None => values.value(at),
        }),
        None if is_named() => sheet.add_own("created_at", |values| values.raw("null")),
        None => {}
    }
}
