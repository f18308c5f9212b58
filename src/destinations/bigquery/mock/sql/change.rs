//! Statements that make and change tables and views.

use serde_json::{Map, Value};

use super::super::answer::{already_exists, invalid, invalid_query};
use super::super::field::{Field, Mode, check_unique};
use super::super::schema::Added;
use super::super::state::{Partition, Place, Table};
use super::super::{quota, tables};
use super::statement::{Action, CreateTable};
use super::{Outcome, Run, view_fields};
use crate::destinations::mock::Said;

/// The columns that stand for the time of arrival.
const ARRIVAL: [&str; 2] = ["_PARTITIONTIME", "_PARTITIONDATE"];

impl Run<'_, '_> {
    pub(super) fn create_table(&mut self, create: &CreateTable) -> Result<Outcome, Said> {
        let place = self.place_of(&create.path)?;
        let what = self.state.dataset_name(&place.0);
        self.state.needs("bigquery.tables.create", &what)?;
        if self.state.table(&place).is_ok() && create.if_not_exists {
            return Ok(Outcome::of("CREATE_TABLE"));
        }
        check_unique(&create.fields).map_err(|why| invalid_query(&why))?;
        let mut table = Table::new(create.fields.clone(), self.call.at);
        table.partition = create.partition.as_ref().map(|(column, by)| Partition {
            field: Some(column.clone()).filter(|name| !ARRIVAL.contains(&name.to_uppercase().as_str())),
            by: by.clone(),
            expiration_ms: None,
        });
        table.clustering.clone_from(&create.clustering);
        table.more = create.options.clone();
        tables::add(self.state, &place, table)?;
        Ok(Outcome::of("CREATE_TABLE"))
    }

    pub(super) fn create_view(
        &mut self,
        place: &Place,
        (replace, if_not_exists): (bool, bool),
        options: &Map<String, Value>,
        query: &str,
    ) -> Result<Outcome, Said> {
        let (what, at) = (self.state.dataset_name(&place.0), self.call.at);
        self.state.needs("bigquery.tables.create", &what)?;
        let fields = view_fields(self.state, query, &self.dataset)?;
        let name = self.state.table_name(place);
        match self.state.table(place) {
            Ok(_) if if_not_exists => return Ok(Outcome::of("CREATE_VIEW")),
            Ok(known) if replace && known.view.is_some() => {
                quota::update(self.state, place, false, at)?;
                let view = self.state.table(place)?;
                (view.view, view.fields, view.more) = (Some(query.to_owned()), fields, options.clone());
                view.changed(at);
            }
            Ok(_) if replace => return Err(invalid(&format!("{name} is not a view."))),
            Ok(_) => return Err(already_exists(&name)),
            Err(_) => {
                let mut view = Table::new(fields, at);
                (view.view, view.more) = (Some(query.to_owned()), options.clone());
                tables::add(self.state, place, view)?;
            }
        }
        Ok(Outcome::of("CREATE_VIEW"))
    }

    pub(super) fn drop(&mut self, place: &Place, if_exists: bool, view: bool) -> Result<Outcome, Said> {
        let name = self.state.table_name(place);
        self.state.needs("bigquery.tables.delete", &name)?;
        match self.state.table(place) {
            Err(_) if if_exists => {}
            Err(missing) => return Err(missing),
            Ok(table) if table.view.is_some() != view => {
                return Err(invalid_query(&format!(
                    "{name} is not a {}.",
                    if view { "view" } else { "table" }
                )));
            }
            Ok(_) => tables::delete(self.state, place)?,
        }
        Ok(Outcome::of(if view { "DROP_VIEW" } else { "DROP_TABLE" }))
    }

    /// All changes of a statement, or none, and one update of the table.
    pub(super) fn alter(
        &mut self,
        place: &Place,
        if_exists: bool,
        actions: &[Action],
    ) -> Result<Outcome, Said> {
        let (name, at) = (self.state.table_name(place), self.call.at);
        let mut table = match self.state.table(place) {
            Err(_) if if_exists => return Ok(Outcome::of("ALTER_TABLE")),
            known => known?.clone(),
        };
        self.state.needs("bigquery.tables.update", &name)?;
        let settings = self.state.settings.clone();
        let added = Added { settings: &settings, at };
        for action in actions {
            apply(&mut table, action, &added)?;
        }
        added.check_leaves(&table.fields)?;
        quota::update(self.state, place, table.partition.is_some(), at)?;
        table.changed(at);
        *self.state.table(place)? = table;
        Ok(Outcome::of("ALTER_TABLE"))
    }
}

fn apply(table: &mut Table, action: &Action, added: &Added<'_>) -> Result<(), Said> {
    match action {
        Action::Add { if_not_exists, field } => add(table, *if_not_exists, field, added),
        Action::SetType { column, kind } => {
            let clustered = table.clustering.iter().any(|name| name.eq_ignore_ascii_case(column));
            let field = known(table, column)?;
            if !kind.widens(field.kind) || field.mode == Mode::Repeated || (clustered && !kind.clusters()) {
                let (from, to) = (field.sql_type(), kind.sql());
                return Err(invalid_query(&format!(
                    "ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type ({from}) is \
                     assignable to the new type ({to})"
                )));
            }
            field.kind = *kind;
            Ok(())
        }
        Action::DropNotNull(column) => {
            let field = known(table, column)?;
            if field.mode == Mode::Required {
                field.mode = Mode::Nullable;
            }
            Ok(())
        }
        Action::DropColumn { if_exists, column } => match (known(table, column), if_exists) {
            (Err(_), true) => Ok(()),
            (Err(missing), false) => Err(missing),
            (Ok(_), _) => {
                table.fields.retain(|field| !field.is(column));
                Ok(())
            }
        },
        Action::SetOptions(options) => {
            table.more.extend(options.clone());
            Ok(())
        }
    }
}

fn add(table: &mut Table, if_not_exists: bool, field: &Field, added: &Added<'_>) -> Result<(), Said> {
    if table.view.is_some() {
        return Err(invalid_query("ALTER TABLE ADD COLUMN is not supported for a view"));
    }
    if table.field(&field.name).is_some() {
        return match if_not_exists {
            true => Ok(()),
            false => Err(invalid_query(&format!("Column already exists: {}", field.name))),
        };
    }
    if field.mode == Mode::Required {
        return Err(invalid_query(&format!(
            "Cannot add required fields to an existing schema. (field: {})",
            field.name
        )));
    }
    table.fields.push(added.mark(field.clone()));
    Ok(())
}

fn known<'a>(table: &'a mut Table, column: &str) -> Result<&'a mut Field, Said> {
    let field = table.fields.iter_mut().find(|field| field.is(column));
    field.ok_or_else(|| invalid_query(&format!("Column not found: {column}")))
}
