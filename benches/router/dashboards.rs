//! How long a dashboard waits for ClickHouse: the queries of `docs/destinations/clickhouse.md`, and some on the events
//! themselves, over millions of events.
//!
//! Separate because nothing is sent: the router makes the tables, then the engine writes rows that it makes by itself from
//! their numbers, the same ones each time but for the day. They go through the materialized views as any other rows.

use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::Instant;

use super::events::Requests;
use super::figures::{say, thousands};
use super::load;
use super::receiver::Tally;
use super::router::Router;
use super::servers::{Server, Which};

/// The name by which it is chosen.
pub(crate) const DASHBOARDS: &str = "dashboards";
/// How long all of it may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(1_800);

/// Events unless told otherwise.
const EVENTS: usize = 2_000_000;
/// Rows of one insert.
const BLOCK: usize = 100_000;
/// How often each query is asked in one run.
const TIMES: usize = 20;
/// What all but one in twenty answers should stay below.
const TARGET: Duration = Duration::from_secs(2);

/// The queries of the page that operators read.
const GUIDE: &str = include_str!("../../docs/destinations/clickhouse.md");

/// Questions to the events themselves, each with a name.
const OWN: [(&str, &str); 4] = [
    (
        "Events and people by day and name",
        "SELECT toDate(timestamp) AS day, event, count() AS events, uniq(anonymous_id) AS people FROM opentrack.events FINAL \
         WHERE type = 'track' AND timestamp >= now() - INTERVAL 30 DAY GROUP BY day, event ORDER BY day, events DESC",
    ),
    (
        "The last events of one user",
        "SELECT timestamp, type, event, page_path FROM opentrack.events FINAL WHERE user_id = 'user-0' \
         ORDER BY timestamp DESC LIMIT 100",
    ),
    (
        "Orders by country and device",
        "SELECT country, device, count() AS orders, sum(revenue) AS revenue FROM opentrack.events FINAL \
         WHERE event = 'Order Completed' AND timestamp >= now() - INTERVAL 30 DAY GROUP BY country, device \
         ORDER BY revenue DESC",
    ),
    (
        "Sessions by hour",
        "SELECT toStartOfHour(timestamp) AS hour, uniqExact(session_id) AS sessions FROM opentrack.events FINAL \
         WHERE timestamp >= now() - INTERVAL 2 DAY GROUP BY hour ORDER BY hour",
    ),
];

/// Measures so many runs over so many events.
pub(crate) async fn run(runs: usize, events: Option<usize>) -> anyhow::Result<Tally> {
    let events = events.unwrap_or(EVENTS);
    let Some(server) = Server::start(Which::ClickHouse)? else {
        say(&format!("{DASHBOARDS:<16} skipped: there is no engine; `make test-deps` installs it"))?;
        return Ok(Tally::default());
    };
    make_tables(&server).await?;
    let begun = Instant::now();
    seed(&server, events).await?;
    let there = server.rows().await?.all;
    say(&format!(
        "{DASHBOARDS:<16} {} events, written in {} s",
        thousands(there as f64),
        begun.elapsed().as_secs()
    ))?;
    let mut slowest = Duration::ZERO;
    for query in queries() {
        slowest = slowest.max(ask(&server, query, runs * TIMES).await?);
    }
    let word = if slowest < TARGET { "within" } else { "beyond" };
    say(&format!("{DASHBOARDS:<16} slowest p95 {} ms, {word} {} s", slowest.as_millis(), TARGET.as_secs()))?;
    Ok(Tally::of(there, events))
}

/// Lets a router make the table and its rollups; they are empty afterwards.
async fn make_tables(server: &Server) -> anyhow::Result<()> {
    let mut router = Router::start(&server.table()).await?;
    load::as_fast_as_answered(router.port, &Requests::new(1), 1).await?;
    router.until_settled(1).await?;
    router.stop().await?;
    let made = server
        .ask("SELECT name FROM system.tables WHERE database = 'opentrack' AND engine LIKE '%MergeTree'")
        .await?;
    ensure!(made.lines().count() == 6, "the table and five rollups were to be made: {made}");
    for table in made.lines() {
        server.ask(&format!("TRUNCATE TABLE opentrack.`{table}`")).await?;
    }
    Ok(())
}

/// Writes the events, a block after the other.
async fn seed(server: &Server, events: usize) -> anyhow::Result<()> {
    for first in (0..events).step_by(BLOCK) {
        server.ask(&insert(first, BLOCK.min(events - first))).await?;
    }
    Ok(())
}

/// Returns the statement that writes these events: ten of each session, some sessions of each visitor, over thirty days.
fn insert(first: usize, count: usize) -> String {
    format!(
        "INSERT INTO opentrack.events (site, environment, type, event, message_id, user_id, anonymous_id, session_id,
            page_view_id, timestamp, received_at, page_url, page_host, page_path, page_title, channel, source, medium, campaign,
            country, city, device, browser, os, order_id, revenue, currency, engaged_ms, metric, metric_value, properties, context)
        WITH intDiv(number, 10) AS session, session % 20000 AS visitor, cityHash64(number, 'event') AS dice,
            cityHash64(session, 'session') AS whence, number % 10 AS step,
            arrayElement(['page', 'page', 'page', 'page', 'track', 'track', 'track', 'track', 'track', 'track'], step + 1) AS kind,
            arrayElement(['', '', '', '', 'Page Engaged', 'Page Engaged', 'Product Viewed', 'Web Vital',
                if(whence % 3 = 0, 'Product Added', 'Button Clicked'),
                if(whence % 12 = 0, 'Order Completed', 'Button Clicked')], step + 1) AS name,
            toDateTime64(today(), 3, 'UTC') - toIntervalSecond(whence % 2592000) + toIntervalSecond(step * 20) AS at,
            concat('/shop/', toString(dice % 400)) AS path
        SELECT 'default', 'production', kind, name,
            concat(hex(cityHash64(number, 'one')), '-', hex(cityHash64(number, 'two'))),
            if(visitor % 3 = 0, concat('user-', toString(visitor)), ''), concat('visitor-', toString(visitor)),
            concat('session-', toString(session)), concat('view-', toString(session), '-', toString(intDiv(step, 3))), at, at,
            concat('https://shop.example', path), 'shop.example', path, concat('Page ', path),
            arrayElement(['Direct', 'Organic Search', 'Email', 'Paid Social', 'Referral'], whence % 5 + 1),
            arrayElement(['', 'google', 'newsletter', 'facebook', 'blog.example'], whence % 5 + 1),
            arrayElement(['', 'organic', 'email', 'cpc', 'referral'], whence % 5 + 1),
            if(whence % 5 IN (2, 3), concat('campaign-', toString(whence % 30)), ''),
            arrayElement(['DE', 'AT', 'CH', 'FR', 'PL', 'JP'], visitor % 6 + 1), concat('City ', toString(visitor % 500)),
            arrayElement(['mobile', 'desktop', 'tablet'], visitor % 3 + 1),
            arrayElement(['Chrome', 'Safari', 'Firefox'], visitor % 3 + 1), arrayElement(['Android', 'iOS', 'Windows'], visitor % 3 + 1),
            if(name = 'Order Completed', concat('order-', toString(session)), ''),
            if(name = 'Order Completed', toDecimal64(dice % 50000 / 100, 4), NULL),
            if(name = 'Order Completed', 'EUR', ''), if(name = 'Page Engaged', toUInt32(dice % 60000), 0),
            if(name = 'Web Vital', arrayElement(['LCP', 'INP', 'CLS', 'FCP', 'TTFB'], whence % 5 + 1), ''),
            if(name = 'Web Vital', toFloat64(dice % 5000), NULL),
            concat('{{\"sku\":\"SKU-', toString(dice % 40000), '\",\"quantity\":', toString(dice % 6), ',\"coupon\":null}}'),
            concat('{{\"library\":{{\"name\":\"analytics.js\"}},\"locale\":\"de-DE\",\"page\":{{\"path\":\"', path, '\"}}}}')
        FROM numbers({first}, {count})"
    )
}

/// Returns the questions: those of the guide under the line before each, then our own.
fn queries() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pieces = || GUIDE.split("```sql\n");
    let names = pieces()
        .map(|before| before.trim_end().lines().next_back().unwrap_or_default().trim_end_matches(':'));
    let fenced = pieces().skip(1).filter_map(|rest| rest.split("```").next());
    names.zip(fenced).map(|(name, sql)| (name, sql.trim())).chain(OWN)
}

/// Asks so often, prints what it took, and returns what all but one in twenty stayed below.
async fn ask(server: &Server, (name, sql): (&str, &str), times: usize) -> anyhow::Result<Duration> {
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let begun = Instant::now();
        let rows = server.ask(sql).await?;
        took.push(begun.elapsed());
        ensure!(!rows.trim().is_empty(), "nothing is answered to {sql}");
    }
    took.sort_unstable();
    let at = |share: f64| took.get((took.len() as f64 * share).ceil() as usize - 1).copied();
    let (median, most) = at(0.5).zip(at(0.95)).context("no answer")?;
    let (median, most) = (median.as_millis(), most.as_millis());
    say(&format!("{DASHBOARDS:<16} p50 {median:>5} p95 {most:>5} ms  {name}"))?;
    at(0.95).context("no answer")
}
