//! Why an event waits or is refused before anything was sent, in words, with the statements that repair it. Pure.

use std::collections::BTreeMap;

use super::super::ddl;
use super::{Rules, fault};
use crate::policy::outcome::{Fault, Reason};
use crate::warehouse::{Closed, Column, Lack, Unfit, Why};

/// A row waits for its table or columns, which are on their way.
pub(super) fn lacking(lack: &Lack) -> Fault {
    let Lack { table, columns } = lack;
    let what = match columns.is_empty() {
        true => format!("waits for the table `{table}`, which is being made"),
        false => {
            format!("waits for `{}` of the table `{table}`, which is being changed", columns.join("`, `"))
        }
    };
    fault(Reason::Schema, what, table, String::new())
}

/// The table is read anew before an event is refused for what it lacks.
pub(super) fn looked_at(table: &str) -> Fault {
    let words = format!("waits for another look at the table `{table}`, which may not be changed");
    fault(Reason::Schema, words, table, String::new())
}

/// Nothing is streamed into a table that was made again: what is, may vanish.
pub(super) fn held(table: &str) -> Fault {
    let words =
        format!("waits since the table `{table}` was made again, and rows may still go to the old one");
    fault(Reason::Schema, words, table, String::new())
}

/// The next load job of the table is not due.
pub(super) fn load(table: &str) -> Fault {
    let words = format!("waits for the next load job of the table `{table}`");
    fault(Reason::Schema, words, table, String::new())
}

/// Every row is in, yet the event came again.
pub(super) fn again() -> Fault {
    Fault::new(Reason::Schema, None, "is planned once more")
}

/// The row is larger than BigQuery takes.
pub(super) fn too_large(table: &str) -> Fault {
    let words = format!("the row for the table `{table}` is larger than 10 MB");
    fault(Reason::TooLarge, words, table, String::new())
}

/// The row has no place in its table.
pub(super) fn unfit(unfit: Unfit, rules: &Rules, closed: &BTreeMap<String, Closed>) -> Fault {
    let Unfit { table, why } = unfit;
    let because = closed.get(&table).map(|closed| format!(": {}", closed.why)).unwrap_or_default();
    match why {
        Why::NoTable(columns) => {
            let words = format!("there is no table `{table}`, and none may be made{because}");
            let ddl = ddl::create_table(&rules.names, &table, &columns, &rules.options);
            fault(Reason::SchemaMissingTable, words, &table, ddl)
        }
        Why::NoColumns(columns) => {
            let words =
                format!("the table `{table}` has no {}, and none may be added{because}", list(&columns));
            fault(
                Reason::SchemaMissingColumn,
                words,
                &table,
                ddl::add_columns(&rules.names, &table, &columns),
            )
        }
        Why::Conflict(words) => fault(Reason::Unmappable, words, &table, String::new()),
    }
}

/// Adds the fault of another row of the same event.
pub(super) fn join(known: &mut Fault, other: Fault) {
    known.answer = format!("{}; {}", known.answer, other.answer);
    let (Some(place), Some(more)) = (&mut known.place, other.place) else { return };
    place.ddl = match (place.ddl.is_empty(), more.ddl.is_empty()) {
        (_, true) => std::mem::take(&mut place.ddl),
        (true, false) => more.ddl,
        (false, false) => format!("{};\n{}", place.ddl, more.ddl),
    };
}

fn list(columns: &[Column]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    format!("`{}`", names.join("`, `"))
}
