//! Who holds the journal's space, and who loses by it.

use std::sync::atomic::Ordering;

use actix::prelude::*;

use super::Supervisor;
use crate::actors::messages::SegmentsDropped;
use crate::telemetry::events;

impl Handler<SegmentsDropped> for Supervisor {
    type Result = ();

    fn handle(&mut self, facts: SegmentsDropped, _: &mut Context<Self>) {
        for dropped in facts.dropped {
            let behind = self.wards.iter().filter(|ward| {
                let mark = ward.child.beacon.mark.load(Ordering::Acquire);
                ward.child.factory.is_some() && mark < dropped.next.0
            });
            let behind: Vec<&str> = behind.map(|ward| ward.child.name.as_str()).collect();
            let records = dropped.next.0 - dropped.first.0;
            if !behind.is_empty() {
                events::RecordsDropped { records, destinations: &behind.join(", ") }.emit();
            }
        }
    }
}
