//! The stand-in of BigQuery: it refuses what the real one refuses, in its words, and keeps what it takes.
//!
//! Pure: a request and its time go in, an answer comes out. What is hidden for a while, what quotas say and when a token
//! ends follows from the times of the requests. Its SQL is that of our own statements and little more.

mod answer;
mod call;
mod cell;
mod control;
mod datasets;
mod field;
mod insert;
mod job;
mod load;
mod propagation;
mod quota;
mod result;
mod schema;
mod script;
mod settings;
mod sql;
mod state;
mod tables;
#[cfg(test)]
mod tests;
mod token;

use serde_json::{Value, json};

use self::answer::{Answer, invalid, not_found, refusal};
use self::call::{Call, PARTS, Target};
use self::settings::Settings;
use self::state::State;
use crate::destinations::mock::{Incoming, Mock, MockEvent, MockSettings, Said};

/// A BigQuery with one project.
struct BigQuery {
    /// A token that is always good; empty: none.
    secret: String,
    state: State,
}

/// Returns an empty BigQuery.
///
/// # Errors
/// Something is set that it does not have.
pub(in crate::destinations) fn new(asked: &MockSettings) -> Result<Box<dyn Mock>, String> {
    let mut settings = Settings::default();
    for (name, value) in &asked.set {
        settings.set(name, value)?;
    }
    Ok(Box::new(BigQuery { secret: asked.secret.clone(), state: State::new(settings) }))
}

impl Mock for BigQuery {
    fn read(&self, request: &Incoming) -> Result<Vec<MockEvent>, Said> {
        let call = Call::new(request);
        let (target, project) = Target::of(&request.path);
        if matches!(target, Target::Token | Target::Metadata) {
            return Ok(Vec::new());
        }
        if target == Target::Unknown {
            return Err(not_found(&format!("URL {}", request.path)));
        }
        token::authorize(&self.state, &self.secret, &call)?;
        if !self.state.settings.has_project(project) {
            return Err(not_found(&format!("Project {project}")));
        }
        match &target {
            Target::Insert(place) => insert::Asked::read(request).map(|asked| asked.events(&place.1)),
            _ => Ok(Vec::new()),
        }
    }

    fn take(&mut self, request: &Incoming, _: &[MockEvent]) -> (Said, Vec<usize>) {
        if let Some(said) = script::answer(&mut self.state.script, request) {
            return (said, Vec::new());
        }
        let (target, _) = Target::of(&request.path);
        let call = Call::new(request);
        if let Target::Insert(place) = &target {
            let inserted = insert::insert(&mut self.state, place, request, &[]);
            return inserted.unwrap_or_else(|said| (said, Vec::new()));
        }
        (self.answer(&call, &target).unwrap_or_else(|said| said), Vec::new())
    }

    fn refuse_some(
        &mut self,
        request: &Incoming,
        events: &[MockEvent],
        refused: &[usize],
    ) -> (Said, Vec<usize>) {
        match Target::of(&request.path).0 {
            Target::Insert(place) => {
                let inserted = insert::insert(&mut self.state, &place, request, refused);
                inserted.unwrap_or_else(|said| (said, Vec::new()))
            }
            _ => self.take(request, events),
        }
    }

    fn refuse_all(&self, events: &[MockEvent], index: usize) -> Said {
        let id = events.get(index).map(|event| event.id.as_str()).unwrap_or_default();
        invalid(&format!("the request holds the row {id}"))
    }

    fn fail(&self, status: u16) -> Said {
        let reason = match status {
            401 => "authError",
            403 => "accessDenied",
            404 => "notFound",
            409 => "duplicate",
            412 => "conditionNotMet",
            413 => return answer::too_large(),
            429 => "rateLimitExceeded",
            500 => "internalError",
            501..=599 => "backendError",
            _ => "invalid",
        };
        refusal(status, reason, "as it was told")
    }

    fn parts(&self) -> &'static [&'static str] {
        PARTS
    }

    fn part(&self, request: &Incoming) -> &'static str {
        Target::of(&request.path).0.part()
    }

    fn greeting(&self, url: &str) -> Vec<String> {
        let Settings { project, dataset, location, .. } = &self.state.settings;
        let dataset = if dataset.is_empty() { "analytics" } else { dataset };
        vec![
            "[destinations.bigquery]".to_owned(),
            format!("endpoint = \"{url}bigquery/v2\""),
            format!("project_id = \"{project}\""),
            format!("dataset = \"{dataset}\""),
            format!("location = \"{location}\""),
            "credentials_file = \"key.json\"  # written by --key-file key.json".to_owned(),
        ]
    }

    fn credentials(&self, url: &str) -> Option<String> {
        Some(format!("{:#}\n", token::key_file(&self.state.settings.project, url)))
    }

    fn control(&mut self, request: &Incoming) -> Option<Said> {
        control::control(&mut self.state, request)
    }

    fn told(&self) -> Value {
        let tables = self.state.datasets.values().flat_map(|dataset| &dataset.tables);
        let rows: serde_json::Map<String, Value> =
            tables.map(|(name, table)| (name.clone(), table.rows.len().into())).collect();
        json!({ "rows": rows, "tokens": self.state.tokens.len(), "jobs": self.state.jobs.len() })
    }

    fn reset(&mut self) {
        self.state = State::new(self.state.first.clone());
    }
}

impl BigQuery {
    fn answer(&mut self, call: &Call<'_>, target: &Target) -> Answer {
        let state = &mut self.state;
        match target {
            Target::Token => token::exchange(state, call),
            Target::Metadata => token::from_metadata(state, call),
            Target::Datasets => datasets::all(state, call),
            Target::Dataset(dataset) => datasets::one(state, call, dataset),
            Target::Tables(dataset) => tables::all(state, call, dataset),
            Target::Table(place) => tables::one(state, call, place),
            Target::Data(place) => tables::data(state, call, place),
            Target::Queries => sql::query(state, call),
            Target::Results(job) => job::results(state, call, job),
            Target::Jobs => job::insert(call),
            Target::Job(job) => job::get(state, call, job),
            Target::Upload => job::upload(state, call),
            Target::Insert(_) | Target::Unknown => Err(not_found(&format!("URL {}", call.request.path))),
        }
    }
}
