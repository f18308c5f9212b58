//! Keeps the views and the tables `users` and `accounts`: has the statements of `views` and `users` run, and remembers
//! what stands there, so that a quiet minute costs no call.
//!
//! Views are first made when an operator says so; the label that they carry tells every router to keep them. What was
//! denied is not asked for again for a while: it is told once, and then passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::super::api::Call;
use super::super::errors::{Kind, Trouble};
use super::super::users::{self, Merged};
use super::super::views::{self, Action, Existing, LABEL, Options, Seen, ViewChange};
use super::super::{super::Chore, ddl};
use super::{DENIED_FOR, Store, fault};
use crate::telemetry::clock;

/// Where views of ours stand: makes those that are missing, and those anew that say something else.
pub(super) const VIEWS: &str = "views";

/// The same where none stands yet: what an operator asks for.
const APPLY_VIEWS: &str = "apply views";

/// Merges the newest state of everyone.
pub(super) const USERS: &str = "users";

/// A view is made anew at most this often.
const VIEWS_EVERY: Duration = Duration::from_secs(60);

/// How often somebody may have made the first views.
const LOOK_EVERY: Duration = Duration::from_secs(300);

/// Google ends a statement that has taken this long.
/// <https://cloud.google.com/bigquery/quotas#query_jobs>
const LONGEST_STATEMENT: Duration = Duration::from_secs(6 * 3600);

/// Most pages of 1,000 of a list of tables and views.
const MOST_PAGES: usize = 50;

#[cfg(test)]
mod tests;

/// What is remembered between two chores.
#[derive(Debug, Default)]
pub(super) struct Memory {
    remembered: Mutex<Remembered>,
    /// Held while everyone's state is merged.
    merging: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Remembered {
    /// What stands in the dataset of the views, and when that was looked at; `None` until it was.
    standing: Option<(Standing, Instant)>,
    merged: Merged,
    /// Until when a merge may be running whose end nobody has seen.
    unsettled: Option<Instant>,
    /// Nothing has come since the last merge.
    is_merged: bool,
    /// What was denied, by chore or view, and until when it is passed over.
    denied: BTreeMap<String, Instant>,
}

type Standing = BTreeMap<String, Existing>;

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how far everyone's state is merged.
    pub(super) fn merged(&self) -> Merged {
        self.lock().merged
    }

    /// Says how far it was when the process before this one ended.
    pub(super) fn has_merged(&self, merged: Merged) {
        self.lock().merged = merged;
    }

    fn is_denied(&self, what: &str) -> bool {
        let mut memory = self.lock();
        let now = Instant::now();
        memory.denied.retain(|_, until| *until > now);
        memory.denied.contains_key(what)
    }

    fn deny(&self, what: &str) {
        self.lock().denied.insert(what.to_owned(), Instant::now() + DENIED_FOR);
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

    /// Does one of them, or makes the first views.
    ///
    /// # Errors
    /// What was said, or why nothing was.
    pub(super) async fn do_chore(&self, chore: &str) -> Result<(), Trouble> {
        let Some(options) = &self.api.target.views else { return Ok(()) };
        match chore {
            APPLY_VIEWS => self.make_views(options, true).await,
            VIEWS if !self.chores.is_denied(VIEWS) => self.make_views(options, false).await,
            USERS if !self.chores.is_denied(USERS) => self.merge_users(options).await,
            _ => Ok(()),
        }
    }

    /// Takes note that rows have come into a table.
    pub(in super::super) fn has_rows(&self, table: &str) {
        if users::calls().contains(&table) {
            self.chores.lock().is_merged = false;
        }
    }

    /// Makes the views fit the tables. Where nobody asked for views, only those of ours that stand there are a reason to.
    async fn make_views(&self, options: &Options, is_asked: bool) -> Result<(), Trouble> {
        if self.cell.load().tables.is_empty() {
            return Ok(());
        }
        if self.api.target.sightings.take_news() {
            self.remember().await;
        }
        let known = self.chores.lock().standing.take();
        let is_fresh = |at: &Instant| at.elapsed() < LOOK_EVERY;
        let known = known.filter(|(standing, at)| !is_asked && (has_ours(standing) || is_fresh(at)));
        let Some((standing, at)) = known else {
            return self.look_and_make(options, is_asked).await;
        };
        if has_ours(&standing) && !self.lacking(&standing, options).is_empty() {
            // A label may have been taken off meanwhile.
            return self.look_and_make(options, is_asked).await;
        }
        self.chores.lock().standing = Some((standing, at));
        Ok(())
    }

    async fn look_and_make(&self, options: &Options, is_asked: bool) -> Result<(), Trouble> {
        let mut standing = self.standing(options).await?;
        let made = match is_asked || has_ours(&standing) {
            true => self.make(&mut standing, options).await,
            false => Ok(()),
        };
        if made.is_ok() {
            // After trouble the next time begins with a look: somebody may have been faster.
            self.chores.lock().standing = Some((standing, Instant::now()));
        }
        made
    }

    /// Returns what is to be made, without what was denied a short while ago.
    fn lacking(&self, standing: &Standing, options: &Options) -> Vec<ViewChange> {
        let observed = self.api.target.sightings.all();
        let seen = Seen { conflicts: &self.cell.conflicts(), observed: &observed };
        let all = views::plan(&self.cell.load(), &seen, standing, options);
        all.into_iter().filter(|one| is_to_be_made(one) && !self.chores.is_denied(&one.name)).collect()
    }

    /// Makes what is lacking. Of several that are refused the first one tells why; the others are made.
    async fn make(&self, standing: &mut Standing, options: &Options) -> Result<(), Trouble> {
        let mut refused = Ok(());
        for change in self.lacking(standing, options) {
            match self.run(&change.sql).await {
                Ok(()) => {
                    let ours = Existing::Ours { hash: change.hash, columns: change.texts };
                    standing.insert(change.name, ours);
                }
                Err(trouble) if fault::is_about_jobs(&trouble) => {
                    self.chores.deny(VIEWS);
                    return Err(trouble);
                }
                Err(trouble) => {
                    if is_denied(&trouble) {
                        self.chores.deny(&change.name);
                    }
                    refused = refused.and(Err(trouble));
                }
            }
        }
        refused
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

    /// Merges the newest state of everyone, when something has come. A merge whose fate is not known is done again.
    async fn merge_users(&self, options: &Options) -> Result<(), Trouble> {
        let now = clock::now();
        let merged = {
            let mut memory = self.chores.lock();
            // What comes while it is merged is for the next time.
            if std::mem::replace(&mut memory.is_merged, true) {
                return Ok(());
            }
            memory.merged
        };
        let done = self.merge_since(merged.since(now), options).await;
        {
            let mut memory = self.chores.lock();
            match &done {
                Ok(()) => memory.merged = merged.with(now, merged.since(now)),
                Err(_) => memory.is_merged = false,
            }
        }
        if done.as_ref().is_err_and(is_denied) {
            self.chores.deny(USERS);
        }
        self.remember().await;
        done
    }

    /// Runs the statements of a merge in order, up to one that fails. Whoever waits for it may be gone before it ends, and the end
    /// may not be told.
    async fn merge(&self, statements: &[String]) -> Result<(), Trouble> {
        let _held = self.chores.merging.lock().await;
        let before = self.chores.lock().unsettled.replace(Instant::now() + LONGEST_STATEMENT);
        let mut done = Ok(());
        for statement in statements {
            done = self.run(statement).await;
            if done.is_err() {
                break;
            }
        }
        if !done.as_ref().is_err_and(is_unsettled) {
            self.chores.lock().unsettled = before;
        }
        done
    }

    /// As when whoever waited for a merge is gone.
    #[cfg(test)]
    pub(in super::super) fn has_lost_a_merge(&self) {
        self.chores.lock().unsettled = Some(Instant::now() + LONGEST_STATEMENT);
    }

    /// Keeps everyone's state from being merged as long as what is returned is held; waits for a merge that is at it. Beside it is
    /// told until when another one may be running whose end nobody has seen.
    pub(in super::super) async fn no_merge(&self) -> (tokio::sync::MutexGuard<'_, ()>, Option<Instant>) {
        let held = self.chores.merging.lock().await;
        let unsettled = self.chores.lock().unsettled.filter(|until| *until > Instant::now());
        (held, unsettled)
    }

    async fn merge_since(&self, since: Option<Timestamp>, options: &Options) -> Result<(), Trouble> {
        let statements = users::merge(options, &self.cell.load(), since);
        if statements.is_empty() {
            return Ok(());
        }
        let mut done = self.merge(&statements).await;
        // Made, changed, or gone while nobody looked.
        for table in users::states() {
            let looked = self.look(table).await.map(drop);
            done = done.and(looked);
        }
        done
    }
}

fn has_ours(standing: &Standing) -> bool {
    standing.values().any(|one| matches!(one, Existing::Ours { .. }))
}

/// Returns whether asking again soon is of no use: no right to it, or rows that were streamed into a table of states by
/// somebody else, which nobody may change for up to 90 minutes.
fn is_denied(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Said(said) => {
            matches!(said.kind(), Kind::Denied | Kind::NotBilled) || said.speaks_of(&["streaming buffer"])
        }
        Trouble::Silent(_) => false,
    }
}

/// Returns whether a statement may be running still: nobody has said that it is not.
fn is_unsettled(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Said(said) => {
            said.status.map_or(matches!(said.reason.as_str(), "timeout" | "badAnswer"), |status| status >= 500)
        }
        Trouble::Silent(_) => true,
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
