//! A glance at an event: the few members that views of what happens look at, borrowed from its text.
//!
//! Separate from [`Event::tree`], which copies every member of an event to the heap: most events only move some counters, and a
//! glance at one allocates nothing. It says the same as the tree, of which member and of which of two with one name. Goes over
//! a text that the door has proved, so it proves nothing; never writes.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::scan::Scan;
use super::{Event, Kind, head};

/// The JSON of one value as it stands in the text; of a member that is missing, nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<'t>(&'t str);

impl<'t> Json<'t> {
    #[cfg(test)]
    pub(crate) fn of(text: &'t str) -> Json<'t> {
        Json(text)
    }

    /// Returns the text of the value; empty where there is none.
    pub fn raw(self) -> &'t str {
        self.0
    }

    /// Returns whether there is a value, `null` included.
    pub fn is_there(self) -> bool {
        !self.0.is_empty()
    }

    /// Returns whether it is an object.
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// Returns what a string says, borrowed when nothing in it is escaped; nothing of any other value.
    pub fn text(self) -> Option<Cow<'t, str>> {
        head::string(self.0)
    }

    /// Returns the number that a value is as an integer, as [`Value::as_i64`] does.
    pub fn as_i64(self) -> Option<i64> {
        self.number()?.as_i64()
    }

    /// Returns the number that a value is, as [`Value::as_f64`] does.
    pub fn as_f64(self) -> Option<f64> {
        self.number()?.as_f64()
    }

    fn number(self) -> Option<Value> {
        let is_number = self.0.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if is_number { self.value() } else { None }
    }

    /// Returns the value as a tree.
    pub fn value(self) -> Option<Value> {
        serde_json::from_str(self.0).ok()
    }

    /// Returns the members of these names of an object; of any other value there are none.
    pub fn pick<const N: usize>(self, names: [&str; N]) -> [Json<'t>; N] {
        let mut found = [Json::default(); N];
        self.each(|name, value| {
            let slot = names.iter().position(|wanted| *wanted == name).and_then(|at| found.get_mut(at));
            slot.into_iter().for_each(|slot| *slot = value);
        });
        found
    }

    /// Returns the member of this name of an object.
    pub fn get(self, name: &str) -> Json<'t> {
        let [found] = self.pick([name]);
        found
    }

    /// Returns an object of which only the members of these names are read.
    pub fn object<const N: usize>(self, names: [&str; N]) -> Map<String, Value> {
        let members = names.iter().zip(self.pick(names));
        let mut object = Map::with_capacity(N);
        object.extend(members.filter_map(|(name, json)| Some(((*name).to_owned(), json.value()?))));
        object
    }

    /// Returns all of an object; nothing of any other value.
    pub fn map(self) -> Option<Map<String, Value>> {
        if self.is_object() { serde_json::from_str(self.0).ok() } else { None }
    }

    fn each(self, mut take: impl FnMut(&str, Json<'t>)) {
        let Some(mut scan) = Scan::of(self.0) else { return };
        while let Some(name) = scan.name() {
            let Some(place) = scan.value() else { break };
            take(&name, Json(self.0.get(place).unwrap_or_default()));
        }
    }
}

/// What stands in `context`; all of it missing when that is no object.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'e> {
    /// `context.page`.
    pub page: Json<'e>,
    /// `context.screen`.
    pub screen: Json<'e>,
    /// `context.device`.
    pub device: Json<'e>,
    /// `context.bot`.
    pub bot: Json<'e>,
    /// `context.geo`.
    pub geo: Json<'e>,
    /// `context.browser`.
    pub browser: Json<'e>,
    /// `context.os`.
    pub os: Json<'e>,
    /// `context.attribution`.
    pub attribution: Json<'e>,
    /// `context.campaign`.
    pub campaign: Json<'e>,
    /// `context.environment`.
    pub environment: Json<'e>,
    /// `context.pageViewId`.
    pub page_view_id: Json<'e>,
    /// `context.consent`.
    pub consent: Json<'e>,
    channel: Json<'e>,
}

impl<'e> Context<'e> {
    fn slot(&mut self, name: &str) -> Option<&mut Json<'e>> {
        Some(match name {
            "page" => &mut self.page,
            "screen" => &mut self.screen,
            "device" => &mut self.device,
            "bot" => &mut self.bot,
            "geo" => &mut self.geo,
            "browser" => &mut self.browser,
            "os" => &mut self.os,
            "attribution" => &mut self.attribution,
            "campaign" => &mut self.campaign,
            "environment" => &mut self.environment,
            "pageViewId" => &mut self.page_view_id,
            "consent" => &mut self.consent,
            "channel" => &mut self.channel,
            _ => return None,
        })
    }
}

/// What a view says of its page.
#[derive(Debug, Clone, Copy, Default)]
struct Page<'e> {
    path: Json<'e>,
    url: Json<'e>,
    search: Json<'e>,
    referrer: Json<'e>,
}

impl<'e> Page<'e> {
    fn of(json: Json<'e>) -> Page<'e> {
        let [path, url, search, referrer] = json.pick(["path", "url", "search", "referrer"]);
        Page { path, url, search, referrer }
    }

    fn get(&self, name: Part) -> Json<'e> {
        match name {
            Part::Path => self.path,
            Part::Url => self.url,
            Part::Search => self.search,
            Part::Referrer => self.referrer,
        }
    }
}

/// What can be asked of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `path`.
    Path,
    /// `url`.
    Url,
    /// `search`.
    Search,
    /// `referrer`.
    Referrer,
}

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Glance<'e> {
    /// The event.
    pub event: &'e Event,
    /// `properties`.
    pub properties: Json<'e>,
    /// `context`.
    pub context: Context<'e>,
    channel: Json<'e>,
    own_page: Page<'e>,
    page: Page<'e>,
}

/// Where everything stands that a glance finds, as places in the event's text: so that the second view that looks at an event
/// need not go over it again.
#[derive(Debug)]
pub(super) struct Places([(u32, u32); 23]);

impl<'e> Glance<'e> {
    /// Looks at an event. The first look at it goes over its text, further ones do not.
    pub fn of(event: &'e Event) -> Glance<'e> {
        let text = simdutf8::basic::from_utf8(&event.raw).unwrap_or_default();
        let mut first = None;
        let places = event.places.get_or_init(|| {
            let glance = Glance::first(event, text);
            first = Some(glance);
            Box::new(glance.places(text))
        });
        first.unwrap_or_else(|| Glance::again(event, text, places))
    }

    fn empty(event: &'e Event) -> Glance<'e> {
        let none = Json::default();
        let (context, own_page, page) = Default::default();
        Glance { event, properties: none, context, channel: none, own_page, page }
    }

    fn again(event: &'e Event, text: &'e str, places: &Places) -> Glance<'e> {
        let mut glance = Glance::empty(event);
        for (slot, (from, to)) in glance.slots().into_iter().zip(places.0) {
            *slot = Json(text.get(from as usize..to as usize).unwrap_or_default());
        }
        glance
    }

    fn places(mut self, text: &str) -> Places {
        let begin = text.as_ptr().addr();
        let place = |json: &mut Json<'_>| {
            let from = if json.0.is_empty() { 0 } else { json.0.as_ptr().addr() - begin };
            // A text is far below 4 GiB.
            let short = |at: usize| u32::try_from(at).unwrap_or(0);
            (short(from), short(from + json.0.len()))
        };
        Places(self.slots().map(place))
    }

    /// Everything that is found, in one order.
    fn slots(&mut self) -> [&mut Json<'e>; 23] {
        let Glance { properties, context, channel, own_page, page, .. } = self;
        [
            properties,
            channel,
            &mut context.page,
            &mut context.screen,
            &mut context.device,
            &mut context.bot,
            &mut context.geo,
            &mut context.browser,
            &mut context.os,
            &mut context.attribution,
            &mut context.campaign,
            &mut context.environment,
            &mut context.page_view_id,
            &mut context.consent,
            &mut context.channel,
            &mut own_page.path,
            &mut own_page.url,
            &mut own_page.search,
            &mut own_page.referrer,
            &mut page.path,
            &mut page.url,
            &mut page.search,
            &mut page.referrer,
        ]
    }

    fn first(event: &'e Event, text: &'e str) -> Glance<'e> {
        let mut glance = Glance::empty(event);
        if let Some(scan) = Scan::of(text) {
            glance.read(text, scan);
        }
        glance.page = Page::of(glance.context.page);
        if event.head.kind == Kind::Page {
            glance.own_page = Page::of(glance.properties);
        }
        glance
    }

    /// Of a member that is there twice the last one counts, as in a tree.
    fn read(&mut self, text: &'e str, mut scan: Scan<'e>) {
        while let Some(name) = scan.name() {
            if name == "context" && self.read_context(text, &mut scan) {
                continue;
            }
            let Some(place) = scan.value() else { break };
            let value = Json(text.get(place).unwrap_or_default());
            match &*name {
                "properties" => self.properties = value,
                "channel" => self.channel = value,
                _ => {}
            }
        }
    }

    /// Goes over the context and returns whether it is an object; stays before any other value.
    fn read_context(&mut self, text: &'e str, scan: &mut Scan<'e>) -> bool {
        self.context = Context::default();
        if !scan.enter() {
            return false;
        }
        while let Some(name) = scan.name() {
            let Some(place) = scan.value() else { break };
            let value = Json(text.get(place).unwrap_or_default());
            self.context.slot(&name).into_iter().for_each(|slot| *slot = value);
        }
        scan.leave();
        true
    }

    /// Returns the channel that the call names, else its context.
    pub fn channel(&self) -> Json<'e> {
        if self.channel.is_there() { self.channel } else { self.context.channel }
    }

    /// Returns what is said of the page where the event happened: by a page call itself, and by its context.
    pub fn page(&self, part: Part) -> [Json<'e>; 2] {
        [self.own_page.get(part), self.page.get(part)]
    }
}

#[cfg(test)]
mod tests;
