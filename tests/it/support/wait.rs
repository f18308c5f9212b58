//! Waiting for a condition with a deadline: the only way in which a test lets time pass.

use std::time::Duration;

use tokio::time::Instant;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `look` answers `Some`, and fails the test with `what` after `seconds`.
pub(crate) async fn until_some<T>(what: &str, seconds: u64, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "gave up after {seconds} s waiting until {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until `look` answers true, and fails the test with `what` after `seconds`.
pub(crate) async fn until(what: &str, seconds: u64, mut look: impl AsyncFnMut() -> bool) {
    until_some(what, seconds, async || look().await.then_some(())).await;
}

#[tokio::test]
async fn waiting_ends_with_the_condition() {
    let mut looks = 0;
    until("it was looked at thrice", 5, async || {
        looks += 1;
        looks == 3
    })
    .await;
    assert_eq!(looks, 3);
}

#[tokio::test]
#[should_panic(expected = "waiting until pigs fly")]
async fn waiting_fails_at_the_deadline() {
    until("pigs fly", 0, async || false).await;
}
