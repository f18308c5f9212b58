//! Jobs: what was asked for with them, whether they are done, and what became of them.

use serde_json::{Value, json};

use super::answer::{Answer, fine, invalid, not_found, put, refusal};
use super::call::Call;
use super::load;
use super::sql::Outcome;
use super::state::State;
use crate::destinations::mock::Said;

/// A job.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) location: String,
    /// As it was asked for.
    pub(super) configuration: Value,
    /// Why it failed, in Google's form: `reason`, `message`.
    pub(super) error: Option<Value>,
    /// The rows of a query.
    pub(super) outcome: Outcome,
    /// What it says of what it did.
    pub(super) statistics: Value,
    /// How often it is yet to be asked about before it is done.
    pub(super) polls: u32,
}

/// An upload in parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Upload {
    /// What is to be done with it.
    pub(super) job: Value,
    pub(super) data: Vec<u8>,
    pub(super) done: bool,
}

impl Job {
    /// Returns a job that has done its work, and says so when it was asked often enough.
    pub(super) fn new(state: &State, location: &str, configuration: Value) -> Job {
        Job {
            location: location.to_owned(),
            configuration,
            error: None,
            outcome: Outcome::default(),
            statistics: json!({}),
            polls: state.settings.polls,
        }
    }

    /// Writes it as the REST interface does.
    pub(super) fn to_json(&self, project: &str, id: &str) -> Value {
        let mut status = json!({ "state": if self.polls == 0 { "DONE" } else { "RUNNING" } });
        if let Some(error) = self.error.as_ref().filter(|_| self.polls == 0) {
            put(&mut status, "errorResult", error.clone());
            put(&mut status, "errors", json!([error]));
        }
        json!({
            "kind": "bigquery#job",
            "etag": format!("job-{id}-{}", self.polls),
            "id": format!("{project}:{}.{id}", self.location),
            "jobReference": { "projectId": project, "jobId": id, "location": self.location },
            "configuration": self.configuration,
            "statistics": self.statistics,
            "status": status,
        })
    }
}

/// `POST …/jobs`: without an upload there is nothing that it can do.
pub(super) fn insert(call: &Call<'_>) -> Answer {
    if call.request.method != "POST" {
        return Err(refusal(405, "methodNotAllowed", "This stand-in does not list jobs"));
    }
    let body = call.json()?;
    match body.get("configuration").and_then(|configuration| configuration.get("load")) {
        Some(_) => Err(invalid("This stand-in loads what is uploaded, not what lies in a bucket")),
        None => Err(invalid("This stand-in runs queries by jobs.query alone, not by jobs.insert")),
    }
}

/// `GET …/jobs/ID`.
pub(super) fn get(state: &mut State, call: &Call<'_>, id: &str) -> Answer {
    let project = state.settings.project.clone();
    let job = found(state, call, id)?;
    let said = fine(&job.to_json(&project, id));
    job.polls = job.polls.saturating_sub(1);
    said
}

/// `GET …/queries/ID`.
pub(super) fn results(state: &mut State, call: &Call<'_>, id: &str) -> Answer {
    let project = state.settings.project.clone();
    let job = found(state, call, id)?;
    let done = job.polls == 0;
    job.polls = job.polls.saturating_sub(1);
    let mut body = job.outcome.to_json(done);
    put(&mut body, "kind", "bigquery#getQueryResultsResponse".into());
    put(&mut body, "jobReference", json!({ "projectId": project, "jobId": id, "location": job.location }));
    fine(&body)
}

/// A job outside US and EU is only found by who says where it is.
fn found<'a>(state: &'a mut State, call: &Call<'_>, id: &str) -> Result<&'a mut Job, Said> {
    let project = state.settings.project.clone();
    let location = call.request.parameter("location");
    let missing = || not_found(&format!("Job {project}:{location}.{id}"));
    let job = state.jobs.get_mut(id).ok_or_else(missing)?;
    let far = !["US", "EU"].contains(&job.location.to_uppercase().as_str());
    let elsewhere = !location.is_empty() && !location.eq_ignore_ascii_case(&job.location);
    if elsewhere || (location.is_empty() && far) {
        return Err(missing());
    }
    Ok(job)
}

/// `…/upload/…/jobs`: a load job with its rows, at once or in parts.
pub(super) fn upload(state: &mut State, call: &Call<'_>) -> Answer {
    let request = call.request;
    match (request.method.as_str(), request.parameter("uploadType")) {
        ("POST", "multipart") => {
            let (job, data) = load::multipart(request)?;
            load::run(state, &job, &data, call.at)
        }
        ("POST", "resumable") => begin(state, call),
        ("PUT", _) => proceed(state, call),
        (_, other) => Err(invalid(&format!("Invalid uploadType: `{other}`"))),
    }
}

fn begin(state: &mut State, call: &Call<'_>) -> Answer {
    let project = state.settings.project.clone();
    load::check_right(state)?;
    let job = Value::Object(call.json()?);
    let id = format!("upload-{}", state.number());
    let path = format!("upload/bigquery/v2/projects/{project}/jobs?uploadType=resumable&upload_id={id}");
    let host = call.request.header("host");
    state.uploads.insert(id.clone(), Upload { job, ..Upload::default() });
    let headers = vec![("location", format!("http://{host}/{path}")), ("x-guploader-uploadid", id)];
    Ok(Said { status: 200, headers, body: String::new() })
}

/// `Content-Range: bytes 0-99/200`, or `bytes */200` to ask how much has come.
fn proceed(state: &mut State, call: &Call<'_>) -> Answer {
    let id = call.request.parameter("upload_id");
    let unknown = || refusal(404, "notFound", "The upload is unknown or has expired");
    let upload = state.uploads.get_mut(id).filter(|upload| !upload.done).ok_or_else(unknown)?;
    let range = call.request.header("content-range");
    let (part, total) = match range.strip_prefix("bytes ").and_then(|range| range.split_once('/')) {
        Some((part, total)) => (part, total.parse::<usize>().ok()),
        None if range.is_empty() => ("0-", Some(call.request.body.len())),
        None => return Err(invalid("Invalid Content-Range")),
    };
    if part != "*" {
        let first: usize = part.split('-').next().and_then(|first| first.parse().ok()).unwrap_or_default();
        if first > upload.data.len() {
            return Err(invalid("The part begins behind what has come"));
        }
        upload.data.truncate(first);
        upload.data.extend_from_slice(&call.request.body);
    }
    if total.is_none_or(|total| upload.data.len() < total) {
        let mut headers = Vec::new();
        if let Some(last) = upload.data.len().checked_sub(1) {
            headers.push(("range", format!("bytes=0-{last}")));
        }
        return Ok(Said { status: 308, headers, body: String::new() });
    }
    upload.done = true;
    let (job, data) = (upload.job.clone(), std::mem::take(&mut upload.data));
    load::run(state, &job, &data, call.at)
}
