//! The events of the benchmark and the requests that carry them: deterministic, varied calls of six kinds.
//!
//! Separate so that the load generator only copies bytes: requests are built once, and each copy gets the numbers of its
//! events written into their message ids. The numbers are what makes lost and repeated events countable.

use fastrand::Rng;
use memchr::memmem;
use serde_json::{Map, Value, json};

use super::ids;

const HEAD: &str = "Host: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Basic YmVuY2g6\r\n";
/// Different events; afterwards they come again with other numbers.
pub(crate) const DIFFERENT: usize = 32_000;
/// Users among whom the events are spread: with few of them, order would hold back most of what is in flight.
const USERS: u32 = 30_000;

const PEOPLE: [&str; 8] = [
    "Käthe Müller",
    "Zoë Smith",
    "李小龍",
    "Анна Иванова",
    "José Núñez",
    "Emma Brown",
    "नेहा शर्मा",
    "Łukasz Żak",
];
const CITIES: [&str; 8] =
    ["München", "São Paulo", "東京", "Kraków", "Reykjavík", "Bonn", "Montréal", "İzmir"];
const PRODUCTS: [&str; 6] = [
    "Rain jacket “Nordlys”",
    "Espresso cups ☕ (set of 4)",
    "Café crème, 250 g",
    "Trail shoes",
    "抹茶 whisk",
    "Lamp \"Ö\"",
];
const TRACKED: [&str; 10] = [
    "Product Viewed",
    "Product Added",
    "Order Completed",
    "Search Performed",
    "Cart Viewed",
    "Coupon Applied",
    "Video Played",
    "Form Submitted",
    "Button Clicked",
    "Checkout Started",
];
const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0",
];
/// Of twenty calls twelve are `track`, as in a shop.
const KINDS: [&str; 20] = [
    "track", "track", "page", "track", "identify", "track", "track", "page", "track", "screen", "track",
    "track", "identify", "track", "group", "track", "page", "track", "alias", "track",
];

/// A request without numbers yet.
pub(crate) struct Template {
    bytes: Vec<u8>,
    /// Where the numbers go.
    slots: Vec<usize>,
    /// Bytes of the events alone.
    raw: usize,
}

impl Template {
    /// Puts the request into `out`, its events numbered from `first` on.
    pub(crate) fn fill(&self, first: usize, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.bytes);
        for (index, at) in self.slots.iter().enumerate() {
            if let Some(digits) = out.get_mut(*at..at + ids::DIGITS) {
                ids::write(first + index, digits);
            }
        }
    }

    fn new(path: &str, body: &str, events: &[String]) -> Template {
        let head = format!("POST {path} HTTP/1.1\r\n{HEAD}Content-Length: {}\r\n\r\n", body.len());
        let bytes = (head + body).into_bytes();
        let slots = memmem::find_iter(&bytes, ids::BEFORE).map(|at| at + ids::BEFORE.len()).collect();
        Template { bytes, slots, raw: events.iter().map(String::len).sum() }
    }
}

/// Requests of one size.
pub(crate) struct Requests {
    templates: Vec<Template>,
    /// Events in each request.
    pub(crate) size: usize,
}

impl Requests {
    /// Returns requests with `size` events each: single calls to the path of their kind, or batches.
    pub(crate) fn new(size: usize) -> Requests {
        Requests::of(size, Shape::Usual)
    }

    /// Returns the same with the client's address in the context of every event, as a server sends them.
    pub(crate) fn with_addresses(size: usize) -> Requests {
        Requests::of(size, Shape::Address)
    }

    /// Returns the same with more in the context, so that a row of a warehouse has some 40 columns.
    pub(crate) fn wide(size: usize) -> Requests {
        Requests::of(size, Shape::Wide)
    }

    /// Returns the same of this hour, of people who are known by more than an id, and of orders with a revenue.
    pub(crate) fn people(size: usize) -> Requests {
        Requests::of(size, Shape::People)
    }

    /// Returns the same with so many different names of `track` calls, all of one length, each as often as the others.
    pub(crate) fn named(size: usize, names: usize) -> Requests {
        Requests::of(size, Shape::Names(names))
    }

    fn of(size: usize, shape: Shape) -> Requests {
        let events: Vec<(&str, String)> = (0..DIFFERENT).map(|number| event(number, shape)).collect();
        let template = |events: &[(&str, String)]| {
            let texts: Vec<String> = events.iter().map(|(_, text)| text.clone()).collect();
            match events {
                [(kind, text)] => Template::new(&format!("/v1/{kind}"), text, &texts),
                _ => {
                    let body =
                        format!(r#"{{"batch":[{}],"sentAt":"2026-03-01T12:10:00.000Z"}}"#, texts.join(","));
                    Template::new("/v1/batch", &body, &texts)
                }
            }
        };
        Requests { templates: events.chunks(size).map(template).collect(), size }
    }

    /// Puts request `number` into `out`.
    pub(crate) fn fill(&self, number: usize, out: &mut Vec<u8>) {
        if let Some(template) = self.templates.get(number % self.templates.len().max(1)) {
            template.fill(number * self.size, out);
        }
    }

    /// Returns the bytes of all events in the first `count` requests.
    pub(crate) fn raw_bytes(&self, count: usize) -> usize {
        self.templates.iter().cycle().take(count).map(|template| template.raw).sum()
    }
}

/// What events have beside the usual.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Usual,
    Address,
    Wide,
    People,
    Names(usize),
}

/// Columns of the context that wide events have beside the usual ones.
const MORE: u32 = 15;

/// Returns an event's kind and its text.
fn event(number: usize, shape: Shape) -> (&'static str, String) {
    let mut rng = Rng::with_seed(number as u64);
    let kind = KINDS.get(number % KINDS.len()).copied().unwrap_or("track");
    let mut call = json!({
        "type": kind,
        "messageId": ids::BLANK,
        "timestamp": format!("2026-03-01T12:{:02}:{:02}.{:03}Z", rng.u32(..10), rng.u32(..60), rng.u32(..1000)),
        "anonymousId": format!("{:08x}-7c1e-4d2a-9b3f-{:012x}", rng.u32(..), rng.u64(..1 << 48)),
        "context": context(&mut rng),
    });
    let context = call.get_mut("context").and_then(Value::as_object_mut);
    match (shape, context) {
        (Shape::Address, Some(context)) => {
            context.insert("ip".into(), format!("203.0.113.{}", number % 250 + 1).into());
        }
        (Shape::Wide, Some(context)) => {
            let more = (0..MORE).map(|key| (format!("field{key}"), rng.u32(..1_000_000).into()));
            context.insert("more".into(), Value::Object(more.collect()));
        }
        (Shape::People, Some(context)) => {
            context.insert("traits".into(), person(&mut rng));
        }
        _ => {}
    }
    if let (Some(call), Value::Object(own)) = (call.as_object_mut(), own_part(kind, &mut rng)) {
        call.extend(own);
        // Many visitors of a shop are never known by name.
        if !matches!(kind, "track" | "page" | "screen") || rng.u8(..5) < 3 {
            call.insert("userId".into(), format!("user-{}", rng.u32(..USERS)).into());
        }
        match shape {
            Shape::People => make_current(call),
            Shape::Names(names) if kind == "track" => {
                call.insert(
                    "event".into(),
                    format!("Event {:05}", track_number(number) % names.max(1)).into(),
                );
            }
            _ => {}
        }
    }
    (kind, call.to_string())
}

/// Returns how many `track` calls come before this one.
fn track_number(number: usize) -> usize {
    let among = |kinds: &[&str]| kinds.iter().filter(|kind| **kind == "track").count();
    let cycle = number / KINDS.len() * among(&KINDS);
    cycle + among(KINDS.get(..number % KINDS.len()).unwrap_or_default())
}

/// Lets a call be of this hour, and an order of a price have a revenue.
fn make_current(call: &mut Map<String, Value>) {
    let now = opentrack::telemetry::clock::now() - jiff::SignedDuration::from_mins(10);
    call.insert("timestamp".into(), format!("{now:.3}").into());
    if let Some(properties) = call.get_mut("properties").and_then(Value::as_object_mut)
        && let Some(price) = properties.get("price").cloned()
    {
        properties.insert("revenue".into(), price);
    }
}

fn person(rng: &mut Rng) -> Value {
    json!({
        "email": format!("p{}@mail.example", rng.u32(..9_999)), "phone": format!("+49 228 {}", rng.u32(100_000..999_999)),
        "name": pick(rng, &PEOPLE),
        "address": { "city": pick(rng, &CITIES), "postalCode": rng.u32(10_000..99_999).to_string(), "country": "DE" },
    })
}

/// Returns the members that only this kind of call has.
fn own_part(kind: &str, rng: &mut Rng) -> Value {
    match kind {
        "track" => json!({ "event": pick(rng, &TRACKED), "properties": properties(rng) }),
        "page" => json!({ "name": pick(rng, &PRODUCTS), "category": "Shop", "properties": page(rng) }),
        "screen" => json!({ "name": "Basket", "properties": { "tab": rng.u32(..5), "dark": rng.bool() } }),
        "group" => json!({ "groupId": format!("team-{}", rng.u32(..300)), "traits": {
            "name": format!("{} GmbH", pick(rng, &PEOPLE)), "employees": rng.u32(1..5_000), "plan": "team" } }),
        "alias" => json!({ "previousId": format!("visitor-{}", rng.u32(..100_000)) }),
        _ => json!({ "traits": {
            "name": pick(rng, &PEOPLE), "email": format!("p{}@mail.example", rng.u32(..9_999)), "age": rng.u32(18..90),
            "address": { "city": pick(rng, &CITIES), "postalCode": rng.u32(10_000..99_999).to_string() },
            "newsletter": rng.bool() } }),
    }
}

fn properties(rng: &mut Rng) -> Value {
    let price = f64::from(rng.u32(100..50_000)) / 100.0;
    let mut all = json!({
        "sku": format!("SKU-{:05}", rng.u32(..40_000)), "name": pick(rng, &PRODUCTS), "price": price,
        "currency": "EUR", "quantity": rng.u32(1..6),
    });
    let Some(members) = all.as_object_mut() else { return all };
    if rng.u8(..4) == 0 {
        let item =
            |rng: &mut Rng| json!({ "sku": format!("SKU-{:05}", rng.u32(..40_000)), "qty": rng.u32(1..4) });
        members.insert("products".into(), (0..rng.usize(1..5)).map(|_| item(rng)).collect());
    }
    if rng.bool() {
        let shipping = json!({ "city": pick(rng, &CITIES), "express": rng.bool(), "days": rng.u32(1..9) });
        members.insert("shipping".into(), shipping);
    }
    if rng.u8(..3) == 0 {
        members.insert("coupon".into(), if rng.bool() { json!("FRÜHLING") } else { Value::Null });
    }
    all
}

fn page(rng: &mut Rng) -> Value {
    let path = format!("/shop/{}", rng.u32(..400));
    let url = format!("https://shop.example{path}?ref=mail");
    json!({ "path": path, "url": url, "title": pick(rng, &PRODUCTS), "search": "?ref=mail", "referrer": "" })
}

fn context(rng: &mut Rng) -> Value {
    let mut context = json!({
        "library": { "name": "analytics.js", "version": "next-1.84.3" },
        "userAgent": pick(rng, &AGENTS), "locale": if rng.bool() { "de-DE" } else { "en-GB" },
        "timezone": "Europe/Berlin", "page": page(rng),
    });
    if let Some(members) = context.as_object_mut().filter(|_| rng.u8(..4) == 0) {
        let campaign = json!({ "source": "newsletter", "medium": "email", "name": "spring “26”" });
        members.insert("campaign".into(), campaign);
    }
    context
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    rng.choice(from).copied().unwrap_or_default()
}
