//! SIGTERM and SIGINT: the first stops gracefully, the second at once. SIGHUP: the configuration is read again.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts to listen: from here on the signals do not kill the process by themselves.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Starts to listen for SIGHUP, which from here on does not kill the process.
    pub(super) fn hangup() -> std::io::Result<Signal> {
        signal(SignalKind::hangup())
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
