//! An answer, as JSON and as a table for spreadsheets. Pure.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::Query;

/// The columns that count.
const COUNTS: [&str; 12] = [
    "views",
    "visitors",
    "sessions",
    "pageviews",
    "entries",
    "exits",
    "bounces",
    "engaged_sessions",
    "conversions",
    "count",
    "samples",
    "orders",
];

/// The columns of sums of money, as texts.
const SUMS: [&str; 3] = ["gross", "refunds", "net"];

/// What a report says.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The keys of each row, in order.
    pub columns: Vec<&'static str>,
    /// As many values each as there are columns.
    pub rows: Vec<Vec<Value>>,
    /// Of everything, also of rows beyond the limit.
    pub totals: Map<String, Value>,
    /// It is of a part of the visitors, and numbers are what that part says of all.
    pub sampled: bool,
}

impl Report {
    /// Returns `{"range":{from,to,tz},"rows":[…],"totals":{…},"sampled":…}`.
    pub fn to_json(&self, query: &Query) -> Value {
        let object = |row: &Vec<Value>| -> Value {
            let named = self.columns.iter().zip(row).map(|(name, value)| ((*name).to_owned(), value.clone()));
            Value::Object(named.collect())
        };
        let period = &query.period;
        json!({
            "range": { "from": period.shown(period.from), "to": period.shown(period.to), "tz": period.zone_name },
            "rows": self.rows.iter().map(object).collect::<Vec<_>>(),
            "totals": self.totals,
            "sampled": self.sampled,
        })
    }

    /// Makes the counts and sums of one in so many visitors those of all; averages, shares and percentiles are theirs already.
    pub fn scale(&mut self, part: u64) {
        if part <= 1 {
            return;
        }
        self.sampled = true;
        // Visits are listed one by one.
        let is_list = self.columns.first() == Some(&"id");
        for row in self.rows.iter_mut().filter(|_| !is_list) {
            for (name, value) in self.columns.iter().zip(row) {
                make_whole(name, value, part);
            }
        }
        self.totals.iter_mut().for_each(|(name, value)| make_whole(name, value, part));
    }

    /// Returns the rows as RFC 4180 has them, under a line of their names.
    pub fn to_csv(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| cells.collect::<Vec<_>>().join(",") + "\r\n";
        let mut text = line(&mut self.columns.iter().map(|name| (*name).to_owned()));
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(cell)));
        }
        text
    }
}

/// Makes a count, or a sum of money, so many times what it is, and leaves everything else.
fn make_whole(name: &str, value: &mut Value, part: u64) {
    if let Some(count) = value.as_u64().filter(|_| COUNTS.contains(&name)) {
        *value = json!(count.saturating_mul(part));
    } else if SUMS.contains(&name) {
        *value = json!(times(value, part));
    }
}

/// Returns so many times a sum of money.
fn times(sum: &Value, part: u64) -> String {
    let sum: Decimal = sum.as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
    format!("{:.2}", sum.saturating_mul(Decimal::from(part)))
}

/// Returns a value as a cell. A text that a spreadsheet would take for a formula is made one that it does not, by the mark that
/// spreadsheets have for it (OWASP, "CSV Injection"); a number stays one.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text,
        other => return other.to_string(),
    };
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
        || text.starts_with(['\t', '\r', '\n']);
    let mark = if is_formula && !is_number { "'" } else { "" };
    if mark.is_empty() && !text.contains([',', '"', '\r', '\n', ';', '\t', '\'']) {
        return text.clone();
    }
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

/// Returns a part of a whole with four digits after the point, half up; zero of nothing.
#[expect(clippy::cast_precision_loss, reason = "ten thousandths of a share, and sums of far fewer than 2^53")]
pub(super) fn ratio(part: i64, whole: i64, places: u32) -> Value {
    let scale = 10_i128.pow(places);
    let (part, whole) = (i128::from(part), i128::from(whole));
    let scaled = (2 * part * scale + whole).checked_div_euclid(2 * whole).unwrap_or_default();
    json!(scaled as f64 / scale as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_a_number_stays_a_number() {
        for (value, wanted) in [
            (json!("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\""),
            (json!("@SUM(A1)"), "\"'@SUM(A1)\""),
            (json!("+1+2"), "\"'+1+2\""),
            (json!(" -2+3"), "\"' -2+3\""),
            (json!("\t=1"), "\"'\t=1\""),
            (json!("-2.50"), "-2.50"),
            (json!("a,b"), "\"a,b\""),
            (json!("/a"), "/a"),
            (json!(-1.5), "-1.5"),
            (json!(true), "true"),
            (json!(null), ""),
        ] {
            assert_eq!(cell(&value), wanted, "{value}");
        }
    }

    #[test]
    fn a_sample_is_made_whole_in_counts_and_in_nothing_else() {
        let totals = json!({ "views": 5, "bounce_rate": 0.5 });
        let mut report = Report {
            columns: vec!["path", "views", "bounce_rate"],
            rows: vec![vec![json!("/3"), json!(4), json!(0.5)]],
            totals: totals.as_object().cloned().unwrap(),
            sampled: false,
        };
        report.scale(1);
        assert!(!report.sampled);
        report.scale(3);
        assert!(report.sampled);
        assert_eq!(report.rows, [[json!("/3"), json!(12), json!(0.5)]]);
        assert_eq!((&report.totals["views"], &report.totals["bounce_rate"]), (&json!(15), &json!(0.5)));
    }

    #[test]
    fn orders_and_what_they_amount_to_are_made_whole_together() {
        let row = vec![json!("EUR"), json!(4), json!("10.50"), json!("0.50"), json!("10.00"), json!("2.63")];
        let columns = vec!["currency", "orders", "gross", "refunds", "net", "aov"];
        let mut report = Report { columns, rows: vec![row], totals: Map::new(), sampled: false };
        report.scale(3);
        let wanted = json!(["EUR", 12, "31.50", "1.50", "30.00", "2.63"]);
        assert_eq!(json!(report.rows[0]), wanted);
    }

    #[test]
    fn a_ratio_is_rounded_half_up_and_zero_of_nothing() {
        assert_eq!(
            (ratio(1, 3, 4), ratio(1, 8, 2), ratio(5, 0, 4)),
            (json!(0.3333), json!(0.13), json!(0.0))
        );
    }
}
