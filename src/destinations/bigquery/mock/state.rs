//! What this BigQuery holds: datasets, tables, rows, jobs, tokens; and how much of it was changed lately.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::answer::{not_found, put, refusal};
use super::field::Field;
use super::job::{Job, Upload};
use super::quota::Window;
use super::script::Line;
use super::settings::Settings;
use crate::destinations::mock::Said;

/// How long streamed rows are in the way of statements that change rows.
const STREAMING_BUFFER: SignedDuration = SignedDuration::from_mins(90);

/// Everything.
pub(super) struct State {
    /// Where a reset returns to.
    pub(super) first: Settings,
    pub(super) settings: Settings,
    pub(super) datasets: BTreeMap<String, Dataset>,
    pub(super) jobs: BTreeMap<String, Job>,
    pub(super) uploads: HashMap<String, Upload>,
    pub(super) tokens: HashMap<String, Timestamp>,
    /// Whether the key is good no more.
    pub(super) revoked: bool,
    pub(super) quotas: Quotas,
    /// Answers that are dictated.
    pub(super) script: Vec<Line>,
    pub(super) dice: fastrand::Rng,
    /// Counts what gets a number: jobs, tokens, uploads.
    pub(super) last_number: u64,
}

/// What was done lately. By the *name* of a table: making it again does not help.
#[derive(Default)]
pub(super) struct Quotas {
    pub(super) updates: HashMap<Place, Window>,
    pub(super) loads: HashMap<Place, Window>,
    pub(super) creates: Window,
}

/// Dataset and table.
pub(super) type Place = (String, String);

/// A dataset.
#[derive(Default)]
pub(super) struct Dataset {
    pub(super) location: String,
    pub(super) tables: BTreeMap<String, Table>,
    /// Names of tables that were deleted.
    pub(super) deleted: HashSet<String>,
    /// What else was said of it.
    pub(super) more: Map<String, Value>,
    pub(super) version: u64,
}

/// How a table is cut into partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition {
    /// The column; none: by the time of arrival.
    pub(super) field: Option<String>,
    /// DAY, HOUR, MONTH or YEAR.
    pub(super) by: String,
    pub(super) expiration_ms: Option<String>,
}

/// A table or a view.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) fields: Vec<Field>,
    pub(super) partition: Option<Partition>,
    pub(super) clustering: Vec<String>,
    /// The query of a view.
    pub(super) view: Option<String>,
    /// What else was said of it: labels, a description.
    pub(super) more: Map<String, Value>,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) version: u64,
    pub(super) rows: Vec<Row>,
    /// Insert ids with their times.
    pub(super) recent: HashMap<String, Timestamp>,
    pub(super) streamed: Option<Timestamp>,
    /// How many requests are yet to find that it does not exist.
    pub(super) refusals: u32,
    /// Whether it was deleted before, and how many requests it is yet to swallow for that.
    pub(super) again: bool,
    pub(super) swallows: u32,
    /// Rows that were swallowed, and rows that were known by their insert ids.
    pub(super) swallowed: u64,
    pub(super) repeated: u64,
}

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Without nulls.
    pub(super) cells: Map<String, Value>,
    /// When it was streamed; `None`: it was loaded or made by a statement.
    pub(super) streamed: Option<Timestamp>,
}

impl Row {
    /// Returns whether it is in the way of statements that change rows.
    pub(super) fn is_buffered(&self, at: Timestamp) -> bool {
        self.streamed.is_some_and(|streamed| at.duration_since(streamed) < STREAMING_BUFFER)
    }
}

impl State {
    /// Returns an empty one.
    pub(super) fn new(settings: Settings) -> State {
        let mut datasets = BTreeMap::new();
        if !settings.dataset.is_empty() {
            let dataset = Dataset { location: settings.location.clone(), ..Dataset::default() };
            datasets.insert(settings.dataset.clone(), dataset);
        }
        State {
            first: settings.clone(),
            dice: fastrand::Rng::with_seed(settings.seed),
            settings,
            datasets,
            jobs: BTreeMap::new(),
            uploads: HashMap::new(),
            tokens: HashMap::new(),
            revoked: false,
            quotas: Quotas::default(),
            script: Vec::new(),
            last_number: 0,
        }
    }

    /// Returns a number that was never given before.
    pub(super) fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Refuses what the account may not do; `what` reads `Table p:d.t`.
    pub(super) fn needs(&self, right: &str, what: &str) -> Result<(), Said> {
        if self.settings.may(right) {
            return Ok(());
        }
        let message =
            format!("Access Denied: {what}: Permission {right} denied on {what} (or it may not exist).");
        Err(refusal(403, "accessDenied", &message))
    }

    /// Returns how messages name a dataset.
    pub(super) fn dataset_name(&self, dataset: &str) -> String {
        format!("Dataset {}:{dataset}", self.settings.project)
    }

    /// Returns how messages name a table.
    pub(super) fn table_name(&self, place: &Place) -> String {
        format!("Table {}:{}.{}", self.settings.project, place.0, place.1)
    }

    /// Returns a dataset, or 404.
    pub(super) fn dataset(&mut self, name: &str) -> Result<&mut Dataset, Said> {
        let missing = self.dataset_name(name);
        self.datasets.get_mut(name).ok_or_else(|| not_found(&missing))
    }

    /// Returns a table, or 404.
    pub(super) fn table(&mut self, place: &Place) -> Result<&mut Table, Said> {
        let missing = self.table_name(place);
        let dataset = self.dataset(&place.0)?;
        dataset.tables.get_mut(&place.1).ok_or_else(|| not_found(&missing))
    }

    /// Returns where a dataset lies.
    pub(super) fn location(&mut self, dataset: &str) -> Result<String, Said> {
        Ok(self.dataset(dataset)?.location.clone())
    }
}

impl Table {
    /// Returns a table without rows.
    pub(super) fn new(fields: Vec<Field>, at: Timestamp) -> Table {
        Table {
            fields,
            partition: None,
            clustering: Vec::new(),
            view: None,
            more: Map::new(),
            created: at,
            modified: at,
            version: 1,
            rows: Vec::new(),
            recent: HashMap::new(),
            streamed: None,
            refusals: 0,
            again: false,
            swallows: 0,
            swallowed: 0,
            repeated: 0,
        }
    }

    /// Remembers that its description changed.
    pub(super) fn changed(&mut self, at: Timestamp) {
        self.modified = at;
        self.version += 1;
    }

    /// Returns the mark by which a change is told.
    pub(super) fn etag(&self) -> String {
        format!("{}-{}", self.created.as_microsecond(), self.version)
    }

    /// Returns a column.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.is(name))
    }

    /// Returns whether streamed rows are in the way of statements that change rows.
    pub(super) fn has_buffer(&self, at: Timestamp) -> bool {
        self.streamed.is_some_and(|streamed| at.duration_since(streamed) < STREAMING_BUFFER)
    }

    /// Returns how many columns it has.
    pub(super) fn leaves(&self) -> usize {
        self.fields.iter().map(Field::leaves).sum()
    }

    /// Writes it as the REST interface does.
    pub(super) fn to_json(&self, project: &str, place: &Place, location: &str, at: Timestamp) -> Value {
        let (dataset, table) = place;
        let mut json = json!({
            "kind": "bigquery#table",
            "etag": self.etag(),
            "id": format!("{project}:{dataset}.{table}"),
            "tableReference": { "projectId": project, "datasetId": dataset, "tableId": table },
            "type": if self.view.is_some() { "VIEW" } else { "TABLE" },
            "creationTime": self.created.as_millisecond().to_string(),
            "lastModifiedTime": self.modified.as_millisecond().to_string(),
            "location": location,
            "numRows": self.rows.iter().filter(|row| row.streamed.is_none()).count().to_string(),
            "numBytes": "0",
        });
        let Some(members) = json.as_object_mut() else { return json };
        members.extend(self.more.clone());
        if !self.fields.is_empty() {
            let fields: Value = self.fields.iter().map(Field::to_json).collect();
            members.insert("schema".to_owned(), json!({ "fields": fields }));
        }
        if let Some(partition) = &self.partition {
            members.insert("timePartitioning".to_owned(), partition.to_json());
        }
        if !self.clustering.is_empty() {
            members.insert("clustering".to_owned(), json!({ "fields": self.clustering }));
        }
        if let Some(query) = &self.view {
            members.insert("view".to_owned(), json!({ "query": query, "useLegacySql": false }));
        }
        if let Some(streamed) = self.streamed.filter(|_| self.has_buffer(at)) {
            let rows = self.rows.iter().filter(|row| row.streamed.is_some()).count();
            let buffer = json!({
                "estimatedRows": rows.to_string(),
                "estimatedBytes": "0",
                "oldestEntryTime": streamed.as_millisecond().to_string(),
            });
            members.insert("streamingBuffer".to_owned(), buffer);
        }
        json
    }
}

impl Partition {
    fn to_json(&self) -> Value {
        let mut json = json!({ "type": self.by });
        if let Some(field) = &self.field {
            put(&mut json, "field", field.as_str().into());
        }
        if let Some(expiration) = &self.expiration_ms {
            put(&mut json, "expirationMs", expiration.as_str().into());
        }
        json
    }
}
