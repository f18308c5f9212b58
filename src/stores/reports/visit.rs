//! Visits: the sessions of `projections`, with what is asked about them: from where, with what, by what they were led.
//!
//! What led a visit here is that of its earliest view; where and with what is that of the event that opened it. Pure.

use std::borrow::Cow;

use super::fact::{Fact, Origin, Place, Rules, number_of};
use crate::projections::reading;
use crate::projections::session::{self, Hit, Session, Step};
use crate::spec::Kind;

/// One visit, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Visit {
    /// Sixteen hexadecimal digits, the same whenever the events are read again.
    pub id: String,
    /// Its source.
    pub site: String,
    /// Whose it is.
    pub visitor: String,
    /// That as a number.
    pub number: u64,
    /// What was done.
    pub session: Session,
    /// From where and with what; nothing where nobody asks any more.
    pub place: Option<Box<Place<'static>>>,
    /// What led here.
    pub origin: Origin<'static>,
    /// The host that led here.
    pub referrer: String,
}

impl Visit {
    /// Returns from where and with what.
    pub fn place(&self) -> &Place<'static> {
        const NOWHERE: &Place<'static> = &Place::NOWHERE;
        self.place.as_deref().unwrap_or(NOWHERE)
    }
}

/// What an event was to the visits of its visitor.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It belongs to none.
    Outside,
    /// To the one that is open.
    Joined,
    /// It opened one, which is the open one now; the one before is over.
    Opened(Option<Box<Visit>>),
}

/// Takes the next event of a visitor.
pub fn step(open: &mut Option<Visit>, fact: &Fact<'_>, rules: &Rules) -> Standing {
    let Some(hit) = hit(fact) else { return Standing::Outside };
    let mut session = open.as_mut().map(|visit| std::mem::take(&mut visit.session));
    let entered = |session: &Option<Session>| session.as_ref()?.entry.as_ref().map(|entry| entry.ts);
    let mut before = entered(&session);
    let standing = match session::step(&mut session, &hit, &rules.options) {
        Step::Late | Step::Outside => Standing::Outside,
        Step::Joined => Standing::Joined,
        Step::Opened(over) => {
            before = None;
            let over = open.replace(opened(fact, rules)).zip(over);
            Standing::Opened(over.map(|(visit, session)| Box::new(Visit { session, ..visit })))
        }
    };
    let after = entered(&session);
    if let Some((visit, session)) = open.as_mut().zip(session) {
        visit.session = session;
        if after.is_some() && after != before {
            visit.origin = fact.origin.as_ref().map(Origin::to_static).unwrap_or_default();
            visit.referrer = fact.referrer.to_string();
        }
    }
    standing
}

fn opened(fact: &Fact<'_>, rules: &Rules) -> Visit {
    Visit {
        id: reading::session_id(&rules.salt, (&fact.site, &fact.visitor), fact.ts),
        site: fact.site.to_string(),
        visitor: fact.visitor.to_string(),
        number: number_of(&fact.visitor),
        place: Some(Box::new(fact.place.to_static())),
        ..Visit::default()
    }
}

fn hit<'f>(fact: &'f Fact<'_>) -> Option<Hit<'f>> {
    let kind = fact.kind.filter(|_| fact.is_client)?;
    Some(Hit {
        id: Cow::Borrowed(""),
        ts: fact.ts,
        visitor: Cow::Borrowed(""),
        kind,
        event: if kind == Kind::Track { said(&fact.name) } else { None },
        path: said(&fact.path),
        referrer: None,
        campaign: fact.campaign.as_ref().map(Cow::Borrowed),
        engaged_ms: Some(fact.engaged_ms),
    })
}

fn said(text: &str) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}
