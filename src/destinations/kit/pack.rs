//! Cuts items into bodies that the other side takes. Pure.

use bytes::Bytes;

/// What one body may hold, and what stands around its items.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What stands before the first item: `{"batch":[`.
    pub head: &'a [u8],
    /// What stands after the last item: `]}`.
    pub tail: &'a [u8],
    /// Most items.
    pub max_items: usize,
    /// Most bytes, head and tail included. A single item that is larger goes alone.
    pub max_bytes: usize,
}

/// One item: the index of the event that it is of, and its JSON.
#[derive(Debug, Clone)]
pub struct Item {
    /// Index into the planned events. Items of one event stand side by side.
    pub event: usize,
    /// JSON.
    pub json: Vec<u8>,
    /// Whether it must not share a body with what came before.
    pub begins: bool,
}

/// One body, with the indexes of its events: each once, in order, whatever the number of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The body.
    pub body: Bytes,
    /// The events of the items, in order; of an item's index, the event is `items[index]`.
    pub items: Vec<usize>,
}

impl Packed {
    /// Returns the indexes of the events, each once.
    pub fn events(&self) -> Vec<usize> {
        let mut events = self.items.clone();
        events.dedup();
        events
    }
}

/// Returns the bodies, in the order of the items.
pub fn pack(items: impl IntoIterator<Item = Item>, frame: Frame<'_>) -> Vec<Packed> {
    let mut bodies = Vec::new();
    let mut open = Open::new(frame);
    for item in items {
        if !open.items.is_empty() && (item.begins || !open.takes(&item)) {
            bodies.push(open.close());
            open = Open::new(frame);
        }
        open.add(&item);
    }
    if !open.items.is_empty() {
        bodies.push(open.close());
    }
    bodies
}

/// A body that is being filled.
struct Open<'a> {
    frame: Frame<'a>,
    body: Vec<u8>,
    items: Vec<usize>,
}

impl<'a> Open<'a> {
    fn new(frame: Frame<'a>) -> Open<'a> {
        Open { frame, body: frame.head.to_vec(), items: Vec::new() }
    }

    fn takes(&self, item: &Item) -> bool {
        let bytes = self.body.len() + 1 + item.json.len() + self.frame.tail.len();
        self.items.len() < self.frame.max_items && bytes <= self.frame.max_bytes
    }

    fn add(&mut self, item: &Item) {
        if !self.items.is_empty() {
            self.body.push(b',');
        }
        self.body.extend_from_slice(&item.json);
        self.items.push(item.event);
    }

    fn close(mut self) -> Packed {
        self.body.extend_from_slice(self.frame.tail);
        Packed { body: self.body.into(), items: self.items }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(event: usize, json: &str) -> Item {
        Item { event, json: json.as_bytes().to_vec(), begins: false }
    }

    fn packed(items: Vec<Item>, max_items: usize, max_bytes: usize) -> Vec<(String, Vec<usize>)> {
        let frame = Frame { head: b"[", tail: b"]", max_items, max_bytes };
        let text = |packed: Packed| (String::from_utf8(packed.body.to_vec()).unwrap(), packed.items);
        pack(items, frame).into_iter().map(text).collect()
    }

    #[test]
    fn a_body_holds_as_many_items_and_bytes_as_it_may_and_not_one_more() {
        let items = || vec![item(0, "1"), item(1, "22"), item(1, "3"), item(2, "4")];
        let one = [("[1,22,3,4]".to_owned(), vec![0, 1, 1, 2])];
        assert_eq!(packed(items(), 4, 10), one);
        let two = [("[1,22,3]".to_owned(), vec![0, 1, 1]), ("[4]".to_owned(), vec![2])];
        assert_eq!(packed(items(), 4, 9), two);
        assert_eq!(packed(items(), 3, 10), two);
    }

    #[test]
    fn an_item_that_is_too_large_goes_alone() {
        let items = vec![item(0, "1"), item(1, "\"far too large\""), item(2, "2")];
        let bodies = packed(items, 9, 8);
        assert_eq!(bodies.iter().map(|(_, items)| items.clone()).collect::<Vec<_>>(), [[0], [1], [2]]);
    }

    #[test]
    fn an_item_that_begins_never_follows_another() {
        let items = vec![item(0, "1"), Item { begins: true, ..item(1, "2") }, item(2, "3")];
        let bodies = packed(items, 9, 99);
        assert_eq!(bodies, [("[1]".to_owned(), vec![0]), ("[2,3]".to_owned(), vec![1, 2])]);
        assert!(packed(Vec::new(), 9, 99).is_empty());
    }

    #[test]
    fn an_event_with_several_items_is_named_once() {
        let frame = Frame { head: b"", tail: b"", max_items: 9, max_bytes: 99 };
        let [packed] = pack(vec![item(0, "1"), item(0, "2"), item(3, "3")], frame).try_into().unwrap();
        assert_eq!(packed.events(), [0, 3]);
    }
}
