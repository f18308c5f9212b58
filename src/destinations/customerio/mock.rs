//! The stand-in of Customer.io's Track API: `/api/v2/batch`, `/api/v1/metrics` and `/api/v1/accounts/region`. Pure.
//!
//! It refuses what the documentation says is refused, item by item in a 207, takes an event with a known id once, and holds
//! people, objects and events, which `GET /_mock/world` shows. What the documentation does not say is in the guide.

mod check;
#[cfg(test)]
mod tests;
mod world;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::config::Region;
use super::plan::MAX_BODY_BYTES;
use crate::destinations::mock::{Incoming, Mock, MockEvent, MockSettings, Said, others};

use check::Wrong;
use world::World;

const BATCH: &str = "/api/v2/batch";
const METRICS: &str = "/api/v1/metrics";
const REGION: &str = "/api/v1/accounts/region";
/// The workspace that the credentials are of.
const ENVIRONMENT: u32 = 1;

/// One workspace behind one address.
struct Desk {
    /// What `Authorization` must say; empty: anything.
    authorization: String,
    /// Where the account is.
    region: Region,
    /// Whose address this is.
    host: Region,
    /// Whether the key may send.
    may_send: bool,
    world: World,
}

/// Returns a workspace that lets in who has the secret, `SITE_ID:API_KEY`. Settings: `region`, the account's data center;
/// `host`, that of this address, the same unless said otherwise; `may_send`, the key's right.
///
/// # Errors
/// The secret or a setting is none.
pub(super) fn new(settings: &MockSettings) -> Result<Box<dyn Mock>, String> {
    let authorization = match settings.secret.as_str() {
        "" => String::new(),
        pair if pair.contains(':') => format!("Basic {}", STANDARD.encode(pair)),
        _ => return Err("the secret must read SITE_ID:API_KEY".to_owned()),
    };
    let mut desk =
        Desk { authorization, region: Region::Us, host: Region::Us, may_send: true, world: World::default() };
    let mut host = None;
    for (name, value) in &settings.set {
        let region = || Region::named(value).ok_or_else(|| format!("`{name}` must be us or eu, not {value}"));
        match name.as_str() {
            "region" => desk.region = region()?,
            "host" => host = Some(region()?),
            "may_send" => desk.may_send = value != "false",
            _ => return Err(format!("this stand-in has no setting `{name}`; there are region, host, may_send")),
        }
    }
    desk.host = host.unwrap_or(desk.region);
    Ok(Box::new(desk))
}

impl Mock for Desk {
    fn read(&self, request: &Incoming) -> Result<Vec<MockEvent>, Said> {
        if !self.authorization.is_empty() && request.header("authorization") != self.authorization {
            return Err(unauthorized());
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", REGION) => return Ok(Vec::new()),
            ("POST", BATCH | METRICS) => {}
            _ => return Err(Said::error(404, "there is no such address")),
        }
        self.at_home(request)?;
        if request.body.len() > MAX_BODY_BYTES {
            return Err(told(413, &format!("the body must be smaller than {MAX_BODY_BYTES} bytes")));
        }
        if request.path == METRICS { report(request) } else { Ok(items(request)?.iter().map(event).collect()) }
    }

    fn take(&mut self, request: &Incoming, events: &[MockEvent]) -> (Said, Vec<usize>) {
        self.refuse_some(request, events, &[])
    }

    fn refuse_some(
        &mut self,
        request: &Incoming,
        events: &[MockEvent],
        refused: &[usize],
    ) -> (Said, Vec<usize>) {
        match request.path.as_str() {
            REGION => return (self.home(), Vec::new()),
            METRICS => {
                self.world.report(parsed(request).unwrap_or_default());
                return (Said::json(200, &json!({})), others(events, &[]));
            }
            _ => {}
        }
        let mut errors = Vec::new();
        let mut failed = Vec::new();
        for (index, item) in items(request).unwrap_or_default().into_iter().enumerate() {
            let taken = match refused.contains(&index) {
                true => Err(Wrong::new("", "as it was told")),
                false => check::check(&item).and_then(|()| self.world.take(item)),
            };
            if let Err(wrong) = taken {
                errors.push(wrong.at(index));
                failed.push(index);
            }
        }
        let said = match errors.is_empty() {
            true => Said::json(200, &json!({})),
            false => Said::json(207, &json!({ "errors": errors })),
        };
        (said, others(events, &failed))
    }

    fn refuse_all(&self, events: &[MockEvent], index: usize) -> Said {
        let name = events.get(index).map(|event| event.name.as_str()).unwrap_or_default();
        whole(&format!("the batch holds \"{name}\""))
    }

    fn fail(&self, status: u16) -> Said {
        if status == 401 { unauthorized() } else { told(status, "as it was told") }
    }

    fn greeting(&self, url: &str) -> Vec<String> {
        let region = self.region.as_str();
        vec!["[destinations.customerio]".to_owned(), format!("region = \"{region}\""), format!("endpoint = \"{url}\"")]
    }

    fn control(&mut self, request: &Incoming) -> Option<Said> {
        (request.path == "/_mock/world").then(|| Said::json(200, &self.world.shown()))
    }

    fn told(&self) -> Value {
        self.world.counts()
    }

    fn reset(&mut self) {
        self.world = World::default();
    }
}

impl Desk {
    /// European accounts are sent on, American ones fail at the European address.
    fn at_home(&self, request: &Incoming) -> Result<(), Said> {
        match (self.region, self.host) {
            (Region::Eu, Region::Us) => {
                let to = format!("{}{}", Region::Eu.host(), request.path);
                Err(Said { status: 301, headers: vec![("location", to)], body: String::new() })
            }
            (Region::Us, Region::Eu) => Err(unauthorized()),
            _ if self.may_send => Ok(()),
            _ => Err(told(403, "the key may not do this")),
        }
    }

    fn home(&self) -> Said {
        let region = self.region.as_str().to_ascii_lowercase();
        let home = json!({ "url": self.region.host(), "region": region, "environment_id": ENVIRONMENT });
        Said::json(200, &home)
    }
}

fn unauthorized() -> Said {
    Said::json(401, &json!({ "message": "Unauthorized" }))
}

fn told(status: u16, message: &str) -> Said {
    Said::json(status, &json!({ "meta": { "error": message } }))
}

/// The whole request is refused.
fn whole(message: &str) -> Said {
    Said::json(400, &json!({ "errors": [{ "reason": "invalid", "field": "batch", "message": message }] }))
}

fn parsed(request: &Incoming) -> Result<Value, Said> {
    serde_json::from_slice(&request.body).map_err(|error| whole(&format!("the body is no JSON: {error}")))
}

fn items(request: &Incoming) -> Result<Vec<Value>, Said> {
    match parsed(request)?.get_mut("batch").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(whole("the body has no list `batch`")),
    }
}

fn report(request: &Incoming) -> Result<Vec<MockEvent>, Said> {
    let body = parsed(request)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (id, metric) = (text("delivery_id"), text("metric"));
    if id.is_empty() || metric.is_empty() {
        return Err(told(400, "delivery_id and metric cannot be blank"));
    }
    Ok(vec![MockEvent { id: format!("{id} {metric}"), name: metric.to_owned() }])
}

/// What has no id of its own is known again by all that is in it.
fn event(item: &Value) -> MockEvent {
    let text = |name: &str| item.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("name").or(text("action")).unwrap_or_default().to_owned();
    let id = text("id").map_or_else(|| format!("{name} {:08x}", crc32fast::hash(item.to_string().as_bytes())), str::to_owned);
    MockEvent { id, name }
}
