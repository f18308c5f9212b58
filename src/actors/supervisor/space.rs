//! Who holds the journal's space, how long it lasts, and who loses by it.

use std::time::Duration;

use actix::prelude::*;

use super::{NotAppended, ReadyCheck, Supervisor, Ward};
use crate::actors::messages::{DestinationStatus, HoldsJournal, SegmentsDropped};
use crate::policy::Moment;
use crate::policy::fill::{Fill, about};
use crate::telemetry::events;

/// From this share of `max_bytes` on, the one who holds the space is named.
const NEARLY_FULL: f64 = 0.8;
/// How long `/ready` speaks of records that had to go.
const REMEMBERED: Duration = Duration::from_secs(60);

/// What the supervisor knows of the journal's space.
#[derive(Debug, Default)]
pub(super) struct Space {
    fill: Fill,
    /// When records had to go that somebody had not settled.
    dropped_at: Option<Moment>,
}

/// The destination that is furthest behind, when what waits for it is a large part of the journal.
pub(super) struct Holder {
    name: String,
    holds: HoldsJournal,
}

impl Supervisor {
    /// Measures how much waits, for the forecast.
    pub(super) fn measure_space(&mut self) {
        let now = self.origin.elapsed();
        self.space.fill.measured(now, self.waiting_bytes());
        let max_bytes = self.journal.extent().max_bytes;
        let full_in = self.space.fill.full_in(max_bytes);
        events::SpaceMeasured { max_bytes, full_in }.emit(&self.metrics);
    }

    /// Returns about how many bytes on disk cannot be given up, because somebody waits for them.
    fn waiting_bytes(&self) -> u64 {
        let records = self.journal.bytes_since(self.waited_for());
        // Their index takes a sixteenth.
        records + records / 16
    }

    fn furthest_behind(&self) -> Option<&Ward> {
        let next = self.journal.extent().next.0;
        let furthest = self.wards.iter().filter(|ward| ward.is_waited_for()).min_by_key(|ward| ward.mark());
        furthest.filter(|ward| ward.mark() < next)
    }

    pub(super) fn holder(&self) -> Option<Holder> {
        let max_bytes = self.journal.extent().max_bytes.max(1);
        let share = self.waiting_bytes() as f64 / max_bytes as f64;
        let ward = self.furthest_behind().filter(|_| share >= NEARLY_FULL)?;
        let full_in = self.space.fill.full_in(max_bytes);
        let full_in_ms = full_in.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let percent = (share * 100.0).round().min(100.0) as u64;
        Some(Holder { name: ward.child.name.clone(), holds: HoldsJournal { percent, full_in_ms } })
    }

    /// Says whether the journal takes events, and what an operator would want to know of its space.
    pub(super) fn journal_check(&self) -> ReadyCheck {
        let extent = self.journal.extent();
        let dropping = self.space.dropped_at.is_some_and(|at| self.origin.elapsed() < at + REMEMBERED);
        let behind = self.furthest_behind().map_or("nobody", |ward| ward.child.name.as_str());
        let trouble = self.journal.trouble();
        let is_well = trouble.is_none();
        let message = if let Some(NotAppended { full: true, why }) = &self.refusing {
            format!("full: `{behind}` holds the space; new events are refused until there is room ({why})")
        } else if let Some(NotAppended { why, .. }) = &self.refusing {
            format!("cannot append: {why}")
        } else if self.writer.is_none() {
            "the journal writer is down".to_owned()
        } else if dropping {
            format!("full: the oldest events are dropped, though `{behind}` has not had them")
        } else if let Some(trouble) = trouble {
            trouble
        } else if let Some(holder) = self.holder() {
            holder.words()
        } else {
            let durability = durability(self.durability);
            format!("can append, durability {durability}; {} bytes on disk", extent.bytes)
        };
        let appends = self.refusing.is_none() && self.writer.is_some();
        // Events that go although somebody waits for them are a fault, but none that another router could help.
        let ok = appends && !dropping && is_well;
        ReadyCheck { name: "journal".into(), ok, message, vital: !appends, ..ReadyCheck::default() }
    }
}

/// Returns the configured word with what it trades.
fn durability(word: &str) -> &str {
    match word {
        "os" => "os (a power cut loses the last seconds of acknowledged events)",
        "brokers" => "that of the brokers (acks=all)",
        word => word,
    }
}

impl Holder {
    fn words(&self) -> String {
        let HoldsJournal { percent, full_in_ms } = self.holds;
        let name = &self.name;
        let lasts = full_in_ms.map(|ms| about(Duration::from_millis(ms)));
        let lasts = lasts.map_or("not growing".to_owned(), |lasts| format!("full in about {lasts}"));
        format!("`{name}` holds the space: {percent} % of max_bytes wait for it, {lasts} at the present rate")
    }

    /// Notes it where the destination is listed.
    pub(super) fn mark(self, statuses: &mut [DestinationStatus]) {
        let held = statuses.iter_mut().find(|status| status.name == self.name);
        held.into_iter().for_each(|status| status.holds_journal = Some(self.holds));
    }
}

impl Handler<SegmentsDropped> for Supervisor {
    type Result = ();

    fn handle(&mut self, facts: SegmentsDropped, _: &mut Context<Self>) {
        for dropped in facts.dropped {
            let behind =
                self.wards.iter().filter(|ward| ward.is_waited_for() && ward.mark() < dropped.next.0);
            let behind: Vec<&str> = behind.map(|ward| ward.child.name.as_str()).collect();
            if !behind.is_empty() {
                self.space.dropped_at = Some(self.origin.elapsed());
                let records = dropped.next.0 - dropped.first.0;
                events::RecordsDropped { records, destinations: &behind.join(", ") }.emit();
            }
        }
    }
}
