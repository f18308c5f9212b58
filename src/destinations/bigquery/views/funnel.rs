//! A query to start a funnel from: how many visitors did one thing and then the next. Pure.
//!
//! Printed for people, never made a view: the steps are theirs.

use super::{Options, activity, sql};
use crate::warehouse::Schema;

/// Returns the query for these steps, each the name of a track call, page or screen, each at most `within_seconds` after
/// the first. `None` without steps or without a table of events.
pub fn funnel(schema: &Schema, steps: &[String], within_seconds: u64, options: &Options) -> Option<String> {
    let deeds = activity::deeds_of(schema, options)?;
    let (first, later) = steps.split_first()?;
    let mut parts = vec![format!(
        "step_1 AS (\n  SELECT d.`visitor`, MIN(d.`timestamp`) AS `at`, MIN(d.`timestamp`) AS `begun`\n  FROM deeds AS d\n  \
         WHERE d.`name` = {}\n  GROUP BY d.`visitor`\n)",
        sql::text(first)
    )];
    for (before, step) in (1_usize..).zip(later) {
        parts.push(next(before, step, within_seconds));
    }
    let counts = (1_usize..).zip(steps).map(|(number, step)| {
        format!(
            "SELECT {number} AS `step`, {} AS `name`, COUNT(*) AS `visitors` FROM step_{number}",
            sql::text(step)
        )
    });
    let counts = counts.collect::<Vec<_>>().join("\nUNION ALL\n");
    Some(format!("{deeds},\n{}\n{counts}\nORDER BY `step`", parts.join(",\n")))
}

fn next(before: usize, step: &str, within_seconds: u64) -> String {
    let (number, step) = (before.saturating_add(1), sql::text(step));
    format!(
        "step_{number} AS (\n  SELECT d.`visitor`, MIN(d.`timestamp`) AS `at`, MIN(s.`begun`) AS `begun`\n  \
         FROM deeds AS d\n  JOIN step_{before} AS s ON s.`visitor` = d.`visitor`\n  \
         WHERE d.`name` = {step} AND d.`timestamp` > s.`at`\n    \
         AND d.`timestamp` <= TIMESTAMP_ADD(s.`begun`, INTERVAL {within_seconds} SECOND)\n  GROUP BY d.`visitor`\n)"
    )
}
