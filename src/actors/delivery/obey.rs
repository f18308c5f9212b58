//! What an operator orders: pause, resume, try at once.

use actix::prelude::*;

use super::Delivery;
use crate::actors::messages::Obey;
use crate::destinations::Destination;
use crate::policy::delivery::Input;

impl<D: Destination> Handler<Obey> for Delivery<D> {
    type Result = ();

    fn handle(&mut self, order: Obey, ctx: &mut Context<Self>) {
        match order {
            Obey::Pause => self.pause(true, ctx),
            Obey::Resume => self.pause(false, ctx),
            Obey::Retry if self.machine.is_none() => self.prepare(ctx),
            Obey::Retry => self.give(Input::RetryNow, ctx),
        }
    }
}
