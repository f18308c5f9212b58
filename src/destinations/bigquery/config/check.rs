//! What is wrong with settings that were read. Pure; never quotes a value that could be long.

use std::time::Duration;

use reqwest::Url;

use super::super::super::SettingError;
use super::Config;

/// BigQuery's own limit of columns: <https://cloud.google.com/bigquery/quotas#standard_tables>.
const MAX_COLUMNS: usize = 10_000;

/// Most characters of a dataset's or table's name: <https://cloud.google.com/bigquery/docs/datasets#dataset-naming>.
const MAX_NAME: usize = 1_024;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Config {
    /// Returns every problem of the settings.
    pub(in super::super) fn check(&self) -> Result<(), Vec<SettingError>> {
        let mut problems = Vec::new();
        names(self, &mut problems);
        endpoint(&self.endpoint, &mut problems);
        durations(self, &mut problems);
        counts(self, &mut problems);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Returns the base URL without a slash at its end; `None` for Google's own.
    pub(in super::super) fn base_url(&self) -> Option<Url> {
        Url::parse(self.endpoint.trim_end_matches('/')).ok()
    }
}

fn names(config: &Config, problems: &mut Vec<SettingError>) {
    let word = |more: &'static str| move |it: char| it.is_ascii_alphanumeric() || more.contains(it);
    let is_made_of = |text: &str, fine: &dyn Fn(char) -> bool| {
        !text.is_empty() && text.len() <= MAX_NAME && text.chars().all(fine)
    };
    let mut check = |key: &'static str, is_fine: bool, message: &str| {
        if !is_fine {
            problems.push(SettingError { key, message: message.to_owned() });
        }
    };
    // Old projects have a domain in front: `example.com:project`.
    let project = is_made_of(&config.project_id, &word("-.:"));
    check("project_id", project, "must be a project's id: letters, digits and `-`, not its name or number");
    let dataset = is_made_of(&config.dataset, &word("_"));
    check("dataset", dataset, "must be letters, digits and `_`, without the project");
    let location = is_made_of(&config.location, &word("-"));
    check("location", location, "must be a location of BigQuery, as in \"US\", \"EU\" or \"europe-west1\"");
    let table = config.table.is_empty() || is_made_of(&config.table, &word("_-"));
    check("table", table, "must be letters, digits, `_` and `-`, without the dataset");
    let views = config.views_dataset.is_empty() || is_made_of(&config.views_dataset, &word("_"));
    check("views_dataset", views, "must be letters, digits and `_`, without the project");
}

fn endpoint(endpoint: &str, problems: &mut Vec<SettingError>) {
    if endpoint.is_empty() {
        return;
    }
    let is_fine = Url::parse(endpoint)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none());
    if !is_fine {
        let message = "must be a URL up to `/bigquery/v2` that begins with http:// or https://".to_owned();
        problems.push(SettingError { key: "endpoint", message });
    }
}

fn durations(config: &Config, problems: &mut Vec<SettingError>) {
    let ranges = [
        ("schema_window", config.schema_window, Duration::ZERO..=MINUTE),
        ("settle", config.settle, Duration::ZERO..=HOUR),
        ("cold_after", config.cold_after, Duration::from_secs(1)..=HOUR),
        ("propagation_budget", config.propagation_budget, Duration::from_secs(1)..=DAY),
        ("recreate_hold", config.recreate_hold, Duration::ZERO..=HOUR),
    ];
    for (key, value, range) in ranges {
        if !range.contains(&value) {
            let (from, to) = (range.start(), range.end());
            let message = format!("must be between {}s and {}s", from.as_secs(), to.as_secs());
            problems.push(SettingError { key, message });
        }
    }
    let every = config.users_merge_every;
    if !every.is_zero() && !(MINUTE..=DAY).contains(&every) {
        let message = "must be between 1m and 24h, or 0s for never".to_owned();
        problems.push(SettingError { key: "users_merge_every", message });
    }
}

fn counts(config: &Config, problems: &mut Vec<SettingError>) {
    let ranges = [
        ("max_columns_per_table", config.max_columns_per_table, 1..=MAX_COLUMNS),
        ("max_tables", config.max_tables, 1..=usize::MAX),
        ("max_depth", config.max_depth, 1..=100),
    ];
    for (key, value, range) in ranges.into_iter().filter(|(_, value, range)| !range.contains(value)) {
        let message = match range.end() {
            &usize::MAX => format!("must be at least {}, not {value}", range.start()),
            most => format!("must be between {} and {most}, not {value}", range.start()),
        };
        problems.push(SettingError { key, message });
    }
}
