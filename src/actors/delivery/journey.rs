//! What a delivery answers about one event: where it stands now, and what is not yet written about it.

use actix::prelude::*;

use super::Delivery;
use crate::actors::messages::{AtDestination, Journey};
use crate::destinations::Destination;
use crate::journal::Position;
use crate::journal::trace::Standing;
use crate::policy::Moment;
use crate::policy::delivery::{Obstacle, Standing as Stands};

impl<D: Destination> Delivery<D> {
    fn at_destination(&self, journey: &Journey) -> AtDestination {
        AtDestination {
            standing: self.standing(journey.position),
            blind: self.machine.is_none(),
            notes: self.notes.about(&self.parts.name, journey.position),
            table: self.parts.destination.table(&journey.event),
        }
    }

    fn standing(&self, position: Position) -> Standing {
        let Some(machine) = &self.machine else {
            let why = self.last_error.as_ref().map(|error| error.message.clone());
            return if why.is_some() { Standing::held(why, None) } else { Standing::waiting(None, None) };
        };
        let wall = |at: Moment| self.wall(at);
        match machine.standing(position.0, self.now()) {
            Stands::Settled => Standing::Settled,
            Stands::InFlight => Standing::InFlight,
            Stands::Held { reason, until } => Standing::held(Some(reason.as_str()), Some(wall(until))),
            Stands::Deferred { reason, until } => {
                Standing::Deferred { reason: reason.as_str(), until: wall(until) }
            }
            Stands::Waiting { tried, obstacle, until } => Standing::Waiting {
                tried,
                reason: obstacle.map(Obstacle::as_str).map(str::to_owned),
                until: until.map(wall),
            },
        }
    }
}

impl<D: Destination> Handler<Journey> for Delivery<D> {
    type Result = MessageResult<Journey>;

    fn handle(&mut self, journey: Journey, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.at_destination(&journey))
    }
}
