//! What a destination is given to count with.
//!
//! A destination knows no metric and no other destination: it emits events of [`super::events`] to its meter, which adds the
//! name under which it is configured.

use std::fmt;
use std::sync::Arc;

use super::Metrics;

/// Counts for one destination. The default counts nothing: for checks, previews and tests.
#[derive(Clone, Default)]
pub struct Meter(Option<Arc<(String, Arc<Metrics>)>>);

impl Meter {
    /// Returns a meter that counts under this configured name.
    pub fn new(destination: &str, metrics: Arc<Metrics>) -> Self {
        Meter(Some(Arc::new((destination.to_owned(), metrics))))
    }

    /// Lets `count` have the destination's name and the numbers, where there are some.
    pub(super) fn with(&self, count: impl FnOnce(&str, &Metrics)) {
        if let Some(inner) = &self.0 {
            count(&inner.0, &inner.1);
        }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.as_ref().map(|inner| inner.0.as_str());
        f.debug_tuple("Meter").field(&name).finish()
    }
}
