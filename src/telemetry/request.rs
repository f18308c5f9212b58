//! Which request is being handled: its id is known wherever its future runs, so that every log line of it has it.
//!
//! An id is the sender's or a proxy's (`x-request-id`), or made here. It names a request in logs and answers and nothing else: two
//! requests may have the same.

use std::fmt::Write;
use std::sync::Arc;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// Longer ones are not taken over: they would be in every line.
const LONGEST: usize = 128;

/// The id of one request: letters, digits and `-_.:/=+@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes over the id that came with a request, or makes one where there is none or one that could not stand in a log.
    pub fn of(sent: Option<&str>) -> Self {
        RequestId(sent.filter(|sent| is_plain(sent)).map_or_else(fresh, Arc::from))
    }

    /// Returns the id as it stands in headers and lines.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/=+@".contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain)
}

/// Nobody is harmed by one who guesses an id, so that it need not be secret.
fn fresh() -> Arc<str> {
    let mut text = String::with_capacity(32);
    let written = write!(text, "{:032x}", fastrand::u128(..));
    debug_assert!(written.is_ok(), "a string takes everything");
    text.into()
}

/// Runs `work` as a part of this request.
pub async fn within<F: Future>(id: RequestId, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// Returns the id of the request of which this is a part.
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(Clone::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_forge_a_line_is_not_taken_over() {
        assert_eq!(RequestId::of(Some("a-1_b.c:d/e=f+g@h")).as_str(), "a-1_b.c:d/e=f+g@h");
        let long = "x".repeat(LONGEST + 1);
        for bad in ["", "a b", "a\"b", "a\nb", "ü", &long] {
            let made = RequestId::of(Some(bad));
            assert!(made.as_str().len() == 32 && made.as_str() != bad, "{bad:?}: {made:?}");
        }
        assert_ne!(RequestId::of(None), RequestId::of(None));
    }

    async fn is_known_as(name: &str) -> bool {
        tokio::task::yield_now().await;
        current().is_some_and(|id| id.as_str() == name)
    }

    #[tokio::test]
    async fn requests_side_by_side_do_not_mix() {
        let one = |name: &'static str| within(RequestId::of(Some(name)), is_known_as(name));
        assert_eq!(tokio::join!(one("a"), one("b")), (true, true));
        assert!(current().is_none());
    }
}
