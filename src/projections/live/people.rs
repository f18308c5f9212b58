//! Who is here: of every visitor of the last half hour the second and the page of the last event.
//!
//! 17 bytes a visitor in a table that is at most twice as large as it need be. Beyond the cap newcomers are not kept, and
//! until half an hour after the last of them the numbers are estimates from the minutes' sketches.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::PageNow;
use super::keyed::Keyed;
use super::places::Places;
use super::rings::Rings;
use super::sight::Sight;
use crate::projections::active::MAX_LATE_MS;

const SECOND_MS: i64 = 1_000;
const LONGEST_S: i64 = 1_800;
/// A page shows who was seen on it within this time.
const PAGE_S: i64 = 300;
/// How often those who have gone are looked for.
const TIDY_MS: i64 = 30_000;

/// When and where a visitor was seen last.
#[derive(Debug, Clone, Copy)]
struct Mark {
    second: u32,
    place: u32,
}

/// See the module.
pub(super) struct People {
    most: usize,
    marks: Keyed<Mark>,
    places: Places,
    /// When a visitor was last not kept.
    refused_at: Option<i64>,
    tidied: i64,
}

/// Returns what stands for a visitor of a site.
pub(super) fn key(site: usize, visitor: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (site, visitor).hash(&mut hasher);
    hasher.finish()
}

impl People {
    pub(super) fn new(most: usize) -> People {
        People { most, marks: Keyed::default(), places: Places::default(), refused_at: None, tidied: 0 }
    }

    /// Takes an event of a visitor who was there. Returns whether it came in time to show that.
    pub(super) fn see(&mut self, (site, key): (usize, u64), sight: &Sight<'_>, rings: &mut Rings) -> bool {
        if sight.at.saturating_sub(sight.ts) > MAX_LATE_MS {
            return false;
        }
        let seen = sight.ts.min(sight.at).div_euclid(SECOND_MS);
        let Ok(second) = u32::try_from(seen) else { return false };
        let page = sight.path.as_deref();
        let is_full = self.marks.len() >= self.most;
        match self.marks.get_mut(&key) {
            Some(mark) if mark.second > second => {}
            Some(mark) => {
                rings.leave(i64::from(mark.second));
                rings.enter(seen);
                mark.second = second;
                if let Some(page) = page {
                    mark.place = self.places.of(site, page);
                }
            }
            None if is_full => self.refused_at = Some(sight.at),
            None => {
                let place = match page {
                    Some(page) => self.places.of(site, page),
                    None => self.places.nowhere(site),
                };
                self.marks.insert(key, Mark { second, place });
                rings.enter(seen);
            }
        }
        true
    }

    /// Returns whether not everybody of the last half hour is known.
    pub(super) fn is_estimated(&self, now: i64) -> bool {
        self.refused_at.is_some_and(|at| now - at < LONGEST_S * SECOND_MS)
    }

    pub(super) fn known(&self) -> usize {
        self.marks.len()
    }

    /// Returns the bytes of the table: it fills seven eighths of a power of two, with a byte beside each entry.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let entry = std::mem::size_of::<(u64, Mark)>() + 1;
        self.marks.capacity() * 8 / 7 * entry
    }

    /// Forgets who has gone, now and then.
    pub(super) fn tidy(&mut self, now: i64) {
        if now - self.tidied < TIDY_MS {
            return;
        }
        self.tidied = now;
        let gone = now.div_euclid(SECOND_MS) - LONGEST_S;
        self.marks.retain(|_, mark| i64::from(mark.second) > gone);
        if self.marks.capacity() / 4 > self.marks.len() {
            self.marks.shrink_to(self.marks.len() * 2);
        }
        let mut used = vec![0_u64; self.places.len()];
        self.marks.values().for_each(|mark| count(&mut used, mark.place));
        if let Some(others) = self.places.tidy(&used) {
            self.marks.values_mut().for_each(|mark| mark.place = others.now(mark.place));
        }
    }

    /// Returns for each of so many sites the pages with the most visitors.
    pub(super) fn pages(&self, now: i64, sites: usize, most: usize) -> Vec<Vec<PageNow>> {
        let now = now.div_euclid(SECOND_MS);
        let mut used = vec![0_u64; self.places.len()];
        let is_here = |mark: &&Mark| i64::from(mark.second) > now - PAGE_S && i64::from(mark.second) <= now;
        self.marks.values().filter(is_here).for_each(|mark| count(&mut used, mark.place));
        let mut pages = vec![Vec::new(); sites];
        for ((site, path), visitors) in self.places.all().zip(used) {
            let Some(pages) = pages.get_mut(site).filter(|_| visitors > 0) else { continue };
            path.into_iter().for_each(|path| pages.push(PageNow { path: path.to_owned(), visitors }));
        }
        for pages in &mut pages {
            pages.sort_by(|one, other| {
                other.visitors.cmp(&one.visitors).then_with(|| one.path.cmp(&other.path))
            });
            pages.truncate(most);
        }
        pages
    }
}

fn count(used: &mut [u64], place: u32) {
    usize::try_from(place).ok().and_then(|at| used.get_mut(at)).into_iter().for_each(|count| *count += 1);
}
