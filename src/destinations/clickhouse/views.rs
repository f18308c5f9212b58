//! The views of people and groups in Segment's layout: of each, the newest value of every trait. Pure.
//!
//! A view and not a table, since a table that replaces rows would lose the traits that a later call leaves out. It is never
//! behind, and a call that is stored twice changes nothing.

use super::ddl::{Names, quoted};
use crate::warehouse::{Schema, Table};

/// Marks a view as ours: one without it is left alone.
pub(super) const MARK: &str = "opentrack_at";

/// Calls, the id that they are about, the view, and the columns of a call that say nothing about it.
const KINDS: [Kind; 2] = [
    Kind { calls: "identifies", id: "user_id", view: "users", of_the_call: &["anonymous_id", "user_id", "id"] },
    Kind {
        calls: "groups",
        id: "group_id",
        view: "accounts",
        of_the_call: &["anonymous_id", "user_id", "group_id", "id"],
    },
];

struct Kind {
    calls: &'static str,
    id: &'static str,
    view: &'static str,
    of_the_call: &'static [&'static str],
}

/// Returns whether a table has a view.
pub(super) fn is_viewed(table: &str) -> bool {
    KINDS.iter().any(|kind| kind.calls == table)
}

/// Returns the views whose tables are there, each with the statement that makes it, or makes it anew.
pub(super) fn all(schema: &Schema, names: &Names) -> Vec<(&'static str, String)> {
    let view = |kind: &'static Kind| {
        let table = schema.tables.get(kind.calls).filter(|table| table.columns.contains_key(kind.id))?;
        Some((kind.view, one(kind, table, names)))
    };
    KINDS.iter().filter_map(view).collect()
}

/// Columns get other names inside, since older versions take a name for its last meaning.
fn one(kind: &Kind, table: &Table, names: &Names) -> String {
    let is_of_it = |name: &&String| !kind.of_the_call.contains(&name.as_str()) && *name != "received_at";
    let columns: Vec<&String> = table.columns.keys().filter(is_of_it).collect();
    let newest = columns.iter().enumerate().map(|(place, name)| format!(", argMax(c{place}, {MARK}) AS {}", quoted(name)));
    let renamed = columns.iter().enumerate().map(|(place, name)| format!(", {} AS c{place}", quoted(name)));
    let (newest, renamed): (String, String) = (newest.collect(), renamed.collect());
    let id = quoted(kind.id);
    format!(
        "CREATE OR REPLACE VIEW {}{} AS\nSELECT assumeNotNull(opentrack_id) AS `id`, max({MARK}) AS `received_at`{newest}\n\
         FROM (SELECT {id} AS opentrack_id, `received_at` AS {MARK}{renamed} FROM {} WHERE {id} IS NOT NULL)\n\
         GROUP BY opentrack_id",
        names.table(kind.view),
        names.on_cluster(),
        names.table(kind.calls)
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::warehouse::ColumnType;

    #[test]
    fn a_person_has_the_newest_value_of_every_trait() {
        let columns = ["id", "user_id", "anonymous_id", "received_at", "plan"];
        let columns = columns.into_iter().map(|name| (name.to_owned(), ColumnType::Text)).collect();
        let tables = BTreeMap::from([("identifies".to_owned(), Arc::new(Table { columns }))]);
        let names = Names { database: "d".to_owned(), cluster: String::new(), ttl: None };
        let views = all(&Schema { tables }, &names);
        assert_eq!(views.len(), 1);
        insta::assert_snapshot!(views[0].1, @r"
        CREATE OR REPLACE VIEW `d`.`users` AS
        SELECT assumeNotNull(opentrack_id) AS `id`, max(opentrack_at) AS `received_at`, argMax(c0, opentrack_at) AS `plan`
        FROM (SELECT `user_id` AS opentrack_id, `received_at` AS opentrack_at, `plan` AS c0 FROM `d`.`identifies` WHERE `user_id` IS NOT NULL)
        GROUP BY opentrack_id
        ");
    }
}
