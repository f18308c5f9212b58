//! Reports of more than a router looks at: a part of the visitors, made whole; and bounds that hold at the server too.

use std::time::Duration;

use opentrack::destinations::Setting;
use opentrack::destinations::clickhouse::{Bounds, Reports};
use opentrack::stores::reports::{Asked, Fault, Name, Query, Report};
use opentrack::stores::{ReportStore as _, zones};

use super::scene::Scene;
use super::wide::visit;
use crate::support::ClickHouse;

/// Visitors, each with ten events: seven views, attention, a value and an order over 10 euros.
const VISITORS: u64 = 1_500;
/// One in four visitors is looked at.
const MOST: u64 = VISITORS * 10 / 4 + 1;
const BEGIN: i64 = 1_777_593_600_000;

fn store(clickhouse: &ClickHouse, bounds: Bounds) -> Reports {
    let config = toml::from_str(&format!("url = \"{}\"", clickhouse.url())).unwrap();
    let setting = Setting {
        name: "ch".into(),
        data_dir: "/tmp".into(),
        production: false,
        timeout: Duration::from_secs(30),
        surroundings: Default::default(),
        site_salt: String::new().into(),
        meter: Default::default(),
        live: Default::default(),
    };
    Reports::open(&config, &setting, Default::default(), bounds).unwrap()
}

/// Returns a question about the first days of May 2026.
fn query(report: Name, more: &[(&str, &str)]) -> Query {
    let pairs = [&[("from", "2026-05-01"), ("to", "2026-05-03")], more].concat();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let asked = Asked { now: BEGIN + 10 * 86_400_000, zone: "UTC", zones: &zones::named, currency: "EUR" };
    Query::read(report, &pairs, asked).unwrap()
}

/// Puts the visitors into the table that a router has made.
async fn scene() -> Scene {
    let scene = Scene::start("").await;
    let ids = scene.send(&visit("first")).await;
    scene.until_in("events", &ids).await;
    scene.clickhouse.execute("TRUNCATE TABLE opentrack.events").await;
    let at =
        format!("fromUnixTimestamp64Milli(toInt64({BEGIN} + intDiv(number, 10) * 60000 + n * 1000), 'UTC')");
    let rows = format!(
        "INSERT INTO opentrack.events (site, type, event, message_id, anonymous_id, timestamp, received_at, page_path, page_url, \
         context, channel, order_id, revenue, currency, engaged_ms, metric, metric_value, page_view_id) \
         SELECT 'shop', if(n < 7, 'page', 'track'), ['', '', '', '', '', '', '', 'Page Engaged', 'Web Vital', 'Order Completed'][n + 1], \
         concat('m', toString(number)), concat('v', toString(intDiv(number, 10))), {at}, {at}, \
         if(n < 7, concat('/', toString(n)), '/6'), '', '{{\"page\":{{}},\"attribution\":{{}}}}', if(intDiv(number, 10) % 3 = 0, 'Email', 'Direct'), \
         if(n = 9, concat('o', toString(number)), ''), if(n = 9, 10, NULL), if(n = 9, 'EUR', ''), if(n = 7, 10000, 0), \
         if(n = 8, 'LCP', ''), if(n = 8, number % 1000, NULL), concat('p', toString(number)) \
         FROM (SELECT number, number % 10 AS n FROM numbers({}))",
        VISITORS * 10
    );
    scene.clickhouse.execute(&rows).await;
    scene
}

async fn ask(store: &Reports, report: Name, more: &[(&str, &str)]) -> Report {
    store.answer(query(report, more)).await.unwrap_or_else(|fault| panic!("{report:?}: {fault}"))
}

/// Says that a number of a sample, which so many visitors make, is near that of all. Which visitors are in it follows from their
/// names, so that it is the same number each time; of a quarter of them it is within three times the error that is to be expected.
fn expect_near(what: &str, visitors: f64, (found, wanted): (f64, f64)) {
    let error = found / wanted - 1.0;
    assert!(error.abs() < 3.0 * (3.0 / visitors).sqrt(), "{what}: {found} for {wanted}");
    assert!(error.abs() > f64::EPSILON, "{what}: it is no sample");
}

#[tokio::test]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
async fn more_events_than_are_looked_at_are_a_sample_that_says_so_and_is_near_and_bounds_are_told() {
    let scene = scene().await;
    let bounds = || Bounds { most: MOST, within: Duration::from_secs(60), ..Bounds::default() };
    let sampling = store(&scene.clickhouse, bounds());
    let all = VISITORS as f64;
    let number = |report: &Report, name: &str| report.totals[name].as_f64().unwrap();
    let series = ask(&sampling, Name::Series, &[]).await;
    assert!(series.sampled);
    for (name, wanted) in [("views", 7.0 * all), ("visitors", all), ("sessions", all), ("conversions", all)] {
        expect_near(name, all, (number(&series, name), wanted));
    }
    assert_eq!(number(&series, "bounce_rate"), 0.0, "a share is no count");
    let pages = ask(&sampling, Name::Pages, &[]).await;
    assert_eq!(pages.rows.len(), 7);
    pages.rows.iter().for_each(|row| expect_near("views of a page", all, (row[1].as_f64().unwrap(), all)));
    let sources = ask(&sampling, Name::Sources, &[("by", "channel")]).await;
    let email = sources.rows.iter().find(|row| row[0] == "Email").unwrap();
    expect_near("sessions by email", all / 3.0, (email[2].as_f64().unwrap(), all / 3.0));
    // Orders alone are fewer than may be looked at: they are exact. With what led to them they are not.
    let revenue = ask(&sampling, Name::Revenue, &[]).await;
    assert_eq!((revenue.sampled, &revenue.rows[0][2]), (false, &"15000.00".into()));
    let credited = ask(&sampling, Name::Revenue, &[("by", "last_touch")]).await;
    assert!(credited.sampled);
    let email = credited.rows.iter().find(|row| row[0] == "Email").unwrap();
    let gross = email[3].as_str().unwrap().parse().unwrap();
    expect_near("gross by email", all / 3.0, (gross, 10.0 * all / 3.0));
    let few = store(&scene.clickhouse, Bounds { most_buyers: 10, ..bounds() });
    let fault = few.answer(query(Name::Revenue, &[("by", "first_touch")])).await.unwrap_err();
    assert!(matches!(&fault, Fault::TooMuch(words) if words.contains("visitors with orders")), "{fault}");
    let small = store(&scene.clickhouse, Bounds { memory: 1, most: u64::MAX, ..bounds() });
    let fault = small.answer(query(Name::Series, &[])).await.unwrap_err();
    assert!(matches!(&fault, Fault::TooMuch(words) if words.contains("memory")), "{fault}");
}

#[tokio::test]
async fn a_report_that_takes_too_long_ends_at_the_server() {
    let clickhouse = ClickHouse::start();
    clickhouse.execute("CREATE DATABASE opentrack").await;
    // It would take the engine hours, and it does one thing at a time.
    let view = "CREATE VIEW opentrack.events AS SELECT false AS bot, 'page' AS type, \
                fromUnixTimestamp64Milli(toInt64(number)) AS timestamp FROM numbers(100000000000000)";
    clickhouse.execute(view).await;
    let impatient = store(&clickhouse, Bounds { within: Duration::from_secs(1), ..Bounds::default() });
    let fault = impatient.answer(query(Name::Series, &[])).await.unwrap_err();
    assert!(matches!(&fault, Fault::Failed(_)), "{fault}");
    let next = tokio::time::timeout(Duration::from_secs(100), clickhouse.query("SELECT 1 AS one")).await;
    assert!(next.is_ok(), "the engine still counts for nobody");
}
