//! `GET /api/sources`: who may send, and what has come from whom.
//!
//! What came is counted since the start of the router, by the door itself. Of a key its end alone is ever told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::config::settings::Source;
use crate::spec::Rejected;

use super::access::{self, READ_OPS};
use super::answer::{self, Refusal};
use super::ops;
use super::state::State;

/// The path.
pub(super) const PATH: &str = "/api/sources";
/// Characters of a key that are told, where it is at least three times as long.
const TOLD: usize = 4;
/// Most sources that are kept: without a configuration a name is what a sender says.
const MOST: usize = 1_000;

/// One source as it is configured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Listed {
    name: Arc<str>,
    write_keys: Vec<String>,
    origins: Vec<String>,
}

/// What has come from one source.
#[derive(Debug, Clone, Default, Serialize)]
struct Seen {
    events_total: u64,
    last_event_at: Option<Timestamp>,
    last_error: Option<LastError>,
}

/// The last event that was set aside.
#[derive(Debug, Clone, Serialize)]
struct LastError {
    at: Timestamp,
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    listed: Listed,
    #[serde(flatten)]
    seen: Seen,
}

#[derive(Serialize)]
struct All {
    sources: Vec<Told>,
}

/// What has come from whom.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<BTreeMap<Arc<str>, Seen>>);

impl Ledger {
    /// Counts events that are stored.
    pub(super) fn took(&self, source: &Arc<str>, count: u64, at: Timestamp) {
        self.change(source, |seen| {
            seen.events_total += count;
            seen.last_event_at = Some(at);
        });
    }

    /// Keeps the last event that was set aside.
    pub(super) fn refused(&self, rejected: &[Rejected]) {
        let Some(last) = rejected.last() else { return };
        let Some(problem) = last.problems.first() else { return };
        let (code, message) = (problem.code.as_str(), problem.message.clone());
        self.change(&last.source, |seen| {
            seen.last_error = Some(LastError { at: last.at, code, message });
        });
    }

    fn change(&self, source: &Arc<str>, change: impl FnOnce(&mut Seen)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST || all.contains_key(source) {
            change(all.entry(Arc::clone(source)).or_default());
        }
    }

    fn all(&self) -> BTreeMap<Arc<str>, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns the sources as they may be told.
pub(super) fn listed(sources: &[Source]) -> Vec<Listed> {
    let one = |source: &Source| Listed {
        name: Arc::clone(&source.name),
        write_keys: source.write_keys.iter().map(masked).collect(),
        origins: source.origins.clone(),
    };
    sources.iter().map(one).collect()
}

/// Returns the end of a key that is long enough to have one.
fn masked(key: &SecretString) -> String {
    let characters: Vec<char> = key.expose_secret().chars().collect();
    let told = if characters.len() >= 3 * TOLD { TOLD } else { 0 };
    let end = characters.iter().skip(characters.len() - told);
    std::iter::once(&'…').chain(end).collect()
}

/// Puts the path into the application.
pub(super) fn register(config: &mut web::ServiceConfig) {
    let readable = web::resource(PATH).default_service(web::to(ops::only_get));
    config.service(readable.route(web::get().to(sources)).route(web::head().to(sources)));
}

/// `GET /api/sources`
async fn sources(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let told = tell(&request, &state);
    told.map_or_else(|refusal| answer::refuse(&refusal), |all| answer::json(StatusCode::OK, &all))
}

fn tell(request: &HttpRequest, state: &State) -> Result<All, Refusal> {
    let rights = access::check(request, &state.terms().server, READ_OPS)?;
    let mut seen = state.shared.ledger.all();
    let mut told = |listed: &Listed| Told {
        listed: listed.clone(),
        seen: seen.remove(&listed.name).unwrap_or_default(),
    };
    let mut sources: Vec<Told> = state.shared.terms().listed.iter().map(&mut told).collect();
    // Of names that are not configured, any more or at all.
    sources.extend(seen.into_iter().map(|(name, seen)| {
        let listed = Listed { name, write_keys: Vec::new(), origins: Vec::new() };
        Told { listed, seen }
    }));
    sources.retain(|source| rights.sites.hold(&source.listed.name));
    Ok(All { sources })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_key_its_end_is_told_where_the_rest_is_long() {
        let shown = |key: &str| masked(&SecretString::from(key));
        assert_eq!(shown("wk_live_web_123456789"), "…6789");
        assert_eq!(shown("wk_12345678"), "…");
        assert_eq!((shown(""), shown("ключ-от-магазина")), ("…".to_owned(), "…зина".to_owned()));
    }

    #[test]
    fn names_that_anybody_makes_up_are_not_kept_without_end() {
        let ledger = Ledger::default();
        for number in 0..2 * MOST {
            ledger.took(&format!("s{number}").into(), 1, Timestamp::UNIX_EPOCH);
        }
        ledger.took(&"s0".into(), 1, Timestamp::UNIX_EPOCH);
        let all = ledger.all();
        assert_eq!((all.len(), all.get("s0").map(|seen| seen.events_total)), (MOST, Some(2)));
    }
}
