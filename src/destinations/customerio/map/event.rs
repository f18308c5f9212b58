//! track, page and screen: something that a person or a visitor did.

use std::borrow::Cow;

use super::ids::{Person, ulid};
use super::json::Json;
use super::sheet::Sheet;
use super::values::Values;
use super::{MAX_EVENT_NAME_BYTES, MAX_VALUE_BYTES, Mapped, Mapper, Not, PageName, Parts, instant, room};
use crate::destinations::kit::text::cut;
use crate::spec::Event;

/// Attributes of an event that overrule a campaign's own settings.
const OVERRIDES: [&str; 3] = ["from_address", "recipient", "reply_to"];

/// The action of a page view.
const PAGE: &str = "page";

/// Makes the event of a track call, under this name.
pub(super) fn track(mapper: &Mapper, event: &Event, parts: &Parts<'_>, name: &str) -> Result<Mapped, Not> {
    let deed = Deed { action: "event", name, except: &[] };
    happened(mapper, event, parts, &deed)
}

/// Makes a page view, called by its address or by its name.
pub(super) fn page(mapper: &Mapper, event: &Event, parts: &Parts<'_>) -> Result<Mapped, Not> {
    let url = || {
        let seen = parts.context.get("page").and_then(|page| page.get("url"));
        text_of(parts.properties.get("url")).or_else(|| text_of(seen))
    };
    let name = event.head.name.as_deref().map(Cow::Borrowed);
    let name = match mapper.page_name {
        PageName::Url => url().or(name),
        PageName::Name => name.or_else(url),
    };
    let deed = Deed { action: PAGE, name: &name.unwrap_or_default(), except: &[] };
    happened(mapper, event, parts, &deed)
}

/// Makes a screen view.
pub(super) fn screen(mapper: &Mapper, event: &Event, parts: &Parts<'_>) -> Result<Mapped, Not> {
    let name = event.head.name.as_deref().unwrap_or_default();
    let deed = Deed { action: "screen", name, except: &[] };
    happened(mapper, event, parts, &deed)
}

fn text_of(value: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    value?.text().filter(|text| !text.trim().is_empty())
}

/// What was done, and what of its properties is no attribute.
pub(super) struct Deed<'a> {
    pub(super) action: &'a str,
    pub(super) name: &'a str,
    pub(super) except: &'a [&'a str],
}

/// Makes the item of a deed, of the user where there is one, else of the visitor.
pub(super) fn happened(
    mapper: &Mapper,
    event: &Event,
    parts: &Parts<'_>,
    deed: &Deed<'_>,
) -> Result<Mapped, Not> {
    let person = Person::of_actor(event)?;
    let mut item = Values::new(&mapper.rules, room(event));
    item.raw(r#"{"type":"person","identifiers":"#);
    person.write(&mut item);
    item.raw(r#","action":""#);
    item.raw(deed.action);
    item.raw(r#"","name":"#);
    write_name(&mut item, deed)?;
    write_when(&mut item, mapper, event);
    item.raw(r#","attributes":{"#);
    let mut sheet = Sheet::new(item, "}}");
    let overrides: &[&str] = if mapper.strip_overrides { &OVERRIDES } else { &[] };
    let except: Vec<&str> = overrides.iter().chain(deed.except).copied().collect();
    sheet.add_all(parts.properties, &except);
    let (items, cuts) = sheet.finish()?;
    Ok(Mapped::Items { items, cuts })
}

/// Blanks around a name are trimmed there too.
fn write_name(item: &mut Values<'_>, deed: &Deed<'_>) -> Result<(), Not> {
    let name = deed.name.trim();
    if name.is_empty() {
        return Err(Not::unmappable("it has no name, which every event there needs"));
    }
    if deed.action == PAGE {
        write_address(item, name);
        return Ok(());
    }
    if name.len() > MAX_EVENT_NAME_BYTES {
        item.too_long("the event's name", name, MAX_EVENT_NAME_BYTES);
    }
    item.string(cut(name, MAX_EVENT_NAME_BYTES).trim_end());
    Ok(())
}

/// Triggers for pages look at the whole address, so the limit of names is not one of addresses. It is never refused: that
/// an address is long says nothing about the event.
fn write_address(item: &mut Values<'_>, address: &str) {
    item.cuts += u64::from(address.len() > MAX_VALUE_BYTES);
    item.string(cut(address, MAX_VALUE_BYTES).trim_end());
}

fn write_when(item: &mut Values<'_>, mapper: &Mapper, event: &Event) {
    let at = event.receipt.timestamp;
    item.raw(r#","timestamp":"#);
    item.number(instant::seconds(at));
    item.raw(r#","id":""#);
    item.out.extend_from_slice(&ulid(&event.head.message_id, &mapper.name, at));
    item.raw("\"");
}
