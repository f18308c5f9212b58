//! Standing orders, one small synced file for each destination that has some.
//!
//! Separate from the cursors because an order is rare and must survive a power cut at once. A file that cannot be read is
//! reported and counts as no orders: what was paused then flows, which loses nothing.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::cursors::escaped;
use super::files::{self, failed};
use crate::journal::{JournalError, Orders};

/// The directory of order files.
#[derive(Debug)]
pub(super) struct OrderFiles {
    dir: PathBuf,
}

impl OrderFiles {
    /// Uses `dir`, which exists.
    pub(super) fn new(dir: PathBuf) -> Self {
        OrderFiles { dir }
    }

    /// Returns the orders for a destination.
    pub(super) fn load(&self, destination: &str) -> Result<Orders, JournalError> {
        let path = self.path(destination);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Orders::default()),
            read => read.map_err(failed("read", &path))?,
        };
        Ok(serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::error!(file = %path.display(), %error, "orders for a destination are damaged and do not count");
            Orders::default()
        }))
    }

    /// Stores the orders for a destination and returns when they are durable.
    pub(super) fn store(&self, destination: &str, orders: &Orders) -> Result<(), JournalError> {
        let path = self.path(destination);
        if *orders == Orders::default() {
            files::remove(&path)?;
            return files::sync_dir(&self.dir);
        }
        let bytes = serde_json::to_vec(orders).map_err(|error| JournalError::Io {
            context: "could not write orders as JSON".to_owned(),
            source: error.into(),
        })?;
        files::replace(&path, &bytes, true)?;
        files::sync_dir(&self.dir)
    }

    fn path(&self, destination: &str) -> PathBuf {
        self.dir.join(format!("{}.json", escaped(destination)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::ReplayOrder;
    use crate::journal::replay::{Passage, Stretch};

    #[test]
    fn orders_survive_and_are_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let orders = || OrderFiles::new(dir.path().to_owned());
        assert_eq!(orders().load("crm").unwrap(), Orders::default());
        let at = "2030-01-01T00:00:00Z".parse().unwrap();
        let stretches = vec![Stretch { partition: 2, from: 7, until: 13 }];
        let passage = Some(Passage { topic: "t".into(), from: Some(at), until: None, stretches });
        let filter = vec!["track:Order *".into()];
        let replay = ReplayOrder { from: 0, until: 6, filter, events_per_second: 5, at, passage };
        let given = Orders { paused: true, replay: Some(replay) };
        orders().store("crm", &given).unwrap();
        assert_eq!(orders().load("crm").unwrap(), given);
        assert_eq!(orders().load("other").unwrap(), Orders::default());
        orders().store("crm", &Orders::default()).unwrap();
        assert_eq!(files::names(dir.path()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn an_order_from_before_there_were_passages_is_one_of_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let old = br#"{"paused":false,"replay":{"from":3,"until":9,"filter":[],"events_per_second":0,
            "at":"2030-01-01T00:00:00Z"}}"#;
        fs::write(dir.path().join("crm.json"), old).unwrap();
        let replay = OrderFiles::new(dir.path().to_owned()).load("crm").unwrap().replay.unwrap();
        assert_eq!((replay.from, replay.until, replay.passage), (3, 9, None));
    }

    #[test]
    fn a_damaged_file_counts_as_no_orders() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("crm.json"), b"{\"paused\":").unwrap();
        assert_eq!(OrderFiles::new(dir.path().to_owned()).load("crm").unwrap(), Orders::default());
    }
}
