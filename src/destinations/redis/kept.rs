//! What is kept of more than a number: the open session of each visitor, and the sketches of a day's web vitals. What the
//! script is told of an event for them, and what a reader makes of what it finds. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::map::{self, Note};
use crate::projections::live::Options;
use crate::projections::live::vitals::{self, Group, Groups, Spread, Tally};
use crate::projections::sketch::Bin;

/// The name of the sorted set of visitors with an open session: when the last event of it arrived.
pub(super) const SESSIONS: &str = "sessions";
/// How long the sketches of a day are kept after the last value, in seconds.
const KEEP_SKETCHES: u32 = 2 * 86_400;
/// How long a session is kept after its pause, in seconds.
const KEEP_SESSION_S: i64 = 60;
/// Most bins of a page's sketch: they span values of which the largest is 160 times the smallest.
const MOST_BINS: usize = 256;

/// Last words of views are remembered in one hash an hour, and looked for in that of the hour before: so long, in seconds, is
/// such a hash kept after its last newcomer.
const KEEP_WORDS: u32 = 7_200;
const WORDS_MS: i64 = 3_600_000;
/// Most words of an hour: two hours have as many as one router remembers. A view beyond them counts with each of its words.
const MOST_WORDS: usize = 100_000;
/// Most pages that are given up in one call: each costs about ten commands, and nobody else is served meanwhile. The values of
/// further new pages are those of other pages.
const MOST_EVICTIONS: usize = 50;

/// When sessions begin and end, for the script.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sessions {
    timeout: i64,
    longest: i64,
    campaign: bool,
    midnight: bool,
    offset: i64,
    /// How long one is kept, in seconds.
    keep: i64,
    /// What arrived last then or before belongs to no open session.
    ended: String,
}

/// What bounds the sketches, for the script.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sketches {
    keep: u32,
    pages: usize,
    bins: usize,
    evictions: usize,
    words: usize,
    keep_words: u32,
    groups: Vec<String>,
}

/// What an event says of a session.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Hit {
    visitor: String,
    at: String,
    arrived: String,
    active: bool,
    /// It tells how long a page was looked at.
    engaged: bool,
    identity: bool,
    view: bool,
    page: bool,
    conversion: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    engaged_ms: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
    /// The same set of pairs is the same text.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
}

/// One value of a web vital.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Measured {
    sketches: String,
    pages: String,
    /// Where last words are kept, and where they were an hour ago.
    words: String,
    words_before: String,
    /// The metric of the view whose last word it is.
    word: String,
    group: String,
    path: String,
    bin: String,
    /// 1 for good, 3 for poor: the place in the script's table.
    rating: u8,
}

impl Hit {
    /// Returns the names of the keys that it moves.
    pub(super) fn keys(&self) -> Vec<String> {
        vec![SESSIONS.to_owned(), format!("sess:{}", self.visitor)]
    }
}

impl Measured {
    /// Returns the names of the keys that it moves.
    pub(super) fn keys(&self) -> Vec<String> {
        [&self.sketches, &self.pages, &self.words, &self.words_before].map(Clone::clone).into()
    }
}

/// Returns the rules of sessions, where an event is part of one.
pub(super) fn sessions(notes: &[Note<'_>], options: &Options) -> Option<Sessions> {
    let arrived = notes.iter().filter(|note| note.hit.is_some()).map(|note| note.arrived).max()?;
    let rules = &options.sessions;
    Some(Sessions {
        timeout: rules.timeout_ms,
        longest: rules.max_length_ms,
        campaign: rules.new_on_campaign,
        midnight: rules.new_at_midnight,
        offset: rules.tz_offset_min.saturating_mul(60_000),
        keep: rules.timeout_ms / 1_000 + KEEP_SESSION_S,
        ended: (arrived - rules.timeout_ms - 1).to_string(),
    })
}

/// Returns the bounds of sketches, where something was measured.
pub(super) fn sketches(notes: &[Note<'_>]) -> Option<Sketches> {
    notes.iter().find(|note| note.reading.is_some())?;
    Some(Sketches {
        keep: KEEP_SKETCHES,
        pages: vitals::MOST_PAGES,
        bins: MOST_BINS,
        evictions: MOST_EVICTIONS,
        words: MOST_WORDS,
        keep_words: KEEP_WORDS,
        groups: vitals::groups().map(group_name).collect(),
    })
}

/// Returns what the event says of a session.
pub(super) fn hit(note: &Note<'_>) -> Option<Hit> {
    let hit = note.hit.as_ref()?;
    Some(Hit {
        visitor: note.visitor.to_string(),
        at: note.at.to_string(),
        arrived: note.arrived.to_string(),
        active: hit.is_active(),
        engaged: hit.is_engagement(),
        identity: hit.is_about_identity(),
        view: hit.is_view(),
        page: hit.kind == crate::spec::Kind::Page,
        conversion: hit.is_conversion(),
        engaged_ms: hit.engaged_ms.map(|ms| ms.to_string()),
        path: hit.path.as_deref().map(str::to_owned),
        referrer: hit.referrer.as_deref().map(str::to_owned),
        campaign: hit.campaign().and_then(|campaign| serde_json::to_string(&campaign).ok()),
    })
}

/// Returns what was measured.
pub(super) fn measured(note: &Note<'_>, options: &Options) -> Option<Measured> {
    let reading = note.reading.as_ref()?;
    let (sketches, pages) = day_keys(note.at, options);
    let hour = note.arrived.div_euclid(WORDS_MS);
    Some(Measured {
        sketches,
        pages,
        words: format!("words:{hour}"),
        words_before: format!("words:{}", hour - 1),
        word: map::digest(&format!("{}|{}", reading.group.0, reading.view)),
        group: group_name(reading.group),
        path: reading.path.clone(),
        bin: reading.bin.number().to_string(),
        rating: reading.rating as u8 + 1,
    })
}

/// Returns the names of the sketches and of the pages of a day, which is one of the router's time zone.
pub(super) fn day_keys(at: i64, options: &Options) -> (String, String) {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    let day = at.to_zoned(options.time_zone.clone()).strftime("%Y%m%d").to_string();
    (format!("sketch:v:{day}"), format!("sketch:p:{day}"))
}

fn group_name((metric, device): Group) -> String {
    format!("{metric}|{device}")
}

// === What a reader finds ===

/// Returns the fields of all pages together, and of each of these.
pub(super) fn fields(paths: &[String]) -> Vec<String> {
    let names = || vitals::groups().map(group_name);
    let all = names().map(|group| format!("={group}"));
    all.chain(paths.iter().flat_map(|path| names().map(move |group| format!("{group}|{path}")))).collect()
}

/// Returns what is known, from the contents of [`fields`] in their order.
pub(super) fn tally(paths: Vec<String>, texts: &[Option<String>]) -> Tally {
    let count = vitals::groups().count();
    let mut parts = texts.chunks(count).map(groups);
    let all = parts.next().unwrap_or_default();
    Tally { all, pages: paths.into_iter().zip(parts).collect() }
}

fn groups(texts: &[Option<String>]) -> Groups {
    let known = vitals::groups().zip(texts).filter_map(|(group, text)| Some((group, spread(text.as_deref()?)?)));
    Groups(known.collect::<BTreeMap<_, _>>())
}

/// Reads what the script has written.
fn spread(text: &str) -> Option<Spread> {
    let (rated, bins) = text.split_once(';')?;
    let rated: Vec<u64> = rated.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let mut spread = Spread { rated: rated.try_into().ok()?, ..Spread::default() };
    for pair in bins.split(',') {
        let (bin, count) = pair.split_once(':')?;
        spread.sketch.put(Bin::numbered(bin.parse().ok()?)?, count.parse().ok()?);
    }
    Some(spread)
}
