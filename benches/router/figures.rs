//! What one run measured, the median of several, and how both are printed.
//!
//! Separate so that every scenario speaks in the same words and units. Judges nothing.

use std::fmt;
use std::io::Write as _;

use super::receiver::Tally;

/// The figures of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Microseconds of processor time of the router per event, user and system.
    pub(crate) cpu_us: f64,
    /// Events acknowledged a second.
    pub(crate) accepted: f64,
    /// Events a second from the first request to the last delivery.
    pub(crate) through: f64,
    /// Latency of requests, milliseconds.
    pub(crate) p50_ms: f64,
    /// Latency of requests, milliseconds.
    pub(crate) p99_ms: f64,
    /// Resident memory before the first request, MiB.
    pub(crate) idle_mib: f64,
    /// Most resident memory, MiB.
    pub(crate) peak_mib: f64,
    /// Bytes of the journal's files per byte of the events as they were sent.
    pub(crate) journal: f64,
    /// Bytes per event that the process has had written to its disk: journal, reports, warehouse.
    pub(crate) written: f64,
    /// What became of the events, over all destinations.
    pub(crate) tally: Tally,
}

impl Figures {
    /// Returns the median of each figure; lost and repeated events are summed. `None` without any run.
    pub(crate) fn median(runs: &[Figures]) -> Option<Figures> {
        let of = |figure: fn(&Figures) -> f64| median(runs.iter().map(figure).collect());
        (!runs.is_empty()).then(|| Figures {
            cpu_us: of(|run| run.cpu_us),
            accepted: of(|run| run.accepted),
            through: of(|run| run.through),
            p50_ms: of(|run| run.p50_ms),
            p99_ms: of(|run| run.p99_ms),
            idle_mib: of(|run| run.idle_mib),
            peak_mib: of(|run| run.peak_mib),
            journal: of(|run| run.journal),
            written: of(|run| run.written),
            tally: runs.iter().map(|run| run.tally).fold(Tally::default(), Tally::and),
        })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} µs CPU/event, {} accepted/s, {} through/s, request p50 {:.1} p99 {:.1} ms, RSS idle {:.1} peak {:.1} \
             MiB, journal {:.3} bytes/byte, {} bytes written/event, {}",
            self.cpu_us,
            thousands(self.accepted),
            thousands(self.through),
            self.p50_ms,
            self.p99_ms,
            self.idle_mib,
            self.peak_mib,
            self.journal,
            thousands(self.written),
            self.tally,
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost {} repeated {}", self.lost, self.repeated)?;
        if self.invented > 0 { write!(f, " invented {}", self.invented) } else { Ok(()) }
    }
}

/// Returns the middle of the values, the mean of the two middle ones for an even number, NaN for none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let last = values.len().saturating_sub(1);
    f64::midpoint(at(last / 2), at(last.div_ceil(2)))
}

/// Returns a whole number with commas between the thousands.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Prints a line at once.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
