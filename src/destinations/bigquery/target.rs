//! Where the dataset is, who we are there, and what we may change: what the settings say to the wire.
//!
//! Holds no secret, only where one is found.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use super::super::http_client::address;
use super::super::{Setting, SettingError};
use super::config::{AutoTableManagement, Config, TableLayout};
use super::creations::MadeAgain;
use super::ddl::{Names, Options};
use super::sightings::Sightings;
use super::views;

/// Where Google answers.
pub(super) const GOOGLE: &str = "https://bigquery.googleapis.com/bigquery/v2";

/// Longer than a load job of 5 MB takes on a quiet day; when it takes longer, the next attempt asks after the same job.
pub(super) const LOAD_TIMEOUT: Duration = Duration::from_secs(120);

/// What the wire needs to know of the settings.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Project and dataset.
    pub(super) names: Names,
    /// Where the dataset lies, and where jobs run: "US", "europe-west1".
    pub(super) location: String,
    /// Base address, up to `/bigquery/v2`.
    pub(super) endpoint: Url,
    /// How long one call may take.
    pub(super) timeout: Duration,
    /// How long a load job is waited for.
    pub(super) load_timeout: Duration,
    /// Who we are.
    pub(super) credentials: Credentials,
    /// What may be changed.
    pub(super) management: AutoTableManagement,
    /// What new tables get beside their columns.
    pub(super) options: Options,
    /// How long the first need of a table waits for others to join it.
    pub(super) schema_window: Duration,
    /// How views are made; `None` where nobody asked us to make tables.
    pub(super) views: Option<views::Options>,
    /// What events had, for the views of the flat layout; filled while they are planned.
    pub(super) sightings: Arc<Sightings>,
    /// Tables that were made again a short while ago; filled while tables are read.
    pub(super) made_again: Arc<MadeAgain>,
    /// How long that is: nothing is streamed into such a table meanwhile.
    pub(super) recreate_hold: Duration,
    /// How often `users` and `accounts` are merged; zero for never.
    pub(super) users_merge_every: Duration,
    /// Where the schema is kept, so that a restart reads no table; `None`: nowhere.
    pub(super) cache_file: Option<PathBuf>,
}

/// How we prove who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// A file as Google hands it out: a service account's key, or what `gcloud auth application-default login` wrote.
    File(PathBuf),
    /// What the surroundings offer.
    Default(Surroundings),
    /// Nobody asks: an emulator on this machine.
    None,
}

/// Where application default credentials are looked for, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// `GOOGLE_APPLICATION_CREDENTIALS`.
    pub(super) named_file: Option<PathBuf>,
    /// `application_default_credentials.json` in gcloud's folder; used when it is there.
    pub(super) gcloud_file: Option<PathBuf>,
    /// `GCE_METADATA_HOST`: host, or host and port, of another metadata server.
    pub(super) metadata_host: Option<String>,
}

impl Target {
    /// Returns what the settings say; `around` is where credentials are looked for when they name no file.
    ///
    /// # Errors
    /// When the endpoint is no address.
    pub(super) fn new(
        config: &Config,
        setting: &Setting,
        around: Surroundings,
    ) -> Result<Target, SettingError> {
        let google = Url::parse(GOOGLE);
        let endpoint = match config.base_url() {
            Some(url) => url,
            None => google.map_err(|error| SettingError {
                key: "endpoint",
                message: format!("is not an address: {error}"),
            })?,
        };
        let is_flat = config.layout() == TableLayout::Flat;
        Ok(Target {
            names: config.names(),
            location: config.location.clone(),
            credentials: credentials(&config.credentials_file, &endpoint, around),
            endpoint,
            timeout: setting.timeout,
            load_timeout: setting.timeout.max(LOAD_TIMEOUT),
            management: config.auto_table_management,
            options: config.table_options(),
            schema_window: config.schema_window,
            views: config.auto_table_management.makes_tables().then(|| views::Options::from(config)),
            sightings: Arc::default(),
            made_again: Arc::default(),
            recreate_hold: config.recreate_hold,
            users_merge_every: if is_flat { Duration::ZERO } else { config.users_merge_every },
            cache_file: Some(setting.data_dir.join("schema").join(format!("{}.json", setting.name))),
        })
    }

    /// Returns the address of something below the project: `["datasets", "d"]`. Every part is escaped.
    pub(super) fn url(&self, parts: &[&str]) -> Url {
        below(&self.endpoint, &self.names.project, parts)
    }

    /// Returns where media is uploaded: Google has it beside the API, under `/upload`.
    pub(super) fn upload_url(&self, parts: &[&str]) -> Url {
        let mut base = self.endpoint.clone();
        let path = base.path().trim_end_matches('/');
        let before = path.strip_suffix("/bigquery/v2").unwrap_or(path).to_owned();
        base.set_path(&format!("{before}/upload/bigquery/v2"));
        below(&base, &self.names.project, parts)
    }
}

/// A file that is named counts. Without one, an endpoint on this machine is an emulator, which asks nobody, unless a
/// metadata server is named too.
fn credentials(file: &Path, endpoint: &Url, around: Surroundings) -> Credentials {
    if !file.as_os_str().is_empty() {
        return Credentials::File(file.to_owned());
    }
    let is_emulator = address::is_loopback(endpoint) && around.metadata_host.is_none();
    if is_emulator { Credentials::None } else { Credentials::Default(around) }
}

fn below(base: &Url, project: &str, parts: &[&str]) -> Url {
    let mut url = base.clone();
    // Only an address without a path, such as `mailto:`, has no segments; the settings refuse those.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["projects", project]).extend(parts);
    }
    url
}

#[cfg(test)]
mod tests {
    use crate::destinations::bigquery::peer::target;

    #[test]
    fn addresses_are_escaped_and_uploads_lie_beside_the_api() {
        let at = target("http://localhost:9050/some/bigquery/v2/".parse().unwrap());
        assert_eq!(
            at.url(&["datasets", "d", "tables", "a/b ü"]).as_str(),
            "http://localhost:9050/some/bigquery/v2/projects/acme/datasets/d/tables/a%2Fb%20%C3%BC"
        );
        assert_eq!(
            at.upload_url(&["jobs"]).as_str(),
            "http://localhost:9050/some/upload/bigquery/v2/projects/acme/jobs"
        );
    }
}
