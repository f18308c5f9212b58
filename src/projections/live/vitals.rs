//! How fast the pages of today feel: of each site, page, metric and class of device a sketch of what was measured, and how many
//! values were good, in between and poor.
//!
//! A page measures again while it is looked at, and its last word counts: what it said before is taken back, as long as it is
//! remembered. Bounded whatever pages say: so many pages of a site (those with the fewest values are counted together), so many
//! bins of all of them, so many last words. Never keeps a value, or who measured it.

mod tally;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::tz::TimeZone;

use super::Options;
use super::shop::day;
use super::sight::Sight;
use crate::projections::sketch::Bin;
use crate::projections::vitals::{self, Metric, Rating};
use crate::spec::Event;
pub use tally::{Group, Groups, Spread, Tally, VitalNow};

/// The event that tells a value.
const NAME: &str = "Web Vital";
/// The classes of devices that are told apart, and the one of all others.
const DEVICES: [&str; 7] = ["desktop", "mobile", "tablet", "tv", "console", "wearable", OTHER_DEVICE];
const OTHER_DEVICE: &str = "other";
/// Pages of a site that have sketches of their own.
pub const MOST_PAGES: usize = 500;
/// The name of all further ones.
pub const OTHER: &str = "(other)";
/// Bins of the sketches of all pages, 8 bytes each; there are 10 to 100 in a sketch unless somebody makes values up.
const MOST_BINS: usize = 1_000_000;
/// Last words that are remembered, about 30 bytes each; what is older is not taken back any more.
const MOST_WORDS: usize = 200_000;
/// Pages that are shown.
const SHOWN_PAGES: usize = 10;

/// What an event says that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Of what.
    pub group: Group,
    /// On which page; empty where that is not known.
    pub path: String,
    /// The view of the page, of which the last word counts; the event itself where it names none.
    pub view: String,
    /// How much.
    pub bin: Bin,
    /// What is thought of it.
    pub rating: Rating,
}

impl Reading {
    /// Reads an event; `None` of robots, and of one that tells no value.
    pub fn of(event: &Event, options: &Options) -> Option<Reading> {
        Reading::seen(&Sight::of(event, options)?)
    }

    /// Reads an event that was looked into.
    pub(super) fn seen(sight: &Sight<'_>) -> Option<Reading> {
        if sight.event != NAME {
            return None;
        }
        let glance = &sight.glance;
        let [name, value] = glance.properties.pick(["name", "value"]);
        let metric = vitals::known(&name.text()?.to_ascii_uppercase())?;
        let value = value.as_f64()?;
        let device = glance.context.device.get("type").text().unwrap_or_default();
        let view = glance.context.page_view_id.text().filter(|view| !view.is_empty());
        Some(Reading {
            group: (metric, device_of(&device)),
            path: sight.path.as_deref().unwrap_or_default().to_owned(),
            view: view.as_deref().unwrap_or(&glance.event.head.message_id).to_owned(),
            bin: Bin::of(value)?,
            rating: Metric::named(metric)?.rating(value),
        })
    }
}

/// Returns the group of these names; none where the metric is not known.
pub fn group(metric: &str, device: &str) -> Option<Group> {
    Some((vitals::known(metric)?, device_of(device)))
}

/// Returns every group that there is.
pub fn groups() -> impl Iterator<Item = Group> {
    vitals::names().flat_map(|metric| DEVICES.iter().map(move |device| (metric, *device)))
}

fn device_of(said: &str) -> &'static str {
    DEVICES.iter().find(|device| **device == said).copied().unwrap_or(OTHER_DEVICE)
}

/// See the module.
pub(super) struct Vitals {
    time_zone: TimeZone,
    /// The present day, from its midnight to the next.
    day: (i64, i64),
    sites: BTreeMap<usize, Site>,
    /// What each metric of each view said last, and in which order they were met.
    words: HashMap<u64, Word>,
    order: VecDeque<u64>,
    /// Of the pages' sketches.
    bins: usize,
    most_bins: usize,
    most_words: usize,
    /// The number of the newest page.
    number: u32,
}

#[derive(Default)]
struct Site {
    all: Groups,
    others: Groups,
    pages: Vec<Option<Page>>,
    places: HashMap<Box<str>, usize>,
}

/// A page that has sketches of its own.
struct Page {
    path: Box<str>,
    /// Another page in the same place has another number.
    number: u32,
    /// Its values, and at most so many of pages that were there before it.
    weight: u64,
    groups: Groups,
}

/// Where a value is counted.
#[derive(Clone, Copy)]
struct Word {
    site: u16,
    place: u16,
    number: u32,
    group: Group,
    bin: Bin,
    rating: Rating,
}

impl Vitals {
    pub(super) fn new(options: &Options) -> Vitals {
        Vitals {
            time_zone: options.time_zone.clone(),
            day: (0, 0),
            sites: BTreeMap::new(),
            words: HashMap::new(),
            order: VecDeque::new(),
            bins: 0,
            most_bins: MOST_BINS,
            most_words: MOST_WORDS,
            number: 0,
        }
    }

    /// Takes the next event, where it tells a value of today.
    pub(super) fn take(&mut self, site: usize, sight: &Sight<'_>, clock: i64) {
        let Some(reading) = Reading::seen(sight) else { return };
        self.turn_day(clock);
        if sight.ts >= self.day.0 && sight.ts < self.day.1 {
            self.count(site, &reading);
        }
    }

    /// Begins a new day when the present one is over.
    pub(super) fn turn_day(&mut self, clock: i64) {
        if clock < self.day.1 {
            return;
        }
        self.day = day(clock, &self.time_zone);
        self.sites.clear();
        self.words.clear();
        self.order.clear();
        self.bins = 0;
    }

    /// Returns what is known of one site, or of all, with the pages that have the most values.
    pub(super) fn tally(&self, site: Option<usize>) -> Tally {
        let wanted = self.sites.iter().filter(|(place, _)| site.is_none_or(|site| site == **place));
        let mut sum = Tally::default();
        wanted.for_each(|(_, site)| sum.merge(&site.tally()));
        sum.keep_largest(SHOWN_PAGES);
        sum
    }

    #[expect(clippy::cast_possible_truncation, reason = "there are 64 sites, and 500 places")]
    fn count(&mut self, site: usize, reading: &Reading) {
        let key = key(site, reading);
        let before = self.words.get(&key).copied();
        before.into_iter().for_each(|word| self.take_back(&word));
        let place = self.place(site, &reading.path);
        let Some(pages) = self.sites.get_mut(&site) else { return };
        let Reading { group, bin, rating, .. } = *reading;
        pages.all.add(group, bin, rating);
        let page = place.and_then(|place| pages.pages.get_mut(place)?.as_mut());
        let number = match page {
            Some(page) => {
                page.weight += u64::from(before.is_none());
                self.bins += usize::from(page.groups.add(group, bin, rating));
                page.number
            }
            None => {
                pages.others.add(group, bin, rating);
                0
            }
        };
        let place = place.unwrap_or_default() as u16;
        self.remember(key, Word { site: site as u16, place, number, group, bin, rating });
        if self.bins > self.most_bins {
            self.make_room();
        }
    }

    fn remember(&mut self, key: u64, word: Word) {
        if self.words.insert(key, word).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.most_words {
            let oldest = self.order.pop_front();
            oldest.and_then(|oldest| self.words.remove(&oldest));
        }
    }

    fn take_back(&mut self, word: &Word) {
        let Some(site) = self.sites.get_mut(&usize::from(word.site)) else { return };
        let Word { group, bin, rating, number, .. } = *word;
        site.all.take_back(group, bin, rating);
        let page = site.pages.get_mut(usize::from(word.place)).and_then(Option::as_mut);
        match page.filter(|page| page.number == number) {
            Some(page) => {
                let less = usize::from(page.groups.take_back(group, bin, rating));
                self.bins = self.bins.saturating_sub(less);
            }
            None => {
                site.others.take_back(group, bin, rating);
            }
        }
    }

    /// Returns the place of a page. When there are too many, it takes that of the page with the fewest values, and their
    /// number with it: whatever has more of them than an even share of all keeps its place (Metwally, Agrawal and El Abbadi,
    /// ICDT 2005).
    fn place(&mut self, site: usize, path: &str) -> Option<usize> {
        let pages = self.sites.entry(site).or_default();
        if path == OTHER {
            return None;
        }
        if let Some(place) = pages.places.get(path) {
            return Some(*place);
        }
        let mut weight = 0;
        if pages.places.len() >= MOST_PAGES {
            let place;
            (weight, place) = pages.lightest()?;
            self.bins = self.bins.saturating_sub(pages.give_up(place));
        }
        self.number = self.number.wrapping_add(1).max(1);
        let groups = Groups::default();
        Some(pages.open(Page { path: path.into(), number: self.number, weight, groups }))
    }

    /// Counts the lighter half of all pages together.
    fn make_room(&mut self) {
        let mut all: Vec<(u64, usize, usize)> = Vec::new();
        for (at, site) in &self.sites {
            let pages = site.pages.iter().enumerate();
            all.extend(pages.filter_map(|(place, page)| Some((page.as_ref()?.weight, *at, place))));
        }
        all.sort_unstable();
        for (_, at, place) in all.iter().take(all.len().div_ceil(2)) {
            let freed = self.sites.get_mut(at).map(|site| site.give_up(*place)).unwrap_or_default();
            self.bins = self.bins.saturating_sub(freed);
        }
    }
}

impl Site {
    fn open(&mut self, page: Page) -> usize {
        let place = self.pages.iter().position(Option::is_none).unwrap_or(self.pages.len());
        self.places.insert(page.path.clone(), place);
        match self.pages.get_mut(place) {
            Some(free) => *free = Some(page),
            None => self.pages.push(Some(page)),
        }
        place
    }

    fn lightest(&self) -> Option<(u64, usize)> {
        let pages = self.pages.iter().enumerate();
        pages.filter_map(|(place, page)| Some((page.as_ref()?.weight, place))).min()
    }

    /// Counts a page with the others. Returns how many bins it had.
    fn give_up(&mut self, place: usize) -> usize {
        let Some(page) = self.pages.get_mut(place).and_then(Option::take) else { return 0 };
        self.places.remove(&page.path);
        self.others.merge(&page.groups);
        page.groups.bins()
    }

    fn tally(&self) -> Tally {
        let pages = self.pages.iter().flatten().map(|page| (page.path.to_string(), page.groups.clone()));
        let others = Some((OTHER.to_owned(), self.others.clone()));
        let mut tally = Tally { all: self.all.clone(), pages: pages.chain(others).collect() };
        tally.keep_largest(SHOWN_PAGES);
        tally
    }
}

/// What is the same of two words of one view.
fn key(site: usize, reading: &Reading) -> u64 {
    let mut hasher = DefaultHasher::new();
    (site, &reading.view, reading.group.0).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
