//! Answers that several routers give: made by one of them, and given by all for a moment.
//!
//! Only where they read the same store: what is embedded knows the events of one router alone. Where the shared store is away
//! or slow, each makes its own answers. Never keeps what is large.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CSV, JSON, KEPT_BYTES, Sent};
use crate::http::Door;
use crate::stores::embedded;
use crate::stores::shared::SharedState;

/// How long an answer is given again.
const FRESH: Duration = Duration::from_secs(5);
/// How long the shared store may take: making the answer takes longer.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);

/// The place of one answer.
pub(super) struct Cache {
    /// `None` where nothing is shared.
    shared: Option<Arc<dyn SharedState>>,
    /// All that the answer depends on.
    question: String,
    store: &'static str,
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    body: String,
    is_csv: bool,
    sampled: bool,
}

impl Cache {
    /// Returns the place of the answer to a question.
    pub(super) fn of(door: &Door, shared: Option<Arc<Arc<dyn SharedState>>>, question: &str) -> Cache {
        let desk = &door.reports;
        let store = desk.store.as_ref().map_or("", |store| store.name());
        let shared = shared.as_deref().cloned().filter(|_| store != embedded::NAME);
        Cache { shared, question: format!("{store} {} {} {question}", desk.zone, desk.currency), store }
    }

    /// Returns what one of the routers has answered a moment ago.
    pub(super) async fn recall(&self) -> Option<Sent> {
        let asked = self.shared.as_ref()?.recall(&self.question);
        let kept = tokio::time::timeout(ANSWER_WITHIN, asked).await.ok()?.ok()??;
        let Kept { body, is_csv, sampled } = serde_json::from_str(&kept).ok()?;
        let content_type = if is_csv { CSV } else { JSON };
        Some(Sent { body: body.into(), content_type, store: self.store, sampled })
    }

    /// Keeps an answer for the others.
    pub(super) async fn keep(&self, sent: &Sent) {
        let Some(shared) = self.shared.as_ref().filter(|_| sent.body.len() <= KEPT_BYTES) else { return };
        let body = String::from_utf8_lossy(&sent.body).into_owned();
        let kept = Kept { body, is_csv: sent.content_type == CSV, sampled: sent.sampled };
        let Ok(text) = serde_json::to_string(&kept) else { return };
        let kept = tokio::time::timeout(ANSWER_WITHIN, shared.keep(&self.question, &text, FRESH)).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::debug!("an answer is not kept for other routers");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;
    use crate::stores::shared::Memory;

    fn cache(shared: &Arc<Memory>, question: &str) -> Cache {
        Cache {
            shared: Some(Arc::<Memory>::clone(shared)),
            question: question.to_owned(),
            store: "clickhouse",
        }
    }

    fn sent(body: &str, content_type: &'static str) -> Sent {
        Sent { body: body.to_owned().into(), content_type, store: "clickhouse", sampled: true }
    }

    #[actix::test]
    async fn an_answer_is_given_again_as_it_was_and_to_no_other_question() {
        let shared = Arc::new(Memory::default());
        cache(&shared, "a").keep(&sent("x,y\n", CSV)).await;
        let again = cache(&shared, "a").recall().await.unwrap();
        assert_eq!((&again.body[..], again.content_type, again.sampled), (&b"x,y\n"[..], CSV, true));
        assert!(cache(&shared, "b").recall().await.is_none());
        cache(&shared, "b").keep(&sent(&"x".repeat(KEPT_BYTES + 1), JSON)).await;
        assert!(cache(&shared, "b").recall().await.is_none(), "too large");
    }

    #[actix::test]
    async fn a_store_that_is_away_or_silent_keeps_nobody_waiting() {
        let shared = Arc::new(Memory::default());
        shared.is_away.store(true, SeqCst);
        cache(&shared, "a").keep(&sent("1", JSON)).await;
        assert!(cache(&shared, "a").recall().await.is_none());
        tokio::time::pause();
        shared.is_silent.store(true, SeqCst);
        cache(&shared, "a").keep(&sent("1", JSON)).await;
        assert!(cache(&shared, "a").recall().await.is_none());
    }
}
