//! What BigQuery's errors mean for a change of tables. Pure.

use std::time::Duration;

use serde_json::Value;

use super::super::super::SchemaFault;
use super::super::ddl::Names;
use super::super::errors::{Kind, Said, Trouble};
use super::super::target::Target;
use crate::policy::outcome::{Fault, Place, Reason};

/// How long a table is left alone that was changed too often: the quota is counted over 10 s.
const RATE_WAIT: Duration = Duration::from_secs(10);

/// How long a quota is left alone.
const QUOTA_WAIT: Duration = Duration::from_secs(60);

/// Returns what a trouble means. `ddl` would carry the change out by hand.
pub(super) fn of(trouble: &Trouble, table: &str, ddl: String) -> SchemaFault {
    let said = match trouble {
        Trouble::Said(said) => said,
        Trouble::Silent(failure) => {
            let fault = Fault::new(Reason::Connection, None, failure.message.clone());
            return SchemaFault::Transient { wait: None, fault: at(table, String::new(), fault) };
        }
    };
    let fault = |reason| at(table, ddl.clone(), Fault::new(reason, said.status, said.words()));
    let later = |wait, reason| SchemaFault::Transient { wait, fault: fault(reason) };
    match said.kind() {
        Kind::Full => SchemaFault::Full(fault(Reason::Rejected)),
        Kind::RateLimit => later(said.wait.or(Some(RATE_WAIT)), Reason::Throttled),
        Kind::Quota => later(said.wait.or(Some(QUOTA_WAIT)), Reason::Throttled),
        Kind::Busy => later(said.wait, Reason::ServerError),
        Kind::Changed | Kind::Exists | Kind::NoTable => later(None, Reason::Schema),
        Kind::Credentials => SchemaFault::Broken(fault(Reason::Unauthorized)),
        Kind::Blocked => SchemaFault::Broken(fault(Reason::Forbidden)),
        Kind::NoDataset | Kind::NothingThere => SchemaFault::Broken(fault(Reason::NotFound)),
        Kind::Redirect => SchemaFault::Broken(fault(Reason::Redirect)),
        Kind::Denied | Kind::NotBilled => SchemaFault::Denied(fault(Reason::Forbidden)),
        Kind::Mismatch | Kind::Invalid | Kind::NoSchema | Kind::NoField | Kind::TooLarge => {
            SchemaFault::Denied(fault(Reason::Rejected))
        }
    }
}

/// Returns that a change will not be made, whatever the trouble is called.
pub(super) fn denied(trouble: &Trouble, table: &str, ddl: String) -> SchemaFault {
    SchemaFault::Denied(of(trouble, table, ddl).into_fault())
}

/// Returns that the settings leave this change to somebody else.
pub(super) fn not_ours(table: &str, ddl: String, reason: Reason) -> SchemaFault {
    let answer = format!("`auto_table_management` leaves the table `{table}` to its owner");
    SchemaFault::Denied(at(table, ddl, Fault::new(reason, None, answer)))
}

/// Returns that a type can be changed by a statement alone, and we may run none.
pub(super) fn without_jobs(table: &str, ddl: String) -> SchemaFault {
    let answer = "widening a column needs the right `bigquery.jobs.create`";
    SchemaFault::Denied(at(table, ddl, Fault::new(Reason::Forbidden, Some(403), answer)))
}

/// Returns that the dataset is not where the settings say.
pub(super) fn elsewhere(target: &Target, dataset: &Value) -> Trouble {
    let there = dataset.get("location").and_then(Value::as_str).unwrap_or("another place");
    let message = format!(
        "the dataset `{}` lies in {there}, and the settings say location = \"{}\"",
        target.names.dataset, target.location
    );
    not_found(message)
}

/// Returns that a table is not the one that rows were meant for. Like one that is not there they wait for another look.
pub(super) fn another(target: &Target, table: &str) -> Trouble {
    let Names { project, dataset } = &target.names;
    let message = format!("Not found: Table {project}:{dataset}.{table} as it was known, since it was made again");
    not_found(message)
}

/// Returns whether we may run no statement at all.
pub(super) fn is_about_jobs(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Said(said) => said.kind() == Kind::Denied && said.speaks_of(&["jobs.create"]),
        Trouble::Silent(_) => false,
    }
}

/// Returns whether asking in another way would be answered alike.
pub(super) fn is_of_the_whole(trouble: &Trouble) -> bool {
    match trouble.kind() {
        None => true,
        Some(kind) => matches!(
            kind,
            Kind::Credentials
                | Kind::Blocked
                | Kind::RateLimit
                | Kind::Quota
                | Kind::Busy
                | Kind::NoDataset
                | Kind::Redirect
        ),
    }
}

fn not_found(message: String) -> Trouble {
    let reason = "notFound".to_owned();
    Trouble::Said(Said { status: Some(404), reason, message, wait: None, of_token: false })
}

fn at(table: &str, ddl: String, mut fault: Fault) -> Fault {
    if !table.is_empty() {
        fault.place = Some(Box::new(Place { table: table.to_owned(), ddl }));
    }
    fault
}
