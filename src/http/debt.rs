//! Where a limiter keeps what it has counted, so that a request may cost more than a whole bucket holds: it needs a full one,
//! empties it, and what is lacking is owed. Until that is paid nothing else passes.
//!
//! Only adds what is owed to what the limiter itself charges, and takes both back. Never decides what passes.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{HashMapStateStore, ShrinkableKeyedStateStore};

/// More than a century. It leaves room for the time that has passed.
const MOST_NANOSECONDS: u64 = u64::MAX / 4;

/// Whom to charge, and for how many nanoseconds of refilling beyond a full bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Account<K> {
    key: K,
    owed: u64,
}

impl<K> Account<K> {
    /// Returns the account of a key for one request.
    pub(super) fn of(key: K, owed: Duration) -> Account<K> {
        let owed = u64::try_from(owed.as_nanos()).unwrap_or(u64::MAX).min(MOST_NANOSECONDS);
        Account { key, owed }
    }
}

/// What was counted, by key. A clone is the same book.
pub(super) struct Book<K>(Arc<HashMapStateStore<K>>);

impl<K> Clone for Book<K> {
    fn clone(&self) -> Self {
        Book(Arc::clone(&self.0))
    }
}

impl<K: Hash + Eq + Clone> Book<K> {
    /// Returns an empty one.
    pub(super) fn new() -> Book<K> {
        Book(Arc::default())
    }

    /// Takes a charge back: what was paid, as the time in which it is refilled, and what was owed.
    pub(super) fn give_back(&self, account: &Account<K>, paid: Duration) {
        let charged = u64::try_from(paid.as_nanos()).unwrap_or(u64::MAX).saturating_add(account.owed);
        // Who is not known any more has a full bucket.
        let known: Result<(), ()> = self.0.measure_and_replace(&account.key, |until| {
            let until: Nanos = until.ok_or(())?;
            Ok(((), Nanos::new(until.as_u64().saturating_sub(charged))))
        });
        known.unwrap_or_default();
    }
}

impl<K: Hash + Eq + Clone> StateStore for Book<K> {
    type Key = Account<K>;

    fn measure_and_replace<T, F, E>(&self, account: &Account<K>, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let owed = Nanos::new(account.owed);
        self.0.measure_and_replace(&account.key, |before| {
            measure(before).map(|(answer, until)| (answer, until + owed))
        })
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<Account<K>> for Book<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.retain_recent(drop_below);
    }

    fn shrink_to_fit(&self) {
        ShrinkableKeyedStateStore::shrink_to_fit(&*self.0);
    }

    fn len(&self) -> usize {
        ShrinkableKeyedStateStore::len(&*self.0)
    }

    fn is_empty(&self) -> bool {
        ShrinkableKeyedStateStore::is_empty(&*self.0)
    }
}
