//! Turns one event into the items of `/api/v2/batch`: which call becomes what, and within which limits.
//!
//! One file for each kind of call. It writes from the event's text straight into the body; a batch, its order and what
//! may share a request are the plan's business.

mod alias;
mod event;
mod group;
mod identify;
mod ids;
mod instant;
mod json;
mod semantic;
mod sheet;
mod values;

use std::collections::BTreeMap;

use self::json::Json;
use super::config::{PageName, Semantic};
use crate::policy::outcome::{Fault, Reason};
use crate::spec::{Event, Kind};

pub(super) use values::Rules;

/// Most bytes of one item: 32 KB, <https://docs.customer.io/integrations/api/track/#tag/track_v2>.
pub(super) const MAX_ITEM_BYTES: usize = 32 * 1024;
/// Most attributes of one identify, <https://docs.customer.io/journeys/invalid-api-requests/>; so are the next four.
pub(super) const MAX_ATTRIBUTES: usize = 300;
/// Most bytes of an attribute's name.
pub(super) const MAX_NAME_BYTES: usize = 150;
/// Most bytes of an attribute's text.
pub(super) const MAX_VALUE_BYTES: usize = 1000;
/// Most bytes of an event's name.
pub(super) const MAX_EVENT_NAME_BYTES: usize = 100;
/// Most bytes of an id of a person or an object.
pub(super) const MAX_ID_BYTES: usize = 150;

/// Room for what stands around the attributes.
const AROUND_BYTES: usize = 256;

/// What users of it may do differently.
#[derive(Debug)]
pub(super) struct Mapper {
    /// The destination's configured name, from which ULIDs are made.
    pub name: String,
    /// What is done with attributes.
    pub rules: Rules,
    /// What a page is called.
    pub page_name: PageName,
    /// Which events mean something else than that they happened.
    pub semantic: Semantic,
    /// Our names of events, with theirs.
    pub event_map: BTreeMap<String, String>,
    /// Whether `from_address`, `recipient` and `reply_to` are kept out of events.
    pub strip_overrides: bool,
    /// The type of an object that names none.
    pub object_type_id: String,
}

/// What becomes of an event.
#[derive(Debug)]
pub(super) enum Mapped {
    /// Items of a batch, in order.
    Items {
        /// Each as JSON.
        items: Vec<Vec<u8>>,
        /// How many texts and names were cut.
        cuts: u64,
    },
    /// The body of `/api/v1/metrics`.
    Metric(Vec<u8>),
}

/// Why an event does not go out.
#[derive(Debug)]
pub(super) enum Not {
    /// It has no use there.
    Skipped(Reason),
    /// It cannot be expressed there.
    Refused(Fault),
}

impl Not {
    fn too_large(why: impl Into<String>) -> Not {
        Not::Refused(Fault::new(Reason::TooLarge, None, why))
    }

    fn unmappable(why: impl Into<String>) -> Not {
        Not::Refused(Fault::new(Reason::Unmappable, None, why))
    }
}

impl Mapper {
    /// Returns what becomes of an event. The same event always gives the same bytes.
    ///
    /// # Errors
    /// Why it does not go out.
    pub(super) fn map(&self, event: &Event) -> Result<Mapped, Not> {
        let parts = Parts::of(event);
        match event.head.kind {
            Kind::Identify => identify::identify(self, event, &parts),
            Kind::Track => self.track(event, &parts),
            Kind::Page => event::page(self, event, &parts),
            Kind::Screen => event::screen(self, event, &parts),
            Kind::Group => group::group(self, event, &parts),
            Kind::Alias => alias::alias(self, event),
        }
    }

    /// The map of names comes first, so that a name can be given a meaning, or lose one.
    fn track(&self, event: &Event, parts: &Parts<'_>) -> Result<Mapped, Not> {
        let name = event.head.name.as_deref().unwrap_or_default();
        let name = self.event_map.get(name).map_or(name, String::as_str);
        match semantic::Meaning::of(name).filter(|_| self.semantic.is_on(name)) {
            Some(meaning) => semantic::semantic(self, event, parts, (meaning, name)),
            None => event::track(self, event, parts, name),
        }
    }
}

/// The members of an event that hold what is sent.
struct Parts<'a> {
    properties: Json<'a>,
    /// Those of the call itself.
    own_traits: Json<'a>,
    context: Json<'a>,
    /// `groupId`, which a call of any kind may have.
    group_id: Option<Json<'a>>,
}

impl<'a> Parts<'a> {
    fn of(event: &'a Event) -> Parts<'a> {
        let mut parts =
            Parts { properties: Json::EMPTY, own_traits: Json::EMPTY, context: Json::EMPTY, group_id: None };
        let text = std::str::from_utf8(&event.raw).unwrap_or_default();
        for (key, value) in Json::of(text).members() {
            // None of these names needs an escape, and nobody writes one.
            match key.raw() {
                "properties" => parts.properties = value.object().unwrap_or(Json::EMPTY),
                "traits" => parts.own_traits = value.object().unwrap_or(Json::EMPTY),
                "context" => parts.context = value.object().unwrap_or(Json::EMPTY),
                "groupId" => parts.group_id = Some(value),
                _ => {}
            }
        }
        parts
    }

    /// Returns the traits of a person: those of the call, or of its context when it has none (RudderStack's Python library
    /// sends them there alone).
    fn traits(&self) -> Json<'a> {
        if self.own_traits.members().next().is_some() {
            return self.own_traits;
        }
        self.context.get("traits").and_then(Json::object).unwrap_or(Json::EMPTY)
    }
}

/// Returns how much room an event's item will need, about.
fn room(event: &Event) -> usize {
    event.raw.len() + AROUND_BYTES
}
