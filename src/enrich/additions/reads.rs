//! What is said of a `User-Agent` and its hints, read once for each worker, and never so much at once that a worker stops.
//!
//! The rules are hundreds of expressions: some tens of microseconds for a usual text, and milliseconds for one that is made to be
//! slow. A request whose texts are new and many is told so, and whoever serves it reads them on another thread and asks again.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use serde::Serialize;
use serde_json::Value;

use super::super::device::{Cache, Facts, Hints, OTHER, Reader};
use super::{LONGEST, json, put};
use crate::spec::additions::Members;

/// How many bytes of new texts one request may have read on its worker: some thirty browsers, or two of the longest texts. The
/// first text beyond is not read any more.
const ON_WORKER: usize = 4 << 10;
/// How many it may have read in all; what is beyond stays unknown. Some two thousand browsers, a fifth of a second.
const IN_ALL: usize = 256 << 10;
/// What a text costs at least: the rules are tried on a short one as well.
const LEAST_COST: usize = 128;
/// More of a text is not looked at.
const LONGEST_TEXT: usize = 2_048;

thread_local! {
    static KNOWN: RefCell<Cache<Known>> = RefCell::default();
}

/// What one request has had read.
#[derive(Debug, Default)]
pub struct Reads {
    spent: Cell<usize>,
    unread: RefCell<HashSet<(String, String)>>,
    /// Nothing more is read for it.
    is_over: bool,
}

impl Reads {
    /// For a request whose texts were read elsewhere: one that still is unknown stays so.
    pub fn over() -> Reads {
        Reads { is_over: true, ..Reads::default() }
    }

    /// Returns the texts that were too many, and forgets them.
    pub fn unread(&self) -> Unread {
        Unread(self.unread.take().into_iter().collect())
    }

    /// Returns whether this may be read now; otherwise it is noted.
    fn allows(&self, user_agent: &str, hints: &str) -> bool {
        let spent = self.spent.get();
        let cost = LEAST_COST.max(user_agent.len().min(LONGEST_TEXT) + hints.len().min(LONGEST_TEXT));
        if self.is_over || spent >= IN_ALL {
            return false;
        }
        if spent < ON_WORKER {
            self.spent.set(spent + cost);
            return true;
        }
        if self.unread.borrow_mut().insert((user_agent.to_owned(), hints.to_owned())) {
            self.spent.set(spent + cost);
        }
        false
    }
}

/// Texts that nobody has read yet, each with its hints.
#[derive(Debug, Default)]
pub struct Unread(Vec<(String, String)>);

/// Texts, and what they say.
#[derive(Debug)]
pub struct Answers(Vec<((String, String), Known)>);

impl Unread {
    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads them all, which takes its time.
    pub fn read(self, reader: &Reader) -> Answers {
        let answer = |text: (String, String)| {
            let known = Known::read(reader, &text.0, &text.1);
            (text, known)
        };
        Answers(self.0.into_iter().map(answer).collect())
    }
}

impl Answers {
    /// Lets the calling worker know them.
    pub fn keep(self) {
        KNOWN.with_borrow_mut(|cache| {
            for ((user_agent, hints), known) in self.0 {
                cache.get(&(user_agent.as_str(), hints.as_str()), || Some(known));
            }
        });
    }
}

/// Returns what these tell together; none where it is unknown and may not be read now.
pub(super) fn known(
    reader: &Reader,
    reads: Option<&Reads>,
    user_agent: &str,
    hints: &str,
) -> Option<Rc<Known>> {
    let read = || {
        let may = reads.is_none_or(|reads| reads.allows(user_agent, hints));
        may.then(|| Known::read(reader, user_agent, hints))
    };
    KNOWN.with_borrow_mut(|cache| cache.get(&(user_agent, hints), read))
}

/// What is said of one text, as it is written into an event.
#[derive(Debug)]
pub(super) struct Known {
    /// The members with their names, in the order in which they are written.
    members: Vec<(&'static str, String)>,
    /// All of them, for a context that has none.
    all: String,
    pub(super) bot: bool,
}

impl Known {
    fn read(reader: &Reader, user_agent: &str, hints: &str) -> Known {
        let hints = serde_json::from_str::<Value>(hints).map(|value| Hints::of(&value)).unwrap_or_default();
        Known::of(&reader.read(user_agent, &hints))
    }

    fn of(facts: &Facts) -> Known {
        let Facts { browser, os, device, bot } = facts;
        let browser = named(&browser.family, &[&browser.major, &browser.minor, &browser.patch]);
        let os = named(&os.family, &[&os.major, &os.minor, &os.patch]);
        let is_known = device.class.is_some() || known_family(&device.family).is_some();
        let device = Thing {
            class: device.class.and_then(|class| serde_json::to_value(class).ok()),
            brand: device.brand.as_deref(),
            model: device.model.as_deref(),
            family: known_family(&device.family),
        };
        let device = if is_known { json(&device) } else { None };
        let members = [("browser", browser), ("os", os), ("device", device)].into_iter();
        let said =
            |(name, text): (_, Option<String>)| Some((name, text.filter(|text| text.len() <= LONGEST)?));
        let members: Vec<(&str, String)> = members.filter_map(said).collect();
        let mut all = String::new();
        members.iter().for_each(|(name, text)| put(&mut all, name, text));
        Known { members, all, bot: *bot }
    }

    /// Adds what the context does not say itself. Comes first, so that nothing stands before it.
    pub(super) fn write(&self, context: &Members<'_>, members: &mut String) {
        if !self.members.iter().any(|(name, _)| context.has(name)) {
            return members.push_str(&self.all);
        }
        let missing = self.members.iter().filter(|(name, _)| !context.has(name));
        missing.for_each(|(name, text)| put(members, name, text));
    }
}

#[derive(Serialize)]
struct Named<'n> {
    name: &'n str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

#[derive(Serialize)]
struct Thing<'t> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    class: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'t str>,
}

fn known_family(family: &str) -> Option<&str> {
    Some(family).filter(|family| *family != OTHER)
}

fn named(family: &str, version: &[&Option<String>]) -> Option<String> {
    let parts: Vec<&str> = version.iter().map_while(|part| part.as_deref()).collect();
    json(&Named { name: known_family(family)?, version: (!parts.is_empty()).then(|| parts.join(".")) })
}
