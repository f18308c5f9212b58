//! Goes through the text of an event along the rules. What no rule concerns is copied as it stands.

use super::super::layout;
use super::pointer;
use super::value::{self, Hand};
use super::{Naming, Treatment};

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

    /// Returns the step that this name is, as the rule says it, and what is behind it.
    fn below(&self, name: &str, naming: Option<Naming>) -> Option<(&str, &Node)> {
        let Node::Below(below) = self else { return None };
        let exactly = below.iter().find(|(step, _)| **step == *name);
        let found = exactly.or_else(|| {
            let naming = naming?;
            below.iter().find(|(step, _)| naming.is_one(step, name))
        });
        found.map(|(step, node)| (&**step, node))
    }
}

/// Writes the text anew.
pub(super) struct Rewriter<'h> {
    hand: Hand<'h>,
    naming: Option<Naming>,
    out: Vec<u8>,
    /// Some rule found what it is about.
    hit: bool,
}

impl<'h> Rewriter<'h> {
    pub(super) fn new(hand: Hand<'h>, naming: Option<Naming>, size: usize) -> Self {
        Rewriter { hand, naming, out: Vec::with_capacity(size + 64), hit: false }
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
            // A number of a list is what it is.
            let below = node.below(&name, self.naming.filter(|_| !is_list));
            if matches!(below, Some((_, Node::Rule(Treatment::Drop)))) {
                self.hit = true;
                continue;
            }
            self.copy(if first { without_comma(lead) } else { lead });
            first = false;
            let value = raw.get(place).unwrap_or("null");
            match below {
                // What is sealed has the pointer of the rule in it: who reads it knows no other.
                Some((step, below)) => self.step(value, (step, if is_list { key } else { step }), below),
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
