//! What routers that serve the same sites share beside their events, where a store keeps it for all of them.
//!
//! Nothing of it is needed: where the store is away each router goes on with what is its own.

use std::time::Duration;

use async_trait::async_trait;

use super::reports::Fault;

/// A store that keeps it.
#[async_trait]
pub trait SharedState: Send + Sync {
    /// Returns the salt of a day, in days of UTC since 1970: the first that any router has offered for it. The store destroys
    /// it when the day after is over.
    ///
    /// # Errors
    /// Why it is not known now.
    async fn day_salt(&self, day: i64, own: &str) -> Result<String, Fault>;

    /// Returns the answer to a question that any router has kept, while it is fresh.
    ///
    /// # Errors
    /// Why it is not known now.
    async fn recall(&self, question: &str) -> Result<Option<String>, Fault>;

    /// Keeps an answer for so long.
    ///
    /// # Errors
    /// Why it is not kept.
    async fn keep(&self, question: &str, answer: &str, fresh: Duration) -> Result<(), Fault>;
}

/// A store in memory, which can be away and silent.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Memory {
    texts: std::sync::Mutex<std::collections::BTreeMap<String, String>>,
    /// It refuses.
    pub(crate) is_away: std::sync::atomic::AtomicBool,
    /// It says nothing.
    pub(crate) is_silent: std::sync::atomic::AtomicBool,
}

#[cfg(test)]
impl Memory {
    async fn look<T>(
        &self,
        find: impl FnOnce(&mut std::collections::BTreeMap<String, String>) -> T,
    ) -> Result<T, Fault> {
        use std::sync::atomic::Ordering::SeqCst;
        if self.is_silent.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.is_away.load(SeqCst) {
            return Err(Fault::Failed("it is away".to_owned()));
        }
        Ok(find(&mut self.texts.lock().unwrap()))
    }
}

#[cfg(test)]
#[async_trait]
impl SharedState for Memory {
    async fn day_salt(&self, day: i64, own: &str) -> Result<String, Fault> {
        self.look(|texts| texts.entry(day.to_string()).or_insert_with(|| own.to_owned()).clone()).await
    }

    async fn recall(&self, question: &str) -> Result<Option<String>, Fault> {
        self.look(|texts| texts.get(question).cloned()).await
    }

    async fn keep(&self, question: &str, answer: &str, _: Duration) -> Result<(), Fault> {
        self.look(|texts| drop(texts.insert(question.to_owned(), answer.to_owned()))).await
    }
}
