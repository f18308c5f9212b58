//! Plain reads: some columns, or how many rows, of one table or of what is told about all tables.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::super::field::{Field, Kind, Mode};
use super::Outcome;
use super::cursor::Cursor;
use super::lex::What;
use super::statement::Path;

/// A read.
#[derive(Debug)]
pub(super) struct Select {
    items: Vec<Item>,
    /// None: no table, as in `SELECT 1`.
    pub(super) from: Option<Path>,
    conditions: Vec<Condition>,
    order: Vec<(String, bool)>,
    limit: Option<usize>,
}

#[derive(Debug)]
enum Item {
    All,
    Count(String),
    Column { name: String, shown: String },
    Literal { value: Value, shown: String },
}

#[derive(Debug)]
struct Condition {
    column: String,
    is_not: bool,
    /// Null stands for IS NULL.
    values: Vec<Value>,
    /// A read that gives the values, in its first column.
    of: Option<Box<Select>>,
}

/// Reads what follows SELECT.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Select, String> {
    let mut items = Vec::new();
    loop {
        let item = item(cursor, items.len())?;
        items.push(item);
        if !cursor.sign(',') {
            break;
        }
    }
    let from = if cursor.take("FROM") { Some(cursor.path()?) } else { None };
    if cursor.take("AS") || matches!(cursor.peek(), Some(What::Word(word)) if !is_keyword(word)) {
        cursor.name()?;
    }
    let mut conditions = Vec::new();
    if cursor.take("WHERE") {
        conditions.push(condition(cursor)?);
        while cursor.take("AND") {
            conditions.push(condition(cursor)?);
        }
    }
    let order = if cursor.take("ORDER BY") { order(cursor)? } else { Vec::new() };
    let limit = if cursor.take("LIMIT") { Some(number(cursor)?) } else { None };
    Ok(Select { items, from, conditions, order, limit })
}

fn is_keyword(word: &str) -> bool {
    ["WHERE", "ORDER", "LIMIT", "GROUP", "QUALIFY", "JOIN", "UNION"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
}

fn item(cursor: &mut Cursor<'_>, index: usize) -> Result<Item, String> {
    let unnamed = format!("f{index}_");
    if cursor.sign('*') {
        return Ok(Item::All);
    }
    if cursor.take("COUNT") {
        cursor.expect('(')?;
        cursor.expect('*')?;
        cursor.expect(')')?;
        return Ok(Item::Count(alias(cursor)?.unwrap_or(unnamed)));
    }
    if let Some(What::Number(_) | What::Text(_)) = cursor.peek() {
        let value = literal(cursor)?;
        return Ok(Item::Literal { value, shown: alias(cursor)?.unwrap_or(unnamed) });
    }
    let name = last(cursor.path()?);
    let shown = alias(cursor)?.unwrap_or_else(|| name.clone());
    Ok(Item::Column { name, shown })
}

fn alias(cursor: &mut Cursor<'_>) -> Result<Option<String>, String> {
    if cursor.take("AS") { cursor.name().map(Some) } else { Ok(None) }
}

/// `t.a` is the column `a`.
fn last(mut path: Path) -> String {
    path.pop().unwrap_or_default()
}

fn condition(cursor: &mut Cursor<'_>) -> Result<Condition, String> {
    let column = last(cursor.path()?);
    if cursor.take("IS NOT NULL") {
        return Ok(Condition { column, is_not: true, values: vec![Value::Null], of: None });
    }
    if cursor.take("IS NULL") {
        return Ok(Condition { column, is_not: false, values: vec![Value::Null], of: None });
    }
    let is_not = cursor.take("NOT");
    if cursor.take("IN") {
        cursor.expect('(')?;
        if cursor.take("SELECT") {
            let of = Some(Box::new(read(cursor)?));
            cursor.expect(')')?;
            return Ok(Condition { column, is_not, values: Vec::new(), of });
        }
        let mut values = vec![literal(cursor)?];
        while cursor.sign(',') {
            values.push(literal(cursor)?);
        }
        cursor.expect(')')?;
        return Ok(Condition { column, is_not, values, of: None });
    }
    let is_not = cursor.sign('!') || cursor.sign('<');
    if !(is_not && cursor.sign('>')) {
        cursor.expect('=')?;
    }
    Ok(Condition { column, is_not, values: vec![literal(cursor)?], of: None })
}

fn literal(cursor: &mut Cursor<'_>) -> Result<Value, String> {
    if cursor.take("TRUE") {
        return Ok(true.into());
    }
    if cursor.take("FALSE") {
        return Ok(false.into());
    }
    let wrong = cursor.unexpected("a literal");
    match cursor.next() {
        Some(What::Text(text)) => Ok(text.as_str().into()),
        Some(What::Number(number)) => serde_json::from_str(number).map_err(|_| wrong),
        _ => Err(wrong),
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<usize, String> {
    let wrong = cursor.unexpected("integer literal");
    match cursor.next() {
        Some(What::Number(number)) => number.parse().map_err(|_| wrong),
        _ => Err(wrong),
    }
}

fn order(cursor: &mut Cursor<'_>) -> Result<Vec<(String, bool)>, String> {
    let mut order = Vec::new();
    loop {
        let column = last(cursor.path()?);
        let down = cursor.take("DESC");
        cursor.take("ASC");
        order.push((column, down));
        if !cursor.sign(',') {
            return Ok(order);
        }
    }
}

impl Select {
    /// Replaces each read within a condition by its values.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(super) fn resolved<E>(
        mut self,
        mut run: impl FnMut(Select) -> Result<Outcome, E>,
    ) -> Result<Select, E> {
        for condition in &mut self.conditions {
            let Some(of) = condition.of.take() else { continue };
            let outcome = run(*of)?;
            let first = outcome.fields.first().map(|field| field.name.as_str()).unwrap_or_default();
            condition.values = outcome.rows.iter().filter_map(|row| row.get(first).cloned()).collect();
        }
        Ok(self)
    }

    /// Reads rows of these columns.
    ///
    /// # Errors
    /// A column does not exist.
    pub(super) fn of(&self, fields: &[Field], rows: Vec<Map<String, Value>>) -> Result<Outcome, String> {
        for condition in &self.conditions {
            known(fields, &condition.column)?;
        }
        let mut rows: Vec<_> = rows
            .into_iter()
            .filter(|row| self.conditions.iter().all(|condition| condition.holds(fields, row)))
            .collect();
        for (column, down) in self.order.iter().rev() {
            let name = &known(fields, column)?.name;
            rows.sort_by(|one, other| compared(one.get(name), other.get(name), *down));
        }
        let count = rows.len();
        if self.items.iter().any(|item| matches!(item, Item::Count(_))) {
            rows = vec![Map::new()];
        }
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        let mut outcome = Outcome { kind: "SELECT", rows, ..Outcome::default() };
        for item in &self.items {
            item.add_to(&mut outcome, fields, count)?;
        }
        Ok(outcome)
    }
}

impl Item {
    /// Adds what is selected to the columns and to the rows.
    fn add_to(&self, outcome: &mut Outcome, fields: &[Field], count: usize) -> Result<(), String> {
        let column = |shown: &String, kind: Kind| Field::new(shown, kind, Mode::Nullable);
        match self {
            Item::All => outcome.fields.extend(fields.iter().cloned()),
            Item::Column { name, shown } => {
                let field = known(fields, name)?;
                set(&mut outcome.rows, shown, |row| row.get(&field.name).cloned().unwrap_or_default());
                outcome.fields.push(Field { name: shown.clone(), ..field.clone() });
            }
            Item::Count(shown) => {
                set(&mut outcome.rows, shown, |_| count.into());
                outcome.fields.push(column(shown, Kind::Integer));
            }
            Item::Literal { value, shown } => {
                set(&mut outcome.rows, shown, |_| value.clone());
                outcome
                    .fields
                    .push(column(shown, if value.is_string() { Kind::String } else { Kind::Integer }));
            }
        }
        Ok(())
    }
}

fn known<'a>(fields: &'a [Field], name: &str) -> Result<&'a Field, String> {
    fields.iter().find(|field| field.is(name)).ok_or_else(|| format!("Unrecognized name: {name}"))
}

fn set(rows: &mut [Map<String, Value>], name: &str, value: impl Fn(&Map<String, Value>) -> Value) {
    for row in rows {
        let value = value(row);
        row.insert(name.to_owned(), value);
    }
}

impl Condition {
    fn holds(&self, fields: &[Field], row: &Map<String, Value>) -> bool {
        let field = fields.iter().find(|field| field.is(&self.column));
        let value = field.and_then(|field| row.get(&field.name)).unwrap_or(&Value::Null);
        self.values.contains(value) != self.is_not
    }
}

fn compared(one: Option<&Value>, other: Option<&Value>, down: bool) -> Ordering {
    let order = match (one.and_then(Value::as_f64), other.and_then(Value::as_f64)) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => one.and_then(Value::as_str).cmp(&other.and_then(Value::as_str)),
    };
    if down { order.reverse() } else { order }
}
