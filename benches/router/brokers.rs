//! Brokers for the scenarios whose journal is a topic: librdkafka's own, in a process of their own (this program, called
//! again), so that their time is not counted.
//!
//! They keep at most 5 MiB of each partition, so there are many. Without Kafka in the build there are none.

use anyhow::bail;
#[cfg(feature = "kafka")]
use std::io::{BufRead as _, BufReader, Read as _};
#[cfg(feature = "kafka")]
use std::process::{Command, Stdio};

/// How this program is called to be the brokers.
pub(crate) const BROKERS: &str = "brokers";
#[cfg(feature = "kafka")]
const PARTITIONS: i32 = 48;

/// A running cluster; ends when dropped.
pub(crate) struct Brokers {
    child: std::process::Child,
    addresses: Vec<String>,
}

#[cfg(feature = "kafka")]
impl Brokers {
    /// Starts three brokers with the topics of a router.
    pub(crate) fn start() -> anyhow::Result<Brokers> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(BROKERS).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut addresses = String::new();
        let Some(out) = child.stdout.take() else { bail!("the brokers say nothing") };
        BufReader::new(out).read_line(&mut addresses)?;
        Ok(Brokers { child, addresses: addresses.trim().split(',').map(str::to_owned).collect() })
    }
}

#[cfg(not(feature = "kafka"))]
impl Brokers {
    /// There are none.
    pub(crate) fn start() -> anyhow::Result<Brokers> {
        bail!("this build is without Kafka")
    }
}

impl Brokers {
    /// Returns the journal's part of a configuration. These brokers do not say what the topic takes; others do.
    pub(crate) fn journal(&self) -> String {
        format!(
            "[journal]\nengine = \"kafka\"\n\n[journal.kafka]\nbrokers = {:?}\ntopic = \"journal\"\n\
             max_message_bytes = \"1MiB\"\n\n",
            self.addresses
        )
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Is a cluster until the standard input ends.
#[cfg(feature = "kafka")]
pub(crate) fn be_brokers() -> anyhow::Result<()> {
    let cluster = rdkafka::mocking::MockCluster::new(3)?;
    cluster.create_topic("journal", PARTITIONS, 3)?;
    cluster.create_topic("journal.dead", 1, 3)?;
    super::figures::say(&cluster.bootstrap_servers())?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Is nothing.
#[cfg(not(feature = "kafka"))]
pub(crate) fn be_brokers() -> anyhow::Result<()> {
    bail!("this build is without Kafka")
}
