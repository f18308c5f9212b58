//! The attributes of one item, or of several where one item may not hold them all.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::json::{Json, Key};
use super::values::Values;
use super::{MAX_ITEM_BYTES, MAX_NAME_BYTES, Not};
use crate::destinations::kit::text::cut;

/// Attributes that are being written, one after the other.
pub(super) struct Sheet<'r> {
    pub(super) values: Values<'r>,
    /// Attributes of the item that is open.
    count: usize,
    /// What every item ends with.
    tail: Vec<u8>,
    /// How a further item begins, and the most attributes of one; `None` where there may be one item only.
    split: Option<(Vec<u8>, usize)>,
    done: Vec<Vec<u8>>,
    /// Where the attributes of the item that is open begin.
    begins: usize,
    /// Names of attributes that flattening made, which may make the same one twice.
    flattened: HashSet<String>,
}

impl<'r> Sheet<'r> {
    /// Begins behind what was written already, which ends with the brace of the attributes.
    pub(super) fn new(values: Values<'r>, tail: impl Into<Vec<u8>>) -> Sheet<'r> {
        let begins = values.out.len();
        let (tail, flattened) = (tail.into(), HashSet::new());
        Sheet { values, count: 0, tail, split: None, done: Vec::new(), begins, flattened }
    }

    /// Allows further items, that begin so and hold so many attributes.
    pub(super) fn splits(mut self, head: Vec<u8>, most: usize) -> Sheet<'r> {
        self.split = Some((head, most));
        self
    }

    /// Adds every member that is not among these.
    pub(super) fn add_all(&mut self, attributes: Json<'_>, except: &[&str]) {
        for (key, value) in attributes.members() {
            if !except.iter().any(|name| key.is(name)) {
                self.add(key, value);
            }
        }
    }

    /// Adds an attribute of our own.
    pub(super) fn add_own(&mut self, name: &str, write: impl FnOnce(&mut Values<'_>)) {
        if self.values.rules.drops.contains(name) {
            return;
        }
        let at = self.begin();
        self.values.string(name);
        self.values.raw(":");
        write(&mut self.values);
        self.end(at);
    }

    fn add(&mut self, key: Key<'_>, value: Json<'_>) {
        let above = self.values.enter(key);
        let flat = self.values.rules.flatten;
        if self.values.is_dropped() || key.raw().is_empty() {
            // Left out: nobody wants it, or it has no name, which makes the other side refuse the item.
        } else if flat && value.members().next().is_some() {
            value.members().for_each(|(key, value)| self.add(key, value));
        } else if !flat || self.is_first() {
            let at = self.begin();
            self.values.name(key, flat);
            self.values.value(value);
            self.end(at);
        }
        self.values.leave(above);
    }

    /// Returns whether no flattened attribute has the name of the present one.
    fn is_first(&mut self) -> bool {
        let name = cut(self.values.path(), MAX_NAME_BYTES);
        !self.flattened.contains(name) && self.flattened.insert(name.to_owned())
    }

    fn begin(&mut self) -> usize {
        let at = self.values.out.len();
        self.values.raw(if self.count == 0 { "" } else { "," });
        at
    }

    /// Moves the attribute that begins here to an item of its own when it is one too many, or leaves it out when no item
    /// may hold it.
    fn end(&mut self, at: usize) {
        self.count += 1;
        let Some((head, most)) = &self.split else { return };
        let bytes = self.bytes();
        let alone = head.len() + self.values.out.len() - at + self.tail.len();
        let is_hopeless = bytes > MAX_ITEM_BYTES && (self.count == 1 || alone > MAX_ITEM_BYTES);
        if is_hopeless && !self.values.rules.rejects {
            self.values.out.truncate(at);
            self.values.cuts += 1;
            self.count -= 1;
            return;
        }
        if self.count == 1 || (self.count <= *most && bytes <= MAX_ITEM_BYTES) {
            return;
        }
        let last = self.values.out.split_off(at);
        let mut full = std::mem::replace(&mut self.values.out, head.clone());
        full.extend_from_slice(&self.tail);
        self.done.push(full);
        self.values.out.extend_from_slice(last.strip_prefix(b",").unwrap_or(&last));
        self.count = 1;
    }

    fn bytes(&self) -> usize {
        self.values.out.len() + self.tail.len()
    }

    /// Leaves out the largest attributes of the item that is open until it is small enough.
    fn shrink(&mut self) {
        let mut excess = self.bytes().saturating_sub(MAX_ITEM_BYTES);
        if excess == 0 {
            return;
        }
        let written = self.values.out.split_off(self.begins);
        let text = format!("{{{}}}", String::from_utf8_lossy(&written));
        let members: Vec<(Key<'_>, Json<'_>)> = Json::of(&text).members().collect();
        let size = |(key, value): &(Key<'_>, Json<'_>)| key.raw().len() + value.raw().len() + r#""":,"#.len();
        let mut order: Vec<(usize, usize)> = members.iter().map(size).enumerate().collect();
        order.sort_by_key(|(_, bytes)| Reverse(*bytes));
        let is_needed = |(_, bytes): &(usize, usize)| {
            let is_needed = excess > 0;
            excess = excess.saturating_sub(*bytes);
            is_needed
        };
        let gone: HashSet<usize> = order.into_iter().take_while(is_needed).map(|(place, _)| place).collect();
        self.values.cuts += gone.len() as u64;
        self.count = 0;
        for (_, (key, value)) in members.iter().enumerate().filter(|(place, _)| !gone.contains(place)) {
            self.begin();
            self.values.raw(&format!("\"{}\":{}", key.raw(), value.raw()));
            self.count += 1;
        }
    }

    /// Returns the items, and how much was cut.
    ///
    /// # Errors
    /// Something is too large and may not, or cannot, be cut.
    pub(super) fn finish(mut self) -> Result<(Vec<Vec<u8>>, u64), Not> {
        if !self.values.rules.rejects && self.split.is_none() {
            self.shrink();
        }
        if let Some(why) = self.values.refused {
            return Err(Not::too_large(why));
        }
        let tail = if self.count == 0 { self.tail.strip_prefix(b",").unwrap_or(&self.tail) } else { &self.tail };
        self.values.out.extend_from_slice(tail);
        self.done.push(self.values.out);
        match self.done.iter().map(Vec::len).max() {
            Some(bytes) if bytes > MAX_ITEM_BYTES => {
                let why = format!("it would be {bytes} bytes there, and {MAX_ITEM_BYTES} are taken");
                Err(Not::too_large(why))
            }
            _ => Ok((self.done, self.values.cuts)),
        }
    }
}
