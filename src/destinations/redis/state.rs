//! What the shared Redis keeps for several routers beside numbers: the salt of a day, and answers of a moment ago.

use std::time::Duration;

use async_trait::async_trait;
use redis::cmd;

use super::map::digest;
use super::plan::key;
use super::store::Store;
use crate::stores::reports::Fault;
use crate::stores::shared::SharedState;
use crate::telemetry::clock;

/// In the place of a site: they are of all sites.
const SALTS: &str = "opentrack-salts";
const REPORTS: &str = "opentrack-reports";
const DAY_S: i64 = 86_400;

#[async_trait]
impl SharedState for Store {
    async fn day_salt(&self, day: i64, own: &str) -> Result<String, Fault> {
        let key = key(SALTS, &day.to_string());
        let left = (day.saturating_add(2)).saturating_mul(DAY_S) - clock::now().as_second();
        let left = left.clamp(1, 2 * DAY_S);
        let set = cmd("SET").arg(&key).arg(own).arg("NX").arg("EX").arg(left).to_owned();
        let _is_first: Option<String> = self.tell(&set).await?;
        let salt: Option<String> = self.tell(cmd("GET").arg(&key)).await?;
        salt.ok_or_else(|| Fault::Failed("the salt of the day is gone".to_owned()))
    }

    async fn recall(&self, question: &str) -> Result<Option<String>, Fault> {
        self.tell(cmd("GET").arg(key(REPORTS, &digest(question)))).await
    }

    async fn keep(&self, question: &str, answer: &str, fresh: Duration) -> Result<(), Fault> {
        let ms = u64::try_from(fresh.as_millis()).unwrap_or(u64::MAX).max(1);
        self.tell(cmd("SET").arg(key(REPORTS, &digest(question))).arg(answer).arg("PX").arg(ms)).await
    }
}
