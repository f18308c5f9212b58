//! The pages that visitors are on, each by a number, at most so many.
//!
//! When they become too many, those with the fewest visitors are counted together: a crawl through a million addresses
//! cannot push a page out that people are on.

use std::collections::HashMap;

/// Most pages of all sites together.
const MOST: usize = 10_000;
/// The name of those that are counted together.
const OTHER: &str = "(other)";

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Places {
    all: Vec<Place>,
    /// By site, then by path; the path is empty where nothing is known of it.
    numbers: Vec<HashMap<Box<str>, u32>>,
    /// How many of them there are.
    count: usize,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place {
    site: usize,
    path: Box<str>,
}

/// Where visitors are whose page is counted with others now.
pub(super) struct Moved(HashMap<u32, u32>);

impl Moved {
    /// Returns the present number of a place.
    pub(super) fn now(&self, place: u32) -> u32 {
        self.0.get(&place).copied().unwrap_or(place)
    }
}

impl Places {
    /// Returns how many numbers there are, used or not.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns every place by its number: its site, and its path where there is one.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, Option<&str>)> {
        self.all.iter().map(|place| (place.site, Some(&*place.path).filter(|path| !path.is_empty())))
    }

    /// Returns the number of a page.
    pub(super) fn of(&mut self, site: usize, path: &str) -> u32 {
        // Two of each site are always there: nowhere, and the others.
        let is_full = self.count >= MOST;
        match self.find(site, path) {
            Some(number) => number,
            None if is_full => self.numbered(site, OTHER),
            None => self.numbered(site, path),
        }
    }

    /// Returns the number of no page.
    pub(super) fn nowhere(&mut self, site: usize) -> u32 {
        self.numbered(site, "")
    }

    /// Gives up numbers that nobody uses, and when pages are still too many, those that few use: these are told.
    pub(super) fn tidy(&mut self, used: &[u64]) -> Option<Moved> {
        let uses =
            |number: u32| usize::try_from(number).ok().and_then(|at| used.get(at)).copied().unwrap_or(0);
        let unused: Vec<(usize, Box<str>)> = self
            .numbered_pages()
            .filter(|(_, _, number)| uses(*number) == 0)
            .map(|(site, path, _)| (site, path.into()))
            .collect();
        unused.iter().for_each(|key| self.forget(key));
        if self.count < MOST - MOST / 10 {
            return None;
        }
        let mut pages: Vec<(u64, usize, Box<str>)> = self
            .numbered_pages()
            .filter(|(_, path, _)| !path.is_empty() && *path != OTHER)
            .map(|(site, path, number)| (uses(number), site, path.into()))
            .collect();
        pages.sort();
        let mut moved = HashMap::new();
        for (_, site, path) in pages.into_iter().take(MOST / 2) {
            let others = self.numbered(site, OTHER);
            let key = (site, path);
            moved.extend(self.find(key.0, &key.1).map(|number| (number, others)));
            self.forget(&key);
        }
        Some(Moved(moved))
    }

    fn find(&self, site: usize, path: &str) -> Option<u32> {
        self.numbers.get(site)?.get(path).copied()
    }

    fn numbered_pages(&self) -> impl Iterator<Item = (usize, &str, u32)> {
        let sites = self.numbers.iter().enumerate();
        sites.flat_map(|(site, pages)| pages.iter().map(move |(path, number)| (site, &**path, *number)))
    }

    fn numbered(&mut self, site: usize, path: &str) -> u32 {
        if let Some(number) = self.find(site, path) {
            return number;
        }
        let place = Place { site, path: path.into() };
        let number = match self.free.pop() {
            Some(number) => number,
            None => u32::try_from(self.all.len()).unwrap_or(u32::MAX),
        };
        match usize::try_from(number).ok().and_then(|at| self.all.get_mut(at)) {
            Some(slot) => *slot = place,
            None => self.all.push(place),
        }
        if self.numbers.len() <= site {
            self.numbers.resize_with(site + 1, HashMap::new);
        }
        let fresh = self.numbers.get_mut(site).map(|pages| pages.insert(path.into(), number));
        self.count += usize::from(fresh == Some(None));
        number
    }

    fn forget(&mut self, key: &(usize, Box<str>)) {
        let gone = self.numbers.get_mut(key.0).and_then(|pages| pages.remove(&key.1));
        self.count -= usize::from(gone.is_some());
        self.free.extend(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_few_are_on_is_counted_together_and_what_many_are_on_stays() {
        let mut places = Places::default();
        let popular = places.of(0, "/popular");
        let rare: Vec<u32> = (0..MOST - 1).map(|n| places.of(0, &format!("/{n}"))).collect();
        let other = places.of(0, "/one-too-many");
        assert_eq!(places.all().nth(other as usize), Some((0, Some("(other)"))));
        let mut used = vec![1; places.len()];
        used[popular as usize] = 9;
        let moved = places.tidy(&used).unwrap();
        assert_eq!(moved.now(popular), popular);
        let gone = rare.iter().filter(|number| moved.now(**number) == other).count();
        assert_eq!(gone, MOST / 2);
        assert!(places.count <= MOST);
        assert_ne!(places.of(0, "/new"), other);
    }

    #[test]
    fn what_nobody_is_on_gives_its_number_back() {
        let mut places = Places::default();
        let (one, two) = (places.of(0, "/a"), places.of(1, "/a"));
        assert_ne!(one, two);
        assert!(places.tidy(&[0, 1]).is_none());
        assert_eq!((places.of(0, "/b"), places.of(1, "/a"), places.len()), (one, two, 2));
    }
}
