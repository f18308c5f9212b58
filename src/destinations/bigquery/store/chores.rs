//! Keeps the views and the tables `users` and `accounts`: has the statements of `views` and `users` run, and remembers
//! what stands there, so that a quiet minute costs no call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::super::api::Call;
use super::super::errors::{Kind, Trouble};
use super::super::users::{self, Merged};
use super::super::views::{self, Action, Existing, LABEL, Options, Seen, ViewChange};
use super::super::{super::Chore, ddl};
use super::Store;
use crate::telemetry::clock;

/// Makes views that are missing, and those anew that say something else.
pub(super) const VIEWS: &str = "views";

/// Merges the newest state of everyone.
pub(super) const USERS: &str = "users";

/// A view is made anew at most this often.
const VIEWS_EVERY: Duration = Duration::from_secs(60);

/// Most pages of 1,000 of a list of tables and views.
const MOST_PAGES: usize = 50;

#[cfg(test)]
mod tests;

/// What is remembered between two chores.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// What stands in the dataset of the views; `None` until it was looked at.
    standing: Option<BTreeMap<String, Existing>>,
    merged: Merged,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Returns what is to be done from time to time: nothing where the tables are kept by somebody else.
    pub(super) fn all_chores(&self) -> Vec<Chore> {
        let target = &self.api.target;
        if target.views.is_none() {
            return Vec::new();
        }
        let views = Chore { name: VIEWS, every: VIEWS_EVERY };
        let users = Chore { name: USERS, every: target.users_merge_every };
        let is_on = |chore: &Chore| !chore.every.is_zero();
        [views, users].into_iter().filter(is_on).collect()
    }

    /// Does one of them.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn do_chore(&self, chore: &str) -> Result<(), Trouble> {
        match (chore, &self.api.target.views) {
            (VIEWS, Some(options)) => self.keep_views(options).await,
            (USERS, Some(options)) => self.merge_users(options).await,
            _ => Ok(()),
        }
    }

    /// Makes the views fit the tables. Of several that are refused the first one tells why; the others are made.
    async fn keep_views(&self, options: &Options) -> Result<(), Trouble> {
        let schema = self.cell.load();
        if schema.tables.is_empty() {
            return Ok(());
        }
        let known = self.chores.lock().standing.take();
        let mut standing = match known {
            Some(standing) => standing,
            None => self.standing(options).await?,
        };
        if self.api.target.sightings.take_news() {
            let plain = self.seen().plain.clone();
            self.cache.write(&self.cell, plain).await;
        }
        let changes = {
            let observed = self.api.target.sightings.all();
            let seen = Seen { conflicts: &self.cell.conflicts(), observed: &observed };
            views::plan(&schema, &seen, &standing, options)
        };
        let mut refused = None;
        for change in changes.into_iter().filter(is_to_be_made) {
            match self.run(&change.sql).await {
                Ok(()) => {
                    let ours = Existing::Ours { hash: change.hash, columns: change.texts };
                    standing.insert(change.name, ours);
                }
                Err(trouble) => refused = refused.or(Some(trouble)),
            }
        }
        match refused {
            // Somebody may have been faster, so the next time begins with a look.
            Some(trouble) => Err(trouble),
            None => {
                self.chores.lock().standing = Some(standing);
                Ok(())
            }
        }
    }

    /// Reads what stands in the dataset of the views.
    async fn standing(&self, options: &Options) -> Result<BTreeMap<String, Existing>, Trouble> {
        let mut columns = match &options.flat {
            Some(_) => BTreeMap::new(),
            None => self.columns_as_text(options).await,
        };
        let (mut standing, mut page) = (BTreeMap::new(), String::new());
        for _ in 0..MOST_PAGES {
            let mut url = self.api.target.url(&["datasets", &options.views.dataset, "tables"]);
            url.query_pairs_mut().append_pair("maxResults", "1000");
            if !page.is_empty() {
                url.query_pairs_mut().append_pair("pageToken", &page);
            }
            let answer = match self.api.ask(Call::get(url)).await {
                // The statement that makes the first view says it better.
                Err(trouble) if trouble.kind() == Some(Kind::NoDataset) => return Ok(standing),
                other => other?,
            };
            let listed = answer.get("tables").and_then(Value::as_array).into_iter().flatten();
            standing.extend(listed.filter_map(|one| existing(one, &mut columns)));
            match answer.get("nextPageToken").and_then(Value::as_str) {
                Some(next) if !next.is_empty() => page = next.to_owned(),
                _ => break,
            }
        }
        Ok(standing)
    }

    /// Reads which columns are shown as text, by view. Where that cannot be read such a column may go again, and the view
    /// is right all the same.
    async fn columns_as_text(&self, options: &Options) -> BTreeMap<String, BTreeSet<String>> {
        let names = &options.views;
        let path = ddl::quoted(&format!("{}.{}.INFORMATION_SCHEMA.COLUMNS", names.project, names.dataset));
        let sql = format!("SELECT table_name, column_name FROM {path}");
        let mut columns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for record in self.query(&sql).await.unwrap_or_default() {
            let mut texts =
                record.into_iter().map(|cell| cell.and_then(|cell| cell.as_str().map(str::to_owned)));
            if let (Some(Some(table)), Some(Some(column))) = (texts.next(), texts.next())
                && views::is_text_name(&column)
            {
                columns.entry(table).or_default().insert(column);
            }
        }
        columns
    }

    /// Merges the newest state of everyone. A merge whose fate is not known is done again.
    async fn merge_users(&self, options: &Options) -> Result<(), Trouble> {
        let (now, merged) = (clock::now(), self.chores.lock().merged);
        let since = merged.since(now);
        for statement in users::merge(options, &self.cell.load(), since) {
            self.run(&statement).await?;
        }
        self.chores.lock().merged = merged.with(now, since);
        Ok(())
    }
}

fn is_to_be_made(change: &ViewChange) -> bool {
    matches!(change.action, Action::Create | Action::Replace)
}

/// Reads one entry of a list of tables and views.
fn existing(listed: &Value, columns: &mut BTreeMap<String, BTreeSet<String>>) -> Option<(String, Existing)> {
    let name = listed.pointer("/tableReference/tableId")?.as_str()?.to_owned();
    let is_view = listed.get("type").and_then(Value::as_str) == Some("VIEW");
    let hash = listed.get("labels").and_then(|labels| labels.get(LABEL)).and_then(Value::as_str);
    let existing = match hash.filter(|_| is_view) {
        Some(hash) => {
            Existing::Ours { hash: hash.to_owned(), columns: columns.remove(&name).unwrap_or_default() }
        }
        None => Existing::Foreign,
    };
    Some((name, existing))
}
