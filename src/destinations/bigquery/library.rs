//! The crate's client: datasets, new tables, statements and small queries.
//!
//! Wrapped, because its errors lose the status of everything that is not Google's full form, a query of its is not waited
//! for, and a token that is refused is not replaced. Never used for rows, nor to read or change a table that exists.

use std::future::Future;

use gcp_bigquery_client::Client;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::error::{BQError, NestedResponseError};
use gcp_bigquery_client::model::clustering::Clustering;
use gcp_bigquery_client::model::dataset::Dataset;
use gcp_bigquery_client::model::field_type::FieldType;
use gcp_bigquery_client::model::get_query_results_parameters::GetQueryResultsParameters;
use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::query_parameter_type::QueryParameterType;
use gcp_bigquery_client::model::query_parameter_value::QueryParameterValue;
use gcp_bigquery_client::model::query_request::QueryRequest;
use gcp_bigquery_client::model::query_response::QueryResponse;
use gcp_bigquery_client::model::table::Table as NewTable;
use gcp_bigquery_client::model::table_field_schema::TableFieldSchema;
use gcp_bigquery_client::model::table_row::TableRow;
use gcp_bigquery_client::model::table_schema::TableSchema;
use gcp_bigquery_client::model::time_partitioning::TimePartitioning;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use super::super::http_client::{describe, origin};
use super::super::reply::words;
use super::api::{Api, odd, unmade};
use super::ddl::{self, Options};
use super::errors::{Kind, Said, Trouble};
use super::target::Target;
use crate::warehouse::{Column, ColumnType};

/// How long Google holds an answer back for a query to end, in milliseconds; then it is asked again.
const HELD_BACK_MS: i32 = 10_000;

/// Rows of an answer per page: a row of our own queries has a few short texts.
const PAGE_ROWS: i32 = 10_000;

/// Most rows that a query of ours reads: columns of 2,000 tables.
const MOST_ROWS: usize = 1_000_000;

/// One row of a query: its values in the order of the query.
pub(super) type Record = Vec<Option<Value>>;

/// The crate's client of one destination, made with its first use.
pub(super) struct Library {
    api: Arc<Api>,
    client: OnceCell<Client>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").finish_non_exhaustive()
    }
}

impl Library {
    /// Returns a client that has contacted nobody.
    pub(super) fn new(api: Arc<Api>) -> Library {
        Library { api, client: OnceCell::new() }
    }

    /// Makes the dataset.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn create_dataset(&self) -> Result<(), Trouble> {
        let Target { names, location, .. } = &self.api.target;
        let dataset = Dataset::new(&names.project, &names.dataset).location(location);
        let make = |client: Client| {
            let dataset = dataset.clone();
            async move { client.dataset().create(dataset).await }
        };
        self.call(make).await.map(drop)
    }

    /// Makes a table with these columns. Returns when that was, in milliseconds since 1970, where it is said.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn create_table(&self, table: &str, columns: &[Column]) -> Result<Option<i64>, Trouble> {
        let Target { names, options, .. } = &self.api.target;
        let new = described(
            NewTable::new(&names.project, &names.dataset, table, schema(columns)),
            columns,
            options,
        );
        let make = |client: Client| {
            let new = new.clone();
            async move { client.table().create(new).await }
        };
        let made = self.call(make).await?;
        Ok(made.creation_time.and_then(|time| time.parse().ok()))
    }

    /// Runs one statement that answers nothing, and waits until it is done.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn run(&self, statement: &str) -> Result<(), Trouble> {
        self.answered(statement, None).await.map(drop)
    }

    /// Runs a statement with a list of texts as its one parameter, and returns how many rows it changed.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn change(&self, statement: &str, (name, texts): (&str, Vec<String>)) -> Result<u64, Trouble> {
        let answer = self.answered(statement, Some(parameter(name, texts))).await?;
        Ok(answer.num_dml_affected_rows.and_then(|rows| rows.parse().ok()).unwrap_or_default())
    }

    /// Runs a query and reads its whole answer.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn query(&self, sql: &str) -> Result<Vec<Record>, Trouble> {
        let mut answer = self.answered(sql, None).await?;
        let mut records = Vec::new();
        loop {
            records.extend(answer.rows.take().unwrap_or_default().into_iter().map(record));
            let page = answer.page_token.take().filter(|page| !page.is_empty() && records.len() < MOST_ROWS);
            let Some(page) = page else { return Ok(records) };
            answer = self.results(&answer, Some(page)).await?;
        }
    }

    /// A query that is not done within the time of one call has its answer asked for until it is.
    async fn answered(&self, sql: &str, parameter: Option<QueryParameter>) -> Result<QueryResponse, Trouble> {
        let until = Instant::now() + self.api.target.load_timeout;
        let mut request = QueryRequest::new(sql);
        request.use_legacy_sql = false;
        request.location = Some(self.api.target.location.clone());
        request.timeout_ms = Some(HELD_BACK_MS);
        request.max_results = Some(PAGE_ROWS);
        if let Some(parameter) = parameter {
            request.parameter_mode = Some("NAMED".to_owned());
            request.query_parameters = Some(vec![parameter]);
        }
        let project = self.api.target.names.project.clone();
        let make = |client: Client| {
            let (project, request) = (project.clone(), request.clone());
            async move { client.job().query(&project, request).await }
        };
        let answer = self.call(make).await?;
        let late = |_| odd("timeout", "a statement took too long".to_owned());
        timeout_at(until, self.completed(answer)).await.map_err(late)?
    }

    async fn completed(&self, mut answer: QueryResponse) -> Result<QueryResponse, Trouble> {
        while answer.job_complete == Some(false) {
            answer = self.results(&answer, None).await?;
        }
        Ok(answer)
    }

    async fn results(&self, of: &QueryResponse, page: Option<String>) -> Result<QueryResponse, Trouble> {
        let job = of.job_reference.clone().and_then(|job| Some((job.job_id?, job.location)));
        let Some((id, location)) = job else {
            return Err(odd("badAnswer", "a query has no job to ask after".to_owned()));
        };
        let project = self.api.target.names.project.clone();
        let location = location.or_else(|| Some(self.api.target.location.clone()));
        let make = |client: Client| {
            let (project, id) = (project.clone(), id.clone());
            let parameters = GetQueryResultsParameters {
                location: location.clone(),
                page_token: page.clone(),
                max_results: Some(PAGE_ROWS),
                timeout_ms: Some(HELD_BACK_MS),
                ..Default::default()
            };
            async move { client.job().get_query_results(&project, &id, parameters).await }
        };
        let mut answer: QueryResponse = self.call(make).await?.into();
        // Not every answer repeats whose it is.
        answer.job_reference = answer.job_reference.or_else(|| of.job_reference.clone());
        Ok(answer)
    }

    /// Calls with a token that was good a moment ago; one that is refused is replaced once.
    async fn call<T, F>(&self, make: impl Fn(Client) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, BQError>>,
    {
        let client = self.client().await?;
        let token = self.api.tokens.token().await.map_err(|refusal| Trouble::of(&refusal))?;
        let trouble = match make(client.clone()).await {
            Ok(done) => return Ok(done),
            Err(error) => self.trouble(&error),
        };
        let Some(token) = token.filter(|_| trouble.kind() == Some(Kind::Credentials)) else {
            return Err(trouble);
        };
        self.api.tokens.forget(&token).await;
        self.api.tokens.token().await.map_err(|refusal| Trouble::of(&refusal))?;
        make(client).await.map_err(|error| self.trouble(&error))
    }

    async fn client(&self) -> Result<Client, Trouble> {
        let made = self.client.get_or_try_init(|| async {
            let pool = self.api.library_pool().map_err(unmade)?;
            let base = self.api.target.endpoint.as_str().trim_end_matches('/').to_owned();
            let mut builder = ClientBuilder::new();
            builder.with_v2_base_url(base).with_client(pool);
            let client = builder.build_from_authenticator(Arc::new(self.api.tokens.clone())).await;
            client.map_err(|error| unmade(format!("could not set up the BigQuery client: {error}")))
        });
        made.await.cloned()
    }

    fn trouble(&self, error: &BQError) -> Trouble {
        match error {
            BQError::ResponseError { error } => Trouble::Said(said(&error.error)),
            // Anything but Google's full form: a gateway's page, an empty body. Its status is lost.
            BQError::RequestError(error) if error.is_decode() => {
                odd("badAnswer", "an answer that is not in Google's form".to_owned())
            }
            BQError::RequestError(error) => {
                Trouble::Silent(describe(error, &origin(&self.api.target.endpoint)))
            }
            other => odd("backendError", words(&other.to_string())),
        }
    }
}

fn said(error: &NestedResponseError) -> Said {
    let detail = |key: &str| error.errors.first().and_then(|first| first.get(key)).map(|text| words(text));
    Said {
        status: u16::try_from(error.code).ok(),
        reason: detail("reason").unwrap_or_default(),
        message: words(&error.message),
        wait: None,
        of_token: false,
    }
}

fn record(row: TableRow) -> Record {
    row.columns.unwrap_or_default().into_iter().map(|cell| cell.value).collect()
}

/// A parameter of the type `ARRAY<STRING>`: no text of it is ever read as a part of the statement.
fn parameter(name: &str, texts: Vec<String>) -> QueryParameter {
    let of = |name: &str| QueryParameterType { array_type: None, struct_types: None, r#type: name.to_owned() };
    let text =
        |value| QueryParameterValue { value: Some(value), array_values: None, struct_values: None };
    let list = QueryParameterValue {
        array_values: Some(texts.into_iter().map(text).collect()),
        struct_values: None,
        value: None,
    };
    QueryParameter {
        name: Some(name.to_owned()),
        parameter_type: Some(QueryParameterType { array_type: Some(Box::new(of("STRING"))), ..of("ARRAY") }),
        parameter_value: Some(list),
    }
}

fn schema(columns: &[Column]) -> TableSchema {
    let field = |column: &&Column| TableFieldSchema::new(&column.name, field_type(column.column_type));
    TableSchema::new(ddl::in_order(columns).iter().map(field).collect())
}

/// Adds what decides about the cost of questions: see `ddl`, which says the same as a statement.
fn described(new: NewTable, columns: &[Column], options: &Options) -> NewTable {
    let day = TimePartitioning::per_day();
    let day = if ddl::has_day(columns) { day.field(ddl::PARTITIONED_BY) } else { day };
    let keys = ddl::clustering(new.table_id(), columns);
    let mut new = new.time_partitioning(day);
    if !keys.is_empty() {
        let fields = keys.into_iter().map(str::to_owned).collect();
        new = new.clustering(Clustering { fields: Some(fields) });
    }
    if options.require_partition_filter { new.require_partition_filter(true) } else { new }
}

const fn field_type(column_type: ColumnType) -> FieldType {
    match column_type {
        ColumnType::Bool => FieldType::Bool,
        ColumnType::Int => FieldType::Int64,
        ColumnType::Float => FieldType::Float64,
        ColumnType::Timestamp => FieldType::Timestamp,
        ColumnType::Numeric => FieldType::Numeric,
        ColumnType::Json => FieldType::Json,
        ColumnType::Text | ColumnType::Other => FieldType::String,
    }
}
