//! Reports out of the wide table: the events of a question are read, and what they mean is said where it is said for all stores.
//!
//! What a question needs is asked of the server: the time, the source, and the kinds of events. More events than a router should
//! hold are a sample of the visitors, and the answer says so.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::super::Reply;
use super::api::{Api, MAX_DESCRIPTION};
use super::ddl::text as literal;
use super::wide::TABLE;
use crate::destinations::reply::words;
use crate::projections::commerce::revenue::{ORDER, REFUND};
use crate::projections::vitals;
use crate::spec::Kind;
use crate::stores::ReportStore;
use crate::projections::reading;
use crate::stores::reports::fact::{Deal, Fact, Measure, Origin, Place, Rules, SCROLL, campaign, cut, referrer};
use crate::stores::reports::history::History;
use crate::stores::reports::{Fault, Name, Query, Report, make};

/// Most events that are to be looked at for one question: some 100 MB.
const MOST: u64 = 200_000;
/// Most events that are looked at, where some visitors have many more than others.
const AT_MOST: usize = 400_000;
/// Most events of one visitor in a sample: whoever makes up millions of events of one is not to be all that is seen.
const OF_ONE: u64 = 10_000;
/// How often a sample is made smaller that has still too many events or bytes, and by how much.
const SMALLER: (u32, u64) = (4, 4);
/// Reports that are made at the same time; more wait.
const AT_ONCE: usize = 2;
/// How long a report may wait and take, all of its statements together.
const WITHIN: Duration = Duration::from_secs(8);
/// Most memory that the server may take for one statement, in bytes.
const SERVER_MEMORY: u64 = 2_000_000_000;
/// A visit is at most a day long, and an event belongs to one that begins up to half an hour later.
const REACH_MS: i64 = 26 * 3_600_000;

const VISITOR: &str = "if(anonymous_id = '', user_id, anonymous_id)";
/// An order and its refund are in a sample together.
const ORDERED: &str = "if(order_id = '', message_id, order_id)";

/// What is read of each event, in the order of [`Line`]. Texts are cut where facts cut them, so that long ones cost nothing.
const COLUMNS: &str = "message_id, site, toUnixTimestamp64Milli(timestamp), type, substringUTF8(event, 1, 500), \
    substringUTF8(if(anonymous_id = '', user_id, anonymous_id), 1, 500), \
    lower(JSONExtractString(context, 'channel')) != 'server' AND (JSONType(context, 'page') = 'Object' \
    OR JSONType(context, 'screen') = 'Object' OR JSONHas(context, 'device', 'id')), \
    substringUTF8(page_path, 1, 1000), substringUTF8(page_url, 1, 4000), substringUTF8(environment, 1, 500), \
    substringUTF8(referrer, 1, 2000), engaged_ms, substringUTF8(country, 1, 500), substringUTF8(region, 1, 500), \
    substringUTF8(city, 1, 500), substringUTF8(device, 1, 500), substringUTF8(browser, 1, 500), substringUTF8(os, 1, 500), \
    JSONType(context, 'attribution') = 'Object', substringUTF8(channel, 1, 500), substringUTF8(source, 1, 500), \
    substringUTF8(medium, 1, 500), substringUTF8(campaign, 1, 500), \
    if(length(JSONExtractRaw(context, 'campaign')) > 20000, '', JSONExtractRaw(context, 'campaign')), \
    substringUTF8(page_view_id, 1, 500), metric, metric_value, \
    JSONExtract(properties, 'scroll_depth', 'Nullable(Float64)'), substringUTF8(order_id, 1, 500), \
    toString(ifNull(revenue, 0)), substringUTF8(currency, 1, 500)";
/// The query of a page, where it is not that of its address: as `projections::presence` finds it.
const SEARCH: &str = "multiIf(type = 'page' AND JSONExtractString(properties, 'search') != '', \
    JSONExtractString(properties, 'search'), type = 'page' AND JSONExtractString(properties, 'url') != '', '', \
    JSONExtractString(context, 'page', 'search'))";

#[derive(Debug, Deserialize)]
struct Line(
    String,
    String,
    i64,
    String,
    String,
    String,
    u8,
    String,
    String,
    String,
    String,
    i64,
    String,
    String,
    String,
    String,
    String,
    String,
    u8,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    Option<f64>,
    Option<f64>,
    String,
    String,
    String,
    String,
);

/// The store of one server. See the module.
#[derive(Debug, Clone)]
pub(super) struct Reports {
    api: Arc<Api>,
    rules: Rules,
    permits: Arc<Semaphore>,
}

/// What came of a sample.
enum Read {
    Facts(Vec<Fact>),
    TooMuch,
}

impl Reports {
    /// Returns the store of a server that has the wide table.
    pub(super) fn new(api: Arc<Api>, rules: Rules) -> Reports {
        Reports { api, rules, permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    async fn ask(&self, statement: &str) -> Result<String, Fault> {
        let said = self.api.rows(statement, WITHIN).await;
        said.map_err(|reply| match reply {
            Reply::Answer(answer) => Fault(answer.words()),
            Reply::Failed(failure) => Fault(words(&failure.message)),
        })
    }

    /// Returns one in how many visitors is looked at.
    async fn part(&self, query: &Query) -> Result<u64, Fault> {
        let (table, condition) = (self.table(), condition(query));
        let statement = format!("SELECT count() FROM {table} WHERE {condition}{}", settings());
        let said = self.ask(&statement).await?;
        let count: u64 = said.trim().parse().map_err(|_| Fault(format!("the server counted `{}`", words(&said))))?;
        Ok(count.div_ceil(MOST).max(1))
    }

    fn table(&self) -> String {
        self.api.target.names.table(TABLE)
    }

    async fn read(&self, query: &Query, part: u64) -> Result<Read, Fault> {
        let said = self.ask(&self.statement(query, part)).await?;
        if said.len() >= MAX_DESCRIPTION || said.lines().count() > AT_MOST {
            return Ok(Read::TooMuch);
        }
        let rules = self.rules.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let read = |line: &str| {
                let line: Line = serde_json::from_str(line)
                    .map_err(|error| Fault(format!("the server's answer cannot be read: {error}")))?;
                Ok(fact(line, &rules))
            };
            said.lines().map(read).collect::<Result<Vec<Fact>, Fault>>()
        });
        reading.await.unwrap_or_else(|error| Err(not_made(&error))).map(Read::Facts)
    }

    fn statement(&self, query: &Query, part: u64) -> String {
        let by = if query.report == Name::Revenue { ORDERED } else { VISITOR };
        let (sample, of_one) = match part {
            ..=1 => (String::new(), String::new()),
            part => (format!(" AND cityHash64({by}) % {part} = 0"), format!(" LIMIT {OF_ONE} BY site, {by}")),
        };
        let search = if self.rules.spelling.keep_query.is_empty() { "''" } else { SEARCH };
        format!(
            "SELECT {COLUMNS}, {search} FROM {} FINAL WHERE {}{sample} ORDER BY received_at, timestamp, message_id{of_one} \
             LIMIT {}{}, output_format_json_quote_64bit_integers = 0 FORMAT JSONCompactEachRow",
            self.table(),
            condition(query),
            AT_MOST + 1,
            settings()
        )
    }

    /// Returns the facts of a sample that is small enough, and of one in how many visitors they are.
    async fn facts(&self, query: &Query) -> Result<(Vec<Fact>, u64), Fault> {
        let mut part = self.part(query).await?;
        for _ in 0..SMALLER.0 {
            match self.read(query, part).await? {
                Read::Facts(facts) => return Ok((facts, part)),
                Read::TooMuch => part = part.saturating_mul(SMALLER.1),
            }
        }
        Err(Fault(format!(
            "the events are more than {AT_MOST}, or their texts more than {} MiB, also of one in {part} visitors; ask for less time or one site",
            MAX_DESCRIPTION >> 20
        )))
    }

    async fn made(&self, query: Query) -> Result<Report, Fault> {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return Err(late()) };
        let (facts, part) = self.facts(&query).await?;
        let rules = self.rules.clone();
        let making = tokio::task::spawn_blocking(move || {
            let made = make::answer(&query, &History::of(facts, &rules));
            drop(permit);
            made.map(|mut report| {
                report.scale(part);
                report
            })
        });
        making.await.unwrap_or_else(|error| Err(not_made(&error)))
    }
}

/// What the server keeps to, whatever is asked: `SETTINGS …`, to which more may be added.
fn settings() -> String {
    format!(" SETTINGS max_execution_time = {}, max_memory_usage = {SERVER_MEMORY}", WITHIN.as_secs())
}

fn late() -> Fault {
    Fault(format!("the report took longer than {} s", WITHIN.as_secs()))
}

fn not_made(error: &tokio::task::JoinError) -> Fault {
    Fault(format!("the report could not be made: {error}"))
}

#[async_trait]
impl ReportStore for Reports {
    fn name(&self) -> &'static str {
        "clickhouse"
    }

    async fn answer(&self, query: Query) -> Result<Report, Fault> {
        tokio::time::timeout(WITHIN, self.made(query)).await.unwrap_or_else(|_| Err(late()))
    }
}

/// Returns which events a question is about.
fn condition(query: &Query) -> String {
    let period = &query.period;
    let is_about_visits = query.filters.iter().any(|filter| !filter.field.is_of_event());
    let names = |names: &[&str]| names.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ");
    let kinds = match query.report {
        _ if is_about_visits => None,
        Name::Events => Some("type = 'track'".to_owned()),
        Name::Funnel => {
            let steps: Vec<&str> = query.steps.iter().map(String::as_str).collect();
            Some(format!("type = 'track' AND event IN ({})", names(&steps)))
        }
        Name::Revenue => Some(format!("type = 'track' AND event IN ({})", names(&[ORDER, REFUND]))),
        Name::Vitals => Some("type = 'track' AND event = 'Web Vital'".to_owned()),
        _ => None,
    };
    let mut terms = vec!["NOT bot".to_owned()];
    // An order counts once, whenever it came first.
    if query.report != Name::Revenue {
        let at = |ms: i64| format!("fromUnixTimestamp64Milli(toInt64({ms}), 'UTC')");
        let (from, to) = (at(period.from - REACH_MS), at(period.to + REACH_MS));
        terms.push(format!("timestamp >= {from} AND timestamp < {to}"));
    }
    terms.extend(query.site.as_ref().map(|site| format!("site = {}", literal(site))));
    terms.extend(kinds);
    terms.join(" AND ")
}

#[expect(clippy::too_many_lines, reason = "one member of an event after the other")]
fn fact(line: Line, rules: &Rules) -> Fact {
    let Line(id, site, ts, kind, name, visitor, is_client, path, url, environment, from, engaged, ..) = &line;
    let (country, region, city, device, browser, os) = (&line.12, &line.13, &line.14, &line.15, &line.16, &line.17);
    let kind = Kind::from_name(kind);
    let track = if kind == Some(Kind::Track) { name.as_str() } else { "" };
    let search = if line.31.is_empty() { reading::query_of(url) } else { &line.31 };
    let is_refund = track == REFUND;
    let measure = match track {
        "Web Vital" => vitals::known(&line.25).zip(line.26),
        "Page Engaged" => line.27.filter(|depth| (0.0..=100.0).contains(depth)).map(|depth| (SCROLL, depth)),
        _ => None,
    };
    let view = if line.24.is_empty() { id } else { &line.24 };
    let amount: Decimal = line.29.parse().unwrap_or_default();
    Fact {
        id: id.clone(),
        site: site.clone(),
        ts: *ts,
        kind,
        name: cut(track),
        visitor: visitor.clone(),
        is_client: *is_client != 0,
        path: match kind {
            Some(Kind::Screen) => reading::cut(name.into()).into_owned(),
            _ => rules.spelling.page(path, search).into_owned(),
        },
        environment: cut(environment),
        referrer: referrer(from, url),
        campaign: serde_json::from_str(&line.23).ok().as_ref().map(campaign),
        engaged_ms: (*engaged).min(reading::MOST_ENGAGED_MS),
        place: Place {
            country: country.clone(),
            region: region.clone(),
            city: city.clone(),
            device: device.clone(),
            browser: browser.clone(),
            os: os.clone(),
        },
        origin: (line.18 != 0).then(|| Origin {
            channel: line.19.clone(),
            source: line.20.clone(),
            medium: line.21.clone(),
            campaign: line.22.clone(),
        }),
        measure: measure.map(|(metric, value)| Measure { metric, value, view: view.clone() }),
        deal: (is_refund || track == ORDER).then(|| Deal {
            is_refund,
            order_id: Some(line.28.clone()).filter(|id| !id.is_empty()),
            amount,
            currency: line.30.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::kit::testing::setting;
    use super::super::config::Config;
    use super::super::target::Target;
    use super::*;
    use crate::stores::reports::tests::{query, rules};

    fn reports() -> Reports {
        let config = Config { url: "http://localhost:8123".to_owned(), ..Config::default() };
        Reports::new(Arc::new(Api::new(Target::new(&config, &setting("ch", false)).unwrap()).unwrap()), rules())
    }

    #[test]
    fn a_statement_has_limits_and_a_sample_holds_an_order_with_its_refund() {
        let whole = reports().statement(&query(Name::Pages, ""), 1);
        assert!(whole.contains(" LIMIT 400001 SETTINGS max_execution_time = 8, max_memory_usage = 2000000000, "), "{whole}");
        assert!(!whole.contains("cityHash64") && !whole.contains(" BY site"), "{whole}");
        let part = reports().statement(&query(Name::Pages, ""), 3);
        assert!(part.contains(&format!("cityHash64({VISITOR}) % 3 = 0")), "{part}");
        assert!(part.contains(&format!(" LIMIT 10000 BY site, {VISITOR} LIMIT 400001")), "{part}");
        let orders = reports().statement(&query(Name::Revenue, ""), 3);
        assert!(orders.contains(&format!("cityHash64({ORDERED}) % 3 = 0")), "{orders}");
    }
}
