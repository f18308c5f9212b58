//! The salt of the day, from which visitors of whom nothing is kept get an id that ends with it.
//!
//! Random, kept in `data_dir` so that a restart within the day changes no id, and gone for good on the second day after: what
//! was made with it can then be found out by nobody. Where it cannot be written it lives in memory alone. Routers that share a
//! store use the same salt; while that is away each has its own, and a visitor of two of them counts twice.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::web;
use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::config::random_text;
use crate::stores::shared::SharedState;

const FILE: &str = "day-salts.toml";
const SECONDS: i64 = 24 * 60 * 60;

/// How long the shared store may take: a request waits for it, once a day.
const AGREE_WITHIN: Duration = Duration::from_millis(500);
/// When a store that was away is asked again, in seconds. Of the requests then, one waits.
const ASK_AGAIN_S: i64 = 10;

/// The salts of a router.
pub(super) struct DaySalts {
    directory: PathBuf,
    shared: ArcSwapOption<Arc<dyn SharedState>>,
    /// How often `shared` was changed: who agreed with another store before has agreed with nobody.
    changes: AtomicU64,
    now: ArcSwapOption<Today>,
    /// One at a time makes the next.
    making: Mutex<()>,
}

struct Today {
    /// Days since 1970, in UTC.
    day: i64,
    salt: Arc<[u8]>,
    /// When the shared store is to be asked about it again, in seconds since 1970; never where that has agreed.
    ask_at: Option<i64>,
    /// Of how many changes of the store it knows.
    changes: u64,
}

impl DaySalts {
    pub(super) fn new(directory: &Path, shared: Option<Arc<dyn SharedState>>) -> DaySalts {
        let directory = directory.to_owned();
        let (shared, now) = (ArcSwapOption::new(shared.map(Arc::new)), ArcSwapOption::empty());
        DaySalts { directory, shared, changes: AtomicU64::new(0), now, making: Mutex::new(()) }
    }

    /// Agrees with the routers that share this store from now on, also about this very day.
    pub(super) fn share(&self, shared: Option<Arc<dyn SharedState>>) {
        self.shared.store(shared.map(Arc::new));
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the salt of this instant's day in UTC.
    pub(super) async fn at(&self, now: Timestamp) -> Arc<[u8]> {
        let day = now.as_second().div_euclid(SECONDS);
        let known = self.known(day);
        let _turn = match known {
            Some(known) if self.is_settled(&known, now) => {
                return Arc::clone(&known.salt);
            }
            // Whoever is not the one that asks goes on with what is known.
            Some(known) => match self.making.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Arc::clone(&known.salt),
            },
            None => self.making.lock().await,
        };
        if let Some(known) = self.known(day).filter(|known| self.is_settled(known, now)) {
            return Arc::clone(&known.salt);
        }
        let today = self.make(day, now).await;
        let salt = Arc::clone(&today.salt);
        self.now.store(Some(Arc::new(today)));
        salt
    }

    /// Returns whether nobody is to be asked about the salt now.
    fn is_settled(&self, known: &Today, now: Timestamp) -> bool {
        let is_of_now = known.changes == self.changes.load(Ordering::SeqCst);
        is_of_now && known.ask_at.is_none_or(|at| now.as_second() < at)
    }

    async fn make(&self, day: i64, now: Timestamp) -> Today {
        let changes = self.changes.load(Ordering::SeqCst);
        let own = match self.known(day) {
            Some(known) => String::from_utf8_lossy(&known.salt).into_owned(),
            None => self.turn(day, None).await,
        };
        let agreed = self.agree(day, &own).await;
        let ask_at =
            agreed.is_none().then(|| now.as_second() + ASK_AGAIN_S).filter(|_| self.shared.load().is_some());
        let salt = match agreed.filter(|agreed| *agreed != own) {
            Some(agreed) => self.turn(day, Some(agreed)).await,
            None => own,
        };
        Today { day, salt: salt.into_bytes().into(), ask_at, changes }
    }

    /// Returns what the routers have agreed on; nothing where there is no shared store, or none that answers.
    async fn agree(&self, day: i64, own: &str) -> Option<String> {
        let shared = self.shared.load_full()?;
        let asked = shared.day_salt(day, own);
        match tokio::time::timeout(AGREE_WITHIN, asked).await {
            Ok(Ok(salt)) => Some(salt),
            Ok(Err(why)) => {
                tracing::debug!(error = %why, "the salt of the day is this router's own for now");
                None
            }
            Err(_) => None,
        }
    }

    /// Returns the day's salt from the file, in which it stands from now on.
    async fn turn(&self, day: i64, agreed: Option<String>) -> String {
        let directory = self.directory.clone();
        let made = web::block(move || turn(&directory, day, agreed)).await;
        made.unwrap_or_else(|_| random_text())
    }

    fn known(&self, day: i64) -> Option<Arc<Today>> {
        self.now.load_full().filter(|today| today.day == day)
    }
}

/// Returns the day's salt from the file, which afterwards holds no salt from before yesterday.
fn turn(directory: &Path, day: i64, agreed: Option<String>) -> String {
    let path = directory.join(FILE);
    let kept = std::fs::read_to_string(&path).ok();
    let mut salts: BTreeMap<String, String> =
        kept.and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
    salts.retain(|known, _| known.parse::<i64>().is_ok_and(|known| (day - 1..=day).contains(&known)));
    agreed.into_iter().for_each(|agreed| drop(salts.insert(day.to_string(), agreed)));
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
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;
    use crate::stores::shared::Memory;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[actix::test]
    async fn a_salt_lives_for_a_day_in_utc_and_survives_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let salts = DaySalts::new(directory.path(), None);
        let first = salts.at(at("2026-01-31T00:00:00Z")).await;
        assert_eq!(salts.at(at("2026-01-31T23:59:59Z")).await, first);
        let restarted = DaySalts::new(directory.path(), None);
        assert_eq!(restarted.at(at("2026-01-31T12:00:00Z")).await, first);
        assert_ne!(restarted.at(at("2026-02-01T00:00:00Z")).await, first);
    }

    #[actix::test]
    async fn on_the_second_day_after_the_file_holds_it_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let salts = DaySalts::new(directory.path(), None);
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
        let salts = DaySalts::new(Path::new("/nonexistent"), None);
        let first = salts.at(at("2026-01-31T12:00:00Z")).await;
        assert_eq!(salts.at(at("2026-01-31T13:00:00Z")).await, first);
        assert_eq!(first.len(), 64);
    }

    #[actix::test]
    async fn routers_that_share_a_store_have_one_salt_and_keep_it_when_the_store_goes() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let shared = Arc::new(Memory::default());
        let of = |directory: &Path| DaySalts::new(directory, Some(Arc::<Memory>::clone(&shared)));
        let noon = at("2026-01-31T12:00:00Z");
        let (first, second) = (of(one.path()).at(noon).await, of(two.path()).at(noon).await);
        assert_eq!(first, second);
        shared.is_away.store(true, SeqCst);
        assert_eq!(of(two.path()).at(noon).await, first, "it is in the file of both");
        assert_ne!(of(two.path()).at(at("2026-02-01T12:00:00Z")).await, first);
    }

    #[actix::test]
    async fn routers_that_cross_midnight_have_one_salt_of_the_new_day_whoever_is_first() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let shared = Arc::new(Memory::default());
        let of = |directory: &Path| DaySalts::new(directory, Some(Arc::<Memory>::clone(&shared)));
        let (one, two) = (of(one.path()), of(two.path()));
        let (late, early) = (at("2026-01-31T23:59:59Z"), at("2026-02-01T00:00:00Z"));
        let old = one.at(late).await;
        assert_eq!(two.at(late).await, old);
        let new = two.at(early).await;
        assert_ne!(new, old);
        assert_eq!(one.at(early).await, new);
        // A request that began before midnight and waited.
        assert_eq!(two.at(late).await, old);
        assert_eq!(one.at(early).await, new);
        assert_eq!(two.at(early).await, new);
    }

    #[actix::test]
    async fn who_moves_to_another_store_has_the_salt_of_those_who_share_it_at_once() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let stores = [Arc::new(Memory::default()), Arc::new(Memory::default())];
        let of = |store: usize| Some(Arc::<Memory>::clone(&stores[store]) as Arc<dyn SharedState>);
        let (one, two) = (DaySalts::new(one.path(), of(0)), DaySalts::new(two.path(), of(1)));
        let noon = at("2026-01-31T12:00:00Z");
        let (first, second) = (one.at(noon).await, two.at(noon).await);
        assert_ne!(first, second);
        one.share(of(1));
        assert_eq!(one.at(noon).await, second);
        one.share(None);
        assert_eq!(one.at(noon).await, second, "alone it keeps what it has");
    }

    #[actix::test]
    async fn while_the_store_is_away_a_router_has_its_own_and_agrees_later() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let shared = Arc::new(Memory::default());
        let of = |directory: &Path| DaySalts::new(directory, Some(Arc::<Memory>::clone(&shared)));
        let agreed = of(one.path()).at(at("2026-01-31T12:00:00Z")).await;
        shared.is_silent.store(true, SeqCst);
        tokio::time::pause();
        let late = of(two.path());
        let own = late.at(at("2026-01-31T12:00:00Z")).await;
        assert_ne!(own, agreed);
        shared.is_silent.store(false, SeqCst);
        assert_eq!(late.at(at("2026-01-31T12:00:09Z")).await, own, "it is not asked with every request");
        assert_eq!(late.at(at("2026-01-31T12:00:10Z")).await, agreed);
    }
}
