//! One event as the server hands it out, and what it says to reports. Pure.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::projections::commerce::revenue::{ORDER, REFUND};
use crate::projections::{reading, vitals};
use crate::spec::Kind;
use crate::stores::reports::fact::{Deal, Fact, Measure, Origin, Place, Rules, SCROLL, campaign, cut, referrer};

/// What is read of each event, in the order of [`Line`]. Texts are cut where facts cut them, so that long ones cost nothing.
pub(super) const COLUMNS: &str = "message_id, site, toUnixTimestamp64Milli(timestamp), type, substringUTF8(event, 1, 500), \
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
pub(super) const SEARCH: &str = "multiIf(type = 'page' AND JSONExtractString(properties, 'search') != '', \
    JSONExtractString(properties, 'search'), type = 'page' AND JSONExtractString(properties, 'url') != '', '', \
    JSONExtractString(context, 'page', 'search'))";

/// See [`COLUMNS`].
#[derive(Debug, Deserialize)]
pub(super) struct Line(
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

/// Returns what an event says.
#[expect(clippy::too_many_lines, reason = "one member of an event after the other")]
pub(super) fn fact(line: Line, rules: &Rules) -> Fact<'static> {
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
        id: id.clone().into(),
        site: site.clone().into(),
        ts: *ts,
        kind,
        name: cut(track.to_owned()),
        visitor: visitor.clone().into(),
        is_client: *is_client != 0,
        path: match kind {
            Some(Kind::Screen) => reading::cut(name.clone().into()),
            _ => rules.spelling.page(path, search).into_owned().into(),
        },
        environment: cut(environment.clone()),
        referrer: referrer(Cow::Borrowed(from), url).into_owned().into(),
        campaign: serde_json::from_str(&line.23).ok().as_ref().map(campaign),
        engaged_ms: (*engaged).min(reading::MOST_ENGAGED_MS),
        place: Place {
            country: country.clone().into(),
            region: region.clone().into(),
            city: city.clone().into(),
            device: device.clone().into(),
            browser: browser.clone().into(),
            os: os.clone().into(),
        },
        origin: (line.18 != 0).then(|| Origin {
            channel: line.19.clone().into(),
            source: line.20.clone().into(),
            medium: line.21.clone().into(),
            campaign: line.22.clone().into(),
        }),
        measure: measure.map(|(metric, value)| Measure { metric, value, view: view.clone().into() }),
        deal: (is_refund || track == ORDER).then(|| Deal {
            is_refund,
            order_id: Some(line.28.clone()).filter(|id| !id.is_empty()),
            amount,
            currency: line.30.clone(),
        }),
    }
}
