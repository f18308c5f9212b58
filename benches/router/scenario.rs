//! The scenarios that send as fast as the router answers: what is sent, where it goes, and one measured run.
//!
//! Separate from the special ones (`rate`, `start`) because all rows of this table are measured in one way.

use std::fmt::Write as _;

use anyhow::Context as _;

use super::brokers::Brokers;
use super::events::Requests;
use super::figures::Figures;
use super::load;
use super::receiver::{Receiver, Tally};
use super::router::Router;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    /// How it is chosen.
    pub(crate) name: &'static str,
    /// Events in a request.
    size: usize,
    /// Events in a run unless told otherwise.
    events: usize,
    webhooks: usize,
    warehouse: bool,
    /// Whether the client's address is in the text of every event.
    addresses: bool,
    /// Whether the journal is a topic of brokers in another process, whose time is not counted.
    kafka: bool,
}

/// All of them, in the order in which they run.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "batch-journal",
        size: 100,
        events: 200_000,
        webhooks: 0,
        warehouse: false,
        addresses: false,
        kafka: false,
    },
    Scenario {
        name: "batch-webhook",
        size: 100,
        events: 200_000,
        webhooks: 1,
        warehouse: false,
        addresses: false,
        kafka: false,
    },
    Scenario {
        name: "batch-webhook-ip",
        size: 100,
        events: 200_000,
        webhooks: 1,
        warehouse: false,
        addresses: true,
        kafka: false,
    },
    Scenario {
        name: "batch-four",
        size: 100,
        events: 200_000,
        webhooks: 4,
        warehouse: false,
        addresses: false,
        kafka: false,
    },
    Scenario {
        name: "single-webhook",
        size: 1,
        events: 60_000,
        webhooks: 1,
        warehouse: false,
        addresses: false,
        kafka: false,
    },
    Scenario {
        name: "batch-sqlite",
        size: 100,
        events: 200_000,
        webhooks: 0,
        warehouse: true,
        addresses: false,
        kafka: false,
    },
    Scenario {
        name: "batch-three",
        size: 100,
        events: 200_000,
        webhooks: 2,
        warehouse: true,
        addresses: false,
        kafka: false,
    },
    #[cfg(feature = "kafka")]
    Scenario {
        name: "kafka-journal",
        size: 100,
        events: 200_000,
        webhooks: 0,
        warehouse: false,
        addresses: false,
        kafka: true,
    },
    #[cfg(feature = "kafka")]
    Scenario {
        name: "kafka-webhook",
        size: 100,
        events: 200_000,
        webhooks: 1,
        warehouse: false,
        addresses: false,
        kafka: true,
    },
];

impl Scenario {
    /// Returns how many requests a run sends, for this many events or its own default.
    pub(crate) fn requests(&self, events: Option<usize>) -> usize {
        events.unwrap_or(self.events).div_ceil(self.size)
    }

    /// Returns its requests.
    pub(crate) fn corpus(&self) -> Requests {
        if self.addresses { Requests::with_addresses(self.size) } else { Requests::new(self.size) }
    }

    /// Runs once with a new router and returns what was measured.
    pub(crate) async fn run(&self, requests: &Requests, count: usize) -> anyhow::Result<Figures> {
        let events = count * self.size;
        let receivers = start_receivers(self.webhooks, events)?;
        let brokers = if self.kafka { Some(Brokers::start()?) } else { None };
        let journal = brokers.as_ref().map(Brokers::journal).unwrap_or_default();
        let mut router = Router::start(&(journal + &tables(&receivers, self.warehouse))).await?;
        if self.kafka {
            router.until_reading().await?;
        }
        let idle_mib = router.memory("VmRSS")?;
        let (cpu, written) = (router.cpu()?, router.written()?);
        let sent = load::as_fast_as_answered(router.port, requests, count).await?;
        let accepted = router.accepted().await?;
        router.until_settled(accepted).await?;
        let mut through = sent.began.elapsed();
        if self.kafka && self.webhooks == 0 {
            // Nobody else tells that the events are through.
            through = router.until_read().await?.duration_since(sent.began);
        }
        let cpu = router.cpu()? - cpu;
        let mut figures = Figures {
            cpu_us: cpu.as_secs_f64() * 1e6 / events as f64,
            accepted: events as f64 / sent.took.as_secs_f64(),
            through: events as f64 / through.as_secs_f64(),
            p50_ms: sent.quantile(0.5),
            p99_ms: sent.quantile(0.99),
            idle_mib,
            peak_mib: router.memory("VmHWM")?,
            journal: router.journal_bytes()? as f64 / requests.raw_bytes(count) as f64,
            written: (router.written()? - written) as f64 / events as f64,
            tally: Tally::of(accepted, events),
        };
        router.stop().await?;
        if self.warehouse {
            figures.tally = figures.tally.and(router.warehouse_tally(events)?);
        }
        figures.tally = receivers.iter().map(Receiver::tally).fold(figures.tally, Tally::and);
        Ok(figures)
    }
}

/// Starts this many receivers of the same events.
pub(crate) fn start_receivers(count: usize, events: usize) -> anyhow::Result<Vec<Receiver>> {
    let receivers: std::io::Result<_> = (0..count).map(|_| Receiver::start(events)).collect();
    receivers.context("no receiver can be started")
}

/// Returns the destinations' part of a configuration; everything else keeps its default, `fsync` with it.
pub(crate) fn tables(receivers: &[Receiver], warehouse: bool) -> String {
    let mut text = String::new();
    if warehouse {
        text.push_str("[destinations.warehouse]\ntype = \"sqlite\"\n\n");
    }
    for (number, receiver) in receivers.iter().enumerate() {
        writeln!(
            text,
            "[destinations.webhook{number}]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{}/in\"\n",
            receiver.port
        )
        .ok();
    }
    text
}
