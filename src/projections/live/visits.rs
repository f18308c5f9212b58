//! The sessions that are open now, by the rules of [`session`].
//!
//! A slab of sessions and a list through it in the order of their last arrival: whoever is longest without an event is in
//! front, so that both the end of a pause and the cap cost the same however many sessions there are. A session ends when
//! its visitor begins another, when nothing has arrived for longer than the longest pause, or when there are too many.

use serde_json::{Value, json};

use super::keyed::Keyed;
use crate::projections::reading;
use crate::projections::session::{self, Hit, Options, Session, Step};

const NONE: u32 = u32::MAX;

/// See the module.
pub(super) struct Visits {
    options: Options,
    most: usize,
    salt: Vec<u8>,
    places: Keyed<u32>,
    slab: Vec<Slot>,
    free: Vec<u32>,
    /// Whose last event arrived longest ago, and whose last.
    oldest: u32,
    newest: u32,
    by_site: Vec<usize>,
    late: u64,
    evicted: u64,
}

struct Slot {
    key: u64,
    site: usize,
    id: String,
    arrived: i64,
    before: u32,
    after: u32,
    session: Option<Session>,
}

/// What an event did, as it is told.
#[derive(Default)]
pub(super) struct Took {
    pub(super) begun: Option<Value>,
    pub(super) ended: Option<(usize, Value)>,
}

impl Visits {
    pub(super) fn new(options: Options, most: usize, salt: &str) -> Visits {
        Visits {
            options,
            most: most.max(1),
            salt: salt.as_bytes().to_vec(),
            places: Keyed::default(),
            slab: Vec::new(),
            free: Vec::new(),
            oldest: NONE,
            newest: NONE,
            by_site: Vec::new(),
            late: 0,
            evicted: 0,
        }
    }

    pub(super) fn open(&self) -> usize {
        self.places.len()
    }

    pub(super) fn open_at(&self, site: usize) -> usize {
        self.by_site.get(site).copied().unwrap_or_default()
    }

    pub(super) fn late(&self) -> u64 {
        self.late
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Takes the next event of a visitor, which has arrived now.
    pub(super) fn take(&mut self, (site, name, key): (usize, &str, u64), hit: &Hit<'_>, now: i64) -> Took {
        let mut took = Took { begun: None, ended: self.end_if_over(key, now) };
        let Some(place) = self.places.get(&key).copied() else {
            let mut open = None;
            if let Step::Opened(_) = session::step(&mut open, hit, &self.options) {
                took.ended = took.ended.or_else(|| self.make_room());
                took.begun = self.open_session((site, name, key), (hit, open), now);
            }
            return took;
        };
        let Some(mut open) = self.slot(place).and_then(|slot| slot.session.take()).map(Some) else {
            return took;
        };
        let step = session::step(&mut open, hit, &self.options);
        match step {
            Step::Late => self.late += 1,
            Step::Outside => {}
            Step::Joined => self.touch(place, now),
            Step::Opened(before) => {
                let id = self.id(name, &hit.visitor, hit.ts);
                took.begun = open.as_ref().map(|session| begun(&id, session));
                self.touch(place, now);
                let old =
                    self.slot(place).map(|slot| std::mem::replace(&mut slot.id, id)).unwrap_or_default();
                took.ended = before.map(|before| (site, ended(&old, &before)));
            }
        }
        self.slot(place).into_iter().for_each(|slot| slot.session = open.take());
        took
    }

    /// Ends a session in which nothing has arrived for longer than a pause, also when nobody has told the time meanwhile.
    fn end_if_over(&mut self, key: u64, now: i64) -> Option<(usize, Value)> {
        let place = self.places.get(&key).copied()?;
        let arrived = self.slot(place)?.arrived;
        if now.saturating_sub(arrived) > self.options.timeout_ms { self.close(place) } else { None }
    }

    /// Ends the sessions in which nothing has arrived for longer than a pause.
    pub(super) fn expire(&mut self, now: i64) -> Vec<(usize, Value)> {
        let mut all = Vec::new();
        while let Some(arrived) = self.slot(self.oldest).map(|slot| slot.arrived) {
            if now.saturating_sub(arrived) <= self.options.timeout_ms {
                break;
            }
            all.extend(self.close(self.oldest));
        }
        all
    }

    fn open_session(
        &mut self,
        (site, name, key): (usize, &str, u64),
        (hit, session): (&Hit<'_>, Option<Session>),
        now: i64,
    ) -> Option<Value> {
        let id = self.id(name, &hit.visitor, session.as_ref()?.start);
        let told = session.as_ref().map(|session| begun(&id, session));
        let slot = Slot { key, site, id, arrived: now, before: NONE, after: NONE, session };
        let place = match self.free.pop() {
            Some(place) => place,
            None => u32::try_from(self.slab.len()).ok()?,
        };
        match self.slot(place) {
            Some(old) => *old = slot,
            None => self.slab.push(slot),
        }
        self.places.insert(key, place);
        self.append(place);
        if self.by_site.len() <= site {
            self.by_site.resize(site + 1, 0);
        }
        self.by_site.get_mut(site).into_iter().for_each(|count| *count += 1);
        told
    }

    /// Ends the session that is longest without an event, when there are as many as there may be.
    fn make_room(&mut self) -> Option<(usize, Value)> {
        if self.places.len() < self.most {
            return None;
        }
        self.evicted += 1;
        self.close(self.oldest)
    }

    fn close(&mut self, place: u32) -> Option<(usize, Value)> {
        self.unlink(place);
        let slot = self.slot(place)?;
        let (key, site) = (slot.key, slot.site);
        let told = slot.session.take().map(|session| (site, ended(&slot.id, &session)));
        self.places.remove(&key);
        self.free.push(place);
        self.by_site.get_mut(site).into_iter().for_each(|count| *count = count.saturating_sub(1));
        told
    }

    fn touch(&mut self, place: u32, now: i64) {
        self.slot(place).into_iter().for_each(|slot| slot.arrived = now);
        if self.newest != place {
            self.unlink(place);
            self.append(place);
        }
    }

    fn append(&mut self, place: u32) {
        let last = std::mem::replace(&mut self.newest, place);
        self.slot(place).into_iter().for_each(|slot| (slot.before, slot.after) = (last, NONE));
        match self.slot(last) {
            Some(slot) => slot.after = place,
            None => self.oldest = place,
        }
    }

    fn unlink(&mut self, place: u32) {
        let Some((before, after)) = self.slot(place).map(|slot| (slot.before, slot.after)) else { return };
        match self.slot(before) {
            Some(slot) => slot.after = after,
            None => self.oldest = after,
        }
        match self.slot(after) {
            Some(slot) => slot.before = before,
            None => self.newest = before,
        }
    }

    fn slot(&mut self, place: u32) -> Option<&mut Slot> {
        self.slab.get_mut(usize::try_from(place).ok()?)
    }

    fn id(&self, site: &str, visitor: &str, opened: i64) -> String {
        reading::session_id(&self.salt, (site, visitor), opened)
    }
}

fn begun(id: &str, session: &Session) -> Value {
    let entry = session.entry.as_ref();
    json!({
        "id": id,
        "state": "started",
        "start": session.start,
        "entry": entry.and_then(|entry| entry.path.as_deref()),
        "referrer": entry.and_then(|entry| entry.referrer.as_deref()),
        "campaign": session.campaign.as_ref().map(|(_, campaign)| campaign),
    })
}

fn ended(id: &str, session: &Session) -> Value {
    json!({
        "id": id,
        "state": "ended",
        "start": session.start,
        "last": session.last,
        "duration_s": session.duration_s(),
        "pageviews": session.pageviews,
        "events": session.events,
        "interactions": session.interactions,
        "engaged_ms": session.engaged_ms,
        "conversions": session.conversions,
        "entry": session.entry.as_ref().and_then(|entry| entry.path.as_deref()),
        "exit": session.exit.as_ref().and_then(|(_, path)| path.as_deref()),
        "is_bounce": session.is_bounce(),
        "is_engaged": session.is_engaged(),
    })
}
