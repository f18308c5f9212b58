//! Forgetting people: their presence, open sessions, ways and carts, and their entries in the stream of a site.
//!
//! Separate from moving numbers because it goes over all sites. Counters and sketches stay: nobody can be read out of them.
//! Entries go one by one, and the stream stays: other programs read it in groups, which end with the key.

use std::collections::BTreeSet;
use std::sync::Arc;

use redis::{Script, cmd};

use super::kept;
use super::map::short;
use super::plan::key;
use super::shop;
use super::store::Store;
use crate::destinations::{BoxFuture, Erase, Failure};
use crate::spec::People;

const ERASE: &str = include_str!("erase.lua");
/// Visitors of one call, since nobody else is served while the script runs.
const MOST: usize = 100;
/// Keys, and entries of a stream, that the server looks at before it answers.
const LOOK_AT: usize = 1_000;
const SEEN: &str = "seen";
const STREAM: &str = "stream";
/// Of an entry, whose it is.
const VISITOR: &[u8] = b"visitor";

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
    let whose: BTreeSet<&[u8]> = visitors.iter().map(String::as_bytes).collect();
    let mut erased = 0;
    for site in sites(store).await? {
        for visitors in visitors.chunks(MOST) {
            let argument = serde_json::to_string(visitors).unwrap_or_default();
            erased += store.line.run::<u64>(&script, ERASE, &keys(&site, visitors), &argument).await?;
        }
        erased += unstream(store, &key(&site, STREAM), &whose).await?;
    }
    Ok(erased)
}

/// Returns the keys of one call of the script: those of the site in their places, and then three of each visitor.
fn keys(site: &str, visitors: &[String]) -> Vec<String> {
    let fixed = [SEEN, "page", "pages", kept::SESSIONS, shop::CARTS].map(str::to_owned);
    let own = |visitor: &String| ["sess", "way", "cart"].map(|what| format!("{what}:{visitor}"));
    let names = fixed.into_iter().chain(levels()).chain(visitors.iter().flat_map(own));
    names.map(|name| key(site, &name)).collect()
}

fn levels() -> impl Iterator<Item = String> {
    (1..=shop::STEPS).map(shop::level_key)
}

/// Deletes the entries of these visitors; returns how many there were. What comes in meanwhile is behind the last one that is read.
async fn unstream(store: &Store, stream: &str, whose: &BTreeSet<&[u8]>) -> Result<u64, Failure> {
    let (mut from, mut erased) = ("-".to_owned(), 0);
    loop {
        let range = cmd("XRANGE").arg(stream).arg(&from).arg("+").arg("COUNT").arg(LOOK_AT).to_owned();
        let entries: Vec<(String, Vec<Vec<u8>>)> = store.line.ask(&range).await?;
        let is_theirs = |fields: &[Vec<u8>]| {
            let mut fields = fields.chunks(2);
            fields.any(|field| matches!(field, [name, visitor] if name == VISITOR && whose.contains(visitor.as_slice())))
        };
        let theirs: Vec<&String> =
            entries.iter().filter(|(_, fields)| is_theirs(fields)).map(|(id, _)| id).collect();
        if !theirs.is_empty() {
            erased += store.line.ask::<u64>(cmd("XDEL").arg(stream).arg(theirs)).await?;
        }
        match entries.last() {
            Some((last, _)) if entries.len() == LOOK_AT => from = format!("({last}"),
            _ => return Ok(erased),
        }
    }
}

/// Returns the sites of which anything about a visitor is kept: each thing has a key of the site, beside those of visitors.
async fn sites(store: &Store) -> Result<BTreeSet<String>, Failure> {
    let ends: Vec<String> = [SEEN, kept::SESSIONS, STREAM, shop::CARTS].map(str::to_owned).into_iter().chain(levels()).collect();
    let site = |key: &String| {
        let rest = key.strip_prefix("ot:{")?;
        let site = ends.iter().find_map(|name| rest.strip_suffix(name)?.strip_suffix("}:"))?;
        // No site has a brace in its name: a visitor has made such an id up, and each would be a site more.
        (!site.contains('}')).then(|| site.to_owned())
    };
    let (mut sites, mut cursor) = (BTreeSet::new(), 0_u64);
    loop {
        let scan = cmd("SCAN").arg(cursor).arg("MATCH").arg("ot:{*}:*").arg("COUNT").arg(LOOK_AT).to_owned();
        let (next, keys): (u64, Vec<String>) = store.line.ask(&scan).await?;
        sites.extend(keys.iter().filter_map(site));
        if next == 0 {
            return Ok(sites);
        }
        cursor = next;
    }
}
