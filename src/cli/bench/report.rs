//! What a run has come to, for people and for programs, and what it cost the router, read from its own metrics.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::load::Sent;
use crate::cli::remote::Remote;

/// What the router says of its own process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// Processor time, user and system.
    pub(super) cpu_seconds: f64,
    /// Memory that it has now.
    pub(super) resident_bytes: f64,
}

impl Cost {
    /// Asks the router; `None` where its metrics are out of reach.
    pub(super) fn of(remote: &Remote) -> Option<Cost> {
        let page = remote.page(&["metrics"]).ok()?;
        let of = |name: &str| {
            let rest = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
            rest.split(' ').next()?.parse::<f64>().ok()
        };
        Some(Cost {
            cpu_seconds: of("opentrack_process_cpu_seconds_total")?,
            resident_bytes: of("opentrack_process_resident_bytes")?,
        })
    }

    /// Returns what was used since `before`.
    pub(super) fn since(self, before: &Cost) -> Cost {
        Cost { cpu_seconds: (self.cpu_seconds - before.cpu_seconds).max(0.0), ..self }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Report {
    /// Events that were to be sent.
    pub(super) events: u32,
    pub(super) batch: u16,
    pub(super) connections: u16,
    pub(super) rate: Option<u32>,
    pub(super) is_delivered: bool,
    pub(super) sent: Sent,
    /// Until destinations had nothing before them.
    pub(super) through: Duration,
    /// Events that they still had; `None` where the router does not tell.
    pub(super) left: Option<u64>,
    pub(super) cost: Option<Cost>,
}

impl Report {
    /// Returns whether every event was taken.
    pub(super) fn is_whole(&self) -> bool {
        self.sent.accepted == u64::from(self.events)
    }

    /// Events acknowledged a second.
    fn rate(&self) -> f64 {
        self.sent.accepted as f64 / self.sent.took.as_secs_f64().max(f64::EPSILON)
    }

    /// Microseconds of the router's processor time for each event that it took.
    fn each(&self) -> Option<f64> {
        let cost = self.cost.filter(|_| self.sent.accepted > 0)?;
        Some(cost.cpu_seconds * 1e6 / self.sent.accepted as f64)
    }

    /// What this share of the answers stayed below, in milliseconds; `None` without any.
    fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.sent.latencies.len().checked_sub(1)?;
        let at = (last as f64 * share).round() as usize;
        Some(self.sent.latencies.get(at)?.as_secs_f64() * 1e3)
    }

    /// For programs: times in the unit of their name, `null` where something is not known.
    pub(super) fn json(&self) -> Value {
        let named = |status: &u16| if *status == 0 { "none".to_owned() } else { status.to_string() };
        let answers: Map<String, Value> =
            self.sent.answers.iter().map(|(status, count)| (named(status), (*count).into())).collect();
        json!({
            "events": self.events,
            "batch": self.batch,
            "connections": self.connections,
            "rate": self.rate,
            "delivered": self.is_delivered,
            "accepted": self.sent.accepted,
            "seconds": self.sent.took.as_secs_f64(),
            "events_per_second": self.rate(),
            "answers": answers,
            "latency_ms": { "p50": self.quantile(0.5), "p99": self.quantile(0.99), "max": self.quantile(1.0) },
            "through_seconds": self.through.as_secs_f64(),
            "left": self.left,
            "cpu_us_per_event": self.each(),
            "resident_bytes": self.cost.map(|cost| cost.resident_bytes),
        })
    }

    /// For people, one thing a line.
    pub(super) fn words(&self) -> String {
        let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.1}"));
        let named = |(status, count): (&u16, &u64)| match status {
            0 => format!("none: {count}"),
            status => format!("{status}: {count}"),
        };
        let answers: Vec<String> = self.sent.answers.iter().map(named).collect();
        let pace = self.rate.map_or("as fast as answered".to_owned(), |rate| format!("{rate} a second"));
        let mut text = format!(
            "sent      {} events, {} a request, {} connections, {pace}\n\
             accepted  {} in {:.2} s: {:.0} a second\n\
             answers   {}\n\
             latency   p50 {} ms, p99 {} ms, max {} ms\n",
            self.events,
            self.batch,
            self.connections,
            self.sent.accepted,
            self.sent.took.as_secs_f64(),
            self.rate(),
            answers.join(", "),
            number(self.quantile(0.5)),
            number(self.quantile(0.99)),
            number(self.quantile(1.0)),
        );
        text.push_str(&self.about_destinations());
        text.push_str(&self.sizing());
        text
    }

    fn about_destinations(&self) -> String {
        let seconds = self.through.as_secs_f64();
        match self.left {
            _ if !self.is_delivered => {
                "delivered nothing; `--deliver` lets destinations have the events\n".to_owned()
            }
            Some(0) => format!("delivered after {seconds:.2} s\n"),
            Some(left) => format!("delivered not all: {left} events still wait after {seconds:.0} s\n"),
            None => {
                "delivered: the router does not tell; it wants a token that cannot be made here\n".to_owned()
            }
        }
    }

    /// What the machine would take: the last line.
    fn sizing(&self) -> String {
        let (Some(cost), Some(each)) = (self.cost, self.each()) else {
            return "sizing    the router's metrics are out of reach\n".to_owned();
        };
        format!(
            "sizing    {each:.1} µs of CPU an event, {:.0} MiB: one core is busy with {:.0} events a second like these\n",
            cost.resident_bytes / 1_048_576.0,
            1e6 / each.max(f64::EPSILON),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn report() -> Report {
        let sent = Sent {
            took: Duration::from_secs(2),
            accepted: 1_900,
            answers: BTreeMap::from([(0, 1), (200, 19)]),
            latencies: (1..=19).map(Duration::from_millis).collect(),
        };
        Report {
            events: 2_000,
            batch: 100,
            connections: 4,
            rate: Some(1_000),
            is_delivered: true,
            sent,
            through: Duration::from_millis(2_500),
            left: Some(0),
            cost: Some(Cost { cpu_seconds: 0.019, resident_bytes: 104_857_600.0 }),
        }
    }

    #[test]
    fn a_person_reads_what_was_taken_how_soon_and_what_it_cost() {
        let words = report().words();
        let expected = "sent      2000 events, 100 a request, 4 connections, 1000 a second\n\
                        accepted  1900 in 2.00 s: 950 a second\n\
                        answers   none: 1, 200: 19\n\
                        latency   p50 10.0 ms, p99 19.0 ms, max 19.0 ms\n\
                        delivered after 2.50 s\n\
                        sizing    10.0 µs of CPU an event, 100 MiB: one core is busy with 100000 events a second like these\n";
        assert_eq!(words, expected);
        assert!(!report().is_whole());
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let sent = Sent { answers: BTreeMap::from([(0, 20)]), ..Sent::default() };
        let nothing = Report { sent, left: None, cost: None, ..report() };
        let told = nothing.json();
        for name in ["cpu_us_per_event", "resident_bytes", "left"] {
            assert!(told[name].is_null(), "{told}");
        }
        assert!(told["latency_ms"]["p99"].is_null() && told["answers"]["none"] == 20, "{told}");
        assert!(nothing.words().contains("latency   p50 – ms") && nothing.words().contains("out of reach"));
    }
}
