//! The charts of the benchmark: that what is drawn is SVG, lies within the picture, and says what was measured.
//!
//! Beside the benchmark, whose target has no tests of its own.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../benches/router/chart.rs"]
mod chart;

use chart::{Chart, Line};

fn line(name: &str, points: &[(f64, f64)]) -> Line {
    Line { name: name.into(), points: points.to_vec() }
}

fn chart(by_ratio: bool, lines: &[Line]) -> String {
    let (title, across, up) = ("Growth".into(), "records".into(), "µs an event".into());
    Chart { title, across, by_ratio, up, lines: lines.to_vec() }.svg()
}

/// The values of one attribute of all elements of a kind, in their order.
fn values(svg: &str, element: &str, attribute: &str) -> Vec<String> {
    let (element, attribute) = (format!("<{element} "), format!(" {attribute}=\""));
    let of = |rest: &str| {
        let inside = &rest[..rest.find('>').unwrap()];
        let from = inside.find(&attribute)? + attribute.len();
        Some(inside[from..].split('"').next().unwrap().to_owned())
    };
    svg.match_indices(&element).filter_map(|(at, _)| of(&svg[at..])).collect()
}

fn numbers(svg: &str, element: &str, attribute: &str) -> Vec<f64> {
    values(svg, element, attribute).iter().map(|value| value.parse().unwrap()).collect()
}

/// The points of the first line, as they are drawn: those of the legend are larger.
fn drawn(svg: &str) -> Vec<(f64, f64)> {
    let all = numbers(svg, "circle", "cx").into_iter().zip(numbers(svg, "circle", "cy"));
    let sizes = numbers(svg, "circle", "r");
    all.zip(sizes).filter(|(_, size)| *size < 4.0).map(|(point, _)| point).collect()
}

/// Whether each element that is opened is closed, in the right order.
fn assert_is_whole(svg: &str) {
    let mut open = Vec::new();
    for part in svg.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        let name = tag.split(' ').next().unwrap();
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{part}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn what_is_said_cannot_end_an_element() {
    let name = "a<b> & \"c\" 'd'\u{7}";
    let mut both = line(name, &[(1.0, 1.0)]);
    let svg = chart(false, std::slice::from_ref(&both));
    assert_is_whole(&svg);
    assert!(svg.contains(">a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;</text>"), "{svg}");
    assert!(!svg.contains("<b>") && !svg.contains('\u{7}'));
    both.name = "plain".into();
    let labels = Chart {
        title: "<script>".into(),
        across: "a & b".into(),
        by_ratio: false,
        up: "µs > 0".into(),
        lines: vec![both],
    };
    let svg = labels.svg();
    assert_is_whole(&svg);
    assert!(!svg.contains("<script") && svg.contains("a &amp; b") && svg.contains("µs &gt; 0"));
}

#[test]
fn a_single_point_stands_in_the_middle_and_is_joined_to_nothing() {
    for by_ratio in [false, true] {
        let svg = chart(by_ratio, &[line("one", &[(10_000.0, 4.5)])]);
        assert_is_whole(&svg);
        assert_eq!(values(&svg, "path", "class").iter().filter(|class| class.starts_with('c')).count(), 0);
        let [(x, y)] = drawn(&svg)[..] else { panic!("{svg}") };
        assert!((x - 374.0).abs() < 0.2 && (76.0..300.0).contains(&y), "{x} {y}");
        assert!(svg.contains(">10,000</text>") && svg.contains(">4.5</text>"));
    }
}

#[test]
fn a_flat_series_is_level_and_begins_at_zero() {
    let svg = chart(true, &[line("flat", &[(1e4, 5.0), (1e5, 5.0), (1e6, 5.0), (1e7, 5.0)])]);
    let points = drawn(&svg);
    assert_eq!(points.len(), 4);
    assert!(points.iter().all(|(_, y)| (y - points[0].1).abs() < f64::EPSILON), "{points:?}");
    // By ratio, so that each decade is as wide as the one before.
    let steps: Vec<f64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(steps.iter().all(|step| (step - steps[0]).abs() < 0.2), "{steps:?}");
    // 5 of 6, from 300 at the bottom to 76 at the top.
    assert!((points[0].1 - (300.0 - 224.0 * 5.0 / 6.0)).abs() < 0.2, "{points:?}");
    assert!(svg.contains(">10,000,000</text>") && svg.contains(">0</text>"));
}

#[test]
fn nothing_measured_is_an_empty_picture() {
    for lines in [&[][..], &[line("none", &[])][..], &[line("zero", &[(0.0, 0.0), (1.0, 0.0)])][..]] {
        for by_ratio in [false, true] {
            let svg = chart(by_ratio, lines);
            assert_is_whole(&svg);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
    let odd = line("odd", &[(f64::NAN, 1.0), (1.0, f64::INFINITY), (-1.0, 2.0), (2.0, 3.0)]);
    let svg = chart(true, &[odd]);
    assert_eq!(drawn(&svg).len(), 1);
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn every_point_lies_within_the_picture_and_the_file_is_small() {
    let points: Vec<(f64, f64)> =
        (0..8).map(|at| (f64::from(at) * 700_000.0, 1_234.6 * f64::from(at + 1))).collect();
    let lines: Vec<Line> = (0..4).map(|at| line(&format!("line {at}"), &points[at..])).collect();
    let svg = chart(false, &lines);
    assert_is_whole(&svg);
    assert_eq!(drawn(&svg).len(), 8 + 7 + 6 + 5);
    assert!(drawn(&svg).iter().all(|(x, y)| (64.0..=684.0).contains(x) && (76.0..=300.0).contains(y)));
    assert!(svg.len() < 10_000, "{} bytes", svg.len());
    assert!(svg.contains("prefers-color-scheme:dark") && !svg.contains("script") && !svg.contains("href"));
    assert!(svg.contains("line 0: 1,235 at 0, 2,469 at 700,000"), "{svg}");
}

#[test]
fn the_numbers_of_neighbouring_lines_do_not_cover_each_other() {
    let near = [
        line("a", &[(1.0, 6.1), (2.0, 6.0)]),
        line("b", &[(1.0, 6.0), (2.0, 1.0)]),
        line("c", &[(1.0, 6.2)]),
    ];
    let svg = chart(false, &near);
    let said =
        svg.match_indices("class=\"m v\"").map(|(at, _)| &svg[at..at + svg[at..].find("</text>").unwrap()]);
    let said: Vec<&str> = said.map(|text| text.rsplit('>').next().unwrap()).collect();
    // Above and below; the third has no room at the first place.
    assert_eq!(said, ["6.1", "6", "6", "1"], "{svg}");
    assert_eq!(drawn(&svg).len(), 5);
}
