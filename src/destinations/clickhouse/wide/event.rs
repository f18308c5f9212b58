//! One event as a row of the wide table. Pure.
//!
//! Works on the event's own text: each object is walked once, and what is written is borrowed from it. Columns that an event
//! has nothing for are left out.

use std::borrow::Cow;
use std::ops::Range;

use super::super::row::{Lines, nearest};
use super::money::{self, Said};
use crate::spec::{Event, Kind};
use crate::warehouse::flatten::each_key;
use crate::warehouse::time::Precision;
use crate::warehouse::value::Value;

/// The raw texts of an event that become columns, by the object that they are in.
#[derive(Debug, Default)]
struct Parts<'a> {
    properties: Option<&'a str>,
    traits: Option<&'a str>,
    context: Option<&'a str>,
    of_context: Context<'a>,
    page: Page<'a>,
    of_properties: Properties<'a>,
}

#[derive(Debug, Default)]
struct Context<'a> {
    page: Option<&'a str>,
    campaign: Option<&'a str>,
    attribution: Option<&'a str>,
    geo: Option<&'a str>,
    device: Option<&'a str>,
    browser: Option<&'a str>,
    os: Option<&'a str>,
    session_id: Option<&'a str>,
    page_view_id: Option<&'a str>,
    environment: Option<&'a str>,
    bot: Option<&'a str>,
    ip: Option<&'a str>,
    traits: Option<&'a str>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Page<'a> {
    url: Option<&'a str>,
    path: Option<&'a str>,
    title: Option<&'a str>,
    referrer: Option<&'a str>,
}

#[derive(Debug, Default)]
struct Properties<'a> {
    page: Page<'a>,
    money: Said<'a>,
    currency: Option<&'a str>,
    order_id: Option<&'a str>,
    engaged_ms: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn read(event: &'a Event) -> Parts<'a> {
        let mut parts = Parts::default();
        each_key(std::str::from_utf8(&event.raw).unwrap_or_default(), |key, value| match &*key {
            "properties" => parts.properties = Some(value),
            "traits" => parts.traits = Some(value),
            "context" => parts.context = Some(value),
            _ => {}
        });
        parts.of_context = parts.context.map(Context::read).unwrap_or_default();
        parts.page = parts.of_context.page.map(Page::read).unwrap_or_default();
        parts.of_properties = parts.properties.map(Properties::read).unwrap_or_default();
        if matches!(event.head.kind, Kind::Page | Kind::Screen) {
            parts.page = parts.of_properties.page.or(parts.page);
        }
        parts
    }

    /// Returns the traits, or those that some libraries put into the context alone.
    fn traits(&self) -> Option<&'a str> {
        self.traits.or(self.of_context.traits)
    }
}

impl<'a> Context<'a> {
    fn read(raw: &'a str) -> Context<'a> {
        let mut context = Context::default();
        each_key(raw, |key, value| match &*key {
            "page" => context.page = Some(value),
            "campaign" => context.campaign = Some(value),
            "attribution" => context.attribution = Some(value),
            "geo" => context.geo = Some(value),
            "location" => context.geo = context.geo.or(Some(value)),
            "device" => context.device = Some(value),
            "browser" => context.browser = Some(value),
            "os" => context.os = Some(value),
            "sessionId" => context.session_id = Some(value),
            "pageViewId" => context.page_view_id = Some(value),
            "environment" => context.environment = Some(value),
            "bot" => context.bot = Some(value),
            "ip" => context.ip = Some(value),
            "traits" => context.traits = Some(value),
            _ => {}
        });
        context
    }
}

impl<'a> Page<'a> {
    fn read(raw: &'a str) -> Page<'a> {
        let mut page = Page::default();
        each_key(raw, |key, value| page.take(&key, value));
        page
    }

    fn take(&mut self, key: &str, value: &'a str) {
        match key {
            "url" => self.url = Some(value),
            "path" => self.path = Some(value),
            "title" => self.title = Some(value),
            "referrer" => self.referrer = Some(value),
            _ => {}
        }
    }

    /// An address that is given is not the one of the browser, so the browser's path is not its path.
    fn or(self, other: Page<'a>) -> Page<'a> {
        let path = if self.url.is_some() { self.path } else { self.path.or(other.path) };
        Page {
            url: self.url.or(other.url),
            path,
            title: self.title.or(other.title),
            referrer: self.referrer.or(other.referrer),
        }
    }
}

impl<'a> Properties<'a> {
    fn read(raw: &'a str) -> Properties<'a> {
        let mut properties = Properties::default();
        each_key(raw, |key, value| match &*key {
            "revenue" => properties.money.revenue = Some(value),
            "total" => properties.money.total = Some(value),
            "value" => properties.money.value = Some(value),
            "products" => properties.money.products = Some(value),
            "currency" => properties.currency = Some(value),
            "order_id" | "orderId" => properties.order_id = Some(value),
            "engaged_ms" | "engagedMs" => properties.engaged_ms = Some(value),
            "name" => properties.name = Some(value),
            key => properties.page.take(key, value),
        });
        properties
    }
}

/// Returns the text that a JSON scalar is: nothing for null, for an empty text, and for what is no scalar.
fn scalar(raw: &str) -> Option<Cow<'_, str>> {
    match Value::from_json(raw)? {
        Value::Text(text) => Some(text).filter(|text| !text.is_empty()),
        Value::Int(_) | Value::Float(..) | Value::Digits(_) => Some(Cow::Borrowed(raw)),
        Value::Bool(_) | Value::Json(_) | Value::Time(..) => None,
    }
}

/// Returns host and path of an address.
fn split_url(url: &str) -> (&str, &str) {
    let Some((_, rest)) = url.split_once("://") else { return ("", "") };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    (host, if path.is_empty() { "/" } else { path })
}

/// Appends the row of an event, and returns where it is.
pub(super) fn row(event: &Event, lines: &mut Lines) -> Range<usize> {
    let parts = Parts::read(event);
    let start = lines.begin();
    let mut row = Row(lines);
    row.identity(event);
    row.page(&parts);
    row.context(&parts.of_context);
    row.business(event, &parts.of_properties);
    row.objects(event, &parts);
    lines.end(start)
}

/// The row that is being written.
struct Row<'l>(&'l mut Lines);

impl Row<'_> {
    /// Writes a text unless it is empty. The key is a column's name, which needs no escape.
    fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.name(key);
            self.0.text(text);
        }
    }

    fn bare(&mut self, key: &str, text: &str) {
        self.name(key);
        self.0.bare(text);
    }

    fn name(&mut self, key: &str) {
        self.0.key("\"");
        self.0.bare(key);
        self.0.bare("\":");
    }

    fn raw(&mut self, key: &str, raw: Option<&str>) {
        if let Some(text) = raw.and_then(scalar) {
            self.text(key, &text);
        }
    }

    /// Writes the members of an object as columns: pairs of a member and its column.
    fn members(&mut self, raw: Option<&str>, columns: &[(&str, &str)]) {
        let Some(raw) = raw else { return };
        let mut last: Vec<Option<&str>> = vec![None; columns.len()];
        each_key(raw, |key, value| {
            let found = columns.iter().position(|(member, _)| *member == key);
            if let Some(place) = found.and_then(|at| last.get_mut(at)) {
                *place = Some(value);
            }
        });
        columns.iter().zip(last).for_each(|((_, column), raw)| self.raw(column, raw));
    }

    fn identity(&mut self, event: &Event) {
        let (head, receipt) = (&event.head, &event.receipt);
        self.text("site", &receipt.source);
        self.text("type", head.kind.as_str());
        self.text("message_id", &head.message_id);
        for (key, id) in [
            ("event", &head.name),
            ("user_id", &head.user_id),
            ("anonymous_id", &head.anonymous_id),
            ("group_id", &head.group_id),
            ("previous_id", &head.previous_id),
        ] {
            self.text(key, id.as_deref().unwrap_or_default());
        }
        for (key, at) in [("timestamp", receipt.timestamp), ("received_at", receipt.received_at)] {
            self.name(key);
            self.0.time(nearest(at), Precision::Millis);
        }
    }

    fn page(&mut self, parts: &Parts<'_>) {
        let url = parts.page.url.and_then(scalar).unwrap_or_default();
        let (host, path) = split_url(&url);
        self.text("page_url", &url);
        self.text("page_host", host);
        let own = parts.page.path.and_then(scalar);
        self.text("page_path", own.as_deref().unwrap_or(path));
        self.raw("page_title", parts.page.title);
        self.raw("referrer", parts.page.referrer);
    }

    fn context(&mut self, context: &Context<'_>) {
        self.raw("session_id", context.session_id);
        self.raw("page_view_id", context.page_view_id);
        self.raw("environment", context.environment);
        if context.bot.is_some_and(|bot| !matches!(bot, "null" | "false" | "\"\"")) {
            self.bare("bot", "true");
        }
        self.attribution(context);
        self.members(context.geo, &[("country", "country"), ("region", "region"), ("city", "city")]);
        self.members(context.device, &[("type", "device")]);
        self.members(context.browser, &[("name", "browser")]);
        self.members(context.os, &[("name", "os")]);
    }

    /// What was found out about where the visitor came from, and what the address said; the latter stands in for the former.
    fn attribution(&mut self, context: &Context<'_>) {
        const CAMPAIGN: [(&str, &str); 5] = [
            ("source", "utm_source"),
            ("medium", "utm_medium"),
            ("name", "utm_campaign"),
            ("term", "utm_term"),
            ("content", "utm_content"),
        ];
        self.members(context.campaign, &CAMPAIGN);
        match context.attribution.filter(|raw| raw.starts_with('{')) {
            Some(known) => {
                let columns = ["channel", "source", "medium", "campaign"].map(|name| (name, name));
                self.members(Some(known), &columns);
            }
            None => {
                self.members(context.campaign, &[("source", "source"), ("medium", "medium"), ("name", "campaign")]);
            }
        }
    }

    fn business(&mut self, event: &Event, properties: &Properties<'_>) {
        if event.head.kind != Kind::Track {
            return;
        }
        let name = event.head.name.as_deref().unwrap_or_default();
        let revenue = match name {
            "Order Completed" | "Order Refunded" => money::amount(&properties.money),
            _ => properties.money.revenue.and_then(money::single),
        };
        if let Some(revenue) = revenue {
            self.text("revenue", &revenue);
        }
        let currency = properties.currency.and_then(scalar).unwrap_or_default();
        self.text("currency", &currency.trim().to_uppercase());
        self.raw("order_id", properties.order_id);
        if let Some(engaged) = properties.engaged_ms.and_then(whole) {
            self.bare("engaged_ms", &engaged.to_string());
        }
        if name == "Web Vital"
            && let Some(value) = properties.money.value.filter(|raw| is_number(raw))
        {
            self.text("metric", &properties.name.and_then(scalar).unwrap_or_default().to_uppercase());
            self.bare("metric_value", value);
        }
    }

    fn objects(&mut self, event: &Event, parts: &Parts<'_>) {
        self.object("properties", parts.properties);
        self.object("traits", parts.traits());
        match event.receipt.ip.filter(|_| parts.of_context.ip.is_none()) {
            None => self.object("context", parts.context),
            // The address that only the server knows.
            Some(ip) => {
                let rest = parts.context.and_then(|raw| raw.strip_prefix('{')).unwrap_or("}");
                let glue = if rest.trim_start().starts_with('}') { "" } else { "," };
                self.text("context", &format!("{{\"ip\":\"{ip}\"{glue}{rest}"));
            }
        }
    }

    /// Writes an object as JSON text; one without members is nothing.
    fn object(&mut self, key: &str, raw: Option<&str>) {
        let is_there = |raw: &&str| raw.starts_with('{');
        if let Some(Value::Json(json)) = raw.filter(is_there).and_then(Value::from_json) {
            self.text(key, &json);
        }
    }
}

/// Returns a number as a whole one that the column holds.
fn whole(raw: &str) -> Option<u32> {
    let number = scalar(raw)?.parse::<f64>().ok().filter(|number| *number >= 0.0)?;
    // Saturates, which is what a column of milliseconds is to do.
    Some(number.round() as u32)
}

fn is_number(raw: &str) -> bool {
    matches!(Value::from_json(raw), Some(Value::Int(_) | Value::Float(..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_path() {
        for (url, host, path) in [
            ("https://shop.example/a/b?x=1#y", "shop.example", "/a/b"),
            ("https://shop.example", "shop.example", "/"),
            ("https://shop.example?x=1", "shop.example", "/"),
            ("http://u:p@shop.example:8080/a", "shop.example:8080", "/a"),
            ("/a/b", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(split_url(url), (host, path), "{url}");
        }
    }
}
