//! What is said about each event, in the shape of `explain --json`.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::super::input::{Input, Verdict};
use super::plan::{Explainer, Fate, Tables};
use crate::config;
use crate::config::settings::{Destination, Server};
use crate::destinations::{ShownRequest, ShownRow};
use crate::policy::outcome::Reason;
use crate::spec::privacy::View;
use crate::spec::{Event, Rejected};

/// The whole answer.
#[derive(Debug)]
pub(super) struct Report {
    /// One for each event, in the order of the input.
    pub(super) entries: Vec<Entry>,
}

/// What is said about one event.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Entry {
    /// The door takes it.
    Taken {
        /// The client's, or one made here.
        message_id: String,
        /// What it is, for people: `track "Order Completed"`.
        #[serde(skip)]
        title: String,
        /// One for each destination.
        destinations: Vec<Line>,
    },
    /// The door sets it aside.
    Rejected {
        /// The client's, when it could be read.
        message_id: Option<String>,
        /// Every reason.
        problems: Vec<Problem>,
    },
}

/// What one destination would receive of one event.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// `send`, `skip` or `reject`.
    pub(super) verdict: &'static str,
    /// From the closed list of reasons, or `off`; absent for `send`.
    pub(super) reason: Option<&'static str>,
    /// More about the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    pub(super) requests: Vec<ShownRequest>,
    pub(super) rows: Vec<ShownRow>,
    /// Tables and columns that must be there and that no event before needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) schema: Vec<Needed>,
}

/// A table with columns that must be there.
#[derive(Debug, Serialize)]
pub(super) struct Needed {
    pub(super) table: String,
    pub(super) columns: Vec<NeededColumn>,
}

/// One of its columns.
#[derive(Debug, Serialize)]
pub(super) struct NeededColumn {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) column_type: &'static str,
}

/// One reason against an event.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) path: String,
}

impl Report {
    /// Asks every chosen destination about every event.
    ///
    /// # Errors
    /// A destination cannot be built from its settings.
    pub(super) fn of(input: &Input, chosen: &[&Destination], server: &Server) -> Result<Report, String> {
        let events: Vec<Arc<Event>> = input.verdicts.iter().filter_map(taken).collect();
        let mut columns = Vec::with_capacity(chosen.len());
        for destination in chosen {
            columns.push(lines(destination, &events, (server, input.now))?.into_iter());
        }
        let entry = |verdict: &Verdict| match verdict {
            Verdict::Rejected(rejected) => Entry::of_rejected(rejected),
            Verdict::Taken(event) => Entry::Taken {
                message_id: event.head.message_id.to_string(),
                title: title(event),
                destinations: columns.iter_mut().filter_map(Iterator::next).collect(),
            },
        };
        Ok(Report { entries: input.verdicts.iter().map(entry).collect() })
    }
}

fn taken(verdict: &Verdict) -> Option<Arc<Event>> {
    match verdict {
        Verdict::Taken(event) => Some(Arc::clone(event)),
        Verdict::Rejected(_) => None,
    }
}

fn title(event: &Event) -> String {
    let kind = event.head.kind.as_str();
    event.head.name.as_ref().map_or_else(|| kind.to_owned(), |name| format!("{kind} \"{name}\""))
}

/// One line for each event.
fn lines(
    destination: &Destination,
    events: &[Arc<Event>],
    (server, now): (&Server, Timestamp),
) -> Result<Vec<Line>, String> {
    if !destination.enabled {
        return Ok(events.iter().map(|_| Line::new(destination, "skip", Some("off"))).collect());
    }
    let setting = config::setting(destination, server);
    let (name, filter) = (destination.name.as_str(), &destination.events);
    let discretion = destination.discretion.as_ref();
    let view = View::new(discretion.privacy.clone(), server.site_salt.expose_secret());
    let explainer = Explainer { name, filter, discretion, view, events, now };
    let fates = destination.settings.clone().build(&setting, explainer);
    let fates = fates.map_err(|errors| {
        let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
        format!("destination `{name}`: {}", words.join("; "))
    })?;
    Ok(fates.into_iter().map(|fate| Line::of(destination, fate)).collect())
}

impl Line {
    fn new(destination: &Destination, verdict: &'static str, reason: Option<&'static str>) -> Line {
        Line {
            name: destination.name.clone(),
            kind: destination.settings.kind(),
            verdict,
            reason,
            message: None,
            requests: Vec::new(),
            rows: Vec::new(),
            schema: Vec::new(),
        }
    }

    fn of(destination: &Destination, fate: Fate) -> Line {
        let line =
            |verdict, reason: Option<Reason>| Line::new(destination, verdict, reason.map(Reason::as_str));
        match fate {
            Fate::Skip(reason) => line("skip", Some(reason)),
            Fate::Reject(fault) => Line { message: Some(fault.answer), ..line("reject", Some(fault.reason)) },
            Fate::Send(shown, tables) => {
                let schema = needed(tables);
                Line { requests: shown.requests, rows: shown.rows, schema, ..line("send", None) }
            }
        }
    }
}

fn needed(tables: Tables) -> Vec<Needed> {
    let column = |(name, column_type): (String, crate::warehouse::ColumnType)| NeededColumn {
        name,
        column_type: column_type.as_str(),
    };
    let table = |(table, columns): (String, std::collections::BTreeMap<_, _>)| Needed {
        table,
        columns: columns.into_iter().map(column).collect(),
    };
    tables.into_iter().map(table).collect()
}

impl Entry {
    fn of_rejected(rejected: &Rejected) -> Entry {
        let problem = |problem: &crate::spec::Problem| Problem {
            code: problem.code.as_str(),
            message: problem.message.clone(),
            path: problem.path.clone(),
        };
        Entry::Rejected {
            message_id: rejected.message_id.clone(),
            problems: rejected.problems.iter().map(problem).collect(),
        }
    }
}
