//! Reports out of the wide table: the events of a question are read, and what they mean is said where it is said for all stores.
//!
//! What a question needs is asked of the server: the time, the source, and the kinds of events. More events than a router should
//! hold are a sample of the visitors, and the answer says so.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::Reply;
use super::api::Api;
use super::ddl::text as literal;
use super::wide::TABLE;
use crate::destinations::reply::words;
use crate::projections::commerce::revenue::{ORDER, REFUND};
use crate::projections::vitals;
use crate::spec::Kind;
use crate::stores::ReportStore;
use crate::stores::reports::fact::{Deal, Fact, Measure, Origin, Place, Rules, SCROLL, cut, page, referrer};
use crate::stores::reports::history::History;
use crate::stores::reports::{Fault, Name, Query, Report, make};

/// Most events that are read for one question: some 100 MB.
const MOST: u64 = 200_000;
/// How long one statement may take.
const WITHIN: Duration = Duration::from_secs(8);
/// A visit is at most a day long, and an event belongs to one that begins up to half an hour later.
const REACH_MS: i64 = 26 * 3_600_000;

const VISITOR: &str = "if(anonymous_id = '', user_id, anonymous_id)";

/// What is read of each event, in the order of [`Line`].
const COLUMNS: &str = "message_id, site, toUnixTimestamp64Milli(timestamp), type, event, \
    if(anonymous_id = '', user_id, anonymous_id), \
    lower(JSONExtractString(context, 'channel')) != 'server' AND (JSONType(context, 'page') = 'Object' \
    OR JSONType(context, 'screen') = 'Object' OR JSONHas(context, 'device', 'id')), \
    page_path, page_url, environment, referrer, engaged_ms, country, region, city, device, browser, os, \
    JSONType(context, 'attribution') = 'Object', channel, source, medium, campaign, \
    JSONExtractRaw(context, 'campaign'), page_view_id, metric, metric_value, \
    JSONExtract(properties, 'scroll_depth', 'Nullable(Float64)'), order_id, toString(ifNull(revenue, 0)), currency";

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
);

/// The store of one server. See the module.
#[derive(Debug, Clone)]
pub(super) struct Reports {
    api: Arc<Api>,
    rules: Rules,
}

impl Reports {
    /// Returns the store of a server that has the wide table.
    pub(super) fn new(api: Arc<Api>, rules: Rules) -> Reports {
        Reports { api, rules }
    }

    async fn ask(&self, statement: &str) -> Result<String, Fault> {
        let said = self.api.run(statement, WITHIN).await;
        said.map_err(|reply| match reply {
            Reply::Answer(answer) => Fault(answer.words()),
            Reply::Failed(failure) => Fault(words(&failure.message)),
        })
    }

    /// Returns one in how many visitors is looked at.
    async fn part(&self, query: &Query) -> Result<u64, Fault> {
        let statement = format!("SELECT count() FROM {} WHERE {}", self.table(), condition(query));
        let said = self.ask(&statement).await?;
        let count: u64 = said.trim().parse().map_err(|_| Fault(format!("the server counted `{}`", said.trim())))?;
        Ok(count.div_ceil(MOST).max(1))
    }

    fn table(&self) -> String {
        self.api.target.names.table(TABLE)
    }

    async fn facts(&self, query: &Query, part: u64) -> Result<Vec<Fact>, Fault> {
        let sample = if part > 1 { format!(" AND cityHash64({VISITOR}) % {part} = 0") } else { String::new() };
        let statement = format!(
            "SELECT {COLUMNS} FROM {} FINAL WHERE {}{sample} ORDER BY received_at, timestamp, message_id \
             SETTINGS output_format_json_quote_64bit_integers = 0 FORMAT JSONCompactEachRow",
            self.table(),
            condition(query)
        );
        let said = self.ask(&statement).await?;
        let read = |line: &str| {
            let line: Line = serde_json::from_str(line)
                .map_err(|error| Fault(format!("the server's answer cannot be read: {error}")))?;
            Ok(fact(line, &self.rules))
        };
        said.lines().map(read).collect()
    }
}

#[async_trait]
impl ReportStore for Reports {
    fn name(&self) -> &'static str {
        "clickhouse"
    }

    async fn answer(&self, query: Query) -> Result<Report, Fault> {
        let part = self.part(&query).await?;
        let facts = self.facts(&query, part).await?;
        let rules = self.rules.clone();
        let making = tokio::task::spawn_blocking(move || {
            let mut report = make::answer(&query, &History::of(facts, &rules))?;
            report.scale(part);
            Ok(report)
        });
        making.await.unwrap_or_else(|error| Err(Fault(format!("the report could not be made: {error}"))))
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
    let bare = path.split(['?', '#']).next().unwrap_or_default();
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
        path: if kind == Some(Kind::Screen) { cut(name) } else { page(bare, rules) },
        environment: cut(environment),
        referrer: referrer(from, url),
        campaign: serde_json::from_str::<Map<String, Value>>(&line.23).ok(),
        engaged_ms: *engaged,
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
