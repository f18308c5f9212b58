//! Which columns say whom a row is about. Pure.

use crate::spec::IdKind;

/// Returns the columns of a table in which an id of this kind says whom a row is about: any of them.
pub fn columns_of(table: &str, has: impl Fn(&str) -> bool, kind: IdKind) -> Vec<&'static str> {
    let own = match kind {
        IdKind::UserId => "user_id",
        IdKind::AnonymousId => "anonymous_id",
    };
    let mut columns: Vec<&'static str> = [own, "previous_id"].into_iter().filter(|name| has(name)).collect();
    if table == "users" && kind == IdKind::UserId {
        columns.push("id");
    }
    columns
}
