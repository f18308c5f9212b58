//! How long Meta asks us to wait: minutes in a header of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::destinations::Answer;
use crate::destinations::reply::MAX_RETRY_AFTER;

/// What a business has used of one limit.
#[derive(Deserialize)]
struct Usage {
    /// Minutes.
    #[serde(default)]
    estimated_time_to_regain_access: f64,
}

/// Returns the longest wait of `X-Business-Use-Case-Usage`, `None` when there is none.
/// <https://developers.facebook.com/docs/graph-api/overview/rate-limiting/>.
pub(super) fn wait(answer: &Answer) -> Option<Duration> {
    let header = answer.header("x-business-use-case-usage")?;
    let usage: BTreeMap<String, Vec<Usage>> = serde_json::from_str(header).ok()?;
    let minutes = usage.values().flatten().map(|usage| usage.estimated_time_to_regain_access);
    let seconds = minutes.fold(0.0, f64::max) * 60.0;
    let wait = Duration::try_from_secs_f64(seconds).unwrap_or(MAX_RETRY_AFTER).min(MAX_RETRY_AFTER);
    (!wait.is_zero()).then_some(wait)
}
