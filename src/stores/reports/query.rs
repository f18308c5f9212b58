//! What is asked: the report and its parameters, read from a query string. Pure; every parameter that is not known, and every
//! value that makes no sense, is refused with its name.

use jiff::tz::TimeZone;

use super::fields::{Field, Filter, LONGEST};
use super::period::Period;
use crate::projections::commerce::funnel;

/// Rows of an answer, unless more or less are asked for.
const LIMIT: usize = 100;
/// Most rows of an answer.
const MOST: usize = 1_000;
/// Most parts of a series.
const MOST_PARTS: usize = 1_000;
/// Most filters and most steps.
const MOST_TERMS: usize = 20;
const DAY_MS: i64 = 86_400_000;

/// What is wrong with which parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The parameter.
    pub name: String,
    /// To be read after its name.
    pub message: String,
}

impl Problem {
    /// Returns what is wrong with a parameter.
    pub fn new(name: &str, message: &str) -> Problem {
        Problem { name: name.to_owned(), message: message.to_owned() }
    }
}

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// Views, visitors and sessions by hour or day.
    Series,
    /// By page.
    Pages,
    /// Visits by what led to them.
    Sources,
    /// Visits by place.
    Geo,
    /// Visits by what they were made with.
    Devices,
    /// Track calls by name.
    Events,
    /// How far visitors come.
    Funnel,
    /// Orders and refunds by currency.
    Revenue,
    /// Web vitals.
    Vitals,
    /// Visits, newest first.
    Sessions,
}

impl Name {
    /// Every report with its name in the path.
    pub const ALL: [(Name, &'static str); 10] = [
        (Name::Series, "series"),
        (Name::Pages, "pages"),
        (Name::Sources, "sources"),
        (Name::Geo, "geo"),
        (Name::Devices, "devices"),
        (Name::Events, "events"),
        (Name::Funnel, "funnel"),
        (Name::Revenue, "revenue"),
        (Name::Vitals, "vitals"),
        (Name::Sessions, "sessions"),
    ];

    /// Returns the report of this name.
    pub fn named(name: &str) -> Option<Name> {
        Name::ALL.iter().find(|(_, known)| *known == name).map(|(report, _)| *report)
    }

    /// What it can be broken down by; the first unless something else is asked for.
    fn fields(self) -> &'static [Field] {
        match self {
            Name::Sources => {
                &[Field::Source, Field::Channel, Field::Medium, Field::Campaign, Field::Referrer]
            }
            Name::Geo => &[Field::Country, Field::Region, Field::City],
            Name::Devices => &[Field::Device, Field::Browser, Field::Os],
            _ => &[],
        }
    }
}

/// Which of a visitor's visits before an order it is credited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// The first one.
    First,
    /// The last one that something led to.
    Last,
}

impl Touch {
    /// Returns what it is called in questions and answers.
    pub fn name(self) -> &'static str {
        match self {
            Touch::First => "first_touch",
            Touch::Last => "last_touch",
        }
    }
}

/// A report with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Which.
    pub report: Name,
    /// The source; all of them where none is named.
    pub site: Option<String>,
    /// When.
    pub period: Period,
    /// All must pass.
    pub filters: Vec<Filter>,
    /// Most rows.
    pub limit: usize,
    /// A series by hours and not by days.
    pub hourly: bool,
    /// What visits are broken down by.
    pub by: Option<Field>,
    /// Vitals by page.
    pub by_page: bool,
    /// Revenue by what led the visitor to the order.
    pub touch: Option<Touch>,
    /// The events of the funnel.
    pub steps: Vec<String>,
    /// How long a visitor has from the first step to the last, in milliseconds.
    pub window_ms: i64,
    /// Of orders that name no currency.
    pub currency: String,
}

/// What an answer depends on beside the query string.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// In milliseconds since 1970.
    pub now: i64,
    /// The time zone where none is named.
    pub zone: &'a str,
    /// Finds time zones.
    pub zones: &'a dyn Fn(&str) -> Option<TimeZone>,
    /// The currency where none is named.
    pub currency: &'a str,
}

/// The parameters that may come more than once.
pub const REPEATED: [&str; 4] = ["filter", "filters", "filters[]", "step"];

/// The raw parameters.
#[derive(Default)]
struct Raw<'p> {
    site: Option<&'p str>,
    from: Option<&'p str>,
    to: Option<&'p str>,
    tz: Option<&'p str>,
    limit: Option<&'p str>,
    bucket: Option<&'p str>,
    by: Option<&'p str>,
    window: Option<&'p str>,
    filters: Vec<&'p str>,
    steps: Vec<&'p str>,
}

impl Query {
    /// Reads the parameters of a report.
    ///
    /// # Errors
    /// The first parameter that is not known or makes no sense.
    pub fn read(report: Name, pairs: &[(String, String)], asked: Asked<'_>) -> Result<Query, Problem> {
        let raw = Raw::of(report, pairs)?;
        let zone_name = raw.tz.unwrap_or(asked.zone);
        let no_zone =
            || Problem::new("tz", &format!("must be a time zone like Europe/Berlin, not \"{zone_name}\""));
        let zone = (asked.zones)(zone_name).ok_or_else(no_zone)?;
        let period = Period::read((raw.from, raw.to), (zone, zone_name), asked.now)?;
        let filters = raw.filters.iter().map(|text| Filter::parse(text));
        let filters: Result<Vec<Filter>, String> = filters.collect();
        let query = Query {
            report,
            site: raw.site.map(str::to_owned),
            filters: filters.map_err(|words| Problem::new("filter", &words))?,
            limit: raw.limit()?,
            hourly: raw.hourly()?,
            by: raw.field(report)?,
            by_page: raw.by_page(report)?,
            touch: raw.touch(report)?,
            steps: raw.steps(),
            window_ms: raw.window()?,
            currency: asked.currency.to_owned(),
            period,
        };
        if query.report == Name::Series && query.parts().len() > MOST_PARTS {
            return Err(Problem::new("bucket", "would make more than 1000 rows of this period"));
        }
        Ok(query)
    }

    /// Returns where the hours or days of the series begin.
    pub fn parts(&self) -> Vec<i64> {
        if self.hourly { self.period.hours() } else { self.period.days() }
    }
}

impl<'p> Raw<'p> {
    fn of(report: Name, pairs: &'p [(String, String)]) -> Result<Raw<'p>, Problem> {
        let mut raw = Raw::default();
        for (name, value) in pairs {
            let place = match (name.as_str(), report) {
                ("site", _) => &mut raw.site,
                ("from", _) => &mut raw.from,
                ("to", _) => &mut raw.to,
                ("tz", _) => &mut raw.tz,
                ("limit", _) => &mut raw.limit,
                ("bucket", Name::Series) => &mut raw.bucket,
                ("by", Name::Sources | Name::Geo | Name::Devices | Name::Vitals | Name::Revenue) => {
                    &mut raw.by
                }
                ("window", Name::Funnel) => &mut raw.window,
                ("filter" | "filters" | "filters[]", _) => {
                    raw.filters.push(value);
                    continue;
                }
                ("step", Name::Funnel) => {
                    raw.steps.push(value);
                    continue;
                }
                _ => return Err(Problem::new(name, "is not known here")),
            };
            *place = Some(value);
        }
        let texts = [("site", raw.site), ("step", raw.steps.iter().copied().max_by_key(|step| step.len()))];
        let is_long =
            |(_, text): &&(&str, Option<&str>)| text.is_some_and(|text| text.chars().count() > LONGEST);
        if let Some((name, _)) = texts.iter().find(is_long) {
            return Err(Problem::new(name, &format!("must not have more than {LONGEST} characters")));
        }
        let too_many = [("filter", raw.filters.len()), ("step", raw.steps.len())];
        match too_many.iter().find(|(_, count)| *count > MOST_TERMS) {
            Some((name, _)) => Err(Problem::new(name, "stands more than 20 times in the query")),
            None => Ok(raw),
        }
    }

    fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.limit else { return Ok(LIMIT) };
        let read = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
        read.ok_or_else(|| {
            Problem::new("limit", &format!("must be a number from 1 to {MOST}, not \"{text}\""))
        })
    }

    fn hourly(&self) -> Result<bool, Problem> {
        match self.bucket {
            None | Some("day") => Ok(false),
            Some("hour") => Ok(true),
            Some(text) => Err(Problem::new("bucket", &format!("must be hour or day, not \"{text}\""))),
        }
    }

    fn field(&self, report: Name) -> Result<Option<Field>, Problem> {
        let fields = report.fields();
        let Some(name) = self.by.filter(|_| !fields.is_empty()) else { return Ok(fields.first().copied()) };
        let found = fields.iter().find(|field| field.name() == name).copied();
        let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
        let words = format!("must be one of {}, not \"{name}\"", names.join(", "));
        found.map(Some).ok_or_else(|| Problem::new("by", &words))
    }

    fn by_page(&self, report: Name) -> Result<bool, Problem> {
        match self.by.filter(|_| report == Name::Vitals) {
            None | Some("metric") => Ok(false),
            Some("path") => Ok(true),
            Some(text) => Err(Problem::new("by", &format!("must be metric or path, not \"{text}\""))),
        }
    }

    fn touch(&self, report: Name) -> Result<Option<Touch>, Problem> {
        let Some(text) = self.by.filter(|_| report == Name::Revenue && self.by != Some("currency")) else {
            return Ok(None);
        };
        let found = [Touch::First, Touch::Last].into_iter().find(|touch| touch.name() == text);
        let words = format!("must be one of currency, first_touch, last_touch, not \"{text}\"");
        found.map(Some).ok_or_else(|| Problem::new("by", &words))
    }

    fn steps(&self) -> Vec<String> {
        if self.steps.is_empty() {
            return funnel::steps();
        }
        self.steps.iter().map(|step| (*step).to_owned()).collect()
    }

    fn window(&self) -> Result<i64, Problem> {
        let Some(text) = self.window else { return Ok(7 * DAY_MS) };
        let unit = text.chars().next_back().and_then(|unit| match unit {
            'd' => Some(DAY_MS),
            'h' => Some(3_600_000),
            'm' => Some(60_000),
            's' => Some(1_000),
            _ => None,
        });
        let count = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic()).parse::<i64>().ok();
        let window = unit.zip(count).and_then(|(unit, count)| unit.checked_mul(count));
        let is_sane = |window: &i64| (1..=366 * DAY_MS).contains(window);
        let words = format!("must be a time like 7d, 12h or 30m, not \"{text}\"");
        window.filter(is_sane).ok_or_else(|| Problem::new("window", &words))
    }
}
