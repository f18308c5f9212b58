//! How this BigQuery is to be: what a user sets at the start, and a test while it runs.

use std::collections::BTreeSet;

use jiff::SignedDuration;

/// The settings, with values that make it quick and strict.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The only project that there is; empty: any.
    pub(super) project: String,
    /// A dataset that exists from the start; empty: none.
    pub(super) dataset: String,
    /// Where datasets are made that name no place.
    pub(super) location: String,
    /// Whether requests must carry a token.
    pub(super) auth: bool,
    /// How long a token is good.
    pub(super) token_life: SignedDuration,
    /// How long a new table is hidden from streaming.
    pub(super) table_propagation: SignedDuration,
    /// How long a new column is hidden from streaming.
    pub(super) column_propagation: SignedDuration,
    /// How often, in percent, what is hidden is seen all the same.
    pub(super) flip: u8,
    /// How many requests do not see a new table, whatever the time.
    pub(super) table_refusals: u32,
    /// How many requests that use it do not see a new column, whatever the time.
    pub(super) column_refusals: u32,
    /// How long a table that was deleted and made again swallows rows.
    pub(super) swallow: SignedDuration,
    /// How many requests to such a table are swallowed, whatever the time.
    pub(super) swallow_requests: u32,
    /// How long an insert id is remembered.
    pub(super) dedupe: SignedDuration,
    /// Whether quotas count.
    pub(super) quotas: bool,
    /// Load jobs for one table in a day.
    pub(super) loads_a_day: u32,
    /// How often a job is asked about before it is done.
    pub(super) polls: u32,
    /// Whether streaming is allowed: not in the free tier.
    pub(super) streaming: bool,
    /// Most columns of a table.
    pub(super) max_columns: usize,
    /// Rights that the account does not have.
    pub(super) denied: BTreeSet<String>,
    /// Where the dice begin.
    pub(super) seed: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            project: "local".to_owned(),
            dataset: String::new(),
            location: "US".to_owned(),
            auth: true,
            token_life: SignedDuration::from_secs(3600),
            table_propagation: SignedDuration::ZERO,
            column_propagation: SignedDuration::ZERO,
            flip: 30,
            table_refusals: 0,
            column_refusals: 0,
            swallow: SignedDuration::ZERO,
            swallow_requests: 0,
            dedupe: SignedDuration::from_secs(60),
            quotas: true,
            loads_a_day: 1_500,
            polls: 0,
            streaming: true,
            max_columns: 10_000,
            denied: BTreeSet::new(),
            seed: 1,
        }
    }
}

/// The names of the settings as a user writes them.
const NAMES: &str = "project, dataset, location, auth, token_life, propagation, table_propagation, column_propagation, flip, \
                     table_refusals, column_refusals, swallow, swallow_requests, dedupe, quotas, loads_a_day, polls, streaming, \
                     max_columns, deny, seed";

impl Settings {
    /// Sets one: a word, a number, a time such as `3m`, or `on` and `off`.
    ///
    /// # Errors
    /// There is none of this name, or the value is none for it.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |kind: &str| format!("`{name}` must be {kind}, not `{value}`");
        match name {
            "project" => self.project = value.to_owned(),
            "dataset" => self.dataset = value.to_owned(),
            "location" => self.location = value.to_owned(),
            "deny" => self.denied = rights(value),
            "auth" | "quotas" | "streaming" => {
                let on = switch(value).ok_or_else(|| wrong("`on` or `off`"))?;
                self.set_switch(name, on);
            }
            "flip" => self.flip = percent(value).ok_or_else(|| wrong("a number from 0 to 100"))?,
            "seed" => self.seed = value.parse().map_err(|_| wrong("a number"))?,
            "max_columns" => self.max_columns = value.parse().map_err(|_| wrong("a number"))?,
            _ => match (self.count(name), value.parse()) {
                (Some(count), Ok(value)) => *count = value,
                (Some(_), Err(_)) => return Err(wrong("a number")),
                (None, _) => return self.set_time(name, value),
            },
        }
        Ok(())
    }

    fn set_switch(&mut self, name: &str, on: bool) {
        match name {
            "auth" => self.auth = on,
            "quotas" => self.quotas = on,
            _ => self.streaming = on,
        }
    }

    fn count(&mut self, name: &str) -> Option<&mut u32> {
        Some(match name {
            "table_refusals" => &mut self.table_refusals,
            "column_refusals" => &mut self.column_refusals,
            "swallow_requests" => &mut self.swallow_requests,
            "loads_a_day" => &mut self.loads_a_day,
            "polls" => &mut self.polls,
            _ => return None,
        })
    }

    fn set_time(&mut self, name: &str, value: &str) -> Result<(), String> {
        let time = value.parse::<SignedDuration>().ok().filter(|time| !time.is_negative());
        let time = time.ok_or_else(|| format!("`{name}` must be a time such as `90s`, not `{value}`"));
        match name {
            "token_life" => self.token_life = time?,
            "propagation" => {
                let time = time?;
                (self.table_propagation, self.column_propagation) = (time, time);
            }
            "table_propagation" => self.table_propagation = time?,
            "column_propagation" => self.column_propagation = time?,
            "swallow" => self.swallow = time?,
            "dedupe" => self.dedupe = time?,
            _ => return Err(format!("there is no setting `{name}`; there are {NAMES}")),
        }
        Ok(())
    }

    /// Returns whether there is a project of this name.
    pub(super) fn has_project(&self, name: &str) -> bool {
        self.project.is_empty() || self.project == name
    }

    /// Returns whether the account has a right.
    pub(super) fn may(&self, right: &str) -> bool {
        !self.denied.contains(right)
    }
}

fn rights(list: &str) -> BTreeSet<String> {
    list.split(',').map(str::trim).filter(|right| !right.is_empty()).map(str::to_owned).collect()
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "on" | "true" => Some(true),
        "off" | "false" => Some(false),
        _ => None,
    }
}

fn percent(value: &str) -> Option<u8> {
    value.parse().ok().filter(|percent| *percent <= 100)
}
