//! A batch becomes one call of the script for each site: everything that its events move, in one step that happens as a
//! whole or not at all. Pure.
//!
//! What is said of a visitor is said once, with the newest time and page. Names in a [`Load`] are those of keys behind
//! `ot:{site}:`; the braces keep all keys of a site in one slot of a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::Timestamp;
use serde::Serialize;

use super::shop::{self, Turn};
use super::kept::{self, Hit, Measured, Sessions, Sketches};
use super::map::{self, MAX_AGE_MS, Note};
use crate::destinations::{Attempt, Plan, Planned};
use crate::policy::outcome::Reason;
use crate::projections::active::MAX_LATE_MS;
use crate::projections::live::Options;
use crate::spec::Event;

/// Most events of one call, since nobody else is served while the script runs.
const MOST_EVENTS: usize = 500;

/// How long the counters of a minute are kept, in seconds.
const KEEP_MINUTE: u32 = 7_200;
/// How long it is remembered what was counted: an event is sent again until it is older than [`MAX_AGE_MS`], and a while after.
const KEEP_MARK: u32 = 7_500;
/// How long presence is kept where nobody comes any more: longer than the longest window.
const KEEP_PRESENCE: u32 = 2_100;
/// Days and hours of unique visitors.
const KEEP_DAY: u32 = 35 * 86_400;
const KEEP_HOUR: u32 = 2 * 86_400;
/// Most entries of the stream, about.
const KEEP_STREAM: u32 = 10_000;
/// Most visitors whose presence is kept; beyond, those who were seen longest ago are pushed out.
const MOST_VISITORS: u32 = 1_000_000;

/// One request.
#[derive(Debug)]
pub enum Request {
    /// Moves the numbers of one site.
    Move(Box<Load>),
    /// Tries address, credentials and rights, and changes nothing.
    Probe,
}

/// What one call of the script is given.
#[derive(Debug, PartialEq)]
pub struct Load {
    /// The name of the source.
    pub(super) site: String,
    pub(super) argument: Argument,
}

/// The script's only argument, as JSON. Numbers that must be exact are texts.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Argument {
    keep: Keep,
    /// Who was seen last then or before is in no window any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<String>,
    /// Only where an event is part of a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<Sessions>,
    /// Only where something was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    vitals: Option<Sketches>,
    /// Only where something is bought, or may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    shop: Option<shop::Rules>,
    visitors: Vec<Visitor>,
    uniques: Vec<Unique>,
    events: Vec<Counted>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Keep {
    minute: u32,
    mark: u32,
    presence: u32,
    stream: u32,
    visitors: u32,
}

/// When and where somebody was seen last.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Visitor {
    id: String,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

/// The visitors of a day or an hour.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Unique {
    key: String,
    keep: u32,
    ids: Vec<String>,
}

/// One event that is counted.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Counted {
    mark: String,
    minute: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Bought>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hit: Option<Hit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vital: Option<Measured>,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<Turn>,
    /// Fields and values of its entry in the stream.
    entry: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Bought {
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revenue: Option<(String, String)>,
}

/// Plans a batch.
pub(super) fn plan(events: &[Arc<Event>], attempt: &Attempt, options: &Options) -> Plan<Request> {
    let mut plan = Plan::default();
    let mut sites: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        if map::age(event, attempt.at) > MAX_AGE_MS {
            plan.skipped.push((index, Reason::TooOld));
        } else {
            sites.entry(&event.receipt.source).or_default().push(index);
        }
    }
    for (site, indexes) in sites {
        plan.requests.extend(indexes.chunks(MOST_EVENTS).map(|indexes| {
            let notes = indexes.iter().filter_map(|index| events.get(*index));
            let mut notes: Vec<Note<'_>> = notes.map(|event| map::note(event, options)).collect();
            let argument = argument(&mut notes, attempt.at, options);
            let load = Box::new(Load { site: name(site), argument });
            Planned { request: Request::Move(load), events: indexes.to_vec() }
        }));
    }
    plan
}

/// A brace in the name would end what decides about the slot.
fn name(site: &str) -> String {
    site.replace(['{', '}'], "_")
}

fn argument(notes: &mut [Note<'_>], now: Timestamp, options: &Options) -> Argument {
    // What arrives too late to show anybody is at least as old as it is late.
    let still = |note: &&Note<'_>| note.is_here && now.as_millisecond() - note.at < MAX_LATE_MS;
    let newest = notes.iter().filter(still).map(|note| note.at).max();
    Argument {
        keep: Keep {
            minute: KEEP_MINUTE,
            mark: KEEP_MARK,
            presence: KEEP_PRESENCE,
            stream: KEEP_STREAM,
            visitors: MOST_VISITORS,
        },
        gone: newest.map(|newest| (newest - MAX_LATE_MS).to_string()),
        sessions: kept::sessions(notes, options),
        vitals: kept::sketches(notes),
        shop: shop::rules(notes, options),
        visitors: visitors(notes.iter().filter(still)),
        uniques: uniques(notes),
        events: notes.iter_mut().map(|note| counted(note, options)).collect(),
    }
}

/// What is known of a visitor so far: when they were seen last, and the newest page with its time.
struct Last<'a> {
    at: i64,
    page: Option<(i64, &'a str)>,
}

/// Each visitor once: with the newest time, and with the newest page that is told.
fn visitors<'a>(notes: impl Iterator<Item = &'a Note<'a>>) -> Vec<Visitor> {
    let mut all: BTreeMap<&str, Last<'_>> = BTreeMap::new();
    for note in notes {
        let last = all.entry(&note.visitor).or_insert(Last { at: note.at, page: None });
        last.at = note.at.max(last.at);
        let newer = note.page.as_deref().filter(|_| last.page.is_none_or(|(before, _)| note.at >= before));
        newer.into_iter().for_each(|newer| last.page = Some((note.at, newer)));
    }
    let visitors = all.into_iter().map(|(id, last)| Visitor {
        id: id.to_owned(),
        at: last.at.to_string(),
        page: last.page.map(|(_, page)| page.to_owned()),
    });
    visitors.collect()
}

fn uniques(notes: &[Note<'_>]) -> Vec<Unique> {
    let mut of: BTreeMap<(String, u32), BTreeSet<&str>> = BTreeMap::new();
    for note in notes.iter().filter(|note| note.is_here) {
        for (key, keep) in [(day_key(note.at), KEEP_DAY), (hour_key(note.at), KEEP_HOUR)] {
            of.entry((key, keep)).or_default().insert(&note.visitor);
        }
    }
    let uniques = of.into_iter().map(|((key, keep), ids)| Unique {
        key,
        keep,
        ids: ids.into_iter().map(str::to_owned).collect(),
    });
    uniques.collect()
}

fn counted(note: &mut Note<'_>, options: &Options) -> Counted {
    let order = note.order.as_ref().map(|order| Bought {
        mark: order.id.as_ref().map(|id| format!("oid:{id}")),
        revenue: Some(order).filter(|order| order.cents != 0).map(|order| {
            (revenue_field(order.currency.as_deref()), order.cents.to_string())
        }),
    });
    let at = note.at.to_string();
    let pairs = [
        ("id", Some(&*note.id)),
        ("type", Some(note.kind)),
        ("event", note.name),
        ("visitor", Some(&*note.visitor)),
        ("page", note.page.as_deref()),
        ("at", Some(&*at)),
    ];
    let pairs = pairs.into_iter().filter_map(|(field, value)| Some([field.to_owned(), value?.to_owned()]));
    Counted { mark: format!("mid:{}", note.id), minute: minute_key(note.at), order, hit: kept::hit(note), vital: kept::measured(note, options), turn: note.turn.take(), entry: pairs.flatten().collect() }
}

/// Returns the field of a minute that adds up what was earned in a currency.
pub(super) fn revenue_field(currency: Option<&str>) -> String {
    currency.map_or("revenue-cents".to_owned(), |currency| format!("revenue-cents:{currency}"))
}

/// Returns the name of the counters of a minute: `m:202601020304`, in UTC.
pub(super) fn minute_key(at: i64) -> String {
    stamped("m:%Y%m%d%H%M", at)
}

/// Returns the name of the visitors of a day: `u:d:20260102`, in UTC.
pub(super) fn day_key(at: i64) -> String {
    stamped("u:d:%Y%m%d", at)
}

/// Returns the name of the visitors of an hour: `u:h:2026010203`, in UTC.
pub(super) fn hour_key(at: i64) -> String {
    stamped("u:h:%Y%m%d%H", at)
}

fn stamped(format: &str, at: i64) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

impl Load {
    /// Returns every key that the script may touch, but for sessions that end because there are too many; the first four have
    /// their places.
    pub(super) fn keys(&self) -> Vec<String> {
        let Argument { uniques, events, .. } = &self.argument;
        let kept: BTreeSet<String> = events.iter().flat_map(|event| {
            let hit = event.hit.iter().flat_map(Hit::keys);
            let vital = event.vital.iter().flat_map(Measured::keys);
            hit.chain(vital).chain(event.turn.iter().flat_map(Turn::keys)).collect::<Vec<_>>()
        }).collect();
        let fixed = ["seen", "page", "pages", "stream"].into_iter();
        let uniques = uniques.iter().map(|unique| unique.key.as_str());
        let minutes: BTreeSet<&str> = events.iter().map(|event| event.minute.as_str()).collect();
        let marks = events.iter().flat_map(|event| {
            let order = event.order.as_ref().and_then(|order| order.mark.as_deref());
            [Some(event.mark.as_str()), order].into_iter().flatten()
        });
        let kept_names = kept.iter().map(String::as_str);
        fixed.chain(uniques).chain(minutes).chain(marks).chain(kept_names).map(|name| key(&self.site, name)).collect()
    }

    /// Returns the argument as JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(&self.argument).unwrap_or_default()
    }
}

/// Returns the whole key.
pub(super) fn key(site: &str, name: &str) -> String {
    format!("ot:{{{}}}:{name}", self::name(site))
}
