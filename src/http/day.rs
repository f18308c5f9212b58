//! The salt of the day, from which visitors of whom nothing is kept get an id that ends with it.
//!
//! Random, kept in `data_dir` so that a restart within the day changes no id, and gone for good on the second day after: what
//! was made with it can then be found out by nobody. Where it cannot be written it lives in memory alone.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::web;
use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::config::random_text;

const FILE: &str = "day-salts.toml";
const SECONDS: i64 = 24 * 60 * 60;

/// The salts of a router.
pub(super) struct DaySalts {
    directory: PathBuf,
    now: ArcSwapOption<Today>,
    /// One at a time makes the next.
    making: Mutex<()>,
}

struct Today {
    /// Days since 1970, in UTC.
    day: i64,
    salt: Arc<[u8]>,
}

impl DaySalts {
    pub(super) fn new(directory: &Path) -> DaySalts {
        DaySalts { directory: directory.to_owned(), now: ArcSwapOption::empty(), making: Mutex::new(()) }
    }

    /// Returns the salt of this instant's day in UTC.
    pub(super) async fn at(&self, now: Timestamp) -> Arc<[u8]> {
        let day = now.as_second().div_euclid(SECONDS);
        if let Some(salt) = self.known(day) {
            return salt;
        }
        let _turn = self.making.lock().await;
        if let Some(salt) = self.known(day) {
            return salt;
        }
        let directory = self.directory.clone();
        let made = web::block(move || turn(&directory, day)).await;
        let salt: Arc<[u8]> = made.unwrap_or_else(|_| random_text()).into_bytes().into();
        self.now.store(Some(Arc::new(Today { day, salt: Arc::clone(&salt) })));
        salt
    }

    fn known(&self, day: i64) -> Option<Arc<[u8]>> {
        let now = self.now.load();
        now.as_ref().filter(|today| today.day == day).map(|today| Arc::clone(&today.salt))
    }
}

/// Returns the day's salt from the file, which afterwards holds no salt from before yesterday.
fn turn(directory: &Path, day: i64) -> String {
    let path = directory.join(FILE);
    let kept = std::fs::read_to_string(&path).ok();
    let mut salts: BTreeMap<String, String> =
        kept.and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
    salts.retain(|known, _| known.parse::<i64>().is_ok_and(|known| (day - 1..=day).contains(&known)));
    let salt = salts.entry(day.to_string()).or_insert_with(random_text).clone();
    if let Err(error) = write(&path, &salts) {
        tracing::warn!(error = %error, "could not keep the salt of the day in `{}`: a restart makes another", path.display());
    }
    salt
}

/// Written beside and renamed, so that a kill leaves the old file or the new one.
fn write(path: &Path, salts: &BTreeMap<String, String>) -> io::Result<()> {
    let text = toml::to_string(salts).map_err(io::Error::other)?;
    let beside = path.with_extension("toml.new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[actix::test]
    async fn a_salt_lives_for_a_day_in_utc_and_survives_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let salts = DaySalts::new(directory.path());
        let first = salts.at(at("2026-01-31T00:00:00Z")).await;
        assert_eq!(salts.at(at("2026-01-31T23:59:59Z")).await, first);
        let restarted = DaySalts::new(directory.path());
        assert_eq!(restarted.at(at("2026-01-31T12:00:00Z")).await, first);
        assert_ne!(restarted.at(at("2026-02-01T00:00:00Z")).await, first);
    }

    #[actix::test]
    async fn on_the_second_day_after_the_file_holds_it_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let salts = DaySalts::new(directory.path());
        let file = || std::fs::read_to_string(directory.path().join(FILE)).unwrap();
        let first = String::from_utf8(salts.at(at("2026-01-31T12:00:00Z")).await.to_vec()).unwrap();
        salts.at(at("2026-02-01T12:00:00Z")).await;
        assert!(file().contains(&first));
        salts.at(at("2026-02-02T00:00:00Z")).await;
        assert!(!file().contains(&first));
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(directory.path().join(FILE)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }

    #[actix::test]
    async fn where_nothing_can_be_written_the_salt_is_in_memory() {
        let salts = DaySalts::new(Path::new("/nonexistent"));
        let first = salts.at(at("2026-01-31T12:00:00Z")).await;
        assert_eq!(salts.at(at("2026-01-31T13:00:00Z")).await, first);
        assert_eq!(first.len(), 64);
    }
}
