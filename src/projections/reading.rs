//! What every view reads of an event in the same way: how long a page was looked at.
//!
//! Pure; never decides what is counted.

use crate::spec::glance::Json;

/// No page is looked at for longer in one go, in milliseconds: a day.
pub const MOST_ENGAGED_MS: i64 = 86_400_000;

/// Returns how long a page was looked at, in milliseconds, as a track call's properties tell it.
pub fn engaged_ms(properties: Json<'_>) -> Option<i64> {
    let said = properties.pick(["engaged_ms", "engagedMs"]).into_iter().find(|json| json.is_there())?;
    said.as_i64().filter(|ms| *ms >= 0).map(|ms| ms.min(MOST_ENGAGED_MS))
}
