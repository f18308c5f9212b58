//! Events whose names Segment has given a meaning: devices, deletions, suppressions, and reports about messages.

use super::event::{self, Deed};
use super::group::{type_of, write_object};
use super::ids::{Person, short};
use super::json::Json;
use super::values::Values;
use super::{Mapped, Mapper, Not, Parts, instant, room};
use crate::spec::Event;

/// What can be reported about a message, <https://docs.customer.io/api/track/#operation/metrics>.
const METRICS: [&str; 8] =
    ["delivered", "opened", "clicked", "converted", "spammed", "bounced", "dropped", "deferred"];
/// What can be reported about content that is shown outside of messages.
const CONTENT_ACTIONS: [&str; 2] = ["viewed_content", "clicked_content"];

/// What an event with such a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The device of the context, and what is to be done with it; for an application also the event.
    Device { action: &'static str, is_event: bool },
    /// Something is done with the person.
    Person(&'static str),
    ObjectDeleted,
    RelationshipDeleted,
    Delivery,
    Content,
}

impl Meaning {
    /// Returns the meaning of a name that has one.
    pub(super) fn of(name: &str) -> Option<Meaning> {
        let device = |action, is_event| Meaning::Device { action, is_event };
        Some(match name {
            "Application Installed" | "Application Opened" => device("add_device", true),
            "Application Uninstalled" => device("delete_device", true),
            "Device Created" | "Device Updated" | "Device Created or Updated" => device("add_device", false),
            "Device Deleted" => device("delete_device", false),
            "User Deleted" => Meaning::Person("delete"),
            "User Suppressed" => Meaning::Person("suppress"),
            "User Unsuppressed" => Meaning::Person("unsuppress"),
            "Object Deleted" => Meaning::ObjectDeleted,
            "Relationship Deleted" => Meaning::RelationshipDeleted,
            "Report Delivery Event" => Meaning::Delivery,
            "Report Content Event" => Meaning::Content,
            _ => return None,
        })
    }
}

/// Makes what the event means.
pub(super) fn semantic(
    mapper: &Mapper,
    event: &Event,
    parts: &Parts<'_>,
    (meaning, name): (Meaning, &str),
) -> Result<Mapped, Not> {
    let mut item = Values::new(&mapper.rules, room(event));
    match meaning {
        Meaning::Device { action, is_event: false } => device(&mut item, event, parts, action)?,
        Meaning::Device { action, is_event: true } => {
            // Without a device that could be reached it is the event alone.
            let is_device = device(&mut item, event, parts, action).is_ok();
            return with_event(mapper, event, parts, (is_device.then_some(item.out), name));
        }
        Meaning::Person(action) => person(&mut item, event, action)?,
        Meaning::ObjectDeleted => {
            object(&mut item, mapper, parts, "delete")?;
            item.raw("}");
        }
        Meaning::RelationshipDeleted => {
            object(&mut item, mapper, parts, "delete_relationships")?;
            item.raw(r#","cio_relationships":[{"identifiers":"#);
            Person::of_actor(event)?.write(&mut item);
            item.raw("}]}");
        }
        Meaning::Delivery => return delivery(item, event, parts.properties),
        Meaning::Content => return content(mapper, event, parts),
    }
    Ok(Mapped::Items { items: vec![item.out], cuts: 0 })
}

/// The device goes first, so that a campaign that the event starts can reach it.
fn with_event(
    mapper: &Mapper,
    event: &Event,
    parts: &Parts<'_>,
    (device, name): (Option<Vec<u8>>, &str),
) -> Result<Mapped, Not> {
    let mut mapped = event::track(mapper, event, parts, name)?;
    if let Mapped::Items { items, .. } = &mut mapped {
        items.splice(0..0, device);
    }
    Ok(mapped)
}

fn begin_person(item: &mut Values<'_>, event: &Event, action: &str) -> Result<(), Not> {
    item.raw(r#"{"type":"person","identifiers":"#);
    Person::of_known(event)?.write(item);
    item.raw(r#","action":""#);
    item.raw(action);
    item.raw("\"");
    Ok(())
}

fn person(item: &mut Values<'_>, event: &Event, action: &str) -> Result<(), Not> {
    begin_person(item, event, action)?;
    item.raw("}");
    Ok(())
}

fn device(item: &mut Values<'_>, event: &Event, parts: &Parts<'_>, action: &str) -> Result<(), Not> {
    begin_person(item, event, action)?;
    let device = parts.context.get("device").and_then(Json::object).unwrap_or(Json::EMPTY);
    let token = device.get("token").and_then(Json::word);
    let token = token.ok_or_else(|| Not::unmappable("it has no `context.device.token`"))?;
    item.raw(r#","device":{"token":"#);
    item.string(&token);
    if action == "add_device" {
        let platform = platform(device, parts.context);
        let platform = platform.ok_or_else(|| Not::unmappable("`context.device.type` is neither ios nor android"))?;
        item.raw(r#","platform":""#);
        item.raw(platform);
        item.raw(r#"","last_used":"#);
        item.number(instant::seconds(event.receipt.timestamp));
    }
    item.raw("}}");
    Ok(())
}

fn platform(device: Json<'_>, context: Json<'_>) -> Option<&'static str> {
    let os = context.get("os").and_then(|os| os.get("name"));
    [device.get("type"), os].into_iter().flatten().filter_map(Json::text).find_map(|name| {
        match name.to_ascii_lowercase().as_str() {
            "ios" | "ipados" | "iphone" | "ipad" => Some("ios"),
            "android" => Some("android"),
            _ => None,
        }
    })
}

/// Appends what is done with an object, up to the closing brace.
fn object(item: &mut Values<'_>, mapper: &Mapper, parts: &Parts<'_>, action: &str) -> Result<(), Not> {
    let own = parts.group_id.or_else(|| parts.context.get("groupId"));
    let named = || parts.properties.first(&["objectId", "object_id", "groupId"]);
    let object = own.and_then(Json::word).or_else(|| named().and_then(Json::word));
    let object = object.ok_or_else(|| Not::unmappable("it has no `groupId` and no `properties.objectId`"))?;
    item.raw(r#"{"type":"object","identifiers":"#);
    write_object(item, short("object_id", &object)?, &type_of(mapper, parts.properties));
    item.raw(r#","action":""#);
    item.raw(action);
    item.raw("\"");
    Ok(())
}

/// Only the older interface takes every metric of a message, one a request.
fn delivery(mut body: Values<'_>, event: &Event, properties: Json<'_>) -> Result<Mapped, Not> {
    let id = properties.get("deliveryId").and_then(Json::word);
    let id = id.ok_or_else(|| Not::unmappable("it has no `properties.deliveryId`"))?;
    body.raw(r#"{"delivery_id":"#);
    body.string(&id);
    body.raw(r#","metric":""#);
    body.raw(one_of(properties, "metric", &METRICS)?);
    body.raw(r#"","timestamp":"#);
    body.number(instant::seconds(event.receipt.timestamp));
    for name in ["recipient", "reason", "href"] {
        write_word(&mut body, ",", name, properties.get(name));
    }
    let named = [("action_name", "actionName"), ("action_value", "actionValue")];
    let metadata = named.map(|(name, property)| (name, properties.get(property)));
    if metadata.iter().any(|(_, value)| value.and_then(Json::word).is_some()) {
        body.raw(r#","metadata":{"#);
        let begins = body.out.len();
        for (name, value) in metadata {
            let comma = if body.out.len() == begins { "" } else { "," };
            write_word(&mut body, comma, name, value);
        }
        body.raw("}");
    }
    body.raw("}");
    Ok(Mapped::Metric(body.out))
}

fn write_word(to: &mut Values<'_>, comma: &str, name: &str, value: Option<Json<'_>>) {
    if let Some(word) = value.and_then(Json::word) {
        to.raw(comma);
        to.string(name);
        to.raw(":");
        to.string(&word);
    }
}

fn content(mapper: &Mapper, event: &Event, parts: &Parts<'_>) -> Result<Mapped, Not> {
    let action = one_of(parts.properties, "actionType", &CONTENT_ACTIONS)?;
    let deed = Deed { action, name: action, except: &["actionType"] };
    event::happened(mapper, event, parts, &deed)
}

fn one_of(properties: Json<'_>, name: &str, known: &[&'static str]) -> Result<&'static str, Not> {
    let word = properties.get(name).and_then(Json::word).unwrap_or_default();
    let found = known.iter().find(|one| **one == word);
    found.copied().ok_or_else(|| Not::unmappable(format!("`properties.{name}` is none of {}", known.join(", "))))
}
