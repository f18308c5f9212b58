//! group: an object, and its relationship to a person.

use std::borrow::Cow;

use super::ids::{Person, short};
use super::json::Json;
use super::sheet::Sheet;
use super::values::Values;
use super::{MAX_ATTRIBUTES, Mapped, Mapper, Not, Parts, room};
use crate::policy::outcome::Reason;
use crate::spec::Event;

/// Traits that say what the call means.
const CONTROL: [&str; 4] = ["object_type_id", "objectTypeId", "objectAttributes", "relationshipAttributes"];

/// Makes the object with its attributes, or several items of it where one may not hold them all.
pub(super) fn group(mapper: &Mapper, event: &Event, parts: &Parts<'_>) -> Result<Mapped, Not> {
    let traits = parts.own_traits;
    let group = event.head.group_id.as_deref().ok_or(Not::Skipped(Reason::NoIdentity))?;
    let object = short("object_id", group)?;
    let person = Person::of_actor(event)?;
    let action = if event.head.user_id.is_some() { "identify" } else { "identify_anonymous" };
    let mut item = Values::new(&mapper.rules, room(event));
    item.raw(r#"{"type":"object","identifiers":"#);
    write_object(&mut item, object, &type_of(mapper, traits));
    item.raw(r#","action":""#);
    item.raw(action);
    item.raw("\",");
    // A further item adds attributes alone, which needs no person.
    let again = [item.out.as_slice(), br#""attributes":{"#].concat();
    item.raw(r#""cio_relationships":[{"identifiers":"#);
    person.write(&mut item);
    write_relationship_attributes(&mut item, traits);
    item.raw(r#"}],"attributes":{"#);
    let mut sheet = Sheet::new(item, "}}").splits(again, MAX_ATTRIBUTES);
    match traits.get("objectAttributes").and_then(Json::object) {
        Some(attributes) => sheet.add_all(attributes, &[]),
        None => sheet.add_all(traits, &CONTROL),
    }
    let (items, cuts) = sheet.finish()?;
    Ok(Mapped::Items { items, cuts })
}

/// Returns the type of the object that these traits or properties are about.
pub(super) fn type_of<'a>(mapper: &'a Mapper, named: Json<'a>) -> Cow<'a, str> {
    let own = named.first(&["object_type_id", "objectTypeId"]).and_then(Json::word);
    own.unwrap_or(Cow::Borrowed(&mapper.object_type_id))
}

/// Appends the identifiers of an object.
pub(super) fn write_object(to: &mut Values<'_>, object: &str, object_type: &str) {
    to.raw(r#"{"object_type_id":"#);
    to.string(object_type);
    to.raw(r#","object_id":"#);
    to.string(object);
    to.raw("}");
}

/// Appends what is said about a relationship, where something is.
pub(super) fn write_relationship_attributes(to: &mut Values<'_>, traits: Json<'_>) {
    if let Some(attributes) = traits.get("relationshipAttributes").and_then(Json::object) {
        to.raw(r#","relationship_attributes":"#);
        to.object(attributes);
    }
}
