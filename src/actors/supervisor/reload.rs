//! A configuration that changes while the router runs: destinations come, go, and are replaced.

use actix::prelude::*;

use super::Supervisor;
use crate::actors::messages::{ConfigChecked, ReadyCheck, Reconfigure};

impl Handler<Reconfigure> for Supervisor {
    type Result = ();

    fn handle(&mut self, change: Reconfigure, ctx: &mut Context<Self>) {
        if self.draining {
            return;
        }
        for name in change.removed {
            self.suspend_replay(&name, ctx);
            if let Some(number) = self.wards.destination(&name) {
                self.retire(number, ctx);
            }
        }
        for child in change.children {
            self.suspend_replay(&child.name, ctx);
            match self.wards.destination(&child.name) {
                Some(number) => self.replace(number, child, ctx),
                None => {
                    let number = self.wards.add_destination(child);
                    self.start_child(number, ctx);
                    self.resume_replay(number, ctx);
                }
            }
        }
    }
}

impl Handler<ConfigChecked> for Supervisor {
    type Result = ();

    fn handle(&mut self, checked: ConfigChecked, _: &mut Context<Self>) {
        let ConfigChecked { ok, message, in_short } = checked;
        self.config = ReadyCheck { ok, message, in_short, ..config_check() };
    }
}

/// Returns the line of `/ready` before the files were looked at again.
pub(super) fn config_check() -> ReadyCheck {
    ReadyCheck { name: "config".into(), ok: true, message: "in force".into(), ..ReadyCheck::default() }
}
