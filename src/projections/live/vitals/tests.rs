//! Vitals of a day against the exact definition, and against pages that say whatever they like.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::tests::{START, event, event_of};
use super::super::{Live, Totals};
use super::*;
use crate::projections::sketch::ERROR;

fn vital(view: &str, (metric, value): (&str, f64), (path, device): (&str, &str)) -> Value {
    json!({
        "type": "track", "event": "Web Vital", "anonymousId": "a",
        "properties": { "name": metric, "value": value },
        "context": { "page": { "path": path }, "device": { "type": device }, "pageViewId": view },
    })
}

fn totals(live: &mut Live, now: i64) -> Totals {
    live.advance(now);
    let view = live.views().swap_remove(0);
    live.report(view).totals
}

fn shown(live: &mut Live) -> Vec<VitalNow> {
    totals(live, START).vitals
}

/// Returns the row of a metric on all devices, of all pages or of one.
fn row_of<'a>(rows: &'a [VitalNow], metric: &str, path: Option<&str>) -> Option<&'a VitalNow> {
    rows.iter().find(|row| row.metric == metric && row.device.is_none() && row.path.as_deref() == path)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_shown_is_the_exact_summary_of_the_last_words_within_one_in_a_hundred(
        words in prop::collection::vec((0..30_u8, 0..5_usize, prop_oneof![0.001..1.0_f64, 50.0..6_000.0_f64]), 1..200)
    ) {
        let mut live = Live::new(Options::default());
        let mut last: BTreeMap<(u8, &str), f64> = BTreeMap::new();
        let names: Vec<&str> = vitals::names().collect();
        for (n, (view, metric, value)) in words.into_iter().enumerate() {
            let said = vital(&view.to_string(), (names[metric], value), ("/", "mobile"));
            live.take(&event(&n.to_string(), (START, START), said));
            last.insert((view, names[metric]), value);
        }
        let rows = shown(&mut live);
        for name in names {
            let values: Vec<f64> = last.iter().filter(|((_, named), _)| *named == name).map(|(_, value)| *value).collect();
            let exact = Metric::named(name).unwrap().summary(values.clone());
            let row = row_of(&rows, name, None);
            prop_assert_eq!(row.map_or(0, |row| row.samples), values.len() as u64);
            let (Some(row), Some(p75)) = (row, exact.p75) else { continue };
            prop_assert!((row.p75 - p75).abs() <= p75 * (ERROR + 1e-5), "{} of {p75}", row.p75);
            prop_assert_eq!(Some(row.rating), exact.rating);
            let shares = [row.good, row.needs_improvement, row.poor];
            prop_assert!(shares.iter().zip(exact.share).all(|(one, other)| (one - other).abs() < 1e-6));
        }
    }

    #[test]
    fn two_routers_that_share_the_views_know_together_what_one_would(
        words in prop::collection::vec((0..400_u16, 0.0..6_000.0_f64, 0..3_u8), 1..150)
    ) {
        let mut lives = [Live::new(Options::default()), Live::new(Options::default()), Live::new(Options::default())];
        for (n, (view, value, path)) in words.into_iter().enumerate() {
            let said = vital(&view.to_string(), ("LCP", value), (&format!("/{path}"), "desktop"));
            let said = event(&n.to_string(), (START, START), said);
            lives[usize::from(view) % 2].take(&said);
            lives[2].take(&said);
        }
        let [one, two, both] = lives.map(|live| live.vitals.tally(Some(0)));
        let mut together = Groups::default();
        together.merge(&one.all);
        together.merge(&two.all);
        // A group from which everything was taken back says nothing.
        prop_assert_eq!(together, both.all);
    }
}

#[test]
fn the_last_word_of_a_view_counts_and_a_view_without_a_name_is_its_own() {
    let mut live = Live::new(Options::default());
    for (n, (view, value)) in
        [("p", 5_000.0), ("", 2_500.0), ("p", 2_500.0), ("", 2_500.0)].into_iter().enumerate()
    {
        live.take(&event(&n.to_string(), (START, START), vital(view, ("LCP", value), ("/", "mobile"))));
    }
    let rows = shown(&mut live);
    let row = row_of(&rows, "LCP", None).unwrap();
    assert_eq!((row.samples, row.good, row.poor), (3, 1.0, 0.0));
    assert_eq!(
        (row.p75, row.rating),
        (2_500.0, Rating::Good),
        "a limit is on its good side, also of an estimate"
    );
    assert_eq!(rows.iter().filter(|row| row.device.as_deref() == Some("mobile")).count(), 1);
    assert_eq!(row_of(&rows, "LCP", Some("/")).map(|row| row.samples), Some(3));
}

#[test]
fn robots_what_is_no_measure_and_what_is_not_of_today_are_not_counted() {
    let mut live = Live::new(Options::default());
    let mut robot = vital("a", ("LCP", 1.0), ("/", "mobile"));
    robot["context"]["bot"] = true.into();
    let mut text = vital("b", ("LCP", 1.0), ("/", "mobile"));
    text["properties"]["value"] = "1".into();
    let (below, unknown) =
        (vital("c", ("LCP", -1.0), ("/", "mobile")), vital("d", ("FID", 1.0), ("/", "mobile")));
    for (n, said) in [robot, text, below, unknown].into_iter().enumerate() {
        live.take(&event(&n.to_string(), (START, START), said));
    }
    let yesterday = START - 86_400_000;
    live.take(&event("y", (yesterday, START), vital("y", ("LCP", 1.0), ("/", "mobile"))));
    assert_eq!(shown(&mut live), []);
    live.take(&event("t", (START, START), vital("t", ("lcp", 1.0), ("/", "fridge"))));
    let rows = shown(&mut live);
    assert_eq!(rows.iter().filter_map(|row| row.device.as_deref()).collect::<Vec<_>>(), ["other"]);
    assert_eq!(totals(&mut live, START + 86_400_000).vitals, [], "a day ends at midnight");
}

#[test]
fn of_two_sites_each_has_its_own_and_all_have_the_sum() {
    let mut live = Live::new(Options::default());
    for (n, site) in ["web", "app", "web"].into_iter().enumerate() {
        let said = vital(&n.to_string(), ("INP", 100.0), ("/", "mobile"));
        live.take(&event_of(site, &n.to_string(), (START, START), said));
    }
    live.advance(START);
    let samples = live.views().into_iter().map(|view| {
        let rows = live.report(view).totals.vitals;
        row_of(&rows, "INP", None).map(|row| row.samples)
    });
    assert_eq!(samples.collect::<Vec<_>>(), [Some(3), Some(2), Some(1)]);
}

#[test]
fn a_page_that_makes_up_paths_values_and_views_takes_bounded_room_and_pushes_no_page_out() {
    let mut vitals = Vitals::new(&Options::default());
    vitals.turn_day(START);
    (vitals.most_bins, vitals.most_words) = (50_000, 20_000);
    let reading = |n: u32, path: String| Reading {
        group: groups().nth(n as usize % 35).unwrap(),
        path,
        view: n.to_string(),
        bin: Bin::of(1e-5 * 1.02_f64.powi((n / 35 % 1_390).try_into().unwrap())).unwrap(),
        rating: Rating::Poor,
    };
    // More than an even share of all are of one page, as space-saving asks for.
    for n in 0..50_000 {
        vitals.count(0, &reading(n, if n % 50 == 0 { "/real".to_owned() } else { format!("/{n}") }));
    }
    assert!(vitals.sites[&0].places.contains_key("/real") && vitals.sites[&0].places.len() <= MOST_PAGES);
    // Fewer paths, and all the values that there are.
    for n in 50_000..200_000_u32 {
        vitals.count(0, &reading(n, format!("/{}", n / 35 / 1_390 % 3)));
    }
    let site = &vitals.sites[&0];
    let bins: usize = site.pages.iter().flatten().map(|page| page.groups.bins()).sum();
    assert_eq!(bins, vitals.bins);
    assert!(bins <= 50_000, "{bins} bins");
    assert!(site.all.bins() + site.others.bins() <= 2 * 35 * 1_384);
    assert_eq!((vitals.words.len(), vitals.order.len()), (20_000, 20_000));
    let all: u64 = vitals.tally(Some(0)).all.0.values().map(|spread| spread.sketch.count()).sum();
    assert_eq!(all, 200_000, "nothing is lost");
}
