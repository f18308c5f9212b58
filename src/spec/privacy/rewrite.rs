//! Goes through the text of an event along the rules. What no rule concerns is copied as it stands.

use super::super::layout;
use super::Treatment;
use super::pointer;
use super::value::{self, Hand};

/// The rules as a tree of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// What is done with the whole value here.
    Rule(Treatment),
    /// What is done with some of its members.
    Below(Vec<(Box<str>, Node)>),
}

impl Node {
    pub(super) fn empty() -> Node {
        Node::Below(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Node::Below(below) if below.is_empty())
    }

    /// Adds a rule. None of the rules so far is on the way there or behind it.
    pub(super) fn insert(&mut self, steps: &[Box<str>], treatment: Treatment) {
        match (steps.split_first(), self) {
            (Some((step, rest)), Node::Below(below)) => {
                if below.iter().all(|(name, _)| name != step) {
                    below.push((step.clone(), Node::empty()));
                }
                let found = below.iter_mut().find(|(name, _)| name == step);
                found.into_iter().for_each(|(_, node)| node.insert(rest, treatment));
            }
            (_, node) => *node = Node::Rule(treatment),
        }
    }

    pub(super) fn has(&self, wanted: Treatment) -> bool {
        match self {
            Node::Rule(treatment) => *treatment == wanted,
            Node::Below(below) => below.iter().any(|(_, node)| node.has(wanted)),
        }
    }

    /// Adds the pointers of all rules that treat so; `path` leads here.
    pub(super) fn list(&self, wanted: Treatment, path: &str, fields: &mut Vec<String>) {
        match self {
            Node::Rule(treatment) if *treatment == wanted => fields.push(path.to_owned()),
            Node::Rule(_) => {}
            Node::Below(below) => {
                below.iter().for_each(|(name, node)| {
                    node.list(wanted, &format!("{path}/{}", pointer::escaped(name)), fields);
                });
            }
        }
    }

    fn below(&self, name: &str) -> Option<&Node> {
        match self {
            Node::Rule(_) => None,
            Node::Below(below) => below.iter().find(|(step, _)| **step == *name).map(|(_, node)| node),
        }
    }
}

/// Writes the text anew.
pub(super) struct Rewriter<'h> {
    hand: Hand<'h>,
    out: Vec<u8>,
    /// Some rule found what it is about.
    hit: bool,
}

impl<'h> Rewriter<'h> {
    pub(super) fn new(hand: Hand<'h>, size: usize) -> Self {
        Rewriter { hand, out: Vec::with_capacity(size + 64), hit: false }
    }

    /// Returns the new text; `None` when no rule has found anything.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        self.hit.then_some(self.out)
    }

    /// Appends the value that stands under this key. A member that is there twice is treated twice.
    pub(super) fn write(&mut self, raw: &str, key: &str, node: &Node) {
        if let Node::Rule(treatment) = node {
            self.hit = true;
            return value::write(raw, key, *treatment, &self.hand, &mut self.out);
        }
        let is_list = raw.starts_with('[');
        let Some(places) = layout::places(raw).or_else(|| layout::elements(raw)) else {
            // Nothing is within it.
            return self.copy(raw);
        };
        let (mut at, mut first) = (1, true);
        self.copy(raw.get(..1).unwrap_or_default());
        for (name, place) in places {
            let lead = raw.get(at..place.start).unwrap_or_default();
            at = place.end;
            let below = node.below(&name);
            if matches!(below, Some(Node::Rule(Treatment::Drop))) {
                self.hit = true;
                continue;
            }
            self.copy(if first { without_comma(lead) } else { lead });
            first = false;
            let value = raw.get(place).unwrap_or("null");
            match below {
                Some(below) => self.step(value, (&name, if is_list { key } else { &name }), below),
                None => self.copy(value),
            }
        }
        self.copy(raw.get(at..).unwrap_or_default());
    }

    /// Goes one step further along a pointer.
    fn step(&mut self, raw: &str, (name, key): (&str, &str), node: &Node) {
        let before = self.hand.field.len();
        self.hand.field.push('/');
        self.hand.field.push_str(&pointer::escaped(name));
        self.write(raw, key, node);
        self.hand.field.truncate(before);
    }

    fn copy(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}

/// What stood before the first one that is left may have been dropped, but for its comma.
fn without_comma(lead: &str) -> &str {
    lead.trim_start().strip_prefix(',').unwrap_or(lead)
}
