//! A chart as SVG: points joined by lines, axes with units, readable on light and on dark pages.
//!
//! Separate because it knows nothing of what was measured. Draws without a script and fetches nothing; brings its own ground,
//! so that it can be read wherever it is shown.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 684.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 300.0;
/// Steps of the upright axis, about.
const STEPS: f64 = 5.0;
/// Colours that are told apart also by those who see no red or no green: on light, and on dark ground.
const COLOURS: [(&str, &str); 4] =
    [("#0b62c4", "#6cb2ff"), ("#b35900", "#ffb066"), ("#00795c", "#4fd6ac"), ("#8a3ffc", "#c8a2ff")];

/// One picture.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    /// What is shown, in one line.
    pub(crate) title: String,
    /// What runs to the right, with its unit.
    pub(crate) across: String,
    /// Whether the places to the right are apart by their ratio. Places of 0 and below are left out then.
    pub(crate) by_ratio: bool,
    /// What runs upwards from 0, with its unit.
    pub(crate) up: String,
    /// At most four can be told apart by colour.
    pub(crate) lines: Vec<Line>,
}

/// Points that are joined, in the order in which they are given.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// What the legend calls it.
    pub(crate) name: String,
    /// To the right, and upwards. What is no finite number is left out.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Where numbers lie in the picture.
struct Frame {
    by_ratio: bool,
    /// The least and the largest place to the right, as they are laid out.
    across: (f64, f64),
    /// The end of the upright axis, and from one of its marks to the next.
    most: f64,
    step: f64,
}

impl Chart {
    /// Returns the text of the file.
    pub(crate) fn svg(&self) -> String {
        let lines: Vec<Line> = self.lines.iter().map(|line| self.drawable(line)).collect();
        let frame = Frame::around(&lines, self.by_ratio);
        let mut out = head(&self.title, &lines);
        upright(&mut out, &frame, &self.up);
        level(&mut out, &frame, &places(&lines), &self.across);
        legend(&mut out, &lines);
        let mut said = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            draw(&mut out, &frame, (number, line), &mut said);
        }
        out.push_str("</svg>\n");
        out
    }

    fn drawable(&self, line: &Line) -> Line {
        let fits = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite() && (!self.by_ratio || *x > 0.0);
        Line { name: line.name.clone(), points: line.points.iter().copied().filter(fits).collect() }
    }
}

impl Frame {
    fn around(lines: &[Line], by_ratio: bool) -> Frame {
        let points = || lines.iter().flat_map(|line| &line.points);
        let mut frame = Frame { by_ratio, across: (f64::INFINITY, f64::NEG_INFINITY), most: 1.0, step: 0.2 };
        let (mut least, mut last) = frame.across;
        for (x, _) in points() {
            least = least.min(frame.laid_out(*x));
            last = last.max(frame.laid_out(*x));
        }
        frame.across = (least, last);
        let highest = points().map(|(_, y)| *y).fold(0.0, f64::max);
        if highest > 0.0 {
            // Room for the number above the highest point.
            frame.step = round_step(highest * 1.08 / STEPS);
            frame.most = (highest * 1.08 / frame.step).ceil() * frame.step;
        }
        frame
    }

    fn laid_out(&self, x: f64) -> f64 {
        if self.by_ratio { x.log10() } else { x }
    }

    /// Where a place to the right is drawn; in the middle when there is only one.
    fn x(&self, x: f64) -> f64 {
        let (least, last) = self.across;
        let share = if last > least { (self.laid_out(x) - least) / (last - least) } else { 0.5 };
        // The first place is not on the upright axis itself.
        LEFT + 28.0 + share * (RIGHT - LEFT - 56.0)
    }

    fn y(&self, y: f64) -> f64 {
        BOTTOM - (y / self.most).clamp(0.0, 1.0) * (BOTTOM - TOP)
    }
}

/// Returns the next of 1, 2, 2.5, 5 and 10 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| power * factor >= step);
    power * factor.unwrap_or(10.0)
}

/// All places to the right at which something is drawn, each once, in order.
fn places(lines: &[Line]) -> Vec<f64> {
    let mut places: Vec<f64> = lines.iter().flat_map(|line| &line.points).map(|(x, _)| *x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    places
}

fn head(title: &str, lines: &[Line]) -> String {
    let (mut light, mut dark) = (String::new(), String::new());
    for (number, (on_light, on_dark)) in COLOURS.iter().enumerate() {
        write!(light, ".l{number}{{stroke:{on_light}}}.d{number}{{fill:{on_light}}}").ok();
        write!(dark, ".l{number}{{stroke:{on_dark}}}.d{number}{{fill:{on_dark}}}").ok();
    }
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" role=\"img\">\n<title>{title}</title>\n<desc>{}</desc>\n<style>\
         text{{font:12px system-ui,sans-serif;fill:#24292f}}.t{{font-size:15px;font-weight:600}}.e{{text-anchor:end}}\
         .m{{text-anchor:middle}}.v{{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px}}.g{{fill:#fff}}.r{{stroke:#d8dee4}}.c{{fill:none;stroke-width:2}}{light}\
         @media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.v{{stroke:#0d1117}}.g{{fill:#0d1117}}.r{{stroke:#30363d}}{dark}}}</style>\n\
         <rect class=\"g\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\n<text class=\"t\" x=\"16\" y=\"26\">{title}</text>\n",
        described(lines),
    )
}

/// The same in words, for those who do not see it.
fn described(lines: &[Line]) -> String {
    let line = |line: &Line| {
        let points = line.points.iter().map(|(x, y)| format!("{} at {}", short(*y), whole(*x)));
        format!("{}: {}", escape(&line.name), points.collect::<Vec<_>>().join(", "))
    };
    lines.iter().map(line).collect::<Vec<_>>().join("; ")
}

fn upright(out: &mut String, frame: &Frame, label: &str) {
    let marks = (frame.most / frame.step).round() as u32;
    for mark in 0..=marks {
        let value = frame.step * f64::from(mark);
        let y = frame.y(value);
        writeln!(
            out,
            "<path class=\"r\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/><text class=\"e\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            short(value),
        )
        .ok();
    }
    writeln!(out, "<text x=\"16\" y=\"{:.1}\">{}</text>", TOP - 10.0, escape(label)).ok();
}

fn level(out: &mut String, frame: &Frame, places: &[f64], label: &str) {
    for place in places {
        let x = frame.x(*place);
        let (mark, text) = (BOTTOM + 5.0, BOTTOM + 20.0);
        writeln!(
            out,
            "<path class=\"r\" d=\"M{x:.1} {BOTTOM}V{mark:.1}\"/><text class=\"m\" x=\"{x:.1}\" y=\"{text:.1}\">{}</text>",
            whole(*place),
        )
        .ok();
    }
    let middle = f64::midpoint(LEFT, RIGHT);
    writeln!(out, "<text class=\"m\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>", HEIGHT - 16.0, escape(label))
        .ok();
}

/// The names of the lines, from right to left in the line of the upright axis' label.
fn legend(out: &mut String, lines: &[Line]) {
    let mut right = RIGHT;
    for (number, line) in lines.iter().enumerate().rev() {
        // Wide enough for any letters of this size.
        let wide = line.name.chars().count() as f64 * 6.6;
        writeln!(
            out,
            "<circle class=\"d{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            number % COLOURS.len(),
            right - wide - 10.0,
            TOP - 30.0,
            right - wide,
            TOP - 26.0,
            escape(&line.name),
        )
        .ok();
        right -= wide + 30.0;
    }
}

/// Draws one line, and the number of each point where there is room for it: `said` is where numbers stand already.
fn draw(out: &mut String, frame: &Frame, (number, line): (usize, &Line), said: &mut Vec<(f64, f64)>) {
    let colour = number % COLOURS.len();
    let places: Vec<(f64, f64, f64)> =
        line.points.iter().map(|(x, y)| (frame.x(*x), frame.y(*y), *y)).collect();
    let way: Vec<String> = places.iter().map(|(x, y, _)| format!("{x:.1} {y:.1}")).collect();
    if way.len() > 1 {
        writeln!(out, "<path class=\"c l{colour}\" d=\"M{}\"/>", way.join("L")).ok();
    }
    for (x, y, value) in places {
        writeln!(out, "<circle class=\"d{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>").ok();
        let is_free =
            |at: &f64| said.iter().all(|(near, other)| (near - x).abs() > 1.0 || (other - at).abs() > 11.0);
        if let Some(at) = [y - 9.0, y + 18.0].into_iter().find(is_free) {
            said.push((x, at));
            writeln!(out, "<text class=\"m v\" x=\"{x:.1}\" y=\"{at:.1}\">{}</text>", short(value)).ok();
        }
    }
}

/// Writes a number with three digits that count, without zeros at its end.
fn short(value: f64) -> String {
    let text = match value.abs() {
        size if size >= 100.0 => return whole(value),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Writes a number without its fraction and with commas between the thousands.
fn whole(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::from(if value < 0.0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns the text as XML takes it anywhere; what XML cannot hold is left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}
