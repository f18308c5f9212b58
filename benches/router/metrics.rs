//! Reads single figures out of the OpenMetrics page.
//!
//! Separate because a quantile out of buckets is an estimate with a rule of its own. Asks nobody.

/// Returns the sum of a counter over all its labels.
pub(crate) fn sum(page: &str, name: &str) -> f64 {
    let series = page.lines().filter_map(|line| line.strip_prefix(name));
    let values =
        series.filter(|rest| rest.starts_with(['{', ' '])).filter_map(|rest| rest.rsplit(' ').next());
    values.filter_map(|value| value.parse::<f64>().ok()).sum()
}

/// Estimates, in milliseconds, what this share of a histogram of seconds stayed below: evenly spread inside a bucket, as
/// Prometheus does. The last finite bound when it lies beyond that, NaN when nothing was counted.
pub(crate) fn quantile(page: &str, name: &str, share: f64) -> f64 {
    let prefix = format!("{name}_bucket{{le=\"");
    let buckets: Vec<(f64, f64)> =
        page.lines().filter_map(|line| bucket(line.strip_prefix(&prefix)?)).collect();
    let total = buckets.last().map_or(0.0, |(_, count)| *count);
    let rank = total * share;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= rank && count > below {
            let inside = (rank - below) / (count - below);
            let width = if bound.is_finite() { bound - lower } else { 0.0 };
            return (lower + width * inside) * 1e3;
        }
        (lower, below) = (bound, count);
    }
    f64::NAN
}

/// Reads `BOUND"} COUNT`.
fn bucket(rest: &str) -> Option<(f64, f64)> {
    let (bound, count) = rest.split_once("\"} ")?;
    let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
    Some((bound, count.split_whitespace().next()?.parse().ok()?))
}
