//! `jobs.query`: statements are read, checked and done as far as this stand-in knows them; any other is refused clearly.

mod change;
mod cursor;
mod delete;
mod lex;
mod merge;
mod select;
mod statement;
mod told;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::cursor::Cursor;
use self::lex::{Token, What};
use self::select::Select;
use self::statement::{Path, Statement};
use super::answer::{Answer, fine, invalid, invalid_query, not_found, put, refusal};
use super::call::Call;
use super::field::{Field, Kind, Mode};
use super::job::Job;
use super::load::check_right;
use super::result;
use super::state::{Place, State};
use crate::destinations::mock::Said;

/// What came of a statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) fields: Vec<Field>,
    pub(super) rows: Vec<Map<String, Value>>,
    /// Rows that were changed.
    pub(super) affected: Option<usize>,
    /// The kind of the statement, in Google's word.
    pub(super) kind: &'static str,
}

impl Outcome {
    fn of(kind: &'static str) -> Outcome {
        Outcome { kind, ..Outcome::default() }
    }

    /// Writes it as the REST interface does.
    pub(super) fn to_json(&self, done: bool) -> Value {
        if !done {
            return json!({ "jobComplete": false });
        }
        let mut json = json!({ "jobComplete": true, "cacheHit": false, "totalBytesProcessed": "0" });
        if !self.fields.is_empty() {
            let fields: Vec<Value> = self.fields.iter().map(Field::to_json).collect();
            let rows: Vec<Value> = self.rows.iter().map(|row| result::row(&self.fields, row)).collect();
            put(&mut json, "schema", json!({ "fields": fields }));
            put(&mut json, "totalRows", rows.len().to_string().into());
            if !rows.is_empty() {
                put(&mut json, "rows", rows.into());
            }
        }
        if let Some(affected) = self.affected {
            put(&mut json, "numDmlAffectedRows", affected.to_string().into());
        }
        json
    }
}

/// `POST …/queries`.
pub(super) fn query(state: &mut State, call: &Call<'_>) -> Answer {
    check_right(state)?;
    let body = call.json()?;
    let text = body.get("query").and_then(Value::as_str).unwrap_or_default();
    // The service's default is the old SQL, in which none of our statements can be written.
    if body.get("useLegacySql") != Some(&Value::Bool(false)) {
        return Err(invalid_query("Legacy SQL is not known to this stand-in: say `useLegacySql: false`"));
    }
    let parameters = parameters(&body)?;
    let dataset = body.get("defaultDataset").and_then(|dataset| dataset.get("datasetId"));
    let dataset = dataset.and_then(Value::as_str).unwrap_or_default().to_owned();
    let place = body.get("location").and_then(Value::as_str).unwrap_or_default().to_owned();
    let dry = body.get("dryRun") == Some(&Value::Bool(true));
    let tokens = lex::tokens(text).map_err(|why| invalid_query(&format!("Syntax error: {why}")))?;
    let mut run = Run { state, call, dataset, place, location: String::new(), parameters };
    let mut outcome = Outcome::default();
    for statement in split(&tokens) {
        let statement =
            statement::read(&mut Cursor::new(text, statement)).map_err(|why| invalid_query(&why))?;
        if !dry {
            outcome = run.one(statement)?;
        }
    }
    let location = match run.location.is_empty() {
        true => run.state.settings.location.clone(),
        false => run.location,
    };
    answered(state, text, &location, outcome, dry)
}

/// Reads the parameters that have names and are lists of texts; no others are known here.
fn parameters(body: &Map<String, Value>) -> Result<BTreeMap<String, Vec<String>>, Said> {
    let all = body.get("queryParameters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !all.is_empty() && body.get("parameterMode") != Some(&"NAMED".into()) {
        return Err(invalid("Only named query parameters are known to this stand-in"));
    }
    let one = |parameter: &Value| {
        let kind = parameter.pointer("/parameterType/arrayType/type").and_then(Value::as_str);
        let list = parameter.pointer("/parameterValue/arrayValues")?.as_array()?;
        let text = |item: &Value| item.get("value").and_then(Value::as_str).map(str::to_owned);
        let name = parameter.get("name")?.as_str().filter(|_| kind == Some("STRING"))?;
        Some((name.to_owned(), list.iter().filter_map(text).collect()))
    };
    let unknown = || invalid("Only query parameters of ARRAY<STRING> are known to this stand-in");
    all.iter().map(|parameter| one(parameter).ok_or_else(unknown)).collect()
}

fn split(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    tokens.split(|token| token.what == What::Sign(';')).filter(|statement| !statement.is_empty())
}

fn answered(state: &mut State, text: &str, location: &str, outcome: Outcome, dry: bool) -> Answer {
    let project = state.settings.project.clone();
    let id = format!("job_{}", state.number());
    let configuration = json!({ "jobType": "QUERY", "query": { "query": text, "useLegacySql": false } });
    let mut job = Job::new(state, location, configuration);
    let mut body = outcome.to_json(dry || job.polls == 0);
    put(&mut body, "kind", "bigquery#queryResponse".into());
    put(&mut body, "jobReference", json!({ "projectId": project, "jobId": id, "location": location }));
    job.statistics = json!({ "query": { "statementType": outcome.kind } });
    job.outcome = outcome;
    if !dry {
        state.jobs.insert(id, job);
    }
    fine(&body)
}

/// Returns the columns of a view's query, as far as it is plain; refuses a query that names a table that does not exist.
pub(super) fn view_fields(state: &mut State, query: &str, dataset: &str) -> Result<Vec<Field>, Said> {
    let tokens = lex::tokens(query).map_err(|why| invalid_query(&format!("Syntax error: {why}")))?;
    let cursor = Cursor::new(query, &tokens);
    let begins = matches!(cursor.peek(), Some(What::Word(word)) if ["SELECT", "WITH"].contains(&word.to_uppercase().as_str()));
    if !begins {
        return Err(invalid_query(&cursor.unexpected("keyword SELECT")));
    }
    let mut fields = Vec::new();
    for path in statement::sources(query, &cursor).map_err(|why| invalid_query(&why))? {
        let place = place(state, &path, dataset)?;
        let table = state.table(&place)?;
        fields.extend(table.fields.iter().filter(|field| named(&tokens, field)).cloned());
    }
    for name in shown_as(&tokens) {
        if !fields.iter().any(|field| field.is(name)) {
            fields.push(Field::new(name, Kind::String, Mode::Nullable));
        }
    }
    fields.dedup_by(|one, other| one.is(&other.name));
    Ok(fields)
}

/// Returns what a query calls its expressions, where it is quoted; of which type they are is not known here.
fn shown_as(tokens: &[Token]) -> impl Iterator<Item = &str> {
    tokens.iter().zip(tokens.iter().skip(1)).filter_map(|(one, next)| match (&one.what, &next.what) {
        (What::Word(word), What::Name(name)) if word.eq_ignore_ascii_case("AS") => Some(name.as_str()),
        _ => None,
    })
}

fn named(tokens: &[Token], field: &Field) -> bool {
    tokens.iter().any(|token| match &token.what {
        What::Word(word) | What::Name(word) => field.is(word),
        What::Sign(sign) => *sign == '*',
        _ => false,
    })
}

/// Returns the dataset and the table that a path names.
fn place(state: &State, path: &Path, default: &str) -> Result<Place, Said> {
    match path.as_slice() {
        [table] if !default.is_empty() => Ok((default.to_owned(), table.clone())),
        [dataset, table] => Ok((dataset.clone(), table.clone())),
        [project, dataset, table] if state.settings.has_project(project) => {
            Ok((dataset.clone(), table.clone()))
        }
        [project, ..] if path.len() == 3 => Err(not_found(&format!("Project {project}"))),
        _ => Err(invalid_query(&format!(
            "Table \"{}\" must be qualified with a dataset (e.g. dataset.table).",
            path.join(".")
        ))),
    }
}

/// Statements on their way.
struct Run<'a, 'b> {
    state: &'a mut State,
    call: &'a Call<'b>,
    /// The dataset of names without one.
    dataset: String,
    /// Where the request wants it to be done; empty: anywhere.
    place: String,
    /// Where it was done.
    location: String,
    /// Lists of texts by their names.
    parameters: BTreeMap<String, Vec<String>>,
}

impl Run<'_, '_> {
    fn one(&mut self, statement: Statement) -> Result<Outcome, Said> {
        match statement {
            Statement::CreateTable(create) => self.create_table(&create),
            Statement::CreateView { replace, if_not_exists, path, options, query } => {
                let place = self.place_of(&path)?;
                self.create_view(&place, (replace, if_not_exists), &options, &query)
            }
            Statement::Alter { if_exists, path, actions } => {
                let place = self.place_of(&path)?;
                self.alter(&place, if_exists, &actions)
            }
            Statement::Drop { view, if_exists, path } => {
                let place = self.place_of(&path)?;
                self.drop(&place, if_exists, view)
            }
            Statement::Delete(delete) => self.delete(&delete),
            Statement::Select(select) => self.select(select),
            Statement::Merge { target, sources, key } => self.merge(&target, &sources, &key),
        }
    }

    /// Returns the place of a table, and refuses one that is elsewhere than the request wants.
    fn place_of(&mut self, path: &Path) -> Result<Place, Said> {
        let place = place(self.state, path, &self.dataset)?;
        let what = self.state.dataset_name(&place.0);
        let known = self.state.location(&place.0);
        let wanted =
            if self.place.is_empty() { self.state.settings.location.clone() } else { self.place.clone() };
        match known {
            Ok(location) if self.place.is_empty() || location.eq_ignore_ascii_case(&wanted) => {
                self.location = location;
                Ok(place)
            }
            _ => Err(not_found(&format!("{what} was not found in location {wanted}"))),
        }
    }

    fn select(&mut self, select: Select) -> Result<Outcome, Said> {
        let select = select.resolved(|of| self.select(of))?;
        let wrong = |why: String| invalid_query(&why);
        let Some(path) = &select.from else { return select.of(&[], vec![Map::new()]).map_err(wrong) };
        if let Some((dataset, view)) = told::wanted(path, &self.dataset) {
            self.place_of(&vec![dataset.clone(), String::new()])?;
            let (fields, rows) = told::rows(self.state, &dataset, view)?;
            return select.of(&fields, rows).map_err(wrong);
        }
        let place = self.place_of(path)?;
        let what = self.state.table_name(&place);
        self.state.needs("bigquery.tables.getData", &what)?;
        let table = self.state.table(&place)?;
        if table.view.is_some() {
            return Err(refusal(400, "invalidQuery", "This stand-in keeps views and does not read them"));
        }
        let rows = table.rows.iter().map(|row| row.cells.clone()).collect();
        let fields = table.fields.clone();
        select.of(&fields, rows).map_err(wrong)
    }
}
