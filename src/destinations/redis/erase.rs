//! Forgetting people: their presence and open sessions, and their entries in the stream of a site.
//!
//! Separate from moving numbers because it goes over all sites. Counters and sketches stay: nobody can be read out of them.

use std::sync::Arc;

use redis::{Script, cmd};

use super::kept;
use super::map::short;
use super::plan::key;
use super::store::Store;
use crate::destinations::{BoxFuture, Erase, Failure};
use crate::spec::People;

const ERASE: &str = include_str!("erase.lua");
/// Visitors of one call, since nobody else is served while the script runs.
const MOST: usize = 100;
/// Keys that the server looks at before it answers.
const LOOK_AT: usize = 1_000;
const SEEN: &str = "seen";
const STREAM: &str = "stream";

/// Erases from a Redis.
pub(super) struct Eraser(pub(super) Arc<Store>);

impl Erase for Eraser {
    fn erase(&self, people: Arc<People>) -> BoxFuture<Result<u64, String>> {
        let store = Arc::clone(&self.0);
        Box::pin(async move { erase(&store, &people).await.map_err(|failure| failure.message) })
    }
}

async fn erase(store: &Store, people: &People) -> Result<u64, Failure> {
    let script = Script::new(ERASE);
    let visitors: Vec<String> = people.ids().map(|id| short(id).into_owned()).collect();
    let mut erased = 0;
    for site in sites(store).await? {
        for visitors in visitors.chunks(MOST) {
            let fixed = [SEEN, "page", "pages", kept::SESSIONS, STREAM, "stream:left"].map(str::to_owned);
            let sessions = visitors.iter().map(|visitor| format!("sess:{visitor}"));
            let keys: Vec<String> = fixed.into_iter().chain(sessions).map(|name| key(&site, &name)).collect();
            let argument = serde_json::to_string(visitors).unwrap_or_default();
            erased += store.line.run::<u64>(&script, ERASE, &keys, &argument).await?;
        }
    }
    Ok(erased)
}

/// Returns the sites of which anything about a visitor is kept. Whoever is seen or has a session is in one of the first two; an entry
/// of the stream outlives both.
async fn sites(store: &Store) -> Result<Vec<String>, Failure> {
    let mut sites = std::collections::BTreeSet::new();
    for name in [SEEN, kept::SESSIONS, STREAM] {
        let mut cursor = 0_u64;
        loop {
            let scan = cmd("SCAN").arg(cursor).arg("MATCH").arg(format!("ot:{{*}}:{name}")).arg("COUNT").arg(LOOK_AT).to_owned();
            let (next, keys): (u64, Vec<String>) = store.line.ask(&scan).await?;
            let end = format!("}}:{name}");
            let site = |key: &String| Some(key.strip_prefix("ot:{")?.strip_suffix(&end)?.to_owned());
            sites.extend(keys.iter().filter_map(site));
            if next == 0 {
                break;
            }
            cursor = next;
        }
    }
    Ok(sites.into_iter().collect())
}
