//! alias: two people become one.

use super::ids::Person;
use super::values::Values;
use super::{Mapped, Mapper, Not, room};
use crate::policy::outcome::Reason;
use crate::spec::Event;

/// Merges the person of `previousId` into that of `userId`.
pub(super) fn alias(mapper: &Mapper, event: &Event) -> Result<Mapped, Not> {
    let primary = Person::of_known(event)?;
    let previous = event.head.previous_id.as_deref().ok_or(Not::Skipped(Reason::NoIdentity))?;
    let secondary = Person::of_user(previous)?;
    if primary == secondary {
        return Err(Not::Skipped(Reason::Unsupported));
    }
    let mut item = Values::new(&mapper.rules, room(event));
    item.raw(r#"{"type":"person","action":"merge","primary":"#);
    primary.write(&mut item);
    item.raw(r#","secondary":"#);
    secondary.write(&mut item);
    item.raw("}");
    Ok(Mapped::Items { items: vec![item.out], cuts: 0 })
}
